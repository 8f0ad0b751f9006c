/* The core's only source of randomness: SipHash-2-4 in counter mode under a secret key that the
 * driver injects (the operating system's randomness in the node, the seed in the simulator). As
 * unpredictable as the key, and exactly repeatable from it. */
#ifndef EZP2P_BASE_RNG_H
#define EZP2P_BASE_RNG_H

#include "ezp2p/base/siphash.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ez_rng {
    ez_siphash_key key;
    uint64_t counter;
} ez_rng;

/* ez_rng_init: start a generator from `seed`. */
void ez_rng_init(ez_rng *rng, const uint8_t seed[16]);

/* ez_rng_next: 64 uniform bits. */
uint64_t ez_rng_next(ez_rng *rng);

/* ez_rng_below: uniform in [0, bound), without modulo bias; `bound` must not be 0. */
uint64_t ez_rng_below(ez_rng *rng, uint64_t bound);

/* ez_rng_fill: `size` random bytes. */
void ez_rng_fill(ez_rng *rng, void *out, size_t size);

/* ez_rng_key: a fresh key for a keyed hash table. */
ez_siphash_key ez_rng_key(ez_rng *rng);

#endif
