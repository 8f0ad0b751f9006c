#include "ezp2p/chain/merkle.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/crypto/sha256.h"
#include "merkle_internal.h"

#include <string.h>

/* The prefixes keep leaves and inner nodes apart, so that no list can pass for another one. */
static const uint8_t leaf_prefix = 0x00;
static const uint8_t node_prefix = 0x01;

static void hash_leaf(ez_hash *out, const ez_tx_id *id)
{
    uint8_t bytes[1 + EZ_HASH_BYTES];

    bytes[0] = leaf_prefix;
    memcpy(bytes + 1, id->hash.bytes, EZ_HASH_BYTES);
    ez_sha256(out, bytes, sizeof bytes);
}

/* `out` may be one of the children. */
static void hash_node(ez_hash *out, const ez_hash *left, const ez_hash *right)
{
    uint8_t bytes[1 + 2 * EZ_HASH_BYTES];

    bytes[0] = node_prefix;
    memcpy(bytes + 1, left->bytes, EZ_HASH_BYTES);
    memcpy(bytes + 1 + EZ_HASH_BYTES, right->bytes, EZ_HASH_BYTES);
    ez_sha256(out, bytes, sizeof bytes);
}

/* Replace `count` ids, at least one, by the hash of the tree that they are the leaves of, at `ids`.
 * A node without a right sibling moves up as it is. */
static void hash_tree(ez_hash *ids, size_t count)
{
    ez_sha256_many(ids, leaf_prefix, ids, EZ_HASH_BYTES, count);
    while (count > 1) {
        ez_sha256_many(ids, node_prefix, ids, 2 * EZ_HASH_BYTES, count / 2);
        if (count % 2 != 0) {
            ids[count / 2] = ids[count - 1];
        }
        count = (count + 1) / 2;
    }
}

void ez_merkle_tree_init(ez_merkle_tree *tree)
{
    tree->leaf_count = 0;
    tree->root_count = 0;
}

void ez_merkle_tree_add(ez_merkle_tree *tree, const ez_tx_id *id)
{
    EZ_ASSERT(tree->leaf_count < UINT32_MAX);
    tree->group[tree->leaf_count++ % EZ_MERKLE_GROUP] = id->hash;
    if (tree->leaf_count % EZ_MERKLE_GROUP != 0) {
        return;
    }
    hash_tree(tree->group, EZ_MERKLE_GROUP);
    tree->roots[tree->root_count++] = tree->group[0];
    /* Each trailing one bit of the count before is a perfect tree of the size just made: join. */
    for (size_t count = tree->leaf_count / EZ_MERKLE_GROUP - 1; count & 1; count >>= 1) {
        ez_hash *left = &tree->roots[tree->root_count - 2];
        hash_node(left, left, left + 1);
        tree->root_count--;
    }
}

void ez_merkle_tree_root(const ez_merkle_tree *tree, ez_hash *out)
{
    ez_hash group[EZ_MERKLE_GROUP];
    size_t at = tree->root_count, rest = tree->leaf_count % EZ_MERKLE_GROUP;

    if (rest > 0) {
        memcpy(group, tree->group, rest * sizeof *group);
        hash_tree(group, rest);
        *out = group[0];
    } else if (at > 0) {
        *out = tree->roots[--at];
    } else {
        ez_sha256(out, "", 0);
    }
    while (at > 0) {
        hash_node(out, &tree->roots[--at], out);
    }
}

void ez_merkle_root(ez_hash *out, const ez_tx_id *ids, size_t count)
{
    ez_merkle_tree tree;

    ez_merkle_tree_init(&tree);
    for (size_t i = 0; i < count; i++) {
        ez_merkle_tree_add(&tree, &ids[i]);
    }
    ez_merkle_tree_root(&tree, out);
}

/* The largest power of two below `count`, which is at least 2. */
static size_t left_count(size_t count)
{
    size_t power = 1;

    while (power * 2 < count) {
        power *= 2;
    }
    return power;
}

size_t ez_merkle_proof(ez_hash out[EZ_MERKLE_PROOF_MAX], const ez_tx_id *ids, size_t count,
                       size_t index)
{
    size_t depth = 0;

    EZ_ASSERT(index < count && count <= UINT32_MAX);
    /* From the root down to the leaf, the other subtree at each step; then turned around. */
    while (count > 1) {
        size_t left = left_count(count);
        EZ_ASSERT(depth < EZ_MERKLE_PROOF_MAX);
        if (index < left) {
            ez_merkle_root(&out[depth++], ids + left, count - left);
            count = left;
        } else {
            ez_merkle_root(&out[depth++], ids, left);
            ids += left;
            count -= left;
            index -= left;
        }
    }
    for (size_t i = 0; i < depth / 2; i++) {
        ez_hash other = out[i];
        out[i] = out[depth - 1 - i];
        out[depth - 1 - i] = other;
    }
    return depth;
}

/* RFC 9162, section 2.1.3.2. `index` and `last` are the leaf and the rightmost leaf as seen at the
 * level reached: where they meet, nodes without a right sibling moved up unhashed. */
bool ez_merkle_verify(const ez_hash *root, const ez_tx_id *id, size_t index, size_t count,
                      const ez_hash *path, size_t path_count)
{
    ez_hash hash;

    if (index >= count) {
        return false;
    }
    hash_leaf(&hash, id);
    size_t last = count - 1;
    for (size_t i = 0; i < path_count; i++) {
        if (last == 0) {
            return false;
        }
        if ((index & 1) != 0 || index == last) {
            hash_node(&hash, &path[i], &hash);
            while ((index & 1) == 0 && index != 0) {
                index >>= 1;
                last >>= 1;
            }
        } else {
            hash_node(&hash, &hash, &path[i]);
        }
        index >>= 1;
        last >>= 1;
    }
    return last == 0 && ez_hash_is_equal(&hash, root);
}
