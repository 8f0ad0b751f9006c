/* Points and signatures that no honest signer makes: parts of small order, chosen nonces. Built
 * with libsodium alone, which shares no code with what is tested. */
#ifndef EZP2P_TESTS_SUPPORT_CURVE_H
#define EZP2P_TESTS_SUPPORT_CURVE_H

#include "ezp2p/base/rng.h"
#include "ezp2p/crypto/sign.h"

#define CURVE_BYTES      32
#define SMALL_ORDER      8
#define SMALL_ENCODINGS  14
#define CURVE_TEXT_BYTES 48

/* curve_small_order: the multiples 0 to 7 of a point of order 8, as they are written. */
const uint8_t *curve_small_order(unsigned multiple);

/* curve_small_encoding: all byte strings that decode to such a point, signs of zero and y above the
 * prime included; `index` below SMALL_ENCODINGS. */
const uint8_t *curve_small_encoding(unsigned index);

/* curve_order: of the base point. */
extern const uint8_t curve_order[CURVE_BYTES];

/* A key A = a * B + t * T, with T of order 8. */
typedef struct curve_key {
    uint8_t scalar[CURVE_BYTES];
    unsigned torsion;
    ez_public_key key;
} curve_key;

void curve_key_make(curve_key *out, ez_rng *rng, unsigned torsion);

/* curve_sign: S = r + h * a for R = r * B + t * T. It holds without the cofactor when
 * t + h * key->torsion is a multiple of 8. `r` NULL: r = 0. */
void curve_sign(ez_signature *out, const curve_key *key, ez_rng *rng, unsigned torsion,
                const void *data, size_t size);

/* curve_sign_small: the same with r = 0 and R written as small encoding `index`. */
void curve_sign_small(ez_signature *out, const curve_key *key, unsigned index, const void *data,
                      size_t size);

/* curve_sign_good: a signature that holds, found by trying texts, whose first 8 bytes change. */
void curve_sign_good(ez_signature *out, const curve_key *key, ez_rng *rng,
                     uint8_t text[CURVE_TEXT_BYTES]);

#endif
