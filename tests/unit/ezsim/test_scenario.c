#include "scenario.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static ez_scenario scenario;
static ez_scenario_error error;

static ez_status parse(const char *text)
{
    error.text[0] = '\0';
    return ez_scenario_parse(&scenario, &error, "x.sim", text, strlen(text));
}

/* Whether `text` is refused with `reason` in the message. */
static bool is_refused(const char *text, const char *reason)
{
    const ez_status status = parse(text);
    return status == EZ_ERR_MALFORMED && strstr(error.text, reason) != NULL &&
           scenario.actions == NULL;
}

Test(scenario, an_empty_file_is_ten_quiet_nodes)
{
    cr_assert_eq(parse(""), EZ_OK);
    cr_assert_eq(scenario.nodes, 10);
    cr_assert_eq(scenario.block_interval_ms, 0);
    cr_assert_eq(scenario.tx_per_1000_s, 0);
    cr_assert_eq(scenario.action_count, 0);
}

Test(scenario, seconds_are_kept_as_milliseconds)
{
    cr_assert_eq(parse("duration = 2.5\n[links]\ncommit = 0.007\n[traffic]\nrate = 0.25"), EZ_OK);
    cr_assert_eq(scenario.duration_ms, 2500);
    cr_assert_eq(scenario.commit_ms, 7);
    cr_assert_eq(scenario.tx_per_1000_s, 250);
}

Test(scenario, numbers_have_both_ends)
{
    cr_assert_eq(parse("nodes = 60000"), EZ_OK);
    cr_assert(is_refused("nodes = 60001", "x.sim:1: nodes is a number from 1 to 60000"));
    cr_assert_eq(parse("nodes = 1"), EZ_OK);
    cr_assert(is_refused("nodes = 0", "nodes is"));
    cr_assert(is_refused("nodes = -1", "nodes is"));
    cr_assert(is_refused("nodes = 2.5", "nodes is"));
    cr_assert(is_refused("nodes = 99999999999999999999", "nodes is"));
    cr_assert(is_refused("duration = 1.2345", "duration is"));
}

Test(scenario, a_bad_line_is_named)
{
    cr_assert(is_refused("nodes = 2\n\n[mining]\nshares = 0 0\n", "x.sim:4: nobody would mine"));
    cr_assert(is_refused("# fine\nwhat = 2\n", "x.sim:2: no such key here: what"));
    cr_assert(is_refused("nodes = 2\nno assignment\n", "x.sim:2:"));
    cr_assert(is_refused("[timeline]\nat = 5 explode\n", "x.sim:2: no such action"));
}

Test(scenario, the_first_of_two_bad_lines_is_named)
{
    cr_assert(is_refused("nodes = x\nwhat = 2\n", "x.sim:1: nodes"));
}

Test(scenario, actions_are_sorted_by_time)
{
    cr_assert_eq(parse("[timeline]\nat = 9 heal\nat = 3 partition 40%\nat = 3 block\n"), EZ_OK);
    cr_assert_eq(scenario.action_count, 3);
    cr_assert_eq(scenario.actions[0].kind, EZ_ACTION_PARTITION);
    cr_assert_eq(scenario.actions[0].amount, 40);
    cr_assert(scenario.actions[0].is_percent);
    cr_assert_eq(scenario.actions[1].kind, EZ_ACTION_BLOCK);
    cr_assert_eq(scenario.actions[2].at, 9000);
    ez_scenario_clear(&scenario);
}

Test(scenario, every_repeats_up_to_its_end)
{
    cr_assert_eq(parse("[timeline]\nevery = 10 30 10 crash 1\n"), EZ_OK);
    cr_assert_eq(scenario.action_count, 3);
    cr_assert_eq(scenario.actions[2].at, 30000);
    ez_scenario_clear(&scenario);
    cr_assert(is_refused("[timeline]\nevery = 30 10 1 crash 1\n", "every = FROM"));
    cr_assert(is_refused("[timeline]\nevery = 1 9 0 crash 1\n", "every = FROM"));
}

Test(scenario, ten_thousand_actions_and_not_one_more)
{
    cr_assert_eq(parse("duration = 90\n[timeline]\nevery = 0.001 10 0.001 block\n"), EZ_OK);
    cr_assert_eq(scenario.action_count, EZ_SCENARIO_ACTIONS_MAX);
    ez_scenario_clear(&scenario);
    cr_assert(is_refused("duration = 90\n[timeline]\nevery = 0 10 0.001 block\n", "more than"));
}

Test(scenario, an_action_takes_its_words_and_no_others)
{
    cr_assert(is_refused("[timeline]\nat = 1 crash\n", "how many"));
    cr_assert(is_refused("[timeline]\nat = 1 crash 0\n", "an amount is"));
    cr_assert(is_refused("[timeline]\nat = 1 crash 101%\n", "an amount is"));
    cr_assert(is_refused("[timeline]\nat = 1 heal now\n", "more words"));
    cr_assert(is_refused("[timeline]\nat = 1 tx 5%\n", "counted"));
    cr_assert(is_refused("[timeline]\nat = 1 block 5%\n", "counted"));
    cr_assert(is_refused("[timeline]\nat = 1 block 5 6\n", "more words than `block`"));
    cr_assert(is_refused("[timeline]\nat = 1 skew 1 7200.001\n", "a skew is"));
    cr_assert(is_refused("[timeline]\nat = 1 disk 1\n", "a commit takes"));
    cr_assert(is_refused("[timeline]\nat = 1 disk 1 60.001\n", "a commit takes"));
    cr_assert(is_refused("[timeline]\nat = 1 disk 1 -1\n", "a commit takes"));
    cr_assert_eq(parse("[timeline]\nat = 1 skew 1 -7200\n"), EZ_OK);
    cr_assert_eq(scenario.actions[0].skew_us, -7200000000);
    ez_scenario_clear(&scenario);
}

Test(scenario, an_action_may_name_its_nodes)
{
    cr_assert_eq(parse("[timeline]\nat = 1 crash @3,17\nat = 2 restart @3\nat = 3 restart\n"
                       "at = 4 reset @2-9\nat = 5 tx 7 @1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n"
                       "at = 6 skew @65535 -1\nat = 7 block @5\nat = 8 block 200 @5\n"
                       "at = 9 block 60\nat = 10 disk @2 1.5\n"),
                 EZ_OK);
    const ez_action *const actions = scenario.actions;
    cr_assert_eq(actions[0].named_count, 2);
    cr_assert_eq(actions[0].named[0], 3);
    cr_assert_eq(actions[0].named[1], 17);
    cr_assert_eq(actions[0].amount, 0);
    cr_assert_eq(actions[1].named_count, 1);
    cr_assert_eq(actions[2].named_count, 0);
    cr_assert_eq(actions[3].named[1], 9);
    cr_assert_eq(actions[4].amount, 7);
    cr_assert_eq(actions[4].named_count, 16);
    cr_assert_eq(actions[5].skew_us, -1000000);
    cr_assert_eq(actions[6].amount, 0);
    cr_assert_eq(actions[7].amount, 200);
    cr_assert_eq(actions[7].named[0], 5);
    cr_assert_eq(actions[8].amount, 60);
    cr_assert_eq(actions[8].named_count, 0);
    cr_assert_eq(actions[9].commit_ms, 1500);
    ez_scenario_clear(&scenario);
}

Test(scenario, a_name_is_a_number_of_a_node)
{
    static const char *const bad[] = {
        "crash @",      "crash @0",
        "crash @65536", "crash @1,",
        "crash @,1",    "crash @1,,2",
        "crash @1-2",   "crash @x",
        "reset @1",     "reset @1-",
        "reset @1-2-3", "reset @1,2",
        "restart @",    "tx @1",
        "block @1,@2",  "crash @1.5",
        "heal @1",      "join @1",
        "crash @-1",    "crash @1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[120];
        snprintf(text, sizeof(text), "[timeline]\nat = 1 %s\n", bad[i]);
        cr_expect(is_refused(text, "x.sim:2:"), "%s", bad[i]);
    }
}

Test(scenario, pieces_are_of_one_length_or_of_any_up_to_it)
{
    cr_assert_eq(parse("[links]\nfragment = 700\n"), EZ_OK);
    cr_assert_eq(scenario.fragment_bytes, 700);
    cr_assert(!scenario.fragment_random);
    cr_assert_eq(parse("[links]\nfragment = random 9\n"), EZ_OK);
    cr_assert_eq(scenario.fragment_bytes, 9);
    cr_assert(scenario.fragment_random);
    cr_assert(is_refused("[links]\nfragment = random\n", "a fragment is"));
    cr_assert(is_refused("[links]\nfragment = random 0\n", "a fragment is"));
    cr_assert(is_refused("[links]\nfragment = 7 8\n", "a fragment is"));
}

Test(scenario, an_action_at_the_end_never_happens_and_is_refused)
{
    cr_assert(is_refused("duration = 5\n[timeline]\nat = 5 block\n", "after the duration"));
    cr_assert_eq(parse("duration = 5\n[timeline]\nat = 4.999 block\n"), EZ_OK);
    ez_scenario_clear(&scenario);
}

Test(scenario, a_line_that_the_reader_would_cut_is_refused)
{
    char text[400];
    snprintf(text, sizeof(text), "nodes = 2\n# %0188d\n", 0);
    cr_assert_eq(parse(text), EZ_OK);
    snprintf(text, sizeof(text), "nodes = 2\n# %0189d\n", 0);
    cr_assert(is_refused(text, "x.sim:2: longer than 190"));
}

Test(scenario, what_is_no_text_is_refused)
{
    cr_assert_eq(ez_scenario_parse(&scenario, &error, "x.sim", "nodes = 2\0\n", 11),
                 EZ_ERR_MALFORMED);
    static char large[EZ_SCENARIO_BYTES_MAX + 1];
    memset(large, '\n', sizeof(large));
    cr_assert_eq(ez_scenario_parse(&scenario, &error, "x.sim", large, sizeof(large) - 1), EZ_OK);
    cr_assert_eq(ez_scenario_parse(&scenario, &error, "x.sim", large, sizeof(large)),
                 EZ_ERR_MALFORMED);
}

/* ---- adversaries ----------------------------------------------------------------------------- */

Test(scenario, adversaries_are_as_many_as_their_kinds_unless_told)
{
    cr_assert_eq(parse("[adversary]\nkind = selfish majority"), EZ_OK);
    cr_assert_eq(scenario.adversary.count, 2);
    cr_assert_eq(scenario.adversary.kinds[1], EZ_ATTACK_MAJORITY);
    cr_assert_eq(parse("[adversary]\nkind = selfish\ncount = 7\nshare = 0.25"), EZ_OK);
    cr_assert_eq(scenario.adversary.count, 7);
    cr_assert_eq(scenario.adversary.share_milli, 250);
    cr_assert(is_refused("[adversary]\nkind = selfish\nshare = 1.001", "x.sim:3: share is"));
    cr_assert(is_refused("[adversary]\nkind = honest", "no such kind"));
    cr_assert(is_refused("[adversary]\ncount = 2", "of no kind"));
}

Test(scenario, a_sweep_goes_through_every_pair_of_values)
{
    size_t at[EZ_SWEEP_AXES_MAX];
    cr_assert_eq(parse("[adversary]\nkind = selfish\n[sweep]\nreach = 0 1\nshare = 0.1 0.2 0.3"),
                 EZ_OK);
    cr_assert_eq(ez_scenario_sweep_points(&scenario), 6);
    ez_scenario_sweep_set(&scenario, at, 4);
    cr_assert_eq(at[0], 1);
    cr_assert_eq(at[1], 1);
    cr_assert_eq(scenario.adversary.reach_milli, 1000);
    cr_assert_eq(scenario.adversary.share_milli, 200);
    cr_assert(is_refused("[sweep]\nnodes = 1 2", "no such key"));
    cr_assert(is_refused("[sweep]\nshare = 0.1 2", "x.sim:2: share is"));
    cr_assert(is_refused("[sweep]\nshare = 0.1\nlinks = 1\nreach = 1", "at most 2 keys"));
}
