#include "ezp2p/base/buffer.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

Test(buffer, integers_are_little_endian)
{
    static const uint8_t want[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    ez_buffer buffer = {0};
    ez_buffer_add_u8(&buffer, 0x01);
    ez_buffer_add_u16(&buffer, 0x0302);
    ez_buffer_add_u32(&buffer, 0x07060504);
    ez_buffer_add_u64(&buffer, UINT64_C(0x0f0e0d0c0b0a0908));
    cr_assert(buffer.size == sizeof want);
    cr_expect(memcmp(buffer.data, want, sizeof want) == 0);
    ez_buffer_clear(&buffer);
}

Test(buffer, keeps_everything_while_it_grows)
{
    ez_buffer buffer = {0};
    for (unsigned i = 0; i < 10000; i++) {
        ez_buffer_add_u8(&buffer, (uint8_t)(i * 7));
    }
    cr_assert(buffer.size == 10000 && buffer.capacity >= 10000);
    for (unsigned i = 0; i < 10000; i++) {
        cr_assert(buffer.data[i] == (uint8_t)(i * 7), "byte %u", i);
    }
    ez_buffer_clear(&buffer);
    cr_expect(buffer.data == NULL && buffer.size == 0 && buffer.capacity == 0);
}

Test(buffer, reserving_does_not_add)
{
    ez_buffer buffer = {0};
    uint8_t *room = ez_buffer_reserve(&buffer, 1000);
    memset(room, 7, 1000);
    cr_expect(buffer.size == 0 && buffer.capacity >= 1000);
    buffer.size = 1000;
    cr_expect(ez_buffer_reserve(&buffer, 0) == buffer.data + 1000);
    cr_expect(buffer.data[999] == 7);
    ez_buffer_clear(&buffer);
}

Test(buffer, adding_nothing_is_fine)
{
    ez_buffer buffer = {0};
    ez_buffer_add(&buffer, NULL, 0);
    ez_buffer_add_text(&buffer, "");
    ez_buffer_printf(&buffer, "%s", "");
    cr_expect(buffer.size == 0);
    ez_buffer_clear(&buffer);
}

Test(buffer, formats_text_of_any_length_without_its_zero)
{
    char text[301];
    memset(text, 'x', 300);
    text[300] = '\0';
    ez_buffer buffer = {0};
    ez_buffer_add_text(&buffer, "a=");
    ez_buffer_printf(&buffer, "%d%s", -7, text);
    ez_buffer_add_text(&buffer, "!");
    cr_assert(buffer.size == 2 + 2 + 300 + 1);
    cr_expect(memcmp(buffer.data, "a=-7xxx", 7) == 0);
    cr_expect(buffer.data[304] == '!');
    ez_buffer_clear(&buffer);
}

Test(buffer, decimals_are_those_of_printf)
{
    static const uint64_t values[] = {0,
                                      1,
                                      9,
                                      10,
                                      99,
                                      100,
                                      4294967295,
                                      4294967296,
                                      9007199254740991,
                                      9999999999999999999u,
                                      10000000000000000000u,
                                      UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[24];
        int size = snprintf(text, sizeof text, "%llu", (unsigned long long)values[i]);
        ez_buffer buffer = {0};
        ez_buffer_add_decimal(&buffer, values[i]);
        cr_assert(buffer.size == (size_t)size, "%s", text);
        cr_expect(memcmp(buffer.data, text, buffer.size) == 0, "%s", text);
        ez_buffer_clear(&buffer);
    }
}

Test(buffer, an_impossible_size_is_our_bug, .signal = SIGABRT)
{
    ez_buffer buffer = {0};
    ez_buffer_add_u8(&buffer, 1);
    (void)ez_buffer_reserve(&buffer, SIZE_MAX);
}
