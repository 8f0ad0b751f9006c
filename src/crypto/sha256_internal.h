/* The compression function of SHA-256 by the processor's own instructions, for one message and for
 * several side by side. */
#ifndef EZP2P_CRYPTO_SHA256_INTERNAL_H
#define EZP2P_CRYPTO_SHA256_INTERNAL_H

#include "ezp2p/crypto/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_SHA256_BLOCK_BYTES 64

static inline void ez_sha256_put_big_endian(uint8_t *out, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    }
}

/* ez_sha256_put_hash: the hash that a state has come to. */
static inline void ez_sha256_put_hash(ez_hash *out, const uint32_t state[8])
{
    for (unsigned i = 0; i < 8; i++) {
        ez_sha256_put_big_endian(out->bytes + 4 * i, state[i], 4);
    }
}

/* ez_sha256_ni_is_here: whether this processor has the x86 SHA extensions; asks it only once. */
bool ez_sha256_ni_is_here(void);

/* ez_sha256_ni_compress: fold `count` blocks at `data` into `state`. Only where the above is true.
 */
void ez_sha256_ni_compress(uint32_t state[8], const uint8_t *data, size_t count);

/* A way to fold one block into each of `lanes` states at a time. */
#define EZ_SHA256_LANES_MAX 8
typedef struct ez_sha256_wide {
    unsigned lanes;
    void (*compress)(uint32_t state[][8], const uint8_t blocks[][EZ_SHA256_BLOCK_BYTES]);
} ez_sha256_wide;

/* One per set of instructions; NULL where the processor lacks them. */
const ez_sha256_wide *ez_sha256_wide_ni(void);
const ez_sha256_wide *ez_sha256_wide_avx2(void);

/* ez_sha256_many_by: what ez_sha256_many does, in this way; `wide` may be NULL: one message after
 * the other. */
void ez_sha256_many_by(const ez_sha256_wide *wide, ez_hash *out, uint8_t prefix, const void *data,
                       size_t size, size_t count);

#endif
