#include "topology.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/siphash.h"

#include <stdlib.h>
#include <string.h>

#define TRIES_MAX 100 /* to find a partner that is not taken; in vain only among very few hosts */

/* ---- a random regular graph ------------------------------------------------------------------ */

static void shuffle(ez_rng *rng, size_t *list, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        const size_t other = ez_rng_below(rng, i);
        const size_t kept = list[i - 1];
        list[i - 1] = list[other];
        list[other] = kept;
    }
}

static bool has_dial(const size_t *dials, size_t per_host, size_t from, size_t to)
{
    for (size_t k = 0; k < per_host; k++) {
        if (dials[(from - 1) * per_host + k] == to) {
            return true;
        }
    }
    return false;
}

static bool may_link(const size_t *dials, size_t per_host, size_t a, size_t b)
{
    return a != b && !has_dial(dials, per_host, a, b) && !has_dial(dials, per_host, b, a);
}

/* A ring through all hosts in random order, as dial number `k` of each. A step that would repeat a
 * link swaps its end with a random later one; the last may be left out. */
static void add_ring(ez_rng *rng, size_t *dials, size_t nodes, size_t per_host, size_t k)
{
    size_t *const order = ez_alloc(nodes, sizeof(*order));
    for (size_t i = 0; i < nodes; i++) {
        order[i] = i + 1;
    }
    shuffle(rng, order, nodes);
    for (size_t i = 0; i < nodes; i++) {
        const size_t next = (i + 1) % nodes;
        for (int try = 0; try < TRIES_MAX && next > 0 && next + 1 < nodes &&
                          !may_link(dials, per_host, order[i], order[next]);
             try++) {
            const size_t other = next + ez_rng_below(rng, nodes - next);
            const size_t kept = order[next];
            order[next] = order[other];
            order[other] = kept;
        }
        if (may_link(dials, per_host, order[i], order[next])) {
            dials[(order[i] - 1) * per_host + k] = order[next];
        }
    }
    free(order);
}

size_t *ez_topology_regular(ez_rng *rng, size_t nodes, size_t links)
{
    const size_t per_host = links / 2;
    size_t *const dials = ez_alloc(nodes * per_host + 1, sizeof(*dials));
    for (size_t k = 0; k < per_host; k++) {
        add_ring(rng, dials, nodes, per_host, k);
    }
    return dials;
}

/* ---- distances ------------------------------------------------------------------------------- */

/* North America, Europe, South America, Asia and Pacific, Australia: average latencies of 2019 in
 * ms as published with SimBlock (Aoki et al., "SimBlock: A Blockchain Network Simulator", 2019),
 * and, in thousandths, where Bitcoin's nodes stood then (there: Japan is counted with Asia). */
#define CONTINENTS 5

static const uint16_t continent_ms[CONTINENTS][CONTINENTS] = {{32, 124, 184, 198, 189},
                                                              {124, 11, 227, 237, 294},
                                                              {184, 227, 88, 325, 322},
                                                              {198, 237, 325, 85, 198},
                                                              {189, 294, 322, 198, 16}};
static const uint16_t continent_share[CONTINENTS] = {332, 500, 9, 140, 19};

static size_t continent_of(const ez_distances *distances, size_t host)
{
    const uint64_t number = host;
    uint64_t at = ez_siphash(&distances->key, &number, sizeof(number)) % 1000;
    size_t continent = 0;
    while (at >= continent_share[continent]) {
        at -= continent_share[continent++];
    }
    return continent;
}

static bool is_special(const ez_distances *distances, size_t host)
{
    return host >= distances->special_first && host <= distances->special_last;
}

ez_time_ms ez_distance_ms(const void *self, size_t a, size_t b)
{
    const ez_distances *const distances = self;
    const uint64_t pair[2] = {a < b ? a : b, a < b ? b : a};
    const uint64_t drawn = ez_siphash(&distances->key, pair, sizeof(pair));
    ez_time_ms base;
    if (distances->special_ms > 0 && (is_special(distances, a) || is_special(distances, b))) {
        return distances->special_ms;
    }
    switch (distances->model) {
    case EZ_LATENCY_CONSTANT:
        return distances->min_ms;
    case EZ_LATENCY_UNIFORM:
        return distances->min_ms + drawn % (distances->max_ms - distances->min_ms + 1);
    case EZ_LATENCY_CONTINENTS:
        base = continent_ms[continent_of(distances, a)][continent_of(distances, b)];
        return base * 4 / 5 + drawn % (base * 2 / 5 + 1); /* a fifth to either side */
    }
    return distances->min_ms;
}

/* ---- shortest paths -------------------------------------------------------------------------- */

typedef struct neighbours {
    size_t *first; /* of each host in `to`; one more at the end */
    uint32_t *to, *ms;
} neighbours;

static void fill_neighbours(neighbours *out, const ez_world_link *links, size_t link_count,
                            size_t host_count)
{
    out->first = ez_alloc(host_count + 3, sizeof(*out->first));
    out->to = ez_alloc(2 * link_count + 1, sizeof(*out->to));
    out->ms = ez_alloc(2 * link_count + 1, sizeof(*out->ms));
    for (size_t i = 0; i < link_count; i++) {
        out->first[links[i].a + 2]++;
        out->first[links[i].b + 2]++;
    }
    for (size_t i = 2; i < host_count + 3; i++) {
        out->first[i] += out->first[i - 1];
    }
    for (size_t i = 0; i < link_count; i++) {
        const size_t at_a = out->first[links[i].a + 1]++;
        const size_t at_b = out->first[links[i].b + 1]++;
        out->to[at_a] = (uint32_t)links[i].b;
        out->to[at_b] = (uint32_t)links[i].a;
        out->ms[at_a] = out->ms[at_b] = (uint32_t)links[i].latency;
    }
}

/* Hosts to look at, nearest first: a binary heap of (distance, host) in one number. */
typedef struct host_heap {
    uint64_t *heap;
    size_t count;
} host_heap;

static void push(host_heap *frontier, uint64_t value)
{
    size_t at = frontier->count++;
    for (; at > 0 && value < frontier->heap[(at - 1) / 2]; at = (at - 1) / 2) {
        frontier->heap[at] = frontier->heap[(at - 1) / 2];
    }
    frontier->heap[at] = value;
}

static uint64_t pop(host_heap *frontier)
{
    const uint64_t top = frontier->heap[0];
    const uint64_t last = frontier->heap[--frontier->count];
    size_t at = 0;
    for (size_t child = 1; child < frontier->count; child = 2 * at + 1) {
        child += child + 1 < frontier->count && frontier->heap[child + 1] < frontier->heap[child];
        if (last <= frontier->heap[child]) {
            break;
        }
        frontier->heap[at] = frontier->heap[child];
        at = child;
    }
    frontier->heap[at] = last;
    return top;
}

uint32_t *ez_shortest_paths(const ez_world_link *links, size_t link_count, size_t host_count,
                            size_t from)
{
    neighbours near;
    host_heap frontier = {ez_alloc(2 * link_count + 2, sizeof(uint64_t)), 0};
    uint32_t *const best = ez_alloc(host_count + 1, sizeof(*best));
    fill_neighbours(&near, links, link_count, host_count);
    memset(best, 0xff, (host_count + 1) * sizeof(*best));
    best[from] = 0;
    push(&frontier, from);
    while (frontier.count > 0) {
        const uint64_t top = pop(&frontier);
        const size_t host = top & UINT32_MAX;
        if (top >> 32 != best[host]) {
            continue;
        }
        for (size_t i = near.first[host]; i < near.first[host + 1]; i++) {
            const uint32_t ms = best[host] + near.ms[i];
            if (ms < best[near.to[i]]) {
                best[near.to[i]] = ms;
                push(&frontier, (uint64_t)ms << 32 | near.to[i]);
            }
        }
    }
    free(near.first);
    free(near.to);
    free(near.ms);
    free(frontier.heap);
    return best;
}
