/* What the core asks of storage. Point reads are synchronous and answer for the writes that were
 * reported durable (EZ_EVENT_STORED); the core itself remembers what it wrote since. Writes are
 * numbered effects: the driver makes them durable in order, off the loop, several to one commit,
 * and reports the highest number done. A crash loses what was not reported, nothing else.
 *
 * Reads cannot fail here: an adapter that cannot read its disk stops the process (fail-stop).
 */
#ifndef EZP2P_NODE_STORE_PORT_H
#define EZP2P_NODE_STORE_PORT_H

#include "ezp2p/base/blob.h"
#include "ezp2p/base/buffer.h"
#include "ezp2p/base/status.h"
#include "ezp2p/chain/block.h"
#include "ezp2p/chain/ledger.h"
#include "ezp2p/chain/types.h"

/* Receives the durable state once, at the start, in this order. Pointers are borrowed for the call.
 */
typedef struct ez_store_loader {
    void *self;
    /* Every stored header, parents before children, without genesis. `connected`: it was valid on
     * the active chain once; `invalid`: known bad. */
    void (*header)(void *self, const ez_header *header, bool connected, bool invalid);
    /* The active chain's last block; genesis for an empty store. Called exactly once. */
    void (*tip)(void *self, const ez_block_id *id);
    void (*pool_tx)(void *self, const uint8_t *bytes,
                    size_t size); /* acknowledged, not in the chain */
    void (*manual_peer)(void *self, const char *host, uint16_t port);
    void (*book)(void *self, const uint8_t *bytes, size_t size); /* the address book's snapshot */
} ez_store_loader;

typedef struct ez_store_port {
    void *self;
    /* accounts and transactions of the active chain: zero account, false when unknown */
    void (*get_account)(void *self, ez_account *out, const ez_public_key *key);
    bool (*find_tx)(void *self, ez_tx_place *out, const ez_tx_id *id); /* out may be NULL */
    /* a stored body: one new reference, NULL when not stored */
    ez_blob *(*get_body)(void *self, const ez_block_id *id);
    /* undo record of a connected block, appended to *out; false when there is none */
    bool (*get_undo)(void *self, ez_buffer *out, const ez_block_id *id);
    /* hash of the original's view (chain/view.h) of a stored block; false when not stored */
    bool (*get_view_hash)(void *self, ez_hash *out, const ez_block_id *id);
    /* hand everything durable to `loader` */
    EZ_MUST_USE ez_status (*load)(void *self, const ez_store_loader *loader);
} ez_store_port;

typedef enum ez_write_kind {
    EZ_WRITE_BODY,    /* block: header and body; its parent's body was written before. The writer
                         also computes and keeps the view hash. Writing one twice is fine. */
    EZ_WRITE_CONNECT, /* block, diff: it becomes the tip: height index, transaction index, accounts
                         `after`, undo record `before` */
    EZ_WRITE_DISCONNECT, /* block, diff: the tip goes: `after` holds the account values to put back;
                            `before` is unused; the parent becomes the tip */
    EZ_WRITE_INVALID,    /* block_id: remember that this block breaks a rule */
    EZ_WRITE_POOL_PUT,   /* tx_id, bytes: an acknowledged transaction; twice is fine */
    EZ_WRITE_POOL_DELETE,   /* tx_id: it is in a block, or can never be */
    EZ_WRITE_BOOK,          /* bytes: the address book's snapshot, replaces the one before */
    EZ_WRITE_MANUAL_PUT,    /* text, port: a peer registered by a person */
    EZ_WRITE_MANUAL_DELETE, /* text, port */
} ez_write_kind;

typedef struct ez_write_op {
    ez_write_kind kind;
    ez_block *block; /* one reference, or NULL */
    ez_ledger_diff diff;
    ez_block_id block_id;
    ez_tx_id tx_id;
    ez_blob *bytes; /* one reference, or NULL */
    char *text;     /* owned, or NULL */
    uint16_t port;
} ez_write_op;

/* The operations that become durable together or not at all. */
typedef struct ez_write {
    uint64_t number; /* counts up from 1 in a process */
    bool urgent;     /* somebody waits for it: commit without delay */
    ez_write_op *ops;
    size_t count;
    size_t bytes; /* memory held, roughly */
} ez_write;

void ez_write_free(ez_write *write); /* NULL is fine */

#endif
