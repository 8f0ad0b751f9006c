/* Entries by id: chained buckets under a keyed hash. Peers choose ids within the work they spend,
 * so that an unkeyed table could be made slow by a miner with an afternoon to spare.
 *
 * The table doubles when it has an entry for each bucket, and moves to the new buckets a few at a
 * time: all of a million entries at once would hold up the caller for a tenth of a second. */
#include "tree_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

#define BUCKETS_MIN 16

/* With each entry added. One would do to be ready when the table is full again. */
#define BUCKETS_MOVED 2

static size_t old_count(const ez_tree_index *index)
{
    return index->old != NULL ? index->bucket_count / 2 : 0;
}

static ez_entry **bucket_of(const ez_tree_index *index, const ez_block_id *id)
{
    const uint64_t hash = ez_siphash(&index->key, id->hash.bytes, EZ_HASH_BYTES);
    if (index->old != NULL) {
        const size_t before = hash & (old_count(index) - 1);
        if (before >= index->moved) {
            return &index->old[before];
        }
    }
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
    free(index->old);
    index->buckets = index->old = NULL;
    index->bucket_count = index->moved = 0;
    index->count = 0;
}

size_t ez_tree_index_place_count(const ez_tree_index *index)
{
    return index->bucket_count + old_count(index);
}

ez_entry *ez_tree_index_at(const ez_tree_index *index, size_t place)
{
    return place < index->bucket_count ? index->buckets[place]
                                       : index->old[place - index->bucket_count];
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

static void move_bucket(ez_tree_index *index)
{
    ez_entry *entry = index->old[index->moved];
    index->old[index->moved++] = NULL;
    while (entry != NULL) {
        ez_entry *const next = entry->bucket_next;
        push(index, entry);
        entry = next;
    }
}

static void grow(ez_tree_index *index)
{
    if (index->old == NULL && index->count == index->bucket_count) {
        index->old = index->buckets;
        index->moved = 0;
        index->bucket_count *= 2;
        index->buckets = ez_alloc(index->bucket_count, sizeof(ez_entry *));
    }
    for (size_t i = 0; i < BUCKETS_MOVED && index->old != NULL; i++) {
        move_bucket(index);
        if (index->moved == old_count(index)) {
            free(index->old);
            index->old = NULL;
        }
    }
}

void ez_tree_index_add(ez_tree_index *index, ez_entry *entry)
{
    grow(index);
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
