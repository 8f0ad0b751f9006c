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
