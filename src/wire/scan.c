#include "scan_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/text.h"
#include "schema_internal.h"

#include <string.h>

/* Protobuf's wire types. 3 and 4, the groups of proto2, nest without a length and are refused. */
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

typedef struct cursor {
    const uint8_t *at;
    const uint8_t *end;
} cursor;

typedef struct value {
    uint32_t number;
    unsigned wire;
    uint64_t integer;    /* WIRE_VARINT, WIRE_FIXED64, WIRE_FIXED32 */
    const uint8_t *data; /* WIRE_BYTES */
    size_t size;
} value;

static size_t cursor_left(const cursor *in)
{
    return (size_t)(in->end - in->at);
}

/* A varint in its shortest form: longer ones say nothing new, and decoders disagree about those
 * over ten bytes or 64 bits. */
static bool read_varint(cursor *in, uint64_t *out)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in->at == in->end) {
            return false;
        }
        uint8_t byte = *in->at++;
        if (shift == 63 && byte > 1) {
            return false;
        }
        result |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out = result;
            return byte != 0 || shift == 0;
        }
    }
    return false;
}

static bool read_fixed(cursor *in, uint64_t *out, unsigned bytes)
{
    if (cursor_left(in) < bytes) {
        return false;
    }
    uint64_t result = 0;
    for (unsigned i = 0; i < bytes; i++) {
        result |= (uint64_t)in->at[i] << (8 * i);
    }
    in->at += bytes;
    *out = result;
    return true;
}

static bool read_bytes(cursor *in, const uint8_t **data, size_t *size)
{
    uint64_t length;
    if (!read_varint(in, &length) || length > cursor_left(in)) {
        return false;
    }
    *data = in->at;
    *size = (size_t)length;
    in->at += length;
    return true;
}

/* One field with its tag. Field numbers take 29 bits, as in every protobuf decoder. */
static bool read_value(cursor *in, value *out)
{
    uint64_t tag;
    if (!read_varint(in, &tag) || tag > UINT32_MAX || tag >> 3 == 0) {
        return false;
    }
    *out = (value){.number = (uint32_t)(tag >> 3), .wire = (unsigned)(tag & 7)};
    switch (out->wire) {
    case WIRE_VARINT:
        return read_varint(in, &out->integer);
    case WIRE_FIXED64:
        return read_fixed(in, &out->integer, 8);
    case WIRE_BYTES:
        return read_bytes(in, &out->data, &out->size);
    case WIRE_FIXED32:
        return read_fixed(in, &out->integer, 4);
    default:
        return false;
    }
}

static unsigned wire_of(ez_field_kind kind)
{
    switch (kind) {
    case EZ_FIELD_U32:
    case EZ_FIELD_U64:
        return WIRE_VARINT;
    case EZ_FIELD_FIXED64:
        return WIRE_FIXED64;
    case EZ_FIELD_BYTES:
    case EZ_FIELD_ASCII:
    case EZ_FIELD_UTF8:
    case EZ_FIELD_IP:
    case EZ_FIELD_MESSAGE:
        return WIRE_BYTES;
    }
    ez_assert_fail("a field of no known kind", __FILE__, __LINE__);
}

/* A string of the wrong shape is malformed; one of the right shape with too many or too few items
 * is over a limit. Where only one size is right, any other is the wrong shape. */
static ez_goodbye judge_size(const ez_field *field, size_t size)
{
    size_t items = size / field->unit;
    if (items >= field->min && items <= field->max && items * field->unit == size) {
        return EZ_GOODBYE_UNSPECIFIED;
    }
    bool is_shape = field->min == field->max || items * field->unit != size;
    return is_shape ? EZ_GOODBYE_FRAME_MALFORMED : EZ_GOODBYE_MESSAGE_LIMIT;
}

static ez_goodbye judge_text(const ez_field *field, const value *got)
{
    ez_goodbye verdict = judge_size(field, got->size);
    if (verdict != EZ_GOODBYE_UNSPECIFIED) {
        return verdict;
    }
    for (size_t i = 0; field->kind == EZ_FIELD_ASCII && i < got->size; i++) {
        if (got->data[i] < 0x20 || got->data[i] > 0x7e) {
            return EZ_GOODBYE_FRAME_MALFORMED;
        }
    }
    bool is_clean = field->kind == EZ_FIELD_ASCII || ez_utf8_is_clean(got->data, got->size);
    return is_clean ? EZ_GOODBYE_UNSPECIFIED : EZ_GOODBYE_FRAME_MALFORMED;
}

static ez_goodbye judge_integer(const ez_field *field, uint64_t integer)
{
    bool is_inside = integer >= field->min && integer <= field->max;
    return is_inside ? EZ_GOODBYE_UNSPECIFIED : EZ_GOODBYE_FRAME_MALFORMED;
}

/* IPv4 has one form here, 4 bytes; the same address mapped into IPv6 is refused, so that nobody can
 * spread one address as two. */
static ez_goodbye judge_ip(const uint8_t *data, size_t size)
{
    static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool is_v6 = size == 16 && memcmp(data, mapped_prefix, sizeof mapped_prefix) != 0;
    return size == 4 || is_v6 ? EZ_GOODBYE_UNSPECIFIED : EZ_GOODBYE_FRAME_MALFORMED;
}

static ez_goodbye scan_message(const ez_schema *schema, const uint8_t *data, size_t size,
                               unsigned depth);

static ez_goodbye judge_value(const ez_field *field, const value *got, unsigned depth)
{
    if (got->wire != wire_of(field->kind)) {
        return EZ_GOODBYE_FRAME_MALFORMED;
    }
    switch (field->kind) {
    case EZ_FIELD_U32:
    case EZ_FIELD_U64:
    case EZ_FIELD_FIXED64:
        return judge_integer(field, got->integer);
    case EZ_FIELD_BYTES:
        return judge_size(field, got->size);
    case EZ_FIELD_ASCII:
    case EZ_FIELD_UTF8:
        return judge_text(field, got);
    case EZ_FIELD_IP:
        return judge_ip(got->data, got->size);
    case EZ_FIELD_MESSAGE:
        return scan_message(field->message, got->data, got->size, depth + 1);
    }
    ez_assert_fail("a field of no known kind", __FILE__, __LINE__);
}

/* Fields that did not come: a singular one counts as zero or empty, a list as one without entries.
 */
static ez_goodbye judge_absent(const ez_field *field)
{
    if (field->count_max > 1) {
        return field->count_min == 0 ? EZ_GOODBYE_UNSPECIFIED : EZ_GOODBYE_MESSAGE_LIMIT;
    }
    value absent = {.wire = wire_of(field->kind), .data = (const uint8_t *)""};
    return judge_value(field, &absent, EZ_DECODE_DEPTH_MAX);
}

static size_t find_field(const ez_schema *schema, uint32_t number)
{
    size_t i = 0;
    while (i < schema->field_count && schema->fields[i].number != number) {
        i++;
    }
    return i;
}

/* A further occurrence of a field: of a singular one it would leave two readings, of a list one
 * entry more. */
static ez_goodbye judge_count(const ez_field *field, uint32_t seen)
{
    if (seen <= field->count_max) {
        return EZ_GOODBYE_UNSPECIFIED;
    }
    return field->count_max == 1 ? EZ_GOODBYE_FRAME_MALFORMED : EZ_GOODBYE_MESSAGE_LIMIT;
}

static ez_goodbye scan_fields(const ez_schema *schema, cursor *in, uint32_t *seen, unsigned depth)
{
    uint32_t unknown = 0;
    while (cursor_left(in) > 0) {
        value got;
        if (!read_value(in, &got)) {
            return EZ_GOODBYE_FRAME_MALFORMED;
        }
        size_t i = find_field(schema, got.number);
        if (i == schema->field_count) {
            if (schema->unknown_max == 0) {
                return EZ_GOODBYE_FRAME_MALFORMED;
            }
            if (++unknown > schema->unknown_max) {
                return EZ_GOODBYE_MESSAGE_LIMIT;
            }
            continue;
        }
        ez_goodbye verdict = judge_count(&schema->fields[i], ++seen[i]);
        if (verdict == EZ_GOODBYE_UNSPECIFIED) {
            verdict = judge_value(&schema->fields[i], &got, depth);
        }
        if (verdict != EZ_GOODBYE_UNSPECIFIED) {
            return verdict;
        }
    }
    return EZ_GOODBYE_UNSPECIFIED;
}

/* Recursion follows the schema, not the bytes: it ends where the schema does. */
static ez_goodbye scan_message(const ez_schema *schema, const uint8_t *data, size_t size,
                               unsigned depth)
{
    EZ_ASSERT(depth <= EZ_DECODE_DEPTH_MAX);
    if (size > schema->bytes_max) {
        return EZ_GOODBYE_MESSAGE_LIMIT;
    }
    uint32_t seen[EZ_SCHEMA_FIELDS_MAX] = {0};
    cursor in = {data, data + size};
    ez_goodbye verdict = scan_fields(schema, &in, seen, depth);
    for (size_t i = 0; i < schema->field_count && verdict == EZ_GOODBYE_UNSPECIFIED; i++) {
        if (seen[i] == 0) {
            verdict = judge_absent(&schema->fields[i]);
        }
    }
    return verdict;
}

ez_goodbye ez_scan_envelope(const uint8_t *frame, size_t size)
{
    cursor in = {frame, frame + size};
    value body;
    if (!read_value(&in, &body) || body.wire != WIRE_BYTES || cursor_left(&in) > 0) {
        return EZ_GOODBYE_FRAME_MALFORMED; /* not one body and nothing else */
    }
    const ez_schema *schema = ez_schema_of(body.number);
    if (schema == NULL) {
        return EZ_GOODBYE_FRAME_MALFORMED;
    }
    return scan_message(schema, body.data, body.size, 2);
}
