/* Server-sent events: a ring of the latest notices, and subscribers that follow it, each with a
 * cursor of its own. Nothing is queued per subscriber but what its socket buffer takes: who falls
 * out of the ring is closed.
 *
 * Ids are numbers that only rise, over restarts too: the first of a process is its start in
 * microseconds. A client that resumes behind what the ring holds is told by an event `gap`.
 */
#ifndef EZP2P_HTTP_EVENTS_INTERNAL_H
#define EZP2P_HTTP_EVENTS_INTERNAL_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/node/event.h"

struct event_base;

typedef enum ez_event_kind {
    EZ_EVENT_KIND_BLOCK = 1,
    EZ_EVENT_KIND_REORG = 2,
    EZ_EVENT_KIND_TRANSACTION = 4,
    EZ_EVENT_KIND_PEER = 8,
    EZ_EVENT_KINDS = 15,
} ez_event_kind;

/* ---- the ring: pure ----------------------------------------------------------------------- */

typedef struct ez_event_record {
    ez_notice notice;
    uint64_t at_us;
} ez_event_record;

typedef struct ez_event_ring {
    ez_event_record *records; /* EZ_EVENT_RING_MAX */
    uint64_t first;           /* id of the oldest held */
    uint64_t next;            /* id of the one to come */
} ez_event_ring;

void ez_event_ring_init(ez_event_ring *ring, uint64_t first_id);
void ez_event_ring_clear(ez_event_ring *ring);
void ez_event_ring_add(ez_event_ring *ring, const ez_notice *notice, uint64_t at_us);

/* ez_event_ring_get: the record with this id; NULL when it is not held any more or not yet. */
const ez_event_record *ez_event_ring_get(const ez_event_ring *ring, uint64_t id);

/* ez_event_kind_of: the kind a notice shows as; ez_event_kind_text: its name. */
ez_event_kind ez_event_kind_of(ez_notice_type type);
const char *ez_event_kind_text(ez_event_kind kind);

/* ez_event_kinds_parse: "block,transaction" as a set; 0 for anything else. */
unsigned ez_event_kinds_parse(const char *text);

/* ez_event_format: append one event in text/event-stream form. */
void ez_event_format(ez_buffer *out, const ez_event_record *record, uint64_t id);

/* ---- the subscribers ---------------------------------------------------------------------- */

typedef struct ez_events ez_events;

ez_events *ez_events_new(struct event_base *base, uint64_t first_id);
void ez_events_free(ez_events *events);

/* ez_events_add: keep a notice and send it to who wants it. */
void ez_events_add(ez_events *events, const ez_notice *notice, uint64_t at_us);

size_t ez_events_subscribers(const ez_events *events);

#endif
