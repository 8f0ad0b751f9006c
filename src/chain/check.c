#include "ezp2p/chain/check.h"

#include "block_internal.h"
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>
#include <string.h>

/* Rough sizes for ez_check_cost: a transfer takes about 170 bytes, and in the time of one signature
 * check about 4 KiB of body are hashed into ids and tree nodes. */
#define TX_BYTES_USUAL         170
#define HASHED_BYTES_PER_CHECK 4096
#define KNOWN_TXS_PER_CHECK    200 /* tree nodes to hash */

ez_check_job *ez_check_job_new(ez_check_kind kind, uint64_t id, const ez_network *network)
{
    ez_check_job *job = ez_alloc(1, sizeof *job);

    job->id = id;
    job->kind = kind;
    job->network = network;
    return job;
}

static ez_rule decode_alone(ez_tx *out, const ez_blob *bytes)
{
    ez_reader reader;

    ez_reader_init(&reader, ez_blob_data(bytes), ez_blob_size(bytes));
    ez_rule rule = ez_tx_decode(out, &reader);
    if (rule == EZ_RULE_OK && !ez_reader_is_done(&reader)) {
        return EZ_RULE_TX_MALFORMED; /* something stands behind the transaction */
    }
    return rule;
}

/* Single transactions whose signatures are still to be looked at. */
typedef struct tx_batch {
    size_t count;
    ez_check_job *jobs[EZ_SIGNATURES_AT_ONCE];
    uint8_t bytes[EZ_SIGNATURES_AT_ONCE][EZ_TX_SIGNED_BYTES_MAX];
    ez_signed_message messages[EZ_SIGNATURES_AT_ONCE];
} tx_batch;

/* All but the signature, which then waits in the batch. */
static ez_rule begin_tx(tx_batch *batch, ez_check_job *job)
{
    const ez_block_id *network_id = &job->network->genesis_id;
    const uint8_t *data = ez_blob_data(job->bytes);
    size_t size = ez_blob_size(job->bytes);
    ez_tx tx;

    ez_rule rule = decode_alone(&tx, job->bytes);
    if (rule != EZ_RULE_OK) {
        return rule;
    }
    ez_tx_id_of(&job->tx_id, network_id, data, size);
    if (ez_tx_kind_of(&tx) == EZ_TX_REWARD) {
        return EZ_RULE_TX_REWARD_ALONE;
    }
    job->tx = ez_memdup(&tx, sizeof tx);
    uint8_t *message = batch->bytes[batch->count];
    size_t message_size = ez_tx_signed_bytes(message, network_id, data, size);
    batch->messages[batch->count] =
        (ez_signed_message){&job->tx->signature, &job->tx->signer, message, message_size};
    batch->jobs[batch->count] = job;
    batch->count++;
    return EZ_RULE_OK;
}

/* Verify what waits in the batch, and empty it. */
static void settle(tx_batch *batch, ez_verifier *verifier)
{
    const size_t count = batch->count;
    size_t at = 0;

    while (at < count) {
        at += ez_verifier_check_all(verifier, batch->messages + at, count - at);
        if (at < count) {
            ez_check_job *bad = batch->jobs[at++];
            bad->rule = EZ_RULE_TX_SIGNATURE;
            free(bad->tx);
            bad->tx = NULL;
        }
    }
    batch->count = 0;
}

static ez_rule run_body(ez_check_job *job, ez_verifier *verifier)
{
    ez_rule rule = job->known == NULL
                       ? ez_block_parse_at(&job->block, job->network, &job->header, job->bytes,
                                           &job->bad_position)
                       : ez_block_parse_known(&job->block, job->network, &job->header, job->bytes,
                                              job->known, job->known_count, &job->bad_position);

    if (rule == EZ_RULE_OK && job->known_fresh) {
        job->block->fresh_count = job->known_count;
    }
    if (rule != EZ_RULE_OK || !job->verify) {
        return rule;
    }
    return ez_block_check_signatures(job->block, job->network, verifier, 0, job->block->tx_count,
                                     &job->bad_position);
}

static void run(tx_batch *batch, ez_check_job *job, ez_verifier *verifier)
{
    switch (job->kind) {
    case EZ_CHECK_TX:
        EZ_ASSERT(job->tx == NULL);
        job->rule = begin_tx(batch, job);
        return;
    case EZ_CHECK_BODY:
        EZ_ASSERT(job->block == NULL);
        job->rule = run_body(job, verifier);
        return;
    case EZ_CHECK_SIGNATURES:
        job->rule = ez_block_check_signatures_at(job->block, job->network, verifier, job->positions,
                                                 job->position_count, &job->bad_position);
        return;
    }
}

void ez_check_run_all(ez_check_job *const *jobs, size_t count, ez_verifier *verifier)
{
    tx_batch batch;

    batch.count = 0;
    for (size_t i = 0; i < count; i++) {
        run(&batch, jobs[i], verifier);
        if (batch.count == EZ_SIGNATURES_AT_ONCE) {
            settle(&batch, verifier);
        }
    }
    settle(&batch, verifier);
}

void ez_check_run(ez_check_job *job, ez_verifier *verifier)
{
    ez_check_run_all(&job, 1, verifier);
}

static uint32_t body_cost(const ez_check_job *job)
{
    size_t size = ez_blob_size(job->bytes);
    size_t cost = 1 + (job->known == NULL ? size / HASHED_BYTES_PER_CHECK
                                          : job->known_count / KNOWN_TXS_PER_CHECK);

    if (job->verify) {
        cost += size / TX_BYTES_USUAL;
    }
    return cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
}

uint32_t ez_check_cost(const ez_check_job *job)
{
    switch (job->kind) {
    case EZ_CHECK_TX:
        return 1;
    case EZ_CHECK_BODY:
        return body_cost(job);
    case EZ_CHECK_SIGNATURES:
        return job->position_count;
    }
    return 1;
}

void ez_check_job_free(ez_check_job *job)
{
    if (job == NULL) {
        return;
    }
    ez_blob_unref(job->bytes);
    ez_block_unref(job->block);
    free(job->positions);
    free(job->known);
    free(job->tx);
    free(job);
}
