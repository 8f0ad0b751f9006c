/* Block bodies: the transactions of a block in order, encoded one behind the other with nothing
 * between or after, at most EZ_BLOCK_BODY_BYTES_MAX bytes. A parsed block keeps the body's bytes as
 * they came and a small index into them.
 *
 * Parsing and checking is pure work on immutable inputs: the driver runs it on worker threads.
 */
#ifndef EZP2P_CHAIN_BLOCK_H
#define EZP2P_CHAIN_BLOCK_H

#include "ezp2p/base/blob.h"
#include "ezp2p/chain/network.h"
#include "ezp2p/chain/rule.h"
#include "ezp2p/chain/tx.h"
#include "ezp2p/chain/types.h"
#include "ezp2p/crypto/verifier.h"

typedef struct ez_block_tx {
    ez_tx_id id;
    uint32_t offset; /* in the body */
    uint32_t size;
} ez_block_tx;

/* A header with a body that was found to be its own: parsed, merkle root compared. Reference
 * counted like a blob, immutable once made. */
typedef struct ez_block {
    ez_header header;
    ez_block_id id;
    ez_blob *body;
    ez_block_tx *txs;
    uint32_t tx_count;
    uint32_t fresh_count; /* of the first, known not to stand in the chain that the block is on */
    int references;       /* private: changed atomically by ref and unref */
} ez_block;

/* ez_block_parse: read `body` as the transactions of `header`: canonical form of each, size limit,
 * merkle root, no id twice, one reward of the right form at the end (the genesis block has no
 * transactions at all). Does not look at signatures, the ledger or the reward's amount.
 *   returns  EZ_RULE_OK with *out owning one reference (and one more of `body`); else the rule,
 * *out NULL. EZ_RULE_BODY_MERKLE and EZ_RULE_BODY_SIZE say that the body is not the header's; the
 * others that the block itself is bad. The merkle root is compared before rules of single
 * transactions are reported, so that a foreign body never condemns a header. Bytes that cannot be
 * cut into transactions have no ids and belong to no header: EZ_RULE_BODY_MERKLE.
 *   cost     one SHA-256 per transaction and tree node
 */
ez_rule ez_block_parse(ez_block **out, const ez_network *network, const ez_header *header,
                       ez_blob *body);

/* ez_block_check_signatures: verify transactions `first` to `first + count - 1`; rewards pass. By
 * `verifier`, or by libsodium alone when that is NULL.
 *   returns  EZ_RULE_OK, or EZ_RULE_TX_SIGNATURE with *bad (may be NULL) set to the first position
 *            whose signature does not hold */
ez_rule ez_block_check_signatures(const ez_block *block, const ez_network *network,
                                  ez_verifier *verifier, uint32_t first, uint32_t count,
                                  uint32_t *bad);

/* ez_block_tx_get: decode transaction `position`; cannot fail for a parsed block. */
void ez_block_tx_get(ez_tx *out, const ez_block *block, uint32_t position);

ez_block *ez_block_ref(ez_block *block);
void ez_block_unref(ez_block *block); /* NULL is fine */

#endif
