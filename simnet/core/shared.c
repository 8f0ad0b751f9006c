#include "shared.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/crypto/sha256.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>

#define RESULTS_MAX 100000 /* then all are forgotten: simple, and a run seldom gets there */

/* What a result is a function of. A transaction whose signature held is remembered by its id, which
 * covers the signature. */
typedef struct question {
    ez_check_kind kind;
    uint32_t verify;
    ez_hash bytes;
} question;

_Static_assert(sizeof(question) == sizeof(ez_check_kind) + sizeof(uint32_t) + sizeof(ez_hash),
               "keys are compared as bytes");

typedef struct result {
    question key;
    ez_rule rule;
    uint32_t bad_position;
    ez_block *block; /* one reference, or NULL */
    ez_tx *tx;       /* owned, or NULL */
    ez_tx_id tx_id;
    UT_hash_handle hh;
} result;

struct sim_shared {
    ez_body_shelf *bodies;
    result *results;
};

sim_shared *sim_shared_new(void)
{
    sim_shared *const shared = ez_alloc(1, sizeof(*shared));
    shared->bodies = ez_body_shelf_new();
    return shared;
}

static void forget_all(sim_shared *shared)
{
    result *item, *next;
    HASH_ITER (hh, shared->results, item, next) {
        HASH_DEL(shared->results, item);
        ez_block_unref(item->block);
        free(item->tx);
        free(item);
    }
}

void sim_shared_free(sim_shared *shared)
{
    if (shared == NULL) {
        return;
    }
    forget_all(shared);
    ez_body_shelf_free(shared->bodies);
    free(shared);
}

ez_body_shelf *sim_shared_bodies(sim_shared *shared)
{
    return shared->bodies;
}

static result *find(const sim_shared *shared, const question *key)
{
    result *found = NULL;
    HASH_FIND(hh, shared->results, key, sizeof(*key), found);
    return found;
}

static result *add(sim_shared *shared, const question *key)
{
    if (HASH_COUNT(shared->results) >= RESULTS_MAX) {
        forget_all(shared);
    }
    result *const item = ez_alloc(1, sizeof(*item));
    item->key = *key;
    HASH_ADD(hh, shared->results, key, sizeof(item->key), item);
    return item;
}

/* ---- transactions and bodies ----------------------------------------------------------------- */

static question question_of(const ez_check_job *job)
{
    question key = {.kind = job->kind, .verify = job->verify};
    uint8_t header[EZ_HEADER_BYTES];
    ez_sha256_state state;
    ez_header_encode(header, &job->header);
    ez_sha256_init(&state);
    ez_sha256_update(&state, header, sizeof(header));
    ez_sha256_update(&state, ez_blob_data(job->bytes), ez_blob_size(job->bytes));
    ez_sha256_final(&state, &key.bytes);
    return key;
}

static void remember(sim_shared *shared, const question *key, const ez_check_job *job)
{
    result *const item = add(shared, key);
    item->rule = job->rule;
    item->bad_position = job->bad_position;
    item->block = job->block == NULL ? NULL : ez_block_ref(job->block);
    item->tx = job->tx == NULL ? NULL : ez_memdup(job->tx, sizeof(*job->tx));
    item->tx_id = job->tx_id;
}

static void answer(const result *item, ez_check_job *job)
{
    job->rule = item->rule;
    job->bad_position = item->bad_position;
    job->block = item->block == NULL ? NULL : ez_block_ref(item->block);
    job->tx = item->tx == NULL ? NULL : ez_memdup(item->tx, sizeof(*item->tx));
    job->tx_id = item->tx_id;
}

static void check_bytes(sim_shared *shared, ez_check_job *job)
{
    const question key = question_of(job);
    const result *const known = find(shared, &key);
    if (known != NULL) {
        answer(known, job);
        return;
    }
    ez_check_run(job);
    remember(shared, &key, job);
}

/* ---- single signatures ----------------------------------------------------------------------- */

static question signature_question(const ez_check_job *job, uint32_t i)
{
    return (question){.kind = EZ_CHECK_SIGNATURES,
                      .bytes = job->block->txs[job->positions[i]].id.hash};
}

static void check_signatures(sim_shared *shared, ez_check_job *job)
{
    uint32_t known = 0;
    for (; known < job->position_count; known++) {
        const question key = signature_question(job, known);
        if (find(shared, &key) == NULL) {
            break;
        }
    }
    if (known == job->position_count) {
        job->rule = EZ_RULE_OK;
        return;
    }
    ez_check_run(job);
    for (uint32_t i = known; job->rule == EZ_RULE_OK && i < job->position_count; i++) {
        const question key = signature_question(job, i);
        if (find(shared, &key) == NULL) {
            add(shared, &key);
        }
    }
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

#define BY_CHECKER 2u /* a key that no job has */

bool sim_shared_is_verified(const sim_shared *shared, const ez_block_id *id)
{
    const question key = {.kind = EZ_CHECK_BODY, .verify = BY_CHECKER, .bytes = id->hash};
    return find(shared, &key) != NULL;
}

void sim_shared_set_verified(sim_shared *shared, const ez_block_id *id)
{
    const question key = {.kind = EZ_CHECK_BODY, .verify = BY_CHECKER, .bytes = id->hash};
    if (find(shared, &key) == NULL) {
        add(shared, &key);
    }
}
