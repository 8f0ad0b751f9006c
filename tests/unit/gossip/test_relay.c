#include "ezp2p/gossip/relay.h"

#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>
#include <string.h>

#define LINKS 10

static const ez_link_id links[LINKS] = {{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}};

static ez_relay *new_relay(const ez_relay_strategy *strategy, uint8_t seed)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t[16]){seed});
    return ez_relay_new(strategy, &rng);
}

/* How many of the first `count` links get one more transaction pushed. */
static size_t pushes(ez_relay *relay, size_t count)
{
    ez_relay_way ways[LINKS];
    size_t pushed = 0;
    ez_relay_spread(relay, ways, links, count, &(ez_relay_item){.from = {99}});
    for (size_t i = 0; i < count; i++) {
        pushed += ways[i] == EZ_RELAY_PUSH;
    }
    return pushed;
}

Test(relay, each_name_finds_its_strategy)
{
    size_t count = 0;
    for (; ez_relay_at(count) != NULL; count++) {
        const ez_relay_strategy *const strategy = ez_relay_at(count);
        cr_expect_eq(ez_relay_find(strategy->name, strlen(strategy->name)), strategy);
        cr_expect_gt(strlen(strategy->summary), 0);
    }
    cr_expect_geq(count, 3);
    cr_expect_null(ez_relay_find("floo", 4));
    cr_expect_null(ez_relay_find("flooded", 7));
    cr_expect_null(ez_relay_find("", 0));
    cr_expect_not_null(ez_relay_default());
}

Test(relay, flood_pushes_to_all_and_inv_to_none)
{
    ez_relay *const flood = new_relay(&ez_relay_flood, 1);
    ez_relay *const inv = new_relay(&ez_relay_inv, 1);
    cr_expect_eq(pushes(flood, 1), 1);
    cr_expect_eq(pushes(flood, LINKS), LINKS);
    cr_expect_eq(pushes(inv, LINKS), 0);
    ez_relay_free(flood);
    ez_relay_free(inv);
}

Test(relay, fanout_pushes_to_three_at_most_whom_its_seed_chooses)
{
    ez_relay *const one = new_relay(&ez_relay_fanout, 1);
    ez_relay *const same = new_relay(&ez_relay_fanout, 1);
    ez_relay *const other = new_relay(&ez_relay_fanout, 2);
    bool differs = false;
    cr_expect_eq(pushes(one, 1), 1);
    cr_expect_eq(pushes(same, 1), 1);
    cr_expect_eq(pushes(other, 1), 1);
    for (int round = 0; round < 50; round++) {
        ez_relay_way ways[3][LINKS];
        const ez_relay_item item = {.from = {99}};
        ez_relay_spread(one, ways[0], links, LINKS, &item);
        ez_relay_spread(same, ways[1], links, LINKS, &item);
        ez_relay_spread(other, ways[2], links, LINKS, &item);
        cr_expect_arr_eq(ways[0], ways[1], sizeof(ways[0]));
        differs |= memcmp(ways[0], ways[2], sizeof(ways[0])) != 0;
        const size_t pushed = pushes(one, LINKS);
        cr_expect(pushed >= 1 && pushed <= 3);
        cr_expect_eq(pushes(same, LINKS), pushed);
        cr_expect_eq(pushes(other, LINKS) <= 3, true);
    }
    cr_expect(differs);
    ez_relay_free(one);
    ez_relay_free(same);
    ez_relay_free(other);
}

Test(relay, a_strategy_without_state_needs_no_more_than_spread)
{
    ez_relay *const inv = new_relay(&ez_relay_inv, 1);
    ez_relay_peer_up(inv, links[0]);
    ez_relay_peer_down(inv, links[0]);
    ez_relay_free(inv);
    ez_relay_free(NULL);
}
