#include "scan_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/wire/codec.h"
#include "support_messages.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void add_varint(ez_buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        ez_buffer_add_u8(out, (uint8_t)(value | 0x80));
    }
    ez_buffer_add_u8(out, (uint8_t)value);
}

static void add_field(ez_buffer *out, uint32_t number, const void *data, size_t size)
{
    add_varint(out, (uint64_t)number << 3 | 2);
    add_varint(out, size);
    ez_buffer_add(out, data, size);
}

/* The verdict on an envelope with one body. What the scan lets through is decoded too: nothing that
 * passes may trip the rest. */
static ez_goodbye verdict_on(uint32_t number, const void *body, size_t size)
{
    ez_buffer frame = {0};
    add_field(&frame, number, body, size);
    ez_goodbye verdict = ez_scan_envelope(frame.data, frame.size);
    ez_decoded decoded;
    ez_goodbye whole = ez_wire_decode(&decoded, frame.data, frame.size);
    cr_assert(verdict == EZ_GOODBYE_UNSPECIFIED || whole == verdict);
    ez_decoded_clear(&decoded);
    ez_buffer_clear(&frame);
    return whole;
}

#define VERDICT(number, literal) verdict_on((number), (literal), sizeof(literal) - 1)

#define OK        EZ_GOODBYE_UNSPECIFIED
#define MALFORMED EZ_GOODBYE_FRAME_MALFORMED
#define LIMIT     EZ_GOODBYE_MESSAGE_LIMIT

static ez_goodbye verdict_on_frame(const void *frame, size_t size)
{
    return ez_scan_envelope(frame, size);
}

Test(scan, frame_without_a_body_is_malformed)
{
    cr_assert_eq(verdict_on_frame("", 0), MALFORMED);
}

Test(scan, frame_with_two_bodies_is_malformed)
{
    cr_assert_eq(verdict_on_frame("\x12\x00", 2), OK);
    cr_assert_eq(verdict_on_frame("\x12\x00\x32\x00", 4), MALFORMED);
    cr_assert_eq(verdict_on_frame("\x12\x00\x12\x00", 4), MALFORMED, "the same body twice");
}

Test(scan, body_of_an_unknown_type_is_malformed)
{
    cr_assert_eq(VERDICT(19, ""), MALFORMED, "parts without an id");
    cr_assert_eq(VERDICT(22, ""), MALFORMED, "a prune of no tree");
    cr_assert_eq(VERDICT(23, ""), MALFORMED, "nothing to grow");
    cr_assert_eq(VERDICT(EZ_MESSAGE_TYPES, ""), MALFORMED);
    cr_assert_eq(VERDICT(UINT32_MAX >> 3, ""), MALFORMED);
    cr_assert_eq(verdict_on_frame("\x02\x00", 2), MALFORMED, "field number 0");
}

Test(scan, body_that_is_not_a_message_is_malformed)
{
    cr_assert_eq(verdict_on_frame("\x10\x00", 2), MALFORMED, "varint");
    cr_assert_eq(verdict_on_frame("\x11\0\0\0\0\0\0\0\0", 9), MALFORMED, "64 bits");
    cr_assert_eq(verdict_on_frame("\x15\0\0\0\0", 5), MALFORMED, "32 bits");
    cr_assert_eq(verdict_on_frame("\x13\x14", 2), MALFORMED, "group");
}

Test(scan, truncated_varints_are_malformed)
{
    cr_assert_eq(verdict_on_frame("\x92", 1), MALFORMED);
    cr_assert_eq(verdict_on_frame("\x12\x80", 2), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x08\xff"), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_PING, "\x09\1\2\3\4\5\6\7"), MALFORMED);
}

Test(scan, varints_have_one_form)
{
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x08\x05"), OK);
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x08\x85\x00"), MALFORMED, "a value with a padding byte");
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x88\x00\x05"), MALFORMED, "a tag with one");
    cr_assert_eq(verdict_on_frame("\x12\x80\x00", 3), MALFORMED, "a length with one");
}

Test(scan, integers_fit_their_type)
{
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x08\xff\xff\xff\xff\x0f"), OK, "2^32 - 1");
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x08\x80\x80\x80\x80\x10"), MALFORMED, "2^32");
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), MALFORMED,
                 "over 64 bits");
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01"),
                 MALFORMED, "over ten bytes");
}

Test(scan, length_past_the_end_is_malformed)
{
    cr_assert_eq(verdict_on_frame("\x12\x01", 2), MALFORMED);
    cr_assert_eq(verdict_on_frame("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), MALFORMED,
                 "2^64 - 1");
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x12\x02x"), MALFORMED);
}

Test(scan, repeated_singular_field_is_malformed)
{
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x08\x05\x08\x05"), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x12\x01x\x12\x01x"), MALFORMED);
}

Test(scan, unknown_field_is_malformed_outside_hello)
{
    cr_assert_eq(VERDICT(EZ_MSG_READY, "\x08\x01"), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_PING, "\x10\x01"), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_ADDRESSES, "\x12\x00"), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_ADDRESSES, "\x0a\x0b\x0a\x04\x7f\0\0\1\x10\x01\x20\x01"), MALFORMED,
                 "inside an address");
}

Test(scan, field_of_another_wire_type_is_malformed)
{
    cr_assert_eq(VERDICT(EZ_MSG_PING, "\x08\x01"), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_GOODBYE, "\x0a\x01x"), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_TXS, "\x08\x01"), MALFORMED);
}

Test(scan, goodbye_text_of_200_bytes_passes_and_201_do_not)
{
    char text[201];
    ez_buffer body = {0};
    memset(text, 'a', sizeof text);
    add_field(&body, 2, text, 200);
    cr_assert_eq(verdict_on(EZ_MSG_GOODBYE, body.data, body.size), OK);
    body.size = 0;
    add_field(&body, 2, text, 201);
    cr_assert_eq(verdict_on(EZ_MSG_GOODBYE, body.data, body.size), LIMIT);
    ez_buffer_clear(&body);
}

Test(scan, strings_of_ids_hold_whole_ids)
{
    ez_buffer body = {0};
    uint8_t ids[65] = {0};
    for (size_t size = 1; size <= 65; size++) {
        body.size = 0;
        add_field(&body, 1, ids, size);
        cr_assert_eq(verdict_on(EZ_MSG_GET_TXS, body.data, body.size),
                     size % 32 == 0 ? OK : MALFORMED, "%zu bytes", size);
    }
    ez_buffer_clear(&body);
}

Test(scan, hashes_have_32_bytes)
{
    ez_buffer body = {0};
    uint8_t bytes[33] = {0};
    for (size_t size = 31; size <= 33; size++) {
        body.size = 0;
        add_field(&body, 1, bytes, size);
        add_field(&body, 2, "x", 1);
        cr_assert_eq(verdict_on(EZ_MSG_BODY, body.data, body.size), size == 32 ? OK : MALFORMED);
    }
    ez_buffer_clear(&body);
}

/* One address of `ip_size` bytes and with `port` as it stands in the bytes. */
static ez_goodbye verdict_on_address(const void *ip, size_t ip_size, const char *port)
{
    ez_buffer address = {0}, body = {0};
    add_field(&address, 1, ip, ip_size);
    ez_buffer_add_text(&address, port);
    add_field(&body, 1, address.data, address.size);
    ez_goodbye verdict = verdict_on(EZ_MSG_ADDRESSES, body.data, body.size);
    ez_buffer_clear(&address);
    ez_buffer_clear(&body);
    return verdict;
}

Test(scan, an_ip_has_4_or_16_bytes)
{
    static const uint8_t zeroes[20];
    for (size_t size = 1; size <= 20; size++) {
        ez_goodbye expected = size == 4 || size == 16 ? OK : MALFORMED;
        cr_assert_eq(verdict_on_address(zeroes, size, "\x10\x01"), expected, "%zu bytes", size);
    }
}

Test(scan, an_ipv4_address_in_16_bytes_is_malformed)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
    cr_assert_eq(verdict_on_address(mapped, 16, "\x10\x01"), MALFORMED);
    cr_assert_eq(verdict_on_address(mapped + 12, 4, "\x10\x01"), OK);
}

Test(scan, a_port_is_1_to_65535)
{
    cr_assert_eq(verdict_on_address("\x7f\0\0\1", 4, ""), MALFORMED, "0");
    cr_assert_eq(verdict_on_address("\x7f\0\0\1", 4, "\x10\x01"), OK);
    cr_assert_eq(verdict_on_address("\x7f\0\0\1", 4, "\x10\xff\xff\x03"), OK, "65535");
    cr_assert_eq(verdict_on_address("\x7f\0\0\1", 4, "\x10\x80\x80\x04"), MALFORMED, "65536");
}

/* ---- Hello -------------------------------------------------------------------------------- */

/* The sample Hello's fields with `more` behind them. */
static ez_goodbye verdict_on_hello_with(const void *more, size_t size)
{
    ez_buffer frame = {0};
    ez_wire_encode(&frame, sample_message(EZ_MSG_HELLO));
    size_t head = 4 + 1 + 2; /* prefix, tag and length, which has two bytes here */
    ez_buffer body = {0};
    ez_buffer_add(&body, frame.data + head, frame.size - head);
    ez_buffer_add(&body, more, size);
    ez_goodbye verdict = verdict_on(EZ_MSG_HELLO, body.data, body.size);
    ez_buffer_clear(&frame);
    ez_buffer_clear(&body);
    return verdict;
}

Test(scan, hello_may_carry_fields_of_later_versions)
{
    cr_assert_eq(verdict_on_hello_with("", 0), OK);
    cr_assert_eq(verdict_on_hello_with("\x58\x01", 2), OK, "varint");
    cr_assert_eq(verdict_on_hello_with("\x5a\x01x", 3), OK, "bytes");
    cr_assert_eq(verdict_on_hello_with("\x59\0\0\0\0\0\0\0\0", 9), OK, "64 bits");
    cr_assert_eq(verdict_on_hello_with("\x5d\0\0\0\0", 5), OK, "32 bits");
    cr_assert_eq(verdict_on_hello_with("\x5b\x5c", 2), MALFORMED, "group");
    cr_assert_eq(verdict_on_hello_with("\x08\x01", 2), MALFORMED, "a known field again");
}

Test(scan, hello_carries_at_most_16_unknown_fields)
{
    char fields[34];
    for (size_t i = 0; i < sizeof fields; i += 2) {
        memcpy(fields + i, "\x58\x01", 2);
    }
    cr_assert_eq(verdict_on_hello_with(fields, 32), OK);
    cr_assert_eq(verdict_on_hello_with(fields, 34), LIMIT);
}

Test(scan, hello_is_at_most_4_kib_even_after_the_handshake)
{
    size_t known = ez_message_bytes(sample_message(EZ_MSG_HELLO)) - 7;
    size_t room = EZ_FRAME_HELLO_BYTES_MAX - known;
    ez_buffer more = {0};
    uint8_t *filling = ez_alloc(1, room);
    add_field(&more, 11, filling, room - 3); /* tag and a length of two bytes */
    cr_assert_eq(more.size, room);
    cr_assert_eq(verdict_on_hello_with(more.data, more.size), OK);
    more.size = 0;
    add_field(&more, 11, filling, room - 2);
    cr_assert_eq(verdict_on_hello_with(more.data, more.size), LIMIT);
    ez_buffer_clear(&more);
    free(filling);
}

Test(scan, hello_without_its_hashes_is_malformed)
{
    cr_assert_eq(VERDICT(EZ_MSG_HELLO, ""), MALFORMED);
    cr_assert_eq(VERDICT(EZ_MSG_HELLO, "\x08\x01"), MALFORMED);
}

/* ---- attacks on the decoder --------------------------------------------------------------- */

/* A megabyte of empty list entries, two bytes each. */
static ez_goodbye verdict_on_empty_entries(ez_message_type type, uint32_t field)
{
    ez_buffer body = {0};
    if (type == EZ_MSG_PARTS) {
        add_field(&body, 1, (const uint8_t[32]){0}, 32);
    }
    while (body.size < 1048576 - 16) {
        add_field(&body, field, "", 0);
    }
    ez_goodbye verdict = verdict_on(type, body.data, body.size);
    ez_buffer_clear(&body);
    return verdict;
}

Test(scan, a_megabyte_of_empty_entries_is_refused_before_it_is_unpacked)
{
    cr_assert_eq(verdict_on_empty_entries(EZ_MSG_TXS, 1), LIMIT);
    cr_assert_eq(verdict_on_empty_entries(EZ_MSG_PARTS, 2), LIMIT);
    cr_assert_eq(verdict_on_empty_entries(EZ_MSG_ADDRESSES, 1), MALFORMED, "an empty address");
}

Test(scan, a_megabyte_of_one_byte_entries_is_over_the_count)
{
    ez_buffer body = {0};
    add_field(&body, 1, (const uint8_t[32]){0}, 32);
    while (body.size < 1048576 - 16) {
        add_field(&body, 2, "x", 1);
    }
    cr_assert_eq(verdict_on(EZ_MSG_PARTS, body.data, body.size), LIMIT);
    ez_buffer_clear(&body);
}

Test(scan, ten_thousand_one_byte_entries_are_over_the_budget)
{
    ez_buffer body = {0};
    add_field(&body, 1, (const uint8_t[32]){0}, 32);
    for (unsigned i = 0; i < 10000; i++) {
        add_field(&body, 2, "x", 1);
    }
    ez_buffer frame = {0};
    add_field(&frame, EZ_MSG_PARTS, body.data, body.size);
    cr_assert_eq(ez_scan_envelope(frame.data, frame.size), OK, "within every count and size");
    ez_decoded decoded;
    cr_assert_eq(ez_wire_decode(&decoded, frame.data, frame.size), LIMIT);
    ez_buffer_clear(&body);
    ez_buffer_clear(&frame);
}

/* Messages within messages, each the first field of the one around it, 34 KB deep. */
Test(scan, deep_nesting_is_refused_without_recursion)
{
    enum { SIZE = 34 * 1024 };
    uint8_t *frame = ez_alloc(1, SIZE);
    size_t at = SIZE;
    size_t inner = 0;
    while (at > 8) {
        ez_buffer head = {0};
        add_varint(&head, EZ_MSG_ADDRESSES << 3 | 2);
        add_varint(&head, inner);
        at -= head.size;
        memcpy(frame + at, head.data, head.size);
        inner += head.size;
        ez_buffer_clear(&head);
    }
    cr_assert_eq(ez_scan_envelope(frame + at, SIZE - at), MALFORMED);
    memset(frame, 0x0b, SIZE); /* groups: a start tag for each byte */
    cr_assert_eq(ez_scan_envelope(frame, SIZE), MALFORMED);
    cr_assert_eq(verdict_on_hello_with(frame, 3000), MALFORMED);
    free(frame);
}
