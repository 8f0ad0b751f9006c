#include "batch_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <stdlib.h>
#include <string.h>

/* The smallest entry takes over 64 bytes, so positions stay far below the bits a place has. */
static_assert(EZ_BLOCK_BODY_BYTES_MAX / 64 < 1 << EZ_PLACE_BITS, "a place names every position");

/* Groups are bounded, so that what one has grown to is worth keeping for the next; but not for ever
 * what one full block of many accounts took. */
#define KEPT_BYTES (256u << 10)

void ez_batch_clear(ez_batch *batch)
{
    free(batch->accounts);
    free(batch->txs);
    *batch = (ez_batch){0};
}

/* room_for: make `list`, which holds `count` of `capacity` items, take `more`. */
static void *room_for(void *list, size_t count, size_t *capacity, size_t more, size_t size)
{
    if (*capacity - count >= more) {
        return list;
    }
    *capacity = 2 * *capacity > count + more ? 2 * *capacity : count + more;
    return ez_realloc(list, *capacity, size);
}

void ez_batch_add_accounts(ez_batch *batch, const ez_account_change *after, uint32_t count)
{
    batch->accounts = room_for(batch->accounts, batch->account_count, &batch->account_capacity,
                               count, sizeof *batch->accounts);
    for (uint32_t i = 0; i < count; i++) {
        ez_batch_account *row = &batch->accounts[batch->account_count];
        row->tail = ez_db_tail(after[i].key.bytes);
        row->order = (uint32_t)batch->account_count++;
        row->key = after[i].key;
        row->account = after[i].account;
    }
}

void ez_batch_add_txs(ez_batch *batch, const ez_block *block, uint64_t seq)
{
    batch->txs = room_for(batch->txs, batch->tx_count, &batch->tx_capacity, block->tx_count,
                          sizeof *batch->txs);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        batch->txs[batch->tx_count++] = (ez_batch_tx){
            .tail = ez_db_tail(block->txs[i].id.hash.bytes),
            .id = &block->txs[i].id,
            .place = seq << EZ_PLACE_BITS | i,
            .offset = block->txs[i].offset,
            .size = block->txs[i].size,
        };
    }
}

static int compare_txs(const void *left, const void *right)
{
    const ez_batch_tx *a = left, *b = right;
    if (a->tail != b->tail) {
        return a->tail < b->tail ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

void ez_batch_write_txs(ez_batch *batch, ez_db *db, ez_filter *filter)
{
    if (batch->tx_count > 1) {
        qsort(batch->txs, batch->tx_count, sizeof *batch->txs, compare_txs);
    }
    for (size_t i = 0; i < batch->tx_count; i++) {
        const ez_batch_tx *row = &batch->txs[i];
        ez_filter_add(filter, row->tail);
        ez_db_bind_parts(db, EZ_SQL_TX_PUT, row->id->hash.bytes);
        ez_db_bind_number(db, EZ_SQL_TX_PUT, 3, row->place);
        ez_db_bind_number(db, EZ_SQL_TX_PUT, 4, row->offset);
        ez_db_bind_number(db, EZ_SQL_TX_PUT, 5, row->size);
        ez_db_run(db, EZ_SQL_TX_PUT);
    }
    batch->tx_count = 0;
    if (batch->tx_capacity * sizeof *batch->txs > KEPT_BYTES) {
        free(batch->txs);
        batch->txs = NULL;
        batch->tx_capacity = 0;
    }
}

static int compare_accounts(const void *left, const void *right)
{
    const ez_batch_account *a = left, *b = right;
    if (a->tail != b->tail) {
        return a->tail < b->tail ? -1 : 1;
    }
    int order = memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes);
    if (order != 0) {
        return order;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

/* put_account: an account that owns nothing and has signed nothing has no row, as if it had never
 * been touched: so the table is a function of the chain, whatever blocks came and went. */
static void put_account(ez_db *db, const ez_batch_account *row)
{
    if (row->account.balance == 0 && row->account.sequence == 0) {
        ez_db_bind_key(db, EZ_SQL_ACCOUNT_DELETE, row->key.bytes);
        ez_db_run(db, EZ_SQL_ACCOUNT_DELETE);
        return;
    }
    static const ez_sql tries[] = {EZ_SQL_ACCOUNT_UPDATE, EZ_SQL_ACCOUNT_PUT};
    int changed = 0;
    for (int i = 0; i < 2 && changed == 0; i++) {
        ez_db_bind_key(db, tries[i], row->key.bytes);
        ez_db_bind_number(db, tries[i], 3, row->account.balance);
        ez_db_bind_number(db, tries[i], 4, row->account.sequence);
        changed = ez_db_run(db, tries[i]);
    }
}

static bool is_same_account(const ez_batch_account *a, const ez_batch_account *b)
{
    return a->tail == b->tail && ez_public_key_is_equal(&a->key, &b->key);
}

void ez_batch_write_accounts(ez_batch *batch, ez_db *db, ez_filter *filter)
{
    size_t count = batch->account_count;
    if (count > 1) {
        qsort(batch->accounts, count, sizeof *batch->accounts, compare_accounts);
    }
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || !is_same_account(&batch->accounts[i], &batch->accounts[i + 1])) {
            ez_filter_add(filter, batch->accounts[i].tail);
            put_account(db, &batch->accounts[i]);
        }
    }
    batch->account_count = 0;
    if (batch->account_capacity * sizeof *batch->accounts > KEPT_BYTES) {
        free(batch->accounts);
        batch->accounts = NULL;
        batch->account_capacity = 0;
    }
}
