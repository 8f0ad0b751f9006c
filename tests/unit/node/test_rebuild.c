/* Blocks rebuilt from the pool: parts, rivals of equal work, and who asks meanwhile. */
#include "support_world.h"

/* ---- rebuilding ------------------------------------------------------------------------------ */

/* A block of `count` notes, of which the host's pool holds the first `pooled`. */
typedef struct rebuild {
    ez_world *world;
    test_chain *chain;
    test_server server;
    ez_stranger *source;
    fixture_tx notes[8];
    size_t count;
} rebuild;

static rebuild *rebuild_new(uint64_t seed, size_t count, size_t pooled)
{
    rebuild *const made = ez_alloc(1, sizeof(*made));
    const ez_keypair pair = fixture_keypair(1);
    made->world = world_new(seed, 1);
    made->chain = chain_new(ez_world_network(made->world));
    made->count = count;
    for (size_t i = 0; i < count; i++) {
        made->notes[i] = fixture_note(made->chain->network, &pair, "a", "b", 1, i);
    }
    made->server.chain = made->chain;
    made->source = server_join(made->world, 1, &made->server);
    if (pooled > 0) {
        send_txs(made->source, made->notes, pooled);
    }
    ez_world_run(made->world, 1000);
    chain_add(made->chain, 1, made->notes, count);
    return made;
}

static void rebuild_end(rebuild *made, uint64_t faults)
{
    for (size_t i = 0; i < made->count; i++) {
        fixture_tx_clear(&made->notes[i]);
    }
    world_end_faulted(made->world, faults);
    chain_free(made->chain);
    free(made);
}

Test(rebuild, block_of_pooled_transactions_needs_no_request)
{
    rebuild *const made = rebuild_new(5, 5, 5);
    send_announcement(made->source, made->chain->blocks[0]);
    ez_world_run(made->world, LATENCY_MS);
    cr_expect_eq(height_of(made->world, 1), 2);
    cr_expect_eq(counters_of(made->world, 1)->bodies_rebuilt, 1);
    cr_expect_eq(made->server.parts_asked + made->server.bodies_asked, 0);
    cr_expect_eq(pool_of(made->world, 1), 0);
    rebuild_end(made, 0);
}

/* The work is real, and both places are filled from the pool: still no block. */
Test(rebuild, block_that_takes_a_pooled_transaction_twice_is_refused)
{
    rebuild *const made = rebuild_new(5, 2, 2);
    const ez_keypair pair = fixture_keypair(1);
    fixture_tx twice[2] = {made->notes[0], made->notes[0]};
    const fixture_block_spec spec = {.network = made->chain->network,
                                     .parent = &made->chain->network->genesis,
                                     .miner = &pair.public_key,
                                     .txs = twice,
                                     .tx_count = 2};
    ez_header header = fixture_header(spec.network, spec.parent, 0);
    ez_blob *const body = fixture_body(&spec, &header);
    ez_block_id id;
    fixture_find_proof(&header, &id);
    const uint64_t short_ids[2] = {short_id_of(&id, &twice[0].id), short_id_of(&id, &twice[0].id)};
    const size_t reward_at = 2 * ez_blob_size(twice[0].bytes);
    ez_message message = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    message.as.announce_block.header = header;
    message.as.announce_block.short_ids = short_ids;
    message.as.announce_block.short_id_count = 2;
    message.as.announce_block.reward =
        (ez_byte_span){ez_blob_data(body) + reward_at, ez_blob_size(body) - reward_at};
    ez_stranger_send(made->source, &message);
    ez_world_run(made->world, LATENCY_MS);
    cr_expect_eq(counters_of(made->world, 1)->bodies_rebuilt, 1);
    cr_expect_eq(height_of(made->world, 1), 1);
    ez_block_info info;
    cr_assert(ez_node_block_by_id(ez_world_node(made->world, 1), &info, &id));
    cr_expect(info.invalid);
    ez_blob_unref(body);
    rebuild_end(made, 0);
}

Test(rebuild, missing_transactions_are_asked_for_by_position)
{
    rebuild *const made = rebuild_new(6, 5, 3);
    send_announcement(made->source, made->chain->blocks[0]);
    ez_world_run(made->world, 3 * LATENCY_MS);
    cr_expect_eq(height_of(made->world, 1), 2);
    cr_expect_eq(made->server.parts_asked, 1);
    cr_expect_eq(made->server.bodies_asked, 0);
    const ez_message *const asked = ez_stranger_last(made->source, EZ_MSG_GET_PARTS);
    cr_assert_eq(asked->as.get_parts.count, 2);
    cr_expect_eq(asked->as.get_parts.positions[0], 3);
    cr_expect_eq(asked->as.get_parts.positions[1], 4);
    cr_expect_eq(counters_of(made->world, 1)->bodies_parts, 1);
    rebuild_end(made, 0);
}

/* Announce the block with short ids of our choice. */
static void announce_lying(rebuild *made, const uint64_t *short_ids, size_t count)
{
    const ez_block *const block = made->chain->blocks[0];
    const ez_block_tx *const reward = &block->txs[block->tx_count - 1];
    ez_message message = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    message.as.announce_block.header = block->header;
    message.as.announce_block.short_ids = short_ids;
    message.as.announce_block.short_id_count = count;
    message.as.announce_block.reward =
        (ez_byte_span){ez_blob_data(block->body) + reward->offset, reward->size};
    ez_stranger_send(made->source, &message);
}

/* The short id of another pooled transaction: the body does not match, and is fetched whole. */
Test(rebuild, misleading_short_id_costs_a_round_trip_and_nobody_the_connection)
{
    rebuild *const made = rebuild_new(7, 2, 2);
    const ez_block *const block = made->chain->blocks[0];
    const uint64_t first = short_id_of(&block->id, &made->notes[0].id);
    const uint64_t lie[] = {first, first};
    announce_lying(made, lie, 2);
    ez_world_run(made->world, 1000);
    cr_expect_eq(height_of(made->world, 1), 2);
    cr_expect_eq(made->server.bodies_asked, 1);
    cr_expect(!ez_stranger_is_closed(made->source));
    rebuild_end(made, 0);
}

/* The same with a part asked for: who gave the part honestly is not the liar. */
Test(rebuild, honest_parts_under_misleading_short_ids_blame_nobody)
{
    rebuild *const made = rebuild_new(8, 3, 2);
    const ez_block *const block = made->chain->blocks[0];
    const uint64_t first = short_id_of(&block->id, &made->notes[0].id);
    const uint64_t lie[] = {first, first, 1};
    announce_lying(made, lie, 3);
    ez_world_run(made->world, 1000);
    cr_expect_eq(made->server.parts_asked, 1);
    cr_expect_eq(made->server.bodies_asked, 1);
    cr_expect_eq(height_of(made->world, 1), 2);
    cr_expect(!ez_stranger_is_closed(made->source));
    rebuild_end(made, 0);
}

Test(rebuild, announcement_that_repeats_a_short_id_ten_thousand_times_is_survived)
{
    rebuild *const made = rebuild_new(9, 2, 2);
    uint64_t *const lie = ez_alloc(10000, sizeof(*lie));
    for (size_t i = 0; i < 10000; i++) {
        lie[i] = short_id_of(&made->chain->blocks[0]->id, &made->notes[0].id);
    }
    announce_lying(made, lie, 10000);
    ez_world_run(made->world, 1000);
    cr_expect_eq(height_of(made->world, 1), 2);
    free(lie);
    rebuild_end(made, 0);
}

/* Between two honest hosts: the liar's announcement goes through the first to the second, which
 * asks the first for positions that the block does not have. */
Test(rebuild, lying_announcement_divides_no_honest_hosts)
{
    ez_world *const world = world_new(10, 2);
    ez_world_run(world, 1000);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 1);
    rebuild made = {.world = world, .chain = chain};
    made.server.chain = chain;
    made.source = server_join(world, 1, &made.server);
    ez_world_run(world, 1000);
    test_chain *const longer = chain_fork(chain, 1);
    const ez_keypair pair = fixture_keypair(1);
    fixture_tx tx = fixture_note(chain->network, &pair, "a", "b", 1, 1);
    chain_add(longer, 1, &tx, 1);
    made.server.chain = longer;
    rebuild next = {.chain = chain_new(chain->network), .source = made.source};
    chain_take(next.chain, ez_block_ref(longer->blocks[1]));
    const uint64_t lie[] = {1, 2, 3, 4, 5};
    announce_lying(&next, lie, 5);
    ez_stranger_react(made.source, NULL, NULL);
    ez_world_run(world, 3 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(made.source, EZ_MSG_GET_PARTS), 1);
    /* The liar then delivers the whole body, and both hosts get there. */
    send_body(made.source, longer->blocks[1]);
    ez_world_run(world, 10000);
    cr_expect_eq(height_of(world, 1), 3);
    cr_expect_eq(height_of(world, 2), 3);
    cr_expect_eq(peers_of(world, 2), 1);
    fixture_tx_clear(&tx);
    chain_free(next.chain);
    chain_free(longer);
    chain_free(chain);
    world_end(world);
}

Test(rebuild, wrong_number_of_parts_is_a_fault)
{
    rebuild *const made = rebuild_new(11, 3, 0);
    ez_stranger_react(made->source, NULL, NULL);
    send_announcement(made->source, made->chain->blocks[0]);
    ez_world_run(made->world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(made->source, EZ_MSG_GET_PARTS), 1);
    ez_byte_span spans[2];
    for (size_t i = 0; i < 2; i++) {
        spans[i] =
            (ez_byte_span){ez_blob_data(made->notes[i].bytes), ez_blob_size(made->notes[i].bytes)};
    }
    ez_message parts = {.type = EZ_MSG_PARTS};
    parts.as.parts.id = made->chain->blocks[0]->id;
    parts.as.parts.list = spans;
    parts.as.parts.count = 2;
    ez_stranger_send(made->source, &parts);
    ez_world_run(made->world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(made->source), EZ_GOODBYE_BODY_MISMATCH);
    rebuild_end(made, 1);
}

Test(rebuild, parts_that_never_come_are_asked_of_another_peer)
{
    rebuild *const made = rebuild_new(12, 3, 0);
    test_server other = {.chain = made->chain};
    made->server.no_bodies = true;
    send_announcement(made->source, made->chain->blocks[0]);
    ez_world_run(made->world, 2 * LATENCY_MS);
    server_join(made->world, 1, &other);
    ez_world_run(made->world, EZ_BODY_STALL_MS + 1000);
    cr_expect_eq(other.bodies_asked, 1);
    cr_expect_eq(height_of(made->world, 1), 2);
    rebuild_end(made, 0);
}

/* Positions that the block does not have: whoever is asked for them says that they are missing, and
 * is asked for the whole body without delay. */
Test(rebuild, whole_body_is_asked_for_at_once_when_parts_are_missing)
{
    rebuild *const made = rebuild_new(27, 1, 0);
    const ez_block_id id = made->chain->blocks[0]->id;
    const uint64_t lie[] = {1, 2, 3};
    ez_stranger_react(made->source, NULL, NULL);
    announce_lying(made, lie, 3);
    ez_world_run(made->world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(made->source, EZ_MSG_GET_PARTS), 1);
    send_ids(made->source, EZ_MSG_MISSING_BODIES, &id, 1);
    ez_world_run(made->world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(made->source, EZ_MSG_GET_BODIES), 1);
    rebuild_end(made, 0);
}

/* ---- rivals ---------------------------------------------------------------------------------- */

/* Announce a block of its own chain that holds note `number`, which nobody will give. */
static void announce_withheld(ez_world *world, ez_stranger *liar, uint64_t number)
{
    const ez_keypair pair = fixture_keypair(7);
    test_chain *const chain = chain_new(ez_world_network(world));
    fixture_tx tx = fixture_note(chain->network, &pair, "a", "b", 1, number);
    send_announcement(liar, chain_add(chain, 1, &tx, 1));
    ez_world_run(world, LATENCY_MS);
    fixture_tx_clear(&tx);
    chain_free(chain);
}

Test(rebuild, withheld_block_does_not_delay_another_of_as_much_work)
{
    for (size_t pooled = 0; pooled <= 2; pooled++) {
        rebuild *const made = rebuild_new(30, 2, pooled);
        ez_stranger *const liar = ez_stranger_new(made->world, 1, true);
        announce_withheld(made->world, liar, 1);
        ez_world_run(made->world, LATENCY_MS);
        cr_assert_eq(ez_stranger_count(liar, EZ_MSG_GET_PARTS), 1);
        send_announcement(made->source, made->chain->blocks[0]);
        ez_world_run(made->world, 4 * LATENCY_MS);
        cr_expect_eq(height_of(made->world, 1), 2, "with %zu of 2 pooled", pooled);
        cr_expect_eq(made->server.parts_asked, pooled < 2);
        cr_expect_eq(ez_stranger_count(liar, EZ_MSG_ANNOUNCE_BLOCK), 1, "it is told of the tip");
        ez_world_run(made->world, 60000);
        cr_expect_eq(status_of(made->world, 1).syncing, false);
        rebuild_end(made, 0);
    }
}

/* The parts of the honest one are on their way when another withheld one takes the window. */
Test(rebuild, withheld_block_does_not_end_the_wait_for_parts_of_another)
{
    rebuild *const made = rebuild_new(34, 2, 1);
    ez_stranger *const liar = ez_stranger_new(made->world, 1, true);
    send_announcement(made->source, made->chain->blocks[0]);
    ez_world_run(made->world, LATENCY_MS);
    announce_withheld(made->world, liar, 1);
    announce_withheld(made->world, liar, 2);
    ez_world_run(made->world, LATENCY_MS);
    cr_expect_eq(height_of(made->world, 1), 2);
    rebuild_end(made, 0);
}

/* As many withheld blocks as there is room for, and more, by as many peers. */
Test(rebuild, many_withheld_blocks_do_not_delay_another)
{
    rebuild *const made = rebuild_new(31, 2, 1);
    for (uint64_t i = 0; i < 30; i++) {
        announce_withheld(made->world, ez_stranger_new(made->world, 1, true), i);
    }
    send_announcement(made->source, made->chain->blocks[0]);
    ez_world_run(made->world, 4 * LATENCY_MS);
    cr_expect_eq(height_of(made->world, 1), 2);
    rebuild_end(made, 0);
}

Test(rebuild, one_peer_has_few_tries_at_a_height)
{
    rebuild *const made = rebuild_new(32, 2, 1);
    ez_stranger *const liar = ez_stranger_new(made->world, 1, true);
    for (uint64_t i = 0; i < 10; i++) {
        announce_withheld(made->world, liar, i);
    }
    ez_world_run(made->world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(liar, EZ_MSG_GET_PARTS), 3);
    rebuild_end(made, 0);
}

/* A rival that breaks a rule of the ledger: who gave parts of it had checked it. */
Test(rebuild, bad_rival_condemns_itself_and_who_gave_parts_of_it)
{
    rebuild *const made = rebuild_new(33, 0, 0);
    ez_stranger *const liar = ez_stranger_new(made->world, 1, true);
    test_chain *const bad = chain_new(made->chain->network);
    test_server server = {.chain = bad};
    ez_stranger *const source = server_join(made->world, 1, &server);
    announce_withheld(made->world, liar, 1);
    const ez_keypair miner = fixture_keypair(1);
    fixture_tx tx = fixture_note(bad->network, &miner, "a", "b", 1, 9);
    const fixture_block_spec spec = {.network = bad->network,
                                     .parent = chain_tip(bad),
                                     .miner = &miner.public_key,
                                     .txs = &tx,
                                     .tx_count = 1,
                                     .reward_amount = FIXTURE_REWARD + 1};
    chain_take(bad, fixture_block(&spec));
    send_announcement(source, bad->blocks[0]);
    ez_world_run(made->world, 4 * LATENCY_MS);
    cr_expect_eq(height_of(made->world, 1), 1);
    cr_expect_eq(ez_stranger_goodbye(source), EZ_GOODBYE_BLOCK_INVALID);
    cr_expect(!ez_stranger_is_closed(liar));
    fixture_tx_clear(&tx);
    chain_free(bad);
    rebuild_end(made, 1);
}

/* ---- serving while checking ------------------------------------------------------------------ */

Test(rebuild, body_asked_for_too_early_is_served_once_it_is_checked)
{
    rebuild *const made = rebuild_new(13, 2, 0);
    ez_stranger *const eager = ez_stranger_new(made->world, 1, true);
    const ez_block *const block = made->chain->blocks[0];
    ez_stranger_react(made->source, NULL, NULL);
    send_announcement(made->source, block);
    ez_world_run(made->world, 2 * LATENCY_MS);
    send_ids(eager, EZ_MSG_GET_BODIES, &block->id, 1);
    ez_world_run(made->world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(eager, EZ_MSG_BODY), 0);
    cr_expect_eq(ez_stranger_count(eager, EZ_MSG_MISSING_BODIES), 0);
    send_body(made->source, block);
    ez_world_run(made->world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(eager, EZ_MSG_BODY), 1);
    rebuild_end(made, 0);
}

Test(rebuild, body_that_does_not_come_is_refused_in_the_end)
{
    rebuild *const made = rebuild_new(14, 2, 0);
    ez_stranger *const eager = ez_stranger_new(made->world, 1, true);
    const ez_block *const block = made->chain->blocks[0];
    made->server.no_bodies = true;
    send_announcement(made->source, block);
    ez_world_run(made->world, 2 * LATENCY_MS);
    send_ids(eager, EZ_MSG_GET_BODIES, &block->id, 1);
    ez_world_run(made->world, EZ_BODY_STALL_MS + 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(eager, EZ_MSG_MISSING_BODIES), 1);
    /* And when it comes after all, who was refused hears of it. */
    const size_t before = ez_stranger_count(eager, EZ_MSG_ANNOUNCE_BLOCK);
    send_body(made->source, block);
    ez_world_run(made->world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(eager, EZ_MSG_ANNOUNCE_BLOCK), before + 1);
    rebuild_end(made, 0);
}
