#include "timeline.h"

#include "ezp2p/base/alloc.h"

#include <stdlib.h>

void sim_timeline_clear(sim_timeline *timeline)
{
    free(timeline->heap);
    *timeline = (sim_timeline){0};
}

static bool is_before(const sim_event *a, const sim_event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void sim_timeline_add(sim_timeline *timeline, const sim_event *event)
{
    if (timeline->count == timeline->capacity) {
        timeline->capacity = timeline->capacity == 0 ? 64 : timeline->capacity * 2;
        timeline->heap = ez_realloc(timeline->heap, timeline->capacity, sizeof(*timeline->heap));
    }
    sim_event added = *event;
    added.order = ++timeline->last_order;
    size_t at = timeline->count++;
    for (; at > 0 && is_before(&added, &timeline->heap[(at - 1) / 2]); at = (at - 1) / 2) {
        timeline->heap[at] = timeline->heap[(at - 1) / 2];
    }
    timeline->heap[at] = added;
}

/* Let `event` sink from the top to where it belongs. */
static void sink(sim_timeline *timeline, const sim_event *event)
{
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= timeline->count) {
            break;
        }
        if (child + 1 < timeline->count &&
            is_before(&timeline->heap[child + 1], &timeline->heap[child])) {
            child++;
        }
        if (is_before(event, &timeline->heap[child])) {
            break;
        }
        timeline->heap[at] = timeline->heap[child];
        at = child;
    }
    timeline->heap[at] = *event;
}

bool sim_timeline_pop(sim_timeline *timeline, sim_event *out, ez_time_ms until)
{
    if (timeline->count == 0 || timeline->heap[0].at > until) {
        return false;
    }
    *out = timeline->heap[0];
    const sim_event last = timeline->heap[--timeline->count];
    if (timeline->count > 0) {
        sink(timeline, &last);
    }
    return true;
}
