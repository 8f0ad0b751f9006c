#include "head_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int status_of(const char *text)
{
    ez_head head;
    return ez_head_parse(&head, text, strlen(text)).status;
}

static ez_head parsed(const char *text)
{
    ez_head head;
    ez_refusal refusal = ez_head_parse(&head, text, strlen(text));
    cr_assert_eq(refusal.status, 0, "%s", refusal.detail);
    return head;
}

Test(head, plain_request_is_read)
{
    ez_head head = parsed("GET /v1/blocks?from=2 HTTP/1.1\r\nHost: localhost:5000\r\n\r\n");
    cr_assert_eq(head.method, EZ_METHOD_GET);
    cr_assert_eq(head.minor, 1);
    cr_assert(ez_span_is(head.path, "/v1/blocks"));
    cr_assert(ez_span_is(head.query, "from=2"));
    cr_assert(ez_span_is(head.host, "localhost:5000"));
    cr_assert(head.keep_alive);
    cr_assert_not(head.chunked);
    cr_assert_eq(head.content_length, 0);
}

Test(head, values_are_trimmed_and_names_have_no_case)
{
    ez_head head = parsed("POST / HTTP/1.1\r\nhOST: \t a \t\r\ncontent-LENGTH:5\r\n\r\n");
    cr_assert_eq(head.host.size, 1);
    cr_assert_eq(head.content_length, 5);
}

Test(head, absolute_target_names_the_host)
{
    ez_head head = parsed("GET http://10.0.0.1:80?a=b HTTP/1.1\r\nHost: other\r\n\r\n");
    cr_assert(ez_span_is(head.host, "10.0.0.1:80"));
    cr_assert(ez_span_is(head.path, "/"));
    cr_assert(ez_span_is(head.query, "a=b"));
}

Test(head, every_method_of_a_route_is_known_and_case_matters)
{
    cr_assert_eq(parsed("HEAD / HTTP/1.0\r\n\r\n").method, EZ_METHOD_HEAD);
    cr_assert_eq(parsed("POST / HTTP/1.0\r\n\r\n").method, EZ_METHOD_POST);
    cr_assert_eq(parsed("DELETE / HTTP/1.0\r\n\r\n").method, EZ_METHOD_DELETE);
    cr_assert_eq(parsed("OPTIONS * HTTP/1.0\r\n\r\n").method, EZ_METHOD_OPTIONS);
    cr_assert_eq(parsed("get / HTTP/1.0\r\n\r\n").method, EZ_METHOD_OTHER);
    cr_assert_eq(parsed("BREW / HTTP/1.0\r\n\r\n").method, EZ_METHOD_OTHER);
}

Test(head, connection_header_decides_who_stays)
{
    cr_assert(parsed("GET / HTTP/1.1\r\nHost: a\r\n\r\n").keep_alive);
    cr_assert_not(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
    cr_assert(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
    cr_assert_not(parsed("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, close\r\n\r\n").keep_alive);
    cr_assert_not(
        parsed("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n")
            .keep_alive);
}

Test(head, request_lines_with_two_meanings_are_refused)
{
    static const char *const lines[] = {
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /",
        "GET",
        "",
        "G\"T / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/11",
        "GET / HTTP/1.x",
        "GET a HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /#a HTTP/1.1",
        "GET /\x80 HTTP/1.1",
        "GET / / HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http://u@h/ HTTP/1.1",
        "CONNECT a:1 HTTP/1.1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s\r\nHost: a\r\n\r\n", lines[i]);
        cr_assert_eq(status_of(text), 400, "accepted: %s", lines[i]);
    }
}

Test(head, other_versions_are_named_as_such)
{
    cr_assert_eq(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
    cr_assert_eq(status_of("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505);
    cr_assert_eq(status_of("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505);
}

Test(head, fields_with_two_meanings_are_refused)
{
    static const char *const fields[] = {
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 1, 1",
        "Content-Length: +1",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length: 1 1",
        "Content-Length:",
        "Content-Length: 1111111111111111111",
        "Content-Length : 1",
        "Content-Length\t: 1",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:",
        "Transfer-Encoding: \013chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "X: a\r\n folded",
        "X: a\r\n\tfolded",
        "no colon",
        ": no name",
        "na me: x",
        "X: \x01",
        "X: \x7f",
        "X: a\rb",
        "X: a\nb: c",
        "Host: b",
        "Authorization: a\r\nAuthorization: b",
        "Origin: a\r\nOrigin: a",
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", fields[i]);
        cr_assert_eq(status_of(text), 400, "accepted: %s", fields[i]);
    }
}

Test(head, zero_byte_is_refused)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n";
    ez_head head;
    cr_assert_eq(ez_head_parse(&head, text, sizeof text - 1).status, 400);
}

Test(head, coding_needs_the_version_that_has_it)
{
    cr_assert_eq(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
    cr_assert(parsed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n").chunked);
}

Test(head, host_is_needed_once_and_only_by_the_newer_version)
{
    cr_assert_eq(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
    cr_assert_eq(status_of("GET / HTTP/1.0\r\n\r\n"), 0);
    cr_assert_eq(status_of("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 0);
    cr_assert_eq(status_of("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
    cr_assert_eq(status_of("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400);
}

Test(head, body_may_have_its_maximum_and_no_byte_more)
{
    char text[128];
    (void)snprintf(text, sizeof text, "POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n",
                   EZ_HTTP_BODY_BYTES_MAX);
    cr_assert_eq(status_of(text), 0);
    (void)snprintf(text, sizeof text, "POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n",
                   EZ_HTTP_BODY_BYTES_MAX + 1);
    cr_assert_eq(status_of(text), 413);
    cr_assert_eq(status_of("POST / HTTP/1.0\r\nContent-Length: 999999999999999999\r\n\r\n"), 413);
}

Test(head, only_one_expectation_is_met)
{
    cr_assert(parsed("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n").wants_100);
    cr_assert_not(parsed("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").wants_100);
    cr_assert_eq(status_of("POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"), 417);
}

static int status_with_fields(int count)
{
    size_t room = 64 + (size_t)count * 8;
    char *text = ez_alloc(room, 1);
    size_t at = (size_t)snprintf(text, room, "GET / HTTP/1.0\r\n");
    for (int i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, room - at, "X: y\r\n");
    }
    (void)snprintf(text + at, room - at, "\r\n");
    int status = status_of(text);
    free(text);
    return status;
}

Test(head, field_count_is_bounded)
{
    cr_assert_eq(status_with_fields(EZ_HTTP_FIELDS_MAX), 0);
    cr_assert_eq(status_with_fields(EZ_HTTP_FIELDS_MAX + 1), 431);
}

Test(head, end_is_found_however_the_bytes_arrive)
{
    static const char text[] = "GET / HTTP/1.0\r\nA: b\r\n\r\nGET";
    size_t scanned = 0, end = 0;
    for (size_t size = 1; size < 24; size++) {
        cr_assert_eq(ez_head_find_end(text, size, &scanned, &end), EZ_HEAD_MORE, "at %zu", size);
        cr_assert_eq(scanned, size);
    }
    cr_assert_eq(ez_head_find_end(text, sizeof text - 1, &scanned, &end), EZ_HEAD_WHOLE);
    cr_assert_eq(end, 24);
}

static ez_head_extent extent_of(const char *text)
{
    size_t scanned = 0, end = 0;
    return ez_head_find_end(text, strlen(text), &scanned, &end);
}

Test(head, wrong_bytes_show_before_the_end_does)
{
    cr_assert_eq(extent_of("GET / HTTP/1.1\n"), EZ_HEAD_BAD);
    cr_assert_eq(extent_of("GET / HTTP/1.1\rX"), EZ_HEAD_BAD);
    cr_assert_eq(extent_of("GET / HTTP/1.1\r\r"), EZ_HEAD_BAD);
    cr_assert_eq(extent_of("\x16\x03\x01"), EZ_HEAD_BAD); /* a TLS greeting */
    cr_assert_eq(extent_of("\n"), EZ_HEAD_BAD);
    cr_assert_eq(extent_of("GET / HTTP/1.1\r"), EZ_HEAD_MORE);
}
