/* Entries ahead of their turn: a short list, oldest first, bounded by count, bytes and age. When it
 * is full the oldest goes, so that nobody can shut the area to others by filling it once.
 *
 * Whose turn came is found out where turns change: a flag marks the few that are worth a look, and
 * a call of ez_pool_take_orphan that has none to look at costs nothing. */
#include "ezp2p/base/reader.h"
#include "pool_internal.h"

#include <stdlib.h>
#include <utlist.h>

static void set_due(ez_pool_orphans *orphans, ez_pool_orphan *orphan, bool is_due)
{
    orphans->due_count += is_due;
    orphans->due_count -= orphan->is_due;
    orphan->is_due = is_due;
}

/* Take an orphan off the list; its reference of the bytes moves out. */
static ez_blob *take(ez_pool_orphans *orphans, ez_pool_orphan *orphan)
{
    ez_blob *const bytes = orphan->bytes;
    set_due(orphans, orphan, false);
    DL_DELETE(orphans->list, orphan);
    orphans->count--;
    orphans->bytes -= ez_blob_size(bytes);
    free(orphan);
    return bytes;
}

static void drop(ez_pool_orphans *orphans, ez_pool_orphan *orphan)
{
    ez_blob_unref(take(orphans, orphan));
}

static void expire(ez_pool *pool, ez_time_ms now)
{
    ez_pool_orphans *const orphans = &pool->orphans;
    while (orphans->list != NULL && now - orphans->list->since > pool->limits.orphan_age_ms) {
        drop(orphans, orphans->list);
    }
}

bool ez_pool_has_orphan(const ez_pool *pool, const ez_tx_id *id)
{
    for (const ez_pool_orphan *at = pool->orphans.list; at != NULL; at = at->next) {
        if (ez_tx_id_is_equal(&at->id, id)) {
            return true;
        }
    }
    return false;
}

void ez_pool_orphans_keep(ez_pool *pool, const ez_tx *tx, const ez_tx_id *id, ez_blob *bytes,
                          ez_time_ms now)
{
    ez_pool_orphans *const orphans = &pool->orphans;
    const ez_pool_limits *const limits = &pool->limits;
    const size_t size = ez_blob_size(bytes);
    expire(pool, now);
    if (limits->orphan_count_max == 0 || size > limits->orphan_bytes_max ||
        ez_pool_has_orphan(pool, id)) {
        return;
    }
    while (orphans->count >= limits->orphan_count_max ||
           orphans->bytes + size > limits->orphan_bytes_max) {
        drop(orphans, orphans->list);
    }
    ez_pool_orphan *const orphan = ez_alloc(1, sizeof(*orphan));
    orphan->id = *id;
    orphan->bytes = ez_blob_ref(bytes);
    orphan->signer = tx->signer;
    orphan->sequence = tx->sequence;
    orphan->since = now;
    DL_APPEND(orphans->list, orphan);
    orphans->count++;
    orphans->bytes += size;
}

void ez_pool_orphans_note_turn(ez_pool *pool, const ez_public_key *key, uint64_t sequence)
{
    for (ez_pool_orphan *at = pool->orphans.list; at != NULL; at = at->next) {
        if (at->sequence == sequence && ez_public_key_is_equal(&at->signer, key)) {
            set_due(&pool->orphans, at, true);
        }
    }
}

void ez_pool_orphans_note_block(ez_pool *pool)
{
    for (ez_pool_orphan *at = pool->orphans.list; at != NULL; at = at->next) {
        set_due(&pool->orphans, at, true);
    }
}

void ez_pool_orphans_clear(ez_pool *pool)
{
    while (pool->orphans.list != NULL) {
        drop(&pool->orphans, pool->orphans.list);
    }
}

static void decode(ez_tx *tx, const ez_blob *bytes)
{
    ez_reader reader;
    ez_reader_init(&reader, ez_blob_data(bytes), ez_blob_size(bytes));
    EZ_ASSERT(ez_tx_decode(tx, &reader) == EZ_RULE_OK);
}

bool ez_pool_take_orphan(ez_pool *pool, ez_tx *tx, ez_tx_id *id, ez_blob **bytes, ez_time_ms now)
{
    ez_pool_orphans *const orphans = &pool->orphans;
    expire(pool, now);
    ez_pool_orphan *next;
    for (ez_pool_orphan *at = orphans->list; at != NULL && orphans->due_count > 0; at = next) {
        next = at->next;
        if (!at->is_due) {
            continue;
        }
        const uint64_t turn = ez_pool_next_sequence(pool, &at->signer, NULL);
        if (at->sequence == turn) {
            *id = at->id;
            *bytes = take(orphans, at);
            decode(tx, *bytes);
            return true;
        }
        if (at->sequence < turn) {
            drop(orphans, at);
        } else {
            set_due(orphans, at, false);
        }
    }
    return false;
}

size_t ez_pool_orphan_count(const ez_pool *pool)
{
    return pool->orphans.count;
}
