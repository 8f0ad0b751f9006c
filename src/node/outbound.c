/* Whom to dial, and the exchange of addresses. */
#include "node_internal.h"

#include <stdlib.h>

#define ADDRESSES_RELAYED_MAX 10 /* of one message; more of them are no news but a list */

/* Known addresses from which on a node only passes on those of its own peers. Before that it may be
 * one of many that start together and find each other by such news; if all went on for ever, n
 * nodes would send n * n messages. */
#define ADDRESSES_ENOUGH 32

#define ADDRESSES_TAKEN_MAX 4000 /* of one peer, over the life of its link */
#define BOOK_SAVE_MS        60000
#define BOOK_RETRY_MS       1000

static void dial(ez_node *node, uint64_t number, const char *host, uint16_t port)
{
    node_effect *item = node_push(node, EZ_EFFECT_DIAL);
    item->memory = ez_strdup(host);
    item->effect.as.dial.dial = number;
    item->effect.as.dial.host = item->memory;
    item->effect.as.dial.port = port;
    node->counters.dials++;
}

/* Whether we are connected to this address, dial it, or should not. */
static bool is_usable(void *self, const ez_endpoint *endpoint)
{
    ez_node *node = self;
    if (ez_dialer_is_dialing(node->dialer, endpoint) ||
        ez_dialer_is_asked_for(node->dialer, endpoint) || node_is_discouraged(node, endpoint)) {
        return false;
    }
    bool public = ez_endpoint_reach(endpoint) == EZ_REACH_PUBLIC;
    ez_network_group group = ez_endpoint_group(endpoint);
    if (public && ez_dialer_is_dialing_group(node->dialer, &group)) {
        return false; /* or all slots of a node that starts would go out before one is connected */
    }
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->closing) {
            continue;
        }
        ez_endpoint listening = peer->remote;
        if (peer->inbound) {
            listening.port = peer->listen_port;
        }
        if (ez_endpoint_is_equal(&listening, endpoint)) {
            return false;
        }
        ez_network_group other = ez_endpoint_group(&peer->remote);
        if (public && !peer->inbound && memcmp(&group, &other, sizeof(group)) == 0) {
            return false; /* one outbound slot per network group */
        }
    }
    return true;
}

static uint32_t outbound_links(const ez_node *node)
{
    uint32_t count = (uint32_t)ez_dialer_pending(node->dialer);
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        count += !peer->closing && !peer->inbound && !peer->feeler;
    }
    return count;
}

static void dial_manual(ez_node *node)
{
    const char *host = NULL;
    uint16_t port = 0;
    uint64_t number;
    while ((number = ez_dialer_next(node->dialer, &host, &port, node->now.mono)) != 0) {
        dial(node, number, host, port);
    }
}

static void dial_address(ez_node *node, uint64_t number, const ez_endpoint *endpoint)
{
    ez_endpoint_string text = ez_endpoint_ip_text(endpoint);
    dial(node, number, text.text, endpoint->port);
}

/* The anchors of the last life first, then whom chance picks. */
static bool pick(ez_node *node, ez_endpoint *out)
{
    ez_endpoint anchor;
    while (ez_book_take_anchor(node->book, &anchor)) {
        if (is_usable(node, &anchor)) {
            *out = anchor;
            return true;
        }
    }
    return ez_book_pick(node->book, out, &node->rng, node->now, node, is_usable);
}

/* Fill the outbound slots from the address book. */
static void dial_from_book(ez_node *node)
{
    uint32_t links = outbound_links(node);
    ez_endpoint endpoint;
    while (links < node->outbound_max && pick(node, &endpoint)) {
        dial_address(node, ez_dialer_start(node->dialer, &endpoint), &endpoint);
        links++;
    }
    bool wanting = links < node->outbound_max && ez_book_count(node->book) > 0;
    node->dial_due = wanting ? node->now.mono + BOOK_RETRY_MS : EZ_TIME_NEVER;
}

/* Once the slots are full, see now and then whether somebody lives at an address we heard of. */
static void feel(ez_node *node)
{
    ez_endpoint endpoint;
    if (node->now.mono < node->feeler_due) {
        node_wake_at(node, node->feeler_due);
        return;
    }
    node->feeler_due =
        node->now.mono + EZ_FEELER_MS / 2 + ez_rng_below(&node->rng, EZ_FEELER_MS + 1);
    node_wake_at(node, node->feeler_due);
    if (outbound_links(node) >= node->outbound_max &&
        ez_book_pick_feeler(node->book, &endpoint, &node->rng, node->now, node, is_usable)) {
        const uint64_t number = ez_dialer_feel(node->dialer, &endpoint);
        if (number != 0) {
            dial_address(node, number, &endpoint);
        }
    }
}

static ez_time_ms next_dial(const ez_node *node)
{
    const ez_time_ms manual = ez_dialer_deadline(node->dialer);
    return manual < node->dial_due ? manual : node->dial_due;
}

void node_dial_some(ez_node *node)
{
    if (node->stopping) {
        return;
    }
    ez_time_ms due = next_dial(node);
    if (node->dial_dirty || node->now.mono >= due) {
        node->dial_dirty = false;
        dial_manual(node);
        dial_from_book(node);
        due = next_dial(node);
    }
    node_wake_at(node, due);
    feel(node);
}

static void tell_addresses(ez_node *node, ez_peer *to, const ez_endpoint *list, size_t count)
{
    bool public = ez_endpoint_reach(&to->remote) == EZ_REACH_PUBLIC;
    ez_known_address *rows = ez_alloc(count, sizeof(*rows));
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    message.as.addresses.list = rows;
    for (size_t i = 0; i < count; i++) {
        if (!public || ez_endpoint_reach(&list[i]) == EZ_REACH_PUBLIC) {
            rows[message.as.addresses.count++].endpoint = list[i];
        }
    }
    if (message.as.addresses.count > 0) {
        node_send(node, to, &message, rows, NULL);
    } else {
        free(rows);
    }
}

/* Tell two random other peers about addresses, so that nodes that start together find each other.
 */
static void pass_on(ez_node *node, const ez_peer *source, const ez_endpoint *list, size_t count)
{
    size_t others = 0;
    const ez_peer *chosen[2] = {NULL, NULL};
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (!peer->ready || peer->closing || peer == source) {
            continue;
        }
        others++;
        size_t at = others <= 2 ? others - 1 : (size_t)ez_rng_below(&node->rng, others);
        if (at < 2) {
            chosen[at] = peer;
        }
    }
    for (size_t i = 0; i < 2 && chosen[i] != NULL; i++) {
        tell_addresses(node, node_peer(node, chosen[i]->link), list, count);
    }
}

void node_peer_is_ready(ez_node *node, ez_peer *peer)
{
    node->dial_dirty = true;
    if (!peer->inbound) {
        ez_book_connected(node->book, &peer->remote, node->now);
        node->book_changed = true;
        node_send(node, peer, &(ez_message){.type = EZ_MSG_GET_ADDRESSES}, NULL, NULL);
        return;
    }
    ez_endpoint listening = peer->remote;
    listening.port = peer->listen_port;
    if (listening.port != 0) {
        ez_book_add(node->book, &listening, &peer->remote, node->now.wall, node->now);
        node->book_changed = true;
        pass_on(node, peer, &listening, 1);
    }
}

void node_addresses_wanted(ez_node *node, ez_peer *peer)
{
    if (peer->addresses_given) {
        return; /* once per link: the book cannot be drained by asking again */
    }
    peer->addresses_given = true;
    size_t max = EZ_ADDRESSES_MAX;
    if (ez_book_count(node->book) < max) {
        max = ez_book_count(node->book) + 1;
    }
    ez_known_address *rows = ez_alloc(max, sizeof(*rows));
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    message.as.addresses.list = rows;
    message.as.addresses.count =
        ez_book_sample(node->book, rows, max, &peer->remote, &node->rng, node->now);
    node_send(node, peer, &message, rows, NULL);
}

void node_addresses_received(ez_node *node, ez_peer *peer, const ez_message *message)
{
    size_t count = message->as.addresses.count;
    peer->addresses_taken += (uint32_t)count;
    if (peer->addresses_taken > ADDRESSES_TAKEN_MAX) {
        return;
    }
    bool enough = ez_book_count(node->book) >= ADDRESSES_ENOUGH;
    bool news = !enough && count <= ADDRESSES_RELAYED_MAX;
    ez_endpoint fresh[ADDRESSES_RELAYED_MAX];
    size_t fresh_count = 0;
    for (size_t i = 0; i < count; i++) {
        const ez_known_address *row = &message->as.addresses.list[i];
        uint64_t age_us = (uint64_t)row->age_s * 1000000;
        ez_wall_us seen = node->now.wall > age_us ? node->now.wall - age_us : 0;
        bool is_new = ez_book_add(node->book, &row->endpoint, &peer->remote, seen, node->now);
        if (is_new && news) {
            fresh[fresh_count++] = row->endpoint;
        }
        node->book_changed |= is_new;
        node->dial_dirty |= is_new;
    }
    if (fresh_count > 0) {
        pass_on(node, peer, fresh, fresh_count);
    }
}

/* Of the peers that we chose ourselves, the ones that we have had for longest. */
void node_note_anchors(ez_node *node)
{
    const ez_peer *chosen[EZ_ANCHORS_MAX] = {NULL};
    ez_endpoint list[EZ_ANCHORS_MAX];
    size_t count = 0;
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (!peer->ready || peer->closing || peer->inbound ||
            ez_dialer_is_manual(node->dialer, peer->link)) {
            continue;
        }
        size_t at = count < EZ_ANCHORS_MAX ? count++ : EZ_ANCHORS_MAX;
        while (at > 0 && peer->since < chosen[at - 1]->since) {
            if (at < EZ_ANCHORS_MAX) {
                chosen[at] = chosen[at - 1];
            }
            at--;
        }
        if (at < EZ_ANCHORS_MAX) {
            chosen[at] = peer;
        }
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = chosen[i]->remote;
    }
    node->book_changed |= ez_book_set_anchors(node->book, list, count);
}

void node_save_book(ez_node *node, bool at_once)
{
    ez_time_ms due = node->book_saved + BOOK_SAVE_MS;
    if (!node->book_changed || (!at_once && node->now.mono < due)) {
        if (node->book_changed) {
            node_wake_at(node, due);
        }
        return;
    }
    if (!node->stopping) {
        node_note_anchors(node);
    }
    ez_buffer bytes = {0};
    ez_book_encode(node->book, &bytes);
    node_write(node, EZ_WRITE_BOOK)->bytes = ez_blob_new(bytes.data, bytes.size);
    ez_buffer_clear(&bytes);
    node->book_saved = node->now.mono;
    node->book_changed = false;
}
