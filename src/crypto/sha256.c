#include "ezp2p/crypto/sha256.h"

#include <assert.h>
#include <sodium.h>

static_assert(sizeof(ez_sha256_state) >= sizeof(crypto_hash_sha256_state),
              "the opaque state must hold libsodium's");
static_assert(_Alignof(ez_sha256_state) >= _Alignof(crypto_hash_sha256_state),
              "the opaque state must be aligned for libsodium's");
static_assert(EZ_HASH_BYTES == crypto_hash_sha256_BYTES, "an id is one SHA-256");

/* Only libsodium looks inside, always through this type. */
static crypto_hash_sha256_state *inner(ez_sha256_state *state)
{
    return (void *)state->opaque;
}

/* libsodium's SHA-256 cannot fail; its return values are always 0. */

void ez_sha256(ez_hash *out, const void *data, size_t size)
{
    (void)crypto_hash_sha256(out->bytes, data, size);
}

void ez_sha256_init(ez_sha256_state *state)
{
    (void)crypto_hash_sha256_init(inner(state));
}

void ez_sha256_update(ez_sha256_state *state, const void *data, size_t size)
{
    (void)crypto_hash_sha256_update(inner(state), data, size);
}

void ez_sha256_final(ez_sha256_state *state, ez_hash *out)
{
    (void)crypto_hash_sha256_final(inner(state), out->bytes);
}
