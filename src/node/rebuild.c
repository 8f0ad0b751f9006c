/* Block bodies from announcements: an announcement carries the reward and, for every other
 * transaction, eight bytes of a keyed hash of its id. What the pool holds need not travel; the rest
 * is asked for by position. A short id that misleads (a collision, or a lie) shows as a wrong
 * merkle root, and the body is then fetched whole.
 *
 * The fetch window follows one chain. Of two blocks of as much work on our tip, the one that was
 * announced first may be withheld, which shows only when its time is over. So the others are
 * rebuilt beside the window: whichever is complete first becomes the tip. Each peer has a few tries
 * for each height (a header that it heard of, and its tip), since a header may be cheap and
 * rebuilding means a walk over the pool.
 */
#include "node_internal.h"

#include <stdlib.h>
#include <utlist.h>

#define PARTIALS_MAX 8
#define TRIES_MAX    3  /* of one peer at one height; an honest one needs two */
#define READ_AHEAD   4  /* transactions whose bytes are asked for while others are copied */
#define LINE_BYTES   64 /* of memory; the first of a transaction was read for its size */

/* The places of an announcement by short id, in chains. Whoever announces chooses the short ids, so
 * the place in the table hangs on a secret multiplier: two ids meet by chance only. */
typedef struct places {
    const uint64_t *short_ids;
    uint64_t multiplier;
    unsigned shift;
    uint32_t *first; /* by place in the table: position plus one; 0: none */
    uint32_t *next;  /* by position: the same */
} places;

static size_t place_of(const places *map, uint64_t short_id)
{
    return (size_t)(short_id * map->multiplier >> map->shift);
}

static places places_new(ez_node *node, const uint64_t *short_ids, size_t count)
{
    places map = {.short_ids = short_ids, .multiplier = ez_rng_next(&node->rng) | 1, .shift = 63};
    while (map.shift > 32 && (size_t)1 << (64 - map.shift) < 2 * count) {
        map.shift--;
    }
    map.first = ez_alloc((size_t)1 << (64 - map.shift), sizeof(*map.first));
    map.next = ez_alloc(count + 1, sizeof(*map.next));
    for (size_t i = 0; i < count; i++) {
        uint32_t *first = &map.first[place_of(&map, short_ids[i])];
        map.next[i] = *first;
        *first = (uint32_t)i + 1;
    }
    return map;
}

static void places_clear(places *map)
{
    free(map->first);
    free(map->next);
}

static void partial_free(ez_node *node, node_partial *partial)
{
    DL_DELETE(node->partials, partial);
    node->partial_count--;
    for (size_t i = 0; i < partial->tx_count; i++) {
        ez_blob_unref(partial->txs[i]);
    }
    free(partial->txs);
    free(partial->known);
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

bool node_partial_refused(ez_node *node, const ez_block_id *id, ez_link_id peer)
{
    const node_partial *partial = find_partial(node, id);
    return partial != NULL && partial->peer.value == peer.value && node_partial_drop(node, id);
}

void node_clear_partials(ez_node *node)
{
    while (node->partials != NULL) {
        partial_free(node, node->partials);
    }
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

/* Fill in what the pool has. */
static void fill_from_pool(ez_node *node, node_partial *partial, const ez_message *message)
{
    places map = places_new(node, message->as.announce_block.short_ids, partial->tx_count - 1);
    const ez_siphash_key key = ez_short_id_key(partial->id.hash.bytes);
    ez_pool_walk walk = {0};
    const ez_pool_entry *entry;
    while ((entry = ez_pool_walk_next(node->pool, &walk)) != NULL) {
        uint64_t short_id = ez_short_id(&key, &entry->id);
        unsigned filled = 0;
        for (uint32_t at = map.first[place_of(&map, short_id)]; at != 0; at = map.next[at - 1]) {
            if (map.short_ids[at - 1] == short_id && partial->txs[at - 1] == NULL) {
                partial->txs[at - 1] = ez_blob_ref(entry->bytes);
                partial->known[at - 1].id = entry->id;
                filled++;
            }
        }
        partial->repeats |= filled > 1;
    }
    places_clear(&map);
}

/* What the pool has, and a note of what it has not. */
static node_partial *start_partial(ez_node *node, const ez_entry *entry, const ez_message *message)
{
    size_t id_count = message->as.announce_block.short_id_count;
    ez_byte_span reward = message->as.announce_block.reward;
    node_partial *partial = ez_alloc(1, sizeof(*partial));
    partial->id = *ez_entry_id(entry);
    partial->tx_count = id_count + 1;
    partial->txs = ez_alloc(partial->tx_count, sizeof(*partial->txs));
    partial->known = ez_alloc(partial->tx_count, sizeof(*partial->known));
    partial->missing = ez_alloc(partial->tx_count, sizeof(*partial->missing));
    partial->txs[id_count] = ez_blob_new(reward.data, reward.size);
    DL_APPEND(node->partials, partial);
    node->partial_count++;
    if (id_count > 0) {
        fill_from_pool(node, partial, message);
    }
    for (size_t i = 0; i < id_count; i++) {
        if (partial->txs[i] == NULL) {
            partial->missing[partial->missing_count++] = (uint32_t)i;
        }
    }
    return partial;
}

/* One body of all transactions, and where each stands in it. */
static ez_blob *assemble(node_partial *partial)
{
    size_t size = 0;
    for (size_t i = 0; i < partial->tx_count; i++) {
        partial->known[i].offset = (uint32_t)size;
        partial->known[i].size = (uint32_t)ez_blob_size(partial->txs[i]);
        size += partial->known[i].size;
    }
    uint8_t *bytes;
    ez_blob *body = ez_blob_new_empty(size, &bytes);
    for (size_t i = 0; i < partial->tx_count; i++) {
        if (i + READ_AHEAD < partial->tx_count) {
            __builtin_prefetch(ez_blob_data(partial->txs[i + READ_AHEAD]) + LINE_BYTES);
        }
        memcpy(bytes + partial->known[i].offset, ez_blob_data(partial->txs[i]),
               partial->known[i].size);
    }
    return body;
}

/* All transactions are here: one body, to be checked like any other, but for what the pool knows of
 * those that it had. */
static void complete(ez_node *node, node_partial *partial, job_source source)
{
    const ez_entry *entry = ez_tree_find(node->tree, &partial->id);
    ez_link_id peer = partial->peer;
    ez_blob *body = assemble(partial);
    node_known_txs known = {0};
    if (source == JOB_BODY_REBUILT && !partial->repeats) {
        known = (node_known_txs){.txs = partial->known,
                                 .count = (uint32_t)partial->tx_count - 1,
                                 .fresh = entry != NULL && ez_entry_parent(entry) == node->tip};
        partial->known = NULL;
    }
    partial_free(node, partial);
    if (entry != NULL && node_body_is_wanted(node, entry)) {
        node_check_body(node, entry, body, known, source, peer);
    } else {
        free(known.txs);
    }
    ez_blob_unref(body);
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

/* Of those beside the window, the ones that came too late go, and the oldest if all are of use. */
static void make_room(ez_node *node)
{
    node_partial *partial, *next, *oldest = NULL;
    DL_FOREACH_SAFE (node->partials, partial, next) {
        const ez_entry *entry = ez_tree_find(node->tree, &partial->id);
        if (entry == NULL || !node_body_is_wanted(node, entry)) {
            partial_free(node, partial);
        } else if (oldest == NULL &&
                   !ez_fetch_has(node->fetch, &partial->id, ez_entry_height(entry))) {
            oldest = partial;
        }
    }
    if (node->partial_count == PARTIALS_MAX && oldest != NULL) {
        partial_free(node, oldest);
    }
}

static bool may_try(ez_peer *peer, uint64_t height)
{
    if (peer->rebuilt_height != height) {
        peer->rebuilt_height = height;
        peer->rebuilt = 0;
    }
    return peer->rebuilt++ < TRIES_MAX;
}

bool node_rebuild(ez_node *node, ez_peer *peer, const ez_entry *entry, const ez_message *message)
{
    uint64_t height = ez_entry_height(entry);
    bool next = ez_entry_state_of(ez_entry_parent(entry)) != EZ_ENTRY_HEADER;
    make_room(node);
    if (!next || node->partial_count == PARTIALS_MAX ||
        find_partial(node, ez_entry_id(entry)) != NULL ||
        message->as.announce_block.reward.size == 0) {
        return false;
    }
    bool in_window = ez_fetch_has(node->fetch, ez_entry_id(entry), height);
    if (!node_body_is_wanted(node, entry) || !may_try(peer, height) ||
        (in_window && !ez_fetch_claim(node->fetch, height, peer->link, node->now.mono))) {
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
