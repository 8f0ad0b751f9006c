#include "edwards_internal.h"

#include "ezp2p/crypto/sign.h"
#include "support_curve.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void init(void)
{
    cr_assert(ez_crypto_init() == EZ_OK);
}

TestSuite(edwards, .init = init);

#if EZ_HAS_FIELD

static ez_rng seeded(uint8_t seed)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t[16]){seed});
    return rng;
}

static void expect_written(const ez_point *point, const uint8_t want[CURVE_BYTES])
{
    uint8_t got[1][EZ_FIELD_BYTES];
    ez_points_write(got, point, 1);
    cr_expect(memcmp(got[0], want, sizeof got[0]) == 0);
}

Test(edwards, points_are_read_and_written_as_libsodium_does)
{
    ez_rng rng = seeded(1);
    for (unsigned i = 0; i < 400; i++) {
        uint8_t bytes[CURVE_BYTES];
        ez_point point;
        ez_rng_fill(&rng, bytes, sizeof bytes);
        /* y of small numbers and of those around p: where encodings are not canonical */
        if (i % 2 == 0) {
            memset(bytes + 1, i % 4 == 0 ? 0 : 0xff, sizeof bytes - 1);
            bytes[31] &= i % 8 < 4 ? 0x7f : 0xff;
        }
        /* libsodium adds what is a point, canonical or not; with the neutral one added it writes
         * the canonical form. */
        uint8_t sum[CURVE_BYTES];
        bool is_point = crypto_core_ed25519_add(sum, bytes, curve_small_order(0)) == 0;
        bool is_canonical = is_point && memcmp(sum, bytes, sizeof sum) == 0;
        cr_expect_eq(ez_point_read(&point, bytes), is_canonical, "case %u", i);
        if (is_canonical) {
            expect_written(&point, bytes);
        }
    }
}

Test(edwards, sums_and_doubles_are_those_of_libsodium)
{
    ez_rng rng = seeded(2);
    curve_key keys[24];
    for (unsigned i = 0; i < 24; i++) {
        curve_key_make(&keys[i], &rng, i);
    }
    for (unsigned i = 0; i < 24 + SMALL_ORDER; i++) {
        const uint8_t *a_bytes = i < 24 ? keys[i].key.bytes : curve_small_order(i - 24);
        ez_point a, sum;
        cr_assert(ez_point_read(&a, a_bytes));
        for (unsigned j = 0; j < 24 + SMALL_ORDER; j++) {
            const uint8_t *b_bytes = j < 24 ? keys[j].key.bytes : curve_small_order(j - 24);
            uint8_t want[CURVE_BYTES];
            ez_point b;
            cr_assert(ez_point_read(&b, b_bytes));
            ez_point_add(&sum, &a, &b);
            cr_assert(crypto_core_ed25519_add(want, a_bytes, b_bytes) == 0);
            expect_written(&sum, want);
            ez_point_negate(&b, &b);
            ez_point_add(&sum, &a, &b);
            cr_assert(crypto_core_ed25519_sub(want, a_bytes, b_bytes) == 0);
            expect_written(&sum, want);
            if (i == j) {
                expect_written(&sum, curve_small_order(0));
                cr_assert(crypto_core_ed25519_add(want, a_bytes, a_bytes) == 0);
                ez_point_double(&sum, &a);
                expect_written(&sum, want);
            }
        }
    }
}

/* number * a, a bit at a time */
static ez_point multiply(const uint8_t number[CURVE_BYTES], const ez_point *a)
{
    ez_point product;
    cr_assert(ez_point_read(&product, curve_small_order(0)));
    for (size_t bit = 256; bit-- > 0;) {
        ez_point_double(&product, &product);
        if (number[bit / 8] >> bit % 8 & 1) {
            ez_point_add(&product, &product, a);
        }
    }
    return product;
}

typedef struct number {
    uint8_t bytes[CURVE_BYTES];
} number;

/* Numbers with long runs of ones and zeros, single bits at every border of a part, and the largest
 * there can be: where carries of digits go far. */
static number test_number(ez_rng *rng, unsigned index)
{
    number out = {{0}};
    if (index < 3) {
        memset(out.bytes, index == 0 ? 0 : 0xff, sizeof out.bytes);
        out.bytes[31] &= index == 1 ? 0x7f : 0x0f;
        return out;
    }
    if (index < 3 + 255) {
        unsigned bit = index - 3;
        out.bytes[bit / 8] = (uint8_t)(1u << bit % 8);
        return out;
    }
    ez_rng_fill(rng, out.bytes, sizeof out.bytes);
    uint64_t pattern = ez_rng_next(rng);
    for (size_t i = 0; i < sizeof out.bytes && index % 2 == 0; i++) {
        out.bytes[i] = pattern >> i & 1 ? (pattern >> (i + 32) & 1 ? 0xff : 0) : out.bytes[i];
    }
    out.bytes[31] &= 0x7f;
    return out;
}

Test(edwards, sums_from_tables_are_those_bit_by_bit)
{
    ez_rng rng = seeded(3);
    curve_key key;
    ez_point base, a, got, want, other;
    curve_key_make(&key, &rng, 3);
    ez_point_base(&base);
    cr_assert(ez_point_read(&a, key.key.bytes));
    ez_ready_point *base_table = ez_comb_new(&base, EZ_COMB_BASE_WIDTH);
    ez_ready_point *table = ez_comb_new(&a, EZ_COMB_KEY_WIDTH);
    for (unsigned i = 0; i < 600; i++) {
        number s = test_number(&rng, i), k = test_number(&rng, i * 7 % 600);
        uint8_t bytes[1][EZ_FIELD_BYTES];
        ez_comb_sum(&got, s.bytes, base_table, k.bytes, table);
        want = multiply(s.bytes, &base);
        other = multiply(k.bytes, &a);
        ez_point_add(&want, &want, &other);
        ez_points_write(bytes, &want, 1);
        expect_written(&got, bytes[0]);
    }
    free(table);
    free(base_table);
}

Test(edwards, many_points_are_written_as_each_alone)
{
    ez_rng rng = seeded(4);
    ez_point points[EZ_POINTS_WRITE_MAX];
    uint8_t got[EZ_POINTS_WRITE_MAX][EZ_FIELD_BYTES];
    for (unsigned i = 0; i < EZ_POINTS_WRITE_MAX; i++) {
        curve_key key;
        curve_key_make(&key, &rng, i);
        cr_assert(ez_point_read(&points[i], key.key.bytes));
        ez_point_double(&points[i], &points[i]);
    }
    ez_points_write(got, points, EZ_POINTS_WRITE_MAX);
    for (unsigned i = 0; i < EZ_POINTS_WRITE_MAX; i++) {
        expect_written(&points[i], got[i]);
    }
}

#endif
