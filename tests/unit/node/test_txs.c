/* Transactions: from a client or a peer into every pool, and into a block. */
#include "support_world.h"

#include "ezp2p/chain/address.h"

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

static fixture_tx numbered_note(const ez_world *world, uint64_t number)
{
    const ez_keypair signer = fixture_keypair(50);
    return fixture_note(ez_world_network(world), &signer, "from", "to", number, number);
}

static ez_public_key key_of(uint32_t number)
{
    return fixture_keypair(number).public_key;
}

static ez_address_string address_of(uint32_t number)
{
    const ez_public_key key = key_of(number);
    return ez_address_text(&key);
}

static uint64_t coins_of(ez_world *world, uint32_t number)
{
    const ez_public_key key = key_of(number);
    return balance_of(world, 1, &key);
}

static fixture_tx transfer_of(const ez_world *world, const ez_keypair *from, uint32_t to,
                              uint64_t amount, uint64_t sequence)
{
    const ez_keypair recipient = fixture_keypair(to);
    return fixture_transfer(ez_world_network(world), from, &recipient.public_key, amount, 0,
                            sequence);
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

/* ---- clients --------------------------------------------------------------------------------- */

Test(txs, client_hears_of_success_only_when_it_is_durable)
{
    ez_world_config config = world_config(12);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    fixture_tx tx = numbered_note(world, 1);
    const uint64_t entry = ez_world_note(world, 1, "a", "b", 1);
    const uint64_t signed_tx = submit(world, 1, &tx);
    ez_world_run(world, 100000);
    ez_reply reply;
    cr_expect(!ez_world_reply(world, 1, entry, &reply));
    cr_expect(!ez_world_reply(world, 1, signed_tx, &reply));
    cr_expect_eq(pool_of(world, 1), 2);
    ez_world_commit(world, 1);
    cr_expect_eq(answer(world, 1, entry).rule, EZ_RULE_OK);
    cr_expect_eq(answer(world, 1, entry).next_height, 2);
    cr_expect_eq(answer(world, 1, signed_tx).rule, EZ_RULE_OK);
    reply = answer(world, 1, signed_tx);
    cr_expect(ez_tx_id_is_equal(&reply.tx_id, &tx.id));
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(txs, crash_loses_the_unanswered_only)
{
    ez_world_config config = world_config(13);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    const uint64_t kept = ez_world_note(world, 1, "a", "kept", 1);
    ez_world_commit(world, 1);
    ez_world_note(world, 1, "a", "lost", 1);
    cr_expect_eq(pool_of(world, 1), 2);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    cr_expect_eq(pool_of(world, 1), 1);
    const ez_reply reply = answer(world, 1, kept);
    cr_expect(pool_has(world, 1, &reply.tx_id));
    world_end(world);
}

Test(txs, acknowledged_transaction_that_a_peer_gave_first_is_durable_too)
{
    ez_world *const world = world_new(14, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    fixture_tx tx = numbered_note(world, 1);
    send_txs(stranger, &tx, 1);
    ez_world_run(world, 100);
    cr_expect(!ez_memory_store_has_pooled(ez_world_store(world, 1), &tx.id));
    const uint64_t request = submit(world, 1, &tx);
    ez_world_run(world, 100);
    cr_expect_eq(answer(world, 1, request).rule, EZ_RULE_TX_POOL_KNOWN);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    cr_expect(pool_has(world, 1, &tx.id));
    mine(world, 1, 1, 100);
    cr_expect(!ez_memory_store_has_pooled(ez_world_store(world, 1), &tx.id), "a block has it now");
    const uint64_t late = submit(world, 1, &tx);
    cr_expect_eq(answer(world, 1, late).rule, EZ_RULE_TX_DUPLICATE);
    fixture_tx_clear(&tx);
    world_end(world);
}

Test(txs, clients_are_told_why_not)
{
    ez_world *const world = world_new(15, 1);
    const ez_address_string other = address_of(5);
    const ez_address_string own = ez_address_text(&ez_world_key(world, 1)->public_key);
    const struct {
        const char *sender, *recipient;
        uint64_t amount;
        ez_rule rule;
    } cases[] = {
        {"a", "b", 1, EZ_RULE_OK},
        {"", "b", 1, EZ_RULE_TX_LABEL},
        {"0", "b", 1, EZ_RULE_TX_LABEL},
        {"a", "ez1qqqq", 1, EZ_RULE_TX_ADDRESS},
        {other.text, "b", 1, EZ_RULE_TX_NOT_OURS},
        {own.text, other.text, 1, EZ_RULE_TX_FUNDS},
        {own.text, "b", 1, EZ_RULE_OK}, /* a note moves no coins */
        {"a", "b", EZ_AMOUNT_MAX, EZ_RULE_OK},
        {"a", "b", EZ_AMOUNT_MAX + 1, EZ_RULE_TX_AMOUNT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint64_t request =
            ez_world_note(world, 1, cases[i].sender, cases[i].recipient, cases[i].amount);
        ez_world_run(world, 100);
        cr_expect_eq(answer(world, 1, request).rule, cases[i].rule, "case %zu", i);
    }
    world_end(world);
}

Test(txs, equal_notes_of_one_moment_are_two_transactions)
{
    ez_world *const world = world_new(16, 1);
    const uint64_t first = ez_world_note(world, 1, "a", "b", 1);
    const uint64_t second = ez_world_note(world, 1, "a", "b", 1);
    ez_world_run(world, 100);
    const ez_reply one = answer(world, 1, first), two = answer(world, 1, second);
    cr_expect_eq(two.rule, EZ_RULE_OK);
    cr_expect(!ez_tx_id_is_equal(&one.tx_id, &two.tx_id));
    world_end(world);
}

Test(txs, own_transfers_follow_each_other_in_sequence)
{
    ez_world *const world = world_new(17, 2);
    ez_world_run(world, 1000);
    mine(world, 1, 3, 100);
    const ez_address_string own = ez_address_text(&ez_world_key(world, 1)->public_key);
    const ez_address_string other = address_of(5);
    for (int i = 0; i < 30; i++) {
        const uint64_t request = ez_world_note(world, 1, own.text, other.text, 100);
        ez_world_run(world, 50);
        cr_expect_eq(answer(world, 1, request).rule, EZ_RULE_OK);
    }
    const uint64_t over = ez_world_note(world, 1, own.text, other.text, 1);
    ez_world_run(world, 1000);
    cr_expect_eq(answer(world, 1, over).rule, EZ_RULE_TX_FUNDS);
    cr_expect_eq(
        ez_node_next_sequence(ez_world_node(world, 1), &ez_world_key(world, 1)->public_key), 30);
    mine(world, 2, 1, 1000);
    cr_expect_eq(coins_of(world, 5), 3000);
    cr_expect_eq(pool_of(world, 1), 0);
    world_end(world);
}

/* ---- while blocks are missing ---------------------------------------------------------------- */

static uint64_t pay(ez_world *world, size_t host, const char *to)
{
    const ez_address_string own = ez_address_text(&ez_world_key(world, host)->public_key);
    return ez_world_note(world, host, own.text, to, 1);
}

static bool knows_of_more(ez_world *world, void *self)
{
    const ez_node_status status = status_of(world, *(const size_t *)self);
    return status.best_header_height > status.tip.height;
}

/* `loser` lost its disk. Ask it for a payment after each millisecond of catching up: whatever it
 * promises must be in the chain later. */
static void pay_without_a_disk(uint64_t seed, size_t loser)
{
    ez_world *const world = world_new(seed, 2);
    ez_world_run(world, 1000);
    mine(world, loser, 2, 100);
    pay(world, loser, "before");
    ez_world_run(world, 100);
    mine(world, 3 - loser, 30, 100);
    ez_world_stop(world, loser, true);
    ez_world_wipe(world, loser);
    ez_world_start(world, loser);
    cr_assert(ez_world_run_until(world, 10000, &loser, knows_of_more));
    size_t refused = 0;
    ez_reply reply = {0};
    for (bool done = false; !done; refused += !done) {
        const uint64_t request = pay(world, loser, "meanwhile");
        ez_world_run(world, COMMIT_MS);
        if (!ez_world_reply(world, loser, request, &reply)) {
            ez_world_run(world, COMMIT_MS); /* blocks were being committed when it came */
        }
        reply = answer(world, loser, request);
        done = reply.rule != EZ_RULE_TX_SYNCING;
        cr_assert_lt(refused, 10000);
    }
    cr_expect_gt(refused, 0);
    cr_expect_eq(reply.rule, EZ_RULE_OK);
    ez_world_run(world, 1000);
    mine(world, 3 - loser, 1, 1000);
    ez_tx_place place;
    cr_expect(ez_node_find_tx(ez_world_node(world, loser), &place, &reply.tx_id));
    world_end(world);
}

Test(txs, node_that_catches_up_with_whom_it_dialled_promises_no_payment)
{
    pay_without_a_disk(41, 2);
}

Test(txs, node_that_catches_up_with_who_dialled_it_promises_no_payment)
{
    pay_without_a_disk(42, 1);
}

Test(txs, node_that_catches_up_promises_nothing_before_the_last_block)
{
    ez_world *const world = world_new(43, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 5);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_announcement(stranger, chain->blocks[4]);
    ez_world_run(world, 2 * LATENCY_MS);
    send_chain_headers(stranger, chain, 0, 5);
    ez_world_run(world, LATENCY_MS);
    for (size_t i = 0; i < 5; i++) {
        const uint64_t request = pay(world, 1, "somebody");
        const uint64_t label = ez_world_note(world, 1, "a", "b", 1);
        ez_world_run(world, COMMIT_MS);
        cr_expect_eq(answer(world, 1, request).rule, EZ_RULE_TX_SYNCING, "%zu blocks", i);
        cr_expect_eq(answer(world, 1, label).rule, EZ_RULE_OK);
        send_body(stranger, chain->blocks[i]);
        ez_world_run(world, 2 * LATENCY_MS);
    }
    cr_assert_eq(height_of(world, 1), 6);
    const uint64_t request = pay(world, 1, "somebody");
    ez_world_run(world, COMMIT_MS);
    cr_expect_eq(answer(world, 1, request).rule, EZ_RULE_OK);
    chain_free(chain);
    world_end(world);
}

Test(txs, signed_transaction_that_a_missing_block_may_allow_is_not_called_wrong)
{
    ez_world *const world = world_new(44, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 5);
    const ez_keypair rich = fixture_keypair(1), fresh = fixture_keypair(2);
    fixture_tx list[] = {transfer_of(world, &rich, 70, 1, 0),   /* its coins are in the chain */
                         transfer_of(world, &rich, 70, 0, 3),   /* after others */
                         transfer_of(world, &fresh, 70, 0, 0)}; /* stands on what there is */
    const ez_rule behind[] = {EZ_RULE_TX_SYNCING, EZ_RULE_TX_SYNCING, EZ_RULE_OK};
    const ez_rule later[] = {EZ_RULE_OK, EZ_RULE_TX_SEQUENCE_GAP, EZ_RULE_TX_POOL_KNOWN};
    test_server server = {.chain = chain, .no_bodies = true};
    ez_stranger *const stranger = server_join(world, 1, &server);
    ez_world_run(world, 3 * LATENCY_MS);
    for (size_t i = 0; i < 3; i++) {
        const uint64_t request = submit(world, 1, &list[i]);
        ez_world_run(world, COMMIT_MS);
        cr_expect_eq(answer(world, 1, request).rule, behind[i], "transaction %zu", i);
    }
    for (size_t i = 0; i < 5; i++) {
        send_body(stranger, chain->blocks[i]);
    }
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(height_of(world, 1), 6);
    for (size_t i = 0; i < 3; i++) {
        const uint64_t request = submit(world, 1, &list[i]);
        ez_world_run(world, COMMIT_MS);
        cr_expect_eq(answer(world, 1, request).rule, later[i], "transaction %zu", i);
        fixture_tx_clear(&list[i]);
    }
    chain_free(chain);
    world_end(world);
}

/* Somebody who claims a chain and shows nothing must not keep a node from paying. */
Test(txs, empty_claims_of_who_came_to_us_do_not_stop_payments)
{
    ez_world *const world = world_new(45, 2);
    ez_world_run(world, 1000);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 5);
    test_server server = {.chain = chain, .no_headers = true};
    server_join(world, 2, &server);
    ez_world_run(world, 3 * LATENCY_MS);
    cr_assert(status_of(world, 2).syncing);
    const uint64_t request = pay(world, 2, "somebody");
    ez_world_run(world, COMMIT_MS);
    cr_expect_eq(answer(world, 2, request).rule, EZ_RULE_OK);
    chain_free(chain);
    world_end(world);
}

/* Several writes, of which only the first is durable yet. */
Test(txs, each_client_is_answered_when_its_own_write_is_durable)
{
    ez_world_config config = world_config(21);
    config.commit_ms = EZ_TIME_NEVER;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    const uint64_t first = ez_world_note(world, 1, "a", "b", 1);
    const uint64_t second = ez_world_note(world, 1, "a", "b", 2);
    ez_world_event(world, 1, &(ez_event){.type = EZ_EVENT_STORED, .as.stored = 1});
    cr_expect(ez_world_reply(world, 1, first, NULL));
    cr_expect(!ez_world_reply(world, 1, second, NULL));
    ez_world_commit(world, 1);
    cr_expect(ez_world_reply(world, 1, second, NULL));
    world_end(world);
}

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

/* Acknowledged transfers whose coins go with a lost branch wait for other coins. */
static void wait_for_coins(bool crash)
{
    ez_world *const world = world_new(24, 2);
    ez_world_run(world, 1000);
    const int side[] = {0, 1, 2};
    ez_world_cut(world, side);
    mine(world, 1, 2, 100);
    fixture_tx run[3];
    for (uint64_t i = 0; i < 3; i++) {
        run[i] = transfer_of(world, ez_world_key(world, 1), 70, 600, i);
        const uint64_t request = submit(world, 1, &run[i]);
        ez_world_run(world, 100);
        cr_assert_eq(answer(world, 1, request).rule, EZ_RULE_OK);
    }
    mine(world, 2, 4, 100);
    ez_world_cut(world, NULL);
    cr_assert(run_to_agreement(world, 30000));
    cr_expect_eq(pool_of(world, 1), 0, "the coins are gone");
    ez_world_run(world, 1000);
    if (crash) {
        ez_world_stop(world, 1, true);
        ez_world_start(world, 1);
    }
    ez_world_run(world, 5000);
    mine(world, 1, 1, 1000);
    cr_expect_eq(pool_of(world, 1), 1, "there are coins for one of them");
    mine(world, 1, 1, 1000);
    cr_expect_eq(pool_of(world, 1), 2, "and now for the others, at once");
    mine(world, 2, 1, 1000);
    cr_expect_eq(coins_of(world, 70), 1800);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(!ez_memory_store_has_pooled(ez_world_store(world, 1), &run[i].id));
        fixture_tx_clear(&run[i]);
    }
    world_end(world);
}

Test(txs, acknowledged_transfers_wait_until_they_can_be_paid)
{
    wait_for_coins(false);
}

Test(txs, acknowledged_transfers_wait_over_a_crash)
{
    wait_for_coins(true);
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

/* What the crash forgot was signed with the same sequence number as what comes after it. */
Test(txs, entry_lost_in_a_crash_leaves_its_sequence_number_to_the_next)
{
    ez_world_config config = world_config(40);
    config.commit_ms = 10 * LATENCY_MS;
    ez_world *const world = ez_world_new(&config);
    const size_t first = 1;
    ez_world_add(world, NULL, 0);
    ez_world_add(world, &first, 1);
    ez_world_run(world, 1000);
    mine(world, 1, 1, 1000);
    const ez_address_string own = ez_address_text(&ez_world_key(world, 1)->public_key);
    ez_world_note(world, 1, own.text, "lost", 1);
    ez_world_run(world, 5 * LATENCY_MS);
    cr_expect_eq(pool_of(world, 1), 1);
    cr_expect_eq(pool_of(world, 2), 0);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    const uint64_t request = ez_world_note(world, 1, own.text, "kept", 1);
    ez_world_run(world, 5000);
    const ez_reply reply = answer(world, 1, request);
    cr_expect_eq(reply.rule, EZ_RULE_OK);
    cr_expect(pool_has(world, 2, &reply.tx_id));
    mine(world, 2, 1, 1000);
    ez_tx_place place;
    cr_expect(ez_node_find_tx(ez_world_node(world, 1), &place, &reply.tx_id));
    world_end(world);
}
