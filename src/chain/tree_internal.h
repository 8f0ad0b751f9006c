/* What the files of the tree share: the entry, the index by id, and the list that pruning reads.
 *
 * An entry is what a simulated swarm has most of, so it is kept to 192 bytes: the index is an
 * intrusive chain of one pointer (a uthash handle alone would take 56), siblings form a ring so
 * that one pointer gives first and last child, and fields that exclude each other share memory.
 */
#ifndef EZP2P_CHAIN_TREE_INTERNAL_H
#define EZP2P_CHAIN_TREE_INTERNAL_H

#include "ezp2p/chain/tree.h"

#include <assert.h>

struct ez_entry {
    ez_block_id id;
    ez_hash merkle_root;
    ez_work work; /* of the chain that ends here; genesis counts nothing */
    uint64_t height;
    uint64_t timestamp;
    uint64_t proof;
    uint32_t bits;
    uint8_t state; /* ez_entry_state */
    bool invalid;
    ez_entry *parent;
    ez_entry *skip;         /* an ancestor far below, see ez_entry_ancestor */
    ez_entry *last_child;   /* NULL: a leaf */
    ez_entry *next_sibling; /* a ring in order of arrival: the last one's next is the first */
    ez_entry *bucket_next;
    uint64_t arrival; /* counts up: who was seen first */
    union {
        struct {
            ez_entry *prev;
            ez_entry *next;
        } leaf;             /* state HEADER: links of ez_tree.leaves, NULL while it has children */
        uint64_t completed; /* else: counts up, who had its body first */
    };
};
static_assert(sizeof(struct ez_entry) <= 192, "a simulated swarm holds millions of entries");

/* While it grows, what was in old[moved..] is still there. */
typedef struct ez_tree_index {
    ez_siphash_key key;
    ez_entry **buckets;
    size_t bucket_count; /* a power of two */
    ez_entry **old;      /* half as many buckets; NULL unless it grows */
    size_t moved;
    size_t count;
} ez_tree_index;

/* Genesis links to no block, so that its header alone is kept as it is. */
typedef struct ez_genesis {
    ez_entry entry;
    ez_header header;
} ez_genesis;

struct ez_tree {
    ez_tree_index index;
    ez_genesis *genesis;
    uint32_t first_bits;
    uint64_t interval_us;
    size_t side_headers_max;
    size_t headers_only; /* entries of state HEADER */
    uint64_t arrivals;
    uint64_t completions;
    ez_entry *leaves; /* childless entries of state HEADER, oldest first */
    ez_entry *best_header;
    ez_entry *best_complete;
    uint32_t work_bits; /* whose work is the next; 0, no header's: none yet */
    ez_work work;
};

void ez_tree_index_init(ez_tree_index *index, ez_siphash_key key);
void ez_tree_index_clear(ez_tree_index *index); /* the entries are the caller's */

/* ez_tree_index_place_count, ez_tree_index_at: for going through all entries: the first of place
 * number 0, 1, ..., the others behind it by `bucket_next`; NULL: none is there. */
size_t ez_tree_index_place_count(const ez_tree_index *index);
ez_entry *ez_tree_index_at(const ez_tree_index *index, size_t place);

ez_entry *ez_tree_index_find(const ez_tree_index *index, const ez_block_id *id);
void ez_tree_index_add(ez_tree_index *index, ez_entry *entry);
void ez_tree_index_remove(ez_tree_index *index, ez_entry *entry);

/* ez_entry_skip_for: the skip pointer of a child of `parent`. */
ez_entry *ez_entry_skip_for(ez_entry *parent);

/* ez_tree_leaf_add, ez_tree_leaf_drop: put an entry at the end of the list of leaves, take it off;
 * dropping one that is not in it does nothing. */
void ez_tree_leaf_add(ez_tree *tree, ez_entry *entry);
void ez_tree_leaf_drop(ez_tree *tree, ez_entry *entry);

/* ez_tree_prune: bring the number of side headers down to side_headers_max, oldest leaves first,
 * sparing the best header, `added` and whatever they descend from. */
void ez_tree_prune(ez_tree *tree, const ez_entry *added);

/* ez_tree_side_headers: entries of state HEADER that are not on the best header's chain. */
size_t ez_tree_side_headers(const ez_tree *tree);

#endif
