#include "ezp2p/gossip/seen.h"

#include <criterion/criterion.h>
#include <string.h>

static const ez_siphash_key key = {5, 6};

static ez_tx_id id_of(uint64_t number)
{
    ez_tx_id id = {{{0}}};
    memcpy(id.hash.bytes, &number, sizeof(number));
    return id;
}

static ez_seen_tx *add(ez_seen *seen, uint64_t number)
{
    const ez_tx_id id = id_of(number);
    return ez_seen_add(seen, &id, number);
}

Test(seen, what_was_added_is_found)
{
    ez_seen *const seen = ez_seen_new(key);
    cr_expect_null(ez_seen_find(seen, 7));
    cr_expect_null(ez_seen_at(seen, 0));
    ez_seen_tx *const tx = add(seen, 7);
    const ez_tx_id id = id_of(7);
    cr_expect(ez_tx_id_is_equal(&tx->id, &id));
    cr_expect_eq(tx->state, EZ_SEEN_CHECKING);
    cr_expect_eq(tx->tree, 0);
    tx->tree = 3;
    cr_expect_eq(ez_seen_find(seen, 7)->tree, 3);
    cr_expect_null(ez_seen_find(seen, 8));
    ez_seen_free(seen);
    ez_seen_free(NULL);
}

Test(seen, at_least_the_last_half_is_remembered)
{
    ez_seen *const seen = ez_seen_new(key);
    for (uint64_t i = 1; i <= 3 * EZ_SEEN_TXS_MAX; i++) {
        add(seen, i);
        cr_assert_not_null(ez_seen_find(seen, i));
        if (i > EZ_SEEN_TXS_MAX / 2) {
            cr_assert_not_null(ez_seen_find(seen, i - EZ_SEEN_TXS_MAX / 2));
        }
        if (i > EZ_SEEN_TXS_MAX) {
            cr_assert_null(ez_seen_find(seen, i - EZ_SEEN_TXS_MAX));
        }
    }
    ez_seen_free(seen);
}

Test(seen, ages_count_from_the_newest)
{
    ez_seen *const seen = ez_seen_new(key);
    const uint64_t last = EZ_SEEN_TXS_MAX / 2 + 10; /* both halves hold some */
    for (uint64_t i = 1; i <= last; i++) {
        add(seen, i);
    }
    for (uint64_t age = 0; age < last; age++) {
        cr_assert_eq(ez_seen_at(seen, age)->short_id, last - age);
    }
    cr_expect_null(ez_seen_at(seen, last));
    ez_seen_free(seen);
}

Test(seen, adding_again_takes_the_place_of_what_was)
{
    ez_seen *const seen = ez_seen_new(key);
    const ez_tx_id other = id_of(99);
    add(seen, 7)->state = EZ_SEEN_TAKEN;
    ez_seen_add(seen, &other, 7);
    cr_expect(ez_tx_id_is_equal(&ez_seen_find(seen, 7)->id, &other));
    cr_expect_eq(ez_seen_find(seen, 7)->state, EZ_SEEN_CHECKING);
    cr_expect_null(ez_seen_at(seen, 1));
    ez_seen_free(seen);
}

Test(seen, refused_is_wanted_again_after_a_while)
{
    ez_seen_tx tx = {.state = EZ_SEEN_CHECKING, .refused = 1000};
    cr_expect(!ez_seen_is_here(NULL, 0));
    cr_expect(ez_seen_is_here(&tx, 1000 + EZ_REFUSED_TX_MS));
    tx.state = EZ_SEEN_TAKEN;
    cr_expect(ez_seen_is_here(&tx, 1000 + EZ_REFUSED_TX_MS));
    tx.state = EZ_SEEN_REFUSED;
    cr_expect(ez_seen_is_here(&tx, 1000 + EZ_REFUSED_TX_MS - 1));
    cr_expect(!ez_seen_is_here(&tx, 1000 + EZ_REFUSED_TX_MS));
    tx.state = EZ_SEEN_EARLY;
    cr_expect(ez_seen_is_here(&tx, 1000 + EZ_EARLY_TX_MS - 1));
    cr_expect(!ez_seen_is_here(&tx, 1000 + EZ_EARLY_TX_MS));
}
