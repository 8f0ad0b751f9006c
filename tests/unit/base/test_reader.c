#include "ezp2p/base/reader.h"

#include <criterion/criterion.h>
#include <string.h>

static const uint8_t input[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

Test(reader, integers_are_little_endian)
{
    ez_reader reader;
    ez_reader_init(&reader, input, sizeof input);
    cr_expect(ez_reader_u8(&reader) == 0x01);
    cr_expect(ez_reader_u16(&reader) == 0x0302);
    cr_expect(ez_reader_u32(&reader) == 0x07060504);
    cr_expect(!ez_reader_is_done(&reader));
    cr_expect(ez_reader_u64(&reader) == UINT64_C(0x0f0e0d0c0b0a0908));
    cr_expect(ez_reader_is_done(&reader));
}

Test(reader, failure_sticks_even_for_reads_that_would_fit)
{
    ez_reader reader;
    ez_reader_init(&reader, input, 3);
    cr_expect(ez_reader_u16(&reader) == 0x0201);
    cr_expect(ez_reader_u32(&reader) == 0);
    cr_expect(reader.failed);
    cr_expect(ez_reader_u8(&reader) == 0);
    cr_expect(ez_reader_take(&reader, 1) == NULL);
    cr_expect(ez_reader_take(&reader, 0) == NULL);
    cr_expect(reader.at == 2);
    cr_expect(!ez_reader_is_done(&reader));
}

/* Each integer at exactly its size and one byte short of it. */
Test(reader, one_byte_short_is_short)
{
    for (size_t size = 0; size <= 8; size++) {
        ez_reader r8, r16, r32, r64;
        ez_reader_init(&r8, input, size);
        ez_reader_init(&r16, input, size);
        ez_reader_init(&r32, input, size);
        ez_reader_init(&r64, input, size);
        (void)ez_reader_u8(&r8);
        (void)ez_reader_u16(&r16);
        (void)ez_reader_u32(&r32);
        (void)ez_reader_u64(&r64);
        cr_expect(r8.failed == (size < 1), "u8 of %zu", size);
        cr_expect(r16.failed == (size < 2), "u16 of %zu", size);
        cr_expect(r32.failed == (size < 4), "u32 of %zu", size);
        cr_expect(r64.failed == (size < 8), "u64 of %zu", size);
    }
}

Test(reader, take_lends_the_input)
{
    ez_reader reader;
    ez_reader_init(&reader, input, sizeof input);
    (void)ez_reader_u8(&reader);
    cr_expect(ez_reader_take(&reader, 14) == input + 1);
    cr_expect(ez_reader_is_done(&reader));
    cr_expect(ez_reader_take(&reader, 0) != NULL);
    cr_expect(ez_reader_is_done(&reader));
    cr_expect(ez_reader_take(&reader, 1) == NULL);
    cr_expect(!ez_reader_is_done(&reader));
}

Test(reader, a_huge_length_does_not_wrap)
{
    ez_reader reader;
    ez_reader_init(&reader, input, sizeof input);
    (void)ez_reader_u32(&reader);
    cr_expect(ez_reader_take(&reader, SIZE_MAX) == NULL);
    cr_expect(ez_reader_take(&reader, SIZE_MAX - 3) == NULL);
    cr_expect(reader.at == 4);
}

Test(reader, copy_zeroes_what_is_not_there)
{
    uint8_t out[4] = {9, 9, 9, 9};
    ez_reader reader;
    ez_reader_init(&reader, input, 3);
    ez_reader_copy(&reader, out, 4);
    cr_expect(memcmp(out, "\0\0\0\0", 4) == 0);
    cr_expect(reader.failed);

    ez_reader_init(&reader, input, 3);
    ez_reader_copy(&reader, out, 3);
    cr_expect(memcmp(out, input, 3) == 0);
    cr_expect(ez_reader_is_done(&reader));
}

Test(reader, nothing_at_all_is_done)
{
    ez_reader reader;
    ez_reader_init(&reader, NULL, 0);
    cr_expect(ez_reader_is_done(&reader));
    cr_expect(ez_reader_take(&reader, 0) != NULL);
    ez_reader_copy(&reader, NULL, 0);
    cr_expect(ez_reader_is_done(&reader));
    cr_expect(ez_reader_u8(&reader) == 0);
    cr_expect(reader.failed);
}
