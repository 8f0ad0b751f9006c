/* A binary heap whose members know their places, so that each can leave from the middle. */
#include "pool_internal.h"

#include <stdlib.h>

int ez_pool_compare_rate(uint64_t fee_a, size_t size_a, uint64_t fee_b, size_t size_b)
{
    const uint64_t a = fee_a * size_b;
    const uint64_t b = fee_b * size_a;
    return (a > b) - (a < b);
}

/* Whether a block rather takes `a`: the higher fee per byte, the first to arrive among equals. */
static bool is_better(const ez_pool_node *a, const ez_pool_node *b)
{
    const int order = ez_pool_compare_rate(a->entry.fee, a->size, b->entry.fee, b->size);
    return order > 0 || (order == 0 && a->entry.arrival < b->entry.arrival);
}

static bool goes_first(const ez_pool_heap *heap, const ez_pool_node *a, const ez_pool_node *b)
{
    return heap->order == EZ_POOL_BEST_FIRST ? is_better(a, b) : is_better(b, a);
}

static uint32_t *place_of(const ez_pool_heap *heap, ez_pool_node *node)
{
    return heap->order == EZ_POOL_BEST_FIRST ? &node->signer->head_place : &node->evict_place;
}

static void put(ez_pool_heap *heap, ez_pool_node *node, uint32_t place)
{
    heap->nodes[place - 1] = node;
    *place_of(heap, node) = place;
}

static void sift_up(ez_pool_heap *heap, ez_pool_node *node, uint32_t place)
{
    while (place > 1 && goes_first(heap, node, heap->nodes[place / 2 - 1])) {
        put(heap, heap->nodes[place / 2 - 1], place);
        place /= 2;
    }
    put(heap, node, place);
}

static void sift_down(ez_pool_heap *heap, ez_pool_node *node, uint32_t place)
{
    for (;;) {
        uint32_t child = place * 2;
        if (child < heap->count && goes_first(heap, heap->nodes[child], heap->nodes[child - 1])) {
            child++;
        }
        if (child > heap->count || !goes_first(heap, heap->nodes[child - 1], node)) {
            break;
        }
        put(heap, heap->nodes[child - 1], place);
        place = child;
    }
    put(heap, node, place);
}

void ez_pool_heap_add(ez_pool_heap *heap, ez_pool_node *node)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity > 0 ? heap->capacity * 2 : 16;
        heap->nodes = ez_realloc(heap->nodes, heap->capacity, sizeof(ez_pool_node *));
    }
    heap->count++;
    sift_up(heap, node, heap->count);
}

void ez_pool_heap_replace(ez_pool_heap *heap, uint32_t place, ez_pool_node *node)
{
    if (goes_first(heap, node, heap->nodes[place - 1])) {
        sift_up(heap, node, place);
    } else {
        sift_down(heap, node, place);
    }
}

void ez_pool_heap_remove(ez_pool_heap *heap, uint32_t place)
{
    ez_pool_node *const last = heap->nodes[heap->count - 1];
    heap->count--;
    *place_of(heap, heap->nodes[place - 1]) = 0;
    if (place <= heap->count) {
        ez_pool_heap_replace(heap, place, last);
    }
}

void ez_pool_heap_clear(ez_pool_heap *heap)
{
    free(heap->nodes);
    heap->nodes = NULL;
    heap->count = heap->capacity = 0;
}
