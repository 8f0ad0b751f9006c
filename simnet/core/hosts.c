/* Hosts one by one: their lives, what is handed to them, and what can be seen of them. */
#include "world_internal.h"

#include <stdlib.h>

/* ---- lives ----------------------------------------------------------------------------------- */

sim_host *sim_host_of(const ez_world *world, size_t number)
{
    return number == 0 || number > world->host_count ? NULL : world->hosts[number - 1];
}

sim_host *sim_get_host(const ez_world *world, size_t number)
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

void sim_host_free(sim_host *host)
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
    host->commit_ms = world->config.commit_ms;
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
    sim_host *const host = sim_get_host(world, number);
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
    sim_schedule_tick(world, host);
}

void ez_world_stop(ez_world *world, size_t number, bool crash)
{
    sim_host *const host = sim_get_host(world, number);
    EZ_ASSERT(host->node != NULL);
    if (crash) {
        sim_drop_held(host);
        host->paused = false;
        ez_memory_store_crash(host->store);
    } else {
        ez_world_resume(world, number);
        ez_world_command(world, number, (ez_command){.type = EZ_COMMAND_SHUTDOWN});
        sim_commit(world, host, UINT64_MAX);
    }
    ez_world_counters(world, &host->before, number);
    end_core(host, crash);
    host->mining = false;
    sim_close_host(world, host);
    sim_sweep_links(world, false);
}

void ez_world_wipe(ez_world *world, size_t number)
{
    sim_host *const host = sim_get_host(world, number);
    EZ_ASSERT(host->node == NULL);
    ez_memory_store_free(host->store);
    host->store = new_store(world);
}

/* ---- telling and asking ---------------------------------------------------------------------- */

void ez_world_event(ez_world *world, size_t number, const ez_event *event)
{
    sim_host *const host = sim_get_host(world, number);
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
    const sim_host *const host = sim_get_host(world, number);
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
    sim_host *const host = sim_get_host(world, number);
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
    const sim_host *const host = sim_get_host(world, number);
    *generation = host->generation;
    *header = host->header;
    return host->mining;
}

/* ---- looking ----------------------------------------------------------------------------------
 */

ez_now sim_now_of(const ez_world *world, const sim_host *host)
{
    ez_now now = ez_world_now(world);
    now.wall += (uint64_t)host->skew_us; /* modulo 2^64: a negative skew sets it back */
    return now;
}

ez_node *ez_world_node(ez_world *world, size_t host)
{
    return sim_get_host(world, host)->node;
}

ez_memory_store *ez_world_store(ez_world *world, size_t host)
{
    return sim_get_host(world, host)->store;
}

const ez_keypair *ez_world_key(const ez_world *world, size_t host)
{
    return &sim_get_host(world, host)->keypair;
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
    const sim_host *const host = sim_get_host(world, number);
    if (last != NULL && host->notice_counts[type] > 0) {
        *last = host->notices[type];
    }
    return host->notice_counts[type];
}

_Static_assert(sizeof(ez_node_counters) % sizeof(uint64_t) == 0, "counters are summed as numbers");

void ez_world_counters(const ez_world *world, ez_node_counters *out, size_t number)
{
    const sim_host *const host = sim_get_host(world, number);
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
