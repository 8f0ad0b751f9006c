/* The tree of headers: judging and adding them, moving them forward, and knowing the best. */
#include "ezp2p/chain/tree.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/header.h"
#include "tree_internal.h"

#include <stdlib.h>

#define LOCATOR_DENSE 10

ez_tree *ez_tree_new(const ez_network *network, ez_siphash_key key)
{
    ez_tree *const tree = ez_alloc(1, sizeof(*tree));
    tree->genesis = ez_alloc(1, sizeof(*tree->genesis));
    tree->genesis->header = network->genesis;
    ez_entry *const entry = &tree->genesis->entry;
    entry->id = network->genesis_id;
    entry->merkle_root = network->genesis.merkle_root;
    entry->height = network->genesis.index;
    entry->timestamp = network->genesis.timestamp;
    entry->proof = network->genesis.proof;
    entry->bits = network->genesis.bits;
    entry->state = EZ_ENTRY_VALID;
    entry->skip = entry;
    tree->first_bits = network->first_bits;
    tree->interval_us = network->interval_us;
    tree->side_headers_max = EZ_SIDE_HEADERS_MAX;
    tree->best_header = entry;
    tree->best_complete = entry;
    ez_tree_index_init(&tree->index, key);
    ez_tree_index_add(&tree->index, entry);
    return tree;
}

void ez_tree_free(ez_tree *tree)
{
    if (tree == NULL) {
        return;
    }
    for (size_t i = 0; i < ez_tree_index_place_count(&tree->index); i++) {
        ez_entry *entry = ez_tree_index_at(&tree->index, i);
        while (entry != NULL) {
            ez_entry *const next = entry->bucket_next;
            free(entry); /* genesis, too: its entry is where its allocation begins */
            entry = next;
        }
    }
    ez_tree_index_clear(&tree->index);
    free(tree);
}

ez_entry *ez_tree_find(const ez_tree *tree, const ez_block_id *id)
{
    return ez_tree_index_find(&tree->index, id);
}

ez_entry *ez_tree_genesis(const ez_tree *tree)
{
    return &tree->genesis->entry;
}

/* Until there is a network whose target moves, one with an interval keeps the target it has. */
uint32_t ez_tree_next_bits(const ez_tree *tree, const ez_entry *parent)
{
    const bool is_first = tree->interval_us == 0 || parent->parent == NULL;
    return is_first ? tree->first_bits : parent->bits;
}

/* The rules whose answer never changes and that need no hash of the header. */
static ez_rule check_fields(const ez_tree *tree, const ez_entry *parent, const ez_header *header)
{
    if (header->version != EZ_HEADER_VERSION) {
        return EZ_RULE_HEADER_VERSION;
    }
    if (header->index != parent->height + 1) {
        return EZ_RULE_HEADER_INDEX;
    }
    if (header->bits != ez_tree_next_bits(tree, parent)) {
        return EZ_RULE_HEADER_BITS;
    }
    return EZ_RULE_OK;
}

/* The clock comes last: what is refused for it alone may be valid later. */
static ez_rule check_rest(const ez_entry *parent, const ez_header *header, const ez_block_id *id,
                          ez_wall_us wall)
{
    if (!ez_header_has_work(id, header->bits)) {
        return EZ_RULE_HEADER_WORK;
    }
    if (parent->invalid) {
        return EZ_RULE_HEADER_PARENT_INVALID;
    }
    if (header->timestamp <= ez_entry_median_time(parent)) {
        return EZ_RULE_HEADER_TIME_PAST;
    }
    if (header->timestamp > wall && header->timestamp - wall > EZ_FUTURE_US_MAX) {
        return EZ_RULE_HEADER_TIME_FUTURE;
    }
    return EZ_RULE_OK;
}

ez_rule ez_tree_check_header(const ez_tree *tree, const ez_entry *parent, const ez_header *header,
                             const ez_block_id *id, ez_wall_us wall)
{
    EZ_ASSERT(ez_block_id_is_equal(&header->previous, &parent->id));
    const ez_rule rule = check_fields(tree, parent, header);
    return rule == EZ_RULE_OK ? check_rest(parent, header, id, wall) : rule;
}

static void join_siblings(ez_entry *entry)
{
    ez_entry *const last = entry->parent->last_child;
    entry->next_sibling = last != NULL ? last->next_sibling : entry;
    if (last != NULL) {
        last->next_sibling = entry;
    }
    entry->parent->last_child = entry;
}

/* A division of 256 bits, and mostly the one before again. */
static ez_work work_of(ez_tree *tree, uint32_t bits)
{
    if (bits != tree->work_bits) {
        tree->work_bits = bits;
        tree->work = ez_work_from_bits(bits);
    }
    return tree->work;
}

static ez_entry *add_child(ez_tree *tree, ez_entry *parent, const ez_header *header,
                           const ez_block_id *id)
{
    const ez_work own = work_of(tree, header->bits);
    ez_entry *const entry = ez_alloc(1, sizeof(*entry));
    entry->id = *id;
    entry->merkle_root = header->merkle_root;
    entry->work = ez_work_add(&parent->work, &own);
    entry->height = header->index;
    entry->timestamp = header->timestamp;
    entry->proof = header->proof;
    entry->bits = header->bits;
    entry->state = EZ_ENTRY_HEADER;
    entry->parent = parent;
    entry->skip = ez_entry_skip_for(parent);
    entry->arrival = ++tree->arrivals;
    join_siblings(entry);
    ez_tree_index_add(&tree->index, entry);
    if (parent->state == EZ_ENTRY_HEADER) {
        ez_tree_leaf_drop(tree, parent);
    }
    ez_tree_leaf_add(tree, entry);
    tree->headers_only++;
    return entry;
}

ez_rule ez_tree_add_header(ez_tree *tree, ez_entry **out, const ez_header *header, ez_wall_us wall)
{
    *out = NULL;
    ez_entry *const parent = ez_tree_find(tree, &header->previous);
    ez_rule rule = parent != NULL ? check_fields(tree, parent, header) : EZ_RULE_OK;
    if (rule != EZ_RULE_OK) {
        return rule;
    }
    ez_block_id id;
    ez_header_id(&id, header);
    ez_entry *entry = ez_tree_find(tree, &id);
    if (entry == NULL) {
        EZ_ASSERT(parent != NULL);
        rule = check_rest(parent, header, &id, wall);
        if (rule != EZ_RULE_OK) {
            return rule;
        }
        entry = add_child(tree, parent, header, &id);
        if (ez_work_compare(&entry->work, &tree->best_header->work) > 0) {
            tree->best_header = entry;
        }
        ez_tree_prune(tree, entry);
    }
    *out = entry;
    return EZ_RULE_OK;
}

void ez_tree_set_state(ez_tree *tree, ez_entry *entry, ez_entry_state state)
{
    if ((uint8_t)state <= entry->state) {
        return;
    }
    if (entry->state == EZ_ENTRY_HEADER) {
        EZ_ASSERT(entry->parent->state >= EZ_ENTRY_BODY);
        ez_tree_leaf_drop(tree, entry);
        tree->headers_only--;
        entry->completed = ++tree->completions;
        if (!entry->invalid && ez_work_compare(&entry->work, &tree->best_complete->work) > 0) {
            tree->best_complete = entry;
        }
    }
    entry->state = (uint8_t)state;
}

static bool is_better_header(const ez_entry *a, const ez_entry *b)
{
    const int order = ez_work_compare(&a->work, &b->work);
    return order > 0 || (order == 0 && a->arrival < b->arrival);
}

static bool is_better_complete(const ez_entry *a, const ez_entry *b)
{
    const int order = ez_work_compare(&a->work, &b->work);
    return order > 0 || (order == 0 && a->completed < b->completed);
}

/* Both orders are total, so that the order of the buckets does not show. */
static void find_best_again(ez_tree *tree)
{
    tree->best_header = &tree->genesis->entry;
    tree->best_complete = &tree->genesis->entry;
    for (size_t i = 0; i < ez_tree_index_place_count(&tree->index); i++) {
        for (ez_entry *at = ez_tree_index_at(&tree->index, i); at != NULL; at = at->bucket_next) {
            if (at->invalid) {
                continue;
            }
            if (is_better_header(at, tree->best_header)) {
                tree->best_header = at;
            }
            if (at->state >= EZ_ENTRY_BODY && is_better_complete(at, tree->best_complete)) {
                tree->best_complete = at;
            }
        }
    }
}

/* The entry after `at` when all that descends from `root` is visited, parents first. */
static ez_entry *next_below(const ez_entry *root, ez_entry *at)
{
    if (at->last_child != NULL) {
        return ez_entry_first_child(at);
    }
    while (at != root) {
        ez_entry *const sibling = ez_entry_next_sibling(at);
        if (sibling != NULL) {
            return sibling;
        }
        at = at->parent;
    }
    return NULL;
}

void ez_tree_set_invalid(ez_tree *tree, ez_entry *entry)
{
    EZ_ASSERT(entry->parent != NULL);
    for (ez_entry *at = entry; at != NULL; at = next_below(entry, at)) {
        at->invalid = true;
    }
    if (tree->best_header->invalid || tree->best_complete->invalid) {
        find_best_again(tree);
    }
}

ez_entry *ez_tree_best_header(const ez_tree *tree)
{
    return tree->best_header;
}

ez_entry *ez_tree_best_complete(const ez_tree *tree)
{
    return tree->best_complete;
}

size_t ez_tree_locator(const ez_tree *tree, const ez_entry *from, ez_block_id *out)
{
    const uint64_t bottom = tree->genesis->entry.height;
    const ez_entry *at = from;
    uint64_t step = 1;
    size_t count = 0;
    for (;;) {
        EZ_ASSERT(count < EZ_LOCATOR_MAX);
        out[count++] = at->id;
        if (at->height == bottom) {
            return count;
        }
        if (count >= LOCATOR_DENSE) {
            step *= 2;
        }
        at = ez_entry_ancestor(at, at->height - bottom > step ? at->height - step : bottom);
    }
}

size_t ez_tree_count(const ez_tree *tree)
{
    return tree->index.count;
}

size_t ez_tree_bytes(const ez_tree *tree)
{
    return sizeof(*tree) + sizeof(ez_header) + tree->index.count * sizeof(ez_entry) +
           ez_tree_index_place_count(&tree->index) * sizeof(ez_entry *);
}
