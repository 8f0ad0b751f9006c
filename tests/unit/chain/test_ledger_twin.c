/* Random chains going up and down over a store that applies its writes late, against a replay from
 * genesis after every step. */
#include "ledger_internal.h"

#include "chain_fixture.h"
#include "support_ledger.h"

#include <criterion/criterion.h>

#define PLAYERS      6
#define CHAIN_MAX    40
#define BLOCK_TXS    6
#define RANDOM_STEPS 250

typedef struct played_block {
    ez_block *block;
    ez_ledger_diff diff;
} played_block;

typedef struct game {
    ez_network network;
    late_store *store;
    ez_ledger *ledger;
    uint64_t write;
    ez_keypair players[PLAYERS];
    played_block chain[CHAIN_MAX];
    size_t height;
    ez_tx_id *seen; /* every transaction that ever was in a block */
    size_t seen_count;
    ez_rng rng;
    uint64_t settled;
} game;

typedef struct replayed {
    ez_account accounts[PLAYERS];
} replayed;

static size_t player_of(const game *g, const ez_public_key *key)
{
    size_t i = 0;
    while (!ez_public_key_is_equal(&g->players[i].public_key, key)) {
        i++;
        cr_assert(i < PLAYERS);
    }
    return i;
}

/* The rules once more, as plainly as they can be written. */
static void replay_tx(const game *g, replayed *state, const ez_tx *tx)
{
    if (tx->sender.kind == EZ_PARTY_ADDRESS) {
        ez_account *const from = &state->accounts[player_of(g, &tx->signer)];
        from->sequence += 1;
        from->balance -= tx->fee;
        if (tx->recipient.kind == EZ_PARTY_ADDRESS) {
            from->balance -= tx->amount;
        }
    }
    if (tx->recipient.kind == EZ_PARTY_ADDRESS && tx->sender.kind != EZ_PARTY_LABEL) {
        state->accounts[player_of(g, &tx->recipient.key)].balance += tx->amount;
    }
}

static bool is_in_chain(const game *g, const ez_tx_id *id)
{
    for (size_t i = 0; i < g->height; i++) {
        for (uint32_t k = 0; k < g->chain[i].block->tx_count; k++) {
            if (ez_tx_id_is_equal(&g->chain[i].block->txs[k].id, id)) {
                return true;
            }
        }
    }
    return false;
}

static void compare_with_replay(const game *g)
{
    replayed state = {0};
    for (size_t i = 0; i < g->height; i++) {
        for (uint32_t k = 0; k < g->chain[i].block->tx_count; k++) {
            ez_tx tx;
            ez_block_tx_get(&tx, g->chain[i].block, k);
            replay_tx(g, &state, &tx);
        }
    }
    for (size_t i = 0; i < PLAYERS; i++) {
        ez_account account;
        ez_ledger_get(g->ledger, &account, &g->players[i].public_key);
        cr_assert(account.balance == state.accounts[i].balance);
        cr_assert(account.sequence == state.accounts[i].sequence);
    }
    for (size_t i = 0; i < g->seen_count; i++) {
        cr_assert(ez_ledger_has_tx(g->ledger, &g->seen[i]) == is_in_chain(g, &g->seen[i]));
    }
}

static fixture_tx draw_tx(game *g, ez_account *accounts)
{
    const size_t from = ez_rng_below(&g->rng, PLAYERS);
    const ez_public_key *const to = &g->players[ez_rng_below(&g->rng, PLAYERS)].public_key;
    const uint64_t kind = ez_rng_below(&g->rng, 4);
    ez_account *const account = &accounts[from];
    if (kind == 0) {
        return fixture_note(&g->network, &g->players[from], "a", "b", 1, ez_rng_below(&g->rng, 40));
    }
    const uint64_t fee = account->balance > 0 ? ez_rng_below(&g->rng, 2) : 0;
    const uint64_t sequence = account->sequence++;
    account->balance -= fee;
    if (kind == 1) {
        return fixture_address_note(&g->network, &g->players[from], "b", 9, fee, sequence);
    }
    const uint64_t amount = ez_rng_below(&g->rng, account->balance + 1);
    account->balance -= amount;
    accounts[player_of(g, to)].balance += amount;
    return fixture_transfer(&g->network, &g->players[from], to, amount, fee, sequence);
}

static void remember(game *g, const ez_block *block)
{
    g->seen = ez_realloc(g->seen, g->seen_count + block->tx_count, sizeof(*g->seen));
    for (uint32_t i = 0; i < block->tx_count; i++) {
        g->seen[g->seen_count++] = block->txs[i].id;
    }
}

static void play_connect(game *g)
{
    fixture_tx txs[BLOCK_TXS];
    ez_account accounts[PLAYERS];
    const size_t count = ez_rng_below(&g->rng, BLOCK_TXS + 1);
    const ez_header *const parent =
        g->height > 0 ? &g->chain[g->height - 1].block->header : &g->network.genesis;
    for (size_t i = 0; i < PLAYERS; i++) {
        ez_ledger_get(g->ledger, &accounts[i], &g->players[i].public_key);
    }
    for (size_t i = 0; i < count; i++) {
        txs[i] = draw_tx(g, accounts);
    }
    fixture_block_spec spec = {.network = &g->network,
                               .parent = parent,
                               .txs = txs,
                               .tx_count = count,
                               .timestamp = parent->timestamp + 1 + ez_rng_below(&g->rng, 1000),
                               .miner = &g->players[ez_rng_below(&g->rng, PLAYERS)].public_key};
    played_block *const next = &g->chain[g->height];
    if (fixture_block_try(&next->block, &spec) == EZ_RULE_OK) { /* not a note drawn twice */
        const ez_rule rule =
            ez_ledger_connect(g->ledger, &next->diff, NULL, &g->network, next->block, g->write + 1);
        if (rule == EZ_RULE_OK) {
            late_store_connect(g->store, next->block, &next->diff, ++g->write);
            remember(g, next->block);
            g->height++;
        } else {
            cr_assert(rule == EZ_RULE_TX_DUPLICATE, "a note is in the chain already, or %d", rule);
            ez_block_unref(next->block);
        }
    }
    for (size_t i = 0; i < count; i++) {
        fixture_tx_clear(&txs[i]);
    }
}

/* The undo record goes through its durable form, as it does in the node. */
static void play_disconnect(game *g)
{
    played_block *const top = &g->chain[--g->height];
    ez_buffer buffer = {0};
    ez_account_change *before;
    uint32_t count;
    ez_undo_encode(&buffer, top->diff.before, top->diff.count);
    cr_assert(ez_undo_decode(&before, &count, buffer.data, buffer.size) == EZ_OK);
    cr_assert(count == top->diff.count);
    ez_ledger_disconnect(g->ledger, top->block, before, count, ++g->write);
    late_store_disconnect(g->store, top->block, before, count, g->write);
    free(before);
    ez_buffer_clear(&buffer);
    ez_ledger_diff_clear(&top->diff);
    ez_block_unref(top->block);
}

static void play_settle(game *g)
{
    g->settled += ez_rng_below(&g->rng, g->write - g->settled + 1);
    late_store_settle(g->store, g->settled);
    ez_ledger_settle(g->ledger, g->settled);
}

static void play(uint64_t seed)
{
    game g = {.network = fixture_network(), .store = late_store_new(), .rng = fixture_rng(seed)};
    const ez_chain_source source = late_store_source(g.store);
    g.ledger = ez_ledger_new(&source, (ez_siphash_key){9, 10});
    ez_ledger_keep(g.ledger, 3); /* so that some are kept and some are read again */
    size_t disconnects = 0;
    for (uint32_t i = 0; i < PLAYERS; i++) {
        g.players[i] = fixture_keypair(i);
    }
    for (size_t step = 0; step < RANDOM_STEPS; step++) {
        const uint64_t dice = ez_rng_below(&g.rng, 10);
        if (dice < 6 && g.height < CHAIN_MAX) {
            play_connect(&g);
        } else if (dice < 9 && g.height > 0) {
            play_disconnect(&g);
            disconnects++;
        } else {
            play_settle(&g);
        }
        compare_with_replay(&g);
    }
    cr_expect(disconnects > 20 && g.seen_count > 100, "the game must try something");
    while (g.height > 0) {
        play_disconnect(&g);
    }
    compare_with_replay(&g);
    late_store_settle(g.store, g.write);
    ez_ledger_settle(g.ledger, g.write);
    compare_with_replay(&g);
    cr_expect(ez_ledger_pending(g.ledger) == 0 && g.store->tx_count == 0);
    free(g.seen);
    ez_ledger_free(g.ledger);
    late_store_free(g.store);
}

Test(ledger_twin, random_chains_equal_their_replay)
{
    for (uint64_t seed = 100; seed < 106; seed++) {
        play(seed);
    }
}
