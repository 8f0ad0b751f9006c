#include "ezp2p/gossip/known.h"

#include "ezp2p/base/alloc.h"

#include <stdlib.h>

#define SLOTS_MIN 64u
#define SLOTS_MAX 1024u

/* At most three quarters full: probing must meet an empty slot, and soon. */
_Static_assert(EZ_KNOWN_GENERATION <= SLOTS_MAX / 4 * 3, "a generation has its room");

void ez_known_clear(ez_known *known)
{
    free(known->slots[0]);
    free(known->slots[1]);
    *known = (ez_known){0};
}

uint64_t ez_known_mark(const ez_siphash_key *key, const ez_hash *id)
{
    const uint64_t mark = ez_siphash(key, id->bytes, sizeof(id->bytes));
    return mark == 0 ? 1 : mark;
}

/* The slot that holds `mark`, or the empty one where it belongs. */
static uint64_t *find_slot(uint64_t *slots, uint32_t size, uint64_t mark)
{
    size_t at = mark & (size - 1);
    while (slots[at] != 0 && slots[at] != mark) {
        at = (at + 1) & (size - 1);
    }
    return &slots[at];
}

bool ez_known_has(const ez_known *known, uint64_t mark)
{
    for (int generation = 0; generation < 2; generation++) {
        uint64_t *slots = known->slots[generation];
        if (slots != NULL && *find_slot(slots, known->sizes[generation], mark) == mark) {
            return true;
        }
    }
    return false;
}

static void start_generation(ez_known *known)
{
    free(known->slots[1]);
    known->slots[1] = known->slots[0];
    known->sizes[1] = known->sizes[0];
    known->slots[0] = ez_alloc(SLOTS_MIN, sizeof(uint64_t));
    known->sizes[0] = SLOTS_MIN;
    known->count = 0;
}

static void grow(ez_known *known)
{
    const uint32_t size = known->sizes[0] * 2;
    uint64_t *const slots = ez_alloc(size, sizeof(uint64_t));
    for (uint32_t i = 0; i < known->sizes[0]; i++) {
        if (known->slots[0][i] != 0) {
            *find_slot(slots, size, known->slots[0][i]) = known->slots[0][i];
        }
    }
    free(known->slots[0]);
    known->slots[0] = slots;
    known->sizes[0] = size;
}

bool ez_known_add(ez_known *known, uint64_t mark)
{
    if (ez_known_has(known, mark)) {
        return false;
    }
    if (known->slots[0] == NULL || known->count == EZ_KNOWN_GENERATION) {
        start_generation(known);
    } else if (known->count == known->sizes[0] / 4 * 3) {
        grow(known);
    }
    *find_slot(known->slots[0], known->sizes[0], mark) = mark;
    known->count++;
    return true;
}

void ez_known_fetch(const ez_known *known, uint64_t mark)
{
    for (int generation = 0; generation < 2; generation++) {
        if (known->slots[generation] != NULL) {
            __builtin_prefetch(&known->slots[generation][mark & (known->sizes[generation] - 1)]);
        }
    }
}
