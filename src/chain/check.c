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

static ez_rule run_tx(ez_check_job *job)
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
    if (!ez_tx_verify(&tx, network_id, data, size)) {
        return EZ_RULE_TX_SIGNATURE;
    }
    job->tx = ez_memdup(&tx, sizeof tx);
    return EZ_RULE_OK;
}

static ez_rule run_body(ez_check_job *job)
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
    return ez_block_check_signatures(job->block, job->network, 0, job->block->tx_count,
                                     &job->bad_position);
}

static ez_rule run_signatures(ez_check_job *job)
{
    for (uint32_t i = 0; i < job->position_count; i++) {
        if (!ez_block_tx_is_signed(job->block, job->network, job->positions[i])) {
            job->bad_position = job->positions[i];
            return EZ_RULE_TX_SIGNATURE;
        }
    }
    return EZ_RULE_OK;
}

void ez_check_run(ez_check_job *job)
{
    switch (job->kind) {
    case EZ_CHECK_TX:
        EZ_ASSERT(job->tx == NULL);
        job->rule = run_tx(job);
        return;
    case EZ_CHECK_BODY:
        EZ_ASSERT(job->block == NULL);
        job->rule = run_body(job);
        return;
    case EZ_CHECK_SIGNATURES:
        job->rule = run_signatures(job);
        return;
    }
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
