#include "timeline.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

#define BRANCHES        4
#define BUCKET_KEPT_MAX 256 /* events that an empty bucket keeps memory for */
#define NONE            EZ_NEAR_MS

void sim_timeline_clear(sim_timeline *timeline)
{
    for (size_t i = 0; i < EZ_NEAR_MS; i++) {
        free(timeline->near[i].events);
    }
    free(timeline->far);
    *timeline = (sim_timeline){0};
}

/* ---- far ------------------------------------------------------------------------------------- */

static bool is_before(const sim_event *a, const sim_event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void far_add(sim_timeline *timeline, const sim_event *event)
{
    if (timeline->far_count == timeline->far_capacity) {
        timeline->far_capacity = timeline->far_capacity == 0 ? 64 : timeline->far_capacity * 2;
        timeline->far = ez_realloc(timeline->far, timeline->far_capacity, sizeof(*timeline->far));
    }
    size_t at = timeline->far_count++;
    while (at > 0 && is_before(event, &timeline->far[(at - 1) / BRANCHES])) {
        timeline->far[at] = timeline->far[(at - 1) / BRANCHES];
        at = (at - 1) / BRANCHES;
    }
    timeline->far[at] = *event;
}

/* Let `event` sink from the top to where it belongs. */
static void sink(sim_timeline *timeline, const sim_event *event)
{
    sim_event *const far = timeline->far;
    size_t at = 0;
    for (;;) {
        const size_t first = BRANCHES * at + 1;
        size_t least = first;
        for (size_t i = first + 1; i < first + BRANCHES && i < timeline->far_count; i++) {
            least = is_before(&far[i], &far[least]) ? i : least;
        }
        if (first >= timeline->far_count || is_before(event, &far[least])) {
            break;
        }
        far[at] = far[least];
        at = least;
    }
    far[at] = *event;
}

static sim_event far_take(sim_timeline *timeline)
{
    const sim_event first = timeline->far[0];
    const sim_event last = timeline->far[--timeline->far_count];
    if (timeline->far_count > 0) {
        sink(timeline, &last);
    }
    return first;
}

/* ---- near ------------------------------------------------------------------------------------ */

static void near_add(sim_timeline *timeline, const sim_event *event, uint64_t order)
{
    const size_t at = event->at % EZ_NEAR_MS;
    sim_bucket *const bucket = &timeline->near[at];
    if (bucket->count == bucket->capacity) {
        bucket->capacity = bucket->capacity == 0 ? 8 : bucket->capacity * 2;
        bucket->events = ez_realloc(bucket->events, bucket->capacity, sizeof(*bucket->events));
    }
    sim_event *const added = &bucket->events[bucket->count++];
    *added = *event;
    added->order = order;
    timeline->filled[at / 64] |= UINT64_C(1) << at % 64;
}

static void empty(sim_timeline *timeline, size_t at)
{
    sim_bucket *const bucket = &timeline->near[at];
    bucket->taken = bucket->count = 0;
    if (bucket->capacity > BUCKET_KEPT_MAX) {
        free(bucket->events);
        *bucket = (sim_bucket){0};
    }
    timeline->filled[at / 64] &= ~(UINT64_C(1) << at % 64);
}

/* The first bucket with an event, looking from `from` on and around; NONE when all are empty. */
static size_t next_filled(const sim_timeline *timeline, size_t from)
{
    for (size_t i = 0; i <= EZ_NEAR_MS / 64; i++) {
        const size_t word = (from / 64 + i) % (EZ_NEAR_MS / 64);
        uint64_t bits = timeline->filled[word];
        if (i == 0) {
            bits &= ~UINT64_C(0) << from % 64;
        } else if (i == EZ_NEAR_MS / 64) {
            bits &= ~(~UINT64_C(0) << from % 64); /* those before `from` */
        }
        if (bits != 0) {
            return word * 64 + (size_t)__builtin_ctzll(bits);
        }
    }
    return NONE;
}

/* When the next event is; EZ_TIME_NEVER: there is none. What is far is later than all that is near.
 */
static ez_time_ms next_time(const sim_timeline *timeline)
{
    const size_t from = timeline->now % EZ_NEAR_MS;
    const size_t at = next_filled(timeline, from);
    if (at != NONE) {
        return timeline->now + (at + EZ_NEAR_MS - from) % EZ_NEAR_MS;
    }
    return timeline->far_count > 0 ? timeline->far[0].at : EZ_TIME_NEVER;
}

/* Before anything can be added for a time that has just become near, what was far comes first: it
 * was added earlier. */
static void advance(sim_timeline *timeline, ez_time_ms now)
{
    timeline->now = now;
    while (timeline->far_count > 0 && timeline->far[0].at - now < EZ_NEAR_MS) {
        const sim_event event = far_take(timeline);
        near_add(timeline, &event, event.order);
    }
}

/* ---- both ------------------------------------------------------------------------------------ */

void sim_timeline_add(sim_timeline *timeline, const sim_event *event)
{
    const uint64_t order = ++timeline->last_order;
    EZ_ASSERT(event->at >= timeline->now);
    if (event->at - timeline->now < EZ_NEAR_MS) {
        near_add(timeline, event, order);
    } else {
        sim_event added = *event;
        added.order = order;
        far_add(timeline, &added);
    }
}

bool sim_timeline_pop(sim_timeline *timeline, sim_event *out, ez_time_ms until)
{
    const ez_time_ms next = next_time(timeline);
    if (next == EZ_TIME_NEVER || next > until) {
        return false;
    }
    if (next != timeline->now) {
        advance(timeline, next);
    }
    const size_t at = next % EZ_NEAR_MS;
    sim_bucket *const bucket = &timeline->near[at];
    *out = bucket->events[bucket->taken++];
    if (bucket->taken == bucket->count) {
        empty(timeline, at);
    }
    return true;
}
