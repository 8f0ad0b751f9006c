#include "event_queue_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>
#include <string.h>

static size_t text_bytes(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static size_t lent_bytes(const ez_event *event)
{
    if (event->type != EZ_EVENT_COMMAND) {
        return 0;
    }
    const ez_command *command = &event->as.command;
    return command->sender.size + command->recipient.size + command->bytes.size +
           text_bytes(command->text);
}

static uint8_t *move_span(ez_byte_span *span, uint8_t *to)
{
    if (span->size > 0) {
        memcpy(to, span->data, span->size);
    }
    span->data = to;
    return to + span->size;
}

static void move_lent(ez_queued_event *queued)
{
    ez_command *command = &queued->event.as.command;
    uint8_t *to = queued->lent;
    to = move_span(&command->sender, to);
    to = move_span(&command->recipient, to);
    to = move_span(&command->bytes, to);
    if (command->text != NULL) {
        memcpy(to, command->text, text_bytes(command->text));
        command->text = (const char *)to;
    }
}

void ez_event_queue_push(ez_event_queue *queue, const ez_event *event)
{
    EZ_ASSERT(event->type != EZ_EVENT_MESSAGE);
    ez_queued_event *queued = ez_alloc(1, sizeof *queued + lent_bytes(event));
    queued->event = *event;
    if (event->type == EZ_EVENT_COMMAND) {
        move_lent(queued);
    }
    if (queue->last == NULL) {
        queue->first = queued;
    } else {
        queue->last->next = queued;
    }
    queue->last = queued;
}

ez_queued_event *ez_event_queue_pop(ez_event_queue *queue)
{
    ez_queued_event *queued = queue->first;
    if (queued != NULL) {
        queue->first = queued->next;
        queue->last = queue->first == NULL ? NULL : queue->last;
        queued->next = NULL;
    }
    return queued;
}

void ez_event_drop(ez_event *event)
{
    if (event->type == EZ_EVENT_CHECKED) {
        ez_check_job_free(event->as.job);
        event->as.job = NULL;
    }
}

void ez_event_queue_clear(ez_event_queue *queue)
{
    ez_queued_event *queued;
    while ((queued = ez_event_queue_pop(queue)) != NULL) {
        ez_event_drop(&queued->event);
        free(queued);
    }
}
