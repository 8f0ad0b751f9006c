/* New blocks: announced before they are checked, rebuilt from the pool, and chosen by work. */
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

Test(blocks, block_of_pooled_transactions_needs_no_request)
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
Test(blocks, block_that_takes_a_pooled_transaction_twice_is_refused)
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

Test(blocks, missing_transactions_are_asked_for_by_position)
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
Test(blocks, misleading_short_id_costs_a_round_trip_and_nobody_the_connection)
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
Test(blocks, honest_parts_under_misleading_short_ids_blame_nobody)
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

Test(blocks, announcement_that_repeats_a_short_id_ten_thousand_times_is_survived)
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
Test(blocks, lying_announcement_divides_no_honest_hosts)
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

Test(blocks, wrong_number_of_parts_is_a_fault)
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

Test(blocks, parts_that_never_come_are_asked_of_another_peer)
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
Test(blocks, whole_body_is_asked_for_at_once_when_parts_are_missing)
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

Test(blocks, withheld_block_does_not_delay_another_of_as_much_work)
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
Test(blocks, withheld_block_does_not_end_the_wait_for_parts_of_another)
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
Test(blocks, many_withheld_blocks_do_not_delay_another)
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

Test(blocks, one_peer_has_few_tries_at_a_height)
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
Test(blocks, bad_rival_condemns_itself_and_who_gave_parts_of_it)
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

Test(blocks, body_asked_for_too_early_is_served_once_it_is_checked)
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

Test(blocks, body_that_does_not_come_is_refused_in_the_end)
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
