#include "filter_internal.h"

#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>

static ez_filter filter;
static ez_rng rng;

static void setup(void)
{
    ez_rng_init(&rng, (const uint8_t[16]){7});
    ez_filter_init(&filter, (ez_siphash_key){1, 2});
    ez_filter_complete(&filter);
}

static void teardown(void)
{
    ez_filter_clear(&filter);
}

TestSuite(filter, .init = setup, .fini = teardown);

static int64_t draw(void)
{
    int64_t tail;
    ez_rng_fill(&rng, &tail, sizeof tail);
    return tail;
}

/* wrong_guesses: how many of `count` ids that were never added it may hold. */
static unsigned wrong_guesses(unsigned count)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < count; i++) {
        wrong += ez_filter_may_hold(&filter, draw());
    }
    return wrong;
}

static void fill(unsigned count)
{
    ez_rng again = rng;
    for (unsigned i = 0; i < count; i++) {
        ez_filter_add(&filter, draw());
    }
    rng = again;
    for (unsigned i = 0; i < count; i++) {
        cr_assert(ez_filter_may_hold(&filter, draw()), "id %u is lost", i);
    }
}

Test(filter, empty_one_holds_nothing)
{
    cr_expect_eq(wrong_guesses(1000), 0);
}

Test(filter, incomplete_one_may_hold_anything)
{
    ez_filter_init(&filter, (ez_siphash_key){1, 2});
    cr_expect_eq(wrong_guesses(1000), 1000);
}

Test(filter, holds_what_was_added_and_little_else)
{
    fill(8192); /* the first layer, full */
    cr_expect_lt(wrong_guesses(100000), 500);
    fill(100000); /* four more */
    cr_expect_lt(wrong_guesses(100000), 1500);
}

Test(filter, beyond_its_capacity_it_guesses_wrong_and_loses_nothing)
{
    fill(3500000);
    unsigned wrong = wrong_guesses(10000);
    cr_expect_gt(wrong, 100);
    cr_expect_lt(wrong, 6000);
}

Test(filter, key_added_again_takes_no_room)
{
    for (int i = 0; i < 100000; i++) {
        ez_filter_add(&filter, i % 100);
    }
    cr_expect_eq(filter.count, 100);
}

Test(filter, tails_that_follow_each_other_are_spread)
{
    for (int64_t tail = -4096; tail < 4096; tail++) {
        ez_filter_add(&filter, tail);
    }
    unsigned wrong = 0;
    for (int64_t tail = 4096; tail < 104096; tail++) {
        wrong += ez_filter_may_hold(&filter, tail);
    }
    cr_expect_lt(wrong, 500);
}
