/* Transactions between peers: asked for, pushed, refused, and learnt late. */
#include "support_world.h"

static bool everyone_has(ez_world *world, void *self)
{
    const ez_tx_id *const id = self;
    for (size_t host = 1; host <= ez_world_count(world); host++) {
        if (ez_world_node(world, host) != NULL && !pool_has(world, host, id)) {
            return false;
        }
    }
    return true;
}

/* ---- the way of a transaction ---------------------------------------------------------------- */

Test(txs, note_reaches_every_pool_once)
{
    ez_world *const world = world_new(1, 6);
    uint64_t repeats[7];
    ez_world_run(world, 5000);
    note(world, 3, "the flood that its tree grows from");
    ez_world_run(world, 5000);
    for (size_t host = 1; host <= 6; host++) {
        repeats[host] = counters_of(world, host)->txs_duplicate;
    }
    ez_tx_id id = note(world, 3, "hello");
    cr_expect(ez_world_run_until(world, 5000, &id, everyone_has));
    ez_world_run(world, 5000);
    for (size_t host = 1; host <= 6; host++) {
        const uint64_t received = counters_of(world, host)->txs_received - repeats[host];
        cr_expect_eq(counters_of(world, host)->txs_duplicate, repeats[host]);
        cr_expect_eq(received, host == 3 ? 0 : 2);
        cr_expect_eq(ez_world_notices(world, host, EZ_NOTICE_TX, NULL), 2);
    }
    ez_notice notice;
    ez_world_notices(world, 3, EZ_NOTICE_TX, &notice);
    cr_expect(notice.own);
    ez_world_notices(world, 4, EZ_NOTICE_TX, &notice);
    cr_expect(!notice.own);
    world_end(world);
}

Test(txs, announced_transaction_is_asked_for_and_taken)
{
    ez_world *const world = world_new(2, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_ids(stranger, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    const ez_message *const asked = ez_stranger_last(stranger, EZ_MSG_GET_TXS);
    cr_assert_not_null(asked);
    cr_expect(ez_tx_id_is_equal(&asked->as.tx_ids.list[0], &tx.id));
    send_txs(stranger, &tx, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect(pool_has(world, 1, &tx.id));
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_ANNOUNCE_TXS), 0, "it knows");
    send_ids(stranger, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GET_TXS), 1, "nor is it asked for again");
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(txs, second_announcer_is_asked_after_a_time_out)
{
    ez_world *const world = world_new(3, 1);
    ez_stranger *const silent = ez_stranger_new(world, 1, true);
    ez_stranger *const second = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_ids(silent, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
    ez_world_run(world, 1);
    send_ids(second, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
    ez_world_run(world, LATENCY_MS + EZ_REQUEST_TIMEOUT_MS - 2);
    cr_expect_eq(ez_stranger_count(silent, EZ_MSG_GET_TXS), 1);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_count(second, EZ_MSG_GET_TXS), 0, "a moment too early");
    ez_world_run(world, 2);
    cr_expect_eq(ez_stranger_count(second, EZ_MSG_GET_TXS), 1);
    cr_expect_eq(counters_of(world, 1)->requests_expired, 1);
    cr_expect(!ez_stranger_is_closed(silent));
    fixture_tx_clear(&tx);
    world_end(world);
}

/* As many liars as fill all places, and more: a peer that the host chose itself is asked next. */
Test(txs, liars_cannot_keep_a_chosen_peer_from_being_asked)
{
    ez_world_config config = world_config(46);
    config.relays = (const ez_relay_strategy *const[]){&ez_relay_inv};
    config.relay_count = 1;
    ez_world *const world = ez_world_new(&config);
    const size_t first = 1;
    ez_world_add(world, NULL, 0);
    ez_world_add(world, &first, 1);
    ez_world_run(world, 1000);
    fixture_tx tx = numbered_note(world, 1);
    for (int i = 0; i < 30; i++) {
        ez_stranger *const liar = ez_stranger_new(world, 2, true);
        send_ids(liar, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
    }
    ez_world_run(world, 2 * LATENCY_MS);
    submit(world, 1, &tx);
    ez_world_run(world, EZ_REQUEST_TIMEOUT_MS + 10 * LATENCY_MS);
    cr_expect(pool_has(world, 2, &tx.id));
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(txs, second_announcer_is_asked_at_once_when_the_first_says_missing_or_goes)
{
    for (int leaves = 0; leaves < 2; leaves++) {
        ez_world *const world = world_new(4, 1);
        ez_stranger *const first = ez_stranger_new(world, 1, true);
        ez_stranger *const second = ez_stranger_new(world, 1, true);
        fixture_tx tx = numbered_note(world, 1);
        send_ids(first, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
        send_ids(second, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
        ez_world_run(world, 2 * LATENCY_MS);
        cr_assert_eq(ez_stranger_count(first, EZ_MSG_GET_TXS), 1);
        cr_assert_eq(ez_stranger_count(second, EZ_MSG_GET_TXS), 0);
        if (leaves == 1) {
            ez_stranger_hang_up(first);
        } else {
            send_ids(first, EZ_MSG_MISSING_TXS, &tx.id, 1);
        }
        ez_world_run(world, 2 * LATENCY_MS);
        cr_expect_eq(ez_stranger_count(second, EZ_MSG_GET_TXS), 1);
        fixture_tx_clear(&tx);
        world_end(world);
    }
}

Test(txs, missing_from_who_was_not_asked_changes_nothing)
{
    ez_world *const world = world_new(5, 1);
    ez_stranger *const asked = ez_stranger_new(world, 1, true);
    ez_stranger *const meddler = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_ids(asked, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    send_ids(meddler, EZ_MSG_MISSING_TXS, &tx.id, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    send_txs(asked, &tx, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect(pool_has(world, 1, &tx.id));
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(txs, unasked_transactions_are_taken_and_repeats_are_counted)
{
    ez_world *const world = world_new(6, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    for (int i = 0; i < 3; i++) {
        send_txs(stranger, &tx, 1);
        ez_world_run(world, 2 * LATENCY_MS);
    }
    cr_expect(pool_has(world, 1, &tx.id));
    cr_expect_eq(counters_of(world, 1)->txs_received, 3);
    cr_expect_eq(counters_of(world, 1)->txs_duplicate, 2);
    cr_expect_eq(counters_of(world, 1)->txs_accepted, 1);
    fixture_tx_clear(&tx);
    world_end(world);
}

/* Twice in one message: the second is on its way to be checked when the first is not done yet. */
Test(txs, repeat_within_a_message_is_counted_too)
{
    ez_world *const world = world_new(7, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const fixture_tx tx = numbered_note(world, 1);
    const fixture_tx twice[] = {tx, tx};
    send_txs(stranger, twice, 2);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(pool_of(world, 1), 1);
    cr_expect_eq(counters_of(world, 1)->txs_duplicate, 1);
    ez_blob_unref(tx.bytes);
    world_end(world);
}

/* ---- what is refused, and whether it costs anything ------------------------------------------ */

typedef enum tx_fault {
    TX_SIGNATURE,
    TX_OTHER_NETWORK,
    TX_REWARD_ALONE,
    TX_TRAILING_BYTE,
    TX_TRUNCATED,
    TX_FAULTS,
} tx_fault;

static fixture_tx faulty_tx(const ez_world *world, tx_fault fault)
{
    fixture_tx good = numbered_note(world, 1);
    const ez_keypair pair = fixture_keypair(50);
    ez_network other = *ez_world_network(world);
    ez_tx tx = good.tx;
    if (fault == TX_SIGNATURE) {
        tx.signature.bytes[63] ^= 1;
        fixture_tx_clear(&good);
        return fixture_finish(ez_world_network(world), &tx);
    }
    if (fault == TX_OTHER_NETWORK) {
        other.genesis_id.hash.bytes[0] ^= 1;
        fixture_tx_clear(&good);
        return fixture_sign(&other, &tx, &pair);
    }
    if (fault == TX_REWARD_ALONE) {
        tx = fixture_reward_tx(&pair.public_key, FIXTURE_REWARD, 2, 1);
        fixture_tx_clear(&good);
        return fixture_finish(ez_world_network(world), &tx);
    }
    const size_t size = ez_blob_size(good.bytes);
    uint8_t bytes[EZ_TX_BYTES_MAX + 1] = {0};
    memcpy(bytes, ez_blob_data(good.bytes), size);
    fixture_tx_clear(&good);
    good.bytes = ez_blob_new(bytes, fault == TX_TRUNCATED ? size - 1 : size + 1);
    return good;
}

Test(txs, broken_transactions_cost_their_sender_the_connection)
{
    for (int fault = 0; fault < TX_FAULTS; fault++) {
        ez_world *const world = world_new(8, 1);
        ez_stranger *const stranger = ez_stranger_new(world, 1, true);
        ez_stranger *const bystander = ez_stranger_new(world, 1, true);
        fixture_tx tx = faulty_tx(world, (tx_fault)fault);
        send_ids(bystander, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
        send_txs(stranger, &tx, 1);
        ez_world_run(world, 3 * LATENCY_MS);
        cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_TX_INVALID, "fault %d", fault);
        cr_expect(!ez_stranger_is_closed(bystander), "it only announced an id");
        cr_expect_eq(pool_of(world, 1), 0);
        cr_expect_eq(ez_stranger_count(bystander, EZ_MSG_ANNOUNCE_TXS), 0);
        fixture_tx_clear(&tx);
        world_end_faulted(world, 1);
    }
}

Test(txs, what_depends_on_the_chain_costs_nothing)
{
    ez_world *const world = world_new(9, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_keypair poor = fixture_keypair(60);
    fixture_tx list[] = {transfer_of(world, &poor, 61, 10, 0), /* no funds */
                         transfer_of(world, &poor, 61, 0, 5),  /* a gap */
                         transfer_of(world, &poor, 61, 0, 0),  /* moves nothing: fine */
                         transfer_of(world, &poor, 62, 0, 0)}; /* the same turn again */
    send_txs(stranger, list, 4);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect(!ez_stranger_is_closed(stranger));
    cr_expect_eq(pool_of(world, 1), 1);
    cr_expect(pool_has(world, 1, &list[2].id));
    cr_expect_eq(status_of(world, 1).orphan_count, 1);
    for (size_t i = 0; i < 4; i++) {
        fixture_tx_clear(&list[i]);
    }
    world_end(world);
}

Test(txs, orphans_wait_for_their_turn)
{
    ez_world *const world = world_new(10, 2);
    ez_world_run(world, 1000);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_keypair signer = fixture_keypair(60);
    fixture_tx list[5];
    for (uint64_t i = 0; i < 5; i++) {
        list[i] = transfer_of(world, &signer, 61, 0, i);
    }
    for (size_t i = 5; i-- > 1;) {
        send_txs(stranger, &list[i], 1);
    }
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(pool_of(world, 1), 0);
    cr_expect_eq(status_of(world, 1).orphan_count, 4);
    send_txs(stranger, &list[0], 1);
    ez_world_run(world, 2000);
    cr_expect_eq(pool_of(world, 1), 5);
    cr_expect_eq(status_of(world, 1).orphan_count, 0);
    cr_expect_eq(pool_of(world, 2), 5, "they are announced as well");
    for (size_t i = 0; i < 5; i++) {
        fixture_tx_clear(&list[i]);
    }
    world_end(world);
}

/* Whether `tx` is asked of a stranger who announces it now. */
static bool is_wanted(ez_world *world, const fixture_tx *tx)
{
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_ids(stranger, EZ_MSG_ANNOUNCE_TXS, &tx->id, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    const bool asked = ez_stranger_count(stranger, EZ_MSG_GET_TXS) == 1;
    ez_stranger_hang_up(stranger);
    ez_world_run(world, LATENCY_MS);
    return asked;
}

/* It came too early and was pushed out before its turn: not unwanted for long, or it would have to
 * wait for the next round of announcements after what it follows. */
Test(txs, orphan_that_others_pushed_out_is_wanted_again_soon)
{
    ez_world *const world = world_new(47, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_keypair signer = fixture_keypair(60), flooder = fixture_keypair(61);
    fixture_tx list[] = {transfer_of(world, &signer, 61, 0, 0),
                         transfer_of(world, &signer, 61, 0, 1)};
    send_txs(stranger, &list[1], 1);
    ez_world_run(world, 2 * LATENCY_MS + EZ_REFUSED_TX_MS);
    cr_expect(!is_wanted(world, &list[1]), "as long as it is kept");
    for (uint64_t i = 0; i < EZ_ORPHAN_COUNT_MAX; i++) {
        fixture_tx flood = transfer_of(world, &flooder, 62, 0, 5 + i);
        send_txs(stranger, &flood, 1);
        fixture_tx_clear(&flood);
    }
    send_txs(stranger, &list[0], 1);
    ez_world_run(world, EZ_EARLY_TX_MS);
    cr_assert_eq(pool_of(world, 1), 1);
    cr_expect(is_wanted(world, &list[1]));
    fixture_tx_clear(&list[0]);
    fixture_tx_clear(&list[1]);
    world_end(world);
}

Test(txs, refusal_is_forgotten_when_a_block_changes_accounts)
{
    ez_world *const world = world_new(48, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    fixture_tx tx = transfer_of(world, ez_world_key(world, 1), 70, 10, 0);
    send_txs(stranger, &tx, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect(!is_wanted(world, &tx), "there are no coins");
    ez_world_mine(world, 1);
    cr_expect(is_wanted(world, &tx), "now there are");
    fixture_tx_clear(&tx);
    world_end(world);
}

/* A client's mistake must not keep others from telling of the same entry when its turn has come. */
Test(txs, refusal_of_a_client_is_not_held_against_peers)
{
    ez_world *const world = world_new(49, 1);
    const ez_keypair signer = fixture_keypair(60);
    fixture_tx list[] = {transfer_of(world, &signer, 61, 0, 0),
                         transfer_of(world, &signer, 61, 0, 1)};
    const uint64_t early = submit(world, 1, &list[1]);
    const uint64_t first = submit(world, 1, &list[0]);
    ez_world_run(world, COMMIT_MS);
    cr_expect_eq(answer(world, 1, early).rule, EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect_eq(answer(world, 1, first).rule, EZ_RULE_OK);
    cr_expect(is_wanted(world, &list[1]));
    fixture_tx_clear(&list[0]);
    fixture_tx_clear(&list[1]);
    world_end(world);
}

Test(txs, first_spend_stays_and_the_second_is_refused)
{
    ez_world *const world = world_new(11, 2);
    ez_world_run(world, 1000);
    mine(world, 1, 1, 1000);
    const ez_keypair *const rich = ez_world_key(world, 1);
    fixture_tx first = transfer_of(world, rich, 70, FIXTURE_REWARD, 0);
    fixture_tx second = transfer_of(world, rich, 71, FIXTURE_REWARD, 0);
    const uint64_t good = submit(world, 1, &first);
    const uint64_t bad = submit(world, 1, &second);
    ez_world_run(world, 1000);
    cr_expect_eq(answer(world, 1, good).rule, EZ_RULE_OK);
    cr_expect_eq(answer(world, 1, bad).rule, EZ_RULE_TX_POOL_CONFLICT);
    const uint64_t elsewhere = submit(world, 2, &second);
    cr_expect_eq(answer(world, 2, elsewhere).rule, EZ_RULE_TX_POOL_CONFLICT);
    mine(world, 2, 1, 1000);
    cr_expect_eq(coins_of(world, 70), FIXTURE_REWARD);
    cr_expect_eq(coins_of(world, 71), 0);
    fixture_tx_clear(&first);
    fixture_tx_clear(&second);
    world_end(world);
}

/* ---- beside blocks and floods ---------------------------------------------------------------- */

Test(txs, transaction_of_a_block_is_not_asked_for_again)
{
    ez_world *const world = world_new(22, 1);
    const ez_tx_id id = note(world, 1, "in a block soon");
    mine(world, 1, 1, 100);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_ids(stranger, EZ_MSG_ANNOUNCE_TXS, &id, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GET_TXS), 0);
    world_end(world);
}

/* A block was connected and taken off again within one reorganisation that failed: what it held is
 * still wanted. */
Test(txs, transaction_of_a_block_that_did_not_stay_is_asked_for)
{
    ez_world *const world = world_new(23, 1);
    mine(world, 1, 2, 100);
    test_chain *const bad = chain_new(ez_world_network(world));
    fixture_tx tx = numbered_note(world, 1);
    const ez_keypair miner = fixture_keypair(1);
    chain_add(bad, 1, &tx, 1);
    chain_add(bad, 1, NULL, 0);
    const fixture_block_spec spec = {.network = bad->network,
                                     .parent = chain_tip(bad),
                                     .miner = &miner.public_key,
                                     .reward_amount = FIXTURE_REWARD + 1};
    chain_take(bad, fixture_block(&spec));
    test_server server = {.chain = bad};
    server_join(world, 1, &server);
    ez_world_run(world, 5000);
    cr_assert_eq(counters_of(world, 1)->blocks_disconnected, 4, "there and back");
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_ids(stranger, EZ_MSG_ANNOUNCE_TXS, &tx.id, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GET_TXS), 1);
    fixture_tx_clear(&tx);
    chain_free(bad);
    world_end_faulted(world, 1);
}

Test(txs, checks_of_one_peers_transactions_are_bounded)
{
    enum { NOTES = 3000, CHECKS_MAX = 2000 };
    ez_world *const world = world_new(25, 1);
    ez_stranger *const flood = ez_stranger_new(world, 1, true);
    ez_stranger *const other = ez_stranger_new(world, 1, true);
    fixture_tx *const notes = ez_alloc(NOTES + 1, sizeof(*notes));
    for (size_t i = 0; i <= NOTES; i++) {
        notes[i] = numbered_note(world, i);
    }
    for (size_t i = 0; i < NOTES; i += 1000) {
        send_txs(flood, notes + i, 1000); /* all of them come before one is checked */
    }
    send_txs(other, notes + NOTES, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(pool_of(world, 1), CHECKS_MAX + 1);
    cr_expect(pool_has(world, 1, &notes[NOTES].id), "another peer has its own share");
    send_txs(flood, notes + 2000, 1000);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(pool_of(world, 1), NOTES + 1, "what was dropped may be sent again");
    for (size_t i = 0; i <= NOTES; i++) {
        fixture_tx_clear(&notes[i]);
    }
    free(notes);
    world_end(world);
}

/* ---- who comes late -------------------------------------------------------------------------- */

Test(txs, late_joiner_learns_the_pool)
{
    ez_world *const world = world_new(18, 2);
    ez_world_run(world, 1000);
    for (int i = 0; i < 40; i++) {
        note(world, 1 + (size_t)(i % 2), "early");
    }
    ez_world_run(world, 1000);
    const size_t peers[] = {2};
    ez_world_add(world, peers, 1);
    ez_world_run(world, 2000);
    cr_expect_eq(pool_of(world, 3), 40);
    world_end(world);
}

Test(txs, pool_larger_than_a_message_is_learnt_in_full)
{
    enum { NOTES = 3500 };
    ez_world *const world = world_new(19, 1);
    ez_stranger *const source = ez_stranger_new(world, 1, true);
    fixture_tx *const notes = ez_alloc(NOTES, sizeof(*notes));
    for (size_t i = 0; i < NOTES; i++) {
        notes[i] = numbered_note(world, i);
    }
    for (size_t i = 0; i < NOTES; i += 500) {
        send_txs(source, notes + i, 500);
        ez_world_run(world, 100); /* a node checks only so many at a time for one peer */
    }
    cr_assert_eq(pool_of(world, 1), NOTES, "%zu", pool_of(world, 1));
    const size_t peers[] = {1};
    ez_world_add(world, peers, 1);
    ez_world_run(world, 5000);
    cr_expect_eq(pool_of(world, 2), NOTES, "%zu", pool_of(world, 2));
    cr_expect_eq(counters_of(world, 2)->txs_duplicate, 0);
    for (size_t i = 0; i < NOTES; i++) {
        fixture_tx_clear(&notes[i]);
    }
    free(notes);
    world_end(world);
}

Test(txs, halves_of_a_partition_learn_what_the_other_half_took_in)
{
    ez_world *const world = world_new(20, 4);
    ez_world_run(world, 5000);
    const int side[] = {0, 1, 1, 2, 2};
    ez_world_cut(world, side);
    ez_tx_id left = note(world, 1, "left");
    ez_tx_id right = note(world, 4, "right");
    ez_world_run(world, 5000);
    cr_expect(pool_has(world, 2, &left) && !pool_has(world, 2, &right));
    ez_world_cut(world, NULL);
    ez_world_run(world, 20000);
    cr_expect(everyone_has(world, &left));
    cr_expect(everyone_has(world, &right));
    world_end(world);
}
