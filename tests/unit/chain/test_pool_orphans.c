#include "ezp2p/chain/pool.h"

#include "support_pool.h"

static bool take(world *w, fixture_tx *out)
{
    return ez_pool_take_orphan(w->pool, &out->tx, &out->id, &out->bytes, w->now);
}

Test(pool_orphans, an_orphan_comes_up_when_its_turn_has_come)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx late = note(w, &a, 1, 1);
    fixture_tx got;
    cr_expect(add_as(w, &late, false) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(add_as(w, &late, false) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 1, "kept once");
    cr_expect_not(take(w, &got));
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_assert(take(w, &got));
    cr_expect(ez_tx_id_is_equal(&got.id, &late.id) && got.bytes == late.bytes);
    cr_expect(got.tx.sequence == 1 && ez_public_key_is_equal(&got.tx.signer, &a.public_key));
    cr_expect(ez_pool_orphan_count(w->pool) == 0);
    cr_expect(add_as(w, &got, false) == EZ_RULE_OK);
    cr_expect_not(take(w, &got));
    fixture_tx_clear(&late);
    fixture_tx_clear(&got);
    world_free(w);
}

Test(pool_orphans, a_block_can_bring_an_orphans_turn_or_pass_it)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx orphans[] = {note(w, &a, 1, 1), note(w, &a, 2, 2), note(w, &a, 1, 4)};
    fixture_tx mined[] = {note(w, &a, 9, 0), note(w, &a, 9, 1)};
    fixture_tx got;
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &orphans[i], false) == EZ_RULE_TX_SEQUENCE_GAP);
    }
    connect_and_tell(w, mined, 2);
    cr_assert(take(w, &got));
    cr_expect(ez_tx_id_is_equal(&got.id, &orphans[1].id));
    fixture_tx_clear(&got);
    cr_expect_not(take(w, &got));
    cr_expect(ez_pool_orphan_count(w->pool) == 1, "the one that was passed is dropped");
    clear_all(orphans, 3);
    clear_all(mined, 2);
    world_free(w);
}

Test(pool_orphans, a_refused_client_is_not_kept_as_an_orphan)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx late = note(w, &a, 1, 1);
    cr_expect(add_as(w, &late, true) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 0);
    fixture_tx_clear(&late);
    world_free(w);
}

Test(pool_orphans, orphans_are_bounded_by_count_and_the_oldest_goes)
{
    world *const w = world_new(NULL);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx got;
    for (uint64_t i = 0; i < EZ_ORPHAN_COUNT_MAX; i++) {
        cr_expect(add(w, note(w, &a, 1, 1 + i)) == EZ_RULE_TX_SEQUENCE_GAP);
    }
    cr_expect(ez_pool_orphan_count(w->pool) == EZ_ORPHAN_COUNT_MAX);
    cr_expect(add(w, note(w, &a, 1, 500)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == EZ_ORPHAN_COUNT_MAX);
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_expect_not(take(w, &got), "the first to come had sequence 1");
    world_free(w);
}

Test(pool_orphans, orphans_are_bounded_by_bytes)
{
    ez_pool_limits limits = roomy;
    limits.orphan_bytes_max = 450;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    cr_expect(add(w, sized_note(w, &a, 1, 1, 250)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(add(w, sized_note(w, &a, 1, 2, 200)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 2, "exactly full");
    cr_expect(add(w, sized_note(w, &a, 1, 3, 251)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 1, "one byte over takes both");
    world_free(w);
}

Test(pool_orphans, an_orphan_area_of_nothing_keeps_nothing)
{
    ez_pool_limits limits = roomy;
    limits.orphan_bytes_max = 199;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    cr_expect(add(w, note(w, &a, 1, 1)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 0);
    world_free(w);
}

Test(pool_orphans, orphans_expire)
{
    world *const w = world_new(NULL);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx got;
    w->now = 10;
    cr_expect(add(w, note(w, &a, 1, 1)) == EZ_RULE_TX_SEQUENCE_GAP);
    w->now = 11;
    cr_expect(add(w, note(w, &a, 1, 2)) == EZ_RULE_TX_SEQUENCE_GAP);
    w->now = 10 + EZ_ORPHAN_AGE_MS;
    cr_expect_not(take(w, &got));
    cr_expect(ez_pool_orphan_count(w->pool) == 2, "as old as they may be");
    w->now++;
    cr_expect_not(take(w, &got));
    cr_expect(ez_pool_orphan_count(w->pool) == 1);
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_expect_not(take(w, &got), "too old when its turn came");
    world_free(w);
}
