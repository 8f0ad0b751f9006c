#include "ezp2p/gossip/relay.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>
#include <string.h>

#define LINKS 10

static const ez_link_id links[LINKS] = {{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}};

static ez_relay *new_relay(const ez_relay_strategy *strategy, uint8_t seed)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t[16]){seed});
    return ez_relay_new(strategy, &(ez_public_key){{seed}}, &rng);
}

static void peer_up(ez_relay *relay, size_t i)
{
    ez_relay_peer_up(relay, links[i], &(ez_public_key){{(uint8_t)(100 + i)}});
}

/* The number of the tree of the peer behind a link. */
static uint32_t tree_behind(size_t i)
{
    return 1 + 100 + (uint32_t)i;
}

#define OF_EIGHT tree_behind(7)

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
    cr_expect_geq(count, 4);
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
        ez_relay_item item = {.from = {99}};
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
    peer_up(inv, 0);
    ez_relay_peer_down(inv, links[0]);
    ez_relay_free(inv);
    ez_relay_free(NULL);
}

/* ---- the tree -------------------------------------------------------------------------------- */

static ez_relay *new_tree(uint8_t key)
{
    ez_relay *const relay = new_relay(&ez_relay_tree, key);
    for (size_t i = 0; i < LINKS; i++) {
        peer_up(relay, i);
    }
    return relay;
}

/* What link 1 gets of a transaction that came from `from` (0: a client) along `tree`. */
static ez_relay_way way_of(ez_relay *relay, uint64_t from, uint32_t tree)
{
    ez_relay_way way;
    ez_relay_spread(relay, &way, links, 1, &(ez_relay_item){.from = {from}, .tree = tree});
    return way;
}

Test(relay, tree_pushes_until_a_link_repeats_and_then_hints)
{
    ez_relay *const relay = new_tree(1);
    cr_expect_eq(way_of(relay, 2, 5), EZ_RELAY_PUSH);
    cr_expect(ez_relay_repeated(relay, links[0], 5, 5));
    cr_expect_eq(way_of(relay, 2, 5), EZ_RELAY_HINT, "who gave a repeat has others to push to it");
    cr_expect_eq(way_of(relay, 2, 6), EZ_RELAY_PUSH, "each tree by itself");
    ez_relay_pruned(relay, links[0], 6);
    cr_expect_eq(way_of(relay, 2, 6), EZ_RELAY_HINT);
    ez_relay_grafted(relay, links[0], 6);
    cr_expect_eq(way_of(relay, 2, 6), EZ_RELAY_PUSH);
    cr_expect_eq(way_of(relay, 2, 5), EZ_RELAY_HINT);
    ez_relay_free(relay);
}

Test(relay, tree_keeps_links_whose_repeat_came_along_another_tree)
{
    ez_relay *const relay = new_tree(1);
    cr_expect(!ez_relay_repeated(relay, links[0], 5, 6));
    cr_expect(!ez_relay_repeated(relay, links[0], 5, 0));
    cr_expect_eq(way_of(relay, 2, 5), EZ_RELAY_PUSH);
    ez_relay_free(relay);
}

Test(relay, tree_makes_the_first_to_push_eager_both_ways)
{
    ez_relay *const relay = new_tree(1);
    ez_relay_pruned(relay, links[0], 5);
    cr_expect_eq(way_of(relay, 2, 5), EZ_RELAY_HINT);
    ez_relay_way way;
    ez_relay_spread(relay, &way, &links[1], 1, &(ez_relay_item){.from = links[0], .tree = 5});
    cr_expect_eq(way_of(relay, 2, 5), EZ_RELAY_PUSH);
    ez_relay_free(relay);
}

/* The number that a client's transaction gets. */
static uint32_t own_tree(ez_relay *relay)
{
    ez_relay_way way;
    ez_relay_item item = {.tree = 0};
    ez_relay_spread(relay, &way, links, 1, &item);
    return item.tree;
}

Test(relay, tree_of_a_node_follows_from_its_id)
{
    ez_relay *const relay = new_tree(1), *const again = new_tree(1), *const other = new_tree(2);
    const uint32_t own = own_tree(relay);
    cr_expect(own >= 1 && own <= EZ_TREES_MAX);
    cr_expect_eq(own_tree(again), own);
    cr_expect_neq(own_tree(other), own);
    ez_relay_free(relay);
    ez_relay_free(again);
    ez_relay_free(other);
}

Test(relay, tree_numbers_have_both_ends)
{
    ez_relay *const relay = new_tree(1);
    const uint32_t ends[] = {1, 64, 65, EZ_TREES_MAX};
    for (size_t i = 0; i < 4; i++) {
        ez_relay_pruned(relay, links[0], ends[i]);
        for (size_t k = 0; k < 4; k++) {
            cr_expect_eq(way_of(relay, 2, ends[k]), k <= i ? EZ_RELAY_HINT : EZ_RELAY_PUSH);
        }
    }
    ez_relay_free(relay);
}

Test(relay, new_links_begin_lazy_for_trees_that_have_grown)
{
    ez_relay *const relay = new_relay(&ez_relay_tree, 1);
    peer_up(relay, 1);
    ez_relay_way way;
    ez_relay_spread(relay, &way, &links[1], 1, &(ez_relay_item){.from = {99}, .tree = 5});
    peer_up(relay, 0);
    cr_expect_eq(way_of(relay, 2, 5), EZ_RELAY_HINT);
    cr_expect_eq(way_of(relay, 2, 6), EZ_RELAY_PUSH);
    ez_relay_peer_down(relay, links[0]);
    peer_up(relay, 0);
    cr_expect_eq(way_of(relay, 2, 6), EZ_RELAY_HINT, "it forgot, and the tree has grown");
    ez_relay_free(relay);
}

/* What was asked for by its id is old news: it goes on as it came. */
Test(relay, tree_announces_what_was_fetched)
{
    ez_relay *const relay = new_tree(1);
    cr_expect_eq(way_of(relay, 2, 0), EZ_RELAY_ANNOUNCE);
    cr_expect_eq(way_of(relay, 0, 0), EZ_RELAY_PUSH, "a client's is new");
    ez_relay_free(relay);
}

/* What link 8 gets, and the trees, of a client's transaction at `now`, when the tree of the peer
 * behind link 8 grew at 1000, through link 3. */
static ez_relay_item enter_beside_grown(ez_relay *relay, ez_relay_way ways[LINKS], ez_time_ms now)
{
    ez_relay_grow(relay, ways, links, 0, links[2], OF_EIGHT, 1000);
    for (size_t i = 0; i < LINKS; i++) {
        if (i != 2 && i != 5) {
            ez_relay_pruned(relay, links[i], OF_EIGHT);
        }
    }
    ez_relay_item item = {.now = now};
    ez_relay_spread(relay, ways, links, LINKS, &item);
    return item;
}

Test(relay, first_transaction_borrows_a_tree_that_has_grown)
{
    ez_relay *const relay = new_tree(1);
    ez_relay_way ways[LINKS];
    const ez_relay_item first = enter_beside_grown(relay, ways, 1000 + EZ_TREE_GROWS_MS);
    cr_expect_eq(first.tree, OF_EIGHT);
    cr_expect_neq(first.grow, 0);
    for (size_t i = 0; i < LINKS; i++) {
        const bool is_in_it = i == 2 || i == 5;
        cr_expect_eq(ways[i], is_in_it ? EZ_RELAY_PUSH : EZ_RELAY_HINT, "link %zu", i);
    }
    ez_relay_item second = {.now = first.now};
    ez_relay_spread(relay, ways, links, LINKS, &second);
    cr_expect_eq(second.tree, first.grow);
    cr_expect_eq(second.grow, 0);
    cr_expect_eq(ways[9], EZ_RELAY_PUSH, "along our own");
    ez_relay_free(relay);
}

Test(relay, a_tree_that_grows_is_not_borrowed)
{
    ez_relay *const relay = new_tree(1);
    ez_relay_way ways[LINKS];
    const ez_relay_item item = enter_beside_grown(relay, ways, 999 + EZ_TREE_GROWS_MS);
    cr_expect_neq(item.tree, OF_EIGHT);
    cr_expect_eq(item.grow, 0, "the transaction does it");
    cr_expect_eq(ways[9], EZ_RELAY_PUSH);
    ez_relay_free(relay);
}

Test(relay, the_nearest_tree_is_borrowed)
{
    ez_relay *const relay = new_tree(1);
    ez_relay_way ways[LINKS];
    ez_relay_grow(relay, ways, links, 0, links[4], tree_behind(4), 1000);
    ez_relay_peer_timed(relay, links[4], 20);
    ez_relay_peer_timed(relay, links[7], 30);
    cr_expect_eq(enter_beside_grown(relay, ways, 5000).tree, tree_behind(4));
    ez_relay_free(relay);
    ez_relay *const other = new_tree(1);
    ez_relay_grow(other, ways, links, 0, links[4], tree_behind(4), 1000);
    ez_relay_peer_timed(other, links[7], 30);
    cr_expect_eq(enter_beside_grown(other, ways, 5000).tree, OF_EIGHT, "how near is not known");
    ez_relay_free(other);
}

Test(relay, growing_goes_on_once_and_keeps_the_link_that_brought_it_first)
{
    ez_relay *const relay = new_tree(1);
    ez_relay_way ways[2];
    ez_relay_grow(relay, ways, links, 2, links[4], 5, 1);
    cr_expect_eq(ways[0], EZ_RELAY_PUSH);
    cr_expect_eq(ways[1], EZ_RELAY_PUSH);
    ez_relay_grow(relay, ways, links, 2, links[0], 5, 2);
    cr_expect_neq(ways[0], EZ_RELAY_PUSH);
    cr_expect_neq(ways[1], EZ_RELAY_PUSH);
    ez_relay_spread(relay, ways, links, 2, &(ez_relay_item){.from = links[4], .tree = 5});
    cr_expect_eq(ways[0], EZ_RELAY_HINT, "it heard of the tree elsewhere");
    cr_expect_eq(ways[1], EZ_RELAY_PUSH);
    ez_relay_spread(relay, ways, &links[4], 1, &(ez_relay_item){.from = links[1], .tree = 5});
    cr_expect_eq(ways[0], EZ_RELAY_PUSH);
    ez_relay_free(relay);
}
