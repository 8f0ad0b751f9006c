/* Push to a few random peers and announce to the others: the worked example of docs/simulator.md,
 * which shows this file. */
#include "ezp2p/base/alloc.h"
#include "ezp2p/gossip/relay.h"

#include <stdlib.h>

#define FANOUT 3

static void *create(const ez_public_key *node, const ez_rng *rng)
{
    (void)node;
    return ez_memdup(rng, sizeof(*rng));
}

static void push_to_some(void *self, ez_relay_way *ways, const ez_link_id *links, size_t count,
                         ez_relay_item *item)
{
    (void)links, (void)item;
    for (size_t i = 0; i < FANOUT; i++) {
        ways[ez_rng_below(self, count)] = EZ_RELAY_PUSH; /* twice the same one now and then */
    }
}

const ez_relay_strategy ez_relay_fanout = {
    .name = "fanout",
    .summary = "push to three random peers, announce to the others",
    .create = create,
    .destroy = free,
    .spread = push_to_some,
};
