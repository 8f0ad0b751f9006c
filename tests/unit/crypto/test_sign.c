#include "ezp2p/crypto/sign.h"

#include "ezp2p/base/text.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void init(void)
{
    cr_assert(ez_crypto_init() == EZ_OK);
}

TestSuite(sign, .init = init);

typedef struct vector {
    const char *seed, *key, *message, *signature;
} vector;

/* RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc). */
static const vector vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fe"
     "ebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431"
     "e0303dca179c138ac17ad9bef1177331a704"},
};

typedef struct signed_message {
    ez_keypair pair;
    ez_signature signature;
    uint8_t message[64];
    size_t size;
} signed_message;

static signed_message load(const vector *from)
{
    signed_message out;
    uint8_t seed[EZ_SEED_BYTES];
    out.size = strlen(from->message) / 2;
    cr_assert(ez_hex_decode(seed, sizeof seed, from->seed));
    cr_assert(ez_hex_decode(out.message, out.size, from->message));
    cr_assert(ez_hex_decode(out.signature.bytes, EZ_SIGNATURE_BYTES, from->signature));
    ez_keypair_from_seed(&out.pair, seed);
    return out;
}

static bool verify_hex(const char *signature_hex, const char *key_hex, const void *message,
                       size_t size)
{
    ez_signature signature;
    ez_public_key key;
    cr_assert(ez_hex_decode(signature.bytes, EZ_SIGNATURE_BYTES, signature_hex));
    cr_assert(ez_hex_decode(key.bytes, EZ_PUBLIC_KEY_BYTES, key_hex));
    return ez_sign_verify(&signature, &key, message, size);
}

Test(sign, keys_and_signatures_are_those_of_rfc_8032)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        signed_message want = load(&vectors[i]);
        cr_expect_str_eq(ez_hash_text(want.pair.public_key.bytes).text, vectors[i].key);
        ez_signature signature;
        ez_sign(&signature, &want.pair, want.message, want.size);
        cr_expect(memcmp(signature.bytes, want.signature.bytes, EZ_SIGNATURE_BYTES) == 0,
                  "vector %zu", i);
        cr_expect(ez_sign_verify(&signature, &want.pair.public_key, want.message, want.size));
    }
}

Test(sign, any_changed_bit_is_refused)
{
    signed_message good = load(&vectors[2]);
    for (size_t bit = 0; bit < 8 * sizeof good.signature.bytes; bit++) {
        ez_signature bad = good.signature;
        bad.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect(!ez_sign_verify(&bad, &good.pair.public_key, good.message, good.size),
                  "signature bit %zu", bit);
    }
    for (size_t bit = 0; bit < 8 * sizeof good.pair.public_key.bytes; bit++) {
        ez_public_key bad = good.pair.public_key;
        bad.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect(!ez_sign_verify(&good.signature, &bad, good.message, good.size), "key bit %zu",
                  bit);
    }
}

Test(sign, another_message_is_refused)
{
    signed_message good = load(&vectors[2]);
    cr_expect(!ez_sign_verify(&good.signature, &good.pair.public_key, good.message, 1));
    cr_expect(!ez_sign_verify(&good.signature, &good.pair.public_key, good.message, 3));
    good.message[1] ^= 1;
    cr_expect(!ez_sign_verify(&good.signature, &good.pair.public_key, good.message, good.size));
}

/* S + L satisfies the same equation; accepting it would give every transaction a second id. */
Test(sign, non_canonical_s_is_refused)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        signed_message good = load(&vectors[i]);
        unsigned carry = 0;
        for (size_t at = 0; at < 32; at++) {
            carry += good.signature.bytes[32 + at] + order[at];
            good.signature.bytes[32 + at] = (uint8_t)carry;
            carry >>= 8;
        }
        cr_assert(carry == 0);
        cr_expect(!ez_sign_verify(&good.signature, &good.pair.public_key, good.message, good.size),
                  "vector %zu", i);
    }
}

/* All fourteen encodings of the eight points whose order divides 8. R = B, S = 1 and a message of
 * one byte, chosen so that the hash is a multiple of 8 and the bare equation holds: only the check
 * of the key refuses these. Such a key would have everybody's signature. */
Test(sign, small_order_keys_are_refused)
{
    static const struct {
        const char *key;
        uint8_t message;
    } cases[] = {
        {"0100000000000000000000000000000000000000000000000000000000000000", 2},
        {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", 28},
        {"0000000000000000000000000000000000000000000000000000000000000080", 6},
        {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", 13},
        {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", 10},
        {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", 2},
        {"0000000000000000000000000000000000000000000000000000000000000000", 10},
        {"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", 2},
        {"0100000000000000000000000000000000000000000000000000000000000080", 12},
        {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 5},
        {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", 2},
        {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 25},
        {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", 6},
        {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_expect(!verify_hex("58666666666666666666666666666666666666666666666666666666666666660100"
                              "000000000000000000000000000000000000000000000000000000000000",
                              cases[i].key, &cases[i].message, 1),
                  "%s", cases[i].key);
    }
}

#define ORDINARY_KEY "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"

/* R is the neutral point, S = h·a: the equation holds. */
Test(sign, small_order_r_is_refused)
{
    cr_expect(!verify_hex("01000000000000000000000000000000000000000000000000000000000000002c5d7177"
                          "2a3b73e256b3f4974a0676b625f5a4aed2ceb6f540fd8e2e82124c06",
                          ORDINARY_KEY, "ezp2p", 5));
    /* The same point with y written as p + 1. */
    cr_expect(!verify_hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f0761a728"
                          "dfebb79bebd4859dd58d3e8d0b29cada6355cdede0d2ea4a60300209",
                          ORDINARY_KEY, "ezp2p", 5));
}

/* R, or the key, with a component of order 8: accepted by verifiers that multiply by the cofactor,
 * refused by those that do not, so a network must agree. Ours does not. */
Test(sign, the_cofactor_is_not_multiplied_in)
{
    cr_expect(!verify_hex("93def7efc0d5238018c745be123098fd9991b4b541e199d45c9c39e42b50874e7334d007"
                          "573ac48919321500782a5bed5e9697bd3ea55871dcd7e12692c7470e",
                          ORDINARY_KEY, "ezp2p", 5));
    static const char mixed_key[] =
        "b502ff3d92e31d8190b4aa4ea0414005167fad089c4de9dac8a2fc850fed4f58";
    cr_expect(!verify_hex("0ca0a4c9ed86f0cd8fa8b03e1201f68130335e0236ff23b2d07a953d30af36f6515d17bf"
                          "3e7af08742ef619e07e937c7a87fa829fb081f4890ccc03571fd3b09",
                          mixed_key, "ezp2p 0", 7));
    /* Here the hash happens to be a multiple of 8, so that both kinds agree: the vectors are what
     * they claim to be. */
    cr_expect(verify_hex("0ca0a4c9ed86f0cd8fa8b03e1201f68130335e0236ff23b2d07a953d30af36f6fe9f097a"
                         "d85b0fbbabec27c25d117c2b141e2892ca1c2b63ba427380f1319e00",
                         mixed_key, "ezp2p 3", 7));
}

Test(sign, a_cleared_pair_holds_nothing)
{
    signed_message message = load(&vectors[0]);
    static const ez_keypair zero;
    ez_keypair_clear(&message.pair);
    cr_expect(memcmp(&message.pair, &zero, sizeof zero) == 0);
}

Test(sign, starting_twice_is_fine)
{
    cr_expect(ez_crypto_init() == EZ_OK);
}
