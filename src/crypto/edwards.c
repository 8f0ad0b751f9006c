#include "edwards_internal.h"

#if EZ_HAS_FIELD

#include "ezp2p/base/assert.h"

#include <string.h>

static const ez_field d = {{UINT64_C(0x34dca135978a3), UINT64_C(0x1a8283b156ebd),
                            UINT64_C(0x5e7a26001c029), UINT64_C(0x739c663a03cbb),
                            UINT64_C(0x52036cee2b6ff)}};

bool ez_point_read(ez_point *out, const uint8_t bytes[EZ_FIELD_BYTES])
{
    uint8_t again[EZ_FIELD_BYTES];
    ez_point p = {.y = ez_field_read(bytes), .z = ez_field_one};
    ez_field y2 = ez_field_square(&p.y);
    ez_field u = ez_field_sub(&y2, &ez_field_one);
    ez_field v = ez_field_mul(&y2, &d);
    v = ez_field_add(&v, &ez_field_one);
    if (!ez_field_root_of_ratio(&p.x, &u, &v)) {
        return false;
    }
    p.t = ez_field_mul(&p.x, &p.y);
    ez_points_write(&again, &p, 1);
    if ((again[31] ^ bytes[31]) & 0x80) {
        ez_point_negate(&p, &p);
        ez_points_write(&again, &p, 1);
    }
    if (memcmp(again, bytes, sizeof again) != 0) { /* lint: the bytes are public */
        return false;
    }
    *out = p;
    return true;
}

void ez_point_base(ez_point *out)
{
    uint8_t bytes[EZ_FIELD_BYTES]; /* y = 4/5, x even */
    memset(bytes, 0x66, sizeof bytes);
    bytes[0] = 0x58;
    bool is_point = ez_point_read(out, bytes);
    EZ_ASSERT(is_point);
}

void ez_point_negate(ez_point *out, const ez_point *a)
{
    ez_field x = ez_field_negate(&a->x), t = ez_field_negate(&a->t);
    *out = *a;
    out->x = ez_field_mul(&x, &ez_field_one); /* tight again */
    out->t = ez_field_mul(&t, &ez_field_one);
}

void ez_point_add(ez_point *out, const ez_point *a, const ez_point *b)
{
    ez_field a_diff = ez_field_sub(&a->y, &a->x), b_diff = ez_field_sub(&b->y, &b->x);
    ez_field a_sum = ez_field_add(&a->y, &a->x), b_sum = ez_field_add(&b->y, &b->x);
    ez_field aa = ez_field_mul(&a_diff, &b_diff);
    ez_field bb = ez_field_mul(&a_sum, &b_sum);
    ez_field tt = ez_field_mul(&a->t, &b->t);
    ez_field half_cc = ez_field_mul(&tt, &d);
    ez_field cc = ez_field_add(&half_cc, &half_cc);
    ez_field zz = ez_field_mul(&a->z, &b->z);
    ez_field dd = ez_field_add(&zz, &zz);
    ez_open_point open = {.e = ez_field_sub(&bb, &aa),
                          .f = ez_field_sub(&dd, &cc),
                          .g = ez_field_add(&dd, &cc),
                          .h = ez_field_add(&bb, &aa)};
    ez_point_close(out, &open);
}

void ez_point_double(ez_point *out, const ez_point *a)
{
    ez_open_point open;
    ez_point_double_open(&open, a);
    ez_point_close(out, &open);
}

void ez_points_write(uint8_t (*out)[EZ_FIELD_BYTES], const ez_point *points, size_t count)
{
    ez_field inverses[EZ_POINTS_WRITE_MAX], scratch[EZ_POINTS_WRITE_MAX];
    EZ_ASSERT(count <= EZ_POINTS_WRITE_MAX);
    for (size_t i = 0; i < count; i++) {
        inverses[i] = points[i].z;
    }
    ez_field_invert_all(inverses, scratch, count);
    for (size_t i = 0; i < count; i++) {
        uint8_t x_bytes[EZ_FIELD_BYTES];
        ez_field x = ez_field_mul(&points[i].x, &inverses[i]);
        ez_field y = ez_field_mul(&points[i].y, &inverses[i]);
        ez_field_write(x_bytes, &x);
        ez_field_write(out[i], &y);
        out[i][31] |= (uint8_t)((x_bytes[0] & 1) << 7); /* the sign of x is its lowest bit */
    }
}

#endif
