#include "ezp2p/chain/pool.h"

#include "support_pool.h"

Test(pool_reorg, losers_return_below_what_was_pooled_on_them)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), note(w, &a, 1, 1), note(w, &a, 1, 2), note(w, &a, 1, 3)};
    const ez_header parent = w->tip;
    connected lost = connect(w, txs, 2);
    cr_expect(add_as(w, &txs[2], true) == EZ_RULE_OK);
    cr_expect(add_as(w, &txs[3], false) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 0);
    connect_and_tell(w, NULL, 0);
    cr_expect(add_as(w, &txs[0], false) == EZ_RULE_OK);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 1);
    cr_expect(add_as(w, &txs[1], false) == EZ_RULE_OK);
    uint64_t spent;
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, &spent) == 4 && spent == 4);
    ez_pool_recheck(w->pool);
    cr_expect(w->left_count == 0 && ez_pool_count(w->pool) == 4);
    const ez_pool_entry *chosen[4];
    cr_assert(ez_pool_select(w->pool, chosen, 4, 10000, UINT64_MAX) == 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect(ez_tx_id_is_equal(&chosen[i]->id, &txs[i].id));
    }
    connected_clear(&lost);
    clear_all(txs, 4);
    world_free(w);
}

Test(pool_reorg, what_stands_on_a_loser_that_does_not_return_goes_at_the_recheck)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), note(w, &a, 1, 1), note(w, &a, 1, 2)};
    fixture_tx other = note(w, &b, 1, 0);
    const ez_header parent = w->tip;
    connected lost = connect(w, txs, 2);
    cr_expect(add_as(w, &txs[2], true) == EZ_RULE_OK);
    cr_expect(add_as(w, &other, false) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    const ez_pool_entry *chosen[4];
    cr_expect(add(w, note(w, &a, 101, 0)) == EZ_RULE_TX_FUNDS);
    cr_expect(ez_pool_select(w->pool, chosen, 4, 10000, UINT64_MAX) == 1,
              "what is stranded is not offered");
    cr_expect(add_as(w, &txs[0], false) == EZ_RULE_OK);
    cr_expect(w->left_count == 0 && holds(w, &txs[2]), "the missing one may still come");
    cr_expect(ez_pool_select(w->pool, chosen, 4, 10000, UINT64_MAX) == 2);
    ez_pool_recheck(w->pool);
    cr_expect(has_left(w, &txs[2], EZ_RULE_TX_SEQUENCE_GAP) && w->left_count == 1);
    cr_expect(holds(w, &txs[0]) && holds(w, &other));
    cr_expect(add_as(w, &txs[1], false) == EZ_RULE_OK);
    connected_clear(&lost);
    clear_all(txs, 3);
    fixture_tx_clear(&other);
    world_free(w);
}

/* Coins may be gone in the middle of a reorganisation and back at its end. */
Test(pool_reorg, funds_are_judged_when_a_reorganisation_is_over)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 10, 0);
    const ez_keypair b = give(w, 2, 0, 0);
    fixture_tx pay = transfer(w, &a, &b, 10, 0, 0);
    fixture_tx spend = transfer(w, &b, &a, 10, 0, 0);
    const ez_header parent = w->tip;
    connected lost = connect(w, &pay, 1);
    cr_expect(add_as(w, &spend, true) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    connect_and_tell(w, NULL, 0);
    cr_expect(holds(w, &spend));
    connect_and_tell(w, &pay, 1);
    ez_pool_recheck(w->pool);
    cr_expect(holds(w, &spend) && w->left_count == 0);
    connected_clear(&lost);
    fixture_tx_clear(&pay);
    fixture_tx_clear(&spend);
    world_free(w);
}

Test(pool_reorg, coins_that_a_reorganisation_took_are_missed_at_the_recheck)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 10, 0);
    const ez_keypair b = give(w, 2, 0, 0);
    fixture_tx pay = transfer(w, &a, &b, 10, 0, 0);
    fixture_tx spend = transfer(w, &b, &a, 10, 0, 0);
    const ez_header parent = w->tip;
    connected lost = connect(w, &pay, 1);
    late_store_connect(w->store, lost.block, &lost.diff, w->write);
    cr_expect(add_as(w, &spend, true) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    late_store_disconnect(w->store, lost.block, lost.diff.before, lost.diff.count, w->write);
    late_store_settle(w->store, w->write); /* nothing in memory tells any more what changed */
    ez_ledger_settle(w->ledger, w->write);
    ez_pool_recheck(w->pool);
    cr_expect(has_left(w, &spend, EZ_RULE_TX_FUNDS));
    connected_clear(&lost);
    fixture_tx_clear(&pay);
    fixture_tx_clear(&spend);
    world_free(w);
}

Test(pool_reorg, a_block_of_the_new_branch_that_spends_is_seen_at_the_recheck)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = fixture_keypair(2);
    fixture_tx pooled[] = {transfer(w, &a, &b, 10, 0, 0), transfer(w, &a, &b, 20, 0, 1)};
    fixture_tx mined = transfer(w, &a, &b, 85, 0, 0);
    const ez_header parent = w->tip;
    connected lost = connect(w, NULL, 0); /* does not touch the signer */
    cr_expect(add_as(w, &pooled[0], true) == EZ_RULE_OK);
    cr_expect(add_as(w, &pooled[1], true) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    connect_and_tell(w, &mined, 1);
    cr_expect(has_left(w, &pooled[0], EZ_RULE_TX_SEQUENCE_PAST) && holds(w, &pooled[1]));
    ez_pool_recheck(w->pool);
    cr_expect(has_left(w, &pooled[1], EZ_RULE_TX_FUNDS));
    connected_clear(&lost);
    clear_all(pooled, 2);
    fixture_tx_clear(&mined);
    world_free(w);
}

Test(pool_reorg, a_recheck_reads_no_account_that_did_not_move)
{
    world *const w = world_new(&roomy);
    const ez_header parent = w->tip;
    for (uint32_t i = 1; i <= 50; i++) {
        const ez_keypair pair = give(w, i, 100, 0);
        cr_expect(add(w, note(w, &pair, 1, 0)) == EZ_RULE_OK);
    }
    connected lost = connect(w, NULL, 0);
    disconnect(w, &lost, &parent);
    const size_t reads = w->store->account_reads;
    ez_pool_recheck(w->pool);
    cr_expect(w->store->account_reads == reads && ez_pool_count(w->pool) == 50);
    connected_clear(&lost);
    world_free(w);
}
