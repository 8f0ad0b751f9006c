/* Push to everyone at once: nothing is faster, and every node receives each transaction about as
 * often as it has peers. The yardstick for both. */
#include "ezp2p/gossip/relay.h"

static void push_to_all(void *self, ez_relay_way *ways, const ez_link_id *links, size_t count,
                        ez_relay_item *item)
{
    (void)self, (void)links, (void)item;
    for (size_t i = 0; i < count; i++) {
        ways[i] = EZ_RELAY_PUSH;
    }
}

const ez_relay_strategy ez_relay_flood = {
    .name = "flood",
    .summary = "push to all peers at once",
    .spread = push_to_all,
};
