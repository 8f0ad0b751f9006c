/* JSON in and out.
 *
 * Out: a writer straight into a buffer, as the original writes: compact, ASCII with lower-case
 * \uXXXX, keys sorted. It asserts that keys come in order, so that the shape of every answer is
 * right by construction and no tree is built for it.
 *
 * In: Jansson, after a look at how many values the text can hold, since a megabyte of "[[],[],…"
 * would otherwise unpack into a hundred.
 */
#ifndef EZP2P_HTTP_JSON_INTERNAL_H
#define EZP2P_HTTP_JSON_INTERNAL_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/base/id.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define EZ_JSON_DEPTH_MAX 12 /* of what we write */

typedef struct ez_json_writer {
    ez_buffer out;
    const char *last_key[EZ_JSON_DEPTH_MAX]; /* static strings */
    bool has_items[EZ_JSON_DEPTH_MAX];
    int depth;
} ez_json_writer;

/* Each call writes one value: in an object under `key`, a static string larger than the one before;
 * in a list `key` is NULL. A zeroed writer is at the start; the first value is the document. */
void ez_json_begin_object(ez_json_writer *writer, const char *key);
void ez_json_end_object(ez_json_writer *writer);
void ez_json_begin_list(ez_json_writer *writer, const char *key);
void ez_json_end_list(ez_json_writer *writer);
void ez_json_text(ez_json_writer *writer, const char *key, const char *text); /* clean UTF-8 */
void ez_json_hex(ez_json_writer *writer, const char *key, const void *data, size_t size);
void ez_json_u64(ez_json_writer *writer, const char *key, uint64_t value);
void ez_json_bool(ez_json_writer *writer, const char *key, bool value);
void ez_json_null(ez_json_writer *writer, const char *key);

/* ez_json_value: the place for a value that the caller appends to the buffer as JSON. */
ez_buffer *ez_json_value(ez_json_writer *writer, const char *key);

/* ez_json_parse: read a request's body. NULL with a sentence in `error` when it is not JSON, holds
 * a key twice, more than EZ_HTTP_JSON_ITEMS_MAX values, or more than EZ_HTTP_JSON_BYTES_MAX bytes
 * besides white space: then it would hold the loop for too long. */
json_t *ez_json_parse(const void *data, size_t size, char *error, size_t error_size);

typedef enum ez_amount_verdict {
    EZ_AMOUNT_OK,
    EZ_AMOUNT_NOT_A_NUMBER,
    EZ_AMOUNT_NOT_WHOLE,
    EZ_AMOUNT_OUT_OF_RANGE,
} ez_amount_verdict;

/* ez_json_amount: a whole number from 0 to 2^53 - 1, also written as 5.0 or 5e0 (JSON Schema's
 * notion of an integer). true and "5" are not numbers. */
ez_amount_verdict ez_json_amount(uint64_t *out, const json_t *value);

#endif
