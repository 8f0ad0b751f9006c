/* Walking the tree: accessors, ancestors by skip pointers, forks, median time. */
#include "ezp2p/chain/header.h"
#include "tree_internal.h"

#include "ezp2p/base/assert.h"

#define MEDIAN_BLOCKS 11 /* the entry and up to ten before it */

const ez_block_id *ez_entry_id(const ez_entry *entry)
{
    return &entry->id;
}

ez_header ez_entry_header(const ez_entry *entry)
{
    if (entry->parent == NULL) {
        return ((const ez_genesis *)entry)->header;
    }
    return (ez_header){
        .version = EZ_HEADER_VERSION,
        .index = entry->height,
        .previous = entry->parent->id,
        .merkle_root = entry->merkle_root,
        .timestamp = entry->timestamp,
        .bits = entry->bits,
        .proof = entry->proof,
    };
}

uint64_t ez_entry_height(const ez_entry *entry)
{
    return entry->height;
}

uint64_t ez_entry_timestamp(const ez_entry *entry)
{
    return entry->timestamp;
}

const ez_work *ez_entry_work(const ez_entry *entry)
{
    return &entry->work;
}

ez_entry *ez_entry_parent(const ez_entry *entry)
{
    return entry->parent;
}

ez_entry_state ez_entry_state_of(const ez_entry *entry)
{
    return (ez_entry_state)entry->state;
}

bool ez_entry_is_invalid(const ez_entry *entry)
{
    return entry->invalid;
}

ez_entry *ez_entry_first_child(const ez_entry *entry)
{
    return entry->last_child != NULL ? entry->last_child->next_sibling : NULL;
}

ez_entry *ez_entry_next_sibling(const ez_entry *entry)
{
    if (entry->parent == NULL || entry->parent->last_child == entry) {
        return NULL;
    }
    return entry->next_sibling;
}

/* Myers, "An applicative random-access stack" (1983): a child skips to where its parent's skip
 * leads when that one and the next are equally long, else to its parent. Genesis skips to itself.
 * How far an entry skips depends on its height alone, which is what ez_entry_fork builds on. */
ez_entry *ez_entry_skip_for(ez_entry *parent)
{
    const ez_entry *const once = parent->skip;
    const ez_entry *const twice = once->skip;
    const bool are_equal = parent->height - once->height == once->height - twice->height;
    return are_equal ? once->skip : parent;
}

/* As strchr: the tree hands out entries for reading and changing alike, whoever asks. */
static ez_entry *as_mutable(const ez_entry *entry)
{
    return (ez_entry *)(uintptr_t)entry;
}

ez_entry *ez_entry_ancestor(const ez_entry *entry, uint64_t height)
{
    if (height > entry->height) {
        return NULL;
    }
    while (entry->height > height && entry->parent != NULL) {
        entry = entry->skip->height >= height ? entry->skip : entry->parent;
    }
    return entry->height == height ? as_mutable(entry) : NULL;
}

ez_entry *ez_entry_fork(const ez_entry *a, const ez_entry *b)
{
    const uint64_t height = a->height < b->height ? a->height : b->height;
    a = ez_entry_ancestor(a, height);
    b = ez_entry_ancestor(b, height);
    while (a != b) {
        EZ_ASSERT(a->parent != NULL && b->parent != NULL);
        const bool can_skip = a->skip != b->skip;
        a = can_skip ? a->skip : a->parent;
        b = can_skip ? b->skip : b->parent;
    }
    return as_mutable(a);
}

uint64_t ez_entry_median_time(const ez_entry *entry)
{
    uint64_t sorted[MEDIAN_BLOCKS];
    size_t count = 0;
    for (const ez_entry *at = entry; at != NULL && count < MEDIAN_BLOCKS; at = at->parent) {
        size_t place = count++;
        while (place > 0 && sorted[place - 1] > at->timestamp) {
            sorted[place] = sorted[place - 1];
            place--;
        }
        sorted[place] = at->timestamp;
    }
    return sorted[count / 2];
}
