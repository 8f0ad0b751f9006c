#include "budget_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"

#include <assert.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* An address takes 11 bytes on the wire and ten times that unpacked: a struct, a pointer, its ip,
 * and protobuf-c's own list of fields. */
#define FLOOR_BYTES 262144
static_assert(EZ_ADDRESSES_MAX * 256 <= FLOOR_BYTES, "a full list of addresses must unpack");

typedef struct block {
    alignas(max_align_t) size_t size;
} block;
static_assert(sizeof(block) == EZ_BUDGET_BLOCK_BYTES, "what a block costs is what is counted");

void *ez_budget_alloc(ez_budget *budget, size_t size)
{
    if (size > SIZE_MAX - sizeof(block) || budget->left < EZ_BUDGET_BLOCK_BYTES ||
        budget->left - EZ_BUDGET_BLOCK_BYTES < size) {
        return NULL;
    }
    block *memory = ez_alloc(1, sizeof *memory + size);
    memory->size = size;
    budget->left -= size + EZ_BUDGET_BLOCK_BYTES;
    budget->used += size + EZ_BUDGET_BLOCK_BYTES;
    if (budget->used > budget->peak) {
        budget->peak = budget->used;
    }
    return memory + 1;
}

void ez_budget_free(ez_budget *budget, void *memory)
{
    if (memory == NULL) {
        return;
    }
    block *start = (block *)memory - 1;
    EZ_ASSERT(start->size + EZ_BUDGET_BLOCK_BYTES <= budget->used);
    budget->left += start->size + EZ_BUDGET_BLOCK_BYTES;
    budget->used -= start->size + EZ_BUDGET_BLOCK_BYTES;
    free(start);
}

size_t ez_budget_for(size_t size)
{
    if (size >= EZ_DECODE_BYTES_MAX / 4) {
        return EZ_DECODE_BYTES_MAX;
    }
    return 4 * size > FLOOR_BYTES ? 4 * size : FLOOR_BYTES;
}
