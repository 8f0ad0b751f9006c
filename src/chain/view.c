#include "ezp2p/chain/view.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/text.h"
#include "ezp2p/crypto/sha256.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the styles differ in. */
typedef struct separators {
    const char *item;
    const char *key;
} separators;

static separators separators_of(ez_view_style style)
{
    switch (style) {
    case EZ_VIEW_COMPACT:
        return (separators){",", ":"};
    case EZ_VIEW_HASHED:
        break;
    }
    return (separators){", ", ": "};
}

/* Strings. */

static void add_escape(ez_buffer *out, uint32_t code)
{
    static const char digits[] = "0123456789abcdef";
    const char text[6] = {'\\',
                          'u',
                          digits[code >> 12 & 15],
                          digits[code >> 8 & 15],
                          digits[code >> 4 & 15],
                          digits[code & 15]};
    ez_buffer_add(out, text, sizeof text);
}

static void add_code_point(ez_buffer *out, uint32_t code)
{
    static const char short_escapes[][3] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n", ['\r'] = "\\r",
        ['\t'] = "\\t", ['\b'] = "\\b",  ['\f'] = "\\f",
    };

    if (code < sizeof short_escapes / sizeof short_escapes[0] && short_escapes[code][0] != '\0') {
        ez_buffer_add_text(out, short_escapes[code]);
    } else if (code >= ' ' && code <= '~') {
        ez_buffer_add_u8(out, (uint8_t)code);
    } else if (code <= 0xffff) {
        add_escape(out, code);
    } else {
        add_escape(out, 0xd800 + ((code - 0x10000) >> 10));
        add_escape(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
    }
}

/* The bytes at the start of `text` that stand for themselves: nearly all there are. */
static size_t count_plain(const uint8_t *text, size_t size)
{
    size_t at = 0;

    while (at < size && text[at] >= ' ' && text[at] <= '~' && text[at] != '"' && text[at] != '\\') {
        at++;
    }
    return at;
}

void ez_json_add_string(ez_buffer *out, const void *text, size_t size)
{
    size_t at = 0;

    ez_buffer_add_u8(out, '"');
    while (at < size) {
        size_t plain = count_plain((const uint8_t *)text + at, size - at);
        ez_buffer_add(out, (const uint8_t *)text + at, plain);
        at += plain;
        if (at < size) {
            add_code_point(out, ez_utf8_decode(text, size, &at));
        }
    }
    ez_buffer_add_u8(out, '"');
}

/* Numbers. */

/* Below 2^33 seconds (the year 2242) doubles lie closer together than microseconds, so the
 * shortest decimal that reads back is the exact one. Python changes to an exponent below 0.0001. */
static void add_exact_seconds(ez_buffer *out, uint64_t us)
{
    char fraction[6];
    size_t digits = sizeof fraction;
    uint64_t left = us % 1000000;

    for (size_t i = digits; i-- > 0; left /= 10) {
        fraction[i] = (char)('0' + left % 10);
    }
    while (digits > 1 && fraction[digits - 1] == '0') {
        digits--;
    }
    ez_buffer_add_decimal(out, us / 1000000);
    ez_buffer_add_u8(out, '.');
    ez_buffer_add(out, fraction, digits);
}

static void add_tiny_seconds(ez_buffer *out, uint64_t us)
{
    if (us < 10) {
        ez_buffer_printf(out, "%" PRIu64 "e-06", us);
    } else if (us % 10 == 0) {
        ez_buffer_printf(out, "%" PRIu64 "e-05", us / 10);
    } else {
        ez_buffer_printf(out, "%" PRIu64 ".%" PRIu64 "e-05", us / 10, us % 10);
    }
}

/* No clock shows such a time, but a view must not depend on that. 17 digits always read back. */
static void add_far_seconds(ez_buffer *out, uint64_t us)
{
    double seconds = (double)us / 1e6;
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, seconds);
        if (strtod(text, NULL) >= seconds && strtod(text, NULL) <= seconds) {
            break;
        }
    }
    ez_buffer_add_text(out, text);
    if (strchr(text, '.') == NULL) {
        ez_buffer_add_text(out, ".0");
    }
}

void ez_view_add_timestamp(ez_buffer *out, uint64_t timestamp_us)
{
    if (timestamp_us >= (UINT64_C(1) << 33) * 1000000) {
        add_far_seconds(out, timestamp_us);
    } else if (timestamp_us > 0 && timestamp_us < 100) {
        add_tiny_seconds(out, timestamp_us);
    } else {
        add_exact_seconds(out, timestamp_us);
    }
}

/* Objects, their keys in the order of the alphabet. */

static void add_key(ez_buffer *out, const char *key, separators by)
{
    ez_buffer_add_u8(out, '"');
    ez_buffer_add_text(out, key);
    ez_buffer_add_u8(out, '"');
    ez_buffer_add_text(out, by.key);
}

static void add_number(ez_buffer *out, const char *key, uint64_t value, separators by)
{
    add_key(out, key, by);
    ez_buffer_add_decimal(out, value);
}

static void add_party(ez_buffer *out, const ez_party *party)
{
    if (party->kind == EZ_PARTY_LABEL) {
        ez_json_add_string(out, party->label, party->label_size);
    } else {
        ez_party_string text = ez_party_text(party);

        ez_json_add_string(out, text.text, strlen(text.text));
    }
}

/* Whole, since a chain's view is mostly these. */
typedef struct tx_words {
    const char *amount;
    const char *recipient;
    const char *sender;
} tx_words;

static tx_words tx_words_of(ez_view_style style)
{
    switch (style) {
    case EZ_VIEW_COMPACT:
        return (tx_words){"{\"amount\":", ",\"recipient\":", ",\"sender\":"};
    case EZ_VIEW_HASHED:
        break;
    }
    return (tx_words){"{\"amount\": ", ", \"recipient\": ", ", \"sender\": "};
}

void ez_view_add_tx(ez_buffer *out, const ez_tx *tx, ez_view_style style)
{
    tx_words words = tx_words_of(style);

    ez_buffer_add_text(out, words.amount);
    ez_buffer_add_decimal(out, tx->amount);
    ez_buffer_add_text(out, words.recipient);
    add_party(out, &tx->recipient);
    ez_buffer_add_text(out, words.sender);
    add_party(out, &tx->sender);
    ez_buffer_add_u8(out, '}');
}

/* The next transaction of a body, with the separator before it when it is not the first. */
static void add_next_tx(ez_buffer *out, ez_reader *reader, ez_view_style style)
{
    ez_tx tx;

    if (reader->at > 0) {
        ez_buffer_add_text(out, separators_of(style).item);
    }
    EZ_ASSERT(ez_tx_decode(&tx, reader) == EZ_RULE_OK);
    ez_view_add_tx(out, &tx, style);
}

void ez_view_add_transactions(ez_buffer *out, const ez_blob *body, ez_view_style style)
{
    ez_reader reader;

    ez_reader_init(&reader, ez_blob_data(body), ez_blob_size(body));
    ez_buffer_add_u8(out, '[');
    while (!ez_reader_is_done(&reader)) {
        add_next_tx(out, &reader, style);
    }
    ez_buffer_add_u8(out, ']');
}

/* A block up to the value of its last key, the transactions. */
static void add_block_start(ez_buffer *out, const ez_header *header, const ez_hash *previous,
                            ez_view_style style)
{
    separators by = separators_of(style);

    ez_buffer_add_u8(out, '{');
    add_number(out, "index", header->index, by);
    ez_buffer_add_text(out, by.item);
    add_key(out, "previous_hash", by);
    if (previous == NULL) {
        ez_buffer_add_u8(out, '1');
    } else {
        ez_hash_hex hex = ez_hash_text(previous->bytes);

        ez_buffer_add_u8(out, '"');
        ez_buffer_add_text(out, hex.text);
        ez_buffer_add_u8(out, '"');
    }
    ez_buffer_add_text(out, by.item);
    add_number(out, "proof", header->proof, by);
    ez_buffer_add_text(out, by.item);
    add_key(out, "timestamp", by);
    ez_view_add_timestamp(out, header->timestamp);
    ez_buffer_add_text(out, by.item);
    add_key(out, "transactions", by);
}

void ez_view_add_block(ez_buffer *out, const ez_header *header, const ez_blob *body,
                       const ez_hash *previous, ez_view_style style)
{
    add_block_start(out, header, previous, style);
    ez_view_add_transactions(out, body, style);
    ez_buffer_add_u8(out, '}');
}

static void flush(ez_sha256_state *state, ez_buffer *part)
{
    ez_sha256_update(state, part->data, part->size);
    part->size = 0;
}

/* Hashed transaction by transaction: a full block's text would be several megabytes. */
void ez_view_hash(ez_hash *out, const ez_header *header, const ez_blob *body,
                  const ez_hash *previous)
{
    ez_sha256_state state;
    ez_buffer part = {0};
    ez_reader reader;

    ez_sha256_init(&state);
    ez_reader_init(&reader, ez_blob_data(body), ez_blob_size(body));
    add_block_start(&part, header, previous, EZ_VIEW_HASHED);
    ez_buffer_add_u8(&part, '[');
    while (!ez_reader_is_done(&reader)) {
        add_next_tx(&part, &reader, EZ_VIEW_HASHED);
        flush(&state, &part);
    }
    ez_buffer_add_text(&part, "]}");
    flush(&state, &part);
    ez_sha256_final(&state, out);
    ez_buffer_clear(&part);
}
