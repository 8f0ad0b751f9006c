#include "ezp2p/chain/pool.h"

#include "chain_fixture.h"
#include "pool_internal.h"
#include "support_ledger.h"

#include <criterion/criterion.h>

static const ez_siphash_key table_key = {5, 6};

#define LEFT_MAX 64

/* A pool over a ledger over a store, and a diary of who left. */
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
} world;

static void on_left(void *self, const ez_pool_entry *entry, ez_rule rule)
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
                                     .signer_max = 1000,
                                     .orphan_count_max = 10,
                                     .orphan_bytes_max = 100000,
                                     .orphan_age_ms = 1000};

static world *world_new(const ez_pool_limits *limits)
{
    world *const w = ez_alloc(1, sizeof(*w));
    w->network = fixture_network();
    w->store = late_store_new();
    const ez_chain_source source = late_store_source(w->store);
    w->ledger = ez_ledger_new(&source, table_key);
    w->pool = limits != NULL ? ez_pool_new_limited(w->ledger, table_key, on_left, w, limits)
                             : ez_pool_new(w->ledger, table_key, on_left, w);
    w->tip = w->network.genesis;
    w->miner = fixture_keypair(1000);
    return w;
}

static void world_free(world *w)
{
    const size_t left_count = w->left_count;
    ez_pool_free(w->pool);
    cr_expect(w->left_count == left_count, "freeing a pool lets nobody leave");
    ez_ledger_free(w->ledger);
    late_store_free(w->store);
    free(w);
}

static ez_keypair give(world *w, uint32_t number, uint64_t balance, uint64_t sequence)
{
    const ez_keypair pair = fixture_keypair(number);
    late_store_set(w->store, &pair.public_key, balance, sequence);
    return pair;
}

static ez_rule add_as(world *w, const fixture_tx *tx, bool durable)
{
    const ez_pool_entry *entry;
    const size_t count = ez_pool_count(w->pool);
    const size_t left = w->left_count;
    const ez_rule rule = ez_pool_add(w->pool, &entry, &tx->tx, &tx->id, tx->bytes, durable, w->now);
    cr_expect((entry != NULL) == (rule == EZ_RULE_OK));
    cr_expect((rule == EZ_RULE_OK) ==
              (ez_pool_count(w->pool) + (w->left_count - left) == count + 1));
    return rule;
}

/* Add an entry and forget it: the pool holds its bytes. */
static ez_rule add(world *w, fixture_tx tx)
{
    const ez_rule rule = add_as(w, &tx, false);
    fixture_tx_clear(&tx);
    return rule;
}

static bool holds(const world *w, const fixture_tx *tx)
{
    return ez_pool_find(w->pool, &tx->id) != NULL;
}

static bool has_left(const world *w, const fixture_tx *tx, ez_rule rule)
{
    for (size_t i = 0; i < w->left_count && i < LEFT_MAX; i++) {
        if (ez_tx_id_is_equal(&w->left[i].id, &tx->id) && w->left[i].rule == rule) {
            return true;
        }
    }
    return false;
}

/* A note from an address, to a label, with a memo that makes it `size` bytes. */
static fixture_tx sized_note(const world *w, const ez_keypair *from, uint64_t fee,
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
static fixture_tx note(const world *w, const ez_keypair *from, uint64_t fee, uint64_t sequence)
{
    return sized_note(w, from, fee, sequence, 200);
}

static fixture_tx label_note(const world *w, const ez_keypair *signer, uint64_t salt)
{
    ez_tx tx = {.sender = fixture_label("a"), .recipient = fixture_label("b"), .timestamp = salt};
    return fixture_claim(&w->network, &tx, &signer->public_key);
}

static fixture_tx transfer(const world *w, const ez_keypair *from, const ez_keypair *to,
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
static connected connect(world *w, const fixture_tx *txs, size_t tx_count)
{
    connected made;
    made.block = fixture_block_on(&w->network, &w->tip, &w->miner.public_key, txs, tx_count);
    const ez_rule rule =
        ez_ledger_connect(w->ledger, &made.diff, NULL, &w->network, made.block, ++w->write);
    cr_assert(rule == EZ_RULE_OK, "rule %d", rule);
    w->tip = made.block->header;
    return made;
}

static void connected_clear(connected *made)
{
    ez_ledger_diff_clear(&made->diff);
    ez_block_unref(made->block);
}

static void connect_and_tell(world *w, const fixture_tx *txs, size_t tx_count)
{
    connected made = connect(w, txs, tx_count);
    ez_pool_connected(w->pool, made.block);
    connected_clear(&made);
}

static void disconnect(world *w, connected *made, const ez_header *parent)
{
    ez_ledger_disconnect(w->ledger, made->block, made->diff.before, made->diff.count, ++w->write);
    w->tip = *parent;
}

static void clear_all(fixture_tx *txs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fixture_tx_clear(&txs[i]);
    }
}

/* ---- in ---- */

Test(pool, an_entry_tells_what_it_is)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 7);
    const ez_keypair b = fixture_keypair(2);
    fixture_tx tx = transfer(w, &a, &b, 60, 3, 7);
    const ez_pool_entry *entry;
    w->now = 55;
    cr_assert(ez_pool_add(w->pool, &entry, &tx.tx, &tx.id, tx.bytes, true, w->now) == EZ_RULE_OK);
    cr_expect(ez_tx_id_is_equal(&entry->id, &tx.id) && entry->bytes == tx.bytes);
    cr_expect(ez_public_key_is_equal(&entry->signer, &a.public_key));
    cr_expect(entry->kind == EZ_TX_TRANSFER && entry->from_address && entry->durable);
    cr_expect(entry->sequence == 7 && entry->amount == 60 && entry->fee == 3);
    cr_expect(entry->arrival > 0 && entry->since == 55);
    cr_expect(ez_pool_find(w->pool, &tx.id) == entry && ez_pool_first(w->pool) == entry);
    cr_expect(ez_pool_count(w->pool) == 1 && ez_pool_bytes(w->pool) == ez_blob_size(tx.bytes));
    fixture_tx_clear(&tx);
    world_free(w);
}

Test(pool, an_entry_comes_in_once)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx txs[] = {label_note(w, &a, 1), note(w, &a, 1, 0)};
    for (size_t i = 0; i < 2; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
        cr_expect(add_as(w, &txs[i], true) == EZ_RULE_TX_POOL_KNOWN);
        cr_expect_not(ez_pool_find(w->pool, &txs[i].id)->durable, "that is set_durable's to do");
    }
    clear_all(txs, 2);
    world_free(w);
}

Test(pool, a_reward_never_comes_in)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = fixture_keypair(1);
    const ez_tx reward = fixture_reward_tx(&a.public_key, FIXTURE_REWARD, 2, 0);
    cr_expect(add(w, fixture_finish(&w->network, &reward)) == EZ_RULE_TX_REWARD_ALONE);
    world_free(w);
}

Test(pool, what_the_chain_holds_stays_out)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx txs[] = {label_note(w, &a, 1), note(w, &a, 1, 0)};
    connect_and_tell(w, txs, 2);
    cr_expect(add_as(w, &txs[0], true) == EZ_RULE_TX_DUPLICATE);
    cr_expect(add_as(w, &txs[1], true) == EZ_RULE_TX_DUPLICATE);
    cr_expect(add(w, note(w, &a, 2, 0)) == EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(add(w, note(w, &a, 2, 1)) == EZ_RULE_OK);
    clear_all(txs, 2);
    world_free(w);
}

Test(pool, a_run_has_no_gap_and_no_second_entry)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 5);
    uint64_t spent;
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, &spent) == 5 && spent == 0);
    cr_expect(add(w, note(w, &a, 1, 4)) == EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(add(w, note(w, &a, 1, 6)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(add(w, note(w, &a, 1, 5)) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 9, 5)) == EZ_RULE_TX_POOL_CONFLICT, "whatever it pays");
    cr_expect(add(w, note(w, &a, 2, 6)) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 9, 5)) == EZ_RULE_TX_POOL_CONFLICT);
    cr_expect(add(w, note(w, &a, 9, 6)) == EZ_RULE_TX_POOL_CONFLICT);
    cr_expect(add(w, note(w, &a, 1, 8)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(add(w, note(w, &a, 1, 4)) == EZ_RULE_TX_SEQUENCE_PAST);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, &spent) == 7 && spent == 3);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 7);
    world_free(w);
}

Test(pool, a_run_costs_no_more_than_the_signer_has)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = fixture_keypair(2);
    cr_expect(add(w, transfer(w, &a, &b, 60, 10, 0)) == EZ_RULE_OK);
    cr_expect(add(w, transfer(w, &a, &b, 30, 1, 1)) == EZ_RULE_TX_FUNDS);
    cr_expect(add(w, transfer(w, &a, &b, 29, 1, 1)) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 1, 2)) == EZ_RULE_TX_FUNDS);
    cr_expect(add(w, note(w, &a, 0, 2)) == EZ_RULE_OK);
    world_free(w);
}

Test(pool, coins_on_their_way_cannot_be_spent)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 0, 0);
    fixture_tx tx = transfer(w, &a, &b, 50, 0, 0);
    cr_expect(add_as(w, &tx, false) == EZ_RULE_OK);
    cr_expect(add(w, transfer(w, &b, &a, 1, 0, 0)) == EZ_RULE_TX_FUNDS);
    connect_and_tell(w, &tx, 1);
    cr_expect(add(w, transfer(w, &b, &a, 50, 0, 0)) == EZ_RULE_OK);
    fixture_tx_clear(&tx);
    world_free(w);
}

/* ---- bounds ---- */

Test(pool, a_signers_share_is_bounded)
{
    ez_pool_limits limits = roomy;
    limits.signer_max = 3;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx gone = label_note(w, &a, 1);
    cr_expect(add_as(w, &gone, false) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_expect(add(w, label_note(w, &a, 2)) == EZ_RULE_OK, "at the bound");
    cr_expect(add(w, label_note(w, &a, 3)) == EZ_RULE_TX_POOL_FULL, "one over it");
    cr_expect(add(w, note(w, &a, 50, 1)) == EZ_RULE_TX_POOL_FULL, "whatever it pays");
    fixture_tx durable = note(w, &a, 50, 1);
    cr_expect(add_as(w, &durable, true) == EZ_RULE_TX_POOL_FULL, "and whoever posted it");
    cr_expect(add(w, note(w, &b, 0, 0)) == EZ_RULE_OK, "others have shares of their own");
    connect_and_tell(w, &gone, 1);
    cr_expect(add_as(w, &durable, true) == EZ_RULE_OK);
    fixture_tx_clear(&gone);
    fixture_tx_clear(&durable);
    world_free(w);
}

Test(pool, the_real_bounds_are_the_documented_ones)
{
    world *const w = world_new(NULL);
    const ez_keypair keys[] = {fixture_keypair(1), fixture_keypair(2), fixture_keypair(3)};
    size_t added = 0;
    for (size_t k = 0; k < 3; k++) {
        const size_t room = EZ_POOL_COUNT_MAX - added;
        const size_t share = room < EZ_POOL_SIGNER_MAX ? room : EZ_POOL_SIGNER_MAX;
        for (size_t i = 0; i < share; i++) {
            cr_assert(add(w, label_note(w, &keys[k], added++)) == EZ_RULE_OK);
        }
        if (share == EZ_POOL_SIGNER_MAX) {
            cr_expect(add(w, label_note(w, &keys[k], added)) == EZ_RULE_TX_POOL_FULL);
        }
    }
    cr_expect(ez_pool_count(w->pool) == EZ_POOL_COUNT_MAX);
    cr_expect(add(w, label_note(w, &keys[2], added)) == EZ_RULE_TX_POOL_FULL);
    cr_expect(ez_pool_count(w->pool) == EZ_POOL_COUNT_MAX && w->left_count == 0);
    world_free(w);
}

Test(pool, bytes_are_bounded_to_the_byte)
{
    ez_pool_limits limits = roomy;
    limits.bytes_max = 3 * 200;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    cr_expect(add(w, sized_note(w, &a, 9, 0, 200)) == EZ_RULE_OK);
    cr_expect(add(w, sized_note(w, &a, 9, 1, 200)) == EZ_RULE_OK);
    cr_expect(add(w, sized_note(w, &a, 0, 2, 201)) == EZ_RULE_TX_POOL_FULL, "one byte over");
    cr_expect(add(w, sized_note(w, &a, 0, 2, 200)) == EZ_RULE_OK, "exactly full");
    cr_expect(ez_pool_bytes(w->pool) == 600);
    world_free(w);
}

Test(pool, the_lowest_fee_per_byte_gives_way)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 3;
    world *const w = world_new(&limits);
    const ez_keypair keys[] = {give(w, 1, 100, 0), give(w, 2, 100, 0), give(w, 3, 100, 0),
                               give(w, 4, 100, 0)};
    fixture_tx txs[] = {sized_note(w, &keys[0], 10, 0, 200), sized_note(w, &keys[1], 9, 0, 150),
                        sized_note(w, &keys[2], 16, 0, 300)};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_expect(add(w, sized_note(w, &keys[3], 10, 0, 200)) == EZ_RULE_TX_POOL_FULL,
              "no more than the lowest, which is the first by its bytes");
    cr_expect(w->left_count == 0);
    cr_expect(add(w, sized_note(w, &keys[3], 11, 0, 200)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[0], EZ_RULE_TX_POOL_FULL) && w->left_count == 1);
    cr_expect(holds(w, &txs[1]) && holds(w, &txs[2]));
    clear_all(txs, 3);
    world_free(w);
}

Test(pool, the_newest_among_equals_gives_way)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 3;
    world *const w = world_new(&limits);
    const ez_keypair a = fixture_keypair(1);
    const ez_keypair rich = give(w, 2, 100, 0);
    fixture_tx txs[] = {label_note(w, &a, 1), label_note(w, &a, 2), label_note(w, &a, 3)};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_expect(add(w, note(w, &rich, 1, 0)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[2], EZ_RULE_TX_POOL_FULL));
    cr_expect(add(w, note(w, &rich, 1, 1)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[1], EZ_RULE_TX_POOL_FULL) && holds(w, &txs[0]));
    clear_all(txs, 3);
    world_free(w);
}

Test(pool, only_the_last_of_a_run_gives_way)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 3;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), note(w, &a, 20, 1), note(w, &a, 30, 2)};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_expect(add(w, note(w, &b, 29, 0)) == EZ_RULE_TX_POOL_FULL, "the cheap one is not the last");
    cr_expect(add(w, note(w, &b, 31, 0)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[2], EZ_RULE_TX_POOL_FULL) && w->left_count == 1);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 2);
    cr_expect(add(w, note(w, &b, 21, 1)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[1], EZ_RULE_TX_POOL_FULL));
    clear_all(txs, 3);
    world_free(w);
}

Test(pool, an_entry_does_not_evict_what_it_stands_on)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 2;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx other = note(w, &b, 5, 0);
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_expect(add_as(w, &other, false) == EZ_RULE_OK);
    cr_expect(add(w, note(w, &a, 5, 1)) == EZ_RULE_TX_POOL_FULL);
    cr_expect(add(w, note(w, &a, 6, 1)) == EZ_RULE_OK, "the other pays less than this one");
    cr_expect(has_left(w, &other, EZ_RULE_TX_POOL_FULL));
    cr_expect(add(w, note(w, &a, 50, 2)) == EZ_RULE_TX_POOL_FULL, "all the pool is its own run");
    cr_expect(ez_pool_count(w->pool) == 2);
    fixture_tx_clear(&other);
    world_free(w);
}

Test(pool, an_acknowledged_entry_never_gives_way)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 2;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx kept = label_note(w, &a, 1);
    fixture_tx cheap = note(w, &a, 1, 0);
    fixture_tx posted = label_note(w, &a, 2);
    cr_expect(add_as(w, &kept, true) == EZ_RULE_OK);
    cr_expect(add_as(w, &cheap, false) == EZ_RULE_OK);
    cr_expect(add_as(w, &posted, true) == EZ_RULE_OK, "it pays nothing and evicts all the same");
    cr_expect(has_left(w, &cheap, EZ_RULE_TX_POOL_FULL) && holds(w, &kept));
    cr_expect(add(w, note(w, &b, 100, 0)) == EZ_RULE_TX_POOL_FULL);
    fixture_tx more = label_note(w, &a, 3);
    cr_expect(add_as(w, &more, true) == EZ_RULE_TX_POOL_FULL, "full of such");
    fixture_tx_clear(&kept);
    fixture_tx_clear(&cheap);
    fixture_tx_clear(&posted);
    fixture_tx_clear(&more);
    world_free(w);
}

Test(pool, an_entry_becomes_durable_when_a_client_posts_it_too)
{
    ez_pool_limits limits = roomy;
    limits.count_max = 2;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), note(w, &a, 1, 1)};
    const ez_tx_id unknown = {{{1}}};
    cr_expect(add_as(w, &txs[0], false) == EZ_RULE_OK);
    cr_expect(add_as(w, &txs[1], false) == EZ_RULE_OK);
    ez_pool_set_durable(w->pool, &unknown);
    ez_pool_set_durable(w->pool, &txs[1].id);
    cr_expect(ez_pool_find(w->pool, &txs[1].id)->durable);
    cr_expect_not(ez_pool_find(w->pool, &txs[0].id)->durable);
    cr_expect(add(w, note(w, &b, 100, 0)) == EZ_RULE_TX_POOL_FULL,
              "what comes before it in the run is needed");
    clear_all(txs, 2);
    world_free(w);
}

/* Room for a large one is made of several small ones, or not at all. */
Test(pool, several_give_way_for_bytes_or_none)
{
    ez_pool_limits limits = roomy;
    limits.bytes_max = 4 * 150;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 1000, 0);
    fixture_tx txs[] = {sized_note(w, &a, 9, 0, 150), sized_note(w, &a, 1, 1, 150),
                        sized_note(w, &a, 3, 2, 150), sized_note(w, &a, 2, 3, 150)};
    for (size_t i = 0; i < 4; i++) {
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_expect(add(w, sized_note(w, &b, 6, 0, 301)) == EZ_RULE_TX_POOL_FULL,
              "two would go, the third pays more");
    cr_expect(w->left_count == 0 && ez_pool_count(w->pool) == 4);
    cr_expect(add(w, sized_note(w, &b, 7, 0, 300)) == EZ_RULE_OK);
    cr_expect(has_left(w, &txs[3], EZ_RULE_TX_POOL_FULL));
    cr_expect(has_left(w, &txs[2], EZ_RULE_TX_POOL_FULL));
    cr_expect(w->left_count == 2 && ez_pool_bytes(w->pool) == 600);
    clear_all(txs, 4);
    world_free(w);
}

Test(pool, more_than_the_pool_could_ever_hold_is_refused)
{
    ez_pool_limits limits = roomy;
    limits.bytes_max = 299;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    cr_expect(add(w, label_note(w, &a, 1)) == EZ_RULE_OK);
    cr_expect(add(w, sized_note(w, &a, 50, 0, 300)) == EZ_RULE_TX_POOL_FULL);
    cr_expect(ez_pool_count(w->pool) == 1);
    cr_expect(add(w, sized_note(w, &a, 50, 0, 299)) == EZ_RULE_OK);
    cr_expect(ez_pool_count(w->pool) == 1 && w->left_count == 1);
    world_free(w);
}

/* ---- blocks ---- */

Test(pool, a_block_takes_its_own)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), label_note(w, &a, 1), note(w, &a, 1, 1),
                        label_note(w, &a, 2)};
    for (size_t i = 0; i < 4; i++) {
        cr_expect(add_as(w, &txs[i], i == 1) == EZ_RULE_OK);
    }
    connect_and_tell(w, txs, 2);
    cr_expect(has_left(w, &txs[0], EZ_RULE_OK) && has_left(w, &txs[1], EZ_RULE_OK));
    cr_expect(w->left_count == 2 && holds(w, &txs[2]) && holds(w, &txs[3]));
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 2);
    connect_and_tell(w, txs + 2, 2);
    cr_expect(ez_pool_count(w->pool) == 0 && ez_pool_bytes(w->pool) == 0);
    cr_expect(w->left_count == 4 && w->pool->signers == NULL && w->pool->evictable.count == 0);
    clear_all(txs, 4);
    world_free(w);
}

Test(pool, a_block_makes_conflicting_entries_impossible)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx pooled[] = {note(w, &a, 1, 0), note(w, &a, 1, 1), note(w, &a, 1, 2)};
    fixture_tx other = note(w, &b, 1, 0);
    fixture_tx mined[] = {note(w, &a, 2, 0), pooled[1]};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &pooled[i], true) == EZ_RULE_OK);
    }
    cr_expect(add_as(w, &other, false) == EZ_RULE_OK);
    connect_and_tell(w, mined, 2);
    cr_expect(has_left(w, &pooled[0], EZ_RULE_TX_SEQUENCE_PAST));
    cr_expect(has_left(w, &pooled[1], EZ_RULE_OK));
    cr_expect(holds(w, &pooled[2]) && holds(w, &other) && w->left_count == 2);
    uint64_t spent;
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, &spent) == 3 && spent == 1);
    clear_all(pooled, 3);
    fixture_tx_clear(&mined[0]);
    fixture_tx_clear(&other);
    world_free(w);
}

Test(pool, a_block_that_takes_the_coins_cuts_a_run_short)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = fixture_keypair(2);
    fixture_tx pooled[] = {transfer(w, &a, &b, 10, 0, 0), transfer(w, &a, &b, 10, 0, 1),
                           transfer(w, &a, &b, 20, 0, 2), note(w, &a, 0, 3)};
    fixture_tx mined = transfer(w, &a, &b, 71, 0, 0);
    for (size_t i = 0; i < 4; i++) {
        cr_expect(add_as(w, &pooled[i], true) == EZ_RULE_OK);
    }
    connect_and_tell(w, &mined, 1);
    cr_expect(has_left(w, &pooled[0], EZ_RULE_TX_SEQUENCE_PAST));
    cr_expect(has_left(w, &pooled[3], EZ_RULE_TX_FUNDS), "its predecessor cannot be paid");
    cr_expect(has_left(w, &pooled[2], EZ_RULE_TX_FUNDS));
    cr_expect(holds(w, &pooled[1]) && w->left_count == 3);
    clear_all(pooled, 4);
    fixture_tx_clear(&mined);
    world_free(w);
}

/* ---- reorganisations ---- */

Test(pool, losers_return_below_what_was_pooled_on_them)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), note(w, &a, 1, 1), note(w, &a, 1, 2), note(w, &a, 1, 3)};
    const ez_header parent = w->tip;
    connected lost = connect(w, txs, 2);
    cr_expect(add_as(w, &txs[2], true) == EZ_RULE_OK);
    cr_expect(add_as(w, &txs[3], false) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 0);
    connect_and_tell(w, NULL, 0);
    cr_expect(add_as(w, &txs[0], false) == EZ_RULE_OK);
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, NULL) == 1);
    cr_expect(add_as(w, &txs[1], false) == EZ_RULE_OK);
    uint64_t spent;
    cr_expect(ez_pool_next_sequence(w->pool, &a.public_key, &spent) == 4 && spent == 4);
    ez_pool_recheck(w->pool);
    cr_expect(w->left_count == 0 && ez_pool_count(w->pool) == 4);
    const ez_pool_entry *chosen[4];
    cr_assert(ez_pool_select(w->pool, chosen, 4, 10000) == 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect(ez_tx_id_is_equal(&chosen[i]->id, &txs[i].id));
    }
    connected_clear(&lost);
    clear_all(txs, 4);
    world_free(w);
}

Test(pool, what_stands_on_a_loser_that_does_not_return_goes_at_the_recheck)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx txs[] = {note(w, &a, 1, 0), note(w, &a, 1, 1), note(w, &a, 1, 2)};
    fixture_tx other = note(w, &b, 1, 0);
    const ez_header parent = w->tip;
    connected lost = connect(w, txs, 2);
    cr_expect(add_as(w, &txs[2], true) == EZ_RULE_OK);
    cr_expect(add_as(w, &other, false) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    cr_expect(add_as(w, &txs[0], false) == EZ_RULE_OK);
    cr_expect(w->left_count == 0 && holds(w, &txs[2]), "the missing one may still come");
    ez_pool_recheck(w->pool);
    cr_expect(has_left(w, &txs[2], EZ_RULE_TX_SEQUENCE_GAP) && w->left_count == 1);
    cr_expect(holds(w, &txs[0]) && holds(w, &other));
    cr_expect(add_as(w, &txs[1], false) == EZ_RULE_OK);
    connected_clear(&lost);
    clear_all(txs, 3);
    fixture_tx_clear(&other);
    world_free(w);
}

/* Coins may be gone in the middle of a reorganisation and back at its end. */
Test(pool, funds_are_judged_when_a_reorganisation_is_over)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 10, 0);
    const ez_keypair b = give(w, 2, 0, 0);
    fixture_tx pay = transfer(w, &a, &b, 10, 0, 0);
    fixture_tx spend = transfer(w, &b, &a, 10, 0, 0);
    const ez_header parent = w->tip;
    connected lost = connect(w, &pay, 1);
    cr_expect(add_as(w, &spend, true) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    connect_and_tell(w, NULL, 0);
    cr_expect(holds(w, &spend));
    connect_and_tell(w, &pay, 1);
    ez_pool_recheck(w->pool);
    cr_expect(holds(w, &spend) && w->left_count == 0);
    connected_clear(&lost);
    fixture_tx_clear(&pay);
    fixture_tx_clear(&spend);
    world_free(w);
}

Test(pool, coins_that_a_reorganisation_took_are_missed_at_the_recheck)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 10, 0);
    const ez_keypair b = give(w, 2, 0, 0);
    fixture_tx pay = transfer(w, &a, &b, 10, 0, 0);
    fixture_tx spend = transfer(w, &b, &a, 10, 0, 0);
    const ez_header parent = w->tip;
    connected lost = connect(w, &pay, 1);
    late_store_connect(w->store, lost.block, &lost.diff, w->write);
    cr_expect(add_as(w, &spend, true) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    late_store_disconnect(w->store, lost.block, lost.diff.before, lost.diff.count, w->write);
    late_store_settle(w->store, w->write); /* nothing in memory tells any more what changed */
    ez_ledger_settle(w->ledger, w->write);
    ez_pool_recheck(w->pool);
    cr_expect(has_left(w, &spend, EZ_RULE_TX_FUNDS));
    connected_clear(&lost);
    fixture_tx_clear(&pay);
    fixture_tx_clear(&spend);
    world_free(w);
}

Test(pool, a_block_of_the_new_branch_that_spends_is_seen_at_the_recheck)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = fixture_keypair(2);
    fixture_tx pooled[] = {transfer(w, &a, &b, 10, 0, 0), transfer(w, &a, &b, 20, 0, 1)};
    fixture_tx mined = transfer(w, &a, &b, 85, 0, 0);
    const ez_header parent = w->tip;
    connected lost = connect(w, NULL, 0); /* does not touch the signer */
    cr_expect(add_as(w, &pooled[0], true) == EZ_RULE_OK);
    cr_expect(add_as(w, &pooled[1], true) == EZ_RULE_OK);
    disconnect(w, &lost, &parent);
    connect_and_tell(w, &mined, 1);
    cr_expect(has_left(w, &pooled[0], EZ_RULE_TX_SEQUENCE_PAST) && holds(w, &pooled[1]));
    ez_pool_recheck(w->pool);
    cr_expect(has_left(w, &pooled[1], EZ_RULE_TX_FUNDS));
    connected_clear(&lost);
    clear_all(pooled, 2);
    fixture_tx_clear(&mined);
    world_free(w);
}

Test(pool, a_recheck_reads_no_account_that_did_not_move)
{
    world *const w = world_new(&roomy);
    const ez_header parent = w->tip;
    for (uint32_t i = 1; i <= 50; i++) {
        const ez_keypair pair = give(w, i, 100, 0);
        cr_expect(add(w, note(w, &pair, 1, 0)) == EZ_RULE_OK);
    }
    connected lost = connect(w, NULL, 0);
    disconnect(w, &lost, &parent);
    const size_t reads = w->store->account_reads;
    ez_pool_recheck(w->pool);
    cr_expect(w->store->account_reads == reads && ez_pool_count(w->pool) == 50);
    connected_clear(&lost);
    world_free(w);
}

/* ---- orphans ---- */

static bool take(world *w, fixture_tx *out)
{
    return ez_pool_take_orphan(w->pool, &out->tx, &out->id, &out->bytes, w->now);
}

Test(pool, an_orphan_comes_up_when_its_turn_has_come)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx late = note(w, &a, 1, 1);
    fixture_tx got;
    cr_expect(add_as(w, &late, false) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(add_as(w, &late, false) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 1, "kept once");
    cr_expect_not(take(w, &got));
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_assert(take(w, &got));
    cr_expect(ez_tx_id_is_equal(&got.id, &late.id) && got.bytes == late.bytes);
    cr_expect(got.tx.sequence == 1 && ez_public_key_is_equal(&got.tx.signer, &a.public_key));
    cr_expect(ez_pool_orphan_count(w->pool) == 0);
    cr_expect(add_as(w, &got, false) == EZ_RULE_OK);
    cr_expect_not(take(w, &got));
    fixture_tx_clear(&late);
    fixture_tx_clear(&got);
    world_free(w);
}

Test(pool, a_block_can_bring_an_orphans_turn_or_pass_it)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx orphans[] = {note(w, &a, 1, 1), note(w, &a, 2, 2), note(w, &a, 1, 4)};
    fixture_tx mined[] = {note(w, &a, 9, 0), note(w, &a, 9, 1)};
    fixture_tx got;
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, &orphans[i], false) == EZ_RULE_TX_SEQUENCE_GAP);
    }
    connect_and_tell(w, mined, 2);
    cr_assert(take(w, &got));
    cr_expect(ez_tx_id_is_equal(&got.id, &orphans[1].id));
    fixture_tx_clear(&got);
    cr_expect_not(take(w, &got));
    cr_expect(ez_pool_orphan_count(w->pool) == 1, "the one that was passed is dropped");
    clear_all(orphans, 3);
    clear_all(mined, 2);
    world_free(w);
}

Test(pool, a_refused_client_is_not_kept_as_an_orphan)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx late = note(w, &a, 1, 1);
    cr_expect(add_as(w, &late, true) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 0);
    fixture_tx_clear(&late);
    world_free(w);
}

Test(pool, orphans_are_bounded_by_count_and_the_oldest_goes)
{
    world *const w = world_new(NULL);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx got;
    for (uint64_t i = 0; i < EZ_ORPHAN_COUNT_MAX; i++) {
        cr_expect(add(w, note(w, &a, 1, 1 + i)) == EZ_RULE_TX_SEQUENCE_GAP);
    }
    cr_expect(ez_pool_orphan_count(w->pool) == EZ_ORPHAN_COUNT_MAX);
    cr_expect(add(w, note(w, &a, 1, 500)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == EZ_ORPHAN_COUNT_MAX);
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_expect_not(take(w, &got), "the first to come had sequence 1");
    world_free(w);
}

Test(pool, orphans_are_bounded_by_bytes)
{
    ez_pool_limits limits = roomy;
    limits.orphan_bytes_max = 450;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    cr_expect(add(w, sized_note(w, &a, 1, 1, 250)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(add(w, sized_note(w, &a, 1, 2, 200)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 2, "exactly full");
    cr_expect(add(w, sized_note(w, &a, 1, 3, 251)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 1, "one byte over takes both");
    world_free(w);
}

Test(pool, an_orphan_area_of_nothing_keeps_nothing)
{
    ez_pool_limits limits = roomy;
    limits.orphan_bytes_max = 199;
    world *const w = world_new(&limits);
    const ez_keypair a = give(w, 1, 100, 0);
    cr_expect(add(w, note(w, &a, 1, 1)) == EZ_RULE_TX_SEQUENCE_GAP);
    cr_expect(ez_pool_orphan_count(w->pool) == 0);
    world_free(w);
}

Test(pool, orphans_expire)
{
    world *const w = world_new(NULL);
    const ez_keypair a = give(w, 1, 100, 0);
    fixture_tx got;
    w->now = 10;
    cr_expect(add(w, note(w, &a, 1, 1)) == EZ_RULE_TX_SEQUENCE_GAP);
    w->now = 11;
    cr_expect(add(w, note(w, &a, 1, 2)) == EZ_RULE_TX_SEQUENCE_GAP);
    w->now = 10 + EZ_ORPHAN_AGE_MS;
    cr_expect_not(take(w, &got));
    cr_expect(ez_pool_orphan_count(w->pool) == 2, "as old as they may be");
    w->now++;
    cr_expect_not(take(w, &got));
    cr_expect(ez_pool_orphan_count(w->pool) == 1);
    cr_expect(add(w, note(w, &a, 1, 0)) == EZ_RULE_OK);
    cr_expect_not(take(w, &got), "too old when its turn came");
    world_free(w);
}

/* ---- out ---- */

Test(pool, entries_are_listed_in_order_of_arrival)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = fixture_keypair(1);
    fixture_tx txs[300];
    cr_expect_null(ez_pool_first(w->pool));
    cr_expect_null(ez_pool_after(w->pool, 0));
    for (size_t i = 0; i < 300; i++) {
        txs[i] = label_note(w, &a, i);
        cr_expect(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    const ez_pool_entry *at = ez_pool_first(w->pool);
    cr_expect(ez_pool_after(w->pool, 0) == at);
    for (size_t i = 0; i < 300; i++) {
        cr_assert(ez_tx_id_is_equal(&at->id, &txs[i].id));
        const ez_pool_entry *const next = ez_pool_next(w->pool, at);
        cr_assert(ez_pool_after(w->pool, at->arrival) == next);
        at = next;
    }
    cr_expect_null(at);
    connect_and_tell(w, txs + 10, 280); /* enough holes to be closed up */
    cr_expect(w->pool->arrivals.count < 300);
    at = ez_pool_find(w->pool, &txs[9].id);
    const ez_pool_entry *const next = ez_pool_find(w->pool, &txs[290].id);
    cr_expect(ez_pool_next(w->pool, at) == next);
    for (uint64_t arrival = at->arrival; arrival < next->arrival; arrival++) {
        cr_expect(ez_pool_after(w->pool, arrival) == next);
    }
    cr_expect_null(ez_pool_after(w->pool, UINT64_MAX));
    clear_all(txs, 300);
    world_free(w);
}

static void expect_selection(const world *w, size_t out_max, size_t bytes_max,
                             const fixture_tx *const *expected, size_t count)
{
    const ez_pool_entry *chosen[32];
    cr_assert(out_max <= 32);
    cr_assert(ez_pool_select(w->pool, chosen, out_max, bytes_max) == count);
    for (size_t i = 0; i < count; i++) {
        cr_expect(ez_tx_id_is_equal(&chosen[i]->id, &expected[i]->id), "place %zu", i);
    }
}

Test(pool, selection_prefers_fee_per_byte_within_runs_then_arrival)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 1000, 0);
    const ez_keypair b = give(w, 2, 1000, 0);
    const ez_keypair c = give(w, 3, 1000, 0);
    fixture_tx a0 = note(w, &a, 5, 0);
    fixture_tx a1 = note(w, &a, 90, 1);
    fixture_tx b0 = note(w, &b, 10, 0);
    fixture_tx b1 = note(w, &b, 4, 1);
    fixture_tx c0 = sized_note(w, &c, 6, 0, 150);
    fixture_tx free1 = label_note(w, &a, 1);
    fixture_tx c1 = sized_note(w, &c, 0, 1, 150);
    fixture_tx free2 = label_note(w, &a, 2);
    const fixture_tx *const arrival[] = {&a0, &b0, &c0, &b1, &free1, &a1, &c1, &free2};
    for (size_t i = 0; i < 8; i++) {
        cr_expect(add_as(w, arrival[i], i % 2 == 0) == EZ_RULE_OK);
    }
    const fixture_tx *const expected[] = {&b0, &c0, &a0, &a1, &b1, &free1, &c1, &free2};
    expect_selection(w, 32, 100000, expected, 8);
    expect_selection(w, 8, 100000, expected, 8);
    expect_selection(w, 3, 100000, expected, 3);
    expect_selection(w, 0, 100000, expected, 0);
    for (size_t i = 0; i < 8; i++) {
        ez_blob_unref(arrival[i]->bytes);
    }
    world_free(w);
}

Test(pool, selection_fills_the_bytes_and_passes_over_what_does_not_fit)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 1000, 0);
    const ez_keypair b = give(w, 2, 1000, 0);
    fixture_tx a0 = sized_note(w, &a, 300, 0, 300);
    fixture_tx a1 = sized_note(w, &a, 300, 1, 150);
    fixture_tx b0 = sized_note(w, &b, 100, 0, 200);
    const fixture_tx *const all[] = {&a0, &a1, &b0};
    const fixture_tx *const others[] = {&b0};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(add_as(w, all[i], false) == EZ_RULE_OK);
    }
    expect_selection(w, 32, 650, all, 3);
    expect_selection(w, 32, 649, all, 2);
    expect_selection(w, 32, 450, all, 2);
    expect_selection(w, 32, 449, all, 1);
    expect_selection(w, 32, 299, others, 1); /* a1 fits, but not without a0 */
    expect_selection(w, 32, 200, others, 1);
    expect_selection(w, 32, 199, all, 0);
    for (size_t i = 0; i < 3; i++) {
        ez_blob_unref(all[i]->bytes);
    }
    world_free(w);
}

Test(pool, a_selected_block_connects)
{
    world *const w = world_new(&roomy);
    const ez_keypair a = give(w, 1, 100, 0);
    const ez_keypair b = give(w, 2, 100, 0);
    fixture_tx txs[40];
    const ez_pool_entry *chosen[40];
    fixture_tx ordered[40];
    for (size_t i = 0; i < 40; i++) {
        txs[i] = i % 4 == 3 ? label_note(w, &a, i)
                            : transfer(w, i % 2 ? &a : &b, i % 2 ? &b : &a, i % 7, (i * 5) % 3,
                                       ez_pool_next_sequence(
                                           w->pool, i % 2 ? &a.public_key : &b.public_key, NULL));
        cr_assert(add_as(w, &txs[i], false) == EZ_RULE_OK);
    }
    cr_assert(ez_pool_select(w->pool, chosen, 40, EZ_BLOCK_BODY_BYTES_MAX) == 40);
    for (size_t i = 0; i < 40; i++) {
        size_t k = 0;
        while (!ez_tx_id_is_equal(&txs[k].id, &chosen[i]->id)) {
            k++;
        }
        ordered[i] = txs[k];
    }
    connect_and_tell(w, ordered, 40);
    cr_expect(ez_pool_count(w->pool) == 0);
    clear_all(txs, 40);
    world_free(w);
}
