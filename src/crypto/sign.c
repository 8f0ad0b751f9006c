#include "ezp2p/crypto/sign.h"

#include <assert.h>
#include <sodium.h>

static_assert(EZ_PUBLIC_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "libsodium's Ed25519");
static_assert(EZ_SIGNATURE_BYTES == crypto_sign_BYTES, "libsodium's Ed25519");
static_assert(EZ_SEED_BYTES == crypto_sign_SEEDBYTES, "libsodium's Ed25519");
static_assert(sizeof((ez_keypair){0}).secret == crypto_sign_SECRETKEYBYTES, "libsodium's Ed25519");

/* RFC 8032 (5.1.7) leaves verifiers a choice: multiply the equation by the cofactor 8 or do not. A
 * signature whose R hides a component of order 8, as this one over "ezp2p", passes the first kind
 * and fails the second, which is ours. Versions of the library that choose otherwise would follow a
 * chain that the rest of the network refuses. */
static bool multiplies_by_cofactor(void)
{
    static const ez_public_key key = {{0x03, 0xa1, 0x07, 0xbf, 0xf3, 0xce, 0x10, 0xbe,
                                       0x1d, 0x70, 0xdd, 0x18, 0xe7, 0x4b, 0xc0, 0x99,
                                       0x67, 0xe4, 0xd6, 0x30, 0x9b, 0xa5, 0x0d, 0x5f,
                                       0x1d, 0xdc, 0x86, 0x64, 0x12, 0x55, 0x31, 0xb8}};
    static const ez_signature signature = {
        {0x93, 0xde, 0xf7, 0xef, 0xc0, 0xd5, 0x23, 0x80, 0x18, 0xc7, 0x45, 0xbe, 0x12,
         0x30, 0x98, 0xfd, 0x99, 0x91, 0xb4, 0xb5, 0x41, 0xe1, 0x99, 0xd4, 0x5c, 0x9c,
         0x39, 0xe4, 0x2b, 0x50, 0x87, 0x4e, 0x73, 0x34, 0xd0, 0x07, 0x57, 0x3a, 0xc4,
         0x89, 0x19, 0x32, 0x15, 0x00, 0x78, 0x2a, 0x5b, 0xed, 0x5e, 0x96, 0x97, 0xbd,
         0x3e, 0xa5, 0x58, 0x71, 0xdc, 0xd7, 0xe1, 0x26, 0x92, 0xc7, 0x47, 0x0e}};
    return ez_sign_verify(&signature, &key, "ezp2p", 5);
}

ez_status ez_crypto_init(void)
{
    if (sodium_init() < 0 || multiplies_by_cofactor()) {
        return EZ_ERR_UNSUPPORTED;
    }
    return EZ_OK;
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

static void sign_with_pair(void *self, ez_signature *out, const void *data, size_t size)
{
    ez_sign(out, self, data, size);
}

ez_signer ez_keypair_signer(const ez_keypair *pair)
{
    return (ez_signer){(void *)(uintptr_t)pair, sign_with_pair}; /* it is only read */
}

bool ez_sign_verify(const ez_signature *signature, const ez_public_key *key, const void *data,
                    size_t size)
{
    return crypto_sign_verify_detached(signature->bytes, data, size, key->bytes) == 0;
}
