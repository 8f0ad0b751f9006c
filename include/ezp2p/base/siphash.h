/* SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): the keyed hash of
 * every hash table that holds what peers chose, and the generator behind rng.h. Checked against the
 * paper's test vectors. */
#ifndef EZP2P_BASE_SIPHASH_H
#define EZP2P_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct ez_siphash_key {
    uint64_t k0, k1;
} ez_siphash_key;

/* ez_siphash: 64-bit keyed hash of `size` bytes at `data`. */
uint64_t ez_siphash(const ez_siphash_key *key, const void *data, size_t size);

#endif
