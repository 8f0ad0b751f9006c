#include "ezp2p/chain/view.h"

#include "ezp2p/base/text.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/crypto/sha256.h"
#include "support_samples.h"
#include "support_vectors.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static void expect_text(ez_buffer *buffer, const void *wanted, size_t size)
{
    cr_assert_eq(buffer->size, size, "%.*s", (int)buffer->size, (const char *)buffer->data);
    cr_expect_arr_eq(buffer->data, wanted, size);
    ez_buffer_clear(buffer);
}

Test(view, the_golden_genesis_has_the_golden_hash)
{
    static const char text[] = "{\"index\": 1, \"previous_hash\": 1, \"proof\": 100, "
                               "\"timestamp\": 1795349323.435114, \"transactions\": []}";
    ez_network network = sample_network();
    ez_blob *body = ez_blob_new("", 0);
    ez_buffer out = {0};
    ez_hash hash;

    ez_view_add_block(&out, &network.genesis, body, NULL, EZ_VIEW_HASHED);
    expect_text(&out, text, sizeof text - 1);
    ez_view_hash(&hash, &network.genesis, body, NULL);
    cr_expect_str_eq(ez_hash_text(hash.bytes).text,
                     "af2641359ed1a5a92b1cf754aded425c097ead274a18cd761db13e9170711fea");
    ez_blob_unref(body);
}

Test(view, blocks_match_what_python_writes)
{
    vector_file vectors;

    vector_open(&vectors, "view.txt");
    while (vector_next(&vectors, "block")) {
        vector_data bytes = vector_bytes(&vectors, "body");
        vector_data previous_bytes = vector_bytes(&vectors, "previous");
        vector_data text = vector_bytes(&vectors, "text");
        ez_blob *body = ez_blob_new(bytes.bytes, bytes.size);
        const ez_hash *previous = NULL;
        uint8_t header_bytes[EZ_HEADER_BYTES];
        ez_header header;
        ez_hash storage;
        ez_hash hash;
        ez_hash wanted;
        ez_buffer out = {0};
        if (previous_bytes.size > 0) {
            vector_copy(storage.bytes, sizeof storage.bytes, &vectors, "previous");
            previous = &storage;
        }
        vector_copy(header_bytes, sizeof header_bytes, &vectors, "header");
        vector_copy(wanted.bytes, sizeof wanted.bytes, &vectors, "hash");
        ez_header_decode(&header, header_bytes);
        ez_view_add_block(&out, &header, body, previous, EZ_VIEW_HASHED);
        expect_text(&out, text.bytes, text.size);
        ez_view_hash(&hash, &header, body, previous);
        cr_expect(ez_hash_is_equal(&hash, &wanted));
        ez_blob_unref(body);
    }
}

Test(view, strings_match_what_python_writes)
{
    vector_file vectors;

    vector_open(&vectors, "view.txt");
    while (vector_next(&vectors, "string")) {
        vector_data text = vector_bytes(&vectors, "text");
        vector_data json = vector_bytes(&vectors, "json");
        ez_buffer out = {0};
        ez_json_add_string(&out, text.bytes, text.size);
        expect_text(&out, json.bytes, json.size);
    }
}

Test(view, timestamps_match_what_python_writes)
{
    vector_file vectors;

    vector_open(&vectors, "view.txt");
    while (vector_next(&vectors, "timestamp")) {
        const char *text = vector_text(&vectors, "text");
        ez_buffer out = {0};
        ez_view_add_timestamp(&out, vector_number(&vectors, "us"));
        expect_text(&out, text, strlen(text));
    }
}

Test(view, seconds_read_back_as_the_double_they_stand_for)
{
    for (uint64_t us = 1795349323435114; us < UINT64_C(1795349323435114) + 3000000; us += 4999) {
        ez_buffer out = {0};
        ez_view_add_timestamp(&out, us);
        ez_buffer_add_u8(&out, '\0');
        double seconds = strtod((const char *)out.data, NULL);
        double wanted = (double)us / 1e6;
        cr_expect_eq(memcmp(&seconds, &wanted, sizeof wanted), 0, "%s", (const char *)out.data);
        ez_buffer_clear(&out);
    }
}

static ez_blob *sample_body(void)
{
    ez_buffer body = {0};
    ez_tx tx = sample_note();

    tx.recipient = sample_label("\xec\xb2\xb4\xec\x9d\xb8 \"\\");
    sample_add(&body, tx);
    sample_add(&body, sample_transfer());
    sample_add(&body, sample_reward());
    return sample_blob(&body);
}

Test(view, an_entry_has_exactly_the_originals_three_keys)
{
    static const char text[] = "{\"amount\":5,\"recipient\":\"bob\",\"sender\":\"alice\"}";
    static const char hashed[] = "{\"amount\": 5, \"recipient\": \"bob\", \"sender\": \"alice\"}";
    ez_tx tx = sample_note();
    ez_buffer out = {0};

    ez_view_add_tx(&out, &tx, EZ_VIEW_COMPACT);
    expect_text(&out, text, sizeof text - 1);
    ez_view_add_tx(&out, &tx, EZ_VIEW_HASHED);
    expect_text(&out, hashed, sizeof hashed - 1);
}

Test(view, a_reward_comes_from_zero)
{
    ez_tx tx = sample_reward();
    ez_buffer out = {0};
    ez_buffer wanted = {0};

    ez_buffer_printf(&wanted, "{\"amount\":1,\"recipient\":\"%s\",\"sender\":\"0\"}",
                     ez_party_text(&tx.recipient).text);
    ez_view_add_tx(&out, &tx, EZ_VIEW_COMPACT);
    expect_text(&out, wanted.data, wanted.size);
    ez_buffer_clear(&wanted);
}

Test(view, an_empty_list_has_no_separators)
{
    ez_blob *body = ez_blob_new("", 0);
    ez_buffer out = {0};

    ez_view_add_transactions(&out, body, EZ_VIEW_HASHED);
    expect_text(&out, "[]", 2);
    ez_blob_unref(body);
}

/* What a JSON reader finds in either style is the same, and is what the body says. */
static void expect_json(ez_view_style style)
{
    ez_network network = sample_network();
    ez_blob *body = sample_body();
    ez_hash previous = {{0xab}};
    ez_buffer out = {0};
    json_error_t error;

    ez_view_add_block(&out, &network.genesis, body, &previous, style);
    json_t *block = json_loadb((const char *)out.data, out.size, 0, &error);
    cr_assert_not_null(block, "%s", error.text);
    cr_expect_eq(json_object_size(block), 5);
    json_t *list = json_object_get(block, "transactions");
    cr_assert_eq(json_array_size(list), 3);
    json_t *note = json_array_get(list, 0);
    cr_expect_eq(json_object_size(note), 3);
    cr_expect_eq(json_integer_value(json_object_get(note, "amount")), 5);
    cr_expect_str_eq(json_string_value(json_object_get(note, "recipient")),
                     "\xec\xb2\xb4\xec\x9d\xb8 \"\\");
    cr_expect_eq(strlen(json_string_value(json_object_get(block, "previous_hash"))), 64);
    cr_expect_eq(json_integer_value(json_object_get(block, "proof")), 100);
    json_decref(block);
    ez_buffer_clear(&out);
    ez_blob_unref(body);
}

Test(view, both_styles_are_json_of_the_same_block)
{
    expect_json(EZ_VIEW_COMPACT);
    expect_json(EZ_VIEW_HASHED);
}

Test(view, compact_style_has_no_space_between_tokens)
{
    ez_network network = sample_network();
    ez_blob *body = ez_blob_new("", 0);
    ez_buffer out = {0};

    ez_view_add_block(&out, &network.genesis, body, NULL, EZ_VIEW_COMPACT);
    cr_expect_null(memchr(out.data, ' ', out.size));
    ez_buffer_clear(&out);
    ez_blob_unref(body);
}

Test(view, the_streamed_hash_is_that_of_the_text)
{
    ez_network network = sample_network();
    ez_blob *body = sample_body();
    ez_hash previous = {{1}};
    ez_buffer out = {0};
    ez_hash wanted;
    ez_hash hash;

    ez_view_add_block(&out, &network.genesis, body, &previous, EZ_VIEW_HASHED);
    ez_sha256(&wanted, out.data, out.size);
    ez_view_hash(&hash, &network.genesis, body, &previous);
    cr_expect(ez_hash_is_equal(&hash, &wanted));
    ez_buffer_clear(&out);
    ez_blob_unref(body);
}
