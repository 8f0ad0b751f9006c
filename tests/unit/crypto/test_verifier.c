#include "ezp2p/crypto/verifier.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/base/text.h"
#include "field_internal.h"
#include "support_curve.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

/* libsodium is the oracle of everything here: for each signature the verifier has to say what it
 * says, and no table may have said otherwise on the way ("disputed"). */

static const uint8_t seed[16] = {9};
static ez_verifier *verifier;
static ez_rng rng;

static void init(void)
{
    cr_assert(ez_crypto_init() == EZ_OK);
    ez_rng_init(&rng, seed);
    verifier = ez_verifier_new(seed);
}

static void fini(void)
{
    ez_verifier_stats stats;
    ez_verifier_get_stats(verifier, &stats);
    cr_expect_eq(stats.disputed, 0);
    ez_verifier_free(verifier);
}

TestSuite(verifier, .init = init, .fini = fini);

static ez_verifier_stats stats_now(void)
{
    ez_verifier_stats stats;
    ez_verifier_get_stats(verifier, &stats);
    return stats;
}

/* Enough good signatures that the key has a table. */
static void make_hot(const curve_key *key)
{
    uint8_t text[CURVE_TEXT_BYTES] = {0};
    ez_signature signature;
    curve_sign_good(&signature, key, &rng, text);
    const ez_signed_message message = {&signature, &key->key, text, sizeof text};
    const uint64_t made = stats_now().tables_made;
    for (unsigned i = 0; i < EZ_KEY_SIGHTINGS; i++) {
        cr_assert(ez_verifier_check(verifier, &message));
    }
    const uint64_t before = stats_now().by_table;
    cr_assert(ez_verifier_check(verifier, &message));
    cr_assert_eq(stats_now().tables_made, made + EZ_HAS_FIELD);
    cr_assert_eq(stats_now().by_table, before + EZ_HAS_FIELD);
}

static bool agrees(const ez_signature *signature, const ez_public_key *key, const void *text,
                   size_t size, const char *what)
{
    const ez_signed_message message = {signature, key, text, size};
    bool want = ez_sign_verify(signature, key, text, size);
    cr_expect_eq(ez_verifier_check(verifier, &message), want, "%s", what);
    return want;
}

Test(verifier, a_key_gets_its_table_at_the_eighth_good_signature)
{
    curve_key key;
    uint8_t text[CURVE_TEXT_BYTES] = {0};
    ez_signature signature, bad;
    curve_key_make(&key, &rng, 0);
    curve_sign_good(&signature, &key, &rng, text);
    bad = signature;
    bad.bytes[40] ^= 1;
    for (unsigned i = 1; i <= EZ_KEY_SIGHTINGS; i++) {
        cr_expect_eq(stats_now().tables_made, 0);
        agrees(&bad, &key.key, text, sizeof text, "bad ones do not count");
        agrees(&signature, &key.key, text, sizeof text, "good ones do");
    }
    cr_expect_eq(stats_now().tables_made, EZ_HAS_FIELD);
    cr_expect_eq(stats_now().by_table, 0);
    cr_expect_eq(stats_now().by_libsodium, 2 * EZ_KEY_SIGHTINGS);
    agrees(&signature, &key.key, text, sizeof text, "by table");
    agrees(&bad, &key.key, text, sizeof text, "a no is asked of libsodium");
    cr_expect_eq(stats_now().by_table, EZ_HAS_FIELD);
    cr_expect_eq(stats_now().by_libsodium, 2 * EZ_KEY_SIGHTINGS + 2 - EZ_HAS_FIELD);
}

Test(verifier, without_one_libsodium_answers)
{
    curve_key key;
    uint8_t text[CURVE_TEXT_BYTES] = {0};
    ez_signature signature;
    curve_key_make(&key, &rng, 0);
    curve_sign_good(&signature, &key, &rng, text);
    ez_signed_message message = {&signature, &key.key, text, sizeof text};
    cr_expect(ez_verifier_check(NULL, &message));
    message.size--;
    cr_expect(!ez_verifier_check(NULL, &message));
    cr_expect_eq(ez_verifier_check_all(NULL, &message, 0), 0);
    ez_verifier_free(NULL);
}

/* ---- differential ---------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
#define SLOWER 20
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOWER 20
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

#define KEYS       24
#define SIGNATURES (160 / SLOWER) /* of each key */
#define CHANGES    14             /* of each signature */

static void add_order(uint8_t s[CURVE_BYTES], bool take)
{
    int carry = 0;
    for (size_t i = 0; i < CURVE_BYTES; i++) {
        carry += take ? s[i] - curve_order[i] : s[i] + curve_order[i];
        s[i] = (uint8_t)(carry & 0xff);
        carry >>= 8;
    }
}

/* Change a signature, or its text, in one of many ways. The first ones leave it good. */
static void change(unsigned how, ez_signature *signature, uint8_t *text, const ez_signature *other)
{
    uint8_t *r = signature->bytes, *s = signature->bytes + CURVE_BYTES, sum[CURVE_BYTES];
    const unsigned bit = (unsigned)ez_rng_below(&rng, 256);
    switch (how) {
    case 0:
        return;
    case 1:
        r[bit / 8] ^= (uint8_t)(1u << bit % 8);
        return;
    case 2:
        s[bit / 8] ^= (uint8_t)(1u << bit % 8);
        return;
    case 3:
        text[bit % CURVE_TEXT_BYTES] ^= (uint8_t)(1u << bit % 8);
        return;
    case 4:
        add_order(s, false);
        return;
    case 5:
        add_order(s, true);
        return;
    case 6:
        s[31] |= (uint8_t)(0x20 << bit % 3);
        return;
    case 7: /* R with a part of small order: the hash is another then, so nothing holds */
        if (crypto_core_ed25519_add(sum, r, curve_small_order(1 + bit % 7)) == 0) {
            memcpy(r, sum, sizeof sum);
        }
        return;
    case 8:
        memcpy(r, other->bytes, CURVE_BYTES);
        return;
    case 9:
        memcpy(s, other->bytes + CURVE_BYTES, CURVE_BYTES);
        return;
    case 10:
        r[31] ^= 0x80;
        return;
    case 11:
        memcpy(r, curve_small_encoding(bit % SMALL_ENCODINGS), CURVE_BYTES);
        return;
    case 12:
        memset(s, bit % 2 == 0 ? 0 : 0xff, CURVE_BYTES);
        return;
    default:
        memcpy(s, curve_order, CURVE_BYTES);
        s[0] = (uint8_t)(s[0] - bit % 2);
    }
}

/* 53,760 signatures by keys of every torsion, all of which have tables. Of those that were not
 * changed at least one in `share` has to hold, or this compares refusals only. */
static void run_differential(unsigned torsion_of_r, unsigned share)
{
    unsigned accepted = 0, refused = 0;
    for (unsigned k = 0; k < KEYS; k++) {
        curve_key key;
        ez_signature last = {{1}};
        curve_key_make(&key, &rng, k);
        make_hot(&key);
        for (unsigned i = 0; i < SIGNATURES; i++) {
            uint8_t text[CURVE_TEXT_BYTES];
            ez_signature made;
            ez_rng_fill(&rng, text, sizeof text);
            curve_sign(&made, &key, &rng, torsion_of_r, text, sizeof text);
            for (unsigned how = 0; how < CHANGES; how++) {
                uint8_t changed_text[CURVE_TEXT_BYTES];
                ez_signature changed = made;
                memcpy(changed_text, text, sizeof text);
                change(how, &changed, changed_text, &last);
                bool holds =
                    agrees(&changed, &key.key, changed_text, sizeof changed_text, "changed");
                accepted += holds;
                refused += !holds;
            }
            last = made;
        }
    }
    cr_expect(accepted > KEYS * SIGNATURES / share, "%u accepted", accepted);
    cr_expect(refused > KEYS * SIGNATURES * (CHANGES - 2), "%u refused", refused);
    cr_expect_eq(stats_now().by_table, EZ_HAS_FIELD * (accepted + KEYS));
}

Test(verifier, agrees_with_libsodium_on_pure_r, .timeout = 280)
{
    run_differential(0, 4);
}

/* With R = r * B + T a signature holds for keys that have a part of small order themselves. */
Test(verifier, agrees_with_libsodium_on_mixed_r, .timeout = 280)
{
    run_differential(1, 32);
}

/* S = h * a, r = 0: the equation holds for one encoding in eight or more; all are refused. */
Test(verifier, small_order_r_is_refused_whatever_the_key)
{
    for (unsigned torsion = 0; torsion < SMALL_ORDER; torsion++) {
        curve_key key;
        curve_key_make(&key, &rng, torsion);
        make_hot(&key);
        for (unsigned i = 0; i < 16 * SMALL_ENCODINGS; i++) {
            uint8_t text[CURVE_TEXT_BYTES];
            ez_signature signature;
            ez_rng_fill(&rng, text, sizeof text);
            curve_sign_small(&signature, &key, i % SMALL_ENCODINGS, text, sizeof text);
            cr_expect(!agrees(&signature, &key.key, text, sizeof text, "small R"));
        }
    }
}

/* Whoever has a small key has everybody's signature; it never gets as far as a table. */
Test(verifier, small_order_keys_have_no_good_signature)
{
    static const uint8_t zero_scalar[CURVE_BYTES];
    for (unsigned index = 0; index < SMALL_ENCODINGS; index++) {
        curve_key key;
        memcpy(key.scalar, zero_scalar, sizeof key.scalar);
        memcpy(key.key.bytes, curve_small_encoding(index), CURVE_BYTES);
        for (unsigned i = 0; i < 64; i++) {
            uint8_t text[CURVE_TEXT_BYTES];
            ez_signature signature;
            ez_rng_fill(&rng, text, sizeof text);
            curve_sign(&signature, &key, &rng, i % SMALL_ORDER, text, sizeof text);
            cr_expect(!agrees(&signature, &key.key, text, sizeof text, "small key"));
        }
    }
    cr_expect_eq(stats_now().tables_made, 0);
}

/* ---- published cases ------------------------------------------------------------------------- */

typedef struct published_case {
    const char *message, *key, *signature;
    bool holds; /* by libsodium, without the cofactor */
} published_case;

/* The twelve of Chalkias, Garillot, Nikolaenko: "Taming the many EdDSAs" (2020), appendix: small
 * keys and R, mixed keys and R, large S, and y above the prime. */
static const published_case published[] = {
    {"8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
     "0000000000000000000000000000000000000000000000000000000000000000",
     false},
    {"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
     "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
     false},
    {"aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
     "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
     false},
    {"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
     "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
     true},
    {"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
     "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
     false},
    {"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
     "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
     "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
     "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
     false},
    {"85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
     "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
     "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
     "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
     false},
    {"85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
     "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
     "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
     "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
     false},
    {"9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
     false},
    {"9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
     "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
     "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
     false},
    {"e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
     "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
     false},
    {"39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
     "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
     "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
     false},
};

Test(verifier, published_cases_are_judged_as_libsodium_does)
{
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        uint8_t message[64];
        ez_public_key key;
        ez_signature signature;
        size_t size = strlen(published[i].message) / 2;
        cr_assert(ez_hex_decode(message, size, published[i].message));
        cr_assert(ez_hex_decode(key.bytes, sizeof key.bytes, published[i].key));
        cr_assert(ez_hex_decode(signature.bytes, sizeof signature.bytes, published[i].signature));
        /* often enough that a key which may have a table has one */
        for (unsigned round = 0; round < 2 * EZ_KEY_SIGHTINGS; round++) {
            bool holds = agrees(&signature, &key, message, size, "published");
            cr_expect_eq(holds, published[i].holds, "case %zu", i);
        }
    }
}

/* ---- many at once ---------------------------------------------------------------------------- */

#define MANY 70

Test(verifier, the_first_bad_one_of_many_is_found)
{
    static uint8_t texts[MANY][CURVE_TEXT_BYTES];
    static ez_signature signatures[MANY];
    static ez_signed_message messages[MANY];
    curve_key hot[3], cold;
    for (unsigned i = 0; i < 3; i++) {
        curve_key_make(&hot[i], &rng, i);
        make_hot(&hot[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        curve_key_make(&cold, &rng, 0);
        const curve_key *key = i % 5 == 4 ? &cold : &hot[i % 3];
        static ez_public_key keys[MANY];
        keys[i] = key->key;
        curve_sign_good(&signatures[i], key, &rng, texts[i]);
        messages[i] = (ez_signed_message){&signatures[i], &keys[i], texts[i], CURVE_TEXT_BYTES};
    }
    cr_expect_eq(ez_verifier_check_all(verifier, messages, MANY), MANY);
    for (unsigned first = 0; first < MANY; first++) {
        signatures[first].bytes[33] ^= 1;
        unsigned second = first + 1 + (unsigned)ez_rng_below(&rng, 20);
        if (second < MANY) {
            signatures[second].bytes[3] ^= 1;
        }
        cr_expect_eq(ez_verifier_check_all(verifier, messages, MANY), first);
        cr_expect_eq(ez_verifier_check_all(NULL, messages, MANY), first);
        for (unsigned count = first; count <= first + 1; count++) {
            cr_expect_eq(ez_verifier_check_all(verifier, messages, count), first);
        }
        signatures[first].bytes[33] ^= 1;
        if (second < MANY) {
            signatures[second].bytes[3] ^= 1;
        }
    }
}

/* ---- who has a table ------------------------------------------------------------------------- */

#if EZ_HAS_FIELD

static bool is_hot(const curve_key *key, const ez_signature *signature, const uint8_t *text)
{
    const ez_signed_message message = {signature, &key->key, text, CURVE_TEXT_BYTES};
    uint64_t before = stats_now().by_table;
    cr_assert(ez_verifier_check(verifier, &message));
    return stats_now().by_table > before;
}

/* Passers-by, thousands of them, neither fill memory nor push a key in use from its place. */
Test(verifier, a_crowd_of_new_keys_displaces_nobody)
{
    curve_key regular;
    ez_signature signature;
    uint8_t text[CURVE_TEXT_BYTES] = {0};
    curve_key_make(&regular, &rng, 0);
    make_hot(&regular);
    curve_sign_good(&signature, &regular, &rng, text);
    for (unsigned i = 0; i < 2000; i++) {
        curve_key passer;
        ez_signature passing;
        uint8_t other[CURVE_TEXT_BYTES] = {0};
        curve_key_make(&passer, &rng, 0);
        curve_sign(&passing, &passer, &rng, 0, other, sizeof other);
        cr_assert(agrees(&passing, &passer.key, other, sizeof other, "passer-by"));
        if (i % 16 == 0) {
            cr_assert(is_hot(&regular, &signature, text));
        }
    }
    cr_expect_eq(stats_now().tables_made, 1);
}

/* More busy keys than tables: each still gets the right answer, and the tables are all used. */
Test(verifier, more_keys_than_tables, .timeout = 280)
{
    enum { CROWD = EZ_KEY_TABLES_MAX + EZ_KEY_TABLES_MAX / 2 };
    static curve_key keys[CROWD];
    static ez_signature signatures[CROWD];
    static uint8_t texts[CROWD][CURVE_TEXT_BYTES];
    for (unsigned i = 0; i < CROWD; i++) {
        curve_key_make(&keys[i], &rng, 0);
        curve_sign_good(&signatures[i], &keys[i], &rng, texts[i]);
    }
    unsigned hot = 0;
    for (unsigned round = 0; round < 3 * EZ_KEY_SIGHTINGS; round++) {
        hot = 0;
        for (unsigned i = 0; i < CROWD; i++) {
            hot += is_hot(&keys[i], &signatures[i], texts[i]);
        }
    }
    cr_expect(hot > EZ_KEY_TABLES_MAX / 2 && hot <= EZ_KEY_TABLES_MAX, "%u", hot);
    cr_expect(stats_now().tables_made <= 2 * CROWD);
}

/* A key that falls silent makes way for one that does not. */
Test(verifier, a_silent_key_makes_way)
{
    enum { CROWD = 4 * EZ_KEY_TABLES_MAX };
    for (unsigned i = 0; i < CROWD; i++) {
        curve_key key;
        ez_signature signature;
        uint8_t text[CURVE_TEXT_BYTES] = {0};
        unsigned rounds = 0;
        curve_key_make(&key, &rng, 0);
        curve_sign_good(&signature, &key, &rng, text);
        while (!is_hot(&key, &signature, text)) {
            rounds++;
            cr_assert(rounds < 3 * EZ_KEY_SIGHTINGS);
        }
    }
}

#endif
