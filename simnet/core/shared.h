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

/* For checkers, which look at the same blocks in every host's store.
 * sim_shared_get_block: the block of this id, when it was kept with this very body; a reference.
 * sim_shared_keep_block: it parsed, and its signatures are good.
 * sim_shared_are_signed: whether each of its signatures was verified before. */
ez_block *sim_shared_get_block(const sim_shared *shared, const ez_block_id *id,
                               const ez_blob *body);
void sim_shared_keep_block(sim_shared *shared, ez_block *block);
bool sim_shared_are_signed(const sim_shared *shared, const ez_block *block);

#endif
