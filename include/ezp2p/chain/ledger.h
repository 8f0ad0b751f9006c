/* The ledger: balances and sequences after the tip, as durable accounts read through a source plus
 * what was changed since and is not yet durable. All arithmetic is integer and overflow-checked.
 *
 * Connecting a block yields both sides of every account it touched. The `before` side is the undo
 * record: disconnecting puts it back. Each change is tagged with the number of the store write that
 * carries it; of what has become durable, ez_ledger_settle keeps the EZ_LEDGER_ACCOUNTS_KEPT
 * accounts that changed last, so that those who send and receive all the time cost no reads.
 */
#ifndef EZP2P_CHAIN_LEDGER_H
#define EZP2P_CHAIN_LEDGER_H

#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/block.h"
#include "ezp2p/chain/network.h"
#include "ezp2p/chain/rule.h"

/* Where durable state is read. Calls must return what was true after the writes settled so far. */
typedef struct ez_chain_source {
    void *self;
    /* The durable account of `key`; zeroes when there is none. */
    void (*get_account)(void *self, ez_account *out, const ez_public_key *key);
    /* Whether the durable active chain holds this transaction. */
    bool (*has_tx)(void *self, const ez_tx_id *id);
} ez_chain_source;

/* A durable chain that holds nothing, and no account. */
extern const ez_chain_source ez_chain_nothing;

typedef struct ez_ledger ez_ledger;

/* The accounts that a block changed, one row each, in the order of first touch. */
typedef struct ez_ledger_diff {
    ez_account_change *before;
    ez_account_change *after;
    uint32_t count;
} ez_ledger_diff;

void ez_ledger_diff_clear(ez_ledger_diff *diff);

ez_ledger *ez_ledger_new(const ez_chain_source *source, ez_siphash_key key);
void ez_ledger_free(ez_ledger *ledger);

/* ez_ledger_get: an account as of the tip. */
void ez_ledger_get(const ez_ledger *ledger, ez_account *out, const ez_public_key *key);

/* ez_ledger_has_tx: whether the active chain holds this transaction. */
bool ez_ledger_has_tx(const ez_ledger *ledger, const ez_tx_id *id);

/* ez_ledger_connect: apply a block on top of the tip.
 *   returns  EZ_RULE_OK with *out filled; else the rule broken, *bad (may be NULL) the position of
 *            the offending transaction, the ledger and *out unchanged
 *   write    number of the store write that will carry the change; must not decrease */
ez_rule ez_ledger_connect(ez_ledger *ledger, ez_ledger_diff *out, uint32_t *bad,
                          const ez_network *network, const ez_block *block, uint64_t write);

/* ez_ledger_disconnect: take the tip block off again: put `before[0..count)` back and forget its
 * transactions. */
void ez_ledger_disconnect(ez_ledger *ledger, const ez_block *block, const ez_account_change *before,
                          uint32_t count, uint64_t write);

/* ez_ledger_settle: all writes up to `write` are durable; drop what they carried, but for the
 * accounts that are kept. */
void ez_ledger_settle(ez_ledger *ledger, uint64_t write);

/* ez_ledger_check_tx: whether `tx` could be applied to the tip right now, given that
 * `sequence_used` entries of its signer and `spent` of its coins are taken by pooled entries before
 * it. */
ez_rule ez_ledger_check_tx(const ez_ledger *ledger, const ez_tx *tx, const ez_tx_id *id,
                           uint64_t sequence_used, uint64_t spent);

/* ez_ledger_pending: unsettled accounts held, for metrics. */
size_t ez_ledger_pending(const ez_ledger *ledger);

/* ez_undo_encode, ez_undo_decode: the durable form of an undo record: count u32, then per account
 * key 32, balance u64, sequence u64. Decoding yields EZ_ERR_CORRUPT on anything else; *out is owned
 * by the caller (free). */
void ez_undo_encode(ez_buffer *out, const ez_account_change *before, uint32_t count);
EZ_MUST_USE ez_status ez_undo_decode(ez_account_change **out, uint32_t *count, const void *data,
                                     size_t size);

#endif
