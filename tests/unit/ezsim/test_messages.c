/* Messages on their way: one copy, one decoding, and nothing else for whoever looks. */
#include "messages.h"

#include "ezp2p/base/buffer.h"
#include "ezp2p/wire/frame.h"

#include <criterion/criterion.h>

static ez_buffer ping(uint64_t nonce)
{
    ez_buffer bytes = {0};
    ez_message message = {.type = EZ_MSG_PING};
    message.as.ping.nonce = nonce;
    ez_wire_encode(&bytes, &message);
    return bytes;
}

static uint64_t nonce_of(sim_messages *messages, const ez_buffer *bytes, bool *is_own)
{
    sim_decoded own = {0};
    sim_decoded *const opened = sim_messages_open(
        messages, &own, bytes->data + EZ_FRAME_PREFIX_BYTES, bytes->size - EZ_FRAME_PREFIX_BYTES);
    cr_assert_eq(opened->fault, EZ_GOODBYE_UNSPECIFIED);
    cr_assert_eq(opened->decoded.message.type, EZ_MSG_PING);
    const uint64_t nonce = opened->decoded.message.as.ping.nonce;
    *is_own = opened == &own;
    sim_messages_close(opened, &own);
    return nonce;
}

Test(messages, equal_bytes_are_held_once_and_opened_from_there)
{
    sim_messages *const messages = sim_messages_new();
    ez_buffer bytes = ping(7);
    uint64_t hash, again;
    bool is_own = true;
    ez_blob *const one = sim_messages_hold(messages, &hash, bytes.data, bytes.size);
    ez_blob *const two = sim_messages_hold(messages, &again, bytes.data, bytes.size);
    cr_expect_eq(one, two);
    cr_expect_eq(hash, again);
    cr_expect_eq(nonce_of(messages, &bytes, &is_own), 7);
    cr_expect_not(is_own);
    ez_blob_unref(one);
    ez_blob_unref(two);
    cr_expect_eq(nonce_of(messages, &bytes, &is_own), 7); /* decoded before, still right */
    ez_buffer_clear(&bytes);
    sim_messages_free(messages);
}

Test(messages, what_is_not_held_is_opened_all_the_same)
{
    sim_messages *const messages = sim_messages_new();
    ez_buffer bytes = ping(8);
    bool is_own = false;
    cr_expect_eq(nonce_of(messages, &bytes, &is_own), 8);
    cr_expect(is_own);
    ez_buffer_clear(&bytes);
    sim_messages_free(messages);
}

Test(messages, what_is_open_is_not_replaced)
{
    sim_messages *const messages = sim_messages_new();
    ez_buffer bytes = ping(9);
    uint64_t hash;
    sim_decoded own = {0};
    ez_blob_unref(sim_messages_hold(messages, &hash, bytes.data, bytes.size));
    sim_decoded *const opened = sim_messages_open(
        messages, &own, bytes.data + EZ_FRAME_PREFIX_BYTES, bytes.size - EZ_FRAME_PREFIX_BYTES);
    for (uint64_t nonce = 100; nonce < 40000; nonce++) { /* some share its place */
        ez_buffer other = ping(nonce);
        ez_blob *const held = sim_messages_hold(messages, &hash, other.data, other.size);
        cr_assert_eq(ez_blob_size(held), other.size);
        cr_assert_arr_eq(ez_blob_data(held), other.data, other.size);
        ez_blob_unref(held);
        ez_buffer_clear(&other);
    }
    cr_expect_eq(opened->decoded.message.as.ping.nonce, 9);
    sim_messages_close(opened, &own);
    ez_buffer_clear(&bytes);
    sim_messages_free(messages);
}

Test(messages, faults_are_the_bytes_own)
{
    sim_messages *const messages = sim_messages_new();
    const uint8_t garbage[] = {0, 0, 0, 3, 0xff, 0xff, 0xff};
    const uint8_t shorter[] = {0, 0};
    uint64_t hash;
    sim_decoded own = {0};
    for (int i = 0; i < 2; i++) {
        ez_blob_unref(sim_messages_hold(messages, &hash, garbage, sizeof(garbage)));
        sim_decoded *const opened = sim_messages_open(messages, &own, garbage + 4, 3);
        cr_expect_eq(opened->fault, EZ_GOODBYE_FRAME_MALFORMED);
        sim_messages_close(opened, &own);
    }
    ez_blob *const held = sim_messages_hold(messages, &hash, shorter, sizeof(shorter));
    cr_expect_eq(ez_blob_size(held), 2);
    ez_blob_unref(held);
    sim_messages_free(messages);
}
