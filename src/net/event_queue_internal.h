/* Events kept for later, with copies of what they lend: a caller's text and bytes are gone by then.
 */
#ifndef EZP2P_NET_EVENT_QUEUE_INTERNAL_H
#define EZP2P_NET_EVENT_QUEUE_INTERNAL_H

#include "ezp2p/node/event.h"

typedef struct ez_queued_event {
    struct ez_queued_event *next;
    ez_event event;
    uint8_t lent[]; /* what the event's pointers lead to */
} ez_queued_event;

/* A zeroed queue is an empty one. */
typedef struct ez_event_queue {
    ez_queued_event *first;
    ez_queued_event *last;
} ez_event_queue;

/* ez_event_queue_push: append a copy. An EZ_EVENT_MESSAGE cannot be kept: it is too large to copy
 * and never has to wait. */
void ez_event_queue_push(ez_event_queue *queue, const ez_event *event);

/* ez_event_queue_pop: the oldest event, the caller's to free(); NULL when there is none. */
ez_queued_event *ez_event_queue_pop(ez_event_queue *queue);

/* ez_event_queue_clear: drop all events with what they own. */
void ez_event_queue_clear(ez_event_queue *queue);

/* ez_event_drop: release what an event would have moved into the core. */
void ez_event_drop(ez_event *event);

#endif
