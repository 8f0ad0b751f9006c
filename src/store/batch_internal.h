/* Rows of one transaction that lie anywhere in their tables: accounts and the index of
 * transactions. They are collected and written in order of their keys, right before the commit. So
 * a page is visited once and not once for each of its rows, and an account that many blocks of a
 * sync touch is written once, as the last of them left it.
 */
#ifndef EZP2P_STORE_BATCH_INTERNAL_H
#define EZP2P_STORE_BATCH_INTERNAL_H

#include "db_internal.h"
#include "filter_internal.h"

typedef struct ez_batch_account {
    int64_t tail;
    uint32_t order; /* counts up: the last one of a key stays */
    ez_public_key key;
    ez_account account;
} ez_batch_account;

typedef struct ez_batch_tx {
    int64_t tail;
    const ez_tx_id *id; /* borrowed from the block, which the group of writes holds */
    uint64_t place;
    uint32_t offset, size;
} ez_batch_tx;

typedef struct ez_batch {
    ez_batch_account *accounts;
    size_t account_count, account_capacity;
    ez_batch_tx *txs;
    size_t tx_count, tx_capacity;
} ez_batch;

void ez_batch_clear(ez_batch *batch);

void ez_batch_add_accounts(ez_batch *batch, const ez_account_change *after, uint32_t count);
void ez_batch_add_txs(ez_batch *batch, const ez_block *block, uint64_t seq);

/* ez_batch_write_txs, ez_batch_write_accounts: write what was added, into the filter too, and
 * forget it. */
void ez_batch_write_txs(ez_batch *batch, ez_db *db, ez_filter *filter);
void ez_batch_write_accounts(ez_batch *batch, ez_db *db, ez_filter *filter);

#endif
