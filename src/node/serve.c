/* Answering requests. What a peer asks for is queued by id and sent while its output has room, so a
 * slow reader costs ids, not bodies. Bodies are served only of blocks that we connected ourselves:
 * then a peer that serves a bad one had the chance to know, and honest relays are never blamed.
 * A request for a block that we are still checking waits until it is known to be good.
 */
#include "node_internal.h"

#include <stdlib.h>

#define TXS_IN_MESSAGE    512
#define PARTS_WAITING_MAX 2

/* Say that we do not have a block. Whoever we announced it to hears of it again when we do. */
static void refuse_body(ez_node *node, ez_peer *peer, const ez_block_id *id)
{
    const ez_entry *entry = ez_tree_find(node->tree, id);
    const ez_entry *told = ez_tree_find(node->tree, &peer->told);
    if (entry != NULL && told != NULL && ez_entry_parent(entry) != NULL &&
        ez_entry_ancestor(told, ez_entry_height(entry)) == entry) {
        peer->told = *ez_entry_id(ez_entry_parent(entry));
    }
    node_send_ids(node, peer, EZ_MSG_MISSING_BODIES, id, 1);
}

static void send_body(ez_node *node, ez_peer *peer, const ez_block_id *id)
{
    ez_blob *body = node_body_bytes(node, id);
    if (body == NULL || ez_blob_size(body) == 0) { /* genesis has none to send */
        refuse_body(node, peer, id);
        ez_blob_unref(body);
        return;
    }
    ez_message message = {.type = EZ_MSG_BODY};
    message.as.body.id = *id;
    message.as.body.bytes = (ez_byte_span){ez_blob_data(body), ez_blob_size(body)};
    message.as.body.blob = body;
    node_send(node, peer, &message, NULL, body);
    ez_blob_unref(body);
}

static void send_txs(ez_node *node, ez_peer *peer, const ez_tx_id *ids, size_t count)
{
    size_t bytes = 0, found = 0, missing = 0;
    ez_tx_id *gone = ez_alloc(count, sizeof(*gone));
    const ez_pool_entry **entries = ez_alloc(count, sizeof(*entries));
    for (size_t i = 0; i < count; i++) {
        const ez_pool_entry *entry = ez_pool_find(node->pool, &ids[i]);
        if (entry == NULL) {
            gone[missing++] = ids[i];
        } else {
            entries[found++] = entry;
            bytes += ez_blob_size(entry->bytes);
            node_peer_has_tx(node, peer, &ids[i]);
        }
    }
    if (found > 0) {
        ez_byte_span *spans = ez_alloc(1, found * sizeof(*spans) + bytes);
        uint8_t *at = (uint8_t *)(spans + found);
        for (size_t i = 0; i < found; i++) {
            size_t size = ez_blob_size(entries[i]->bytes);
            memcpy(at, ez_blob_data(entries[i]->bytes), size);
            spans[i] = (ez_byte_span){at, size};
            at += size;
        }
        ez_message message = {.type = EZ_MSG_TXS};
        message.as.txs.list = spans;
        message.as.txs.count = found;
        node_send(node, peer, &message, spans, NULL);
    }
    if (missing > 0) {
        node_send_ids(node, peer, EZ_MSG_MISSING_TXS, gone, missing);
    }
    free(gone);
    free(entries);
}

/* Queue a body; false when the peer has asked for too many already. */
static bool serve_later(ez_peer *peer, const ez_block_id *id)
{
    if (peer->serve_count == NODE_SERVE_MAX) {
        return false;
    }
    if (peer->serve == NULL) {
        peer->serve = ez_alloc(NODE_SERVE_MAX, sizeof(*peer->serve));
    }
    peer->serve[peer->serve_count++] = *id;
    return true;
}

static void serve_bodies(ez_node *node, ez_peer *peer)
{
    size_t served = 0;
    while (served < peer->serve_count && peer->queued < EZ_OUTPUT_BYTES_MAX) {
        send_body(node, peer, &peer->serve[served++]);
    }
    peer->serve_count -= served;
    if (peer->serve_count == 0) {
        free(peer->serve);
        peer->serve = NULL;
    } else {
        memmove(&peer->serve[0], &peer->serve[served], peer->serve_count * sizeof(peer->serve[0]));
    }
}

static void serve_txs(ez_node *node, ez_peer *peer)
{
    size_t sent = 0;
    while (sent < peer->serve_tx_count && peer->queued < EZ_OUTPUT_BYTES_MAX) {
        size_t count = peer->serve_tx_count - sent;
        count = count < TXS_IN_MESSAGE ? count : TXS_IN_MESSAGE;
        send_txs(node, peer, peer->serve_txs + sent, count);
        sent += count;
    }
    peer->serve_tx_count -= sent;
    if (peer->serve_tx_count == 0) {
        free(peer->serve_txs);
        peer->serve_txs = NULL;
    } else {
        memmove(peer->serve_txs, peer->serve_txs + sent,
                peer->serve_tx_count * sizeof(*peer->serve_txs));
    }
}

void node_serve(ez_node *node, ez_peer *peer)
{
    node_serve_headers(node, peer);
    serve_bodies(node, peer);
    serve_txs(node, peer);
}

void node_txs_wanted(ez_node *node, ez_peer *peer, const ez_message *message)
{
    size_t count = message->as.tx_ids.count;
    if (peer->serve_tx_count + count > 2 * EZ_TXS_IN_FLIGHT_PEER) {
        return; /* a slow link is no offence: the asker's time-outs send it elsewhere */
    }
    peer->serve_txs =
        ez_realloc(peer->serve_txs, peer->serve_tx_count + count, sizeof(*peer->serve_txs));
    memcpy(peer->serve_txs + peer->serve_tx_count, message->as.tx_ids.list,
           count * sizeof(*peer->serve_txs));
    peer->serve_tx_count += count;
    node_announced_asked(node, peer, count);
    node_serve(node, peer);
}

typedef enum block_standing { BLOCK_GOOD, BLOCK_PENDING, BLOCK_NONE } block_standing;

/* Pending is what lies on the way to the chain that we are fetching, as long as it does arrive.
 * Another block that we have not connected may never be, so nobody is left waiting for it. */
static block_standing standing_of(const ez_node *node, const ez_block_id *id)
{
    const ez_entry *entry = ez_tree_find(node->tree, id);
    if (entry == NULL || ez_entry_is_invalid(entry)) {
        return BLOCK_NONE;
    }
    if (ez_entry_state_of(entry) == EZ_ENTRY_VALID) {
        return BLOCK_GOOD;
    }
    if (node->own_pending && ez_block_id_is_equal(&node->own_id, id)) {
        return BLOCK_PENDING;
    }
    bool arriving = node->has_target && !node->target_doubtful;
    const ez_entry *target = arriving ? ez_tree_find(node->tree, &node->target) : NULL;
    bool wanted = target != NULL && ez_entry_ancestor(target, ez_entry_height(entry)) == entry;
    return wanted ? BLOCK_PENDING : BLOCK_NONE;
}

static bool wait_for(ez_peer *peer, const ez_block_id *id, const uint32_t *positions, size_t count)
{
    size_t parts = 0;
    for (size_t i = 0; i < peer->waiter_count; i++) {
        parts += peer->waiters[i].positions != NULL;
    }
    if (peer->waiter_count == NODE_WAITERS_MAX || (count > 0 && parts == PARTS_WAITING_MAX)) {
        return false;
    }
    if (peer->waiters == NULL) {
        peer->waiters = ez_alloc(NODE_WAITERS_MAX, sizeof(*peer->waiters));
    }
    node_waiter *waiter = &peer->waiters[peer->waiter_count++];
    waiter->id = *id;
    waiter->position_count = count;
    waiter->positions = count == 0 ? NULL : ez_memdup(positions, count * sizeof(*positions));
    return true;
}

void node_bodies_wanted(ez_node *node, ez_peer *peer, const ez_message *message)
{
    for (size_t i = 0; i < message->as.block_ids.count; i++) {
        const ez_block_id *id = &message->as.block_ids.list[i];
        block_standing standing = standing_of(node, id);
        if (standing == BLOCK_PENDING && wait_for(peer, id, NULL, 0)) {
            continue;
        }
        if (standing != BLOCK_GOOD || !serve_later(peer, id)) {
            refuse_body(node, peer, id); /* to read slowly is no offence */
        }
    }
    node_serve(node, peer);
}

static void send_parts(ez_node *node, ez_peer *peer, const ez_block_id *id,
                       const uint32_t *positions, size_t count)
{
    const ez_entry *entry = ez_tree_find(node->tree, id);
    ez_block *block = node_block(node, entry);
    if (positions[count - 1] >= block->tx_count) {
        /* The announcement lied, and we may be the one who passed it on unchecked. */
        refuse_body(node, peer, id);
        ez_block_unref(block);
        return;
    }
    ez_byte_span *spans = ez_alloc(count, sizeof(*spans));
    for (size_t i = 0; i < count; i++) {
        const ez_block_tx *tx = &block->txs[positions[i]];
        spans[i] = (ez_byte_span){ez_blob_data(block->body) + tx->offset, tx->size};
    }
    ez_message message = {.type = EZ_MSG_PARTS};
    message.as.parts.id = *id;
    message.as.parts.list = spans;
    message.as.parts.count = count;
    node_send(node, peer, &message, spans, block->body);
    ez_block_unref(block);
}

void node_parts_wanted(ez_node *node, ez_peer *peer, const ez_message *message)
{
    const ez_block_id *id = &message->as.get_parts.id;
    const uint32_t *positions = message->as.get_parts.positions;
    size_t count = message->as.get_parts.count;
    block_standing standing = standing_of(node, id);
    bool slow = peer->queued >= EZ_OUTPUT_BYTES_MAX;
    if (standing == BLOCK_GOOD && !slow) {
        send_parts(node, peer, id, positions, count);
    } else if (standing != BLOCK_PENDING || !wait_for(peer, id, positions, count)) {
        refuse_body(node, peer, id);
    }
}

static void serve_waiter(ez_node *node, ez_peer *peer, const node_waiter *waiter)
{
    bool good = standing_of(node, &waiter->id) == BLOCK_GOOD;
    if (good && waiter->positions != NULL) {
        send_parts(node, peer, &waiter->id, waiter->positions, waiter->position_count);
    } else if (good && serve_later(peer, &waiter->id)) {
        node_serve(node, peer);
    } else {
        refuse_body(node, peer, &waiter->id);
    }
}

/* Answer those of a peer's waiters that wait for `id`, or, with NULL, for a block that is no longer
 * on its way. */
static void serve_waiters_of(ez_node *node, ez_peer *peer, const ez_block_id *id)
{
    for (size_t i = 0; i < peer->waiter_count && !peer->closing;) {
        node_waiter waiter = peer->waiters[i];
        bool due = id != NULL ? ez_block_id_is_equal(&waiter.id, id)
                              : standing_of(node, &waiter.id) != BLOCK_PENDING;
        if (!due) {
            i++;
            continue;
        }
        peer->waiters[i] = peer->waiters[--peer->waiter_count];
        serve_waiter(node, peer, &waiter);
        free(waiter.positions);
    }
    if (peer->waiter_count == 0) {
        free(peer->waiters);
        peer->waiters = NULL;
    }
}

void node_serve_waiters(ez_node *node, const ez_block_id *id)
{
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        serve_waiters_of(node, peer, id);
    }
}

void node_refuse_waiters(ez_node *node)
{
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        serve_waiters_of(node, peer, NULL);
    }
}

void node_clear_serving(ez_peer *peer)
{
    free(peer->serve_txs);
    peer->serve_txs = NULL;
    peer->serve_tx_count = 0;
    for (size_t i = 0; i < peer->waiter_count; i++) {
        free(peer->waiters[i].positions);
    }
    free(peer->waiters);
    peer->waiters = NULL;
    peer->waiter_count = 0;
    free(peer->serve);
    peer->serve = NULL;
    peer->serve_count = 0;
}
