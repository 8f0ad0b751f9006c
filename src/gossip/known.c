#include "ezp2p/gossip/known.h"

#include "ezp2p/base/alloc.h"

#include <stdlib.h>

#define SLOT_COUNT 1024u

_Static_assert(EZ_KNOWN_GENERATION < SLOT_COUNT, "probing must meet an empty slot");

void ez_known_clear(ez_known *known)
{
    free(known->slots[0]);
    free(known->slots[1]);
    *known = (ez_known){0};
}

static uint64_t fingerprint(const ez_siphash_key *key, const ez_hash *id)
{
    uint64_t value = ez_siphash(key, id->bytes, sizeof(id->bytes));
    return value == 0 ? 1 : value;
}

/* The slot that holds `value`, or the empty one where it belongs. */
static uint64_t *find_slot(uint64_t *slots, uint64_t value)
{
    size_t at = value % SLOT_COUNT;
    while (slots[at] != 0 && slots[at] != value) {
        at = (at + 1) % SLOT_COUNT;
    }
    return &slots[at];
}

static bool has_value(const ez_known *known, uint64_t value)
{
    for (int generation = 0; generation < 2; generation++) {
        uint64_t *slots = known->slots[generation];
        if (slots != NULL && *find_slot(slots, value) == value) {
            return true;
        }
    }
    return false;
}

static void start_generation(ez_known *known)
{
    free(known->slots[1]);
    known->slots[1] = known->slots[0];
    known->slots[0] = ez_alloc(SLOT_COUNT, sizeof(uint64_t));
    known->count = 0;
}

bool ez_known_add(ez_known *known, const ez_siphash_key *key, const ez_hash *id)
{
    uint64_t value = fingerprint(key, id);
    if (has_value(known, value)) {
        return false;
    }
    if (known->slots[0] == NULL || known->count == EZ_KNOWN_GENERATION) {
        start_generation(known);
    }
    *find_slot(known->slots[0], value) = value;
    known->count++;
    return true;
}

bool ez_known_has(const ez_known *known, const ez_siphash_key *key, const ez_hash *id)
{
    return has_value(known, fingerprint(key, id));
}
