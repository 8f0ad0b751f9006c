/* libsodium's SHA-256, whose state is public, with the compression done by the processor's own
 * instructions where it has them (sha256_ni.c). */
#include "ezp2p/crypto/sha256.h"

#include "sha256_internal.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(sizeof(ez_sha256_state) >= sizeof(crypto_hash_sha256_state),
              "the opaque state must hold libsodium's");
static_assert(_Alignof(ez_sha256_state) >= _Alignof(crypto_hash_sha256_state),
              "the opaque state must be aligned for libsodium's");
static_assert(EZ_HASH_BYTES == crypto_hash_sha256_BYTES, "an id is one SHA-256");

_Alignas(16) const uint32_t ez_sha256_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

const uint32_t ez_sha256_initial[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

typedef crypto_hash_sha256_state inner_state; /* count is in bits */
static_assert(sizeof((inner_state *)0)->buf == EZ_SHA256_BLOCK_BYTES, "one block is buffered");

/* Only this file and libsodium look inside, always through this type. */
static inner_state *inner(ez_sha256_state *state)
{
    return (void *)state->opaque;
}

/* ---- with the processor's instructions ---------------------------------------------------------
 */

static void ni_update(inner_state *state, const uint8_t *data, size_t size)
{
    size_t held = (size_t)(state->count / 8) % EZ_SHA256_BLOCK_BYTES;
    state->count += (uint64_t)size * 8;
    if (held + size < EZ_SHA256_BLOCK_BYTES) {
        if (size > 0) {
            memcpy(state->buf + held, data, size);
        }
        return;
    }
    if (held > 0) {
        size_t missing = EZ_SHA256_BLOCK_BYTES - held;
        memcpy(state->buf + held, data, missing);
        ez_sha256_ni_compress(state->state, state->buf, 1);
        data += missing;
        size -= missing;
    }
    size_t blocks = size / EZ_SHA256_BLOCK_BYTES;
    size_t rest = size % EZ_SHA256_BLOCK_BYTES;
    if (blocks > 0) {
        ez_sha256_ni_compress(state->state, data, blocks);
    }
    if (rest > 0) {
        memcpy(state->buf, data + blocks * EZ_SHA256_BLOCK_BYTES, rest);
    }
}

/* FIPS 180-4, section 5.1.1: a one bit, zeroes, the length in bits, to the end of a block. */
static void ni_final(inner_state *state, ez_hash *out)
{
    uint8_t tail[2 * EZ_SHA256_BLOCK_BYTES] = {0};
    size_t held = (size_t)(state->count / 8) % EZ_SHA256_BLOCK_BYTES;
    size_t blocks = held + 1 + 8 > EZ_SHA256_BLOCK_BYTES ? 2 : 1;
    memcpy(tail, state->buf, held);
    tail[held] = 0x80;
    ez_sha256_put_big_endian(tail + blocks * EZ_SHA256_BLOCK_BYTES - 8, state->count, 8);
    ez_sha256_ni_compress(state->state, tail, blocks);
    ez_sha256_put_hash(out, state->state);
}

/* ---- either ------------------------------------------------------------------------------------
 */

/* libsodium's SHA-256 cannot fail; its return values are always 0. */

void ez_sha256(ez_hash *out, const void *data, size_t size)
{
    ez_sha256_state state;
    ez_sha256_init(&state);
    ez_sha256_update(&state, data, size);
    ez_sha256_final(&state, out);
}

void ez_sha256_init(ez_sha256_state *state)
{
    (void)crypto_hash_sha256_init(inner(state));
}

void ez_sha256_update(ez_sha256_state *state, const void *data, size_t size)
{
    if (ez_sha256_ni_is_here()) {
        ni_update(inner(state), data, size);
    } else {
        (void)crypto_hash_sha256_update(inner(state), data, size);
    }
}

void ez_sha256_final(ez_sha256_state *state, ez_hash *out)
{
    if (ez_sha256_ni_is_here()) {
        ni_final(inner(state), out);
    } else {
        (void)crypto_hash_sha256_final(inner(state), out->bytes);
    }
}
