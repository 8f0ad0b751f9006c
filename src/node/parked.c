/* Transactions that cannot stand at the moment and are kept: their predecessors in the signer's
 * sequence or the sender's coins went with a lost block, the pool was full, or the node was
 * restarted without the predecessors that it had from others. A 201 is a promise, so what was
 * acknowledged here stays on disk; what a lost block gave back is kept with it as long as there is
 * room. They are tried again after every block, and those of an address whenever an entry of it is
 * taken in. What can never stand again is let go.
 *
 * Above EZ_PARKED_COUNT_MAX or EZ_PARKED_BYTES_MAX, what nobody here was promised is given up
 * first. What was promised leaves memory, not the disk: the next start finds it there.
 */
#include "node_internal.h"

#include <stdlib.h>

static ez_pool_keep keep_of(parked_class class)
{
    return class == PARKED_RETURNED ? EZ_POOL_RETURNED : EZ_POOL_PROMISED;
}

static void make_room(ez_node *node)
{
    parked_tx *tx;
    while ((tx = parked_excess(&node->parked)) != NULL) {
        bool promised = tx->class != PARKED_RETURNED;
        NODE_LOG(node, EZ_LOG_WARN, promised ? "transaction_set_aside" : "transaction_given_up",
                 EZ_LOG_HASH("id", tx->id.hash.bytes));
        if (!promised) {
            node_write(node, EZ_WRITE_POOL_DELETE)->tx_id = tx->id;
        }
        node->own_set_aside |= tx->class == PARKED_OWN;
        parked_drop(&node->parked, tx);
    }
}

void node_park(ez_node *node, const ez_tx_id *id, ez_blob *bytes, const ez_public_key *signer,
               uint64_t sequence, ez_pool_keep keep)
{
    parked_class class = ez_public_key_is_equal(signer, &node->key) ? PARKED_OWN
                         : keep == EZ_POOL_PROMISED                 ? PARKED_PROMISED
                                                                    : PARKED_RETURNED;
    parked_put(&node->parked, id, bytes, signer, sequence, class);
    make_room(node);
}

bool node_has_parked_own(const ez_node *node)
{
    return node->own_set_aside || node->parked.class_counts[PARKED_OWN] > 0;
}

bool node_may_stand_later(ez_rule rule)
{
    return rule == EZ_RULE_TX_SEQUENCE_GAP || rule == EZ_RULE_TX_FUNDS ||
           rule == EZ_RULE_TX_POOL_FULL;
}

static ez_rule retry(ez_node *node, parked_tx *parked)
{
    ez_tx tx;
    ez_reader reader;
    ez_reader_init(&reader, ez_blob_data(parked->bytes), ez_blob_size(parked->bytes));
    ez_rule rule = ez_tx_decode(&tx, &reader);
    EZ_ASSERT(rule == EZ_RULE_OK); /* it was decoded before it was parked */
    const ez_pool_keep keep = keep_of(parked->class);
    rule = ez_pool_add(node->pool, NULL, &tx, &parked->id, parked->bytes, keep, node->now.mono);
    if (node_may_stand_later(rule)) {
        return rule;
    }
    if (rule == EZ_RULE_OK) {
        node->pool_grew = true;
    } else if (rule == EZ_RULE_TX_POOL_KNOWN) {
        ez_pool_set_keep(node->pool, &parked->id, keep);
    } else {
        NODE_LOG(node, EZ_LOG_INFO, "transaction_dropped", EZ_LOG_HASH("id", parked->id.hash.bytes),
                 EZ_LOG_TEXT("rule", ez_rule_code(rule)));
        node_write(node, EZ_WRITE_POOL_DELETE)->tx_id = parked->id;
    }
    parked_drop(&node->parked, parked);
    return rule;
}

/* From the lowest sequence number up: behind one that is too early, all are. Two may have the same
 * number, and one of them coins enough. Nothing is parked meanwhile: what makes room gives way for
 * good. */
static void retry_run(ez_node *node, parked_tx *parked)
{
    while (parked != NULL) {
        parked_tx *next = parked->run_next;
        const ez_rule rule = retry(node, parked);
        if (rule == EZ_RULE_TX_SEQUENCE_GAP || rule == EZ_RULE_TX_POOL_FULL) {
            return;
        }
        parked = next;
    }
}

void node_retry_parked(ez_node *node, const ez_public_key *signer)
{
    retry_run(node, parked_run(&node->parked, signer));
}

void node_retry_all_parked(ez_node *node)
{
    size_t looks = parked_signers(&node->parked);
    looks = looks < EZ_PARKED_LOOKS_MAX ? looks : EZ_PARKED_LOOKS_MAX;
    for (size_t i = 0; i < looks; i++) {
        retry_run(node, parked_turn(&node->parked));
    }
    node_retry_parked(node, &node->key); /* its clients wait for it */
}
