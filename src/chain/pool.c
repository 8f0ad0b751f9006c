/* The pool: taking transactions in, letting them go, and handing them out in order of arrival. */
#include "ezp2p/chain/pool.h"

#include "ezp2p/base/limits.h"
#include "ledger_internal.h"
#include "pool_internal.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

static_assert(offsetof(ez_pool_node, entry) == 0 && offsetof(ez_pool_entry, id) == 0,
              "who has a node's id has the node");

static const ez_pool_limits default_limits = {
    .count_max = EZ_POOL_COUNT_MAX,
    .bytes_max = EZ_POOL_BYTES_MAX,
    .signer_max = EZ_POOL_SIGNER_MAX,
    .misfits_max = EZ_POOL_MISFITS_MAX,
    .orphan_count_max = EZ_ORPHAN_COUNT_MAX,
    .orphan_bytes_max = EZ_ORPHAN_BYTES_MAX,
    .orphan_age_ms = EZ_ORPHAN_AGE_MS,
};

ez_pool *ez_pool_new_limited(const ez_ledger *ledger, ez_siphash_key key, ez_pool_left left,
                             void *self, const ez_pool_limits *limits)
{
    ez_pool *const pool = ez_alloc(1, sizeof(*pool));
    pool->ledger = ledger;
    pool->key = key;
    pool->left = left;
    pool->self = self;
    pool->limits = *limits;
    ez_id_index_init(&pool->ids, key);
    pool->heads.order = EZ_POOL_BEST_FIRST;
    pool->evictable.order = EZ_POOL_WORST_FIRST;
    pool->rewinds_judged = ez_ledger_rewinds(ledger);
    return pool;
}

ez_pool *ez_pool_new(const ez_ledger *ledger, ez_siphash_key key, ez_pool_left left, void *self)
{
    return ez_pool_new_limited(ledger, key, left, self, &default_limits);
}

void ez_pool_free(ez_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    while (pool->nodes != NULL) {
        ez_pool_node *const node = pool->nodes;
        DL_DELETE(pool->nodes, node);
        ez_blob_unref(node->entry.bytes);
        free(node);
    }
    while (pool->signers != NULL) {
        ez_pool_signer *const signer = pool->signers;
        HASH_DEL(pool->signers, signer);
        free(signer);
    }
    ez_id_index_clear(&pool->ids);
    ez_pool_orphans_clear(pool);
    ez_pool_arrivals_clear(&pool->arrivals);
    ez_pool_heap_clear(&pool->heads);
    ez_pool_heap_clear(&pool->evictable);
    free(pool);
}

static ez_pool_node *find_node(const ez_pool *pool, const ez_tx_id *id)
{
    return (ez_pool_node *)(uintptr_t)ez_id_index_find(&pool->ids, id);
}

bool ez_pool_is_rewinding(const ez_pool *pool)
{
    return pool->rewinds_judged != ez_ledger_rewinds(pool->ledger);
}

/* ---- in -------------------------------------------------------------------------------------- */

/* Whether the run of `signer` has an entry with this sequence number and no gap before it. */
static bool is_taken(const ez_pool_signer *signer, uint64_t sequence)
{
    return signer->ready_last != NULL && sequence >= signer->run_first->entry.sequence &&
           sequence <= signer->ready_last->entry.sequence;
}

static ez_rule judge(ez_pool *pool, const ez_tx *tx, const ez_tx_id *id)
{
    if (find_node(pool, id) != NULL) {
        return EZ_RULE_TX_POOL_KNOWN;
    }
    ez_pool_signer *signer = ez_pool_signer_find(pool, &tx->signer);
    if (signer != NULL && ez_pool_is_rewinding(pool)) {
        ez_pool_signer_align(pool, signer);
        ez_pool_signer_release(pool, signer);
        signer = ez_pool_signer_find(pool, &tx->signer);
    }
    if (signer == NULL) {
        return ez_ledger_check_tx(pool->ledger, tx, id, 0, 0);
    }
    if (signer->entry_count >= pool->limits.signer_max) {
        return EZ_RULE_TX_POOL_FULL;
    }
    if (tx->sender.kind == EZ_PARTY_ADDRESS && is_taken(signer, tx->sequence)) {
        return EZ_RULE_TX_POOL_CONFLICT;
    }
    return ez_ledger_check_tx(pool->ledger, tx, id, signer->ready_count, signer->ready_cost);
}

static ez_pool_node *insert(ez_pool *pool, const ez_tx *tx, const ez_tx_id *id, ez_blob *bytes,
                            ez_pool_keep keep, ez_time_ms now)
{
    ez_pool_node *const node = ez_alloc(1, sizeof(*node));
    node->entry = (ez_pool_entry){
        .id = *id,
        .bytes = ez_blob_ref(bytes),
        .signer = tx->signer,
        .kind = ez_tx_kind_of(tx),
        .from_address = tx->sender.kind == EZ_PARTY_ADDRESS,
        .keep = keep,
        .sequence = tx->sequence,
        .amount = tx->amount,
        .fee = tx->fee,
        .arrival = ++pool->arrival_last,
        .since = now,
    };
    node->size = (uint32_t)ez_blob_size(bytes);
    ez_id_index_put(&pool->ids, &node->entry.id);
    DL_APPEND(pool->nodes, node);
    ez_pool_arrivals_add(&pool->arrivals, node);
    pool->bytes += node->size;
    node->signer = ez_pool_signer_get(pool, &tx->signer);
    node->signer->entry_count++;
    if (node->entry.from_address) {
        ez_pool_run_insert(pool, node);
    } else {
        ez_pool_note_add(pool, node);
    }
    return node;
}

ez_rule ez_pool_add(ez_pool *pool, const ez_pool_entry **out, const ez_tx *tx, const ez_tx_id *id,
                    ez_blob *bytes, ez_pool_keep keep, ez_time_ms now)
{
    if (out != NULL) {
        *out = NULL;
    }
    const ez_rule rule = judge(pool, tx, id);
    if (rule == EZ_RULE_TX_SEQUENCE_GAP && keep == EZ_POOL_RELAYED) {
        ez_pool_orphans_keep(pool, tx, id, bytes, now);
    }
    if (rule != EZ_RULE_OK) {
        return rule;
    }
    if (!ez_pool_make_room(pool, tx, ez_blob_size(bytes), keep)) {
        return EZ_RULE_TX_POOL_FULL;
    }
    const ez_pool_node *const node = insert(pool, tx, id, bytes, keep, now);
    if (node->entry.from_address) {
        const uint64_t next = node->signer->ready_last->entry.sequence + 1;
        ez_pool_orphans_note_turn(pool, &tx->signer, next);
    }
    if (out != NULL) {
        *out = &node->entry;
    }
    return EZ_RULE_OK;
}

void ez_pool_set_keep(ez_pool *pool, const ez_tx_id *id, ez_pool_keep keep)
{
    ez_pool_node *const node = find_node(pool, id);
    if (node != NULL && keep > node->entry.keep) {
        node->entry.keep = keep;
        ez_pool_evictable_remove(pool, node);
    }
}

/* ---- out ------------------------------------------------------------------------------------- */

void ez_pool_drop(ez_pool *pool, ez_pool_node *node, ez_rule rule)
{
    if (node->entry.from_address) {
        ez_pool_run_remove(pool, node);
    } else {
        ez_pool_note_remove(pool, node);
    }
    ez_pool_evictable_remove(pool, node);
    ez_pool_arrivals_remove(&pool->arrivals, node);
    ez_id_index_remove(&pool->ids, &node->entry.id);
    DL_DELETE(pool->nodes, node);
    pool->bytes -= node->size;
    node->signer->entry_count--;
    if (pool->left != NULL) {
        pool->left(pool->self, &node->entry, rule);
    }
    ez_blob_unref(node->entry.bytes);
    free(node);
}

/* The signer whose turn transaction `position` moved on, if it has entries here. */
static ez_pool_signer *signer_of(const ez_pool *pool, const ez_block *block, uint32_t position)
{
    ez_tx tx;
    ez_block_tx_get(&tx, block, position);
    const bool has_turn = tx.sender.kind == EZ_PARTY_ADDRESS;
    return has_turn ? ez_pool_signer_find(pool, &tx.signer) : NULL;
}

static void list_signer(ez_pool_signer **list, ez_pool_signer *signer)
{
    if (!signer->is_listed) {
        signer->is_listed = true;
        signer->listed_next = *list;
        *list = signer;
    }
}

void ez_pool_connected(ez_pool *pool, const ez_block *block, ez_pool_unknown unknown)
{
    ez_pool_signer *list = NULL;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ez_pool_node *const node = find_node(pool, &block->txs[i].id);
        ez_pool_signer *signer = node != NULL ? node->signer : NULL;
        if (node == NULL && unknown != NULL) {
            unknown(pool->self, &block->txs[i].id);
        }
        if (node == NULL && pool->signers != NULL) {
            signer = signer_of(pool, block, i);
        }
        if (signer != NULL) {
            list_signer(&list, signer);
        }
        if (node != NULL) {
            ez_pool_drop(pool, node, EZ_RULE_OK);
        }
    }
    while (list != NULL) {
        ez_pool_signer *const signer = list;
        list = signer->listed_next;
        signer->is_listed = false;
        signer->is_doubtful = ez_pool_is_rewinding(pool);
        ez_pool_signer_align(pool, signer);
        ez_pool_signer_release(pool, signer);
    }
    ez_pool_orphans_note_block(pool);
}

/* Only signers whose accounts were touched are looked at: the others would each cost a read of the
 * store, and a reorganisation of one block would stall a full pool. */
void ez_pool_recheck(ez_pool *pool)
{
    const uint64_t judged = pool->rewinds_judged;
    pool->rewinds_judged = ez_ledger_rewinds(pool->ledger);
    ez_pool_signer *signer;
    ez_pool_signer *next;
    HASH_ITER (hh, pool->signers, signer, next) {
        if (signer->is_doubtful || ez_ledger_may_have_rewound(pool->ledger, &signer->key, judged)) {
            signer->is_doubtful = false;
            ez_pool_signer_align(pool, signer);
            ez_pool_signer_release(pool, signer);
        }
    }
    ez_pool_orphans_note_block(pool);
}

/* ---- reading --------------------------------------------------------------------------------- */

const ez_pool_entry *ez_pool_find(const ez_pool *pool, const ez_tx_id *id)
{
    const ez_pool_node *const node = find_node(pool, id);
    return node != NULL ? &node->entry : NULL;
}

uint64_t ez_pool_next_sequence(const ez_pool *pool, const ez_public_key *key, uint64_t *spent)
{
    const ez_pool_signer *const signer = ez_pool_signer_find(pool, key);
    ez_account account;
    uint64_t next;
    uint64_t cost = 0;
    if (signer != NULL && signer->ready_last != NULL && !ez_pool_is_rewinding(pool)) {
        next = signer->ready_last->entry.sequence + 1;
        cost = signer->ready_cost;
    } else {
        ez_ledger_get(pool->ledger, &account, key);
        next = account.sequence;
        if (signer != NULL && is_taken(signer, next)) {
            next = signer->ready_last->entry.sequence + 1;
            cost = signer->ready_cost;
        }
    }
    if (spent != NULL) {
        *spent = cost;
    }
    return next;
}

const ez_pool_entry *ez_pool_first(const ez_pool *pool)
{
    return pool->nodes != NULL ? &pool->nodes->entry : NULL;
}

const ez_pool_entry *ez_pool_next(const ez_pool *pool, const ez_pool_entry *entry)
{
    (void)pool;
    const ez_pool_node *const next = ((const ez_pool_node *)entry)->next;
    return next != NULL ? &next->entry : NULL;
}

const ez_pool_entry *ez_pool_after(const ez_pool *pool, uint64_t arrival)
{
    const ez_pool_node *const node = ez_pool_arrivals_after(&pool->arrivals, arrival);
    return node != NULL ? &node->entry : NULL;
}

size_t ez_pool_count(const ez_pool *pool)
{
    return pool->ids.count;
}

size_t ez_pool_bytes(const ez_pool *pool)
{
    return pool->bytes;
}
