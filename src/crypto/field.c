#include "field_internal.h"

#if EZ_HAS_FIELD

#include "ezp2p/base/little_endian.h"

ez_field ez_field_read(const uint8_t bytes[EZ_FIELD_BYTES])
{
    uint64_t w[4];
    for (size_t i = 0; i < 4; i++) {
        w[i] = ez_load_u64(bytes + 8 * i);
    }
    return (ez_field){{w[0] & EZ_LIMB_MASK, (w[0] >> 51 | w[1] << 13) & EZ_LIMB_MASK,
                       (w[1] >> 38 | w[2] << 26) & EZ_LIMB_MASK,
                       (w[2] >> 25 | w[3] << 39) & EZ_LIMB_MASK, w[3] >> 12 & EZ_LIMB_MASK}};
}

/* Carry each limb's excess to the next, and return what leaves the highest. */
static uint64_t carry_up(ez_field *a)
{
    for (size_t i = 0; i + 1 < EZ_FIELD_LIMBS; i++) {
        a->limb[i + 1] += a->limb[i] >> EZ_LIMB_BITS;
        a->limb[i] &= EZ_LIMB_MASK;
    }
    uint64_t over = a->limb[4] >> EZ_LIMB_BITS;
    a->limb[4] &= EZ_LIMB_MASK;
    return over;
}

void ez_field_write(uint8_t out[EZ_FIELD_BYTES], const ez_field *a)
{
    ez_field r = *a;
    for (unsigned round = 0; round < 2; round++) {
        /* At most 8 leave the highest limb; the second time 1, and then the rest is below 152. */
        uint64_t over = carry_up(&r);
        r.limb[0] += 19 * over;
    }
    /* Below 2^255 now. Adding 19 carries out of the highest limb exactly when the number is p or
     * more, and then leaves it reduced. */
    ez_field above = r;
    above.limb[0] += 19;
    if (carry_up(&above) > 0) {
        r = above;
    }
    ez_store_u64(out, r.limb[0] | r.limb[1] << 51);
    ez_store_u64(out + 8, r.limb[1] >> 13 | r.limb[2] << 38);
    ez_store_u64(out + 16, r.limb[2] >> 26 | r.limb[3] << 25);
    ez_store_u64(out + 24, r.limb[3] >> 39 | r.limb[4] << 12);
}

bool ez_field_is_zero(const ez_field *a)
{
    uint8_t bytes[EZ_FIELD_BYTES], any = 0;
    ez_field_write(bytes, a);
    for (size_t i = 0; i < sizeof bytes; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

bool ez_field_is_equal(const ez_field *a, const ez_field *b)
{
    uint8_t one[EZ_FIELD_BYTES], other[EZ_FIELD_BYTES], differs = 0;
    ez_field_write(one, a);
    ez_field_write(other, b);
    for (size_t i = 0; i < sizeof one; i++) {
        differs |= one[i] ^ other[i];
    }
    return differs == 0;
}

/* a^(2^count) * b, with count at least 1 */
static ez_field square_then_mul(const ez_field *a, unsigned count, const ez_field *b)
{
    ez_field r = ez_field_square(a);
    for (unsigned i = 1; i < count; i++) {
        r = ez_field_square(&r);
    }
    return ez_field_mul(&r, b);
}

/* a^(2^250 - 1), with which both exponents below begin; *eleventh gets a^11 by the way. */
static ez_field power_250(const ez_field *a, ez_field *eleventh)
{
    ez_field two = ez_field_square(a);
    ez_field nine = square_then_mul(&two, 2, a);
    *eleventh = ez_field_mul(&nine, &two);
    ez_field ones5 = square_then_mul(eleventh, 1, &nine); /* a^(2^5 - 1) */
    ez_field ones10 = square_then_mul(&ones5, 5, &ones5);
    ez_field ones20 = square_then_mul(&ones10, 10, &ones10);
    ez_field ones40 = square_then_mul(&ones20, 20, &ones20);
    ez_field ones50 = square_then_mul(&ones40, 10, &ones10);
    ez_field ones100 = square_then_mul(&ones50, 50, &ones50);
    ez_field ones200 = square_then_mul(&ones100, 100, &ones100);
    return square_then_mul(&ones200, 50, &ones50);
}

/* By Fermat: a^(p - 2), and p - 2 = (2^250 - 1) * 2^5 + 11. */
ez_field ez_field_invert(const ez_field *a)
{
    ez_field eleventh;
    ez_field ones = power_250(a, &eleventh);
    return square_then_mul(&ones, 5, &eleventh);
}

void ez_field_invert_all(ez_field *values, ez_field *scratch, size_t count)
{
    ez_field product = ez_field_one;
    for (size_t i = 0; i < count; i++) {
        scratch[i] = product;
        product = ez_field_mul(&product, &values[i]);
    }
    ez_field inverse = ez_field_invert(&product);
    for (size_t i = count; i-- > 0;) {
        ez_field value = values[i];
        values[i] = ez_field_mul(&inverse, &scratch[i]);
        inverse = ez_field_mul(&inverse, &value);
    }
}

/* The candidate u v^3 (u v^7)^((p - 5) / 8) is a root of u / v, or becomes one when multiplied by a
 * root of -1, or there is none. (p - 5) / 8 = (2^250 - 1) * 2^2 + 1. */
bool ez_field_root_of_ratio(ez_field *out, const ez_field *u, const ez_field *v)
{
    static const ez_field root_of_minus_one = {
        {UINT64_C(0x61b274a0ea0b0), UINT64_C(0x0d5a5fc8f189d), UINT64_C(0x7ef5e9cbd0c60),
         UINT64_C(0x78595a6804c9e), UINT64_C(0x2b8324804fc1d)}};
    ez_field v2 = ez_field_square(v);
    ez_field v3 = ez_field_mul(&v2, v);
    ez_field v6 = ez_field_square(&v3);
    ez_field v7 = ez_field_mul(&v6, v);
    ez_field base = ez_field_mul(u, &v7);
    ez_field unused;
    ez_field ones = power_250(&base, &unused);
    ez_field power = square_then_mul(&ones, 2, &base);
    ez_field uv3 = ez_field_mul(u, &v3);
    ez_field x = ez_field_mul(&uv3, &power);

    ez_field x2 = ez_field_square(&x);
    ez_field x2v = ez_field_mul(&x2, v);
    if (ez_field_is_equal(&x2v, u)) {
        *out = x;
        return true;
    }
    ez_field sum = ez_field_add(&x2v, u);
    if (!ez_field_is_zero(&sum)) {
        return false;
    }
    *out = ez_field_mul(&x, &root_of_minus_one);
    return true;
}

#endif
