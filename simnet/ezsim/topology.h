/* Who is linked to whom, and how far apart they are. Everything here is drawn from the seed with
 * integers only, so that a run is the same on every machine.
 */
#ifndef EZP2P_SIMNET_TOPOLOGY_H
#define EZP2P_SIMNET_TOPOLOGY_H

#include "ezp2p/base/rng.h"
#include "faults.h"
#include "scenario.h"

/* ez_topology_regular: whom each of `nodes` hosts dials so that each has `links` links: one random
 * ring through all of them, which keeps the graph in one piece, and links / 2 - 1 more.
 *   returns  nodes * (links / 2) host numbers, the caller's to free; a host's may hold 0, meaning
 *            none, where few hosts leave no choice */
size_t *ez_topology_regular(ez_rng *rng, size_t nodes, size_t links);

/* The latency between two hosts, for ez_world_config.latency. */
typedef struct ez_distances {
    ez_latency_model model;
    ez_time_ms min_ms, max_ms;
    ez_siphash_key key;
    size_t special_first, special_last; /* hosts whose links all take special_ms, unless 0 */
    ez_time_ms special_ms;
} ez_distances;

ez_time_ms ez_distance_ms(const void *distances, size_t a, size_t b);

/* ez_shortest_paths: the least latency from host `from` to each host over these links.
 *   returns  host_count + 1 values, indexed by host number, the caller's to free; UINT32_MAX where
 *            no path leads */
uint32_t *ez_shortest_paths(const ez_world_link *links, size_t link_count, size_t host_count,
                            size_t from);

#endif
