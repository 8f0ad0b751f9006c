#include "ezp2p/crypto/key_file.h"

#include <criterion/criterion.h>
#include <string.h>

#define LINE "ezp2p-secret-key-1 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n"

static const uint8_t seed[EZ_SEED_BYTES] = {
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};

static const uint8_t zeroes[EZ_SEED_BYTES];

Test(key_file, is_one_line)
{
    char text[EZ_KEY_FILE_BYTES + 1];
    ez_key_file_format(text, seed);
    cr_expect_str_eq(text, LINE);
    cr_expect(strlen(text) == EZ_KEY_FILE_BYTES);
}

Test(key_file, reads_what_it_wrote)
{
    uint8_t out[EZ_SEED_BYTES];
    cr_expect(ez_key_file_parse(out, LINE, EZ_KEY_FILE_BYTES) == EZ_OK);
    cr_expect(memcmp(out, seed, sizeof seed) == 0);
}

Test(key_file, a_missing_final_newline_is_forgiven)
{
    uint8_t out[EZ_SEED_BYTES];
    cr_expect(ez_key_file_parse(out, LINE, EZ_KEY_FILE_BYTES - 1) == EZ_OK);
    cr_expect(memcmp(out, seed, sizeof seed) == 0);
}

static void expect_refused(const char *text, size_t size, const char *why)
{
    uint8_t out[EZ_SEED_BYTES];
    memset(out, 7, sizeof out);
    cr_expect(ez_key_file_parse(out, text, size) == EZ_ERR_MALFORMED, "%s", why);
    cr_expect(memcmp(out, zeroes, sizeof out) == 0, "%s: nothing of a key may stay behind", why);
}

Test(key_file, any_changed_character_is_refused)
{
    for (size_t at = 0; at < EZ_KEY_FILE_BYTES; at++) {
        char text[] = LINE;
        text[at] = 'x';
        expect_refused(text, EZ_KEY_FILE_BYTES, text);
        text[at] = '\0';
        expect_refused(text, EZ_KEY_FILE_BYTES, text);
    }
}

Test(key_file, any_other_length_is_refused)
{
    for (size_t size = 0; size < EZ_KEY_FILE_BYTES - 1; size++) {
        expect_refused(LINE, size, "cut short");
    }
    expect_refused(LINE "\n", EZ_KEY_FILE_BYTES + 1, "two newlines");
    expect_refused(LINE "0", EZ_KEY_FILE_BYTES + 1, "one digit more");
    expect_refused(NULL, 0, "empty");
}

Test(key_file, other_spellings_are_refused)
{
    static const char *const bad[] = {
        "ezp2p-secret-key-1 9D61B19DEFFD5A60BA844AF492EC2CC44449C5697B326919703BAC031CAE7F60\n",
        "ezp2p-secret-key-2 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n",
        "EZP2P-secret-key-1 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n",
        "ezp2p-secret-key-1\t9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n",
        " ezp2p-secret-key-1 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f6\n",
        "ezp2p-secret-key-1 9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\r",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert(strlen(bad[i]) == EZ_KEY_FILE_BYTES);
        expect_refused(bad[i], EZ_KEY_FILE_BYTES, bad[i]);
    }
}
