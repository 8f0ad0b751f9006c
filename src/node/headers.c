/* Whose chain is how long: header sync, block announcements, announcing our own tip.
 *
 * A peer's Hello claims a tip; the claim only decides whom to ask. What counts is `best`, the entry
 * with the most work that the peer has shown by its header: it can be asked for the bodies below.
 * A block is announced to a peer once (`told`), unless the peer is known to have it, as soon as its
 * header was judged: before its body is here. So who was told of a block may well lack its body,
 * and so may who told us: a body may be withheld from all. What was told last may then be less than
 * what was told before, and counts; who lacks a block that it told us of is asked for its chain
 * again. Nobody is blamed for passing on a header whose body turns out bad.
 */
#include "node_internal.h"

#include <stdlib.h>

/* A locator thins out, so an honest answer may begin far below what we know; not for ever. */
#define KNOWN_BATCHES_MAX 16

const ez_entry *node_best_of(const ez_node *node, const ez_peer *peer)
{
    const ez_entry *entry = ez_tree_find(node->tree, &peer->best);
    return entry == NULL || ez_entry_is_invalid(entry) ? NULL : entry;
}

void node_set_best(ez_node *node, ez_peer *peer, const ez_entry *entry)
{
    const ez_entry *before = node_best_of(node, peer);
    if (before != entry &&
        (before == NULL || ez_work_compare(ez_entry_work(entry), ez_entry_work(before)) >= 0)) {
        peer->best = *ez_entry_id(entry);
        node->plan_dirty |= ez_work_compare(ez_entry_work(entry), ez_entry_work(node->tip)) > 0;
    }
    if (ez_work_compare(&peer->claim.work, ez_entry_work(entry)) <= 0) {
        peer->claim = (ez_tip){0}; /* shown, nothing left to claim */
    }
}

/* Against the tip, not against the best header: headers that somebody showed without bodies must
 * not keep us from asking others. */
static bool has_claim(const ez_node *node, const ez_peer *peer)
{
    return ez_work_compare(&peer->claim.work, ez_entry_work(node->tip)) > 0;
}

/* A claim to have a block whose header is known needs no showing. */
static void settle_claim(ez_node *node, ez_peer *peer)
{
    const ez_entry *entry = ez_tree_find(node->tree, &peer->claim.id);
    if (entry != NULL) {
        node_set_best(node, peer, entry);
        peer->claim = (ez_tip){0};
    }
}

static void settle_claims(ez_node *node)
{
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->ready && !peer->closing && peer->claim.height > 0) {
            settle_claim(node, peer);
        }
    }
}

void node_ask_headers(ez_node *node, ez_peer *peer, const ez_entry *from)
{
    if (peer->headers_asked != 0 || peer->closing) {
        return;
    }
    ez_block_id *locator = ez_alloc(EZ_LOCATOR_MAX, sizeof(*locator));
    ez_message message = {.type = EZ_MSG_GET_HEADERS};
    message.as.get_headers.locator = locator;
    message.as.get_headers.count = ez_tree_locator(node->tree, from, locator);
    node_send(node, peer, &message, locator, NULL);
    peer->headers_asked = node->now.mono == 0 ? 1 : node->now.mono;
    node_wake_at(node, peer->headers_asked + EZ_HEADERS_TIMEOUT_MS);
}

void node_headers_ready(ez_node *node, ez_peer *peer)
{
    peer->best = node->network.genesis_id;
    settle_claim(node, peer);
    node->plan_dirty = node->headers_dirty = true;
    node->tip_news = true; /* the tip may have moved since our Hello */
}

/* Of the peers that claim more work than ours, the one that claims most. */
static ez_peer *choose_headers_peer(const ez_node *node, bool inbound)
{
    ez_peer *chosen = NULL;
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->ready && !peer->closing && peer->inbound == inbound && peer->headers_asked == 0 &&
            has_claim(node, peer) &&
            (chosen == NULL || ez_work_compare(&peer->claim.work, &chosen->claim.work) > 0)) {
            chosen = peer;
        }
    }
    return chosen;
}

void node_recheck_later(ez_node *node, ez_peer *peer)
{
    if (peer->recheck_at != 0) {
        return;
    }
    peer->recheck_at = node->now.mono + peer->recheck_pause;
    peer->recheck_at += peer->recheck_at == 0;
    peer->recheck_pause = peer->recheck_pause == 0 ? EZ_BODY_STALL_MS : 2 * peer->recheck_pause;
    if (peer->recheck_pause > EZ_BODY_STALL_MS_MAX) {
        peer->recheck_pause = EZ_BODY_STALL_MS_MAX;
    }
    node->recheck_due = peer->recheck_at < node->recheck_due ? peer->recheck_at : node->recheck_due;
    node_wake_at(node, peer->recheck_at);
}

static void recheck_peers(ez_node *node)
{
    if (node->now.mono < node->recheck_due) {
        return;
    }
    node->recheck_due = EZ_TIME_NEVER;
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->recheck_at == 0 || peer->headers_asked != 0) {
            continue; /* its answer makes it due */
        }
        if (node->now.mono >= peer->recheck_at) {
            peer->recheck_at = 0;
            node_ask_headers(node, peer, node->tip);
        } else if (peer->recheck_at < node->recheck_due) {
            node->recheck_due = peer->recheck_at;
        }
    }
}

/* Sync headers from one peer that we chose and one that came to us at a time: who comes with a tall
 * claim and nothing behind it holds up its own kind only. */
void node_sync_headers(ez_node *node)
{
    recheck_peers(node);
    if (!node->headers_dirty) {
        return;
    }
    node->headers_dirty = false;
    for (int side = 0; side < 2; side++) {
        if (node->headers_peer[side].value != 0) {
            continue;
        }
        ez_peer *chosen = choose_headers_peer(node, side == 1);
        if (chosen != NULL) {
            node->headers_peer[side] = chosen->link;
            node_ask_headers(node, chosen, ez_tree_best_header(node->tree));
        }
    }
}

static void leave_turn(ez_node *node, const ez_peer *peer)
{
    for (int side = 0; side < 2; side++) {
        if (node->headers_peer[side].value == peer->link.value) {
            node->headers_peer[side].value = 0;
            node->headers_dirty = true;
        }
    }
}

void node_headers_peer_gone(ez_node *node, ez_peer *peer)
{
    leave_turn(node, peer);
    peer->resolving = false;
}

/* The headers of our chain above `from`. */
static void send_headers(ez_node *node, ez_peer *peer, const ez_entry *from)
{
    uint64_t above = ez_entry_height(node->tip) - ez_entry_height(from);
    size_t count = above < EZ_HEADERS_MAX ? (size_t)above : EZ_HEADERS_MAX;
    ez_header *list = ez_alloc(count + 1, sizeof(*list));
    const ez_entry *at = ez_entry_ancestor(node->tip, ez_entry_height(from) + count);
    for (size_t i = count; i-- > 0; at = ez_entry_parent(at)) {
        list[i] = ez_entry_header(at);
    }
    ez_message reply = {.type = EZ_MSG_HEADERS};
    reply.as.headers.list = list;
    reply.as.headers.count = count;
    node_send(node, peer, &reply, list, NULL);
}

static bool is_on_our_chain(const ez_node *node, const ez_entry *entry)
{
    return entry != NULL && ez_entry_ancestor(node->tip, ez_entry_height(entry)) == entry;
}

/* The answer waits while the peer does not read: a request is 40 bytes, an answer 192 kB. */
void node_serve_headers(ez_node *node, ez_peer *peer)
{
    if (peer->owes_headers && peer->queued < EZ_OUTPUT_BYTES_MAX) {
        peer->owes_headers = false;
        const ez_entry *from = ez_tree_find(node->tree, &peer->owed_from);
        send_headers(node, peer, is_on_our_chain(node, from) ? from : ez_tree_genesis(node->tree));
    }
}

void node_headers_wanted(ez_node *node, ez_peer *peer, const ez_message *message)
{
    const ez_entry *from = ez_tree_genesis(node->tree);
    for (size_t i = 0; i < message->as.get_headers.count; i++) {
        const ez_entry *entry = ez_tree_find(node->tree, &message->as.get_headers.locator[i]);
        if (is_on_our_chain(node, entry)) {
            from = entry;
            break;
        }
    }
    peer->owes_headers = true;
    peer->owed_from = *ez_entry_id(from);
    node_serve_headers(node, peer);
}

/* Add one header that a peer sent; NULL when it cannot be used, with the peer closed if it is at
 * fault. */
static ez_entry *take_header(ez_node *node, ez_peer *peer, const ez_header *header)
{
    ez_entry *entry = NULL;
    ez_rule rule = ez_tree_add_header(node->tree, &entry, header, node->now.wall);
    if (rule == EZ_RULE_OK) {
        return entry;
    }
    if (rule == EZ_RULE_HEADER_TIME_FUTURE) {
        node_recheck_later(node, peer); /* its time comes, or our clock is set right */
    }
    /* Building on a block that we found bad is not an offence: they may not have checked it yet. */
    if (ez_rule_verdict(rule) == EZ_REJECT && rule != EZ_RULE_HEADER_PARENT_INVALID) {
        node_close_peer(node, peer, EZ_GOODBYE_HEADER_INVALID, ez_rule_text(rule));
    }
    return NULL;
}

static void end_headers(ez_node *node, ez_peer *peer)
{
    leave_turn(node, peer);
    peer->resolving = false;
    peer->known_batches = 0;
    peer->claim = (ez_tip){0}; /* it showed what it has */
    node->plan_dirty = true;
}

void node_headers_received(ez_node *node, ez_peer *peer, const ez_message *message)
{
    if (peer->headers_asked == 0) {
        node_close_peer(node, peer, EZ_GOODBYE_UNREQUESTED, "headers that were not asked for");
        return;
    }
    peer->headers_asked = node->recheck_due = 0;
    node->headers_dirty = true;
    size_t count = message->as.headers.count;
    const ez_header *list = message->as.headers.list;
    if (count > 0 && ez_tree_find(node->tree, &list[0].previous) == NULL) {
        end_headers(node, peer); /* our side of the fork was pruned meanwhile */
        return;
    }
    size_t known = ez_tree_count(node->tree);
    ez_entry *last = NULL;
    for (size_t i = 0; i < count; i++) {
        if (last != NULL && !ez_block_id_is_equal(&list[i].previous, ez_entry_id(last))) {
            node_close_peer(node, peer, EZ_GOODBYE_HEADER_INVALID, "headers that are no chain");
            return;
        }
        ez_entry *entry = take_header(node, peer, &list[i]);
        if (entry == NULL) {
            break;
        }
        last = entry;
    }
    if (peer->closing) {
        return;
    }
    if (last != NULL) {
        node_set_best(node, peer, last);
        settle_claims(node);
    }
    bool news = ez_tree_count(node->tree) > known;
    peer->known_batches = news ? 0 : peer->known_batches + 1;
    bool stopped = count < EZ_HEADERS_MAX || last == NULL ||
                   peer->known_batches > KNOWN_BATCHES_MAX ||
                   ez_entry_height(last) != list[count - 1].index;
    if (stopped) {
        end_headers(node, peer);
    } else {
        node_ask_headers(node, peer, last);
    }
}

static bool is_on(const ez_entry *entry, const ez_entry *chain)
{
    return chain != NULL && ez_entry_ancestor(chain, ez_entry_height(entry)) == entry;
}

static bool has_work_of(const ez_entry *chain, const ez_entry *entry)
{
    return chain != NULL && ez_work_compare(ez_entry_work(chain), ez_entry_work(entry)) >= 0;
}

/* Whether an announcement of `entry` is news to a peer, and of use.
 *
 * Our tip is news unless it is on a chain that the peer showed or was told of: whatever else it
 * knows of may have no bodies. A block that we have not checked is no news beside one of as much
 * work, or a miner of cheap headers would have us tell all of them; and it is of use to those who
 * know the parent, or can ask us for it, which takes that the parent is on our active chain. */
static bool is_news(const ez_node *node, const ez_peer *peer, const ez_entry *entry)
{
    const ez_entry *best = node_best_of(node, peer);
    const ez_entry *told = ez_tree_find(node->tree, &peer->told);
    const ez_entry *parent = ez_entry_parent(entry);
    if (entry == node->tip) {
        return !is_on(entry, best) && !is_on(entry, told);
    }
    return !has_work_of(best, entry) && !has_work_of(told, entry) &&
           (is_on(parent, node->tip) || is_on(parent, best) || is_on(parent, told));
}

/* Pass an announcement on, as it came, to whoever is not known to have the block. */
static void relay(ez_node *node, const ez_entry *entry, const ez_message *message)
{
    const void *short_ids = message->as.announce_block.short_ids;
    size_t ids_bytes = message->as.announce_block.short_id_count * sizeof(uint64_t);
    ez_byte_span reward = message->as.announce_block.reward;
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (!peer->ready || peer->closing || !is_news(node, peer, entry)) {
            continue;
        }
        uint8_t *memory = ez_alloc(1, ids_bytes + reward.size + 1);
        if (ids_bytes > 0) {
            memcpy(memory, short_ids, ids_bytes);
        }
        memcpy(memory + ids_bytes, reward.data, reward.size);
        ez_message copy = *message;
        copy.as.announce_block.short_ids = (const uint64_t *)(const void *)memory;
        copy.as.announce_block.reward.data = memory + ids_bytes;
        node_send(node, peer, &copy, memory, NULL);
        peer->told = *ez_entry_id(entry);
    }
}

void node_block_announced(ez_node *node, ez_peer *peer, const ez_message *message)
{
    const ez_header *header = &message->as.announce_block.header;
    if (ez_tree_find(node->tree, &header->previous) == NULL) {
        node_ask_headers(node, peer, ez_tree_best_header(node->tree));
        return;
    }
    ez_block_id id;
    ez_header_id(&id, header);
    ez_entry *entry = ez_tree_find(node->tree, &id);
    bool is_new = entry == NULL;
    entry = is_new ? take_header(node, peer, header) : entry; /* once judged is enough */
    if (entry == NULL || ez_entry_is_invalid(entry)) {
        return;
    }
    node_set_best(node, peer, entry);
    if (!is_new) {
        return;
    }
    if (ez_work_compare(ez_entry_work(entry), ez_entry_work(node->tip)) > 0) {
        /* Of more work than ours, or children of old blocks would earn a place among the peers. */
        peer->blocks_given++;
        peer->last_block = node->now.mono;
        relay(node, entry, message);
        node_plan(node);
        node_rebuild(node, peer, entry, message);
    }
}

static bool is_news_to_anyone(const ez_node *node, const ez_entry *entry)
{
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->ready && !peer->closing && is_news(node, peer, entry)) {
            return true;
        }
    }
    return false;
}

void node_announce_block(ez_node *node, const ez_entry *entry, const ez_block_tx *txs,
                         uint32_t count, ez_byte_span reward)
{
    const ez_siphash_key key = ez_short_id_key(ez_entry_id(entry)->hash.bytes);
    uint64_t *short_ids = ez_alloc(count + 1, sizeof(*short_ids));
    for (uint32_t i = 0; i < count; i++) {
        short_ids[i] = ez_short_id(&key, &txs[i].id);
    }
    ez_message message = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    message.as.announce_block.header = ez_entry_header(entry);
    message.as.announce_block.short_ids = short_ids;
    message.as.announce_block.short_id_count = count;
    message.as.announce_block.reward = reward;
    relay(node, entry, &message);
    free(short_ids);
}

/* While a better chain is being fetched, only its last block is worth telling; but what we mined is
 * told at once, and nobody who fails to deliver keeps us silent. */
void node_announce_tip(ez_node *node)
{
    bool waits = node->has_target && !node->target_doubtful && !node->tip_own &&
                 !ez_block_id_is_equal(&node->target, ez_entry_id(node->tip));
    if (!node->tip_news || waits) {
        return;
    }
    node->tip_news = node->tip_own = false;
    if (node->tip != ez_tree_genesis(node->tree) && is_news_to_anyone(node, node->tip)) {
        ez_block *block = node_block(node, node->tip);
        const ez_block_tx *last = &block->txs[block->tx_count - 1];
        ez_byte_span reward = {ez_blob_data(block->body) + last->offset, last->size};
        node_announce_block(node, node->tip, block->txs, block->tx_count - 1, reward);
        ez_block_unref(block);
    }
}
