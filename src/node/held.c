/* Entries of our clients between being pooled and being on disk. Nobody else is told of them until
 * then, and no template takes them: a crash forgets them, and the next entry that we sign for the
 * same address would have the same sequence number. Were the first one out in the world, the second
 * could never stand, although its client was answered 201.
 *
 * They become durable in the order in which they arrived, so one number says it all: the arrival of
 * the oldest that is held. What a lost block gives back arrives anew, behind it, although entries
 * that arrived before may build on it: a template leaves those out, too (ez_pool_select).
 */
#include "node_internal.h"

#include <stdlib.h>
#include <utlist.h>

struct node_held {
    ez_tx_id id;
    ez_blob *bytes;
    uint64_t arrival;
    uint64_t write; /* released when this write is durable */
    struct node_held *prev, *next;
};

void node_hold(ez_node *node, const ez_pool_entry *entry)
{
    node_held *item = ez_alloc(1, sizeof(*item));
    item->id = entry->id;
    item->bytes = ez_blob_ref(entry->bytes);
    item->arrival = entry->arrival;
    item->write = node_write_number(node);
    DL_APPEND(node->held, item);
}

uint64_t node_held_from(const ez_node *node)
{
    return node->held == NULL ? UINT64_MAX : node->held->arrival;
}

static void drop(ez_node *node, node_held *item)
{
    DL_DELETE(node->held, item);
    ez_blob_unref(item->bytes);
    free(item);
}

void node_release_held(ez_node *node)
{
    while (node->held != NULL && node->held->write <= node->stored_write) {
        node_tx_is_public(node, &node->held->id, node->held->bytes, true, (ez_link_id){0});
        drop(node, node->held);
    }
}

void node_clear_held(ez_node *node)
{
    while (node->held != NULL) {
        drop(node, node->held);
    }
}
