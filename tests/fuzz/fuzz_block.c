/* Block bodies against a naive judge, which cuts with ez_tx_decode, compares every id with every
 * other and keeps no index.
 *
 * The first byte's lowest bit says what follows: 0, a body as it is; 1, a recipe with one byte for
 * each entry, so that valid bodies with repeats, rewards and broken entries are common. Its second
 * bit puts the body under a header that is not its own.
 */
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/block.h"
#include "ezp2p/chain/merkle.h"

#include <stdlib.h>
#include <string.h>

#define MODE_RECIPE  1
#define MODE_FOREIGN 2
#define INDEX        2

/* Comparing all with all; enough for every bug that hangs on where a repeat stands. */
#define NAIVE_TXS_MAX 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct naive_body {
    ez_tx_id ids[NAIVE_TXS_MAX];
    ez_tx txs[NAIVE_TXS_MAX];
    size_t starts[NAIVE_TXS_MAX + 1];
    size_t count;
    bool has_broken; /* an entry that can be cut, but breaks a rule */
    bool is_cut;     /* the whole body was */
} naive_body;

/* A recipe's byte: kind of entry in the top two bits, amount in the others. */
static void add_entry(ez_buffer *body, naive_body *naive, const ez_network *network, uint8_t byte)
{
    size_t start = body->size;
    ez_tx tx = {.sender = {.kind = EZ_PARTY_LABEL, .label_size = 1, .label = "a"},
                .recipient = {.kind = EZ_PARTY_ADDRESS},
                .amount = byte & 0x3f};

    if (byte >> 6 == 2) {
        tx.sender = (ez_party){.kind = EZ_PARTY_REWARD};
        tx.sequence = INDEX;
    } else if (byte >> 6 == 3) {
        tx.sequence = 1; /* which a label must not have */
        naive->has_broken = true;
    }
    ez_tx_encode(body, &tx);
    naive->starts[naive->count] = start;
    naive->txs[naive->count] = tx;
    ez_tx_id_of(&naive->ids[naive->count++], &network->genesis_id, body->data + start,
                body->size - start);
}

static void follow_recipe(ez_buffer *body, naive_body *naive, const ez_network *network,
                          const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && i < NAIVE_TXS_MAX; i++) {
        add_entry(body, naive, network, data[i]);
    }
    naive->is_cut = true;
}

static void cut(ez_buffer *body, naive_body *naive, const ez_network *network)
{
    ez_reader reader;

    ez_reader_init(&reader, body->data, body->size);
    while (!ez_reader_is_done(&reader)) {
        size_t start = reader.at;
        if (naive->count == NAIVE_TXS_MAX ||
            ez_tx_decode(&naive->txs[naive->count], &reader) != EZ_RULE_OK) {
            return;
        }
        naive->starts[naive->count] = start;
        ez_tx_id_of(&naive->ids[naive->count++], &network->genesis_id, body->data + start,
                    reader.at - start);
    }
    naive->is_cut = true;
}

static bool has_repeat(const naive_body *naive)
{
    for (size_t i = 0; i < naive->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (ez_tx_id_is_equal(&naive->ids[i], &naive->ids[j])) {
                return true;
            }
        }
    }
    return false;
}

static ez_rule judge_reward(const naive_body *naive)
{
    size_t rewards = 0;

    for (size_t i = 0; i < naive->count; i++) {
        rewards += naive->txs[i].sender.kind == EZ_PARTY_REWARD;
    }
    const ez_tx *last = naive->count > 0 ? &naive->txs[naive->count - 1] : NULL;
    if (rewards != 1 || last->sender.kind != EZ_PARTY_REWARD) {
        return EZ_RULE_BODY_REWARD;
    }
    bool has_form = last->recipient.kind == EZ_PARTY_ADDRESS && last->fee == 0 &&
                    last->memo_size == 0 && last->sequence == INDEX;
    return has_form ? EZ_RULE_OK : EZ_RULE_BODY_REWARD_FORM;
}

static ez_rule judge(const naive_body *naive, uint8_t mode)
{
    if ((mode & MODE_FOREIGN) != 0 || !naive->is_cut) {
        return EZ_RULE_BODY_MERKLE;
    }
    if (naive->has_broken) {
        return EZ_RULE_BODY_TX;
    }
    return has_repeat(naive) ? EZ_RULE_BODY_REPEAT : judge_reward(naive);
}

static void check_block(const ez_block *block, const naive_body *naive)
{
    EZ_ASSERT(block->tx_count == naive->count);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const ez_block_tx *entry = &block->txs[i];
        ez_buffer again = {0};
        ez_tx tx;
        EZ_ASSERT(entry->offset == naive->starts[i]);
        EZ_ASSERT(ez_tx_id_is_equal(&entry->id, &naive->ids[i]));
        ez_block_tx_get(&tx, block, i);
        ez_tx_encode(&again, &tx);
        EZ_ASSERT(again.size == entry->size);
        EZ_ASSERT(memcmp(again.data, ez_blob_data(block->body) + entry->offset, again.size) == 0);
        ez_buffer_clear(&again);
    }
}

static void check_body(const ez_buffer *body, const naive_body *naive, const ez_network *network,
                       uint8_t mode)
{
    ez_header header = {.version = 1, .index = INDEX};
    ez_blob *blob = ez_blob_new(body->data, body->size);
    ez_block *block;

    ez_merkle_root(&header.merkle_root, naive->ids, naive->count);
    header.merkle_root.bytes[0] ^= (mode & MODE_FOREIGN) != 0;
    ez_rule rule = ez_block_parse(&block, network, &header, blob);
    EZ_ASSERT(rule == judge(naive, mode));
    EZ_ASSERT((block != NULL) == (rule == EZ_RULE_OK));
    if (block != NULL) {
        check_block(block, naive);
    }
    ez_block_unref(block);
    ez_blob_unref(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > EZ_BLOCK_BODY_BYTES_MAX) {
        return 0;
    }
    ez_network network;
    ez_buffer body = {0};
    naive_body *naive = ez_alloc(1, sizeof *naive);

    ez_network_classic(&network);
    if ((data[0] & MODE_RECIPE) != 0) {
        follow_recipe(&body, naive, &network, data + 1, size - 1);
    } else {
        ez_buffer_add(&body, data + 1, size - 1);
        cut(&body, naive, &network);
    }
    check_body(&body, naive, &network, data[0]);
    ez_buffer_clear(&body);
    free(naive);
    return 0;
}
