#include "ezp2p/chain/address.h"

#include "support_vectors.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

Test(address, keys_and_texts_match_the_vectors_both_ways)
{
    vector_file vectors;

    vector_open(&vectors, "address.txt");
    while (vector_next(&vectors, "address")) {
        const char *text = vector_text(&vectors, "text");
        ez_public_key key;
        ez_public_key parsed;
        vector_copy(key.bytes, sizeof key.bytes, &vectors, "key");
        cr_expect_str_eq(ez_address_text(&key).text, text);
        cr_assert(ez_address_parse(&parsed, text), "%s", text);
        cr_expect(ez_public_key_is_equal(&parsed, &key));
    }
}

Test(address, all_upper_case_is_the_same_address)
{
    ez_public_key key = {{1, 2, 3}};
    ez_public_key parsed;
    ez_address_string text = ez_address_text(&key);

    for (char *c = text.text; *c != '\0'; c++) {
        *c = (char)toupper((unsigned char)*c);
    }
    cr_assert(ez_address_parse(&parsed, text.text));
    cr_expect(ez_public_key_is_equal(&parsed, &key));
}

Test(address, refused_texts_leave_the_output_alone)
{
    vector_file vectors;

    vector_open(&vectors, "address.txt");
    while (vector_next(&vectors, "refused")) {
        ez_public_key before;
        ez_public_key key;
        memset(&before, 0x5a, sizeof before);
        key = before;
        cr_expect_not(ez_address_parse(&key, vector_text(&vectors, "text")));
        cr_expect(ez_public_key_is_equal(&key, &before));
    }
    ez_public_key key;
    cr_expect_not(ez_address_parse(&key, ""));
}

Test(address, every_single_wrong_character_is_found)
{
    ez_public_key key = {{7, 7, 7}};
    ez_address_string right = ez_address_text(&key);

    for (size_t i = 3; i < EZ_ADDRESS_TEXT_BYTES - 1; i++) {
        ez_address_string wrong = right;
        ez_public_key parsed;
        wrong.text[i] = right.text[i] == 'q' ? 'p' : 'q';
        cr_expect_not(ez_address_parse(&parsed, wrong.text), "%s", wrong.text);
    }
}

Test(address, ez1_in_any_case_claims_to_be_one)
{
    cr_expect(ez_address_is_claimed("ez1", 3));
    cr_expect(ez_address_is_claimed("EZ1", 3));
    cr_expect(ez_address_is_claimed("eZ1", 3));
    cr_expect(ez_address_is_claimed("Ez1abc", 6));
}

Test(address, anything_else_does_not)
{
    cr_expect_not(ez_address_is_claimed("ez1", 2)); /* cut before the 1 */
    cr_expect_not(ez_address_is_claimed("", 0));
    cr_expect_not(ez_address_is_claimed("ez2", 3));
    cr_expect_not(ez_address_is_claimed(" ez1", 4));
    cr_expect_not(ez_address_is_claimed("e\x1a\x31", 3)); /* 'Z' without its bit 6 */
    cr_expect_not(ez_address_is_claimed("\xc5z1", 3));    /* 'E' with bit 7 */
    cr_expect_not(ez_address_is_claimed("ez\x11", 3));    /* '1' without bit 5 */
}
