/* Block bodies from announcements: an announcement carries the reward and, for every other
 * transaction, eight bytes of a keyed hash of its id. What the pool holds need not travel; the rest
 * is asked for by position. A short id that misleads (a collision, or a lie) shows as a wrong
 * merkle root, and the body is then fetched whole.
 */
#include "node_internal.h"

#include <stdlib.h>
#include <utlist.h>

#define PARTIALS_MAX 8

uint64_t node_short_id(const ez_block_id *block, const ez_tx_id *tx)
{
    ez_siphash_key key = {0, 0};
    for (unsigned i = 8; i-- > 0;) {
        key.k0 = key.k0 << 8 | block->hash.bytes[i];
        key.k1 = key.k1 << 8 | block->hash.bytes[8 + i];
    }
    return ez_siphash(&key, tx, sizeof(*tx));
}

/* A pooled transaction under its short id for one block. */
typedef struct candidate {
    uint64_t short_id;
    ez_blob *bytes;
} candidate;

static int compare_candidates(const void *left, const void *right)
{
    const candidate *a = left, *b = right;
    return a->short_id < b->short_id ? -1 : a->short_id > b->short_id;
}

static candidate *pool_by_short_id(const ez_node *node, const ez_block_id *block, size_t *count)
{
    candidate *list = ez_alloc(ez_pool_count(node->pool) + 1, sizeof(*list));
    *count = 0;
    const ez_pool_entry *entry = ez_pool_first(node->pool);
    for (; entry != NULL; entry = ez_pool_next(node->pool, entry)) {
        list[(*count)++] = (candidate){node_short_id(block, &entry->id), entry->bytes};
    }
    qsort(list, *count, sizeof(*list), compare_candidates);
    return list;
}

static void partial_free(ez_node *node, node_partial *partial)
{
    DL_DELETE(node->partials, partial);
    node->partial_count--;
    for (size_t i = 0; i < partial->tx_count; i++) {
        ez_blob_unref(partial->txs[i]);
    }
    free(partial->txs);
    free(partial->missing);
    free(partial);
}

static node_partial *find_partial(const ez_node *node, const ez_block_id *id)
{
    node_partial *partial;
    DL_FOREACH (node->partials, partial) {
        if (ez_block_id_is_equal(&partial->id, id)) {
            return partial;
        }
    }
    return NULL;
}

bool node_partial_drop(ez_node *node, const ez_block_id *id)
{
    node_partial *partial = find_partial(node, id);
    if (partial != NULL) {
        partial_free(node, partial);
    }
    return partial != NULL;
}

void node_partials_peer_gone(ez_node *node, ez_link_id peer)
{
    node_partial *partial, *next;
    DL_FOREACH_SAFE (node->partials, partial, next) {
        if (partial->peer.value == peer.value) {
            partial_free(node, partial);
        }
    }
}

/* Fill in what the pool has, note what it has not. */
static node_partial *start_partial(ez_node *node, const ez_entry *entry, const ez_message *message)
{
    size_t id_count = message->as.announce_block.short_id_count;
    ez_byte_span reward = message->as.announce_block.reward;
    node_partial *partial = ez_alloc(1, sizeof(*partial));
    partial->id = *ez_entry_id(entry);
    partial->tx_count = id_count + 1;
    partial->txs = ez_alloc(partial->tx_count, sizeof(*partial->txs));
    partial->missing = ez_alloc(partial->tx_count, sizeof(*partial->missing));
    partial->txs[id_count] = ez_blob_new(reward.data, reward.size);
    DL_APPEND(node->partials, partial);
    node->partial_count++;
    if (id_count == 0) {
        return partial;
    }
    size_t pooled = 0;
    candidate *pool = pool_by_short_id(node, &partial->id, &pooled);
    for (size_t i = 0; i < id_count; i++) {
        candidate wanted = {.short_id = message->as.announce_block.short_ids[i]};
        const candidate *found = bsearch(&wanted, pool, pooled, sizeof(*pool), compare_candidates);
        if (found != NULL) {
            partial->txs[i] = ez_blob_ref(found->bytes);
        } else {
            partial->missing[partial->missing_count++] = (uint32_t)i;
        }
    }
    free(pool);
    return partial;
}

/* All transactions are here: one body, to be checked like any other. */
static void complete(ez_node *node, node_partial *partial, job_source source)
{
    const ez_entry *entry = ez_tree_find(node->tree, &partial->id);
    ez_link_id peer = partial->peer;
    ez_buffer body = {0};
    for (size_t i = 0; i < partial->tx_count; i++) {
        ez_buffer_add(&body, ez_blob_data(partial->txs[i]), ez_blob_size(partial->txs[i]));
    }
    ez_blob *bytes = ez_blob_new(body.data, body.size);
    ez_buffer_clear(&body);
    partial_free(node, partial);
    if (entry != NULL && ez_fetch_has(node->fetch, ez_entry_id(entry), ez_entry_height(entry)) &&
        !ez_fetch_is_here(node->fetch, ez_entry_height(entry))) {
        node_check_body(node, entry, bytes, source, peer);
    }
    ez_blob_unref(bytes);
}

static void ask_for_missing(ez_node *node, ez_peer *peer, const node_partial *partial)
{
    ez_message message = {.type = EZ_MSG_GET_PARTS};
    void *memory = ez_memdup(partial->missing, partial->missing_count * sizeof(*partial->missing));
    message.as.get_parts.id = partial->id;
    message.as.get_parts.positions = memory;
    message.as.get_parts.count = partial->missing_count;
    node_send(node, peer, &message, memory, NULL);
}

bool node_rebuild(ez_node *node, ez_peer *peer, const ez_entry *entry, const ez_message *message)
{
    uint64_t height = ez_entry_height(entry);
    bool next = ez_entry_state_of(ez_entry_parent(entry)) != EZ_ENTRY_HEADER;
    if (!next || !ez_fetch_has(node->fetch, ez_entry_id(entry), height) ||
        node->partial_count == PARTIALS_MAX || find_partial(node, ez_entry_id(entry)) != NULL ||
        message->as.announce_block.reward.size == 0 ||
        !ez_fetch_claim(node->fetch, height, peer->link, node->now.mono)) {
        return false;
    }
    node_partial *partial = start_partial(node, entry, message);
    partial->peer = peer->link;
    if (partial->missing_count == 0) {
        node->counters.bodies_rebuilt++;
        complete(node, partial, JOB_BODY_REBUILT);
    } else {
        ask_for_missing(node, peer, partial);
    }
    return true;
}

void node_parts_received(ez_node *node, ez_peer *peer, const ez_message *message)
{
    node_partial *partial = find_partial(node, &message->as.parts.id);
    if (partial == NULL || partial->peer.value != peer->link.value) {
        return; /* late: the body came from elsewhere */
    }
    if (message->as.parts.count != partial->missing_count) {
        node_close_peer(node, peer, EZ_GOODBYE_BODY_MISMATCH, "not the parts that were asked for");
        return;
    }
    for (size_t i = 0; i < partial->missing_count; i++) {
        const ez_byte_span *tx = &message->as.parts.list[i];
        partial->txs[partial->missing[i]] = ez_blob_new(tx->data, tx->size);
    }
    node->counters.bodies_parts++;
    complete(node, partial, JOB_BODY_PARTS);
}
