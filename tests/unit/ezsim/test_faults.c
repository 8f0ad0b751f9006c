#include "faults.h"

#include "chain_fixture.h"
#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>

/* Two hosts that are connected. */
static ez_world *pair(uint64_t bytes_per_s, bool share_checks)
{
    const ez_world_config config = {.network = fixture_network(),
                                    .seed = 4,
                                    .latency_ms = 10,
                                    .commit_ms = 2,
                                    .fragment_bytes = 5,
                                    .send_bytes_per_s = bytes_per_s,
                                    .share_checks = share_checks};
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    ez_world_add(world, (const size_t[]){1}, 1);
    ez_world_run(world, 2000);
    return world;
}

static uint32_t peers_of(ez_world *world, size_t host)
{
    ez_node_status status;
    ez_node_get_status(ez_world_node(world, host), &status);
    return status.peers_inbound + status.peers_outbound;
}

static uint64_t only_link(ez_world *world)
{
    ez_world_link *links;
    const size_t count = ez_world_links(world, &links);
    cr_assert_eq(count, 1);
    const uint64_t number = links[0].number;
    free(links);
    return number;
}

Test(faults, a_paused_host_learns_everything_when_it_goes_on)
{
    ez_world *const world = pair(0, false);
    ez_world_pause(world, 2);
    ez_world_mine(world, 1);
    ez_world_mine(world, 1);
    ez_world_run(world, 3000);
    cr_assert(!ez_world_agrees(world));
    ez_world_resume(world, 2);
    ez_world_run(world, 1000);
    cr_assert(ez_world_agrees(world));
    cr_assert_eq(ez_world_faults(world), 0);
    ez_world_free(world);
}

Test(faults, a_paused_host_may_crash_and_start_again)
{
    ez_world *const world = pair(0, false);
    ez_world_pause(world, 2);
    ez_world_mine(world, 1);
    ez_world_run(world, 500);
    ez_world_stop(world, 2, true);
    ez_world_start(world, 2);
    cr_assert(!ez_world_is_paused(world, 2));
    ez_world_run(world, 10000);
    cr_assert(ez_world_agrees(world));
    ez_world_free(world);
}

Test(faults, a_host_without_its_disk_learns_the_chain_again)
{
    ez_world *const world = pair(0, false);
    ez_world_mine(world, 2);
    ez_world_run(world, 1000);
    ez_world_stop(world, 2, true);
    ez_world_wipe(world, 2);
    cr_assert(ez_world_replays(world, 2));
    ez_world_start(world, 2);
    cr_assert(!ez_world_agrees(world));
    ez_world_run(world, 70000); /* the other's redial */
    cr_assert(ez_world_agrees(world));
    cr_assert_eq(ez_world_faults(world), 0);
    ez_world_free(world);
}

Test(faults, a_world_ends_with_a_host_paused)
{
    ez_world *const world = pair(0, false);
    ez_world_pause(world, 2);
    ez_world_mine(world, 1);
    ez_world_run(world, 500);
    ez_world_free(world);
}

Test(faults, a_reset_link_comes_back)
{
    ez_world *const world = pair(0, false);
    const uint64_t before = only_link(world);
    ez_world_reset_link(world, before);
    cr_assert_eq(peers_of(world, 1), 0);
    ez_world_reset_link(world, before); /* gone: nothing */
    ez_world_run(world, 5000);
    cr_assert_eq(peers_of(world, 1), 1);
    cr_assert_neq(only_link(world), before);
    ez_world_free(world);
}

Test(faults, both_ends_of_a_half_open_link_find_out_by_themselves)
{
    ez_world *const world = pair(0, false);
    const uint64_t before = only_link(world);
    ez_world_mute_link(world, before);
    ez_world_mine(world, 1);
    ez_world_run(world, 1000);
    cr_assert(!ez_world_agrees(world), "nothing arrives on it");
    ez_world_run(world, EZ_SILENCE_MS_MAX + 10000);
    cr_assert_neq(only_link(world), before);
    cr_assert(ez_world_agrees(world));
    cr_assert_eq(ez_world_faults(world), 0);
    ez_world_free(world);
}

/* Pieces of any length, and ends of messages that come later, must not change what is said. */
Test(faults, torn_messages_arrive_whole_and_in_order)
{
    const ez_world_config config = {.network = fixture_network(),
                                    .seed = 6,
                                    .latency_ms = 10,
                                    .commit_ms = 2,
                                    .fragment_bytes = 9,
                                    .fragment_random = true};
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    ez_world_add(world, (const size_t[]){1}, 1);
    ez_world_run(world, 5000);
    for (size_t i = 0; i < 60; i++) {
        ez_world_mine(world, 1 + i % 2);
        ez_world_run(world, 1000);
        cr_assert(ez_world_agrees(world), "block %zu", i);
    }
    cr_assert_eq(ez_world_faults(world), 0);
    ez_world_free(world);
}

Test(faults, a_narrow_line_delays_what_goes_through_it)
{
    ez_world *const wide = pair(0, false);
    ez_world *const narrow = pair(1000, false);
    ez_world_mine(wide, 1);
    ez_world_mine(narrow, 1);
    ez_world_run(wide, 50);
    ez_world_run(narrow, 50);
    cr_assert(ez_world_agrees(wide));
    cr_assert(!ez_world_agrees(narrow), "a header of 96 bytes takes a tenth of a second");
    ez_world_run(narrow, 2000);
    cr_assert(ez_world_agrees(narrow));
    ez_world_free(wide);
    ez_world_free(narrow);
}

Test(faults, a_skewed_clock_stamps_blocks)
{
    ez_world *const world = pair(0, false);
    ez_node_status honest, skewed;
    ez_world_mine(world, 1);
    ez_node_get_status(ez_world_node(world, 1), &honest);
    ez_world_skew(world, 1, 60000000);
    ez_world_mine(world, 1);
    ez_node_get_status(ez_world_node(world, 1), &skewed);
    cr_assert_geq(skewed.tip_timestamp, honest.tip_timestamp + 60000000);
    ez_world_free(world);
}

Test(faults, remembered_checks_change_nothing)
{
    ez_world *worlds[2];
    for (int i = 0; i < 2; i++) {
        worlds[i] = pair(0, i == 1);
        ez_world_note(worlds[i], 1, "alice", "bob", 5);
        ez_world_note(worlds[i], 2, "carol", "dave", 6);
        ez_world_run(worlds[i], 500);
        ez_world_mine(worlds[i], 2);
        ez_world_run(worlds[i], 500);
        cr_assert(ez_world_agrees(worlds[i]));
        cr_assert(ez_world_replays(worlds[i], 1));
    }
    cr_assert_eq(ez_world_digest(worlds[0]), ez_world_digest(worlds[1]));
    ez_world_free(worlds[0]);
    ez_world_free(worlds[1]);
}

/* ---- disks ----------------------------------------------------------------------------------- */

/* A host alone, a commit of whose disk takes 100 ms. */
static ez_world *slow_host(void)
{
    const ez_world_config config = {.network = fixture_network(), .seed = 4, .commit_ms = 2};
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    ez_world_run(world, 2000);
    ez_world_slow_disk(world, 1, 100);
    return world;
}

Test(faults, a_commit_takes_what_was_queued_when_it_began)
{
    ez_world *const world = slow_host();
    const uint64_t first = ez_world_note(world, 1, "a", "b", 1);
    ez_world_run(world, 50);
    const uint64_t second = ez_world_note(world, 1, "c", "d", 1);
    ez_world_run(world, 49);
    cr_expect(!ez_world_reply(world, 1, first, NULL));
    ez_world_run(world, 1);
    cr_expect(ez_world_reply(world, 1, first, NULL));
    ez_world_run(world, 99);
    cr_expect(!ez_world_reply(world, 1, second, NULL));
    ez_world_run(world, 1);
    cr_expect(ez_world_reply(world, 1, second, NULL));
    ez_world_free(world);
}

Test(faults, a_crash_between_two_commits_loses_the_second)
{
    ez_world *const world = slow_host();
    ez_reply reply;
    const uint64_t first = ez_world_note(world, 1, "a", "b", 1);
    ez_world_run(world, 50);
    ez_world_note(world, 1, "c", "d", 1);
    ez_world_run(world, 100);
    ez_world_stop(world, 1, true);
    cr_assert(ez_world_reply(world, 1, first, &reply));
    ez_world_start(world, 1);
    cr_expect(ez_memory_store_has_pooled(ez_world_store(world, 1), &reply.tx_id));
    cr_expect_eq(ez_pool_count(ez_node_pool(ez_world_node(world, 1))), 1);
    ez_world_free(world);
}

/* ---- clocks ---------------------------------------------------------------------------------- */

Test(faults, a_block_of_the_future_is_asked_for_once_the_clock_is_right)
{
    ez_world *const world = pair(0, false);
    ez_world_skew(world, 1, 7000000000);
    ez_world_skew(world, 2, -1000000000);
    ez_world_mine(world, 1);
    ez_world_run(world, 100000);
    cr_expect(!ez_world_agrees(world));
    ez_world_skew(world, 2, 0);
    ez_world_run(world, EZ_BODY_STALL_MS_MAX + 1000);
    cr_expect(ez_world_agrees(world));
    cr_assert_eq(ez_world_faults(world), 0);
    ez_world_free(world);
}
