/* One run in a process of its own, so that a node that aborts, crashes or never comes to an end is
 * a result like any other: with the virtual time and the step at which it happened.
 */
#ifndef EZP2P_SIMNET_TRIAL_H
#define EZP2P_SIMNET_TRIAL_H

#include "ezp2p/base/buffer.h"
#include "scenario.h"
#include "world.h"

#include <stdio.h>
#include <sys/types.h>

#define EZ_TRIAL_SECONDS_MAX 300 /* real time; then it hangs */

/* What came of it. Plain data: parent and child share the memory. */
typedef struct ez_trial_result {
    ez_progress progress; /* where it ended, or died */
    bool good;
    uint64_t digest, seed;
    uint64_t blocks, txs;
    uint64_t actions[EZ_ACTION_KINDS];
    char failure[512]; /* the first lines of what is wrong */
} ez_trial_result;

typedef struct ez_trial {
    pid_t pid;
    FILE *errors; /* what it wrote to standard error */
    ez_trial_result *result;
} ez_trial;

/* ez_trial_start: begin to run the scenario in `text`, by the seed that it names or by `seed` when
 * that is not 0; returns false when the system has no process or memory for it.
 * ez_trial_end: read the result of a trial whose process ended with `status`, as waitpid() tells.
 * ez_trial_run: both, waiting. */
bool ez_trial_start(ez_trial *out, const char *name, const ez_buffer *text, uint64_t seed);
void ez_trial_end(ez_trial *trial, ez_trial_result *out, int status);
bool ez_trial_run(ez_trial_result *out, const char *name, const ez_buffer *text, uint64_t seed);

#endif
