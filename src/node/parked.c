/* Acknowledged transactions that cannot stand at the moment: their predecessors in the signer's
 * sequence or the sender's coins went with a lost block, the pool was full, or the node was
 * restarted without the predecessors that it had from others. A 201 is a promise, so they stay on
 * disk and are tried again after every block, and those of an address whenever an entry of it is
 * taken in. What can never stand again is let go, and the oldest when EZ_POOL_COUNT_MAX are parked.
 */
#include "node_internal.h"

#include <stdlib.h>
#include <utlist.h>

static void drop(ez_node *node, node_parked *item)
{
    DL_DELETE(node->parked, item);
    node->parked_count--;
    node->parked_own -= ez_public_key_is_equal(&item->signer, &node->key);
    ez_blob_unref(item->bytes);
    free(item);
}

void node_park(ez_node *node, const ez_tx_id *id, ez_blob *bytes, const ez_public_key *signer)
{
    if (node->parked_count == EZ_POOL_COUNT_MAX) {
        NODE_LOG(node, EZ_LOG_WARN, "transaction_given_up",
                 EZ_LOG_HASH("id", node->parked->id.hash.bytes));
        node_write(node, EZ_WRITE_POOL_DELETE)->tx_id = node->parked->id;
        drop(node, node->parked);
    }
    node_parked *item = ez_alloc(1, sizeof(*item));
    item->id = *id;
    item->signer = *signer;
    item->bytes = ez_blob_ref(bytes);
    DL_APPEND(node->parked, item);
    node->parked_count++;
    node->parked_own += ez_public_key_is_equal(&item->signer, &node->key);
}

bool node_may_stand_later(ez_rule rule)
{
    return rule == EZ_RULE_TX_SEQUENCE_GAP || rule == EZ_RULE_TX_FUNDS ||
           rule == EZ_RULE_TX_POOL_FULL;
}

/* Try one again, if it is of `signer` (NULL: of anybody); true when it entered the pool, so that
 * another may follow it. */
static bool retry(ez_node *node, node_parked *item, const ez_public_key *signer)
{
    if (signer != NULL && !ez_public_key_is_equal(signer, &item->signer)) {
        return false;
    }
    ez_tx tx;
    ez_reader reader;
    ez_reader_init(&reader, ez_blob_data(item->bytes), ez_blob_size(item->bytes));
    ez_rule rule = ez_tx_decode(&tx, &reader);
    EZ_ASSERT(rule == EZ_RULE_OK); /* it was decoded before it was parked */
    rule = ez_pool_add(node->pool, NULL, &tx, &item->id, item->bytes, true, node->now.mono);
    if (node_may_stand_later(rule)) {
        return false;
    }
    if (rule == EZ_RULE_OK) {
        node->pool_grew = true;
    } else if (rule == EZ_RULE_TX_POOL_KNOWN) {
        ez_pool_set_durable(node->pool, &item->id);
    } else {
        NODE_LOG(node, EZ_LOG_INFO, "transaction_dropped", EZ_LOG_HASH("id", item->id.hash.bytes),
                 EZ_LOG_TEXT("rule", ez_rule_code(rule)));
        node_write(node, EZ_WRITE_POOL_DELETE)->tx_id = item->id;
    }
    drop(node, item);
    return rule == EZ_RULE_OK;
}

/* A signer's run may have been parked from either end: what left the pool for want of coins left
 * from the last on, what a block gave back came from the first. So both ways, as long as it helps.
 */
void node_retry_parked(ez_node *node, const ez_public_key *signer)
{
    bool moved = node->parked != NULL;
    while (moved) {
        moved = false;
        node_parked *item, *next;
        DL_FOREACH_SAFE (node->parked, item, next) {
            moved |= retry(node, item, signer);
        }
        for (item = node->parked == NULL ? NULL : node->parked->prev; item != NULL; item = next) {
            next = item == node->parked ? NULL : item->prev;
            moved |= retry(node, item, signer);
        }
    }
}

void node_clear_parked(ez_node *node)
{
    while (node->parked != NULL) {
        drop(node, node->parked);
    }
}
