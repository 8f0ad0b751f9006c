/* One client: bytes into requests, answers into bytes, and every way a connection can end. */
#include "http_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

#define KEPT_HEAD_BYTES_MAX 2048 /* of a connection's memory for a head, between requests */

size_t ez_conn_held(const ez_conn *conn)
{
    return ez_socket_unsent(&conn->socket) + conn->exchange.draft.size + conn->exchange.held;
}

static void set_deadline(ez_conn *conn, unsigned ms)
{
    conn->deadline = ez_http_now(conn->http).mono + ms;
}

static void add_turn(ez_conn *conn)
{
    if (!conn->in_turn) {
        ez_turns_add(&conn->http->turns, conn);
    }
}

/* Forget the exchange: what it holds, and what its handler left. */
static void clear_exchange(ez_conn *conn)
{
    ez_exchange *exchange = &conn->exchange;
    EZ_ASSERT(conn->http->body_bytes >= exchange->body.size);
    conn->http->body_bytes -= exchange->body.size;
    ez_buffer_clear(&exchange->body);
    ez_buffer_clear(&exchange->draft);
    if (exchange->free_state != NULL) {
        exchange->free_state(exchange->state);
    } else {
        free(exchange->state);
    }
    memset(exchange, 0, offsetof(ez_exchange, path));
    exchange->query.count = 0;
    exchange->http = conn->http;
    exchange->conn = conn;
    conn->was_probed = false;
    conn->head_bytes.size = 0;
    if (conn->head_bytes.capacity > KEPT_HEAD_BYTES_MAX) {
        ez_buffer_clear(&conn->head_bytes);
    }
}

static void clear_hooks(ez_exchange *exchange)
{
    exchange->on_reply = NULL;
    exchange->on_turn = NULL;
    exchange->on_eof = NULL;
    exchange->on_gone = NULL;
}

/* The client is gone: tell a handler that has not finished. */
static void abandon_exchange(ez_conn *conn)
{
    void (*on_gone)(ez_exchange *) = conn->exchange.on_gone;
    clear_hooks(&conn->exchange);
    if (on_gone != NULL) {
        on_gone(&conn->exchange);
    }
}

void ez_conn_close(ez_conn *conn)
{
    if (conn->state == EZ_CONN_DEAD) {
        return;
    }
    ez_http *http = conn->http;
    conn->state = EZ_CONN_DEAD;
    ez_turns_remove(&http->turns, conn);
    ez_socket_close(&conn->socket);
    ez_buffer_clear(&conn->exchange.draft);
    conn->exchange.held = 0;
    DL_DELETE(http->conns, conn);
    http->conn_count--;
    DL_APPEND(http->dead, conn);
    event_active(http->sweep, EV_TIMEOUT, 0);
    abandon_exchange(conn);
}

void ez_conn_free(ez_conn *conn)
{
    clear_exchange(conn);
    ez_buffer_clear(&conn->head_bytes);
    free(conn);
}

/* Hand the output to the kernel, and note when it began to take no more. */
static void flush(ez_conn *conn)
{
    if (!ez_socket_flush(&conn->socket)) {
        ez_conn_close(conn);
    } else if (!conn->socket.is_blocked) {
        conn->unsent_since = EZ_TIME_NEVER;
    } else if (conn->unsent_since == EZ_TIME_NEVER) {
        conn->unsent_since = ez_http_now(conn->http).mono;
        conn->taken_then = ez_socket_taken(&conn->socket);
    }
}

/* Whether there is room for another answer: who does not read answers gets no more of them. */
static bool has_room(ez_conn *conn)
{
    if (ez_socket_unsent(&conn->socket) > EZ_HTTP_PIPELINE_BYTES_MAX) {
        flush(conn);
    }
    return conn->state != EZ_CONN_DEAD &&
           ez_socket_unsent(&conn->socket) <= EZ_HTTP_PIPELINE_BYTES_MAX;
}

/* Close our half, so that the answer arrives even if the client is still sending: a plain close
 * with unread input would reset the connection and take the answer with it. */
static void begin_lingering(ez_conn *conn)
{
    if (conn->socket.eof) {
        ez_conn_close(conn);
        return;
    }
    conn->state = EZ_CONN_LINGERING;
    ez_socket_end_output(&conn->socket);
    set_deadline(conn, EZ_HTTP_LINGER_MS);
}

static void discard_input(ez_conn *conn)
{
    ez_socket_use(&conn->socket, ez_socket_input(&conn->socket).size);
}

/* The last answer is made: send what is left of it. */
static void step_flushing(ez_conn *conn)
{
    discard_input(conn);
    flush(conn);
    if (conn->state == EZ_CONN_FLUSHING && ez_socket_unsent(&conn->socket) == 0) {
        begin_lingering(conn);
    }
}

/* Answer a request that could not be read to its end; nothing more is read from this client. */
static void refuse(ez_conn *conn, ez_refusal refusal)
{
    conn->close_after = true;
    conn->in_request = false;
    conn->deadline = EZ_TIME_NEVER;
    conn->state = EZ_CONN_ANSWERING;
    ez_respond_refusal(&conn->exchange, &refusal);
}

void ez_conn_answered(ez_conn *conn)
{
    EZ_ASSERT(conn->state == EZ_CONN_ANSWERING);
    conn->state = EZ_CONN_ANSWERED;
    clear_hooks(&conn->exchange);
    add_turn(conn);
}

/* The answer is out of our hands: on to the next request, or to the end. */
static void next_request(ez_conn *conn)
{
    clear_exchange(conn);
    conn->in_request = false;
    if (conn->close_after) {
        conn->state = EZ_CONN_FLUSHING;
        conn->deadline = EZ_TIME_NEVER;
        return;
    }
    conn->state = EZ_CONN_HEAD;
    conn->scanned = 0;
    conn->since = ez_http_now(conn->http).mono;
    set_deadline(conn, EZ_HTTP_IDLE_MS);
}

/* Hand a received request on. The handler may answer now or later. */
static void dispatch(ez_conn *conn)
{
    conn->state = EZ_CONN_ANSWERING;
    conn->in_request = false;
    conn->deadline = EZ_TIME_NEVER;
    ez_dispatch(&conn->exchange);
}

/* Empty lines before a request are forgiven (RFC 9112, 2.2): old clients send one behind a body.
 * Returns whether the input may be the start of a head: a CR alone tells nothing yet. */
static bool skip_empty_lines(ez_conn *conn)
{
    ez_span input = ez_socket_input(&conn->socket);
    size_t at = 0;
    while (input.size - at >= 2 && input.data[at] == '\r' && input.data[at + 1] == '\n') {
        at += 2;
    }
    ez_socket_use(&conn->socket, at);
    return input.size - at > 1 || (input.size - at == 1 && input.data[at] != '\r');
}

/* No end of the head within the bound: which part is too long? */
static ez_refusal too_large(const char *data, size_t size)
{
    return memchr(data, '\n', size) == NULL
               ? EZ_REFUSED(414, "target-too-long", "the request line is too long")
               : EZ_REFUSED(431, "headers-too-large",
                            "request line and headers are at most 16384 bytes");
}

/* A head is here: read it, and find out whether its body is wanted. */
static void begin_request(ez_conn *conn, size_t head_bytes)
{
    ez_exchange *exchange = &conn->exchange;
    ez_buffer_add(&conn->head_bytes, ez_socket_input(&conn->socket).data, head_bytes);
    ez_socket_use(&conn->socket, head_bytes);
    conn->http->totals.requests++;
    exchange->number = ++conn->http->last_number;
    ez_refusal refusal =
        ez_head_parse(&exchange->head, (const char *)conn->head_bytes.data, head_bytes);
    if (refusal.status != 0) {
        refuse(conn, refusal);
        return;
    }
    bool has_body = exchange->head.chunked || exchange->head.content_length > 0;
    bool close_after = conn->close_after;
    conn->state = EZ_CONN_ANSWERING;
    conn->close_after |= has_body; /* in case it is refused with the body unread */
    if (!ez_dispatch_head(exchange)) {
        return;
    }
    conn->close_after = close_after;
    if (!has_body) {
        dispatch(conn);
        return;
    }
    conn->state = EZ_CONN_BODY;
    conn->body_left = exchange->head.content_length;
    conn->chunked = (ez_chunked){.left = 0};
    if (exchange->head.wants_100 && ez_socket_input(&conn->socket).size == 0) {
        ez_respond_continue(exchange);
    }
}

/* Part of a request is here: the rest has its time. */
static bool wait_for_rest(ez_conn *conn)
{
    if (!conn->in_request) {
        conn->in_request = true;
        conn->since = ez_http_now(conn->http).mono;
        set_deadline(conn, EZ_HTTP_REQUEST_TIMEOUT_MS);
    }
    return false;
}

/* The steps return whether there is more to do at once. */
static bool step_head(ez_conn *conn)
{
    if (!has_room(conn) || (conn->scanned == 0 && !skip_empty_lines(conn))) {
        return false;
    }
    ez_span input = ez_socket_input(&conn->socket);
    size_t window = input.size < EZ_HTTP_HEADER_BYTES_MAX ? input.size : EZ_HTTP_HEADER_BYTES_MAX;
    size_t end = 0;
    switch (ez_head_find_end(input.data, window, &conn->scanned, &end)) {
    case EZ_HEAD_WHOLE:
        begin_request(conn, end);
        return true;
    case EZ_HEAD_BAD:
        refuse(conn, EZ_REFUSED(400, "request-malformed",
                                "lines end with CR LF and hold no control characters"));
        return true;
    case EZ_HEAD_MORE:
        break;
    }
    if (window == EZ_HTTP_HEADER_BYTES_MAX) {
        refuse(conn, too_large(input.data, window));
        return true;
    }
    return wait_for_rest(conn);
}

/* All requests together hold a bounded amount of body. */
static bool body_fits(ez_conn *conn, size_t more)
{
    if (conn->http->body_bytes + more <= EZ_HTTP_BODIES_BYTES_MAX) {
        return true;
    }
    ez_respond_header(&conn->exchange, "Retry-After", "1");
    refuse(conn, EZ_REFUSED(503, "busy", "too many large requests at once; try again"));
    return false;
}

static void step_body_sized(ez_conn *conn, ez_span input)
{
    size_t take = conn->body_left < input.size ? (size_t)conn->body_left : input.size;
    ez_buffer_add(&conn->exchange.body, input.data, take);
    ez_socket_use(&conn->socket, take);
    conn->http->body_bytes += take;
    conn->body_left -= take;
    if (conn->body_left == 0) {
        dispatch(conn);
    }
}

static void step_body_chunked(ez_conn *conn, ez_span input)
{
    ez_buffer *body = &conn->exchange.body;
    size_t before = body->size, used = 0;
    ez_chunked_result result = ez_chunked_feed(&conn->chunked, body, EZ_HTTP_BODY_BYTES_MAX,
                                               input.data, input.size, &used);
    conn->http->body_bytes += body->size - before;
    ez_socket_use(&conn->socket, used);
    switch (result) {
    case EZ_CHUNKED_MORE:
        break;
    case EZ_CHUNKED_DONE:
        dispatch(conn);
        break;
    case EZ_CHUNKED_MALFORMED:
        refuse(conn, EZ_REFUSED(400, "request-malformed", "the chunked body is malformed"));
        break;
    case EZ_CHUNKED_TOO_LARGE:
        refuse(conn, EZ_REFUSED(413, "body-too-large", "a request body is at most 1048576 bytes"));
        break;
    }
}

static bool step_body(ez_conn *conn)
{
    ez_span input = ez_socket_input(&conn->socket);
    if (input.size == 0) {
        return wait_for_rest(conn);
    }
    if (!body_fits(conn, input.size)) {
        return true;
    }
    if (conn->exchange.head.chunked) {
        step_body_chunked(conn, input);
    } else {
        step_body_sized(conn, input);
    }
    return true;
}

/* The handler has more to say, if there is room. */
static bool step_answering(ez_conn *conn)
{
    bool (*on_turn)(ez_exchange *) = conn->exchange.on_turn;
    if (on_turn == NULL || !has_room(conn)) {
        return false;
    }
    bool more = on_turn(&conn->exchange);
    return more || conn->state == EZ_CONN_ANSWERED;
}

static bool step(ez_conn *conn)
{
    switch (conn->state) {
    case EZ_CONN_HEAD:
        return step_head(conn);
    case EZ_CONN_BODY:
        return step_body(conn);
    case EZ_CONN_ANSWERING:
        return step_answering(conn);
    case EZ_CONN_ANSWERED:
        next_request(conn);
        return true;
    case EZ_CONN_FLUSHING:
        step_flushing(conn);
        break;
    case EZ_CONN_LINGERING:
        discard_input(conn);
        break;
    case EZ_CONN_DEAD:
        break;
    }
    return false;
}

/* The client sends no more, and nothing whole is left in the input: what it asked is answered. */
static void settle_eof(ez_conn *conn)
{
    switch (conn->state) {
    case EZ_CONN_HEAD:
        if (has_room(conn)) {
            conn->state = EZ_CONN_FLUSHING;
            conn->deadline = EZ_TIME_NEVER;
            step_flushing(conn);
        }
        break;
    case EZ_CONN_BODY:
    case EZ_CONN_LINGERING:
        ez_conn_close(conn);
        break;
    case EZ_CONN_ANSWERING:
        if (conn->exchange.on_eof != NULL && !conn->was_probed) {
            conn->was_probed = true;
            conn->exchange.on_eof(&conn->exchange);
        }
        break;
    case EZ_CONN_ANSWERED:
    case EZ_CONN_FLUSHING:
    case EZ_CONN_DEAD:
        break;
    }
}

bool ez_conn_take_turn(ez_conn *conn)
{
    uint64_t end = ez_turns_clock_us() + EZ_HTTP_SHARE_US;
    bool more = true;
    conn->in_turn = true;
    while (more && (more = step(conn)) && ez_turns_clock_us() < end) {
    }
    if (!more && conn->socket.eof) {
        settle_eof(conn);
    }
    conn->in_turn = false;
    if (conn->state != EZ_CONN_DEAD) {
        flush(conn);
    }
    return more && conn->state != EZ_CONN_DEAD;
}

/* ---- from the loop ----------------------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *self)
{
    ez_conn *conn = self;
    (void)fd;
    (void)what;
    if (ez_socket_receive(&conn->socket, conn->http->received, sizeof conn->http->received)) {
        add_turn(conn);
    } else {
        ez_conn_close(conn);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *self)
{
    ez_conn *conn = self;
    (void)fd;
    (void)what;
    flush(conn);
    if (conn->state != EZ_CONN_DEAD) {
        add_turn(conn);
    }
}

/* Whether the client takes its answer too slowly: looked at once in EZ_OUTPUT_STALL_MS. */
static bool is_stalled(ez_conn *conn, ez_time_ms now)
{
    if (conn->unsent_since == EZ_TIME_NEVER || now - conn->unsent_since < EZ_OUTPUT_STALL_MS) {
        return false;
    }
    uint64_t taken = ez_socket_taken(&conn->socket);
    bool stalled = taken - conn->taken_then < EZ_HTTP_TAKEN_BYTES_MIN;
    conn->unsent_since = now;
    conn->taken_then = taken;
    return stalled;
}

void ez_conn_look(ez_conn *conn)
{
    ez_time_ms now = ez_http_now(conn->http).mono;
    if (is_stalled(conn, now)) {
        conn->http->totals.stalled++;
        ez_conn_close(conn);
    } else if (conn->was_probed && ez_socket_is_broken(&conn->socket)) {
        ez_conn_close(conn);
    } else if (now < conn->deadline) {
        return;
    } else if (conn->in_request) {
        refuse(conn, EZ_REFUSED(408, "request-timeout", "a request must arrive within 10 seconds"));
    } else if (conn->state == EZ_CONN_HEAD && conn->socket.is_blocked) {
        set_deadline(conn, EZ_HTTP_IDLE_MS); /* still taking the last answer: not idle yet */
    } else {
        ez_conn_close(conn);
    }
}

ez_claim ez_conn_claim(const ez_conn *conn)
{
    ez_time_ms now = ez_http_now(conn->http).mono;
    if (conn->unsent_since != EZ_TIME_NEVER) {
        return (ez_claim){EZ_CLAIM_TAKING, now - conn->unsent_since,
                          ez_socket_taken(&conn->socket) - conn->taken_then};
    }
    if (conn->in_request) {
        return (ez_claim){.kind = EZ_CLAIM_SENDING, .ms = now - conn->since};
    }
    bool is_idle = conn->state == EZ_CONN_HEAD && !conn->turn.is_due;
    return (ez_claim){.kind = is_idle ? EZ_CLAIM_IDLE : EZ_CLAIM_SERVED, .ms = now - conn->since};
}

ez_conn *ez_conn_new(ez_http *http, evutil_socket_t fd, const ez_endpoint *remote)
{
    ez_conn *conn = ez_alloc(1, sizeof *conn);
    conn->http = http;
    conn->remote = *remote;
    conn->since = ez_http_now(http).mono;
    conn->unsent_since = EZ_TIME_NEVER;
    ez_socket_open(&conn->socket, http->config.base, fd, on_readable, on_writable, conn);
    clear_exchange(conn);
    ez_turns_join(&http->turns, conn);
    DL_APPEND(http->conns, conn);
    http->conn_count++;
    http->totals.connections++;
    set_deadline(conn, EZ_HTTP_REQUEST_TIMEOUT_MS);
    return conn;
}

void ez_conn_turn_away(ez_conn *conn, const char *detail)
{
    ez_respond_header(&conn->exchange, "Retry-After", "1");
    refuse(conn, EZ_REFUSED(503, "busy", detail));
}
