/* What the machine gives: descriptors, cores, memory. */
#ifndef EZP2P_APP_RESOURCES_INTERNAL_H
#define EZP2P_APP_RESOURCES_INTERNAL_H

#include "ezp2p/base/log.h"
#include "options_internal.h"

#include <stdint.h>

/* ez_resources_tune: keep the process small: few malloc arenas, freed memory given back, thread
 * stacks of a size that our threads need. First thing in main, before any thread. */
void ez_resources_tune(void);

/* ez_resources_cores: the cores this process may run on; at least 1. */
uint32_t ez_resources_cores(void);

typedef struct ez_descriptor_plan {
    uint64_t needed;       /* for all slots */
    uint32_t inbound;      /* slots that `limit` allows, at most those asked for */
    uint32_t inbound_open; /* sockets accepted at a moment: some above, so that a newcomer can be
                              told that there is no room, or take the place of another */
    uint32_t http;         /* connections to the REST adapter */
    int limit;             /* numbers of descriptors end here */
} ez_descriptor_plan;

/* ez_descriptors_plan: what fits into `limit` descriptors: the peers we choose come first; what is
 * left is for HTTP and for those who choose us, half for each when it is not enough for both. */
void ez_descriptors_plan(ez_descriptor_plan *out, uint64_t limit, uint32_t outbound,
                         uint32_t inbound, bool has_http);

/* ez_descriptors_raise: raise the soft limit to what is needed, as far as the hard one allows.
 *   returns  the limit then in force */
uint64_t ez_descriptors_raise(uint64_t needed);

/* ez_process_metrics: append what Prometheus expects of every process: memory, descriptors, time.
 */
void ez_process_metrics(ez_buffer *out);

#endif
