/* The parts of a node, and what its source files offer each other.
 *
 *   node.c       the door: events in, effects out, the deadline
 *   effects.c    the effect queue, sending, the open write
 *   links.c      links come and go, handshake, pings, faults
 *   outbound.c   whom to dial; address exchange
 *   txs.c        announcing, fetching and taking in transactions
 *   relay.c      new transactions onto the links, as the relay strategy says; hints and grafts
 *   headers.c    header sync, block announcements, whose chain is how long
 *   bodies.c     which bodies to fetch, and what becomes of those that arrive
 *   rebuild.c    block bodies from announcements and the pool
 *   held.c       entries of clients that are not on disk yet
 *   parked.c     transactions that cannot stand at the moment and are kept
 *   parked_set.c the set of them
 *   serve.c      answering requests within the output budget
 *   chain.c      blocks into the tree and the ledger, reorganisations
 *   recent.c     blocks that are not yet durable, or were a moment ago
 *   mining.c     templates and found proofs
 *   commands.c   what people and API clients ask for
 *   load.c       the start from what the store holds
 *   query.c      what others may look at
 *
 * Conventions: node->now is the time of the event being handled. A peer that was closed stays in
 * the table, marked, until the end of the event, so that loops over peers stay valid.
 */
#ifndef EZP2P_NODE_NODE_INTERNAL_H
#define EZP2P_NODE_NODE_INTERNAL_H

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/number_hash.h"
#include "ezp2p/base/rng.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/ledger.h"
#include "ezp2p/chain/pool.h"
#include "ezp2p/chain/tree.h"
#include "ezp2p/gossip/book.h"
#include "ezp2p/gossip/dialer.h"
#include "ezp2p/gossip/fetch.h"
#include "ezp2p/gossip/known.h"
#include "ezp2p/gossip/relay.h"
#include "ezp2p/gossip/seen.h"
#include "ezp2p/gossip/short_id.h"
#include "ezp2p/gossip/want.h"
#include "ezp2p/node/node.h"
#include "ezp2p/node/query.h"
#include "parked_internal.h"

#define uthash_fatal(message)          ez_assert_fail(message, __FILE__, __LINE__)
#define HASH_FUNCTION(key, size, hash) ((hash) = ez_number_hash(key, size))
#include <uthash.h>

#define NODE_WAITERS_MAX 64 /* body requests of a peer that wait for our own check */
#define NODE_SERVE_MAX   64 /* bodies a peer may have asked for and not yet been sent */

/* A request for a block that we know by header and are still checking. */
typedef struct node_waiter {
    ez_block_id id;
    uint32_t *positions; /* of GET_PARTS, owned; NULL: the whole body */
    size_t position_count;
} node_waiter;

/* Something that is spent by events and comes back with time. */
typedef struct node_allowance {
    uint32_t spent;
    ez_time_ms since; /* when that was brought up to date */
} node_allowance;

typedef struct ez_peer {
    ez_link_id link;
    bool inbound;
    bool closing; /* closed, to be swept */
    bool got_hello, got_ready;
    bool ready;  /* the handshake is done in both directions */
    bool feeler; /* dialled to see whether somebody is there, and nothing else */
    ez_endpoint remote;
    uint64_t our_nonce;
    ez_time_ms since;
    ez_time_ms last_received;

    /* what its Hello said */
    ez_public_key node;
    ez_siphash_key short_key; /* of short ids that it has to know again */
    uint16_t listen_port;
    char user_agent[EZ_USER_AGENT_BYTES_MAX + 1];
    ez_tip claim; /* its tip, until shown or refuted; work zero: no claim */

    /* liveness */
    uint64_t ping_nonce;
    ez_time_ms ping_sent; /* 0: none under way */
    bool has_ping;
    uint32_t ping_ms;

    /* chain */
    ez_block_id best;         /* greatest header that it showed us */
    ez_block_id told;         /* greatest header that we told it of; it may not have the body */
    uint64_t common;          /* height up to which its chain agrees with the fetch target */
    ez_time_ms headers_asked; /* 0: no request under way */
    uint32_t known_batches;   /* full batches of headers in a row that told nothing new */
    bool owes_headers;        /* we do, once its output has room */
    ez_block_id owed_from;
    uint64_t rebuilt_height; /* of the blocks that were rebuilt last as it told of them */
    uint32_t rebuilt;        /* how many there */
    uint32_t stalls;         /* bodies in a row that it did not deliver */
    ez_time_ms recheck_at;   /* it lacked a block it told us of, or told us of one too early: ask
                                what it has; 0: no need */
    ez_time_ms recheck_pause;
    bool resolving; /* its headers are awaited by a resolve command */

    /* transactions */
    ez_known known;
    ez_time_ms announce_next;  /* not before */
    uint32_t announce_open;    /* ids of the last full announcement that it has not asked for */
    ez_time_ms asked_last;     /* when it last asked for a transaction; 0: never */
    ez_time_ms announce_again; /* when the pool is announced to it from the beginning */
    uint32_t tx_jobs;          /* checks under way for it */
    uint64_t pool_cursor;      /* arrival number up to which the pool was announced to it */
    uint64_t pool_told;        /* the same before the last time that it began anew */
    uint64_t *hints;           /* EZ_HINTS_MAX, to be sent together; NULL: none */
    size_t hint_count;
    node_allowance hinted;      /* in hints sent to it */
    node_allowance graft_looks; /* in transactions looked at for its grafts */

    /* output */
    size_t queued;      /* bytes sent since the link was last drained */
    ez_block_id *serve; /* bodies asked for, not yet sent; NULL: none */
    size_t serve_count;
    ez_tx_id *serve_txs; /* asked for, not yet sent */
    size_t serve_tx_count;
    node_waiter *waiters; /* NULL: none */
    size_t waiter_count;

    /* addresses */
    bool addresses_given; /* by us, once per link */
    uint32_t addresses_taken;

    /* merit */
    uint64_t blocks_given, txs_given;
    ez_time_ms last_block, last_tx;

    UT_hash_handle hh;
} ez_peer;

typedef enum job_source {
    JOB_TX_PEER,
    JOB_TX_CLIENT,
    JOB_BODY_FETCHED, /* a peer sent the body */
    JOB_BODY_PARTS,   /* from an announcement, the pool, and parts that a peer sent */
    JOB_BODY_REBUILT, /* from an announcement and the pool alone */
    JOB_BODY_OWN,     /* mined here */
} job_source;

/* A check under way. */
typedef struct node_job {
    uint64_t id;
    job_source source;
    ez_link_id peer;    /* who sent it; value 0: nobody */
    ez_block_id block;  /* body kinds */
    uint64_t request;   /* JOB_TX_CLIENT */
    ez_check_job *done; /* transactions wait here for those that were sent before them */
    ez_blob *bytes;     /* transactions: the encoding */
    UT_hash_handle hh;
} node_job;

/* A block whose announcement lacked some transactions that we asked for. */
typedef struct node_partial {
    ez_block_id id;
    ez_link_id peer;
    ez_blob **txs;      /* one per transaction, the reward last; NULL: missing */
    ez_block_tx *known; /* of those that the pool had */
    bool repeats;       /* the announcement names one of them twice */
    size_t tx_count;
    uint32_t *missing;
    size_t missing_count;
    struct node_partial *prev, *next;
} node_partial;

/* What is known of a body's transactions before it is checked: the index of all but the last, which
 * are the pool's. Owned; NULL: nothing. */
typedef struct node_known_txs {
    ez_block_tx *txs;
    uint32_t count;
    bool fresh; /* they were pooled when the block's parent was our tip, so it has none of them */
} node_known_txs;

/* A checked body that waits for its parent. */
typedef struct node_waiting {
    ez_block_id id;
    ez_block *block;
    ez_link_id peer;
    UT_hash_handle hh;
} node_waiting;

/* A block of which the store may not know yet, or that peers are likely to ask for. */
typedef struct node_recent {
    ez_block_id id;
    ez_block *block;
    ez_account_change *before; /* undo record of the last connection, NULL: never connected */
    uint32_t before_count;
    uint64_t write;                  /* durable when this write is */
    struct node_recent *prev, *next; /* in order of write */
    UT_hash_handle hh;
} node_recent;

typedef struct node_reply {
    ez_reply reply;
    uint64_t write; /* due when this write is durable */
    struct node_reply *prev, *next;
} node_reply;

typedef struct node_request {
    uint64_t request;
    struct node_request *prev, *next;
} node_request;

typedef struct node_held node_held; /* held.c */

/* A resolve command under way. */
typedef struct node_resolve {
    uint64_t request;
    ez_block_id tip_before;
    ez_time_ms deadline;
    struct node_resolve *prev, *next;
} node_resolve;

typedef struct node_discouraged {
    ez_endpoint who; /* port 0: the whole host */
    ez_time_ms until;
} node_discouraged;

typedef struct node_effect {
    ez_effect effect;
    ez_message message; /* SEND */
    void *memory; /* what the message or the effect leads to; freed after it was carried out */
    ez_blob *blob;
    struct node_effect *prev, *next;
} node_effect;

struct ez_node {
    ez_network network;
    ez_public_key key;
    uint16_t listen_port;
    uint32_t outbound_max, inbound_max;
    bool mine_always;
    char *user_agent;
    const ez_store_port *store;
    ez_signer signer;
    const ez_log *log;
    ez_chain_source source;
    ez_rng rng;
    ez_siphash_key table_key; /* of our own hash tables */
    ez_tx_id marked;          /* the transaction that node_known_mark was asked for last */
    uint64_t mark;
    ez_now now;
    ez_time_ms wake;
    bool stopping;
    ez_node_counters counters;

    /* effects */
    node_effect *effects;
    node_effect *carried; /* the one handed out last */
    node_effect *spare;   /* carried out, to be used again; linked by `next` */
    uint32_t spare_count;
    ez_write *open_write; /* operations of the event being handled */
    size_t open_capacity;
    uint64_t last_write, stored_write;
    size_t write_bytes; /* in writes that are not durable yet */
    struct node_write_size *write_sizes;
    node_reply *replies;

    /* peers */
    ez_peer *peers;
    bool has_closing;
    uint32_t ready_inbound, ready_outbound;
    ez_dialer *dialer;
    bool dial_dirty;     /* somebody came or went, or addresses were learnt */
    ez_time_ms dial_due; /* when the address book is looked at again */
    ez_time_ms feeler_due;
    ez_book *book;
    bool book_changed;
    ez_time_ms book_saved;
    node_discouraged *discouraged;
    size_t discouraged_count;

    /* chain */
    ez_tree *tree;
    ez_entry *tip;
    ez_ledger *ledger;
    ez_pool *pool;
    node_recent *recents;      /* by id */
    node_recent *recents_list; /* oldest write first */

    /* transactions */
    parked_set parked;
    bool own_set_aside; /* transactions that we signed are on disk and not in `parked` */
    node_held *held;    /* oldest first */
    ez_want *want;
    ez_relay *relay;
    ez_seen *seen;
    ez_siphash_key short_key; /* of short ids that we have to know again */
    ez_time_ms hints_due;     /* EZ_TIME_NEVER: none are waiting */
    node_job *jobs;
    uint64_t last_job;  /* number of the newest job */
    uint64_t *tx_order; /* ring of the numbers of transaction jobs, in order of arrival */
    size_t tx_order_at, tx_order_count, tx_order_capacity;
    bool pool_grew;
    uint64_t last_entry_timestamp; /* of an entry that we signed */

    /* fetching */
    ez_fetch *fetch;
    ez_block_id target; /* the header chain whose bodies are fetched */
    bool has_target;
    bool target_doubtful; /* only peers that fail to deliver have it */
    bool catching_up;     /* more than a block was missing, and its last is not connected yet */
    bool plan_dirty;
    ez_time_ms tip_moved;   /* when */
    bool tip_news, tip_own; /* peers are to hear of the tip; we mined it */
    node_waiting *waiting;
    size_t waiting_bytes;
    size_t checking_bytes; /* of bodies that are being checked */
    size_t body_bytes_mean;
    node_partial *partials;
    size_t partial_count;
    ez_link_id headers_peer[2]; /* whom we sync headers from: outbound, inbound; value 0: nobody */
    bool headers_dirty;         /* a turn is free, or somebody else may take it */
    ez_time_ms recheck_due;     /* not after the first recheck_at of a peer that can be asked */

    /* mining */
    uint64_t generation;
    bool template_on;
    bool template_paced;
    bool template_stale; /* the tip moved, or a client asked */
    bool own_pending;    /* a found block is being checked */
    ez_block_id own_id;  /* which */
    ez_time_ms template_made;
    ez_time_ms mining_pause; /* no template before */
    ez_header template_header;
    ez_blob *template_body;
    node_known_txs template_txs; /* of the body; behind those counted stands the reward */
    uint64_t template_pool_arrival;
    node_request *mine_requests;

    node_resolve *resolves;
};

/* ---- effects.c */
node_effect *node_push(ez_node *node, ez_effect_type type);
/* Queue a message. `memory` moves in (freed when carried out), of `blob` a reference is taken; the
 * message's pointers must lead into them or into static data. */
void node_send(ez_node *node, ez_peer *peer, const ez_message *message, void *memory,
               ez_blob *blob);
void node_send_ids(ez_node *node, ez_peer *peer, ez_message_type type, const void *ids,
                   size_t count);
/* The number of the write that operations of this event will be in. */
uint64_t node_write_number(const ez_node *node);
ez_write_op *node_write(ez_node *node, ez_write_kind kind);
void node_write_urgent(ez_node *node); /* somebody waits for this event's write */
void node_flush_write(ez_node *node);
void node_reply_later(ez_node *node,
                      const ez_reply *reply); /* when this event's write is durable */
void node_reply_now(ez_node *node, const ez_reply *reply);
void node_stored(ez_node *node, uint64_t number);
void node_wake_at(ez_node *node, ez_time_ms at);
void node_clear_effects(ez_node *node);

/* ---- links.c */
ez_peer *node_peer(ez_node *node, ez_link_id link);
void node_link_up(ez_node *node, const ez_event *event);
void node_link_down(ez_node *node, ez_link_id link);
void node_dial_failed(ez_node *node, uint64_t dial);
bool node_shake(ez_node *node, ez_peer *peer, const ez_message *message);
void node_close_peer(ez_node *node, ez_peer *peer, ez_goodbye reason, const char *text);
void node_goodbye_received(ez_node *node, ez_peer *peer, uint32_t reason);
void node_pong_received(ez_node *node, ez_peer *peer, uint64_t nonce);
void node_check_links(ez_node *node);
void node_sweep(ez_node *node);
bool node_is_discouraged(ez_node *node, const ez_endpoint *endpoint);

/* ---- outbound.c */
void node_dial_some(ez_node *node);
void node_peer_is_ready(ez_node *node, ez_peer *peer); /* address part */
void node_addresses_received(ez_node *node, ez_peer *peer, const ez_message *message);
void node_addresses_wanted(ez_node *node, ez_peer *peer);
void node_save_book(ez_node *node, bool at_once);
void node_note_anchors(ez_node *node); /* whom to dial first after the next start */

/* ---- txs.c */
void node_txs_announced(ez_node *node, ez_peer *peer, const ez_message *message);
void node_txs_received(ez_node *node, ez_peer *peer, const ez_message *message);
void node_txs_missing(ez_node *node, ez_peer *peer, const ez_message *message);
void node_check_client_tx(ez_node *node, const ez_byte_span *bytes, uint64_t request);
ez_rule node_take_tx(ez_node *node, const ez_tx *tx, const ez_tx_id *id, ez_blob *bytes,
                     bool from_client, ez_link_id peer);
void node_tx_checked(ez_node *node, node_job *job, ez_check_job *done);
void node_take_orphans(ez_node *node);
void node_ask_txs(ez_node *node);
void node_announce_again(ez_node *node);
void node_announced_asked(ez_node *node, ez_peer *peer, size_t count);
void node_announce_txs(ez_node *node);
void node_tx_left_pool(void *self, const ez_pool_entry *entry, ez_rule rule);

/* What was seen of a transaction lately; NULL: nothing. */
ez_seen_tx *node_seen(ez_node *node, const ez_tx_id *id);
/* Whether another copy of what was seen (NULL: nothing) is of no use now. */
bool node_seen_is_here(const ez_node *node, const ez_seen_tx *seen);
/* Remember what became of one: OK if pooled or in a block, else why it cannot stand. */
void node_note_tx(ez_node *node, const ez_tx_id *id, ez_rule rule);

/* ---- relay.c */
uint64_t node_known_mark(ez_node *node, const ez_tx_id *id);
/* A transaction entered the pool for the first time. `from` value 0: not from a peer. */
void node_relay_fresh(ez_node *node, const ez_tx_id *id, ez_blob *bytes, ez_link_id from);
void node_peer_has_tx(ez_node *node, ez_peer *peer, const ez_tx_id *id); /* as it has shown */
void node_hints_received(ez_node *node, ez_peer *peer, const ez_message *message);
void node_grow_received(ez_node *node, ez_peer *from, const ez_message *message);
void node_grafts_wanted(ez_node *node, ez_peer *peer, const ez_message *message);
void node_send_grafts(ez_node *node, ez_peer *peer, const uint64_t *short_ids, size_t count);
void node_send_hints(ez_node *node); /* that are due */

/* A transaction entered the pool and may be told of: to observers, and to peers as they like it. */
void node_tx_is_public(ez_node *node, const ez_tx_id *id, ez_blob *bytes, bool own,
                       ez_link_id from);

/* ---- held.c */
/* Keep a client's entry to ourselves until this event's write is durable. */
void node_hold(ez_node *node, const ez_pool_entry *entry);
/* Entries that arrived from here on (pool order) are not told of yet; UINT64_MAX: all are. */
uint64_t node_held_from(const ez_node *node);
void node_release_held(ez_node *node);
void node_clear_held(ez_node *node);

/* ---- parked.c */
/* Keep a transaction, whose row is on disk, to be tried again. */
void node_park(ez_node *node, const ez_tx_id *id, ez_blob *bytes, const ez_public_key *signer,
               uint64_t sequence, ez_pool_keep keep);
bool node_has_parked_own(const ez_node *node); /* signed with our key */
bool node_may_stand_later(ez_rule rule);       /* refused for a reason that may pass */
void node_retry_parked(ez_node *node, const ez_public_key *signer);
void node_retry_all_parked(ez_node *node); /* of EZ_PARKED_LOOKS_MAX signers in turn, and our own */

/* ---- headers.c */
void node_headers_ready(ez_node *node, ez_peer *peer); /* its handshake is done */
void node_headers_wanted(ez_node *node, ez_peer *peer, const ez_message *message);
void node_headers_received(ez_node *node, ez_peer *peer, const ez_message *message);
void node_block_announced(ez_node *node, ez_peer *peer, const ez_message *message);
void node_sync_headers(ez_node *node);
void node_recheck_later(ez_node *node, ez_peer *peer); /* what its chain is */
void node_ask_headers(ez_node *node, ez_peer *peer, const ez_entry *from);
void node_set_best(ez_node *node, ez_peer *peer, const ez_entry *entry);
const ez_entry *node_best_of(const ez_node *node, const ez_peer *peer); /* NULL: unknown */
/* Tell whoever does not know of `entry` yet; txs[0 .. count) are all but its reward. */
void node_announce_block(ez_node *node, const ez_entry *entry, const ez_block_tx *txs,
                         uint32_t count, ez_byte_span reward);
void node_announce_tip(ez_node *node); /* if there are news, and no better chain is on its way */
void node_headers_peer_gone(ez_node *node, ez_peer *peer);
void node_serve_headers(ez_node *node, ez_peer *peer); /* those that waited for room */

/* ---- bodies.c */
void node_plan(ez_node *node);
void node_ask_bodies(ez_node *node);
void node_body_received(ez_node *node, ez_peer *peer, const ez_message *message);
void node_bodies_missing(ez_node *node, ez_peer *peer, const ez_message *message);
/* `known` moves in. */
void node_check_body(ez_node *node, const ez_entry *entry, ez_blob *body, node_known_txs known,
                     job_source source, ez_link_id peer);
void node_body_checked(ez_node *node, node_job *job, ez_check_job *done);
bool node_body_is_wanted(const ez_node *node, const ez_entry *entry);
void node_connect_waiting(ez_node *node);
void node_check_stalls(ez_node *node);
void node_clear_waiting(ez_node *node);
bool node_is_syncing(const ez_node *node);
bool node_is_behind(const ez_node *node); /* by more than a block, and catching up */
/* What accounts have may be in blocks that are on their way. */
bool node_may_lack_blocks(const ez_node *node);

/* ---- rebuild.c */
bool node_rebuild(ez_node *node, ez_peer *peer, const ez_entry *entry, const ez_message *message);
void node_parts_received(ez_node *node, ez_peer *peer, const ez_message *message);
bool node_partial_drop(ez_node *node, const ez_block_id *id); /* false: there was none */
/* `peer` says that it lacks what it was asked for; false: it was not asked for parts of it. */
bool node_partial_refused(ez_node *node, const ez_block_id *id, ez_link_id peer);
void node_clear_partials(ez_node *node);
void node_partials_peer_gone(ez_node *node, ez_link_id peer);

/* ---- serve.c */
void node_bodies_wanted(ez_node *node, ez_peer *peer, const ez_message *message);
void node_parts_wanted(ez_node *node, ez_peer *peer, const ez_message *message);
void node_txs_wanted(ez_node *node, ez_peer *peer, const ez_message *message);
void node_serve(ez_node *node, ez_peer *peer);
void node_serve_waiters(ez_node *node, const ez_block_id *id);
void node_refuse_waiters(ez_node *node); /* whoever waits for a block we no longer check */
void node_clear_serving(ez_peer *peer);

/* ---- chain.c */
/* Take in a checked block whose parent's body is here: into the tree, the store and, when it leads
 * to the most work, the ledger. */
void node_accept_block(ez_node *node, ez_entry *entry, ez_block *block, bool own);
void node_activate(ez_node *node, bool own);
void node_condemn(ez_node *node, ez_entry *entry, ez_rule rule, const char *detail);
/* The parsed block of an entry that has its body: one new reference. */
ez_block *node_block(ez_node *node, const ez_entry *entry);

/* ---- recent.c */
node_recent *node_recent_find(const ez_node *node, const ez_block_id *id);
node_recent *node_recent_put(ez_node *node, ez_block *block);
void node_recent_settle(ez_node *node);
void node_recent_clear(ez_node *node);
ez_blob *node_body_bytes(const ez_node *node, const ez_block_id *id); /* one new reference */

/* ---- mining.c */
void node_update_mining(ez_node *node);
void node_proof_found(ez_node *node, uint64_t generation, uint64_t proof);
void node_own_block_checked(ez_node *node, ez_check_job *done);

/* ---- commands.c */
void node_command(ez_node *node, const ez_command *command);
void node_check_resolves(ez_node *node);
void node_clear_requests(ez_node *node);

/* ---- load.c */
ez_status node_load(ez_node *node);

/* ---- node.c */
node_job *node_new_job(ez_node *node, job_source source, ez_check_job **job, ez_check_kind kind);
void node_submit_job(ez_node *node, ez_check_job *job);
void node_drop_job(ez_node *node, node_job *job);

/* ---- query.c */
ez_tip node_tip(const ez_node *node);

#define NODE_LOG(node_, level_, event_, ...)                                                       \
    ez_log_emit((node_)->log, (level_), (event_), __VA_ARGS__)

#endif
