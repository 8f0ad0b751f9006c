/* Many trials at once: scenarios drawn from seeds, or given files by many seeds, each in a process
 * of its own, and what they come to together.
 */
#ifndef EZP2P_SIMNET_SWARM_H
#define EZP2P_SIMNET_SWARM_H

#include "trial.h"

#define EZ_SWARM_JOBS_MAX     64
#define EZ_SWARM_FAILURES_MAX 20 /* kept; more are counted */

typedef struct ez_swarm_failure {
    uint64_t seed;
    const char *file; /* NULL: drawn from the seed */
    char failure[512];
    char shrunk[256]; /* path of the file written; empty: none */
    uint32_t tries;
} ez_swarm_failure;

typedef struct ez_swarm {
    uint64_t seeds, first; /* how many, from which on; of each file */
    const char *const *files;
    size_t file_count; /* 0: scenarios are drawn */
    uint32_t jobs;     /* processes at once */
    uint64_t ms_max;   /* real time after which none is begun; 0: any */
    bool progress;

    uint64_t done, failed;
    uint64_t virtual_ms, steps, blocks, txs;
    uint64_t digest; /* of all runs, in whatever order they ended */
    uint64_t actions[EZ_ACTION_KINDS];
    ez_swarm_failure failures[EZ_SWARM_FAILURES_MAX];
    size_t failure_count;
} ez_swarm;

/* ez_swarm_run: carry out all of it.
 *   returns  false when the system has no more processes, or a file cannot be read */
bool ez_swarm_run(ez_swarm *swarm);

/* ez_swarm_shrink: write a smaller scenario that fails in the same way to DIR/swarm-SEED.sim.
 *   returns  false when the file cannot be written, or it did not fail again */
bool ez_swarm_shrink(ez_swarm_failure *failure, const char *dir, uint32_t tries_max);

/* ez_swarm_scenario: the text of a trial; false: the file cannot be read. */
bool ez_swarm_scenario(ez_buffer *out, const char *file, uint64_t seed);

#endif
