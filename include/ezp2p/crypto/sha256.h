/* SHA-256 (FIPS 180-4), by the SHA extensions of x86 processors where they are there, else by
 * libsodium. */
#ifndef EZP2P_CRYPTO_SHA256_H
#define EZP2P_CRYPTO_SHA256_H

#include "ezp2p/base/id.h"

#include <stddef.h>
#include <stdint.h>

/* ez_sha256: hash of `size` bytes at `data`. */
void ez_sha256(ez_hash *out, const void *data, size_t size);

/* Incremental form, for hashing parts in order: init, any number of updates, final. */
typedef struct ez_sha256_state {
    _Alignas(8) uint8_t opaque[128];
} ez_sha256_state;

void ez_sha256_init(ez_sha256_state *state);
void ez_sha256_update(ez_sha256_state *state, const void *data, size_t size);
void ez_sha256_final(ez_sha256_state *state, ez_hash *out);

/* The constants of the rounds (FIPS 180-4, section 4.2.2), for whoever writes the rounds out for
 * other processors or purposes; aligned to 16 bytes. */
extern const uint32_t ez_sha256_rounds[64];

#endif
