/* The miner: searches proofs on threads of its own, on copies only. One template at a time; a newer
 * one replaces it within a few thousand hashes. */
#ifndef EZP2P_MINER_MINER_H
#define EZP2P_MINER_MINER_H

#include "ezp2p/base/status.h"
#include "ezp2p/chain/types.h"

typedef struct ez_miner ez_miner;

#define EZ_MINER_THREADS_MAX 256

typedef struct ez_miner_config {
    uint32_t threads; /* 1 to EZ_MINER_THREADS_MAX */
    uint64_t rate;    /* hashes a second over all threads for paced templates; 0: unlimited */
    uint64_t seed;    /* where in the nonce space to start, so that nodes do not search alike */
    void *self;
    void (*found)(void *self, uint64_t generation, uint64_t proof); /* on a miner thread */
} ez_miner_config;

/* ez_miner_new: start the threads; they sleep until there is a template.
 *   returns  EZ_ERR_CONFIG for a number of threads out of range, EZ_ERR_LIMIT when the system gives
 *            no more threads; *out NULL then */
EZ_MUST_USE ez_status ez_miner_new(ez_miner **out, const ez_miner_config *config);

/* ez_miner_set: search for `header`; `paced` keeps to the rate. After a find the miner idles until
 * the next call. Any thread. */
void ez_miner_set(ez_miner *miner, uint64_t generation, const ez_header *header, bool paced);
void ez_miner_stop(ez_miner *miner);

/* ez_miner_hashes: hashes tried since the start. */
uint64_t ez_miner_hashes(const ez_miner *miner);

/* ez_miner_version: the instructions that it searches with, such as "sha-ni"; static text, NULL
 * before the first template. */
const char *ez_miner_version(const ez_miner *miner);

void ez_miner_free(ez_miner *miner); /* stops and joins; NULL is fine */

#endif
