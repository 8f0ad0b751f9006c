#include "store_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/view.h"

/* The smallest entry takes over 64 bytes, so positions stay far below the bits a place has. */
static_assert(EZ_BLOCK_BODY_BYTES_MAX / 64 < 1 << EZ_PLACE_BITS, "a place names every position");

static uint64_t place_of(uint64_t seq, uint32_t position)
{
    return seq << EZ_PLACE_BITS | position;
}

static void put_block(ez_db *db, const ez_block *block, const ez_hash *view)
{
    uint8_t header[EZ_HEADER_BYTES];
    ez_header_encode(header, &block->header);
    ez_db_bind_key(db, EZ_SQL_BLOCK_PUT, block->id.hash.bytes);
    ez_db_bind_bytes(db, EZ_SQL_BLOCK_PUT, 3, header, sizeof header);
    ez_db_bind_bytes(db, EZ_SQL_BLOCK_PUT, 4, view, sizeof *view);
    ez_db_run(db, EZ_SQL_BLOCK_PUT);
}

/* apply_body: store header, body and view hash unless they are there; returns the block's row. */
static uint64_t apply_body(ez_store *store, const ez_block *block)
{
    ez_db *db = &store->writer;
    uint64_t seq;
    if (ez_find_block(db, store, &seq, NULL, &block->id)) {
        return seq;
    }
    ez_hash parent_view;
    ez_hash view;
    if (!ez_find_block(db, store, NULL, &parent_view, &block->header.previous)) {
        ez_db_fail(db, "store a block", "its parent is not stored");
    }
    ez_view_hash(&view, &block->header, block->body, &parent_view);
    put_block(db, block, &view);
    seq = (uint64_t)sqlite3_last_insert_rowid(db->handle);
    ez_db_bind_number(db, EZ_SQL_BODY_PUT, 1, seq);
    ez_db_bind_bytes(db, EZ_SQL_BODY_PUT, 2, ez_blob_data(block->body), ez_blob_size(block->body));
    ez_db_run(db, EZ_SQL_BODY_PUT);
    return seq;
}

static void delete_account(ez_db *db, const ez_public_key *key)
{
    ez_db_bind_key(db, EZ_SQL_ACCOUNT_DELETE, key->bytes);
    ez_db_run(db, EZ_SQL_ACCOUNT_DELETE);
}

/* put_account: an account that owns nothing and has signed nothing has no row, as if it had never
 * been touched: so the table is a function of the chain, whatever blocks came and went. */
static void put_account(ez_db *db, const ez_account_change *change)
{
    if (change->account.balance == 0 && change->account.sequence == 0) {
        delete_account(db, &change->key);
        return;
    }
    static const ez_sql tries[] = {EZ_SQL_ACCOUNT_UPDATE, EZ_SQL_ACCOUNT_PUT};
    int changed = 0;
    for (int i = 0; i < 2 && changed == 0; i++) {
        ez_db_bind_key(db, tries[i], change->key.bytes);
        ez_db_bind_number(db, tries[i], 3, change->account.balance);
        ez_db_bind_number(db, tries[i], 4, change->account.sequence);
        changed = ez_db_run(db, tries[i]);
    }
}

static void put_accounts(ez_db *db, const ez_ledger_diff *diff)
{
    for (uint32_t i = 0; i < diff->count; i++) {
        put_account(db, &diff->after[i]);
    }
}

static void put_undo(ez_db *db, uint64_t seq, const ez_ledger_diff *diff)
{
    ez_buffer record = {0};
    ez_undo_encode(&record, diff->before, diff->count);
    ez_db_bind_number(db, EZ_SQL_UNDO_PUT, 1, seq);
    ez_db_bind_bytes(db, EZ_SQL_UNDO_PUT, 2, record.data, record.size);
    ez_db_run(db, EZ_SQL_UNDO_PUT);
    ez_buffer_clear(&record);
}

static void put_txs(ez_db *db, uint64_t seq, const ez_block *block)
{
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const uint8_t *id = block->txs[i].id.hash.bytes;
        ez_db_bind_number(db, EZ_SQL_TX_PUT, 1, place_of(seq, i));
        ez_db_bind_number(db, EZ_SQL_TX_PUT, 2, (uint64_t)ez_db_tail(id));
        ez_db_bind_bytes(db, EZ_SQL_TX_PUT, 3, id, EZ_HASH_BYTES);
        ez_db_bind_number(db, EZ_SQL_TX_PUT, 4, block->txs[i].offset);
        ez_db_bind_number(db, EZ_SQL_TX_PUT, 5, block->txs[i].size);
        ez_db_run(db, EZ_SQL_TX_PUT);
    }
}

static void mark(ez_db *db, uint64_t seq, uint64_t state)
{
    ez_db_bind_number(db, EZ_SQL_BLOCK_MARK, 1, seq);
    ez_db_bind_number(db, EZ_SQL_BLOCK_MARK, 2, state);
    ez_db_run(db, EZ_SQL_BLOCK_MARK);
}

/* is_on_tip: whether the chain ends right below `block`. That no block stands at its own height is
 * the primary key's to say. */
static bool is_on_tip(ez_store *store, const ez_block *block)
{
    ez_db *db = &store->writer;
    if (block->header.index == store->network.genesis.index + 1) {
        return ez_block_id_is_equal(&block->header.previous, &store->network.genesis_id);
    }
    ez_block_id below;
    ez_db_bind_number(db, EZ_SQL_CHAIN_ID_AT, 1, block->header.index - 1);
    if (!ez_db_step(db, EZ_SQL_CHAIN_ID_AT)) {
        return false;
    }
    bool on_tip = ez_db_column_copy(&below, sizeof below, db, EZ_SQL_CHAIN_ID_AT, 0) &&
                  ez_block_id_is_equal(&below, &block->header.previous);
    ez_db_reset(db, EZ_SQL_CHAIN_ID_AT);
    return on_tip;
}

static void apply_connect(ez_store *store, const ez_write_op *op)
{
    ez_db *db = &store->writer;
    uint64_t seq = apply_body(store, op->block);
    if (!is_on_tip(store, op->block)) {
        ez_db_fail(db, "connect a block", "the stored chain does not end at its parent");
    }
    ez_db_bind_number(db, EZ_SQL_CHAIN_PUT, 1, op->block->header.index);
    ez_db_bind_number(db, EZ_SQL_CHAIN_PUT, 2, seq);
    ez_db_run(db, EZ_SQL_CHAIN_PUT);
    mark(db, seq, EZ_STATE_CONNECTED);
    put_undo(db, seq, &op->diff);
    put_txs(db, seq, op->block);
    put_accounts(db, &op->diff);
}

static void apply_disconnect(ez_store *store, const ez_write_op *op)
{
    ez_db *db = &store->writer;
    uint64_t seq = 0;
    bool stored = ez_find_block(db, store, &seq, NULL, &op->block->id);
    ez_db_bind_number(db, EZ_SQL_CHAIN_DELETE, 1, op->block->header.index);
    ez_db_bind_number(db, EZ_SQL_CHAIN_DELETE, 2, seq);
    if (!stored || ez_db_run(db, EZ_SQL_CHAIN_DELETE) != 1) {
        ez_db_fail(db, "disconnect a block", "it is not the tip of the stored chain");
    }
    ez_db_bind_number(db, EZ_SQL_TX_DELETE, 1, place_of(seq, 0));
    ez_db_bind_number(db, EZ_SQL_TX_DELETE, 2, place_of(seq + 1, 0) - 1);
    ez_db_run(db, EZ_SQL_TX_DELETE);
    ez_db_bind_number(db, EZ_SQL_UNDO_DELETE, 1, seq);
    ez_db_run(db, EZ_SQL_UNDO_DELETE);
    put_accounts(db, &op->diff);
}

/* apply_invalid: a block whose body never parsed was never stored; a restart learns about it anew.
 */
static void apply_invalid(ez_store *store, const ez_write_op *op)
{
    uint64_t seq;
    if (ez_find_block(&store->writer, store, &seq, NULL, &op->block_id) && seq != 0) {
        mark(&store->writer, seq, EZ_STATE_INVALID);
    }
}

static void apply_pool_put(ez_db *db, const ez_write_op *op)
{
    EZ_ASSERT(op->bytes);
    ez_db_bind_key(db, EZ_SQL_POOL_PUT, op->tx_id.hash.bytes);
    ez_db_bind_bytes(db, EZ_SQL_POOL_PUT, 3, ez_blob_data(op->bytes), ez_blob_size(op->bytes));
    ez_db_run(db, EZ_SQL_POOL_PUT);
}

static void apply_pool_delete(ez_db *db, const ez_write_op *op)
{
    ez_db_bind_key(db, EZ_SQL_POOL_DELETE, op->tx_id.hash.bytes);
    ez_db_run(db, EZ_SQL_POOL_DELETE);
}

static void apply_manual(ez_db *db, ez_sql sql, const ez_write_op *op)
{
    EZ_ASSERT(op->text);
    ez_db_bind_text(db, sql, 1, op->text);
    ez_db_bind_number(db, sql, 2, op->port);
    ez_db_run(db, sql);
}

static void apply_book(ez_db *db, const ez_write_op *op)
{
    EZ_ASSERT(op->bytes);
    ez_db_bind_bytes(db, EZ_SQL_BOOK_PUT, 1, ez_blob_data(op->bytes), ez_blob_size(op->bytes));
    ez_db_run(db, EZ_SQL_BOOK_PUT);
}

void ez_apply_op(ez_store *store, const ez_write_op *op)
{
    ez_db *db = &store->writer;
    switch (op->kind) {
    case EZ_WRITE_BODY:
        apply_body(store, op->block);
        break;
    case EZ_WRITE_CONNECT:
        apply_connect(store, op);
        break;
    case EZ_WRITE_DISCONNECT:
        apply_disconnect(store, op);
        break;
    case EZ_WRITE_INVALID:
        apply_invalid(store, op);
        break;
    case EZ_WRITE_POOL_PUT:
        apply_pool_put(db, op);
        break;
    case EZ_WRITE_POOL_DELETE:
        apply_pool_delete(db, op);
        break;
    case EZ_WRITE_BOOK:
        apply_book(db, op);
        break;
    case EZ_WRITE_MANUAL_PUT:
        apply_manual(db, EZ_SQL_MANUAL_PUT, op);
        break;
    case EZ_WRITE_MANUAL_DELETE:
        apply_manual(db, EZ_SQL_MANUAL_DELETE, op);
        break;
    }
}
