/* Choosing entries for a block, best first. The pool keeps the heads of all ready runs in a heap,
 * which is only read here: a second heap holds what could come next, which is those whose parents
 * in the first were looked at, and of each run that gave an entry the one behind it. So a block
 * costs by what goes into it, however many signers there are. Notes from labels, none of which pays
 * a fee, are one run more, in order of arrival. */
#include "pool_internal.h"

#include <stdlib.h>

/* What is compared stands in the heap itself: nodes are strewn over memory. */
typedef struct candidate {
    const ez_pool_node *node;
    uint64_t fee;
    uint64_t arrival;
    uint32_t size;
    uint32_t head_place; /* in the heap of heads; 0: it came in by its run */
} candidate;

typedef struct candidates {
    candidate *items;
    size_t count;
    size_t capacity;
} candidates;

/* Whether `a` is taken before `b`: the higher fee per byte, the first to arrive among equals. */
static bool goes_first(const candidate *a, const candidate *b)
{
    const int order = ez_pool_compare_rate(a->fee, a->size, b->fee, b->size);
    return order > 0 || (order == 0 && a->arrival < b->arrival);
}

static void push(candidates *heap, const ez_pool_node *node, uint32_t head_place)
{
    const candidate added = {node, node->entry.fee, node->entry.arrival, node->size, head_place};
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity > 0 ? heap->capacity * 2 : 64;
        heap->items = ez_realloc(heap->items, heap->capacity, sizeof(*heap->items));
    }
    size_t place = heap->count++;
    while (place > 0 && goes_first(&added, &heap->items[(place - 1) / 2])) {
        heap->items[place] = heap->items[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap->items[place] = added;
}

static candidate pop(candidates *heap)
{
    const candidate first = heap->items[0];
    const candidate moved = heap->items[--heap->count];
    size_t place = 0;
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
    return first;
}

static void push_head(candidates *heap, const ez_pool *pool, uint32_t place)
{
    if (place <= pool->heads.count) {
        push(heap, pool->heads.nodes[place - 1], place);
    }
}

/* What competes once `looked_at` was. An entry that is not taken ends its run, since those behind
 * it need it; a note that is not taken is passed over, unless it is new, as all behind it are. */
static void push_next(candidates *heap, const ez_pool *pool, const candidate *looked_at,
                      bool is_new, bool is_taken)
{
    const ez_pool_node *const node = looked_at->node;
    if (looked_at->head_place != 0) {
        push_head(heap, pool, looked_at->head_place * 2);
        push_head(heap, pool, looked_at->head_place * 2 + 1);
    }
    const bool goes_on =
        node->entry.from_address ? is_taken && node != node->signer->ready_last : !is_new;
    if (goes_on && node->run_next != NULL) {
        push(heap, node->run_next, 0);
    }
}

size_t ez_pool_select(const ez_pool *pool, const ez_pool_entry **out, size_t out_max,
                      size_t bytes_max, uint64_t arrival_end)
{
    candidates heap = {.count = 0};
    size_t count = 0;
    size_t misfits = 0; /* in a row */
    size_t room = bytes_max;
    push_head(&heap, pool, 1);
    if (pool->notes.first != NULL) {
        push(&heap, pool->notes.first, 0);
    }
    while (heap.count > 0 && count < out_max && room >= EZ_POOL_TX_BYTES_MIN &&
           misfits < pool->limits.misfits_max) {
        const candidate best = pop(&heap);
        const bool is_new = best.arrival >= arrival_end;
        const bool is_taken = !is_new && best.size <= room;
        if (is_taken) {
            out[count++] = &best.node->entry;
            room -= best.size;
            misfits = 0;
        } else if (!is_new) {
            misfits++;
        }
        push_next(&heap, pool, &best, is_new, is_taken);
    }
    free(heap.items);
    return count;
}
