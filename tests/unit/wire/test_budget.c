#include "budget_internal.h"

#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <stdint.h>

Test(budget, grants_its_last_byte_and_not_one_more)
{
    ez_budget budget = {.left = 100 + EZ_BUDGET_BLOCK_BYTES};
    cr_assert_null(ez_budget_alloc(&budget, 101));
    void *memory = ez_budget_alloc(&budget, 100);
    cr_assert_not_null(memory);
    cr_assert_null(ez_budget_alloc(&budget, 0));
    ez_budget_free(&budget, memory);
    cr_assert_eq(budget.left, 100 + EZ_BUDGET_BLOCK_BYTES);
    cr_assert_eq(budget.peak, 100 + EZ_BUDGET_BLOCK_BYTES);
    cr_assert_eq(budget.used, 0);
}

Test(budget, refuses_a_size_that_would_wrap)
{
    ez_budget budget = {.left = SIZE_MAX};
    cr_assert_null(ez_budget_alloc(&budget, SIZE_MAX));
    cr_assert_null(ez_budget_alloc(&budget, SIZE_MAX - 8));
}

Test(budget, free_of_nothing_is_fine)
{
    ez_budget budget = {0};
    ez_budget_free(&budget, NULL);
    cr_assert_eq(budget.left, 0);
}

Test(budget, is_four_times_the_frame_between_a_floor_and_a_ceiling)
{
    cr_assert_eq(ez_budget_for(0), 262144);
    cr_assert_eq(ez_budget_for(65536), 262144);
    cr_assert_eq(ez_budget_for(65537), 262148);
    cr_assert_eq(ez_budget_for(1000000), 4000000);
    cr_assert_eq(ez_budget_for(EZ_FRAME_BYTES_MAX), EZ_DECODE_BYTES_MAX);
    cr_assert_eq(ez_budget_for(SIZE_MAX), EZ_DECODE_BYTES_MAX);
}
