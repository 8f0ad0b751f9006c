/* GET /v1/events: subscribers following the ring. */
#include "http_internal.h"
#include "routes_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <inttypes.h>
#include <stdlib.h>

/* What a subscriber leaves at its exchange. */
typedef struct subscriber {
    uint64_t cursor; /* id of the event to send next */
    unsigned kinds;
} subscriber;

struct ez_events {
    ez_event_ring ring;
    ez_exchange *subscribers[EZ_HTTP_SUBSCRIBERS_MAX];
    size_t count;
    struct event *heartbeat;
};

/* A comment: it says nothing, but a client that is gone cannot take it. */
static void beat(ez_exchange *exchange)
{
    ez_stream_add(exchange, ":\n\n", 3);
    ez_turns_add(&exchange->http->turns, exchange->conn);
}

static void on_heartbeat(evutil_socket_t fd, short what, void *self)
{
    ez_events *events = self;
    (void)fd;
    (void)what;
    for (size_t i = 0; i < events->count; i++) {
        if (ez_conn_held(events->subscribers[i]->conn) == 0) {
            beat(events->subscribers[i]);
        }
    }
}

ez_events *ez_events_new(struct event_base *base, uint64_t first_id)
{
    ez_events *events = ez_alloc(1, sizeof *events);
    ez_event_ring_init(&events->ring, first_id);
    events->heartbeat = event_new(base, -1, EV_PERSIST, on_heartbeat, events);
    EZ_ASSERT(events->heartbeat != NULL);
    struct timeval interval = {EZ_HTTP_HEARTBEAT_MS / 1000, 0};
    (void)evtimer_add(events->heartbeat, &interval);
    return events;
}

void ez_events_free(ez_events *events)
{
    if (events != NULL) {
        EZ_ASSERT(events->count == 0);
        event_free(events->heartbeat);
        ez_event_ring_clear(&events->ring);
        free(events);
    }
}

size_t ez_events_subscribers(const ez_events *events)
{
    return events->count;
}

/* Send what a subscriber has not seen, as far as its socket takes it. Who has fallen out of the
 * ring is closed. */
static bool on_turn(ez_exchange *exchange)
{
    const ez_event_ring *ring = &exchange->http->events->ring;
    subscriber *self = exchange->state;
    ez_buffer out = {NULL, 0, 0};
    if (self->cursor < ring->first) {
        ez_conn_close(exchange->conn);
        return false;
    }
    while (out.size < EZ_HTTP_PIPELINE_BYTES_MAX && self->cursor < ring->next) {
        const ez_event_record *record = ez_event_ring_get(ring, self->cursor);
        if ((self->kinds & (unsigned)ez_event_kind_of(record->notice.type)) != 0) {
            ez_event_format(&out, record, self->cursor);
        }
        self->cursor++;
    }
    bool more = self->cursor < ring->next;
    ez_stream_add(exchange, out.data, out.size);
    ez_buffer_clear(&out);
    return more;
}

void ez_events_add(ez_events *events, const ez_notice *notice, uint64_t at_us)
{
    ez_event_ring_add(&events->ring, notice, at_us);
    for (size_t i = 0; i < events->count; i++) {
        ez_exchange *exchange = events->subscribers[i];
        ez_turns_add(&exchange->http->turns, exchange->conn);
    }
}

static void on_gone(ez_exchange *exchange)
{
    ez_events *events = exchange->http->events;
    for (size_t i = 0; i < events->count; i++) {
        if (events->subscribers[i] == exchange) {
            events->subscribers[i] = events->subscribers[--events->count];
            return;
        }
    }
}

/* The cursor of a client that saw `last`; what it missed for ever is told by an event of its own.
 */
static uint64_t resume(const ez_event_ring *ring, ez_exchange *exchange, uint64_t last)
{
    if (last >= ring->first - 1 && last < ring->next) {
        return last + 1;
    }
    ez_json_writer writer = {.depth = 0};
    ez_buffer_add_text(&writer.out, "event: gap\ndata: ");
    ez_json_begin_object(&writer, NULL);
    ez_json_u64(&writer, "last_seen", last);
    ez_json_u64(&writer, "oldest", ring->first);
    ez_json_end_object(&writer);
    ez_buffer_add_text(&writer.out, "\n\n");
    ez_stream_add(exchange, writer.out.data, writer.out.size);
    ez_buffer_clear(&writer.out);
    return ring->first;
}

static bool read_last_id(ez_exchange *exchange, bool *has_last, uint64_t *last)
{
    ez_span field = exchange->head.fields[EZ_FIELD_LAST_EVENT_ID];
    char text[24] = "";
    *has_last = field.data != NULL && field.size > 0;
    if (!*has_last) {
        return true;
    }
    if (field.size < sizeof text) {
        memcpy(text, field.data, field.size);
    }
    if (ez_u64_parse(last, text)) {
        return true;
    }
    ez_respond_problem(exchange, 400, "parameter", "Last-Event-ID is a number");
    return false;
}

void ez_route_events(ez_exchange *exchange)
{
    ez_events *events = exchange->http->events;
    const char *types = ez_query_get(&exchange->query, "types");
    unsigned kinds = types != NULL ? ez_event_kinds_parse(types) : EZ_EVENT_KINDS;
    uint64_t last = 0;
    bool has_last = false;
    if (kinds == 0) {
        ez_respond_problem(exchange, 400, "parameter",
                           "types is a list of: block, reorg, transaction, peer");
        return;
    }
    if (!read_last_id(exchange, &has_last, &last)) {
        return;
    }
    if (events->count == EZ_HTTP_SUBSCRIBERS_MAX) {
        ez_respond_busy(exchange, "there are as many subscribers as there may be");
        return;
    }
    if (!ez_stream_begin(exchange, "text/event-stream; charset=utf-8")) {
        return;
    }
    static const char hello[] = "retry: 2000\n\n";
    ez_stream_add(exchange, hello, sizeof hello - 1);
    subscriber *self = ez_alloc(1, sizeof *self);
    self->kinds = kinds;
    self->cursor = has_last ? resume(&events->ring, exchange, last) : events->ring.next;
    exchange->state = self;
    exchange->on_turn = on_turn;
    exchange->on_eof = beat;
    exchange->on_gone = on_gone;
    events->subscribers[events->count++] = exchange;
}
