#include "ezp2p/chain/tree.h"

#include "chain_fixture.h"
#include "tree_internal.h"

#include <criterion/criterion.h>
#include <signal.h>

static const ez_siphash_key table_key = {1, 2};
static const ez_wall_us far_future = UINT64_MAX;

static ez_entry *add(ez_tree *tree, const ez_network *network, const ez_entry *parent,
                     uint64_t salt)
{
    const ez_header above = ez_entry_header(parent);
    const ez_header header = fixture_header(network, &above, salt);
    ez_entry *entry;
    cr_assert(ez_tree_add_header(tree, &entry, &header, far_future) == EZ_RULE_OK);
    cr_assert_not_null(entry);
    return entry;
}

static ez_entry *add_chain(ez_tree *tree, const ez_network *network, ez_entry *parent,
                           size_t length, uint64_t salt)
{
    for (size_t i = 0; i < length; i++) {
        parent = add(tree, network, parent, salt);
    }
    return parent;
}

/* A header after `parent` with one thing changed and the work done again. */
static ez_rule judge_with_work(ez_tree *tree, ez_header *header, ez_wall_us wall)
{
    ez_block_id id;
    ez_entry *entry;
    fixture_find_proof(header, &id);
    const ez_entry *const parent = ez_tree_find(tree, &header->previous);
    const size_t count = ez_tree_count(tree);
    const ez_rule checked = ez_tree_check_header(tree, parent, header, &id, wall);
    cr_expect(ez_tree_count(tree) == count, "checking must add nothing");
    const ez_rule added = ez_tree_add_header(tree, &entry, header, wall);
    cr_expect(checked == added, "check says %d, add says %d", checked, added);
    cr_expect((entry != NULL) == (added == EZ_RULE_OK));
    cr_expect(ez_tree_count(tree) == count + (added == EZ_RULE_OK));
    return added;
}

Test(tree, starts_with_a_valid_genesis)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_entry *const genesis = ez_tree_genesis(tree);
    const ez_header header = ez_entry_header(genesis);
    cr_expect(ez_tree_find(tree, &network.genesis_id) == genesis);
    cr_expect(memcmp(&header, &network.genesis, sizeof(header)) == 0);
    cr_expect(ez_entry_state_of(genesis) == EZ_ENTRY_VALID);
    cr_expect(ez_entry_height(genesis) == 1);
    cr_expect_null(ez_entry_parent(genesis));
    cr_expect_null(ez_entry_next_sibling(genesis));
    cr_expect_null(ez_entry_first_child(genesis));
    cr_expect(ez_tree_best_header(tree) == genesis && ez_tree_best_complete(tree) == genesis);
    cr_expect(ez_tree_count(tree) == 1);
    ez_tree_free(tree);
}

Test(tree, gives_headers_back_as_they_came)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    const ez_header header = fixture_header(&network, &network.genesis, 77);
    ez_entry *entry;
    ez_entry *again;
    ez_block_id id;
    ez_block_id kept_id;
    ez_header_id(&id, &header);
    cr_assert(ez_tree_add_header(tree, &entry, &header, far_future) == EZ_RULE_OK);
    const ez_header kept = ez_entry_header(entry);
    ez_header_id(&kept_id, &kept);
    cr_expect(ez_block_id_is_equal(&id, &kept_id));
    cr_expect(ez_block_id_is_equal(&id, ez_entry_id(entry)));
    cr_expect(ez_tree_find(tree, &id) == entry);
    cr_expect(ez_tree_add_header(tree, &again, &header, 0) == EZ_RULE_OK,
              "a known header is not judged again, whatever the clock says now");
    cr_expect(again == entry && ez_tree_count(tree) == 2);
    cr_expect(ez_tree_add_header(tree, &again, &network.genesis, 0) == EZ_RULE_OK);
    cr_expect(again == ez_tree_genesis(tree));
    ez_tree_free(tree);
}

Test(tree, a_header_without_a_parent_is_our_bug, .signal = SIGABRT)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    const ez_header unknown = fixture_header(&network, &network.genesis, 1);
    const ez_header header = fixture_header(&network, &unknown, 2);
    ez_entry *entry;
    (void)ez_tree_add_header(tree, &entry, &header, far_future);
}

Test(tree, only_version_one_is_known)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_header header = fixture_header(&network, &network.genesis, 0);
    header.version = 0;
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_HEADER_VERSION);
    header.version = 2;
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_HEADER_VERSION);
    header.version = 1;
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_OK);
    ez_tree_free(tree);
}

Test(tree, an_index_is_its_parents_plus_one)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    const uint64_t wrong[] = {0, 1, 3, UINT64_MAX};
    ez_header header = fixture_header(&network, &network.genesis, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        header.index = wrong[i];
        cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_HEADER_INDEX);
    }
    header.index = 2;
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_OK);
    ez_tree_free(tree);
}

Test(tree, bits_are_those_the_network_asks_for)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    const uint32_t wrong[] = {0x2000ffff, 0x207ffffe}; /* harder, and a little harder */
    ez_header header = fixture_header(&network, &network.genesis, 0);
    cr_expect(ez_tree_next_bits(tree, ez_tree_genesis(tree)) == FIXTURE_BITS);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        header.bits = wrong[i];
        cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_HEADER_BITS);
    }
    ez_tree_free(tree);
}

Test(tree, a_network_with_an_interval_keeps_its_parents_bits)
{
    ez_network network = fixture_network();
    network.interval_us = 10000000;
    network.genesis.bits = 0x1f00ffff; /* says nothing: the first target is first_bits */
    ez_header_id(&network.genesis_id, &network.genesis);
    ez_tree *const tree = ez_tree_new(&network, table_key);
    cr_expect(ez_tree_next_bits(tree, ez_tree_genesis(tree)) == FIXTURE_BITS);
    const ez_entry *const entry = add(tree, &network, ez_tree_genesis(tree), 0);
    cr_expect(ez_tree_next_bits(tree, entry) == FIXTURE_BITS);
    ez_tree_free(tree);
}

Test(tree, an_id_above_the_target_is_no_work)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_header header = fixture_header(&network, &network.genesis, 0);
    ez_block_id id;
    ez_entry *entry;
    ez_header_id(&id, &header);
    while (ez_header_has_work(&id, header.bits)) {
        header.proof++;
        ez_header_id(&id, &header);
    }
    cr_expect(ez_tree_add_header(tree, &entry, &header, far_future) == EZ_RULE_HEADER_WORK);
    cr_expect_null(entry);
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_OK);
    ez_tree_free(tree);
}

Test(tree, time_moves_past_the_median_of_eleven)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    const ez_entry *const tip = add_chain(tree, &network, ez_tree_genesis(tree), 20, 0);
    const ez_header above = ez_entry_header(tip);
    const uint64_t median = above.timestamp - 5 * FIXTURE_BLOCK_US;
    ez_header header = fixture_header(&network, &above, 0);
    cr_expect(ez_entry_median_time(tip) == median);
    header.timestamp = median;
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_HEADER_TIME_PAST);
    header.timestamp = 0;
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_HEADER_TIME_PAST);
    header.timestamp = median + 1;
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_OK);
    ez_tree_free(tree);
}

/* The upper one of the two in the middle when their number is even; sorted, however a miner's clock
 * jumped. */
Test(tree, median_near_genesis_takes_what_there_is)
{
    const ez_network network = fixture_network();
    const uint64_t base = FIXTURE_GENESIS_TIME;
    const uint64_t times[] = {90, 95, 91, 1000, 92, 93};
    const uint64_t medians[] = {90, 90, 91, 91, 92, 92};
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_entry *at = ez_tree_genesis(tree);
    cr_expect(ez_entry_median_time(at) == base);
    for (size_t i = 0; i < 6; i++) {
        const ez_header above = ez_entry_header(at);
        ez_header header = fixture_header(&network, &above, 0);
        header.timestamp = ez_entry_median_time(at);
        cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_HEADER_TIME_PAST);
        header.timestamp = base + times[i];
        cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_OK);
        at = ez_entry_first_child(at);
        cr_expect(ez_entry_median_time(at) == base + medians[i], "block %zu", i);
    }
    ez_tree_free(tree);
}

Test(tree, two_hours_ahead_of_the_clock_is_the_most)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_header header = fixture_header(&network, &network.genesis, 0);
    const ez_wall_us wall = header.timestamp - EZ_FUTURE_US_MAX;
    cr_expect(judge_with_work(tree, &header, wall - 1) == EZ_RULE_HEADER_TIME_FUTURE);
    cr_expect(ez_rule_verdict(EZ_RULE_HEADER_TIME_FUTURE) == EZ_IGNORE, "it may be right later");
    cr_expect(judge_with_work(tree, &header, wall) == EZ_RULE_OK);
    header.timestamp = UINT64_MAX;
    cr_expect(judge_with_work(tree, &header, wall) == EZ_RULE_HEADER_TIME_FUTURE);
    cr_expect(judge_with_work(tree, &header, 0) == EZ_RULE_HEADER_TIME_FUTURE);
    ez_tree_free(tree);
}

Test(tree, nothing_is_added_below_an_invalid_entry)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_entry *const bad = add(tree, &network, ez_tree_genesis(tree), 1);
    const ez_header above = ez_entry_header(bad);
    ez_tree_set_invalid(tree, bad);
    ez_header header = fixture_header(&network, &above, 0);
    cr_expect(judge_with_work(tree, &header, far_future) == EZ_RULE_HEADER_PARENT_INVALID);
    ez_entry *known;
    cr_expect(ez_tree_add_header(tree, &known, &above, far_future) == EZ_RULE_OK);
    cr_expect(known == bad && ez_entry_is_invalid(known));
    ez_tree_free(tree);
}

Test(tree, children_come_in_order_of_arrival)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_entry *added[10];
    for (size_t i = 0; i < 10; i++) {
        added[i] = add(tree, &network, ez_tree_genesis(tree), i);
    }
    const ez_entry *at = ez_entry_first_child(ez_tree_genesis(tree));
    for (size_t i = 0; i < 10; i++) {
        cr_assert(at == added[i]);
        at = ez_entry_next_sibling(at);
    }
    cr_expect_null(at);
    ez_tree_free(tree);
}

Test(tree, first_seen_stays_best_at_equal_work)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_entry *const genesis = ez_tree_genesis(tree);
    ez_entry *const first = add(tree, &network, genesis, 1);
    ez_entry *const second = add(tree, &network, genesis, 2);
    cr_expect(ez_tree_best_header(tree) == first);
    cr_expect(ez_tree_best_complete(tree) == genesis);
    ez_tree_set_state(tree, second, EZ_ENTRY_BODY);
    ez_tree_set_state(tree, first, EZ_ENTRY_BODY);
    cr_expect(ez_tree_best_complete(tree) == second, "first to be complete, not first seen");
    ez_entry *const longer = add(tree, &network, second, 3);
    cr_expect(ez_tree_best_header(tree) == longer);
    cr_expect(ez_tree_best_complete(tree) == second);
    ez_tree_set_state(tree, longer, EZ_ENTRY_VALID);
    cr_expect(ez_tree_best_complete(tree) == longer);
    ez_tree_set_state(tree, longer, EZ_ENTRY_BODY);
    cr_expect(ez_entry_state_of(longer) == EZ_ENTRY_VALID, "states do not move back");
    ez_tree_free(tree);
}

Test(tree, a_body_above_a_gap_is_our_bug, .signal = SIGABRT)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_tree_set_state(tree, add_chain(tree, &network, ez_tree_genesis(tree), 2, 0), EZ_ENTRY_BODY);
}

Test(tree, condemning_an_entry_condemns_what_stands_on_it)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_entry *const genesis = ez_tree_genesis(tree);
    ez_entry *const bad = add(tree, &network, genesis, 1);
    ez_entry *const left = add_chain(tree, &network, bad, 5, 2);
    ez_entry *const right = add_chain(tree, &network, bad, 7, 3);
    ez_entry *const good = add_chain(tree, &network, genesis, 3, 4);
    ez_entry *const later = add_chain(tree, &network, genesis, 3, 5);
    cr_assert(ez_tree_best_header(tree) == right);
    ez_tree_set_invalid(tree, bad);
    for (const ez_entry *at = left; at != genesis; at = ez_entry_parent(at)) {
        cr_expect(ez_entry_is_invalid(at));
    }
    for (const ez_entry *at = right; at != genesis; at = ez_entry_parent(at)) {
        cr_expect(ez_entry_is_invalid(at));
    }
    for (const ez_entry *at = good; at != NULL; at = ez_entry_parent(at)) {
        cr_expect_not(ez_entry_is_invalid(at));
    }
    cr_expect(ez_tree_best_header(tree) == good && good != later);
    cr_expect(ez_tree_best_complete(tree) == genesis);
    ez_tree_free(tree);
}

Test(tree, genesis_cannot_be_condemned, .signal = SIGABRT)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_tree_set_invalid(tree, ez_tree_genesis(tree));
}

/* ---- random trees against the naive way ------------------------------------------------------ */

#define RANDOM_ENTRIES 600

static ez_entry *naive_ancestor(ez_entry *entry, uint64_t height)
{
    while (entry != NULL && ez_entry_height(entry) > height) {
        entry = ez_entry_parent(entry);
    }
    return entry != NULL && ez_entry_height(entry) == height ? entry : NULL;
}

static ez_entry *naive_fork(ez_entry *a, ez_entry *b)
{
    for (ez_entry *at = a; at != NULL; at = ez_entry_parent(at)) {
        if (naive_ancestor(b, ez_entry_height(at)) == at) {
            return at;
        }
    }
    return NULL;
}

/* Mostly long branches, so that skips are taken, with forks everywhere. */
static size_t grow_randomly(ez_tree *tree, const ez_network *network, ez_entry **entries,
                            ez_rng *rng)
{
    size_t count = 0;
    entries[count++] = ez_tree_genesis(tree);
    while (count < RANDOM_ENTRIES) {
        const bool is_fork = ez_rng_below(rng, 20) == 0;
        ez_entry *const parent = entries[is_fork ? ez_rng_below(rng, count) : count - 1];
        entries[count] = add(tree, network, parent, count);
        count++;
    }
    return count;
}

Test(tree, ancestors_and_forks_are_those_of_a_walk)
{
    const ez_network network = fixture_network();
    for (uint64_t seed = 0; seed < 3; seed++) {
        ez_tree *const tree = ez_tree_new(&network, table_key);
        ez_entry *entries[RANDOM_ENTRIES];
        ez_rng rng = fixture_rng(seed);
        const size_t count = grow_randomly(tree, &network, entries, &rng);
        for (size_t i = 0; i < 2000; i++) {
            ez_entry *const a = entries[ez_rng_below(&rng, count)];
            ez_entry *const b = entries[ez_rng_below(&rng, count)];
            const uint64_t height = ez_rng_below(&rng, ez_entry_height(a) + 3);
            cr_assert(ez_entry_ancestor(a, height) == naive_ancestor(a, height));
            cr_assert(ez_entry_fork(a, b) == naive_fork(a, b));
        }
        ez_tree_free(tree);
    }
}

/* Steps, not time: an ancestor of a long chain is found in a few dozen. */
Test(tree, skips_reach_the_bottom_in_logarithmic_steps)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_entry *const tip = add_chain(tree, &network, ez_tree_genesis(tree), 5000, 0);
    for (uint64_t target = 1; target <= 5001; target += 13) {
        const ez_entry *at = tip;
        size_t steps = 0;
        while (at->height > target) {
            at = at->skip->height >= target ? at->skip : at->parent;
            steps++;
        }
        cr_assert(steps <= 40, "%zu steps down to %lu", steps, (unsigned long)target);
    }
    ez_tree_free(tree);
}

typedef struct naive_best {
    ez_entry *header;
    ez_entry *complete;
} naive_best;

/* `seen` and `complete` list entries in order of arrival and of completion. */
static naive_best find_naive_best(ez_entry **seen, size_t seen_count, ez_entry **complete,
                                  size_t complete_count)
{
    naive_best best = {seen[0], seen[0]};
    for (size_t i = 0; i < seen_count; i++) {
        if (!seen[i]->invalid && ez_work_compare(&seen[i]->work, &best.header->work) > 0) {
            best.header = seen[i];
        }
    }
    for (size_t i = 0; i < complete_count; i++) {
        if (!complete[i]->invalid &&
            ez_work_compare(&complete[i]->work, &best.complete->work) > 0) {
            best.complete = complete[i];
        }
    }
    return best;
}

/* Some entry whose body may come next, searched from a random place; NULL when there is none. */
static ez_entry *pick_completable(ez_entry **seen, size_t count, ez_rng *rng)
{
    const size_t start = ez_rng_below(rng, count);
    for (size_t i = 0; i < count; i++) {
        ez_entry *const entry = seen[(start + i) % count];
        if (entry->state == EZ_ENTRY_HEADER && entry->parent->state >= EZ_ENTRY_BODY) {
            return entry;
        }
    }
    return NULL;
}

Test(tree, bests_are_those_of_a_scan_after_every_step)
{
    const ez_network network = fixture_network();
    for (uint64_t seed = 10; seed < 16; seed++) {
        ez_tree *const tree = ez_tree_new(&network, table_key);
        ez_entry *seen[300] = {ez_tree_genesis(tree)};
        ez_entry *complete[300];
        size_t seen_count = 1;
        size_t complete_count = 0;
        ez_rng rng = fixture_rng(seed);
        while (seen_count < 300) {
            ez_entry *const picked = seen[ez_rng_below(&rng, seen_count)];
            const uint64_t dice = ez_rng_below(&rng, 100);
            if (dice < 50 && !picked->invalid) {
                const ez_entry *const tip = ez_tree_best_header(tree);
                seen[seen_count] = add(tree, &network, dice < 25 ? tip : picked, 1000 + seen_count);
                seen_count++;
            } else if (dice < 90) {
                ez_entry *const next = pick_completable(seen, seen_count, &rng);
                if (next != NULL) {
                    complete[complete_count++] = next;
                    ez_tree_set_state(tree, next, EZ_ENTRY_BODY);
                }
            } else if (dice >= 99 && picked->parent != NULL && picked->height > 3) {
                ez_tree_set_invalid(tree, picked);
            }
            const naive_best best = find_naive_best(seen, seen_count, complete, complete_count);
            cr_assert(ez_tree_best_header(tree) == best.header);
            cr_assert(ez_tree_best_complete(tree) == best.complete);
        }
        cr_expect(complete_count > 50, "the walk must try something");
        ez_tree_free(tree);
    }
}

Test(tree, locator_thins_out_down_to_genesis)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_block_id ids[EZ_LOCATOR_MAX];
    ez_entry *const genesis = ez_tree_genesis(tree);
    cr_expect(ez_tree_locator(tree, genesis, ids) == 1);
    cr_expect(ez_block_id_is_equal(&ids[0], &network.genesis_id));
    ez_entry *const tip = add_chain(tree, &network, genesis, 999, 0);
    const uint64_t heights[] = {1000, 999, 998, 997, 996, 995, 994, 993, 992, 991,
                                989,  985, 977, 961, 929, 865, 737, 481, 1};
    const size_t count = ez_tree_locator(tree, tip, ids);
    cr_assert(count == sizeof(heights) / sizeof(heights[0]), "%zu ids", count);
    for (size_t i = 0; i < count; i++) {
        cr_expect(ez_entry_height(ez_tree_find(tree, &ids[i])) == heights[i], "id %zu", i);
    }
    ez_tree_free(tree);
}

/* Every short chain: the last is genesis, none comes twice. */
Test(tree, locator_of_any_height_ends_at_genesis)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_block_id ids[EZ_LOCATOR_MAX];
    ez_entry *at = ez_tree_genesis(tree);
    for (size_t i = 0; i < 100; i++) {
        const size_t count = ez_tree_locator(tree, at, ids);
        cr_assert(count <= 10 + 8);
        cr_assert(ez_block_id_is_equal(&ids[0], ez_entry_id(at)));
        cr_assert(ez_block_id_is_equal(&ids[count - 1], &network.genesis_id));
        for (size_t k = 1; k < count; k++) {
            cr_assert(ez_entry_height(ez_tree_find(tree, &ids[k])) <
                      ez_entry_height(ez_tree_find(tree, &ids[k - 1])));
        }
        at = add(tree, &network, at, i);
    }
    ez_tree_free(tree);
}

/* ---- pruning --------------------------------------------------------------------------------- */

static ez_tree *small_tree(const ez_network *network, size_t side_headers_max)
{
    ez_tree *const tree = ez_tree_new(network, table_key);
    tree->side_headers_max = side_headers_max;
    return tree;
}

static bool is_held(const ez_tree *tree, const ez_block_id *id)
{
    return ez_tree_find(tree, id) != NULL;
}

Test(tree, side_headers_over_the_bound_go_oldest_first)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = small_tree(&network, 4);
    ez_entry *const genesis = ez_tree_genesis(tree);
    ez_block_id side[6];
    ez_entry *const best = add_chain(tree, &network, genesis, 30, 100);
    for (size_t i = 0; i < 4; i++) {
        side[i] = *ez_entry_id(add(tree, &network, genesis, i));
    }
    cr_expect(ez_tree_count(tree) == 1 + 30 + 4, "at the bound all are held");
    side[4] = *ez_entry_id(add(tree, &network, genesis, 4));
    cr_expect_not(is_held(tree, &side[0]), "one over it the oldest goes");
    side[5] = *ez_entry_id(add(tree, &network, genesis, 5));
    cr_expect_not(is_held(tree, &side[1]));
    for (size_t i = 2; i < 6; i++) {
        cr_expect(is_held(tree, &side[i]), "side header %zu", i);
    }
    cr_expect(ez_tree_best_header(tree) == best && ez_tree_count(tree) == 1 + 30 + 4);
    ez_tree_free(tree);
}

Test(tree, the_real_bound_is_the_documented_one)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = ez_tree_new(&network, table_key);
    ez_entry *const genesis = ez_tree_genesis(tree);
    add_chain(tree, &network, genesis, 2, 0);
    for (uint64_t i = 0; i < EZ_SIDE_HEADERS_MAX; i++) {
        (void)add(tree, &network, genesis, 1000 + i);
    }
    cr_expect(ez_tree_side_headers(tree) == EZ_SIDE_HEADERS_MAX);
    cr_expect(ez_tree_count(tree) == 3 + EZ_SIDE_HEADERS_MAX);
    (void)add(tree, &network, genesis, 1);
    cr_expect(ez_tree_count(tree) == 3 + EZ_SIDE_HEADERS_MAX);
    cr_expect(ez_tree_bytes(tree) < (3 + EZ_SIDE_HEADERS_MAX) * 240u);
    ez_tree_free(tree);
}

Test(tree, a_dead_branch_goes_from_its_end)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = small_tree(&network, 5);
    ez_entry *const genesis = ez_tree_genesis(tree);
    add_chain(tree, &network, genesis, 30, 100);
    ez_entry *const root = add(tree, &network, genesis, 1);
    const ez_block_id root_id = *ez_entry_id(root);
    const ez_block_id end_id = *ez_entry_id(add_chain(tree, &network, root, 3, 2));
    const ez_block_id other_id = *ez_entry_id(add(tree, &network, genesis, 3));
    (void)add(tree, &network, genesis, 4);
    cr_expect_not(is_held(tree, &end_id));
    cr_expect(is_held(tree, &root_id));
    for (uint64_t i = 5; i < 8; i++) {
        (void)add(tree, &network, genesis, i);
    }
    cr_expect_not(is_held(tree, &root_id));
    cr_expect(is_held(tree, &other_id), "the next branch is touched only when the first is gone");
    ez_tree_free(tree);
}

Test(tree, a_branch_being_built_is_spared_however_long)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = small_tree(&network, 4);
    ez_entry *const genesis = ez_tree_genesis(tree);
    add_chain(tree, &network, genesis, 30, 100);
    const ez_block_id old_id = *ez_entry_id(add(tree, &network, genesis, 1));
    ez_entry *const tip = add_chain(tree, &network, genesis, 31, 2);
    cr_expect_not(is_held(tree, &old_id));
    cr_expect(ez_tree_best_header(tree) == tip, "a longer chain arrives from its far end");
    cr_expect(ez_entry_ancestor(tip, 1) == genesis && ez_entry_height(tip) == 32);
    ez_tree_free(tree);
}

Test(tree, entries_with_bodies_are_never_pruned)
{
    const ez_network network = fixture_network();
    ez_tree *const tree = small_tree(&network, 2);
    ez_entry *const genesis = ez_tree_genesis(tree);
    ez_block_id kept[3];
    add_chain(tree, &network, genesis, 30, 100);
    for (size_t i = 0; i < 3; i++) {
        ez_entry *const side = add(tree, &network, genesis, i);
        kept[i] = *ez_entry_id(side);
        ez_tree_set_state(tree, side, EZ_ENTRY_BODY);
    }
    for (uint64_t i = 10; i < 20; i++) {
        (void)add(tree, &network, ez_tree_find(tree, &kept[1]), i);
    }
    for (size_t i = 0; i < 3; i++) {
        cr_expect(is_held(tree, &kept[i]));
    }
    cr_expect(ez_tree_count(tree) == 1 + 30 + 3 + 2);
    ez_tree_free(tree);
}

static size_t count_by_walk(const ez_tree *tree, size_t *side)
{
    size_t count = 0;
    const ez_entry *at = ez_tree_genesis(tree);
    *side = 0;
    while (at != NULL) {
        count++;
        const bool is_best = ez_entry_ancestor(ez_tree_best_header(tree), at->height) == at;
        *side += at->state == EZ_ENTRY_HEADER && !is_best;
        if (at->last_child != NULL) {
            at = ez_entry_first_child(at);
            continue;
        }
        while (at != NULL && ez_entry_next_sibling(at) == NULL) {
            at = ez_entry_parent(at);
        }
        at = at != NULL ? ez_entry_next_sibling(at) : NULL;
    }
    return count;
}

/* Whatever order of adding, completing and condemning: the count of side headers is that of a walk,
 * the walk finds what the index holds, and over the bound is only the branch just added to. */
Test(tree, pruning_keeps_the_books_on_random_trees)
{
    const ez_network network = fixture_network();
    for (uint64_t seed = 30; seed < 34; seed++) {
        ez_tree *const tree = small_tree(&network, 20);
        ez_rng rng = fixture_rng(seed);
        ez_block_id known[1500] = {network.genesis_id};
        size_t known_count = 1;
        while (known_count < 1500) {
            const bool is_recent = ez_rng_below(&rng, 4) != 0 && known_count > 10;
            const uint64_t pick = ez_rng_below(&rng, is_recent ? 10 : known_count);
            ez_entry *entry = ez_tree_find(tree, &known[is_recent ? known_count - 1 - pick : pick]);
            if (entry == NULL || entry->invalid) {
                entry = ez_tree_best_header(tree);
            }
            const uint64_t dice = ez_rng_below(&rng, 100);
            if (dice < 2 && entry->state == EZ_ENTRY_HEADER && entry->height > 5) {
                ez_tree_set_invalid(tree, entry);
            } else if (dice < 20 && entry->state == EZ_ENTRY_HEADER &&
                       entry->parent->state >= EZ_ENTRY_BODY) {
                ez_tree_set_state(tree, entry, EZ_ENTRY_BODY);
            } else {
                const ez_entry *const added = add(tree, &network, entry, known_count);
                known[known_count++] = *ez_entry_id(added);
                size_t side;
                cr_assert(count_by_walk(tree, &side) == ez_tree_count(tree));
                cr_assert(side == ez_tree_side_headers(tree));
                size_t branch = 0;
                for (const ez_entry *at = added; at->state == EZ_ENTRY_HEADER; at = at->parent) {
                    branch++;
                }
                cr_assert(side <= 20 || side <= branch);
                cr_assert(ez_tree_find(tree, &known[known_count - 1]) == added);
            }
        }
        ez_tree_free(tree);
    }
}
