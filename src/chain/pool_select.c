/* Choosing entries for a block: a heap of what could come next. Each signer's run is a stream, of
 * which only the first entry competes; notes from labels, none of which pays a fee, are one stream
 * more, in order of arrival. The heap is therefore as large as there are signers, not entries. */
#include "pool_internal.h"

#include <stdlib.h>

/* What is compared stands in the heap itself: nodes are strewn over memory. */
typedef struct candidate {
    const ez_pool_node *node;
    uint64_t fee;
    uint64_t arrival;
    size_t size;
} candidate;

typedef struct candidates {
    candidate *items;
    size_t count;
} candidates;

static candidate candidate_of(const ez_pool_node *node)
{
    return (candidate){node, node->entry.fee, node->entry.arrival, node->size};
}

/* Whether `a` is taken before `b`: the higher fee per byte, the first to arrive among equals. */
static bool goes_first(const candidate *a, const candidate *b)
{
    const int order = ez_pool_compare_rate(a->fee, a->size, b->fee, b->size);
    return order > 0 || (order == 0 && a->arrival < b->arrival);
}

static void sift_down(candidates *heap, size_t place)
{
    const candidate moved = heap->items[place];
    for (;;) {
        size_t child = place * 2 + 1;
        if (child + 1 < heap->count && goes_first(&heap->items[child + 1], &heap->items[child])) {
            child++;
        }
        if (child >= heap->count || !goes_first(&heap->items[child], &moved)) {
            break;
        }
        heap->items[place] = heap->items[child];
        place = child;
    }
    heap->items[place] = moved;
}

/* `node` or the first note from a label that arrived after it. */
static const ez_pool_node *note_from(const ez_pool_node *node)
{
    while (node != NULL && node->entry.from_address) {
        node = node->next;
    }
    return node;
}

static void collect(candidates *heap, const ez_pool *pool)
{
    heap->items = ez_alloc(HASH_COUNT(pool->signers) + 1, sizeof(*heap->items));
    for (const ez_pool_signer *at = pool->signers; at != NULL; at = at->hh.next) {
        if (at->ready_last != NULL) {
            heap->items[heap->count++] = candidate_of(at->run_first);
        }
    }
    const ez_pool_node *const note = note_from(pool->nodes);
    if (note != NULL) {
        heap->items[heap->count++] = candidate_of(note);
    }
    for (size_t place = heap->count / 2; place > 0; place--) {
        sift_down(heap, place - 1);
    }
}

/* What competes once `node` has been looked at. An entry that is not taken ends its signer's
 * stream, since those behind it need it; a note that is not taken is passed over. */
static const ez_pool_node *successor(const ez_pool_node *node, bool was_taken)
{
    if (!node->entry.from_address) {
        return note_from(node->next);
    }
    return was_taken && node != node->signer->ready_last ? node->run_next : NULL;
}

static void replace_first(candidates *heap, const ez_pool_node *next)
{
    heap->items[0] = next != NULL ? candidate_of(next) : heap->items[--heap->count];
    if (heap->count > 0) {
        sift_down(heap, 0);
    }
}

size_t ez_pool_select(const ez_pool *pool, const ez_pool_entry **out, size_t out_max,
                      size_t bytes_max, uint64_t arrival_end)
{
    candidates heap = {.count = 0};
    size_t count = 0;
    size_t room = bytes_max;
    collect(&heap, pool);
    while (heap.count > 0 && count < out_max && room >= EZ_POOL_TX_BYTES_MIN) {
        const ez_pool_node *const node = heap.items[0].node;
        const bool is_taken = node->size <= room && node->entry.arrival < arrival_end;
        if (is_taken) {
            out[count++] = &node->entry;
            room -= node->size;
        }
        replace_first(&heap, successor(node, is_taken));
    }
    free(heap.items);
    return count;
}
