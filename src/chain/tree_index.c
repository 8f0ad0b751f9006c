/* Entries by id: chained buckets under a keyed hash. Peers choose ids within the work they spend,
 * so that an unkeyed table could be made slow by a miner with an afternoon to spare. */
#include "tree_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

#define BUCKETS_MIN 16

static ez_entry **bucket_of(const ez_tree_index *index, const ez_block_id *id)
{
    const uint64_t hash = ez_siphash(&index->key, id->hash.bytes, EZ_HASH_BYTES);
    return &index->buckets[hash & (index->bucket_count - 1)];
}

void ez_tree_index_init(ez_tree_index *index, ez_siphash_key key)
{
    index->key = key;
    index->bucket_count = BUCKETS_MIN;
    index->buckets = ez_alloc(BUCKETS_MIN, sizeof(ez_entry *));
    index->count = 0;
}

void ez_tree_index_clear(ez_tree_index *index)
{
    free(index->buckets);
    index->buckets = NULL;
    index->bucket_count = 0;
    index->count = 0;
}

ez_entry *ez_tree_index_find(const ez_tree_index *index, const ez_block_id *id)
{
    ez_entry *entry = *bucket_of(index, id);
    while (entry != NULL && !ez_block_id_is_equal(&entry->id, id)) {
        entry = entry->bucket_next;
    }
    return entry;
}

static void push(ez_tree_index *index, ez_entry *entry)
{
    ez_entry **bucket = bucket_of(index, &entry->id);
    entry->bucket_next = *bucket;
    *bucket = entry;
}

static void grow(ez_tree_index *index)
{
    ez_entry **const old = index->buckets;
    const size_t old_count = index->bucket_count;
    index->bucket_count = old_count * 2;
    index->buckets = ez_alloc(index->bucket_count, sizeof(ez_entry *));
    for (size_t i = 0; i < old_count; i++) {
        ez_entry *entry = old[i];
        while (entry != NULL) {
            ez_entry *const next = entry->bucket_next;
            push(index, entry);
            entry = next;
        }
    }
    free(old);
}

void ez_tree_index_add(ez_tree_index *index, ez_entry *entry)
{
    if (index->count == index->bucket_count) {
        grow(index);
    }
    push(index, entry);
    index->count++;
}

void ez_tree_index_remove(ez_tree_index *index, ez_entry *entry)
{
    ez_entry **link = bucket_of(index, &entry->id);
    while (*link != entry) {
        EZ_ASSERT(*link != NULL);
        link = &(*link)->bucket_next;
    }
    *link = entry->bucket_next;
    entry->bucket_next = NULL;
    index->count--;
}
