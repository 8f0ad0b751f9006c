#include "lag_internal.h"

#include <criterion/criterion.h>

Test(lag, of_nothing_is_nothing)
{
    ez_lag lag = {0};
    ez_lag_summary summary = ez_lag_summarize(&lag, 0);
    cr_assert_eq(summary.p50_us, 0);
    cr_assert_eq(summary.p99_us, 0);
    cr_assert_eq(summary.max_us, 0);
}

Test(lag, percentiles_are_within_a_quarter_and_never_above_the_maximum)
{
    ez_lag lag = {0};
    for (uint64_t i = 1; i <= 1000; i++) {
        ez_lag_add(&lag, i, 1);
    }
    ez_lag_summary summary = ez_lag_summarize(&lag, 1);
    cr_assert(summary.p50_us >= 500 && summary.p50_us <= 625);
    cr_assert(summary.p99_us >= 990 && summary.p99_us <= 1000);
    cr_assert_eq(summary.max_us, 1000);
}

Test(lag, one_outlier_in_a_hundred_is_not_the_p99)
{
    ez_lag lag = {0};
    for (unsigned i = 0; i < 99; i++) {
        ez_lag_add(&lag, 3, 1);
    }
    ez_lag_add(&lag, 1000000, 1);
    ez_lag_summary summary = ez_lag_summarize(&lag, 1);
    cr_assert_eq(summary.p99_us, 3);
    cr_assert_eq(summary.max_us, 1000000);
}

Test(lag, a_minute_later_it_is_forgotten)
{
    ez_lag lag = {0};
    ez_lag_add(&lag, 5000, 0);
    cr_assert_eq(ez_lag_summarize(&lag, 59999999).max_us, 5000);
    cr_assert_eq(ez_lag_summarize(&lag, 60000000).max_us, 0);
    ez_lag_add(&lag, 7, 60000000); /* takes the same slice */
    cr_assert_eq(ez_lag_summarize(&lag, 60000000).max_us, 7);
}

Test(lag, the_largest_number_has_a_bucket)
{
    ez_lag lag = {0};
    ez_lag_add(&lag, UINT64_MAX, 0);
    ez_lag_add(&lag, 0, 0);
    cr_assert_eq(ez_lag_summarize(&lag, 0).max_us, UINT64_MAX);
    cr_assert_eq(ez_lag_summarize(&lag, 0).p50_us, 0);
}

Test(lag, histogram_counts_up_to_and_with_each_edge_and_forgets_nothing)
{
    ez_lag lag = {0};
    ez_lag_add(&lag, ez_lag_edges_us[3], 1);
    ez_lag_add(&lag, ez_lag_edges_us[3] + 1, 3600000000u);
    ez_lag_add(&lag, UINT32_MAX, 3600000000u);
    cr_assert_eq(lag.histogram.counts[2], 0);
    cr_assert_eq(lag.histogram.counts[3], 1);
    cr_assert_eq(lag.histogram.counts[4], 2);
    cr_assert_eq(lag.histogram.counts[EZ_LAG_EDGES - 1], 2);
    cr_assert_eq(lag.histogram.count, 3);
    cr_assert_eq(lag.histogram.sum_us, 2 * ez_lag_edges_us[3] + 1 + UINT32_MAX);
}
