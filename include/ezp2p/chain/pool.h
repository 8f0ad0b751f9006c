/* The pool: checked transactions that wait for a block. For each signer of address entries it holds
 * an unbroken run of sequence numbers from the ledger's next one, whose total the signer can pay;
 * notes from labels stand alone. Bounded by EZ_POOL_COUNT_MAX, EZ_POOL_BYTES_MAX and, per signing
 * key, EZ_POOL_SIGNER_MAX. When full, the entry with the lowest fee per byte gives way (the newest
 * among equals, and only the last of a signer's run), but never one that was acknowledged to a
 * client or came back from a lost block (ez_pool_keep).
 *
 * Ahead-of-turn entries wait in a small orphan area with bounds of its own.
 */
#ifndef EZP2P_CHAIN_POOL_H
#define EZP2P_CHAIN_POOL_H

#include "ezp2p/base/blob.h"
#include "ezp2p/chain/ledger.h"

typedef struct ez_pool ez_pool;

/* Whether an entry gives way when the pool is full, and whether it is kept when it cannot stand for
 * a while. In rising order. */
typedef enum ez_pool_keep {
    EZ_POOL_RELAYED,  /* from a peer: gives way to what pays more */
    EZ_POOL_RETURNED, /* a lost block gave it back: never evicted, kept in the store */
    EZ_POOL_PROMISED, /* the same, and acknowledged to a client */
} ez_pool_keep;

/* A pooled transaction, borrowed from the pool until the next call that changes it. */
typedef struct ez_pool_entry {
    ez_tx_id id;
    ez_blob *bytes; /* canonical encoding */
    ez_public_key signer;
    ez_tx_kind kind;
    bool from_address; /* takes part in its signer's sequence */
    ez_pool_keep keep;
    uint64_t sequence;
    uint64_t amount;
    uint64_t fee;
    uint64_t arrival; /* counts up; order of arrival */
    ez_time_ms since; /* when it arrived */
} ez_pool_entry;

/* Called for each entry that leaves the pool, before it is freed. `rule` is EZ_RULE_OK when a block
 * took it, otherwise why it can no longer stand. Must not call the pool. */
typedef void (*ez_pool_left)(void *self, const ez_pool_entry *entry, ez_rule rule);

ez_pool *ez_pool_new(const ez_ledger *ledger, ez_siphash_key key, ez_pool_left left, void *self);
void ez_pool_free(ez_pool *pool);

/* ez_pool_add: take in a transaction whose form and signature have been checked.
 *   returns  EZ_RULE_OK with *out (may be NULL) the entry; EZ_RULE_TX_SEQUENCE_GAP when it was kept
 *            as an orphan or dropped for the orphan bounds; else the rule that keeps it out
 *   bytes    one more reference is taken
 *   keep     above EZ_POOL_RELAYED: refused with EZ_RULE_TX_POOL_FULL only when the pool is full of
 *            such or its signer's share is taken. Never kept as an orphan: its client was refused
 */
ez_rule ez_pool_add(ez_pool *pool, const ez_pool_entry **out, const ez_tx *tx, const ez_tx_id *id,
                    ez_blob *bytes, ez_pool_keep keep, ez_time_ms now);

/* ez_pool_take_orphan: the next orphan whose turn has come (its sequence is the next one now). The
 * caller offers it to ez_pool_add again (its signature was checked before).
 *   returns  false when there is none; *bytes carries a reference that is the caller's */
bool ez_pool_take_orphan(ez_pool *pool, ez_tx *tx, ez_tx_id *id, ez_blob **bytes, ez_time_ms now);

/* ez_pool_has_orphan: whether it is kept until its turn comes. */
bool ez_pool_has_orphan(const ez_pool *pool, const ez_tx_id *id);

const ez_pool_entry *ez_pool_find(const ez_pool *pool, const ez_tx_id *id);

/* ez_pool_set_keep: an entry has a better claim to stay than it came with, as when a client posts
 * what a peer gave before. Never lowers it. */
void ez_pool_set_keep(ez_pool *pool, const ez_tx_id *id, ez_pool_keep keep);

/* ez_pool_next_sequence: the sequence number the next entry of `key` must have; with *spent (may be
 * NULL) what its pooled entries will cost. */
uint64_t ez_pool_next_sequence(const ez_pool *pool, const ez_public_key *key, uint64_t *spent);

/* ez_pool_connected: a block was connected (the ledger has it already): its transactions leave, and
 * so do entries that it made impossible. `unknown` (NULL is fine) is called for each transaction of
 * the block that was not pooled; like ez_pool_left, it must not call the pool. */
typedef void (*ez_pool_unknown)(void *self, const ez_tx_id *id);
void ez_pool_connected(ez_pool *pool, const ez_block *block, ez_pool_unknown unknown);

/* ez_pool_recheck: the ledger went back (a block was disconnected): drop what no longer stands.
 * Call after the blocks of a reorganisation are all exchanged and the losers' transactions
 * re-added. Until then entries whose predecessors are missing or whose coins are gone are kept. */
void ez_pool_recheck(ez_pool *pool);

/* ez_pool_first, ez_pool_next: the entries in order of arrival. ez_pool_after: the first entry that
 * arrived later than `arrival`, found in O(log n) or by one pass. */
const ez_pool_entry *ez_pool_first(const ez_pool *pool);
const ez_pool_entry *ez_pool_next(const ez_pool *pool, const ez_pool_entry *entry);
const ez_pool_entry *ez_pool_after(const ez_pool *pool, uint64_t arrival);

/* ez_pool_walk_next: the same for who looks at every entry of a pool that does not change
 * meanwhile: memory is asked for a few entries ahead. Begin with a zeroed walk; NULL at the end. */
typedef struct ez_pool_walk {
    size_t place;
} ez_pool_walk;
const ez_pool_entry *ez_pool_walk_next(const ez_pool *pool, ez_pool_walk *walk);

/* ez_pool_select: entries for a block, best fee per byte first, order of arrival among equals, each
 * signer's in sequence, until `bytes_max` bytes are full: no entry fits any more, or the next
 * EZ_POOL_MISFITS_MAX do not. What arrived at `arrival_end` or later is left out with all that
 * builds on it; UINT64_MAX: nothing is. What it costs depends on what is looked at, not on how much
 * the pool holds.
 *   returns  how many were written to out[0..out_max) */
size_t ez_pool_select(const ez_pool *pool, const ez_pool_entry **out, size_t out_max,
                      size_t bytes_max, uint64_t arrival_end);

size_t ez_pool_count(const ez_pool *pool);
size_t ez_pool_bytes(const ez_pool *pool);
size_t ez_pool_orphan_count(const ez_pool *pool);

#endif
