/* The tree hash one leaf at a time, for lists that do not stand in memory as one array of ids. */
#ifndef EZP2P_CHAIN_MERKLE_INTERNAL_H
#define EZP2P_CHAIN_MERKLE_INTERNAL_H

#include "ezp2p/chain/merkle.h"

/* Leaves are hashed in groups, since that is several times as fast as one after the other. */
#define EZ_MERKLE_GROUP 128

/* The roots of the perfect subtrees that the leaves so far make up, largest first, down to those of
 * one group: one for each set bit of the number of groups, as in a binary counter. */
typedef struct ez_merkle_tree {
    size_t leaf_count;
    size_t root_count;
    ez_hash roots[EZ_MERKLE_PROOF_MAX];
    ez_hash group[EZ_MERKLE_GROUP]; /* the last leaf_count % EZ_MERKLE_GROUP leaves, as ids */
} ez_merkle_tree;

/* ez_merkle_tree_init: the empty list. */
void ez_merkle_tree_init(ez_merkle_tree *tree);

/* ez_merkle_tree_add: append a leaf; at most 2^32 - 1 of them. */
void ez_merkle_tree_add(ez_merkle_tree *tree, const ez_tx_id *id);

/* ez_merkle_tree_root: the tree hash of the leaves so far; more may follow. */
void ez_merkle_tree_root(const ez_merkle_tree *tree, ez_hash *out);

#endif
