/* Eclipse through the address book: fill a node's table of addresses with one's own, wait until it
 * starts again, and be all that it connects to (Heilman, Kendler, Zohar and Goldberg, "Eclipse
 * Attacks on Bitcoin's Peer-to-Peer Network", 2015).
 *
 * The adversary owns `groups` network groups of ADDRESSES addresses each. Every ROUND_MS it
 * connects to each victim from every group and tells it as many of its addresses as a link may
 * tell. Somebody answers at each of them: he shakes hands, tells of more such addresses, knows of
 * no block, and stays. Victims are the first `links` hosts, or all.
 *
 * The book's bucket for an address depends on who told it, so one group reaches a sixteenth of the
 * table however many addresses it tells; and a node has one chosen link to each group at most.
 */
#include "attack_internal.h"
#include "ezp2p/base/reader.h"
#include "memory_store.h"
#include "stranger.h"

#define ROUND_MS   30000
#define STAY_MS    5000  /* of a link that tells addresses */
#define ADDRESSES  4000u /* in each group */
#define TOLD_TIMES 4u    /* messages of EZ_ADDRESSES_MAX on a link; more are ignored */

typedef struct eclipse {
    ez_stranger **callers; /* of this round, to be hung up */
    size_t caller_count;
    bool is_round;
} eclipse;

/* 2a02:GGGG::N is the N-th address of group G. No host of the world has such a one. */
static ez_endpoint address_of(uint64_t group, uint64_t number)
{
    return (ez_endpoint){
        .ip = {0x2a, 0x02, (uint8_t)(group >> 8),
               (uint8_t)group, [14] = (uint8_t)(number >> 8), [15] = (uint8_t)number},
        .port = EZ_WORLD_PORT};
}

bool ez_attack_owns(const ez_endpoint *endpoint)
{
    return endpoint->ip[0] == 0x2a && endpoint->ip[1] == 0x02;
}

static ez_endpoint any_address(ez_adversary *adversary)
{
    const uint64_t group = ez_rng_below(&adversary->rng, adversary->plan->groups);
    return address_of(group, ez_rng_below(&adversary->rng, ADDRESSES));
}

/* ---- those who live there -------------------------------------------------------------------- */

static void shake(ez_stranger *stranger)
{
    ez_message hello = ez_stranger_hello(stranger);
    hello.as.hello.listen_port = EZ_WORLD_PORT;
    ez_stranger_send(stranger, &hello);
    ez_stranger_send(stranger, &(ez_message){.type = EZ_MSG_READY});
}

static void tell_addresses(ez_adversary *adversary, ez_stranger *stranger)
{
    ez_known_address *const list = ez_alloc(EZ_ADDRESSES_MAX, sizeof(*list));
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    for (size_t i = 0; i < EZ_ADDRESSES_MAX; i++) {
        list[i].endpoint = any_address(adversary);
    }
    message.as.addresses.list = list;
    message.as.addresses.count = EZ_ADDRESSES_MAX;
    ez_stranger_send(stranger, &message);
    adversary->figures.sent += EZ_ADDRESSES_MAX;
    free(list);
}

static void react_alike(ez_stranger *stranger, const ez_message *message)
{
    if (message->type == EZ_MSG_GET_HEADERS) {
        ez_stranger_send(stranger, &(ez_message){.type = EZ_MSG_HEADERS});
    }
}

static void react_called(void *self, ez_stranger *stranger, const ez_message *message)
{
    if (message->type == EZ_MSG_HELLO) {
        shake(stranger);
    } else if (message->type == EZ_MSG_GET_ADDRESSES) {
        tell_addresses(self, stranger);
    }
    react_alike(stranger, message);
}

static ez_stranger *answer(void *self, const ez_endpoint *endpoint)
{
    ez_adversary *const adversary = self;
    if (!ez_attack_owns(endpoint)) {
        return NULL;
    }
    ez_stranger *const stranger = ez_stranger_listen(adversary->world, endpoint);
    ez_stranger_react(stranger, adversary, react_called);
    return stranger;
}

/* ---- the flood ------------------------------------------------------------------------------- */

static void react_calling(void *self, ez_stranger *stranger, const ez_message *message)
{
    for (size_t i = 0; message->type == EZ_MSG_READY && i < TOLD_TIMES; i++) {
        tell_addresses(self, stranger);
    }
    react_alike(stranger, message);
}

static void call_from(ez_adversary *adversary, size_t victim, uint32_t group)
{
    eclipse *const self = adversary->state;
    const ez_endpoint from = address_of(group, ez_rng_below(&adversary->rng, ADDRESSES));
    if (ez_world_node(adversary->world, victim) == NULL) {
        return;
    }
    ez_stranger *const stranger = ez_stranger_from(adversary->world, victim, &from, false);
    self->callers = ez_realloc(self->callers, self->caller_count + 1, sizeof(ez_stranger *));
    self->callers[self->caller_count++] = stranger;
    ez_stranger_react(stranger, adversary, react_calling);
    shake(stranger);
}

static size_t victims(const ez_adversary *adversary)
{
    const size_t wanted = adversary->plan->links;
    return wanted == 0 || wanted > adversary->honest_count ? adversary->honest_count : wanted;
}

static void hang_up(eclipse *self)
{
    for (size_t i = 0; i < self->caller_count; i++) {
        ez_stranger_hang_up(self->callers[i]);
    }
    self->caller_count = 0;
}

static void act(ez_adversary *adversary)
{
    eclipse *const self = adversary->state;
    if (self->is_round) {
        hang_up(self);
        attack_wake(adversary, attack_now(adversary) + ROUND_MS - STAY_MS);
        self->is_round = false;
    } else if (attack_is_on(adversary)) {
        for (size_t victim = 1; victim <= victims(adversary); victim++) {
            for (uint32_t group = 0; group < adversary->plan->groups; group++) {
                call_from(adversary, victim, group);
            }
        }
        attack_wake(adversary, attack_now(adversary) + STAY_MS);
        self->is_round = true;
    }
}

static void begin(ez_adversary *adversary)
{
    ez_world_door(adversary->world, adversary, answer);
    attack_wake(adversary, adversary->plan->from_ms);
}

/* ---- what came of it ------------------------------------------------------------------------- */

static void count_links(ez_adversary *adversary, const ez_node *node)
{
    const size_t all = ez_node_peers(node, NULL, 0);
    ez_peer_info *const rows = ez_alloc(all + 1, sizeof(*rows));
    ez_node_peers(node, rows, all);
    for (size_t i = 0; i < all; i++) {
        if (rows[i].ready && !rows[i].inbound && !rows[i].manual) {
            adversary->figures.attempts++;
            adversary->figures.successes += ez_attack_owns(&rows[i].endpoint);
        }
    }
    free(rows);
}

static void skip_header(void *self, const ez_header *header, bool connected, bool is_invalid)
{
    (void)self, (void)header, (void)connected, (void)is_invalid;
}

static void skip_tip(void *self, const ez_block_id *id)
{
    (void)self, (void)id;
}

static void skip_tx(void *self, const uint8_t *bytes, size_t size)
{
    (void)self, (void)bytes, (void)size;
}

static void skip_peer(void *self, const char *host, uint16_t port)
{
    (void)self, (void)host, (void)port;
}

/* The snapshot's layout is that of ez_book_encode. */
static void count_book(void *self, const uint8_t *bytes, size_t size)
{
    ez_attack_figures *const figures = self;
    ez_reader reader;
    ez_reader_init(&reader, bytes, size);
    ez_reader_u8(&reader);
    const uint32_t count = ez_reader_u32(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        ez_endpoint endpoint = {0};
        uint8_t source[16];
        ez_reader_copy(&reader, endpoint.ip, sizeof(endpoint.ip));
        endpoint.port = ez_reader_u16(&reader);
        ez_reader_u8(&reader);
        ez_reader_u8(&reader);
        ez_reader_u64(&reader);
        ez_reader_copy(&reader, source, sizeof(source));
        figures->book++;
        figures->book_taken += ez_attack_owns(&endpoint);
    }
}

static void rest(ez_adversary *adversary)
{
    hang_up(adversary->state);
    const ez_store_loader loader = {&adversary->figures, skip_header, skip_tip, skip_tx,
                                    skip_peer,           count_book};
    for (size_t victim = 1; victim <= victims(adversary); victim++) {
        const ez_store_port *const port =
            ez_memory_store_port(ez_world_store(adversary->world, victim));
        if (ez_world_node(adversary->world, victim) != NULL) {
            count_links(adversary, ez_world_node(adversary->world, victim));
        }
        const ez_status status = port->load(port->self, &loader);
        EZ_ASSERT(status == EZ_OK);
    }
}

static void clear(ez_adversary *adversary)
{
    const eclipse *const self = adversary->state;
    ez_world_door(adversary->world, NULL, NULL);
    free(self->callers);
}

const attack_tactic attack_eclipse = {
    .state_bytes = sizeof(eclipse), .begin = begin, .act = act, .rest = rest, .clear = clear};
