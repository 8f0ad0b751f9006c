#include "json_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/types.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void expect(ez_json_writer *writer, const char *text)
{
    cr_assert_eq(writer->depth, 0);
    cr_assert_eq(writer->out.size, strlen(text), "%.*s", (int)writer->out.size,
                 (const char *)writer->out.data);
    cr_assert_eq(memcmp(writer->out.data, text, writer->out.size), 0, "%.*s", (int)writer->out.size,
                 (const char *)writer->out.data);
    ez_buffer_clear(&writer->out);
}

Test(json, documents_are_compact)
{
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_begin_list(&writer, "a");
    ez_json_u64(&writer, NULL, 18446744073709551615u);
    ez_json_null(&writer, NULL);
    ez_json_begin_object(&writer, NULL);
    ez_json_bool(&writer, "x", true);
    ez_json_bool(&writer, "y", false);
    ez_json_end_object(&writer);
    ez_json_begin_list(&writer, NULL);
    ez_json_end_list(&writer);
    ez_json_end_list(&writer);
    ez_json_hex(&writer, "b", "\x00\xff", 2);
    ez_json_end_object(&writer);
    expect(&writer, "{\"a\":[18446744073709551615,null,{\"x\":true,\"y\":false},[]],"
                    "\"b\":\"00ff\"}");
}

Test(json, text_is_ascii_with_lower_case_escapes)
{
    ez_json_writer writer = {.depth = 0};
    ez_json_text(&writer, NULL, "a\"\\\xc3\xa9\xf0\x9f\x98\x80");
    expect(&writer, "\"a\\\"\\\\\\u00e9\\ud83d\\ude00\"");
}

Test(json, keys_out_of_order_are_our_bug, .signal = SIGABRT)
{
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_null(&writer, "b");
    ez_json_null(&writer, "a");
}

Test(json, key_that_stands_twice_is_our_bug, .signal = SIGABRT)
{
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_null(&writer, "a");
    ez_json_null(&writer, "a");
}

static ez_amount_verdict amount(uint64_t *out, const char *text)
{
    char error[256];
    json_t *root = ez_json_parse(text, strlen(text), error, sizeof error);
    cr_assert_not_null(root, "%s: %s", text, error);
    ez_amount_verdict verdict = ez_json_amount(out, root);
    json_decref(root);
    return verdict;
}

static void expect_amount(const char *text, uint64_t value)
{
    uint64_t out = 77;
    cr_assert_eq(amount(&out, text), EZ_AMOUNT_OK, "%s", text);
    cr_assert_eq(out, value, "%s", text);
}

Test(json, amount_is_a_whole_number_in_any_spelling)
{
    expect_amount("0", 0);
    expect_amount("-0", 0);
    expect_amount("-0.0", 0);
    expect_amount("5", 5);
    expect_amount("5.0", 5);
    expect_amount("5e0", 5);
    expect_amount("1.5e1", 15);
    expect_amount("9007199254740991", EZ_AMOUNT_MAX);
    expect_amount("9007199254740991.0", EZ_AMOUNT_MAX);
}

Test(json, amount_ends_at_its_maximum)
{
    uint64_t out = 77;
    cr_assert_eq(amount(&out, "9007199254740992"), EZ_AMOUNT_OUT_OF_RANGE);
    cr_assert_eq(amount(&out, "9007199254740992.0"), EZ_AMOUNT_OUT_OF_RANGE);
    cr_assert_eq(amount(&out, "1e300"), EZ_AMOUNT_OUT_OF_RANGE);
    cr_assert_eq(amount(&out, "9223372036854775807"), EZ_AMOUNT_OUT_OF_RANGE);
    cr_assert_eq(amount(&out, "-1"), EZ_AMOUNT_OUT_OF_RANGE);
    cr_assert_eq(amount(&out, "-0.5"), EZ_AMOUNT_OUT_OF_RANGE);
    cr_assert_eq(amount(&out, "0.5"), EZ_AMOUNT_NOT_WHOLE);
    cr_assert_eq(amount(&out, "1e-300"), EZ_AMOUNT_NOT_WHOLE);
    cr_assert_eq(out, 77);
}

Test(json, other_values_are_no_amount)
{
    static const char *const texts[] = {"true", "false", "null", "\"5\"", "[5]", "{}"};
    uint64_t out = 77;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_eq(amount(&out, texts[i]), EZ_AMOUNT_NOT_A_NUMBER, "%s", texts[i]);
    }
}

Test(json, what_is_not_json_is_refused_with_a_reason)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "{}{}",
                                        "NaN",
                                        "Infinity",
                                        "{\"a\":1,\"a\":2}",
                                        "\"\\u0000\"",
                                        "\"\xff\"",
                                        "1e999",
                                        "99999999999999999999",
                                        "'a'",
                                        "{a:1}",
                                        "[1,]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char error[256] = "";
        cr_assert_null(ez_json_parse(texts[i], strlen(texts[i]), error, sizeof error), "%s",
                       texts[i]);
        cr_assert_neq(error[0], '\0');
    }
}

/* "[0,0,…]" with `count` values: the list and its items. */
static json_t *parse_list(size_t count)
{
    size_t size = 2 * count - 1;
    char *text = ez_alloc(size, 1);
    for (size_t i = 0; i < size; i++) {
        text[i] = i % 2 == 1 ? '0' : ',';
    }
    text[0] = '[';
    text[size - 1] = ']';
    char error[256];
    json_t *root = ez_json_parse(text, size, error, sizeof error);
    free(text);
    return root;
}

Test(json, values_are_counted_before_they_are_unpacked)
{
    /* A list of n items has one bracket and n - 1 commas, and the document counts as one. */
    json_t *root = parse_list(EZ_HTTP_JSON_ITEMS_MAX);
    cr_assert_not_null(root);
    json_decref(root);
    cr_assert_null(parse_list(EZ_HTTP_JSON_ITEMS_MAX + 1));
}

/* `count` bytes of `filler` between the two halves of a text. */
static json_t *parse_filled(const char *before, char filler, size_t count, const char *after)
{
    ez_buffer text = {NULL, 0, 0};
    char error[512] = "";
    ez_buffer_add_text(&text, before);
    memset(ez_buffer_reserve(&text, count), filler, count);
    text.size += count;
    ez_buffer_add_text(&text, after);
    json_t *root = ez_json_parse(text.data, text.size, error, sizeof error);
    cr_assert(root != NULL || error[0] != '\0');
    ez_buffer_clear(&text);
    return root;
}

Test(json, text_is_bounded_and_white_space_is_not)
{
    json_t *root = parse_filled("[\"", 'x', EZ_HTTP_JSON_BYTES_MAX - 4, "\"]");
    cr_assert_eq(json_string_length(json_array_get(root, 0)), EZ_HTTP_JSON_BYTES_MAX - 4);
    json_decref(root);
    cr_assert_null(parse_filled("[\"", 'x', EZ_HTTP_JSON_BYTES_MAX - 3, "\"]"));
    cr_assert_null(parse_filled("[\"", ' ', EZ_HTTP_JSON_BYTES_MAX - 3, "\"]"), "it is text here");
    root = parse_filled("{\"a b\\\" \":", ' ', 1000000, "12}");
    cr_assert_eq(json_integer_value(json_object_get(root, "a b\" ")), 12);
    json_decref(root);
}

Test(json, white_space_that_is_left_out_still_parts_what_it_parted)
{
    static const char fillers[] = " \t\r\n";
    for (size_t i = 0; i < sizeof fillers - 1; i++) {
        cr_assert_null(parse_filled("[1", fillers[i], 1000000, "2]"));
        cr_assert_null(parse_filled("[tr", fillers[i], 1000000, "ue]"));
        json_t *root = parse_filled("[\"a  b\",", fillers[i], 1000000, "2]");
        cr_assert_str_eq(json_string_value(json_array_get(root, 0)), "a  b");
        json_decref(root);
    }
}

Test(json, brackets_in_strings_do_not_count)
{
    static char text[EZ_HTTP_JSON_ITEMS_MAX * 2];
    memset(text, '[', sizeof text);
    text[0] = '"';
    memcpy(text + 1, "\\\"", 2);
    text[sizeof text - 1] = '"';
    char error[256];
    json_t *root = ez_json_parse(text, sizeof text, error, sizeof error);
    cr_assert_not_null(root, "%s", error);
    json_decref(root);
}

Test(json, deep_nesting_is_refused)
{
    static char text[8000];
    memset(text, '[', 4000);
    memset(text + 4000, ']', 4000);
    char error[256];
    cr_assert_null(ez_json_parse(text, sizeof text, error, sizeof error));
}
