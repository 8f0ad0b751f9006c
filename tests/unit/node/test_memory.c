/* What a peer can make a node hold. Peers are driven without a world, so that what the allocator
 * counts is the node's own. Sanitizers replace the allocator; under them the counts are zero and
 * only the paths are walked. */
#include "support_world.h"

#include <malloc.h>

#define IDLE_BYTES_MAX 16384

typedef struct lone_node {
    ez_network network;
    ez_memory_store *store;
    ez_node *node;
    ez_now now;
} lone_node;

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks;
}

/* Carry out what the node asks for; what it sends goes nowhere, and is read at once. */
static void carry_out(lone_node *lone)
{
    ez_effect effect;
    while (ez_node_next_effect(lone->node, &effect)) {
        if (effect.type == EZ_EFFECT_CHECK) {
            ez_check_job *const job = effect.as.job;
            ez_check_run(job, NULL);
            ez_node_handle(lone->node, &(ez_event){.type = EZ_EVENT_CHECKED, .as.job = job},
                           lone->now);
        } else if (effect.type == EZ_EFFECT_WRITE) {
            ez_memory_store_write(lone->store, effect.as.write);
        }
    }
}

static void handle(lone_node *lone, const ez_event *event)
{
    ez_node_handle(lone->node, event, lone->now);
    carry_out(lone);
    if (event->type == EZ_EVENT_MESSAGE) {
        handle(lone, &(ez_event){.type = EZ_EVENT_LINK_DRAINED, .link = event->link});
    }
}

static void handle_message(lone_node *lone, uint64_t link, const ez_message *message)
{
    ez_event event = {.type = EZ_EVENT_MESSAGE, .link = {link}};
    event.as.message.message = message;
    handle(lone, &event);
}

static lone_node *lone_new(void)
{
    lone_node *const lone = ez_alloc(1, sizeof(*lone));
    lone->network = fixture_network();
    lone->store = ez_memory_store_new(&lone->network);
    lone->now = (ez_now){1000, lone->network.genesis.timestamp + 1000000};
    const ez_node_config config = {.network = lone->network,
                                   .key = fixture_keypair(1).public_key,
                                   .listen_port = 7333,
                                   .outbound_max = 8,
                                   .inbound_max = 200,
                                   .user_agent = "lone"};
    const ez_node_ports ports = {.store = ez_memory_store_port(lone->store)}; /* signs nothing */
    cr_assert_eq(ez_node_new(&lone->node, &config, &ports, lone->now), EZ_OK);
    handle(lone, &(ez_event){.type = EZ_EVENT_TICK});
    return lone;
}

static void lone_free(lone_node *lone)
{
    ez_node_free(lone->node);
    ez_memory_store_free(lone->store);
    free(lone);
}

static void join(lone_node *lone, uint64_t link)
{
    ez_event event = {.type = EZ_EVENT_LINK_UP, .link = {link}};
    event.as.link_up.remote = (ez_endpoint){.ip = {[10] = 0xff,
                                                   [11] = 0xff,
                                                   [12] = 10,
                                                   [14] = (uint8_t)(link >> 8),
                                                   [15] = (uint8_t)link},
                                            .port = 5000};
    handle(lone, &event);
    ez_message hello = {.type = EZ_MSG_HELLO};
    hello.as.hello = (ez_hello){.protocol = EZ_PROTOCOL_VERSION,
                                .network = lone->network.genesis_id,
                                .nonce = link,
                                .user_agent = "guest",
                                .user_agent_size = 5};
    memcpy(hello.as.hello.node.bytes, &link, sizeof(link));
    handle_message(lone, link, &hello);
    handle_message(lone, link, &(ez_message){.type = EZ_MSG_READY});
}

static size_t ready_peers(const lone_node *lone)
{
    ez_node_status status;
    ez_node_get_status(lone->node, &status);
    return status.peers_inbound;
}

Test(memory, idle_peer_takes_little)
{
    enum { PEERS = 64 };
    lone_node *const lone = lone_new();
    join(lone, 1000); /* what the first one makes the node set up is not counted */
    const size_t before = heap_bytes();
    for (uint64_t link = 1; link <= PEERS; link++) {
        join(lone, link);
    }
    const size_t each = (heap_bytes() - before) / PEERS;
    cr_expect_eq(ready_peers(lone), PEERS + 1);
    cr_expect_leq(each, IDLE_BYTES_MAX, "%zu bytes", each);
    lone_free(lone);
}

/* Every message that makes a node remember something, far over every bound. */
static void flood(lone_node *lone, uint64_t link, const ez_block_id *pending)
{
    ez_tx_id ids[EZ_IDS_MAX];
    ez_block_id blocks[EZ_BODIES_IN_FLIGHT_PEER];
    uint64_t number = link << 32;
    ez_message message = {0};
    for (int round = 0; round < 12; round++) {
        for (size_t i = 0; i < EZ_IDS_MAX; i++) {
            number++;
            memcpy(&ids[i], &number, sizeof(number));
        }
        message.as.tx_ids.list = ids;
        message.as.tx_ids.count = EZ_IDS_MAX;
        message.type = EZ_MSG_ANNOUNCE_TXS;
        handle_message(lone, link, &message);
        message.type = EZ_MSG_GET_TXS;
        handle_message(lone, link, &message);
        for (size_t i = 0; i < EZ_BODIES_IN_FLIGHT_PEER; i++) {
            blocks[i] = *pending;
        }
        message.type = EZ_MSG_GET_BODIES;
        message.as.block_ids.list = blocks;
        message.as.block_ids.count = EZ_BODIES_IN_FLIGHT_PEER;
        handle_message(lone, link, &message);
    }
}

Test(memory, flooding_peer_stays_within_its_budget)
{
    enum { PEERS = 16 };
    lone_node *const lone = lone_new();
    const ez_block_id unknown = {{{1}}};
    for (uint64_t link = 1; link <= PEERS; link++) {
        join(lone, link);
    }
    const size_t before = heap_bytes();
    for (uint64_t link = 1; link <= PEERS; link++) {
        flood(lone, link, &unknown);
    }
    const size_t each = (heap_bytes() - before) / PEERS;
    cr_expect_eq(ready_peers(lone), PEERS, "too much is dropped, not punished");
    cr_expect_leq(each, EZ_PEER_BYTES_MAX, "%zu bytes", each);
    for (uint64_t link = 1; link <= PEERS; link++) {
        handle(lone, &(ez_event){.type = EZ_EVENT_LINK_DOWN, .link = {link}});
    }
    const size_t after = heap_bytes();
    cr_expect(after < before + 65536, "what is left of them: %zu bytes", after - before);
    lone_free(lone);
}

/* Orphans, all peers together. */
Test(memory, orphans_are_bounded)
{
    ez_world *const world = world_new(1, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    for (uint32_t i = 0; i < 2 * EZ_ORPHAN_COUNT_MAX; i++) {
        const ez_keypair signer = fixture_keypair(1000 + i);
        fixture_tx tx = fixture_address_note(ez_world_network(world), &signer, "to", 1, 0, 5);
        send_txs(stranger, &tx, 1);
        fixture_tx_clear(&tx);
    }
    ez_world_run(world, 1000);
    cr_expect_eq(status_of(world, 1).orphan_count, EZ_ORPHAN_COUNT_MAX);
    cr_expect_eq(pool_of(world, 1), 0);
    world_end(world);
}

/* Headers that lead nowhere, over and over from fresh forks. */
Test(memory, headers_of_side_branches_are_bounded)
{
    enum { BATCHES = 12 };
    ez_world *const world = world_new(2, 1);
    mine(world, 1, 10, 1);
    test_chain *const base = chain_new(ez_world_network(world));
    ez_header *const list = ez_alloc(EZ_HEADERS_MAX, sizeof(*list));
    for (uint64_t batch = 0; batch < BATCHES; batch++) {
        ez_stranger *const stranger = ez_stranger_new(world, 1, false);
        ez_message hello = ez_stranger_hello(stranger);
        hello.as.hello.tip = (ez_tip){.id = {{{(uint8_t)batch, 1}}}, .height = 100000};
        hello.as.hello.tip.work.limb[3] = 1;
        cr_assert(ez_stranger_shake(stranger, &hello));
        ez_world_run(world, 2 * LATENCY_MS);
        for (size_t i = 0; i < EZ_HEADERS_MAX; i++) {
            list[i] = fixture_header(ez_world_network(world),
                                     i == 0 ? &ez_world_network(world)->genesis : &list[i - 1],
                                     batch << 32 | i);
        }
        send_headers(stranger, list, EZ_HEADERS_MAX);
        ez_world_run(world, 2 * LATENCY_MS);
        ez_stranger_hang_up(stranger);
        ez_world_run(world, 2 * LATENCY_MS);
    }
    const size_t held = status_of(world, 1).tree_count;
    cr_expect_gt(held, EZ_SIDE_HEADERS_MAX, "they came");
    cr_expect_leq(held, EZ_SIDE_HEADERS_MAX + EZ_HEADERS_MAX + 11, "%zu", held);
    cr_expect_eq(height_of(world, 1), 11);
    free(list);
    chain_free(base);
    world_end(world);
}

/* Large bodies that wait for a small one below: the window must not lock itself up. */
Test(memory, bodies_that_wait_do_not_keep_out_the_one_they_wait_for)
{
    enum { NOTES = 2200, BLOCKS = 40 }; /* some 950 kB each: more than may wait */
    ez_world *const world = world_new(3, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    const ez_keypair pair = fixture_keypair(1);
    fixture_tx *const notes = ez_alloc(NOTES, sizeof(*notes));
    char memo[EZ_MEMO_BYTES_MAX + 1];
    memset(memo, 'm', EZ_MEMO_BYTES_MAX);
    memo[EZ_MEMO_BYTES_MAX] = '\0';
    for (size_t i = 0; i < NOTES; i++) {
        ez_tx tx = {.sender = fixture_label("from"), .recipient = fixture_label("to"), .amount = i};
        fixture_set_memo(&tx, memo);
        notes[i] = fixture_sign(chain->network, &tx, &pair);
    }
    chain_grow(chain, 1, 1);
    for (size_t i = 0; i < BLOCKS; i++) { /* the same in each: never to be connected */
        chain_add(chain, (uint32_t)i, notes, NOTES);
    }
    test_server server = {.chain = chain, .no_bodies = true};
    ez_stranger *const stranger = server_join(world, 1, &server);
    for (size_t i = 0; i < NOTES; i += 1000) { /* pooled, their signatures are not checked again */
        send_txs(stranger, notes + i, NOTES - i < 1000 ? NOTES - i : 1000);
        ez_world_run(world, 1);
    }
    ez_world_run(world, 10 * LATENCY_MS);
    cr_assert_eq(pool_of(world, 1), NOTES);
    for (size_t i = 1; i <= BLOCKS; i++) {
        send_body(stranger, chain->blocks[i]);
        ez_world_run(world, 1);
    }
    test_server late = {.chain = chain};
    server_join(world, 1, &late);
    ez_world_run(world, 10000);
    cr_expect_geq(height_of(world, 1), 3, "at height %zu", (size_t)height_of(world, 1));
    for (size_t i = 0; i < NOTES; i++) {
        fixture_tx_clear(&notes[i]);
    }
    free(notes);
    chain_free(chain);
    world_end_faulted(world, ez_world_faults(world)); /* the second large block repeats the first */
}
