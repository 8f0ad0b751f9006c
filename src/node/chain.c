/* Blocks into the tree, the store and the ledger.
 *
 * The tip follows the complete chain with the most work. Everything one event does to the chain
 * goes into one write: after a crash the store holds all of a reorganisation or nothing of it.
 */
#include "node_internal.h"

#include <stdlib.h>

/* What a run of node_activate did, for the pool and for observers. */
typedef struct move {
    ez_entry *from;
    ez_block **taken_off; /* newest first */
    size_t taken_off_count;
    ez_block **put_on; /* oldest first */
    size_t put_on_count;
    bool rewound; /* something was taken off, if only to be put back */
} move;

ez_block *node_block(ez_node *node, const ez_entry *entry)
{
    node_recent *recent = node_recent_find(node, ez_entry_id(entry));
    if (recent != NULL) {
        return ez_block_ref(recent->block);
    }
    ez_blob *body = node->store->get_body(node->store->self, ez_entry_id(entry));
    EZ_ASSERT(body != NULL);
    ez_header header = ez_entry_header(entry);
    ez_block *block = NULL;
    ez_rule rule = ez_block_parse(&block, &node->network, &header, body);
    EZ_ASSERT(rule == EZ_RULE_OK); /* it was checked before it was stored */
    ez_blob_unref(body);
    return block;
}

static void append(ez_block ***list, size_t *count, ez_block *block)
{
    if ((*count & (*count - 1)) == 0) {
        *list = ez_realloc(*list, *count == 0 ? 1 : *count * 2, sizeof(**list));
    }
    (*list)[(*count)++] = block;
}

static void move_clear(move *done)
{
    for (size_t i = 0; i < done->taken_off_count; i++) {
        ez_block_unref(done->taken_off[i]);
    }
    for (size_t i = 0; i < done->put_on_count; i++) {
        ez_block_unref(done->put_on[i]);
    }
    free(done->taken_off);
    free(done->put_on);
}

/* The accounts as they were before a connected block, owned by the caller. */
static ez_account_change *undo_of(ez_node *node, const ez_block_id *id, uint32_t *count)
{
    node_recent *recent = node_recent_find(node, id);
    if (recent != NULL && recent->before != NULL) {
        *count = recent->before_count;
        return ez_memdup(recent->before, recent->before_count * sizeof(*recent->before));
    }
    ez_buffer bytes = {0};
    bool found = node->store->get_undo(node->store->self, &bytes, id);
    EZ_ASSERT(found);
    ez_account_change *before = NULL;
    ez_status status = ez_undo_decode(&before, count, bytes.data, bytes.size);
    EZ_ASSERT(status == EZ_OK);
    ez_buffer_clear(&bytes);
    return before;
}

static void disconnect_tip(ez_node *node, move *done)
{
    ez_block *block = node_block(node, node->tip);
    uint32_t count = 0;
    ez_account_change *before = undo_of(node, &block->id, &count);
    ez_ledger_disconnect(node->ledger, block, before, count, node_write_number(node));
    ez_write_op *op = node_write(node, EZ_WRITE_DISCONNECT);
    op->block = ez_block_ref(block);
    op->diff.after = before;
    op->diff.count = count;
    node->tip = ez_entry_parent(node->tip);
    node->headers_dirty = true; /* more than this may be claimed */
    node->counters.blocks_disconnected++;
    done->rewound = true;
    if (done->put_on_count > 0) {
        ez_block_unref(done->put_on[--done->put_on_count]);
        ez_block_unref(block);
    } else {
        append(&done->taken_off, &done->taken_off_count, block);
    }
}

/* Connect `entry`, a child of the tip; false when its block breaks a rule of the ledger. */
static bool connect_tip(ez_node *node, move *done, ez_entry *entry)
{
    ez_block *block = node_block(node, entry);
    ez_ledger_diff diff = {0};
    uint32_t bad = 0;
    ez_rule rule = ez_ledger_connect(node->ledger, &diff, &bad, &node->network, block,
                                     node_write_number(node));
    if (rule != EZ_RULE_OK) {
        node_condemn(node, entry, rule, "against the ledger");
        ez_block_unref(block);
        return false;
    }
    node_recent *recent = node_recent_put(node, block);
    free(recent->before);
    recent->before = ez_memdup(diff.before, diff.count * sizeof(*diff.before));
    recent->before_count = diff.count;
    ez_write_op *op = node_write(node, EZ_WRITE_CONNECT);
    op->block = ez_block_ref(block);
    op->diff = diff;
    ez_tree_set_state(node->tree, entry, EZ_ENTRY_VALID);
    node->tip = entry;
    node->counters.blocks_connected++;
    append(&done->put_on, &done->put_on_count, block);
    return true;
}

void node_condemn(ez_node *node, ez_entry *entry, ez_rule rule, const char *detail)
{
    NODE_LOG(node, EZ_LOG_WARN, "block_invalid", EZ_LOG_HASH("id", ez_entry_id(entry)),
             EZ_LOG_U64("height", ez_entry_height(entry)), EZ_LOG_TEXT("rule", ez_rule_code(rule)),
             EZ_LOG_TEXT("detail", detail));
    if (ez_entry_state_of(entry) != EZ_ENTRY_HEADER) {
        node_write(node, EZ_WRITE_INVALID)->block_id = *ez_entry_id(entry);
    }
    ez_tree_set_invalid(node->tree, entry);
    /* Who showed it, or what is built on it, still has what is below. */
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        const ez_entry *best = ez_tree_find(node->tree, &peer->best);
        if (best != NULL && ez_entry_is_invalid(best)) {
            peer->best = *ez_entry_id(ez_entry_parent(entry));
        }
    }
    node->plan_dirty = true;
    node_serve_waiters(node, ez_entry_id(entry));
}

/* Move the tip towards `goal` until it is there or a block on the way turns out bad. */
static void move_towards(ez_node *node, move *done, ez_entry *goal)
{
    ez_entry *fork = ez_entry_fork(node->tip, goal);
    while (node->tip != fork) {
        disconnect_tip(node, done);
    }
    while (node->tip != goal) {
        ez_entry *next = ez_entry_ancestor(goal, ez_entry_height(node->tip) + 1);
        if (!connect_tip(node, done, next)) {
            return;
        }
    }
}

static void return_txs(ez_node *node, const ez_block *block)
{
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ez_tx tx;
        ez_block_tx_get(&tx, block, i);
        if (ez_tx_kind_of(&tx) == EZ_TX_REWARD) {
            continue;
        }
        const uint8_t *data = ez_blob_data(block->body) + block->txs[i].offset;
        ez_blob *bytes = ez_blob_new(data, block->txs[i].size);
        const ez_tx_id *id = &block->txs[i].id;
        ez_rule rule =
            ez_pool_add(node->pool, NULL, &tx, id, bytes, EZ_POOL_RETURNED, node->now.mono);
        bool later = node_may_stand_later(rule);
        if (later || rule == EZ_RULE_OK || rule == EZ_RULE_TX_POOL_KNOWN) {
            ez_write_op *op = node_write(node, EZ_WRITE_POOL_PUT);
            op->tx_id = *id;
            op->bytes = ez_blob_ref(bytes);
            node->pool_grew = true;
        } else {
            node_note_tx(node, id, rule); /* wanted again one day */
        }
        if (later) { /* behind the write: it may be given up at once */
            node_park(node, id, bytes, &tx.signer, tx.sequence, EZ_POOL_RETURNED);
        }
        ez_blob_unref(bytes);
    }
}

/* It is not asked for any more. What was pooled was noted when it came. Of blocks that stay
 * connected: a transaction of one that was taken off again is wanted as before. */
static void came_with_block(void *self, const ez_tx_id *id)
{
    ez_node *node = self;
    ez_want_received(node->want, ez_short_id(&node->short_key, id), NULL);
    node_note_tx(node, id, EZ_RULE_OK);
}

static void update_pool(ez_node *node, const move *done)
{
    for (size_t i = 0; i < done->put_on_count; i++) {
        ez_pool_connected(node->pool, done->put_on[i], came_with_block);
    }
    for (size_t i = done->taken_off_count; i-- > 0;) { /* oldest first */
        return_txs(node, done->taken_off[i]);
    }
    if (done->rewound) {
        ez_pool_recheck(node->pool);
    }
    node_retry_all_parked(node);
    node_take_orphans(node);
}

static void notify_reorg(ez_node *node, const move *done)
{
    ez_notice *notice = &node_push(node, EZ_EFFECT_NOTIFY)->effect.as.notice;
    notice->type = EZ_NOTICE_REORG;
    notice->block = *ez_entry_id(node->tip);
    notice->old_tip = *ez_entry_id(done->from);
    notice->height = ez_entry_height(node->tip);
    notice->depth = done->taken_off_count;
    node->counters.reorgs++;
    NODE_LOG(node, EZ_LOG_INFO, "reorg", EZ_LOG_HASH("from", ez_entry_id(done->from)),
             EZ_LOG_HASH("to", ez_entry_id(node->tip)),
             EZ_LOG_U64("height", ez_entry_height(node->tip)),
             EZ_LOG_U64("depth", done->taken_off_count));
}

static void notify_blocks(ez_node *node, const move *done, bool own)
{
    for (size_t i = 0; i < done->put_on_count; i++) {
        const ez_block *block = done->put_on[i];
        ez_notice *notice = &node_push(node, EZ_EFFECT_NOTIFY)->effect.as.notice;
        notice->type = EZ_NOTICE_BLOCK;
        notice->block = block->id;
        notice->height = block->header.index;
        notice->tx_count = block->tx_count;
        notice->own = own && i + 1 == done->put_on_count;
        NODE_LOG(node, EZ_LOG_INFO, "block", EZ_LOG_U64("height", block->header.index),
                 EZ_LOG_HASH("id", block->id.hash.bytes),
                 EZ_LOG_U64("transactions", block->tx_count),
                 EZ_LOG_TEXT("from", notice->own ? "mined here" : "network"));
        node_serve_waiters(node, &block->id);
    }
}

static void finish(ez_node *node, move *done, bool own)
{
    update_pool(node, done);
    if (done->taken_off_count > 0) {
        notify_reorg(node, done);
    }
    notify_blocks(node, done, own);
    node->template_stale = true;
    /* While a longer chain is being fetched, the plan goes on as it is. */
    node->plan_dirty |= own || done->taken_off_count > 0 || !node->has_target ||
                        ez_block_id_is_equal(&node->target, ez_entry_id(node->tip));
    node->tip_news = true;
    node->tip_moved = node->now.mono;
    node->tip_own = own;
}

void node_activate(ez_node *node, bool own)
{
    move done = {.from = node->tip};
    for (;;) {
        ez_entry *best = ez_tree_best_complete(node->tree);
        if (best == node->tip) {
            break; /* at equal work the first that was complete, so a tip is never left for a tie */
        }
        move_towards(node, &done, best);
    }
    if (node->tip != done.from) {
        finish(node, &done, own);
    } else if (done.rewound) {
        ez_pool_recheck(node->pool); /* it waits for this after every disconnection */
    }
    move_clear(&done);
}

void node_accept_block(ez_node *node, ez_entry *entry, ez_block *block, bool own)
{
    if (ez_entry_state_of(entry) != EZ_ENTRY_HEADER || ez_entry_is_invalid(entry)) {
        return;
    }
    ez_tree_set_state(node->tree, entry, EZ_ENTRY_BODY);
    node_recent_put(node, block);
    node_write(node, EZ_WRITE_BODY)->block = ez_block_ref(block);
    node_activate(node, own);
}
