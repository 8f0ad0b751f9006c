/* A pool over a ledger over a store, a diary of who left, and entries of a wanted size and fee. */
#ifndef EZP2P_TESTS_SUPPORT_POOL_H
#define EZP2P_TESTS_SUPPORT_POOL_H

#include "chain_fixture.h"
#include "pool_internal.h"
#include "support_ledger.h"

#include <criterion/criterion.h>

#define LEFT_MAX 64

typedef struct world {
    ez_network network;
    late_store *store;
    ez_ledger *ledger;
    ez_pool *pool;
    ez_header tip;
    ez_keypair miner;
    uint64_t write;
    ez_time_ms now;
    struct {
        ez_tx_id id;
        ez_rule rule;
    } left[LEFT_MAX];
    size_t left_count;
    size_t unknown_count;
} world;

static inline void on_left(void *self, const ez_pool_entry *entry, ez_rule rule)
{
    world *const w = self;
    if (w->left_count < LEFT_MAX) {
        w->left[w->left_count].id = entry->id;
        w->left[w->left_count].rule = rule;
    }
    w->left_count++;
}

static const ez_pool_limits roomy = {.count_max = 1000,
                                     .bytes_max = 1000000,
                                     .misfits_max = 1000,
                                     .signer_max = 1000,
                                     .orphan_count_max = 10,
                                     .orphan_bytes_max = 100000,
                                     .orphan_age_ms = 1000};

static inline world *world_new(const ez_pool_limits *limits)
{
    world *const w = ez_alloc(1, sizeof(*w));
    w->network = fixture_network();
    w->store = late_store_new();
    const ez_chain_source source = late_store_source(w->store);
    w->ledger = ez_ledger_new(&source, (ez_siphash_key){5, 6});
    w->pool = limits != NULL
                  ? ez_pool_new_limited(w->ledger, (ez_siphash_key){5, 6}, on_left, w, limits)
                  : ez_pool_new(w->ledger, (ez_siphash_key){5, 6}, on_left, w);
    w->tip = w->network.genesis;
    w->miner = fixture_keypair(1000);
    return w;
}

static inline void world_free(world *w)
{
    const size_t left_count = w->left_count;
    ez_pool_free(w->pool);
    cr_expect(w->left_count == left_count, "freeing a pool lets nobody leave");
    ez_ledger_free(w->ledger);
    late_store_free(w->store);
    free(w);
}

static inline ez_keypair give(world *w, uint32_t number, uint64_t balance, uint64_t sequence)
{
    const ez_keypair pair = fixture_keypair(number);
    late_store_set(w->store, &pair.public_key, balance, sequence);
    return pair;
}

static inline ez_rule add_as(world *w, const fixture_tx *tx, bool durable)
{
    const ez_pool_entry *entry;
    const size_t count = ez_pool_count(w->pool);
    const size_t left = w->left_count;
    const ez_pool_keep keep = durable ? EZ_POOL_PROMISED : EZ_POOL_RELAYED;
    const ez_rule rule = ez_pool_add(w->pool, &entry, &tx->tx, &tx->id, tx->bytes, keep, w->now);
    cr_expect((entry != NULL) == (rule == EZ_RULE_OK));
    cr_expect((rule == EZ_RULE_OK) ==
              (ez_pool_count(w->pool) + (w->left_count - left) == count + 1));
    return rule;
}

/* Add an entry and forget it: the pool holds its bytes. */
static inline ez_rule add(world *w, fixture_tx tx)
{
    const ez_rule rule = add_as(w, &tx, false);
    fixture_tx_clear(&tx);
    return rule;
}

static inline bool holds(const world *w, const fixture_tx *tx)
{
    return ez_pool_find(w->pool, &tx->id) != NULL;
}

static inline bool has_left(const world *w, const fixture_tx *tx, ez_rule rule)
{
    for (size_t i = 0; i < w->left_count && i < LEFT_MAX; i++) {
        if (ez_tx_id_is_equal(&w->left[i].id, &tx->id) && w->left[i].rule == rule) {
            return true;
        }
    }
    return false;
}

/* A note from an address, to a label, with a memo that makes it `size` bytes. */
static inline fixture_tx sized_note(const world *w, const ez_keypair *from, uint64_t fee,
                                    uint64_t sequence, size_t size)
{
    ez_tx tx = {.sender = fixture_address(&from->public_key),
                .recipient = fixture_label("b"),
                .fee = fee,
                .sequence = sequence};
    cr_assert(size >= EZ_POOL_TX_BYTES_MIN);
    tx.memo_size = (uint16_t)(size - EZ_POOL_TX_BYTES_MIN);
    memset(tx.memo, 'm', tx.memo_size);
    const fixture_tx made = fixture_claim(&w->network, &tx, &from->public_key);
    cr_assert(ez_blob_size(made.bytes) == size);
    return made;
}

/* An entry of 200 bytes, so that fees compare as fees per byte do. */
static inline fixture_tx note(const world *w, const ez_keypair *from, uint64_t fee,
                              uint64_t sequence)
{
    return sized_note(w, from, fee, sequence, 200);
}

static inline fixture_tx label_note(const world *w, const ez_keypair *signer, uint64_t salt)
{
    ez_tx tx = {.sender = fixture_label("a"), .recipient = fixture_label("b"), .timestamp = salt};
    return fixture_claim(&w->network, &tx, &signer->public_key);
}

static inline fixture_tx transfer(const world *w, const ez_keypair *from, const ez_keypair *to,
                                  uint64_t amount, uint64_t fee, uint64_t sequence)
{
    ez_tx tx = {.sender = fixture_address(&from->public_key),
                .recipient = fixture_address(&to->public_key),
                .amount = amount,
                .fee = fee,
                .sequence = sequence};
    return fixture_claim(&w->network, &tx, &from->public_key);
}

typedef struct connected {
    ez_block *block;
    ez_ledger_diff diff;
} connected;

/* A block of these entries on the tip, through the ledger alone. */
static inline connected connect(world *w, const fixture_tx *txs, size_t tx_count)
{
    connected made;
    made.block = fixture_block_on(&w->network, &w->tip, &w->miner.public_key, txs, tx_count);
    const ez_rule rule =
        ez_ledger_connect(w->ledger, &made.diff, NULL, &w->network, made.block, ++w->write);
    cr_assert(rule == EZ_RULE_OK, "rule %d", rule);
    w->tip = made.block->header;
    return made;
}

static inline void connected_clear(connected *made)
{
    ez_ledger_diff_clear(&made->diff);
    ez_block_unref(made->block);
}

static inline void connect_and_tell(world *w, const fixture_tx *txs, size_t tx_count)
{
    connected made = connect(w, txs, tx_count);
    ez_pool_connected(w->pool, made.block, NULL);
    connected_clear(&made);
}

static inline void disconnect(world *w, connected *made, const ez_header *parent)
{
    ez_ledger_disconnect(w->ledger, made->block, made->diff.before, made->diff.count, ++w->write);
    w->tip = *parent;
}

static inline void clear_all(fixture_tx *txs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fixture_tx_clear(&txs[i]);
    }
}

#endif
