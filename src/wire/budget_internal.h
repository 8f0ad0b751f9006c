/* An allocator for protobuf-c that stops at a budget. Protobuf-c asks it for every byte that it
 * unpacks a frame into; with nothing left it answers NULL, and the unpacking ends. */
#ifndef EZP2P_WIRE_BUDGET_INTERNAL_H
#define EZP2P_WIRE_BUDGET_INTERNAL_H

#include <stddef.h>

/* What the book-keeping of one allocation counts for, so that many small ones are not free. */
#define EZ_BUDGET_BLOCK_BYTES 16

typedef struct ez_budget {
    size_t left;
    size_t used; /* at this moment */
    size_t peak; /* the highest that `used` has been */
} ez_budget;

/* ez_budget_alloc: zeroed memory, or NULL when the budget does not cover it.
 * ez_budget_free: give it back to the budget it came from; NULL is fine. */
void *ez_budget_alloc(ez_budget *budget, size_t size);
void ez_budget_free(ez_budget *budget, void *memory);

/* ez_budget_for: what the decoding of a frame of `size` bytes may take: four times its size, but
 * not less than a full list of the smallest entries needs, and at most EZ_DECODE_BYTES_MAX. */
size_t ez_budget_for(size_t size);

#endif
