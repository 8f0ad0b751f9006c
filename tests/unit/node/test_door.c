/* What a single node wants, effect by effect and in which order: for promises about what comes
 * before a check or before the disk, which a virtual world, where checks take no time, cannot show.
 */
#include "ezp2p/chain/check.h"
#include "ezp2p/gossip/handshake.h"
#include "support_world.h"

#define EFFECTS_MAX 64
#define SLOW_MAX    4096

/* A node with one ready peer, and what it wanted in answer to the last event. */
typedef struct bare {
    ez_memory_store *store;
    ez_node *node;
    ez_network network;
    ez_keypair key;
    ez_effect_type types[EFFECTS_MAX];
    ez_message_type messages[EFFECTS_MAX]; /* of SEND */
    size_t count;
    ez_check_job *job;            /* of the last CHECK; ours */
    ez_check_job *slow[SLOW_MAX]; /* those before it, while workers are slow */
    size_t slow_count;
    bool is_slow;
    ez_block_id asked[EZ_BODIES_WINDOW]; /* bodies, not sent yet */
    size_t asked_count;
    uint64_t generation;
    ez_header header; /* of the last MINE */
    uint64_t written; /* number of the last WRITE */
} bare;

static const ez_link_id peer_link = {1};

static void keep_message(bare *self, const ez_message *message)
{
    self->messages[self->count] = message->type;
    for (size_t i = 0; message->type == EZ_MSG_GET_BODIES && i < message->as.block_ids.count; i++) {
        cr_assert_lt(self->asked_count, EZ_BODIES_WINDOW);
        self->asked[self->asked_count++] = message->as.block_ids.list[i];
    }
}

static void keep_job(bare *self, ez_check_job *job)
{
    if (self->is_slow) {
        cr_assert_lt(self->slow_count, SLOW_MAX);
        self->slow[self->slow_count++] = job;
        return;
    }
    cr_assert_null(self->job);
    self->job = job;
}

static void keep_effect(bare *self, const ez_effect *effect)
{
    cr_assert_lt(self->count, EFFECTS_MAX);
    self->types[self->count] = effect->type;
    if (effect->type == EZ_EFFECT_SEND) {
        keep_message(self, effect->as.message);
    } else if (effect->type == EZ_EFFECT_CHECK) {
        keep_job(self, effect->as.job);
    } else if (effect->type == EZ_EFFECT_MINE) {
        self->generation = effect->as.mine.generation;
        self->header = effect->as.mine.header;
    } else if (effect->type == EZ_EFFECT_WRITE) {
        self->written = effect->as.write->number;
        ez_memory_store_write(self->store, effect->as.write);
    }
    self->count++;
}

static void handle(bare *self, const ez_event *event)
{
    ez_effect effect;
    self->count = 0;
    ez_node_handle(self->node, event, (ez_now){1000, 1800000000000000});
    while (ez_node_next_effect(self->node, &effect)) {
        keep_effect(self, &effect);
    }
}

static void receive(bare *self, const ez_message *message)
{
    ez_event event = {.type = EZ_EVENT_MESSAGE, .link = peer_link};
    event.as.message.message = message;
    event.as.message.wire_bytes = ez_message_bytes(message);
    handle(self, &event);
}

static void finish_check(bare *self)
{
    cr_assert_not_null(self->job);
    ez_event event = {.type = EZ_EVENT_CHECKED, .as.job = self->job};
    self->job = NULL;
    ez_check_run(event.as.job, NULL);
    handle(self, &event);
}

static void finish_writes(bare *self)
{
    ez_event event = {.type = EZ_EVENT_STORED,
                      .as.stored = ez_memory_store_commit(self->store, UINT64_MAX)};
    handle(self, &event);
}

static void find_proof(bare *self)
{
    ez_block_id id;
    ez_event event = {.type = EZ_EVENT_PROOF_FOUND};
    fixture_find_proof(&self->header, &id);
    event.as.proof_found.generation = self->generation;
    event.as.proof_found.proof = self->header.proof;
    handle(self, &event);
}

static void command(bare *self, ez_command_type type)
{
    ez_event event = {.type = EZ_EVENT_COMMAND};
    event.as.command = (ez_command){.type = type, .request = 1};
    handle(self, &event);
}

static void shake(bare *self)
{
    ez_event up = {.type = EZ_EVENT_LINK_UP, .link = peer_link};
    up.as.link_up.remote.port = 1;
    handle(self, &up);
    ez_message hello = {.type = EZ_MSG_HELLO}, ready = {.type = EZ_MSG_READY};
    hello.as.hello.protocol = EZ_PROTOCOL_VERSION;
    hello.as.hello.network = self->network.genesis_id;
    hello.as.hello.node = fixture_keypair(99).public_key;
    hello.as.hello.user_agent = "test";
    hello.as.hello.user_agent_size = 4;
    receive(self, &hello);
    receive(self, &ready);
}

static bare *bare_new(void)
{
    bare *self = ez_alloc(1, sizeof(*self));
    self->network = fixture_network();
    self->key = fixture_keypair(1);
    self->store = ez_memory_store_new(&self->network);
    ez_node_config config = {.network = self->network,
                             .key = self->key.public_key,
                             .outbound_max = 8,
                             .inbound_max = 8,
                             .user_agent = "bare"};
    ez_node_ports ports = {.store = ez_memory_store_port(self->store),
                           .signer = ez_keypair_signer(&self->key)};
    cr_assert_eq(ez_node_new(&self->node, &config, &ports, (ez_now){1000, 1800000000000000}),
                 EZ_OK);
    shake(self);
    return self;
}

static void bare_free(bare *self)
{
    ez_check_job_free(self->job);
    for (size_t i = 0; i < self->slow_count; i++) {
        ez_check_job_free(self->slow[i]);
    }
    ez_node_free(self->node);
    ez_memory_store_free(self->store);
    free(self);
}

/* Where an effect stands among those of the last event; EFFECTS_MAX: nowhere. */
static size_t place_of(const bare *self, ez_effect_type type)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->types[i] == type) {
            return i;
        }
    }
    return EFFECTS_MAX;
}

static size_t place_of_message(const bare *self, ez_message_type type)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->types[i] == EZ_EFFECT_SEND && self->messages[i] == type) {
            return i;
        }
    }
    return EFFECTS_MAX;
}

static uint64_t height(const bare *self)
{
    ez_node_status status;
    ez_node_get_status(self->node, &status);
    return status.tip.height;
}

Test(door, own_block_is_told_before_it_is_checked_or_stored)
{
    bare *self = bare_new();
    command(self, EZ_COMMAND_MINE_ONE);
    find_proof(self);
    cr_expect_lt(place_of_message(self, EZ_MSG_ANNOUNCE_BLOCK), place_of(self, EZ_EFFECT_CHECK));
    cr_expect_eq(place_of(self, EZ_EFFECT_WRITE), EFFECTS_MAX);
    cr_expect_eq(height(self), 1);
    finish_check(self);
    cr_expect_eq(height(self), 2);
    cr_expect_eq(place_of_message(self, EZ_MSG_ANNOUNCE_BLOCK), EFFECTS_MAX, "once is enough");
    cr_expect_lt(place_of(self, EZ_EFFECT_WRITE), EFFECTS_MAX);
    bare_free(self);
}

Test(door, own_block_asked_for_before_it_is_checked_is_served_then)
{
    bare *self = bare_new();
    command(self, EZ_COMMAND_MINE_ONE);
    find_proof(self);
    ez_block_id id;
    ez_header_id(&id, &self->header);
    ez_message wanted = {.type = EZ_MSG_GET_BODIES};
    wanted.as.block_ids.list = &id;
    wanted.as.block_ids.count = 1;
    receive(self, &wanted);
    cr_expect_eq(place_of_message(self, EZ_MSG_MISSING_BODIES), EFFECTS_MAX);
    cr_expect_eq(place_of_message(self, EZ_MSG_BODY), EFFECTS_MAX);
    finish_check(self);
    cr_expect_lt(place_of_message(self, EZ_MSG_BODY), EFFECTS_MAX);
    bare_free(self);
}

static bool is_told(const bare *self)
{
    return place_of_message(self, EZ_MSG_ANNOUNCE_TXS) != EFFECTS_MAX ||
           place_of_message(self, EZ_MSG_TXS) != EFFECTS_MAX ||
           place_of(self, EZ_EFFECT_NOTIFY) != EFFECTS_MAX;
}

static void submit_note(bare *self)
{
    ez_event event = {.type = EZ_EVENT_COMMAND};
    event.as.command = (ez_command){.type = EZ_COMMAND_SUBMIT_ENTRY, .request = 2, .amount = 1};
    event.as.command.sender = (ez_byte_span){(const uint8_t *)"a", 1};
    event.as.command.recipient = (ez_byte_span){(const uint8_t *)"b", 1};
    handle(self, &event);
}

Test(door, entry_of_a_client_is_told_of_when_it_is_on_disk)
{
    bare *self = bare_new();
    submit_note(self);
    cr_expect_lt(place_of(self, EZ_EFFECT_WRITE), EFFECTS_MAX);
    cr_expect(!is_told(self));
    finish_writes(self);
    cr_expect(is_told(self));
    cr_expect_lt(place_of(self, EZ_EFFECT_REPLY), EFFECTS_MAX);
    bare_free(self);
}

Test(door, block_takes_no_entry_that_is_not_on_disk)
{
    bare *self = bare_new();
    submit_note(self);
    command(self, EZ_COMMAND_MINE_ONE);
    find_proof(self);
    cr_assert_not_null(self->job);
    ez_check_run(self->job, NULL);
    cr_assert_not_null(self->job->block);
    cr_expect_eq(self->job->block->tx_count, 1, "the reward alone");
    ez_block_unref(self->job->block);
    self->job->block = NULL;
    finish_check(self);
    finish_writes(self);
    cr_expect(is_told(self));
    command(self, EZ_COMMAND_MINE_ONE);
    find_proof(self);
    finish_check(self);
    ez_block_info info;
    cr_assert(ez_node_block_at(self->node, &info, 3));
    ez_blob *body = ez_node_body(self->node, &info.id);
    ez_block *block = NULL;
    cr_assert_eq(ez_block_parse(&block, &self->network, &info.header, body), EZ_RULE_OK);
    cr_expect_eq(block->tx_count, 2);
    ez_block_unref(block);
    ez_blob_unref(body);
    bare_free(self);
}

static void send_chain_of_headers(bare *self, size_t count)
{
    ez_header *const list = ez_alloc(count, sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        list[i] = fixture_header(&self->network, i == 0 ? &self->network.genesis : &list[i - 1], i);
    }
    ez_message announcement = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    announcement.as.announce_block.header = list[count - 1];
    receive(self, &announcement);
    ez_message headers = {.type = EZ_MSG_HEADERS};
    headers.as.headers.list = list;
    headers.as.headers.count = count;
    receive(self, &headers);
    free(list);
}

static void send_asked(bare *self, const ez_byte_span *bytes)
{
    ez_message body = {.type = EZ_MSG_BODY};
    body.as.body.id = self->asked[--self->asked_count];
    body.as.body.bytes = *bytes;
    receive(self, &body);
}

/* A peer sends faster than signatures are checked. */
Test(door, bodies_that_are_being_checked_are_bounded)
{
    bare *self = bare_new();
    ez_byte_span bytes = {ez_alloc(EZ_BLOCK_BODY_BYTES_MAX, 1), EZ_BLOCK_BODY_BYTES_MAX};
    self->is_slow = true;
    send_chain_of_headers(self, EZ_BODIES_WINDOW);
    cr_assert_gt(self->asked_count, 0);
    size_t held = 0;
    while (self->asked_count > 0 && held < 256u << 20) {
        send_asked(self, &bytes);
        held += bytes.size;
    }
    cr_expect_eq(self->slow_count * bytes.size, held);
    cr_expect_gt(held, EZ_BODIES_WAITING_BYTES_MAX / 2, "it is asked for as much as may wait");
    cr_expect_lt(held, 2 * EZ_BODIES_WAITING_BYTES_MAX, "%zu MB", held >> 20);
    self->is_slow = false;
    for (size_t i = 0; i < self->slow_count; i++) {
        self->job = self->slow[i];
        finish_check(self);
    }
    self->slow_count = 0;
    free((void *)(uintptr_t)bytes.data);
    bare_free(self);
}

/* One transaction of a push; whether the node began to check it. */
static bool push_note(bare *self, uint64_t number)
{
    const ez_keypair signer = fixture_keypair(7);
    fixture_tx tx = fixture_note(&self->network, &signer, "pusher", "shop", 1, number);
    const ez_byte_span span = {ez_blob_data(tx.bytes), ez_blob_size(tx.bytes)};
    ez_message message = {.type = EZ_MSG_TXS};
    message.as.txs.list = &span;
    message.as.txs.count = 1;
    const size_t before = self->slow_count;
    receive(self, &message);
    fixture_tx_clear(&tx);
    return self->slow_count > before;
}

Test(door, pushes_faster_than_they_are_checked_are_asked_for_later)
{
    bare *self = bare_new();
    self->is_slow = true;
    uint64_t pushed = 0;
    while (push_note(self, pushed) && pushed < SLOW_MAX - 1) {
        pushed++;
    }
    cr_assert_lt(pushed, SLOW_MAX - 1, "checks under way are bounded");
    cr_expect_eq(place_of(self, EZ_EFFECT_SEND), EFFECTS_MAX, "nor is it asked for at once");
    self->is_slow = false;
    size_t asked = 0;
    for (size_t i = 0; i < self->slow_count; i++) {
        self->job = self->slow[i];
        finish_check(self);
        for (size_t k = 0; k < self->count; k++) {
            asked += self->types[k] == EZ_EFFECT_SEND && self->messages[k] == EZ_MSG_GET_TXS;
        }
    }
    self->slow_count = 0;
    cr_expect_eq(asked, 1, "when there is room");
    bare_free(self);
}
