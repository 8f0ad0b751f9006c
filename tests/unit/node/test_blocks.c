/* New blocks: announced before they are checked, chosen by work, and kept over crashes. */
#include "support_world.h"

static bool is_tip_of_all(ez_world *world, const ez_block_id *id)
{
    for (size_t host = 1; host <= ez_world_count(world); host++) {
        const ez_block_id tip = tip_of(world, host);
        if (!ez_block_id_is_equal(&tip, id)) {
            return false;
        }
    }
    return true;
}

/* ---- relay ----------------------------------------------------------------------------------- */

Test(blocks, block_reaches_all_in_one_latency_per_hop)
{
    ez_world *const world = world_new(1, 5);
    ez_world_run(world, 10000);
    note(world, 1, "in the block");
    ez_world_run(world, 5000);
    ez_world_mine(world, 1);
    const ez_block_id tip = tip_of(world, 1);
    ez_world_run(world, 4 * LATENCY_MS); /* the chain of hosts has four hops at most */
    cr_expect(is_tip_of_all(world, &tip));
    for (size_t host = 2; host <= 5; host++) {
        const ez_node_counters *const counters = counters_of(world, host);
        cr_expect_eq(counters->bodies_rebuilt, 1);
        cr_expect_eq(counters->messages_out[EZ_MSG_GET_BODIES], 0);
        cr_expect_eq(counters->messages_out[EZ_MSG_GET_PARTS], 0);
    }
    world_end(world);
}

Test(blocks, announcement_is_passed_on_before_the_body_is_here)
{
    ez_world *const world = world_new(2, 1);
    ez_stranger *const source = ez_stranger_new(world, 1, true);
    ez_stranger *const other = ez_stranger_new(world, 1, true);
    test_chain *const chain = chain_new(ez_world_network(world));
    const ez_keypair pair = fixture_keypair(1);
    fixture_tx tx = fixture_note(chain->network, &pair, "a", "b", 1, 1);
    const ez_block *const block = chain_add(chain, 1, &tx, 1);
    send_announcement(source, block);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(other, EZ_MSG_ANNOUNCE_BLOCK), 1);
    const ez_message *const heard = ez_stranger_last(other, EZ_MSG_ANNOUNCE_BLOCK);
    cr_expect_eq(heard->as.announce_block.short_id_count, 1);
    cr_expect_eq(heard->as.announce_block.short_ids[0], short_id_of(&block->id, &tx.id));
    cr_expect_eq(height_of(world, 1), 1, "while it lacks a transaction itself");
    cr_expect_eq(ez_stranger_count(source, EZ_MSG_ANNOUNCE_BLOCK), 0);
    cr_expect_eq(ez_stranger_count(source, EZ_MSG_GET_PARTS), 1);
    /* Who was told of it has not shown it, so it is not asked for it. */
    ez_world_run(world, EZ_BODY_STALL_MS + 1000);
    cr_expect_eq(ez_stranger_count(other, EZ_MSG_GET_BODIES), 0);
    fixture_tx_clear(&tx);
    chain_free(chain);
    world_end(world);
}

Test(blocks, announcement_is_sent_once_to_each)
{
    ez_world *const world = world_new(3, 1);
    ez_stranger *const first = ez_stranger_new(world, 1, true);
    ez_stranger *const second = ez_stranger_new(world, 1, true);
    ez_stranger *const third = ez_stranger_new(world, 1, true);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 1);
    send_announcement(first, chain->blocks[0]);
    send_announcement(second, chain->blocks[0]);
    ez_world_run(world, 5000);
    cr_expect_eq(height_of(world, 1), 2);
    cr_expect_eq(ez_stranger_count(first, EZ_MSG_ANNOUNCE_BLOCK), 0);
    cr_expect_leq(ez_stranger_count(second, EZ_MSG_ANNOUNCE_BLOCK), 1);
    cr_expect_eq(ez_stranger_count(third, EZ_MSG_ANNOUNCE_BLOCK), 1);
    chain_free(chain);
    world_end(world);
}

/* The tip moves after our Hello went out and before the peer is ready: it must hear of it. */
Test(blocks, peer_hears_of_a_block_found_during_its_handshake)
{
    ez_world *const world = world_new(4, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, false);
    ez_world_run(world, 2 * LATENCY_MS);
    ez_world_mine(world, 1);
    cr_assert(ez_stranger_shake(stranger, NULL));
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_last(stranger, EZ_MSG_HELLO)->as.hello.tip.height, 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_ANNOUNCE_BLOCK), 1);
    world_end(world);
}

Test(blocks, peer_is_not_told_what_our_hello_said)
{
    ez_world *const world = world_new(24, 1);
    mine(world, 1, 2, 100);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    ez_world_run(world, 1000);
    cr_expect_eq(ez_stranger_last(stranger, EZ_MSG_HELLO)->as.hello.tip.height, 3);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_ANNOUNCE_BLOCK), 0);
    world_end(world);
}

/* Whoever does not know the parent would ask us for headers, and we serve our active chain only: so
 * it hears of the block when that is our tip. */
Test(blocks, announcement_goes_to_who_can_follow_it)
{
    ez_world *const world = world_new(25, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 4);
    test_server server = {.chain = chain, .no_bodies = true};
    ez_stranger *const source = server_join(world, 1, &server);
    ez_stranger *const other = ez_stranger_new(world, 1, true);
    ez_world_run(world, 4 * LATENCY_MS);
    cr_assert_eq(status_of(world, 1).best_header_height, 5);
    chain_grow(chain, 1, 1);
    send_announcement(source, chain->blocks[4]);
    ez_world_run(world, 4 * LATENCY_MS);
    cr_expect_eq(status_of(world, 1).best_header_height, 6);
    cr_expect_eq(ez_stranger_count(other, EZ_MSG_ANNOUNCE_BLOCK), 0);
    for (size_t i = 0; i < 5; i++) {
        send_body(source, chain->blocks[i]);
    }
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(other, EZ_MSG_ANNOUNCE_BLOCK), 1);
    const ez_message *const heard = ez_stranger_last(other, EZ_MSG_ANNOUNCE_BLOCK);
    cr_expect_eq(heard->as.announce_block.header.index, 6);
    chain_free(chain);
    world_end(world);
}

Test(blocks, block_mined_here_is_told_while_a_better_chain_is_on_its_way)
{
    ez_world *const world = world_new(26, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 4);
    test_server server = {.chain = chain, .no_bodies = true};
    server_join(world, 1, &server);
    ez_stranger *const other = ez_stranger_new(world, 1, true);
    ez_world_run(world, 4 * LATENCY_MS);
    ez_world_mine(world, 1);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_count(other, EZ_MSG_ANNOUNCE_BLOCK), 1);
    chain_free(chain);
    world_end(world);
}

/* A peer that was told of a header whose body nobody has must still hear of our tip beside it. */
Test(blocks, tip_is_told_beside_a_withheld_block_of_as_much_work)
{
    ez_world *const world = world_new(28, 1);
    ez_stranger *const liar = ez_stranger_new(world, 1, true);
    ez_stranger *const other = ez_stranger_new(world, 1, true);
    test_chain *const chain = chain_new(ez_world_network(world));
    const ez_keypair pair = fixture_keypair(1);
    fixture_tx tx = fixture_note(chain->network, &pair, "a", "b", 1, 1);
    send_announcement(liar, chain_add(chain, 1, &tx, 1));
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(other, EZ_MSG_ANNOUNCE_BLOCK), 1);
    ez_world_run(world, 60000);
    ez_world_mine(world, 1);
    ez_world_run(world, LATENCY_MS);
    cr_assert_eq(ez_stranger_count(other, EZ_MSG_ANNOUNCE_BLOCK), 2);
    const ez_message *const heard = ez_stranger_last(other, EZ_MSG_ANNOUNCE_BLOCK);
    const ez_header tip = tip_header_of(world, 1);
    cr_expect_eq(heard->as.announce_block.header.proof, tip.proof);
    cr_expect_eq(heard->as.announce_block.header.index, 2);
    fixture_tx_clear(&tx);
    chain_free(chain);
    world_end(world);
}

/* But of two unchecked headers of as much work only the first is passed on: they are cheap. */
Test(blocks, rival_headers_are_not_all_passed_on)
{
    ez_world *const world = world_new(29, 1);
    ez_stranger *const liar = ez_stranger_new(world, 1, true);
    ez_stranger *const other = ez_stranger_new(world, 1, true);
    const ez_keypair pair = fixture_keypair(1);
    for (uint64_t i = 0; i < 20; i++) {
        test_chain *const chain = chain_new(ez_world_network(world));
        fixture_tx tx = fixture_note(chain->network, &pair, "a", "b", 1, i);
        send_announcement(liar, chain_add(chain, 1, &tx, 1));
        fixture_tx_clear(&tx);
        chain_free(chain);
    }
    ez_world_run(world, 1000);
    cr_expect_eq(status_of(world, 1).tree_count, 21);
    cr_expect_eq(ez_stranger_count(other, EZ_MSG_ANNOUNCE_BLOCK), 1);
    world_end(world);
}

/* ---- fork choice ----------------------------------------------------------------------------- */

Test(blocks, at_equal_work_the_first_seen_stays)
{
    ez_world *const world = world_new(15, 1);
    test_chain *const first = chain_new(ez_world_network(world));
    test_chain *const second = chain_new(ez_world_network(world));
    chain_grow(first, 1, 2);
    chain_grow(second, 2, 2);
    test_server one = {.chain = first}, two = {.chain = second};
    server_join(world, 1, &one);
    ez_world_run(world, 1000);
    ez_stranger *const later = server_join(world, 1, &two);
    ez_world_run(world, 5000);
    ez_block_id tip = tip_of(world, 1), wanted = chain_tip_id(first);
    cr_expect(ez_block_id_is_equal(&tip, &wanted));
    chain_grow(second, 2, 1);
    send_announcement(later, second->blocks[2]);
    ez_world_run(world, 5000);
    tip = tip_of(world, 1);
    wanted = chain_tip_id(second);
    cr_expect(ez_block_id_is_equal(&tip, &wanted), "one more block decides");
    cr_expect_eq(counters_of(world, 1)->reorgs, 1);
    ez_notice notice;
    cr_expect_eq(ez_world_notices(world, 1, EZ_NOTICE_REORG, &notice), 1);
    cr_expect_eq(notice.depth, 2);
    cr_expect_eq(notice.height, 4);
    chain_free(first);
    chain_free(second);
    world_end(world);
}

Test(blocks, halves_that_mine_on_agree_on_the_most_work_after_healing)
{
    for (uint64_t seed = 16; seed < 20; seed++) {
        ez_world *const world = world_new(seed, 6);
        ez_world_run(world, 10000);
        mine(world, 1, 3, 500);
        const int side[] = {0, 1, 1, 1, 2, 2, 2};
        ez_world_cut(world, side);
        const ez_tx_id left = note(world, 1, "left");
        const ez_tx_id right = note(world, 6, "right");
        ez_world_run(world, 1000);
        mine(world, 2, 4, 500);
        mine(world, 5, 6, 500);
        const ez_block_id longer = tip_of(world, 5);
        cr_assert_eq(height_of(world, 1), 8);
        cr_assert_eq(height_of(world, 6), 10);
        ez_world_cut(world, NULL);
        cr_assert(run_to_agreement(world, 60000), "seed %zu", (size_t)seed);
        cr_expect(is_tip_of_all(world, &longer));
        ez_world_run(world, 10000);
        for (size_t host = 1; host <= 6; host++) {
            cr_expect(pool_has(world, host, &left), "the loser's note is back, seed %zu host %zu",
                      (size_t)seed, host);
            cr_expect(!pool_has(world, host, &right));
        }
        mine(world, 4, 1, 5000);
        ez_tx_place place;
        cr_expect(ez_node_find_tx(ez_world_node(world, 3), &place, &left));
        cr_expect_eq(place.height, 11);
        for (size_t host = 1; host <= 6; host++) {
            cr_expect_eq(pool_of(world, host), 0);
            cr_expect(ez_world_replays(world, host));
        }
        world_end(world);
    }
}

Test(blocks, coins_of_a_lost_branch_are_gone_and_spent_again)
{
    ez_world *const world = world_new(20, 2);
    ez_world_run(world, 1000);
    const int side[] = {0, 1, 2};
    ez_world_cut(world, side);
    const ez_keypair *const loser = ez_world_key(world, 1);
    const ez_keypair sink = fixture_keypair(9);
    mine(world, 1, 2, 100);
    fixture_tx spend =
        fixture_transfer(ez_world_network(world), loser, &sink.public_key, 1500, 0, 0);
    submit(world, 1, &spend);
    ez_world_run(world, COMMIT_MS);
    mine(world, 1, 1, 100);
    cr_expect_eq(balance_of(world, 1, &sink.public_key), 1500);
    mine(world, 2, 5, 100);
    ez_world_cut(world, NULL);
    cr_assert(run_to_agreement(world, 30000));
    cr_expect_eq(balance_of(world, 1, &sink.public_key), 0);
    cr_expect_eq(balance_of(world, 1, &loser->public_key), 0);
    cr_expect_eq(pool_of(world, 1), 0, "without its coins the transfer cannot stand");
    fixture_tx_clear(&spend);
    cr_expect(ez_world_replays(world, 1));
    world_end(world);
}

/* A signer's run that a reorganisation gives back in part is stored out of order. */
Test(blocks, run_of_entries_given_back_survives_a_restart)
{
    ez_world *const world = world_new(21, 2);
    ez_world_run(world, 1000);
    const int side[] = {0, 1, 2};
    ez_world_cut(world, side);
    const ez_keypair signer = fixture_keypair(30);
    fixture_tx run[6];
    for (uint64_t i = 0; i < 6; i++) {
        run[i] = fixture_address_note(ez_world_network(world), &signer, "to", i, 0, i);
        submit(world, 1, &run[i]);
        if (i == 2) {
            mine(world, 1, 1, 100); /* the first three are in a block */
        }
    }
    ez_world_run(world, 100);
    mine(world, 2, 3, 100);
    ez_world_cut(world, NULL);
    cr_assert(run_to_agreement(world, 30000));
    cr_expect_eq(pool_of(world, 1), 6);
    ez_world_run(world, 1000);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    cr_expect_eq(pool_of(world, 1), 6, "all of them were acknowledged");
    for (size_t i = 0; i < 6; i++) {
        fixture_tx_clear(&run[i]);
    }
    world_end(world);
}

Test(blocks, deep_reorganisation_is_one_write)
{
    ez_world_config config = world_config(22);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    test_chain *const loser = chain_new(ez_world_network(world));
    test_chain *const winner = chain_new(ez_world_network(world));
    chain_grow(loser, 1, 300);
    chain_grow(winner, 2, 301);
    test_server one = {.chain = loser}, two = {.chain = winner};
    server_join(world, 1, &one);
    ez_world_run(world, 10000);
    cr_assert_eq(height_of(world, 1), 301);
    ez_world_commit(world, 1);
    server_join(world, 1, &two);
    ez_world_run(world, 10000);
    ez_block_id tip = tip_of(world, 1), wanted = chain_tip_id(winner);
    cr_expect(ez_block_id_is_equal(&tip, &wanted));
    ez_notice notice;
    cr_expect_eq(ez_world_notices(world, 1, EZ_NOTICE_REORG, &notice), 1);
    cr_expect_eq(notice.depth, 300);
    /* Not durable yet: a crash leads back to the old branch, whole. */
    ez_world_stop(world, 1, true);
    cr_expect(ez_world_replays(world, 1));
    ez_world_start(world, 1);
    tip = tip_of(world, 1);
    wanted = chain_tip_id(loser);
    cr_expect(ez_block_id_is_equal(&tip, &wanted));
    chain_free(loser);
    chain_free(winner);
    world_end(world);
}

/* ---- crashes --------------------------------------------------------------------------------- */

/* Whatever moment a host dies at, it comes back with a chain that replays, at the height it had
 * made durable or later. */
Test(blocks, crash_at_any_moment_leaves_a_chain_that_replays)
{
    ez_world *const world = world_new(23, 3);
    ez_world_run(world, 5000);
    for (int round = 0; round < 60; round++) {
        const size_t victim = 1 + (size_t)ez_rng_below(ez_world_rng(world), 3);
        note(world, 1 + (size_t)(round % 3), "traffic");
        ez_world_mine(world, 1 + (size_t)ez_rng_below(ez_world_rng(world), 3));
        ez_world_run(world, ez_rng_below(ez_world_rng(world), 30));
        const ez_block_id durable = *ez_memory_store_tip(ez_world_store(world, victim));
        ez_block_info info;
        cr_assert(ez_node_block_by_id(ez_world_node(world, victim), &info, &durable));
        ez_world_stop(world, victim, true);
        cr_assert(ez_world_replays(world, victim), "round %d", round);
        ez_world_run(world, ez_rng_below(ez_world_rng(world), 200));
        ez_world_start(world, victim);
        cr_assert_geq(height_of(world, victim), info.header.index);
    }
    ez_world_run(world, 10000);
    ez_world_mine(world, 1); /* or a tie would last */
    cr_expect(run_to_agreement(world, 60000));
    world_end(world);
}

/* ---- credit ---------------------------------------------------------------------------------- */

/* Who gave us blocks lately keeps its slot when others want it. */
Test(blocks, only_headers_above_our_tip_earn_the_one_who_tells_them_credit)
{
    ez_world *const world = world_new(70, 1);
    ez_peer_info row;
    ez_world_run(world, 1000);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 70, 1);
    mine(world, 1, 2, 1000);
    send_announcement(stranger, chain->blocks[0]);
    ez_world_run(world, 1000);
    cr_assert(peer_of(world, 1, ez_stranger_link(stranger), &row));
    cr_expect_eq(row.blocks_given, 0, "a child of genesis below our tip");

    const ez_header tip = tip_header_of(world, 1);
    const ez_keypair miner = fixture_keypair(71);
    ez_block *const block =
        fixture_block_on(ez_world_network(world), &tip, &miner.public_key, NULL, 0);
    send_announcement(stranger, block);
    ez_world_run(world, 1000);
    cr_assert(peer_of(world, 1, ez_stranger_link(stranger), &row));
    cr_expect_eq(row.blocks_given, 1);
    cr_expect_eq(height_of(world, 1), tip.index + 1);
    ez_block_unref(block);
    chain_free(chain);
    world_end(world);
}
