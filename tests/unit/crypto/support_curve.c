#include "support_curve.h"

#include "ezp2p/base/assert.h"

#include <sodium.h>
#include <string.h>

const uint8_t curve_order[CURVE_BYTES] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

static const char *const small_orders[SMALL_ORDER] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
};

static const char *const odd_encodings[SMALL_ENCODINGS - SMALL_ORDER] = {
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static uint8_t small_bytes[SMALL_ENCODINGS][CURVE_BYTES];

static void decode_all(void)
{
    for (unsigned i = 0; i < SMALL_ENCODINGS; i++) {
        const char *text = i < SMALL_ORDER ? small_orders[i] : odd_encodings[i - SMALL_ORDER];
        EZ_ASSERT(
            sodium_hex2bin(small_bytes[i], CURVE_BYTES, text, strlen(text), NULL, NULL, NULL) == 0);
    }
}

const uint8_t *curve_small_encoding(unsigned index)
{
    EZ_ASSERT(index < SMALL_ENCODINGS);
    decode_all();
    return small_bytes[index];
}

const uint8_t *curve_small_order(unsigned multiple)
{
    return curve_small_encoding(multiple % SMALL_ORDER);
}

static void random_scalar(uint8_t out[CURVE_BYTES], ez_rng *rng)
{
    uint8_t wide[64];
    ez_rng_fill(rng, wide, sizeof wide);
    crypto_core_ed25519_scalar_reduce(out, wide);
}

/* scalar * B + multiple * T */
static void mixed_point(uint8_t out[CURVE_BYTES], const uint8_t scalar[CURVE_BYTES],
                        unsigned multiple)
{
    uint8_t pure[CURVE_BYTES];
    EZ_ASSERT(crypto_scalarmult_ed25519_base_noclamp(pure, scalar) == 0);
    EZ_ASSERT(crypto_core_ed25519_add(out, pure, curve_small_order(multiple)) == 0);
}

void curve_key_make(curve_key *out, ez_rng *rng, unsigned torsion)
{
    out->torsion = torsion;
    random_scalar(out->scalar, rng);
    mixed_point(out->key.bytes, out->scalar, torsion);
}

/* S for an R that is set, and its r */
static void set_s(ez_signature *out, const curve_key *key, const uint8_t r[CURVE_BYTES],
                  const void *data, size_t size)
{
    uint8_t digest[64], h[CURVE_BYTES], product[CURVE_BYTES];
    crypto_hash_sha512_state state;
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, out->bytes, CURVE_BYTES);
    crypto_hash_sha512_update(&state, key->key.bytes, CURVE_BYTES);
    crypto_hash_sha512_update(&state, data, size);
    crypto_hash_sha512_final(&state, digest);
    crypto_core_ed25519_scalar_reduce(h, digest);
    crypto_core_ed25519_scalar_mul(product, h, key->scalar);
    crypto_core_ed25519_scalar_add(out->bytes + CURVE_BYTES, product, r);
}

void curve_sign(ez_signature *out, const curve_key *key, ez_rng *rng, unsigned torsion,
                const void *data, size_t size)
{
    uint8_t r[CURVE_BYTES];
    random_scalar(r, rng);
    mixed_point(out->bytes, r, torsion);
    set_s(out, key, r, data, size);
}

void curve_sign_small(ez_signature *out, const curve_key *key, unsigned index, const void *data,
                      size_t size)
{
    static const uint8_t zero[CURVE_BYTES];
    memcpy(out->bytes, curve_small_encoding(index), CURVE_BYTES);
    set_s(out, key, zero, data, size);
}

void curve_sign_good(ez_signature *out, const curve_key *key, ez_rng *rng,
                     uint8_t text[CURVE_TEXT_BYTES])
{
    do {
        ez_rng_fill(rng, text, 8);
        curve_sign(out, key, rng, 0, text, CURVE_TEXT_BYTES);
    } while (!ez_sign_verify(out, &key->key, text, CURVE_TEXT_BYTES));
}
