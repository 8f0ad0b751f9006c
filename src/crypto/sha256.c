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

static void put_big_endian(uint8_t *out, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        out[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
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
    put_big_endian(tail + blocks * EZ_SHA256_BLOCK_BYTES - 8, state->count, 8);
    ez_sha256_ni_compress(state->state, tail, blocks);
    for (unsigned i = 0; i < 8; i++) {
        put_big_endian(out->bytes + 4 * i, state->state[i], 4);
    }
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
