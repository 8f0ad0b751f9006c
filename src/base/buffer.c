#include "ezp2p/base/buffer.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/little_endian.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 64

void ez_buffer_clear(ez_buffer *buffer)
{
    free(buffer->data);
    *buffer = (ez_buffer){0};
}

uint8_t *ez_buffer_reserve(ez_buffer *buffer, size_t more)
{
    EZ_ASSERT(more <= SIZE_MAX / 2 - buffer->size);
    size_t needed = buffer->size + more;
    if (needed > buffer->capacity || buffer->data == NULL) {
        size_t capacity = buffer->capacity > CAPACITY_MIN ? buffer->capacity : CAPACITY_MIN;
        while (capacity < needed) {
            capacity *= 2;
        }
        buffer->data = ez_realloc(buffer->data, capacity, 1);
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void ez_buffer_add(ez_buffer *buffer, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    memcpy(ez_buffer_reserve(buffer, size), data, size);
    buffer->size += size;
}

void ez_buffer_add_text(ez_buffer *buffer, const char *text)
{
    ez_buffer_add(buffer, text, strlen(text));
}

void ez_buffer_printf(ez_buffer *buffer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    /* Most texts fit what is there already; only a longer one is formatted twice. */
    uint8_t *out = ez_buffer_reserve(buffer, 1);
    size_t room = buffer->capacity - buffer->size;
    int length = vsnprintf((char *)out, room, format, args);
    va_end(args);
    EZ_ASSERT(length >= 0);
    /* One byte more for the terminating zero that vsnprintf insists on; it is not counted. */
    size_t size = (size_t)length;
    if (size + 1 > room) {
        out = ez_buffer_reserve(buffer, size + 1);
        (void)vsnprintf((char *)out, size + 1, format, again);
    }
    va_end(again);
    buffer->size += size;
}

void ez_buffer_add_decimal(ez_buffer *buffer, uint64_t value)
{
    char digits[20]; /* of 2^64 - 1 */
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    ez_buffer_add(buffer, digits + at, sizeof digits - at);
}

void ez_buffer_add_u8(ez_buffer *buffer, uint8_t value)
{
    *ez_buffer_reserve(buffer, 1) = value;
    buffer->size++;
}

void ez_buffer_add_u16(ez_buffer *buffer, uint16_t value)
{
    ez_store_u16(ez_buffer_reserve(buffer, sizeof value), value);
    buffer->size += sizeof value;
}

void ez_buffer_add_u32(ez_buffer *buffer, uint32_t value)
{
    ez_store_u32(ez_buffer_reserve(buffer, sizeof value), value);
    buffer->size += sizeof value;
}

void ez_buffer_add_u64(ez_buffer *buffer, uint64_t value)
{
    ez_store_u64(ez_buffer_reserve(buffer, sizeof value), value);
    buffer->size += sizeof value;
}
