/* Points of the curve of Ed25519, -x^2 + y^2 = 1 + d x^2 y^2, in extended coordinates (Hisil, Wong,
 * Carter, Dawson: "Twisted Edwards curves revisited", 2008), and sums of many multiples of two
 * points from tables.
 *
 * The formulas for sums are complete: they hold for all points of the curve, those of small order
 * among them, so that nothing here has to look out for special cases and a sum is exactly what the
 * group says, in the subgroup of prime order and outside.
 *
 * Time depends on the values. All of it is for what is public.
 */
#ifndef EZP2P_CRYPTO_EDWARDS_INTERNAL_H
#define EZP2P_CRYPTO_EDWARDS_INTERNAL_H

#include "field_internal.h"

#if EZ_HAS_FIELD

#include <stdalign.h>

#define EZ_SCALAR_BYTES 32

/* x = X/Z, y = Y/Z, T = XY/Z; all tight, Z not zero. */
typedef struct ez_point {
    ez_field x, y, z, t;
} ez_point;

/* A sum before its last products: X = EF, Y = GH, Z = FG, T = EH; all loose. */
typedef struct ez_open_point {
    ez_field e, f, g, h;
} ez_open_point;

/* ez_point_double_open: 2a, from X, Y and Z alone. */
static inline void ez_point_double_open(ez_open_point *out, const ez_point *a)
{
    ez_field x_plus_y = ez_field_add(&a->x, &a->y);
    ez_field xx = ez_field_square(&a->x), yy = ez_field_square(&a->y);
    ez_field zz = ez_field_square(&a->z), ss = ez_field_square(&x_plus_y);
    ez_field two_zz = ez_field_add(&zz, &zz);
    ez_field xx_two_zz = ez_field_add(&two_zz, &xx);
    out->h = ez_field_add(&yy, &xx);
    out->g = ez_field_sub(&yy, &xx);
    out->e = ez_field_sub(&ss, &out->h);
    out->f = ez_field_sub(&xx_two_zz, &yy);
}

/* ez_point_close_short: the last products but for T, which is not needed to double or to write. */
static inline void ez_point_close_short(ez_point *out, const ez_open_point *a)
{
    out->x = ez_field_mul(&a->e, &a->f);
    out->y = ez_field_mul(&a->g, &a->h);
    out->z = ez_field_mul(&a->f, &a->g);
}

/* ez_point_close: all four. */
static inline void ez_point_close(ez_point *out, const ez_open_point *a)
{
    ez_point_close_short(out, a);
    out->t = ez_field_mul(&a->e, &a->h);
}

/* A point to be added often: y + x, y - x, 2dxy, with Z = 1; tight. Two lines of the cache. */
typedef struct ez_ready_point {
    alignas(64) ez_field sum;
    ez_field difference;
    ez_field product;
} ez_ready_point;

/* A table for one point P: with the bits of a number cut into EZ_COMB_PARTS parts of
 * EZ_COMB_PART_BITS bits, the multiples P, 3P, 5P, ... of 2^(EZ_COMB_PART_BITS * part) for each
 * part, `odd_count` of them. */
#define EZ_COMB_PARTS     16
#define EZ_COMB_PART_BITS (256 / EZ_COMB_PARTS)

/* How many odd multiples of each part, 2^(width - 2) for digits of a non-adjacent form of that
 * width. Of the base point there is one table, of keys there are many. */
#define EZ_COMB_KEY_WIDTH     5
#define EZ_COMB_BASE_WIDTH    8
#define EZ_COMB_ODD(width)    (1u << ((width)-2))
#define EZ_COMB_POINTS(width) (EZ_COMB_PARTS * EZ_COMB_ODD(width))

/* ez_point_base: the base point. */
void ez_point_base(ez_point *out);

/* ez_point_read: the point that 32 bytes encode (RFC 8032, 5.1.3).
 *   returns  false when they encode none, or in a form that no writer gives: y not below p, or a
 *            sign for x = 0 */
bool ez_point_read(ez_point *out, const uint8_t bytes[EZ_FIELD_BYTES]);

/* ez_point_negate: -a. */
void ez_point_negate(ez_point *out, const ez_point *a);

/* ez_point_add, ez_point_double: a + b, 2a. `out` may be an argument. */
void ez_point_add(ez_point *out, const ez_point *a, const ez_point *b);
void ez_point_double(ez_point *out, const ez_point *a);

/* ez_points_write: the encodings of `count` points at the price of one inversion. At most
 * EZ_POINTS_WRITE_MAX. */
#define EZ_POINTS_WRITE_MAX 16
void ez_points_write(uint8_t (*out)[EZ_FIELD_BYTES], const ez_point *points, size_t count);

/* ez_comb_new: the table of `a` for digits of `width`, EZ_COMB_POINTS(width) points. Takes as long
 * as a verification or, for the base point, five. The caller frees it with free(). */
ez_ready_point *ez_comb_new(const ez_point *a, unsigned width);

/* ez_comb_sum: s * B + k * A, from the tables of B, of width EZ_COMB_BASE_WIDTH, and of A, of width
 * EZ_COMB_KEY_WIDTH. The numbers are little-endian and below 2^255. T of `out` is not set. */
void ez_comb_sum(ez_point *out, const uint8_t s[EZ_SCALAR_BYTES], const ez_ready_point *base,
                 const uint8_t k[EZ_SCALAR_BYTES], const ez_ready_point *key);

#endif
#endif
