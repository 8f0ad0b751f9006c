#include "target_internal.h"

#include <criterion/criterion.h>
#include <string.h>

static ez_span span(const char *text)
{
    return (ez_span){text, strlen(text)};
}

Test(target, path_is_cut_before_it_is_decoded)
{
    ez_path path;
    cr_assert_eq(ez_path_decode(&path, span("/v1/bl%6fcks/%2f%2E")), EZ_DECODED);
    cr_assert_eq(path.count, 3);
    cr_assert_str_eq(path.segments[0], "v1");
    cr_assert_str_eq(path.segments[1], "blocks");
    cr_assert_str_eq(path.segments[2], "/.");
}

Test(target, root_is_one_empty_segment_and_a_final_slash_another)
{
    ez_path path;
    cr_assert_eq(ez_path_decode(&path, span("/")), EZ_DECODED);
    cr_assert_eq(path.count, 1);
    cr_assert_str_eq(path.segments[0], "");
    cr_assert_eq(ez_path_decode(&path, span("/chain/")), EZ_DECODED);
    cr_assert_eq(path.count, 2);
}

Test(target, plus_is_itself_in_a_path_and_a_space_in_a_query)
{
    ez_path path;
    ez_query query;
    cr_assert_eq(ez_path_decode(&path, span("/a+b")), EZ_DECODED);
    cr_assert_str_eq(path.segments[0], "a+b");
    cr_assert_eq(ez_query_decode(&query, span("a=b+c%2B")), EZ_DECODED);
    cr_assert_str_eq(ez_query_get(&query, "a"), "b c+");
}

Test(target, broken_escapes_and_control_characters_are_malformed)
{
    static const char *const paths[] = {"/%",   "/%4",  "/%4g", "/%g4", "/%00",
                                        "/%0a", "/%7f", "a",    ""};
    ez_path path;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        cr_assert_eq(ez_path_decode(&path, span(paths[i])), EZ_DECODED_MALFORMED, "%s", paths[i]);
    }
    ez_query query;
    cr_assert_eq(ez_query_decode(&query, span("a=%")), EZ_DECODED_MALFORMED);
    cr_assert_eq(ez_query_decode(&query, span("a=%00")), EZ_DECODED_MALFORMED);
}

Test(target, segments_are_bounded)
{
    ez_path path;
    cr_assert_eq(ez_path_decode(&path, span("/1/2/3/4/5/6/7/8")), EZ_DECODED);
    cr_assert_eq(path.count, EZ_PATH_SEGMENTS_MAX);
    cr_assert_eq(ez_path_decode(&path, span("/1/2/3/4/5/6/7/8/9")), EZ_DECODED_TOO_LONG);
}

Test(target, path_bytes_are_bounded)
{
    char text[EZ_HTTP_PATH_BYTES_MAX + 2];
    memset(text, 'a', sizeof text);
    text[0] = '/';
    ez_path path;
    cr_assert_eq(ez_path_decode(&path, (ez_span){text, EZ_HTTP_PATH_BYTES_MAX}), EZ_DECODED);
    cr_assert_eq(ez_path_decode(&path, (ez_span){text, EZ_HTTP_PATH_BYTES_MAX + 1}),
                 EZ_DECODED_TOO_LONG);
}

Test(target, query_without_pairs_has_none)
{
    ez_query query;
    cr_assert_eq(ez_query_decode(&query, (ez_span){NULL, 0}), EZ_DECODED);
    cr_assert_eq(query.count, 0);
    cr_assert_eq(ez_query_decode(&query, span("&&")), EZ_DECODED);
    cr_assert_eq(query.count, 0);
    cr_assert_null(ez_query_get(&query, "a"));
}

Test(target, name_without_a_value_is_empty)
{
    ez_query query;
    cr_assert_eq(ez_query_decode(&query, span("a&b=&c==d")), EZ_DECODED);
    cr_assert_str_eq(ez_query_get(&query, "a"), "");
    cr_assert_str_eq(ez_query_get(&query, "b"), "");
    cr_assert_str_eq(ez_query_get(&query, "c"), "=d");
}

Test(target, name_that_stands_twice_is_malformed)
{
    ez_query query;
    cr_assert_eq(ez_query_decode(&query, span("a=1&b=2&a=1")), EZ_DECODED_MALFORMED);
    cr_assert_eq(ez_query_decode(&query, span("a=1&%61=1")), EZ_DECODED_MALFORMED);
}

Test(target, pairs_are_bounded)
{
    static const char text[] = "a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=&l=&m=&n=&o=&p=";
    static const char more[] = "a=&b=&c=&d=&e=&f=&g=&h=&i=&j=&k=&l=&m=&n=&o=&p=&q=";
    ez_query query;
    cr_assert_eq(ez_query_decode(&query, span(text)), EZ_DECODED);
    cr_assert_eq(query.count, EZ_QUERY_PAIRS_MAX);
    cr_assert_eq(ez_query_decode(&query, span(more)), EZ_DECODED_TOO_LONG);
}

Test(target, numbers_are_digits_and_nothing_else)
{
    uint64_t value = 7;
    cr_assert(ez_u64_parse(&value, "0"));
    cr_assert_eq(value, 0);
    cr_assert(ez_u64_parse(&value, "18446744073709551615"));
    cr_assert_eq(value, UINT64_MAX);
    static const char *const wrong[] = {"",   "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1",
                                        "1.0"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_not(ez_u64_parse(&value, wrong[i]), "%s", wrong[i]);
    }
    cr_assert_eq(value, UINT64_MAX, "a failure leaves it alone");
}
