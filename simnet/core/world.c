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

/* A crash leaves the record as it is. */
static void end_core(sim_host *host, bool crash)
{
    if (host->recorder != NULL && !crash) {
        ez_recorder_end(host->recorder, EZ_RECORD_END_STOPPED);
    }
    ez_node_free(host->node);
    ez_recorder_free(host->recorder);
    host->node = NULL;
    host->recorder = NULL;
}

static void free_host(sim_host *host)
{
    sim_reply *reply, *next;
    HASH_ITER (hh, host->replies, reply, next) {
        HASH_DEL(host->replies, reply);
        free(reply);
    }
    sim_drop_held(host);
    end_core(host, false);
    ez_memory_store_free(host->store);
    free(host->peers);
    free(host);
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
        free_host(world->hosts[i]);
    }
    sim_shared_free(world->shared);
    sim_messages_free(world->messages);
    ez_buffer_clear(&world->encoded);
    free(world->links);
    free(world->ended);
    free(world->hosts);
    free(world);
}

/* ---- hosts ----------------------------------------------------------------------------------- */

sim_host *sim_host_of(const ez_world *world, size_t number)
{
    return number == 0 || number > world->host_count ? NULL : world->hosts[number - 1];
}

static sim_host *get_host(const ez_world *world, size_t number)
{
    sim_host *const host = sim_host_of(world, number);
    EZ_ASSERT(host != NULL);
    return host;
}

bool sim_is_alive(const ez_world *world, size_t number, uint64_t life)
{
    const sim_host *const host = sim_host_of(world, number);
    return host != NULL && host->node != NULL && host->life == life;
}

size_t ez_world_count(const ez_world *world)
{
    return world->host_count;
}

static ez_memory_store *new_store(const ez_world *world)
{
    ez_memory_store *const store = ez_memory_store_new(&world->config.network);
    ez_memory_store_share(store, sim_shared_bodies(world->shared));
    return store;
}

size_t ez_world_add(ez_world *world, const size_t *peers, size_t peer_count)
{
    uint8_t seed[EZ_SEED_BYTES];
    sim_host *const host = ez_alloc(1, sizeof(*host));
    EZ_ASSERT(world->host_count < UINT16_MAX);
    world->hosts = ez_realloc(world->hosts, world->host_count + 1, sizeof(sim_host *));
    world->hosts[world->host_count++] = host;
    host->number = world->host_count;
    host->store = new_store(world);
    ez_rng_fill(&world->rng, seed, sizeof(seed));
    ez_keypair_from_seed(&host->keypair, seed);
    host->peers = ez_alloc(peer_count + 1, sizeof(*host->peers));
    host->peer_count = peer_count;
    for (size_t i = 0; i < peer_count; i++) {
        const ez_endpoint endpoint = ez_world_endpoint(world, peers[i]);
        host->peers[i] = ez_endpoint_ip_text(&endpoint);
    }
    ez_world_start(world, host->number);
    return host->number;
}

/* Wake the host for its deadline, unless an earlier tick will. */
static void schedule_tick(ez_world *world, sim_host *host)
{
    ez_time_ms due = ez_node_deadline(host->node);
    due = due < world->time ? world->time : due;
    if (due < host->tick_at) {
        host->tick_at = due;
        sim_at(world, due - world->time,
               &(sim_event){.kind = SIM_TICK, .host = host->number, .life = host->life});
    }
}

static const ez_relay_strategy *relay_of(const ez_world *world, size_t number)
{
    const ez_world_config *const config = &world->config;
    return config->relay_count == 0 ? NULL : config->relays[(number - 1) % config->relay_count];
}

/* The node of a host, and what stands before it. */
static void make_core(ez_world *world, sim_host *host, const ez_node_config *config)
{
    const ez_recording *const recording = world->config.recording;
    const ez_node_ports ports = {.store = ez_memory_store_port(host->store),
                                 .log = world->config.log,
                                 .signer = ez_keypair_signer(&host->keypair)};
    const ez_now now = sim_now_of(world, host);
    ez_record_sink sink;
    ez_status status;
    if (recording != NULL && recording->open(recording->self, host->number, &sink)) {
        host->recorder = ez_recorder_new(&sink);
        status = ez_recorder_node_new(host->recorder, &host->node, config, &ports,
                                      "ezsim/" EZ_VERSION, now);
        host->core = ez_recorder_core(host->recorder, host->node);
    } else {
        status = ez_node_new(&host->node, config, &ports, now);
        host->core = ez_node_core(host->node);
    }
    EZ_ASSERT(status == EZ_OK);
}

void ez_world_start(ez_world *world, size_t number)
{
    sim_host *const host = get_host(world, number);
    EZ_ASSERT(host->node == NULL);
    ez_manual_peer *const peers = ez_alloc(host->peer_count + 1, sizeof(*peers));
    for (size_t i = 0; i < host->peer_count; i++) {
        peers[i] = (ez_manual_peer){host->peers[i].text, EZ_WORLD_PORT};
    }
    ez_node_config config = {.network = world->config.network,
                             .key = host->keypair.public_key,
                             .listen_port = EZ_WORLD_PORT,
                             .outbound_max = world->config.outbound_max,
                             .inbound_max = world->config.inbound_max,
                             .mine = world->config.mine,
                             .relay = relay_of(world, number),
                             .user_agent = "ezsim",
                             .peers = peers,
                             .peer_count = host->peer_count};
    ez_rng_fill(&world->rng, config.seed, sizeof(config.seed));
    make_core(world, host, &config);
    free(peers);
    host->life++;
    host->tick_at = EZ_TIME_NEVER;
    host->commit_due = host->mining = false;
    sim_carry_out(world, host);
    schedule_tick(world, host);
}

void ez_world_stop(ez_world *world, size_t number, bool crash)
{
    sim_host *const host = get_host(world, number);
    EZ_ASSERT(host->node != NULL);
    if (crash) {
        sim_drop_held(host);
        host->paused = false;
        ez_memory_store_crash(host->store);
    } else {
        ez_world_resume(world, number);
        ez_world_command(world, number, (ez_command){.type = EZ_COMMAND_SHUTDOWN});
        sim_commit(world, host);
    }
    ez_world_counters(world, &host->before, number);
    end_core(host, crash);
    host->mining = false;
    sim_close_host(world, host);
    sim_sweep_links(world, false);
}

void ez_world_wipe(ez_world *world, size_t number)
{
    sim_host *const host = get_host(world, number);
    EZ_ASSERT(host->node == NULL);
    ez_memory_store_free(host->store);
    host->store = new_store(world);
}

void ez_world_cut(ez_world *world, const int *side)
{
    for (size_t i = 0; i < world->host_count; i++) {
        world->hosts[i]->side = side == NULL ? 0 : side[i + 1];
    }
    sim_reset_cut_links(world);
}

/* ---- time ------------------------------------------------------------------------------------ */

void sim_at(ez_world *world, ez_time_ms after, const sim_event *event)
{
    sim_event placed = *event;
    placed.at = world->time + after;
    sim_timeline_add(&world->timeline, &placed);
}

void sim_dispatch(ez_world *world, sim_host *host, const ez_event *event)
{
    sim_fold_event(world, host, event);
    host->core.handle(host->core.self, event, sim_now_of(world, host));
    sim_carry_out(world, host);
    schedule_tick(world, host);
}

void sim_commit(ez_world *world, sim_host *host)
{
    const uint64_t number = ez_memory_store_commit(host->store);
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
        schedule_tick(world, host);
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
        sim_commit(world, host);
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
    sim_commit(world, get_host(world, host));
    ez_world_run(world, 0);
}

/* ---- telling and asking hosts ---------------------------------------------------------------- */

void ez_world_event(ez_world *world, size_t number, const ez_event *event)
{
    sim_host *const host = get_host(world, number);
    EZ_ASSERT(host->node != NULL);
    sim_dispatch(world, host, event);
    sim_sweep_links(world, false);
}

uint64_t ez_world_command(ez_world *world, size_t number, ez_command command)
{
    if (command.request == 0) {
        command.request = ++world->last_request;
    }
    ez_world_event(world, number, &(ez_event){.type = EZ_EVENT_COMMAND, .as.command = command});
    return command.request;
}

bool ez_world_reply(const ez_world *world, size_t number, uint64_t request, ez_reply *out)
{
    const sim_host *const host = get_host(world, number);
    sim_reply *found = NULL;
    HASH_FIND(hh, host->replies, &request, sizeof(request), found);
    if (found != NULL && out != NULL) {
        *out = found->reply;
    }
    return found != NULL;
}

uint64_t ez_world_note(ez_world *world, size_t host, const char *sender, const char *recipient,
                       uint64_t amount)
{
    ez_command command = {.type = EZ_COMMAND_SUBMIT_ENTRY, .amount = amount};
    command.sender = (ez_byte_span){(const uint8_t *)sender, strlen(sender)};
    command.recipient = (ez_byte_span){(const uint8_t *)recipient, strlen(recipient)};
    return ez_world_command(world, host, command);
}

bool ez_world_prove(ez_world *world, size_t number)
{
    sim_host *const host = get_host(world, number);
    ez_block_id id;
    if (host->node == NULL || !host->mining) {
        return false;
    }
    host->mining = false;
    ez_header_id(&id, &host->header);
    while (!ez_header_has_work(&id, host->header.bits)) {
        host->header.proof++;
        ez_header_id(&id, &host->header);
    }
    ez_event event = {.type = EZ_EVENT_PROOF_FOUND};
    event.as.proof_found.generation = host->generation;
    event.as.proof_found.proof = host->header.proof;
    sim_dispatch(world, host, &event);
    ez_world_run(world, 0); /* the check of the new block */
    return true;
}

uint64_t ez_world_mine(ez_world *world, size_t host)
{
    const uint64_t request =
        ez_world_command(world, host, (ez_command){.type = EZ_COMMAND_MINE_ONE});
    ez_world_prove(world, host);
    return request;
}

bool ez_world_template(const ez_world *world, size_t number, uint64_t *generation,
                       ez_header *header)
{
    const sim_host *const host = get_host(world, number);
    *generation = host->generation;
    *header = host->header;
    return host->mining;
}

/* ---- looking --------------------------------------------------------------------------------- */

ez_now ez_world_now(const ez_world *world)
{
    return (ez_now){.mono = world->time,
                    .wall = world->config.network.genesis.timestamp + WALL_AFTER_GENESIS_US +
                            world->time * 1000};
}

ez_now sim_now_of(const ez_world *world, const sim_host *host)
{
    ez_now now = ez_world_now(world);
    now.wall += (uint64_t)host->skew_us; /* modulo 2^64: a negative skew sets it back */
    return now;
}

ez_rng *ez_world_rng(ez_world *world)
{
    return &world->rng;
}

ez_node *ez_world_node(ez_world *world, size_t host)
{
    return get_host(world, host)->node;
}

ez_memory_store *ez_world_store(ez_world *world, size_t host)
{
    return get_host(world, host)->store;
}

const ez_network *ez_world_network(const ez_world *world)
{
    return &world->config.network;
}

const ez_keypair *ez_world_key(const ez_world *world, size_t host)
{
    return &get_host(world, host)->keypair;
}

ez_endpoint ez_world_endpoint(const ez_world *world, size_t host)
{
    if (world->config.public_addresses) {
        return (ez_endpoint){.ip = {0x2a, 0x00, (uint8_t)(host >> 8), (uint8_t)host, [15] = 1},
                             .port = EZ_WORLD_PORT};
    }
    return (ez_endpoint){.ip = {[10] = 0xff,
                                [11] = 0xff,
                                [12] = 10,
                                [14] = (uint8_t)(host >> 8),
                                [15] = (uint8_t)host},
                         .port = EZ_WORLD_PORT};
}

size_t ez_world_notices(const ez_world *world, size_t number, ez_notice_type type, ez_notice *last)
{
    const sim_host *const host = get_host(world, number);
    if (last != NULL && host->notice_counts[type] > 0) {
        *last = host->notices[type];
    }
    return host->notice_counts[type];
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

_Static_assert(sizeof(ez_node_counters) % sizeof(uint64_t) == 0, "counters are summed as numbers");

void ez_world_counters(const ez_world *world, ez_node_counters *out, size_t number)
{
    const sim_host *const host = get_host(world, number);
    uint64_t sums[sizeof(*out) / sizeof(uint64_t)];
    uint64_t added[sizeof(*out) / sizeof(uint64_t)] = {0};
    memcpy(sums, &host->before, sizeof(sums));
    if (host->node != NULL) {
        memcpy(added, ez_node_get_counters(host->node), sizeof(added));
    }
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        sums[i] += added[i];
    }
    memcpy(out, sums, sizeof(sums));
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
