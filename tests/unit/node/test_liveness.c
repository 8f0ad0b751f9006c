/* Keeping links alive, giving up on dead ones, and coming back. */
#include "support_world.h"

Test(liveness, ping_is_answered_with_its_nonce)
{
    ez_world *const world = world_new(1, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_ping(stranger, UINT64_C(0x0123456789abcdef));
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(stranger, EZ_MSG_PONG), 1);
    cr_expect_eq(ez_stranger_last(stranger, EZ_MSG_PONG)->as.ping.nonce,
                 UINT64_C(0x0123456789abcdef));
    world_end(world);
}

Test(liveness, host_measures_the_round_trip)
{
    ez_world *const world = world_new(2, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    ez_world_run(world, EZ_HANDSHAKE_TIMEOUT_MS + EZ_PING_INTERVAL_MS);
    ez_peer_info info;
    cr_assert(peer_of(world, 1, ez_stranger_link(stranger), &info));
    cr_expect(info.has_ping);
    cr_expect_eq(info.ping_ms, 2 * LATENCY_MS);
    world_end(world);
}

Test(liveness, pong_with_another_nonce_measures_nothing)
{
    ez_world *const world = world_new(3, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    ez_stranger_mute(stranger, true);
    ez_world_run(world, EZ_HANDSHAKE_TIMEOUT_MS);
    cr_assert_eq(ez_stranger_count(stranger, EZ_MSG_PING), 1);
    ez_message pong = {.type = EZ_MSG_PONG};
    pong.as.ping.nonce = ez_stranger_last(stranger, EZ_MSG_PING)->as.ping.nonce + 1;
    ez_stranger_send(stranger, &pong);
    ez_world_run(world, LATENCY_MS);
    ez_peer_info info;
    cr_assert(peer_of(world, 1, ez_stranger_link(stranger), &info));
    cr_expect(!info.has_ping);
    cr_expect(!ez_stranger_is_closed(stranger));
    world_end(world);
}

Test(liveness, silent_peer_is_gone_fifteen_seconds_after_its_ping)
{
    ez_world *const world = world_new(4, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    ez_stranger_mute(stranger, true);
    ez_time_ms asked = 0;
    while (ez_stranger_count(stranger, EZ_MSG_PING) == 0) {
        ez_world_run(world, 1);
        asked = ez_world_now(world).mono - LATENCY_MS;
        cr_assert_leq(asked, EZ_PING_INTERVAL_MS + EZ_HANDSHAKE_TIMEOUT_MS);
    }
    ez_world_run(world, asked + EZ_PING_TIMEOUT_MS - 1 - ez_world_now(world).mono);
    cr_expect_eq(peers_of(world, 1), 1);
    ez_world_run(world, 1);
    cr_expect_eq(peers_of(world, 1), 0);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_TIMEOUT);
    world_end(world);
}

Test(liveness, peer_that_talks_is_not_dropped_for_a_lost_pong)
{
    ez_world *const world = world_new(5, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    ez_stranger_mute(stranger, true);
    for (int i = 0; i < 30; i++) {
        ez_world_run(world, 10000);
        send_ping(stranger, 1);
    }
    cr_expect(!ez_stranger_is_closed(stranger));
    world_end(world);
}

Test(liveness, idle_neighbours_stay_connected)
{
    ez_world *const world = world_new(6, 2);
    ez_world_run(world, 3600000);
    cr_expect_eq(peers_of(world, 1), 1);
    cr_expect_leq(counters_of(world, 2)->dials, 2, "%zu dials",
                  (size_t)counters_of(world, 2)->dials);
    cr_expect_leq(counters_of(world, 1)->messages_out[EZ_MSG_PING],
                  3600000 / EZ_PING_INTERVAL_MS + 2);
    world_end(world);
}

Test(liveness, claim_of_work_that_is_not_shown_ends_after_twenty_seconds)
{
    ez_world *const world = world_new(7, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 3);
    test_server server = {.chain = chain, .no_headers = true};
    ez_stranger *const stranger = server_join(world, 1, &server);
    const ez_time_ms asked = ez_world_now(world).mono;
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(server.headers_asked, 1);
    ez_world_run(world, EZ_HEADERS_TIMEOUT_MS - LATENCY_MS - 1);
    cr_expect(!ez_stranger_is_closed(stranger));
    ez_world_run(world, 2 * LATENCY_MS + 1);
    cr_expect(ez_stranger_is_closed(stranger));
    cr_expect_leq(ez_world_now(world).mono, asked + EZ_HEADERS_TIMEOUT_MS + 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_TIMEOUT);
    chain_free(chain);
    world_end(world);
}

/* ---- coming back ----------------------------------------------------------------------------- */

Test(liveness, asked_for_peer_is_dialled_again_with_growing_pauses)
{
    ez_world *const world = world_new(8, 2);
    ez_world_run(world, 1000);
    ez_world_stop(world, 1, true);
    const uint64_t before = counters_of(world, 2)->dials;
    ez_world_run(world, 60000);
    const uint64_t dials = counters_of(world, 2)->dials - before;
    cr_expect(dials >= 8 && dials <= 14, "%zu dials in the first minute", (size_t)dials);
    ez_world_run(world, 600000);
    const uint64_t later = counters_of(world, 2)->dials - before - dials;
    cr_expect(later >= 9 && later <= 22, "%zu dials in the next ten", (size_t)later);
    ez_world_start(world, 1);
    ez_world_run(world, EZ_REDIAL_MS_MAX + 1000);
    cr_expect_eq(peers_of(world, 2), 1);
    world_end(world);
}

Test(liveness, lost_link_is_back_within_a_second)
{
    ez_world *const world = world_new(9, 2);
    ez_world_run(world, 1000);
    const int side[] = {0, 1, 2};
    ez_world_cut(world, side);
    cr_expect_eq(peers_of(world, 1), 0);
    cr_expect_eq(peers_of(world, 2), 0);
    ez_world_cut(world, NULL);
    ez_world_run(world, 1000);
    cr_expect_eq(peers_of(world, 1), 1);
    world_end(world);
}

Test(liveness, name_that_leads_nowhere_is_tried_for_ever)
{
    ez_world *const world = world_new(10, 1);
    ez_world_command(world, 1,
                     (ez_command){.type = EZ_COMMAND_ADD_PEER,
                                  .text = "nowhere.example",
                                  .port = EZ_WORLD_PORT});
    ez_world_run(world, 600000);
    const uint64_t dials = counters_of(world, 1)->dials;
    cr_expect_geq(dials, 10);
    cr_expect_geq(counters_of(world, 1)->dials_failed + 1, dials);
    ez_world_run(world, 600000);
    cr_expect_gt(counters_of(world, 1)->dials, dials);
    world_end(world);
}
