/* Looking into a node without changing it: what the REST routes show. Call from the thread that
 * drives the node, between events; results are values or borrowed until the next event. */
#ifndef EZP2P_NODE_QUERY_H
#define EZP2P_NODE_QUERY_H

#include "ezp2p/chain/pool.h"
#include "ezp2p/node/node.h"

typedef struct ez_node_status {
    ez_public_key node;
    const char *network;
    ez_tip tip;
    uint64_t tip_timestamp;
    uint64_t best_header_height; /* of the best header chain known */
    bool syncing; /* bodies of a better chain are being fetched, or headers asked for */
    bool mining;
    uint32_t peers_inbound; /* handshake done */
    uint32_t peers_outbound;
    uint32_t links; /* all, with those still shaking hands */
    size_t pool_count;
    size_t pool_bytes;
    size_t orphan_count;
    size_t parked_count; /* kept outside the pool until they can stand */
    size_t parked_bytes;
    size_t tree_count;
    size_t book_count; /* addresses known */
    uint64_t writes_pending;
    size_t write_bytes_pending;
} ez_node_status;

void ez_node_get_status(const ez_node *node, ez_node_status *out);

/* Monotonic totals since the start, for /metrics. */
typedef struct ez_node_counters {
    uint64_t messages_in[EZ_MESSAGE_TYPES];
    uint64_t messages_out[EZ_MESSAGE_TYPES];
    uint64_t message_bytes_in;
    uint64_t blocks_connected;
    uint64_t blocks_disconnected;
    uint64_t reorgs;
    uint64_t blocks_mined;
    uint64_t txs_accepted;    /* into the pool, from anywhere */
    uint64_t txs_duplicate;   /* payloads received that we had: the cost of gossip */
    uint64_t txs_received;    /* payloads received in all */
    uint64_t bodies_received; /* full or rebuilt */
    uint64_t bodies_rebuilt;  /* from an announcement and the pool, without asking */
    uint64_t bodies_parts;    /* rebuilt after asking for missing transactions */
    uint64_t peers_faulted;   /* dropped for breaking a rule */
    uint64_t dials;
    uint64_t dials_failed;
    uint64_t requests_expired; /* asked elsewhere after a timeout */
} ez_node_counters;

const ez_node_counters *ez_node_get_counters(const ez_node *node);

/* ez_node_get_flight: requests under way to the peer that has most of them, of either kind. */
typedef struct ez_node_flight {
    uint32_t bodies, txs;
} ez_node_flight;

ez_node_flight ez_node_get_flight(const ez_node *node);

/* A block as the node knows it. */
typedef struct ez_block_info {
    ez_block_id id;
    ez_header header;
    ez_work work;
    bool active; /* on the chain of the tip */
    bool has_body;
    bool invalid;
    uint64_t confirmations; /* 1 for the tip, 0 when not active */
    bool has_view_hash;
    ez_hash view_hash; /* of the original's view, once durable */
} ez_block_info;

/* ez_node_block_at: the active chain's block at `height`; ez_node_block_by_id: any known block.
 * ez_node_block_on: the ancestor at `height` of block `tip`, whichever chain is active now, so that
 * a long listing stays on one chain. All return false, *out untouched, when there is none. */
bool ez_node_block_at(const ez_node *node, ez_block_info *out, uint64_t height);
bool ez_node_block_by_id(const ez_node *node, ez_block_info *out, const ez_block_id *id);
bool ez_node_block_on(const ez_node *node, ez_block_info *out, const ez_block_id *tip,
                      uint64_t height);

/* ez_node_body: a block's body, one new reference; NULL when not held. */
ez_blob *ez_node_body(const ez_node *node, const ez_block_id *id);

/* ez_node_account: an account after the tip; ez_node_next_sequence: with the pool's entries too. */
void ez_node_account(const ez_node *node, ez_account *out, const ez_public_key *key);
uint64_t ez_node_next_sequence(const ez_node *node, const ez_public_key *key);

/* ez_node_find_tx: where a transaction of the active chain stands. */
bool ez_node_find_tx(const ez_node *node, ez_tx_place *out, const ez_tx_id *id);

/* ez_node_pool: the pool, for find, iteration and counts. */
const ez_pool *ez_node_pool(const ez_node *node);

const ez_network *ez_node_network(const ez_node *node);
const ez_public_key *ez_node_key(const ez_node *node);

typedef struct ez_peer_info {
    ez_link_id link;
    ez_endpoint endpoint; /* of the socket */
    uint16_t listen_port; /* as it claims, 0: none */
    bool inbound;
    bool manual; /* configured or registered by a person */
    bool ready;
    ez_public_key node; /* when ready */
    char user_agent[EZ_USER_AGENT_BYTES_MAX + 1];
    ez_time_ms since;
    ez_time_ms last_received;
    bool has_ping;
    uint32_t ping_ms;     /* last round trip */
    uint64_t best_height; /* the best header we know it has, or its claim */
    ez_block_id best_id;
    uint32_t bodies_in_flight;
    uint32_t txs_in_flight;
    uint64_t blocks_given; /* new to us, it gave first */
    uint64_t txs_given;
    const char
        *standing; /* why it is kept, in words: "asked for by --peer", "chosen from the book", … */
} ez_peer_info;

/* ez_node_peers: fill up to `max` rows in order of connection.
 *   returns  how many there are in all */
size_t ez_node_peers(const ez_node *node, ez_peer_info *out, size_t max);

typedef struct ez_manual_info {
    const char *host; /* borrowed */
    uint16_t port;
    bool connected;
} ez_manual_info;

/* ez_node_manual_peers: peers configured or registered, in order of registration. */
size_t ez_node_manual_peers(const ez_node *node, ez_manual_info *out, size_t max);

#endif
