/* Scenarios out of seeds, and made smaller. */
#include "draw.h"
#include "shrink.h"

#include "scenario.h"

#include <criterion/criterion.h>

#include <string.h>

/* ---- drawn ----------------------------------------------------------------------------------- */

static ez_scenario drawn(uint64_t seed)
{
    ez_buffer text = {0};
    ez_scenario scenario;
    ez_scenario_error error = {{0}};
    ez_draw_scenario(&text, seed);
    cr_assert_eq(ez_scenario_parse(&scenario, &error, "drawn", (const char *)text.data, text.size),
                 EZ_OK, "seed %d: %s", (int)seed, error.text);
    ez_buffer_clear(&text);
    return scenario;
}

Test(draw, every_seed_is_a_scenario_of_its_own_and_names_itself)
{
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        ez_scenario scenario = drawn(seed);
        cr_expect_eq(scenario.seed, seed);
        cr_expect(scenario.nodes >= 3 && scenario.nodes <= 16);
        ez_scenario_clear(&scenario);
    }
}

Test(draw, the_same_seed_draws_the_same)
{
    ez_buffer one = {0}, two = {0};
    ez_draw_scenario(&one, 7);
    ez_draw_scenario(&two, 7);
    cr_assert_eq(one.size, two.size);
    cr_expect_arr_eq(one.data, two.data, one.size);
    ez_buffer_clear(&one);
    ez_buffer_clear(&two);
}

/* What always comes together hides what happens when it does not. */
Test(draw, each_kind_of_action_is_missing_from_many_scenarios_and_present_in_many)
{
    uint32_t with[EZ_ACTION_KINDS] = {0};
    for (uint64_t seed = 1; seed <= 500; seed++) {
        ez_scenario scenario = drawn(seed);
        bool has[EZ_ACTION_KINDS] = {false};
        for (size_t i = 0; i < scenario.action_count; i++) {
            has[scenario.actions[i].kind] = true;
        }
        for (size_t kind = 0; kind < EZ_ACTION_KINDS; kind++) {
            with[kind] += has[kind];
        }
        ez_scenario_clear(&scenario);
    }
    for (size_t kind = 0; kind < EZ_ACTION_KINDS; kind++) {
        cr_expect(with[kind] > 50 && with[kind] < 450, "%s: in %d of 500",
                  ez_action_word((ez_action_kind)kind), (int)with[kind]);
    }
}

/* ---- shrunk ---------------------------------------------------------------------------------- */

/* A bug that two actions and three nodes make. */
static bool needs_crash_and_block(void *self, const ez_buffer *text)
{
    ez_scenario scenario;
    ez_scenario_error error;
    bool crash = false, block = false;
    ++*(uint32_t *)self;
    if (ez_scenario_parse(&scenario, &error, "x", (const char *)text->data, text->size) != EZ_OK) {
        return false;
    }
    for (size_t i = 0; i < scenario.action_count; i++) {
        const ez_action *const action = &scenario.actions[i];
        crash |= action->kind == EZ_ACTION_CRASH && action->named[0] == 2;
        block |= action->kind == EZ_ACTION_BLOCK && crash;
    }
    const bool fails = crash && block && scenario.nodes >= 3 && scenario.block_interval_ms == 7000;
    ez_scenario_clear(&scenario);
    return fails;
}

Test(shrink, what_is_not_needed_goes)
{
    ez_buffer text = {0};
    uint32_t calls = 0;
    ez_buffer_add_text(&text, "# a comment\nseed = 5\nnodes = 11\nduration = 300\nsettle = 100\n\n"
                              "[topology]\nlinks = 6\n[links]\nlatency = uniform 5 90\n"
                              "fragment = random 70\n[mining]\ninterval = 7\nshares = 1 2 3\n"
                              "[traffic]\nrate = 2\n[timeline]\nat = 20 partition @1,4\n"
                              "at = 30 heal\nat = 100.5 crash @2,6,9\nat = 110 restart\n"
                              "at = 150 tx 7\nat = 160.25 block\nat = 250 join 2\n");
    const uint32_t tries = ez_shrink(&text, &calls, needs_crash_and_block, 1000);
    cr_expect_eq(tries, calls);
    ez_buffer_add_u8(&text, '\0');
    cr_expect_str_eq((const char *)text.data,
                     "seed = 5\nnodes = 3\nduration = 6\n\n[mining]\ninterval = 7\n\n"
                     "[timeline]\nat = 5 crash @2\nat = 5 block\n");
    ez_buffer_clear(&text);
}

Test(shrink, it_ends_when_it_has_tried_enough_and_what_it_leaves_fails)
{
    for (uint32_t tries = 0; tries < 40; tries++) {
        ez_buffer text = {0};
        uint32_t calls = 0;
        ez_buffer_add_text(&text, "nodes = 9\nduration = 90\n[mining]\ninterval = 7\n[traffic]\n"
                                  "rate = 1\n[timeline]\nat = 20 crash @2\nat = 40 block\n");
        cr_expect_leq(ez_shrink(&text, &calls, needs_crash_and_block, tries), tries);
        cr_expect_leq(calls, tries);
        cr_expect(needs_crash_and_block(&calls, &text));
        ez_buffer_clear(&text);
    }
}
