/* Messages between nodes as plain structs: what proto/ezp2p.proto says, without protobuf. The wire
 * layer turns frames into these and back; the core sees nothing else.
 *
 * Pointers inside a message are borrowed: in a received one from the frame for the duration of the
 * event, in a sent one from the core until its next call. Counts and sizes of a received message
 * are within the bounds of base/limits.h when the core sees it.
 */
#ifndef EZP2P_GOSSIP_MESSAGE_H
#define EZP2P_GOSSIP_MESSAGE_H

#include "ezp2p/base/blob.h"
#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/types.h"

#define EZ_PROTOCOL_VERSION 1u

/* Why a connection ends. The numbers are part of the protocol: append, never renumber. "fault"
 * marks those that say the receiver broke a rule: they discourage its address for a while. */
/* clang-format off */
#define EZ_GOODBYES_EACH(X) \
    /* X(enumerator, number, "code", fault) */ \
    X(EZ_GOODBYE_UNSPECIFIED, 0, "unspecified", 0) \
    X(EZ_GOODBYE_SHUTDOWN, 1, "shutdown", 0) \
    X(EZ_GOODBYE_FULL, 2, "full", 0) \
    X(EZ_GOODBYE_DUPLICATE, 3, "duplicate", 0) \
    X(EZ_GOODBYE_SELF, 4, "self", 0) \
    X(EZ_GOODBYE_NETWORK, 5, "network", 0) \
    X(EZ_GOODBYE_VERSION, 6, "version", 0) \
    X(EZ_GOODBYE_TIMEOUT, 7, "timeout", 0) \
    X(EZ_GOODBYE_EVICTED, 8, "evicted", 0) \
    X(EZ_GOODBYE_DISCOURAGED, 9, "discouraged", 0) \
    X(EZ_GOODBYE_REQUESTED, 10, "requested", 0) \
    X(EZ_GOODBYE_SLOW_READER, 11, "slow-reader", 0) \
    X(EZ_GOODBYE_FEELER, 12, "feeler", 0) \
    X(EZ_GOODBYE_FRAME_SIZE, 20, "frame-size", 1) \
    X(EZ_GOODBYE_FRAME_MALFORMED, 21, "frame-malformed", 1) \
    X(EZ_GOODBYE_MESSAGE_LIMIT, 22, "message-limit", 1) \
    X(EZ_GOODBYE_MESSAGE_ORDER, 23, "message-order", 1) \
    X(EZ_GOODBYE_HELLO, 24, "hello", 1) \
    X(EZ_GOODBYE_TX_INVALID, 25, "tx-invalid", 1) \
    X(EZ_GOODBYE_HEADER_INVALID, 26, "header-invalid", 1) \
    X(EZ_GOODBYE_BODY_MISMATCH, 27, "body-mismatch", 1) \
    X(EZ_GOODBYE_BLOCK_INVALID, 28, "block-invalid", 1) \
    X(EZ_GOODBYE_UNREQUESTED, 29, "unrequested", 1) \
    X(EZ_GOODBYE_FLOOD, 30, "flood", 1)
/* clang-format on */

typedef enum ez_goodbye {
#define EZ_GOODBYE_ENUM(name, number, code, fault) name = number,
    EZ_GOODBYES_EACH(EZ_GOODBYE_ENUM)
#undef EZ_GOODBYE_ENUM
} ez_goodbye;

/* ez_goodbye_code: the stable word for a reason, "unknown" for a number not listed. */
const char *ez_goodbye_code(uint32_t reason);
bool ez_goodbye_is_fault(uint32_t reason);

/* The numbers are the field numbers of the Envelope's oneof. */
typedef enum ez_message_type {
    EZ_MSG_HELLO = 1,
    EZ_MSG_READY = 2,
    EZ_MSG_GOODBYE = 3,
    EZ_MSG_PING = 4,
    EZ_MSG_PONG = 5,
    EZ_MSG_GET_ADDRESSES = 6,
    EZ_MSG_ADDRESSES = 7,
    EZ_MSG_ANNOUNCE_TXS = 8, /* ids that the sender has */
    EZ_MSG_GET_TXS = 9,      /* ids that the sender wants */
    EZ_MSG_TXS = 10,         /* encoded transactions */
    EZ_MSG_MISSING_TXS = 11, /* asked for, not to be had here */
    EZ_MSG_GET_HEADERS = 12,
    EZ_MSG_HEADERS = 13,
    EZ_MSG_ANNOUNCE_BLOCK = 14, /* a new block: header, short ids of its transactions, its reward */
    EZ_MSG_GET_BODIES = 15,
    EZ_MSG_BODY = 16,
    EZ_MSG_MISSING_BODIES = 17,
    EZ_MSG_GET_PARTS = 18, /* transactions of an announced block, by position */
    EZ_MSG_PARTS = 19,
    EZ_MSG_HINT_TXS = 20,  /* short ids of transactions that the sender has */
    EZ_MSG_GRAFT_TXS = 21, /* hinted ones that it lacks: wanted now, and their trees from now on */
    EZ_MSG_PRUNE = 22,     /* push no more along this tree: another peer does */
    EZ_MSG_GROW = 23,      /* transactions will be pushed along this tree */
} ez_message_type;

#define EZ_MESSAGE_TYPES 24 /* one above the largest number */

const char *ez_message_name(ez_message_type type); /* "hello", "get-headers", … */

typedef struct ez_tip {
    ez_block_id id;
    uint64_t height;
    ez_work work;
} ez_tip;

typedef struct ez_hello {
    uint32_t protocol;
    ez_block_id network;
    ez_public_key node;
    uint64_t nonce; /* random per connection attempt; one's own coming back is a self-connection */
    uint16_t listen_port; /* 0: does not accept connections */
    uint64_t features;    /* none defined yet; unknown bits are ignored */
    ez_tip tip;
    const char *user_agent; /* not terminated, printable ASCII */
    size_t user_agent_size; /* at most EZ_USER_AGENT_BYTES_MAX */
} ez_hello;

typedef struct ez_known_address {
    ez_endpoint endpoint;
    uint32_t age_s; /* since somebody last had a connection to it */
} ez_known_address;

typedef struct ez_byte_span {
    const uint8_t *data;
    size_t size;
} ez_byte_span;

typedef struct ez_message {
    ez_message_type type;
    union {
        ez_hello hello;
        struct {
            uint32_t reason;  /* ez_goodbye, or a number this version does not know */
            const char *text; /* untrusted, not terminated */
            size_t text_size; /* at most EZ_GOODBYE_BYTES_MAX */
        } goodbye;
        struct {
            uint64_t nonce;
        } ping; /* PING and PONG */
        struct {
            const ez_known_address *list;
            size_t count; /* at most EZ_ADDRESSES_MAX */
        } addresses;
        struct {
            const ez_tx_id *list;
            size_t count; /* 1 to EZ_IDS_MAX */
        } tx_ids;         /* ANNOUNCE_TXS, GET_TXS, MISSING_TXS */
        struct {
            const ez_byte_span *list; /* encoded transactions, not yet judged */
            size_t count;             /* 1 to EZ_IDS_MAX */
            uint32_t tree; /* 0: asked for; else pushed along this tree, 1 to EZ_TREES_MAX */
        } txs;
        struct {
            const uint64_t *list; /* made with the key of whoever keeps the book (short_id.h) */
            size_t count;         /* 1 to EZ_IDS_MAX */
        } short_ids;              /* HINT_TXS, GRAFT_TXS */
        struct {
            uint32_t number; /* 1 to EZ_TREES_MAX */
        } tree;              /* PRUNE and GROW */
        struct {
            const ez_block_id *locator; /* from the sender's best down to genesis */
            size_t count;               /* 1 to EZ_LOCATOR_MAX */
        } get_headers;
        struct {
            const ez_header *list; /* each the child of the one before */
            size_t count;          /* 0 to EZ_HEADERS_MAX; below the maximum: there are no more */
        } headers;
        struct {
            ez_header header;
            const uint64_t *short_ids; /* of all transactions but the reward, in order */
            size_t short_id_count;
            ez_byte_span reward; /* encoded */
        } announce_block;
        struct {
            const ez_block_id *list;
            size_t count; /* 1 to EZ_BODIES_IN_FLIGHT_PEER */
        } block_ids;      /* GET_BODIES, MISSING_BODIES */
        struct {
            ez_block_id id;
            ez_byte_span bytes; /* at most EZ_BLOCK_BODY_BYTES_MAX */
            ez_blob *blob;      /* sending only: the same bytes, so that the driver need not copy;
                                   NULL in a received message */
        } body;
        struct {
            ez_block_id id;
            const uint32_t *positions; /* strictly rising */
            size_t count;              /* 1 to EZ_BLOCK_BODY_BYTES_MAX / 100 */
        } get_parts;
        struct {
            ez_block_id id;
            const ez_byte_span *list; /* encoded transactions, in the order asked for */
            size_t count;
        } parts;
    } as;
} ez_message;

/* ez_message_bytes: what `message` takes on the wire, within a few bytes; for output budgets. */
size_t ez_message_bytes(const ez_message *message);

#endif
