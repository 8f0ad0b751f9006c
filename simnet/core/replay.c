/* Whether a store holds what its own chain says. */
#include "world_internal.h"

#include "ezp2p/chain/ledger.h"

#include <stdlib.h>

typedef struct replay {
    const ez_world *world;
    ez_memory_store *store;
    ez_header *headers; /* of all stored blocks, parents before children */
    size_t header_count;
    ez_block_id tip;
    ez_ledger *ledger;
    struct seen_key {
        ez_public_key key;
        UT_hash_handle hh;
    } * seen;
    bool good;
} replay;

static void take_header(void *self, const ez_header *header, bool connected, bool invalid)
{
    replay *const state = self;
    (void)connected;
    (void)invalid;
    state->headers = ez_realloc(state->headers, state->header_count + 1, sizeof(*state->headers));
    state->headers[state->header_count++] = *header;
}

static void take_tip(void *self, const ez_block_id *id)
{
    ((replay *)self)->tip = *id;
}

static void ignore_bytes(void *self, const uint8_t *bytes, size_t size)
{
    (void)self;
    (void)bytes;
    (void)size;
}

static void ignore_peer(void *self, const char *host, uint16_t port)
{
    (void)self;
    (void)host;
    (void)port;
}

static void note_key(replay *state, const ez_public_key *key)
{
    struct seen_key *row = NULL;
    HASH_FIND(hh, state->seen, key, sizeof(*key), row);
    if (row == NULL) {
        row = ez_alloc(1, sizeof(*row));
        row->key = *key;
        HASH_ADD(hh, state->seen, key, sizeof(row->key), row);
    }
}

static void compare_txs(replay *state, const ez_block *block)
{
    const ez_store_port *const port = ez_memory_store_port(state->store);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ez_tx_place place;
        state->good &= port->find_tx(port->self, &place, &block->txs[i].id) &&
                       ez_block_id_is_equal(&place.block, &block->id) && place.position == i &&
                       place.offset == block->txs[i].offset && place.size == block->txs[i].size;
    }
}

/* The block of a stored header and body; NULL: they do not match, or a signature is bad. The first
 * host's replay parses and verifies; for all others id and body say that it is the same block. */
static ez_block *open_block(const ez_world *world, const ez_header *header, ez_blob *body)
{
    const bool shares = world->config.share_checks;
    const ez_network *const network = &world->config.network;
    ez_block_id id;
    ez_header_id(&id, header);
    ez_block *block = shares ? sim_shared_get_block(world->shared, &id, body) : NULL;
    if (block != NULL || ez_block_parse(&block, network, header, body) != EZ_RULE_OK) {
        return block;
    }
    const bool is_known = shares && sim_shared_are_signed(world->shared, block);
    if (!is_known &&
        ez_block_check_signatures(block, network, NULL, 0, block->tx_count, NULL) != EZ_RULE_OK) {
        ez_block_unref(block);
        return NULL;
    }
    if (shares) {
        sim_shared_keep_block(world->shared, block);
    }
    return block;
}

static void connect_block(replay *state, const ez_header *header)
{
    const ez_network *const network = &state->world->config.network;
    const ez_store_port *const port = ez_memory_store_port(state->store);
    ez_block_id id;
    ez_ledger_diff diff = {0};
    ez_header_id(&id, header);
    ez_blob *const body = port->get_body(port->self, &id);
    ez_block *const block = body == NULL ? NULL : open_block(state->world, header, body);
    if (block == NULL ||
        ez_ledger_connect(state->ledger, &diff, NULL, network, block, 1) != EZ_RULE_OK) {
        state->good = false;
    } else {
        for (uint32_t i = 0; i < diff.count; i++) {
            note_key(state, &diff.after[i].key);
        }
        compare_txs(state, block);
    }
    ez_ledger_diff_clear(&diff);
    ez_block_unref(block);
    ez_blob_unref(body);
}

/* The stored headers from genesis' child to the tip, as indexes into `headers`, newest first. */
static size_t *active_chain(replay *state, size_t *count)
{
    size_t *const chain = ez_alloc(state->header_count + 1, sizeof(*chain));
    ez_block_id at = state->tip;
    *count = 0;
    for (size_t i = state->header_count; i-- > 0;) {
        ez_block_id id;
        ez_header_id(&id, &state->headers[i]);
        if (ez_block_id_is_equal(&id, &at)) {
            chain[(*count)++] = i;
            at = state->headers[i].previous;
        }
    }
    state->good &= ez_block_id_is_equal(&at, &state->world->config.network.genesis_id);
    return chain;
}

/* The replay's ledger is the nodes' own, and would go wrong as theirs does. So that its coins are
 * those of the rewards is checked apart. */
static void compare_accounts(replay *state, uint64_t blocks)
{
    const ez_store_port *const port = ez_memory_store_port(state->store);
    size_t filled = 0;
    uint64_t coins = 0;
    struct seen_key *row, *next;
    HASH_ITER (hh, state->seen, row, next) {
        ez_account replayed, stored;
        ez_ledger_get(state->ledger, &replayed, &row->key);
        port->get_account(port->self, &stored, &row->key);
        state->good &= replayed.balance == stored.balance && replayed.sequence == stored.sequence;
        coins += replayed.balance;
        filled += replayed.balance != 0 || replayed.sequence != 0;
        HASH_DEL(state->seen, row);
        free(row);
    }
    state->good &= filled == ez_memory_store_accounts(state->store);
    state->good &= coins == blocks * state->world->config.network.reward;
}

bool ez_world_replays(ez_world *world, size_t host)
{
    replay state = {.world = world, .store = ez_world_store(world, host), .good = true};
    const ez_store_loader loader = {.self = &state,
                                    .header = take_header,
                                    .tip = take_tip,
                                    .pool_tx = ignore_bytes,
                                    .manual_peer = ignore_peer,
                                    .book = ignore_bytes};
    const ez_store_port *const port = ez_memory_store_port(state.store);
    size_t count = 0;
    EZ_ASSERT(port->load(port->self, &loader) == EZ_OK);
    state.ledger = ez_ledger_new(&ez_chain_nothing, ez_rng_key(&world->rng));
    size_t *const chain = active_chain(&state, &count);
    for (size_t i = count; i-- > 0;) {
        connect_block(&state, &state.headers[chain[i]]);
    }
    compare_accounts(&state, count);
    ez_ledger_free(state.ledger);
    free(chain);
    free(state.headers);
    return state.good;
}
