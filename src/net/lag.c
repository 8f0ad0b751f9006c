#include "lag_internal.h"

#include <stdbool.h>
#include <string.h>

/* Below 4 a bucket holds one value; above, the power of two and the two bits after the top one. */
static unsigned bucket_of(uint64_t value)
{
    if (value < 4) {
        return (unsigned)value;
    }
    unsigned power = 63u - (unsigned)__builtin_clzll(value);
    unsigned bucket = 4 * (power - 1) + (unsigned)(value >> (power - 2) & 3);
    return bucket < EZ_LAG_BUCKETS ? bucket : EZ_LAG_BUCKETS - 1;
}

/* The largest value of a bucket. */
static uint64_t edge_of(unsigned bucket)
{
    if (bucket < 4) {
        return bucket;
    }
    unsigned power = bucket / 4 + 1;
    return ((uint64_t)(4 + bucket % 4 + 1) << (power - 2)) - 1;
}

/* Around the 5 ms that the loop is to keep, and up to what a person would notice. */
const uint64_t ez_lag_edges_us[EZ_LAG_EDGES] = {500,   1000,  2500,   5000,   10000,
                                                25000, 50000, 100000, 250000, 1000000};

static void count(ez_lag_histogram *histogram, uint64_t lag_us)
{
    for (unsigned i = 0; i < EZ_LAG_EDGES; i++) {
        histogram->counts[i] += lag_us <= ez_lag_edges_us[i];
    }
    histogram->count++;
    histogram->sum_us += lag_us;
}

void ez_lag_add(ez_lag *lag, uint64_t lag_us, uint64_t now_us)
{
    count(&lag->histogram, lag_us);
    uint64_t number = now_us / EZ_LAG_SLICE_US + 1; /* 0 marks a slice never used */
    ez_lag_slice *slice = &lag->slices[number % EZ_LAG_SLICES];
    if (slice->number != number) {
        memset(slice, 0, sizeof *slice);
        slice->number = number;
    }
    slice->counts[bucket_of(lag_us)]++;
    if (lag_us > slice->max_us) {
        slice->max_us = lag_us;
    }
}

static uint64_t percentile(const uint64_t *counts, uint64_t total, unsigned percent)
{
    uint64_t rank = (total * percent + 99) / 100;
    uint64_t below = 0;
    for (unsigned i = 0; i < EZ_LAG_BUCKETS; i++) {
        below += counts[i];
        if (below >= rank && below > 0) {
            return edge_of(i);
        }
    }
    return 0;
}

ez_lag_summary ez_lag_summarize(const ez_lag *lag, uint64_t now_us)
{
    uint64_t counts[EZ_LAG_BUCKETS] = {0};
    uint64_t total = 0;
    uint64_t newest = now_us / EZ_LAG_SLICE_US + 1;
    ez_lag_summary summary = {0};
    for (unsigned s = 0; s < EZ_LAG_SLICES; s++) {
        const ez_lag_slice *slice = &lag->slices[s];
        if (slice->number == 0 || slice->number + EZ_LAG_SLICES <= newest) {
            continue;
        }
        for (unsigned i = 0; i < EZ_LAG_BUCKETS; i++) {
            counts[i] += slice->counts[i];
            total += slice->counts[i];
        }
        summary.max_us = slice->max_us > summary.max_us ? slice->max_us : summary.max_us;
    }
    summary.p50_us = percentile(counts, total, 50);
    summary.p99_us = percentile(counts, total, 99);
    /* An edge may lie above every value that was seen. */
    summary.p50_us = summary.p50_us < summary.max_us ? summary.p50_us : summary.max_us;
    summary.p99_us = summary.p99_us < summary.max_us ? summary.p99_us : summary.max_us;
    return summary;
}
