/* Dials, links and the streams on them. */
#include "world_internal.h"

#include "ezp2p/base/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_PORT     10000 /* of those that dial */
#define CLOSE_FLUSH_MS 1000  /* for what is queued when a link is closed */
#define TORN_ONE_IN    8
#define TORN_MS_MAX    300

/* What the real driver lets a link's output grow to. */
#define UNREAD_MAX (EZ_OUTPUT_BYTES_MAX + EZ_FRAME_BYTES_MAX)

/* ---- links and their ends -------------------------------------------------------------------- */

sim_link *sim_link_of(const ez_world *world, uint64_t link)
{
    return link / 2 > world->last_link ? NULL : world->links[link / 2];
}

sim_end *sim_end_of(const ez_world *world, uint64_t link)
{
    sim_link *const found = sim_link_of(world, link);
    return found == NULL ? NULL : &found->ends[link % 2];
}

ez_link_id sim_link_id(const sim_link *link, int index)
{
    return (ez_link_id){link->number * 2 + (uint64_t)index};
}

sim_link *sim_link_new(ez_world *world)
{
    sim_link *const link = ez_alloc(1, sizeof(*link));
    link->number = ++world->last_link;
    link->latency = world->config.latency_ms;
    if (world->config.jitter_ms > 0) {
        link->latency += ez_rng_below(&world->rng, world->config.jitter_ms + 1);
    }
    for (int i = 0; i < 2; i++) {
        link->ends[i].open = true;
        link->ends[i].cutter = ez_cutter_new(EZ_FRAME_HELLO_BYTES_MAX);
    }
    if (link->number >= world->link_capacity) {
        world->link_capacity = world->link_capacity * 2 + 64;
        world->links = ez_realloc(world->links, world->link_capacity, sizeof(sim_link *));
    }
    world->links[link->number] = link;
    world->link_count++;
    DL_APPEND(world->link_list, link);
    return link;
}

static void free_link(ez_world *world, sim_link *link)
{
    world->links[link->number] = NULL;
    world->link_count--;
    DL_DELETE(world->link_list, link);
    ez_cutter_free(link->ends[0].cutter);
    ez_cutter_free(link->ends[1].cutter);
    free(link);
}

/* Links are freed between events only: what is handled may lie in a link's cutter. */
void sim_sweep_links(ez_world *world, bool all)
{
    sim_link *link, *next;
    if (all) {
        DL_FOREACH_SAFE (world->link_list, link, next) {
            free_link(world, link);
        }
        return;
    }
    while (world->ended_count > 0) {
        link = sim_link_of(world, world->ended[--world->ended_count] * 2);
        if (link != NULL && !link->ends[0].open && !link->ends[1].open) {
            free_link(world, link);
        }
    }
}

void sim_set_frame_limit(ez_world *world, uint64_t link)
{
    sim_end *const end = sim_end_of(world, link);
    EZ_ASSERT(end != NULL && end->open);
    ez_cutter_set_limit(end->cutter, EZ_FRAME_BYTES_MAX);
}

/* ---- closing --------------------------------------------------------------------------------- */

static void shut_end(ez_world *world, sim_link *link, int index)
{
    link->ends[index].open = false;
    if (world->ended_count == world->ended_capacity) {
        world->ended_capacity = world->ended_capacity * 2 + 64;
        world->ended = ez_realloc(world->ended, world->ended_capacity, sizeof(*world->ended));
    }
    world->ended[world->ended_count++] = link->number;
}

/* When the far end notices that this one closed: after what is under way, for which the real driver
 * waits a second. */
static ez_time_ms close_delay(const ez_world *world, const sim_link *link, const sim_end *end)
{
    const ez_time_ms left = end->arrival > world->time ? end->arrival - world->time : 0;
    const ez_time_ms longest = link->latency + CLOSE_FLUSH_MS;
    return left < link->latency ? link->latency : left > longest ? longest : left;
}

void sim_close_end(ez_world *world, uint64_t id)
{
    sim_link *const link = sim_link_of(world, id);
    EZ_ASSERT(link != NULL && link->ends[id % 2].open); /* the core closes what it knows, once */
    shut_end(world, link, (int)(id % 2));
    if (!link->half_open) {
        sim_at(world, close_delay(world, link, &link->ends[id % 2]),
               &(sim_event){.kind = SIM_LINK_DOWN, .link = id ^ 1});
    }
}

void sim_link_went_down(ez_world *world, uint64_t id)
{
    sim_link *const link = sim_link_of(world, id);
    if (link == NULL || !link->ends[id % 2].open ||
        sim_hold(world, &(sim_event){.kind = SIM_LINK_DOWN, .link = id})) {
        return;
    }
    sim_end *const end = &link->ends[id % 2];
    if (end->stranger != NULL && end->stranger->paused) {
        end->stranger->close_held = true; /* the end of a stream is read after all before it */
        return;
    }
    shut_end(world, link, (int)(id % 2));
    if (end->stranger != NULL) {
        sim_stranger_closed(end->stranger);
    } else if (!end->dialling && sim_is_alive(world, end->host, end->life)) {
        sim_dispatch(world, sim_host_of(world, end->host),
                     &(ez_event){.type = EZ_EVENT_LINK_DOWN, .link = {id}});
    }
}

void sim_close_host(ez_world *world, const sim_host *host)
{
    sim_link *link;
    DL_FOREACH (world->link_list, link) {
        for (int i = 0; i < 2; i++) {
            if (link->ends[i].open && link->ends[i].host == host->number) {
                sim_close_end(world, sim_link_id(link, i).value);
            }
        }
    }
}

/* ---- reach ----------------------------------------------------------------------------------- */

bool sim_can_reach(const ez_world *world, size_t a, size_t b)
{
    const sim_host *const from = sim_host_of(world, a);
    const sim_host *const to = sim_host_of(world, b);
    return from == NULL || to == NULL || from->side == 0 || to->side == 0 || from->side == to->side;
}

void sim_reset_cut_links(ez_world *world)
{
    sim_link *link, *next;
    DL_FOREACH_SAFE (world->link_list, link, next) {
        if (!sim_can_reach(world, link->ends[0].host, link->ends[1].host)) {
            sim_link_went_down(world, sim_link_id(link, 0).value);
            sim_link_went_down(world, sim_link_id(link, 1).value);
        }
    }
    sim_sweep_links(world, false);
}

size_t sim_host_at(const ez_world *world, const ez_endpoint *endpoint)
{
    const size_t at_byte = world->config.public_addresses ? 2 : 14;
    const size_t number = (size_t)endpoint->ip[at_byte] << 8 | endpoint->ip[at_byte + 1];
    const ez_endpoint at = ez_world_endpoint(world, number);
    const bool exists = number > 0 && number <= world->host_count;
    return exists && ez_endpoint_is_same_host(&at, endpoint) ? number : 0;
}

/* The host that a dial is for; 0: nobody has the address, or listens on that port. */
static size_t dialled_host(const ez_world *world, const sim_dial *dial)
{
    const bool is_port = dial->known && dial->target.port == EZ_WORLD_PORT;
    return is_port ? sim_host_at(world, &dial->target) : 0;
}

/* ---- dialling -------------------------------------------------------------------------------- */

static ez_time_ms latency_between(const ez_world *world, size_t a, size_t b)
{
    const ez_world_config *const config = &world->config;
    return config->latency == NULL || b == 0 ? config->latency_ms
                                             : config->latency(config->latency_self, a, b);
}

static void fail_dial(ez_world *world, const sim_dial *dial, ez_time_ms after)
{
    sim_at(world, after,
           &(sim_event){.kind = SIM_DIAL_FAILED,
                        .host = dial->host,
                        .life = dial->life,
                        .number = dial->number});
}

void sim_dial_start(ez_world *world, sim_host *host, const ez_effect *effect)
{
    char text[EZ_HOST_NAME_BYTES_MAX + 16];
    sim_dial *const dial = ez_alloc(1, sizeof(*dial));
    dial->host = host->number;
    dial->life = host->life;
    dial->number = effect->as.dial.dial;
    snprintf(text, sizeof(text), strchr(effect->as.dial.host, ':') == NULL ? "%s:%u" : "[%s]:%u",
             effect->as.dial.host, (unsigned)effect->as.dial.port);
    dial->known = ez_endpoint_parse(&dial->target, text);
    const size_t target = dialled_host(world, dial);
    sim_at(world, latency_between(world, host->number, target),
           &(sim_event){.kind = SIM_DIAL, .payload = dial});
}

static ez_endpoint dialling_address(ez_world *world, size_t host)
{
    ez_endpoint from = ez_world_endpoint(world, host);
    world->last_port = (uint16_t)((world->last_port + 1) % 50000);
    from.port = (uint16_t)(FIRST_PORT + world->last_port);
    return from;
}

/* The acceptor hears of the link now, the dialler one latency later; what the acceptor says at once
 * must come after that, so the dialler's news go onto the timeline first. */
static void connect_hosts(ez_world *world, const sim_dial *dial, sim_host *target,
                          ez_stranger *stranger)
{
    sim_link *const link = sim_link_new(world);
    sim_end *const from = &link->ends[0];
    sim_end *const to = &link->ends[1];
    from->host = dial->host;
    from->life = dial->life;
    from->address = dialling_address(world, dial->host);
    from->dialling = true;
    to->address = dial->target;
    if (target != NULL && world->config.latency != NULL) {
        link->latency = latency_between(world, dial->host, target->number);
    }
    sim_at(world, link->latency,
           &(sim_event){.kind = SIM_LINK_UP,
                        .host = dial->host,
                        .life = dial->life,
                        .link = sim_link_id(link, 0).value,
                        .number = dial->number});
    if (stranger != NULL) {
        sim_stranger_linked(stranger, link, 1);
        return;
    }
    to->host = target->number;
    to->life = target->life;
    ez_event event = {.type = EZ_EVENT_LINK_UP, .link = sim_link_id(link, 1)};
    event.as.link_up.remote = from->address;
    sim_dispatch(world, target, &event);
}

void sim_dial_arrives(ez_world *world, sim_dial *dial)
{
    const size_t target = dialled_host(world, dial);
    sim_host *const host = sim_host_of(world, target);
    ez_stranger *const stranger = dial->known ? sim_stranger_for(world, &dial->target) : NULL;
    if (!sim_is_alive(world, dial->host, dial->life)) {
        /* nobody is left to hear of it */
    } else if (stranger != NULL) {
        connect_hosts(world, dial, NULL, stranger);
    } else if (host == NULL || host->paused || !sim_can_reach(world, dial->host, target)) {
        fail_dial(world, dial, EZ_DIAL_TIMEOUT_MS);
    } else if (host->node == NULL) {
        fail_dial(world, dial, latency_between(world, dial->host, target));
    } else {
        connect_hosts(world, dial, host, NULL);
    }
    free(dial);
}

/* ---- streams --------------------------------------------------------------------------------- */

/* When `size` more bytes of a host have left its line, counted from now. */
static ez_time_ms sending_ms(ez_world *world, size_t number, size_t size)
{
    sim_host *const host = sim_host_of(world, number);
    if (host == NULL || world->config.send_bytes_per_s == 0) {
        return 0;
    }
    const uint64_t now_us = world->time * 1000;
    host->send_free_us = host->send_free_us < now_us ? now_us : host->send_free_us;
    host->send_free_us += size * 1000000 / world->config.send_bytes_per_s;
    return (host->send_free_us - now_us) / 1000;
}

/* Bytes of a stream arrive, but not before what was sent earlier; takes the reference. */
static void arrive(ez_world *world, uint64_t id, ez_blob *bytes, ez_time_ms after)
{
    sim_end *const from = sim_end_of(world, id);
    const ez_time_ms at = world->time + after;
    from->arrival = at > from->arrival ? at : from->arrival;
    sim_at(world, from->arrival - world->time,
           &(sim_event){.kind = SIM_DELIVER, .link = id ^ 1, .payload = bytes});
}

/* One message in a few comes in two pieces with a pause between them, as when a packet is lost and
 * sent again: whatever else happens may happen to half a frame. */
static bool is_torn(ez_world *world, size_t size)
{
    return world->config.fragment_random && size > 1 && ez_rng_below(&world->rng, TORN_ONE_IN) == 0;
}

static void arrive_torn(ez_world *world, uint64_t id, const uint8_t *data, size_t size,
                        ez_time_ms after)
{
    const size_t first = 1 + ez_rng_below(&world->rng, size - 1);
    const ez_time_ms pause = 1 + ez_rng_below(&world->rng, TORN_MS_MAX);
    arrive(world, id, ez_blob_new(data, first), after);
    arrive(world, id, ez_blob_new(data + first, size - first), after + pause);
}

void sim_send(ez_world *world, uint64_t id, const void *data, size_t size)
{
    sim_link *const link = sim_link_of(world, id);
    EZ_ASSERT(link != NULL && link->ends[id % 2].open); /* nobody sends on a link it closed */
    sim_end *const from = &link->ends[id % 2];
    from->unread += size;
    world->unread_peak = from->unread > world->unread_peak ? from->unread : world->unread_peak;
    uint64_t hash;
    ez_blob *const bytes = sim_messages_hold(world->messages, &hash, data, size);
    world->digest = sim_hash(world->digest, &hash, sizeof(hash));
    if (!link->half_open) {
        const ez_time_ms after = sending_ms(world, from->host, size) + link->latency;
        if (is_torn(world, size)) {
            arrive_torn(world, id, data, size, after);
        } else {
            arrive(world, id, ez_blob_ref(bytes), after);
        }
    }
    ez_blob_unref(bytes);
    if (from->unread > UNREAD_MAX) {
        sim_at(world, 0,
               &(sim_event){.kind = SIM_LINK_FAULT,
                            .host = from->host,
                            .life = from->life,
                            .link = id,
                            .number = EZ_GOODBYE_SLOW_READER});
    }
}

/* One frame for a host; false when the link is not to be read any further. */
static bool take_frame(ez_world *world, sim_end *end, uint64_t id, const uint8_t *frame,
                       size_t size)
{
    sim_host *const host = sim_host_of(world, end->host);
    sim_decoded own = {0};
    sim_decoded *const opened = sim_messages_open(world->messages, &own, frame, size);
    ez_event event = {.link = {id}};
    if (opened->fault != EZ_GOODBYE_UNSPECIFIED) {
        event.type = EZ_EVENT_LINK_FAULT;
        event.as.fault = opened->fault;
        sim_dispatch(world, host, &event);
    } else if (sim_hears(host, event.link, &opened->decoded.message)) {
        event.type = EZ_EVENT_MESSAGE;
        event.as.message.message = &opened->decoded.message;
        event.as.message.wire_bytes = size + EZ_FRAME_PREFIX_BYTES;
        sim_dispatch(world, host, &event);
        sim_told(host, event.link, &opened->decoded.message);
    }
    sim_messages_close(opened, &own);
    return end->open;
}

/* Push one piece and hand on what frames it completes. */
static bool take_piece(ez_world *world, sim_end *end, uint64_t id, const uint8_t *data, size_t size)
{
    const uint8_t *frame = NULL;
    size_t frame_size = 0;
    ez_cutter_push(end->cutter, data, size);
    for (;;) {
        switch (ez_cutter_next(end->cutter, &frame, &frame_size)) {
        case EZ_CUT_NEED:
            return true;
        case EZ_CUT_BROKEN:
            sim_dispatch(world, sim_host_of(world, end->host),
                         &(ez_event){.type = EZ_EVENT_LINK_FAULT,
                                     .link = {id},
                                     .as.fault = EZ_GOODBYE_FRAME_SIZE});
            return false;
        case EZ_CUT_FRAME:
            if (!take_frame(world, end, id, frame, frame_size)) {
                return false;
            }
            break;
        }
    }
}

/* How much of what is left arrives at once. */
static size_t piece_of(ez_world *world, size_t left)
{
    size_t longest = world->config.fragment_bytes;
    if (longest == 0) {
        return left;
    }
    if (world->config.fragment_random) {
        longest = 1 + ez_rng_below(&world->rng, longest);
    }
    return longest < left ? longest : left;
}

static void take_bytes(ez_world *world, sim_end *end, uint64_t id, const ez_blob *bytes)
{
    const uint8_t *data = ez_blob_data(bytes);
    size_t left = ez_blob_size(bytes);
    while (left > 0) {
        const size_t size = piece_of(world, left);
        if (!take_piece(world, end, id, data, size)) {
            return;
        }
        data += size;
        left -= size;
    }
}

/* The far end has taken `size` bytes. */
static void note_read(ez_world *world, uint64_t sender, size_t size)
{
    sim_end *const from = sim_end_of(world, sender);
    from->unread -= size;
    if (from->unread == 0 && from->open && from->host != 0) {
        sim_tell(world,
                 &(sim_event){
                     .kind = SIM_DRAINED, .host = from->host, .life = from->life, .link = sender});
    }
}

void sim_deliver(ez_world *world, uint64_t id, ez_blob *bytes)
{
    sim_link *const link = sim_link_of(world, id);
    sim_end *const end = link == NULL || link->half_open ? NULL : &link->ends[id % 2];
    if (end != NULL && end->open && end->stranger != NULL && end->stranger->paused) {
        sim_stranger_deliver(world, end, bytes); /* it keeps them unread */
        return;
    }
    if (end != NULL && end->open) {
        note_read(world, id ^ 1, ez_blob_size(bytes));
        if (end->stranger != NULL) {
            sim_stranger_deliver(world, end, bytes);
            return;
        }
        if (sim_is_alive(world, end->host, end->life)) {
            take_bytes(world, end, id, bytes);
        }
    }
    ez_blob_unref(bytes);
}
