#include "shared.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/header.h"
#include "messages.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>

#define RESULTS_MAX 100000 /* then all are forgotten: simple, and a run seldom gets there */

/* The result of a job, which follows from what was asked. */
typedef struct answer {
    ez_check_kind kind;
    bool verify;
    bool known_fresh; /* what the block says about itself follows from it */
    ez_header header;
    ez_blob *bytes; /* one reference */
    ez_rule rule;
    uint32_t bad_position;
    ez_block *block; /* one reference, or NULL */
    ez_tx *tx;       /* owned, or NULL */
    ez_tx_id tx_id;
    uint64_t hash;
    UT_hash_handle hh;
} answer;

/* A transaction whose signature held; its id covers the signature. */
typedef struct signed_tx {
    ez_tx_id id;
    UT_hash_handle hh;
} signed_tx;

/* A block that a checker parsed and found signed; its id covers all of it. */
typedef struct checked_block {
    ez_block_id id;
    ez_block *block; /* one reference */
    UT_hash_handle hh;
} checked_block;

struct sim_shared {
    ez_body_shelf *bodies;
    ez_verifier *verifier;
    answer *answers;
    signed_tx *signed_txs;
    checked_block *blocks;
};

sim_shared *sim_shared_new(void)
{
    sim_shared *const shared = ez_alloc(1, sizeof(*shared));
    shared->bodies = ez_body_shelf_new();
    shared->verifier = ez_verifier_new((const uint8_t[EZ_VERIFIER_SEED_BYTES]){0});
    return shared;
}

static void forget_answers(sim_shared *shared)
{
    answer *item, *next;
    HASH_ITER (hh, shared->answers, item, next) {
        HASH_DEL(shared->answers, item);
        ez_blob_unref(item->bytes);
        ez_block_unref(item->block);
        free(item->tx);
        free(item);
    }
}

static void forget_signed(sim_shared *shared)
{
    signed_tx *item, *next;
    HASH_ITER (hh, shared->signed_txs, item, next) {
        HASH_DEL(shared->signed_txs, item);
        free(item);
    }
}

void sim_shared_free(sim_shared *shared)
{
    if (shared == NULL) {
        return;
    }
    checked_block *item, *next;
    HASH_ITER (hh, shared->blocks, item, next) {
        HASH_DEL(shared->blocks, item);
        ez_block_unref(item->block);
        free(item);
    }
    forget_answers(shared);
    forget_signed(shared);
    ez_body_shelf_free(shared->bodies);
    ez_verifier_free(shared->verifier);
    free(shared);
}

ez_body_shelf *sim_shared_bodies(sim_shared *shared)
{
    return shared->bodies;
}

/* ---- signatures ------------------------------------------------------------------------------ */

static bool is_signed(const sim_shared *shared, const ez_tx_id *id)
{
    signed_tx *found = NULL;
    HASH_FIND(hh, shared->signed_txs, id, sizeof(*id), found);
    return found != NULL;
}

static void set_signed(sim_shared *shared, const ez_tx_id *id)
{
    if (is_signed(shared, id)) {
        return;
    }
    if (HASH_COUNT(shared->signed_txs) >= RESULTS_MAX) {
        forget_signed(shared);
    }
    signed_tx *const item = ez_alloc(1, sizeof(*item));
    item->id = *id;
    HASH_ADD(hh, shared->signed_txs, id, sizeof(item->id), item);
}

static void check_signatures(sim_shared *shared, ez_check_job *job)
{
    const ez_block_tx *const txs = job->block->txs;
    uint32_t known = 0;
    while (known < job->position_count && is_signed(shared, &txs[job->positions[known]].id)) {
        known++;
    }
    if (known == job->position_count) {
        job->rule = EZ_RULE_OK;
        return;
    }
    ez_check_run(job, shared->verifier);
    for (uint32_t i = known; job->rule == EZ_RULE_OK && i < job->position_count; i++) {
        set_signed(shared, &txs[job->positions[i]].id);
    }
}

/* ---- transactions and bodies ----------------------------------------------------------------- */

static uint64_t hash_of(const ez_check_job *job)
{
    const uint64_t parts[] = {
        (uint64_t)job->kind,   job->verify,
        job->known_fresh,      job->header.proof,
        job->header.timestamp, sim_hash(0, ez_blob_data(job->bytes), ez_blob_size(job->bytes))};
    return sim_hash(0, parts, sizeof(parts));
}

static bool is_same_header(const ez_header *a, const ez_header *b)
{
    uint8_t one[EZ_HEADER_BYTES], other[EZ_HEADER_BYTES];
    ez_header_encode(one, a);
    ez_header_encode(other, b);
    return memcmp(one, other, sizeof(one)) == 0;
}

static bool is_of(const answer *item, const ez_check_job *job)
{
    const size_t size = ez_blob_size(job->bytes);
    return item->kind == job->kind && item->verify == job->verify &&
           item->known_fresh == job->known_fresh && ez_blob_size(item->bytes) == size &&
           memcmp(ez_blob_data(item->bytes), ez_blob_data(job->bytes), size) == 0 &&
           (job->kind == EZ_CHECK_TX || is_same_header(&item->header, &job->header));
}

static void remember(sim_shared *shared, uint64_t hash, const ez_check_job *job)
{
    if (HASH_COUNT(shared->answers) >= RESULTS_MAX) {
        forget_answers(shared);
    }
    answer *const item = ez_alloc(1, sizeof(*item));
    item->kind = job->kind;
    item->verify = job->verify;
    item->known_fresh = job->known_fresh;
    item->header = job->header;
    item->bytes = ez_blob_ref(job->bytes);
    item->rule = job->rule;
    item->bad_position = job->bad_position;
    item->block = job->block == NULL ? NULL : ez_block_ref(job->block);
    item->tx = job->tx == NULL ? NULL : ez_memdup(job->tx, sizeof(*job->tx));
    item->tx_id = job->tx_id;
    item->hash = hash;
    HASH_ADD(hh, shared->answers, hash, sizeof(item->hash), item);
    if (job->kind == EZ_CHECK_TX && job->rule == EZ_RULE_OK) {
        set_signed(shared, &job->tx_id);
    }
}

static void check_bytes(sim_shared *shared, ez_check_job *job)
{
    const uint64_t hash = hash_of(job);
    answer *item = NULL;
    HASH_FIND(hh, shared->answers, &hash, sizeof(hash), item);
    if (item == NULL) {
        ez_check_run(job, shared->verifier);
        remember(shared, hash, job);
        return;
    }
    if (!is_of(item, job)) {
        ez_check_run(job, shared->verifier); /* two questions of one hash */
        return;
    }
    job->rule = item->rule;
    job->bad_position = item->bad_position;
    job->block = item->block == NULL ? NULL : ez_block_ref(item->block);
    job->tx = item->tx == NULL ? NULL : ez_memdup(item->tx, sizeof(*item->tx));
    job->tx_id = item->tx_id;
}

void sim_shared_check(sim_shared *shared, ez_check_job *job)
{
    switch (job->kind) {
    case EZ_CHECK_TX:
    case EZ_CHECK_BODY:
        check_bytes(shared, job);
        return;
    case EZ_CHECK_SIGNATURES:
        check_signatures(shared, job);
        return;
    }
}

/* ---- blocks, for checkers -------------------------------------------------------------------- */

ez_block *sim_shared_get_block(const sim_shared *shared, const ez_block_id *id, const ez_blob *body)
{
    checked_block *item = NULL;
    HASH_FIND(hh, shared->blocks, id, sizeof(*id), item);
    return item == NULL || item->block->body != body ? NULL : ez_block_ref(item->block);
}

void sim_shared_keep_block(sim_shared *shared, ez_block *block)
{
    checked_block *item = NULL;
    HASH_FIND(hh, shared->blocks, &block->id, sizeof(block->id), item);
    if (item == NULL) {
        item = ez_alloc(1, sizeof(*item));
        item->id = block->id;
        item->block = ez_block_ref(block);
        HASH_ADD(hh, shared->blocks, id, sizeof(item->id), item);
    }
}

bool sim_shared_are_signed(const sim_shared *shared, const ez_block *block)
{
    for (uint32_t i = 0; i + 1 < block->tx_count; i++) { /* the reward has no signature */
        if (!is_signed(shared, &block->txs[i].id)) {
            return false;
        }
    }
    return true;
}
