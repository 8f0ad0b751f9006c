#include "faults.h"

#include "world_internal.h"

#include <stdlib.h>

/* ---- pauses ---------------------------------------------------------------------------------- */

void ez_world_pause(ez_world *world, size_t number)
{
    sim_host *const host = sim_get_host(world, number);
    host->paused = host->node != NULL;
}

/* What waited happens in the order in which it came, before anything that comes later: bytes of a
 * stream must not overtake each other. */
void ez_world_resume(ez_world *world, size_t number)
{
    sim_host *const host = sim_get_host(world, number);
    sim_event *const held = host->held;
    const size_t count = host->held_count;
    host->paused = false;
    host->held = NULL;
    host->held_count = 0;
    for (size_t i = 0; i < count; i++) {
        sim_happen(world, &held[i]);
    }
    free(held);
}

bool ez_world_is_paused(const ez_world *world, size_t number)
{
    return sim_get_host(world, number)->paused;
}

void sim_drop_held(sim_host *host)
{
    for (size_t i = 0; i < host->held_count; i++) {
        sim_free_payload(&host->held[i]);
    }
    free(host->held);
    host->held = NULL;
    host->held_count = 0;
}

/* The host that an event concerns; 0: none, or a stranger. A dial is under way by itself. */
static size_t concerned(const ez_world *world, const sim_event *event)
{
    const sim_end *end;
    switch (event->kind) {
    case SIM_DIAL:
        return 0;
    case SIM_DELIVER:
    case SIM_LINK_DOWN:
        end = sim_end_of(world, event->link);
        return end == NULL ? 0 : end->host;
    case SIM_TICK:
    case SIM_DIAL_FAILED:
    case SIM_LINK_UP:
    case SIM_LINK_FAULT:
    case SIM_DRAINED:
    case SIM_CHECKED:
    case SIM_COMMIT:
        return event->host;
    }
    ez_assert_fail("an event of no known kind", __FILE__, __LINE__);
}

bool sim_hold(ez_world *world, const sim_event *event)
{
    sim_host *const host = sim_host_of(world, concerned(world, event));
    if (host == NULL || !host->paused) {
        return false;
    }
    host->held = ez_realloc(host->held, host->held_count + 1, sizeof(*host->held));
    host->held[host->held_count++] = *event;
    return true;
}

/* ---- clocks ---------------------------------------------------------------------------------- */

void ez_world_skew(ez_world *world, size_t number, int64_t skew_us)
{
    sim_get_host(world, number)->skew_us = skew_us;
}

/* ---- disks ----------------------------------------------------------------------------------- */

void ez_world_slow_disk(ez_world *world, size_t number, ez_time_ms commit_ms)
{
    sim_get_host(world, number)->commit_ms = commit_ms;
}

/* ---- links ----------------------------------------------------------------------------------- */

size_t ez_world_links(const ez_world *world, ez_world_link **out)
{
    size_t count = 0;
    const sim_link *link;
    *out = ez_alloc(world->link_count + 1, sizeof(**out));
    DL_FOREACH (world->link_list, link) {
        if (link->ends[0].open && link->ends[1].open && link->ends[0].host != 0 &&
            link->ends[1].host != 0) {
            (*out)[count++] = (ez_world_link){link->number, link->ends[0].host, link->ends[1].host,
                                              link->latency};
        }
    }
    return count;
}

void ez_world_reset_link(ez_world *world, uint64_t number)
{
    sim_link_went_down(world, number * 2);
    sim_link_went_down(world, number * 2 + 1);
    sim_sweep_links(world, false);
}

void ez_world_mute_link(ez_world *world, uint64_t number)
{
    sim_link *const link = sim_link_of(world, number * 2);
    if (link != NULL) {
        link->half_open = true;
    }
}

size_t ez_world_unread_peak(const ez_world *world)
{
    return world->unread_peak;
}
