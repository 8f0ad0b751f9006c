#include "support_ledger.h"

late_store *late_store_new(void)
{
    return ez_alloc(1, sizeof(late_store));
}

static void clear_write(late_write *write)
{
    free(write->accounts);
    free(write->txs);
}

void late_store_free(late_store *store)
{
    for (size_t i = store->first_write; i < store->write_count; i++) {
        clear_write(&store->writes[i]);
    }
    free(store);
}

static ez_account_change *find_account(late_store *store, const ez_public_key *key)
{
    for (size_t i = 0; i < store->account_count; i++) {
        if (ez_public_key_is_equal(&store->accounts[i].key, key)) {
            return &store->accounts[i];
        }
    }
    return NULL;
}

static size_t find_tx(const late_store *store, const ez_tx_id *id)
{
    size_t place = 0;
    while (place < store->tx_count && !ez_tx_id_is_equal(&store->txs[place], id)) {
        place++;
    }
    return place;
}

static void get_account(void *self, ez_account *out, const ez_public_key *key)
{
    late_store *const store = self;
    const ez_account_change *const row = find_account(store, key);
    store->account_reads++;
    *out = row != NULL ? row->account : (ez_account){0};
}

static bool has_tx(void *self, const ez_tx_id *id)
{
    const late_store *const store = self;
    return find_tx(store, id) < store->tx_count;
}

ez_chain_source late_store_source(late_store *store)
{
    return (ez_chain_source){.self = store, .get_account = get_account, .has_tx = has_tx};
}

void late_store_set(late_store *store, const ez_public_key *key, uint64_t balance,
                    uint64_t sequence)
{
    ez_account_change *row = find_account(store, key);
    if (row == NULL) {
        EZ_ASSERT(store->account_count < LATE_KEYS_MAX);
        row = &store->accounts[store->account_count++];
        row->key = *key;
    }
    row->account = (ez_account){balance, sequence};
}

static void queue(late_store *store, const ez_block *block, const ez_account_change *accounts,
                  uint32_t count, bool adds_txs, uint64_t number)
{
    EZ_ASSERT(store->write_count < LATE_WRITES_MAX);
    late_write *const write = &store->writes[store->write_count++];
    write->number = number;
    write->accounts = ez_memdup(accounts, count * sizeof(*accounts));
    write->account_count = count;
    write->txs = ez_alloc(block->tx_count, sizeof(*write->txs));
    write->tx_count = block->tx_count;
    write->adds_txs = adds_txs;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        write->txs[i] = block->txs[i].id;
    }
}

void late_store_connect(late_store *store, const ez_block *block, const ez_ledger_diff *diff,
                        uint64_t number)
{
    queue(store, block, diff->after, diff->count, true, number);
}

void late_store_disconnect(late_store *store, const ez_block *block,
                           const ez_account_change *before, uint32_t count, uint64_t number)
{
    queue(store, block, before, count, false, number);
}

static void apply(late_store *store, const late_write *write)
{
    for (uint32_t i = 0; i < write->account_count; i++) {
        late_store_set(store, &write->accounts[i].key, write->accounts[i].account.balance,
                       write->accounts[i].account.sequence);
    }
    for (uint32_t i = 0; i < write->tx_count; i++) {
        const size_t place = find_tx(store, &write->txs[i]);
        EZ_ASSERT((place < store->tx_count) != write->adds_txs);
        if (write->adds_txs) {
            EZ_ASSERT(store->tx_count < LATE_TXS_MAX);
            store->txs[store->tx_count++] = write->txs[i];
        } else {
            store->txs[place] = store->txs[--store->tx_count];
        }
    }
}

void late_store_settle(late_store *store, uint64_t number)
{
    while (store->first_write < store->write_count &&
           store->writes[store->first_write].number <= number) {
        late_write *const write = &store->writes[store->first_write++];
        apply(store, write);
        clear_write(write);
    }
}
