/* A hash for tables by numbers that we gave out ourselves, one after the other, such as those of
 * links and jobs: all that it has to do is to spread them. Never for what a peer chooses.
 */
#ifndef EZP2P_BASE_NUMBER_HASH_H
#define EZP2P_BASE_NUMBER_HASH_H

#include "ezp2p/base/assert.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ez_number_hash: of the uint64_t at `key`, for uthash's HASH_FUNCTION. Fibonacci hashing (Knuth,
 * "The Art of Computer Programming" 3, 6.4). */
static inline unsigned ez_number_hash(const void *key, size_t size)
{
    uint64_t number;
    EZ_ASSERT(size == sizeof(number)); /* other keys bring their own keyed hash */
    memcpy(&number, key, sizeof(number));
    return (unsigned)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

#endif
