/* Blocks that the store may not have yet. The store answers for what is durable; between a write
 * and its `stored` this is where bodies, undo records and transactions are found. A few of the
 * newest stay a little longer, because peers are about to ask for them. */
#include "node_internal.h"

#include <stdlib.h>
#include <utlist.h>

#define RECENT_KEPT       8
#define RECENT_KEPT_BYTES (4u << 20)

node_recent *node_recent_find(const ez_node *node, const ez_block_id *id)
{
    node_recent *item = NULL;
    unsigned hash = (unsigned)ez_siphash(&node->table_key, id, sizeof(*id));
    HASH_FIND_BYHASHVALUE(hh, node->recents, id, sizeof(*id), hash, item);
    return item;
}

/* Put a block into the list, or move it to its end: it belongs to this event's write. */
node_recent *node_recent_put(ez_node *node, ez_block *block)
{
    node_recent *item = node_recent_find(node, &block->id);
    if (item != NULL) {
        DL_DELETE(node->recents_list, item);
    } else {
        item = ez_alloc(1, sizeof(*item));
        item->id = block->id;
        item->block = ez_block_ref(block);
        unsigned hash = (unsigned)ez_siphash(&node->table_key, &item->id, sizeof(item->id));
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, node->recents, &item->id, sizeof(item->id), hash, item);
    }
    item->write = node_write_number(node);
    DL_APPEND(node->recents_list, item);
    return item;
}

static void drop(ez_node *node, node_recent *item)
{
    DL_DELETE(node->recents_list, item);
    HASH_DEL(node->recents, item);
    ez_block_unref(item->block);
    free(item->before);
    free(item);
}

void node_recent_settle(ez_node *node)
{
    size_t count = HASH_COUNT(node->recents);
    node_recent *item, *next;
    DL_FOREACH_SAFE (node->recents_list, item, next) {
        bool wanted = count <= RECENT_KEPT &&
                      ez_blob_size(item->block->body) < RECENT_KEPT_BYTES / RECENT_KEPT;
        if (item->write > node->stored_write || wanted) {
            break;
        }
        drop(node, item);
        count--;
    }
}

void node_recent_clear(ez_node *node)
{
    while (node->recents_list != NULL) {
        drop(node, node->recents_list);
    }
}

ez_blob *node_body_bytes(const ez_node *node, const ez_block_id *id)
{
    node_recent *item = node_recent_find(node, id);
    if (item != NULL) {
        return ez_blob_ref(item->block->body);
    }
    return node->store->get_body(node->store->self, id);
}
