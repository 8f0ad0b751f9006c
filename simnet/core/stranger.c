#include "world_internal.h"

#include "ezp2p/base/limits.h"

#include <stdlib.h>

#define SHAKE_MS 10000

/* ---- life ------------------------------------------------------------------------------------ */

static ez_stranger *new_stranger(ez_world *world, const ez_endpoint *address)
{
    uint8_t seed[EZ_SEED_BYTES];
    ez_stranger *const stranger = ez_alloc(1, sizeof(*stranger));
    stranger->world = world;
    stranger->address = *address;
    ez_rng_fill(&world->rng, seed, sizeof(seed));
    ez_keypair_from_seed(&stranger->keypair, seed);
    stranger->nonce = ez_rng_next(&world->rng);
    DL_APPEND(world->strangers, stranger);
    return stranger;
}

void sim_strangers_free(ez_world *world)
{
    ez_stranger *stranger, *next;
    DL_FOREACH_SAFE (world->strangers, stranger, next) {
        for (size_t type = 0; type < EZ_MESSAGE_TYPES; type++) {
            ez_decoded_clear(&stranger->kept[type].decoded);
            free(stranger->kept[type].frame);
        }
        for (size_t i = 0; i < stranger->held_count; i++) {
            ez_blob_unref(stranger->held[i]);
        }
        free(stranger->held);
        free(stranger);
    }
    world->strangers = NULL;
}

void sim_stranger_linked(ez_stranger *stranger, sim_link *link, int index)
{
    sim_end *const end = &link->ends[index];
    end->stranger = stranger;
    ez_cutter_set_limit(end->cutter, EZ_FRAME_BYTES_MAX);
    stranger->link = sim_link_id(link, index).value;
    stranger->listening = false;
}

static ez_stranger *listening_at(const ez_world *world, const ez_endpoint *endpoint)
{
    ez_stranger *stranger;
    DL_FOREACH (world->strangers, stranger) {
        if (stranger->listening && ez_endpoint_is_equal(&stranger->address, endpoint)) {
            return stranger;
        }
    }
    return NULL;
}

void ez_world_door(ez_world *world, void *self, ez_door_fn answer)
{
    world->door = answer;
    world->door_self = self;
}

ez_stranger *sim_stranger_for(ez_world *world, const ez_endpoint *endpoint)
{
    ez_stranger *const there = listening_at(world, endpoint);
    const bool is_free = there == NULL && sim_host_at(world, endpoint) == 0;
    return is_free && world->door != NULL ? world->door(world->door_self, endpoint) : there;
}

ez_stranger *ez_stranger_from(ez_world *world, size_t host, const ez_endpoint *remote, bool shake)
{
    sim_host *const target = sim_host_of(world, host);
    ez_stranger *const stranger = new_stranger(world, remote);
    EZ_ASSERT(target != NULL && target->node != NULL);
    sim_link *const link = sim_link_new(world);
    sim_stranger_linked(stranger, link, 0);
    link->ends[0].address = *remote;
    link->ends[1].host = host;
    link->ends[1].life = target->life;
    link->ends[1].address = ez_world_endpoint(world, host);
    ez_event event = {.type = EZ_EVENT_LINK_UP, .link = sim_link_id(link, 1)};
    event.as.link_up.remote = *remote;
    sim_dispatch(world, target, &event);
    if (shake) {
        EZ_ASSERT(ez_stranger_shake(stranger, NULL));
    }
    return stranger;
}

ez_stranger *ez_stranger_new(ez_world *world, size_t host, bool shake)
{
    const uint64_t number = ++world->last_stranger;
    const ez_endpoint remote = {.ip = {[10] = 0xff,
                                       [11] = 0xff,
                                       [12] = 10,
                                       [13] = (uint8_t)(200 + (number >> 16)),
                                       [14] = (uint8_t)(number >> 8),
                                       [15] = (uint8_t)number},
                                .port = 9999};
    return ez_stranger_from(world, host, &remote, shake);
}

ez_stranger *ez_stranger_listen(ez_world *world, const ez_endpoint *endpoint)
{
    ez_stranger *const stranger = new_stranger(world, endpoint);
    stranger->listening = true;
    return stranger;
}

bool ez_stranger_is_linked(const ez_stranger *stranger)
{
    return stranger->link != 0;
}

/* ---- the handshake --------------------------------------------------------------------------- */

ez_message ez_stranger_hello(const ez_stranger *stranger)
{
    static const char user_agent[] = "stranger";
    ez_message message = {.type = EZ_MSG_HELLO};
    message.as.hello =
        (ez_hello){.protocol = EZ_PROTOCOL_VERSION,
                   .network = stranger->world->config.network.genesis_id,
                   .node = stranger->keypair.public_key,
                   .nonce = stranger->nonce,
                   .tip = {.id = stranger->world->config.network.genesis_id, .height = 1},
                   .user_agent = user_agent,
                   .user_agent_size = sizeof(user_agent) - 1};
    return message;
}

static bool has_answered(ez_world *world, void *self)
{
    const ez_stranger *const stranger = self;
    (void)world;
    return stranger->closed || stranger->kept[EZ_MSG_READY].count > 0;
}

bool ez_stranger_shake(ez_stranger *stranger, const ez_message *hello)
{
    const ez_message usual = ez_stranger_hello(stranger);
    EZ_ASSERT(ez_stranger_is_linked(stranger));
    ez_stranger_send(stranger, hello == NULL ? &usual : hello);
    ez_stranger_send(stranger, &(ez_message){.type = EZ_MSG_READY});
    ez_world_run_until(stranger->world, SHAKE_MS, stranger, has_answered);
    /* Until the host has our Ready as well, which was under way before its own. */
    ez_world_run(stranger->world, 0);
    return stranger->kept[EZ_MSG_READY].count > 0;
}

/* ---- sending --------------------------------------------------------------------------------- */

void ez_stranger_send_bytes(ez_stranger *stranger, const void *data, size_t size)
{
    const sim_end *const end = sim_end_of(stranger->world, stranger->link);
    if (end != NULL && end->open) {
        sim_send(stranger->world, stranger->link, data, size);
    }
}

void ez_stranger_send(ez_stranger *stranger, const ez_message *message)
{
    ez_buffer bytes = {0};
    ez_wire_encode(&bytes, message);
    ez_stranger_send_bytes(stranger, bytes.data, bytes.size);
    ez_buffer_clear(&bytes);
}

void ez_stranger_hang_up(ez_stranger *stranger)
{
    const sim_end *const end = sim_end_of(stranger->world, stranger->link);
    if (end != NULL && end->open) {
        sim_close_end(stranger->world, stranger->link);
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

void sim_stranger_closed(ez_stranger *stranger)
{
    stranger->closed = true;
}

static void keep(ez_stranger *stranger, const uint8_t *frame, size_t size)
{
    uint8_t *const copy = ez_memdup(frame, size);
    ez_decoded decoded;
    const ez_goodbye fault = ez_wire_decode(&decoded, copy, size);
    EZ_ASSERT(fault == EZ_GOODBYE_UNSPECIFIED); /* what a node sends is well-formed */
    sim_kept *const kept = &stranger->kept[decoded.message.type];
    ez_decoded_clear(&kept->decoded);
    free(kept->frame);
    *kept = (sim_kept){.count = kept->count + 1, .frame = copy, .decoded = decoded};
    const ez_message *const message = &kept->decoded.message;
    if (message->type == EZ_MSG_GOODBYE) {
        stranger->goodbye = (ez_goodbye)message->as.goodbye.reason;
    }
    if (message->type == EZ_MSG_PING && !stranger->muted) {
        ez_message pong = {.type = EZ_MSG_PONG};
        pong.as.ping.nonce = message->as.ping.nonce;
        ez_stranger_send(stranger, &pong);
    }
    if (stranger->react != NULL) {
        stranger->react(stranger->react_self, stranger, message);
    }
}

static void read_bytes(ez_stranger *stranger, sim_end *end, const ez_blob *bytes)
{
    const uint8_t *frame = NULL;
    size_t size = 0;
    ez_cutter_push(end->cutter, ez_blob_data(bytes), ez_blob_size(bytes));
    while (ez_cutter_next(end->cutter, &frame, &size) == EZ_CUT_FRAME) {
        keep(stranger, frame, size);
    }
}

void sim_stranger_deliver(ez_world *world, sim_end *end, ez_blob *bytes)
{
    (void)world;
    ez_stranger *const stranger = end->stranger;
    if (stranger->paused) {
        if (stranger->held_count == stranger->held_capacity) {
            stranger->held_capacity = 2 * stranger->held_capacity + 16;
            stranger->held =
                ez_realloc(stranger->held, stranger->held_capacity, sizeof(*stranger->held));
        }
        stranger->held[stranger->held_count++] = bytes;
        return;
    }
    read_bytes(stranger, end, bytes);
    ez_blob_unref(bytes);
}

void ez_stranger_pause(ez_stranger *stranger, bool paused)
{
    stranger->paused = paused;
    if (paused) {
        return;
    }
    ez_blob **const held = stranger->held;
    const size_t count = stranger->held_count;
    stranger->held = NULL;
    stranger->held_count = stranger->held_capacity = 0;
    for (size_t i = 0; i < count; i++) {
        sim_deliver(stranger->world, stranger->link, held[i]);
    }
    free(held);
    if (stranger->close_held) {
        sim_link_went_down(stranger->world, stranger->link);
    }
}

void ez_stranger_mute(ez_stranger *stranger, bool muted)
{
    stranger->muted = muted;
}

void ez_stranger_react(ez_stranger *stranger, void *self, ez_stranger_react_fn react)
{
    stranger->react = react;
    stranger->react_self = self;
}

/* ---- looking --------------------------------------------------------------------------------- */

const ez_keypair *ez_stranger_key(const ez_stranger *stranger)
{
    return &stranger->keypair;
}

ez_link_id ez_stranger_link(const ez_stranger *stranger)
{
    return (ez_link_id){stranger->link ^ 1};
}

ez_world *ez_stranger_world(const ez_stranger *stranger)
{
    return stranger->world;
}

size_t ez_stranger_count(const ez_stranger *stranger, ez_message_type type)
{
    return stranger->kept[type].count;
}

const ez_message *ez_stranger_last(const ez_stranger *stranger, ez_message_type type)
{
    const sim_kept *const kept = &stranger->kept[type];
    return kept->count == 0 ? NULL : &kept->decoded.message;
}

bool ez_stranger_is_closed(const ez_stranger *stranger)
{
    return stranger->closed;
}

ez_goodbye ez_stranger_goodbye(const ez_stranger *stranger)
{
    return stranger->goodbye;
}
