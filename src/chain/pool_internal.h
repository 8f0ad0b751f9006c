/* What the files of the pool share.
 *
 * A pooled transaction is a node: in the index of ids, in the list in order of arrival, in the
 * arrival array that pages are cut from, and with its signer. A signer's entries from an address
 * stand in a run in order of sequence. The part of a run that follows the ledger without a gap is
 * ready: outside of a reorganisation that is all of it. When the ledger goes back, entries may be
 * stranded above a gap until what is missing is added again, or ez_pool_recheck drops them. Notes
 * from labels, which have no order but that of arrival, stand in one list of the whole pool.
 *
 * Two heaps hold the ends of runs. In that of the heads is the first of each run that is ready:
 * what may come next in a block. In the eviction heap is what may give way: notes from labels and
 * the last of each run, if merely relayed.
 */
#ifndef EZP2P_CHAIN_POOL_INTERNAL_H
#define EZP2P_CHAIN_POOL_INTERNAL_H

#include "ezp2p/chain/pool.h"
#include "hash_internal.h"
#include "id_index_internal.h"

/* The smallest that is ever pooled: from an address to a label of one byte. */
#define EZ_POOL_TX_BYTES_MIN (1 + 1 + 3 + 32 + 2 + 96)

typedef struct ez_pool_signer ez_pool_signer;

typedef struct ez_pool_node {
    ez_pool_entry entry; /* first, and its id first in it: that is what is pointed to */
    ez_pool_signer *signer;
    struct ez_pool_node *run_prev; /* in its signer's run, or among the notes from labels */
    struct ez_pool_node *run_next;
    uint32_t evict_place; /* in the eviction heap, counted from 1; 0: not in it */
    uint32_t size;        /* of entry.bytes, kept here because every comparison asks for it */
    struct ez_pool_node *prev;
    struct ez_pool_node *next;
} ez_pool_node;

struct ez_pool_signer {
    ez_public_key key;
    ez_pool_node *run_first;
    ez_pool_node *run_last;
    ez_pool_node *ready_last; /* the run is ready up to here; NULL: nothing is */
    uint32_t ready_count;
    uint32_t entry_count; /* of the run and notes from labels together */
    uint64_t ready_cost;  /* what the ready entries take from the account */
    uint32_t head_place;  /* of the run's first in the heap of heads, from 1; 0: nothing is ready */
    bool is_listed;       /* in ez_pool_connected's list of signers to look at */
    bool is_doubtful;     /* a block touched it while the ledger was between two chains */
    ez_pool_signer *listed_next;
    UT_hash_handle hh;
};

typedef struct ez_pool_arrival {
    uint64_t number;
    ez_pool_node *node; /* NULL: it left */
} ez_pool_arrival;

typedef struct ez_pool_arrivals {
    ez_pool_arrival *slots;
    size_t count;
    size_t capacity;
    size_t holes;
} ez_pool_arrivals;

typedef struct ez_pool_list {
    ez_pool_node *first;
    ez_pool_node *last;
} ez_pool_list;

/* By fee per byte, then arrival. */
typedef enum ez_pool_order {
    EZ_POOL_WORST_FIRST, /* for eviction: the lowest fee, the newest among equals */
    EZ_POOL_BEST_FIRST,  /* for a block: the reverse */
} ez_pool_order;

/* The children of place p are at 2p and 2p + 1; nodes[0] is place 1. */
typedef struct ez_pool_heap {
    ez_pool_order order;
    ez_pool_node **nodes;
    uint32_t count;
    uint32_t capacity;
} ez_pool_heap;

typedef struct ez_pool_orphan {
    ez_tx_id id;
    ez_blob *bytes;
    ez_public_key signer;
    uint64_t sequence;
    ez_time_ms since;
    bool is_due; /* its turn may have come: to be looked at */
    struct ez_pool_orphan *prev;
    struct ez_pool_orphan *next;
} ez_pool_orphan;

typedef struct ez_pool_orphans {
    ez_pool_orphan *list; /* oldest first */
    size_t count;
    size_t bytes;
    size_t due_count;
} ez_pool_orphans;

typedef struct ez_pool_limits {
    size_t count_max;
    size_t bytes_max;
    size_t signer_max;
    size_t misfits_max;
    size_t orphan_count_max;
    size_t orphan_bytes_max;
    ez_time_ms orphan_age_ms;
} ez_pool_limits;

struct ez_pool {
    const ez_ledger *ledger;
    ez_siphash_key key;
    ez_pool_left left;
    void *self;
    ez_pool_limits limits;
    ez_id_index ids;
    ez_pool_node *nodes; /* in order of arrival */
    ez_pool_signer *signers;
    ez_pool_arrivals arrivals;
    ez_pool_list notes; /* from labels, in order of arrival */
    ez_pool_heap heads;
    ez_pool_heap evictable;
    ez_pool_orphans orphans;
    size_t bytes;
    uint64_t arrival_last;
    uint64_t rewinds_judged; /* ez_ledger_rewinds as of the last recheck */
};

/* ez_pool_new_limited: a pool with limits of its own, so that tests reach every line cheaply. */
ez_pool *ez_pool_new_limited(const ez_ledger *ledger, ez_siphash_key key, ez_pool_left left,
                             void *self, const ez_pool_limits *limits);

/* ez_pool_drop: let a node go, for `rule`. Its signer stays, perhaps empty: call
 * ez_pool_signer_release when done with it. */
void ez_pool_drop(ez_pool *pool, ez_pool_node *node, ez_rule rule);

/* ez_pool_is_rewinding: the ledger went back and ez_pool_recheck was not called yet. */
bool ez_pool_is_rewinding(const ez_pool *pool);

/* ---- pool_run.c: signers and their runs ---- */

ez_pool_signer *ez_pool_signer_find(const ez_pool *pool, const ez_public_key *key);
ez_pool_signer *ez_pool_signer_get(ez_pool *pool, const ez_public_key *key); /* made if missing */
void ez_pool_signer_release(ez_pool *pool, ez_pool_signer *signer); /* freed if it has nothing */

/* ez_pool_note_add, ez_pool_note_remove: a note from a label, in the list of those. */
void ez_pool_note_add(ez_pool *pool, ez_pool_node *node);
void ez_pool_note_remove(ez_pool *pool, ez_pool_node *node);

/* ez_pool_run_insert: put a node whose turn it is behind the ready part. */
void ez_pool_run_insert(ez_pool *pool, ez_pool_node *node);
void ez_pool_run_remove(ez_pool *pool, ez_pool_node *node);

/* ez_pool_signer_align: bring a run in line with the ledger: drop what it is past, find the ready
 * part anew, and, unless the ledger is still on its way, drop what cannot stand any more. */
void ez_pool_signer_align(ez_pool *pool, ez_pool_signer *signer);

/* ---- pool_arrivals.c: finding an entry by when it came ---- */

void ez_pool_arrivals_add(ez_pool_arrivals *arrivals, ez_pool_node *node);
void ez_pool_arrivals_remove(ez_pool_arrivals *arrivals, const ez_pool_node *node);
ez_pool_node *ez_pool_arrivals_after(const ez_pool_arrivals *arrivals, uint64_t number);
void ez_pool_arrivals_clear(ez_pool_arrivals *arrivals);

/* ---- pool_heap.c ---- */

/* ez_pool_compare_rate: the order of two fees per byte. Products stay below 2^63. */
int ez_pool_compare_rate(uint64_t fee_a, size_t size_a, uint64_t fee_b, size_t size_b);

/* Each takes O(log n). `place` is one that is taken; ez_pool_heap_replace leaves the place of who
 * was there as it is. */
void ez_pool_heap_add(ez_pool_heap *heap, ez_pool_node *node);
void ez_pool_heap_replace(ez_pool_heap *heap, uint32_t place, ez_pool_node *node);
void ez_pool_heap_remove(ez_pool_heap *heap, uint32_t place);
void ez_pool_heap_clear(ez_pool_heap *heap);

/* ---- pool_evict.c: who gives way ---- */

/* ez_pool_evictable_add, ez_pool_evictable_remove: do nothing when that is the case already; a
 * node that is kept (ez_pool_keep) is never added. */
void ez_pool_evictable_add(ez_pool *pool, ez_pool_node *node);
void ez_pool_evictable_remove(ez_pool *pool, ez_pool_node *node);

/* ez_pool_make_room: room for `tx` of `size` bytes, evicting only what pays less per byte if it is
 * merely relayed, and never from the run that it is to follow.
 *   returns  false, nothing evicted, when there is none to be had */
bool ez_pool_make_room(ez_pool *pool, const ez_tx *tx, size_t size, ez_pool_keep keep);

/* ---- pool_orphans.c ---- */

void ez_pool_orphans_keep(ez_pool *pool, const ez_tx *tx, const ez_tx_id *id, ez_blob *bytes,
                          ez_time_ms now);
/* ez_pool_orphans_note_turn: the entry of `key` with this sequence is next now. */
void ez_pool_orphans_note_turn(ez_pool *pool, const ez_public_key *key, uint64_t sequence);
void ez_pool_orphans_note_block(ez_pool *pool); /* any of them may be next now */
void ez_pool_orphans_clear(ez_pool *pool);

#endif
