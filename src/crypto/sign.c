#include "ezp2p/crypto/sign.h"

#include <assert.h>
#include <sodium.h>

static_assert(EZ_PUBLIC_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "libsodium's Ed25519");
static_assert(EZ_SIGNATURE_BYTES == crypto_sign_BYTES, "libsodium's Ed25519");
static_assert(EZ_SEED_BYTES == crypto_sign_SEEDBYTES, "libsodium's Ed25519");
static_assert(sizeof((ez_keypair){0}).secret == crypto_sign_SECRETKEYBYTES, "libsodium's Ed25519");

ez_status ez_crypto_init(void)
{
    return sodium_init() < 0 ? EZ_ERR_UNSUPPORTED : EZ_OK;
}

void ez_keypair_from_seed(ez_keypair *out, const uint8_t seed[EZ_SEED_BYTES])
{
    (void)crypto_sign_seed_keypair(out->public_key.bytes, out->secret, seed);
}

void ez_keypair_clear(ez_keypair *pair)
{
    sodium_memzero(pair, sizeof *pair);
}

void ez_sign(ez_signature *out, const ez_keypair *pair, const void *data, size_t size)
{
    (void)crypto_sign_detached(out->bytes, NULL, data, size, pair->secret);
}

bool ez_sign_verify(const ez_signature *signature, const ez_public_key *key, const void *data,
                    size_t size)
{
    return crypto_sign_verify_detached(signature->bytes, data, size, key->bytes) == 0;
}
