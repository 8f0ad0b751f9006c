/* Sums of multiples from tables, after Straus ("Addition chains of vectors", 1964) with the digits
 * of non-adjacent forms, and with each point's doublings made once, when its table is (as in the
 * comb of Lim and Lee, "More flexible exponentiation with precomputation", 1994). */
#include "edwards_internal.h"

#if EZ_HAS_FIELD

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/little_endian.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(EZ_COMB_PARTS * EZ_COMB_PART_BITS == 256, "the parts cover a scalar");

/* ---- tables ---------------------------------------------------------------------------------- */

/* a, 3a, 5a, ... */
static void odd_multiples(ez_point *out, unsigned count, const ez_point *a)
{
    ez_point twice;
    ez_point_double(&twice, a);
    out[0] = *a;
    for (unsigned i = 1; i < count; i++) {
        ez_point_add(&out[i], &out[i - 1], &twice);
    }
}

static void make_ready(ez_ready_point *out, const ez_point *a, const ez_field *inverse_z)
{
    static const ez_field twice_d = {{UINT64_C(0x69b9426b2f159), UINT64_C(0x35050762add7a),
                                      UINT64_C(0x3cf44c0038052), UINT64_C(0x6738cc7407977),
                                      UINT64_C(0x2406d9dc56dff)}};
    ez_field x = ez_field_mul(&a->x, inverse_z), y = ez_field_mul(&a->y, inverse_z);
    ez_field sum = ez_field_add(&y, &x), difference = ez_field_sub(&y, &x);
    ez_field xy = ez_field_mul(&x, &y);
    out->sum = ez_field_mul(&sum, &ez_field_one); /* tight */
    out->difference = ez_field_mul(&difference, &ez_field_one);
    out->product = ez_field_mul(&xy, &twice_d);
}

ez_ready_point *ez_comb_new(const ez_point *a, unsigned width)
{
    const size_t odd_count = EZ_COMB_ODD(width), count = EZ_COMB_POINTS(width);
    ez_ready_point *table = aligned_alloc(alignof(ez_ready_point), count * sizeof *table);
    ez_point *points = ez_alloc(count, sizeof *points), part = *a;
    ez_field *inverses = ez_alloc(2 * count, sizeof *inverses);
    EZ_ASSERT(table != NULL);
    for (size_t i = 0; i < EZ_COMB_PARTS; i++) {
        odd_multiples(points + i * odd_count, (unsigned)odd_count, &part);
        for (unsigned bit = 0; bit < EZ_COMB_PART_BITS; bit++) {
            ez_point_double(&part, &part);
        }
    }
    for (size_t i = 0; i < count; i++) {
        inverses[i] = points[i].z;
    }
    ez_field_invert_all(inverses, inverses + count, count);
    for (size_t i = 0; i < count; i++) {
        make_ready(&table[i], &points[i], &inverses[i]);
    }
    free(inverses);
    free(points);
    return table;
}

/* ---- which entries a number takes ------------------------------------------------------------ */

/* An entry to be added, or taken off. */
typedef struct comb_term {
    const ez_ready_point *point;
    bool negative;
} comb_term;

/* Row `bit` holds what stands at that bit of its part: one term a part and number at most. */
typedef struct comb_plan {
    unsigned counts[EZ_COMB_PART_BITS];
    comb_term rows[EZ_COMB_PART_BITS][2 * EZ_COMB_PARTS];
} comb_plan;

/* The non-adjacent form of `width`: odd digits d, |d| < 2^(width - 1), of any `width` neighbours
 * one at most is not zero. So of a number below 2^255 no digit stands at 2^256 or above. */
static void add_number(comb_plan *out, const uint8_t number[EZ_SCALAR_BYTES],
                       const ez_ready_point *table, unsigned width)
{
    uint64_t words[5] = {0}; /* one of zeros, to look ahead into */
    for (size_t i = 0; i < EZ_SCALAR_BYTES / 8; i++) {
        words[i] = ez_load_u64(number + 8 * i);
    }
    const unsigned range = 1u << width;
    unsigned carry = 0;
    for (unsigned at = 0; at < 256;) {
        uint64_t low = words[at / 64] >> at % 64;
        uint64_t high = at % 64 == 0 ? 0 : words[at / 64 + 1] << (64 - at % 64);
        uint64_t bits = low | high;
        if (((bits ^ carry) & 1) == 0) {
            uint64_t same = carry ? ~bits : bits; /* zeros, or ones that a carry makes zeros */
            at += same == 0 ? 64 : (unsigned)__builtin_ctzll(same);
            continue;
        }
        unsigned digit = (unsigned)(bits & (range - 1)) + carry;
        carry = digit > range / 2;
        unsigned size = carry ? range - digit : digit;
        unsigned row = at % EZ_COMB_PART_BITS, part = at / EZ_COMB_PART_BITS;
        const ez_ready_point *point = &table[part * EZ_COMB_ODD(width) + size / 2];
        out->rows[row][out->counts[row]++] = (comb_term){point, carry == 1};
        __builtin_prefetch(
            point); /* it spans two lines, and is needed some thousand cycles later */
        __builtin_prefetch(&point->product);
        at += width;
    }
    EZ_ASSERT(carry == 0);
}

/* ---- the sum --------------------------------------------------------------------------------- */

/* For -P, x changes its sign: y + x and y - x change places, and so do F and G. */
static inline void add_open(ez_open_point *out, const ez_point *a, const comb_term *term)
{
    const ez_field *const sides[] = {&term->point->difference, &term->point->sum};
    const bool negative = term->negative;
    ez_field a_diff = ez_field_sub(&a->y, &a->x), a_sum = ez_field_add(&a->y, &a->x);
    ez_field aa = ez_field_mul(&a_diff, sides[negative]);
    ez_field bb = ez_field_mul(&a_sum, sides[!negative]);
    ez_field cc = ez_field_mul(&a->t, &term->point->product);
    ez_field dd = ez_field_add(&a->z, &a->z);
    ez_field less = ez_field_sub(&dd, &cc), more = ez_field_add(&dd, &cc);
    out->e = ez_field_sub(&bb, &aa);
    out->h = ez_field_add(&bb, &aa);
    ez_field *const ends[] = {&out->f, &out->g};
    *ends[negative] = less;
    *ends[!negative] = more;
}

static void sum_up(ez_point *out, const comb_plan *plan)
{
    ez_point p = {.y = ez_field_one, .z = ez_field_one};
    ez_open_point open;
    for (unsigned row = EZ_COMB_PART_BITS; row-- > 0;) {
        const unsigned count = plan->counts[row];
        if (row + 1 < EZ_COMB_PART_BITS) {
            ez_point_double_open(&open, &p);
            (count > 0 ? ez_point_close : ez_point_close_short)(&p, &open);
        }
        for (unsigned i = 0; i < count; i++) {
            add_open(&open, &p, &plan->rows[row][i]);
            (i + 1 < count ? ez_point_close : ez_point_close_short)(&p, &open);
        }
    }
    *out = p;
}

void ez_comb_sum(ez_point *out, const uint8_t s[EZ_SCALAR_BYTES], const ez_ready_point *base,
                 const uint8_t k[EZ_SCALAR_BYTES], const ez_ready_point *key)
{
    comb_plan plan;
    memset(plan.counts, 0, sizeof plan.counts);
    add_number(&plan, s, base, EZ_COMB_BASE_WIDTH);
    add_number(&plan, k, key, EZ_COMB_KEY_WIDTH);
    sum_up(out, &plan);
}

#endif
