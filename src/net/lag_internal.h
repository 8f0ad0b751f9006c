/* How late the loop comes round, over the last minute: one sample for each probe interval, the
 * larger of the probe timer's lateness and the longest time that one callback held the loop. */
#ifndef EZP2P_NET_LAG_INTERNAL_H
#define EZP2P_NET_LAG_INTERNAL_H

#include "ezp2p/net/driver.h"

#include <stdint.h>

#define EZ_LAG_BUCKETS  128 /* four to each power of two microseconds, up to an hour */
#define EZ_LAG_SLICES   6
#define EZ_LAG_SLICE_US 10000000u

typedef struct ez_lag_slice {
    uint64_t number; /* of the ten seconds it is about */
    uint32_t counts[EZ_LAG_BUCKETS];
    uint64_t max_us;
} ez_lag_slice;

/* A zeroed ez_lag is an empty one. */
typedef struct ez_lag {
    ez_lag_slice slices[EZ_LAG_SLICES];
    ez_lag_histogram histogram; /* since the start */
} ez_lag;

void ez_lag_add(ez_lag *lag, uint64_t lag_us, uint64_t now_us);

typedef struct ez_lag_summary {
    uint64_t p50_us, p99_us, max_us; /* upper edges of buckets; the maximum is exact */
} ez_lag_summary;
ez_lag_summary ez_lag_summarize(const ez_lag *lag, uint64_t now_us);

#endif
