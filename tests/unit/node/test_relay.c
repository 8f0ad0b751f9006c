/* Pushes, hints, grafts and prunes: what a node says, and what lies in them cost. */
#include "support_world.h"

#include "ezp2p/gossip/short_id.h"

static const ez_relay_strategy *const only_tree[] = {&ez_relay_tree};

static ez_world *tree_world(uint64_t seed, size_t hosts)
{
    ez_world_config config = world_config(seed);
    config.relays = only_tree;
    config.relay_count = 1;
    ez_world *const world = ez_world_new(&config);
    for (size_t host = 1; host <= hosts; host++) {
        const size_t before = host - 1;
        ez_world_add(world, &before, before > 0);
    }
    ez_world_run(world, 5000);
    return world;
}

/* As `keeper` has to know it again. */
static uint64_t short_id_for(const ez_keypair *keeper, const ez_tx_id *id)
{
    const ez_siphash_key key = ez_short_id_key(keeper->public_key.bytes);
    return ez_short_id(&key, id);
}

static uint64_t short_id_at_host(const ez_world *world, const ez_tx_id *id)
{
    return short_id_for(ez_world_key(world, 1), id);
}

static void send_push(ez_stranger *stranger, const fixture_tx *tx, uint32_t tree)
{
    const ez_byte_span span = {ez_blob_data(tx->bytes), ez_blob_size(tx->bytes)};
    ez_message message = {.type = EZ_MSG_TXS};
    message.as.txs.list = &span;
    message.as.txs.count = 1;
    message.as.txs.tree = tree;
    ez_stranger_send(stranger, &message);
}

static void send_short_ids(ez_stranger *stranger, ez_message_type type, const uint64_t *ids,
                           size_t count)
{
    ez_message message = {.type = type};
    message.as.short_ids.list = ids;
    message.as.short_ids.count = count;
    ez_stranger_send(stranger, &message);
}

static void send_tree(ez_stranger *stranger, ez_message_type type, uint32_t tree)
{
    ez_message message = {.type = type};
    message.as.tree.number = tree;
    ez_stranger_send(stranger, &message);
}

static void send_prune(ez_stranger *stranger, uint32_t tree)
{
    send_tree(stranger, EZ_MSG_PRUNE, tree);
}

static void pass(ez_world *world)
{
    ez_world_run(world, 2 * LATENCY_MS + 1);
}

/* ---- what a node does ------------------------------------------------------------------------ */

Test(relay, push_goes_on_at_once_along_its_tree)
{
    ez_world *const world = tree_world(1, 1);
    ez_stranger *const from = ez_stranger_new(world, 1, true);
    ez_stranger *const to = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_push(from, &tx, 7);
    pass(world);
    const ez_message *const pushed = ez_stranger_last(to, EZ_MSG_TXS);
    cr_assert_not_null(pushed);
    cr_expect_eq(pushed->as.txs.tree, 7);
    cr_expect_eq(ez_stranger_count(from, EZ_MSG_TXS), 0);
    cr_expect_eq(ez_stranger_count(from, EZ_MSG_HINT_TXS), 0, "it has it");
    ez_world_run(world, 2000);
    cr_expect_eq(ez_stranger_count(to, EZ_MSG_ANNOUNCE_TXS), 0, "nor is it announced");
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(relay, repeat_along_the_same_tree_is_pruned_and_then_hinted)
{
    ez_world *const world = tree_world(2, 1);
    ez_stranger *const first = ez_stranger_new(world, 1, true);
    ez_stranger *const second = ez_stranger_new(world, 1, true);
    fixture_tx txs[] = {numbered_note(world, 1), numbered_note(world, 2)};
    send_push(first, &txs[0], 7);
    send_push(second, &txs[0], 7);
    pass(world);
    cr_assert_eq(ez_stranger_count(second, EZ_MSG_PRUNE), 1);
    cr_expect_eq(ez_stranger_last(second, EZ_MSG_PRUNE)->as.tree.number, 7);
    cr_expect_eq(ez_stranger_count(first, EZ_MSG_PRUNE), 0);
    const size_t pushed = ez_stranger_count(second, EZ_MSG_TXS);
    send_push(first, &txs[1], 7);
    pass(world);
    cr_expect_eq(ez_stranger_count(second, EZ_MSG_TXS), pushed);
    ez_world_run(world, EZ_HINT_DELAY_MS);
    const ez_message *const hint = ez_stranger_last(second, EZ_MSG_HINT_TXS);
    cr_assert_not_null(hint);
    cr_expect_eq(hint->as.short_ids.list[0], short_id_for(ez_stranger_key(second), &txs[1].id));
    fixture_tx_clear(&txs[0]);
    fixture_tx_clear(&txs[1]);
    world_end(world);
}

Test(relay, repeat_that_was_asked_for_or_came_along_another_tree_is_not_pruned)
{
    ez_world *const world = tree_world(3, 1);
    ez_stranger *const first = ez_stranger_new(world, 1, true);
    ez_stranger *const second = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_push(first, &tx, 7);
    pass(world);
    send_push(second, &tx, 8);
    send_push(second, &tx, 0);
    pass(world);
    cr_expect_eq(counters_of(world, 1)->txs_duplicate, 2);
    cr_expect_eq(ez_stranger_count(second, EZ_MSG_PRUNE), 0);
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(relay, pruned_peer_is_hinted_and_gets_what_it_grafts)
{
    ez_world *const world = tree_world(4, 1);
    ez_stranger *const from = ez_stranger_new(world, 1, true);
    ez_stranger *const to = ez_stranger_new(world, 1, true);
    fixture_tx txs[] = {numbered_note(world, 1), numbered_note(world, 2)};
    send_prune(to, 7);
    send_push(from, &txs[0], 7);
    ez_world_run(world, 2 * LATENCY_MS + EZ_HINT_DELAY_MS + 1);
    cr_expect_eq(ez_stranger_count(to, EZ_MSG_TXS), 0);
    const ez_message *const hint = ez_stranger_last(to, EZ_MSG_HINT_TXS);
    cr_assert_not_null(hint);
    cr_assert_eq(hint->as.short_ids.count, 1);
    const uint64_t short_id = hint->as.short_ids.list[0];
    send_short_ids(to, EZ_MSG_GRAFT_TXS, &short_id, 1);
    pass(world);
    cr_assert_eq(ez_stranger_count(to, EZ_MSG_TXS), 1);
    cr_expect_eq(ez_stranger_last(to, EZ_MSG_TXS)->as.txs.tree, 7);
    send_push(from, &txs[1], 7);
    pass(world);
    cr_expect_eq(ez_stranger_count(to, EZ_MSG_TXS), 2, "and the next one as well");
    fixture_tx_clear(&txs[0]);
    fixture_tx_clear(&txs[1]);
    world_end(world);
}

Test(relay, hints_go_together_and_are_dropped_when_the_peer_shows_that_it_has_it)
{
    ez_world *const world = tree_world(5, 1);
    ez_stranger *const from = ez_stranger_new(world, 1, true);
    ez_stranger *const to = ez_stranger_new(world, 1, true);
    fixture_tx txs[3];
    send_prune(to, 7);
    for (uint64_t i = 0; i < 3; i++) {
        txs[i] = numbered_note(world, i + 1);
        send_push(from, &txs[i], 7);
    }
    pass(world);
    const uint64_t shown = short_id_at_host(world, &txs[1].id);
    send_short_ids(to, EZ_MSG_HINT_TXS, &shown, 1);
    ez_world_run(world, LATENCY_MS + EZ_HINT_DELAY_MS);
    cr_assert_eq(ez_stranger_count(to, EZ_MSG_HINT_TXS), 1);
    cr_expect_eq(ez_stranger_last(to, EZ_MSG_HINT_TXS)->as.short_ids.count, 2);
    for (size_t i = 0; i < 3; i++) {
        fixture_tx_clear(&txs[i]);
    }
    world_end(world);
}

/* Push notes of the numbers from `begin` on, before `end`. */
static void push_notes(ez_world *world, ez_stranger *from, uint64_t begin, uint64_t end)
{
    for (uint64_t i = begin; i < end; i++) {
        fixture_tx tx = numbered_note(world, i);
        send_push(from, &tx, 7);
        fixture_tx_clear(&tx);
    }
    ez_world_run(world, LATENCY_MS + EZ_HINT_DELAY_MS);
}

Test(relay, a_stream_faster_than_a_peer_can_note_its_hints_is_announced)
{
    ez_world *const world = tree_world(14, 1);
    ez_stranger *const from = ez_stranger_new(world, 1, true);
    ez_stranger *const to = ez_stranger_new(world, 1, true);
    send_prune(to, 7);
    push_notes(world, from, 1, 400);
    const size_t hinted = ez_stranger_count(to, EZ_MSG_HINT_TXS);
    cr_expect_gt(hinted, 0);
    cr_expect_eq(ez_stranger_count(to, EZ_MSG_ANNOUNCE_TXS), 0);
    push_notes(world, from, 400, 800);
    cr_expect_gt(ez_stranger_count(to, EZ_MSG_ANNOUNCE_TXS), 0, "they came at once");
    const size_t announced = ez_stranger_count(to, EZ_MSG_ANNOUNCE_TXS);
    ez_world_run(world, 1000);
    push_notes(world, from, 800, 900);
    cr_expect_eq(ez_stranger_count(to, EZ_MSG_ANNOUNCE_TXS), announced, "hinted at again");
    cr_expect_eq(ez_stranger_count(to, EZ_MSG_TXS), 0);
    world_end(world);
}

Test(relay, a_tree_that_was_grown_needs_no_repeats)
{
    ez_world *const world = tree_world(13, 1);
    ez_stranger *const first = ez_stranger_new(world, 1, true);
    ez_stranger *const child = ez_stranger_new(world, 1, true);
    ez_stranger *const elsewhere = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_tree(first, EZ_MSG_GROW, 7);
    pass(world);
    cr_assert_eq(ez_stranger_count(child, EZ_MSG_GROW), 1);
    cr_expect_eq(ez_stranger_last(child, EZ_MSG_GROW)->as.tree.number, 7);
    cr_expect_eq(ez_stranger_count(first, EZ_MSG_GROW), 0);
    send_tree(elsewhere, EZ_MSG_GROW, 7);
    pass(world);
    cr_expect_eq(ez_stranger_count(child, EZ_MSG_GROW), 1, "once");
    send_push(first, &tx, 7);
    pass(world);
    cr_expect_eq(ez_stranger_count(child, EZ_MSG_TXS), 1);
    cr_expect_eq(ez_stranger_count(elsewhere, EZ_MSG_TXS), 0);
    ez_world_run(world, EZ_HINT_DELAY_MS);
    cr_expect_eq(ez_stranger_count(elsewhere, EZ_MSG_HINT_TXS), 1);
    fixture_tx_clear(&tx);
    world_end(world);
}

/* The number of the tree of a node. */
static uint32_t tree_of(const ez_public_key *node)
{
    return 1 + (node->bytes[0] | (uint32_t)node->bytes[1] << 8) % EZ_TREES_MAX;
}

Test(relay, first_entry_of_a_node_borrows_a_tree_and_grows_its_own)
{
    ez_world *const world = tree_world(14, 1);
    ez_stranger *const lender = ez_stranger_new(world, 1, true);
    ez_stranger *const other = ez_stranger_new(world, 1, true);
    const uint32_t lent = tree_of(&ez_stranger_key(lender)->public_key);
    const uint32_t own = tree_of(&ez_world_key(world, 1)->public_key);
    send_tree(lender, EZ_MSG_GROW, lent);
    pass(world);
    send_tree(other, EZ_MSG_GROW, lent); /* so it is none of the tree's */
    ez_world_run(world, EZ_TREE_GROWS_MS);
    ez_world_note(world, 1, "from", "to", 1);
    ez_world_run(world, 100);
    cr_assert_eq(ez_stranger_count(lender, EZ_MSG_TXS), 1);
    cr_expect_eq(ez_stranger_last(lender, EZ_MSG_TXS)->as.txs.tree, lent);
    cr_expect_eq(ez_stranger_count(other, EZ_MSG_TXS), 0);
    cr_expect_eq(ez_stranger_last(lender, EZ_MSG_GROW)->as.tree.number, own);
    cr_expect_eq(ez_stranger_last(other, EZ_MSG_GROW)->as.tree.number, own);
    const size_t grown = ez_stranger_count(other, EZ_MSG_GROW);
    ez_world_note(world, 1, "from", "to", 2);
    ez_world_run(world, 100);
    cr_expect_eq(ez_stranger_last(lender, EZ_MSG_TXS)->as.txs.tree, own);
    cr_assert_eq(ez_stranger_count(other, EZ_MSG_TXS), 1);
    cr_expect_eq(ez_stranger_count(other, EZ_MSG_GROW), grown);
    world_end(world);
}

/* ---- lies ------------------------------------------------------------------------------------ */

/* The eager peer says nothing; whoever hints is asked. */
Test(relay, withheld_push_costs_the_patience)
{
    ez_world *const world = tree_world(6, 1);
    ez_stranger *const honest = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    const uint64_t short_id = short_id_at_host(world, &tx.id);
    send_short_ids(honest, EZ_MSG_HINT_TXS, &short_id, 1);
    ez_world_run(world, LATENCY_MS + EZ_GRAFT_DELAY_MS - 1);
    cr_expect_eq(ez_stranger_count(honest, EZ_MSG_GRAFT_TXS), 0);
    ez_world_run(world, LATENCY_MS + 2);
    cr_assert_eq(ez_stranger_count(honest, EZ_MSG_GRAFT_TXS), 1);
    cr_expect_eq(ez_stranger_last(honest, EZ_MSG_GRAFT_TXS)->as.short_ids.list[0], short_id);
    send_push(honest, &tx, 7);
    pass(world);
    cr_expect(pool_has(world, 1, &tx.id));
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(relay, hint_of_nothing_costs_its_teller_alone)
{
    ez_world *const world = tree_world(7, 1);
    ez_stranger *const liar = ez_stranger_new(world, 1, true);
    ez_stranger *const honest = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    const uint64_t ids[] = {short_id_at_host(world, &tx.id), 1, 2, 3};
    send_short_ids(liar, EZ_MSG_HINT_TXS, ids, 4);
    pass(world);
    send_short_ids(honest, EZ_MSG_HINT_TXS, ids, 1);
    ez_world_run(world, EZ_GRAFT_DELAY_MS + LATENCY_MS);
    cr_expect_eq(ez_stranger_count(liar, EZ_MSG_GRAFT_TXS), 1);
    cr_expect_eq(ez_stranger_last(liar, EZ_MSG_GRAFT_TXS)->as.short_ids.count, 4);
    cr_expect_eq(ez_stranger_count(honest, EZ_MSG_GRAFT_TXS), 0);
    ez_world_run(world, EZ_REQUEST_TIMEOUT_MS + LATENCY_MS);
    cr_expect_eq(ez_stranger_count(honest, EZ_MSG_GRAFT_TXS), 1, "then it is the next one's turn");
    cr_expect(!ez_stranger_is_closed(liar));
    ez_world_run(world, 3 * EZ_REQUEST_TIMEOUT_MS);
    cr_expect_eq(ez_stranger_count(liar, EZ_MSG_GRAFT_TXS), 1, "a hint buys one request");
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(relay, hints_of_one_peer_are_bounded)
{
    ez_world *const world = tree_world(8, 1);
    ez_stranger *const liar = ez_stranger_new(world, 1, true);
    uint64_t ids[EZ_IDS_MAX];
    for (uint64_t round = 0; round < 5; round++) {
        for (uint64_t i = 0; i < EZ_IDS_MAX; i++) {
            ids[i] = round * EZ_IDS_MAX + i;
        }
        send_short_ids(liar, EZ_MSG_HINT_TXS, ids, EZ_IDS_MAX);
    }
    ez_world_run(world, EZ_GRAFT_DELAY_MS + 2 * LATENCY_MS);
    ez_peer_info info;
    cr_assert(peer_of(world, 1, ez_stranger_link(liar), &info));
    cr_expect_eq(info.txs_in_flight, EZ_TXS_IN_FLIGHT_PEER);
    ez_world_run(world, 3 * EZ_REQUEST_TIMEOUT_MS);
    cr_assert(peer_of(world, 1, ez_stranger_link(liar), &info));
    cr_expect_eq(info.txs_in_flight, 0);
    cr_expect_eq(counters_of(world, 1)->requests_expired, EZ_ANNOUNCED_PEER);
    cr_expect(!ez_stranger_is_closed(liar));
    world_end(world);
}

/* Each graft of an unknown short id makes the node look at all it saw lately, until the peer's
 * allowance is used up; it comes back with time. */
Test(relay, grafts_of_one_peer_have_an_allowance)
{
    ez_world *const world = tree_world(9, 1);
    ez_stranger *const greedy = ez_stranger_new(world, 1, true);
    ez_stranger *const modest = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_push(modest, &tx, 7);
    for (int i = 0; i < 100; i++) {
        ez_world_note(world, 1, "from", "to", (uint64_t)i);
    }
    pass(world);
    const size_t before = ez_stranger_count(greedy, EZ_MSG_TXS);
    const uint64_t nothing = 1;
    const uint64_t asked = short_id_for(ez_stranger_key(greedy), &tx.id);
    for (int i = 0; i < 400; i++) {
        send_short_ids(greedy, EZ_MSG_GRAFT_TXS, &nothing, 1);
    }
    send_short_ids(greedy, EZ_MSG_GRAFT_TXS, &asked, 1);
    pass(world);
    cr_expect_eq(ez_stranger_count(greedy, EZ_MSG_TXS), before, "its allowance is used up");
    const uint64_t other = short_id_for(ez_stranger_key(modest), &tx.id);
    send_short_ids(modest, EZ_MSG_GRAFT_TXS, &other, 1);
    ez_world_run(world, 1000);
    send_short_ids(greedy, EZ_MSG_GRAFT_TXS, &asked, 1);
    pass(world);
    cr_expect_eq(ez_stranger_count(greedy, EZ_MSG_TXS), before + 1);
    cr_expect_geq(ez_stranger_count(modest, EZ_MSG_TXS), 1, "others have their own");
    cr_expect(!ez_stranger_is_closed(greedy));
    fixture_tx_clear(&tx);
    world_end(world);
}

/* Every tree pruned and grafted, again and again: bits change, nothing grows, others notice
 * nothing. */
Test(relay, prunes_of_one_peer_concern_it_alone)
{
    ez_world *const world = tree_world(10, 1);
    ez_stranger *const liar = ez_stranger_new(world, 1, true);
    ez_stranger *const from = ez_stranger_new(world, 1, true);
    ez_stranger *const to = ez_stranger_new(world, 1, true);
    for (uint32_t tree = 1; tree <= EZ_TREES_MAX; tree++) {
        send_prune(liar, tree);
    }
    pass(world);
    fixture_tx tx = numbered_note(world, 1);
    send_push(from, &tx, 7);
    pass(world);
    cr_expect_eq(ez_stranger_count(to, EZ_MSG_TXS), 1);
    cr_expect_eq(ez_stranger_count(liar, EZ_MSG_TXS), 0);
    cr_expect(!ez_stranger_is_closed(liar));
    fixture_tx_clear(&tx);
    world_end(world);
}

/* A short id that means another transaction hides a hint, never a push or an announcement. */
Test(relay, collision_hides_no_more_than_a_hint)
{
    ez_world *const world = tree_world(11, 1);
    ez_stranger *const first = ez_stranger_new(world, 1, true);
    ez_stranger *const second = ez_stranger_new(world, 1, true);
    fixture_tx txs[] = {numbered_note(world, 1), numbered_note(world, 2)};
    send_push(first, &txs[0], 7);
    pass(world);
    const uint64_t taken = short_id_at_host(world, &txs[0].id); /* as if it were the other's too */
    send_short_ids(second, EZ_MSG_HINT_TXS, &taken, 1);
    ez_world_run(world, EZ_GRAFT_DELAY_MS + 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(second, EZ_MSG_GRAFT_TXS), 0);
    send_ids(second, EZ_MSG_ANNOUNCE_TXS, &txs[1].id, 1);
    pass(world);
    cr_expect_eq(ez_stranger_count(second, EZ_MSG_GET_TXS), 1);
    fixture_tx_clear(&txs[0]);
    fixture_tx_clear(&txs[1]);
    world_end(world);
}

/* A transaction that could not stand is not fetched from each hinter in turn, but may come again
 * when things have changed. */
Test(relay, refused_transaction_is_wanted_again_later)
{
    ez_world *const world = tree_world(12, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_keypair poor = fixture_keypair(60), other = fixture_keypair(61);
    fixture_tx tx = fixture_transfer(ez_world_network(world), &poor, &other.public_key, 10, 0, 0);
    send_push(stranger, &tx, 7);
    pass(world);
    const uint64_t short_id = short_id_at_host(world, &tx.id);
    send_short_ids(stranger, EZ_MSG_HINT_TXS, &short_id, 1);
    ez_world_run(world, EZ_GRAFT_DELAY_MS + 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GRAFT_TXS), 0);
    ez_world_run(world, EZ_REFUSED_TX_MS);
    send_short_ids(stranger, EZ_MSG_HINT_TXS, &short_id, 1);
    ez_world_run(world, EZ_GRAFT_DELAY_MS + 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GRAFT_TXS), 1);
    fixture_tx_clear(&tx);
    world_end(world);
}

/* Each tree is passed on once, whoever grows it and however often. */
Test(relay, trees_of_one_peer_are_grown_once)
{
    ez_world *const world = tree_world(15, 1);
    ez_stranger *const liar = ez_stranger_new(world, 1, true);
    ez_stranger *const other = ez_stranger_new(world, 1, true);
    for (int round = 0; round < 3; round++) {
        for (uint32_t tree = 1; tree <= 500; tree++) {
            send_tree(liar, EZ_MSG_GROW, tree);
        }
    }
    pass(world);
    cr_expect_eq(ez_stranger_count(other, EZ_MSG_GROW), 500);
    cr_expect_eq(ez_stranger_count(liar, EZ_MSG_GROW), 0);
    cr_expect(!ez_stranger_is_closed(liar));
    world_end(world);
}
