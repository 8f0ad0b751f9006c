/* One client: bytes into requests, answers into bytes, and every way a connection can end. */
#include "http_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

size_t ez_conn_output(const ez_conn *conn)
{
    return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

static struct evbuffer *input_of(const ez_conn *conn)
{
    return bufferevent_get_input(conn->bev);
}

static void set_deadline(ez_conn *conn, unsigned ms)
{
    struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    (void)evtimer_add(conn->timer, &wait);
}

/* Forget the exchange: what it holds, and what its handler left. */
static void clear_exchange(ez_conn *conn)
{
    ez_exchange *exchange = &conn->exchange;
    EZ_ASSERT(conn->http->body_bytes >= exchange->body.size);
    conn->http->body_bytes -= exchange->body.size;
    ez_buffer_clear(&exchange->body);
    free(exchange->head_bytes);
    free(exchange->state);
    *exchange = (ez_exchange){.http = conn->http, .conn = conn};
}

/* The client is gone: tell a handler that has not finished. */
static void abandon_exchange(ez_conn *conn)
{
    void (*on_gone)(ez_exchange *) = conn->exchange.on_gone;
    conn->exchange.on_gone = NULL;
    conn->exchange.on_reply = NULL;
    conn->exchange.on_drained = NULL;
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
    bufferevent_setcb(conn->bev, NULL, NULL, NULL, NULL);
    (void)bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
    (void)event_del(conn->timer);
    (void)event_del(conn->resume);
    DL_DELETE(http->conns, conn);
    http->conn_count--;
    DL_APPEND(http->dead, conn);
    event_active(http->sweep, EV_TIMEOUT, 0);
    /* At once: many may be closed for the memory of their answers before the sweep comes round. */
    struct evbuffer *output = bufferevent_get_output(conn->bev);
    (void)evbuffer_unfreeze(output, 1);
    (void)evbuffer_drain(output, evbuffer_get_length(output));
    abandon_exchange(conn);
}

void ez_conn_free(ez_conn *conn)
{
    clear_exchange(conn);
    event_free(conn->timer);
    event_free(conn->resume);
    bufferevent_free(conn->bev);
    free(conn);
}

/* Close our half, so that the answer arrives even if the client is still sending: a plain close
 * with unread input would reset the connection and take the answer with it. */
static void begin_lingering(ez_conn *conn)
{
    if (conn->eof) {
        ez_conn_close(conn);
        return;
    }
    conn->state = EZ_CONN_LINGERING;
    (void)shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
    (void)evbuffer_drain(input_of(conn), evbuffer_get_length(input_of(conn)));
    set_deadline(conn, EZ_HTTP_LINGER_MS);
}

static void begin_flushing(ez_conn *conn)
{
    conn->state = EZ_CONN_FLUSHING;
    (void)event_del(conn->timer);
    if (ez_conn_output(conn) == 0) {
        begin_lingering(conn);
    }
}

/* Answer a request that could not be read to its end; nothing more is read from this client. */
static void refuse(ez_conn *conn, ez_refusal refusal)
{
    conn->close_after = true;
    conn->state = EZ_CONN_ANSWERING;
    ez_respond_refusal(&conn->exchange, &refusal);
}

void ez_conn_answered(ez_conn *conn)
{
    EZ_ASSERT(conn->state == EZ_CONN_ANSWERING);
    conn->state = EZ_CONN_ANSWERED;
    conn->exchange.on_gone = NULL;
    conn->exchange.on_reply = NULL;
    conn->exchange.on_drained = NULL;
    if (!conn->processing) {
        event_active(conn->resume, EV_TIMEOUT, 0);
    }
}

/* The answer is out of our hands: on to the next request, or to the end. */
static void next_request(ez_conn *conn)
{
    clear_exchange(conn);
    conn->in_request = false;
    if (conn->close_after) {
        begin_flushing(conn);
        return;
    }
    conn->state = EZ_CONN_HEAD;
    conn->scanned = 0;
    conn->active = ez_http_now(conn->http).mono;
    set_deadline(conn, EZ_HTTP_IDLE_MS);
}

/* Hand a received request on. The handler may answer now or later. */
static void dispatch(ez_conn *conn)
{
    conn->state = EZ_CONN_ANSWERING;
    conn->in_request = false;
    (void)event_del(conn->timer);
    ez_dispatch(&conn->exchange);
}

/* An empty line before a request is forgiven (RFC 9112, 2.2): old clients send one behind a body.
 */
static void skip_empty_line(struct evbuffer *input)
{
    char start[2];
    if (evbuffer_copyout(input, start, 2) == 2 && start[0] == '\r' && start[1] == '\n') {
        (void)evbuffer_drain(input, 2);
    }
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
    exchange->head_bytes = ez_alloc(head_bytes, 1);
    (void)evbuffer_remove(input_of(conn), exchange->head_bytes, head_bytes);
    conn->http->totals.requests++;
    exchange->number = ++conn->http->last_number;
    ez_refusal refusal = ez_head_parse(&exchange->head, exchange->head_bytes, head_bytes);
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
    if (exchange->head.wants_100 && evbuffer_get_length(input_of(conn)) == 0) {
        (void)bufferevent_write(conn->bev, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    }
}

/* Returns whether there is more to do at once. */
static bool step_head(ez_conn *conn)
{
    struct evbuffer *input = input_of(conn);
    if (ez_conn_output(conn) > EZ_HTTP_PIPELINE_BYTES) {
        return false; /* who does not read answers gets no more of them */
    }
    if (conn->scanned == 0) {
        skip_empty_line(input);
    }
    size_t size = evbuffer_get_length(input);
    if (size == 0) {
        return false;
    }
    if (!conn->in_request) {
        conn->in_request = true;
        set_deadline(conn, EZ_HTTP_REQUEST_TIMEOUT_MS);
    }
    size_t window = size < EZ_HTTP_HEADER_BYTES_MAX ? size : EZ_HTTP_HEADER_BYTES_MAX;
    const char *data = (const char *)evbuffer_pullup(input, (ev_ssize_t)window);
    size_t end = 0;
    switch (ez_head_find_end(data, window, &conn->scanned, &end)) {
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
        refuse(conn, too_large(data, window));
        return true;
    }
    return false;
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

static void step_body_sized(ez_conn *conn, size_t size)
{
    ez_buffer *body = &conn->exchange.body;
    size_t take = conn->body_left < size ? (size_t)conn->body_left : size;
    (void)evbuffer_remove(input_of(conn), ez_buffer_reserve(body, take), take);
    body->size += take;
    conn->http->body_bytes += take;
    conn->body_left -= take;
    if (conn->body_left == 0) {
        dispatch(conn);
    }
}

static void step_body_chunked(ez_conn *conn, size_t size)
{
    ez_buffer *body = &conn->exchange.body;
    const char *data = (const char *)evbuffer_pullup(input_of(conn), (ev_ssize_t)size);
    size_t before = body->size, used = 0;
    ez_chunked_result result =
        ez_chunked_feed(&conn->chunked, body, EZ_HTTP_BODY_BYTES_MAX, data, size, &used);
    conn->http->body_bytes += body->size - before;
    (void)evbuffer_drain(input_of(conn), used);
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
    size_t size = evbuffer_get_length(input_of(conn));
    if (size == 0) {
        return false;
    }
    size = size < 16384 ? size : 16384; /* a pull-up copies: keep it small */
    if (!body_fits(conn, size)) {
        return true;
    }
    if (conn->exchange.head.chunked) {
        step_body_chunked(conn, size);
    } else {
        step_body_sized(conn, size);
    }
    return true;
}

static bool step(ez_conn *conn)
{
    switch (conn->state) {
    case EZ_CONN_HEAD:
        return step_head(conn);
    case EZ_CONN_BODY:
        return step_body(conn);
    case EZ_CONN_ANSWERED:
        next_request(conn);
        return true;
    case EZ_CONN_ANSWERING:
    case EZ_CONN_FLUSHING:
    case EZ_CONN_LINGERING:
    case EZ_CONN_DEAD:
        break;
    }
    return false;
}

/* The client sends no more: what it asked is still answered, if it can be answered soon. */
static void settle_eof(ez_conn *conn)
{
    switch (conn->state) {
    case EZ_CONN_HEAD:
        if (ez_conn_output(conn) <= EZ_HTTP_PIPELINE_BYTES) {
            begin_flushing(conn); /* nothing whole is left in the input */
        }
        break;
    case EZ_CONN_BODY:
    case EZ_CONN_LINGERING:
        ez_conn_close(conn);
        break;
    case EZ_CONN_ANSWERING:
        if (conn->exchange.on_gone != NULL) {
            ez_conn_close(conn); /* a long wait: most likely nobody is there any more */
        }
        break;
    case EZ_CONN_ANSWERED:
    case EZ_CONN_FLUSHING:
    case EZ_CONN_DEAD:
        break;
    }
}

void ez_conn_process(ez_conn *conn)
{
    if (conn->processing) {
        return;
    }
    conn->processing = true;
    while (step(conn)) {
    }
    if (conn->eof) {
        settle_eof(conn);
    }
    conn->processing = false;
}

static void on_read(struct bufferevent *bev, void *self)
{
    ez_conn *conn = self;
    if (conn->state == EZ_CONN_LINGERING || conn->state == EZ_CONN_FLUSHING) {
        struct evbuffer *input = bufferevent_get_input(bev);
        (void)evbuffer_drain(input, evbuffer_get_length(input));
        return;
    }
    ez_conn_process(conn);
}

/* All output is with the kernel. */
static void on_write(struct bufferevent *bev, void *self)
{
    ez_conn *conn = self;
    (void)bev;
    if (conn->state == EZ_CONN_FLUSHING) {
        begin_lingering(conn);
    } else if (conn->state == EZ_CONN_ANSWERING && conn->exchange.on_drained != NULL) {
        conn->exchange.on_drained(&conn->exchange);
    } else if (conn->state == EZ_CONN_HEAD) {
        ez_conn_process(conn);
    }
}

static void on_event(struct bufferevent *bev, short what, void *self)
{
    ez_conn *conn = self;
    (void)bev;
    if ((what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) != 0) {
        ez_conn_close(conn);
        return;
    }
    conn->eof = true;
    ez_conn_process(conn);
}

static void on_deadline(evutil_socket_t fd, short what, void *self)
{
    ez_conn *conn = self;
    (void)fd;
    (void)what;
    if (conn->in_request && (conn->state == EZ_CONN_HEAD || conn->state == EZ_CONN_BODY)) {
        refuse(conn, EZ_REFUSED(408, "request-timeout", "a request must arrive within 10 seconds"));
        return;
    }
    if (conn->state == EZ_CONN_HEAD && ez_conn_output(conn) > 0) {
        set_deadline(conn, EZ_HTTP_IDLE_MS); /* still taking the last answer: not idle yet */
        return;
    }
    ez_conn_close(conn);
}

static void on_resume(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    ez_conn_process(self);
}

ez_conn *ez_conn_new(ez_http *http, evutil_socket_t fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct bufferevent *bev = bufferevent_socket_new(http->config.base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        (void)evutil_closesocket(fd);
        return NULL;
    }
    ez_conn *conn = ez_alloc(1, sizeof *conn);
    conn->http = http;
    conn->bev = bev;
    conn->timer = evtimer_new(http->config.base, on_deadline, conn);
    conn->resume = event_new(http->config.base, -1, 0, on_resume, conn);
    EZ_ASSERT(conn->timer != NULL && conn->resume != NULL);
    conn->active = ez_http_now(http).mono;
    clear_exchange(conn);
    DL_APPEND(http->conns, conn);
    http->conn_count++;
    http->totals.connections++;
    struct timeval stall = {EZ_OUTPUT_STALL_MS / 1000, 0};
    bufferevent_setcb(bev, on_read, on_write, on_event, conn);
    bufferevent_setwatermark(bev, EV_READ, 0, EZ_HTTP_INPUT_BYTES);
    (void)bufferevent_set_timeouts(bev, NULL, &stall);
    set_deadline(conn, EZ_HTTP_REQUEST_TIMEOUT_MS);
    (void)bufferevent_enable(bev, EV_READ | EV_WRITE);
    return conn;
}

void ez_conn_turn_away(ez_conn *conn)
{
    ez_respond_header(&conn->exchange, "Retry-After", "1");
    refuse(conn, EZ_REFUSED(503, "busy", "too many connections are open; try again"));
}
