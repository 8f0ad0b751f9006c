#include "link_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/wire/codec.h"
#include "ezp2p/wire/frame.h"
#include "transport_internal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Read ahead of the cutter: the kernel's flow control does the rest. */
#define READ_AHEAD_BYTES 131072
#define READ_ONCE_BYTES  65536
#define WRITE_ONCE_BYTES 262144

/* Served for one link before the others have their turn, if its time (tuning.serve_us) does not end
 * before. */
#define SERVE_FRAMES_MAX 32
#define SERVE_BYTES_MAX  262144

/* From this size an encoded frame's memory is handed over instead of copied. */
#define HAND_OVER_BYTES 16384

typedef enum link_state {
    LINK_OPEN,
    LINK_FAULTED,
    LINK_FLUSHING,
    LINK_LINGERING,
    LINK_DEAD,
} link_state;

struct ez_link {
    ez_driver *driver; /* outlives its links */
    ez_link_config config;
    link_state state;
    bool closed;       /* by the core */
    bool ended;        /* the other side is gone; input may be left */
    bool is_dirty;     /* in the driver's list of links to flush */
    size_t unreported; /* bytes queued since the core last heard that all is out */
    struct bufferevent *socket;
    struct evbuffer_cb_entry *count_in;
    struct evbuffer_cb_entry *count_out;
    ez_transport transport;
    struct evbuffer *plain_in;
    ez_cutter *cutter;
    struct event *timer;    /* OPEN: serve on; FLUSHING, LINGERING: enough is enough */
    ez_time_ms frame_since; /* first byte of the frame in hand; EZ_TIME_NEVER between frames */
    ez_time_ms sent_at;     /* last progress of output */
    uint64_t bytes_in;
    uint64_t bytes_out;
};

static ez_time_ms now_of(const ez_link *link)
{
    return ez_driver_now(link->driver).mono;
}

static size_t queued_bytes(const ez_link *link)
{
    return evbuffer_get_length(bufferevent_get_output(link->socket));
}

static void tell(ez_link *link, ez_event_type type)
{
    ez_event event = {.type = type, .link = link->config.id};
    ez_driver_handle(link->driver, &event);
}

static void set_timer(ez_link *link, uint32_t delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = (delay_ms % 1000) * 1000};
    int failed = event_add(link->timer, &delay);
    EZ_ASSERT(failed == 0);
}

static void die(ez_link *link)
{
    link->state = LINK_DEAD;
    bufferevent_disable(link->socket, EV_READ | EV_WRITE);
    event_del(link->timer);
    ez_links_reap_later(link->driver);
}

/* The stream broke a rule: nothing more is read, and the core decides what to say. */
static void fault(ez_link *link, ez_goodbye reason)
{
    if (link->state != LINK_OPEN) {
        return;
    }
    link->state = LINK_FAULTED;
    bufferevent_disable(link->socket, EV_READ);
    ez_event event = {.type = EZ_EVENT_LINK_FAULT, .link = link->config.id, .as.fault = reason};
    ez_driver_handle(link->driver, &event);
}

/* ---- reading ------------------------------------------------------------------------------ */

static void deliver(ez_link *link, const uint8_t *frame, size_t size)
{
    ez_decoded decoded;
    ez_goodbye verdict = ez_wire_decode(&decoded, frame, size);
    if (verdict != EZ_GOODBYE_UNSPECIFIED) {
        fault(link, verdict);
        return;
    }
    ez_event event = {.type = EZ_EVENT_MESSAGE, .link = link->config.id};
    event.as.message.message = &decoded.message;
    event.as.message.wire_bytes = size + EZ_FRAME_PREFIX_BYTES;
    ez_driver_handle(link->driver, &event);
    ez_decoded_clear(&decoded);
}

/* Feed the cutter what has come; false when there is nothing. */
static bool pull(ez_link *link)
{
    if (evbuffer_get_length(link->plain_in) == 0 &&
        !link->transport.open(link->transport.self, link->plain_in,
                              bufferevent_get_input(link->socket))) {
        fault(link, EZ_GOODBYE_FRAME_MALFORMED);
        return false;
    }
    if (evbuffer_get_length(link->plain_in) == 0) {
        return false;
    }
    struct evbuffer_iovec piece;
    int pieces = evbuffer_peek(link->plain_in, -1, NULL, &piece, 1);
    EZ_ASSERT(pieces > 0 && piece.iov_len > 0);
    ez_cutter_push(link->cutter, piece.iov_base, piece.iov_len);
    evbuffer_drain(link->plain_in, piece.iov_len);
    return true;
}

/* Note when the frame in hand began; `cut` says that one before it was finished just now. */
static void mark_frame(ez_link *link, bool cut)
{
    if (ez_cutter_pending(link->cutter) == 0) {
        link->frame_since = EZ_TIME_NEVER;
    } else if (cut || link->frame_since == EZ_TIME_NEVER) {
        link->frame_since = now_of(link);
    }
}

/* All that has come is served: now the end of the stream counts. */
static void finish_serving(ez_link *link, bool cut)
{
    mark_frame(link, cut);
    if (link->ended) {
        die(link);
        tell(link, EZ_EVENT_LINK_DOWN);
    }
}

/* Whether the others have their turn now. A frame is served in any case. */
static bool has_had_its_turn(const ez_link *link, size_t frames, size_t bytes)
{
    return frames >= SERVE_FRAMES_MAX || bytes >= SERVE_BYTES_MAX ||
           (frames > 0 && ez_driver_held_us(link->driver) >= link->driver->tuning.serve_us);
}

static void serve(ez_link *link)
{
    size_t frames = 0, bytes = 0;
    while (link->state == LINK_OPEN) {
        if (has_had_its_turn(link, frames, bytes)) {
            mark_frame(link, true);
            set_timer(link, 0); /* a timer, since the loop polls before it serves timers */
            return;
        }
        const uint8_t *frame;
        size_t size;
        switch (ez_cutter_next(link->cutter, &frame, &size)) {
        case EZ_CUT_FRAME:
            frames++;
            bytes += size + EZ_FRAME_PREFIX_BYTES;
            deliver(link, frame, size);
            break;
        case EZ_CUT_BROKEN:
            fault(link, EZ_GOODBYE_FRAME_SIZE);
            break;
        case EZ_CUT_NEED:
            if (!pull(link) && link->state == LINK_OPEN) {
                finish_serving(link, frames > 0);
                return;
            }
            break;
        }
    }
}

static void forget_input(ez_link *link)
{
    struct evbuffer *input = bufferevent_get_input(link->socket);
    evbuffer_drain(input, evbuffer_get_length(input));
    evbuffer_drain(link->plain_in, evbuffer_get_length(link->plain_in));
}

static void on_read(struct bufferevent *socket, void *self)
{
    (void)socket;
    ez_link *link = self;
    ez_driver_hold(link->driver);
    if (link->state == LINK_OPEN) {
        serve(link);
    } else if (link->state == LINK_LINGERING) {
        forget_input(link);
    }
    ez_driver_release(link->driver);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void unref_blob(const void *data, size_t size, void *blob)
{
    (void)data;
    (void)size;
    ez_blob_unref(blob);
}

static void free_memory(const void *data, size_t size, void *memory)
{
    (void)data;
    (void)size;
    free(memory);
}

static void add_scratch(struct evbuffer *out, ez_buffer *scratch)
{
    int failed;
    if (scratch->size >= HAND_OVER_BYTES) {
        failed =
            evbuffer_add_reference(out, scratch->data, scratch->size, free_memory, scratch->data);
        *scratch = (ez_buffer){0};
    } else {
        failed = evbuffer_add(out, scratch->data, scratch->size);
        scratch->size = 0;
    }
    EZ_ASSERT(failed == 0);
}

/* A block's bytes are sent from the blob that everybody shares. */
static void encode(ez_link *link, struct evbuffer *out, const ez_message *message)
{
    ez_buffer *scratch = &link->driver->scratch;
    ez_blob *blob = message->type == EZ_MSG_BODY ? message->as.body.blob : NULL;
    if (blob == NULL) {
        ez_wire_encode(scratch, message);
        add_scratch(out, scratch);
        return;
    }
    EZ_ASSERT(ez_blob_size(blob) == message->as.body.bytes.size);
    ez_wire_encode_body_head(scratch, message);
    add_scratch(out, scratch);
    int failed = evbuffer_add_reference(out, ez_blob_data(blob), ez_blob_size(blob), unref_blob,
                                        ez_blob_ref(blob));
    EZ_ASSERT(failed == 0);
}

static void linger(ez_link *link);

static void all_is_out(ez_link *link)
{
    if (link->state == LINK_FLUSHING) {
        linger(link);
    } else if (link->state == LINK_OPEN && link->unreported >= link->driver->tuning.drained_bytes) {
        link->unreported = 0;
        tell(link, EZ_EVENT_LINK_DRAINED);
    }
}

/* Write what the kernel takes now. Only for the rest, or for the story of an error, the loop is
 * asked to say when the socket is writable: that takes two system calls and a turn of the loop. */
void ez_link_flush(ez_link *link)
{
    struct evbuffer *out = bufferevent_get_output(link->socket);
    link->is_dirty = false;
    bool waits = (bufferevent_get_enabled(link->socket) & EV_WRITE) != 0;
    if (link->state == LINK_DEAD || waits || evbuffer_get_length(out) == 0) {
        return;
    }
    evbuffer_unfreeze(out, 1); /* a bufferevent guards the front of its output */
    (void)evbuffer_write_atmost(out, bufferevent_getfd(link->socket), WRITE_ONCE_BYTES);
    evbuffer_freeze(out, 1);
    if (evbuffer_get_length(out) > 0) {
        bufferevent_enable(link->socket, EV_WRITE);
    } else {
        all_is_out(link);
    }
}

void ez_link_send(ez_link *link, const ez_message *message)
{
    if (link->state != LINK_OPEN && link->state != LINK_FAULTED) {
        return;
    }
    size_t queued = queued_bytes(link);
    bool is_goodbye =
        message->type == EZ_MSG_GOODBYE; /* has to get out even when nothing else may */
    if (!is_goodbye && queued + ez_message_bytes(message) > link->driver->tuning.output_max) {
        fault(link, EZ_GOODBYE_SLOW_READER);
        return;
    }
    if (queued == 0) {
        link->sent_at = now_of(link);
    }
    struct evbuffer *plain = link->driver->plain_out;
    encode(link, plain, message);
    link->transport.seal(link->transport.self, bufferevent_get_output(link->socket), plain);
    EZ_ASSERT(evbuffer_get_length(plain) == 0);
    link->unreported += queued_bytes(link) - queued;
    if (!link->is_dirty) {
        link->is_dirty = true;
        ez_links_flush_later(link->driver, link);
    }
}

/* Everything is out: shut our end and wait for the other side's. */
static void linger(ez_link *link)
{
    link->state = LINK_LINGERING;
    if (shutdown(bufferevent_getfd(link->socket), SHUT_WR) != 0 || link->ended) {
        die(link);
        return;
    }
    forget_input(link);
    bufferevent_enable(link->socket, EV_READ);
}

static void on_write(struct bufferevent *socket, void *self)
{
    (void)socket;
    ez_link *link = self;
    if (queued_bytes(link) > 0) {
        return; /* callbacks are deferred: more was queued meanwhile */
    }
    ez_driver_hold(link->driver);
    bufferevent_disable(link->socket, EV_WRITE);
    all_is_out(link);
    ez_driver_release(link->driver);
}

/* ---- the end ------------------------------------------------------------------------------ */

static void on_end(struct bufferevent *socket, short what, void *self)
{
    (void)socket;
    (void)what; /* end of file or an error: the stream is over either way */
    ez_link *link = self;
    ez_driver_hold(link->driver);
    link->ended = true;
    switch (link->state) {
    case LINK_OPEN:
        serve(link); /* the last bytes may be a Goodbye */
        break;
    case LINK_FAULTED:
        die(link);
        tell(link, EZ_EVENT_LINK_DOWN);
        break;
    case LINK_FLUSHING:
    case LINK_LINGERING:
        die(link);
        break;
    case LINK_DEAD:
        break;
    }
    ez_driver_release(link->driver);
}

static void on_timer(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    ez_link *link = self;
    ez_driver_hold(link->driver);
    if (link->state == LINK_OPEN) {
        serve(link);
    } else if (link->state == LINK_FLUSHING || link->state == LINK_LINGERING) {
        die(link);
    }
    ez_driver_release(link->driver);
}

void ez_link_close(ez_link *link)
{
    if (link->closed) {
        return;
    }
    link->closed = true;
    if (link->state == LINK_DEAD) {
        return;
    }
    link->state = LINK_FLUSHING;
    bufferevent_disable(link->socket, EV_READ);
    set_timer(link, link->driver->tuning.close_ms);
    if (queued_bytes(link) == 0) {
        linger(link);
    } else {
        ez_link_flush(link);
    }
}

void ez_link_check(ez_link *link, ez_time_ms now)
{
    const ez_driver_tuning *tuning = &link->driver->tuning;
    if (link->state != LINK_OPEN) {
        return;
    }
    if (link->frame_since != EZ_TIME_NEVER && now >= link->frame_since + tuning->frame_timeout_ms) {
        fault(link, EZ_GOODBYE_TIMEOUT);
    } else if (queued_bytes(link) > 0 && now >= link->sent_at + tuning->output_stall_ms) {
        fault(link, EZ_GOODBYE_SLOW_READER);
    }
}

/* ---- life --------------------------------------------------------------------------------- */

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *self)
{
    (void)buffer;
    ez_link *link = self;
    link->bytes_in += info->n_added;
    link->driver->stats.bytes_in += info->n_added;
}

static void on_output(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *self)
{
    (void)buffer;
    ez_link *link = self;
    if (info->n_deleted > 0) {
        link->bytes_out += info->n_deleted;
        link->driver->stats.bytes_out += info->n_deleted;
        link->sent_at = now_of(link);
    }
}

/* Small messages must not wait for large ones' acknowledgements; a peer that vanished without a
 * word is found by the kernel if the protocol's pings do not find it first. */
static void set_options(int descriptor)
{
    int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void attach_socket(ez_link *link, int descriptor)
{
    struct event_base *base = link->driver->config.base;
    set_options(descriptor);
    link->socket =
        bufferevent_socket_new(base, descriptor, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    EZ_ASSERT(link->socket != NULL);
    link->count_in = evbuffer_add_cb(bufferevent_get_input(link->socket), on_input, link);
    link->count_out = evbuffer_add_cb(bufferevent_get_output(link->socket), on_output, link);
    EZ_ASSERT(link->count_in != NULL && link->count_out != NULL);
    bufferevent_setcb(link->socket, on_read, on_write, on_end, link);
    bufferevent_setwatermark(link->socket, EV_READ, 0, READ_AHEAD_BYTES);
    bufferevent_set_max_single_read(link->socket, READ_ONCE_BYTES);
    bufferevent_set_max_single_write(link->socket, WRITE_ONCE_BYTES);
    bufferevent_disable(link->socket, EV_WRITE); /* ez_link_flush asks for it */
    bufferevent_enable(link->socket, EV_READ);
}

ez_link *ez_link_new(ez_driver *driver, const ez_link_config *config, int descriptor)
{
    ez_link *link = ez_alloc(1, sizeof *link);
    link->driver = driver;
    link->config = *config;
    link->state = LINK_OPEN;
    link->frame_since = EZ_TIME_NEVER;
    link->transport = ez_transport_plain();
    link->cutter = ez_cutter_new(EZ_FRAME_HELLO_BYTES_MAX);
    link->plain_in = evbuffer_new();
    link->timer = event_new(driver->config.base, -1, 0, on_timer, link);
    EZ_ASSERT(link->plain_in != NULL && link->timer != NULL);
    attach_socket(link, descriptor);
    return link;
}

void ez_link_free(ez_link *link)
{
    /* The bufferevent may live on for one turn of the loop: it must not call us then. */
    evbuffer_remove_cb_entry(bufferevent_get_input(link->socket), link->count_in);
    evbuffer_remove_cb_entry(bufferevent_get_output(link->socket), link->count_out);
    bufferevent_free(link->socket);
    event_free(link->timer);
    evbuffer_free(link->plain_in);
    ez_cutter_free(link->cutter);
    link->transport.free(link->transport.self);
    free(link);
}

ez_link_id ez_link_id_of(const ez_link *link)
{
    return link->config.id;
}

bool ez_link_is_inbound(const ez_link *link)
{
    return link->config.inbound;
}

bool ez_link_is_dead(const ez_link *link)
{
    return link->state == LINK_DEAD;
}

bool ez_link_is_closed(const ez_link *link)
{
    return link->closed;
}

void ez_link_raise_limit(ez_link *link)
{
    ez_cutter_set_limit(link->cutter, EZ_FRAME_BYTES_MAX);
}

void ez_link_get_bytes(const ez_link *link, uint64_t *in, uint64_t *out)
{
    *in = link->bytes_in;
    *out = link->bytes_out;
}
