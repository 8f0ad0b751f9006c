/* A ledger over a store that applies writes late, as the real one does, and the naive ledger that
 * both are compared with. */
#ifndef EZP2P_TESTS_SUPPORT_LEDGER_H
#define EZP2P_TESTS_SUPPORT_LEDGER_H

#include "chain_fixture.h"
#include "ezp2p/chain/ledger.h"

#define LATE_KEYS_MAX   64
#define LATE_TXS_MAX    4096
#define LATE_WRITES_MAX 4096

typedef struct late_write {
    uint64_t number;
    ez_account_change *accounts;
    uint32_t account_count;
    ez_tx_id *txs;
    uint32_t tx_count;
    bool adds_txs;
} late_write;

/* Durable state, and the writes that are on their way to it. */
typedef struct late_store {
    ez_account_change accounts[LATE_KEYS_MAX];
    size_t account_count;
    ez_tx_id txs[LATE_TXS_MAX];
    size_t tx_count;
    late_write writes[LATE_WRITES_MAX];
    size_t first_write;
    size_t write_count;
    size_t account_reads;
} late_store;

late_store *late_store_new(void);
void late_store_free(late_store *store);
ez_chain_source late_store_source(late_store *store);

/* late_store_set: the durable account of `key`, as if it had always been there. */
void late_store_set(late_store *store, const ez_public_key *key, uint64_t balance,
                    uint64_t sequence);

/* late_store_connect, late_store_disconnect: queue what the node would write. */
void late_store_connect(late_store *store, const ez_block *block, const ez_ledger_diff *diff,
                        uint64_t number);
void late_store_disconnect(late_store *store, const ez_block *block,
                           const ez_account_change *before, uint32_t count, uint64_t number);

/* late_store_settle: apply queued writes up to `number`. */
void late_store_settle(late_store *store, uint64_t number);

#endif
