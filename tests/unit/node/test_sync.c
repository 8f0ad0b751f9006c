/* Learning a chain: headers first, bodies from whoever has them, and what a liar can cost. */
#include "support_world.h"

static void expect_chain(ez_world *world, size_t host, const test_chain *chain)
{
    const ez_block_id tip = tip_of(world, host);
    const ez_block_id wanted = chain_tip_id(chain);
    cr_expect(ez_block_id_is_equal(&tip, &wanted), "at height %zu instead of %zu",
              (size_t)height_of(world, host), chain->count + 1);
}

static test_chain *chain_of(ez_world *world, size_t count)
{
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, count);
    return chain;
}

/* ---- a chain from one peer, from several ----------------------------------------------------- */

Test(sync, new_node_learns_a_long_chain_from_one_peer)
{
    ez_world *const world = world_new(1, 1);
    test_chain *const chain = chain_of(world, 4001); /* three batches of headers */
    test_server server = {.chain = chain};
    server_join(world, 1, &server);
    ez_world_run(world, 60000);
    expect_chain(world, 1, chain);
    cr_expect_eq(server.headers_asked, 3);
    cr_expect_eq(server.bodies_asked, 4001);
    cr_expect_leq(server.bodies_max_at_once, EZ_BODIES_IN_FLIGHT_PEER);
    cr_expect(ez_world_replays(world, 1));
    cr_expect(!status_of(world, 1).syncing);
    chain_free(chain);
    world_end(world);
}

Test(sync, bodies_come_from_all_peers_that_have_them)
{
    enum { SERVERS = 4 };
    ez_world *const world = world_new(2, 1);
    test_chain *const chain = chain_of(world, 3000);
    test_server servers[SERVERS];
    for (size_t i = 0; i < SERVERS; i++) {
        servers[i] = (test_server){.chain = chain};
        server_join(world, 1, &servers[i]);
    }
    ez_world_run(world, 60000);
    expect_chain(world, 1, chain);
    size_t asked = 0;
    for (size_t i = 0; i < SERVERS; i++) {
        asked += servers[i].bodies_asked;
        cr_expect_geq(servers[i].bodies_asked, 600, "server %zu gave %zu", i,
                      servers[i].bodies_asked);
    }
    cr_expect_eq(asked, 3000, "none was asked for twice");
    chain_free(chain);
    world_end(world);
}

Test(sync, host_learns_a_chain_from_hosts)
{
    ez_world *const world = world_new(3, 3);
    ez_world_run(world, 1000);
    mine(world, 1, 3100, 1);
    cr_assert(run_to_agreement(world, 60000));
    const size_t peers[] = {1, 2, 3};
    const size_t late = ez_world_add(world, peers, 3);
    cr_expect(run_to_agreement(world, 60000));
    cr_expect_eq(height_of(world, late), 3101);
    cr_expect(ez_world_replays(world, late));
    world_end(world);
}

Test(sync, restart_in_the_middle_goes_on)
{
    for (int crash = 0; crash < 2; crash++) {
        ez_world *const world = world_new(4, 1);
        test_chain *const chain = chain_of(world, 3000);
        test_server first = {.chain = chain};
        server_join(world, 1, &first);
        while (height_of(world, 1) < 1000) {
            ez_world_run(world, 10);
        }
        ez_world_stop(world, 1, crash == 1);
        ez_world_run(world, 100);
        ez_world_start(world, 1);
        const uint64_t kept = height_of(world, 1);
        cr_expect_geq(kept, 900);
        cr_expect(ez_world_replays(world, 1));
        test_server second = {.chain = chain};
        server_join(world, 1, &second);
        ez_world_run(world, 60000);
        expect_chain(world, 1, chain);
        cr_expect_eq(second.bodies_asked, 3001 - kept);
        chain_free(chain);
        world_end(world);
    }
}

/* ---- peers that do not deliver --------------------------------------------------------------- */

Test(sync, stalled_body_is_asked_of_another_peer)
{
    ez_world *const world = world_new(5, 1);
    test_chain *const chain = chain_of(world, 40);
    test_server black_hole = {.chain = chain, .no_bodies = true};
    test_server good = {.chain = chain};
    server_join(world, 1, &black_hole);
    server_join(world, 1, &good);
    ez_world_run(world, 120000);
    expect_chain(world, 1, chain);
    cr_expect_gt(black_hole.bodies_asked, 0);
    cr_expect_gt(counters_of(world, 1)->requests_expired, 0);
    chain_free(chain);
    world_end(world);
}

Test(sync, only_peer_is_asked_again_after_it_failed_once)
{
    ez_world *const world = world_new(6, 1);
    test_chain *const chain = chain_of(world, 5);
    test_server server = {.chain = chain, .no_bodies = true};
    ez_stranger *const stranger = server_join(world, 1, &server);
    ez_world_run(world, 1000);
    cr_expect_eq(server.bodies_asked, 5);
    ez_world_run(world, EZ_BODY_STALL_MS);
    server.no_bodies = false;
    ez_world_run(world, 20000);
    cr_expect(!ez_stranger_is_closed(stranger));
    expect_chain(world, 1, chain);
    chain_free(chain);
    world_end(world);
}

/* It showed headers and says that the bodies are missing: it is asked what its chain is, and then
 * for the bodies again, ever less often. */
Test(sync, peer_that_says_missing_is_asked_again_ever_less_often)
{
    ez_world *const world = world_new(7, 1);
    test_chain *const chain = chain_of(world, 5);
    test_server server = {.chain = chain, .says_missing = true};
    ez_stranger *const stranger = server_join(world, 1, &server);
    ez_world_run(world, 1000);
    const size_t first = server.bodies_asked;
    cr_expect(first >= 5 && first <= 10, "%zu", first);
    ez_world_run(world, 300000);
    cr_expect(server.headers_asked >= 8 && server.headers_asked <= 14, "%zu", server.headers_asked);
    cr_expect_leq(server.bodies_asked, 60, "%zu", server.bodies_asked);
    cr_expect(!ez_stranger_is_closed(stranger));
    server.says_missing = false;
    ez_world_run(world, EZ_BODY_STALL_MS_MAX + 1000);
    expect_chain(world, 1, chain);
    chain_free(chain);
    world_end(world);
}

Test(sync, missing_genesis_is_nonsense_and_does_no_harm)
{
    ez_world *const world = world_new(21, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_ids(stranger, EZ_MSG_MISSING_BODIES, &ez_world_network(world)->genesis_id, 1);
    ez_world_run(world, 1000);
    cr_expect_eq(peers_of(world, 1), 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GET_HEADERS), 0);
    world_end(world);
}

Test(sync, peer_that_never_delivers_is_let_go_and_not_blamed)
{
    ez_world *const world = world_new(8, 1);
    test_chain *const chain = chain_of(world, 500); /* far more than may be asked for at once */
    test_server silent = {.chain = chain, .no_bodies = true};
    ez_stranger *const stranger = server_join(world, 1, &silent);
    ez_world_run(world, 120000);
    cr_expect(ez_stranger_is_closed(stranger));
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_TIMEOUT);
    cr_expect_eq(height_of(world, 1), 1);
    chain_free(chain);
    world_end(world);
}

/* Black holes that together hold every request there may be, and one honest peer. */
Test(sync, many_black_holes_do_not_swallow_all_requests)
{
    enum { HOLES = 10 };
    ez_world *const world = world_new(20, 1);
    test_chain *const chain = chain_of(world, 300);
    test_server holes[HOLES], good = {.chain = chain};
    for (size_t i = 0; i < HOLES; i++) {
        holes[i] = (test_server){.chain = chain, .no_bodies = true};
        server_join(world, 1, &holes[i]);
    }
    ez_stranger *const honest = server_join(world, 1, &good);
    ez_world_run(world, 120000);
    expect_chain(world, 1, chain);
    cr_expect(!ez_stranger_is_closed(honest));
    chain_free(chain);
    world_end(world);
}

/* ---- headers that have no bodies ------------------------------------------------------------- */

/* The liar shows the longest header chain there is and has none of its bodies. */
Test(sync, chain_without_bodies_does_not_keep_us_from_an_honest_one)
{
    ez_world *const world = world_new(9, 1);
    test_chain *const longest = chain_of(world, 50);
    test_chain *const honest = chain_fork(longest, 2);
    chain_grow(honest, 2, 20);
    test_server liar = {.chain = longest, .no_bodies = true};
    test_server good = {.chain = honest};
    server_join(world, 1, &liar);
    ez_world_run(world, 1000);
    cr_expect_eq(status_of(world, 1).best_header_height, 51);
    server_join(world, 1, &good);
    ez_world_run(world, 10000);
    expect_chain(world, 1, honest);
    chain_free(longest);
    chain_free(honest);
    world_end(world);
}

Test(sync, chain_without_bodies_does_not_stop_mining_or_announcing)
{
    ez_world *const world = world_new(10, 2);
    ez_world_run(world, 1000);
    test_chain *const longest = chain_of(world, 50);
    test_server liar = {.chain = longest, .no_bodies = true};
    server_join(world, 1, &liar);
    ez_world_run(world, 10000);
    mine(world, 1, 3, 200);
    cr_expect_eq(height_of(world, 1), 4);
    ez_world_run(world, 10000);
    cr_expect_eq(height_of(world, 2), 4, "what it mines reaches its neighbour");
    mine(world, 2, 1, 200);
    ez_world_run(world, 10000);
    cr_expect_eq(height_of(world, 1), 5, "and what its neighbour mines reaches it");
    chain_free(longest);
    world_end(world);
}

/* The neighbour learns a chain that came by sync, not by announcements, although a longer one of
 * headers stands beside it. */
Test(sync, chain_without_bodies_does_not_keep_neighbours_from_an_honest_one)
{
    ez_world *const world = world_new(18, 2);
    ez_world_run(world, 1000);
    test_chain *const longest = chain_of(world, 50);
    test_chain *const honest = chain_fork(longest, 2);
    chain_grow(honest, 2, 20);
    test_server liar = {.chain = longest, .no_bodies = true};
    test_server good = {.chain = honest};
    server_join(world, 1, &liar);
    ez_world_run(world, EZ_BODY_STALL_MS + 1000);
    server_join(world, 1, &good);
    ez_world_run(world, 4000);
    expect_chain(world, 1, honest);
    expect_chain(world, 2, honest);
    chain_free(longest);
    chain_free(honest);
    world_end(world);
}

Test(sync, background_mining_goes_on_beside_a_chain_without_bodies)
{
    ez_world_config config = world_config(11);
    config.mine = true;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    test_chain *const longest = chain_of(world, 50);
    test_server liar = {.chain = longest, .no_bodies = true};
    server_join(world, 1, &liar);
    ez_world_run(world, EZ_BODY_STALL_MS + 1000);
    cr_expect(status_of(world, 1).mining);
    cr_expect(ez_world_prove(world, 1));
    cr_expect_eq(height_of(world, 1), 2);
    chain_free(longest);
    world_end(world);
}

Test(sync, peer_that_claims_much_and_shows_nothing_changes_nothing)
{
    ez_world *const world = world_new(12, 2);
    ez_world_run(world, 1000);
    test_chain *const nothing = chain_new(ez_world_network(world));
    ez_stranger *const stranger = ez_stranger_new(world, 1, false);
    test_server server = {.chain = nothing};
    ez_message hello = ez_stranger_hello(stranger);
    hello.as.hello.tip = (ez_tip){.id = {{{1}}}, .height = UINT64_MAX};
    memset(hello.as.hello.tip.work.limb, 0xff, sizeof(hello.as.hello.tip.work.limb));
    cr_assert(ez_stranger_shake(stranger, &hello));
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GET_HEADERS), 1);
    cr_expect(status_of(world, 1).syncing);
    send_headers(stranger, NULL, 0);
    ez_world_run(world, LATENCY_MS);
    cr_expect(!status_of(world, 1).syncing);
    mine(world, 2, 2, 1000);
    cr_expect_eq(height_of(world, 1), 3);
    ez_world_run(world, 30000);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GET_HEADERS), 1, "it is not asked for ever");
    (void)server;
    chain_free(nothing);
    world_end(world);
}

/* ---- bad bodies ------------------------------------------------------------------------------ */

Test(sync, body_that_is_not_its_headers_condemns_the_sender_only)
{
    ez_world *const world = world_new(13, 1);
    test_chain *const chain = chain_of(world, 30);
    test_server bad = {.chain = chain, .spoilt = 10};
    test_server good = {.chain = chain};
    ez_stranger *const liar = server_join(world, 1, &bad);
    ez_stranger *const honest = server_join(world, 1, &good);
    ez_world_run(world, 20000);
    cr_expect_eq(ez_stranger_goodbye(liar), EZ_GOODBYE_BODY_MISMATCH);
    cr_expect(!ez_stranger_is_closed(honest));
    expect_chain(world, 1, chain);
    chain_free(chain);
    world_end_faulted(world, 1);
}

typedef enum block_fault { FAULT_SIGNATURE, FAULT_FUNDS, FAULT_REWARD, BLOCK_FAULTS } block_fault;

/* A block on `chain` that matches its header and breaks a rule. */
static ez_block *bad_block(const test_chain *chain, block_fault fault)
{
    const ez_keypair miner = fixture_keypair(1), poor = fixture_keypair(77);
    fixture_tx tx = fixture_note(chain->network, &miner, "from", "to", 1, 1);
    fixture_block_spec spec = {.network = chain->network,
                               .parent = chain_tip(chain),
                               .miner = &miner.public_key,
                               .txs = &tx,
                               .tx_count = 1};
    if (fault == FAULT_SIGNATURE) {
        ez_tx forged = tx.tx;
        forged.signature.bytes[0] ^= 1;
        fixture_tx_clear(&tx);
        tx = fixture_finish(chain->network, &forged);
    } else if (fault == FAULT_FUNDS) {
        fixture_tx_clear(&tx);
        tx = fixture_transfer(chain->network, &poor, &miner.public_key, 5, 0, 0);
    } else {
        spec.reward_amount = FIXTURE_REWARD + 1;
    }
    ez_block *const block = fixture_block(&spec);
    fixture_tx_clear(&tx);
    return block;
}

Test(sync, invalid_block_condemns_itself_and_who_served_it)
{
    for (int fault = 0; fault < BLOCK_FAULTS; fault++) {
        ez_world *const world = world_new(14, 1);
        test_chain *const honest = chain_of(world, 8);
        test_chain *const bad = chain_fork(honest, 5);
        chain_take(bad, bad_block(bad, (block_fault)fault));
        chain_grow(bad, 3, 10);
        test_server good_server = {.chain = honest}, bad_server = {.chain = bad};
        ez_stranger *const good = server_join(world, 1, &good_server);
        ez_stranger *const liar = server_join(world, 1, &bad_server);
        ez_world_run(world, 20000);
        cr_expect_eq(ez_stranger_goodbye(liar), EZ_GOODBYE_BLOCK_INVALID, "fault %d", fault);
        cr_expect(!ez_stranger_is_closed(good));
        expect_chain(world, 1, honest);
        ez_block_info info;
        cr_assert(ez_node_block_by_id(ez_world_node(world, 1), &info, &bad->blocks[5]->id));
        cr_expect(info.invalid);
        ez_world_stop(world, 1, true);
        ez_world_start(world, 1);
        expect_chain(world, 1, honest);
        cr_expect(ez_world_replays(world, 1));
        chain_free(honest);
        chain_free(bad);
        world_end_faulted(world, 1);
    }
}

/* Our own chain is left for a longer one whose middle is bad: we must come back to it, and a store
 * that is read again must agree. */
Test(sync, invalid_block_inside_a_longer_chain_leads_back_to_the_best_valid_one)
{
    ez_world *const world = world_new(15, 2);
    ez_world_run(world, 1000);
    mine(world, 1, 6, 100);
    const ez_tx_id pooled = note(world, 1, "waits in the pool");
    const ez_block_id before = tip_of(world, 1);
    test_chain *const bad = chain_of(world, 10);
    chain_take(bad, bad_block(bad, FAULT_FUNDS));
    chain_grow(bad, 3, 4);
    test_server server = {.chain = bad};
    ez_stranger *const liar = server_join(world, 1, &server);
    ez_world_run(world, 20000);
    cr_expect_eq(ez_stranger_goodbye(liar), EZ_GOODBYE_BLOCK_INVALID);
    /* The ten valid blocks below the bad one are the best valid chain. */
    cr_expect_eq(height_of(world, 1), 11);
    cr_expect(pool_has(world, 1, &pooled));
    const ez_block_id after = tip_of(world, 1);
    cr_expect(!ez_block_id_is_equal(&before, &after));
    cr_expect(run_to_agreement(world, 10000), "the neighbour follows");
    ez_world_stop(world, 1, true);
    cr_expect(ez_world_replays(world, 1));
    ez_world_start(world, 1);
    const ez_block_id again = tip_of(world, 1);
    cr_expect(ez_block_id_is_equal(&again, &after));
    chain_free(bad);
    world_end_faulted(world, 1);
}

Test(sync, longer_chain_with_a_bad_second_block_is_left_again)
{
    ez_world *const world = world_new(16, 1);
    mine(world, 1, 6, 100);
    const ez_block_id before = tip_of(world, 1);
    test_chain *const bad = chain_of(world, 2);
    chain_take(bad, bad_block(bad, FAULT_REWARD));
    chain_grow(bad, 3, 10);
    test_server server = {.chain = bad};
    server_join(world, 1, &server);
    ez_world_run(world, 20000);
    ez_block_id after = tip_of(world, 1);
    cr_expect(ez_block_id_is_equal(&before, &after));
    cr_expect_eq(ez_world_notices(world, 1, EZ_NOTICE_REORG, NULL), 0, "no observer saw a change");
    ez_world_stop(world, 1, true);
    cr_expect(ez_world_replays(world, 1));
    ez_world_start(world, 1);
    after = tip_of(world, 1);
    cr_expect(ez_block_id_is_equal(&before, &after));
    chain_free(bad);
    world_end_faulted(world, 1);
}

/* An honest neighbour that passed on the header of a block which turned out bad. */
Test(sync, who_only_announced_a_bad_block_is_not_blamed)
{
    ez_world *const world = world_new(17, 3); /* 1 - 2 - 3 */
    ez_world_run(world, 1000);
    test_chain *const bad = chain_of(world, 0);
    chain_take(bad, bad_block(bad, FAULT_REWARD));
    test_server server = {.chain = bad};
    ez_stranger *const liar = ez_stranger_new(world, 1, true);
    ez_stranger_react(liar, &server, NULL);
    send_announcement(liar, bad->blocks[0]);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(liar, EZ_MSG_GET_PARTS), 1);
    cr_expect_eq(status_of(world, 1).best_header_height, 2);
    ez_world_run(world, LATENCY_MS);
    ez_message parts = {.type = EZ_MSG_PARTS};
    const ez_byte_span tx = {ez_blob_data(bad->blocks[0]->body), bad->blocks[0]->txs[0].size};
    parts.as.parts.id = bad->blocks[0]->id;
    parts.as.parts.list = &tx;
    parts.as.parts.count = 1;
    ez_stranger_send(liar, &parts);
    ez_world_run(world, 20000);
    cr_expect_eq(ez_stranger_goodbye(liar), EZ_GOODBYE_BLOCK_INVALID, "it served the bad block");
    cr_expect_eq(peers_of(world, 1), 1 + 1);
    cr_expect_eq(height_of(world, 1), 1);
    mine(world, 3, 1, 1000);
    cr_expect_eq(height_of(world, 1), 2);
    chain_free(bad);
    world_end_faulted(world, 1);
}

/* While we learn its chain, it passes on a header that somebody else proves bad: it still has all
 * that is below. */
Test(sync, peer_that_announced_a_bad_block_still_serves_its_chain)
{
    ez_world *const world = world_new(19, 1);
    test_chain *const chain = chain_of(world, 500);
    ez_block *const bad = bad_block(chain, FAULT_SIGNATURE);
    test_server server = {.chain = chain};
    ez_stranger *const honest = server_join(world, 1, &server);
    ez_stranger *const meddler = ez_stranger_new(world, 1, true);
    ez_world_run(world, 4 * LATENCY_MS);
    send_announcement(honest, bad);
    ez_world_run(world, 2 * LATENCY_MS);
    send_body(meddler, bad);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_goodbye(meddler), EZ_GOODBYE_BLOCK_INVALID);
    cr_assert_lt(height_of(world, 1), 400, "the sync is still going on");
    ez_world_run(world, 20000);
    expect_chain(world, 1, chain);
    cr_expect(!ez_stranger_is_closed(honest));
    ez_block_unref(bad);
    chain_free(chain);
    world_end_faulted(world, 1);
}
