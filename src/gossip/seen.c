#include "ezp2p/gossip/seen.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

#define HALF      (EZ_SEEN_TXS_MAX / 2)
#define FIRST     64u
#define NO_PLACE  UINT16_MAX
#define PER_ENTRY 2u /* slots of the index: probing always meets an empty one */

_Static_assert(HALF < NO_PLACE, "a slot holds the place of any transaction");
_Static_assert((HALF & (HALF - 1)) == 0 && HALF % FIRST == 0, "doubling must end at the half");

/* Transactions in the order of their coming, and where each stands by the hash of its short id. */
typedef struct half {
    ez_seen_tx *list;
    uint16_t *index;
    size_t count, capacity;
} half;

struct ez_seen {
    ez_siphash_key key; /* of the index: peers may know how short ids are made */
    half young, old;
};

ez_seen *ez_seen_new(ez_siphash_key key)
{
    ez_seen *const seen = ez_alloc(1, sizeof(*seen));
    seen->key = key;
    return seen;
}

static void clear(half *part)
{
    free(part->list);
    free(part->index);
    *part = (half){0};
}

void ez_seen_free(ez_seen *seen)
{
    if (seen != NULL) {
        clear(&seen->young);
        clear(&seen->old);
        free(seen);
    }
}

/* The slot of `short_id`, or the empty one where it belongs. */
static uint16_t *find_slot(const ez_seen *seen, const half *part, uint64_t short_id)
{
    const size_t mask = part->capacity * PER_ENTRY - 1;
    size_t at = ez_siphash(&seen->key, &short_id, sizeof(short_id)) & mask;
    while (part->index[at] != NO_PLACE && part->list[part->index[at]].short_id != short_id) {
        at = (at + 1) & mask;
    }
    return &part->index[at];
}

static ez_seen_tx *find_in(const ez_seen *seen, const half *part, uint64_t short_id)
{
    if (part->capacity == 0) {
        return NULL;
    }
    const uint16_t place = *find_slot(seen, part, short_id);
    return place == NO_PLACE ? NULL : &part->list[place];
}

ez_seen_tx *ez_seen_find(ez_seen *seen, uint64_t short_id)
{
    ez_seen_tx *const tx = find_in(seen, &seen->young, short_id);
    return tx != NULL ? tx : find_in(seen, &seen->old, short_id);
}

static void grow(const ez_seen *seen, half *part)
{
    part->capacity = part->capacity == 0 ? FIRST : part->capacity * 2;
    part->list = ez_realloc(part->list, part->capacity, sizeof(*part->list));
    part->index = ez_realloc(part->index, part->capacity * PER_ENTRY, sizeof(*part->index));
    memset(part->index, 0xff, part->capacity * PER_ENTRY * sizeof(*part->index));
    for (size_t i = 0; i < part->count; i++) {
        *find_slot(seen, part, part->list[i].short_id) = (uint16_t)i;
    }
}

ez_seen_tx *ez_seen_add(ez_seen *seen, const ez_tx_id *id, uint64_t short_id)
{
    half *const young = &seen->young;
    ez_seen_tx *tx = find_in(seen, young, short_id);
    if (tx == NULL) {
        if (young->count == HALF) {
            clear(&seen->old);
            seen->old = *young;
            *young = (half){0};
        }
        if (young->count == young->capacity) {
            grow(seen, young);
        }
        *find_slot(seen, young, short_id) = (uint16_t)young->count;
        tx = &young->list[young->count++];
    }
    *tx = (ez_seen_tx){.id = *id, .short_id = short_id};
    return tx;
}

bool ez_seen_is_here(const ez_seen_tx *tx, ez_time_ms now)
{
    if (tx == NULL) {
        return false;
    }
    switch (tx->state) {
    case EZ_SEEN_CHECKING:
    case EZ_SEEN_TAKEN:
        return true;
    case EZ_SEEN_REFUSED:
        return now < tx->refused + EZ_REFUSED_TX_MS;
    case EZ_SEEN_EARLY:
        return now < tx->refused + EZ_EARLY_TX_MS;
    }
    return false;
}

const ez_seen_tx *ez_seen_at(const ez_seen *seen, size_t age)
{
    if (age < seen->young.count) {
        return &seen->young.list[seen->young.count - 1 - age];
    }
    age -= seen->young.count;
    return age < seen->old.count ? &seen->old.list[seen->old.count - 1 - age] : NULL;
}
