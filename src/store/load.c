#include "store_internal.h"

#include "ezp2p/base/endpoint.h"
#include "ezp2p/chain/header.h"

#include <stdlib.h>
#include <string.h>

static ez_status refuse(const ez_store *store, const char *reason, const ez_block_id *id)
{
    ez_log_emit(store->config.log, EZ_LOG_ERROR, "store_damaged",
                EZ_LOG_TEXT("path", store->config.path), EZ_LOG_TEXT("reason", reason),
                EZ_LOG_HASH("block", id->hash.bytes));
    return EZ_ERR_CORRUPT;
}

/* finish: what the end of the rows of `sql` means. */
static ez_status finish(ez_db *db, ez_sql sql, int rc)
{
    return rc == SQLITE_DONE ? EZ_OK : ez_db_complain(db, sqlite3_sql(db->statements[sql]), rc);
}

/* load_block: hand on the current row. The receiver is promised parents before children, so a row
 * that breaks the promise must stop here. `last` is the block before it in the table, which is the
 * parent unless there are side branches. */
static ez_status load_block(ez_store *store, const ez_store_loader *loader, ez_block_id *last)
{
    ez_db *db = &store->reader;
    uint8_t bytes[EZ_HEADER_BYTES];
    ez_block_id stored;
    if (!ez_db_column_copy(&stored, sizeof stored, db, EZ_SQL_LOAD_BLOCKS, 0) ||
        !ez_db_column_copy(bytes, sizeof bytes, db, EZ_SQL_LOAD_BLOCKS, 1)) {
        return refuse(store, "the row after this block is damaged", last);
    }
    uint64_t state = ez_db_column_number(db, EZ_SQL_LOAD_BLOCKS, 2);
    ez_header header;
    ez_block_id id;
    ez_header_decode(&header, bytes);
    ez_header_id(&id, &header);
    if (!ez_block_id_is_equal(&id, &stored)) {
        return refuse(store, "the header does not hash to the block's id", &stored);
    }
    if (!ez_block_id_is_equal(&header.previous, last) &&
        !ez_find_block(db, store, NULL, NULL, &header.previous)) {
        return refuse(store, "the parent of a block is not stored", &id);
    }
    loader->header(loader->self, &header, state & EZ_STATE_CONNECTED, state & EZ_STATE_INVALID);
    *last = id;
    return EZ_OK;
}

static ez_status load_headers(ez_store *store, const ez_store_loader *loader)
{
    ez_db *db = &store->reader;
    ez_block_id last = store->network.genesis_id;
    int rc;
    while ((rc = ez_db_try(db, EZ_SQL_LOAD_BLOCKS)) == SQLITE_ROW) {
        ez_status status = load_block(store, loader, &last);
        if (status != EZ_OK) {
            ez_db_reset(db, EZ_SQL_LOAD_BLOCKS);
            return status;
        }
    }
    return finish(db, EZ_SQL_LOAD_BLOCKS, rc);
}

/* chain_span: the height of the tip, after a look at whether the heights can be without a gap. */
static ez_status chain_span(ez_store *store, uint64_t *tip)
{
    ez_db *db = &store->reader;
    uint64_t genesis = store->network.genesis.index;
    int rc = ez_db_try(db, EZ_SQL_LOAD_SPAN);
    if (rc != SQLITE_ROW) {
        return finish(db, EZ_SQL_LOAD_SPAN, rc);
    }
    uint64_t count = ez_db_column_number(db, EZ_SQL_LOAD_SPAN, 0);
    uint64_t first = ez_db_column_number(db, EZ_SQL_LOAD_SPAN, 1);
    *tip = count == 0 ? genesis : ez_db_column_number(db, EZ_SQL_LOAD_SPAN, 2);
    ez_db_reset(db, EZ_SQL_LOAD_SPAN);
    if (count > 0 && (first != genesis + 1 || *tip != genesis + count)) {
        return refuse(store, "the list of heights has a gap", &store->network.genesis_id);
    }
    return EZ_OK;
}

static ez_status load_tip(ez_store *store, const ez_store_loader *loader)
{
    ez_db *db = &store->reader;
    uint64_t height = 0;
    ez_block_id id = store->network.genesis_id;
    ez_header header = store->network.genesis;
    ez_status status = chain_span(store, &height);
    if (status != EZ_OK) {
        return status;
    }
    int rc = ez_db_try(db, EZ_SQL_LOAD_TIP);
    if (rc == SQLITE_ROW) {
        uint8_t bytes[EZ_HEADER_BYTES] = {0};
        bool whole = ez_db_column_copy(&id, sizeof id, db, EZ_SQL_LOAD_TIP, 0) &&
                     ez_db_column_copy(bytes, sizeof bytes, db, EZ_SQL_LOAD_TIP, 1);
        ez_db_reset(db, EZ_SQL_LOAD_TIP);
        ez_header_decode(&header, bytes);
        if (!whole || header.index != height) {
            return refuse(store, "the block at the tip is not stored or not its height's", &id);
        }
    } else if (rc != SQLITE_DONE) {
        return finish(db, EZ_SQL_LOAD_TIP, rc);
    }
    loader->tip(loader->self, &id);
    return EZ_OK;
}

static ez_status load_pool(ez_store *store, const ez_store_loader *loader)
{
    ez_db *db = &store->reader;
    int rc;
    while ((rc = ez_db_try(db, EZ_SQL_LOAD_POOL)) == SQLITE_ROW) {
        size_t size;
        const uint8_t *bytes = ez_db_column_bytes(&size, db, EZ_SQL_LOAD_POOL, 0);
        loader->pool_tx(loader->self, bytes, size);
    }
    return finish(db, EZ_SQL_LOAD_POOL, rc);
}

static ez_status load_manual(ez_store *store, const ez_store_loader *loader)
{
    ez_db *db = &store->reader;
    int rc;
    while ((rc = ez_db_try(db, EZ_SQL_LOAD_MANUAL)) == SQLITE_ROW) {
        size_t size;
        const uint8_t *text = ez_db_column_bytes(&size, db, EZ_SQL_LOAD_MANUAL, 0);
        uint64_t port = ez_db_column_number(db, EZ_SQL_LOAD_MANUAL, 1);
        char host[EZ_MANUAL_HOST_BYTES_MAX + 1] = "";
        if (size > EZ_MANUAL_HOST_BYTES_MAX || memchr(text, 0, size) || port > UINT16_MAX) {
            ez_db_reset(db, EZ_SQL_LOAD_MANUAL);
            return refuse(store, "a registered peer is damaged", &store->network.genesis_id);
        }
        memcpy(host, text, size);
        loader->manual_peer(loader->self, host, (uint16_t)port);
    }
    return finish(db, EZ_SQL_LOAD_MANUAL, rc);
}

static ez_status load_book(ez_store *store, const ez_store_loader *loader)
{
    ez_db *db = &store->reader;
    int rc;
    while ((rc = ez_db_try(db, EZ_SQL_LOAD_BOOK)) == SQLITE_ROW) {
        size_t size;
        const uint8_t *bytes = ez_db_column_bytes(&size, db, EZ_SQL_LOAD_BOOK, 0);
        loader->book(loader->self, bytes, size);
    }
    return finish(db, EZ_SQL_LOAD_BOOK, rc);
}

ez_status ez_load(ez_store *store, const ez_store_loader *loader)
{
    static ez_status (*const parts[])(ez_store *, const ez_store_loader *) = {
        load_headers, load_tip, load_pool, load_manual, load_book};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        ez_status status = parts[i](store, loader);
        if (status != EZ_OK) {
            return status;
        }
    }
    return EZ_OK;
}
