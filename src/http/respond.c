/* Writing answers: status line, the headers every answer has, the body or its chunks. */
#include "http_internal.h"

#include "ezp2p/base/assert.h"

#include <assert.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EZ_COPY_BYTES_MAX  4096  /* larger bodies are handed over instead of copied */
#define EZ_SMALL_BYTES_MAX 16384 /* cannot fill the memory, for the pipelining bound */

static_assert(EZ_HTTP_CONNECTIONS_MAX * (EZ_HTTP_PIPELINE_BYTES_MAX + EZ_SMALL_BYTES_MAX) <
                  EZ_HTTP_OUTPUT_BYTES_MAX,
              "small answers alone must never reach the bound of all unsent answers");

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {204, "No Content"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {408, "Request Timeout"},
                   {413, "Content Too Large"},
                   {414, "URI Too Long"},
                   {415, "Unsupported Media Type"},
                   {417, "Expectation Failed"},
                   {422, "Unprocessable Content"},
                   {431, "Request Header Fields Too Large"},
                   {503, "Service Unavailable"},
                   {505, "HTTP Version Not Supported"}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status) {
            return reasons[i].reason;
        }
    }
    return "Unknown";
}

/* RFC 9110, 5.6.7, by hand: strftime follows the locale. Formatted once a second. */
static const char *date_text(ez_http *http)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    uint64_t second = ez_http_now(http).wall / 1000000;
    if (second != http->date_second || http->date[0] == '\0') {
        time_t when = (time_t)second;
        struct tm tm;
        if (gmtime_r(&when, &tm) == NULL) {
            tm = (struct tm){.tm_mday = 1, .tm_year = 70, .tm_wday = 4};
        }
        (void)snprintf(http->date, sizeof http->date, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
                       days + (size_t)tm.tm_wday * 3, (unsigned)tm.tm_mday % 100,
                       months + (size_t)tm.tm_mon * 3, (unsigned)(tm.tm_year + 1900) % 10000,
                       (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
                       (unsigned)tm.tm_sec % 100);
        http->date_second = second;
    }
    return http->date;
}

/* Whether the connection ends with this answer, and how the client is told. */
static const char *connection_line(ez_exchange *exchange)
{
    if (!exchange->head.keep_alive || exchange->http->stopping) {
        exchange->conn->close_after = true;
    }
    if (exchange->conn->close_after) {
        return "Connection: close\r\n";
    }
    return exchange->head.minor == 0 ? "Connection: keep-alive\r\n" : "";
}

static struct evbuffer *output_of(const ez_exchange *exchange)
{
    return exchange->conn->socket.out;
}

static void add_line(ez_buffer *out, const char *name, const char *value)
{
    ez_buffer_add_text(out, name);
    ez_buffer_add_text(out, value);
    ez_buffer_add(out, "\r\n", 2);
}

/* The head up to and without the empty line. Borrowed until the next one is written. */
static ez_buffer *write_head(ez_exchange *exchange, int status, const char *type)
{
    ez_http *http = exchange->http;
    ez_buffer *out = &http->scratch;
    int class = status / 100;
    EZ_ASSERT(class >= 2 && class <= 5);
    http->totals.answers[class]++;
    out->size = 0;
    ez_buffer_add_text(out, "HTTP/1.1 ");
    ez_buffer_add_decimal(out, (uint64_t)status);
    add_line(out, " ", reason_of(status));
    add_line(out, "Date: ", date_text(http));
    if (type != NULL) {
        add_line(out, "Content-Type: ", type);
        ez_buffer_add_text(out, "X-Content-Type-Options: nosniff\r\n");
    }
    ez_buffer_add_text(out, "Cache-Control: no-store\r\n");
    ez_buffer_add_text(out, connection_line(exchange));
    ez_buffer_add(out, exchange->extra, exchange->extra_size);
    return out;
}

void ez_respond_continue(ez_exchange *exchange)
{
    (void)evbuffer_add(output_of(exchange), "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

void ez_respond_header(ez_exchange *exchange, const char *name, const char *value)
{
    size_t room = sizeof exchange->extra - exchange->extra_size;
    int size = snprintf(exchange->extra + exchange->extra_size, room, "%s: %s\r\n", name, value);
    EZ_ASSERT(size > 0 && (size_t)size < room);
    exchange->extra_size += (size_t)size;
}

static void free_body(const void *data, size_t size, void *memory)
{
    (void)data;
    (void)size;
    free(memory);
}

/* Hand `body` to the output, or copy it when that is cheaper. Moves in. */
static void send_body(struct evbuffer *output, ez_buffer *body)
{
    if (body->size > EZ_COPY_BYTES_MAX &&
        evbuffer_add_reference(output, body->data, body->size, free_body, body->data) == 0) {
        *body = (ez_buffer){NULL, 0, 0};
        return;
    }
    (void)evbuffer_add(output, body->data, body->size);
    ez_buffer_clear(body);
}

void ez_respond(ez_exchange *exchange, int status, const char *type, ez_buffer *body)
{
    ez_buffer empty = {NULL, 0, 0};
    struct evbuffer *output = output_of(exchange);
    if (body == NULL) {
        body = &empty;
    }
    EZ_ASSERT(!exchange->streaming);
    size_t size = body->size;
    ez_buffer *head = write_head(exchange, status, type);
    if (status != 204) {
        ez_buffer_add_text(head, "Content-Length: ");
        ez_buffer_add_decimal(head, size);
        ez_buffer_add(head, "\r\n", 2);
    }
    ez_buffer_add(head, "\r\n", 2);
    (void)evbuffer_add(output, head->data, head->size);
    if (exchange->head.method == EZ_METHOD_HEAD || size == 0) {
        ez_buffer_clear(body);
    } else {
        send_body(output, body);
    }
    ez_conn_answered(exchange->conn);
    if (size > EZ_SMALL_BYTES_MAX) {
        ez_http_trim(exchange->http);
    }
}

void ez_respond_static(ez_exchange *exchange, int status, const char *type, const char *body,
                       size_t size)
{
    ez_buffer copy = {NULL, 0, 0};
    ez_buffer_add(&copy, body, size);
    ez_respond(exchange, status, type, &copy);
}

void ez_respond_json(ez_exchange *exchange, int status, ez_json_writer *writer)
{
    EZ_ASSERT(writer->depth == 0);
    ez_buffer_add_u8(&writer->out, '\n');
    ez_respond(exchange, status, "application/json", &writer->out);
}

void ez_respond_problem(ez_exchange *exchange, int status, const char *code, const char *detail)
{
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_text(&writer, "code", code);
    ez_json_text(&writer, "detail", detail);
    ez_json_u64(&writer, "status", (uint64_t)status);
    ez_json_text(&writer, "title", reason_of(status));
    ez_json_text(&writer, "type", "about:blank");
    ez_json_end_object(&writer);
    ez_buffer_add_u8(&writer.out, '\n');
    ez_respond(exchange, status, "application/problem+json", &writer.out);
}

void ez_respond_refusal(ez_exchange *exchange, const ez_refusal *refusal)
{
    if (refusal->status == 401) {
        ez_respond_header(exchange, "WWW-Authenticate", "Bearer realm=\"ezp2p\"");
    }
    ez_respond_problem(exchange, refusal->status, refusal->code, refusal->detail);
}

void ez_respond_busy(ez_exchange *exchange, const char *detail)
{
    ez_respond_header(exchange, "Retry-After", "1");
    ez_respond_problem(exchange, 503, "busy", detail);
}

bool ez_stream_begin(ez_exchange *exchange, const char *type)
{
    EZ_ASSERT(!exchange->streaming);
    ez_conn *conn = exchange->conn;
    if (exchange->head.minor == 0) {
        conn->close_after = true; /* the end of the connection is the end of the body */
    }
    ez_buffer *head = write_head(exchange, 200, type);
    if (exchange->head.minor == 1) {
        ez_buffer_add_text(head, "Transfer-Encoding: chunked\r\n");
    }
    ez_buffer_add(head, "\r\n", 2);
    (void)evbuffer_add(output_of(exchange), head->data, head->size);
    if (exchange->head.method == EZ_METHOD_HEAD) {
        ez_conn_answered(conn);
        return false;
    }
    exchange->streaming = true;
    return true;
}

/* What frames a chunk: its size before it, a line end behind it. */
static void begin_chunk(ez_exchange *exchange, size_t size)
{
    EZ_ASSERT(exchange->streaming);
    if (exchange->head.minor == 1) {
        char line[24];
        int length = snprintf(line, sizeof line, "%zx\r\n", size);
        (void)evbuffer_add(output_of(exchange), line, (size_t)length);
    }
}

static void end_chunk(ez_exchange *exchange, size_t size)
{
    if (exchange->head.minor == 1) {
        (void)evbuffer_add(output_of(exchange), "\r\n", 2);
    }
    if (size > EZ_SMALL_BYTES_MAX) {
        ez_http_trim(exchange->http);
    }
}

void ez_stream_add(ez_exchange *exchange, const void *data, size_t size)
{
    if (size == 0 || exchange->conn->state == EZ_CONN_DEAD) {
        return; /* an empty chunk would end the body */
    }
    begin_chunk(exchange, size);
    (void)evbuffer_add(output_of(exchange), data, size);
    end_chunk(exchange, size);
}

void ez_stream_add_shared(ez_exchange *exchange, const void *data, size_t size,
                          void (*release)(const void *data, size_t size, void *owner), void *owner)
{
    if (size == 0 || exchange->conn->state == EZ_CONN_DEAD) {
        release(data, size, owner);
        return;
    }
    begin_chunk(exchange, size);
    if (evbuffer_add_reference(output_of(exchange), data, size, release, owner) != 0) {
        (void)evbuffer_add(output_of(exchange), data, size);
        release(data, size, owner);
    }
    end_chunk(exchange, size);
}

void ez_stream_end(ez_exchange *exchange)
{
    EZ_ASSERT(exchange->streaming);
    if (exchange->head.minor == 1) {
        (void)evbuffer_add(output_of(exchange), "0\r\n\r\n", 5);
    }
    ez_conn_answered(exchange->conn);
}
