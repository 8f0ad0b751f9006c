/* The whole chain in the original's view, a piece at a time: the next blocks are read when the ones
 * before are with the kernel, so that a slow reader costs a piece of memory. The list stays on the
 * branch of the tip it began with, whatever becomes of it meanwhile. */
#include "http_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/chain/view.h"

#include <inttypes.h>
#include <stdlib.h>

#define BLOCKS_AT_ONCE 8 /* read between two looks at the clock */

/* A piece that is being made is the exchange's draft. */
typedef struct chain_list {
    ez_chain_answer answer;
    ez_block_id tip;
    uint64_t height; /* of the tip */
    uint64_t next;   /* height of the next element */
    ez_hash previous;
    ez_block_id last_id;  /* of the element before that */
    uint64_t piece_first; /* height; none when it is `next` */
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
    list->last_id = info.id;
    list->next++;
    return true;
}

static void release_piece(const void *data, size_t size, void *piece)
{
    (void)data;
    (void)size;
    ez_chain_piece_unref(piece);
}

/* Send a piece; moves in. */
static void send_piece(ez_exchange *exchange, ez_chain_piece *piece)
{
    ez_stream_add_shared(exchange, piece->text.data, piece->text.size, release_piece, piece);
}

/* The draft is a whole piece. */
static void send_draft(ez_exchange *exchange, chain_list *list)
{
    ez_chain_piece *piece = ez_chain_piece_new(&exchange->draft);
    piece->first = list->piece_first;
    piece->last = list->next - 1;
    piece->last_id = list->last_id;
    piece->view_hash = list->previous;
    list->piece_first = list->next;
    ez_chain_cache_put(&exchange->http->chain_cache, piece);
    send_piece(exchange, piece);
}

/* The piece that begins with the next element, when it is kept, of the list's branch, and ends
 * where one that is made now would: one that ended at an older tip would leave a splinter behind
 * it. */
static ez_chain_piece *find_piece(const ez_http *http, const chain_list *list)
{
    ez_block_info info;
    ez_chain_piece *piece = ez_chain_cache_find(&http->chain_cache, list->next);
    bool is_ours = piece != NULL && piece->last <= list->height &&
                   ez_chain_piece_is_full(piece->last, piece->text.size, list->height) &&
                   ez_node_block_on(http->config.node, &info, &list->tip, piece->last) &&
                   ez_block_id_is_equal(&info.id, &piece->last_id);
    return is_ours ? piece : NULL;
}

/* Send what is kept; false when the next element is to be read. */
static bool send_kept(ez_exchange *exchange, chain_list *list)
{
    ez_http *http = exchange->http;
    ez_chain_piece *piece = find_piece(http, list);
    http->chain_read = ez_http_now(http).mono;
    if (piece == NULL) {
        return false;
    }
    list->previous = piece->view_hash;
    list->next = piece->last + 1;
    list->piece_first = list->next;
    send_piece(exchange, ez_chain_piece_ref(piece));
    return true;
}

/* Read on in the piece; false when a block is not to be had. */
static bool make_piece(ez_exchange *exchange, chain_list *list)
{
    bool is_full = false;
    for (int i = 0; i < BLOCKS_AT_ONCE && !is_full; i++) {
        if (!add_block(&exchange->draft, exchange->http, list)) {
            return false;
        }
        is_full = ez_chain_piece_is_full(list->next - 1, exchange->draft.size, list->height);
    }
    if (is_full) {
        send_draft(exchange, list);
    }
    return true;
}

static void finish(ez_exchange *exchange, const chain_list *list)
{
    ez_buffer out = {NULL, 0, 0};
    add_closing(&out, list);
    ez_stream_add(exchange, out.data, out.size);
    ez_buffer_clear(&out);
    ez_stream_end(exchange);
}

static bool go_on(ez_exchange *exchange)
{
    chain_list *list = exchange->state;
    bool whole = true;
    if (list->next > list->height) {
        finish(exchange, list);
    } else if (list->next != list->piece_first || !send_kept(exchange, list)) {
        whole = make_piece(exchange, list);
    }
    if (!whole) {
        /* No end of the list is better than a wrong one: the client sees that it was cut. */
        ez_log_emit(exchange->http->config.log, EZ_LOG_ERROR, "http-chain-cut",
                    EZ_LOG_U64("height", list->next));
        ez_conn_close(exchange->conn);
    }
    return whole;
}

static size_t count_streams(const ez_http *http)
{
    size_t count = 0;
    for (const ez_conn *conn = http->conns; conn != NULL; conn = conn->next) {
        count += conn->exchange.on_turn == go_on;
    }
    return count;
}

void ez_chain_stream(ez_exchange *exchange, ez_chain_answer answer)
{
    if (count_streams(exchange->http) >= EZ_HTTP_CHAIN_READERS_MAX) {
        ez_respond_busy(exchange, "enough clients are reading the chain already");
        return;
    }
    ez_node_status status;
    ez_node_get_status(exchange->http->config.node, &status);
    if (!ez_stream_begin(exchange, "application/json")) {
        return;
    }
    chain_list *list = ez_alloc(1, sizeof *list);
    *list = (chain_list){.answer = answer,
                         .tip = status.tip.id,
                         .height = status.tip.height,
                         .next = 1,
                         .piece_first = 1};
    exchange->state = list;
    exchange->on_turn = go_on;
    ez_stream_add(exchange, opening(answer), strlen(opening(answer)));
    ez_turns_add(&exchange->http->turns, exchange->conn); /* not there yet, after /nodes/resolve */
}
