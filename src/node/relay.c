/* New transactions onto the links, in the form that the relay strategy chose for each; and what
 * peers say about pushes: hints beside them, grafts for more of them, prunes for fewer.
 *
 * Short ids are made under the key of whoever has to know the transaction again: hints that come
 * and grafts that go are under our own, so one look into `seen` tells what a hint means. Grafts
 * that come are under the peer's key; they are looked for among the transactions seen last, which
 * costs a hash for each, so a peer has an allowance of them.
 */
#include "node_internal.h"

#include <stdlib.h>

/* Transactions that grafts of one peer may make us look at: this many each millisecond (below two
 * per mille of a core), saved up for two looks at all of them. */
#define GRAFT_LOOKS_MS  64u
#define GRAFT_LOOKS_MAX (2u * EZ_SEEN_TXS_MAX)

/* Hints that one peer gets: this many each millisecond, saved up for some. A tree is cut for a
 * moment when its links are at their limit. Then all that is hinted waits for EZ_GRAFT_DELAY_MS,
 * and what the peer cannot note beside EZ_ANNOUNCED_PEER others it would miss for a minute. The
 * rest is announced, and asked for at once. */
#define HINTS_MS  1u
#define HINTS_MAX 500u

static void recover(node_allowance *allowance, uint32_t rate_ms, ez_time_ms now)
{
    const ez_time_ms back = (now - allowance->since) * rate_ms;
    allowance->spent = back < allowance->spent ? allowance->spent - (uint32_t)back : 0;
    allowance->since = now;
}

/* What a transaction is known by in the sets of its peers: asked for each of them in a row. */
uint64_t node_known_mark(ez_node *node, const ez_tx_id *id)
{
    if (!ez_tx_id_is_equal(&node->marked, id)) {
        node->marked = *id;
        node->mark = ez_known_mark(&node->table_key, &id->hash);
    }
    return node->mark;
}

/* ---- pushes ---------------------------------------------------------------------------------- */

static void push(ez_node *node, ez_peer *peer, const ez_tx_id *id, ez_blob *bytes, uint32_t tree)
{
    ez_byte_span *span = ez_alloc(1, sizeof(*span));
    *span = (ez_byte_span){ez_blob_data(bytes), ez_blob_size(bytes)};
    ez_message message = {.type = EZ_MSG_TXS};
    message.as.txs.list = span;
    message.as.txs.count = 1;
    message.as.txs.tree = tree;
    node_send(node, peer, &message, span, bytes);
    ez_known_add(&peer->known, node_known_mark(node, id));
}

/* ---- hints that go --------------------------------------------------------------------------- */

static void send_hints(ez_node *node, ez_peer *peer)
{
    if (peer->hint_count == 0 || peer->closing) {
        return;
    }
    ez_message message = {.type = EZ_MSG_HINT_TXS};
    message.as.short_ids.list = peer->hints;
    message.as.short_ids.count = peer->hint_count;
    node_send(node, peer, &message, peer->hints, NULL);
    peer->hints = NULL;
    peer->hint_count = 0;
}

/* Whether a peer gets one more hint now. */
static bool may_hint(const ez_node *node, ez_peer *peer)
{
    recover(&peer->hinted, HINTS_MS, node->now.mono);
    if (peer->hinted.spent >= HINTS_MAX) {
        return false;
    }
    peer->hinted.spent++;
    return true;
}

static void add_hint(ez_node *node, ez_peer *peer, const ez_tx_id *id)
{
    if (peer->hints == NULL) {
        peer->hints = ez_alloc(EZ_HINTS_MAX, sizeof(*peer->hints));
    }
    peer->hints[peer->hint_count++] = ez_short_id(&peer->short_key, id);
    ez_known_add(&peer->known, node_known_mark(node, id));
    if (peer->hint_count == EZ_HINTS_MAX) {
        send_hints(node, peer);
    } else if (node->hints_due == EZ_TIME_NEVER) {
        node->hints_due = node->now.mono + EZ_HINT_DELAY_MS;
        node_wake_at(node, node->hints_due);
    }
}

void node_send_hints(ez_node *node)
{
    if (node->now.mono >= node->hints_due) {
        node->hints_due = EZ_TIME_NEVER;
        for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
            send_hints(node, peer);
        }
    }
    node_wake_at(node, node->hints_due);
}

void node_peer_has_tx(ez_node *node, ez_peer *peer, const ez_tx_id *id)
{
    if (ez_known_add(&peer->known, node_known_mark(node, id)) || peer->hint_count == 0) {
        return;
    }
    const uint64_t short_id = ez_short_id(&peer->short_key, id);
    for (size_t i = 0; i < peer->hint_count; i++) {
        if (peer->hints[i] == short_id) { /* no longer news to it */
            peer->hints[i] = peer->hints[--peer->hint_count];
            break;
        }
    }
}

/* ---- spreading ------------------------------------------------------------------------------- */

/* A peer that reads slowly or has the transaction is left to the announcements, which wait for room
 * and skip what is known. */
static bool has_room(const ez_peer *peer)
{
    return peer->ready && !peer->closing && peer->queued < EZ_OUTPUT_BYTES_MAX / 2;
}

static void send_grow(ez_node *node, ez_link_id link, uint32_t tree)
{
    ez_message message = {.type = EZ_MSG_GROW};
    message.as.tree.number = tree;
    node_send(node, node_peer(node, link), &message, NULL, NULL);
}

static void grow_on_all(ez_node *node, uint32_t tree)
{
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (has_room(peer)) {
            send_grow(node, peer->link, tree);
        }
    }
}

static void spread(ez_node *node, ez_relay_item *item, ez_blob *bytes, const ez_link_id *links,
                   ez_relay_way *ways, size_t count)
{
    ez_relay_spread(node->relay, ways, links, count, item);
    if (item->grow != 0) {
        grow_on_all(node, item->grow);
    }
    for (size_t i = 0; i < count; i++) {
        ez_peer *const peer = node_peer(node, links[i]);
        switch (ways[i]) {
        case EZ_RELAY_ANNOUNCE:
            break; /* node_announce_txs does, at the end of the event */
        case EZ_RELAY_HINT:
            if (may_hint(node, peer)) {
                add_hint(node, peer, &item->id);
            }
            break;
        case EZ_RELAY_PUSH:
            item->tree = item->tree != 0 ? item->tree : EZ_RELAY_TREE_ANY;
            push(node, peer, &item->id, bytes, item->tree);
            break;
        }
    }
}

/* Memory for all peers, as many as there are. */
typedef struct node_ways {
    ez_link_id *links;
    ez_relay_way *ways;
    size_t count;
} node_ways;

static node_ways new_ways(const ez_node *node)
{
    const size_t all = HASH_COUNT(node->peers);
    return (node_ways){.links = ez_alloc(all + 1, sizeof(ez_link_id)),
                       .ways = ez_alloc(all + 1, sizeof(ez_relay_way))};
}

static void clear_ways(node_ways *to)
{
    free(to->links);
    free(to->ways);
}

void node_relay_fresh(ez_node *node, const ez_tx_id *id, ez_blob *bytes, ez_link_id from)
{
    ez_seen_tx *const seen = node_seen(node, id);
    ez_relay_item item = {
        .id = *id, .from = from, .now = node->now.mono, .tree = seen == NULL ? 0 : seen->tree};
    node_ways to = new_ways(node);
    const uint64_t mark = node_known_mark(node, id);
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        ez_known_fetch(&peer->known, mark);
    }
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (has_room(peer) && !ez_known_has(&peer->known, mark)) {
            to.links[to.count++] = peer->link;
        }
    }
    if (to.count > 0) {
        spread(node, &item, bytes, to.links, to.ways, to.count);
    }
    if (seen != NULL) {
        seen->tree = item.tree;
    }
    clear_ways(&to);
}

/* ---- what peers say -------------------------------------------------------------------------- */

void node_hints_received(ez_node *node, ez_peer *peer, const ez_message *message)
{
    const ez_time_ms due = node->now.mono + ez_relay_patience_ms(node->relay);
    for (size_t i = 0; i < message->as.short_ids.count; i++) {
        const uint64_t short_id = message->as.short_ids.list[i];
        const ez_seen_tx *const seen = ez_seen_find(node->seen, short_id);
        if (node_seen_is_here(node, seen)) {
            node_peer_has_tx(node, peer, &seen->id);
        } else {
            ez_want_announce(node->want, short_id, NULL, peer->link, due);
        }
    }
    node_wake_at(node, ez_want_deadline(node->want));
}

void node_send_grafts(ez_node *node, ez_peer *peer, const uint64_t *short_ids, size_t count)
{
    void *memory = ez_memdup(short_ids, count * sizeof(*short_ids));
    ez_message message = {.type = EZ_MSG_GRAFT_TXS};
    message.as.short_ids.list = memory;
    message.as.short_ids.count = count;
    node_send(node, peer, &message, memory, NULL);
}

static int compare_short_ids(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* A peer lacks what we hinted at: it gets it, and what follows along the same tree. */
static void graft(ez_node *node, ez_peer *peer, const ez_seen_tx *seen)
{
    const ez_pool_entry *const entry = ez_pool_find(node->pool, &seen->id);
    if (entry == NULL) {
        return; /* a block has it, which tells the peer more */
    }
    const uint32_t tree = seen->tree == 0 ? EZ_RELAY_TREE_ANY : seen->tree;
    push(node, peer, &seen->id, entry->bytes, tree);
    ez_relay_grafted(node->relay, peer->link, tree);
}

/* What the allowance or the output has no room for is not answered: after its time-out the peer
 * asks another. */
void node_grafts_wanted(ez_node *node, ez_peer *peer, const ez_message *message)
{
    recover(&peer->graft_looks, GRAFT_LOOKS_MS, node->now.mono);
    size_t left = message->as.short_ids.count;
    uint64_t *const wanted = ez_memdup(message->as.short_ids.list, left * sizeof(*wanted));
    qsort(wanted, left, sizeof(*wanted), compare_short_ids);
    const ez_seen_tx *seen;
    for (size_t age = 0; left > 0 && (seen = ez_seen_at(node->seen, age)) != NULL; age++) {
        if (peer->graft_looks.spent >= GRAFT_LOOKS_MAX || peer->queued >= EZ_OUTPUT_BYTES_MAX) {
            break;
        }
        peer->graft_looks.spent++;
        const uint64_t short_id = ez_short_id(&peer->short_key, &seen->id);
        if (bsearch(&short_id, wanted, message->as.short_ids.count, sizeof(*wanted),
                    compare_short_ids) != NULL) {
            graft(node, peer, seen);
            left--;
        }
    }
    free(wanted);
}

void node_grow_received(ez_node *node, ez_peer *from, const ez_message *message)
{
    const uint32_t tree = message->as.tree.number;
    node_ways to = new_ways(node);
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (has_room(peer) && peer != from) {
            to.links[to.count++] = peer->link;
        }
    }
    ez_relay_grow(node->relay, to.ways, to.links, to.count, from->link, tree, node->now.mono);
    for (size_t i = 0; i < to.count; i++) {
        if (to.ways[i] == EZ_RELAY_PUSH) {
            send_grow(node, to.links[i], tree);
        }
    }
    clear_ways(&to);
}
