#include "gate_internal.h"

#include <criterion/criterion.h>
#include <stdio.h>

static const char *const names[] = {"node.example", "Other"};
static const ez_gate_policy local = {.is_loopback = true, .names = names, .name_count = 2};
static const ez_gate_policy open = {
    .is_loopback = false, .token = "secret-token", .names = names, .name_count = 2};

static ez_head head_of(const char *fields)
{
    static char text[1024];
    ez_head head;
    (void)snprintf(text, sizeof text, "POST / HTTP/1.1\r\n%s\r\n", fields);
    ez_refusal refusal = ez_head_parse(&head, text, strlen(text));
    cr_assert_eq(refusal.status, 0, "%s: %s", fields, refusal.detail);
    return head;
}

static int change(const ez_gate_policy *policy, const char *fields)
{
    ez_head head = head_of(fields);
    return ez_gate_check_change(policy, &head).status;
}

static int json(const char *fields)
{
    char text[512];
    (void)snprintf(text, sizeof text, "Host: a\r\n%s", fields);
    ez_head head = head_of(text);
    return ez_gate_check_json(&head).status;
}

Test(gate, own_names_and_addresses_may_change)
{
    static const char *const hosts[] = {
        "localhost", "LOCALHOST:5000", "127.0.0.1",    "10.1.2.3:80",    "[::1]:5000",
        "[fe80::1]", "localhost.",     "node.example", "NODE.example:1", "other"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char fields[128];
        (void)snprintf(fields, sizeof fields, "Host: %s\r\n", hosts[i]);
        cr_assert_eq(change(&local, fields), 0, "%s", hosts[i]);
    }
}

Test(gate, foreign_names_may_not)
{
    static const char *const hosts[] = {"evil.example",
                                        "localhost.evil.example",
                                        "127.0.0.1.evil.example",
                                        "xlocalhost",
                                        "",
                                        "node.example.evil",
                                        "127.0.0.1x",
                                        "1.2.3",
                                        "[::1",
                                        "127.1:80",
                                        "0x7f.0.0.1"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char fields[128];
        (void)snprintf(fields, sizeof fields, "Host: %s\r\n", hosts[i]);
        cr_assert_eq(change(&local, fields), 403, "%s", hosts[i]);
    }
}

Test(gate, old_client_without_host_is_no_browser)
{
    ez_head head;
    static const char text[] = "GET /mine HTTP/1.0\r\n\r\n";
    cr_assert_eq(ez_head_parse(&head, text, sizeof text - 1).status, 0);
    cr_assert_eq(ez_gate_check_change(&local, &head).status, 0);
}

Test(gate, browser_says_where_a_request_comes_from)
{
    cr_assert_eq(change(&local, "Host: localhost\r\nSec-Fetch-Site: same-origin\r\n"), 0);
    cr_assert_eq(change(&local, "Host: localhost\r\nSec-Fetch-Site: none\r\n"), 0);
    cr_assert_eq(change(&local, "Host: localhost\r\nSec-Fetch-Site: same-site\r\n"), 403);
    cr_assert_eq(change(&local, "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"), 403);
    cr_assert_eq(change(&local, "Host: localhost\r\nSec-Fetch-Site: \r\n"), 403);
}

Test(gate, origin_must_be_the_node_itself)
{
    cr_assert_eq(change(&local, "Host: a.b\r\nOrigin: http://a.b\r\n"), 403);
    cr_assert_eq(change(&local, "Host: localhost:5000\r\nOrigin: http://LOCALHOST:5000\r\n"), 0);
    cr_assert_eq(change(&local, "Host: localhost:5000\r\nOrigin: https://localhost:5000\r\n"), 0);
    cr_assert_eq(change(&local, "Host: localhost:5000\r\nOrigin: http://localhost:5001\r\n"), 403);
    cr_assert_eq(change(&local, "Host: localhost\r\nOrigin: http://localhost.evil\r\n"), 403);
    cr_assert_eq(change(&local, "Host: localhost\r\nOrigin: null\r\n"), 403);
    cr_assert_eq(change(&local, "Host: localhost\r\nOrigin: http://\r\n"), 403);
    cr_assert_eq(change(&local, "Host: localhost\r\nOrigin: ftp://localhost\r\n"), 403);
}

Test(gate, token_is_asked_for_beyond_loopback)
{
    cr_assert_eq(change(&open, "Host: 10.0.0.1\r\n"), 401);
    cr_assert_eq(change(&open, "Host: 10.0.0.1\r\nAuthorization: Bearer secret-token\r\n"), 0);
    cr_assert_eq(change(&open, "Host: 10.0.0.1\r\nAuthorization: bearer secret-token\r\n"), 0);
    static const char *const wrong[] = {"Bearer secret-tokeN",
                                        "Bearer secret-token1",
                                        "Bearer secret-toke",
                                        "Bearer",
                                        "Bearer ",
                                        "Basic secret-token",
                                        "secret-token",
                                        "Bearer secret-tokensecret-token"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char fields[128];
        (void)snprintf(fields, sizeof fields, "Host: 10.0.0.1\r\nAuthorization: %s\r\n", wrong[i]);
        cr_assert_eq(change(&open, fields), 401, "%s", wrong[i]);
    }
}

Test(gate, node_without_a_token_is_closed_beyond_loopback)
{
    ez_gate_policy none = {.is_loopback = false, .token = NULL};
    ez_gate_policy empty = {.is_loopback = false, .token = ""};
    cr_assert_eq(change(&none, "Host: 10.0.0.1\r\nAuthorization: Bearer x\r\n"), 401);
    cr_assert_eq(change(&empty, "Host: 10.0.0.1\r\nAuthorization: Bearer x\r\n"), 401);
}

Test(gate, token_does_not_excuse_a_foreign_host)
{
    cr_assert_eq(change(&open, "Host: evil.example\r\nAuthorization: Bearer secret-token\r\n"),
                 403);
}

Test(gate, body_must_say_that_it_is_json)
{
    cr_assert_eq(json("Content-Type: application/json\r\n"), 0);
    cr_assert_eq(json("Content-Type: Application/JSON ; charset=utf-8\r\n"), 0);
    cr_assert_eq(json("Content-Type: application/vnd.x+json\r\n"), 0);
    cr_assert_eq(json("Content-Type: application/json\r\nContent-Encoding: identity\r\n"), 0);
    cr_assert_eq(json(""), 415);
    cr_assert_eq(json("Content-Type: text/plain\r\n"), 415);
    cr_assert_eq(json("Content-Type: application/jsonx\r\n"), 415);
    cr_assert_eq(json("Content-Type: application/+json\r\n"), 415);
    cr_assert_eq(json("Content-Type: application/x-www-form-urlencoded\r\n"), 415);
    cr_assert_eq(json("Content-Type: application/json\r\nContent-Encoding: gzip\r\n"), 415);
}
