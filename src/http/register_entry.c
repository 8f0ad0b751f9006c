/* Text that registering reads: entries from clients, answers from other nodes. */
#include "json_internal.h"
#include "register_internal.h"
#include "span_internal.h"

#include <stdio.h>

bool ez_register_entry_parse(ez_register_entry *out, const char *text, size_t size)
{
    ez_span rest = {text, size};
    bool is_rest = ez_span_starts(rest, "http://");
    size_t scheme = is_rest ? 7 : ez_span_starts(rest, "tcp://") ? 6 : 0;
    rest = (ez_span){text + scheme, size - scheme};
    size_t end = 0;
    while (end < rest.size && !(is_rest && (rest.data[end] == '/' || rest.data[end] == '?'))) {
        end++;
    }
    ez_register_entry entry = {.rest = is_rest};
    if (end >= sizeof entry.netloc || memchr(rest.data, '\0', end) != NULL) {
        return false;
    }
    memcpy(entry.netloc, rest.data, end);
    if (!ez_host_port_split(entry.host, &entry.port, entry.netloc) || entry.port == 0) {
        return false;
    }
    *out = entry;
    return true;
}

/* The body of an HTTP response with status 200; absent otherwise. */
static ez_span body_of(const char *data, size_t size)
{
    static const char ok[] = " 200 ";
    if (size < 13 || memcmp(data, "HTTP/1.", 7) != 0 || memcmp(data + 8, ok, 5) != 0) {
        return (ez_span){NULL, 0};
    }
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    if (end == NULL) {
        return (ez_span){NULL, 0};
    }
    return (ez_span){end + 4, size - (size_t)(end + 4 - data)};
}

/* Whether `endpoint` only means something on the machine that says it. */
static bool is_here(const ez_endpoint *endpoint)
{
    static const uint8_t any4[16] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t any6[16] = {0};
    return ez_endpoint_reach(endpoint) == EZ_REACH_LOOPBACK ||
           memcmp(endpoint->ip, any4, 16) == 0 || memcmp(endpoint->ip, any6, 16) == 0;
}

bool ez_register_answer_parse(char host[EZ_HOST_NAME_BYTES_MAX + 1], uint16_t *port,
                              const char *asked_host, const char *data, size_t size)
{
    ez_span body = body_of(data, size);
    char error[256];
    json_t *root =
        body.data != NULL ? ez_json_parse(body.data, body.size, error, sizeof error) : NULL;
    const char *text = json_string_value(json_object_get(root, "p2p"));
    ez_endpoint endpoint;
    bool known = text != NULL && ez_endpoint_parse(&endpoint, text) && endpoint.port != 0;
    if (known) {
        ez_endpoint_string own = ez_endpoint_ip_text(&endpoint);
        (void)snprintf(host, EZ_HOST_NAME_BYTES_MAX + 1, "%s",
                       is_here(&endpoint) ? asked_host : own.text);
        *port = endpoint.port;
    }
    json_decref(root);
    return known;
}
