/* The node: the whole protocol as a state machine without IO. It owns the chain, the pool, the
 * peers and all decisions; it reads no clock, opens no socket, starts no thread and writes no disk.
 *
 *     for each event:  ez_node_handle(node, &event, now);
 *                      while (ez_node_next_effect(node, &effect)) carry_out(&effect);
 *                      wake me at ez_node_deadline(node)
 *
 * Not thread-safe: one thread drives a node. The same events at the same times, with the same
 * config and store, give the same effects, bit for bit.
 */
#ifndef EZP2P_NODE_NODE_H
#define EZP2P_NODE_NODE_H

#include "ezp2p/base/log.h"
#include "ezp2p/base/status.h"
#include "ezp2p/base/time.h"
#include "ezp2p/chain/network.h"
#include "ezp2p/crypto/sign.h"
#include "ezp2p/gossip/relay.h"
#include "ezp2p/node/event.h"
#include "ezp2p/node/store_port.h"

typedef struct ez_node ez_node;

typedef struct ez_manual_peer {
    const char *host;
    uint16_t port;
} ez_manual_peer;

typedef struct ez_node_config {
    ez_network network;
    ez_public_key key;     /* the node's; the secret that belongs to it stays behind the signer */
    uint8_t seed[16];      /* of all the core's randomness */
    uint16_t listen_port;  /* advertised to peers; 0: not accepting */
    uint32_t outbound_max; /* connections we choose from the address book and keep */
    uint32_t inbound_max;
    bool mine;                      /* mine in the background all the time */
    const ez_relay_strategy *relay; /* how transactions spread; NULL: the default way */
    const char *user_agent;
    const ez_manual_peer *peers; /* from --peer: kept connected for ever; copied */
    size_t peer_count;
} ez_node_config;

typedef struct ez_node_ports {
    const ez_store_port *store; /* must outlive the node */
    const ez_log *log;          /* may be NULL */
    ez_signer signer;           /* of entries in the node's name */
} ez_node_ports;

/* ez_node_new: a node over what the store holds.
 *   returns  EZ_OK with *out the node, effects may be pending at once; EZ_ERR_CORRUPT when the
 * stored chain contradicts itself, or the store's own status; *out is NULL then */
EZ_MUST_USE ez_status ez_node_new(ez_node **out, const ez_node_config *config,
                                  const ez_node_ports *ports, ez_now now);
void ez_node_free(ez_node *node); /* NULL is fine */

/* ez_node_handle: take in one event. What the event lends is borrowed for the call, what it moves
 * in (a check job) is the node's. Never re-entered. */
void ez_node_handle(ez_node *node, const ez_event *event, ez_now now);

/* ez_node_next_effect: the next thing to do, in order; false when there is none. What an effect
 * lends is borrowed until the next call on the node; what it moves out is the caller's. */
bool ez_node_next_effect(ez_node *node, ez_effect *out);

/* ez_node_deadline: when EZ_EVENT_TICK is due, in the driver's monotonic time; EZ_TIME_NEVER: not
 * at all. Asked again after each handled event. */
ez_time_ms ez_node_deadline(const ez_node *node);

#endif
