#include "ezp2p/record/reader.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/record/format.h"

#include <stdlib.h>
#include <string.h>

struct ez_record_reader {
    ez_record_source source;
    uint64_t offset; /* of the record that comes next */
    bool begun;
    ez_record_cut state;
    const char *why;
    ez_buffer body;
};

ez_record_reader *ez_record_reader_new(const ez_record_source *source)
{
    ez_record_reader *reader = ez_alloc(1, sizeof *reader);
    reader->source = *source;
    reader->why = "nothing";
    return reader;
}

void ez_record_reader_free(ez_record_reader *reader)
{
    if (reader != NULL) {
        ez_buffer_clear(&reader->body);
        free(reader);
    }
}

const char *ez_record_reader_why(const ez_record_reader *reader)
{
    return reader->why;
}

uint64_t ez_record_reader_offset(const ez_record_reader *reader)
{
    return reader->offset;
}

static ez_record_cut damaged(ez_record_reader *reader, const char *why)
{
    reader->why = why;
    return EZ_RECORD_CUT_DAMAGED;
}

static size_t take(ez_record_reader *reader, void *out, size_t size)
{
    return reader->source.read(reader->source.self, out, size);
}

static ez_record_cut read_head(ez_record_reader *reader)
{
    uint8_t head[EZ_RECORD_HEAD_BYTES];
    ez_reader fields;
    size_t size = take(reader, head, sizeof head);
    if (size < sizeof head || memcmp(head, EZ_RECORD_MAGIC, 8) != 0) {
        return damaged(reader, "this is no record of a node");
    }
    ez_reader_init(&fields, head + 8, sizeof head - 8);
    if (ez_reader_u32(&fields) != EZ_RECORD_VERSION || ez_reader_u32(&fields) != 0) {
        return damaged(reader, "the record has a version that this program does not know");
    }
    reader->offset = sizeof head;
    return EZ_RECORD_CUT_GOOD;
}

/* Whether nothing but zeroes follows, which is what a file has that was made larger in advance. */
static bool is_rest_empty(ez_record_reader *reader)
{
    static const uint8_t zeroes[4096];
    uint8_t block[sizeof zeroes];
    size_t size;
    while ((size = take(reader, block, sizeof block)) > 0) {
        if (memcmp(block, zeroes, size) != 0) {
            return false;
        }
    }
    return true;
}

/* The body grows with the bytes that are really there, so that a size alone costs no memory. */
static bool read_body(ez_record_reader *reader, size_t size)
{
    reader->body.size = 0;
    while (reader->body.size < size) {
        size_t left = size - reader->body.size;
        size_t want = left < 65536 ? left : 65536;
        size_t got = take(reader, ez_buffer_reserve(&reader->body, want), want);
        reader->body.size += got;
        if (got < want) {
            return false;
        }
    }
    return true;
}

static ez_record_cut cut(ez_record_reader *reader, ez_record *out)
{
    uint8_t prefix[EZ_RECORD_PREFIX_BYTES];
    ez_reader fields;
    size_t got = take(reader, prefix, sizeof prefix);
    ez_reader_init(&fields, prefix, got);
    uint32_t size = ez_reader_u32(&fields);
    uint32_t check = ez_reader_u32(&fields);
    if (fields.failed || size == 0) {
        return EZ_RECORD_CUT_OVER;
    }
    if (size > EZ_RECORD_BYTES_MAX) {
        return damaged(reader, "a record says that it is larger than any can be");
    }
    if (!read_body(reader, size)) {
        return EZ_RECORD_CUT_OVER;
    }
    if (ez_record_check(reader->offset, reader->body.data, size) != check) {
        return is_rest_empty(reader) ? EZ_RECORD_CUT_OVER
                                     : damaged(reader, "the bytes of a record were changed");
    }
    out->type = reader->body.data[0];
    out->offset = reader->offset;
    ez_reader_init(&out->reader, reader->body.data + 1, size - 1);
    reader->offset += EZ_RECORD_PREFIX_BYTES + size;
    return EZ_RECORD_CUT_GOOD;
}

ez_record_cut ez_record_reader_next(ez_record_reader *reader, ez_record *out)
{
    if (!reader->begun) {
        reader->begun = true;
        reader->state = read_head(reader);
    }
    if (reader->state == EZ_RECORD_CUT_GOOD) {
        reader->state = cut(reader, out);
    }
    return reader->state;
}
