/* Ed25519 signatures (RFC 8032), by libsodium: verification refuses non-canonical S, small-order
 * public keys and small-order R, so that a signature has one form and all nodes agree on it. */
#ifndef EZP2P_CRYPTO_SIGN_H
#define EZP2P_CRYPTO_SIGN_H

#include "ezp2p/base/id.h"
#include "ezp2p/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_SEED_BYTES      32
#define EZ_SIGNATURE_BYTES 64

typedef struct ez_signature {
    uint8_t bytes[EZ_SIGNATURE_BYTES];
} ez_signature;

/* A secret key with its public half. Holders wipe it with ez_keypair_clear. */
typedef struct ez_keypair {
    ez_public_key public_key;
    uint8_t secret[64];
} ez_keypair;

/* ez_crypto_init: prepare libsodium; once per process before any other call of this layer.
 *   returns  EZ_ERR_UNSUPPORTED when the library cannot start, or judges signatures by another
 *            variant of RFC 8032 than the one all nodes agree on (without the cofactor) */
EZ_MUST_USE ez_status ez_crypto_init(void);

/* ez_keypair_from_seed: the key pair of a 32-byte seed (RFC 8032, 5.1.5). */
void ez_keypair_from_seed(ez_keypair *out, const uint8_t seed[EZ_SEED_BYTES]);
void ez_keypair_clear(ez_keypair *pair);

/* Whoever can sign with a secret key, so that code which needs signatures need not hold one. */
typedef struct ez_signer {
    void *self;
    void (*sign)(void *self, ez_signature *out, const void *data, size_t size);
} ez_signer;

/* ez_keypair_signer: a signer by `pair`, which is borrowed for as long as it signs. */
ez_signer ez_keypair_signer(const ez_keypair *pair);

/* ez_sign: deterministic signature of `size` bytes. */
void ez_sign(ez_signature *out, const ez_keypair *pair, const void *data, size_t size);

/* ez_sign_verify: whether `signature` by `key` covers `size` bytes at `data`. About 45 µs. */
bool ez_sign_verify(const ez_signature *signature, const ez_public_key *key, const void *data,
                    size_t size);

#endif
