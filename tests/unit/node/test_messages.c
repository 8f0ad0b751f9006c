/* Every message that a peer may send: good, useless, and against a rule. What only the codec judges
 * is tested with the codec. */
#include "support_world.h"

/* ---- addresses ------------------------------------------------------------------------------- */

static void send_addresses(ez_stranger *stranger, uint32_t first, size_t count)
{
    ez_known_address *const rows = ez_alloc(count + 1, sizeof(*rows));
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    for (size_t i = 0; i < count; i++) {
        const uint32_t ip = 0x0b000000u + ((first + (uint32_t)i) << 8); /* 11.x.y.0: many groups */
        rows[i].endpoint = (ez_endpoint){.ip = {[10] = 0xff,
                                                [11] = 0xff,
                                                [12] = (uint8_t)(ip >> 24),
                                                [13] = (uint8_t)(ip >> 16),
                                                [14] = (uint8_t)(ip >> 8),
                                                [15] = (uint8_t)ip},
                                         .port = 7333};
    }
    message.as.addresses.list = rows;
    message.as.addresses.count = count;
    ez_stranger_send(stranger, &message);
    free(rows);
}

Test(messages, addresses_are_told_once_per_link)
{
    ez_world *const world = world_new(1, 2);
    ez_world_run(world, 1000);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    for (int i = 0; i < 3; i++) {
        ez_stranger_send(stranger, &(ez_message){.type = EZ_MSG_GET_ADDRESSES});
    }
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(stranger, EZ_MSG_ADDRESSES), 1);
    const ez_message *const told = ez_stranger_last(stranger, EZ_MSG_ADDRESSES);
    const ez_endpoint second = ez_world_endpoint(world, 2);
    cr_assert_eq(told->as.addresses.count, 1);
    cr_expect(ez_endpoint_is_equal(&told->as.addresses.list[0].endpoint, &second));
    world_end(world);
}

Test(messages, addresses_of_one_peer_are_taken_up_to_a_bound)
{
    ez_world *const world = world_new(2, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    for (uint32_t i = 0; i < 4; i++) {
        send_addresses(stranger, i * 1000, EZ_ADDRESSES_MAX);
    }
    ez_world_run(world, 2 * LATENCY_MS);
    const size_t taken = status_of(world, 1).book_count;
    cr_expect_gt(taken, 100);
    send_addresses(stranger, 1u << 14, EZ_ADDRESSES_MAX);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(status_of(world, 1).book_count, taken);
    cr_expect(!ez_stranger_is_closed(stranger));
    world_end(world);
}

/* Addresses that the node's other peers are sent when one peer sends `count`, with `known` in the
 * book before. */
static size_t passed_on(size_t known, size_t count)
{
    ez_world *const world = world_new(3, 1);
    ez_stranger *const source = ez_stranger_new(world, 1, true);
    ez_stranger *const others[] = {ez_stranger_new(world, 1, true), ez_stranger_new(world, 1, true),
                                   ez_stranger_new(world, 1, true)};
    size_t told = 0;
    if (known > 0) {
        send_addresses(source, 5000, known);
    }
    send_addresses(source, 0, count);
    ez_world_run(world, 2 * LATENCY_MS);
    for (size_t i = 0; i < 3; i++) {
        const ez_message *const last = ez_stranger_last(others[i], EZ_MSG_ADDRESSES);
        cr_expect_leq(ez_stranger_count(others[i], EZ_MSG_ADDRESSES), 1, "all in one message");
        told += last == NULL ? 0 : last->as.addresses.count;
    }
    cr_expect_eq(ez_stranger_count(source, EZ_MSG_ADDRESSES), 0);
    world_end(world);
    return told;
}

Test(messages, few_new_addresses_are_passed_on_to_two_peers_many_to_none)
{
    cr_expect_eq(passed_on(0, 1), 2);
    const size_t most = passed_on(0, 10);
    cr_expect(most > 10 && most <= 20, "%zu", most); /* some may share a place in the book */
    cr_expect_eq(passed_on(0, 11), 0, "or one message would cost two thousand");
    cr_expect_eq(passed_on(0, EZ_ADDRESSES_MAX), 0);
}

Test(messages, hearsay_is_not_passed_on_by_who_knows_enough)
{
    cr_expect_eq(passed_on(15, 1), 2);
    cr_expect_eq(passed_on(100, 1), 0);
}

Test(messages, useless_addresses_are_not_kept)
{
    ez_world *const world = world_new(4, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const char *const texts[] = {"0.0.0.0:7333", "224.0.0.1:7333", "[ff02::1]:7333"};
    ez_known_address rows[3] = {0};
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    for (size_t i = 0; i < 3; i++) {
        cr_assert(ez_endpoint_parse(&rows[i].endpoint, texts[i]));
    }
    message.as.addresses.list = rows;
    message.as.addresses.count = 3;
    ez_stranger_send(stranger, &message);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(status_of(world, 1).book_count, 0);
    world_end(world);
}

/* ---- headers: asking ------------------------------------------------------------------------- */

static const ez_message *ask_headers(ez_stranger *stranger, const ez_block_id *locator,
                                     size_t count)
{
    send_ids(stranger, EZ_MSG_GET_HEADERS, locator, count);
    ez_world_run(ez_stranger_world(stranger), 2 * LATENCY_MS);
    return ez_stranger_last(stranger, EZ_MSG_HEADERS);
}

Test(messages, headers_answer_from_the_first_known_id_on)
{
    ez_world *const world = world_new(5, 1);
    mine(world, 1, 20, 10);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_block_id unknown = {{{7}}};
    ez_block_info at;
    cr_assert(ez_node_block_at(ez_world_node(world, 1), &at, 15));
    const ez_block_id locator[] = {unknown, at.id};
    const ez_message *reply = ask_headers(stranger, locator, 2);
    cr_assert_eq(reply->as.headers.count, 6);
    cr_expect_eq(reply->as.headers.list[0].index, 16);
    cr_expect_eq(reply->as.headers.list[5].index, 21);
    reply = ask_headers(stranger, &unknown, 1);
    cr_expect_eq(reply->as.headers.count, 20, "genesis is common to all");
    const ez_block_id tip = tip_of(world, 1);
    reply = ask_headers(stranger, &tip, 1);
    cr_expect_eq(reply->as.headers.count, 0);
    world_end(world);
}

Test(messages, headers_answer_with_two_thousand_at_most)
{
    ez_world *const world = world_new(6, 1);
    mine(world, 1, EZ_HEADERS_MAX + 1, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_block_id genesis = ez_world_network(world)->genesis_id;
    const ez_message *reply = ask_headers(stranger, &genesis, 1);
    cr_expect_eq(reply->as.headers.count, EZ_HEADERS_MAX);
    ez_block_info at;
    cr_assert(ez_node_block_at(ez_world_node(world, 1), &at, 2));
    reply = ask_headers(stranger, &at.id, 1);
    cr_expect_eq(reply->as.headers.count, EZ_HEADERS_MAX);
    cr_expect_eq(reply->as.headers.list[EZ_HEADERS_MAX - 1].index, EZ_HEADERS_MAX + 2);
    world_end(world);
}

/* ---- headers: telling ------------------------------------------------------------------------ */

Test(messages, headers_nobody_asked_for_are_a_fault)
{
    ez_world *const world = world_new(7, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_headers(stranger, NULL, 0);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_UNREQUESTED);
    world_end_faulted(world, 1);
}

Test(messages, second_answer_to_one_request_is_a_fault)
{
    ez_world *const world = world_new(8, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 2);
    test_server server = {.chain = chain};
    ez_stranger *const stranger = server_join(world, 1, &server);
    ez_world_run(world, 10 * LATENCY_MS);
    cr_expect_eq(height_of(world, 1), 3);
    send_chain_headers(stranger, chain, 0, 2);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_goodbye(stranger), EZ_GOODBYE_UNREQUESTED);
    chain_free(chain);
    world_end_faulted(world, 1);
}

/* Answer the host's request for headers with `list`; returns the Goodbye it says, if any. */
static ez_goodbye answer_headers(const ez_header *list, size_t count, size_t *tree_count)
{
    ez_world *const world = world_new(9, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 5);
    test_server server = {.chain = chain, .no_headers = true, .no_bodies = true};
    ez_stranger *const stranger = server_join(world, 1, &server);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(server.headers_asked, 1);
    send_headers(stranger, list, count);
    ez_world_run(world, 2 * LATENCY_MS);
    const ez_goodbye goodbye = ez_stranger_goodbye(stranger);
    *tree_count = status_of(world, 1).tree_count;
    chain_free(chain);
    world_end_faulted(world, ez_goodbye_is_fault(goodbye) ? 1 : 0);
    return goodbye;
}

Test(messages, headers_that_are_no_chain_are_a_fault)
{
    const ez_network network = fixture_network();
    const ez_header first = fixture_header(&network, &network.genesis, 1);
    const ez_header second = fixture_header(&network, &first, 2);
    const ez_header other = fixture_header(&network, &network.genesis, 3);
    const ez_header good[] = {first, second};
    const ez_header bad[] = {first, other};
    size_t known = 0;
    cr_expect_eq(answer_headers(good, 2, &known), 0);
    cr_expect_eq(known, 3);
    cr_expect_eq(answer_headers(bad, 2, &known), EZ_GOODBYE_HEADER_INVALID);
}

Test(messages, headers_on_an_unknown_parent_are_ignored)
{
    const ez_network network = fixture_network();
    const ez_header first = fixture_header(&network, &network.genesis, 1);
    const ez_header second = fixture_header(&network, &first, 2);
    size_t known = 0;
    cr_expect_eq(answer_headers(&second, 1, &known), 0);
    cr_expect_eq(known, 1);
    cr_expect_eq(answer_headers(NULL, 0, &known), 0);
}

typedef enum header_fault {
    BAD_VERSION,
    BAD_INDEX,
    BAD_BITS,
    BAD_WORK,
    BAD_TIME_PAST,
    TIME_FUTURE, /* not the sender's fault: clocks differ */
    TIME_LATEST, /* just not too far ahead */
    HEADER_FAULTS,
} header_fault;

static ez_header faulty_header(const ez_network *network, header_fault fault, ez_wall_us wall)
{
    ez_header header = fixture_header(network, &network->genesis, 1);
    ez_block_id id;
    switch (fault) {
    case BAD_VERSION:
        header.version++;
        break;
    case BAD_INDEX:
        header.index++;
        break;
    case BAD_BITS:
        header.bits = 0x1f7fffff;
        break;
    case BAD_WORK:
        break;
    case BAD_TIME_PAST:
        header.timestamp = network->genesis.timestamp;
        break;
    case TIME_FUTURE:
        header.timestamp = wall + EZ_FUTURE_US_MAX + 1;
        break;
    case TIME_LATEST:
        header.timestamp = wall + EZ_FUTURE_US_MAX;
        break;
    case HEADER_FAULTS:
        break;
    }
    fixture_find_proof(&header, &id);
    while (fault == BAD_WORK && ez_header_has_work(&id, header.bits)) {
        header.proof++;
        ez_header_id(&id, &header);
    }
    return header;
}

/* Both ways in which a header comes: asked for, and in an announcement. */
Test(messages, each_header_rule_is_held_in_headers_and_in_announcements)
{
    for (int fault = 0; fault < HEADER_FAULTS; fault++) {
        ez_world *const world = world_new(10, 1);
        test_chain *const chain = chain_new(ez_world_network(world));
        chain_grow(chain, 1, 1);
        test_server server = {.chain = chain, .no_headers = true, .no_bodies = true};
        ez_stranger *const asked = server_join(world, 1, &server);
        ez_stranger *const unasked = ez_stranger_new(world, 1, true);
        /* Judged one latency from now. */
        const ez_wall_us wall = ez_world_now(world).wall + LATENCY_MS * 1000;
        const ez_header header = faulty_header(ez_world_network(world), (header_fault)fault, wall);
        const ez_block *const block = chain->blocks[0];
        ez_message announcement = {.type = EZ_MSG_ANNOUNCE_BLOCK};
        announcement.as.announce_block.header = header;
        announcement.as.announce_block.reward =
            (ez_byte_span){ez_blob_data(block->body), ez_blob_size(block->body)};
        send_headers(asked, &header, 1);
        ez_stranger_send(unasked, &announcement);
        ez_world_run(world, 2 * LATENCY_MS);
        const bool is_fault = fault != TIME_FUTURE && fault != TIME_LATEST;
        const ez_goodbye expected = is_fault ? EZ_GOODBYE_HEADER_INVALID : 0;
        cr_expect_eq(ez_stranger_goodbye(asked), expected, "header fault %d, asked for", fault);
        cr_expect_eq(ez_stranger_goodbye(unasked), expected, "header fault %d, announced", fault);
        cr_expect_eq(status_of(world, 1).tree_count, fault == TIME_LATEST ? 2 : 1);
        chain_free(chain);
        world_end_faulted(world, is_fault ? 2 : 0);
    }
}

Test(messages, announcement_on_an_unknown_parent_asks_for_headers)
{
    ez_world *const world = world_new(11, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 3);
    test_server server = {.chain = chain};
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    send_announcement(stranger, chain->blocks[2]);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(stranger, EZ_MSG_GET_HEADERS), 1);
    const ez_message *const asked = ez_stranger_last(stranger, EZ_MSG_GET_HEADERS);
    cr_expect_eq(asked->as.get_headers.count, 1);
    send_chain_headers(stranger, chain, 0, 3);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_GET_BODIES), 1);
    cr_expect_eq(status_of(world, 1).best_header_height, 4);
    (void)server;
    chain_free(chain);
    world_end(world);
}

/* ---- bodies and parts: asking ---------------------------------------------------------------- */

Test(messages, bodies_are_served_or_said_to_be_missing)
{
    ez_world *const world = world_new(12, 1);
    mine(world, 1, 3, 10);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    ez_block_id ids[EZ_BODIES_IN_FLIGHT_PEER] = {tip_of(world, 1)};
    for (size_t i = 1; i < EZ_BODIES_IN_FLIGHT_PEER; i++) {
        ids[i] = (ez_block_id){{{(uint8_t)i}}};
    }
    send_ids(stranger, EZ_MSG_GET_BODIES, ids, EZ_BODIES_IN_FLIGHT_PEER);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_count(stranger, EZ_MSG_BODY), 1);
    const ez_message *const body = ez_stranger_last(stranger, EZ_MSG_BODY);
    cr_expect(ez_block_id_is_equal(&body->as.body.id, &ids[0]));
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_MISSING_BODIES), EZ_BODIES_IN_FLIGHT_PEER - 1);
    world_end(world);
}

static void ask_parts(ez_stranger *stranger, const ez_block_id *id, const uint32_t *positions,
                      size_t count)
{
    ez_message message = {.type = EZ_MSG_GET_PARTS};
    message.as.get_parts.id = *id;
    message.as.get_parts.positions = positions;
    message.as.get_parts.count = count;
    ez_stranger_send(stranger, &message);
    ez_world_run(ez_stranger_world(stranger), 2 * LATENCY_MS);
}

Test(messages, parts_are_served_by_position)
{
    ez_world *const world = world_new(13, 1);
    note(world, 1, "first");
    note(world, 1, "second");
    mine(world, 1, 1, 10);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_block_id tip = tip_of(world, 1);
    const uint32_t positions[] = {0, 2};
    ask_parts(stranger, &tip, positions, 2);
    const ez_message *const parts = ez_stranger_last(stranger, EZ_MSG_PARTS);
    cr_assert_not_null(parts);
    cr_assert_eq(parts->as.parts.count, 2);
    ez_blob *const body = ez_node_body(ez_world_node(world, 1), &tip);
    const ez_byte_span first = parts->as.parts.list[0];
    const ez_byte_span last = parts->as.parts.list[1];
    cr_expect_arr_eq(first.data, ez_blob_data(body), first.size);
    cr_expect_arr_eq(last.data, ez_blob_data(body) + ez_blob_size(body) - last.size, last.size);
    ez_blob_unref(body);
    world_end(world);
}

/* A lying announcement is relayed before anybody can know, so who asks for a position that the
 * block does not have may be its victim. */
Test(messages, position_past_the_end_is_answered_and_is_no_fault)
{
    ez_world *const world = world_new(14, 1);
    note(world, 1, "only");
    mine(world, 1, 1, 10);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_block_id tip = tip_of(world, 1);
    const uint32_t last = 1, past = 2;
    ask_parts(stranger, &tip, &last, 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_PARTS), 1);
    ask_parts(stranger, &tip, &past, 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_PARTS), 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_MISSING_BODIES), 1);
    cr_expect(!ez_stranger_is_closed(stranger));
    world_end(world);
}

Test(messages, parts_of_an_unknown_block_are_missing)
{
    ez_world *const world = world_new(15, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_block_id unknown = {{{9}}};
    const uint32_t position = 0;
    ask_parts(stranger, &unknown, &position, 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_MISSING_BODIES), 1);
    world_end(world);
}

/* An empty body is no message, so genesis cannot be served: every node has it anyway. */
Test(messages, genesis_has_no_parts_and_no_body)
{
    ez_world *const world = world_new(16, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_block_id genesis = ez_world_network(world)->genesis_id;
    const uint32_t position = 0;
    ask_parts(stranger, &genesis, &position, 1);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_MISSING_BODIES), 1);
    send_ids(stranger, EZ_MSG_GET_BODIES, &genesis, 1);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect_eq(ez_stranger_count(stranger, EZ_MSG_MISSING_BODIES), 2);
    cr_expect(!ez_stranger_is_closed(stranger));
    world_end(world);
}

/* ---- what nobody asked for ------------------------------------------------------------------- */

Test(messages, answers_that_come_late_or_never_had_a_question_are_ignored)
{
    ez_world *const world = world_new(17, 1);
    test_chain *const chain = chain_new(ez_world_network(world));
    chain_grow(chain, 1, 1);
    ez_stranger *const stranger = ez_stranger_new(world, 1, true);
    const ez_tx_id tx = {{{1}}};
    const ez_byte_span span = {(const uint8_t *)"x", 1};
    ez_message parts = {.type = EZ_MSG_PARTS};
    parts.as.parts.id = chain->blocks[0]->id;
    parts.as.parts.list = &span;
    parts.as.parts.count = 1;
    send_body(stranger, chain->blocks[0]);
    send_ids(stranger, EZ_MSG_MISSING_BODIES, &chain->blocks[0]->id, 1);
    send_ids(stranger, EZ_MSG_MISSING_TXS, &tx, 1);
    ez_stranger_send(stranger, &parts);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_expect(!ez_stranger_is_closed(stranger));
    cr_expect_eq(height_of(world, 1), 1);
    chain_free(chain);
    world_end(world);
}

/* ---- a peer that asks and does not read ------------------------------------------------------ */

#define LARGE_BLOCKS 8
#define LARGE_TXS    250

/* A host that has eight blocks of some 40 kB each, and a peer that does not read. */
typedef struct slow_reader {
    ez_world *world;
    test_chain *chain;
    test_server server;
    ez_stranger *reader;
    size_t fill; /* bodies that fill the output */
} slow_reader;

static slow_reader *slow_reader_new(uint64_t seed)
{
    slow_reader *const made = ez_alloc(1, sizeof(*made));
    const ez_keypair pair = fixture_keypair(1);
    made->world = world_new(seed, 1);
    made->chain = chain_new(ez_world_network(made->world));
    fixture_tx notes[LARGE_TXS];
    for (size_t block = 0; block < LARGE_BLOCKS; block++) {
        for (size_t i = 0; i < LARGE_TXS; i++) {
            notes[i] = fixture_note(made->chain->network, &pair, "a label", "another", 1,
                                    block * LARGE_TXS + i);
        }
        chain_add(made->chain, 1, notes, LARGE_TXS);
        for (size_t i = 0; i < LARGE_TXS; i++) {
            fixture_tx_clear(&notes[i]);
        }
    }
    made->server.chain = made->chain;
    server_join(made->world, 1, &made->server);
    ez_world_run(made->world, 1000);
    cr_assert_eq(height_of(made->world, 1), LARGE_BLOCKS + 1);
    made->reader = ez_stranger_new(made->world, 1, true);
    ez_world_run(made->world, 1000);
    ez_stranger_pause(made->reader, true);
    ez_message body = {.type = EZ_MSG_BODY};
    body.as.body.bytes.size = ez_blob_size(made->chain->blocks[0]->body);
    made->fill = (EZ_OUTPUT_BYTES_MAX + ez_message_bytes(&body) - 1) / ez_message_bytes(&body);
    return made;
}

static void slow_reader_ask(slow_reader *made, size_t bodies)
{
    for (size_t i = 0; i < bodies; i++) {
        send_ids(made->reader, EZ_MSG_GET_BODIES, &made->chain->blocks[0]->id, 1);
    }
    ez_world_run(made->world, 2 * LATENCY_MS);
}

static void slow_reader_end(slow_reader *made, uint64_t faults)
{
    world_end_faulted(made->world, faults);
    chain_free(made->chain);
    free(made);
}

Test(messages, sixty_four_bodies_may_wait_for_a_slow_reader)
{
    slow_reader *const made = slow_reader_new(18);
    slow_reader_ask(made, made->fill + 64);
    cr_expect_eq(peers_of(made->world, 1), 2);
    ez_stranger_pause(made->reader, false);
    ez_world_run(made->world, 1000);
    cr_expect_eq(ez_stranger_count(made->reader, EZ_MSG_BODY), made->fill + 64);
    slow_reader_end(made, 0);
}

Test(messages, sixty_fifth_waiting_body_is_said_to_be_missing)
{
    slow_reader *const made = slow_reader_new(19);
    slow_reader_ask(made, made->fill + 65);
    cr_expect_eq(peers_of(made->world, 1), 2, "to read slowly is no offence");
    ez_stranger_pause(made->reader, false);
    ez_world_run(made->world, 1000);
    cr_expect_eq(ez_stranger_count(made->reader, EZ_MSG_MISSING_BODIES), 1);
    cr_expect_eq(ez_stranger_count(made->reader, EZ_MSG_BODY), made->fill + 64);
    slow_reader_end(made, 0);
}

/* A slow link is reason enough for requests to pile up: they time out at the asker and go
 * elsewhere.
 */
Test(messages, transactions_that_may_not_wait_are_not_answered)
{
    slow_reader *const made = slow_reader_new(20);
    static const ez_tx_id ids[EZ_IDS_MAX];
    slow_reader_ask(made, made->fill);
    for (int i = 0; i < 5; i++) {
        send_ids(made->reader, EZ_MSG_GET_TXS, ids, EZ_IDS_MAX);
    }
    ez_world_run(made->world, 1000);
    cr_expect_eq(peers_of(made->world, 1), 2);
    ez_stranger_pause(made->reader, false);
    ez_world_run(made->world, 1000);
    cr_expect_eq(ez_stranger_count(made->reader, EZ_MSG_MISSING_TXS), 4, "two thousand of them");
    slow_reader_end(made, 0);
}

Test(messages, peer_that_reads_nothing_at_all_is_let_go)
{
    slow_reader *const made = slow_reader_new(21);
    const ez_block_id genesis = ez_world_network(made->world)->genesis_id;
    for (int i = 0; i < 40000 && peers_of(made->world, 1) == 2; i++) {
        for (int ping = 0; ping < 100; ping++) {
            send_ping(made->reader, 1);
        }
        send_ids(made->reader, EZ_MSG_GET_HEADERS, &genesis, 1);
        ez_world_run(made->world, 1);
    }
    cr_expect_eq(peers_of(made->world, 1), 1);
    ez_stranger_pause(made->reader, false);
    ez_world_run(made->world, 1000);
    cr_expect_eq(ez_stranger_goodbye(made->reader), EZ_GOODBYE_SLOW_READER);
    slow_reader_end(made, 0);
}
