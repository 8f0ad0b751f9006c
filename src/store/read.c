#include "store_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/header.h"

bool ez_find_block(ez_db *db, const ez_store *store, uint64_t *seq, ez_hash *view,
                   const ez_block_id *id)
{
    uint64_t row = 0;
    ez_hash hash = store->genesis_view;
    if (!ez_block_id_is_equal(id, &store->network.genesis_id)) {
        ez_db_bind_key(db, EZ_SQL_BLOCK_FIND, id->hash.bytes);
        if (!ez_db_step(db, EZ_SQL_BLOCK_FIND)) {
            return false;
        }
        row = ez_db_column_number(db, EZ_SQL_BLOCK_FIND, 0);
        if (!ez_db_column_copy(&hash, sizeof hash, db, EZ_SQL_BLOCK_FIND, 1)) {
            ez_db_fail(db, "read a view hash", "the row is damaged");
        }
        ez_db_reset(db, EZ_SQL_BLOCK_FIND);
    }
    if (seq) {
        *seq = row;
    }
    if (view) {
        *view = hash;
    }
    return true;
}

void ez_read_begin(ez_store *store)
{
    int rc = pthread_mutex_lock(&store->read_lock);
    EZ_ASSERT(rc == 0);
    if (!store->in_snapshot) {
        ez_db_run(&store->reader, EZ_SQL_SNAPSHOT);
        store->in_snapshot = true;
    }
}

void ez_read_end(ez_store *store)
{
    int rc = pthread_mutex_unlock(&store->read_lock);
    EZ_ASSERT(rc == 0);
}

void ez_read_refresh(ez_store *store)
{
    int rc = pthread_mutex_lock(&store->read_lock);
    EZ_ASSERT(rc == 0);
    if (store->in_snapshot) {
        ez_db_body_close(&store->reader);
        ez_db_run(&store->reader, EZ_SQL_COMMIT);
        store->in_snapshot = false;
    }
    ez_read_end(store);
}

static void get_account(void *self, ez_account *out, const ez_public_key *key)
{
    ez_store *store = self;
    *out = (ez_account){0};
    if (!ez_filter_may_hold(&store->account_filter, ez_db_tail(key->bytes))) {
        return;
    }
    ez_read_begin(store);
    ez_db_bind_key(&store->reader, EZ_SQL_ACCOUNT_GET, key->bytes);
    if (ez_db_step(&store->reader, EZ_SQL_ACCOUNT_GET)) {
        out->balance = ez_db_column_number(&store->reader, EZ_SQL_ACCOUNT_GET, 0);
        out->sequence = ez_db_column_number(&store->reader, EZ_SQL_ACCOUNT_GET, 1);
        ez_db_reset(&store->reader, EZ_SQL_ACCOUNT_GET);
    }
    ez_read_end(store);
}

/* place_block: the id and height of the block in row `seq`. */
static void place_block(ez_tx_place *out, ez_db *db, uint64_t seq)
{
    uint8_t bytes[EZ_HEADER_BYTES];
    ez_db_bind_number(db, EZ_SQL_BLOCK_AT, 1, seq);
    if (!ez_db_step(db, EZ_SQL_BLOCK_AT) ||
        !ez_db_column_copy(&out->block, sizeof out->block, db, EZ_SQL_BLOCK_AT, 0) ||
        !ez_db_column_copy(bytes, sizeof bytes, db, EZ_SQL_BLOCK_AT, 1)) {
        ez_db_fail(db, "find a transaction", "it is listed in a block that is not stored");
    }
    ez_db_reset(db, EZ_SQL_BLOCK_AT);
    ez_header header;
    ez_header_decode(&header, bytes);
    out->height = header.index;
}

int ez_find_tx_row(ez_db *db, ez_tx_row *out)
{
    int rc = ez_db_try(db, EZ_SQL_TX_FIND);
    if (rc == SQLITE_ROW) {
        out->place = ez_db_column_number(db, EZ_SQL_TX_FIND, 0);
        out->offset = (uint32_t)ez_db_column_number(db, EZ_SQL_TX_FIND, 1);
        out->size = (uint32_t)ez_db_column_number(db, EZ_SQL_TX_FIND, 2);
    }
    return rc;
}

static bool find_tx(void *self, ez_tx_place *out, const ez_tx_id *id)
{
    ez_store *store = self;
    ez_db *db = &store->reader;
    ez_tx_row row;
    if (!ez_filter_may_hold(&store->tx_filter, ez_db_tail(id->hash.bytes))) {
        return false;
    }
    ez_read_begin(store);
    ez_db_bind_parts(db, EZ_SQL_TX_FIND, id->hash.bytes);
    int rc = ez_find_tx_row(db, &row);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        ez_db_fail(db, "find a transaction", NULL);
    }
    ez_db_reset(db, EZ_SQL_TX_FIND);
    if (rc == SQLITE_ROW && out) {
        place_block(out, db, row.place >> EZ_PLACE_BITS);
        out->position = (uint32_t)(row.place & ((1u << EZ_PLACE_BITS) - 1));
        out->offset = row.offset;
        out->size = row.size;
    }
    ez_read_end(store);
    return rc == SQLITE_ROW;
}

static ez_blob *read_body(ez_db *db, uint64_t seq)
{
    size_t size;
    if (!ez_db_body_open(db, seq, &size)) {
        ez_db_fail(db, "open a block body", NULL);
    }
    if (size > EZ_BLOCK_BODY_BYTES_MAX) {
        ez_db_fail(db, "read a block body", "it is larger than a body can be");
    }
    uint8_t *data;
    ez_blob *out = ez_blob_new_empty(size, &data);
    if (!ez_db_body_read(db, data, 0, size)) {
        ez_db_fail(db, "read a block body", NULL);
    }
    return out;
}

static ez_blob *get_body(void *self, const ez_block_id *id)
{
    ez_store *store = self;
    ez_blob *out = NULL;
    uint64_t seq;
    ez_read_begin(store);
    if (ez_find_block(&store->reader, store, &seq, NULL, id)) {
        out = seq == 0 ? ez_blob_new("", 0) : read_body(&store->reader, seq);
    }
    ez_read_end(store);
    return out;
}

static bool get_undo(void *self, ez_buffer *out, const ez_block_id *id)
{
    ez_store *store = self;
    ez_db *db = &store->reader;
    uint64_t seq;
    bool found = false;
    ez_read_begin(store);
    if (ez_find_block(db, store, &seq, NULL, id)) {
        ez_db_bind_number(db, EZ_SQL_UNDO_GET, 1, seq);
        found = ez_db_step(db, EZ_SQL_UNDO_GET);
    }
    if (found) {
        size_t size;
        const uint8_t *record = ez_db_column_bytes(&size, db, EZ_SQL_UNDO_GET, 0);
        ez_buffer_add(out, record, size);
        ez_db_reset(db, EZ_SQL_UNDO_GET);
    }
    ez_read_end(store);
    return found;
}

static bool get_view_hash(void *self, ez_hash *out, const ez_block_id *id)
{
    ez_store *store = self;
    ez_read_begin(store);
    bool found = ez_find_block(&store->reader, store, NULL, out, id);
    ez_read_end(store);
    return found;
}

static ez_status load(void *self, const ez_store_loader *loader)
{
    ez_store *store = self;
    ez_read_begin(store);
    ez_status status = ez_load(store, loader);
    ez_read_end(store);
    return status;
}

void ez_read_port(ez_store_port *out, ez_store *store)
{
    *out = (ez_store_port){
        .self = store,
        .get_account = get_account,
        .find_tx = find_tx,
        .get_body = get_body,
        .get_undo = get_undo,
        .get_view_hash = get_view_hash,
        .load = load,
    };
}
