/* Signers, the runs of their entries from addresses, and the list of notes from labels. */
#include "ledger_internal.h"
#include "pool_internal.h"

#include <stdlib.h>

static unsigned hash_key(const ez_pool *pool, const ez_public_key *key)
{
    return ez_hash_value(&pool->key, key, sizeof(*key));
}

static ez_pool_signer *find_hashed(const ez_pool *pool, const ez_public_key *key, unsigned hash)
{
    ez_pool_signer *signer = NULL;
    HASH_FIND_BYHASHVALUE(hh, pool->signers, key, sizeof(*key), hash, signer);
    return signer;
}

ez_pool_signer *ez_pool_signer_find(const ez_pool *pool, const ez_public_key *key)
{
    return find_hashed(pool, key, hash_key(pool, key));
}

ez_pool_signer *ez_pool_signer_get(ez_pool *pool, const ez_public_key *key)
{
    const unsigned hash = hash_key(pool, key);
    ez_pool_signer *signer = find_hashed(pool, key, hash);
    if (signer == NULL) {
        signer = ez_alloc(1, sizeof(*signer));
        signer->key = *key;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, pool->signers, &signer->key, sizeof(signer->key), hash,
                                    signer);
    }
    return signer;
}

void ez_pool_signer_release(ez_pool *pool, ez_pool_signer *signer)
{
    if (signer->entry_count == 0) {
        HASH_DEL(pool->signers, signer);
        free(signer);
    }
}

void ez_pool_note_add(ez_pool *pool, ez_pool_node *node)
{
    node->run_prev = pool->notes.last;
    if (node->run_prev != NULL) {
        node->run_prev->run_next = node;
    } else {
        pool->notes.first = node;
    }
    pool->notes.last = node;
    ez_pool_evictable_add(pool, node);
}

void ez_pool_note_remove(ez_pool *pool, ez_pool_node *node)
{
    if (node->run_prev != NULL) {
        node->run_prev->run_next = node->run_next;
    } else {
        pool->notes.first = node->run_next;
    }
    if (node->run_next != NULL) {
        node->run_next->run_prev = node->run_prev;
    } else {
        pool->notes.last = node->run_prev;
    }
}

/* After a change to a run, or to how much of it is ready: the heap of heads follows. */
static void settle_head(ez_pool *pool, const ez_pool_signer *signer)
{
    ez_pool_node *const head = signer->ready_last != NULL ? signer->run_first : NULL;
    const uint32_t place = signer->head_place;
    if (place == 0 && head != NULL) {
        ez_pool_heap_add(&pool->heads, head);
    } else if (place != 0 && head == NULL) {
        ez_pool_heap_remove(&pool->heads, place);
    } else if (place != 0 && pool->heads.nodes[place - 1] != head) {
        ez_pool_heap_replace(&pool->heads, place, head);
    }
}

static uint64_t cost_of(const ez_pool_node *node)
{
    return ez_tx_cost(node->entry.kind, node->entry.amount, node->entry.fee);
}

static ez_pool_node *first_unready(const ez_pool_signer *signer)
{
    return signer->ready_last != NULL ? signer->ready_last->run_next : signer->run_first;
}

/* Entries that follow without a gap become ready with those before them. Each does so once after
 * the ledger went back, so that adding n missing entries one by one stays O(n). */
static void extend_ready(ez_pool_signer *signer, uint64_t sequence)
{
    ez_pool_node *node = first_unready(signer);
    while (node != NULL && node->entry.sequence == sequence) {
        signer->ready_last = node;
        signer->ready_count++;
        signer->ready_cost += cost_of(node);
        sequence++;
        node = node->run_next;
    }
}

void ez_pool_run_insert(ez_pool *pool, ez_pool_node *node)
{
    ez_pool_signer *const signer = node->signer;
    node->run_prev = signer->ready_last;
    node->run_next = first_unready(signer);
    if (node->run_prev != NULL) {
        node->run_prev->run_next = node;
    } else {
        signer->run_first = node;
    }
    if (node->run_next != NULL) {
        node->run_next->run_prev = node;
    } else {
        if (signer->run_last != NULL) {
            ez_pool_evictable_remove(pool, signer->run_last);
        }
        signer->run_last = node;
        ez_pool_evictable_add(pool, node);
    }
    extend_ready(signer, node->entry.sequence);
    settle_head(pool, signer);
}

static bool is_ready(const ez_pool_node *node)
{
    const ez_pool_node *const last = node->signer->ready_last;
    return last != NULL && node->entry.sequence <= last->entry.sequence;
}

void ez_pool_run_remove(ez_pool *pool, ez_pool_node *node)
{
    ez_pool_signer *const signer = node->signer;
    if (is_ready(node)) {
        signer->ready_count--;
        signer->ready_cost -= cost_of(node);
        if (signer->ready_last == node) {
            signer->ready_last = node->run_prev;
        }
    }
    if (node->run_prev != NULL) {
        node->run_prev->run_next = node->run_next;
    } else {
        signer->run_first = node->run_next;
    }
    if (node->run_next != NULL) {
        node->run_next->run_prev = node->run_prev;
    } else {
        signer->run_last = node->run_prev;
        if (signer->run_last != NULL) {
            ez_pool_evictable_add(pool, signer->run_last);
        }
    }
    settle_head(pool, signer);
}

/* From the end, so that what remains is the longest part that can be paid. */
static void drop_impossible(ez_pool *pool, ez_pool_signer *signer, uint64_t balance)
{
    while (signer->run_last != signer->ready_last) {
        ez_pool_drop(pool, signer->run_last, EZ_RULE_TX_SEQUENCE_GAP);
    }
    while (signer->ready_cost > balance) {
        ez_pool_drop(pool, signer->ready_last, EZ_RULE_TX_FUNDS);
    }
}

void ez_pool_signer_align(ez_pool *pool, ez_pool_signer *signer)
{
    if (signer->run_first == NULL) {
        return;
    }
    ez_account account;
    ez_ledger_get(pool->ledger, &account, &signer->key);
    while (signer->run_first != NULL && signer->run_first->entry.sequence < account.sequence) {
        ez_pool_drop(pool, signer->run_first, EZ_RULE_TX_SEQUENCE_PAST);
    }
    if (signer->run_first != NULL && signer->run_first->entry.sequence > account.sequence) {
        signer->ready_last = NULL;
        signer->ready_count = 0;
        signer->ready_cost = 0;
    } else {
        extend_ready(signer, account.sequence + signer->ready_count);
    }
    settle_head(pool, signer);
    if (!ez_pool_is_rewinding(pool)) {
        drop_impossible(pool, signer, account.balance);
    }
}
