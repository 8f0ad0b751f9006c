#include "json_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/types.h"
#include "ezp2p/chain/view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The comma and the key before a value. */
static void begin_value(ez_json_writer *writer, const char *key)
{
    int depth = writer->depth;
    if (writer->has_items[depth]) {
        EZ_ASSERT(depth > 0);
        ez_buffer_add_u8(&writer->out, ',');
    }
    writer->has_items[depth] = true;
    if (key == NULL) {
        return;
    }
    EZ_ASSERT(writer->last_key[depth] == NULL || strcmp(writer->last_key[depth], key) < 0);
    writer->last_key[depth] = key;
    ez_buffer_add_u8(&writer->out, '"');
    ez_buffer_add_text(&writer->out, key);
    ez_buffer_add_text(&writer->out, "\":");
}

static void begin_nested(ez_json_writer *writer, const char *key, char bracket)
{
    begin_value(writer, key);
    ez_buffer_add_u8(&writer->out, (uint8_t)bracket);
    writer->depth++;
    EZ_ASSERT(writer->depth < EZ_JSON_DEPTH_MAX);
    writer->last_key[writer->depth] = NULL;
    writer->has_items[writer->depth] = false;
}

static void end_nested(ez_json_writer *writer, char bracket)
{
    EZ_ASSERT(writer->depth > 0);
    writer->depth--;
    ez_buffer_add_u8(&writer->out, (uint8_t)bracket);
}

void ez_json_begin_object(ez_json_writer *writer, const char *key)
{
    begin_nested(writer, key, '{');
}

void ez_json_end_object(ez_json_writer *writer)
{
    end_nested(writer, '}');
}

void ez_json_begin_list(ez_json_writer *writer, const char *key)
{
    begin_nested(writer, key, '[');
}

void ez_json_end_list(ez_json_writer *writer)
{
    end_nested(writer, ']');
}

void ez_json_text(ez_json_writer *writer, const char *key, const char *text)
{
    begin_value(writer, key);
    ez_json_add_string(&writer->out, text, strlen(text));
}

void ez_json_hex(ez_json_writer *writer, const char *key, const void *data, size_t size)
{
    begin_value(writer, key);
    ez_buffer_add_u8(&writer->out, '"');
    char *hex = (char *)ez_buffer_reserve(&writer->out, 2 * size + 1);
    ez_hex_encode(hex, data, size);
    writer->out.size += 2 * size;
    ez_buffer_add_u8(&writer->out, '"');
}

void ez_json_u64(ez_json_writer *writer, const char *key, uint64_t value)
{
    begin_value(writer, key);
    ez_buffer_add_decimal(&writer->out, value);
}

void ez_json_bool(ez_json_writer *writer, const char *key, bool value)
{
    begin_value(writer, key);
    ez_buffer_add_text(&writer->out, value ? "true" : "false");
}

void ez_json_null(ez_json_writer *writer, const char *key)
{
    begin_value(writer, key);
    ez_buffer_add_text(&writer->out, "null");
}

ez_buffer *ez_json_value(ez_json_writer *writer, const char *key)
{
    begin_value(writer, key);
    return &writer->out;
}

/* What reading a JSON text would cost. */
typedef struct json_extent {
    size_t items; /* an upper bound: each list or object, and each item of one behind another,
                     brings a bracket or a comma */
    size_t bytes; /* a run of white space between values counts as one */
} json_extent;

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Measure the text, and copy it with one space for each run of white space to `out`, which has room
 * for all of it. `out` may be NULL. */
static json_extent measure(const char *text, size_t size, char *out)
{
    json_extent extent = {.items = 1};
    bool in_string = false, is_escaped = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool is_blank = !in_string && is_space(c);
        if (is_blank && i > 0 && is_space(text[i - 1])) {
            continue;
        }
        if (out != NULL) {
            out[extent.bytes] = is_blank ? ' ' : c;
        }
        extent.bytes++;
        if (is_escaped) {
            is_escaped = false;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (in_string) {
            is_escaped = c == '\\';
        } else {
            extent.items += c == '[' || c == '{' || c == ',';
        }
    }
    return extent;
}

/* Jansson quotes what it stumbled over, which may be any bytes. */
static void write_reason(char *out, size_t out_size, const char *text)
{
    if (ez_utf8_is_clean((const uint8_t *)text, strlen(text))) {
        (void)snprintf(out, out_size, "%s", text);
    } else {
        ez_text_escape(out, out_size, text, strlen(text));
    }
}

/* Read a text of bounded extent. */
static json_t *parse(const char *text, size_t size, char *error, size_t error_size)
{
    json_error_t problem;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (root == NULL) {
        char reason[4 * JSON_ERROR_TEXT_LENGTH];
        write_reason(reason, sizeof reason, problem.text);
        (void)snprintf(error, error_size, "the body is not valid JSON: %s (line %d, column %d)",
                       reason, problem.line, problem.column);
    }
    return root;
}

json_t *ez_json_parse(const void *data, size_t size, char *error, size_t error_size)
{
    const char *text = size > 0 ? data : "";
    json_extent extent = measure(text, size, NULL);
    if (extent.items > EZ_HTTP_JSON_ITEMS_MAX) {
        (void)snprintf(error, error_size, "the body holds more than %d values",
                       EZ_HTTP_JSON_ITEMS_MAX);
        return NULL;
    }
    if (extent.bytes > EZ_HTTP_JSON_BYTES_MAX) {
        (void)snprintf(error, error_size, "the body holds more than %d bytes besides white space",
                       EZ_HTTP_JSON_BYTES_MAX);
        return NULL;
    }
    if (size <= EZ_HTTP_JSON_BYTES_MAX) {
        return parse(text, size, error, error_size);
    }
    /* A megabyte of white space takes Jansson longer than all the rest may. */
    char *compact = ez_alloc(extent.bytes + 1, 1);
    (void)measure(text, size, compact);
    json_t *root = parse(compact, extent.bytes, error, error_size);
    free(compact);
    return root;
}

ez_amount_verdict ez_json_amount(uint64_t *out, const json_t *value)
{
    if (json_is_integer(value)) {
        json_int_t number = json_integer_value(value);
        if (number < 0 || (uint64_t)number > EZ_AMOUNT_MAX) {
            return EZ_AMOUNT_OUT_OF_RANGE;
        }
        *out = (uint64_t)number;
        return EZ_AMOUNT_OK;
    }
    if (!json_is_real(value)) {
        return EZ_AMOUNT_NOT_A_NUMBER;
    }
    double number = json_real_value(value);
    if (number < 0 || number > (double)EZ_AMOUNT_MAX) {
        return EZ_AMOUNT_OUT_OF_RANGE;
    }
    if (floor(number) < number) {
        return EZ_AMOUNT_NOT_WHOLE;
    }
    *out = (uint64_t)number;
    return EZ_AMOUNT_OK;
}
