/* Signatures of a block's transactions, some at a time, since a verifier shares work among those
 * that it is given together. */
#include "block_internal.h"
#include "ezp2p/base/assert.h"
#include "tx_internal.h"

#include <string.h>

/* Transactions laid out for the verifier. */
typedef struct signature_batch {
    uint32_t count;
    uint32_t positions[EZ_SIGNATURES_AT_ONCE];
    ez_public_key keys[EZ_SIGNATURES_AT_ONCE];
    ez_signature signatures[EZ_SIGNATURES_AT_ONCE];
    uint8_t bytes[EZ_SIGNATURES_AT_ONCE][EZ_TX_SIGNED_BYTES_MAX];
    ez_signed_message messages[EZ_SIGNATURES_AT_ONCE];
} signature_batch;

static void add(signature_batch *batch, const ez_block *block, const ez_network *network,
                uint32_t position)
{
    const uint32_t i = batch->count;
    const ez_block_tx *entry = &block->txs[position];
    ez_tx_layout layout;

    ez_block_tx_scan(&layout, block, position);
    if (layout.signature == NULL) {
        return; /* a reward, which nobody signs */
    }
    memcpy(batch->keys[i].bytes, layout.signer, EZ_PUBLIC_KEY_BYTES);
    memcpy(batch->signatures[i].bytes, layout.signature, EZ_SIGNATURE_BYTES);
    size_t size = ez_tx_signed_bytes(batch->bytes[i], &network->genesis_id,
                                     ez_blob_data(block->body) + entry->offset, entry->size);
    batch->positions[i] = position;
    batch->messages[i] =
        (ez_signed_message){&batch->signatures[i], &batch->keys[i], batch->bytes[i], size};
    batch->count++;
}

/* Verify what the batch holds, and empty it. */
static ez_rule settle(signature_batch *batch, ez_verifier *verifier, uint32_t *bad)
{
    uint32_t count = batch->count;
    size_t good = ez_verifier_check_all(verifier, batch->messages, count);

    batch->count = 0;
    if (good == count) {
        return EZ_RULE_OK;
    }
    if (bad != NULL) {
        *bad = batch->positions[good];
    }
    return EZ_RULE_TX_SIGNATURE;
}

/* Those at `positions`, or `count` from `first` on when that is NULL. */
static ez_rule check(const ez_block *block, const ez_network *network, ez_verifier *verifier,
                     const uint32_t *positions, uint32_t first, uint32_t count, uint32_t *bad)
{
    signature_batch batch;
    ez_rule rule = EZ_RULE_OK;

    batch.count = 0;
    for (uint32_t i = 0; i < count && rule == EZ_RULE_OK; i++) {
        add(&batch, block, network, positions == NULL ? first + i : positions[i]);
        if (batch.count == EZ_SIGNATURES_AT_ONCE) {
            rule = settle(&batch, verifier, bad);
        }
    }
    return rule == EZ_RULE_OK ? settle(&batch, verifier, bad) : rule;
}

ez_rule ez_block_check_signatures(const ez_block *block, const ez_network *network,
                                  ez_verifier *verifier, uint32_t first, uint32_t count,
                                  uint32_t *bad)
{
    EZ_ASSERT(first <= block->tx_count && count <= block->tx_count - first);
    return check(block, network, verifier, NULL, first, count, bad);
}

ez_rule ez_block_check_signatures_at(const ez_block *block, const ez_network *network,
                                     ez_verifier *verifier, const uint32_t *positions,
                                     uint32_t count, uint32_t *bad)
{
    return check(block, network, verifier, positions, 0, count, bad);
}
