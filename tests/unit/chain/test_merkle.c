#include "ezp2p/chain/merkle.h"

#include "ezp2p/crypto/sha256.h"
#include "merkle_internal.h"
#include "support_vectors.h"

#include <criterion/criterion.h>
#include <string.h>

#define LEAVES_MAX 33

typedef struct list {
    ez_tx_id ids[LEAVES_MAX];
    size_t count;
} list;

static list list_of(const vector_file *vectors, const char *key)
{
    vector_data data = vector_bytes(vectors, key);
    list leaves = {.count = data.size / EZ_HASH_BYTES};

    cr_assert_leq(leaves.count, LEAVES_MAX);
    memcpy(leaves.ids, data.bytes, leaves.count * EZ_HASH_BYTES);
    return leaves;
}

/* The longest list of the vectors, cut to `count`. */
static list leaves_of(size_t count)
{
    vector_file vectors;
    list leaves = {.count = 0};

    vector_open(&vectors, "merkle.txt");
    while (vector_next(&vectors, "root")) {
        leaves = list_of(&vectors, "leaves");
    }
    cr_assert_leq(count, leaves.count);
    leaves.count = count;
    return leaves;
}

Test(merkle, roots_match_the_vectors)
{
    vector_file vectors;

    vector_open(&vectors, "merkle.txt");
    while (vector_next(&vectors, "root")) {
        list leaves = list_of(&vectors, "leaves");
        ez_hash wanted;
        ez_hash root;
        cr_assert_eq(leaves.count, vector_number(&vectors, "count"));
        vector_copy(wanted.bytes, sizeof wanted.bytes, &vectors, "root");
        ez_merkle_root(&root, leaves.ids, leaves.count);
        cr_expect(ez_hash_is_equal(&root, &wanted), "%zu leaves", leaves.count);
    }
}

Test(merkle, a_growing_tree_has_the_root_of_each_length)
{
    list leaves = leaves_of(LEAVES_MAX);
    ez_merkle_tree tree;

    ez_merkle_tree_init(&tree);
    for (size_t count = 0; count <= leaves.count; count++) {
        ez_hash wanted;
        ez_hash root;
        ez_merkle_root(&wanted, leaves.ids, count);
        ez_merkle_tree_root(&tree, &root);
        cr_expect(ez_hash_is_equal(&root, &wanted), "%zu leaves", count);
        if (count < leaves.count) {
            ez_merkle_tree_add(&tree, &leaves.ids[count]);
        }
    }
}

/* RFC 6962, section 2.1, word for word. */
static ez_hash defined_root(const ez_tx_id *ids, size_t count)
{
    uint8_t node[1 + 2 * EZ_HASH_BYTES] = {1}, leaf[1 + EZ_HASH_BYTES] = {0};
    ez_hash hash, left, right;
    size_t split = 1;

    if (count < 2) {
        memcpy(leaf + 1, ids, count * sizeof *ids);
        ez_sha256(&hash, leaf, count == 0 ? 0 : sizeof leaf);
        return hash;
    }
    while (split * 2 < count) {
        split *= 2;
    }
    left = defined_root(ids, split);
    right = defined_root(ids + split, count - split);
    memcpy(node + 1, left.bytes, EZ_HASH_BYTES);
    memcpy(node + 1 + EZ_HASH_BYTES, right.bytes, EZ_HASH_BYTES);
    ez_sha256(&hash, node, sizeof node);
    return hash;
}

Test(merkle, roots_are_as_defined_around_whole_groups)
{
    enum { COUNT_MAX = 9 * EZ_MERKLE_GROUP };
    static ez_tx_id ids[COUNT_MAX];
    ez_merkle_tree tree;

    ez_merkle_tree_init(&tree);
    for (size_t count = 0; count < COUNT_MAX; count++) {
        size_t behind = (count + 2) % EZ_MERKLE_GROUP;
        if (behind <= 4 || count % 29 == 0) {
            ez_hash wanted = defined_root(ids, count), root;
            ez_merkle_tree_root(&tree, &root);
            cr_assert(ez_hash_is_equal(&root, &wanted), "%zu leaves", count);
        }
        ez_sha256(&ids[count].hash, &count, sizeof count);
        ez_merkle_tree_add(&tree, &ids[count]);
    }
}

Test(merkle, proofs_match_the_vectors)
{
    vector_file vectors;

    vector_open(&vectors, "merkle.txt");
    while (vector_next(&vectors, "proof")) {
        list leaves = leaves_of(vector_number(&vectors, "count"));
        list wanted = list_of(&vectors, "path");
        ez_hash path[EZ_MERKLE_PROOF_MAX];
        size_t size =
            ez_merkle_proof(path, leaves.ids, leaves.count, vector_number(&vectors, "index"));
        cr_assert_eq(size, wanted.count);
        cr_expect_eq(memcmp(path, wanted.ids, size * EZ_HASH_BYTES), 0);
    }
}

Test(merkle, every_leaf_of_every_length_proves_itself_and_no_other)
{
    list leaves = leaves_of(LEAVES_MAX);

    for (size_t count = 1; count <= leaves.count; count++) {
        ez_hash root;
        ez_merkle_root(&root, leaves.ids, count);
        for (size_t index = 0; index < count; index++) {
            ez_hash path[EZ_MERKLE_PROOF_MAX];
            size_t size = ez_merkle_proof(path, leaves.ids, count, index);
            for (size_t other = 0; other < count; other++) {
                cr_expect_eq(ez_merkle_verify(&root, &leaves.ids[index], other, count, path, size),
                             other == index, "leaf %zu as %zu of %zu", index, other, count);
            }
            cr_expect_not(
                ez_merkle_verify(&root, &leaves.ids[(index + 1) % 33], index, count, path, size));
        }
    }
}

Test(merkle, a_proof_of_another_length_or_root_is_refused)
{
    list leaves = leaves_of(7);
    ez_hash root;
    ez_hash path[EZ_MERKLE_PROOF_MAX + 1] = {{{0}}};

    ez_merkle_root(&root, leaves.ids, leaves.count);
    size_t size = ez_merkle_proof(path, leaves.ids, leaves.count, 4);
    cr_assert(ez_merkle_verify(&root, &leaves.ids[4], 4, 7, path, size));
    cr_expect_not(ez_merkle_verify(&root, &leaves.ids[4], 4, 7, path, size - 1));
    cr_expect_not(ez_merkle_verify(&root, &leaves.ids[4], 4, 7, path, size + 1));
    cr_expect_not(ez_merkle_verify(&root, &leaves.ids[4], 7, 7, path, size)); /* beyond the end */
    root.bytes[31] ^= 1;
    cr_expect_not(ez_merkle_verify(&root, &leaves.ids[4], 4, 7, path, size));
}

Test(merkle, nothing_is_in_the_empty_list)
{
    ez_hash root;
    ez_tx_id id = {{{0}}};

    ez_merkle_root(&root, NULL, 0);
    cr_expect_not(ez_merkle_verify(&root, &id, 0, 0, NULL, 0));
}

Test(merkle, an_inner_node_does_not_pass_for_a_leaf)
{
    list leaves = leaves_of(2);
    ez_hash root;
    ez_tx_id node;

    /* The root of two leaves, taken for the one leaf of a list, must have another root. */
    ez_merkle_root(&root, leaves.ids, 2);
    node.hash = root;
    ez_hash of_node;
    ez_merkle_root(&of_node, &node, 1);
    cr_expect_not(ez_hash_is_equal(&of_node, &root));
}

Test(merkle, a_repeated_last_leaf_changes_the_root)
{
    list three = leaves_of(3);
    list four = three;
    ez_hash root_three;
    ez_hash root_four;

    /* In trees that pad with the last leaf, these two lists share a root. */
    four.ids[3] = four.ids[2];
    ez_merkle_root(&root_three, three.ids, 3);
    ez_merkle_root(&root_four, four.ids, 4);
    cr_expect_not(ez_hash_is_equal(&root_three, &root_four));
}
