/* The door of a core as a value: what a driver needs of it, and no more. A recorder stands between
 * driver and node this way (record/recorder.h), and a test can put a scripted core in a node's
 * place. The calls keep the contracts of node.h.
 */
#ifndef EZP2P_NODE_CORE_H
#define EZP2P_NODE_CORE_H

#include "ezp2p/node/node.h"

typedef struct ez_core {
    void *self;
    void (*handle)(void *self, const ez_event *event, ez_now now);
    bool (*next_effect)(void *self, ez_effect *out);
    ez_time_ms (*deadline)(const void *self);
} ez_core;

/* ez_node_core: the door of a node, which must outlive it. */
ez_core ez_node_core(ez_node *node);

#endif
