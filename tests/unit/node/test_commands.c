/* What people and API clients ask for, and what they may look at. */
#include "support_world.h"

#include <stdio.h>

static uint64_t command(ez_world *world, size_t host, ez_command_type type)
{
    return ez_world_command(world, host, (ez_command){.type = type});
}

/* ---- resolve --------------------------------------------------------------------------------- */

Test(commands, resolve_without_peers_answers_at_once)
{
    ez_world *const world = world_new(1, 1);
    const uint64_t request = command(world, 1, EZ_COMMAND_RESOLVE);
    cr_expect(!answer(world, 1, request).replaced);
    world_end(world);
}

Test(commands, resolve_with_nothing_new_says_authoritative_after_the_answers)
{
    ez_world *const world = world_new(2, 2);
    ez_world_run(world, 1000);
    mine(world, 1, 3, 500);
    const uint64_t request = command(world, 1, EZ_COMMAND_RESOLVE);
    cr_expect(!ez_world_reply(world, 1, request, NULL));
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect(!answer(world, 1, request).replaced);
    world_end(world);
}

Test(commands, resolve_that_finds_a_longer_chain_waits_for_its_bodies)
{
    ez_world *const world = world_new(3, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 30);
    ez_stranger *const poor = ez_stranger_new(world, 1, true);
    ez_stranger *const rich = ez_stranger_new(world, 1, true); /* its Hello did not say so */
    const uint64_t request = command(world, 1, EZ_COMMAND_RESOLVE);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(rich, EZ_MSG_GET_HEADERS), 1);
    cr_expect_eq(ez_stranger_count(poor, EZ_MSG_GET_HEADERS), 1);
    send_headers(poor, NULL, 0);
    send_chain_headers(rich, chain, 0, 30);
    ez_world_run(world, LATENCY_MS);
    cr_expect(!ez_world_reply(world, 1, request, NULL));
    for (size_t i = 0; i < 30; i++) {
        send_body(rich, chain->blocks[i]);
    }
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect(answer(world, 1, request).replaced);
    cr_expect_eq(height_of(world, 1), 31);
    chain_free(chain);
    world_end(world);
}

Test(commands, resolve_is_bounded_when_peers_are_silent)
{
    ez_world *const world = world_new(4, 1);
    ez_stranger_new(world, 1, true);
    const uint64_t request = command(world, 1, EZ_COMMAND_RESOLVE);
    ez_world_run(world, 7999);
    cr_expect(!ez_world_reply(world, 1, request, NULL));
    ez_world_run(world, 1);
    cr_expect(!answer(world, 1, request).replaced);
    world_end(world);
}

Test(commands, cancelled_resolve_is_not_answered)
{
    ez_world *const world = world_new(5, 1);
    ez_stranger_new(world, 1, true);
    const uint64_t request = command(world, 1, EZ_COMMAND_RESOLVE);
    ez_world_command(world, 1, (ez_command){.type = EZ_COMMAND_CANCEL, .request = request});
    ez_world_run(world, 20000);
    cr_expect(!ez_world_reply(world, 1, request, NULL));
    world_end(world);
}

/* ---- peers ----------------------------------------------------------------------------------- */

Test(commands, manual_peers_are_bounded)
{
    ez_world *const world = world_new(6, 1);
    char name[32];
    for (int i = 0; i <= EZ_MANUAL_PEERS_MAX; i++) {
        snprintf(name, sizeof(name), "host-%d.example", i);
        const uint64_t request = ez_world_command(
            world, 1, (ez_command){.type = EZ_COMMAND_ADD_PEER, .text = name, .port = 1});
        ez_world_run(world, COMMIT_MS);
        cr_expect_eq(answer(world, 1, request).status,
                     i < EZ_MANUAL_PEERS_MAX ? EZ_OK : EZ_ERR_LIMIT, "peer %d", i);
    }
    const uint64_t again = ez_world_command(
        world, 1, (ez_command){.type = EZ_COMMAND_ADD_PEER, .text = "host-0.example", .port = 1});
    ez_world_run(world, COMMIT_MS);
    cr_expect_eq(answer(world, 1, again).status, EZ_OK, "a known one is fine");
    world_end(world);
}

Test(commands, unknown_peers_and_links_are_not_found)
{
    ez_world *const world = world_new(7, 1);
    const uint64_t remove = ez_world_command(
        world, 1, (ez_command){.type = EZ_COMMAND_REMOVE_PEER, .text = "nobody", .port = 1});
    const uint64_t disconnect =
        ez_world_command(world, 1, (ez_command){.type = EZ_COMMAND_DISCONNECT, .link = {4711}});
    cr_expect_eq(answer(world, 1, remove).status, EZ_ERR_NOT_FOUND);
    cr_expect_eq(answer(world, 1, disconnect).status, EZ_ERR_NOT_FOUND);
    world_end(world);
}

Test(commands, removed_peer_stays_removed_after_a_restart)
{
    ez_world *const world = world_new(8, 1);
    ez_command peer = {.type = EZ_COMMAND_ADD_PEER, .text = "nobody.example", .port = 1};
    ez_world_command(world, 1, peer);
    ez_world_run(world, 100);
    peer.type = EZ_COMMAND_REMOVE_PEER;
    const uint64_t request = ez_world_command(world, 1, peer);
    ez_world_run(world, 100);
    cr_expect_eq(answer(world, 1, request).status, EZ_OK);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    cr_expect_eq(ez_node_manual_peers(ez_world_node(world, 1), NULL, 0), 0);
    world_end(world);
}

Test(commands, disconnected_peer_is_told_so)
{
    ez_world *const world = world_new(9, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const uint64_t request = ez_world_command(
        world, 1, (ez_command){.type = EZ_COMMAND_DISCONNECT, .link = ez_stranger_link(stranger)});
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(answer(world, 1, request).status, EZ_OK);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_REQUESTED);
    world_end(world);
}

/* ---- shutting down --------------------------------------------------------------------------- */

Test(commands, shutdown_says_goodbye_and_keeps_what_it_knows)
{
    ez_world *const world = world_new(10, 3);
    ez_world_run(world, 1000);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const uint64_t request = command(world, 1, EZ_COMMAND_SHUTDOWN);
    cr_expect(!ez_world_reply(world, 1, request, NULL), "not before the book is on disk");
    cr_expect_eq(status_of(world, 1).links, 0);
    ez_world_run(world, LATENCY_MS);
    answer(world, 1, request);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_SHUTDOWN);
    const uint64_t late = command(world, 1, EZ_COMMAND_MINE_ONE);
    cr_expect_eq(answer(world, 1, late).status, EZ_ERR_LIMIT);
    ez_world_run(world, 60000);
    cr_expect_eq(status_of(world, 1).links, 0, "nobody is dialled or let in any more");
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    cr_expect_geq(status_of(world, 1).book_count, 1);
    world_end(world);
}

/* ---- looking --------------------------------------------------------------------------------- */

Test(commands, blocks_can_be_listed_on_one_chain_while_another_becomes_active)
{
    ez_world *const world = world_new(11, 1);
    test_chain *const first = chain_new(ez_world_network(world));
    chain_grow(first, 1, 6);
    test_chain *const second = chain_fork(first, 2);
    chain_grow(second, 2, 6);
    test_server one = {.chain = first}, two = {.chain = second};
    server_join(world, 1, &one);
    ez_world_run(world, 1000);
    const ez_block_id old_tip = tip_of(world, 1);
    server_join(world, 1, &two);
    ez_world_run(world, 1000);
    cr_assert_eq(height_of(world, 1), 9);
    const ez_node *const node = ez_world_node(world, 1);
    ez_block_info info;
    for (uint64_t height = 2; height <= 7; height++) {
        cr_assert(ez_node_block_on(node, &info, &old_tip, height));
        cr_expect(ez_block_id_is_equal(&info.id, &first->blocks[height - 2]->id));
        cr_expect_eq(info.active, height <= 3);
        cr_expect(info.has_body && info.has_view_hash);
        cr_assert(ez_node_block_at(node, &info, height));
        cr_expect(ez_block_id_is_equal(&info.id, &second->blocks[height - 2]->id));
        cr_expect_eq(info.confirmations, 9 - height + 1);
    }
    cr_expect(!ez_node_block_on(node, &info, &old_tip, 8), "it ends where it ended");
    cr_expect(!ez_node_block_at(node, &info, 10));
    cr_expect(!ez_node_block_at(node, &info, 0));
    chain_free(first);
    chain_free(second);
    world_end(world);
}

Test(commands, transaction_is_found_in_a_block_before_and_after_it_is_durable)
{
    ez_world_config config = world_config(12);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    const uint64_t request = ez_world_note(world, 1, "a", "b", 1);
    ez_world_commit(world, 1);
    const ez_tx_id id = answer(world, 1, request).tx_id;
    ez_tx_place before, after;
    cr_expect(!ez_node_find_tx(ez_world_node(world, 1), &before, &id), "it is pooled only");
    ez_world_mine(world, 1);
    cr_assert(ez_node_find_tx(ez_world_node(world, 1), &before, &id));
    cr_expect_eq(before.height, 2);
    cr_expect_eq(before.position, 0);
    ez_world_commit(world, 1);
    for (int i = 0; i < 20; i++) { /* until it is no longer among the recent ones */
        ez_world_mine(world, 1);
        ez_world_commit(world, 1);
    }
    cr_assert(ez_node_find_tx(ez_world_node(world, 1), &after, &id));
    cr_expect(ez_block_id_is_equal(&before.block, &after.block));
    cr_expect_eq(before.offset, after.offset);
    cr_expect_eq(before.size, after.size);
    const ez_tx_id nobody = {{{1}}};
    cr_expect(!ez_node_find_tx(ez_world_node(world, 1), &after, &nobody));
    world_end(world);
}

Test(commands, transaction_of_a_lost_block_is_not_found_any_more)
{
    ez_world *const world = world_new(13, 1);
    test_chain *const first = chain_new(ez_world_network(world));
    test_chain *const second = chain_new(ez_world_network(world));
    const ez_keypair pair = fixture_keypair(1);
    fixture_tx tx = fixture_note(first->network, &pair, "a", "b", 1, 1);
    chain_add(first, 1, &tx, 1);
    chain_grow(second, 2, 2);
    test_server one = {.chain = first}, two = {.chain = second};
    ez_tx_place place;
    server_join(world, 1, &one);
    ez_world_run(world, 1000);
    cr_expect(ez_node_find_tx(ez_world_node(world, 1), &place, &tx.id));
    server_join(world, 1, &two);
    ez_world_run(world, 1000);
    cr_expect(!ez_node_find_tx(ez_world_node(world, 1), &place, &tx.id));
    cr_expect(pool_has(world, 1, &tx.id));
    fixture_tx_clear(&tx);
    chain_free(first);
    chain_free(second);
    world_end(world);
}

Test(commands, peers_are_listed_with_what_is_known_of_them)
{
    ez_world *const world = world_new(14, 2);
    ez_world_run(world, 1000);
    mine(world, 1, 2, 1000);
    ez_peer_info rows[2];
    cr_assert_eq(ez_node_peers(ez_world_node(world, 2), rows, 2), 1);
    const ez_endpoint first = ez_world_endpoint(world, 1);
    cr_expect(ez_endpoint_is_equal(&rows[0].endpoint, &first));
    cr_expect(ez_public_key_is_equal(&rows[0].node, &ez_world_key(world, 1)->public_key));
    cr_expect(rows[0].ready && rows[0].manual && !rows[0].inbound);
    cr_expect_eq(rows[0].best_height, 3);
    cr_expect_eq(rows[0].blocks_given, 2);
    cr_expect_str_eq(rows[0].user_agent, "ezsim");
    cr_assert_eq(ez_node_peers(ez_world_node(world, 1), rows, 2), 1);
    cr_expect(rows[0].inbound && !rows[0].manual);
    cr_expect_eq(rows[0].listen_port, EZ_WORLD_PORT);
    cr_expect_eq(rows[0].best_height, 3, "it was told, so it has it");
    cr_expect_eq(ez_node_peers(ez_world_node(world, 1), NULL, 0), 1);
    world_end(world);
}
