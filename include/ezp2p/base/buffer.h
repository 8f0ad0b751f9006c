/* A growable byte buffer for building encodings and text. Bounded by its callers. */
#ifndef EZP2P_BASE_BUFFER_H
#define EZP2P_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

typedef struct ez_buffer {
    uint8_t *data;
    size_t size;
    size_t capacity;
} ez_buffer;

/* A zeroed ez_buffer is an empty one. ez_buffer_clear frees the memory and zeroes it again. */
void ez_buffer_clear(ez_buffer *buffer);

/* ez_buffer_reserve: make room for `more` bytes behind size; returns where they begin. */
uint8_t *ez_buffer_reserve(ez_buffer *buffer, size_t more);

void ez_buffer_add(ez_buffer *buffer, const void *data, size_t size);
void ez_buffer_add_text(ez_buffer *buffer, const char *text);
void ez_buffer_printf(ez_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ez_buffer_add_decimal: what printf's "%llu" gives, at a tenth of its cost. */
void ez_buffer_add_decimal(ez_buffer *buffer, uint64_t value);

/* Little-endian integers, the byte order of every canonical layout. */
void ez_buffer_add_u8(ez_buffer *buffer, uint8_t value);
void ez_buffer_add_u16(ez_buffer *buffer, uint16_t value);
void ez_buffer_add_u32(ez_buffer *buffer, uint32_t value);
void ez_buffer_add_u64(ez_buffer *buffer, uint64_t value);

#endif
