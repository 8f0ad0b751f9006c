/* Who leaves when the inbound slots are full and one more wants in. Protects what an attacker finds
 * hard to fake at once: a low round trip, blocks and transactions given first, a long stay, and a
 * spread of network groups; of the rest, the youngest of the most crowded group leaves. (After the
 * eviction logic that Heilman et al., 2015, led to in Bitcoin nodes.)
 */
#ifndef EZP2P_GOSSIP_EVICT_H
#define EZP2P_GOSSIP_EVICT_H

#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/id.h"
#include "ezp2p/base/time.h"

typedef struct ez_evict_candidate {
    ez_link_id link;
    ez_network_group group;
    ez_time_ms since;
    ez_time_ms last_block; /* when it last gave us a block first; 0: never */
    ez_time_ms last_tx;
    uint32_t ping_ms; /* UINT32_MAX: unknown */
} ez_evict_candidate;

/* ez_evict_choose: the link to close. `candidates` is reordered.
 *   returns  value 0 when all are protected */
ez_link_id ez_evict_choose(ez_evict_candidate *candidates, size_t count);

#endif
