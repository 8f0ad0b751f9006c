#include "ezp2p/chain/header.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/reader.h"
#include "ezp2p/crypto/sha256.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMB_COUNT 4
#define LIMB_BITS  64

static_assert(4 + 8 + EZ_HASH_BYTES + EZ_HASH_BYTES + 8 + 4 + 8 == EZ_HEADER_BYTES,
              "the fields fill the layout");

static uint8_t *put_number(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
    return out + size;
}

static uint8_t *put_hash(uint8_t *out, const ez_hash *hash)
{
    memcpy(out, hash->bytes, EZ_HASH_BYTES);
    return out + EZ_HASH_BYTES;
}

void ez_header_encode(uint8_t out[EZ_HEADER_BYTES], const ez_header *header)
{
    uint8_t *at = put_number(out, header->version, 4);

    at = put_number(at, header->index, 8);
    at = put_hash(at, &header->previous.hash);
    at = put_hash(at, &header->merkle_root);
    at = put_number(at, header->timestamp, 8);
    at = put_number(at, header->bits, 4);
    at = put_number(at, header->proof, 8);
    EZ_ASSERT(at == out + EZ_HEADER_BYTES);
}

void ez_header_decode(ez_header *out, const uint8_t bytes[EZ_HEADER_BYTES])
{
    ez_reader reader;

    ez_reader_init(&reader, bytes, EZ_HEADER_BYTES);
    out->version = ez_reader_u32(&reader);
    out->index = ez_reader_u64(&reader);
    ez_reader_copy(&reader, out->previous.hash.bytes, EZ_HASH_BYTES);
    ez_reader_copy(&reader, out->merkle_root.bytes, EZ_HASH_BYTES);
    out->timestamp = ez_reader_u64(&reader);
    out->bits = ez_reader_u32(&reader);
    out->proof = ez_reader_u64(&reader);
    EZ_ASSERT(ez_reader_is_done(&reader));
}

void ez_header_id(ez_block_id *out, const ez_header *header)
{
    uint8_t bytes[EZ_HEADER_BYTES];

    ez_header_encode(bytes, header);
    ez_sha256(&out->hash, bytes, sizeof bytes);
}

/* Whether size and mantissa are what Bitcoin's encoder would write for some non-zero number below
 * 2^256. Two spellings of one target would make two headers of one block. */
static bool compact_is_canonical(uint32_t size, uint32_t mantissa)
{
    if (mantissa < 0x8000 || mantissa > 0x7fffff) {
        return false; /* has a shorter form (or is zero), or sets the bit that was the sign */
    }
    if (size < 3) {
        /* The low bytes of the mantissa lie behind the point and must be zero. */
        uint32_t fraction = size == 2 ? 0xff : 0xffff;
        return size > 0 && (mantissa & fraction) == 0;
    }
    return size <= 32 || (size == 33 && mantissa <= 0xffff);
}

bool ez_target_from_bits(uint8_t out[32], uint32_t bits)
{
    uint32_t size = bits >> 24;
    uint32_t mantissa = bits & 0xffffff;

    if (!compact_is_canonical(size, mantissa)) {
        return false;
    }
    memset(out, 0, 32);
    for (uint32_t i = 0; i < 3; i++) {
        /* Mantissa byte i (0 is the top one) has size - 1 - i bytes behind it. Bytes that fall off
         * either end are zero in the canonical form. */
        uint32_t behind = size - 1 - i;
        if (behind < 32) {
            out[31 - behind] = (uint8_t)(mantissa >> (16 - 8 * i));
        }
    }
    return true;
}

bool ez_header_has_work(const ez_block_id *id, uint32_t bits)
{
    uint8_t target[32];

    return ez_target_from_bits(target, bits) && memcmp(id->hash.bytes, target, sizeof target) <= 0;
}

void ez_work_to_bytes(uint8_t out[32], const ez_work *work)
{
    for (size_t i = 0; i < 32; i++) {
        size_t place = 31 - i; /* bytes behind this one */
        out[i] = (uint8_t)(work->limb[place / 8] >> (8 * (place % 8)));
    }
}

ez_work ez_work_from_bytes(const uint8_t bytes[32])
{
    ez_work work = {{0}};

    for (size_t i = 0; i < 32; i++) {
        size_t place = 31 - i;
        work.limb[place / 8] |= (uint64_t)bytes[i] << (8 * (place % 8));
    }
    return work;
}

int ez_work_compare(const ez_work *a, const ez_work *b)
{
    for (size_t i = LIMB_COUNT; i-- > 0;) {
        if (a->limb[i] != b->limb[i]) {
            return a->limb[i] < b->limb[i] ? -1 : 1;
        }
    }
    return 0;
}

/* *a += *b; returns the carry out of the top. */
static bool add(ez_work *a, const ez_work *b)
{
    bool carry = false;

    for (size_t i = 0; i < LIMB_COUNT; i++) {
        uint64_t sum = a->limb[i] + b->limb[i];
        bool wrapped = sum < b->limb[i];
        a->limb[i] = sum + carry;
        carry = wrapped || (carry && a->limb[i] == 0);
    }
    return carry;
}

/* *a -= *b, modulo 2^256. */
static void subtract(ez_work *a, const ez_work *b)
{
    ez_work negative = {{~b->limb[0], ~b->limb[1], ~b->limb[2], ~b->limb[3]}};

    (void)add(a, &negative);
    (void)add(a, &(ez_work){{1}});
}

ez_work ez_work_add(const ez_work *a, const ez_work *b)
{
    ez_work sum = *a;

    if (add(&sum, b)) {
        return (ez_work){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    }
    return sum;
}

/* Shift left by one and bring in `bit`; returns the bit that left at the top. */
static bool shift_in(ez_work *work, bool bit)
{
    for (size_t i = 0; i < LIMB_COUNT; i++) {
        bool top = work->limb[i] >> (LIMB_BITS - 1);
        work->limb[i] = work->limb[i] << 1 | bit;
        bit = top;
    }
    return bit;
}

static size_t bit_length(const ez_work *work)
{
    size_t length = LIMB_COUNT * LIMB_BITS;

    while (length > 0 &&
           (work->limb[(length - 1) / LIMB_BITS] >> ((length - 1) % LIMB_BITS)) == 0) {
        length--;
    }
    return length;
}

/* Shift right by less than 256 bits. */
static ez_work shift_right(const ez_work *work, size_t bits)
{
    ez_work out = {{0}};
    size_t limbs = bits / LIMB_BITS;

    bits %= LIMB_BITS;
    for (size_t i = 0; i + limbs < LIMB_COUNT; i++) {
        out.limb[i] = work->limb[i + limbs] >> bits;
        if (bits > 0 && i + limbs + 1 < LIMB_COUNT) {
            out.limb[i] |= work->limb[i + limbs + 1] << (LIMB_BITS - bits);
        }
    }
    return out;
}

/* Schoolbook long division, a bit at a time. As many leading bits as surely stay below the divisor
 * are taken in one step: with classic's target that leaves 17 of 256. The divisor is at least 2. */
static ez_work divide(const ez_work *number, const ez_work *divisor)
{
    size_t bits_left = LIMB_COUNT * LIMB_BITS + 1 - bit_length(divisor);
    ez_work quotient = {{0}};
    ez_work rest = shift_right(number, bits_left);

    while (bits_left-- > 0) {
        bool bit = number->limb[bits_left / LIMB_BITS] >> (bits_left % LIMB_BITS) & 1;
        bool overflow = shift_in(&rest, bit);
        bool fits = overflow || ez_work_compare(&rest, divisor) >= 0;
        if (fits) {
            subtract(&rest, divisor); /* modulo 2^256, so an overflow is taken back too */
        }
        (void)shift_in(&quotient, fits);
    }
    return quotient;
}

ez_work ez_work_from_bits(uint32_t bits)
{
    uint8_t target_bytes[32];

    if (!ez_target_from_bits(target_bytes, bits)) {
        return (ez_work){{0}};
    }
    /* 2^256 does not fit, but 2^256 / (t + 1) = (2^256 - 1 - t) / (t + 1) + 1, and 2^256 - 1 - t is
     * the complement of t. The largest target leaves room for t + 1. */
    ez_work divisor = ez_work_from_bytes(target_bytes);
    ez_work number = {{~divisor.limb[0], ~divisor.limb[1], ~divisor.limb[2], ~divisor.limb[3]}};
    const ez_work one = {{1}};
    (void)add(&divisor, &one);
    ez_work work = divide(&number, &divisor);
    (void)add(&work, &one);
    return work;
}

/* Divide in place; returns the remainder. */
static uint32_t divide_small(ez_work *work, uint32_t divisor)
{
    uint64_t rest = 0;

    for (size_t i = LIMB_COUNT; i-- > 0;) {
        uint64_t high = rest << 32 | work->limb[i] >> 32;
        uint64_t low = (high % divisor) << 32 | (work->limb[i] & UINT32_MAX);
        work->limb[i] = (high / divisor) << 32 | low / divisor;
        rest = low % divisor;
    }
    return (uint32_t)rest;
}

ez_work_string ez_work_text(const ez_work *work)
{
    const ez_work zero = {{0}};
    ez_work left = *work;
    ez_work_string out;
    char digits[sizeof out.text];
    size_t at = sizeof digits;

    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + divide_small(&left, 10));
    } while (ez_work_compare(&left, &zero) != 0);
    memcpy(out.text, digits + at, sizeof digits - at);
    return out;
}
