#include "ezp2p/gossip/evict.h"

#include <stdlib.h>

enum { PROTECT_PING = 4, PROTECT_BLOCK = 4, PROTECT_TX = 4 };

/* Each order puts those to protect last; the link number decides ties, so that it is repeatable. */

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_link(const ez_evict_candidate *a, const ez_evict_candidate *b)
{
    return compare_u64(a->link.value, b->link.value);
}

static int by_ping(const void *left, const void *right)
{
    const ez_evict_candidate *a = left, *b = right;
    int order = compare_u64(b->ping_ms, a->ping_ms);
    return order != 0 ? order : by_link(a, b);
}

static int by_block(const void *left, const void *right)
{
    const ez_evict_candidate *a = left, *b = right;
    int order = compare_u64(a->last_block, b->last_block);
    return order != 0 ? order : by_link(a, b);
}

static int by_tx(const void *left, const void *right)
{
    const ez_evict_candidate *a = left, *b = right;
    int order = compare_u64(a->last_tx, b->last_tx);
    return order != 0 ? order : by_link(a, b);
}

static int by_youth(const void *left, const void *right)
{
    const ez_evict_candidate *a = left, *b = right;
    int order = compare_u64(b->since, a->since);
    return order != 0 ? order : -by_link(a, b);
}

static size_t group_size(const ez_evict_candidate *candidates, size_t count,
                         const ez_network_group *group)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += memcmp(&candidates[i].group, group, sizeof(*group)) == 0;
    }
    return size;
}

static size_t protect(ez_evict_candidate *candidates, size_t count, size_t how_many,
                      int (*order)(const void *, const void *))
{
    qsort(candidates, count, sizeof(*candidates), order);
    return count > how_many ? count - how_many : 0;
}

ez_link_id ez_evict_choose(ez_evict_candidate *candidates, size_t count)
{
    count = protect(candidates, count, PROTECT_PING, by_ping);
    count = protect(candidates, count, PROTECT_BLOCK, by_block);
    count = protect(candidates, count, PROTECT_TX, by_tx);
    count = protect(candidates, count, count / 2, by_youth);
    if (count == 0) {
        return (ez_link_id){0};
    }
    /* Youngest first now: the first of the most crowded group. */
    size_t best = 0, best_size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size = group_size(candidates, count, &candidates[i].group);
        if (size > best_size) {
            best = i;
            best_size = size;
        }
    }
    return candidates[best].link;
}
