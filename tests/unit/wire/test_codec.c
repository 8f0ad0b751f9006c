#include "ezp2p/wire/codec.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/wire/frame.h"
#include "support_messages.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static ez_buffer encoded(const ez_message *message)
{
    ez_buffer out = {0};
    ez_wire_encode(&out, message);
    return out;
}

static ez_goodbye decode_frame(ez_decoded *out, const ez_buffer *frame)
{
    return ez_wire_decode(out, frame->data + EZ_FRAME_PREFIX_BYTES,
                          frame->size - EZ_FRAME_PREFIX_BYTES);
}

/* Encode and decode; the verdict on the way back. */
static ez_goodbye verdict_on(const ez_message *message)
{
    ez_buffer frame = encoded(message);
    ez_decoded decoded;
    ez_goodbye verdict = decode_frame(&decoded, &frame);
    cr_assert(verdict != EZ_GOODBYE_UNSPECIFIED || message_is_equal(&decoded.message, message));
    ez_decoded_clear(&decoded);
    ez_buffer_clear(&frame);
    return verdict;
}

static ez_message_type next_type(ez_message_type type)
{
    return (ez_message_type)((int)type + 1);
}

Test(codec, every_type_encodes_as_its_vector_says)
{
    for (ez_message_type type = EZ_MSG_HELLO; (int)type < EZ_MESSAGE_TYPES;
         type = next_type(type)) {
        ez_buffer expected = {0};
        cr_assert(read_vector(&expected, ez_message_name(type)), "%s", ez_message_name(type));
        ez_buffer frame = encoded(sample_message(type));
        cr_assert_eq(frame.size, expected.size, "%s", ez_message_name(type));
        cr_assert_eq(memcmp(frame.data, expected.data, frame.size), 0, "%s", ez_message_name(type));
        ez_buffer_clear(&frame);
        ez_buffer_clear(&expected);
    }
}

Test(codec, every_vector_decodes_to_what_it_says)
{
    for (ez_message_type type = EZ_MSG_HELLO; (int)type < EZ_MESSAGE_TYPES;
         type = next_type(type)) {
        ez_buffer frame = {0};
        cr_assert(read_vector(&frame, ez_message_name(type)));
        ez_decoded decoded;
        cr_assert_eq(decode_frame(&decoded, &frame), EZ_GOODBYE_UNSPECIFIED, "%s",
                     ez_message_name(type));
        cr_assert(message_is_equal(&decoded.message, sample_message(type)), "%s",
                  ez_message_name(type));
        ez_decoded_clear(&decoded);
        ez_buffer_clear(&frame);
    }
}

Test(codec, message_size_is_known_without_encoding)
{
    for (ez_message_type type = EZ_MSG_HELLO; (int)type < EZ_MESSAGE_TYPES;
         type = next_type(type)) {
        ez_buffer frame = encoded(sample_message(type));
        cr_assert_eq(ez_message_bytes(sample_message(type)), frame.size, "%s",
                     ez_message_name(type));
        ez_buffer_clear(&frame);
    }
}

Test(codec, encoding_appends)
{
    ez_buffer out = {0};
    ez_buffer_add_text(&out, "before");
    ez_wire_encode(&out, sample_message(EZ_MSG_READY));
    cr_assert_eq(out.size, 12);
    cr_assert_eq(memcmp(out.data, "before\0\0\0\2\x12\0", 12), 0);
    ez_buffer_clear(&out);
}

Test(codec, no_cut_off_frame_decodes)
{
    for (ez_message_type type = EZ_MSG_HELLO; (int)type < EZ_MESSAGE_TYPES;
         type = next_type(type)) {
        ez_buffer frame = encoded(sample_message(type));
        for (size_t size = 0; size + EZ_FRAME_PREFIX_BYTES < frame.size; size++) {
            /* in memory of its own, so that a sanitizer sees a read past the end */
            uint8_t *cut = ez_memdup(frame.data + EZ_FRAME_PREFIX_BYTES, size);
            ez_decoded decoded;
            cr_assert_eq(ez_wire_decode(&decoded, cut, size), EZ_GOODBYE_FRAME_MALFORMED,
                         "%s cut to %zu", ez_message_name(type), size);
            cr_assert_null(decoded.memory);
            free(cut);
        }
        ez_buffer_clear(&frame);
    }
}

Test(codec, body_head_and_bytes_make_the_frame)
{
    static const size_t sizes[] = {1, 91, 92, 127, 128, 16383, 16384, EZ_BLOCK_BODY_BYTES_MAX};
    uint8_t *bytes = ez_alloc(1, EZ_BLOCK_BODY_BYTES_MAX);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ez_message message = {.type = EZ_MSG_BODY};
        memset(&message.as.body.id, 0x44, sizeof message.as.body.id);
        message.as.body.bytes = (ez_byte_span){bytes, sizes[i]};
        ez_buffer whole = encoded(&message), head = {0};
        ez_wire_encode_body_head(&head, &message);
        cr_assert_eq(head.size + sizes[i], whole.size);
        cr_assert_eq(memcmp(head.data, whole.data, head.size), 0);
        cr_assert_eq(ez_message_bytes(&message), whole.size);
        ez_buffer_clear(&whole);
        ez_buffer_clear(&head);
    }
    free(bytes);
}

/* ---- limits: each at its maximum and one above -------------------------------------------- */

#define EXPECT_LIMIT(message_at, message_over)                                                     \
    do {                                                                                           \
        cr_assert_eq(verdict_on(message_at), EZ_GOODBYE_UNSPECIFIED);                              \
        cr_assert_eq(verdict_on(message_over), EZ_GOODBYE_MESSAGE_LIMIT);                          \
    } while (0)

static void expect_tx_ids_limit(ez_message_type type)
{
    ez_tx_id *list = ez_alloc(EZ_IDS_MAX + 1, sizeof *list);
    ez_message at = {.type = type}, over = {.type = type}, none = {.type = type};
    at.as.tx_ids.list = over.as.tx_ids.list = list;
    at.as.tx_ids.count = EZ_IDS_MAX;
    over.as.tx_ids.count = EZ_IDS_MAX + 1;
    EXPECT_LIMIT(&at, &over);
    cr_assert_eq(verdict_on(&none), EZ_GOODBYE_MESSAGE_LIMIT);
    free(list);
}

Test(codec, transaction_ids_are_one_to_a_thousand)
{
    expect_tx_ids_limit(EZ_MSG_ANNOUNCE_TXS);
    expect_tx_ids_limit(EZ_MSG_GET_TXS);
    expect_tx_ids_limit(EZ_MSG_MISSING_TXS);
}

static void expect_block_ids_limit(ez_message_type type)
{
    ez_block_id list[EZ_BODIES_IN_FLIGHT_PEER + 1] = {0};
    ez_message at = {.type = type}, over = {.type = type}, none = {.type = type};
    at.as.block_ids.list = over.as.block_ids.list = list;
    at.as.block_ids.count = EZ_BODIES_IN_FLIGHT_PEER;
    over.as.block_ids.count = EZ_BODIES_IN_FLIGHT_PEER + 1;
    EXPECT_LIMIT(&at, &over);
    cr_assert_eq(verdict_on(&none), EZ_GOODBYE_MESSAGE_LIMIT);
}

Test(codec, block_ids_are_one_to_sixteen)
{
    expect_block_ids_limit(EZ_MSG_GET_BODIES);
    expect_block_ids_limit(EZ_MSG_MISSING_BODIES);
}

Test(codec, locator_has_one_to_sixty_four_ids)
{
    ez_block_id list[EZ_LOCATOR_MAX + 1] = {0};
    ez_message at = {.type = EZ_MSG_GET_HEADERS}, over = at, none = at;
    at.as.get_headers.locator = over.as.get_headers.locator = list;
    at.as.get_headers.count = EZ_LOCATOR_MAX;
    over.as.get_headers.count = EZ_LOCATOR_MAX + 1;
    EXPECT_LIMIT(&at, &over);
    cr_assert_eq(verdict_on(&none), EZ_GOODBYE_MESSAGE_LIMIT);
}

Test(codec, headers_are_none_to_two_thousand)
{
    ez_header *list = ez_alloc(EZ_HEADERS_MAX + 1, sizeof *list);
    ez_message at = {.type = EZ_MSG_HEADERS}, over = at, none = at;
    at.as.headers.list = over.as.headers.list = list;
    at.as.headers.count = EZ_HEADERS_MAX;
    over.as.headers.count = EZ_HEADERS_MAX + 1;
    EXPECT_LIMIT(&at, &over);
    cr_assert_eq(verdict_on(&none), EZ_GOODBYE_UNSPECIFIED);
    free(list);
}

Test(codec, addresses_are_none_to_a_thousand)
{
    ez_known_address *list = ez_alloc(EZ_ADDRESSES_MAX + 1, sizeof *list);
    for (size_t i = 0; i < EZ_ADDRESSES_MAX + 1; i++) {
        cr_assert(ez_endpoint_parse(&list[i].endpoint, i % 2 == 0 ? "10.0.0.1:1" : "[fd00::1]:1"));
    }
    ez_message at = {.type = EZ_MSG_ADDRESSES}, over = at, none = at;
    at.as.addresses.list = over.as.addresses.list = list;
    at.as.addresses.count = EZ_ADDRESSES_MAX;
    over.as.addresses.count = EZ_ADDRESSES_MAX + 1;
    EXPECT_LIMIT(&at, &over);
    cr_assert_eq(verdict_on(&none), EZ_GOODBYE_UNSPECIFIED);
    free(list);
}

/* `count` transactions of `size` bytes in a message of `type`. */
static ez_goodbye verdict_on_txs(ez_message_type type, size_t count, size_t size)
{
    uint8_t *bytes = ez_alloc(1, size);
    ez_byte_span *list = ez_alloc(count, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = (ez_byte_span){bytes, size};
    }
    ez_message message = {.type = type};
    if (type == EZ_MSG_TXS) {
        message.as.txs.list = list;
        message.as.txs.count = count;
    } else {
        message.as.parts.list = list;
        message.as.parts.count = count;
    }
    ez_goodbye verdict = verdict_on(&message);
    free(list);
    free(bytes);
    return verdict;
}

Test(codec, transactions_are_one_to_a_thousand)
{
    cr_assert_eq(verdict_on_txs(EZ_MSG_TXS, 0, 1), EZ_GOODBYE_MESSAGE_LIMIT);
    cr_assert_eq(verdict_on_txs(EZ_MSG_TXS, EZ_IDS_MAX, 135), EZ_GOODBYE_UNSPECIFIED);
    cr_assert_eq(verdict_on_txs(EZ_MSG_TXS, EZ_IDS_MAX + 1, 135), EZ_GOODBYE_MESSAGE_LIMIT);
}

Test(codec, a_transaction_takes_one_to_519_bytes)
{
    cr_assert_eq(verdict_on_txs(EZ_MSG_TXS, 1, 0), EZ_GOODBYE_MESSAGE_LIMIT);
    cr_assert_eq(verdict_on_txs(EZ_MSG_TXS, 1, 1), EZ_GOODBYE_UNSPECIFIED);
    cr_assert_eq(verdict_on_txs(EZ_MSG_TXS, EZ_IDS_MAX, 519), EZ_GOODBYE_UNSPECIFIED);
    cr_assert_eq(verdict_on_txs(EZ_MSG_TXS, 1, 520), EZ_GOODBYE_MESSAGE_LIMIT);
    cr_assert_eq(verdict_on_txs(EZ_MSG_PARTS, 1, 520), EZ_GOODBYE_MESSAGE_LIMIT);
}

Test(codec, parts_may_be_none_and_hold_a_whole_block)
{
    cr_assert_eq(verdict_on_txs(EZ_MSG_PARTS, 0, 1), EZ_GOODBYE_UNSPECIFIED);
    cr_assert_eq(verdict_on_txs(EZ_MSG_PARTS, EZ_BLOCK_BODY_BYTES_MAX / 135, 135),
                 EZ_GOODBYE_UNSPECIFIED);
    cr_assert_eq(verdict_on_txs(EZ_MSG_PARTS, EZ_BLOCK_BODY_BYTES_MAX / 100 + 1, 100),
                 EZ_GOODBYE_MESSAGE_LIMIT);
}

Test(codec, positions_are_one_to_ten_thousand)
{
    uint32_t *list = ez_alloc(10001, sizeof *list);
    for (uint32_t i = 0; i < 10001; i++) {
        list[i] = i;
    }
    ez_message at = {.type = EZ_MSG_GET_PARTS}, over = at, none = at;
    at.as.get_parts.positions = over.as.get_parts.positions = list;
    at.as.get_parts.count = 10000;
    over.as.get_parts.count = 10001;
    EXPECT_LIMIT(&at, &over);
    cr_assert_eq(verdict_on(&none), EZ_GOODBYE_MESSAGE_LIMIT);
    free(list);
}

Test(codec, positions_rise)
{
    static const uint32_t same[] = {4, 4}, falling[] = {5, 4}, rising[] = {4, 5};
    ez_message message = {.type = EZ_MSG_GET_PARTS};
    message.as.get_parts.count = 2;
    message.as.get_parts.positions = rising;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_UNSPECIFIED);
    message.as.get_parts.positions = same;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_FRAME_MALFORMED);
    message.as.get_parts.positions = falling;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_FRAME_MALFORMED);
}

Test(codec, a_body_takes_one_to_a_million_bytes)
{
    uint8_t *bytes = ez_alloc(1, EZ_BLOCK_BODY_BYTES_MAX + 1);
    ez_message at = {.type = EZ_MSG_BODY}, over = at, none = at;
    at.as.body.bytes = (ez_byte_span){bytes, EZ_BLOCK_BODY_BYTES_MAX};
    over.as.body.bytes = (ez_byte_span){bytes, EZ_BLOCK_BODY_BYTES_MAX + 1};
    EXPECT_LIMIT(&at, &over);
    cr_assert_eq(verdict_on(&none), EZ_GOODBYE_MESSAGE_LIMIT);
    free(bytes);
}

Test(codec, short_ids_are_none_to_ten_thousand)
{
    static const uint8_t reward[520];
    uint64_t *list = ez_alloc(10001, sizeof *list);
    ez_message at = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    at.as.announce_block.short_ids = list;
    at.as.announce_block.short_id_count = 10000;
    at.as.announce_block.reward = (ez_byte_span){reward, 519};
    ez_message over = at, none = at, large = at, absent = at;
    over.as.announce_block.short_id_count = 10001;
    none.as.announce_block.short_id_count = 0;
    large.as.announce_block.reward.size = 520;
    absent.as.announce_block.reward.size = 0;
    EXPECT_LIMIT(&at, &over);
    cr_assert_eq(verdict_on(&none), EZ_GOODBYE_UNSPECIFIED);
    cr_assert_eq(verdict_on(&large), EZ_GOODBYE_MESSAGE_LIMIT);
    cr_assert_eq(verdict_on(&absent), EZ_GOODBYE_MESSAGE_LIMIT);
    free(list);
}

Test(codec, user_agent_is_up_to_64_bytes_of_printable_ascii)
{
    char text[65];
    memset(text, '~', sizeof text);
    ez_message message = *sample_message(EZ_MSG_HELLO);
    message.as.hello.user_agent = text;
    message.as.hello.user_agent_size = 64;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_UNSPECIFIED);
    message.as.hello.user_agent_size = 65;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_MESSAGE_LIMIT);
    message.as.hello.user_agent_size = 0;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_UNSPECIFIED);
    message.as.hello.user_agent_size = 3;
    text[1] = ' ';
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_UNSPECIFIED);
    text[1] = 0x1f;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_FRAME_MALFORMED);
    text[1] = 0x7f;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_FRAME_MALFORMED);
    text[1] = (char)0xc3;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_FRAME_MALFORMED);
}

Test(codec, goodbye_text_is_up_to_200_bytes_of_clean_utf8)
{
    char text[201];
    memset(text, 'a', sizeof text);
    ez_message message = {.type = EZ_MSG_GOODBYE};
    message.as.goodbye.reason = UINT32_MAX; /* a reason of a later version */
    message.as.goodbye.text = text;
    message.as.goodbye.text_size = 200;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_UNSPECIFIED);
    memcpy(text, "\xc3\xbc", 2);
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_UNSPECIFIED);
    memcpy(text, "\xc3\x28", 2);
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_FRAME_MALFORMED);
    memcpy(text, "a\n", 2);
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_FRAME_MALFORMED);
    message.as.goodbye.text_size = 0;
    cr_assert_eq(verdict_on(&message), EZ_GOODBYE_UNSPECIFIED);
}
