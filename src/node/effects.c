#include "node_internal.h"

#include <stdlib.h>
#include <utlist.h>

/* Bytes of a write that is on its way to the disk. */
struct node_write_size {
    uint64_t number;
    size_t bytes;
    struct node_write_size *prev, *next;
};

#define SPARE_MAX 64 /* effects that wait to be used again */

node_effect *node_push(ez_node *node, ez_effect_type type)
{
    node_effect *item = node->spare;
    if (item == NULL) {
        item = ez_alloc(1, sizeof(*item));
    } else {
        node->spare = item->next;
        node->spare_count--;
        item->effect = (ez_effect){0};
        item->memory = NULL;
        item->blob = NULL;
    }
    item->effect.type = type;
    DL_APPEND(node->effects, item);
    return item;
}

void node_send(ez_node *node, ez_peer *peer, const ez_message *message, void *memory, ez_blob *blob)
{
    if (peer->closing) {
        free(memory);
        return;
    }
    node_effect *item = node_push(node, EZ_EFFECT_SEND);
    item->effect.link = peer->link;
    item->message = *message;
    item->effect.as.message = &item->message;
    item->memory = memory;
    item->blob = blob == NULL ? NULL : ez_blob_ref(blob);
    peer->queued += ez_message_bytes(message);
    node->counters.messages_out[message->type]++;
}

void node_send_ids(ez_node *node, ez_peer *peer, ez_message_type type, const void *ids,
                   size_t count)
{
    EZ_ASSERT(count > 0);
    void *memory = ez_memdup(ids, count * EZ_HASH_BYTES);
    ez_message message = {.type = type};
    if (type == EZ_MSG_GET_BODIES || type == EZ_MSG_MISSING_BODIES) {
        message.as.block_ids.list = memory;
        message.as.block_ids.count = count;
    } else {
        message.as.tx_ids.list = memory;
        message.as.tx_ids.count = count;
    }
    node_send(node, peer, &message, memory, NULL);
}

static void free_effect(ez_node *node, node_effect *item)
{
    if (item == NULL) {
        return;
    }
    free(item->memory);
    ez_blob_unref(item->blob);
    if (node->spare_count == SPARE_MAX) {
        free(item);
        return;
    }
    item->next = node->spare;
    node->spare = item;
    node->spare_count++;
}

bool ez_node_next_effect(ez_node *node, ez_effect *out)
{
    free_effect(node, node->carried);
    node->carried = node->effects;
    if (node->carried == NULL) {
        return false;
    }
    DL_DELETE(node->effects, node->carried);
    *out = node->carried->effect;
    return true;
}

void node_clear_effects(ez_node *node)
{
    ez_effect effect;
    while (ez_node_next_effect(node, &effect)) {
        if (effect.type == EZ_EFFECT_CHECK) {
            ez_check_job_free(effect.as.job);
        } else if (effect.type == EZ_EFFECT_WRITE) {
            ez_write_free(effect.as.write);
        }
    }
    while (node->spare != NULL) {
        node_effect *item = node->spare;
        node->spare = item->next;
        free(item);
    }
    ez_write_free(node->open_write);
    node->open_write = NULL;
    struct node_write_size *size, *next_size;
    DL_FOREACH_SAFE (node->write_sizes, size, next_size) {
        free(size);
    }
    node_reply *reply, *next_reply;
    DL_FOREACH_SAFE (node->replies, reply, next_reply) {
        free(reply);
    }
}

uint64_t node_write_number(const ez_node *node)
{
    return node->last_write + 1;
}

ez_write_op *node_write(ez_node *node, ez_write_kind kind)
{
    if (node->open_write == NULL) {
        node->open_write = ez_alloc(1, sizeof(*node->open_write));
        node->open_write->number = node_write_number(node);
        node->open_capacity = 0;
    }
    ez_write *write = node->open_write;
    if (write->count == node->open_capacity) {
        node->open_capacity = node->open_capacity == 0 ? 4 : node->open_capacity * 2;
        write->ops = ez_realloc(write->ops, node->open_capacity, sizeof(*write->ops));
    }
    ez_write_op *op = &write->ops[write->count++];
    *op = (ez_write_op){.kind = kind};
    return op;
}

void node_write_urgent(ez_node *node)
{
    if (node->open_write != NULL) {
        node->open_write->urgent = true;
    }
}

static size_t op_bytes(const ez_write_op *op)
{
    size_t bytes = sizeof(*op) + op->diff.count * 2 * sizeof(ez_account_change);
    bytes += op->bytes == NULL ? 0 : ez_blob_size(op->bytes);
    /* A body is shared between its BODY and CONNECT operation: count it once. */
    if (op->block != NULL && op->kind == EZ_WRITE_BODY) {
        bytes += ez_blob_size(op->block->body) + op->block->tx_count * sizeof(ez_block_tx);
    }
    return bytes;
}

void node_flush_write(ez_node *node)
{
    ez_write *write = node->open_write;
    if (write == NULL) {
        return;
    }
    for (size_t i = 0; i < write->count; i++) {
        write->bytes += op_bytes(&write->ops[i]);
    }
    struct node_write_size *size = ez_alloc(1, sizeof(*size));
    size->number = write->number;
    size->bytes = write->bytes;
    DL_APPEND(node->write_sizes, size);
    node->write_bytes += write->bytes;
    node->last_write = write->number;
    node->open_write = NULL;
    node_push(node, EZ_EFFECT_WRITE)->effect.as.write = write;
}

void node_reply_now(ez_node *node, const ez_reply *reply)
{
    if (reply->request != 0) {
        node_push(node, EZ_EFFECT_REPLY)->effect.as.reply = *reply;
    }
}

void node_reply_later(ez_node *node, const ez_reply *reply)
{
    node_reply *item = ez_alloc(1, sizeof(*item));
    item->reply = *reply;
    item->write = node->open_write == NULL ? node->last_write : node->open_write->number;
    if (item->write <= node->stored_write) {
        node_reply_now(node, reply);
        free(item);
        return;
    }
    node_write_urgent(node);
    DL_APPEND(node->replies, item);
}

void node_stored(ez_node *node, uint64_t number)
{
    EZ_ASSERT(number <= node->last_write);
    if (number <= node->stored_write) {
        return;
    }
    node->stored_write = number;
    struct node_write_size *size, *next_size;
    DL_FOREACH_SAFE (node->write_sizes, size, next_size) {
        if (size->number > number) {
            break;
        }
        node->write_bytes -= size->bytes;
        DL_DELETE(node->write_sizes, size);
        free(size);
    }
    ez_ledger_settle(node->ledger, number);
    node_release_held(node);
    node_recent_settle(node);
    node_reply *reply, *next_reply;
    DL_FOREACH_SAFE (node->replies, reply, next_reply) {
        if (reply->write > number) {
            break;
        }
        DL_DELETE(node->replies, reply);
        node_reply_now(node, &reply->reply);
        free(reply);
    }
}

void node_wake_at(ez_node *node, ez_time_ms at)
{
    if (at < node->wake) {
        node->wake = at;
    }
}
