#include "world_internal.h"

#include "ezp2p/base/limits.h"

#include <stdlib.h>

#define WALL_AFTER_GENESIS_US 3600000000u /* the run begins an hour after its genesis block */
#define EVENTS_PER_MS_MAX     20000000u   /* more at one moment means that time stands still */
#define OUTBOUND_USUAL        8
#define INBOUND_USUAL         64

/* ---- life ------------------------------------------------------------------------------------ */

ez_world *ez_world_new(const ez_world_config *config)
{
    ez_world *const world = ez_alloc(1, sizeof(*world));
    uint8_t seed[16] = {0};
    EZ_ASSERT(ez_crypto_init() == EZ_OK);
    world->config = *config;
    if (config->outbound_max == 0 && config->inbound_max == 0) {
        world->config.outbound_max = OUTBOUND_USUAL;
        world->config.inbound_max = INBOUND_USUAL;
    }
    memcpy(seed, &config->seed, sizeof(config->seed));
    ez_rng_init(&world->rng, seed);
    world->digest = ez_rng_next(&world->rng);
    world->shared = sim_shared_new();
    world->messages = sim_messages_new();
    world->links = ez_alloc(1, sizeof(sim_link *));
    world->link_capacity = 1;
    return world;
}

void sim_free_payload(const sim_event *event)
{
    switch (event->kind) {
    case SIM_TICK:
    case SIM_DIAL_FAILED:
    case SIM_LINK_UP:
    case SIM_LINK_DOWN:
    case SIM_LINK_FAULT:
    case SIM_DRAINED:
    case SIM_COMMIT:
        break;
    case SIM_DIAL:
        free(event->payload);
        break;
    case SIM_DELIVER:
        ez_blob_unref(event->payload);
        break;
    case SIM_CHECKED:
        ez_check_job_free(event->payload);
        break;
    }
}

void ez_world_free(ez_world *world)
{
    if (world == NULL) {
        return;
    }
    sim_event event;
    while (sim_timeline_pop(&world->timeline, &event, EZ_TIME_NEVER)) {
        sim_free_payload(&event);
    }
    sim_timeline_clear(&world->timeline);
    sim_sweep_links(world, true);
    sim_strangers_free(world);
    for (size_t i = 0; i < world->host_count; i++) {
        sim_host_free(world->hosts[i]);
    }
    sim_shared_free(world->shared);
    sim_messages_free(world->messages);
    ez_buffer_clear(&world->encoded);
    free(world->links);
    free(world->ended);
    free(world->hosts);
    free(world);
}

/* ---- time ------------------------------------------------------------------------------------ */

void sim_at(ez_world *world, ez_time_ms after, const sim_event *event)
{
    sim_event placed = *event;
    placed.at = world->time + after;
    sim_timeline_add(&world->timeline, &placed);
}

void sim_schedule_tick(ez_world *world, sim_host *host)
{
    ez_time_ms due = ez_node_deadline(host->node);
    due = due < world->time ? world->time : due;
    if (due < host->tick_at) {
        host->tick_at = due;
        sim_at(world, due - world->time,
               &(sim_event){.kind = SIM_TICK, .host = host->number, .life = host->life});
    }
}

void sim_dispatch(ez_world *world, sim_host *host, const ez_event *event)
{
    sim_fold_event(world, host, event);
    host->core.handle(host->core.self, event, sim_now_of(world, host));
    sim_carry_out(world, host);
    sim_schedule_tick(world, host);
}

void sim_commit(ez_world *world, sim_host *host, uint64_t last)
{
    const uint64_t number = ez_memory_store_commit(host->store, last);
    if (number != 0 && host->node != NULL) {
        sim_dispatch(world, host, &(ez_event){.type = EZ_EVENT_STORED, .as.stored = number});
    }
}

/* One that was put on the timeline before an earlier one is void, or they would add up. */
static void tick(ez_world *world, sim_host *host, ez_time_ms at)
{
    if (at != host->tick_at) {
        return;
    }
    host->tick_at = EZ_TIME_NEVER;
    if (ez_node_deadline(host->node) <= world->time) {
        sim_dispatch(world, host, &(ez_event){.type = EZ_EVENT_TICK});
    } else {
        sim_schedule_tick(world, host);
    }
}

/* A dial succeeded, unless its link was reset while the news were under way. */
static void dial_ended(ez_world *world, const sim_event *event, ez_event *told)
{
    sim_link *const link = sim_link_of(world, event->link);
    if (link == NULL || !link->ends[0].open) {
        told->type = EZ_EVENT_DIAL_FAILED;
        told->link = (ez_link_id){0};
        told->as.dial_failed.dial = event->number;
        return;
    }
    link->ends[0].dialling = false;
    told->type = EZ_EVENT_LINK_UP;
    told->as.link_up.dial = event->number;
    told->as.link_up.remote = link->ends[1].address;
}

/* What concerns a host that is alive. */
static void happen_to(ez_world *world, sim_host *host, const sim_event *event)
{
    ez_event told = {.link = {event->link}};
    switch (event->kind) {
    case SIM_TICK:
        tick(world, host, event->at);
        return;
    case SIM_COMMIT:
        host->commit_due = false;
        sim_commit(world, host, event->number);
        sim_commit_later(world, host);
        return;
    case SIM_DIAL_FAILED:
        told.type = EZ_EVENT_DIAL_FAILED;
        told.as.dial_failed.dial = event->number;
        break;
    case SIM_LINK_UP:
        dial_ended(world, event, &told);
        break;
    case SIM_LINK_FAULT:
        told.type = EZ_EVENT_LINK_FAULT;
        told.as.fault = (ez_goodbye)event->number;
        break;
    case SIM_DRAINED:
        told.type = EZ_EVENT_LINK_DRAINED;
        break;
    case SIM_CHECKED:
        told.type = EZ_EVENT_CHECKED;
        told.as.job = event->payload;
        break;
    case SIM_DIAL:
    case SIM_LINK_DOWN:
    case SIM_DELIVER:
        ez_assert_fail("it concerns a link, not a host", __FILE__, __LINE__);
    }
    sim_dispatch(world, host, &told);
}

/* Whether there still is somebody, and a link, for which something happens. */
static bool is_due(const ez_world *world, const sim_event *event)
{
    const sim_end *const end = sim_end_of(world, event->link);
    bool has_link = event->link == 0 || event->kind == SIM_LINK_UP || (end != NULL && end->open);
    return has_link && sim_is_alive(world, event->host, event->life);
}

void sim_tell(ez_world *world, const sim_event *event)
{
    if (!sim_hold(world, event) && is_due(world, event)) {
        happen_to(world, sim_host_of(world, event->host), event);
    }
}

void sim_happen(ez_world *world, const sim_event *event)
{
    if (sim_hold(world, event)) {
        return;
    }
    switch (event->kind) {
    case SIM_DIAL:
        sim_dial_arrives(world, event->payload);
        break;
    case SIM_LINK_DOWN:
        sim_link_went_down(world, event->link);
        break;
    case SIM_DELIVER:
        sim_deliver(world, event->link, event->payload);
        break;
    case SIM_TICK:
    case SIM_DIAL_FAILED:
    case SIM_LINK_UP:
    case SIM_LINK_FAULT:
    case SIM_DRAINED:
    case SIM_CHECKED:
    case SIM_COMMIT:
        if (is_due(world, event)) {
            happen_to(world, sim_host_of(world, event->host), event);
        } else {
            sim_free_payload(event);
        }
        break;
    }
    sim_sweep_links(world, false);
}

static void step(ez_world *world, const sim_event *event, uint64_t *at_this_time)
{
    *at_this_time = event->at == world->time ? *at_this_time + 1 : 0;
    EZ_ASSERT(*at_this_time < EVENTS_PER_MS_MAX);
    world->time = event->at;
    world->steps++;
    if (world->progress != NULL) {
        *world->progress = (ez_progress){world->time, world->steps};
    }
    sim_happen(world, event);
}

void ez_world_run(ez_world *world, ez_time_ms ms)
{
    const ez_time_ms end = world->time + ms;
    uint64_t at_this_time = 0;
    sim_event event;
    while (sim_timeline_pop(&world->timeline, &event, end)) {
        step(world, &event, &at_this_time);
    }
    world->time = end;
}

bool ez_world_run_until(ez_world *world, ez_time_ms ms, void *self,
                        bool (*is_true)(ez_world *world, void *self))
{
    const ez_time_ms end = world->time + ms;
    uint64_t at_this_time = 0;
    sim_event event;
    while (!is_true(world, self)) {
        if (!sim_timeline_pop(&world->timeline, &event, end)) {
            world->time = end;
            return false;
        }
        step(world, &event, &at_this_time);
    }
    return true;
}

void ez_world_commit(ez_world *world, size_t host)
{
    sim_commit(world, sim_get_host(world, host), UINT64_MAX);
    ez_world_run(world, 0);
}

void ez_world_cut(ez_world *world, const int *side)
{
    for (size_t i = 0; i < world->host_count; i++) {
        world->hosts[i]->side = side == NULL ? 0 : side[i + 1];
    }
    sim_reset_cut_links(world);
}

/* ---- looking --------------------------------------------------------------------------------- */

ez_now ez_world_now(const ez_world *world)
{
    return (ez_now){.mono = world->time,
                    .wall = world->config.network.genesis.timestamp + WALL_AFTER_GENESIS_US +
                            world->time * 1000};
}

ez_rng *ez_world_rng(ez_world *world)
{
    return &world->rng;
}

const ez_network *ez_world_network(const ez_world *world)
{
    return &world->config.network;
}

bool ez_world_agrees(ez_world *world)
{
    ez_node_status first, other;
    bool has_first = false;
    for (size_t i = 0; i < world->host_count; i++) {
        if (world->hosts[i]->node == NULL) {
            continue;
        }
        ez_node_get_status(world->hosts[i]->node, has_first ? &other : &first);
        if (has_first && !ez_block_id_is_equal(&first.tip.id, &other.tip.id)) {
            return false;
        }
        has_first = true;
    }
    return true;
}

uint64_t ez_world_faults(const ez_world *world)
{
    uint64_t count = 0;
    for (size_t i = 0; i < world->host_count; i++) {
        ez_node_counters counters;
        ez_world_counters(world, &counters, i + 1);
        count += counters.peers_faulted;
    }
    return count;
}

void ez_world_report_to(ez_world *world, ez_progress *progress)
{
    world->progress = progress;
}

uint64_t ez_world_steps(const ez_world *world)
{
    return world->steps;
}

uint64_t ez_world_honest_faults(const ez_world *world)
{
    return world->honest_faults;
}

uint64_t ez_world_digest(const ez_world *world)
{
    return world->digest;
}
