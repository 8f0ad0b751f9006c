/* Threads that run check jobs, first come first served. */
#ifndef EZP2P_NET_WORKERS_INTERNAL_H
#define EZP2P_NET_WORKERS_INTERNAL_H

#include "ezp2p/base/status.h"
#include "ezp2p/chain/check.h"

typedef struct ez_workers ez_workers;

/* Called on a worker's thread with a finished job; takes it. */
typedef void ez_workers_done(void *self, ez_check_job *job);

/* ez_workers_new: `threads` threads that check signatures by `verifier`, which is borrowed and may
 * be NULL. */
EZ_MUST_USE ez_status ez_workers_new(ez_workers **out, uint32_t threads, ez_verifier *verifier,
                                     ez_workers_done *done, void *self);

/* ez_workers_run: queue a job; takes it. */
void ez_workers_run(ez_workers *workers, ez_check_job *job);

/* ez_workers_free: drop the jobs not begun, wait for those under way. NULL is fine. */
void ez_workers_free(ez_workers *workers);

#endif
