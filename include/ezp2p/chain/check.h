/* Work that is too slow for the event loop, as a value: the core makes a job, the driver runs it on
 * a worker thread (the simulator: inline), the core gets it back as an event. A job holds
 * references to immutable data only and shares nothing that changes.
 */
#ifndef EZP2P_CHAIN_CHECK_H
#define EZP2P_CHAIN_CHECK_H

#include "ezp2p/chain/block.h"

typedef enum ez_check_kind {
    EZ_CHECK_TX,         /* decode `bytes` as one transaction, compute its id, verify it */
    EZ_CHECK_BODY,       /* ez_block_parse of `header` and `bytes`; with `verify` signatures too.
                          * `known` may tell what is known of the transactions in `bytes` */
    EZ_CHECK_SIGNATURES, /* verify transactions positions[0..position_count) of `block` */
} ez_check_kind;

typedef struct ez_check_job {
    uint64_t id; /* the core's, returned untouched */
    ez_check_kind kind;
    const ez_network *network; /* borrowed from the node, which outlives its jobs */
    ez_blob *bytes;            /* one reference, or NULL */
    ez_header header;
    bool verify;
    uint32_t *positions; /* owned */
    uint32_t position_count;
    ez_block_tx *known; /* owned; the index of all transactions but the last, when the core has
                         * decoded, hashed and verified them before, no two are of one id, and none
                         * is a reward. NULL: nothing is known */
    uint32_t known_count;
    bool known_fresh; /* none of them stands in the chain that the block is on */

    /* results */
    ez_rule rule;
    uint32_t bad_position; /* of the offending transaction, for block kinds */
    ez_block *block;       /* BODY: the parsed block, one reference, NULL unless it parses;
                            * SIGNATURES: given, one reference */
    ez_tx *tx;             /* TX: the decoded transaction, owned; NULL unless rule is OK */
    ez_tx_id tx_id;        /* TX: set whenever the bytes decode */
} ez_check_job;

/* ez_check_job_new: a zeroed job of `kind`. */
ez_check_job *ez_check_job_new(ez_check_kind kind, uint64_t id, const ez_network *network);

/* ez_check_run: do the work and fill in the results, signatures by `verifier` (NULL: by libsodium
 * alone), which changes nothing about them. Any thread; one thread per job. */
void ez_check_run(ez_check_job *job, ez_verifier *verifier);

/* ez_check_run_all: the same for `count` jobs, which is faster than one by one where they are
 * single transactions. */
void ez_check_run_all(ez_check_job *const *jobs, size_t count, ez_verifier *verifier);

/* ez_check_cost: a rough cost in signature checks (each about 45 µs), so that a driver can decide
 * what to run at once and what to hand to a worker. */
uint32_t ez_check_cost(const ez_check_job *job);

/* ez_check_job_free: release the job and what it holds; NULL is fine. */
void ez_check_job_free(ez_check_job *job);

#endif
