/* The whole chain in the original's view, a turn's worth at a time: the next blocks are read when
 * the ones before are with the kernel, so that a slow reader costs one block of memory. The list
 * stays on the branch of the tip it began with, whatever becomes of it meanwhile. */
#include "http_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/chain/view.h"

#include <inttypes.h>

/* Lists written at a time: each may take the rendering of a full block of a turn of the loop. */
#define EZ_STREAMS_MAX 16

#define EZ_TURN_BYTES  65536 /* written in one turn of the loop, one block more at most */
#define EZ_TURN_BLOCKS 128   /* read in one turn, so that others get theirs */

typedef struct chain_list {
    ez_chain_answer answer;
    ez_block_id tip;
    uint64_t height; /* of the tip */
    uint64_t next;   /* height of the next element */
    ez_hash previous;
} chain_list;

static const char *opening(ez_chain_answer answer)
{
    switch (answer) {
    case EZ_CHAIN_LISTED:
    case EZ_CHAIN_AUTHORITATIVE:
        return "{\"chain\":[";
    case EZ_CHAIN_REPLACED:
        break;
    }
    return "{\"message\":\"Our chain was replaced\",\"new_chain\":[";
}

static void add_closing(ez_buffer *out, const chain_list *list)
{
    switch (list->answer) {
    case EZ_CHAIN_LISTED:
        ez_buffer_printf(out, "],\"length\":%" PRIu64 "}\n", list->height);
        break;
    case EZ_CHAIN_AUTHORITATIVE:
        ez_buffer_add_text(out, "],\"message\":\"Our chain is authoritative\"}\n");
        break;
    case EZ_CHAIN_REPLACED:
        ez_buffer_add_text(out, "]}\n");
        break;
    }
}

/* One element; false when its block is not to be had. */
static bool add_block(ez_buffer *out, const ez_http *http, chain_list *list)
{
    ez_block_info info;
    if (!ez_node_block_on(http->config.node, &info, &list->tip, list->next)) {
        return false;
    }
    ez_blob *body = ez_http_body(http, &info.header, &info.id);
    if (body == NULL) {
        return false;
    }
    const ez_hash *previous = list->next > 1 ? &list->previous : NULL;
    ez_hash hash = info.view_hash;
    if (!info.has_view_hash) {
        ez_view_hash(&hash, &info.header, body, previous);
    }
    if (list->next > 1) {
        ez_buffer_add_u8(out, ',');
    }
    ez_view_add_block(out, &info.header, body, previous, EZ_VIEW_COMPACT);
    ez_blob_unref(body);
    list->previous = hash;
    list->next++;
    return true;
}

static void go_on(ez_exchange *exchange)
{
    chain_list *list = exchange->state;
    ez_buffer out = {NULL, 0, 0};
    bool whole = true;
    for (int i = 0;
         whole && i < EZ_TURN_BLOCKS && out.size < EZ_TURN_BYTES && list->next <= list->height;
         i++) {
        whole = add_block(&out, exchange->http, list);
    }
    bool done = list->next > list->height;
    if (done) {
        add_closing(&out, list);
    }
    ez_stream_add(exchange, out.data, out.size);
    ez_buffer_clear(&out);
    if (!whole) {
        /* No end of the list is better than a wrong one: the client sees that it was cut. */
        ez_log_emit(exchange->http->config.log, EZ_LOG_ERROR, "http-chain-cut",
                    EZ_LOG_U64("height", list->next));
        ez_conn_close(exchange->conn);
    } else if (done && exchange->conn->state == EZ_CONN_ANSWERING) {
        ez_stream_end(exchange);
    }
}

static size_t count_streams(const ez_http *http)
{
    size_t count = 0;
    for (const ez_conn *conn = http->conns; conn != NULL; conn = conn->next) {
        count += conn->exchange.on_drained == go_on;
    }
    return count;
}

void ez_chain_stream(ez_exchange *exchange, ez_chain_answer answer)
{
    if (count_streams(exchange->http) >= EZ_STREAMS_MAX) {
        ez_respond_busy(exchange, "enough clients are reading the chain already");
        return;
    }
    ez_node_status status;
    ez_node_get_status(exchange->http->config.node, &status);
    if (!ez_stream_begin(exchange, "application/json")) {
        return;
    }
    chain_list *list = ez_alloc(1, sizeof *list);
    *list = (chain_list){
        .answer = answer, .tip = status.tip.id, .height = status.tip.height, .next = 1};
    exchange->state = list;
    exchange->on_drained = go_on;
    ez_stream_add(exchange, opening(answer), strlen(opening(answer)));
    go_on(exchange);
}
