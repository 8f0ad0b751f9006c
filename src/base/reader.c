#include "ezp2p/base/reader.h"

#include "ezp2p/base/little_endian.h"

#include <string.h>

void ez_reader_init(ez_reader *reader, const void *data, size_t size)
{
    *reader = (ez_reader){.data = data, .size = size};
}

/* The one place where the cursor moves, and where it sticks. */
static bool advance(ez_reader *reader, size_t size, size_t *from)
{
    if (reader->failed || size > reader->size - reader->at) {
        reader->failed = true;
        return false;
    }
    *from = reader->at;
    reader->at += size;
    return true;
}

uint8_t ez_reader_u8(ez_reader *reader)
{
    size_t from;
    return advance(reader, sizeof(uint8_t), &from) ? reader->data[from] : 0;
}

uint16_t ez_reader_u16(ez_reader *reader)
{
    size_t from;
    return advance(reader, sizeof(uint16_t), &from) ? ez_load_u16(reader->data + from) : 0;
}

uint32_t ez_reader_u32(ez_reader *reader)
{
    size_t from;
    return advance(reader, sizeof(uint32_t), &from) ? ez_load_u32(reader->data + from) : 0;
}

uint64_t ez_reader_u64(ez_reader *reader)
{
    size_t from;
    return advance(reader, sizeof(uint64_t), &from) ? ez_load_u64(reader->data + from) : 0;
}

const uint8_t *ez_reader_take(ez_reader *reader, size_t size)
{
    size_t from;
    if (!advance(reader, size, &from)) {
        return NULL;
    }
    /* NULL means failure, so taking nothing from an empty input needs somewhere else to point. */
    static const uint8_t nothing[1] = {0};
    return reader->data != NULL ? reader->data + from : nothing;
}

void ez_reader_copy(ez_reader *reader, void *out, size_t size)
{
    const uint8_t *bytes = ez_reader_take(reader, size);
    if (size == 0) {
        return;
    }
    if (bytes != NULL) {
        memcpy(out, bytes, size);
    } else {
        memset(out, 0, size);
    }
}

bool ez_reader_is_done(const ez_reader *reader)
{
    return !reader->failed && reader->at == reader->size;
}
