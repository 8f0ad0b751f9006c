#include "ezp2p/chain/block.h"

#include "block_internal.h"
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/header.h"
#include "merkle_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(EZ_BLOCK_BODY_BYTES_MAX <= UINT32_MAX, "offsets in a body are 32 bits wide");

/* Cutting: a body is cut into transactions by layout alone. Only when the ids of the pieces have
 * been found to be what the header commits to may a rule that a piece breaks be held against the
 * block; before that, whoever sent the body may have made it up. Bytes that cannot be cut have no
 * ids and so can belong to no header: that is BODY_MERKLE. */

static bool count_txs(uint32_t *count, const ez_blob *body)
{
    ez_reader reader;
    ez_tx_layout layout;

    *count = 0;
    ez_reader_init(&reader, ez_blob_data(body), ez_blob_size(body));
    while (!ez_reader_is_done(&reader)) {
        if (ez_tx_scan(&layout, &reader) != EZ_RULE_OK) {
            return false;
        }
        (*count)++;
    }
    return true;
}

/* The index of a body that count_txs has walked to its end. */
static void cut_txs(ez_block *block, const ez_network *network)
{
    const uint8_t *data = ez_blob_data(block->body);
    ez_reader reader;
    ez_tx_layout layout;

    ez_reader_init(&reader, data, ez_blob_size(block->body));
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ez_block_tx *tx = &block->txs[i];
        tx->offset = (uint32_t)reader.at;
        EZ_ASSERT(ez_tx_scan(&layout, &reader) == EZ_RULE_OK);
        tx->size = (uint32_t)reader.at - tx->offset;
        ez_tx_id_of(&tx->id, &network->genesis_id, data + tx->offset, tx->size);
    }
}

static bool has_merkle_root(const ez_block *block)
{
    ez_merkle_tree tree;
    ez_hash root;

    ez_merkle_tree_init(&tree);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ez_merkle_tree_add(&tree, &block->txs[i].id);
    }
    ez_merkle_tree_root(&tree, &root);
    return ez_hash_is_equal(&root, &block->header.merkle_root);
}

/* Rules of the block, judged on a body that is its own. */

static ez_rule decode_tx(ez_tx *out, const ez_block *block, uint32_t position)
{
    const ez_block_tx *tx = &block->txs[position];
    ez_reader reader;

    ez_reader_init(&reader, ez_blob_data(block->body) + tx->offset, tx->size);
    return ez_tx_decode(out, &reader);
}

static ez_rule check_forms(const ez_block *block, uint32_t first, uint32_t *bad)
{
    ez_tx tx;

    for (uint32_t i = first; i < block->tx_count; i++) {
        if (decode_tx(&tx, block, i) != EZ_RULE_OK) {
            *bad = i;
            return EZ_RULE_BODY_TX;
        }
    }
    return EZ_RULE_OK;
}

/* A transaction in the order of ids; the id's first bytes stand beside it, since nearly all
 * comparisons end there. */
typedef struct sorted_tx {
    uint64_t start;
    const ez_block_tx *tx;
} sorted_tx;

static int compare_by_id(const void *a, const void *b)
{
    const sorted_tx *left = a;
    const sorted_tx *right = b;

    if (left->start != right->start) {
        return left->start < right->start ? -1 : 1;
    }
    int order = memcmp(left->tx->id.hash.bytes, right->tx->id.hash.bytes, EZ_HASH_BYTES);
    if (order != 0) {
        return order;
    }
    return left->tx->offset < right->tx->offset ? -1 : left->tx->offset > right->tx->offset;
}

/* Sorted, equal ids are neighbours: n log n steps for whatever list a miner thinks of. */
static ez_rule check_repeats(const ez_block *block, uint32_t *bad)
{
    sorted_tx *sorted = ez_alloc(block->tx_count + 1u, sizeof *sorted);
    uint32_t first = UINT32_MAX;

    for (uint32_t i = 0; i < block->tx_count; i++) {
        sorted[i].tx = &block->txs[i];
        memcpy(&sorted[i].start, block->txs[i].id.hash.bytes, sizeof sorted[i].start);
    }
    qsort(sorted, block->tx_count, sizeof *sorted, compare_by_id);
    for (uint32_t i = 1; i < block->tx_count; i++) {
        uint32_t position = (uint32_t)(sorted[i].tx - block->txs);
        if (ez_tx_id_is_equal(&sorted[i - 1].tx->id, &sorted[i].tx->id) && position < first) {
            first = position;
        }
    }
    free(sorted);
    if (first == UINT32_MAX) {
        return EZ_RULE_OK;
    }
    *bad = first;
    return EZ_RULE_BODY_REPEAT;
}

/* What a reward must look like, but for its amount, hangs on header and body alone. */
static bool reward_has_form(const ez_tx *reward, const ez_header *header)
{
    return reward->recipient.kind == EZ_PARTY_ADDRESS && reward->fee == 0 &&
           reward->memo_size == 0 && reward->sequence == header->index;
}

static ez_rule check_reward(const ez_block *block, uint32_t first, uint32_t *bad)
{
    ez_tx tx;

    if (block->tx_count == 0) {
        return EZ_RULE_BODY_REWARD;
    }
    for (uint32_t i = first; i < block->tx_count; i++) {
        bool is_last = i == block->tx_count - 1;
        ez_block_tx_get(&tx, block, i);
        *bad = i;
        if ((ez_tx_kind_of(&tx) == EZ_TX_REWARD) != is_last) {
            return EZ_RULE_BODY_REWARD;
        }
    }
    return reward_has_form(&tx, &block->header) ? EZ_RULE_OK : EZ_RULE_BODY_REWARD_FORM;
}

/* The transactions before `first` are known to be of right form, distinct, and no rewards. */
static ez_rule check_block(const ez_block *block, const ez_network *network, uint32_t first,
                           uint32_t *bad)
{
    if (ez_block_id_is_equal(&block->id, &network->genesis_id)) {
        /* Only the empty list matches: the ids of transactions hang on the genesis id, and so
         * cannot be committed to by the header that it is the hash of. */
        return EZ_RULE_OK;
    }
    ez_rule rule = check_forms(block, first, bad);
    if (rule == EZ_RULE_OK && first == 0) {
        rule = check_repeats(block, bad);
    }
    return rule == EZ_RULE_OK ? check_reward(block, first, bad) : rule;
}

static ez_block *new_block(const ez_header *header, ez_blob *body, uint32_t tx_count)
{
    ez_block *block = ez_alloc(1, sizeof *block);

    block->header = *header;
    ez_header_id(&block->id, header);
    block->body = ez_blob_ref(body);
    block->txs = ez_alloc(tx_count + 1u, sizeof *block->txs); /* never zero items */
    block->tx_count = tx_count;
    block->references = 1;
    return block;
}

/* Judge a block whose transactions have been cut; takes `block`. */
static ez_rule judge(ez_block **out, ez_block *block, const ez_network *network, uint32_t first,
                     uint32_t *bad)
{
    ez_rule rule = EZ_RULE_BODY_MERKLE;

    if (has_merkle_root(block)) {
        rule = check_block(block, network, first, bad);
    }
    if (rule != EZ_RULE_OK) {
        ez_block_unref(block);
        return rule;
    }
    *out = block;
    return EZ_RULE_OK;
}

ez_rule ez_block_parse_at(ez_block **out, const ez_network *network, const ez_header *header,
                          ez_blob *body, uint32_t *bad)
{
    uint32_t tx_count;

    *out = NULL;
    *bad = 0;
    if (ez_blob_size(body) > network->body_bytes_max) {
        return EZ_RULE_BODY_SIZE;
    }
    if (!count_txs(&tx_count, body)) {
        return EZ_RULE_BODY_MERKLE;
    }
    ez_block *block = new_block(header, body, tx_count);
    cut_txs(block, network);
    return judge(out, block, network, 0, bad);
}

ez_rule ez_block_parse_known(ez_block **out, const ez_network *network, const ez_header *header,
                             ez_blob *body, const ez_block_tx *known, uint32_t known_count,
                             uint32_t *bad)
{
    const uint8_t *data = ez_blob_data(body);
    uint32_t at =
        known_count == 0 ? 0 : known[known_count - 1].offset + known[known_count - 1].size;
    ez_reader reader;
    ez_tx_layout layout;

    *out = NULL;
    *bad = 0;
    EZ_ASSERT(at <= ez_blob_size(body));
    if (ez_blob_size(body) > network->body_bytes_max) {
        return EZ_RULE_BODY_SIZE;
    }
    ez_reader_init(&reader, data + at, ez_blob_size(body) - at);
    if (ez_tx_scan(&layout, &reader) != EZ_RULE_OK || !ez_reader_is_done(&reader)) {
        return EZ_RULE_BODY_MERKLE;
    }
    ez_block *block = new_block(header, body, known_count + 1);
    if (known_count > 0) {
        memcpy(block->txs, known, known_count * sizeof *known);
    }
    ez_block_tx *last = &block->txs[known_count];
    last->offset = at;
    last->size = (uint32_t)(ez_blob_size(body) - at);
    ez_tx_id_of(&last->id, &network->genesis_id, data + at, last->size);
    return judge(out, block, network, known_count, bad);
}

ez_rule ez_block_parse(ez_block **out, const ez_network *network, const ez_header *header,
                       ez_blob *body)
{
    uint32_t bad;

    return ez_block_parse_at(out, network, header, body, &bad);
}

void ez_block_tx_scan(ez_tx_layout *out, const ez_block *block, uint32_t position)
{
    EZ_ASSERT(position < block->tx_count);
    const ez_block_tx *tx = &block->txs[position];
    ez_reader reader;

    ez_reader_init(&reader, ez_blob_data(block->body) + tx->offset, tx->size);
    EZ_ASSERT(ez_tx_scan(out, &reader) == EZ_RULE_OK); /* it was cut by this before */
}

void ez_block_tx_get(ez_tx *out, const ez_block *block, uint32_t position)
{
    EZ_ASSERT(position < block->tx_count);
    const ez_block_tx *tx = &block->txs[position];

    ez_tx_decode_again(out, ez_blob_data(block->body) + tx->offset, tx->size);
}

ez_block *ez_block_ref(ez_block *block)
{
    __atomic_add_fetch(&block->references, 1, __ATOMIC_RELAXED);
    return block;
}

void ez_block_unref(ez_block *block)
{
    /* Release what this thread wrote, acquire what the others did, before the last one frees. */
    if (block == NULL || __atomic_sub_fetch(&block->references, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    ez_blob_unref(block->body);
    free(block->txs);
    free(block);
}
