/* The start: the tree, the tip, the pool and the peers from what the store holds. Stored headers
 * are judged again by every rule but the clock's; stored signatures too, since a file can be
 * edited. */
#include "node_internal.h"

typedef struct loading {
    ez_node *node;
    ez_status status;
    bool has_tip;
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
    if (rule == EZ_RULE_HEADER_PARENT_INVALID) {
        return; /* stored before its parent was found bad */
    }
    if (rule != EZ_RULE_OK) {
        fail(state, ez_rule_text(rule), &header->previous);
        return;
    }
    ez_tree_set_state(node->tree, entry, EZ_ENTRY_BODY);
    if (connected) {
        ez_tree_set_state(node->tree, entry, EZ_ENTRY_VALID);
    }
    if (invalid) {
        ez_tree_set_invalid(node->tree, entry);
    }
}

static void load_tip(void *self, const ez_block_id *id)
{
    loading *state = self;
    ez_entry *entry = ez_tree_find(state->node->tree, id);
    state->has_tip = true;
    if (entry == NULL || ez_entry_state_of(entry) != EZ_ENTRY_VALID) {
        fail(state, "the stored tip is not a connected block", id);
        return;
    }
    state->node->tip = entry;
}

static void load_pool_tx(void *self, const uint8_t *bytes, size_t size)
{
    loading *state = self;
    ez_node *node = state->node;
    ez_reader reader;
    ez_reader_init(&reader, bytes, size);
    ez_tx tx;
    ez_tx_id id;
    ez_tx_id_of(&id, &node->network.genesis_id, bytes, size);
    ez_rule rule = ez_tx_decode(&tx, &reader);
    if (rule == EZ_RULE_OK && !ez_reader_is_done(&reader)) {
        rule = EZ_RULE_TX_MALFORMED;
    }
    if (rule == EZ_RULE_OK && !ez_tx_verify(&tx, &node->network.genesis_id, bytes, size)) {
        rule = EZ_RULE_TX_SIGNATURE;
    }
    if (rule == EZ_RULE_OK) {
        ez_blob *blob = ez_blob_new(bytes, size);
        rule = ez_pool_add(node->pool, NULL, &tx, &id, blob, true, node->now.mono);
        ez_blob_unref(blob);
    }
    if (rule != EZ_RULE_OK) {
        NODE_LOG(node, EZ_LOG_WARN, "stored_transaction_dropped", EZ_LOG_HASH("id", &id),
                 EZ_LOG_TEXT("rule", ez_rule_code(rule)));
        node_write(node, EZ_WRITE_POOL_DELETE)->tx_id = id;
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
    if (status != EZ_OK) {
        return status;
    }
    if (state.status == EZ_OK) {
        EZ_ASSERT(state.has_tip);
        node_activate(node, false);
    }
    return state.status;
}
