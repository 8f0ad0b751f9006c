/* Everything that enters the core, and everything that leaves it.
 *
 * A driver turns the world into events and hands them to ez_node_handle one by one; the core
 * answers with effects, taken one by one with ez_node_next_effect. Nothing else passes between them
 * but the reads of store_port.h and query.h.
 */
#ifndef EZP2P_NODE_EVENT_H
#define EZP2P_NODE_EVENT_H

#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/id.h"
#include "ezp2p/chain/check.h"
#include "ezp2p/chain/rule.h"
#include "ezp2p/gossip/message.h"
#include "ezp2p/node/store_port.h"

/* ---- in ---------------------------------------------------------------------------------- */

typedef enum ez_event_type {
    EZ_EVENT_TICK,         /* the deadline of ez_node_deadline has come; harmless at any time */
    EZ_EVENT_LINK_UP,      /* a connection was accepted, or a dial succeeded */
    EZ_EVENT_LINK_DOWN,    /* it is gone; not sent for links closed by EZ_EFFECT_CLOSE */
    EZ_EVENT_DIAL_FAILED,  /* no connection came of a dial */
    EZ_EVENT_MESSAGE,      /* a frame was decoded */
    EZ_EVENT_LINK_FAULT,   /* the stream broke a framing rule or bound; the core answers with a
                              Goodbye and a close */
    EZ_EVENT_LINK_DRAINED, /* all output queued for a link has been handed to the kernel; need not
                              be told before 32 KiB were queued since the last time */
    EZ_EVENT_CHECKED,      /* a check job is done; the core takes the job */
    EZ_EVENT_STORED,       /* all writes up to `number` are durable */
    EZ_EVENT_PROOF_FOUND,  /* the miner found a proof for a template */
    EZ_EVENT_COMMAND,      /* a person or an API client wants something */
} ez_event_type;

typedef enum ez_command_type {
    EZ_COMMAND_SUBMIT_ENTRY, /* sender, recipient, amount: the node signs (original route) */
    EZ_COMMAND_SUBMIT_TX,    /* bytes: signed elsewhere */
    EZ_COMMAND_MINE_ONE,     /* one block by this node */
    EZ_COMMAND_ADD_PEER,     /* text, port: stay connected to it, also after a restart; behind
                                EZ_REST_PREFIX it is only remembered */
    EZ_COMMAND_REMOVE_PEER,  /* text, port: no longer; its links are closed */
    EZ_COMMAND_DISCONNECT,   /* link */
    EZ_COMMAND_RESOLVE,      /* ask every peer for its chain, wait for the answers */
    EZ_COMMAND_CANCEL,       /* the client of `request` went away: no reply is wanted */
    EZ_COMMAND_SHUTDOWN,     /* say Goodbye to all, write what is kept; replied to when durable */
} ez_command_type;

typedef struct ez_command {
    ez_command_type type;
    uint64_t request;       /* the driver's number for the reply; 0: no reply wanted */
    ez_byte_span sender;    /* SUBMIT_ENTRY: untrusted text */
    ez_byte_span recipient; /* SUBMIT_ENTRY: untrusted text */
    uint64_t amount;        /* SUBMIT_ENTRY */
    ez_byte_span bytes;     /* SUBMIT_TX */
    const char *text;       /* ADD_PEER, REMOVE_PEER: host name or numeric address */
    uint16_t port;
    ez_link_id link; /* DISCONNECT */
} ez_command;

typedef struct ez_event {
    ez_event_type type;
    ez_link_id link; /* LINK_*, MESSAGE */
    union {
        struct {
            uint64_t dial;      /* number of the dial that led here; 0 for an accepted link */
            ez_endpoint remote; /* as the socket has it */
        } link_up;
        struct {
            uint64_t dial;
        } dial_failed;
        struct {
            const ez_message *message; /* borrowed for the call */
            size_t wire_bytes;
        } message;
        ez_goodbye fault;  /* LINK_FAULT */
        ez_check_job *job; /* CHECKED: moves in */
        uint64_t stored;   /* STORED: number */
        struct {
            uint64_t generation; /* of the template it was found for */
            uint64_t proof;
        } proof_found;
        ez_command command;
    } as;
} ez_event;

/* ---- out --------------------------------------------------------------------------------- */

typedef enum ez_effect_type {
    EZ_EFFECT_DIAL,  /* connect to `dial`; answer with LINK_UP or DIAL_FAILED */
    EZ_EFFECT_SEND,  /* queue a message on a link */
    EZ_EFFECT_CLOSE, /* flush what is queued (for at most a second) and close; no event follows */
    EZ_EFFECT_READY, /* the handshake is done: raise the frame limit of a link */
    EZ_EFFECT_CHECK, /* run a job; the driver takes it and returns it as CHECKED */
    EZ_EFFECT_WRITE, /* make durable, in order; the driver takes it */
    EZ_EFFECT_MINE,  /* search a proof for this header, in place of any other */
    EZ_EFFECT_MINE_STOP, /* nothing to mine */
    EZ_EFFECT_REPLY,     /* the answer to a command */
    EZ_EFFECT_NOTIFY,    /* something happened that an observer may want to see */
} ez_effect_type;

typedef struct ez_reply {
    uint64_t request;
    ez_command_type command;
    ez_rule rule;         /* SUBMIT_*: EZ_RULE_OK means durable */
    ez_tx_id tx_id;       /* SUBMIT_* */
    uint64_t next_height; /* SUBMIT_*: height of the block that comes next */
    ez_block_id block;    /* MINE_ONE: the block found, durable */
    bool replaced;        /* RESOLVE: the tip changed to another chain or grew meanwhile */
    ez_status status;     /* MINE_ONE, *_PEER: EZ_OK, or EZ_ERR_LIMIT, EZ_ERR_NOT_FOUND */
} ez_reply;

typedef enum ez_notice_type {
    EZ_NOTICE_BLOCK, /* became the tip */
    EZ_NOTICE_REORG, /* the tip moved to another branch; sent before the BLOCK notices of the new
                        one */
    EZ_NOTICE_TX,    /* entered the pool */
    EZ_NOTICE_PEER_UP,
    EZ_NOTICE_PEER_DOWN,
} ez_notice_type;

typedef struct ez_notice {
    ez_notice_type type;
    ez_block_id block;    /* BLOCK, REORG: the new tip */
    ez_block_id old_tip;  /* REORG */
    uint64_t height;      /* BLOCK, REORG */
    uint64_t depth;       /* REORG: blocks taken off */
    uint32_t tx_count;    /* BLOCK */
    bool own;             /* BLOCK: mined here. TX: taken in from a client here */
    ez_tx_id tx;          /* TX */
    ez_public_key node;   /* PEER_* */
    ez_endpoint endpoint; /* PEER_* */
    ez_link_id link;      /* PEER_* */
    bool inbound;         /* PEER_* */
    uint32_t reason;      /* PEER_DOWN: ez_goodbye */
    bool by_us;           /* PEER_DOWN: we ended it */
} ez_notice;

typedef struct ez_effect {
    ez_effect_type type;
    ez_link_id link; /* SEND, CLOSE, READY */
    union {
        struct {
            uint64_t dial;    /* number, never reused */
            const char *host; /* a name or numeric address, borrowed until the next call */
            uint16_t port;
        } dial;
        const ez_message *message; /* SEND: borrowed until the next call of ez_node_next_effect */
        ez_check_job *job;         /* CHECK: moves out */
        ez_write *write;           /* WRITE: moves out */
        struct {
            uint64_t generation; /* newer templates have larger numbers */
            ez_header header;    /* proof is to be found; start anywhere */
            bool paced;          /* background mining: keep to --mine-rate; false: a client waits */
        } mine;
        ez_reply reply;
        ez_notice notice;
    } as;
} ez_effect;

#endif
