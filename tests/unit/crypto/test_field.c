#include "field_internal.h"

#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

TestSuite(field);

#if EZ_HAS_FIELD

/* Numbers of 256 bits by school arithmetic modulo p, a bit at a time: slow, and with nothing in
 * common with the limbs. */
typedef struct plain {
    uint8_t bytes[32];
} plain;

static const plain p = {{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}};

/* a >= b, then *out = a - b */
static bool plain_take(plain *out, const plain *a, const plain *b)
{
    plain difference;
    int borrow = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++) {
        int digit = a->bytes[i] - b->bytes[i] - borrow;
        borrow = digit < 0;
        difference.bytes[i] = (uint8_t)digit;
    }
    if (borrow == 0) {
        *out = difference;
    }
    return borrow == 0;
}

/* a + b mod p, of reduced numbers */
static plain plain_add(const plain *a, const plain *b)
{
    plain sum;
    unsigned carry = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++) {
        carry += (unsigned)a->bytes[i] + b->bytes[i];
        sum.bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    (void)plain_take(&sum, &sum, &p);
    return sum;
}

static plain plain_mul(const plain *a, const plain *b)
{
    plain product = {{0}};
    for (size_t bit = 256; bit-- > 0;) {
        product = plain_add(&product, &product);
        if (a->bytes[bit / 8] >> bit % 8 & 1) {
            product = plain_add(&product, b);
        }
    }
    return product;
}

/* What limbs stand for, whatever their size. */
static plain plain_of(const ez_field *a)
{
    plain value = {{0}};
    for (size_t i = EZ_FIELD_LIMBS; i-- > 0;) {
        for (unsigned bit = 0; bit < EZ_LIMB_BITS; bit++) {
            value = plain_add(&value, &value);
        }
        plain limb = {{0}};
        for (size_t byte = 0; byte < 8; byte++) {
            limb.bytes[byte] = (uint8_t)(a->limb[i] >> 8 * byte);
        }
        value = plain_add(&value, &limb);
    }
    return value;
}

static plain written(const ez_field *a)
{
    plain out;
    ez_field_write(out.bytes, a);
    return out;
}

static void expect_same(const plain *got, const plain *want, const char *what, size_t i, size_t j)
{
    cr_expect(memcmp(got, want, sizeof *got) == 0, "%s of values %zu and %zu", what, i, j);
}

static bool is_tight(const ez_field *a)
{
    for (size_t i = 0; i < EZ_FIELD_LIMBS; i++) {
        if (a->limb[i] > (UINT64_C(1) << 51) + (UINT64_C(1) << 13)) {
            return false;
        }
    }
    return true;
}

#define TIGHT ((UINT64_C(1) << 51) + (UINT64_C(1) << 13))
#define SUM   ((UINT64_C(1) << 52) + (UINT64_C(1) << 14))
#define LOOSE ((UINT64_C(1) << 54) - 1)

/* The edges of p, of the limbs, and of what each call may be given; then values between. */
static const ez_field edges[] = {
    {{0}},
    {{1}},
    {{19}},
    {{EZ_LIMB_MASK - 19, EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK}}, /* p - 1 */
    {{EZ_LIMB_MASK - 18, EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK}}, /* p */
    {{EZ_LIMB_MASK - 17, EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK}}, /* p + 1 */
    {{EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK, EZ_LIMB_MASK}},      /* 2^255 - 1 */
    {{TIGHT, TIGHT, TIGHT, TIGHT, TIGHT}},
    {{0, 0, 0, 0, TIGHT}},
    {{SUM, SUM, SUM, SUM, SUM}},
    {{SUM, 0, SUM, 0, SUM}},
    {{LOOSE, LOOSE, LOOSE, LOOSE, LOOSE}},
    {{0, LOOSE, LOOSE, LOOSE, LOOSE}},
    {{LOOSE, 0, 0, 0, LOOSE}},
    {{0, 0, 0, 0, LOOSE}},
    {{LOOSE - 1, LOOSE, 1, LOOSE, LOOSE - 19}},
};
#define SUMS 11 /* of those, the first so many are sums or tighter */

static ez_field random_value(ez_rng *rng, uint64_t limit)
{
    ez_field out;
    for (size_t i = 0; i < EZ_FIELD_LIMBS; i++) {
        out.limb[i] = ez_rng_below(rng, limit + 1);
    }
    return out;
}

Test(field, products_and_squares_of_loose_values_are_tight_and_right)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t[16]){1});
    ez_field values[COUNT(edges) + 24];
    memcpy(values, edges, sizeof edges);
    for (size_t i = COUNT(edges); i < COUNT(values); i++) {
        values[i] = random_value(&rng, i % 2 == 0 ? LOOSE : TIGHT);
    }
    for (size_t i = 0; i < COUNT(values); i++) {
        plain a = plain_of(&values[i]);
        ez_field square = ez_field_square(&values[i]);
        plain got = written(&square), want = plain_mul(&a, &a);
        expect_same(&got, &want, "square", i, i);
        cr_expect(is_tight(&square));
        for (size_t j = 0; j <= i; j++) {
            plain b = plain_of(&values[j]);
            ez_field product = ez_field_mul(&values[i], &values[j]);
            got = written(&product), want = plain_mul(&a, &b);
            expect_same(&got, &want, "product", i, j);
            cr_expect(is_tight(&product));
        }
    }
}

Test(field, sums_and_differences_at_their_bounds_are_right_and_loose)
{
    for (size_t i = 0; i < SUMS; i++) {
        plain a = plain_of(&edges[i]);
        for (size_t j = 0; j < SUMS; j++) {
            plain b = plain_of(&edges[j]), minus_b;
            (void)plain_take(&minus_b, &p, &b);
            ez_field difference = ez_field_sub(&edges[i], &edges[j]);
            plain got = written(&difference), want = plain_add(&a, &minus_b);
            expect_same(&got, &want, "difference", i, j);
            ez_field sum = ez_field_add(&edges[i], &edges[j]);
            got = written(&sum), want = plain_add(&a, &b);
            expect_same(&got, &want, "sum", i, j);
            for (size_t limb = 0; limb < EZ_FIELD_LIMBS; limb++) {
                cr_expect(difference.limb[limb] <= LOOSE && sum.limb[limb] <= LOOSE);
            }
        }
    }
}

/* The minuend may be a third larger than a sum: as where a point is doubled. */
Test(field, a_difference_takes_a_minuend_below_2_to_53)
{
    const uint64_t most = (UINT64_C(1) << 53) - 1;
    const ez_field large = {{most, most, most, most, most}};
    for (size_t j = 0; j < SUMS; j++) {
        plain a = plain_of(&large), b = plain_of(&edges[j]), minus_b;
        (void)plain_take(&minus_b, &p, &b);
        ez_field difference = ez_field_sub(&large, &edges[j]);
        plain got = written(&difference), want = plain_add(&a, &minus_b);
        expect_same(&got, &want, "difference", 0, j);
        for (size_t limb = 0; limb < EZ_FIELD_LIMBS; limb++) {
            cr_expect(difference.limb[limb] <= LOOSE);
        }
    }
}

Test(field, values_are_written_reduced_and_read_back)
{
    for (size_t i = 0; i < COUNT(edges); i++) {
        plain got = written(&edges[i]), want = plain_of(&edges[i]), rest;
        expect_same(&got, &want, "bytes", i, i);
        cr_expect(!plain_take(&rest, &got, &p), "value %zu is reduced", i);
        got.bytes[31] |= 0x80; /* left out */
        ez_field again = ez_field_read(got.bytes);
        cr_expect(is_tight(&again));
        cr_expect(ez_field_is_equal(&again, &edges[i]));
    }
    const ez_field read_p = ez_field_read(p.bytes);
    cr_expect(ez_field_is_zero(&read_p));
    cr_expect(!ez_field_is_equal(&edges[1], &edges[2]));
}

Test(field, inverses_alone_and_together)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t[16]){2});
    ez_field values[33], inverses[33], scratch[33];
    for (size_t i = 0; i < COUNT(values); i++) {
        values[i] = inverses[i] = random_value(&rng, LOOSE);
    }
    ez_field_invert_all(inverses, scratch, COUNT(inverses));
    for (size_t i = 0; i < COUNT(values); i++) {
        ez_field alone = ez_field_invert(&values[i]);
        ez_field product = ez_field_mul(&values[i], &alone);
        cr_expect(ez_field_is_equal(&product, &ez_field_one));
        cr_expect(ez_field_is_equal(&inverses[i], &alone));
        cr_expect(is_tight(&inverses[i]) && is_tight(&alone));
    }
    ez_field none = ez_field_invert(&edges[4]); /* p */
    cr_expect(ez_field_is_zero(&none));
}

Test(field, half_of_all_ratios_have_a_root)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t[16]){3});
    unsigned with_root = 0;
    for (unsigned i = 0; i < 200; i++) {
        ez_field u = random_value(&rng, SUM), v = random_value(&rng, LOOSE), root = {{7}};
        if (!ez_field_root_of_ratio(&root, &u, &v)) {
            cr_expect_eq(root.limb[0], 7);
            continue;
        }
        with_root++;
        ez_field square = ez_field_square(&root);
        ez_field back = ez_field_mul(&square, &v);
        cr_expect(is_tight(&root));
        cr_expect(ez_field_is_equal(&back, &u));
    }
    cr_expect(with_root > 60 && with_root < 140, "%u", with_root);
    ez_field root;
    cr_assert(ez_field_root_of_ratio(&root, &ez_field_zero, &ez_field_one));
    cr_expect(ez_field_is_zero(&root));
}

#else

Test(field, is_not_built_for_this_processor)
{
    cr_expect_eq(EZ_HAS_FIELD, 0);
}

#endif
