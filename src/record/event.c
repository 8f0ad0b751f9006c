/* Events as payloads and back. A message is kept as the frame that says it: the same codec reads it
 * again, with the same bounds. */
#include "ezp2p/base/assert.h"
#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/record/format.h"
#include "ezp2p/wire/frame.h"

#include <string.h>

/* ---- to bytes ---------------------------------------------------------------------------------
 */

static void put_span(ez_buffer *out, const ez_byte_span *span)
{
    ez_buffer_add_u32(out, (uint32_t)span->size);
    ez_buffer_add(out, span->data, span->size);
}

static void put_command(ez_buffer *out, const ez_command *command)
{
    ez_buffer_add_u8(out, (uint8_t)command->type);
    ez_buffer_add_u64(out, command->request);
    ez_buffer_add_u64(out, command->amount);
    ez_buffer_add_u64(out, command->link.value);
    ez_buffer_add_u16(out, command->port);
    put_span(out, &command->sender);
    put_span(out, &command->recipient);
    put_span(out, &command->bytes);
    ez_buffer_add_u8(out, command->text != NULL);
    if (command->text != NULL) {
        ez_record_put_text(out, command->text);
    }
}

void ez_record_put_event(ez_buffer *out, const ez_event *event, ez_now now)
{
    ez_buffer_add_u64(out, now.mono);
    ez_buffer_add_u64(out, now.wall);
    ez_buffer_add_u8(out, (uint8_t)event->type);
    ez_buffer_add_u64(out, event->link.value);
    switch (event->type) {
    case EZ_EVENT_TICK:
    case EZ_EVENT_LINK_DOWN:
    case EZ_EVENT_LINK_DRAINED:
        return;
    case EZ_EVENT_LINK_UP:
        ez_buffer_add_u64(out, event->as.link_up.dial);
        ez_buffer_add(out, event->as.link_up.remote.ip, sizeof event->as.link_up.remote.ip);
        ez_buffer_add_u16(out, event->as.link_up.remote.port);
        return;
    case EZ_EVENT_DIAL_FAILED:
        ez_buffer_add_u64(out, event->as.dial_failed.dial);
        return;
    case EZ_EVENT_MESSAGE:
        ez_buffer_add_u64(out, event->as.message.wire_bytes);
        ez_wire_encode(out, event->as.message.message);
        return;
    case EZ_EVENT_LINK_FAULT:
        ez_buffer_add_u32(out, (uint32_t)event->as.fault);
        return;
    case EZ_EVENT_CHECKED:
        ez_buffer_add_u64(out, event->as.job->id);
        ez_buffer_add_u32(out, (uint32_t)event->as.job->rule);
        ez_buffer_add_u32(out, event->as.job->bad_position);
        return;
    case EZ_EVENT_STORED:
        ez_buffer_add_u64(out, event->as.stored);
        return;
    case EZ_EVENT_PROOF_FOUND:
        ez_buffer_add_u64(out, event->as.proof_found.generation);
        ez_buffer_add_u64(out, event->as.proof_found.proof);
        return;
    case EZ_EVENT_COMMAND:
        put_command(out, &event->as.command);
        return;
    }
    ez_assert_fail("an event of no known type", __FILE__, __LINE__);
}

/* ---- and back ---------------------------------------------------------------------------------
 */

static ez_byte_span get_span(ez_reader *payload)
{
    size_t size = ez_reader_u32(payload);
    const uint8_t *data = ez_reader_take(payload, size);
    return (ez_byte_span){data, data == NULL ? 0 : size};
}

static void get_command(ez_command *out, ez_reader *payload)
{
    unsigned type = ez_reader_u8(payload);
    payload->failed |= type > EZ_COMMAND_SHUTDOWN;
    out->type = (ez_command_type)type;
    out->request = ez_reader_u64(payload);
    out->amount = ez_reader_u64(payload);
    out->link.value = ez_reader_u64(payload);
    out->port = ez_reader_u16(payload);
    out->sender = get_span(payload);
    out->recipient = get_span(payload);
    out->bytes = get_span(payload);
    if (ez_reader_u8(payload) != 0) {
        out->text = ez_record_get_text(payload, EZ_MANUAL_HOST_BYTES_MAX);
    }
    bool needs_text = out->type == EZ_COMMAND_ADD_PEER || out->type == EZ_COMMAND_REMOVE_PEER;
    payload->failed |= needs_text && out->text == NULL;
}

/* The rest of the payload is one frame. */
static void get_message(ez_recorded_event *out, ez_reader *payload)
{
    out->event.as.message.wire_bytes = ez_reader_u64(payload);
    (void)ez_reader_u32(payload); /* the length prefix: the record has its own */
    size_t size = payload->size - payload->at;
    const uint8_t *frame = ez_reader_take(payload, size);
    if (frame == NULL || ez_wire_decode(&out->decoded, frame, size) != EZ_GOODBYE_UNSPECIFIED) {
        payload->failed = true;
        return;
    }
    out->event.as.message.message = &out->decoded.message;
}

static void get_detail(ez_recorded_event *out, ez_reader *payload)
{
    ez_event *event = &out->event;
    switch (event->type) {
    case EZ_EVENT_TICK:
    case EZ_EVENT_LINK_DOWN:
    case EZ_EVENT_LINK_DRAINED:
        return;
    case EZ_EVENT_LINK_UP:
        event->as.link_up.dial = ez_reader_u64(payload);
        ez_reader_copy(payload, event->as.link_up.remote.ip, sizeof event->as.link_up.remote.ip);
        event->as.link_up.remote.port = ez_reader_u16(payload);
        return;
    case EZ_EVENT_DIAL_FAILED:
        event->as.dial_failed.dial = ez_reader_u64(payload);
        return;
    case EZ_EVENT_MESSAGE:
        get_message(out, payload);
        return;
    case EZ_EVENT_LINK_FAULT:
        event->as.fault = (ez_goodbye)ez_reader_u32(payload);
        return;
    case EZ_EVENT_CHECKED:
        out->job = ez_reader_u64(payload);
        out->rule = (ez_rule)ez_reader_u32(payload);
        out->bad_position = ez_reader_u32(payload);
        return;
    case EZ_EVENT_STORED:
        event->as.stored = ez_reader_u64(payload);
        return;
    case EZ_EVENT_PROOF_FOUND:
        event->as.proof_found.generation = ez_reader_u64(payload);
        event->as.proof_found.proof = ez_reader_u64(payload);
        return;
    case EZ_EVENT_COMMAND:
        get_command(&event->as.command, payload);
        return;
    }
    payload->failed = true; /* a type of no known number */
}

bool ez_record_get_event(ez_recorded_event *out, ez_reader *payload)
{
    *out = (ez_recorded_event){0};
    out->now.mono = ez_reader_u64(payload);
    out->now.wall = ez_reader_u64(payload);
    out->event.type = (ez_event_type)ez_reader_u8(payload);
    out->event.link.value = ez_reader_u64(payload);
    get_detail(out, payload);
    if (!ez_reader_is_done(payload)) {
        ez_recorded_event_clear(out);
        return false;
    }
    return true;
}

void ez_recorded_event_clear(ez_recorded_event *event)
{
    ez_decoded_clear(&event->decoded);
}
