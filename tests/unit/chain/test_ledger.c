#include "ezp2p/chain/ledger.h"

#include "chain_fixture.h"
#include "ledger_internal.h"
#include "support_ledger.h"

#include <criterion/criterion.h>
#include <signal.h>

#define MINER 1000 /* number of the key that mines */

static const ez_siphash_key table_key = {3, 4};

/* A ledger with accounts given by number, and one block after another on it. */
typedef struct world {
    ez_network network;
    late_store *store;
    ez_ledger *ledger;
    ez_header tip;
    ez_keypair miner;
    uint64_t write;
} world;

static world world_new(void)
{
    world made = {.network = fixture_network(), .store = late_store_new()};
    const ez_chain_source source = late_store_source(made.store);
    made.ledger = ez_ledger_new(&source, table_key);
    made.tip = made.network.genesis;
    made.miner = fixture_keypair(MINER);
    return made;
}

static void world_free(world *w)
{
    ez_ledger_free(w->ledger);
    late_store_free(w->store);
}

static ez_keypair give(world *w, uint32_t number, uint64_t balance, uint64_t sequence)
{
    const ez_keypair pair = fixture_keypair(number);
    late_store_set(w->store, &pair.public_key, balance, sequence);
    return pair;
}

static ez_account account_of(const world *w, const ez_keypair *pair)
{
    ez_account account;
    ez_ledger_get(w->ledger, &account, &pair->public_key);
    return account;
}

static void expect_account(const world *w, const ez_keypair *pair, uint64_t balance,
                           uint64_t sequence)
{
    const ez_account account = account_of(w, pair);
    cr_expect(account.balance == balance, "balance %lu, not %lu", (unsigned long)account.balance,
              (unsigned long)balance);
    cr_expect(account.sequence == sequence, "sequence %lu, not %lu",
              (unsigned long)account.sequence, (unsigned long)sequence);
}

/* Connect a block of these entries; they are cleared. On OK it becomes the tip. */
static ez_rule connect_spec(world *w, fixture_block_spec *spec, fixture_tx *txs, size_t tx_count,
                            uint32_t *bad)
{
    ez_ledger_diff diff = {0};
    spec->network = &w->network;
    spec->parent = &w->tip;
    spec->miner = &w->miner.public_key;
    spec->txs = txs;
    spec->tx_count = tx_count;
    ez_block *const block = fixture_block(spec);
    const ez_rule rule = ez_ledger_connect(w->ledger, &diff, bad, &w->network, block, w->write + 1);
    if (rule == EZ_RULE_OK) {
        w->write++;
        w->tip = block->header;
        late_store_connect(w->store, block, &diff, w->write);
    } else {
        cr_expect(diff.count == 0 && diff.before == NULL && diff.after == NULL);
    }
    ez_ledger_diff_clear(&diff);
    ez_block_unref(block);
    for (size_t i = 0; i < tx_count; i++) {
        fixture_tx_clear(&txs[i]);
    }
    return rule;
}

static ez_rule connect(world *w, fixture_tx *txs, size_t tx_count, uint32_t *bad)
{
    fixture_block_spec spec = {0};
    return connect_spec(w, &spec, txs, tx_count, bad);
}

static ez_rule connect_one(world *w, fixture_tx tx)
{
    return connect(w, &tx, 1, NULL);
}

Test(ledger, a_transfer_moves_coins_and_its_fee_goes_to_the_miner)
{
    world w = world_new();
    const ez_keypair from = give(&w, 1, 100, 7);
    const ez_keypair to = give(&w, 2, 5, 0);
    cr_assert(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 60, 3, 7)) ==
              EZ_RULE_OK);
    expect_account(&w, &from, 37, 8);
    expect_account(&w, &to, 65, 0);
    expect_account(&w, &w.miner, FIXTURE_REWARD + 3, 0);
    world_free(&w);
}

Test(ledger, a_transfer_needs_amount_and_fee)
{
    world w = world_new();
    const ez_keypair from = give(&w, 1, 100, 0);
    const ez_keypair to = fixture_keypair(2);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 98, 3, 0)) ==
              EZ_RULE_TX_FUNDS);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 101, 0, 0)) ==
              EZ_RULE_TX_FUNDS);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 0, 101, 0)) ==
              EZ_RULE_TX_FUNDS);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 97, 3, 0)) ==
              EZ_RULE_OK);
    expect_account(&w, &from, 0, 1);
    world_free(&w);
}

Test(ledger, a_sequence_is_exactly_the_next)
{
    world w = world_new();
    const ez_keypair from = give(&w, 1, 100, 7);
    const ez_keypair to = fixture_keypair(2);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 1, 0, 6)) ==
              EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 1, 0, 8)) ==
              EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 1, 0, 7)) ==
              EZ_RULE_OK);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &to.public_key, 1, 0, 7)) ==
              EZ_RULE_TX_SEQUENCE_PAST);
    world_free(&w);
}

Test(ledger, a_transfer_to_oneself_costs_the_fee)
{
    world w = world_new();
    const ez_keypair self = give(&w, 1, 100, 0);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &self, &self.public_key, 99, 2, 0)) ==
                  EZ_RULE_TX_FUNDS,
              "it needs the amount all the same");
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &self, &self.public_key, 98, 2, 0)) ==
              EZ_RULE_OK);
    expect_account(&w, &self, 98, 1);
    world_free(&w);
}

Test(ledger, a_note_from_an_address_pays_its_fee_and_moves_nothing)
{
    world w = world_new();
    const ez_keypair from = give(&w, 1, 5, 0);
    cr_expect(connect_one(&w, fixture_address_note(&w.network, &from, "bob", 1000000, 6, 0)) ==
              EZ_RULE_TX_FUNDS);
    cr_expect(connect_one(&w, fixture_address_note(&w.network, &from, "bob", 1000000, 5, 0)) ==
              EZ_RULE_OK);
    expect_account(&w, &from, 0, 1);
    expect_account(&w, &w.miner, FIXTURE_REWARD + 5, 0);
    world_free(&w);
}

Test(ledger, a_note_from_a_label_touches_no_account_and_stands_once)
{
    world w = world_new();
    const ez_keypair node = give(&w, 1, 5, 9);
    const ez_keypair to = give(&w, 2, 6, 0);
    ez_tx to_address = {.sender = fixture_label("alice"),
                        .recipient = fixture_address(&to.public_key),
                        .amount = 50,
                        .timestamp = 1};
    cr_expect(connect_one(&w, fixture_sign(&w.network, &to_address, &node)) == EZ_RULE_OK);
    cr_expect(connect_one(&w, fixture_note(&w.network, &node, "alice", "bob", 5, 0)) == EZ_RULE_OK);
    expect_account(&w, &node, 5, 9);
    expect_account(&w, &to, 6, 0);
    cr_expect(connect_one(&w, fixture_note(&w.network, &node, "alice", "bob", 5, 0)) ==
              EZ_RULE_TX_DUPLICATE);
    late_store_settle(w.store, w.write);
    ez_ledger_settle(w.ledger, w.write);
    cr_expect(connect_one(&w, fixture_note(&w.network, &node, "alice", "bob", 5, 0)) ==
                  EZ_RULE_TX_DUPLICATE,
              "also when only the store knows it");
    cr_expect(connect_one(&w, fixture_note(&w.network, &node, "alice", "bob", 5, 1)) == EZ_RULE_OK);
    world_free(&w);
}

Test(ledger, a_recipient_may_spend_in_the_same_block_but_not_before)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 10, 0);
    const ez_keypair b = fixture_keypair(2);
    const ez_keypair c = fixture_keypair(3);
    uint32_t bad = 99;
    fixture_tx early[] = {fixture_transfer(&w.network, &b, &c.public_key, 10, 0, 0),
                          fixture_transfer(&w.network, &a, &b.public_key, 10, 0, 0)};
    cr_expect(connect(&w, early, 2, &bad) == EZ_RULE_TX_FUNDS);
    cr_expect(bad == 0);
    fixture_tx right[] = {fixture_transfer(&w.network, &a, &b.public_key, 10, 0, 0),
                          fixture_transfer(&w.network, &b, &c.public_key, 10, 0, 0)};
    cr_expect(connect(&w, right, 2, NULL) == EZ_RULE_OK);
    expect_account(&w, &a, 0, 1);
    expect_account(&w, &b, 0, 1);
    expect_account(&w, &c, 10, 0);
    world_free(&w);
}

Test(ledger, a_reward_is_the_block_reward_plus_the_fees)
{
    world w = world_new();
    const ez_keypair from = give(&w, 1, 100, 0);
    const uint64_t right = FIXTURE_REWARD + 7;
    const uint64_t wrong[] = {1, 7, FIXTURE_REWARD, right - 1, right + 1, EZ_AMOUNT_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint32_t bad = 99;
        fixture_block_spec spec = {.reward_amount = wrong[i]};
        fixture_tx tx = fixture_address_note(&w.network, &from, "x", 0, 7, 0);
        cr_expect(connect_spec(&w, &spec, &tx, 1, &bad) == EZ_RULE_BODY_REWARD_AMOUNT);
        cr_expect(bad == 1);
    }
    fixture_block_spec spec = {.reward_amount = right};
    fixture_tx tx = fixture_address_note(&w.network, &from, "x", 0, 7, 0);
    cr_expect(connect_spec(&w, &spec, &tx, 1, NULL) == EZ_RULE_OK);
    expect_account(&w, &w.miner, right, 0);
    world_free(&w);
}

Test(ledger, a_miner_may_spend_its_reward_in_the_next_block_only)
{
    world w = world_new();
    const ez_keypair to = fixture_keypair(2);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &w.miner, &to.public_key, 1, 0, 0)) ==
              EZ_RULE_TX_FUNDS);
    cr_expect(connect(&w, NULL, 0, NULL) == EZ_RULE_OK);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &w.miner, &to.public_key, 1, 0, 0)) ==
              EZ_RULE_OK);
    expect_account(&w, &w.miner, 2 * FIXTURE_REWARD - 1, 1);
    world_free(&w);
}

Test(ledger, no_balance_exceeds_what_json_can_carry)
{
    world w = world_new();
    const ez_keypair from = give(&w, 1, 100, 0);
    const ez_keypair rich = give(&w, 2, EZ_AMOUNT_MAX - 10, 0);
    uint32_t bad = 99;
    fixture_tx over = fixture_transfer(&w.network, &from, &rich.public_key, 11, 0, 0);
    cr_expect(connect(&w, &over, 1, &bad) == EZ_RULE_TX_OVERFLOW);
    cr_expect(bad == 0);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &from, &rich.public_key, 10, 0, 0)) ==
              EZ_RULE_OK);
    expect_account(&w, &rich, EZ_AMOUNT_MAX, 0);
    cr_expect(connect_one(&w, fixture_transfer(&w.network, &rich, &rich.public_key, EZ_AMOUNT_MAX,
                                               0, 0)) == EZ_RULE_OK,
              "to oneself nothing is added");
    world_free(&w);
}

Test(ledger, a_reward_overflows_as_a_transfer_does)
{
    world w = world_new();
    uint32_t bad = 99;
    late_store_set(w.store, &w.miner.public_key, EZ_AMOUNT_MAX - FIXTURE_REWARD + 1, 0);
    cr_expect(connect(&w, NULL, 0, &bad) == EZ_RULE_TX_OVERFLOW);
    cr_expect(bad == 0);
    late_store_set(w.store, &w.miner.public_key, EZ_AMOUNT_MAX - FIXTURE_REWARD, 0);
    cr_expect(connect(&w, NULL, 0, NULL) == EZ_RULE_OK);
    expect_account(&w, &w.miner, EZ_AMOUNT_MAX, 0);
    world_free(&w);
}

Test(ledger, fees_that_no_reward_could_collect_overflow)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, EZ_AMOUNT_MAX, 0);
    const ez_keypair b = give(&w, 2, EZ_AMOUNT_MAX, 0);
    uint32_t bad = 99;
    fixture_block_spec spec = {.reward_amount = FIXTURE_REWARD};
    fixture_tx txs[] = {fixture_address_note(&w.network, &a, "x", 0, EZ_AMOUNT_MAX, 0),
                        fixture_address_note(&w.network, &b, "x", 0, 1, 0)};
    cr_expect(connect_spec(&w, &spec, txs, 2, &bad) == EZ_RULE_TX_OVERFLOW);
    cr_expect(bad == 1);
    expect_account(&w, &a, EZ_AMOUNT_MAX, 0);
    world_free(&w);
}

Test(ledger, a_refused_block_changes_nothing)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 100, 0);
    const ez_keypair b = give(&w, 2, 100, 0);
    uint32_t bad = 99;
    cr_assert(connect_one(&w, fixture_transfer(&w.network, &a, &b.public_key, 10, 1, 0)) ==
              EZ_RULE_OK);
    const size_t pending = ez_ledger_pending(w.ledger);
    fixture_tx txs[] = {fixture_note(&w.network, &a, "x", "y", 1, 0),
                        fixture_transfer(&w.network, &a, &b.public_key, 10, 1, 1),
                        fixture_transfer(&w.network, &b, &a.public_key, 50, 1, 0),
                        fixture_transfer(&w.network, &a, &b.public_key, 1, 1, 3)};
    const ez_tx_id note_id = txs[0].id;
    const ez_tx_id transfer_id = txs[1].id;
    cr_expect(connect(&w, txs, 4, &bad) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(bad == 3);
    expect_account(&w, &a, 89, 1);
    expect_account(&w, &b, 110, 0);
    expect_account(&w, &w.miner, FIXTURE_REWARD + 1, 0);
    cr_expect_not(ez_ledger_has_tx(w.ledger, &note_id));
    cr_expect_not(ez_ledger_has_tx(w.ledger, &transfer_id));
    cr_expect(ez_ledger_pending(w.ledger) == pending);
    world_free(&w);
}

Test(ledger, a_diff_has_one_row_per_account_in_order_of_touch)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 100, 4);
    const ez_keypair b = fixture_keypair(2);
    ez_ledger_diff diff;
    fixture_tx txs[] = {fixture_transfer(&w.network, &a, &b.public_key, 10, 0, 4),
                        fixture_transfer(&w.network, &b, &a.public_key, 4, 0, 0),
                        fixture_transfer(&w.network, &a, &b.public_key, 0, 0, 5)};
    ez_block *const block = fixture_block_on(&w.network, &w.tip, &w.miner.public_key, txs, 3);
    cr_assert(ez_ledger_connect(w.ledger, &diff, NULL, &w.network, block, 1) == EZ_RULE_OK);
    cr_assert(diff.count == 3);
    const ez_account_change before[] = {
        {a.public_key, {100, 4}}, {b.public_key, {0, 0}}, {w.miner.public_key, {0, 0}}};
    const ez_account_change after[] = {
        {a.public_key, {94, 6}}, {b.public_key, {6, 1}}, {w.miner.public_key, {FIXTURE_REWARD, 0}}};
    cr_expect(memcmp(diff.before, before, sizeof(before)) == 0);
    cr_expect(memcmp(diff.after, after, sizeof(after)) == 0);
    ez_ledger_diff_clear(&diff);
    cr_expect(diff.count == 0 && diff.before == NULL && diff.after == NULL);
    ez_block_unref(block);
    for (size_t i = 0; i < 3; i++) {
        fixture_tx_clear(&txs[i]);
    }
    world_free(&w);
}

Test(ledger, a_transfer_of_nothing_makes_no_account)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 1, 0);
    const ez_keypair b = fixture_keypair(2);
    cr_assert(connect_one(&w, fixture_transfer(&w.network, &a, &b.public_key, 0, 1, 0)) ==
              EZ_RULE_OK);
    cr_expect(ez_ledger_pending(w.ledger) == 2, "sender and miner");
    world_free(&w);
}

/* A block that repeats what the chain has, from a label and from an address, once as it came and
 * once with the first two said to be fresh. */
Test(ledger, what_is_fresh_is_not_looked_for)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 100, 0);
    fixture_tx txs[3] = {fixture_note(&w.network, &a, "x", "y", 1, 0),
                         fixture_address_note(&w.network, &a, "y", 1, 0, 0),
                         fixture_note(&w.network, &a, "x", "y", 1, 1)};
    ez_block *const first = fixture_block_on(&w.network, &w.tip, &w.miner.public_key, txs, 3);
    ez_ledger_diff diff;
    cr_assert(ez_ledger_connect(w.ledger, &diff, NULL, &w.network, first, 1) == EZ_RULE_OK);
    ez_ledger_diff_clear(&diff);
    uint32_t bad = 9;
    ez_block *again = fixture_block_on(&w.network, &first->header, &w.miner.public_key, txs, 3);
    cr_expect(ez_ledger_connect(w.ledger, &diff, &bad, &w.network, again, 2) ==
                  EZ_RULE_TX_DUPLICATE &&
              bad == 0);
    again->fresh_count = 2;
    cr_expect(ez_ledger_connect(w.ledger, &diff, &bad, &w.network, again, 2) ==
                  EZ_RULE_TX_SEQUENCE_PAST &&
              bad == 1);
    ez_block_unref(again);
    const fixture_tx notes[2] = {txs[0], txs[2]};
    again = fixture_block_on(&w.network, &first->header, &w.miner.public_key, notes, 2);
    again->fresh_count = 1;
    cr_expect(ez_ledger_connect(w.ledger, &diff, &bad, &w.network, again, 2) ==
                  EZ_RULE_TX_DUPLICATE &&
              bad == 1);
    ez_block_unref(again);
    ez_block_unref(first);
    for (size_t i = 0; i < 3; i++) {
        fixture_tx_clear(&txs[i]);
    }
    world_free(&w);
}

/* The store still says that a disconnected transaction is there, until the write arrives. */
Test(ledger, a_disconnected_transaction_is_gone_before_the_store_knows)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 100, 0);
    ez_ledger_diff diff;
    fixture_tx note = fixture_note(&w.network, &a, "x", "y", 1, 0);
    ez_block *const block = fixture_block_on(&w.network, &w.tip, &w.miner.public_key, &note, 1);
    cr_assert(ez_ledger_connect(w.ledger, &diff, NULL, &w.network, block, 1) == EZ_RULE_OK);
    late_store_connect(w.store, block, &diff, 1);
    cr_expect(ez_ledger_has_tx(w.ledger, &note.id));
    late_store_settle(w.store, 1);
    ez_ledger_settle(w.ledger, 1);
    cr_expect(ez_ledger_has_tx(w.ledger, &note.id) && ez_ledger_pending(w.ledger) == 0);

    ez_ledger_disconnect(w.ledger, block, diff.before, diff.count, 2);
    late_store_disconnect(w.store, block, diff.before, diff.count, 2);
    cr_expect_not(ez_ledger_has_tx(w.ledger, &note.id));
    cr_expect_not(ez_ledger_has_tx(w.ledger, &block->txs[1].id), "nor the reward");
    expect_account(&w, &w.miner, 0, 0);
    ez_ledger_settle(w.ledger, 1);
    cr_expect_not(ez_ledger_has_tx(w.ledger, &note.id), "an earlier write settles nothing");
    late_store_settle(w.store, 2);
    ez_ledger_settle(w.ledger, 2);
    cr_expect_not(ez_ledger_has_tx(w.ledger, &note.id));
    cr_expect(ez_ledger_pending(w.ledger) == 0);
    ez_ledger_diff_clear(&diff);
    ez_block_unref(block);
    fixture_tx_clear(&note);
    world_free(&w);
}

Test(ledger, settling_keeps_what_later_writes_changed)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 100, 0);
    const ez_keypair b = fixture_keypair(2);
    cr_assert(connect_one(&w, fixture_transfer(&w.network, &a, &b.public_key, 1, 0, 0)) == 0);
    cr_assert(connect_one(&w, fixture_transfer(&w.network, &a, &b.public_key, 1, 0, 1)) == 0);
    cr_assert(connect(&w, NULL, 0, NULL) == EZ_RULE_OK);
    cr_expect(ez_ledger_pending(w.ledger) == 3);
    late_store_settle(w.store, 1);
    ez_ledger_settle(w.ledger, 1);
    cr_expect(ez_ledger_pending(w.ledger) == 3, "all were changed again");
    expect_account(&w, &a, 98, 2);
    late_store_settle(w.store, 2);
    ez_ledger_settle(w.ledger, 2);
    cr_expect(ez_ledger_pending(w.ledger) == 1, "the miner's is still on its way");
    expect_account(&w, &a, 98, 2);
    expect_account(&w, &b, 2, 0);
    expect_account(&w, &w.miner, 3 * FIXTURE_REWARD, 0);
    world_free(&w);
}

/* Rows are dropped from the front, so that one that changes with every block has to move. */
Test(ledger, a_busy_account_does_not_hold_back_others)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 100, 0);
    const ez_keypair b = give(&w, 2, 100, 0);
    cr_assert(connect_one(&w, fixture_address_note(&w.network, &a, "x", 0, 0, 0)) == EZ_RULE_OK);
    cr_assert(connect_one(&w, fixture_address_note(&w.network, &b, "x", 0, 0, 0)) == EZ_RULE_OK);
    cr_assert(connect_one(&w, fixture_address_note(&w.network, &a, "x", 0, 0, 1)) == EZ_RULE_OK);
    late_store_settle(w.store, 2);
    ez_ledger_settle(w.ledger, 2);
    cr_expect(ez_ledger_pending(w.ledger) == 2, "the first signer and the miner");
    expect_account(&w, &a, 100, 2);
    expect_account(&w, &b, 100, 1);
    world_free(&w);
}

Test(ledger, accounts_that_changed_last_are_not_read_again)
{
    world w = world_new();
    const ez_keypair a = give(&w, 1, 100, 0);
    const ez_keypair b = give(&w, 2, 100, 0);
    ez_ledger_keep(w.ledger, 2);
    cr_assert(connect_one(&w, fixture_address_note(&w.network, &a, "x", 0, 0, 0)) == EZ_RULE_OK);
    cr_assert(connect_one(&w, fixture_address_note(&w.network, &b, "x", 0, 0, 0)) == EZ_RULE_OK);
    late_store_settle(w.store, 2);
    ez_ledger_settle(w.ledger, 2);
    cr_expect(ez_ledger_pending(w.ledger) == 0);
    const size_t reads = w.store->account_reads;
    expect_account(&w, &b, 100, 1);
    expect_account(&w, &w.miner, 2 * FIXTURE_REWARD, 0);
    cr_expect(w.store->account_reads == reads);
    expect_account(&w, &a, 100, 1);
    cr_expect(w.store->account_reads == reads + 1, "only so many are kept");

    /* a kept one changes, and is unsettled as any other */
    cr_assert(connect_one(&w, fixture_address_note(&w.network, &b, "x", 0, 0, 1)) == EZ_RULE_OK);
    cr_expect(ez_ledger_pending(w.ledger) == 2, "the signer and the miner");
    ez_ledger_settle(w.ledger, 2);
    cr_expect(ez_ledger_pending(w.ledger) == 2);
    expect_account(&w, &b, 100, 2);
    world_free(&w);
}

Test(ledger, a_write_number_that_decreases_is_our_bug, .signal = SIGABRT)
{
    world w = world_new();
    ez_ledger_diff diff;
    cr_assert(connect(&w, NULL, 0, NULL) == EZ_RULE_OK);
    ez_block *const block = fixture_block_on(&w.network, &w.tip, &w.miner.public_key, NULL, 0);
    (void)ez_ledger_connect(w.ledger, &diff, NULL, &w.network, block, w.write - 1);
}

/* ---- what the pool asks ---- */

static ez_rule check(const world *w, fixture_tx made, uint64_t used, uint64_t spent)
{
    const ez_rule rule = ez_ledger_check_tx(w->ledger, &made.tx, &made.id, used, spent);
    fixture_tx_clear(&made);
    return rule;
}

Test(ledger, check_counts_what_pooled_entries_took)
{
    world w = world_new();
    const ez_network *const n = &w.network;
    const ez_keypair a = give(&w, 1, 100, 5);
    const ez_keypair b = fixture_keypair(2);
    const ez_public_key *const to = &b.public_key;
    cr_expect(check(&w, fixture_transfer(n, &a, to, 90, 10, 5), 0, 0) == EZ_RULE_OK);
    cr_expect(check(&w, fixture_transfer(n, &a, to, 91, 10, 5), 0, 0) == EZ_RULE_TX_FUNDS);
    cr_expect(check(&w, fixture_transfer(n, &a, to, 30, 10, 7), 2, 60) == EZ_RULE_OK);
    cr_expect(check(&w, fixture_transfer(n, &a, to, 31, 10, 7), 2, 60) == EZ_RULE_TX_FUNDS);
    cr_expect(check(&w, fixture_transfer(n, &a, to, 0, 1, 7), 2, 100) == EZ_RULE_TX_FUNDS);
    cr_expect(check(&w, fixture_transfer(n, &a, to, 0, 0, 7), 2, 101) == EZ_RULE_OK);
    cr_expect(check(&w, fixture_transfer(n, &a, to, 0, 1, 7), 2, 200) == EZ_RULE_TX_FUNDS);
    cr_expect(check(&w, fixture_transfer(n, &a, to, 1, 0, 6), 2, 0) == EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(check(&w, fixture_transfer(n, &a, to, 1, 0, 8), 2, 0) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(check(&w, fixture_address_note(n, &a, "b", 500, 100, 5), 0, 0) == EZ_RULE_OK);
    cr_expect(check(&w, fixture_address_note(n, &a, "b", 500, 101, 5), 0, 0) == EZ_RULE_TX_FUNDS);
    world_free(&w);
}

Test(ledger, check_tells_a_known_transaction_from_a_used_sequence)
{
    world w = world_new();
    const ez_network *const n = &w.network;
    const ez_keypair a = give(&w, 1, 100, 0);
    const ez_keypair b = fixture_keypair(2);
    cr_expect(check(&w, fixture_note(n, &a, "x", "y", 1, 0), 0, 0) == EZ_RULE_OK);
    cr_assert(connect_one(&w, fixture_transfer(n, &a, &b.public_key, 1, 0, 0)) == EZ_RULE_OK);
    cr_assert(connect_one(&w, fixture_note(n, &a, "x", "y", 1, 0)) == EZ_RULE_OK);
    cr_expect(check(&w, fixture_transfer(n, &a, &b.public_key, 1, 0, 0), 0, 0) ==
              EZ_RULE_TX_DUPLICATE);
    cr_expect(check(&w, fixture_transfer(n, &a, &b.public_key, 2, 0, 0), 0, 0) ==
              EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(check(&w, fixture_note(n, &a, "x", "y", 1, 0), 0, 0) == EZ_RULE_TX_DUPLICATE);
    const ez_tx reward = fixture_reward_tx(&b.public_key, FIXTURE_REWARD, 4, 0);
    cr_expect(check(&w, fixture_finish(n, &reward), 0, 0) == EZ_RULE_TX_REWARD_ALONE);
    world_free(&w);
}

Test(ledger, check_refuses_what_would_overflow_its_recipient)
{
    world w = world_new();
    const ez_network *const n = &w.network;
    const ez_keypair a = give(&w, 1, 100, 0);
    const ez_keypair rich = give(&w, 2, EZ_AMOUNT_MAX - 5, 0);
    cr_expect(check(&w, fixture_transfer(n, &a, &rich.public_key, 5, 0, 0), 0, 0) == EZ_RULE_OK);
    cr_expect(check(&w, fixture_transfer(n, &a, &rich.public_key, 6, 0, 0), 0, 0) ==
              EZ_RULE_TX_OVERFLOW);
    cr_expect(check(&w, fixture_transfer(n, &rich, &rich.public_key, 6, 0, 0), 0, 0) == EZ_RULE_OK);
    world_free(&w);
}

Test(ledger, rewound_accounts_are_known_until_they_are_asked_about)
{
    world w = world_new();
    const ez_keypair other = give(&w, 1, 100, 0);
    ez_ledger_diff diff;
    ez_ledger_keep(w.ledger, 0);
    ez_block *const block = fixture_block_on(&w.network, &w.tip, &w.miner.public_key, NULL, 0);
    cr_assert(ez_ledger_connect(w.ledger, &diff, NULL, &w.network, block, 1) == EZ_RULE_OK);
    cr_expect_not(ez_ledger_may_have_rewound(w.ledger, &w.miner.public_key, 0));
    ez_ledger_disconnect(w.ledger, block, diff.before, diff.count, 2);
    cr_expect(ez_ledger_rewinds(w.ledger) == 1);
    cr_expect(ez_ledger_may_have_rewound(w.ledger, &w.miner.public_key, 0));
    cr_expect_not(ez_ledger_may_have_rewound(w.ledger, &w.miner.public_key, 1));
    cr_expect_not(ez_ledger_may_have_rewound(w.ledger, &other.public_key, 0));
    ez_ledger_settle(w.ledger, 2);
    cr_expect(ez_ledger_may_have_rewound(w.ledger, &w.miner.public_key, 0));
    cr_expect(ez_ledger_may_have_rewound(w.ledger, &other.public_key, 0),
              "nothing is known any more, so that everything may be");
    cr_expect_not(ez_ledger_may_have_rewound(w.ledger, &w.miner.public_key, 1));
    ez_ledger_diff_clear(&diff);
    ez_block_unref(block);
    world_free(&w);
}
