/* From a link to a peer: every order, every reason to part, and who pays for it. */
#include "support_world.h"

#include "ezp2p/wire/frame.h"

static const ez_message ready = {.type = EZ_MSG_READY};

/* ---- the order ------------------------------------------------------------------------------- */

Test(handshake, host_says_hello_unasked_and_ready_after_a_good_hello)
{
    ez_world *const world = world_new(1, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, false);
    ez_world_run(world, LATENCY_MS);
    const ez_message *const hello = ez_stranger_last(stranger, EZ_MSG_HELLO);
    cr_assert_not_null(hello);
    cr_expect(ez_block_id_is_equal(&hello->as.hello.network, &ez_world_network(world)->genesis_id));
    cr_expect(ez_public_key_is_equal(&hello->as.hello.node, &ez_world_key(world, 1)->public_key));
    cr_expect_eq(hello->as.hello.listen_port, EZ_WORLD_PORT);
    cr_expect_eq(hello->as.hello.tip.height, 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_READY), 0);
    const ez_message ours = ez_stranger_hello(stranger);
    ez_stranger_send(stranger, &ours);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_READY), 1);
    cr_expect_eq(peers_of(world, 1), 0, "not a peer before its Ready came");
    ez_stranger_send(stranger, &ready);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(peers_of(world, 1), 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_HELLO), 1);
    world_end(world);
}

/* Send `messages`, expect to be parted with for breaking the order. */
static void expect_order_fault(const ez_message *const *messages, size_t count, bool shake)
{
    ez_world *const world = world_new(2, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, shake);
    const ez_message hello = ez_stranger_hello(stranger);
    for (size_t i = 0; i < count; i++) {
        ez_stranger_send(stranger, messages[i] == NULL ? &hello : messages[i]);
    }
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect(ez_stranger_is_closed(stranger));
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_MESSAGE_ORDER);
    cr_expect_eq(status_of(world, 1).links, 0);
    world_end_faulted(world, 1);
}

Test(handshake, ready_before_hello_breaks_the_order)
{
    const ez_message *const messages[] = {&ready};
    expect_order_fault(messages, 1, false);
}

Test(handshake, two_hellos_break_the_order)
{
    const ez_message *const messages[] = {NULL, NULL};
    expect_order_fault(messages, 2, false);
}

Test(handshake, hello_of_a_peer_breaks_the_order)
{
    const ez_message *const messages[] = {NULL};
    expect_order_fault(messages, 1, true);
}

Test(handshake, ready_of_a_peer_breaks_the_order)
{
    const ez_message *const messages[] = {&ready};
    expect_order_fault(messages, 1, true);
}

/* One message of each type that has no place before Ready. */
static size_t early_messages(ez_message out[EZ_MESSAGE_TYPES], const ez_block *block)
{
    static const ez_tx_id tx_id = {{{1}}};
    static const ez_block_id block_id = {{{1}}};
    static const uint32_t position = 0;
    static const uint64_t short_id = 0;
    static const ez_byte_span span = {(const uint8_t *)"x", 1};
    size_t count = 0;
    for (int type = EZ_MSG_PING; type < EZ_MESSAGE_TYPES; type++) {
        out[count++] = (ez_message){.type = (ez_message_type)type};
    }
    for (size_t i = 0; i < count; i++) {
        ez_message *const message = &out[i];
        if (message->type == EZ_MSG_ANNOUNCE_TXS || message->type == EZ_MSG_GET_TXS ||
            message->type == EZ_MSG_MISSING_TXS) {
            message->as.tx_ids.list = &tx_id;
            message->as.tx_ids.count = 1;
        } else if (message->type == EZ_MSG_TXS) {
            message->as.txs.list = &span;
            message->as.txs.count = 1;
        } else if (message->type == EZ_MSG_GET_HEADERS) {
            message->as.get_headers.locator = &block_id;
            message->as.get_headers.count = 1;
        } else if (message->type == EZ_MSG_ANNOUNCE_BLOCK) {
            message->as.announce_block.header = block->header;
            message->as.announce_block.reward =
                (ez_byte_span){ez_blob_data(block->body), ez_blob_size(block->body)};
        } else if (message->type == EZ_MSG_GET_BODIES || message->type == EZ_MSG_MISSING_BODIES) {
            message->as.block_ids.list = &block_id;
            message->as.block_ids.count = 1;
        } else if (message->type == EZ_MSG_BODY) {
            message->as.body.bytes = span;
        } else if (message->type == EZ_MSG_GET_PARTS) {
            message->as.get_parts.positions = &position;
            message->as.get_parts.count = 1;
        } else if (message->type == EZ_MSG_PARTS) {
            message->as.parts.list = &span;
            message->as.parts.count = 1;
        } else if (message->type == EZ_MSG_HINT_TXS || message->type == EZ_MSG_GRAFT_TXS) {
            message->as.short_ids.list = &short_id;
            message->as.short_ids.count = 1;
        } else if (message->type == EZ_MSG_PRUNE || message->type == EZ_MSG_GROW) {
            message->as.tree.number = 1;
        }
    }
    return count;
}

Test(handshake, nothing_else_has_a_place_before_ready)
{
    const ez_network network = fixture_network();
    test_chain *const chain = chain_new(&network);
    ez_message messages[EZ_MESSAGE_TYPES];
    const size_t count = early_messages(messages, chain_add(chain, 1, NULL, 0));
    cr_assert_eq(count, EZ_MESSAGE_TYPES - EZ_MSG_PING);
    for (size_t i = 0; i < count; i++) {
        const ez_message *const alone[] = {&messages[i]};
        const ez_message *const after_hello[] = {NULL, &messages[i]};
        expect_order_fault(alone, 1, false);
        expect_order_fault(after_hello, 2, false);
    }
    chain_free(chain);
}

/* ---- frames before Ready --------------------------------------------------------------------- */

static ez_goodbye goodbye_to_frame(size_t size)
{
    ez_world *const world = world_new(3, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, false);
    uint8_t bytes[EZ_FRAME_PREFIX_BYTES + EZ_FRAME_HELLO_BYTES_MAX + 1] = {0};
    bytes[2] = (uint8_t)(size >> 8);
    bytes[3] = (uint8_t)size;
    ez_stranger_send_bytes(stranger, bytes, EZ_FRAME_PREFIX_BYTES + size);
    ez_world_run(world, 2 * LATENCY_MS);
    const ez_goodbye goodbye = ez_stranger_goodbye(stranger);
    cr_expect(ez_stranger_is_closed(stranger));
    world_end_faulted(world, 1);
    return goodbye;
}

Test(handshake, frames_before_ready_are_small)
{
    cr_expect_eq(goodbye_to_frame(EZ_FRAME_HELLO_BYTES_MAX), EZ_GOODBYE_FRAME_MALFORMED,
                 "its size is fine, its bytes are not");
    cr_expect_eq(goodbye_to_frame(EZ_FRAME_HELLO_BYTES_MAX + 1), EZ_GOODBYE_FRAME_SIZE);
    cr_expect_eq(goodbye_to_frame(0), EZ_GOODBYE_FRAME_SIZE);
}

Test(handshake, frames_of_a_peer_may_be_large)
{
    ez_world *const world = world_new(4, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    static ez_tx_id ids[EZ_IDS_MAX];
    send_ids(stranger, EZ_MSG_GET_TXS, ids, EZ_IDS_MAX);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_MISSING_TXS), 2, "half of them at a time");
    cr_expect(!ez_stranger_is_closed(stranger));
    world_end(world);
}

/* ---- who cannot talk to us ------------------------------------------------------------------- */

typedef enum misfit { MISFIT_NETWORK, MISFIT_VERSION, MISFIT_KEY, MISFIT_NONCE } misfit;

static ez_goodbye goodbye_to_misfit(misfit what)
{
    ez_world *const world = world_new(5, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, false);
    ez_message hello = ez_stranger_hello(stranger);
    ez_world_run(world, LATENCY_MS);
    switch (what) {
    case MISFIT_NETWORK:
        hello.as.hello.network.hash.bytes[0] ^= 1;
        break;
    case MISFIT_VERSION:
        hello.as.hello.protocol = EZ_PROTOCOL_VERSION + 1;
        break;
    case MISFIT_KEY:
        hello.as.hello.node = ez_world_key(world, 1)->public_key;
        break;
    case MISFIT_NONCE:
        hello.as.hello.nonce = ez_stranger_last(stranger, EZ_MSG_HELLO)->as.hello.nonce;
        break;
    }
    cr_expect(!ez_stranger_shake(stranger, &hello));
    cr_expect(ez_stranger_is_closed(stranger));
    const ez_goodbye goodbye = ez_stranger_goodbye(stranger);
    world_end(world); /* nobody's fault */
    return goodbye;
}

Test(handshake, misfits_are_told_why_and_are_not_at_fault)
{
    cr_expect_eq(goodbye_to_misfit(MISFIT_NETWORK), EZ_GOODBYE_NETWORK);
    cr_expect_eq(goodbye_to_misfit(MISFIT_VERSION), EZ_GOODBYE_VERSION);
    cr_expect_eq(goodbye_to_misfit(MISFIT_KEY), EZ_GOODBYE_SELF);
    cr_expect_eq(goodbye_to_misfit(MISFIT_NONCE), EZ_GOODBYE_SELF);
}

Test(handshake, host_that_dials_itself_parts_and_does_not_insist)
{
    const ez_world_config config = world_config(6);
    ez_world *const world = ez_world_new(&config);
    const size_t itself = 1;
    ez_world_add(world, &itself, 1);
    ez_world_run(world, 180000);
    cr_expect_eq(peers_of(world, 1), 0);
    cr_expect_leq(counters_of(world, 1)->dials, 5);
    cr_expect_eq(status_of(world, 1).book_count, 0, "its own address is not kept");
    world_end(world);
}

Test(handshake, nodes_of_two_networks_part_in_peace)
{
    /* Two worlds cannot be joined, so the other network's node is a stranger that listens. */
    ez_world *const world = world_new(7, 1);
    ez_endpoint at;
    cr_assert(ez_endpoint_parse(&at, "10.9.9.9:7333"));
    ez_stranger *const stranger = ez_stranger_listen(world, &at);
    ez_world_command(world, 1,
                     (ez_command){.type = EZ_COMMAND_ADD_PEER, .text = "10.9.9.9", .port = 7333});
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert(ez_stranger_is_linked(stranger));
    ez_message hello = ez_stranger_hello(stranger);
    hello.as.hello.network.hash.bytes[31] ^= 1;
    cr_expect(!ez_stranger_shake(stranger, &hello));
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_NETWORK);
    world_end(world);
}

/* ---- time ------------------------------------------------------------------------------------ */

Test(handshake, silence_ends_after_five_seconds)
{
    ez_world *const world = world_new(8, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, false);
    ez_world_run(world, EZ_HANDSHAKE_TIMEOUT_MS - 1);
    cr_expect_eq(status_of(world, 1).links, 1);
    ez_world_run(world, 1);
    cr_expect_eq(status_of(world, 1).links, 0);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_TIMEOUT);
    world_end(world);
}

Test(handshake, hello_without_ready_ends_after_five_seconds)
{
    ez_world *const world = world_new(9, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, false);
    const ez_message hello = ez_stranger_hello(stranger);
    ez_stranger_send(stranger, &hello);
    ez_world_run(world, EZ_HANDSHAKE_TIMEOUT_MS - 1);
    cr_expect_eq(status_of(world, 1).links, 1);
    ez_world_run(world, 1);
    cr_expect_eq(status_of(world, 1).links, 0);
    world_end(world);
}

/* ---- parting --------------------------------------------------------------------------------- */

Test(handshake, goodbye_ends_a_link_at_any_time)
{
    for (int shaken = 0; shaken < 2; shaken++) {
        ez_world *const world = world_new(10, 1);
        ez_stranger *const stranger = ez_stranger_new(world, 1, shaken == 1);
        ez_message goodbye = {.type = EZ_MSG_GOODBYE};
        goodbye.as.goodbye.reason = EZ_GOODBYE_SHUTDOWN;
        ez_stranger_send(stranger, &goodbye);
        ez_world_run(world, 2 * LATENCY_MS);
        cr_expect(ez_stranger_is_closed(stranger));
        cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GOODBYE), 0, "it is not answered");
        cr_expect_eq(status_of(world, 1).links, 0);
        cr_expect_eq(ez_world_notices(world, 1, EZ_NOTICE_PEER_DOWN, NULL), (size_t)shaken);
        world_end(world);
    }
}

Test(handshake, goodbye_with_an_unknown_reason_is_fine)
{
    ez_world *const world = world_new(11, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    ez_message goodbye = {.type = EZ_MSG_GOODBYE};
    goodbye.as.goodbye.reason = UINT32_MAX;
    ez_stranger_send(stranger, &goodbye);
    ez_world_run(world, 2 * LATENCY_MS);
    ez_notice notice;
    cr_expect_eq(ez_world_notices(world, 1, EZ_NOTICE_PEER_DOWN, &notice), 1);
    cr_expect_eq(notice.reason, UINT32_MAX);
    cr_expect(!notice.by_us);
    world_end(world);
}

Test(handshake, link_that_breaks_is_a_peer_gone)
{
    ez_world *const world = world_new(12, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    cr_expect_eq(ez_world_notices(world, 1, EZ_NOTICE_PEER_UP, NULL), 1);
    ez_stranger_hang_up(stranger);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(peers_of(world, 1), 0);
    cr_expect_eq(ez_world_notices(world, 1, EZ_NOTICE_PEER_DOWN, NULL), 1);
    world_end(world);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static ez_world *world_with_inbound(uint64_t seed, uint32_t inbound_max)
{
    ez_world_config config = world_config(seed);
    config.outbound_max = 8;
    config.inbound_max = inbound_max;
    ez_world *const world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    return world;
}

Test(handshake, newcomer_is_told_when_everyone_here_is_worth_more)
{
    ez_world *const world = world_with_inbound(13, 2);
    ez_stranger *const first = ez_stranger_new(world, 1, true);
    ez_stranger *const second = ez_stranger_new(world, 1, true);
    cr_expect_eq(peers_of(world, 1), 2);
    ez_stranger *const third = ez_stranger_new(world, 1, false);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(third), EZ_GOODBYE_FULL);
    cr_expect_eq(ez_stranger_count(third, EZ_MSG_HELLO), 0);
    cr_expect(!ez_stranger_is_closed(first) && !ez_stranger_is_closed(second));
    world_end(world);
}

Test(handshake, slots_never_overflow_and_the_oldest_stay)
{
    enum { SLOTS = 24, COMERS = 100 };
    ez_world *const world = world_with_inbound(14, SLOTS);
    ez_stranger *strangers[COMERS];
    size_t open = 0;
    for (size_t i = 0; i < COMERS; i++) {
        strangers[i] = ez_stranger_new(world, 1, false);
        ez_stranger_shake(strangers[i], NULL);
        ez_world_run(world, 1000);
        cr_assert_leq(status_of(world, 1).links, SLOTS);
    }
    for (size_t i = 0; i < COMERS; i++) {
        const ez_goodbye goodbye = ez_stranger_goodbye(strangers[i]);
        open += !ez_stranger_is_closed(strangers[i]);
        cr_expect(goodbye == 0 || goodbye == EZ_GOODBYE_EVICTED);
    }
    cr_expect_eq(open, SLOTS);
    for (size_t i = 0; i < SLOTS / 4; i++) {
        cr_expect(!ez_stranger_is_closed(strangers[i]), "the %zu. oldest was sent away", i + 1);
    }
    world_end(world);
}

Test(handshake, one_public_address_has_a_share_of_the_slots)
{
    ez_world *const world = world_with_inbound(15, 200);
    ez_endpoint remote;
    ez_stranger *stranger = NULL;
    cr_assert(ez_endpoint_parse(&remote, "8.8.8.8:1000"));
    for (uint16_t i = 0; i < EZ_ACCEPTS_PER_HOST_MAX; i++) {
        remote.port++;
        stranger = ez_stranger_from(world, 1, &remote, true);
        cr_assert(!ez_stranger_is_closed(stranger));
    }
    remote.port++;
    stranger = ez_stranger_from(world, 1, &remote, false);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_FULL);
    remote.ip[15] = 9;
    stranger = ez_stranger_from(world, 1, &remote, true);
    cr_expect(!ez_stranger_is_closed(stranger), "another address is not affected");
    world_end(world);
}

/* ---- discouraged ----------------------------------------------------------------------------- */

static void break_a_rule(ez_world *world, ez_stranger *stranger)
{
    send_headers(stranger, NULL, 0); /* that nobody asked for */
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_UNREQUESTED);
}

Test(handshake, public_host_that_broke_a_rule_stays_out_for_a_while)
{
    ez_world *const world = world_new(16, 1);
    ez_endpoint remote;
    cr_assert(ez_endpoint_parse(&remote, "8.8.8.8:1000"));
    break_a_rule(world, ez_stranger_from(world, 1, &remote, true));
    const ez_time_ms since = ez_world_now(world).mono;
    remote.port = 2000;
    ez_stranger *stranger = ez_stranger_from(world, 1, &remote, false);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_DISCOURAGED);
    /* The fault was judged one latency before the Goodbye was here. */
    ez_world_run(world, since + EZ_DISCOURAGED_MS - LATENCY_MS - 1 - ez_world_now(world).mono);
    stranger = ez_stranger_from(world, 1, &remote, false);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_DISCOURAGED);
    stranger = ez_stranger_from(world, 1, &remote, true);
    cr_expect(!ez_stranger_is_closed(stranger));
    world_end_faulted(world, 1);
}

Test(handshake, private_neighbours_do_not_pay_for_each_other)
{
    ez_world *const world = world_new(17, 1);
    ez_endpoint remote;
    cr_assert(ez_endpoint_parse(&remote, "127.0.0.1:1000"));
    ez_stranger *stranger = ez_stranger_from(world, 1, &remote, false);
    ez_message hello = ez_stranger_hello(stranger);
    hello.as.hello.listen_port = 7001;
    cr_assert(ez_stranger_shake(stranger, &hello));
    break_a_rule(world, stranger);
    remote.port++;
    stranger = ez_stranger_from(world, 1, &remote, false);
    cr_expect(!ez_stranger_shake(stranger, &hello), "the same listening address");
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_DISCOURAGED);
    remote.port++;
    stranger = ez_stranger_from(world, 1, &remote, false);
    hello.as.hello.listen_port = 7002;
    cr_expect(ez_stranger_shake(stranger, &hello), "another node on that host");
    world_end_faulted(world, 1);
}

/* The list of the discouraged is a ring of a fixed size; what is in it is held to its time. */
Test(handshake, discouraged_list_is_bounded)
{
    ez_world *const world = world_with_inbound(18, 4);
    ez_endpoint remote;
    cr_assert(ez_endpoint_parse(&remote, "8.0.0.1:1000"));
    for (uint32_t i = 0; i < EZ_DISCOURAGED_MAX + 1; i++) {
        remote.ip[13] = (uint8_t)(i >> 16);
        remote.ip[14] = (uint8_t)(i >> 8);
        remote.ip[15] = (uint8_t)i;
        break_a_rule(world, ez_stranger_from(world, 1, &remote, true));
    }
    ez_stranger *stranger = ez_stranger_from(world, 1, &remote, false);
    ez_world_run(world, LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_DISCOURAGED, "the newest is remembered");
    memset(remote.ip + 13, 0, 3);
    stranger = ez_stranger_from(world, 1, &remote, true);
    cr_expect(!ez_stranger_is_closed(stranger), "the oldest gave way");
    world_end_faulted(world, EZ_DISCOURAGED_MAX + 1);
}
