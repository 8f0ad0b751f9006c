#include "ezp2p/chain/header.h"

#include "support_vectors.h"

#include <criterion/criterion.h>
#include <string.h>

static ez_header header_of(const vector_file *vectors)
{
    ez_header header = {.version = (uint32_t)vector_number(vectors, "version"),
                        .index = vector_number(vectors, "index"),
                        .timestamp = vector_number(vectors, "timestamp"),
                        .bits = vector_bits(vectors, "bits"),
                        .proof = vector_number(vectors, "proof")};

    vector_copy(header.previous.hash.bytes, EZ_HASH_BYTES, vectors, "previous");
    vector_copy(header.merkle_root.bytes, EZ_HASH_BYTES, vectors, "merkle_root");
    return header;
}

Test(header, layout_and_id_match_the_vectors)
{
    vector_file vectors;

    vector_open(&vectors, "header.txt");
    while (vector_next(&vectors, "header")) {
        ez_header header = header_of(&vectors);
        uint8_t wanted[EZ_HEADER_BYTES];
        uint8_t bytes[EZ_HEADER_BYTES];
        ez_block_id wanted_id;
        ez_block_id id;
        vector_copy(wanted, sizeof wanted, &vectors, "bytes");
        vector_copy(wanted_id.hash.bytes, EZ_HASH_BYTES, &vectors, "id");
        ez_header_encode(bytes, &header);
        ez_header_id(&id, &header);
        cr_expect_arr_eq(bytes, wanted, sizeof wanted);
        cr_expect(ez_block_id_is_equal(&id, &wanted_id));
    }
}

Test(header, decoding_restores_every_field)
{
    vector_file vectors;

    vector_open(&vectors, "header.txt");
    while (vector_next(&vectors, "header")) {
        ez_header wanted = header_of(&vectors);
        uint8_t bytes[EZ_HEADER_BYTES];
        ez_header header;
        vector_copy(bytes, sizeof bytes, &vectors, "bytes");
        ez_header_decode(&header, bytes);
        cr_expect_eq(header.version, wanted.version);
        cr_expect_eq(header.index, wanted.index);
        cr_expect(ez_block_id_is_equal(&header.previous, &wanted.previous));
        cr_expect(ez_hash_is_equal(&header.merkle_root, &wanted.merkle_root));
        cr_expect_eq(header.timestamp, wanted.timestamp);
        cr_expect_eq(header.bits, wanted.bits);
        cr_expect_eq(header.proof, wanted.proof);
    }
}

Test(header, every_bit_of_the_layout_counts_for_the_id)
{
    uint8_t bytes[EZ_HEADER_BYTES] = {0};
    ez_header header;
    ez_block_id zero_id;

    ez_header_decode(&header, bytes);
    ez_header_id(&zero_id, &header);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        ez_block_id id;
        bytes[bit / 8] = (uint8_t)(1 << bit % 8);
        ez_header_decode(&header, bytes);
        ez_header_id(&id, &header);
        cr_expect_not(ez_block_id_is_equal(&id, &zero_id), "bit %zu", bit);
        bytes[bit / 8] = 0;
    }
}

Test(header, targets_and_work_match_the_vectors)
{
    vector_file vectors;

    vector_open(&vectors, "target.txt");
    while (vector_next(&vectors, "target")) {
        uint32_t bits = vector_bits(&vectors, "bits");
        uint8_t wanted[32];
        uint8_t target[32];
        vector_copy(wanted, sizeof wanted, &vectors, "target");
        cr_assert(ez_target_from_bits(target, bits), "%08x", bits);
        cr_expect_arr_eq(target, wanted, sizeof wanted);
        ez_work work = ez_work_from_bits(bits);
        cr_expect_str_eq(ez_work_text(&work).text, vector_text(&vectors, "work"), "%08x", bits);
    }
}

Test(header, malformed_bits_have_neither_target_nor_work)
{
    vector_file vectors;
    const ez_work zero = {{0}};

    vector_open(&vectors, "target.txt");
    while (vector_next(&vectors, "refused")) {
        uint32_t bits = vector_bits(&vectors, "bits");
        ez_block_id lowest = {{{0}}};
        uint8_t target[32];
        ez_work work = ez_work_from_bits(bits);
        cr_expect_not(ez_target_from_bits(target, bits), "%08x", bits);
        cr_expect_eq(ez_work_compare(&work, &zero), 0, "%08x", bits);
        cr_expect_not(ez_header_has_work(&lowest, bits), "%08x", bits);
    }
}

/* Each target has one spelling: no two valid forms may stand for the same number. All sizes, with
 * mantissas around every border. */
Test(header, no_two_forms_share_a_target)
{
    static const uint32_t mantissas[] = {0,        1,        0x7f,     0x80,     0xff,
                                         0x100,    0x7fff,   0x8000,   0x8001,   0x80ff,
                                         0xff00,   0xffff,   0x10000,  0x10100,  0x7f0000,
                                         0x7fff00, 0x7fffff, 0x800000, 0xff0000, 0xffffff};
    enum { MANTISSAS = sizeof mantissas / sizeof mantissas[0] };
    static uint8_t targets[36 * MANTISSAS][32];
    size_t count = 0;

    for (uint32_t size = 0; size < 36; size++) {
        for (size_t i = 0; i < MANTISSAS; i++) {
            if (ez_target_from_bits(targets[count], size << 24 | mantissas[i])) {
                for (size_t j = 0; j < count; j++) {
                    cr_expect_arr_neq(targets[count], targets[j], 32);
                }
                count++;
            }
        }
    }
    cr_expect_gt(count, 100);
}

static ez_block_id id_of(const char *start, uint8_t rest)
{
    ez_block_id id;

    memset(id.hash.bytes, rest, EZ_HASH_BYTES);
    for (size_t i = 0; start[2 * i] != '\0'; i++) {
        unsigned byte;
        cr_assert_eq(sscanf(start + 2 * i, "%2x", &byte), 1);
        id.hash.bytes[i] = (uint8_t)byte;
    }
    return id;
}

Test(header, an_id_equal_to_the_target_has_work_and_one_above_has_not)
{
    ez_block_id at = id_of("0000ffff", 0);
    ez_block_id above = at;
    ez_block_id below = id_of("0000fffe", 0xff);

    above.hash.bytes[31] = 1;
    cr_expect(ez_header_has_work(&at, 0x1f00ffff));
    cr_expect(ez_header_has_work(&below, 0x1f00ffff));
    cr_expect_not(ez_header_has_work(&above, 0x1f00ffff));
}

Test(header, four_zero_digits_are_needed_on_classic)
{
    ez_block_id three = id_of("0001", 0);
    ez_block_id none = id_of("10", 0);
    ez_block_id four = id_of("0000fffd", 0xff);

    cr_expect_not(ez_header_has_work(&three, 0x1f00ffff));
    cr_expect_not(ez_header_has_work(&none, 0x1f00ffff));
    cr_expect(ez_header_has_work(&four, 0x1f00ffff));
}

static const ez_work work_max = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

Test(header, work_carries_from_limb_to_limb)
{
    ez_work below = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, 0}};
    ez_work one = {{1}};
    ez_work sum = ez_work_add(&below, &one);
    ez_work wanted = {{0, 0, 0, 1}};

    cr_expect_eq(ez_work_compare(&sum, &wanted), 0);
    ez_work both = ez_work_add(&below, &below);
    ez_work doubled = {{UINT64_MAX - 1, UINT64_MAX, UINT64_MAX, 1}};
    cr_expect_eq(ez_work_compare(&both, &doubled), 0);
}

Test(header, work_saturates)
{
    ez_work one = {{1}};
    ez_work almost = work_max;
    almost.limb[0]--;
    ez_work reached = ez_work_add(&almost, &one);
    ez_work beyond = ez_work_add(&work_max, &one);
    ez_work far_beyond = ez_work_add(&work_max, &work_max);

    cr_expect_eq(ez_work_compare(&reached, &work_max), 0);
    cr_expect_eq(ez_work_compare(&beyond, &work_max), 0);
    cr_expect_eq(ez_work_compare(&far_beyond, &work_max), 0);
}

Test(header, work_compares_by_the_highest_limb_first)
{
    ez_work low = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, 1}};
    ez_work high = {{0, 0, 0, 2}};

    cr_expect_lt(ez_work_compare(&low, &high), 0);
    cr_expect_gt(ez_work_compare(&high, &low), 0);
    cr_expect_eq(ez_work_compare(&low, &low), 0);
}

Test(header, work_is_shown_in_decimal)
{
    ez_work zero = {{0}};
    ez_work ten = {{10}};
    ez_work limb = {{0, 1}};

    cr_expect_str_eq(ez_work_text(&zero).text, "0");
    cr_expect_str_eq(ez_work_text(&ten).text, "10");
    cr_expect_str_eq(ez_work_text(&limb).text, "18446744073709551616");
    cr_expect_str_eq(ez_work_text(&work_max).text, "11579208923731619542357098500868790785326998466"
                                                   "5640564039457584007913129639935");
}

Test(header, work_survives_its_bytes)
{
    ez_work work = {
        {0x0807060504030201, 0x100f0e0d0c0b0a09, 0x1817161514131211, 0x201f1e1d1c1b1a19}};
    uint8_t bytes[32];

    ez_work_to_bytes(bytes, &work);
    for (size_t i = 0; i < sizeof bytes; i++) {
        cr_expect_eq(bytes[i], 32 - i);
    }
    ez_work back = ez_work_from_bytes(bytes);
    cr_expect_eq(ez_work_compare(&back, &work), 0);
}
