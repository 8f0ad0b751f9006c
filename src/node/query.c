/* What others may look at. */
#include "node_internal.h"

ez_tip node_tip(const ez_node *node)
{
    return (ez_tip){.id = *ez_entry_id(node->tip),
                    .height = ez_entry_height(node->tip),
                    .work = *ez_entry_work(node->tip)};
}

void ez_node_get_status(const ez_node *node, ez_node_status *out)
{
    *out = (ez_node_status){
        .node = node->key,
        .network = node->network.name,
        .tip = node_tip(node),
        .tip_timestamp = ez_entry_timestamp(node->tip),
        .best_header_height = ez_entry_height(ez_tree_best_header(node->tree)),
        .syncing = node_is_syncing(node),
        .mining = node->template_on,
        .peers_inbound = node->ready_inbound,
        .peers_outbound = node->ready_outbound,
        .links = HASH_COUNT(node->peers),
        .pool_count = ez_pool_count(node->pool),
        .pool_bytes = ez_pool_bytes(node->pool),
        .orphan_count = ez_pool_orphan_count(node->pool),
        .parked_count = node->parked.count,
        .parked_bytes = node->parked.bytes,
        .tree_count = ez_tree_count(node->tree),
        .book_count = ez_book_count(node->book),
        .writes_pending = node->last_write - node->stored_write,
        .write_bytes_pending = node->write_bytes,
    };
}

const ez_node_counters *ez_node_get_counters(const ez_node *node)
{
    return &node->counters;
}

static void fill_block(const ez_node *node, ez_block_info *out, const ez_entry *entry)
{
    *out = (ez_block_info){
        .id = *ez_entry_id(entry),
        .header = ez_entry_header(entry),
        .work = *ez_entry_work(entry),
        .active = ez_entry_ancestor(node->tip, ez_entry_height(entry)) == entry,
        .has_body = ez_entry_state_of(entry) != EZ_ENTRY_HEADER,
        .invalid = ez_entry_is_invalid(entry),
    };
    if (out->active) {
        out->confirmations = ez_entry_height(node->tip) - ez_entry_height(entry) + 1;
    }
    out->has_view_hash = node->store->get_view_hash(node->store->self, &out->view_hash, &out->id);
}

bool ez_node_block_at(const ez_node *node, ez_block_info *out, uint64_t height)
{
    const ez_entry *entry = ez_entry_ancestor(node->tip, height);
    if (entry != NULL) {
        fill_block(node, out, entry);
    }
    return entry != NULL;
}

bool ez_node_block_by_id(const ez_node *node, ez_block_info *out, const ez_block_id *id)
{
    const ez_entry *entry = ez_tree_find(node->tree, id);
    if (entry != NULL) {
        fill_block(node, out, entry);
    }
    return entry != NULL;
}

bool ez_node_block_on(const ez_node *node, ez_block_info *out, const ez_block_id *tip,
                      uint64_t height)
{
    const ez_entry *from = ez_tree_find(node->tree, tip);
    const ez_entry *entry = from == NULL ? NULL : ez_entry_ancestor(from, height);
    if (entry != NULL) {
        fill_block(node, out, entry);
    }
    return entry != NULL;
}

ez_blob *ez_node_body(const ez_node *node, const ez_block_id *id)
{
    return node_body_bytes(node, id);
}

void ez_node_account(const ez_node *node, ez_account *out, const ez_public_key *key)
{
    ez_ledger_get(node->ledger, out, key);
}

uint64_t ez_node_next_sequence(const ez_node *node, const ez_public_key *key)
{
    return ez_pool_next_sequence(node->pool, key, NULL);
}

/* Look through the blocks that may not be durable yet. */
static bool find_recent_tx(const ez_node *node, ez_tx_place *out, const ez_tx_id *id)
{
    for (const node_recent *item = node->recents_list; item != NULL; item = item->next) {
        const ez_block *block = item->block;
        const ez_entry *entry = ez_entry_ancestor(node->tip, block->header.index);
        if (entry == NULL || !ez_block_id_is_equal(ez_entry_id(entry), &block->id)) {
            continue;
        }
        for (uint32_t i = 0; i < block->tx_count; i++) {
            if (ez_tx_id_is_equal(&block->txs[i].id, id)) {
                *out = (ez_tx_place){block->id, block->header.index, block->txs[i].offset,
                                     block->txs[i].size, i};
                return true;
            }
        }
    }
    return false;
}

bool ez_node_find_tx(const ez_node *node, ez_tx_place *out, const ez_tx_id *id)
{
    if (find_recent_tx(node, out, id)) {
        return true;
    }
    ez_tx_place place;
    if (!ez_ledger_has_tx(node->ledger, id) ||
        !node->store->find_tx(node->store->self, &place, id)) {
        return false;
    }
    *out = place;
    return true;
}

const ez_pool *ez_node_pool(const ez_node *node)
{
    return node->pool;
}

const ez_network *ez_node_network(const ez_node *node)
{
    return &node->network;
}

const ez_public_key *ez_node_key(const ez_node *node)
{
    return &node->key;
}

ez_node_flight ez_node_get_flight(const ez_node *node)
{
    return (ez_node_flight){ez_fetch_in_flight_most(node->fetch),
                            ez_want_in_flight_most(node->want)};
}

static const char *standing_of(const ez_node *node, const ez_peer *peer)
{
    if (!peer->ready) {
        return "shaking hands";
    }
    if (ez_dialer_is_manual(node->dialer, peer->link)) {
        return "asked for by a person";
    }
    return peer->inbound ? "came to us" : "chosen from the address book";
}

static void fill_peer(const ez_node *node, ez_peer_info *out, const ez_peer *peer)
{
    const ez_entry *best = node_best_of(node, peer);
    const ez_entry *told = ez_tree_find(node->tree, &peer->told);
    bool claims = peer->claim.height > 0;
    if (told != NULL && (best == NULL || ez_entry_height(told) > ez_entry_height(best))) {
        best = told;
    }
    *out = (ez_peer_info){
        .link = peer->link,
        .endpoint = peer->remote,
        .listen_port = peer->listen_port,
        .inbound = peer->inbound,
        .manual = ez_dialer_is_manual(node->dialer, peer->link),
        .ready = peer->ready,
        .node = peer->node,
        .since = peer->since,
        .last_received = peer->last_received,
        .has_ping = peer->has_ping,
        .ping_ms = peer->ping_ms,
        .best_height = claims || best == NULL ? peer->claim.height : ez_entry_height(best),
        .best_id = claims || best == NULL ? peer->claim.id : *ez_entry_id(best),
        .bodies_in_flight = ez_fetch_in_flight(node->fetch, peer->link),
        .txs_in_flight = ez_want_in_flight(node->want, peer->link),
        .blocks_given = peer->blocks_given,
        .txs_given = peer->txs_given,
        .standing = standing_of(node, peer),
    };
    memcpy(out->user_agent, peer->user_agent, sizeof(out->user_agent));
}

size_t ez_node_peers(const ez_node *node, ez_peer_info *out, size_t max)
{
    size_t count = 0;
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->closing) {
            continue;
        }
        if (count < max) {
            fill_peer(node, &out[count], peer);
        }
        count++;
    }
    return count;
}

size_t ez_node_manual_peers(const ez_node *node, ez_manual_info *out, size_t max)
{
    const char *host = NULL;
    uint16_t port = 0;
    ez_link_id link;
    size_t count = 0;
    while (ez_dialer_manual(node->dialer, count, &host, &port, &link)) {
        if (count < max) {
            out[count] = (ez_manual_info){host, port, link.value != 0};
        }
        count++;
    }
    return count;
}
