#include "chunked_internal.h"

#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Decode `text`, fed in pieces of `step` bytes; the body and how many bytes were used. */
static ez_chunked_result decode(ez_buffer *body, const char *text, size_t size, size_t step,
                                size_t body_max, size_t *used_all)
{
    ez_chunked chunked = {.left = 0};
    ez_chunked_result result = EZ_CHUNKED_MORE;
    *used_all = 0;
    while (*used_all < size && result == EZ_CHUNKED_MORE) {
        size_t used = 0, left = size - *used_all;
        result = ez_chunked_feed(&chunked, body, body_max, text + *used_all,
                                 left < step ? left : step, &used);
        *used_all += used;
    }
    return result;
}

static ez_chunked_result result_of(const char *text)
{
    ez_buffer body = {NULL, 0, 0};
    size_t used = 0;
    ez_chunked_result result = decode(&body, text, strlen(text), 1000, 1000, &used);
    ez_buffer_clear(&body);
    return result;
}

Test(chunked, body_is_the_same_however_it_is_cut)
{
    static const char text[] = "5\r\nhello\r\n6;name=\"v\"\r\n world\r\n0\r\nT: x\r\n\r\nGET";
    for (size_t step = 1; step <= sizeof text; step++) {
        ez_buffer body = {NULL, 0, 0};
        size_t used = 0;
        cr_assert_eq(decode(&body, text, sizeof text - 1, step, 1000, &used), EZ_CHUNKED_DONE);
        cr_assert_eq(body.size, 11);
        cr_assert_eq(memcmp(body.data, "hello world", 11), 0);
        cr_assert_eq(used, sizeof text - 4, "bytes of the next request were taken");
        ez_buffer_clear(&body);
    }
}

Test(chunked, sizes_are_hex_of_either_case)
{
    ez_buffer body = {NULL, 0, 0};
    size_t used = 0;
    static const char text[] = "A\r\n0123456789\r\na\r\n0123456789\r\n00\r\n\r\n";
    cr_assert_eq(decode(&body, text, sizeof text - 1, 7, 1000, &used), EZ_CHUNKED_DONE);
    cr_assert_eq(body.size, 20);
    ez_buffer_clear(&body);
}

Test(chunked, zeros_before_a_size_say_nothing)
{
    ez_buffer body = {NULL, 0, 0};
    size_t used = 0;
    static const char text[] = "0000000000000005\r\nhello\r\n0000000000\r\n\r\n";
    cr_assert_eq(decode(&body, text, sizeof text - 1, 7, 1000, &used), EZ_CHUNKED_DONE);
    cr_assert_eq(body.size, 5);
    ez_buffer_clear(&body);
    cr_assert_eq(result_of("00000000fffffff\r\n"), EZ_CHUNKED_TOO_LARGE);
    cr_assert_eq(result_of("0000000ffffffff\r\n"), EZ_CHUNKED_TOO_LARGE);
}

Test(chunked, unclear_framing_is_malformed)
{
    static const char *const texts[] = {
        "\r\n",         "g\r\n",    " 5\r\nhello\r\n",  "5 \r\nhello\r\n", "+5\r\nhello\r\n",
        "0x5\r\nhello", "5\nhello", "5\r\nhelloo\r\n",  "5\r\nhello\n",    "5\r\nhello\rx",
        "5;\x01\r\n",   "0\r\n\n",  "0\r\nT: \x01\r\n", "0\r\nT: x\n",     "0\r\n\rx",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_eq(result_of(texts[i]), EZ_CHUNKED_MALFORMED, "text %zu", i);
    }
}

Test(chunked, body_may_have_its_maximum_and_no_byte_more)
{
    static const char fits[] = "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n";
    ez_buffer body = {NULL, 0, 0};
    size_t used = 0;
    cr_assert_eq(decode(&body, fits, sizeof fits - 1, 4, 8, &used), EZ_CHUNKED_DONE);
    ez_buffer_clear(&body);
    cr_assert_eq(decode(&body, fits, sizeof fits - 1, 4, 7, &used), EZ_CHUNKED_TOO_LARGE);
    cr_assert_eq(body.size, 5, "nothing of the chunk that does not fit is kept");
    ez_buffer_clear(&body);
}

Test(chunked, huge_size_neither_wraps_nor_waits)
{
    cr_assert_eq(result_of("fffffff\r\n"), EZ_CHUNKED_TOO_LARGE);
    cr_assert_eq(result_of("10000000000000005\r\n"), EZ_CHUNKED_TOO_LARGE);
    cr_assert_eq(result_of("10000005\r\nhello\r\n0\r\n\r\n"), EZ_CHUNKED_TOO_LARGE);
}

static ez_chunked_result with_extension(size_t size)
{
    char text[EZ_HTTP_CHUNK_LINE_BYTES_MAX + 64] = "1";
    memset(text + 1, ';', size - 2);
    memcpy(text + size - 1, "\r\nx\r\n0\r\n\r\n", 11);
    return result_of(text);
}

Test(chunked, size_line_is_bounded)
{
    cr_assert_eq(with_extension(EZ_HTTP_CHUNK_LINE_BYTES_MAX), EZ_CHUNKED_DONE);
    cr_assert_eq(with_extension(EZ_HTTP_CHUNK_LINE_BYTES_MAX + 1), EZ_CHUNKED_MALFORMED);
}

static ez_chunked_result with_trailer(size_t size)
{
    char text[EZ_HTTP_TRAILER_BYTES_MAX + 64] = "0\r\n";
    memset(text + 3, 'x', size);
    memcpy(text + 3 + size, "\r\n\r\n", 5);
    return result_of(text);
}

Test(chunked, trailers_are_bounded)
{
    /* The two carriage returns behind the text count as well. */
    cr_assert_eq(with_trailer(EZ_HTTP_TRAILER_BYTES_MAX - 2), EZ_CHUNKED_DONE);
    cr_assert_eq(with_trailer(EZ_HTTP_TRAILER_BYTES_MAX - 1), EZ_CHUNKED_MALFORMED);
}
