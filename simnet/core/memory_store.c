#include "memory_store.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/view.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)

/* Every key here is a hash, or a public key, and nobody attacks: any part of it will do. */
#define HASH_FUNCTION(key, size, hash) memcpy(&(hash), key, sizeof(hash))
#include <uthash.h>
#include <utlist.h>

typedef struct stored_block {
    ez_block_id id;
    ez_header header;
    ez_blob *body;
    ez_hash view_hash;
    ez_buffer undo;
    bool connected, invalid;
    struct stored_block *prev, *next; /* in order of arrival: parents before children */
    UT_hash_handle hh;
} stored_block;

typedef struct stored_account {
    ez_public_key key;
    ez_account account;
    UT_hash_handle hh;
} stored_account;

typedef struct stored_tx {
    ez_tx_id id;
    ez_tx_place place;
    UT_hash_handle hh;
} stored_tx;

typedef struct stored_pooled {
    ez_tx_id id;
    ez_blob *bytes;
    UT_hash_handle hh;
} stored_pooled;

typedef struct stored_peer {
    char *host;
    uint16_t port;
    struct stored_peer *prev, *next;
} stored_peer;

typedef struct queued_write {
    ez_write *write;
    struct queued_write *prev, *next;
} queued_write;

struct ez_memory_store {
    ez_store_port port;
    stored_block *blocks, *block_list;
    stored_account *accounts;
    stored_tx *txs;
    stored_pooled *pooled;
    stored_peer *peers;
    ez_blob *book;
    ez_block_id tip;
    queued_write *queue;
    ez_body_shelf *shelf; /* borrowed; NULL: none */
};

/* A body and its view hash, which follow from the block's id alone. */
typedef struct shelved {
    ez_block_id id;
    ez_blob *body;
    ez_hash view_hash;
    UT_hash_handle hh;
} shelved;

struct ez_body_shelf {
    shelved *bodies;
};

/* ---- reading -----------------------------------------------------------------------------------
 */

static stored_block *find_block(const ez_memory_store *store, const ez_block_id *id)
{
    stored_block *block = NULL;
    HASH_FIND(hh, store->blocks, id, sizeof(*id), block);
    return block;
}

static void get_account(void *self, ez_account *out, const ez_public_key *key)
{
    const ez_memory_store *store = self;
    stored_account *row = NULL;
    HASH_FIND(hh, store->accounts, key, sizeof(*key), row);
    *out = row == NULL ? (ez_account){0} : row->account;
}

static bool find_tx(void *self, ez_tx_place *out, const ez_tx_id *id)
{
    const ez_memory_store *store = self;
    stored_tx *row = NULL;
    HASH_FIND(hh, store->txs, id, sizeof(*id), row);
    if (row != NULL && out != NULL) {
        *out = row->place;
    }
    return row != NULL;
}

static ez_blob *get_body(void *self, const ez_block_id *id)
{
    const stored_block *block = find_block(self, id);
    return block == NULL ? NULL : ez_blob_ref(block->body);
}

static bool get_undo(void *self, ez_buffer *out, const ez_block_id *id)
{
    const stored_block *block = find_block(self, id);
    if (block == NULL || block->undo.size == 0) {
        return false;
    }
    ez_buffer_add(out, block->undo.data, block->undo.size);
    return true;
}

static bool get_view_hash(void *self, ez_hash *out, const ez_block_id *id)
{
    const stored_block *block = find_block(self, id);
    if (block != NULL) {
        *out = block->view_hash;
    }
    return block != NULL;
}

static ez_status load(void *self, const ez_store_loader *loader)
{
    ez_memory_store *store = self;
    stored_block *block;
    DL_FOREACH (store->block_list, block) {
        if (block->header.index > 1) {
            loader->header(loader->self, &block->header, block->connected, block->invalid);
        }
    }
    loader->tip(loader->self, &store->tip);
    stored_pooled *tx, *next;
    HASH_ITER (hh, store->pooled, tx, next) {
        loader->pool_tx(loader->self, ez_blob_data(tx->bytes), ez_blob_size(tx->bytes));
    }
    stored_peer *peer;
    DL_FOREACH (store->peers, peer) {
        loader->manual_peer(loader->self, peer->host, peer->port);
    }
    if (store->book != NULL) {
        loader->book(loader->self, ez_blob_data(store->book), ez_blob_size(store->book));
    }
    return EZ_OK;
}

/* ---- life --------------------------------------------------------------------------------------
 */

ez_body_shelf *ez_body_shelf_new(void)
{
    return ez_alloc(1, sizeof(ez_body_shelf));
}

void ez_body_shelf_free(ez_body_shelf *shelf)
{
    shelved *item, *next;
    if (shelf == NULL) {
        return;
    }
    HASH_ITER (hh, shelf->bodies, item, next) {
        HASH_DEL(shelf->bodies, item);
        ez_blob_unref(item->body);
        free(item);
    }
    free(shelf);
}

void ez_memory_store_share(ez_memory_store *store, ez_body_shelf *shelf)
{
    store->shelf = shelf;
}

static const shelved *find_shelved(const ez_body_shelf *shelf, const ez_block_id *id)
{
    shelved *found = NULL;
    if (shelf != NULL) {
        HASH_FIND(hh, shelf->bodies, id, sizeof(*id), found);
    }
    return found;
}

/* What a store accepts was checked against its header, so one id has one body. */
static void shelve(ez_body_shelf *shelf, const stored_block *block)
{
    if (shelf == NULL) {
        return;
    }
    shelved *const item = ez_alloc(1, sizeof(*item));
    item->id = block->id;
    item->body = ez_blob_ref(block->body);
    item->view_hash = block->view_hash;
    HASH_ADD(hh, shelf->bodies, id, sizeof(item->id), item);
}

static void put_body(ez_memory_store *store, const ez_block_id *id, const ez_header *header,
                     ez_blob *body)
{
    if (find_block(store, id) != NULL) {
        return;
    }
    const stored_block *parent = find_block(store, &header->previous);
    EZ_ASSERT(parent != NULL || header->index == 1);
    stored_block *block = ez_alloc(1, sizeof(*block));
    block->id = *id;
    block->header = *header;
    const shelved *const known = find_shelved(store->shelf, id);
    if (known != NULL) {
        block->body = ez_blob_ref(known->body);
        block->view_hash = known->view_hash;
    } else {
        block->body = ez_blob_ref(body);
        ez_view_hash(&block->view_hash, header, body, parent == NULL ? NULL : &parent->view_hash);
        shelve(store->shelf, block);
    }
    HASH_ADD(hh, store->blocks, id, sizeof(block->id), block);
    DL_APPEND(store->block_list, block);
}

ez_memory_store *ez_memory_store_new(const ez_network *network)
{
    ez_memory_store *store = ez_alloc(1, sizeof(*store));
    store->port = (ez_store_port){.self = store,
                                  .get_account = get_account,
                                  .find_tx = find_tx,
                                  .get_body = get_body,
                                  .get_undo = get_undo,
                                  .get_view_hash = get_view_hash,
                                  .load = load};
    ez_blob *empty = ez_blob_new("", 0);
    put_body(store, &network->genesis_id, &network->genesis, empty);
    ez_blob_unref(empty);
    store->block_list->connected = true;
    store->tip = network->genesis_id;
    return store;
}

static void free_pooled(ez_memory_store *store, stored_pooled *row)
{
    HASH_DEL(store->pooled, row);
    ez_blob_unref(row->bytes);
    free(row);
}

void ez_memory_store_free(ez_memory_store *store)
{
    if (store == NULL) {
        return;
    }
    ez_memory_store_crash(store);
    HASH_CLEAR(hh, store->blocks);
    stored_block *block, *next_block;
    DL_FOREACH_SAFE (store->block_list, block, next_block) {
        ez_blob_unref(block->body);
        ez_buffer_clear(&block->undo);
        free(block);
    }
    stored_account *account, *next_account;
    HASH_ITER (hh, store->accounts, account, next_account) {
        HASH_DEL(store->accounts, account);
        free(account);
    }
    stored_tx *tx, *next_tx;
    HASH_ITER (hh, store->txs, tx, next_tx) {
        HASH_DEL(store->txs, tx);
        free(tx);
    }
    stored_pooled *pooled, *next_pooled;
    HASH_ITER (hh, store->pooled, pooled, next_pooled) {
        free_pooled(store, pooled);
    }
    stored_peer *peer, *next_peer;
    DL_FOREACH_SAFE (store->peers, peer, next_peer) {
        free(peer->host);
        free(peer);
    }
    ez_blob_unref(store->book);
    free(store);
}

const ez_store_port *ez_memory_store_port(ez_memory_store *store)
{
    return &store->port;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

void ez_memory_store_write(ez_memory_store *store, ez_write *write)
{
    queued_write *item = ez_alloc(1, sizeof(*item));
    item->write = write;
    EZ_ASSERT(store->queue == NULL || store->queue->prev->write->number < write->number);
    DL_APPEND(store->queue, item);
}

static void put_accounts(ez_memory_store *store, const ez_account_change *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        stored_account *row = NULL;
        HASH_FIND(hh, store->accounts, &rows[i].key, sizeof(rows[i].key), row);
        bool empty = rows[i].account.balance == 0 && rows[i].account.sequence == 0;
        if (row == NULL && !empty) {
            row = ez_alloc(1, sizeof(*row));
            row->key = rows[i].key;
            HASH_ADD(hh, store->accounts, key, sizeof(row->key), row);
        }
        if (row != NULL && empty) {
            HASH_DEL(store->accounts, row);
            free(row);
        } else if (row != NULL) {
            row->account = rows[i].account;
        }
    }
}

static void connect(ez_memory_store *store, const ez_write_op *op)
{
    const ez_block *block = op->block;
    stored_block *stored = find_block(store, &block->id);
    EZ_ASSERT(stored != NULL && ez_block_id_is_equal(&block->header.previous, &store->tip));
    put_accounts(store, op->diff.after, op->diff.count);
    ez_buffer_clear(&stored->undo);
    ez_undo_encode(&stored->undo, op->diff.before, op->diff.count);
    stored->connected = true;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        stored_tx *row = ez_alloc(1, sizeof(*row));
        row->id = block->txs[i].id;
        row->place = (ez_tx_place){block->id, block->header.index, block->txs[i].offset,
                                   block->txs[i].size, i};
        HASH_ADD(hh, store->txs, id, sizeof(row->id), row);
    }
    store->tip = block->id;
}

static void disconnect(ez_memory_store *store, const ez_write_op *op)
{
    const ez_block *block = op->block;
    EZ_ASSERT(ez_block_id_is_equal(&block->id, &store->tip));
    put_accounts(store, op->diff.after, op->diff.count);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        stored_tx *row = NULL;
        HASH_FIND(hh, store->txs, &block->txs[i].id, sizeof(block->txs[i].id), row);
        EZ_ASSERT(row != NULL);
        HASH_DEL(store->txs, row);
        free(row);
    }
    store->tip = block->header.previous;
}

static stored_pooled *find_pooled(const ez_memory_store *store, const ez_tx_id *id)
{
    stored_pooled *row = NULL;
    HASH_FIND(hh, store->pooled, id, sizeof(*id), row);
    return row;
}

static void pool_put(ez_memory_store *store, const ez_write_op *op)
{
    if (find_pooled(store, &op->tx_id) != NULL) {
        return;
    }
    stored_pooled *row = ez_alloc(1, sizeof(*row));
    row->id = op->tx_id;
    row->bytes = ez_blob_ref(op->bytes);
    HASH_ADD(hh, store->pooled, id, sizeof(row->id), row);
}

static stored_peer *find_peer(const ez_memory_store *store, const ez_write_op *op)
{
    stored_peer *peer;
    DL_FOREACH (store->peers, peer) {
        if (peer->port == op->port && strcmp(peer->host, op->text) == 0) {
            return peer;
        }
    }
    return NULL;
}

static void put_peer(ez_memory_store *store, const ez_write_op *op)
{
    if (find_peer(store, op) == NULL) {
        stored_peer *peer = ez_alloc(1, sizeof(*peer));
        peer->host = ez_strdup(op->text);
        peer->port = op->port;
        DL_APPEND(store->peers, peer);
    }
}

static void delete_peer(ez_memory_store *store, const ez_write_op *op)
{
    stored_peer *peer = find_peer(store, op);
    if (peer != NULL) {
        DL_DELETE(store->peers, peer);
        free(peer->host);
        free(peer);
    }
}

static void apply(ez_memory_store *store, const ez_write_op *op)
{
    switch (op->kind) {
    case EZ_WRITE_BODY:
        put_body(store, &op->block->id, &op->block->header, op->block->body);
        break;
    case EZ_WRITE_CONNECT:
        connect(store, op);
        break;
    case EZ_WRITE_DISCONNECT:
        disconnect(store, op);
        break;
    case EZ_WRITE_INVALID:
        if (find_block(store, &op->block_id) != NULL) {
            find_block(store, &op->block_id)->invalid = true;
        }
        break;
    case EZ_WRITE_POOL_PUT:
        pool_put(store, op);
        break;
    case EZ_WRITE_POOL_DELETE:
        if (find_pooled(store, &op->tx_id) != NULL) {
            free_pooled(store, find_pooled(store, &op->tx_id));
        }
        break;
    case EZ_WRITE_BOOK:
        ez_blob_unref(store->book);
        store->book = ez_blob_ref(op->bytes);
        break;
    case EZ_WRITE_MANUAL_PUT:
        put_peer(store, op);
        break;
    case EZ_WRITE_MANUAL_DELETE:
        delete_peer(store, op);
        break;
    }
}

uint64_t ez_memory_store_last(const ez_memory_store *store)
{
    return store->queue == NULL ? 0 : store->queue->prev->write->number;
}

uint64_t ez_memory_store_commit(ez_memory_store *store, uint64_t last)
{
    uint64_t number = 0;
    while (store->queue != NULL && store->queue->write->number <= last) {
        queued_write *item = store->queue;
        DL_DELETE(store->queue, item);
        for (size_t i = 0; i < item->write->count; i++) {
            apply(store, &item->write->ops[i]);
        }
        number = item->write->number;
        ez_write_free(item->write);
        free(item);
    }
    return number;
}

void ez_memory_store_crash(ez_memory_store *store)
{
    queued_write *item, *next;
    DL_FOREACH_SAFE (store->queue, item, next) {
        ez_write_free(item->write);
        free(item);
    }
    store->queue = NULL;
}

size_t ez_memory_store_accounts(const ez_memory_store *store)
{
    return HASH_COUNT(store->accounts);
}

bool ez_memory_store_has_pooled(const ez_memory_store *store, const ez_tx_id *id)
{
    return find_pooled(store, id) != NULL;
}

const ez_block_id *ez_memory_store_tip(const ez_memory_store *store)
{
    return &store->tip;
}
