/* Choosing entries for a block: a heap of what could come next. Each signer's run is a stream, of
 * which only the first entry competes; notes from labels, none of which pays a fee, are one stream
 * more, in order of arrival. The heap is therefore as large as there are signers, not entries. */
#include "pool_internal.h"

#include <stdlib.h>

typedef struct candidates {
    const ez_pool_node **nodes;
    size_t count;
} candidates;

/* Whether `a` is taken before `b`: the higher fee per byte, the first to arrive among equals. */
static bool goes_first(const ez_pool_node *a, const ez_pool_node *b)
{
    const int order = ez_pool_compare_rate(a->entry.fee, ez_blob_size(a->entry.bytes), b->entry.fee,
                                           ez_blob_size(b->entry.bytes));
    return order > 0 || (order == 0 && a->entry.arrival < b->entry.arrival);
}

static void sift_down(candidates *heap, size_t place)
{
    const ez_pool_node *const node = heap->nodes[place];
    for (;;) {
        size_t child = place * 2 + 1;
        if (child + 1 < heap->count && goes_first(heap->nodes[child + 1], heap->nodes[child])) {
            child++;
        }
        if (child >= heap->count || !goes_first(heap->nodes[child], node)) {
            break;
        }
        heap->nodes[place] = heap->nodes[child];
        place = child;
    }
    heap->nodes[place] = node;
}

/* `node` or the first note from a label that arrived after it. */
static const ez_pool_node *note_from(const ez_pool_node *node)
{
    while (node != NULL && node->entry.from_address) {
        node = node->hh.next;
    }
    return node;
}

static void collect(candidates *heap, const ez_pool *pool)
{
    heap->nodes = ez_alloc(HASH_COUNT(pool->signers) + 1, sizeof(const ez_pool_node *));
    for (const ez_pool_signer *at = pool->signers; at != NULL; at = at->hh.next) {
        if (at->ready_last != NULL) {
            heap->nodes[heap->count++] = at->run_first;
        }
    }
    const ez_pool_node *const note = note_from(pool->nodes);
    if (note != NULL) {
        heap->nodes[heap->count++] = note;
    }
    for (size_t place = heap->count / 2; place > 0; place--) {
        sift_down(heap, place - 1);
    }
}

/* What competes once `node` has been looked at. An entry that does not fit ends its signer's
 * stream, since those behind it need it; a note that does not fit is passed over. */
static const ez_pool_node *successor(const ez_pool_node *node, bool was_taken)
{
    if (!node->entry.from_address) {
        return note_from(node->hh.next);
    }
    return was_taken && node != node->signer->ready_last ? node->run_next : NULL;
}

static void replace_first(candidates *heap, const ez_pool_node *next)
{
    heap->nodes[0] = next != NULL ? next : heap->nodes[--heap->count];
    if (heap->count > 0) {
        sift_down(heap, 0);
    }
}

size_t ez_pool_select(const ez_pool *pool, const ez_pool_entry **out, size_t out_max,
                      size_t bytes_max)
{
    candidates heap = {.count = 0};
    size_t count = 0;
    size_t room = bytes_max;
    collect(&heap, pool);
    while (heap.count > 0 && count < out_max && room >= EZ_POOL_TX_BYTES_MIN) {
        const ez_pool_node *const node = heap.nodes[0];
        const size_t size = ez_blob_size(node->entry.bytes);
        const bool does_fit = size <= room;
        if (does_fit) {
            out[count++] = &node->entry;
            room -= size;
        }
        replace_first(&heap, successor(node, does_fit));
    }
    free(heap.nodes);
    return count;
}
