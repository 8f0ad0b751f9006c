#include "support_core.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/wire/codec.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUARD_MS 60000 /* for what takes a few */
#define HEART_MS 2

static ez_time_ms guard_end(const fake_core *core)
{
    return ez_driver_now(core->driver).mono + GUARD_MS;
}

static bool is_over(const fake_core *core, ez_time_ms end)
{
    return ez_driver_now(core->driver).mono >= end;
}

/* ---- the core ----------------------------------------------------------------------------- */

static void note_text(seen_event *out, const ez_command *command)
{
    out->number = command->request;
    size_t size = command->sender.size < sizeof out->text ? command->sender.size : 0;
    if (size > 0) {
        memcpy(out->text, command->sender.data, size);
    } else if (command->text != NULL) {
        snprintf(out->text, sizeof out->text, "%s", command->text);
    }
}

static void note_message(seen_event *out, const ez_event *event)
{
    const ez_message *message = event->as.message.message;
    out->message = message->type;
    out->wire_bytes = event->as.message.wire_bytes;
    if (message->type == EZ_MSG_PING || message->type == EZ_MSG_PONG) {
        out->number = message->as.ping.nonce;
    }
}

static seen_event note(const ez_event *event)
{
    seen_event out = {.type = event->type, .link = event->link};
    switch (event->type) {
    case EZ_EVENT_LINK_UP:
        out.number = event->as.link_up.dial;
        out.remote = event->as.link_up.remote;
        break;
    case EZ_EVENT_DIAL_FAILED:
        out.number = event->as.dial_failed.dial;
        break;
    case EZ_EVENT_MESSAGE:
        note_message(&out, event);
        break;
    case EZ_EVENT_LINK_FAULT:
        out.fault = event->as.fault;
        break;
    case EZ_EVENT_CHECKED:
        out.number = event->as.job->id;
        break;
    case EZ_EVENT_STORED:
        out.number = event->as.stored;
        break;
    case EZ_EVENT_PROOF_FOUND:
        out.number = event->as.proof_found.proof;
        break;
    case EZ_EVENT_COMMAND:
        note_text(&out, &event->as.command);
        break;
    case EZ_EVENT_TICK:
    case EZ_EVENT_LINK_DOWN:
    case EZ_EVENT_LINK_DRAINED:
        break;
    }
    return out;
}

static void core_handle(void *self, const ez_event *event, ez_now now)
{
    fake_core *core = self;
    cr_assert(!core->is_inside, "the core was entered again");
    cr_assert_gt(now.wall, now.mono);
    cr_assert_lt(core->seen_count, (size_t)FAKE_EVENTS_MAX);
    core->is_inside = true;
    seen_event *seen = &core->seen[core->seen_count++];
    *seen = note(event);
    if (event->type == EZ_EVENT_CHECKED) {
        ez_check_job_free(event->as.job);
    }
    if (event->type == EZ_EVENT_TICK) {
        core->deadline = EZ_TIME_NEVER;
    }
    if (core->react != NULL) {
        core->react(core, seen);
    }
    core->is_inside = false;
}

static bool core_next_effect(void *self, ez_effect *out)
{
    fake_core *core = self;
    cr_assert(!core->is_inside);
    if (core->effect_count == 0) {
        return false;
    }
    *out = core->effects[core->effect_first];
    core->effect_first = (core->effect_first + 1) % FAKE_EFFECTS_MAX;
    core->effect_count--;
    return true;
}

static ez_time_ms core_deadline(const void *self)
{
    const fake_core *core = self;
    return core->deadline;
}

void fake_effect(fake_core *core, const ez_effect *effect)
{
    cr_assert_lt(core->effect_count, (size_t)FAKE_EFFECTS_MAX);
    core->effects[(core->effect_first + core->effect_count++) % FAKE_EFFECTS_MAX] = *effect;
}

void fake_send(fake_core *core, ez_link_id link, const ez_message *message)
{
    ez_effect effect = {.type = EZ_EFFECT_SEND, .link = link, .as.message = message};
    fake_effect(core, &effect);
}

void fake_close(fake_core *core, ez_link_id link)
{
    ez_effect effect = {.type = EZ_EFFECT_CLOSE, .link = link};
    fake_effect(core, &effect);
}

void fake_poke(fake_core *core)
{
    ez_event event = {.type = EZ_EVENT_TICK};
    ez_driver_handle(core->driver, &event);
}

/* ---- sinks -------------------------------------------------------------------------------- */

static void sink_write(void *self, ez_write *write)
{
    fake_core *core = self;
    core->writes++;
    ez_event event = {.type = EZ_EVENT_STORED, .as.stored = write->number};
    ez_driver_handle(core->driver, &event);
    free(write);
}

static void sink_mine(void *self, uint64_t generation, const ez_header *header, bool paced)
{
    fake_core *core = self;
    core->mined = generation + header->index + (paced ? 1000 : 0);
}

static void sink_mine_stop(void *self)
{
    fake_core *core = self;
    core->mined = 0;
}

static void sink_reply(void *self, const ez_reply *reply)
{
    fake_core *core = self;
    (void)reply;
    if (core->on_reply != NULL) {
        core->on_reply(core);
    }
}

static void sink_notice(void *self, const ez_notice *notice)
{
    fake_core *core = self;
    core->notices += notice->height;
}

/* ---- life --------------------------------------------------------------------------------- */

static void on_heart(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    (void)self;
}

fake_core *fake_new(const ez_driver_config *config)
{
    fake_core *core = ez_alloc(1, sizeof *core);
    ez_driver_config own = *config;
    core->deadline = EZ_TIME_NEVER;
    core->base = own.base != NULL ? own.base : event_base_new();
    own.base = core->base;
    own.worker_threads = own.worker_threads == 0 ? 1 : own.worker_threads;
    own.sinks = (ez_driver_sinks){.self = core,
                                  .write = sink_write,
                                  .mine = sink_mine,
                                  .mine_stop = sink_mine_stop,
                                  .reply = sink_reply,
                                  .notice = sink_notice};
    cr_assert_eq(ez_driver_new(&core->driver, &own), EZ_OK);
    core->heart = event_new(core->base, -1, EV_PERSIST, on_heart, core);
    struct timeval beat = {.tv_usec = HEART_MS * 1000};
    event_add(core->heart, &beat);
    return core;
}

fake_core *fake_new_listening(void)
{
    ez_driver_config config = {.listening = true, .inbound_max = 10};
    cr_assert(ez_endpoint_parse(&config.listen, "127.0.0.1:0"));
    return fake_new(&config);
}

void fake_start(fake_core *core)
{
    ez_core seam = {core, core_handle, core_next_effect, core_deadline};
    ez_driver_start(core->driver, &seam);
}

void fake_free(fake_core *core)
{
    ez_driver_free(core->driver);
    event_free(core->heart);
    event_base_free(core->base);
    free(core);
}

/* ---- waiting ------------------------------------------------------------------------------ */

void fake_turn(fake_core *core)
{
    event_base_loop(core->base, EVLOOP_ONCE);
}

size_t fake_count(const fake_core *core, ez_event_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < core->seen_count; i++) {
        count += core->seen[i].type == type;
    }
    return count;
}

static const seen_event *find_nth(const fake_core *core, ez_event_type type, size_t nth)
{
    for (size_t i = 0; i < core->seen_count; i++) {
        if (core->seen[i].type == type && --nth == 0) {
            return &core->seen[i];
        }
    }
    return NULL;
}

const seen_event *fake_wait(fake_core *core, ez_event_type type, size_t nth)
{
    ez_time_ms end = guard_end(core);
    const seen_event *found;
    while ((found = find_nth(core, type, nth)) == NULL) {
        cr_assert(!is_over(core, end), "event %d did not come %zu times", (int)type, nth);
        fake_turn(core);
    }
    return found;
}

void fake_wait_links(fake_core *core, uint32_t count)
{
    ez_time_ms end = guard_end(core);
    ez_driver_stats stats;
    for (ez_driver_get_stats(core->driver, &stats); stats.links != count;
         ez_driver_get_stats(core->driver, &stats)) {
        cr_assert(!is_over(core, end), "%u links instead of %u", stats.links, count);
        fake_turn(core);
    }
}

/* ---- the peer's end ----------------------------------------------------------------------- */

int fake_connect(const fake_core *core)
{
    ez_endpoint endpoint;
    struct sockaddr_storage address;
    cr_assert(ez_driver_listening(core->driver, &endpoint));
    socklen_t size = ez_endpoint_to_sockaddr(&address, &endpoint);
    int peer = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(peer, 0);
    cr_assert_eq(connect(peer, (const struct sockaddr *)&address, size), 0);
    return peer;
}

void peer_send(fake_core *core, int peer, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    ez_time_ms end = guard_end(core);
    while (size > 0) {
        ssize_t sent = send(peer, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            size -= (size_t)sent;
            continue;
        }
        cr_assert(errno == EAGAIN && !is_over(core, end), "the driver does not read");
        fake_turn(core);
    }
}

/* What comes next, 0 at the end of the stream. */
static size_t receive_some(fake_core *core, int peer, uint8_t *out, size_t size)
{
    ez_time_ms end = guard_end(core);
    for (;;) {
        ssize_t got = recv(peer, out, size, MSG_DONTWAIT);
        if (got >= 0) {
            return (size_t)got;
        }
        cr_assert_eq(errno, EAGAIN, "%s", strerror(errno));
        cr_assert(!is_over(core, end), "nothing comes");
        fake_turn(core);
    }
}

void peer_receive(fake_core *core, int peer, void *out, size_t size)
{
    uint8_t *bytes = out;
    while (size > 0) {
        size_t got = receive_some(core, peer, bytes, size);
        cr_assert_gt(got, 0, "the stream ended %zu bytes early", size);
        bytes += got;
        size -= got;
    }
}

bool peer_is_at_end(fake_core *core, int peer)
{
    uint8_t byte;
    return receive_some(core, peer, &byte, 1) == 0;
}

void peer_send_message(fake_core *core, int peer, const ez_message *message)
{
    ez_buffer frame = {0};
    ez_wire_encode(&frame, message);
    peer_send(core, peer, frame.data, frame.size);
    ez_buffer_clear(&frame);
}

ez_buffer peer_receive_frame(fake_core *core, int peer)
{
    uint8_t prefix[4];
    peer_receive(core, peer, prefix, sizeof prefix);
    size_t size = (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 |
                  (size_t)prefix[3];
    ez_buffer frame = {0};
    peer_receive(core, peer, ez_buffer_reserve(&frame, size), size);
    frame.size = size;
    return frame;
}

ez_message ping_of(uint64_t nonce)
{
    ez_message message = {.type = EZ_MSG_PING};
    message.as.ping.nonce = nonce;
    return message;
}

ez_message goodbye_of(ez_goodbye reason)
{
    ez_message message = {.type = EZ_MSG_GOODBYE};
    message.as.goodbye.reason = reason;
    return message;
}
