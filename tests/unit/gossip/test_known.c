#include "ezp2p/gossip/known.h"

#include <criterion/criterion.h>

static const ez_siphash_key key = {1, 2};

static ez_hash id_of(uint64_t number)
{
    ez_hash id = {{0}};
    memcpy(id.bytes, &number, sizeof(number));
    return id;
}

static bool add(ez_known *known, uint64_t number)
{
    const ez_hash id = id_of(number);
    return ez_known_add(known, ez_known_mark(&key, &id));
}

static bool has(const ez_known *known, uint64_t number)
{
    const ez_hash id = id_of(number);
    ez_known_fetch(known, ez_known_mark(&key, &id)); /* changes nothing */
    return ez_known_has(known, ez_known_mark(&key, &id));
}

Test(known, empty_set_holds_nothing_and_no_memory)
{
    ez_known known = {0};
    cr_expect(!has(&known, 1));
    cr_expect_null(known.slots[0]);
    ez_known_clear(&known);
    ez_known_clear(&known);
}

Test(known, id_is_new_once)
{
    ez_known known = {0};
    cr_expect(add(&known, 1));
    cr_expect(!add(&known, 1));
    cr_expect(has(&known, 1));
    cr_expect(!has(&known, 2));
    ez_known_clear(&known);
    cr_expect(!has(&known, 1));
}

Test(known, last_generation_is_always_held)
{
    ez_known known = {0};
    for (uint64_t i = 0; i < 10 * EZ_KNOWN_GENERATION; i++) {
        cr_assert(add(&known, i));
        const uint64_t oldest = i < EZ_KNOWN_GENERATION ? 0 : i - EZ_KNOWN_GENERATION + 1;
        cr_assert(has(&known, oldest), "%zu after %zu", (size_t)oldest, (size_t)i);
        cr_assert(has(&known, i));
    }
    ez_known_clear(&known);
}

Test(known, what_two_generations_ago_was_new_is_forgotten)
{
    ez_known known = {0};
    for (uint64_t i = 0; i < 2 * EZ_KNOWN_GENERATION; i++) {
        add(&known, i);
    }
    cr_expect(has(&known, 0), "both generations are full");
    cr_expect(has(&known, EZ_KNOWN_GENERATION - 1));
    add(&known, 2 * EZ_KNOWN_GENERATION);
    cr_expect(!has(&known, 0), "one more starts a third");
    cr_expect(!has(&known, EZ_KNOWN_GENERATION - 1));
    cr_expect(has(&known, EZ_KNOWN_GENERATION));
    cr_expect(add(&known, 0), "and it would be announced again");
    ez_known_clear(&known);
}

/* An id of the older generation counts as known and does not take a place in the younger. */
Test(known, known_id_does_not_move)
{
    ez_known known = {0};
    for (uint64_t i = 0; i < EZ_KNOWN_GENERATION + 1; i++) {
        add(&known, i);
    }
    const uint32_t count = known.count;
    cr_expect(!add(&known, 0));
    cr_expect_eq(known.count, count);
    ez_known_clear(&known);
}
