/* New transactions onto the links, in the form that the relay strategy chose for each. */
#include "node_internal.h"

#include <stdlib.h>

static void push(ez_node *node, ez_peer *peer, const ez_relay_item *item, ez_blob *bytes)
{
    ez_byte_span *span = ez_alloc(1, sizeof(*span));
    *span = (ez_byte_span){ez_blob_data(bytes), ez_blob_size(bytes)};
    ez_message message = {.type = EZ_MSG_TXS};
    message.as.txs.list = span;
    message.as.txs.count = 1;
    node_send(node, peer, &message, span, bytes);
    ez_known_add(&peer->known, &node->table_key, &item->id.hash);
}

/* Whether the strategy may choose for this link. A peer that reads slowly or has the transaction is
 * left to the announcements, which wait for room and skip what is known. */
static bool takes_part(const ez_node *node, const ez_peer *peer, const ez_relay_item *item)
{
    return peer->ready && !peer->closing && peer->queued < EZ_OUTPUT_BYTES_MAX / 2 &&
           !ez_known_has(&peer->known, &node->table_key, &item->id.hash);
}

void node_relay_fresh(ez_node *node, const ez_relay_item *item, ez_blob *bytes)
{
    const size_t all = HASH_COUNT(node->peers);
    ez_link_id *const links = ez_alloc(all + 1, sizeof(*links));
    ez_relay_way *const ways = ez_alloc(all + 1, sizeof(*ways));
    size_t count = 0;
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (takes_part(node, peer, item)) {
            links[count++] = peer->link;
        }
    }
    if (count > 0) {
        ez_relay_spread(node->relay, ways, links, count, item);
    }
    for (size_t i = 0; i < count; i++) {
        switch (ways[i]) {
        case EZ_RELAY_ANNOUNCE:
            break; /* node_announce_txs does, at the end of the event */
        case EZ_RELAY_PUSH:
            push(node, node_peer(node, links[i]), item, bytes);
            break;
        }
    }
    free(links);
    free(ways);
}
