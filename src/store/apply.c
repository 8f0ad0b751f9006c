#include "store_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/view.h"

/* find_block: the row and view hash of a stored block, which mostly is the one before. */
static bool find_block(ez_store *store, uint64_t *seq, ez_hash *view, const ez_block_id *id)
{
    const ez_written *last = &store->written;
    if (!last->has_block || !ez_block_id_is_equal(&last->block, id)) {
        return ez_find_block(&store->writer, store, seq, view, id);
    }
    *seq = last->seq;
    *view = last->view;
    return true;
}

/* put_block: header, view hash and body of a block; returns its row. */
static uint64_t put_block(ez_db *db, const ez_block *block, const ez_hash *view, uint64_t state)
{
    uint8_t header[EZ_HEADER_BYTES];
    ez_header_encode(header, &block->header);
    ez_db_bind_key(db, EZ_SQL_BLOCK_PUT, block->id.hash.bytes);
    ez_db_bind_bytes(db, EZ_SQL_BLOCK_PUT, 3, header, sizeof header);
    ez_db_bind_bytes(db, EZ_SQL_BLOCK_PUT, 4, view, sizeof *view);
    ez_db_bind_number(db, EZ_SQL_BLOCK_PUT, 5, state);
    ez_db_run(db, EZ_SQL_BLOCK_PUT);
    uint64_t seq = (uint64_t)sqlite3_last_insert_rowid(db->handle);
    ez_db_bind_number(db, EZ_SQL_BODY_PUT, 1, seq);
    ez_db_bind_bytes(db, EZ_SQL_BODY_PUT, 2, ez_blob_data(block->body), ez_blob_size(block->body));
    ez_db_run(db, EZ_SQL_BODY_PUT);
    return seq;
}

/* keep_body: store header, body and view hash, with `state`, unless they are there.
 *   returns  whether they were not; *seq is the block's row either way */
static bool keep_body(ez_store *store, uint64_t *seq, const ez_block *block, uint64_t state)
{
    uint64_t parent;
    ez_hash view, parent_view;
    if (find_block(store, seq, &view, &block->id)) {
        return false;
    }
    if (!find_block(store, &parent, &parent_view, &block->header.previous)) {
        ez_db_fail(&store->writer, "store a block", "its parent is not stored");
    }
    ez_view_hash(&view, &block->header, block->body, &parent_view);
    *seq = put_block(&store->writer, block, &view, state);
    store->written.has_block = true;
    store->written.block = block->id;
    store->written.seq = *seq;
    store->written.view = view;
    return true;
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

static void mark(ez_db *db, uint64_t seq, uint64_t state)
{
    ez_db_bind_number(db, EZ_SQL_BLOCK_MARK, 1, seq);
    ez_db_bind_number(db, EZ_SQL_BLOCK_MARK, 2, state);
    ez_db_run(db, EZ_SQL_BLOCK_MARK);
}

/* find_tip: the last block of the stored chain. */
static const ez_block_id *find_tip(ez_store *store)
{
    ez_db *db = &store->writer;
    ez_written *written = &store->written;
    if (written->has_tip) {
        return &written->tip;
    }
    written->tip = store->network.genesis_id;
    if (ez_db_step(db, EZ_SQL_LOAD_TIP)) {
        if (!ez_db_column_copy(&written->tip, sizeof written->tip, db, EZ_SQL_LOAD_TIP, 0)) {
            ez_db_fail(db, "find the tip", "it is not stored");
        }
        ez_db_reset(db, EZ_SQL_LOAD_TIP);
    }
    written->has_tip = true;
    return &written->tip;
}

/* apply_connect: that no block stands at its own height is the primary key's to say. */
static void apply_connect(ez_store *store, const ez_write_op *op)
{
    ez_db *db = &store->writer;
    uint64_t seq;
    if (!ez_block_id_is_equal(find_tip(store), &op->block->header.previous)) {
        ez_db_fail(db, "connect a block", "the stored chain does not end at its parent");
    }
    if (!keep_body(store, &seq, op->block, EZ_STATE_CONNECTED)) {
        mark(db, seq, EZ_STATE_CONNECTED);
    }
    ez_db_bind_number(db, EZ_SQL_CHAIN_PUT, 1, op->block->header.index);
    ez_db_bind_number(db, EZ_SQL_CHAIN_PUT, 2, seq);
    ez_db_run(db, EZ_SQL_CHAIN_PUT);
    store->written.tip = op->block->id;
    put_undo(db, seq, &op->diff);
    ez_batch_add_txs(&store->batch, op->block, seq);
    ez_batch_add_accounts(&store->batch, op->diff.after, op->diff.count);
}

static void delete_txs(ez_store *store, const ez_block *block, uint64_t seq)
{
    ez_db *db = &store->writer;
    ez_batch_write_txs(&store->batch, db, &store->tx_filter); /* theirs may be among them */
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ez_db_bind_number(db, EZ_SQL_TX_DELETE, 1,
                          (uint64_t)ez_db_tail(block->txs[i].id.hash.bytes));
        ez_db_bind_number(db, EZ_SQL_TX_DELETE, 2, seq << EZ_PLACE_BITS | i);
        ez_db_run(db, EZ_SQL_TX_DELETE);
    }
}

static void apply_disconnect(ez_store *store, const ez_write_op *op)
{
    ez_db *db = &store->writer;
    uint64_t seq = 0;
    ez_hash view;
    bool stored = find_block(store, &seq, &view, &op->block->id);
    ez_db_bind_number(db, EZ_SQL_CHAIN_DELETE, 1, op->block->header.index);
    ez_db_bind_number(db, EZ_SQL_CHAIN_DELETE, 2, seq);
    if (!stored || ez_db_run(db, EZ_SQL_CHAIN_DELETE) != 1) {
        ez_db_fail(db, "disconnect a block", "it is not the tip of the stored chain");
    }
    store->written.has_tip = true;
    store->written.tip = op->block->header.previous;
    delete_txs(store, op->block, seq);
    ez_db_bind_number(db, EZ_SQL_UNDO_DELETE, 1, seq);
    ez_db_run(db, EZ_SQL_UNDO_DELETE);
    ez_batch_add_accounts(&store->batch, op->diff.after, op->diff.count);
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
    ez_db_bind_key(db, EZ_SQL_POOL_FIND, op->tx_id.hash.bytes);
    if (ez_db_step(db, EZ_SQL_POOL_FIND)) {
        ez_db_reset(db, EZ_SQL_POOL_FIND);
        return;
    }
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

static void apply_op(ez_store *store, const ez_write_op *op)
{
    ez_db *db = &store->writer;
    uint64_t seq;
    switch (op->kind) {
    case EZ_WRITE_BODY:
        keep_body(store, &seq, op->block, 0);
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

/* is_connected_next: a body that is stored and connected at once is so by a single row. */
static bool is_connected_next(const ez_write *write, size_t at)
{
    const ez_write_op *op = &write->ops[at];
    return op->kind == EZ_WRITE_BODY && at + 1 < write->count && op[1].kind == EZ_WRITE_CONNECT &&
           op[1].block == op->block;
}

void ez_apply_write(ez_store *store, const ez_write *write)
{
    for (size_t i = 0; i < write->count; i++) {
        if (!is_connected_next(write, i)) {
            apply_op(store, &write->ops[i]);
        }
    }
}

void ez_apply_rest(ez_store *store)
{
    ez_batch_write_txs(&store->batch, &store->writer, &store->tx_filter);
    ez_batch_write_accounts(&store->batch, &store->writer, &store->account_filter);
}
