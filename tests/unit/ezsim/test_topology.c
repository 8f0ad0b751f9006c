#include "measure.h"
#include "run_internal.h"
#include "topology.h"

#include "chain_fixture.h"

#include <criterion/criterion.h>

Test(topology, every_node_of_a_regular_graph_has_its_links)
{
    const size_t nodes = 200, links = 8;
    ez_rng rng = fixture_rng(1);
    size_t *const dials = ez_topology_regular(&rng, nodes, links);
    size_t degree[201] = {0};
    ez_world_link list[800];
    size_t count = 0;
    for (size_t i = 0; i < nodes * links / 2; i++) {
        const size_t from = i / (links / 2) + 1;
        if (dials[i] != 0) {
            cr_assert_neq(dials[i], from);
            degree[from]++;
            degree[dials[i]]++;
            list[count++] = (ez_world_link){i, from, dials[i], 10};
        }
    }
    for (size_t host = 1; host <= nodes; host++) {
        cr_assert_leq(degree[host], links);
        cr_assert_geq(degree[host], links - 2, "a ring may leave its last step out");
    }
    uint32_t *const far = ez_shortest_paths(list, count, nodes, 1);
    for (size_t host = 1; host <= nodes; host++) {
        cr_assert_lt(far[host], 100, "the graph is in one piece and small across");
    }
    free(far);
    free(dials);
}

Test(topology, the_shortest_path_goes_round_a_slow_link)
{
    const ez_world_link links[] = {{1, 1, 2, 100}, {2, 1, 3, 10}, {3, 3, 2, 20}, {4, 2, 4, 5}};
    uint32_t *const far = ez_shortest_paths(links, 4, 5, 1);
    cr_assert_eq(far[1], 0);
    cr_assert_eq(far[2], 30);
    cr_assert_eq(far[3], 10);
    cr_assert_eq(far[4], 35);
    cr_assert_eq(far[5], UINT32_MAX);
    free(far);
}

Test(topology, distances_are_the_same_both_ways_and_within_their_bounds)
{
    const ez_distances uniform = {
        .model = EZ_LATENCY_UNIFORM, .min_ms = 20, .max_ms = 25, .key = {1, 2}};
    bool seen[6] = {false};
    for (size_t a = 1; a < 40; a++) {
        const ez_time_ms ms = ez_distance_ms(&uniform, a, a + 7);
        cr_assert_eq(ms, ez_distance_ms(&uniform, a + 7, a));
        cr_assert(ms >= 20 && ms <= 25);
        seen[ms - 20] = true;
    }
    cr_assert(seen[0] && seen[5]);
}

Test(topology, pauses_have_the_mean_and_the_tail_of_a_poisson_process)
{
    ez_rng rng = fixture_rng(2);
    uint64_t sum = 0, above = 0;
    for (int i = 0; i < 100000; i++) {
        const uint64_t pause = run_draw_pause(&rng, 1000);
        sum += pause;
        above += pause >= 2000;
    }
    cr_assert(sum > 98000000 && sum < 102000000, "mean %llu", (unsigned long long)sum / 100000);
    cr_assert(above > 13000 && above < 14100, "exp(-2) of them"); /* 13534 */
}

Test(measure, percentiles_are_values_that_so_many_do_not_exceed)
{
    static ez_histogram histogram;
    cr_assert_eq(ez_histogram_at(&histogram, 50), 0);
    for (uint64_t value = 1; value <= 100; value++) {
        ez_histogram_add(&histogram, value);
    }
    cr_assert_eq(ez_histogram_at(&histogram, 50), 50);
    cr_assert_eq(ez_histogram_at(&histogram, 99), 99);
    ez_histogram_add(&histogram, UINT64_MAX);
    cr_assert_eq(ez_histogram_at(&histogram, 100), EZ_HISTOGRAM_TOP);
}

Test(measure, an_arrival_counts_once_and_only_where_it_is_waited_for)
{
    static ez_spread spread;
    const ez_hash id = {{7}};
    bool *const waiting = ez_alloc(4, sizeof(*waiting));
    waiting[2] = waiting[3] = true;
    ez_spread_born(&spread, &id, 100, waiting, NULL, 3);
    ez_spread_arrived(&spread, &id, 130, 1);
    ez_spread_arrived(&spread, &id, 130, 2);
    ez_spread_arrived(&spread, &id, 170, 2);
    ez_spread_arrived(&spread, &id, 170, 9);
    cr_assert_eq(spread.arrival_ms.total, 1);
    cr_assert_eq(spread.arrival_ms.counts[30], 1);
    ez_spread_interrupt(&spread);
    ez_spread_arrived(&spread, &id, 180, 3);
    cr_assert_eq(spread.arrival_ms.total, 1);
    cr_assert(ez_spread_knows(&spread, &id));
    ez_spread_clear(&spread);
}
