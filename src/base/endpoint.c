#include "ezp2p/base/endpoint.h"

#include "ezp2p/base/assert.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_ipv4(const ez_endpoint *endpoint)
{
    return memcmp(endpoint->ip, mapped_prefix, sizeof mapped_prefix) == 0;
}

/* strtoul would take signs, spaces and overflow; a port is one to five digits. */
static bool parse_port(uint16_t *out, const char *text)
{
    uint32_t port = 0;
    size_t digits = 0;
    for (; text[digits] != '\0'; digits++) {
        if (digits == 5 || text[digits] < '0' || text[digits] > '9') {
            return false;
        }
        port = port * 10 + (uint32_t)(text[digits] - '0');
    }
    if (digits == 0 || port > UINT16_MAX) {
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

static bool is_host_name(const char *host, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = host[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '-' && c != '.' && c != '_') {
            return false;
        }
    }
    return true;
}

bool ez_host_port_split(char host[EZ_HOST_NAME_BYTES_MAX + 1], uint16_t *port, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL) {
        return false;
    }
    const char *from = text;
    size_t length = (size_t)(colon - text);
    bool bracketed = length >= 2 && text[0] == '[' && colon[-1] == ']';
    if (bracketed) {
        from += 1;
        length -= 2;
    }
    if (length == 0 || length > EZ_HOST_NAME_BYTES_MAX) {
        return false;
    }
    char copy[EZ_HOST_NAME_BYTES_MAX + 1];
    memcpy(copy, from, length);
    copy[length] = '\0';
    struct in6_addr ip;
    bool good = bracketed ? inet_pton(AF_INET6, copy, &ip) == 1 : is_host_name(copy, length);
    if (!good || !parse_port(port, colon + 1)) {
        return false;
    }
    memcpy(host, copy, length + 1);
    return true;
}

bool ez_endpoint_parse(ez_endpoint *out, const char *text)
{
    char host[EZ_HOST_NAME_BYTES_MAX + 1];
    ez_endpoint endpoint = {0};
    if (!ez_host_port_split(host, &endpoint.port, text)) {
        return false;
    }
    if (text[0] == '[') {
        if (inet_pton(AF_INET6, host, endpoint.ip) != 1) {
            return false;
        }
    } else {
        memcpy(endpoint.ip, mapped_prefix, sizeof mapped_prefix);
        if (inet_pton(AF_INET, host, endpoint.ip + sizeof mapped_prefix) != 1) {
            return false;
        }
    }
    *out = endpoint;
    return true;
}

ez_endpoint_string ez_endpoint_ip_text(const ez_endpoint *endpoint)
{
    ez_endpoint_string string;
    const char *text;
    if (is_ipv4(endpoint)) {
        text = inet_ntop(AF_INET, endpoint->ip + sizeof mapped_prefix, string.text,
                         sizeof string.text);
    } else {
        text = inet_ntop(AF_INET6, endpoint->ip, string.text, sizeof string.text);
    }
    EZ_ASSERT(text != NULL);
    return string;
}

ez_endpoint_string ez_endpoint_text(const ez_endpoint *endpoint)
{
    ez_endpoint_string ip = ez_endpoint_ip_text(endpoint);
    bool bare = is_ipv4(endpoint);
    ez_endpoint_string string;
    int length = snprintf(string.text, sizeof string.text, "%s%s%s:%u", bare ? "" : "[", ip.text,
                          bare ? "" : "]", endpoint->port);
    EZ_ASSERT(length > 0 && (size_t)length < sizeof string.text);
    return string;
}

bool ez_endpoint_is_equal(const ez_endpoint *a, const ez_endpoint *b)
{
    return ez_endpoint_is_same_host(a, b) && a->port == b->port;
}

bool ez_endpoint_is_same_host(const ez_endpoint *a, const ez_endpoint *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

typedef struct address_range {
    uint8_t prefix[4];
    uint8_t bits;
    ez_reach reach;
} address_range;

/* The IANA special-purpose registries (RFC 6890), as far as they matter to dialling. The first
 * range that holds an address decides. */
static const address_range ipv4_ranges[] = {
    {{0}, 8, EZ_REACH_NONE},
    {{127}, 8, EZ_REACH_LOOPBACK},
    {{10}, 8, EZ_REACH_PRIVATE},
    {{172, 16}, 12, EZ_REACH_PRIVATE},
    {{192, 168}, 16, EZ_REACH_PRIVATE},
    {{100, 64}, 10, EZ_REACH_PRIVATE},
    {{169, 254}, 16, EZ_REACH_PRIVATE},
    {{198, 18}, 15, EZ_REACH_PRIVATE}, /* benchmarking between networks of one's own */
    {{192, 0, 0}, 24, EZ_REACH_NONE},  /* protocol assignments */
    {{192, 0, 2}, 24, EZ_REACH_NONE},  /* documentation, three times */
    {{198, 51, 100}, 24, EZ_REACH_NONE},
    {{203, 0, 113}, 24, EZ_REACH_NONE},
    {{224}, 3, EZ_REACH_NONE}, /* multicast, reserved, broadcast */
    {{0}, 0, EZ_REACH_PUBLIC},
};

/* Everything outside these is unassigned, deprecated or not unicast. */
static const address_range ipv6_ranges[] = {
    {{0xfe, 0x80}, 10, EZ_REACH_PRIVATE},
    {{0xfc}, 7, EZ_REACH_PRIVATE},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, EZ_REACH_NONE}, /* documentation, twice */
    {{0x3f, 0xff, 0x00}, 20, EZ_REACH_NONE},
    {{0x00, 0x64, 0xff, 0x9b}, 32, EZ_REACH_PUBLIC}, /* IPv4 through a translator */
    {{0x20}, 3, EZ_REACH_PUBLIC},
    {{0}, 0, EZ_REACH_NONE},
};

static bool has_prefix(const uint8_t *ip, const address_range *range)
{
    unsigned whole = range->bits / 8;
    if (memcmp(ip, range->prefix, whole) != 0) {
        return false;
    }
    unsigned rest = range->bits % 8;
    return rest == 0 || (ip[whole] ^ range->prefix[whole]) >> (8 - rest) == 0;
}

/* The last range of a table has no bits and ends every search. */
static ez_reach find_reach(const address_range *ranges, const uint8_t *ip)
{
    while (!has_prefix(ip, ranges)) {
        ranges++;
    }
    return ranges->reach;
}

ez_reach ez_endpoint_reach(const ez_endpoint *endpoint)
{
    static const uint8_t loopback[16] = {[15] = 1};
    if (is_ipv4(endpoint)) {
        return find_reach(ipv4_ranges, endpoint->ip + sizeof mapped_prefix);
    }
    if (memcmp(endpoint->ip, loopback, sizeof loopback) == 0) {
        return EZ_REACH_LOOPBACK;
    }
    return find_reach(ipv6_ranges, endpoint->ip);
}

/* How many leading bytes of an address make its group. */
static size_t group_bytes(const ez_endpoint *endpoint)
{
    switch (ez_endpoint_reach(endpoint)) {
    case EZ_REACH_PUBLIC:
        return is_ipv4(endpoint) ? sizeof mapped_prefix + 2 : 4;
    case EZ_REACH_NONE:
    case EZ_REACH_LOOPBACK:
    case EZ_REACH_PRIVATE:
        break;
    }
    return sizeof endpoint->ip;
}

ez_network_group ez_endpoint_group(const ez_endpoint *endpoint)
{
    ez_network_group group = {{0}};
    memcpy(group.bytes, endpoint->ip, group_bytes(endpoint));
    return group;
}
