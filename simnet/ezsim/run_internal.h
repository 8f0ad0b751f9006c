/* What the source files of a run offer each other.
 *
 *   run.c      the world, its beginning and end, the passing of time
 *   act.c      mining and the timeline's actions
 *   clients.c  traffic
 *   attacks.c  the adversaries
 *   check.c    the checkers
 */
#ifndef EZP2P_SIMNET_RUN_INTERNAL_H
#define EZP2P_SIMNET_RUN_INTERNAL_H

#include "run.h"

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>

struct ez_request {
    uint64_t number;
    size_t host;
    bool note; /* it asks for an entry that moves no coins */
    UT_hash_handle hh;
};

static inline bool run_is_awake(const ez_run *run, size_t host)
{
    return ez_world_node(run->world, host) != NULL && !ez_world_is_paused(run->world, host);
}

static inline bool run_is_honest_and_awake(const ez_run *run, size_t host)
{
    return ez_run_is_honest(run, host) && run_is_awake(run, host);
}

/* A time until the next event of a Poisson process, in the unit of `mean`, which is below 2^30. */
uint64_t run_draw_pause(ez_rng *rng, uint64_t mean);

void run_mine(ez_run *run, size_t host);
void run_mine_by_share(ez_run *run);
void run_act(ez_run *run, const ez_action *action);
void run_end_faults(ez_run *run);
size_t run_join(ez_run *run);
size_t run_random_honest(ez_run *run);
bool run_agrees(const ez_run *run); /* all honest hosts that run have one tip */

/* ---- clients.c */
/* The number of a request that a client of the host's is about to make. */
uint64_t run_expect_reply(ez_run *run, size_t host, bool is_note);
void run_forget_requests(ez_run *run, size_t host); /* its clients got an error */
/* One transaction, through a host that the scenario leaves to chance, or through this one. */
void run_submit(ez_run *run);
void run_submit_through(ez_run *run, size_t host);

/* ---- attacks.c */
void run_add_adversaries(ez_run *run);
void run_free_adversaries(ez_run *run);
ez_time_ms run_adversaries_due(const ez_run *run);
void run_adversaries_act(ez_run *run);
void run_adversaries_rest(ez_run *run);
/* A host of an adversary's, when chance gives the next block to one; 0: to the honest. */
size_t run_lucky_adversary(ez_run *run);
void run_fill_attack(const ez_run *run, ez_figures *out);

#endif
