/* A bent host: a real node behind a driver that lies. What the core wants to say can be changed,
 * kept back or dropped on its way out, what arrives can be kept from it, and messages of which it
 * knows nothing can be put on its links: everything that an adversary can do to the wire, and
 * nothing else. Messages still travel as bytes and are cut and decoded at the far end like any
 * others.
 *
 * The hooks are called while the world runs; they may call ez_world_say and look at the host's
 * node, but hand it nothing.
 */
#ifndef EZP2P_SIMNET_BEND_H
#define EZP2P_SIMNET_BEND_H

#include "ezp2p/gossip/message.h"
#include "world.h"

typedef struct ez_bend {
    void *self;
    /* The core sends `message`: it goes out as it is after the call, or not at all when false comes
     * back. What its pointers lead to is not the hook's to change. */
    bool (*says)(void *self, ez_link_id link, ez_message *message);
    /* `message` arrived: false keeps it from the core. */
    bool (*hears)(void *self, ez_link_id link, const ez_message *message);
    /* The core has dealt with a message that it was given. */
    void (*told)(void *self, ez_link_id link, const ez_message *message);
} ez_bend;

/* ez_world_bend: from now on `bend` (borrowed, outlives the world) stands between a host and its
 * links; NULL: nobody does. */
void ez_world_bend(ez_world *world, size_t host, const ez_bend *bend);

/* ez_world_say: send a message in the name of a host, unseen by its core and its bend.
 *   returns  false when the link is gone or not the host's; nothing was sent then */
bool ez_world_say(ez_world *world, size_t host, ez_link_id link, const ez_message *message);

/* ez_world_host_at: the host with this address, on whatever port; 0: none. */
size_t ez_world_host_at(const ez_world *world, const ez_endpoint *endpoint);

#endif
