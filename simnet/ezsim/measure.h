/* How blocks and transactions spread: for each, when and where it was first seen and how long the
 * others took. What a fault interrupts is left out from then on; how the network mends itself is
 * judged by the checkers, not by percentiles.
 */
#ifndef EZP2P_SIMNET_MEASURE_H
#define EZP2P_SIMNET_MEASURE_H

#include "ezp2p/base/id.h"
#include "ezp2p/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_HISTOGRAM_TOP 60000u /* larger values are counted here */

typedef struct ez_histogram {
    uint64_t counts[EZ_HISTOGRAM_TOP + 1];
    uint64_t total;
} ez_histogram;

void ez_histogram_add(ez_histogram *histogram, uint64_t value);

/* ez_histogram_at: the smallest value that `percent` of all do not exceed; 0 when empty. */
uint64_t ez_histogram_at(const ez_histogram *histogram, unsigned percent);

typedef struct ez_sighting ez_sighting;

/* Things of one kind. A zeroed one is empty. */
typedef struct ez_spread {
    ez_sighting *sightings;
    uint64_t born;
    ez_histogram arrival_ms;
    ez_histogram ratio_percent; /* of an arrival over its shortest path, where that is known */
} ez_spread;

void ez_spread_clear(ez_spread *spread);
bool ez_spread_knows(const ez_spread *spread, const ez_hash *id);

/* ez_spread_born: a thing is seen for the first time anywhere.
 *   waiting   whether its arrival at each host counts, indexed by number; taken
 *   shortest  latency to each host, indexed alike; taken; may be NULL */
void ez_spread_born(ez_spread *spread, const ez_hash *id, ez_time_ms now, bool *waiting,
                    uint32_t *shortest, size_t host_count);

/* ez_spread_arrived: a host has it now; counts once for each host that is waited for. */
void ez_spread_arrived(ez_spread *spread, const ez_hash *id, ez_time_ms now, size_t host);

/* ez_spread_interrupt: what is still under way is no longer counted. */
void ez_spread_interrupt(ez_spread *spread);

#endif
