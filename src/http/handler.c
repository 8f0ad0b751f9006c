/* What most handlers need: waiting, reading the body, the query and the path. */
#include "http_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/view.h"

#include <inttypes.h>
#include <stdio.h>

void ez_exchange_wait(ez_exchange *exchange,
                      void (*on_reply)(ez_exchange *exchange, const ez_reply *reply))
{
    EZ_ASSERT(exchange->conn->state == EZ_CONN_ANSWERING && exchange->on_reply == NULL);
    exchange->on_reply = on_reply;
}

json_t *ez_exchange_object(ez_exchange *exchange)
{
    char error[512];
    json_t *root = ez_json_parse(exchange->body.data, exchange->body.size, error, sizeof error);
    if (root == NULL) {
        ez_respond_problem(exchange, 400, "json", error);
        return NULL;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        ez_respond_problem(exchange, 400, "json", "the body must be a JSON object");
        return NULL;
    }
    return root;
}

bool ez_exchange_u64(ez_exchange *exchange, uint64_t *out, const char *name, uint64_t fallback,
                     uint64_t low, uint64_t high)
{
    const char *text = ez_query_get(&exchange->query, name);
    if (text == NULL) {
        *out = fallback;
        return true;
    }
    uint64_t value = 0;
    if (ez_u64_parse(&value, text) && value >= low && value <= high) {
        *out = value;
        return true;
    }
    char detail[160];
    (void)snprintf(detail, sizeof detail,
                   "the parameter %s must be a number from %" PRIu64 " to %" PRIu64, name, low,
                   high);
    ez_respond_problem(exchange, 400, "parameter", detail);
    return false;
}

bool ez_exchange_limit(ez_exchange *exchange, uint64_t *out, uint64_t fallback)
{
    return ez_exchange_u64(exchange, out, "limit", fallback, 1, EZ_HTTP_PAGE_MAX);
}

bool ez_exchange_hash(ez_exchange *exchange, ez_hash *out, const char *what)
{
    if (ez_hex_decode(out->bytes, EZ_HASH_BYTES, exchange->param)) {
        return true;
    }
    char detail[96];
    (void)snprintf(detail, sizeof detail, "%s is 64 hex digits", what);
    ez_respond_problem(exchange, 400, "parameter", detail);
    return false;
}

ez_blob *ez_http_body(const ez_http *http, const ez_header *header, const ez_block_id *id)
{
    ez_blob *body = ez_node_body(http->config.node, id);
    return body == NULL && header->index == 1 ? ez_blob_new("", 0) : body;
}

/* The view hash of one block given its parent's; NULL parent for genesis. */
static bool hash_block(const ez_http *http, ez_hash *out, const ez_block_info *info,
                       const ez_hash *previous)
{
    ez_blob *body = ez_http_body(http, &info->header, &info->id);
    if (body == NULL) {
        return false;
    }
    ez_view_hash(out, &info->header, body, previous);
    ez_blob_unref(body);
    return true;
}

bool ez_http_view_hash(const ez_http *http, ez_hash *out, const ez_block_id *tip, uint64_t height)
{
    /* Only the newest few blocks have no stored hash yet: go down to one that has, then up. */
    ez_block_info info;
    uint64_t at = height;
    for (;; at--) {
        if (!ez_node_block_on(http->config.node, &info, tip, at)) {
            return false;
        }
        if (info.has_view_hash) {
            *out = info.view_hash;
            break;
        }
        if (at <= 1) {
            if (!hash_block(http, out, &info, NULL)) {
                return false;
            }
            break;
        }
    }
    while (at < height) {
        ez_hash previous = *out;
        at++;
        if (!ez_node_block_on(http->config.node, &info, tip, at) ||
            !hash_block(http, out, &info, &previous)) {
            return false;
        }
    }
    return true;
}
