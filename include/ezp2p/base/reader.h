/* A cursor over hostile bytes with a sticky error: read everything, then ask once whether all of it
 * was there. After a failed read the cursor yields zeroes and NULL and never moves again. */
#ifndef EZP2P_BASE_READER_H
#define EZP2P_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ez_reader {
    const uint8_t *data; /* borrowed */
    size_t size;
    size_t at;
    bool failed;
} ez_reader;

void ez_reader_init(ez_reader *reader, const void *data, size_t size);
uint8_t ez_reader_u8(ez_reader *reader);
uint16_t ez_reader_u16(ez_reader *reader); /* little-endian, as all of them */
uint32_t ez_reader_u32(ez_reader *reader);
uint64_t ez_reader_u64(ez_reader *reader);

/* ez_reader_take: the next `size` bytes, borrowed from the input; NULL when they are not there. */
const uint8_t *ez_reader_take(ez_reader *reader, size_t size);

/* ez_reader_copy: the next `size` bytes into `out`; zeroes when they are not there. */
void ez_reader_copy(ez_reader *reader, void *out, size_t size);

/* ez_reader_is_done: nothing failed and nothing is left. */
bool ez_reader_is_done(const ez_reader *reader);

#endif
