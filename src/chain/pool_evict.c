/* Who gives way when the pool is full: a heap of those that may, the least wanted on top. */
#include "ezp2p/base/limits.h"
#include "pool_internal.h"

/* As many of the smallest as make room for the largest, and one for the count. */
#define VICTIMS_MAX (EZ_TX_BYTES_MAX / EZ_POOL_TX_BYTES_MIN + 2)

void ez_pool_evictable_add(ez_pool *pool, ez_pool_node *node)
{
    if (node->evict_place == 0 && node->entry.keep == EZ_POOL_RELAYED) {
        ez_pool_heap_add(&pool->evictable, node);
    }
}

void ez_pool_evictable_remove(ez_pool *pool, ez_pool_node *node)
{
    if (node->evict_place != 0) {
        ez_pool_heap_remove(&pool->evictable, node->evict_place);
    }
}

/* ---- choosing -------------------------------------------------------------------------------- */

typedef struct victims {
    ez_pool_node *nodes[VICTIMS_MAX];
    size_t count;
    size_t bytes;
} victims;

static void choose(ez_pool *pool, victims *chosen, ez_pool_node *node)
{
    chosen->nodes[chosen->count++] = node;
    chosen->bytes += node->size;
    ez_pool_evictable_remove(pool, node);
    if (node->entry.from_address && node->run_prev != NULL) {
        ez_pool_evictable_add(pool, node->run_prev); /* the last of its run, once `node` is gone */
    }
}

static void unchoose(ez_pool *pool, victims *chosen)
{
    while (chosen->count > 0) {
        ez_pool_node *const node = chosen->nodes[--chosen->count];
        if (node->entry.from_address && node->run_prev != NULL) {
            ez_pool_evictable_remove(pool, node->run_prev);
        }
        ez_pool_evictable_add(pool, node);
    }
}

static bool has_room_without(const ez_pool *pool, const victims *chosen, size_t size)
{
    return pool->ids.count - chosen->count < pool->limits.count_max &&
           pool->bytes - chosen->bytes + size <= pool->limits.bytes_max;
}

static bool choose_all(ez_pool *pool, victims *chosen, uint64_t fee, size_t size, ez_pool_keep keep)
{
    while (!has_room_without(pool, chosen, size)) {
        if (pool->evictable.count == 0 || chosen->count == VICTIMS_MAX) {
            return false;
        }
        ez_pool_node *const node = pool->evictable.nodes[0];
        if (keep == EZ_POOL_RELAYED &&
            ez_pool_compare_rate(node->entry.fee, node->size, fee, size) >= 0) {
            return false;
        }
        choose(pool, chosen, node);
    }
    return true;
}

static void evict(ez_pool *pool, const victims *chosen)
{
    for (size_t i = 0; i < chosen->count; i++) {
        ez_pool_signer *const signer = chosen->nodes[i]->signer;
        ez_pool_drop(pool, chosen->nodes[i], EZ_RULE_TX_POOL_FULL);
        ez_pool_signer_release(pool, signer);
    }
}

/* The end of the run that `tx` is to follow, NULL when it follows none. */
static ez_pool_node *run_before(const ez_pool *pool, const ez_tx *tx)
{
    const bool has_turn = tx->sender.kind == EZ_PARTY_ADDRESS;
    const ez_pool_signer *const signer = has_turn ? ez_pool_signer_find(pool, &tx->signer) : NULL;
    return signer != NULL ? signer->run_last : NULL;
}

bool ez_pool_make_room(ez_pool *pool, const ez_tx *tx, size_t size, ez_pool_keep keep)
{
    victims chosen = {.count = 0};
    if (has_room_without(pool, &chosen, size)) {
        return true;
    }
    ez_pool_node *const spared = run_before(pool, tx);
    if (spared != NULL) {
        ez_pool_evictable_remove(pool, spared);
    }
    const bool has_room = choose_all(pool, &chosen, tx->fee, size, keep);
    if (has_room) {
        evict(pool, &chosen);
    } else {
        unchoose(pool, &chosen);
    }
    if (spared != NULL) {
        ez_pool_evictable_add(pool, spared);
    }
    return has_room;
}
