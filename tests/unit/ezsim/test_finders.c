#include "finders.h"

#include <criterion/criterion.h>

/* Points of the published curve that can be told without a calculator. */
Test(finders, a_third_without_friends_is_where_selfish_mining_begins_to_pay)
{
    cr_expect_leq(ez_selfish_revenue_ppm(333, 0), 333000);
    cr_expect_geq(ez_selfish_revenue_ppm(334, 0), 334000);
}

Test(finders, a_quarter_with_half_of_the_honest_is_where_it_begins_to_pay)
{
    cr_expect_eq(ez_selfish_revenue_ppm(250, 500), 250000);
    cr_expect_lt(ez_selfish_revenue_ppm(240, 500), 240000);
    cr_expect_gt(ez_selfish_revenue_ppm(260, 500), 260000);
}

Test(finders, with_all_of_the_honest_it_pays_from_nothing_on)
{
    cr_expect_eq(ez_selfish_revenue_ppm(0, 1000), 0);
    cr_expect_gt(ez_selfish_revenue_ppm(10, 1000), 10000);
}

Test(finders, a_block_is_found_once)
{
    ez_finders finders = {0};
    const ez_block_id a = {{{1}}}, b = {{{2}}};
    ez_finders_add(&finders, &a, true);
    ez_finders_add(&finders, &a, false);
    ez_finders_add(&finders, &b, false);
    cr_expect_eq(finders.count, 2);
    cr_expect_eq(finders.adversaries, 1);
    ez_finders_clear(&finders);
}

/* ---- double spends --------------------------------------------------------------------------- */

Test(finders, an_unconfirmed_payment_is_a_gamblers_ruin_from_a_tie)
{
    /* One block ahead before so many behind that it does not count: q / p. */
    cr_expect_eq(ez_double_spend_ppm(100, 0, 40), 111111);
    cr_expect_eq(ez_double_spend_ppm(300, 0, 60), 428571);
}

Test(finders, one_confirmation_by_hand)
{
    /* p (q/p)^2 + pq (q/p) + (1 - p - pq), with q = 0.3. */
    cr_expect_eq(ez_double_spend_ppm(300, 1, 60), 308571);
}

Test(finders, giving_up_at_once_wins_only_if_the_first_block_is_ours)
{
    cr_expect_eq(ez_double_spend_ppm(300, 0, 1), 300000);
}

Test(finders, more_confirmations_and_less_hash_rate_are_safer)
{
    for (uint32_t z = 0; z < 20; z++) {
        cr_expect_gt(ez_double_spend_ppm(400, z, 30), ez_double_spend_ppm(400, z + 1, 30));
        cr_expect_gt(ez_double_spend_ppm(400, z, 30), ez_double_spend_ppm(390, z, 30));
    }
    cr_expect_eq(ez_double_spend_ppm(0, 0, 12), 0);
}

Test(finders, the_error_of_a_share_is_binomial)
{
    cr_expect_eq(ez_share_error_ppm(500000, 100), 50000);
    cr_expect_eq(ez_share_error_ppm(0, 100), 0);
    cr_expect_eq(ez_share_error_ppm(500000, 0), 0);
}
