#include "chain_fixture.h"
#include "ezp2p/record/format.h"

#include <criterion/criterion.h>

static ez_node_config usual_config(const ez_manual_peer *peers, size_t count)
{
    return (ez_node_config){.network = fixture_network(),
                            .key = fixture_keypair(1).public_key,
                            .seed = {1, 2, 3},
                            .listen_port = 7333,
                            .outbound_max = 8,
                            .inbound_max = 64,
                            .mine = true,
                            .user_agent = "ezp2p/test",
                            .peers = peers,
                            .peer_count = count};
}

static ez_buffer start_of(const ez_node_config *config)
{
    ez_buffer bytes = {0};
    ez_record_put_start(&bytes, config, "a test", (ez_now){5, 6});
    return bytes;
}

static bool reads_start(const ez_buffer *bytes, size_t size)
{
    ez_reader payload;
    ez_record_start start;
    ez_reader_init(&payload, bytes->data, size);
    bool good = ez_record_get_start(&start, &payload);
    if (good) {
        ez_record_start_clear(&start);
    }
    return good;
}

static bool takes(const ez_node_config *config)
{
    ez_buffer bytes = start_of(config);
    bool good = reads_start(&bytes, bytes.size);
    ez_buffer_clear(&bytes);
    return good;
}

Test(format, a_start_is_read_as_it_was_written)
{
    const ez_manual_peer peers[] = {{"one.example", 1}, {"::1", 7333}};
    const ez_node_config config = usual_config(peers, 2);
    ez_buffer bytes = start_of(&config);
    ez_reader payload;
    ez_record_start start;
    ez_reader_init(&payload, bytes.data, bytes.size);
    cr_assert(ez_record_get_start(&start, &payload));
    cr_expect_str_eq(start.program, "a test");
    cr_expect_eq(start.now.mono, 5);
    cr_expect_eq(start.now.wall, 6);
    cr_expect(ez_block_id_is_equal(&start.config.network.genesis_id, &config.network.genesis_id));
    cr_expect_str_eq(start.config.network.name, "fixture");
    cr_expect_eq(start.config.network.reward, FIXTURE_REWARD);
    cr_expect(ez_public_key_is_equal(&start.config.key, &config.key));
    cr_expect_arr_eq(start.config.seed, config.seed, sizeof config.seed);
    cr_expect_eq(start.config.inbound_max, 64);
    cr_expect(start.config.mine);
    cr_expect_eq(start.config.relay, ez_relay_default());
    cr_expect_str_eq(start.config.user_agent, "ezp2p/test");
    cr_assert_eq(start.config.peer_count, 2);
    cr_expect_str_eq(start.config.peers[1].host, "::1");
    cr_expect_eq(start.config.peers[1].port, 7333);
    ez_record_start_clear(&start);
    ez_buffer_clear(&bytes);
}

Test(format, a_start_cut_or_grown_by_a_byte_is_none)
{
    const ez_manual_peer peers[] = {{"one.example", 1}};
    const ez_node_config config = usual_config(peers, 1);
    ez_buffer bytes = start_of(&config);
    for (size_t size = 0; size < bytes.size; size++) {
        cr_assert_not(reads_start(&bytes, size), "%zu bytes", size);
    }
    cr_assert(reads_start(&bytes, bytes.size));
    ez_buffer_add_u8(&bytes, 0);
    cr_assert_not(reads_start(&bytes, bytes.size));
    ez_buffer_clear(&bytes);
}

Test(format, a_start_that_a_core_could_not_take_is_none)
{
    static const ez_relay_strategy unknown = {.name = "nobody's"};
    ez_manual_peer peers[EZ_MANUAL_PEERS_MAX + 1];
    for (size_t i = 0; i < EZ_MANUAL_PEERS_MAX + 1; i++) {
        peers[i] = (ez_manual_peer){"h", 1};
    }
    ez_node_config config = usual_config(peers, EZ_MANUAL_PEERS_MAX);
    cr_expect(takes(&config));
    config.peer_count++;
    cr_expect_not(takes(&config));
    config = usual_config(peers, 1);
    config.relay = &unknown;
    cr_expect_not(takes(&config));
    config = usual_config(peers, 1);
    config.inbound_max = EZ_INBOUND_MAX;
    cr_expect(takes(&config));
    config.inbound_max = EZ_INBOUND_MAX + 1;
    cr_expect_not(takes(&config));
    config = usual_config(peers, 1);
    config.network.body_bytes_max = EZ_BLOCK_BODY_BYTES_MAX + 1;
    cr_expect_not(takes(&config));
    config = usual_config(peers, 1);
    config.network.first_bits = 0xffffffff; /* no target */
    cr_expect_not(takes(&config));
    config = usual_config(peers, 1);
    config.user_agent = "0123456789012345678901234567890123456789012345678901234567890123";
    cr_expect(takes(&config));
    config.user_agent = "01234567890123456789012345678901234567890123456789012345678901234";
    cr_expect_not(takes(&config));
}

Test(format, a_text_ends_where_it_says)
{
    static const struct {
        const char *bytes;
        size_t size;
        bool good;
    } rows[] = {
        {"\0\0\0", 3, true},       {"\2\0ab\0", 5, true}, {"\2\0ab", 4, false},
        {"\2\0a\0\0", 5, false},   {"\2\0abc", 5, false}, {"\1\0ab\0", 5, false},
        {"\5\0abcde\0", 8, false}, /* longer than the four that are allowed here */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ez_reader payload;
        ez_reader_init(&payload, rows[i].bytes, rows[i].size);
        const char *text = ez_record_get_text(&payload, 4);
        cr_expect_eq(text != NULL && ez_reader_is_done(&payload), rows[i].good, "row %zu", i);
    }
}

/* ---- events -----------------------------------------------------------------------------------
 */

/* Whether an event is read back whole, and is none when cut or grown by a byte. */
static ez_recorded_event read_back(const ez_event *event, ez_buffer *bytes)
{
    ez_recorded_event out;
    ez_reader payload;
    bytes->size = 0;
    ez_record_put_event(bytes, event, (ez_now){7, 8});
    for (size_t size = 0; size < bytes->size; size++) {
        ez_reader_init(&payload, bytes->data, size);
        cr_assert_not(ez_record_get_event(&out, &payload), "type %d, %zu bytes", (int)event->type,
                      size);
    }
    ez_reader_init(&payload, bytes->data, bytes->size);
    cr_assert(ez_record_get_event(&out, &payload), "type %d", (int)event->type);
    cr_expect_eq(out.now.mono, 7);
    cr_expect_eq(out.now.wall, 8);
    cr_expect_eq(out.event.type, event->type);
    cr_expect_eq(out.event.link.value, event->link.value);
    return out;
}

Test(format, events_are_read_as_they_were_written)
{
    ez_buffer bytes = {0};
    ez_event event = {.type = EZ_EVENT_TICK};
    read_back(&event, &bytes);
    event = (ez_event){.type = EZ_EVENT_LINK_UP, .link = {3}};
    event.as.link_up.dial = 9;
    event.as.link_up.remote.port = 80;
    cr_expect_eq(read_back(&event, &bytes).event.as.link_up.remote.port, 80);
    event = (ez_event){.type = EZ_EVENT_LINK_FAULT, .link = {3}, .as.fault = EZ_GOODBYE_TIMEOUT};
    cr_expect_eq(read_back(&event, &bytes).event.as.fault, EZ_GOODBYE_TIMEOUT);
    ez_check_job job = {.id = 12, .rule = EZ_RULE_TX_SIGNATURE, .bad_position = 4};
    event = (ez_event){.type = EZ_EVENT_CHECKED, .as.job = &job};
    ez_recorded_event checked = read_back(&event, &bytes);
    cr_expect_eq(checked.job, 12);
    cr_expect_eq(checked.rule, EZ_RULE_TX_SIGNATURE);
    cr_expect_eq(checked.bad_position, 4);
    cr_expect_null(checked.event.as.job);
    event = (ez_event){.type = EZ_EVENT_STORED, .as.stored = 77};
    cr_expect_eq(read_back(&event, &bytes).event.as.stored, 77);
    event = (ez_event){.type = EZ_EVENT_PROOF_FOUND, .as.proof_found = {5, 6}};
    cr_expect_eq(read_back(&event, &bytes).event.as.proof_found.proof, 6);
    ez_buffer_clear(&bytes);
}

Test(format, commands_and_messages_are_read_as_they_were_written)
{
    ez_buffer bytes = {0};
    ez_event event = {.type = EZ_EVENT_COMMAND};
    event.as.command = (ez_command){.type = EZ_COMMAND_ADD_PEER, .text = "h.example", .port = 5};
    ez_recorded_event out = read_back(&event, &bytes);
    cr_expect_str_eq(out.event.as.command.text, "h.example");
    event.as.command = (ez_command){.type = EZ_COMMAND_SUBMIT_ENTRY, .request = 3, .amount = 4};
    event.as.command.sender = (ez_byte_span){(const uint8_t *)"alice", 5};
    out = read_back(&event, &bytes);
    cr_expect_eq(out.event.as.command.sender.size, 5);
    cr_expect_arr_eq(out.event.as.command.sender.data, "alice", 5);
    cr_expect_null(out.event.as.command.text);
    ez_message ping = {.type = EZ_MSG_PING, .as.ping.nonce = 99};
    event = (ez_event){.type = EZ_EVENT_MESSAGE, .link = {4}};
    event.as.message.message = &ping;
    event.as.message.wire_bytes = 15;
    ez_reader payload;
    bytes.size = 0;
    ez_record_put_event(&bytes, &event, (ez_now){7, 8});
    ez_reader_init(&payload, bytes.data, bytes.size);
    cr_assert(ez_record_get_event(&out, &payload));
    cr_expect_eq(out.decoded.message.type, EZ_MSG_PING);
    cr_expect_eq(out.decoded.message.as.ping.nonce, 99);
    cr_expect_eq(out.event.as.message.wire_bytes, 15);
    ez_recorded_event_clear(&out);
    ez_buffer_clear(&bytes);
}

Test(format, events_of_no_known_kind_are_none)
{
    ez_event event = {.type = EZ_EVENT_COMMAND};
    ez_buffer bytes = {0};
    ez_recorded_event out;
    ez_reader payload;
    ez_record_put_event(&bytes, &event, (ez_now){0, 0});
    bytes.data[17 + 8] = EZ_COMMAND_SHUTDOWN + 1;
    ez_reader_init(&payload, bytes.data, bytes.size);
    cr_expect_not(ez_record_get_event(&out, &payload));
    bytes.data[17 + 8] = EZ_COMMAND_ADD_PEER; /* which needs a text */
    ez_reader_init(&payload, bytes.data, bytes.size);
    cr_expect_not(ez_record_get_event(&out, &payload));
    bytes.data[16] = EZ_EVENT_COMMAND + 1;
    ez_reader_init(&payload, bytes.data, bytes.size);
    cr_expect_not(ez_record_get_event(&out, &payload));
    ez_buffer_clear(&bytes);
}

Test(format, the_longest_host_that_a_person_can_name_is_kept)
{
    char host[EZ_MANUAL_HOST_BYTES_MAX + 2] = EZ_REST_PREFIX;
    memset(host + sizeof EZ_REST_PREFIX - 1, 'h', EZ_HOST_NAME_BYTES_MAX);
    ez_event event = {.type = EZ_EVENT_COMMAND};
    event.as.command = (ez_command){.type = EZ_COMMAND_ADD_PEER, .text = host, .port = 5};
    ez_buffer bytes = {0};
    cr_expect_str_eq(read_back(&event, &bytes).event.as.command.text, host);
    host[EZ_MANUAL_HOST_BYTES_MAX] = 'h';
    bytes.size = 0;
    ez_record_put_event(&bytes, &event, (ez_now){0, 0});
    ez_reader payload;
    ez_recorded_event out;
    ez_reader_init(&payload, bytes.data, bytes.size);
    cr_expect_not(ez_record_get_event(&out, &payload));
    ez_buffer_clear(&bytes);
}

/* ---- prints -----------------------------------------------------------------------------------
 */

Test(format, a_print_covers_what_is_in_an_effect)
{
    ez_buffer scratch = {0};
    ez_message ping = {.type = EZ_MSG_PING, .as.ping.nonce = 1};
    ez_effect effect = {.type = EZ_EFFECT_SEND, .link = {3}, .as.message = &ping};
    const ez_effect_print first = ez_effect_print_of(&effect, &scratch);
    ping.as.ping.nonce = 2;
    const ez_effect_print other = ez_effect_print_of(&effect, &scratch);
    cr_expect_neq(first.content, other.content);
    cr_expect_neq(ez_effect_fold(0, &first), ez_effect_fold(0, &other));
    ez_effect mine = {.type = EZ_EFFECT_MINE, .as.mine.generation = 1};
    const ez_effect_print free_pace = ez_effect_print_of(&mine, &scratch);
    mine.as.mine.paced = true;
    cr_expect_neq(free_pace.content, ez_effect_print_of(&mine, &scratch).content);
    ez_buffer bytes = {0};
    ez_reader reader;
    ez_record_put_print(&bytes, &first);
    cr_assert_eq(bytes.size, EZ_EFFECT_PRINT_BYTES);
    ez_reader_init(&reader, bytes.data, bytes.size);
    const ez_effect_print again = ez_record_get_print(&reader);
    cr_expect_eq(again.content, first.content);
    cr_expect_eq(again.link, 3);
    ez_buffer_clear(&bytes);
    ez_buffer_clear(&scratch);
}
