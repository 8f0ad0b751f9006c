#include "ezp2p/base/text.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

/* A literal with its size, so that zero bytes can stand inside. */
typedef struct sample {
    const char *bytes;
    size_t size;
} sample;
#define SAMPLE(literal)                                                                            \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define COUNT(array) (sizeof(array) / sizeof *(array))

Test(hex, writes_lower_case)
{
    char text[9];
    ez_hex_encode(text, "\x00\x9f\xa0\xff", 4);
    cr_expect_str_eq(text, "009fa0ff");
    ez_hex_encode(text, NULL, 0);
    cr_expect_str_eq(text, "");
}

Test(hex, reads_either_case)
{
    uint8_t bytes[4];
    cr_expect(ez_hex_decode(bytes, 4, "009FaAff"));
    cr_expect(memcmp(bytes, "\x00\x9f\xaa\xff", 4) == 0);
    cr_expect(ez_hex_decode(bytes, 0, ""));
}

Test(hex, refuses_other_lengths_and_characters)
{
    static const char *const bad[] = {"",     "0",    "00",   "000",  "00000", "000000",
                                      "00g0", "0x00", " 000", "000 ", "+000",  "00-0",
                                      "00/0", "00:0", "00@0", "00`0", "000\n", "00\xffz"};
    uint8_t out[2] = {7, 7};
    for (size_t i = 0; i < COUNT(bad); i++) {
        cr_expect(!ez_hex_decode(out, 2, bad[i]), "took \"%s\"", bad[i]);
    }
    cr_expect(out[0] == 7 && out[1] == 7, "a failure must leave the output alone");
}

Test(hex, hash_text_is_64_digits)
{
    uint8_t hash[32] = {0xab};
    hash[31] = 0x01;
    cr_expect_str_eq(ez_hash_text(hash).text,
                     "ab00000000000000000000000000000000000000000000000000000000000001");
}

Test(utf8, takes_what_is_well_formed_and_printable)
{
    static const sample good[] = {
        SAMPLE(""),
        SAMPLE(" ~"),
        SAMPLE("\xc2\xa0"),         /* U+00A0, the first after the C1 controls */
        SAMPLE("\xdf\xbf"),         /* U+07FF */
        SAMPLE("\xe0\xa0\x80"),     /* U+0800 */
        SAMPLE("\xed\x9f\xbf"),     /* U+D7FF, before the surrogates */
        SAMPLE("\xee\x80\x80"),     /* U+E000, after them */
        SAMPLE("\xef\xbf\xbf"),     /* U+FFFF */
        SAMPLE("\xf0\x90\x80\x80"), /* U+10000 */
        SAMPLE("\xf4\x8f\xbf\xbf"), /* U+10FFFF */
        SAMPLE("Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x90\x99"),
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        cr_expect(ez_utf8_is_clean(good[i].bytes, good[i].size), "sample %zu", i);
    }
    cr_expect(ez_utf8_is_clean(NULL, 0));
}

Test(utf8, refuses_overlong_forms)
{
    static const sample bad[] = {
        SAMPLE("\xc0\x80"),         SAMPLE("\xc0\xaf"),
        SAMPLE("\xc1\xbf"),         SAMPLE("\xe0\x80\x80"),
        SAMPLE("\xe0\x9f\xbf"),     SAMPLE("\xf0\x80\x80\x80"),
        SAMPLE("\xf0\x8f\xbf\xbf"), SAMPLE("\xf8\x88\x80\x80\x80"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        cr_expect(!ez_utf8_is_clean(bad[i].bytes, bad[i].size), "sample %zu", i);
    }
}

Test(utf8, refuses_surrogates_and_what_is_over_10ffff)
{
    static const sample bad[] = {
        SAMPLE("\xed\xa0\x80"),
        SAMPLE("\xed\xaf\xbf"),
        SAMPLE("\xed\xb0\x80"),
        SAMPLE("\xed\xbf\xbf"),
        SAMPLE("\xf4\x90\x80\x80"),
        SAMPLE("\xf5\x80\x80\x80"),
        SAMPLE("\xf7\xbf\xbf\xbf"),
        SAMPLE("\xfe"),
        SAMPLE("\xff"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        cr_expect(!ez_utf8_is_clean(bad[i].bytes, bad[i].size), "sample %zu", i);
    }
}

Test(utf8, refuses_broken_sequences)
{
    static const sample bad[] = {
        SAMPLE("\x80"),
        SAMPLE("\xbf"),
        SAMPLE("\xc2"),
        SAMPLE("\xc2"
               "a"),
        SAMPLE("\xe2\x82"),
        SAMPLE("\xe2\x82"
               "a"),
        SAMPLE("\xe2"
               "a\xac"),
        SAMPLE("\xf0\x9f\x90"),
        SAMPLE("\xf0\x9f\x90"
               "a"),
        SAMPLE("ok\xc3"),
        SAMPLE("\xc2\xc2"),
        SAMPLE("a\x80"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        cr_expect(!ez_utf8_is_clean(bad[i].bytes, bad[i].size), "sample %zu", i);
    }
}

/* The size decides, not the bytes that happen to lie behind it. */
Test(utf8, does_not_look_behind_the_end)
{
    cr_expect(ez_utf8_is_clean("\xe2\x82\xac", 3));
    cr_expect(!ez_utf8_is_clean("\xe2\x82\xac", 2));
    cr_expect(!ez_utf8_is_clean("\xe2\x82\xac", 1));
}

Test(utf8, refuses_every_control_character_and_only_those)
{
    for (unsigned point = 0; point < 0x100; point++) {
        char text[2] = {(char)point, 0};
        size_t size = 1;
        if (point >= 0x80) {
            text[0] = (char)(0xc0 | point >> 6);
            text[1] = (char)(0x80 | (point & 0x3f));
            size = 2;
        }
        bool control = point < 0x20 || (point >= 0x7f && point <= 0x9f);
        cr_expect(ez_utf8_is_clean(text, size) == !control, "U+%04X", point);
    }
}

Test(utf8, decodes_point_by_point)
{
    static const uint8_t text[] = "A\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x99";
    static const uint32_t points[] = {'A', 0xfc, 0x20ac, 0x1f419};
    size_t at = 0;
    for (size_t i = 0; i < COUNT(points); i++) {
        cr_expect(ez_utf8_decode(text, sizeof text - 1, &at) == points[i], "point %zu", i);
    }
    cr_expect(at == sizeof text - 1);
}

Test(utf8, decoding_behind_the_end_is_our_bug, .signal = SIGABRT)
{
    size_t at = 1;
    (void)ez_utf8_decode((const uint8_t *)"A", 1, &at);
}

Test(escape, shows_printable_ascii_as_it_is)
{
    char out[16];
    ez_text_escape(out, sizeof out, "a b~!", 5);
    cr_expect_str_eq(out, "a b~!");
}

Test(escape, hides_what_could_break_a_log_line)
{
    char out[64];
    ez_text_escape(out, sizeof out, "\n\"'\\\0\x1b\x7f\xff", 8);
    cr_expect_str_eq(out, "\\x0a\\x22\\x27\\x5c\\x00\\x1b\\x7f\\xff");
}

Test(escape, cuts_only_when_it_must)
{
    char out[9];
    ez_text_escape(out, 9, "12345678", 8);
    cr_expect_str_eq(out, "12345678");
    ez_text_escape(out, 8, "12345678", 8);
    cr_expect_str_eq(out, "1234...");
}

Test(escape, never_cuts_through_an_escape)
{
    /* By the room without the terminating zero; the whole text would take 17. */
    static const char *const want[] = {
        "",
        ".",
        "..",
        "...",
        "a...",
        "a...",
        "a...",
        "a...",
        "a\\x0a...",
        "a\\x0a...",
        "a\\x0a...",
        "a\\x0a...",
        "a\\x0a\\x0b...",
        "a\\x0a\\x0b...",
    };
    for (size_t room = 0; room < COUNT(want); room++) {
        char out[32];
        memset(out, '#', sizeof out);
        ez_text_escape(out, room + 1, "a\n\v\f\f", 5);
        cr_expect_str_eq(out, want[room], "%zu bytes of room: \"%s\"", room, out);
        cr_expect(out[room + 1] == '#', "%zu bytes of room were exceeded", room);
    }
}

Test(escape, no_room_writes_nothing)
{
    char out[1] = {'#'};
    ez_text_escape(out, 0, "abc", 3);
    cr_expect(out[0] == '#');
    ez_text_escape(out, 1, "abc", 3);
    cr_expect(out[0] == '\0');
}
