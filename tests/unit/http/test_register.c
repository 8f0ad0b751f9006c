#include "register_internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static bool entry(ez_register_entry *out, const char *text)
{
    return ez_register_entry_parse(out, text, strlen(text));
}

Test(register, rest_address_is_taken_with_or_without_a_path)
{
    static const char *const texts[] = {"http://10.0.0.1:5000", "HTTP://10.0.0.1:5000/",
                                        "http://10.0.0.1:5000/chain?x=1", "http://10.0.0.1:5000?x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ez_register_entry out;
        cr_assert(entry(&out, texts[i]), "%s", texts[i]);
        cr_assert(out.rest);
        cr_assert_str_eq(out.host, "10.0.0.1");
        cr_assert_eq(out.port, 5000);
        cr_assert_str_eq(out.netloc, "10.0.0.1:5000");
    }
}

Test(register, other_addresses_are_of_the_peer_protocol)
{
    ez_register_entry out;
    cr_assert(entry(&out, "tcp://node.example:7333"));
    cr_assert_not(out.rest);
    cr_assert_str_eq(out.host, "node.example");
    cr_assert(entry(&out, "[::1]:7333"));
    cr_assert_not(out.rest);
    cr_assert_str_eq(out.host, "::1");
    cr_assert_str_eq(out.netloc, "[::1]:7333");
}

Test(register, what_is_no_address_is_refused)
{
    static const char *const texts[] = {"",
                                        "http://",
                                        "http://a",
                                        "http://a:0",
                                        "http://a:65536",
                                        "http://u@a:1",
                                        "https://a:1",
                                        "tcp://a:1/",
                                        "a",
                                        ":1",
                                        "a:1:2",
                                        "a b:1",
                                        "a:1\r\nX: y"};
    ez_register_entry out = {.port = 7};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_not(entry(&out, texts[i]), "%s", texts[i]);
    }
    cr_assert_not(ez_register_entry_parse(&out, "a\0b:1", 5));
    cr_assert_eq(out.port, 7, "a failure leaves it alone");
}

static char host[EZ_HOST_NAME_BYTES_MAX + 1];
static uint16_t port;

static bool answer(const char *p2p)
{
    char text[256];
    int size = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nX: y\r\n\r\n{\"p2p\":%s}\n", p2p);
    return ez_register_answer_parse(host, &port, "asked.example", text, (size_t)size);
}

Test(register, answer_tells_where_the_peer_listens)
{
    cr_assert(answer("\"10.0.0.9:7333\""));
    cr_assert_str_eq(host, "10.0.0.9");
    cr_assert_eq(port, 7333);
    cr_assert(answer("\"[2001:db8::1]:7333\""));
    cr_assert_str_eq(host, "2001:db8::1");
}

Test(register, address_that_means_here_is_the_host_that_was_asked)
{
    static const char *const texts[] = {"\"0.0.0.0:7333\"", "\"[::]:7333\"", "\"127.0.0.1:7333\"",
                                        "\"[::1]:7333\""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert(answer(texts[i]));
        cr_assert_str_eq(host, "asked.example");
        cr_assert_eq(port, 7333);
    }
}

Test(register, useless_answers_are_refused)
{
    static const char *const texts[] = {"null",         "7", "\"\"", "\"a:1\"", "\"10.0.0.9:0\"",
                                        "\"10.0.0.9\"", "{}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_not(answer(texts[i]), "%s", texts[i]);
    }
}

Test(register, only_a_plain_success_is_an_answer)
{
    static const char *const texts[] = {
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\n{\"p2p\":\"10.0.0.9:1\"}",
        "HTTP/1.1 404 No\r\n\r\n{\"p2p\":\"10.0.0.9:1\"}",
        "HTTP/1.1 2000 \r\n\r\n{\"p2p\":\"10.0.0.9:1\"}",
        "ICY 200 OK\r\n\r\n{\"p2p\":\"10.0.0.9:1\"}",
        "HTTP/1.1 200 OK\r\n\r\n[\"p2p\"]",
        "HTTP/1.1 200 OK\r\n\r\nnot json",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_not(ez_register_answer_parse(host, &port, "a", texts[i], strlen(texts[i])), "%s",
                      texts[i]);
    }
}
