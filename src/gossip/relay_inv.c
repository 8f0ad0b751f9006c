/* Announce by id, send to who asks: every node receives each transaction once, after a round trip
 * and a half for each hop. What Bitcoin's nodes did first (its protocol's `inv` message). */
#include "ezp2p/gossip/relay.h"

static void announce_to_all(void *self, ez_relay_way *ways, const ez_link_id *links, size_t count,
                            ez_relay_item *item)
{
    (void)self, (void)ways, (void)links, (void)count, (void)item; /* all of them say so already */
}

const ez_relay_strategy ez_relay_inv = {
    .name = "inv",
    .summary = "announce ids, send to who asks",
    .spread = announce_to_all,
};
