/* What thousands of hosts in one process need not hold or compute each for itself: block bodies,
 * and the results of checks, which follow from the bytes checked alone.
 */
#ifndef EZP2P_SIMNET_SHARED_H
#define EZP2P_SIMNET_SHARED_H

#include "ezp2p/chain/check.h"
#include "memory_store.h"

typedef struct sim_shared sim_shared;

sim_shared *sim_shared_new(void);
void sim_shared_free(sim_shared *shared); /* NULL is fine */

ez_body_shelf *sim_shared_bodies(sim_shared *shared);

/* sim_shared_check: as ez_check_run, with the result remembered. All jobs are of one network. */
void sim_shared_check(sim_shared *shared, ez_check_job *job);

#endif
