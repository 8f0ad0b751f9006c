#include "ezp2p/chain/pool.h"

#include "support_pool.h"

Test(pool_evict, a_signers_share_is_bounded)
{
    ez_pool_limits limits = roomy;
    limits.signer_max = 3;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx gone = label_note(w, &a, 1);
    cr_expect(add_as(w, &gone, false) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_expect(add(w, label_note(w, &a, 2)) == EZ_RULE_OK, "at the bound");
    cr_expect(add(w, label_note(w, &a, 3)) == EZ_RULE_TX_POOL_FULL, "one over it");
    cr_expect(add(w, note(w, &a, 50, 1)) == EZ_RULE_TX_POOL_FULL, "whatever it pays");
    fixture_tx durable = note(w, &a, 50, 1);
    cr_expect(add_as(w, &durable, true) == EZ_RULE_TX_POOL_FULL, "and whoever posted it");
    cr_expect(add(w, note(w, &b, 0, 0)) == EZ_RULE_OK, "others have shares of their own");
    connect_and_tell(w, &gone, 1);
    cr_expect(add_as(w, &durable, true) == EZ_RULE_OK);
    fixture_tx_clear(&gone);
    fixture_tx_clear(&durable);
    world_free(w);
}

Test(pool_evict, the_real_bounds_are_the_documented_ones)
{
    world *const w = world_new(NULL);
    const ez_keypair keys[] = {fixture_keypair(1), fixture_keypair(2), fixture_keypair(3)};
    size_t added = 0;
    for (size_t k = 0; k < 3; k++) {
        const size_t room = EZ_POOL_COUNT_MAX - added;
        const size_t share = room < EZ_POOL_SIGNER_MAX ? room : EZ_POOL_SIGNER_MAX;
        for (size_t i = 0; i < share; i++) {
            cr_assert(add(w, label_note(w, &keys[k], added++)) == EZ_RULE_OK);
        }
        if (share == EZ_POOL_SIGNER_MAX) {
            cr_expect(add(w, label_note(w, &keys[k], added)) == EZ_RULE_TX_POOL_FULL);
        }
    }
    cr_expect(ez_pool_count(w->pool) == EZ_POOL_COUNT_MAX);
    cr_expect(add(w, label_note(w, &keys[2], added)) == EZ_RULE_TX_POOL_FULL);
    cr_expect(ez_pool_count(w->pool) == EZ_POOL_COUNT_MAX && w->left_count == 0);
    world_free(w);
}

Test(pool_evict, bytes_are_bounded_to_the_byte)
{
    ez_pool_limits limits = roomy;
    limits.bytes_max = 3 * 200;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    cr_expect(add(w, sized_note(w, &a, 9, 0, 200)) == EZ_RULE_OK);
    cr_expect(add(w, sized_note(w, &a, 9, 1, 200)) == EZ_RULE_OK);
    cr_expect(add(w, sized_note(w, &a, 0, 2, 201)) == EZ_RULE_TX_POOL_FULL, "one byte over");
    cr_expect(add(w, sized_note(w, &a, 0, 2, 200)) == EZ_RULE_OK, "exactly full");
    cr_expect(ez_pool_bytes(w->pool) == 600);
    world_free(w);
}

Test(pool_evict, the_lowest_fee_per_byte_gives_way)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 3;
    world *const w = world_new(&limits);
    const ez_keypair keys[] = {give(w, 1, 100, 0), give(w, 2, 100, 0), give(w, 3, 100, 0),
                               give(w, 4, 100, 0)};
    fixture_tx txs[] = {sized_note(w, &keys[0], 10, 0, 200), sized_note(w, &keys[1], 9, 0, 150),
                        sized_note(w, &keys[2], 16, 0, 300)};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_expect(add(w, sized_note(w, &keys[3], 10, 0, 200)) == EZ_RULE_TX_POOL_FULL,
              "no more than the lowest, which is the first by its bytes");
    cr_expect(w->left_count == 0);
    cr_expect(add(w, sized_note(w, &keys[3], 11, 0, 200)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[0], EZ_RULE_TX_POOL_FULL) && w->left_count == 1);
    cr_expect(holds(w, &txs[1]) && holds(w, &txs[2]));
    clear_all(txs, 3);
    world_free(w);
}

Test(pool_evict, the_newest_among_equals_gives_way)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 3;
    world *const w = world_new(&limits);
    const ez_keypair a = fixture_keypair(1);
    const ez_keypair rich = give(w, 2, 100, 0);
    fixture_tx txs[] = {label_note(w, &a, 1), label_note(w, &a, 2), label_note(w, &a, 3)};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_expect(add(w, note(w, &rich, 1, 0)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[2], EZ_RULE_TX_POOL_FULL));
    cr_expect(add(w, note(w, &rich, 1, 1)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[1], EZ_RULE_TX_POOL_FULL) && holds(w, &txs[0]));
    clear_all(txs, 3);
    world_free(w);
}

Test(pool_evict, only_the_last_of_a_run_gives_way)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 3;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), note(w, &a, 20, 1), note(w, &a, 30, 2)};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_expect(add(w, note(w, &b, 29, 0)) == EZ_RULE_TX_POOL_FULL, "the cheap one is not the last");
    cr_expect(add(w, note(w, &b, 31, 0)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[2], EZ_RULE_TX_POOL_FULL) && w->left_count == 1);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 2);
    cr_expect(add(w, note(w, &b, 21, 1)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[1], EZ_RULE_TX_POOL_FULL));
    clear_all(txs, 3);
    world_free(w);
}

Test(pool_evict, an_entry_does_not_evict_what_it_stands_on)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 2;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx other = note(w, &b, 5, 0);
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_expect(add_as(w, &other, false) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 5, 1)) == EZ_RULE_TX_POOL_FULL);
    cr_expect(add(w, note(w, &a, 6, 1)) == EZ_RULE_OK, "the other pays less than this one");
    cr_expect(has_left(w, &other, EZ_RULE_TX_POOL_FULL));
    cr_expect(add(w, note(w, &a, 50, 2)) == EZ_RULE_TX_POOL_FULL, "all the pool is its own run");
    cr_expect(ez_pool_count(w->pool) == 2);
    fixture_tx_clear(&other);
    world_free(w);
}

Test(pool_evict, an_acknowledged_entry_never_gives_way)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 2;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx kept = label_note(w, &a, 1);
    fixture_tx cheap = note(w, &a, 1, 0);
    fixture_tx posted = label_note(w, &a, 2);
    cr_expect(add_as(w, &kept, true) == EZ_RULE_OK);
    cr_expect(add_as(w, &cheap, false) == EZ_RULE_OK);
    cr_expect(add_as(w, &posted, true) == EZ_RULE_OK, "it pays nothing and evicts all the same");
    cr_expect(has_left(w, &cheap, EZ_RULE_TX_POOL_FULL) && holds(w, &kept));
    cr_expect(add(w, note(w, &b, 100, 0)) == EZ_RULE_TX_POOL_FULL);
    fixture_tx more = label_note(w, &a, 3);
    cr_expect(add_as(w, &more, true) == EZ_RULE_TX_POOL_FULL, "full of such");
    fixture_tx_clear(&kept);
    fixture_tx_clear(&cheap);
    fixture_tx_clear(&posted);
    fixture_tx_clear(&more);
    world_free(w);
}

Test(pool_evict, an_entry_becomes_durable_when_a_client_posts_it_too)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 2;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), note(w, &a, 1, 1)};
    const ez_tx_id unknown = {{{1}}};
    cr_expect(add_as(w, &txs[0], false) == EZ_RULE_OK);
    cr_expect(add_as(w, &txs[1], false) == EZ_RULE_OK);
    ez_pool_set_keep(w->pool, &unknown, EZ_POOL_PROMISED);
    ez_pool_set_keep(w->pool, &txs[1].id, EZ_POOL_PROMISED);
    ez_pool_set_keep(w->pool, &txs[1].id, EZ_POOL_RETURNED);
    cr_expect_eq(ez_pool_find(w->pool, &txs[1].id)->keep, EZ_POOL_PROMISED, "never lowered");
    cr_expect_eq(ez_pool_find(w->pool, &txs[0].id)->keep, EZ_POOL_RELAYED);
    cr_expect(add(w, note(w, &b, 100, 0)) == EZ_RULE_TX_POOL_FULL,
              "what comes before it in the run is needed");
    clear_all(txs, 2);
    world_free(w);
}

/* Room for a large one is made of several small ones, or not at all. */
Test(pool_evict, several_give_way_for_bytes_or_none)
{
    ez_pool_limits limits = roomy;
    limits.bytes_max = 4 * 150;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 1000, 0);
    fixture_tx txs[] = {sized_note(w, &a, 9, 0, 150), sized_note(w, &a, 1, 1, 150),
                        sized_note(w, &a, 3, 2, 150), sized_note(w, &a, 2, 3, 150)};
    for (size_t i = 0; i < 4; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_expect(add(w, sized_note(w, &b, 6, 0, 301)) == EZ_RULE_TX_POOL_FULL,
              "two would go, the third pays more");
    cr_expect(w->left_count == 0 && ez_pool_count(w->pool) == 4);
    cr_expect(add(w, sized_note(w, &b, 7, 0, 300)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[3], EZ_RULE_TX_POOL_FULL));
    cr_expect(has_left(w, &txs[2], EZ_RULE_TX_POOL_FULL));
    cr_expect(w->left_count == 2 && ez_pool_bytes(w->pool) == 600);
    clear_all(txs, 4);
    world_free(w);
}

Test(pool_evict, more_than_the_pool_could_ever_hold_is_refused)
{
    ez_pool_limits limits = roomy;
    limits.bytes_max = 299;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    cr_expect(add(w, label_note(w, &a, 1)) == EZ_RULE_OK);
    cr_expect(add(w, sized_note(w, &a, 50, 0, 300)) == EZ_RULE_TX_POOL_FULL);
    cr_expect(ez_pool_count(w->pool) == 1);
    cr_expect(add(w, sized_note(w, &a, 50, 0, 299)) == EZ_RULE_OK);
    cr_expect(ez_pool_count(w->pool) == 1 && w->left_count == 1);
    world_free(w);
}
