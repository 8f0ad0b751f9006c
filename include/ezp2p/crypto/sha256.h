/* SHA-256 (FIPS 180-4), by the SHA extensions of x86 processors where they are there, else by
 * libsodium. */
#ifndef EZP2P_CRYPTO_SHA256_H
#define EZP2P_CRYPTO_SHA256_H

#include "ezp2p/base/id.h"

#include <stddef.h>
#include <stdint.h>

/* ez_sha256: hash of `size` bytes at `data`. */
void ez_sha256(ez_hash *out, const void *data, size_t size);

/* ez_sha256_many: hashes of `count` messages of the same length, several at a time: one alone keeps
 * no more than a third of a processor's SHA unit busy, since each round waits for the one before.
 *   out   `count` hashes, in order; may be `data` itself where `size` is at least EZ_HASH_BYTES
 *   data  message i is the byte `prefix` and the `size` bytes at data + i * size
 */
void ez_sha256_many(ez_hash *out, uint8_t prefix, const void *data, size_t size, size_t count);

/* Incremental form, for hashing parts in order: init, any number of updates, final. */
typedef struct ez_sha256_state {
    _Alignas(8) uint8_t opaque[128];
} ez_sha256_state;

void ez_sha256_init(ez_sha256_state *state);
void ez_sha256_update(ez_sha256_state *state, const void *data, size_t size);
void ez_sha256_final(ez_sha256_state *state, ez_hash *out);

/* The state before the first block and the constants of the rounds (FIPS 180-4, sections 5.3.3 and
 * 4.2.2), for whoever writes the rounds out for other processors or purposes; the latter are
 * aligned to 16 bytes. */
extern const uint32_t ez_sha256_initial[8];
extern const uint32_t ez_sha256_rounds[64];

#endif
