/* The start: the tree, the tip, the pool and the peers from what the store holds. Stored headers
 * are judged again by every rule but the clock's; stored signatures too, since a file can be
 * edited. */
#include "node_internal.h"

#include <stdlib.h>

/* A transaction of the store, until all of them are there. */
typedef struct stored_tx {
    uint64_t sequence;
    size_t position;
    ez_tx_id id;
    ez_blob *bytes;
} stored_tx;

typedef struct loading {
    ez_node *node;
    ez_status status;
    bool has_tip;
    ez_block_id *invalid; /* blocks known to be bad: condemned once all headers are in the tree */
    size_t invalid_count;
    stored_tx *txs;
    size_t tx_count;
} loading;

static void fail(loading *state, const char *what, const ez_block_id *id)
{
    if (state->status == EZ_OK) {
        NODE_LOG(state->node, EZ_LOG_ERROR, "store_damaged", EZ_LOG_TEXT("what", what),
                 EZ_LOG_HASH("block", id));
    }
    state->status = EZ_ERR_CORRUPT;
}

static void load_header(void *self, const ez_header *header, bool connected, bool invalid)
{
    loading *state = self;
    ez_node *node = state->node;
    if (state->status != EZ_OK) {
        return;
    }
    if (ez_tree_find(node->tree, &header->previous) == NULL) {
        fail(state, "a stored block has no parent", &header->previous);
        return;
    }
    ez_entry *entry = NULL;
    ez_rule rule = ez_tree_add_header(node->tree, &entry, header, UINT64_MAX / 2);
    if (rule != EZ_RULE_OK) {
        fail(state, ez_rule_text(rule), &header->previous);
        return;
    }
    ez_tree_set_state(node->tree, entry, EZ_ENTRY_BODY);
    if (connected) {
        ez_tree_set_state(node->tree, entry, EZ_ENTRY_VALID);
    }
    if (invalid) { /* later: the tree takes no header on a bad one, and some may follow */
        state->invalid = ez_realloc(state->invalid, state->invalid_count + 1, sizeof(ez_block_id));
        state->invalid[state->invalid_count++] = *ez_entry_id(entry);
    }
}

static void condemn_invalid(loading *state)
{
    for (size_t i = 0; i < state->invalid_count; i++) {
        ez_tree_set_invalid(state->node->tree, ez_tree_find(state->node->tree, &state->invalid[i]));
    }
}

static void load_tip(void *self, const ez_block_id *id)
{
    loading *state = self;
    ez_entry *entry = ez_tree_find(state->node->tree, id);
    state->has_tip = true;
    condemn_invalid(state);
    if (entry == NULL || ez_entry_state_of(entry) != EZ_ENTRY_VALID || ez_entry_is_invalid(entry)) {
        fail(state, "the stored tip is not a connected block", id);
        return;
    }
    state->node->tip = entry;
}

static void drop_stored(ez_node *node, const ez_tx_id *id, ez_rule rule)
{
    NODE_LOG(node, EZ_LOG_WARN, "stored_transaction_dropped", EZ_LOG_HASH("id", id),
             EZ_LOG_TEXT("rule", ez_rule_code(rule)));
    node_write(node, EZ_WRITE_POOL_DELETE)->tx_id = *id;
}

static ez_rule decode_stored(ez_tx *out, const uint8_t *bytes, size_t size)
{
    ez_reader reader;
    ez_reader_init(&reader, bytes, size);
    ez_rule rule = ez_tx_decode(out, &reader);
    return rule == EZ_RULE_OK && !ez_reader_is_done(&reader) ? EZ_RULE_TX_MALFORMED : rule;
}

static void load_pool_tx(void *self, const uint8_t *bytes, size_t size)
{
    loading *state = self;
    ez_node *node = state->node;
    ez_tx tx;
    stored_tx row = {.position = state->tx_count};
    ez_tx_id_of(&row.id, &node->network.genesis_id, bytes, size);
    ez_rule rule = decode_stored(&tx, bytes, size);
    if (rule == EZ_RULE_OK && !ez_tx_verify(&tx, &node->network.genesis_id, bytes, size)) {
        rule = EZ_RULE_TX_SIGNATURE;
    }
    if (rule != EZ_RULE_OK) {
        drop_stored(node, &row.id, rule);
        return;
    }
    row.sequence = tx.sequence;
    row.bytes = ez_blob_new(bytes, size);
    state->txs = ez_realloc(state->txs, state->tx_count + 1, sizeof(*state->txs));
    state->txs[state->tx_count++] = row;
}

static int by_sequence(const void *left, const void *right)
{
    const stored_tx *a = left, *b = right;
    if (a->sequence != b->sequence) {
        return a->sequence < b->sequence ? -1 : 1;
    }
    return a->position < b->position ? -1 : a->position > b->position;
}

/* Each signer's in sequence, whatever the order of the store: what a reorganisation gave back was
 * stored after what follows it. */
static void pool_stored(loading *state)
{
    ez_node *node = state->node;
    const ez_pool_keep keep = EZ_POOL_PROMISED; /* the store does not say which of them were */
    if (state->tx_count > 0) {
        qsort(state->txs, state->tx_count, sizeof(*state->txs), by_sequence);
    }
    for (size_t i = 0; i < state->tx_count; i++) {
        const stored_tx *row = &state->txs[i];
        ez_tx tx;
        ez_rule rule = decode_stored(&tx, ez_blob_data(row->bytes), ez_blob_size(row->bytes));
        if (rule == EZ_RULE_OK) {
            rule = ez_pool_add(node->pool, NULL, &tx, &row->id, row->bytes, keep, node->now.mono);
        }
        if (node_may_stand_later(rule)) {
            node_park(node, &row->id, row->bytes, &tx.signer, tx.sequence, keep);
        } else if (rule != EZ_RULE_OK) {
            drop_stored(node, &row->id, rule);
        }
        ez_blob_unref(row->bytes);
    }
}

static void load_manual_peer(void *self, const char *host, uint16_t port)
{
    loading *state = self;
    ez_dialer_add(state->node->dialer, host, port);
}

static void load_book(void *self, const uint8_t *bytes, size_t size)
{
    loading *state = self;
    if (ez_book_decode(state->node->book, bytes, size, state->node->now) != EZ_OK) {
        NODE_LOG(state->node, EZ_LOG_WARN, "address_book_unreadable", EZ_LOG_U64("bytes", size));
    }
}

ez_status node_load(ez_node *node)
{
    loading state = {.node = node};
    const ez_store_loader loader = {
        .self = &state,
        .header = load_header,
        .tip = load_tip,
        .pool_tx = load_pool_tx,
        .manual_peer = load_manual_peer,
        .book = load_book,
    };
    ez_status status = node->store->load(node->store->self, &loader);
    status = status == EZ_OK ? state.status : status;
    pool_stored(&state);
    free(state.txs);
    free(state.invalid);
    if (status == EZ_OK) {
        EZ_ASSERT(state.has_tip);
        node_activate(node, false);
    }
    return status;
}
