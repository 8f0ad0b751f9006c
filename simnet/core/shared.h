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

/* sim_shared_is_verified: whether a checker found the signatures of this block good before; its id
 * covers them. sim_shared_set_verified: it did. */
bool sim_shared_is_verified(const sim_shared *shared, const ez_block_id *id);
void sim_shared_set_verified(sim_shared *shared, const ez_block_id *id);

#endif
