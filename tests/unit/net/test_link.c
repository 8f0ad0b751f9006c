#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/wire/codec.h"
#include "ezp2p/wire/frame.h"
#include "support_core.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A started core with one accepted link and the peer's end of it. */
typedef struct link_pair {
    fake_core *core;
    int peer;
    ez_link_id link;
} link_pair;

static link_pair pair_on(fake_core *core)
{
    link_pair out = {.core = core};
    fake_start(core);
    out.peer = fake_connect(core);
    out.link = fake_wait(core, EZ_EVENT_LINK_UP, 1)->link;
    return out;
}

static link_pair new_pair(void)
{
    return pair_on(fake_new_listening());
}

static void pair_free(link_pair *pair)
{
    close(pair->peer);
    fake_free(pair->core);
}

static void send_and_poke(link_pair *pair, const ez_message *message)
{
    fake_send(pair->core, pair->link, message);
    fake_poke(pair->core);
}

/* Let the loop turn often enough for anything that is under way to arrive. */
static void turn_for_a_while(fake_core *core)
{
    for (unsigned i = 0; i < 20; i++) {
        fake_turn(core);
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

Test(link, message_sent_byte_by_byte_arrives_once)
{
    link_pair pair = new_pair();
    ez_message ping = ping_of(77);
    ez_buffer frame = {0};
    ez_wire_encode(&frame, &ping);
    for (size_t i = 0; i < frame.size; i++) {
        cr_assert_eq(fake_count(pair.core, EZ_EVENT_MESSAGE), 0);
        peer_send(pair.core, pair.peer, frame.data + i, 1);
        fake_turn(pair.core);
    }
    const seen_event *seen = fake_wait(pair.core, EZ_EVENT_MESSAGE, 1);
    cr_assert_eq(seen->link.value, pair.link.value);
    cr_assert_eq(seen->message, EZ_MSG_PING);
    cr_assert_eq(seen->number, 77);
    cr_assert_eq(seen->wire_bytes, frame.size);
    ez_buffer_clear(&frame);
    pair_free(&pair);
}

Test(link, a_burst_larger_than_one_serving_arrives_in_order)
{
    enum { COUNT = 500 };
    link_pair pair = new_pair();
    ez_buffer burst = {0};
    for (uint64_t i = 1; i <= COUNT; i++) {
        ez_message ping = ping_of(i);
        ez_wire_encode(&burst, &ping);
    }
    peer_send(pair.core, pair.peer, burst.data, burst.size);
    fake_wait(pair.core, EZ_EVENT_MESSAGE, COUNT);
    for (uint64_t i = 1; i <= COUNT; i++) {
        cr_assert_eq(fake_wait(pair.core, EZ_EVENT_MESSAGE, i)->number, i);
    }
    ez_buffer_clear(&burst);
    pair_free(&pair);
}

/* How many frames of one link come in a row at most, of the first 64 when two links have a burst.
 */
static unsigned longest_row(uint32_t serve_us)
{
    link_pair first = new_pair();
    first.core->driver->tuning.serve_us = serve_us;
    int second = fake_connect(first.core);
    ez_link_id second_link = fake_wait(first.core, EZ_EVENT_LINK_UP, 2)->link;
    ez_buffer burst = {0};
    ez_message ping = ping_of(1);
    for (unsigned i = 0; i < 300; i++) {
        ez_wire_encode(&burst, &ping);
    }
    /* Both bursts are in the kernel before the loop turns again. */
    cr_assert_eq(send(first.peer, burst.data, burst.size, 0), (ssize_t)burst.size);
    cr_assert_eq(send(second, burst.data, burst.size, 0), (ssize_t)burst.size);
    fake_wait(first.core, EZ_EVENT_MESSAGE, 64);
    unsigned longest = 0, run = 0;
    uint64_t last = 0;
    for (size_t i = 1; i <= 64; i++) {
        uint64_t link = fake_wait(first.core, EZ_EVENT_MESSAGE, i)->link.value;
        run = link == last ? run + 1 : 1;
        last = link;
        longest = run > longest ? run : longest;
    }
    cr_assert_neq(second_link.value, first.link.value);
    ez_buffer_clear(&burst);
    close(second);
    pair_free(&first);
    return longest;
}

Test(link, one_link_is_served_32_frames_before_another_has_its_turn)
{
    cr_assert_eq(longest_row(UINT32_MAX), 32);
}

Test(link, one_link_is_served_one_frame_when_that_takes_its_time)
{
    cr_assert_eq(longest_row(0), 1);
}

static ez_goodbye fault_after(const void *bytes, size_t size)
{
    link_pair pair = new_pair();
    peer_send(pair.core, pair.peer, bytes, size);
    ez_goodbye fault = fake_wait(pair.core, EZ_EVENT_LINK_FAULT, 1)->fault;
    pair_free(&pair);
    return fault;
}

Test(link, a_first_frame_over_4_kib_is_a_fault)
{
    cr_assert_eq(fault_after("\0\0\x10\x01", 4), EZ_GOODBYE_FRAME_SIZE);
}

Test(link, a_frame_of_length_zero_is_a_fault)
{
    cr_assert_eq(fault_after("\0\0\0\0", 4), EZ_GOODBYE_FRAME_SIZE);
}

Test(link, a_frame_that_does_not_decode_is_a_fault)
{
    cr_assert_eq(fault_after("\0\0\0\2\x12\1", 6), EZ_GOODBYE_FRAME_MALFORMED);
    cr_assert_eq(fault_after("\0\0\0\2\x42\0", 6), EZ_GOODBYE_MESSAGE_LIMIT, "no ids");
}

/* A frame of a body of `size` bytes. */
static ez_buffer body_frame(size_t size)
{
    uint8_t *bytes = ez_alloc(1, size);
    ez_message body = {.type = EZ_MSG_BODY};
    body.as.body.bytes = (ez_byte_span){bytes, size};
    ez_buffer frame = {0};
    ez_wire_encode(&frame, &body);
    free(bytes);
    return frame;
}

Test(link, a_full_body_passes_once_the_handshake_is_done)
{
    link_pair pair = new_pair();
    ez_effect ready = {.type = EZ_EFFECT_READY, .link = pair.link};
    fake_effect(pair.core, &ready);
    fake_poke(pair.core);
    ez_buffer frame = body_frame(EZ_BLOCK_BODY_BYTES_MAX);
    peer_send(pair.core, pair.peer, frame.data, frame.size);
    const seen_event *seen = fake_wait(pair.core, EZ_EVENT_MESSAGE, 1);
    cr_assert_eq(seen->message, EZ_MSG_BODY);
    cr_assert_eq(seen->wire_bytes, frame.size);
    uint8_t over[4] = {0, 0x11, 0, 1}; /* EZ_FRAME_BYTES_MAX is 0x110000 */
    peer_send(pair.core, pair.peer, over, sizeof over);
    cr_assert_eq(fake_wait(pair.core, EZ_EVENT_LINK_FAULT, 1)->fault, EZ_GOODBYE_FRAME_SIZE);
    ez_buffer_clear(&frame);
    pair_free(&pair);
}

Test(link, nothing_is_read_after_a_fault)
{
    link_pair pair = new_pair();
    ez_message ping = ping_of(1);
    peer_send(pair.core, pair.peer, "\0\0\0\0", 4);
    fake_wait(pair.core, EZ_EVENT_LINK_FAULT, 1);
    peer_send_message(pair.core, pair.peer, &ping);
    turn_for_a_while(pair.core);
    cr_assert_eq(fake_count(pair.core, EZ_EVENT_MESSAGE), 0);
    cr_assert_eq(fake_count(pair.core, EZ_EVENT_LINK_FAULT), 1);
    cr_assert_eq(fake_count(pair.core, EZ_EVENT_LINK_DOWN), 0);
    pair_free(&pair);
}

Test(link, the_last_message_before_the_end_comes_before_link_down)
{
    link_pair pair = new_pair();
    ez_message goodbye = goodbye_of(EZ_GOODBYE_SHUTDOWN);
    for (unsigned i = 0; i < 100; i++) { /* more than one serving */
        peer_send_message(pair.core, pair.peer, &goodbye);
    }
    shutdown(pair.peer, SHUT_WR);
    fake_wait(pair.core, EZ_EVENT_LINK_DOWN, 1);
    cr_assert_eq(fake_count(pair.core, EZ_EVENT_MESSAGE), 100);
    cr_assert_eq(pair.core->seen[pair.core->seen_count - 1].type, EZ_EVENT_LINK_DOWN);
    fake_wait_links(pair.core, 0);
    cr_assert_eq(fake_count(pair.core, EZ_EVENT_LINK_DOWN), 1);
    pair_free(&pair);
}

Test(link, a_reset_is_the_end_of_a_link)
{
    link_pair pair = new_pair();
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    cr_assert_eq(setsockopt(pair.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(pair.peer);
    fake_wait(pair.core, EZ_EVENT_LINK_DOWN, 1);
    fake_wait_links(pair.core, 0);
    fake_free(pair.core);
}

/* ---- timeouts ----------------------------------------------------------------------------- */

static fake_core *new_impatient_core(void)
{
    fake_core *core = fake_new_listening();
    core->driver->tuning.sweep_ms = 2;
    return core;
}

/* The bound is on the whole frame: that bytes keep coming does not help. */
Test(link, a_frame_that_drips_is_a_fault)
{
    fake_core *core = new_impatient_core();
    core->driver->tuning.frame_timeout_ms = 20;
    link_pair pair = pair_on(core);
    peer_send(core, pair.peer, "\0\0\x10\0", 4);
    for (unsigned i = 0; i < 4000 && fake_count(core, EZ_EVENT_LINK_FAULT) == 0; i++) {
        peer_send(core, pair.peer, "x", 1);
        fake_turn(core);
    }
    cr_assert_eq(fake_wait(core, EZ_EVENT_LINK_FAULT, 1)->fault, EZ_GOODBYE_TIMEOUT);
    pair_free(&pair);
}

Test(link, no_frame_under_way_is_no_timeout)
{
    fake_core *core = new_impatient_core();
    core->driver->tuning.frame_timeout_ms = 1;
    link_pair pair = pair_on(core);
    ez_message ping = ping_of(1);
    ez_buffer frame = {0};
    ez_wire_encode(&frame, &ping);
    cr_assert_eq(send(pair.peer, frame.data, frame.size, 0), (ssize_t)frame.size);
    fake_wait(core, EZ_EVENT_MESSAGE, 1);
    turn_for_a_while(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_LINK_FAULT), 0);
    ez_buffer_clear(&frame);
    pair_free(&pair);
}

/* A body that no socket buffer on loopback swallows whole. */
static ez_message large_body(void)
{
    static uint8_t bytes[EZ_BLOCK_BODY_BYTES_MAX];
    ez_message body = {.type = EZ_MSG_BODY};
    body.as.body.bytes = (ez_byte_span){bytes, sizeof bytes};
    return body;
}

static void fill_output(link_pair *pair, unsigned bodies)
{
    ez_message body = large_body();
    int small = 4096;
    (void)setsockopt(pair->peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (unsigned i = 0; i < bodies; i++) {
        fake_send(pair->core, pair->link, &body);
        fake_poke(pair->core);
    }
}

Test(link, a_reader_that_does_not_read_is_a_fault)
{
    fake_core *core = new_impatient_core();
    core->driver->tuning.output_stall_ms = 20;
    core->driver->tuning.output_max = 64 * 1048576;
    link_pair pair = pair_on(core);
    fill_output(&pair, 20);
    cr_assert_eq(fake_wait(core, EZ_EVENT_LINK_FAULT, 1)->fault, EZ_GOODBYE_SLOW_READER);
    pair_free(&pair);
}

Test(link, a_full_queue_takes_a_goodbye_and_nothing_else)
{
    fake_core *core = fake_new_listening();
    core->driver->tuning.output_max = 1000;
    link_pair pair = pair_on(core);
    ez_message body = large_body(), goodbye = goodbye_of(EZ_GOODBYE_SLOW_READER), ping = ping_of(1);
    body.as.body.bytes.size = 1000 - (ez_message_bytes(&body) - body.as.body.bytes.size) + 4;
    while (ez_message_bytes(&body) > 1000) {
        body.as.body.bytes.size--;
    }
    cr_assert_eq(ez_message_bytes(&body), 1000, "exactly the limit");
    fake_send(core, pair.link, &body);
    fake_send(core, pair.link, &ping); /* one message too many, in the same batch */
    fake_send(core, pair.link, &ping);
    fake_send(core, pair.link, &goodbye);
    fake_poke(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_LINK_FAULT), 1);
    cr_assert_eq(fake_wait(core, EZ_EVENT_LINK_FAULT, 1)->fault, EZ_GOODBYE_SLOW_READER);
    ez_buffer frame = peer_receive_frame(core, pair.peer);
    cr_assert_eq(frame.size, 996);
    ez_buffer_clear(&frame);
    frame = peer_receive_frame(core, pair.peer);
    cr_assert_eq(frame.data[0] >> 3, EZ_MSG_GOODBYE, "the pings were dropped");
    ez_buffer_clear(&frame);
    pair_free(&pair);
}

/* ---- writing and closing ------------------------------------------------------------------ */

Test(link, what_is_sent_arrives_and_drained_is_told_once)
{
    fake_core *core = fake_new_listening();
    ez_message first = ping_of(1), second = ping_of(2);
    core->driver->tuning.drained_bytes = 2 * ez_message_bytes(&first);
    link_pair pair = pair_on(core);
    fake_send(pair.core, pair.link, &first);
    fake_send(pair.core, pair.link, &second);
    fake_poke(pair.core);
    for (unsigned i = 1; i <= 2; i++) {
        ez_buffer frame = peer_receive_frame(pair.core, pair.peer);
        ez_decoded decoded;
        cr_assert_eq(ez_wire_decode(&decoded, frame.data, frame.size), EZ_GOODBYE_UNSPECIFIED);
        cr_assert_eq(decoded.message.as.ping.nonce, i);
        ez_decoded_clear(&decoded);
        ez_buffer_clear(&frame);
    }
    cr_assert_eq(fake_wait(pair.core, EZ_EVENT_LINK_DRAINED, 1)->link.value, pair.link.value);
    turn_for_a_while(pair.core);
    cr_assert_eq(fake_count(pair.core, EZ_EVENT_LINK_DRAINED), 1);
    uint64_t in, out;
    cr_assert(ez_driver_link_bytes(pair.core->driver, pair.link, &in, &out));
    cr_assert_eq(out, 2 * ez_message_bytes(&first));
    cr_assert_eq(in, 0);
    pair_free(&pair);
}

Test(link, that_little_was_sent_is_not_worth_telling)
{
    fake_core *core = fake_new_listening();
    ez_message ping = ping_of(1);
    core->driver->tuning.drained_bytes = 2 * ez_message_bytes(&ping);
    link_pair pair = pair_on(core);
    send_and_poke(&pair, &ping);
    turn_for_a_while(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_LINK_DRAINED), 0);
    send_and_poke(&pair, &ping);
    cr_assert_eq(fake_count(core, EZ_EVENT_LINK_DRAINED), 1, "both together are");
    pair_free(&pair);
}

Test(link, what_the_kernel_has_room_for_is_out_when_the_callback_is_over)
{
    link_pair pair = new_pair();
    ez_message ping = ping_of(1);
    uint8_t frame[64];
    fake_send(pair.core, pair.link, &ping);
    fake_send(pair.core, pair.link, &ping);
    fake_poke(pair.core); /* the loop does not turn */
    cr_assert_eq(recv(pair.peer, frame, sizeof frame, MSG_DONTWAIT),
                 (ssize_t)(2 * ez_message_bytes(&ping)), "both in one piece");
    pair_free(&pair);
}

static int waiting_peer;
static ssize_t arrived;

static void look_when_checked(fake_core *core, const seen_event *event)
{
    (void)core;
    uint8_t frame[64];
    if (event->type == EZ_EVENT_CHECKED) {
        arrived = recv(waiting_peer, frame, sizeof frame, MSG_DONTWAIT);
    }
}

Test(link, a_message_does_not_wait_for_the_check_after_it)
{
    fake_core *core = fake_new_listening();
    core->react = look_when_checked;
    link_pair pair = pair_on(core);
    waiting_peer = pair.peer;
    ez_message ping = ping_of(1);
    uint8_t *bytes;
    ez_network network;
    ez_network_classic(&network);
    ez_effect check = {.type = EZ_EFFECT_CHECK};
    check.as.job = ez_check_job_new(EZ_CHECK_TX, 1, &network);
    check.as.job->bytes = ez_blob_new_empty(16, &bytes);
    memset(bytes, 0xff, 16);
    fake_send(core, pair.link, &ping);
    fake_effect(core, &check);
    fake_poke(core);
    fake_wait(core, EZ_EVENT_CHECKED, 1);
    cr_assert_eq(arrived, (ssize_t)ez_message_bytes(&ping));
    pair_free(&pair);
}

Test(link, a_body_goes_out_from_the_blob_that_holds_it)
{
    link_pair pair = new_pair();
    uint8_t *bytes;
    ez_blob *blob = ez_blob_new_empty(EZ_BLOCK_BODY_BYTES_MAX, &bytes);
    for (size_t i = 0; i < EZ_BLOCK_BODY_BYTES_MAX; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    ez_message body = {.type = EZ_MSG_BODY};
    body.as.body.bytes = (ez_byte_span){bytes, EZ_BLOCK_BODY_BYTES_MAX};
    body.as.body.blob = blob;
    send_and_poke(&pair, &body);
    ez_blob_unref(blob); /* the queue has a reference of its own */
    ez_buffer frame = peer_receive_frame(pair.core, pair.peer);
    ez_decoded decoded;
    cr_assert_eq(ez_wire_decode(&decoded, frame.data, frame.size), EZ_GOODBYE_UNSPECIFIED);
    const ez_byte_span *got = &decoded.message.as.body.bytes;
    cr_assert_eq(got->size, (size_t)EZ_BLOCK_BODY_BYTES_MAX);
    for (size_t i = 0; i < got->size; i += 997) {
        cr_assert_eq(got->data[i], (uint8_t)(i * 7 + i / 256));
    }
    ez_decoded_clear(&decoded);
    ez_buffer_clear(&frame);
    pair_free(&pair);
}

Test(link, close_flushes_even_when_input_was_left_unread)
{
    link_pair pair = new_pair();
    ez_message goodbye = goodbye_of(EZ_GOODBYE_FRAME_SIZE), body = large_body();
    peer_send(pair.core, pair.peer, "\0\0\0\0", 4);
    fake_wait(pair.core, EZ_EVENT_LINK_FAULT, 1);
    /* Unread bytes at the time of close would make the kernel send a reset instead of an end. */
    peer_send(pair.core, pair.peer, "more than nothing", 17);
    fake_send(pair.core, pair.link, &body);
    fake_send(pair.core, pair.link, &goodbye);
    fake_close(pair.core, pair.link);
    fake_poke(pair.core);
    ez_buffer frame = peer_receive_frame(pair.core, pair.peer);
    ez_buffer_clear(&frame);
    frame = peer_receive_frame(pair.core, pair.peer);
    cr_assert_eq(frame.data[0] >> 3, EZ_MSG_GOODBYE);
    ez_buffer_clear(&frame);
    cr_assert(peer_is_at_end(pair.core, pair.peer));
    close(pair.peer);
    fake_wait_links(pair.core, 0);
    cr_assert_eq(fake_count(pair.core, EZ_EVENT_LINK_DOWN), 0, "no event follows a close");
    fake_free(pair.core);
}

Test(link, close_does_not_wait_for_ever_for_the_other_end)
{
    fake_core *core = fake_new_listening();
    core->driver->tuning.close_ms = 10;
    link_pair pair = pair_on(core);
    fake_close(core, pair.link);
    fake_poke(core);
    cr_assert(peer_is_at_end(core, pair.peer));
    fake_wait_links(core, 0); /* the peer has not closed */
    pair_free(&pair);
}

Test(link, close_does_not_wait_for_ever_for_a_reader)
{
    fake_core *core = fake_new_listening();
    core->driver->tuning.close_ms = 10;
    core->driver->tuning.output_max = 64 * 1048576;
    link_pair pair = pair_on(core);
    fill_output(&pair, 20);
    fake_close(core, pair.link);
    fake_poke(core);
    fake_wait_links(core, 0);
    cr_assert_eq(fake_count(core, EZ_EVENT_LINK_DOWN), 0);
    pair_free(&pair);
}

Test(link, nothing_is_told_about_a_link_closed_meanwhile)
{
    fake_core *core = fake_new_listening();
    core->driver->tuning.output_max = 1;
    link_pair pair = pair_on(core);
    ez_message ping = ping_of(1);
    fake_send(core, pair.link, &ping); /* a fault, to be told after this batch */
    fake_close(core, pair.link);
    fake_poke(core);
    turn_for_a_while(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_LINK_FAULT), 0);
    pair_free(&pair);
}

static void close_on_message(fake_core *core, const seen_event *event)
{
    if (event->type == EZ_EVENT_MESSAGE) {
        fake_close(core, event->link);
        fake_close(core, event->link); /* twice is once */
    }
}

Test(link, a_link_closed_while_it_is_served_gives_no_further_message)
{
    fake_core *core = fake_new_listening();
    core->react = close_on_message;
    link_pair pair = pair_on(core);
    ez_message ping = ping_of(1);
    ez_buffer burst = {0};
    for (unsigned i = 0; i < 10; i++) {
        ez_wire_encode(&burst, &ping);
    }
    cr_assert_eq(send(pair.peer, burst.data, burst.size, 0), (ssize_t)burst.size);
    fake_wait(core, EZ_EVENT_MESSAGE, 1);
    cr_assert(peer_is_at_end(core, pair.peer));
    cr_assert_eq(fake_count(core, EZ_EVENT_MESSAGE), 1);
    ez_buffer_clear(&burst);
    pair_free(&pair);
}

Test(link, effects_on_unknown_links_are_harmless)
{
    link_pair pair = new_pair();
    ez_message ping = ping_of(1);
    ez_link_id unknown = {pair.link.value + 1};
    ez_effect ready = {.type = EZ_EFFECT_READY, .link = unknown};
    fake_send(pair.core, unknown, &ping);
    fake_close(pair.core, unknown);
    fake_effect(pair.core, &ready);
    fake_poke(pair.core);
    uint64_t in, out;
    cr_assert(!ez_driver_link_bytes(pair.core->driver, unknown, &in, &out));
    pair_free(&pair);
}
