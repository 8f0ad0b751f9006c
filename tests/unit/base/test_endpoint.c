#include "ezp2p/base/endpoint.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static ez_endpoint parse(const char *text)
{
    ez_endpoint endpoint = {0};
    cr_assert(ez_endpoint_parse(&endpoint, text), "%s", text);
    return endpoint;
}

/* An address without a port, as the tables below have them. */
static ez_endpoint parse_ip(const char *ip)
{
    char text[EZ_ENDPOINT_TEXT_BYTES];
    bool six = strchr(ip, ':') != NULL;
    snprintf(text, sizeof text, "%s%s%s:1", six ? "[" : "", ip, six ? "]" : "");
    return parse(text);
}

Test(endpoint, ipv4_is_held_as_mapped_ipv6)
{
    static const uint8_t ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4};
    ez_endpoint endpoint = parse("1.2.3.4:7333");
    cr_expect(memcmp(endpoint.ip, ip, 16) == 0);
    cr_expect(endpoint.port == 7333);
    ez_endpoint mapped = parse("[::ffff:1.2.3.4]:7333");
    cr_expect(ez_endpoint_is_equal(&endpoint, &mapped));
}

Test(endpoint, text_is_canonical)
{
    /* RFC 5952: lower case, no leading zeros, the longest and first run of zeros shortened, never
     * a single zero. */
    static const char *const pairs[][2] = {
        {"0.0.0.0:0", "0.0.0.0:0"},
        {"255.255.255.255:65535", "255.255.255.255:65535"},
        {"1.2.3.4:00080", "1.2.3.4:80"},
        {"[::]:1", "[::]:1"},
        {"[::1]:7333", "[::1]:7333"},
        {"[2001:0DB8:0:0:0:0:0:00a1]:80", "[2001:db8::a1]:80"},
        {"[2001:db8:0:1:1:1:1:1]:80", "[2001:db8:0:1:1:1:1:1]:80"},
        {"[2001:db8:0:0:1:0:0:1]:80", "[2001:db8::1:0:0:1]:80"},
        {"[2001:0:0:1:0:0:0:1]:80", "[2001:0:0:1::1]:80"},
        {"[::ffff:10.0.0.1]:80", "10.0.0.1:80"},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        ez_endpoint endpoint = parse(pairs[i][0]);
        ez_endpoint_string text = ez_endpoint_text(&endpoint);
        cr_expect_str_eq(text.text, pairs[i][1]);
        ez_endpoint again = parse(text.text);
        cr_expect(ez_endpoint_is_equal(&endpoint, &again), "%s", pairs[i][0]);
    }
}

Test(endpoint, ip_text_has_no_port_and_no_brackets)
{
    ez_endpoint four = parse("1.2.3.4:7333");
    ez_endpoint six = parse("[2001:db8::a1]:7333");
    cr_expect_str_eq(ez_endpoint_ip_text(&four).text, "1.2.3.4");
    cr_expect_str_eq(ez_endpoint_ip_text(&six).text, "2001:db8::a1");
}

Test(endpoint, refuses_what_is_not_an_address_and_a_port)
{
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3:80",
        "1.2.3.4.5:80",
        "1.2.3.256:80",
        "01.2.3.4:80",
        "1.2.3.4 :80",
        " 1.2.3.4:80",
        "1.2.3.4:80 ",
        "1.2.3.4: 80",
        "1.2.3.4:+80",
        "1.2.3.4:-1",
        "1.2.3.4:65536",
        "1.2.3.4:000080",
        "1.2.3.4:99999999999999999999",
        "1.2.3.4:8O",
        "1.2.3.4:0x50",
        "1.2.3.4:80\n",
        "::1:80",
        "[::1]",
        "[::1]:",
        "[::1]80",
        "[::1:80",
        "::1]:80",
        "[]:80",
        "[1.2.3.4]:80",
        "[::1%lo]:80",
        "[:::1]:80",
        "[1::2::3]:80",
        "[12345::]:80",
        "[1:2:3:4:5:6:7:8:9]:80",
        "[::1 ]:80",
        "localhost:80",
        "0x7f.1:80",
        "2130706433:80",
        "127.1:80",
        "[[::1]]:80",
    };
    ez_endpoint out = {.port = 9};
    for (size_t i = 0; i < COUNT(bad); i++) {
        cr_expect(!ez_endpoint_parse(&out, bad[i]), "took \"%s\"", bad[i]);
    }
    cr_expect(out.port == 9, "a failure must leave the output alone");
}

Test(host_port, splits_names_and_addresses)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {
        {"node-1.example_x.org:7333", "node-1.example_x.org", 7333},
        {"LOCALHOST:0", "LOCALHOST", 0},
        {"1.2.3.4:65535", "1.2.3.4", 65535},
        {"[2001:db8::1]:80", "2001:db8::1", 80},
        {"7:8", "7", 8},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        char host[EZ_HOST_NAME_BYTES_MAX + 1];
        uint16_t port;
        cr_assert(ez_host_port_split(host, &port, good[i].text), "%s", good[i].text);
        cr_expect_str_eq(host, good[i].host);
        cr_expect(port == good[i].port, "%s", good[i].text);
    }
}

Test(host_port, refuses_other_characters)
{
    static const char *const bad[] = {
        "host",       "host:",   ":1",       "ho st:1", "host/x:1", "user@host:1", "h\xc3\xb6st:1",
        "a:b:1",      "::1:1",   "[host]:1", "[::1:1",  "host]:1",  "*:1",         "host:1x",
        "host:65536", "host: 1", "[]:1",     "",        "]:1",      "[:1",         "host%00:1",
    };
    char host[EZ_HOST_NAME_BYTES_MAX + 1] = "before";
    uint16_t port = 9;
    for (size_t i = 0; i < COUNT(bad); i++) {
        cr_expect(!ez_host_port_split(host, &port, bad[i]), "took \"%s\"", bad[i]);
    }
    cr_expect_str_eq(host, "before");
    cr_expect(port == 9);
}

Test(host_port, a_name_has_at_most_253_bytes)
{
    char text[EZ_HOST_NAME_BYTES_MAX + 4];
    char host[EZ_HOST_NAME_BYTES_MAX + 1];
    uint16_t port;
    memset(text, 'a', sizeof text);
    memcpy(text + EZ_HOST_NAME_BYTES_MAX, ":1", 3);
    cr_expect(ez_host_port_split(host, &port, text));
    cr_expect(strlen(host) == EZ_HOST_NAME_BYTES_MAX);
    memset(text, 'a', sizeof text);
    memcpy(text + EZ_HOST_NAME_BYTES_MAX + 1, ":1", 3);
    cr_expect(!ez_host_port_split(host, &port, text));
}

Test(endpoint, the_port_does_not_make_another_host)
{
    ez_endpoint a = parse("1.2.3.4:1");
    ez_endpoint b = parse("1.2.3.4:2");
    ez_endpoint c = parse("1.2.3.5:1");
    cr_expect(ez_endpoint_is_same_host(&a, &b));
    cr_expect(!ez_endpoint_is_equal(&a, &b));
    cr_expect(!ez_endpoint_is_same_host(&a, &c));
    cr_expect(!ez_endpoint_is_equal(&a, &c));
    cr_expect(ez_endpoint_is_equal(&a, &a));
}

/* The first and last address of every range, and their neighbours outside it. */
Test(endpoint, reach_follows_the_registries)
{
    static const struct {
        const char *ip;
        ez_reach reach;
    } cases[] = {
        {"0.0.0.0", EZ_REACH_NONE},
        {"0.255.255.255", EZ_REACH_NONE},
        {"1.0.0.0", EZ_REACH_PUBLIC},
        {"9.255.255.255", EZ_REACH_PUBLIC},
        {"10.0.0.0", EZ_REACH_PRIVATE},
        {"10.255.255.255", EZ_REACH_PRIVATE},
        {"11.0.0.0", EZ_REACH_PUBLIC},
        {"100.63.255.255", EZ_REACH_PUBLIC},
        {"100.64.0.0", EZ_REACH_PRIVATE},
        {"100.127.255.255", EZ_REACH_PRIVATE},
        {"100.128.0.0", EZ_REACH_PUBLIC},
        {"126.255.255.255", EZ_REACH_PUBLIC},
        {"127.0.0.0", EZ_REACH_LOOPBACK},
        {"127.255.255.255", EZ_REACH_LOOPBACK},
        {"128.0.0.0", EZ_REACH_PUBLIC},
        {"169.253.255.255", EZ_REACH_PUBLIC},
        {"169.254.0.0", EZ_REACH_PRIVATE},
        {"169.254.255.255", EZ_REACH_PRIVATE},
        {"169.255.0.0", EZ_REACH_PUBLIC},
        {"172.15.255.255", EZ_REACH_PUBLIC},
        {"172.16.0.0", EZ_REACH_PRIVATE},
        {"172.31.255.255", EZ_REACH_PRIVATE},
        {"172.32.0.0", EZ_REACH_PUBLIC},
        {"191.255.255.255", EZ_REACH_PUBLIC},
        {"192.0.0.0", EZ_REACH_NONE},
        {"192.0.0.255", EZ_REACH_NONE},
        {"192.0.1.0", EZ_REACH_PUBLIC},
        {"192.0.2.0", EZ_REACH_NONE},
        {"192.0.2.255", EZ_REACH_NONE},
        {"192.0.3.0", EZ_REACH_PUBLIC},
        {"192.167.255.255", EZ_REACH_PUBLIC},
        {"192.168.0.0", EZ_REACH_PRIVATE},
        {"192.168.255.255", EZ_REACH_PRIVATE},
        {"192.169.0.0", EZ_REACH_PUBLIC},
        {"198.17.255.255", EZ_REACH_PUBLIC},
        {"198.18.0.0", EZ_REACH_PRIVATE},
        {"198.19.255.255", EZ_REACH_PRIVATE},
        {"198.20.0.0", EZ_REACH_PUBLIC},
        {"198.51.100.0", EZ_REACH_NONE},
        {"198.51.101.0", EZ_REACH_PUBLIC},
        {"203.0.113.255", EZ_REACH_NONE},
        {"203.0.114.0", EZ_REACH_PUBLIC},
        {"223.255.255.255", EZ_REACH_PUBLIC},
        {"224.0.0.0", EZ_REACH_NONE},
        {"239.255.255.255", EZ_REACH_NONE},
        {"240.0.0.0", EZ_REACH_NONE},
        {"255.255.255.255", EZ_REACH_NONE},
        {"::", EZ_REACH_NONE},
        {"::1", EZ_REACH_LOOPBACK},
        {"::2", EZ_REACH_NONE},
        {"::1.2.3.4", EZ_REACH_NONE},
        {"::fffe:1.2.3.4", EZ_REACH_NONE},
        {"::ffff:127.0.0.1", EZ_REACH_LOOPBACK},
        {"64:ff9b::1.2.3.4", EZ_REACH_PUBLIC},
        {"100::1", EZ_REACH_NONE},
        {"1fff::1", EZ_REACH_NONE},
        {"2000::", EZ_REACH_PUBLIC},
        {"2001:db7:ffff::1", EZ_REACH_PUBLIC},
        {"2001:db8::", EZ_REACH_NONE},
        {"2001:db8:ffff::1", EZ_REACH_NONE},
        {"2001:db9::", EZ_REACH_PUBLIC},
        {"3ffe:ffff::1", EZ_REACH_PUBLIC},
        {"3fff::1", EZ_REACH_NONE},
        {"3fff:0fff::1", EZ_REACH_NONE},
        {"3fff:1000::1", EZ_REACH_PUBLIC},
        {"4000::1", EZ_REACH_NONE},
        {"fbff::1", EZ_REACH_NONE},
        {"fc00::", EZ_REACH_PRIVATE},
        {"fdff::1", EZ_REACH_PRIVATE},
        {"fe00::1", EZ_REACH_NONE},
        {"fe7f::1", EZ_REACH_NONE},
        {"fe80::1", EZ_REACH_PRIVATE},
        {"febf::1", EZ_REACH_PRIVATE},
        {"fec0::1", EZ_REACH_NONE},
        {"ff02::1", EZ_REACH_NONE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ez_endpoint endpoint = parse_ip(cases[i].ip);
        ez_reach reach = ez_endpoint_reach(&endpoint);
        cr_expect(reach == cases[i].reach, "%s: %d", cases[i].ip, (int)reach);
    }
}

static bool same_group(const char *a, const char *b)
{
    ez_endpoint one = parse_ip(a);
    ez_endpoint two = parse_ip(b);
    ez_network_group first = ez_endpoint_group(&one);
    ez_network_group second = ez_endpoint_group(&two);
    return memcmp(first.bytes, second.bytes, sizeof first.bytes) == 0;
}

Test(endpoint, public_addresses_are_grouped_by_network)
{
    cr_expect(same_group("8.8.0.1", "8.8.255.254"));
    cr_expect(!same_group("8.8.0.1", "8.9.0.1"));
    cr_expect(same_group("2a00:1450::1", "2a00:1450:ffff::2"));
    cr_expect(!same_group("2a00:1450::1", "2a00:1451::1"));
    cr_expect(!same_group("8.8.0.1", "2a00:1450::1"));
}

Test(endpoint, private_and_loopback_addresses_are_groups_of_their_own)
{
    cr_expect(!same_group("127.0.0.1", "127.0.0.2"));
    cr_expect(!same_group("10.0.0.1", "10.0.0.2"));
    cr_expect(!same_group("192.168.1.1", "192.168.1.2"));
    cr_expect(!same_group("fd00::1", "fd00::2"));
    cr_expect(!same_group("::1", "127.0.0.1"));
    cr_expect(same_group("127.0.0.1", "127.0.0.1"));
}

Test(endpoint, the_port_does_not_make_another_group)
{
    ez_endpoint a = parse("127.0.0.1:1");
    ez_endpoint b = parse("127.0.0.1:2");
    ez_network_group first = ez_endpoint_group(&a);
    ez_network_group second = ez_endpoint_group(&b);
    cr_expect(memcmp(&first, &second, sizeof first) == 0);
}
