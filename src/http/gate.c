#include "gate_internal.h"

#include "ezp2p/base/endpoint.h"

#include <stdio.h>

/* The host of "host", "host:port", "[v6]" or "[v6]:port", with the brackets. */
static ez_span without_port(ez_span host)
{
    size_t end = 0;
    if (host.size > 0 && host.data[0] == '[') {
        while (end < host.size && host.data[end] != ']') {
            end++;
        }
        end += end < host.size ? 1 : 0;
    } else {
        while (end < host.size && host.data[end] != ':') {
            end++;
        }
    }
    return (ez_span){host.data, end};
}

static bool is_numeric(ez_span name)
{
    char text[EZ_ENDPOINT_TEXT_BYTES];
    ez_endpoint endpoint;
    int size = name.size < sizeof text
                   ? snprintf(text, sizeof text, "%.*s:1", (int)name.size, name.data)
                   : -1;
    return size > 0 && (size_t)size < sizeof text && ez_endpoint_parse(&endpoint, text);
}

static bool host_is_ours(const ez_gate_policy *policy, ez_span host)
{
    ez_span name = without_port(host);
    if (name.size > 0 && name.data[name.size - 1] == '.') {
        name.size--; /* the absolute form of the same name */
    }
    for (size_t i = 0; i < policy->name_count; i++) {
        if (ez_span_is(name, policy->names[i])) {
            return true;
        }
    }
    return ez_span_is(name, "localhost") || is_numeric(name);
}

/* A page may act on the node when it came from the node. */
static bool origin_is_ours(ez_span origin, ez_span host)
{
    size_t scheme = ez_span_starts(origin, "https://") ? 8 : 7;
    if (!ez_span_starts(origin, "https://") && !ez_span_starts(origin, "http://")) {
        return false;
    }
    if (host.data == NULL || origin.size - scheme != host.size) {
        return false;
    }
    for (size_t i = 0; i < host.size; i++) {
        if (ez_ascii_lower(origin.data[scheme + i]) != ez_ascii_lower(host.data[i])) {
            return false;
        }
    }
    return true;
}

/* Takes the same time wherever the first difference is. */
static bool token_matches(const char *token, ez_span given)
{
    size_t size = strlen(token);
    unsigned difference = size != given.size;
    for (size_t i = 0; i < given.size; i++) {
        difference |= (unsigned char)(given.data[i] ^ token[size > 0 ? i % size : 0]);
    }
    return difference == 0 && size > 0;
}

static bool is_authorized(const ez_gate_policy *policy, ez_span authorization)
{
    if (policy->token == NULL || !ez_span_starts(authorization, "Bearer ")) {
        return false;
    }
    return token_matches(policy->token, (ez_span){authorization.data + 7, authorization.size - 7});
}

ez_refusal ez_gate_check_change(const ez_gate_policy *policy, const ez_head *head)
{
    if (head->host.data != NULL && !host_is_ours(policy, head->host)) {
        return EZ_REFUSED(403, "foreign-host",
                          "this Host is not one of the node's names; use its address");
    }
    ez_span site = head->fields[EZ_FIELD_SEC_FETCH_SITE];
    if (site.data != NULL && !ez_span_is(site, "same-origin") && !ez_span_is(site, "none")) {
        return EZ_REFUSED(403, "cross-site", "a page of another site may not change this node");
    }
    ez_span origin = head->fields[EZ_FIELD_ORIGIN];
    if (origin.data != NULL && !origin_is_ours(origin, head->host)) {
        return EZ_REFUSED(403, "foreign-origin",
                          "a page of another origin may not change this node");
    }
    if (!policy->is_loopback && !is_authorized(policy, head->fields[EZ_FIELD_AUTHORIZATION])) {
        return EZ_REFUSED(401, "token-needed",
                          "send Authorization: Bearer with the token in the node's http-token "
                          "file");
    }
    return EZ_NOT_REFUSED;
}

ez_refusal ez_gate_check_json(const ez_head *head)
{
    ez_span coding = head->fields[EZ_FIELD_CONTENT_ENCODING];
    if (coding.data != NULL && !ez_span_is(coding, "identity")) {
        return EZ_REFUSED(415, "content-encoding", "send the body without Content-Encoding");
    }
    ez_span type = head->fields[EZ_FIELD_CONTENT_TYPE];
    size_t size = 0;
    while (size < type.size && type.data[size] != ';' && type.data[size] != ' ' &&
           type.data[size] != '\t') {
        size++;
    }
    type.size = size;
    bool is_json = ez_span_is(type, "application/json") ||
                   (ez_span_starts(type, "application/") && type.size > 17 &&
                    ez_span_is((ez_span){type.data + type.size - 5, 5}, "+json"));
    if (!is_json) {
        return EZ_REFUSED(415, "content-type",
                          "send JSON and say so: Content-Type: application/json");
    }
    return EZ_NOT_REFUSED;
}
