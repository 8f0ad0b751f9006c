/* Nodes in an array by arrival number, for pages that start anywhere. Who leaves makes a hole; the
 * array is closed up when holes are more than half of it, so that removing costs O(1) amortised. */
#include "pool_internal.h"

#include <stdlib.h>

#define HOLES_MIN  64 /* closing up less is not worth it */
#define READ_AHEAD 8

/* The place of the first slot whose number is above `number`. */
static size_t place_after(const ez_pool_arrivals *arrivals, uint64_t number)
{
    size_t low = 0;
    size_t high = arrivals->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (arrivals->slots[middle].number > number) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

void ez_pool_arrivals_add(ez_pool_arrivals *arrivals, ez_pool_node *node)
{
    if (arrivals->count == arrivals->capacity) {
        arrivals->capacity = arrivals->capacity > 0 ? arrivals->capacity * 2 : HOLES_MIN;
        arrivals->slots = ez_realloc(arrivals->slots, arrivals->capacity, sizeof(*arrivals->slots));
    }
    arrivals->slots[arrivals->count++] = (ez_pool_arrival){node->entry.arrival, node};
}

static void close_up(ez_pool_arrivals *arrivals)
{
    size_t kept = 0;
    for (size_t i = 0; i < arrivals->count; i++) {
        if (arrivals->slots[i].node != NULL) {
            arrivals->slots[kept++] = arrivals->slots[i];
        }
    }
    arrivals->count = kept;
    arrivals->holes = 0;
    if (kept < arrivals->capacity / 4) {
        arrivals->capacity /= 2;
        arrivals->slots = ez_realloc(arrivals->slots, arrivals->capacity, sizeof(*arrivals->slots));
    }
}

/* Where it would be if nothing had been closed up since the first: mostly, it is. */
static size_t place_of(const ez_pool_arrivals *arrivals, uint64_t number)
{
    const uint64_t guess = number - arrivals->slots[0].number;
    const bool right = guess < arrivals->count && arrivals->slots[guess].number == number;
    return right ? (size_t)guess : place_after(arrivals, number) - 1;
}

void ez_pool_arrivals_remove(ez_pool_arrivals *arrivals, const ez_pool_node *node)
{
    EZ_ASSERT(arrivals->count > 0);
    const size_t place = place_of(arrivals, node->entry.arrival);
    EZ_ASSERT(place < arrivals->count && arrivals->slots[place].node == node);
    arrivals->slots[place].node = NULL;
    arrivals->holes++;
    if (arrivals->holes >= HOLES_MIN && arrivals->holes > arrivals->count / 2) {
        close_up(arrivals);
    }
}

ez_pool_node *ez_pool_arrivals_after(const ez_pool_arrivals *arrivals, uint64_t number)
{
    size_t place = place_after(arrivals, number);
    while (place < arrivals->count && arrivals->slots[place].node == NULL) {
        place++;
    }
    return place < arrivals->count ? arrivals->slots[place].node : NULL;
}

/* The next entry's memory is on its way while the caller is busy with the one before: first the
 * node, and when that is here, what it points to. Alone, either costs as much as a SipHash. */
static void read_ahead(const ez_pool_arrivals *arrivals, size_t place)
{
    const size_t far = place + READ_AHEAD;
    const size_t near = place + READ_AHEAD / 2;
    if (far < arrivals->count && arrivals->slots[far].node != NULL) {
        __builtin_prefetch(arrivals->slots[far].node);
    }
    if (near < arrivals->count && arrivals->slots[near].node != NULL) {
        __builtin_prefetch(arrivals->slots[near].node->entry.bytes);
    }
}

const ez_pool_entry *ez_pool_walk_next(const ez_pool *pool, ez_pool_walk *walk)
{
    const ez_pool_arrivals *const arrivals = &pool->arrivals;
    while (walk->place < arrivals->count) {
        const ez_pool_node *const node = arrivals->slots[walk->place++].node;
        read_ahead(arrivals, walk->place);
        if (node != NULL) {
            return &node->entry;
        }
    }
    return NULL;
}

void ez_pool_arrivals_clear(ez_pool_arrivals *arrivals)
{
    free(arrivals->slots);
    *arrivals = (ez_pool_arrivals){0};
}
