#include "ezp2p/crypto/bech32.h"

#include "ezp2p/base/text.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#define COUNT(array)   (sizeof(array) / sizeof *(array))
#define DATA_BYTES_MAX 51 /* 90 characters less "x1" and the checksum: 82 groups of five bits */

#define KEY_HEX  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define KEY_TEXT "ez16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydqmyjgsa"

/* BIP-350's valid strings that hold whole bytes. */
static const struct {
    const char *text, *hrp, *hex;
} valid[] = {
    {"A1LQFN3A", "a", ""},
    {"a1lqfn3a", "a", ""},
    {"an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
     "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber1", ""},
    {"abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", "abcdef",
     "ffbbcdeb38bdab49ca307b9ac5a928398a418820"},
    {"split1checkupstagehandshakeupstreamerranterredcaperredlc445v", "split",
     "c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d"},
    {"?1v759aa", "?", ""},
    {KEY_TEXT, "ez", KEY_HEX},
};

Test(bech32, reads_the_valid_strings_of_bip_350)
{
    for (size_t i = 0; i < COUNT(valid); i++) {
        size_t size = strlen(valid[i].hex) / 2;
        uint8_t data[DATA_BYTES_MAX];
        char hex[2 * DATA_BYTES_MAX + 1];
        cr_assert(ez_bech32_decode(data, size, valid[i].hrp, valid[i].text), "%s", valid[i].text);
        ez_hex_encode(hex, data, size);
        cr_expect_str_eq(hex, valid[i].hex);
    }
}

Test(bech32, writes_them_in_lower_case)
{
    for (size_t i = 1; i < COUNT(valid); i++) {
        size_t size = strlen(valid[i].hex) / 2;
        uint8_t data[DATA_BYTES_MAX];
        char text[EZ_BECH32_TEXT_BYTES_MAX];
        cr_assert(ez_hex_decode(data, size, valid[i].hex));
        cr_assert(ez_bech32_encode(text, valid[i].hrp, data, size));
        cr_expect_str_eq(text, valid[i].text);
    }
}

static bool decodes_at_any_size(const char *hrp, const char *text)
{
    uint8_t data[DATA_BYTES_MAX + 1];
    for (size_t size = 0; size <= sizeof data; size++) {
        if (ez_bech32_decode(data, size, hrp, text)) {
            return true;
        }
    }
    return false;
}

/* BIP-350's invalid strings; those without a usable human-readable part get the nearest one. */
Test(bech32, refuses_the_invalid_strings_of_bip_350)
{
    static const struct {
        const char *text, *hrp;
    } invalid[] = {
        {" 1xj0phk", "x"},
        {"\x7f"
         "1g6xzxy",
         "g"},
        {"\x80"
         "1vctc34",
         "v"},
        {"an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6"
         "pts4",
         "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber1"},
        {"qyrz8wqd2c9m", "q"},
        {"1qyrz8wqd2c9m", "1"},
        {"y1b0jsk6g", "y"},
        {"lt1igcx5c0", "lt"},
        {"in1muywd", "in"},
        {"mm1crxm3i", "mm"},
        {"au1s5cgom", "au"},
        {"M1VUXWEZ", "m"},
        {"16plkw9", "1"},
        {"1p2gdwpf", "1"},
    };
    for (size_t i = 0; i < COUNT(invalid); i++) {
        cr_expect(!decodes_at_any_size(invalid[i].hrp, invalid[i].text), "%s", invalid[i].text);
    }
}

/* The last vector fills 90 characters with ones: 410 bits, two of them left over. */
Test(bech32, refuses_padding_that_is_not_zero)
{
    static const char *const bad[] = {
        "ez16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydpxjxad0",
        "ez16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydg9skywq",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        cr_expect(!decodes_at_any_size("ez", bad[i]), "%s", bad[i]);
    }
    cr_expect(!decodes_at_any_size("1", "11lllllllllllllllllllllllllllllllllllllllll"
                                        "lllllllllllllllllllllllllllllllllllllllllludsr8"));
}

Test(bech32, refuses_the_checksum_of_plain_bech32)
{
    cr_expect(!decodes_at_any_size(
        "ez", "ez16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydqwczy4l"));
}

Test(bech32, the_size_must_be_exactly_right)
{
    uint8_t data[64] = {7};
    cr_expect(ez_bech32_decode(data, 32, "ez", KEY_TEXT));
    data[0] = 7;
    for (size_t size = 0; size < sizeof data; size++) {
        cr_expect(ez_bech32_decode(data, size, "ez", KEY_TEXT) == (size == 32), "%zu bytes", size);
    }
    cr_expect(!ez_bech32_decode(data, SIZE_MAX, "ez", KEY_TEXT));
    cr_expect(!ez_bech32_decode(data, 32, "ez",
                                "ez16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ydqq09nsef"));
    cr_expect(!ez_bech32_decode(data, 32, "ez",
                                "ez16adfsqvzky9t042tlmfujeq88g8wzuhnm2nzxfd0qgdx3ac82ygmeckf"));
}

Test(bech32, another_prefix_is_refused)
{
    uint8_t data[32];
    cr_expect(!ez_bech32_decode(data, 32, "e", KEY_TEXT));
    cr_expect(!ez_bech32_decode(data, 32, "ez1", KEY_TEXT));
    cr_expect(!ez_bech32_decode(data, 32, "bc", KEY_TEXT));
    cr_expect(!ez_bech32_decode(data, 32, "ez", ""));
    cr_expect(!ez_bech32_decode(data, 32, "ez", "ez"));
    cr_expect(!ez_bech32_decode(data, 32, "ez", "ez1"));
}

Test(bech32, cases_may_not_be_mixed)
{
    uint8_t data[32];
    char text[] = KEY_TEXT;
    for (size_t i = 0; text[i] != '\0'; i++) {
        text[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];
    }
    cr_expect(ez_bech32_decode(data, 32, "ez", text));
    text[0] = 'e';
    cr_expect(!ez_bech32_decode(data, 32, "ez", text));
}

/* BIP-350 promises up to four; one is what a test can exhaust. */
Test(bech32, any_one_wrong_character_is_found)
{
    uint8_t data[32];
    memset(data, 7, sizeof data);
    for (size_t at = 0; at < sizeof KEY_TEXT - 1; at++) {
        for (char c = 33; c <= 126; c++) {
            char text[] = KEY_TEXT;
            if (c == text[at]) {
                continue;
            }
            text[at] = c;
            cr_expect(!ez_bech32_decode(data, 32, "ez", text), "%s", text);
        }
    }
    for (size_t i = 0; i < sizeof data; i++) {
        cr_assert(data[i] == 7, "a failure must leave the output alone");
    }
}

Test(bech32, every_size_that_fits_comes_back)
{
    uint8_t data[DATA_BYTES_MAX + 1];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(0xff - i * 37);
    }
    for (size_t size = 0; size <= DATA_BYTES_MAX; size++) {
        char text[EZ_BECH32_TEXT_BYTES_MAX];
        uint8_t back[DATA_BYTES_MAX];
        cr_assert(ez_bech32_encode(text, "x", data, size), "%zu bytes", size);
        cr_assert(ez_bech32_decode(back, size, "x", text), "%zu bytes", size);
        cr_expect(memcmp(back, data, size) == 0, "%zu bytes", size);
    }
}

Test(bech32, a_text_has_at_most_90_characters)
{
    static const uint8_t data[64];
    char text[EZ_BECH32_TEXT_BYTES_MAX];
    cr_expect(ez_bech32_encode(text, "x", data, DATA_BYTES_MAX));
    cr_expect(strlen(text) == EZ_BECH32_TEXT_BYTES_MAX - 1);
    cr_expect(!ez_bech32_encode(text, "xy", data, DATA_BYTES_MAX));
    cr_expect_str_eq(text, "");
    cr_expect(!ez_bech32_encode(text, "x", data, DATA_BYTES_MAX + 1));
    cr_expect(!ez_bech32_encode(text, "x", data, SIZE_MAX));
    /* 83 characters is the longest human-readable part, 84 the first too long. */
    char hrp[85];
    memset(hrp, 'a', sizeof hrp);
    hrp[84] = '\0';
    cr_expect(!ez_bech32_encode(text, hrp, data, 0));
    hrp[83] = '\0';
    cr_expect(ez_bech32_encode(text, hrp, data, 0));
}

Test(bech32, an_upper_case_prefix_is_our_bug, .signal = SIGABRT)
{
    uint8_t data[32];
    (void)ez_bech32_decode(data, 32, "EZ", KEY_TEXT);
}

Test(bech32, an_empty_prefix_is_our_bug, .signal = SIGABRT)
{
    char text[EZ_BECH32_TEXT_BYTES_MAX];
    (void)ez_bech32_encode(text, "", "", 0);
}
