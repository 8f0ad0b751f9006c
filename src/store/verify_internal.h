/* The parts of verify. Each check returns true to go on; false when the walk is over: a problem was
 * written to the report, or the file could not be read (`failed`). */
#ifndef EZP2P_STORE_VERIFY_INTERNAL_H
#define EZP2P_STORE_VERIFY_INTERNAL_H

#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/tree.h"
#include "ezp2p/store/verify.h"
#include "store_internal.h"

/* Accounts as the replay has them, in memory: about 130 bytes each. With the tree's entries that is
 * all that grows while verifying. */
typedef struct ez_replay ez_replay;
ez_replay *ez_replay_new(ez_siphash_key key);
void ez_replay_free(ez_replay *replay);
void ez_replay_get(const ez_replay *replay, ez_account *out, const ez_public_key *key);
void ez_replay_put(ez_replay *replay, const ez_account_change *change);
/* ez_replay_match: mark the account as seen.
 *   returns  whether it is in the replay, with just this value, and was not seen before */
bool ez_replay_match(ez_replay *replay, const ez_public_key *key, const ez_account *account);
/* ez_replay_unseen: some account that no row of the table matched; NULL when there is none. */
const ez_public_key *ez_replay_unseen(const ez_replay *replay);

typedef struct ez_walk {
    ez_store *store;
    ez_db *db;
    ez_verify_report *report;
    ez_tree *tree;
    ez_ledger *ledger;
    ez_replay *replay;
    ez_verifier *verifier;
    ez_block_id previous;
    ez_hash previous_view;
    uint64_t height; /* of the block being checked */
    uint64_t tip;
    bool failed;
} ez_walk;

/* ez_walk_problem: the store is not sound, and this is why. Returns false. `ez_walk_bad_block`: and
 * it is the block at walk->height, whose id (zero: unknown) is `id`. */
bool ez_walk_problem(ez_walk *walk, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool ez_walk_bad_block(ez_walk *walk, const ez_block_id *id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ez_walk_error: what an SQLite error means: damage is a problem of the store, the rest a failure
 * to read. Returns false. */
bool ez_walk_error(ez_walk *walk, ez_sql sql, int rc);

/* ez_walk_chain: the blocks. ez_walk_tables: what lies beside them. */
bool ez_walk_chain(ez_walk *walk, void *self, void (*progress)(void *self, uint64_t, uint64_t));
bool ez_walk_tables(ez_walk *walk);

/* ez_check_signatures_parallel: ez_block_check_signatures of a whole block on all processors. */
ez_rule ez_check_signatures_parallel(const ez_block *block, const ez_network *network,
                                     ez_verifier *verifier, uint32_t *bad);

#endif
