/* What is going to happen, in order of virtual time; at one time in order of arrival here, so that
 * a run is repeatable.
 *
 * Nearly everything happens within a second: messages arrive, checks end. So there is a list for
 * each of the next EZ_NEAR_MS milliseconds, where adding and taking cost the same however much is
 * under way, and a heap for what comes later, from which it moves to its list as time goes on.
 */
#ifndef EZP2P_SIMNET_TIMELINE_H
#define EZP2P_SIMNET_TIMELINE_H

#include "ezp2p/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_NEAR_MS 1024u /* a multiple of 64 */

typedef enum sim_kind {
    SIM_TICK,        /* a host's deadline */
    SIM_DIAL,        /* a dial reaches its target; payload sim_dial */
    SIM_DIAL_FAILED, /* number: the dial */
    SIM_LINK_UP,     /* a dial succeeded; number: the dial */
    SIM_LINK_DOWN,   /* the far end closed */
    SIM_LINK_FAULT,  /* number: an ez_goodbye */
    SIM_DRAINED,     /* the far end has all that was sent */
    SIM_DELIVER,     /* payload: an ez_blob of stream bytes */
    SIM_CHECKED,     /* payload: an ez_check_job */
    SIM_COMMIT,      /* what a host queued for its store becomes durable; number: the last write */
} sim_kind;

typedef struct sim_event {
    ez_time_ms at;
    uint64_t order; /* set by sim_timeline_add */
    sim_kind kind;
    size_t host;   /* whom it concerns, 0: nobody or a stranger */
    uint64_t life; /* of the host; an event for an earlier life is void */
    uint64_t link; /* ez_link_id of the end it concerns */
    uint64_t number;
    void *payload; /* owned */
} sim_event;

/* Events of one millisecond, those before `taken` gone. */
typedef struct sim_bucket {
    sim_event *events;
    size_t taken, count, capacity;
} sim_bucket;

typedef struct sim_timeline {
    ez_time_ms now;                   /* of the event taken last, or later */
    sim_bucket near[EZ_NEAR_MS];      /* from now on, by time modulo EZ_NEAR_MS */
    uint64_t filled[EZ_NEAR_MS / 64]; /* a bit for each bucket that is not empty */
    sim_event *far;                   /* a heap of four branches */
    size_t far_count, far_capacity;
    uint64_t last_order;
} sim_timeline;

/* A zeroed sim_timeline is empty. sim_timeline_clear frees the memory, not the payloads. */
void sim_timeline_clear(sim_timeline *timeline);

/* sim_timeline_add: not before the event taken last. */
void sim_timeline_add(sim_timeline *timeline, const sim_event *event);

/* sim_timeline_pop: the next event, when it is not later than `until`.
 *   returns  false, *out untouched, when there is none */
bool sim_timeline_pop(sim_timeline *timeline, sim_event *out, ez_time_ms until);

#endif
