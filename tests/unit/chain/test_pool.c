#include "ezp2p/chain/pool.h"

#include "support_pool.h"

/* ---- in ---- */

Test(pool, an_entry_tells_what_it_is)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 7);
    const ez_keypair b = fixture_keypair(2);
    fixture_tx tx = transfer(w, &a, &b, 60, 3, 7);
    const ez_pool_entry *entry;
    w->now = 55;
    cr_assert(ez_pool_add(w->pool, &entry, &tx.tx, &tx.id, tx.bytes, EZ_POOL_PROMISED, w->now) ==
              EZ_RULE_OK);
    cr_expect(ez_tx_id_is_equal(&entry->id, &tx.id) && entry->bytes == tx.bytes);
    cr_expect(ez_public_key_is_equal(&entry->signer, &a.public_key));
    cr_expect(entry->kind == EZ_TX_TRANSFER && entry->from_address &&
              entry->keep == EZ_POOL_PROMISED);
    cr_expect(entry->sequence == 7 && entry->amount == 60 && entry->fee == 3);
    cr_expect(entry->arrival > 0 && entry->since == 55);
    cr_expect(ez_pool_find(w->pool, &tx.id) == entry && ez_pool_first(w->pool) == entry);
    cr_expect(ez_pool_count(w->pool) == 1 && ez_pool_bytes(w->pool) == ez_blob_size(tx.bytes));
    fixture_tx_clear(&tx);
    world_free(w);
}

Test(pool, an_entry_comes_in_once)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx txs[] = {label_note(w, &a, 1), note(w, &a, 1, 0)};
    for (size_t i = 0; i < 2; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
        cr_expect(add_as(w, &txs[i], true) == EZ_RULE_TX_POOL_KNOWN);
        cr_expect_eq(ez_pool_find(w->pool, &txs[i].id)->keep, EZ_POOL_RELAYED,
                     "that is set_keep's to do");
    }
    clear_all(txs, 2);
    world_free(w);
}

Test(pool, a_reward_never_comes_in)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = fixture_keypair(1);
    const ez_tx reward = fixture_reward_tx(&a.public_key, FIXTURE_REWARD, 2, 0);
    cr_expect(add(w, fixture_finish(&w->network, &reward)) == EZ_RULE_TX_REWARD_ALONE);
    world_free(w);
}

Test(pool, what_the_chain_holds_stays_out)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx txs[] = {label_note(w, &a, 1), note(w, &a, 1, 0)};
    connect_and_tell(w, txs, 2);
    cr_expect(add_as(w, &txs[0], true) == EZ_RULE_TX_DUPLICATE);
    cr_expect(add_as(w, &txs[1], true) == EZ_RULE_TX_DUPLICATE);
    cr_expect(add(w, note(w, &a, 2, 0)) == EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(add(w, note(w, &a, 2, 1)) == EZ_RULE_OK);
    clear_all(txs, 2);
    world_free(w);
}

Test(pool, a_run_has_no_gap_and_no_second_entry)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 5);
    uint64_t spent;
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, &spent) == 5 && spent == 0);
    cr_expect(add(w, note(w, &a, 1, 4)) == EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(add(w, note(w, &a, 1, 6)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(add(w, note(w, &a, 1, 5)) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 9, 5)) == EZ_RULE_TX_POOL_CONFLICT, "whatever it pays");
    cr_expect(add(w, note(w, &a, 2, 6)) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 9, 5)) == EZ_RULE_TX_POOL_CONFLICT);
    cr_expect(add(w, note(w, &a, 9, 6)) == EZ_RULE_TX_POOL_CONFLICT);
    cr_expect(add(w, note(w, &a, 1, 8)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(add(w, note(w, &a, 1, 4)) == EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, &spent) == 7 && spent == 3);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 7);
    world_free(w);
}

Test(pool, a_run_costs_no_more_than_the_signer_has)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = fixture_keypair(2);
    cr_expect(add(w, transfer(w, &a, &b, 60, 10, 0)) == EZ_RULE_OK);
    cr_expect(add(w, transfer(w, &a, &b, 30, 1, 1)) == EZ_RULE_TX_FUNDS);
    cr_expect(add(w, transfer(w, &a, &b, 29, 1, 1)) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 1, 2)) == EZ_RULE_TX_FUNDS);
    cr_expect(add(w, note(w, &a, 0, 2)) == EZ_RULE_OK);
    world_free(w);
}

Test(pool, coins_on_their_way_cannot_be_spent)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 0, 0);
    fixture_tx tx = transfer(w, &a, &b, 50, 0, 0);
    cr_expect(add_as(w, &tx, false) == EZ_RULE_OK);
    cr_expect(add(w, transfer(w, &b, &a, 1, 0, 0)) == EZ_RULE_TX_FUNDS);
    connect_and_tell(w, &tx, 1);
    cr_expect(add(w, transfer(w, &b, &a, 50, 0, 0)) == EZ_RULE_OK);
    fixture_tx_clear(&tx);
    world_free(w);
}

/* ---- blocks ---- */

Test(pool, a_block_takes_its_own)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), label_note(w, &a, 1), note(w, &a, 1, 1),
                        label_note(w, &a, 2)};
    for (size_t i = 0; i < 4; i++) {
        cr_expect(add_as(w, &txs[i], i == 1) == EZ_RULE_OK);
    }
    connect_and_tell(w, txs, 2);
    cr_expect(has_left(w, &txs[0], EZ_RULE_OK) && has_left(w, &txs[1], EZ_RULE_OK));
    cr_expect(w->left_count == 2 && holds(w, &txs[2]) && holds(w, &txs[3]));
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 2);
    connect_and_tell(w, txs + 2, 2);
    cr_expect(ez_pool_count(w->pool) == 0 && ez_pool_bytes(w->pool) == 0);
    cr_expect(w->left_count == 4 && w->pool->signers == NULL && w->pool->evictable.count == 0);
    clear_all(txs, 4);
    world_free(w);
}

Test(pool, a_block_makes_conflicting_entries_impossible)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx pooled[] = {note(w, &a, 1, 0), note(w, &a, 1, 1), note(w, &a, 1, 2)};
    fixture_tx other = note(w, &b, 1, 0);
    fixture_tx mined[] = {note(w, &a, 2, 0), pooled[1]};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &pooled[i], true) == EZ_RULE_OK);
    }
    cr_expect(add_as(w, &other, false) == EZ_RULE_OK);
    connect_and_tell(w, mined, 2);
    cr_expect(has_left(w, &pooled[0], EZ_RULE_TX_SEQUENCE_PAST));
    cr_expect(has_left(w, &pooled[1], EZ_RULE_OK));
    cr_expect(holds(w, &pooled[2]) && holds(w, &other) && w->left_count == 2);
    uint64_t spent;
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, &spent) == 3 && spent == 1);
    clear_all(pooled, 3);
    fixture_tx_clear(&mined[0]);
    fixture_tx_clear(&other);
    world_free(w);
}

Test(pool, a_block_that_takes_the_coins_cuts_a_run_short)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = fixture_keypair(2);
    fixture_tx pooled[] = {transfer(w, &a, &b, 10, 0, 0), transfer(w, &a, &b, 10, 0, 1),
                           transfer(w, &a, &b, 20, 0, 2), note(w, &a, 0, 3)};
    fixture_tx mined = transfer(w, &a, &b, 71, 0, 0);
    for (size_t i = 0; i < 4; i++) {
        cr_expect(add_as(w, &pooled[i], true) == EZ_RULE_OK);
    }
    connect_and_tell(w, &mined, 1);
    cr_expect(has_left(w, &pooled[0], EZ_RULE_TX_SEQUENCE_PAST));
    cr_expect(has_left(w, &pooled[3], EZ_RULE_TX_FUNDS), "its predecessor cannot be paid");
    cr_expect(has_left(w, &pooled[2], EZ_RULE_TX_FUNDS));
    cr_expect(holds(w, &pooled[1]) && w->left_count == 3);
    clear_all(pooled, 4);
    fixture_tx_clear(&mined);
    world_free(w);
}

/* ---- out ---- */

static void expect_walk(const ez_pool *pool)
{
    ez_pool_walk walk = {0};
    for (const ez_pool_entry *at = ez_pool_first(pool); at != NULL; at = ez_pool_next(pool, at)) {
        cr_assert(ez_pool_walk_next(pool, &walk) == at);
    }
    cr_expect_null(ez_pool_walk_next(pool, &walk));
    cr_expect_null(ez_pool_walk_next(pool, &walk));
}

Test(pool, entries_are_listed_in_order_of_arrival)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = fixture_keypair(1);
    fixture_tx txs[300];
    cr_expect_null(ez_pool_first(w->pool));
    cr_expect_null(ez_pool_after(w->pool, 0));
    for (size_t i = 0; i < 300; i++) {
        txs[i] = label_note(w, &a, i);
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    const ez_pool_entry *at = ez_pool_first(w->pool);
    cr_expect(ez_pool_after(w->pool, 0) == at);
    for (size_t i = 0; i < 300; i++) {
        cr_assert(ez_tx_id_is_equal(&at->id, &txs[i].id));
        const ez_pool_entry *const next = ez_pool_next(w->pool, at);
        cr_assert(ez_pool_after(w->pool, at->arrival) == next);
        at = next;
    }
    cr_expect_null(at);
    connect_and_tell(w, txs + 10, 280); /* enough holes to be closed up */
    cr_expect(w->pool->arrivals.count < 300);
    at = ez_pool_find(w->pool, &txs[9].id);
    const ez_pool_entry *const next = ez_pool_find(w->pool, &txs[290].id);
    cr_expect(ez_pool_next(w->pool, at) == next);
    for (uint64_t arrival = at->arrival; arrival < next->arrival; arrival++) {
        cr_expect(ez_pool_after(w->pool, arrival) == next);
    }
    cr_expect_null(ez_pool_after(w->pool, UINT64_MAX));
    expect_walk(w->pool);
    connect_and_tell(w, txs + 4, 3); /* holes that stay open */
    expect_walk(w->pool);
    clear_all(txs, 300);
    world_free(w);
}

static void expect_selection(const world *w, size_t out_max, size_t bytes_max,
                             const fixture_tx *const *expected, size_t count)
{
    const ez_pool_entry *chosen[32];
    cr_assert(out_max <= 32);
    cr_assert(ez_pool_select(w->pool, chosen, out_max, bytes_max, UINT64_MAX) == count);
    for (size_t i = 0; i < count; i++) {
        cr_expect(ez_tx_id_is_equal(&chosen[i]->id, &expected[i]->id), "place %zu", i);
    }
}

Test(pool, selection_prefers_fee_per_byte_within_runs_then_arrival)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 1000, 0);
    const ez_keypair b = give(w, 2, 1000, 0);
    const ez_keypair c = give(w, 3, 1000, 0);
    fixture_tx a0 = note(w, &a, 5, 0);
    fixture_tx a1 = note(w, &a, 90, 1);
    fixture_tx b0 = note(w, &b, 10, 0);
    fixture_tx b1 = note(w, &b, 4, 1);
    fixture_tx c0 = sized_note(w, &c, 6, 0, 150);
    fixture_tx free1 = label_note(w, &a, 1);
    fixture_tx c1 = sized_note(w, &c, 0, 1, 150);
    fixture_tx free2 = label_note(w, &a, 2);
    const fixture_tx *const arrival[] = {&a0, &b0, &c0, &b1, &free1, &a1, &c1, &free2};
    for (size_t i = 0; i < 8; i++) {
        cr_expect(add_as(w, arrival[i], i % 2 == 0) == EZ_RULE_OK);
    }
    const fixture_tx *const expected[] = {&b0, &c0, &a0, &a1, &b1, &free1, &c1, &free2};
    expect_selection(w, 32, 100000, expected, 8);
    expect_selection(w, 8, 100000, expected, 8);
    expect_selection(w, 3, 100000, expected, 3);
    expect_selection(w, 0, 100000, expected, 0);
    for (size_t i = 0; i < 8; i++) {
        ez_blob_unref(arrival[i]->bytes);
    }
    world_free(w);
}

Test(pool, selection_fills_the_bytes_and_passes_over_what_does_not_fit)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 1000, 0);
    const ez_keypair b = give(w, 2, 1000, 0);
    fixture_tx a0 = sized_note(w, &a, 300, 0, 300);
    fixture_tx a1 = sized_note(w, &a, 300, 1, 150);
    fixture_tx b0 = sized_note(w, &b, 100, 0, 200);
    const fixture_tx *const all[] = {&a0, &a1, &b0};
    const fixture_tx *const others[] = {&b0};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, all[i], false) == EZ_RULE_OK);
    }
    expect_selection(w, 32, 650, all, 3);
    expect_selection(w, 32, 649, all, 2);
    expect_selection(w, 32, 450, all, 2);
    expect_selection(w, 32, 449, all, 1);
    expect_selection(w, 32, 299, others, 1); /* a1 fits, but not without a0 */
    expect_selection(w, 32, 200, others, 1);
    expect_selection(w, 32, 199, all, 0);
    for (size_t i = 0; i < 3; i++) {
        ez_blob_unref(all[i]->bytes);
    }
    world_free(w);
}

Test(pool, a_selected_block_connects)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx txs[40];
    const ez_pool_entry *chosen[40];
    fixture_tx ordered[40];
    for (size_t i = 0; i < 40; i++) {
        txs[i] = i % 4 == 3 ? label_note(w, &a, i)
                            : transfer(w, i % 2 ? &a : &b, i % 2 ? &b : &a, i % 7, (i * 5) % 3,
                                       ez_pool_next_sequence(
                                           w->pool, i % 2 ? &a.public_key : &b.public_key, NULL));
        cr_assert(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_assert(ez_pool_select(w->pool, chosen, 40, EZ_BLOCK_BODY_BYTES_MAX, UINT64_MAX) == 40);
    for (size_t i = 0; i < 40; i++) {
        size_t k = 0;
        while (!ez_tx_id_is_equal(&txs[k].id, &chosen[i]->id)) {
            k++;
        }
        ordered[i] = txs[k];
    }
    connect_and_tell(w, ordered, 40);
    cr_expect(ez_pool_count(w->pool) == 0);
    clear_all(txs, 40);
    world_free(w);
}

static void count_unknown(void *self, const ez_tx_id *id)
{
    world *const w = self;
    const fixture_tx seen = {.id = *id};
    cr_expect_not(holds(w, &seen));
    w->unknown_count++;
}

Test(pool, says_what_came_with_a_block_alone)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = fixture_keypair(1);
    fixture_tx txs[3];
    for (size_t i = 0; i < 3; i++) {
        txs[i] = label_note(w, &a, i);
    }
    cr_expect(add_as(w, &txs[1], false) == EZ_RULE_OK);
    connected made = connect(w, txs, 3);
    ez_pool_connected(w->pool, made.block, count_unknown);
    cr_expect(w->unknown_count == 3, "two notes and the reward");
    cr_expect(ez_pool_count(w->pool) == 0 && has_left(w, &txs[1], EZ_RULE_OK));
    connected_clear(&made);
    clear_all(txs, 3);
    world_free(w);
}
