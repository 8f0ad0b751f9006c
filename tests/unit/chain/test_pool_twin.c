/* The pool beside a naive twin: a list of entries, every answer found by looking at all of them.
 * Random operations with fixed seeds; after each the two must hold the same. */
#include "ezp2p/chain/pool.h"

#include "chain_fixture.h"
#include "pool_internal.h"
#include "support_ledger.h"

#include <criterion/criterion.h>

#define PLAYERS     5
#define ENTRIES_MAX 128
#define ORPHANS_MAX 16
#define CHAIN_MAX   64
#define BLOCK_MAX   8
#define STEPS       1200

static const ez_siphash_key table_key = {7, 8};

static const ez_pool_limits limits = {.count_max = 24,
                                      .bytes_max = 5600,
                                      .signer_max = 12,
                                      .misfits_max = 3,
                                      .orphan_count_max = 6,
                                      .orphan_bytes_max = 1300,
                                      .orphan_age_ms = 60};

typedef struct twin_entry {
    fixture_tx tx;
    bool durable;
    ez_time_ms since;
} twin_entry;

typedef struct twin {
    twin_entry entries[ENTRIES_MAX]; /* in order of arrival */
    size_t count;
    twin_entry orphans[ORPHANS_MAX]; /* oldest first */
    size_t orphan_count;
    size_t left[128]; /* by rule */
} twin;

typedef struct played_block {
    ez_block *block;
    ez_ledger_diff diff;
} played_block;

typedef struct game {
    ez_network network;
    late_store *store;
    ez_ledger *ledger;
    ez_pool *pool;
    twin twin;
    size_t left[128]; /* by rule, as the pool says */
    ez_keypair players[PLAYERS];
    played_block chain[CHAIN_MAX];
    size_t height;
    uint64_t write;
    uint64_t salt;
    ez_rng rng;
    ez_time_ms now;
    size_t accepted;
    size_t adopted;
} game;

/* ---- the twin -------------------------------------------------------------------------------- */

static twin_entry entry_copy(const fixture_tx *tx, bool durable, ez_time_ms since)
{
    twin_entry entry = {*tx, durable, since};
    entry.tx.bytes = ez_blob_ref(tx->bytes);
    return entry;
}

static void list_remove(twin_entry *list, size_t *count, size_t place)
{
    fixture_tx_clear(&list[place].tx);
    (*count)--;
    memmove(&list[place], &list[place + 1], (*count - place) * sizeof(*list));
}

static size_t list_find(const twin_entry *list, size_t count, const ez_tx_id *id)
{
    size_t place = 0;
    while (place < count && !ez_tx_id_is_equal(&list[place].tx.id, id)) {
        place++;
    }
    return place;
}

static void twin_drop(twin *t, size_t place, ez_rule rule)
{
    t->left[rule]++;
    list_remove(t->entries, &t->count, place);
}

static bool has_turn(const ez_tx *tx)
{
    return tx->sender.kind == EZ_PARTY_ADDRESS;
}

static bool is_of(const twin_entry *entry, const ez_public_key *key)
{
    return has_turn(&entry->tx.tx) && ez_public_key_is_equal(&entry->tx.tx.signer, key);
}

/* The entry of `key` with this sequence number, or `count`. */
static size_t find_turn(const twin *t, const ez_public_key *key, uint64_t sequence)
{
    size_t place = 0;
    while (place < t->count &&
           !(is_of(&t->entries[place], key) && t->entries[place].tx.tx.sequence == sequence)) {
        place++;
    }
    return place;
}

static uint64_t cost_of(const ez_tx *tx)
{
    return tx->recipient.kind == EZ_PARTY_ADDRESS ? tx->amount + tx->fee : tx->fee;
}

/* What follows the ledger without a gap: its end and its cost. */
static uint64_t twin_next(const game *g, const ez_public_key *key, uint64_t *spent)
{
    ez_account account;
    ez_ledger_get(g->ledger, &account, key);
    uint64_t next = account.sequence;
    *spent = 0;
    for (;;) {
        const size_t place = find_turn(&g->twin, key, next);
        if (place == g->twin.count) {
            return next;
        }
        *spent += cost_of(&g->twin.entries[place].tx.tx);
        next++;
    }
}

static bool is_last_of_run(const twin *t, const twin_entry *entry)
{
    for (size_t i = 0; i < t->count; i++) {
        if (is_of(&t->entries[i], &entry->tx.tx.signer) &&
            t->entries[i].tx.tx.sequence > entry->tx.tx.sequence) {
            return false;
        }
    }
    return true;
}

static bool may_give_way(const twin *t, const twin_entry *entry, const ez_tx *incoming)
{
    if (entry->durable) {
        return false;
    }
    if (!has_turn(&entry->tx.tx)) {
        return true;
    }
    const bool is_own = has_turn(incoming) && is_of(entry, &incoming->signer);
    return !is_own && is_last_of_run(t, entry);
}

/* a/b against c/d in exact fractions of 128 bits. */
static int compare_rate(const fixture_tx *a, const fixture_tx *b)
{
    __extension__ typedef unsigned __int128 wide;
    const wide left = (wide)a->tx.fee * ez_blob_size(b->bytes);
    const wide right = (wide)b->tx.fee * ez_blob_size(a->bytes);
    return left < right ? -1 : left > right;
}

static size_t find_victim(const twin *t, const ez_tx *incoming)
{
    size_t victim = t->count;
    for (size_t i = 0; i < t->count; i++) {
        if (may_give_way(t, &t->entries[i], incoming) &&
            (victim == t->count || compare_rate(&t->entries[i].tx, &t->entries[victim].tx) <= 0)) {
            victim = i;
        }
    }
    return victim;
}

static size_t twin_bytes(const twin *t)
{
    size_t bytes = 0;
    for (size_t i = 0; i < t->count; i++) {
        bytes += ez_blob_size(t->entries[i].tx.bytes);
    }
    return bytes;
}

/* On a copy first: when there is no room in the end, nobody has left. */
static bool twin_make_room(twin *t, const fixture_tx *tx, bool durable)
{
    ez_tx_id victims[ENTRIES_MAX];
    size_t victim_count = 0;
    twin trial = {.count = t->count};
    for (size_t i = 0; i < t->count; i++) {
        trial.entries[i] = entry_copy(&t->entries[i].tx, t->entries[i].durable, 0);
    }
    bool has_room = true;
    while (trial.count + 1 > limits.count_max ||
           twin_bytes(&trial) + ez_blob_size(tx->bytes) > limits.bytes_max) {
        const size_t victim = find_victim(&trial, &tx->tx);
        if (victim == trial.count ||
            (!durable && compare_rate(&trial.entries[victim].tx, tx) >= 0)) {
            has_room = false;
            break;
        }
        victims[victim_count++] = trial.entries[victim].tx.id;
        twin_drop(&trial, victim, EZ_RULE_OK);
    }
    while (trial.count > 0) {
        twin_drop(&trial, 0, EZ_RULE_OK);
    }
    for (size_t i = 0; has_room && i < victim_count; i++) {
        twin_drop(t, list_find(t->entries, t->count, &victims[i]), EZ_RULE_TX_POOL_FULL);
    }
    return has_room;
}

static size_t signer_count(const twin *t, const ez_public_key *key)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++) {
        count += ez_public_key_is_equal(&t->entries[i].tx.tx.signer, key);
    }
    return count;
}

static ez_rule twin_judge_turn(const game *g, const fixture_tx *tx)
{
    ez_account account;
    uint64_t spent;
    ez_ledger_get(g->ledger, &account, &tx->tx.signer);
    const uint64_t next = twin_next(g, &tx->tx.signer, &spent);
    if (tx->tx.sequence < account.sequence) {
        const bool is_known = ez_ledger_has_tx(g->ledger, &tx->id);
        return is_known ? EZ_RULE_TX_DUPLICATE : EZ_RULE_TX_SEQUENCE_PAST;
    }
    if (tx->tx.sequence != next) {
        return tx->tx.sequence < next ? EZ_RULE_TX_POOL_CONFLICT : EZ_RULE_TX_SEQUENCE_GAP;
    }
    return account.balance < spent + cost_of(&tx->tx) ? EZ_RULE_TX_FUNDS : EZ_RULE_OK;
}

static ez_rule twin_judge(const game *g, const fixture_tx *tx)
{
    const twin *const t = &g->twin;
    if (list_find(t->entries, t->count, &tx->id) < t->count) {
        return EZ_RULE_TX_POOL_KNOWN;
    }
    if (signer_count(t, &tx->tx.signer) >= limits.signer_max) {
        return EZ_RULE_TX_POOL_FULL;
    }
    if (has_turn(&tx->tx)) {
        return twin_judge_turn(g, tx);
    }
    return ez_ledger_has_tx(g->ledger, &tx->id) ? EZ_RULE_TX_DUPLICATE : EZ_RULE_OK;
}

static void twin_expire(game *g)
{
    twin *const t = &g->twin;
    while (t->orphan_count > 0 && g->now - t->orphans[0].since > limits.orphan_age_ms) {
        list_remove(t->orphans, &t->orphan_count, 0);
    }
}

static size_t orphan_bytes(const twin *t)
{
    size_t bytes = 0;
    for (size_t i = 0; i < t->orphan_count; i++) {
        bytes += ez_blob_size(t->orphans[i].tx.bytes);
    }
    return bytes;
}

static void twin_keep_orphan(game *g, const fixture_tx *tx)
{
    twin *const t = &g->twin;
    twin_expire(g);
    if (list_find(t->orphans, t->orphan_count, &tx->id) < t->orphan_count) {
        return;
    }
    while (t->orphan_count + 1 > limits.orphan_count_max ||
           orphan_bytes(t) + ez_blob_size(tx->bytes) > limits.orphan_bytes_max) {
        list_remove(t->orphans, &t->orphan_count, 0);
    }
    t->orphans[t->orphan_count++] = entry_copy(tx, false, g->now);
}

static ez_rule twin_add(game *g, const fixture_tx *tx, bool durable)
{
    twin *const t = &g->twin;
    const ez_rule rule = twin_judge(g, tx);
    if (rule == EZ_RULE_TX_SEQUENCE_GAP && !durable) {
        twin_keep_orphan(g, tx);
    }
    if (rule != EZ_RULE_OK) {
        return rule;
    }
    if (!twin_make_room(t, tx, durable)) {
        return EZ_RULE_TX_POOL_FULL;
    }
    t->entries[t->count++] = entry_copy(tx, durable, g->now);
    return EZ_RULE_OK;
}

/* Oldest first; what was passed goes. */
static bool twin_take_orphan(game *g, ez_tx_id *id)
{
    twin *const t = &g->twin;
    twin_expire(g);
    for (size_t i = 0; i < t->orphan_count;) {
        uint64_t spent;
        const ez_tx *const tx = &t->orphans[i].tx.tx;
        const uint64_t next = twin_next(g, &tx->signer, &spent);
        if (tx->sequence > next) {
            i++;
            continue;
        }
        const bool is_due = tx->sequence == next;
        *id = t->orphans[i].tx.id;
        list_remove(t->orphans, &t->orphan_count, i);
        if (is_due) {
            return true;
        }
    }
    return false;
}

static void twin_drop_past(game *g)
{
    twin *const t = &g->twin;
    for (size_t i = 0; i < t->count;) {
        const ez_tx *const tx = &t->entries[i].tx.tx;
        ez_account account;
        ez_ledger_get(g->ledger, &account, &tx->signer);
        if (has_turn(tx) && tx->sequence < account.sequence) {
            twin_drop(t, i, EZ_RULE_TX_SEQUENCE_PAST);
        } else {
            i++;
        }
    }
}

static void twin_drop_impossible(game *g)
{
    twin *const t = &g->twin;
    for (size_t p = 0; p < PLAYERS; p++) {
        const ez_public_key *const key = &g->players[p].public_key;
        ez_account account;
        uint64_t spent;
        ez_ledger_get(g->ledger, &account, key);
        uint64_t next = twin_next(g, key, &spent);
        for (size_t i = 0; i < t->count;) {
            if (is_of(&t->entries[i], key) && t->entries[i].tx.tx.sequence > next) {
                twin_drop(t, i, EZ_RULE_TX_SEQUENCE_GAP);
            } else {
                i++;
            }
        }
        while (spent > account.balance) {
            twin_drop(t, find_turn(t, key, next - 1), EZ_RULE_TX_FUNDS);
            next = twin_next(g, key, &spent);
        }
    }
}

static void twin_connected(game *g, const ez_block *block)
{
    twin *const t = &g->twin;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        const size_t place = list_find(t->entries, t->count, &block->txs[i].id);
        if (place < t->count) {
            twin_drop(t, place, EZ_RULE_OK);
        }
    }
    twin_drop_past(g);
}

/* Best first, each only when those before it in its run were taken; the first `old` to arrive. */
static size_t twin_select(const game *g, ez_tx_id *out, size_t out_max, size_t bytes_max,
                          size_t old)
{
    const twin *const t = &g->twin;
    bool is_done[ENTRIES_MAX] = {false}; /* taken, or passed over */
    bool is_taken[ENTRIES_MAX] = {false};
    size_t count = 0;
    size_t misfits = 0;
    size_t room = bytes_max;
    while (count < out_max && misfits < limits.misfits_max) {
        size_t best = t->count;
        for (size_t i = 0; i < t->count; i++) {
            const ez_tx *const tx = &t->entries[i].tx.tx;
            const size_t before =
                has_turn(tx) ? find_turn(t, &tx->signer, tx->sequence - 1) : t->count;
            if (!is_done[i] && (before == t->count || is_taken[before]) &&
                (best == t->count || compare_rate(&t->entries[i].tx, &t->entries[best].tx) > 0)) {
                best = i;
            }
        }
        if (best == t->count) {
            break;
        }
        is_done[best] = true;
        misfits += best < old;
        if (best < old && ez_blob_size(t->entries[best].tx.bytes) <= room) {
            misfits = 0;
            is_taken[best] = true;
            room -= ez_blob_size(t->entries[best].tx.bytes);
            out[count++] = t->entries[best].tx.id;
        }
    }
    return count;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static void on_left(void *self, const ez_pool_entry *entry, ez_rule rule)
{
    game *const g = self;
    (void)entry;
    g->left[rule]++;
}

static void compare_selection(game *g)
{
    const ez_pool_entry *chosen[ENTRIES_MAX];
    ez_tx_id expected[ENTRIES_MAX];
    const size_t out_max = ez_rng_below(&g->rng, 30);
    const size_t bytes_max = ez_rng_below(&g->rng, limits.bytes_max);
    const size_t old = ez_rng_below(&g->rng, g->twin.count + 10);
    const ez_pool_entry *first_new = ez_pool_first(g->pool);
    for (size_t i = 0; i < old && first_new != NULL; i++) {
        first_new = ez_pool_next(g->pool, first_new);
    }
    const uint64_t end = first_new != NULL ? first_new->arrival : UINT64_MAX;
    const size_t count = ez_pool_select(g->pool, chosen, out_max, bytes_max, end);
    cr_assert(count == twin_select(g, expected, out_max, bytes_max, old));
    for (size_t i = 0; i < count; i++) {
        cr_assert(ez_tx_id_is_equal(&chosen[i]->id, &expected[i]));
    }
}

static void compare_lists(const game *g)
{
    const twin *const t = &g->twin;
    const ez_pool_entry *at = ez_pool_first(g->pool);
    uint64_t arrival = 0;
    for (size_t i = 0; i < t->count; i++) {
        cr_assert(at != NULL);
        cr_assert(ez_tx_id_is_equal(&at->id, &t->entries[i].tx.id));
        cr_assert((at->keep != EZ_POOL_RELAYED) == t->entries[i].durable &&
                  at->since == t->entries[i].since);
        cr_assert(ez_pool_after(g->pool, arrival) == at);
        cr_assert(ez_pool_find(g->pool, &at->id) == at);
        arrival = at->arrival;
        at = ez_pool_next(g->pool, at);
    }
    cr_assert(at == NULL && ez_pool_after(g->pool, arrival) == NULL);
    cr_assert(ez_pool_count(g->pool) == t->count);
    cr_assert(ez_pool_bytes(g->pool) == twin_bytes(t));
    cr_assert(t->count <= limits.count_max && twin_bytes(t) <= limits.bytes_max);
}

static void compare(game *g)
{
    compare_lists(g);
    cr_assert(ez_pool_orphan_count(g->pool) == g->twin.orphan_count);
    cr_assert(memcmp(g->left, g->twin.left, sizeof(g->left)) == 0, "others left, or for others");
    for (size_t p = 0; p < PLAYERS; p++) {
        const ez_public_key *const key = &g->players[p].public_key;
        uint64_t spent;
        uint64_t twin_spent;
        cr_assert(ez_pool_next_sequence(g->pool, key, &spent) == twin_next(g, key, &twin_spent));
        cr_assert(spent == twin_spent);
    }
    compare_selection(g);
}

/* ---- playing --------------------------------------------------------------------------------- */

/* A random entry: usually next in turn, at times early, late, or unaffordable. */
static fixture_tx draw_tx(game *g)
{
    const ez_public_key *const key = &g->players[ez_rng_below(&g->rng, PLAYERS)].public_key;
    const uint64_t kind = ez_rng_below(&g->rng, 4);
    ez_tx tx = {.recipient = fixture_label("b"), .timestamp = g->salt++};
    tx.memo_size = (uint16_t)ez_rng_below(&g->rng, EZ_MEMO_BYTES_MAX + 1);
    memset(tx.memo, 'm', tx.memo_size);
    tx.amount = ez_rng_below(&g->rng, 60);
    if (kind == 0) {
        tx.sender = fixture_label("a");
        return fixture_claim(&g->network, &tx, key);
    }
    uint64_t spent;
    const uint64_t next = twin_next(g, key, &spent);
    tx.sender.kind = EZ_PARTY_ADDRESS;
    tx.fee = ez_rng_below(&g->rng, 12);
    tx.sequence = next;
    if (ez_rng_below(&g->rng, 4) == 0) {
        const uint64_t shifted = next + ez_rng_below(&g->rng, 6);
        tx.sequence = shifted > 3 ? shifted - 3 : shifted;
    }
    if (kind == 1) {
        tx.recipient = fixture_address(&g->players[ez_rng_below(&g->rng, PLAYERS)].public_key);
    }
    return fixture_claim(&g->network, &tx, key);
}

static void add_to_both(game *g, const fixture_tx *tx, bool durable)
{
    const ez_rule expected = twin_add(g, tx, durable);
    const ez_rule rule = ez_pool_add(g->pool, NULL, &tx->tx, &tx->id, tx->bytes,
                                     durable ? EZ_POOL_PROMISED : EZ_POOL_RELAYED, g->now);
    cr_assert(rule == expected, "pool says %d, twin says %d", rule, expected);
    g->accepted += rule == EZ_RULE_OK;
}

/* As the node does after whatever may have moved a turn. */
static void adopt_orphans(game *g)
{
    fixture_tx got;
    ez_tx_id expected;
    while (ez_pool_take_orphan(g->pool, &got.tx, &got.id, &got.bytes, g->now)) {
        cr_assert(twin_take_orphan(g, &expected));
        cr_assert(ez_tx_id_is_equal(&got.id, &expected));
        add_to_both(g, &got, false);
        fixture_tx_clear(&got);
        g->adopted++;
    }
    cr_assert_not(twin_take_orphan(g, &expected));
}

static void play_add(game *g)
{
    fixture_tx tx = draw_tx(g);
    add_to_both(g, &tx, ez_rng_below(&g->rng, 8) == 0);
    if (ez_rng_below(&g->rng, 10) == 0) {
        add_to_both(g, &tx, false);
    }
    fixture_tx_clear(&tx);
}

static void play_set_durable(game *g)
{
    if (g->twin.count > 0) {
        twin_entry *const entry = &g->twin.entries[ez_rng_below(&g->rng, g->twin.count)];
        entry->durable = true;
        ez_pool_set_keep(g->pool, &entry->tx.id, EZ_POOL_PROMISED);
    }
}

/* Some of what is pooled, in an order that connects, and at times an entry nobody announced. */
static size_t draw_block(game *g, fixture_tx *out)
{
    ez_tx_id ids[BLOCK_MAX];
    size_t count = 0;
    if (ez_rng_below(&g->rng, 3) == 0) { /* may conflict with a pooled run */
        const ez_keypair *const from = &g->players[ez_rng_below(&g->rng, PLAYERS)];
        ez_account account;
        ez_ledger_get(g->ledger, &account, &from->public_key);
        ez_tx tx = {.sender = fixture_address(&from->public_key),
                    .recipient = fixture_address(&g->players[0].public_key),
                    .amount = ez_rng_below(&g->rng, account.balance / 2 + 1),
                    .sequence = account.sequence,
                    .timestamp = g->salt++};
        out[count++] = fixture_claim(&g->network, &tx, &from->public_key);
        return count;
    }
    const size_t max = ez_rng_below(&g->rng, BLOCK_MAX + 1);
    const size_t chosen = twin_select(g, ids, max, limits.bytes_max, SIZE_MAX);
    for (size_t i = 0; i < chosen; i++) {
        const size_t place = list_find(g->twin.entries, g->twin.count, &ids[i]);
        out[count++] = entry_copy(&g->twin.entries[place].tx, false, 0).tx;
    }
    return count;
}

static const ez_header *tip_of(const game *g)
{
    return g->height > 0 ? &g->chain[g->height - 1].block->header : &g->network.genesis;
}

/* Entries were judged by confirmed coins, so that any selection connects. */
static void play_connect(game *g)
{
    fixture_tx txs[BLOCK_MAX];
    const size_t count = draw_block(g, txs);
    played_block *const next = &g->chain[g->height];
    next->block = fixture_block_on(
        &g->network, tip_of(g), &g->players[ez_rng_below(&g->rng, PLAYERS)].public_key, txs, count);
    const ez_rule rule =
        ez_ledger_connect(g->ledger, &next->diff, NULL, &g->network, next->block, ++g->write);
    cr_assert(rule == EZ_RULE_OK, "rule %d", rule);
    late_store_connect(g->store, next->block, &next->diff, g->write);
    g->height++;
    twin_connected(g, next->block);
    ez_pool_connected(g->pool, next->block, NULL);
    for (size_t i = 0; i < count; i++) {
        fixture_tx_clear(&txs[i]);
    }
}

static played_block pop_block(game *g)
{
    const played_block top = g->chain[--g->height];
    ez_ledger_disconnect(g->ledger, top.block, top.diff.before, top.diff.count, ++g->write);
    late_store_disconnect(g->store, top.block, top.diff.before, top.diff.count, g->write);
    return top;
}

/* A branch of blocks that know nothing of the pool: each pays something from somewhere. */
static void connect_branch(game *g, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const ez_keypair *const from = &g->players[ez_rng_below(&g->rng, PLAYERS)];
        ez_account account;
        ez_ledger_get(g->ledger, &account, &from->public_key);
        fixture_tx tx = fixture_address_note(&g->network, from, "elsewhere", g->salt++,
                                             account.balance / 3, account.sequence);
        played_block *const next = &g->chain[g->height];
        next->block = fixture_block_on(&g->network, tip_of(g), &g->players[1].public_key, &tx,
                                       ez_rng_below(&g->rng, 2));
        cr_assert(ez_ledger_connect(g->ledger, &next->diff, NULL, &g->network, next->block,
                                    ++g->write) == EZ_RULE_OK);
        late_store_connect(g->store, next->block, &next->diff, g->write);
        g->height++;
        twin_connected(g, next->block);
        ez_pool_connected(g->pool, next->block, NULL);
        fixture_tx_clear(&tx);
    }
}

static void settle_some(game *g)
{
    const uint64_t number = g->write - ez_rng_below(&g->rng, g->write + 1) / 2;
    late_store_settle(g->store, number);
    ez_ledger_settle(g->ledger, number);
}

static void give_back(game *g, const played_block *lost)
{
    for (uint32_t i = 0; i + 1 < lost->block->tx_count; i++) {
        ez_tx tx;
        ez_block_tx_get(&tx, lost->block, i);
        fixture_tx made = fixture_finish(&g->network, &tx);
        const bool is_lost = ez_rng_below(&g->rng, 8) == 0; /* not every loser may return */
        if (!is_lost) {
            add_to_both(g, &made, false);
        }
        fixture_tx_clear(&made);
    }
}

static void play_reorganisation(game *g)
{
    played_block lost[3];
    size_t depth = 0;
    while (depth < 3 && g->height > 0 && (depth == 0 || ez_rng_below(&g->rng, 2) == 0)) {
        lost[depth++] = pop_block(g);
    }
    if (ez_rng_below(&g->rng, 3) == 0) {
        settle_some(g);
    }
    connect_branch(g, depth + ez_rng_below(&g->rng, 2));
    if (ez_rng_below(&g->rng, 3) == 0) {
        settle_some(g);
    }
    for (size_t i = depth; i-- > 0;) {
        give_back(g, &lost[i]);
        ez_ledger_diff_clear(&lost[i].diff);
        ez_block_unref(lost[i].block);
    }
    twin_drop_impossible(g);
    ez_pool_recheck(g->pool);
}

static void step(game *g)
{
    const uint64_t dice = ez_rng_below(&g->rng, 100);
    g->now += ez_rng_below(&g->rng, 4);
    if (dice < 80) {
        play_add(g);
    } else if (dice < 84) {
        play_set_durable(g);
    } else if (dice < 92 && g->height + 4 < CHAIN_MAX) {
        play_connect(g);
        twin_drop_impossible(g);
    } else if (dice < 96 && g->height > 0 && g->height + 4 < CHAIN_MAX) {
        play_reorganisation(g);
    } else {
        settle_some(g);
    }
    adopt_orphans(g);
    compare(g);
}

static void play(uint64_t seed)
{
    game *const g = ez_alloc(1, sizeof(*g));
    g->network = fixture_network();
    g->store = late_store_new();
    const ez_chain_source source = late_store_source(g->store);
    g->ledger = ez_ledger_new(&source, table_key);
    g->pool = ez_pool_new_limited(g->ledger, table_key, on_left, g, &limits);
    g->rng = fixture_rng(seed);
    for (uint32_t i = 0; i < PLAYERS; i++) {
        g->players[i] = fixture_keypair(i);
        late_store_set(g->store, &g->players[i].public_key, 200, i);
    }
    for (size_t i = 0; i < STEPS; i++) {
        step(g);
    }
    cr_expect(g->accepted > 200 && g->adopted > 3, "%zu in, %zu adopted", g->accepted, g->adopted);
    cr_expect(g->left[EZ_RULE_OK] > 10 && g->left[EZ_RULE_TX_POOL_FULL] > 10);
    cr_expect(g->left[EZ_RULE_TX_SEQUENCE_PAST] > 0 && g->left[EZ_RULE_TX_SEQUENCE_GAP] > 0);
    while (g->height > 0) {
        played_block top = g->chain[--g->height];
        ez_ledger_diff_clear(&top.diff);
        ez_block_unref(top.block);
    }
    while (g->twin.count > 0) {
        list_remove(g->twin.entries, &g->twin.count, 0);
    }
    while (g->twin.orphan_count > 0) {
        list_remove(g->twin.orphans, &g->twin.orphan_count, 0);
    }
    ez_pool_free(g->pool);
    ez_ledger_free(g->ledger);
    late_store_free(g->store);
    free(g);
}

Test(pool_twin, random_play_leaves_no_difference)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        play(seed);
    }
}
