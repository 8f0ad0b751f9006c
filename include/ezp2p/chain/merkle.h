/* Merkle tree hash and inclusion proofs of RFC 6962, section 2.1: leaves are SHA-256(0x00 || leaf),
 * inner nodes SHA-256(0x01 || left || right), the left subtree is the largest power of two smaller
 * than the count, and the empty list hashes to SHA-256(""). The leaves are transaction ids. */
#ifndef EZP2P_CHAIN_MERKLE_H
#define EZP2P_CHAIN_MERKLE_H

#include "ezp2p/chain/types.h"

#define EZ_MERKLE_PROOF_MAX 32

/* ez_merkle_root: the tree hash of `count` transaction ids in order. */
void ez_merkle_root(ez_hash *out, const ez_tx_id *ids, size_t count);

/* ez_merkle_proof: the audit path of leaf `index` (RFC 6962, 2.1.1), bottom up.
 *   returns  the number of hashes written, at most EZ_MERKLE_PROOF_MAX */
size_t ez_merkle_proof(ez_hash out[EZ_MERKLE_PROOF_MAX], const ez_tx_id *ids, size_t count,
                       size_t index);

/* ez_merkle_verify: whether `path` proves that `id` is leaf `index` of `count` under `root`. */
bool ez_merkle_verify(const ez_hash *root, const ez_tx_id *id, size_t index, size_t count,
                      const ez_hash *path, size_t path_count);

#endif
