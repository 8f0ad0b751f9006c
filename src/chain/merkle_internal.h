/* The tree hash one leaf at a time, for lists that do not stand in memory as one array of ids. */
#ifndef EZP2P_CHAIN_MERKLE_INTERNAL_H
#define EZP2P_CHAIN_MERKLE_INTERNAL_H

#include "ezp2p/chain/merkle.h"

/* The roots of the perfect subtrees that the leaves so far make up, largest first: one for each set
 * bit of the count, as in a binary counter. A zeroed one is the empty list. */
typedef struct ez_merkle_tree {
    ez_hash roots[EZ_MERKLE_PROOF_MAX];
    size_t root_count;
    size_t leaf_count;
} ez_merkle_tree;

/* ez_merkle_tree_add: append a leaf; at most 2^32 - 1 of them. */
void ez_merkle_tree_add(ez_merkle_tree *tree, const ez_tx_id *id);

/* ez_merkle_tree_root: the tree hash of the leaves so far; more may follow. */
void ez_merkle_tree_root(const ez_merkle_tree *tree, ez_hash *out);

#endif
