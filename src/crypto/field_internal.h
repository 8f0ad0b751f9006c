/* The field of Ed25519: integers modulo p = 2^255 - 19, in five limbs of 51 bits (the radix of
 * Bernstein, Duif, Lange, Schwabe, Yang, "High-speed high-security signatures", 2012, section 3).
 *
 * A value is the sum of limb[i] * 2^(51 i), not always reduced. Three bounds are promised and asked
 * for, and the tests go to their edges:
 *
 *     tight  limbs up to 2^51 + 2^13: what products and squares are
 *     sum    limbs up to 2^52 + 2^14: of two tight values
 *     loose  limbs below 2^54: what products and squares take
 *
 * Everything here takes time that depends on the values: only for what is public, which all inputs
 * of a verification are.
 */
#ifndef EZP2P_CRYPTO_FIELD_INTERNAL_H
#define EZP2P_CRYPTO_FIELD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SIZEOF_INT128__
#define EZ_HAS_FIELD 1

#define EZ_FIELD_LIMBS 5
#define EZ_FIELD_BYTES 32
#define EZ_LIMB_BITS   51
#define EZ_LIMB_MASK   ((UINT64_C(1) << EZ_LIMB_BITS) - 1)

__extension__ typedef unsigned __int128 ez_u128;

typedef struct ez_field {
    uint64_t limb[EZ_FIELD_LIMBS];
} ez_field;

/* As a call, a product would pass its fifteen limbs through memory: a third slower (gcc 12). */
#define EZ_FIELD_INLINE static inline __attribute__((always_inline))

static const ez_field ez_field_zero = {{0}};
static const ez_field ez_field_one = {{1}};

/* ez_field_add: a + b. Two tight values give a sum, a sum and a tight value a loose one. */
static inline ez_field ez_field_add(const ez_field *a, const ez_field *b)
{
    return (ez_field){{a->limb[0] + b->limb[0], a->limb[1] + b->limb[1], a->limb[2] + b->limb[2],
                       a->limb[3] + b->limb[3], a->limb[4] + b->limb[4]}};
}

/* ez_field_sub: a - b, loose, for limbs of a below 2^53 and b a sum or tighter: 4p is added, whose
 * limbs are above those of a sum. Of two tight values the limbs stay below 2^53 + 2^52. */
static inline ez_field ez_field_sub(const ez_field *a, const ez_field *b)
{
    const uint64_t low = 4 * (EZ_LIMB_MASK - 18), high = 4 * EZ_LIMB_MASK;
    return (ez_field){{a->limb[0] + low - b->limb[0], a->limb[1] + high - b->limb[1],
                       a->limb[2] + high - b->limb[2], a->limb[3] + high - b->limb[3],
                       a->limb[4] + high - b->limb[4]}};
}

/* ez_field_fold: a tight value from the five coefficients of a product. With loose factors each is
 * below 77 * 2^108, so that no carry leaves 64 bits; the last one, times 19 below 2^63.6, returns
 * to the lowest limb because 2^255 = 19. */
EZ_FIELD_INLINE ez_field ez_field_fold(ez_u128 r0, ez_u128 r1, ez_u128 r2, ez_u128 r3, ez_u128 r4)
{
    r1 += (uint64_t)(r0 >> EZ_LIMB_BITS);
    r2 += (uint64_t)(r1 >> EZ_LIMB_BITS);
    r3 += (uint64_t)(r2 >> EZ_LIMB_BITS);
    r4 += (uint64_t)(r3 >> EZ_LIMB_BITS);
    uint64_t low = ((uint64_t)r0 & EZ_LIMB_MASK) + 19 * (uint64_t)(r4 >> EZ_LIMB_BITS);
    return (ez_field){{low & EZ_LIMB_MASK, ((uint64_t)r1 & EZ_LIMB_MASK) + (low >> EZ_LIMB_BITS),
                       (uint64_t)r2 & EZ_LIMB_MASK, (uint64_t)r3 & EZ_LIMB_MASK,
                       (uint64_t)r4 & EZ_LIMB_MASK}};
}

/* ez_field_mul: a * b, tight, of loose values. */
EZ_FIELD_INLINE ez_field ez_field_mul(const ez_field *a, const ez_field *b)
{
    const uint64_t a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3];
    const uint64_t a4 = a->limb[4];
    const uint64_t b0 = b->limb[0], b1 = b->limb[1], b2 = b->limb[2], b3 = b->limb[3];
    const uint64_t b4 = b->limb[4];
    const uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    return ez_field_fold((ez_u128)a0 * b0 + (ez_u128)a1 * c4 + (ez_u128)a2 * c3 + (ez_u128)a3 * c2 +
                             (ez_u128)a4 * c1,
                         (ez_u128)a0 * b1 + (ez_u128)a1 * b0 + (ez_u128)a2 * c4 + (ez_u128)a3 * c3 +
                             (ez_u128)a4 * c2,
                         (ez_u128)a0 * b2 + (ez_u128)a1 * b1 + (ez_u128)a2 * b0 + (ez_u128)a3 * c4 +
                             (ez_u128)a4 * c3,
                         (ez_u128)a0 * b3 + (ez_u128)a1 * b2 + (ez_u128)a2 * b1 + (ez_u128)a3 * b0 +
                             (ez_u128)a4 * c4,
                         (ez_u128)a0 * b4 + (ez_u128)a1 * b3 + (ez_u128)a2 * b2 + (ez_u128)a3 * b1 +
                             (ez_u128)a4 * b0);
}

/* ez_field_square: a * a, tight, of a loose value. */
EZ_FIELD_INLINE ez_field ez_field_square(const ez_field *a)
{
    const uint64_t a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3];
    const uint64_t a4 = a->limb[4];
    const uint64_t twice0 = 2 * a0, twice1 = 2 * a1, c3 = 19 * a3, c4 = 19 * a4;
    return ez_field_fold((ez_u128)a0 * a0 + (ez_u128)twice1 * c4 + (ez_u128)(2 * a2) * c3,
                         (ez_u128)twice0 * a1 + (ez_u128)(2 * a2) * c4 + (ez_u128)a3 * c3,
                         (ez_u128)twice0 * a2 + (ez_u128)a1 * a1 + (ez_u128)(2 * a3) * c4,
                         (ez_u128)twice0 * a3 + (ez_u128)twice1 * a2 + (ez_u128)a4 * c4,
                         (ez_u128)twice0 * a4 + (ez_u128)twice1 * a3 + (ez_u128)a2 * a2);
}

/* ez_field_negate: -a, of a sum or tighter; limbs below 2^53. */
static inline ez_field ez_field_negate(const ez_field *a)
{
    return ez_field_sub(&ez_field_zero, a);
}

/* ez_field_read: the number in the lower 255 bits, little-endian; tight. The highest bit is left
 * out, and the number may be p or more. */
ez_field ez_field_read(const uint8_t bytes[EZ_FIELD_BYTES]);

/* ez_field_write: the smallest number that equals a loose value, little-endian. */
void ez_field_write(uint8_t out[EZ_FIELD_BYTES], const ez_field *a);

/* ez_field_is_zero, ez_field_is_equal: of loose values, whatever their limbs. */
bool ez_field_is_zero(const ez_field *a);
bool ez_field_is_equal(const ez_field *a, const ez_field *b);

/* ez_field_invert: 1 / a, tight, of a loose value; zero for zero. */
ez_field ez_field_invert(const ez_field *a);

/* ez_field_invert_all: invert `count` loose values, none of them zero, in place, at the price of
 * one inversion and three products each (Montgomery, "Speeding the Pollard and elliptic curve
 * methods of factorization", 1987). `scratch` has room for as many. */
void ez_field_invert_all(ez_field *values, ez_field *scratch, size_t count);

/* ez_field_root_of_ratio: x with x^2 * v = u (RFC 8032, 5.1.3), tight. `u` is a sum or difference
 * of tight values, `v` loose and not zero. returns  false when there is none, *out untouched */
bool ez_field_root_of_ratio(ez_field *out, const ez_field *u, const ez_field *v);

#else
#define EZ_HAS_FIELD 0
#endif

#endif
