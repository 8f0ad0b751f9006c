/* Many messages of the same length: they have the same number of blocks, and what is padding in one
 * is padding in all. */
#include "sha256_internal.h"

#include <string.h>

typedef uint8_t block_row[EZ_SHA256_LANES_MAX][EZ_SHA256_BLOCK_BYTES];

typedef struct batch {
    const ez_sha256_wide *wide;
    const uint8_t *data;
    size_t size, count;
    size_t block_count; /* of each message */
    uint8_t prefix;
} batch;

/* Block `at` of each message of the group that begins with message `first`, with the padding of
 * FIPS 180-4, section 5.1.1. Lanes beyond the last message keep what they have. */
static void put_blocks(block_row out, const batch *b, size_t first, size_t at)
{
    uint8_t same[EZ_SHA256_BLOCK_BYTES] = {0};
    size_t start = at * EZ_SHA256_BLOCK_BYTES, end = 1 + b->size;
    if (at == 0) {
        same[0] = b->prefix;
    }
    if (end >= start && end - start < EZ_SHA256_BLOCK_BYTES) {
        same[end - start] = 0x80;
    }
    if (at + 1 == b->block_count) {
        ez_sha256_put_big_endian(same + EZ_SHA256_BLOCK_BYTES - 8, (uint64_t)end * 8, 8);
    }
    size_t from = at == 0 ? 0 : start - 1; /* in the data, which begins behind the prefix */
    size_t to = at == 0 ? 1 : 0;
    size_t room = EZ_SHA256_BLOCK_BYTES - to, left = from < b->size ? b->size - from : 0;
    size_t part = left < room ? left : room;
    for (size_t i = 0; i < b->wide->lanes && first + i < b->count; i++) {
        memcpy(out[i], same, sizeof same);
        if (part > 0) {
            memcpy(out[i] + to, b->data + (first + i) * b->size + from, part);
        }
    }
}

/* Blocks are put together one step ahead of their compression. Read at once, in other pieces than
 * they were written in, they would have to reach the cache first. */
static void hash_batch(ez_hash *out, const batch *b)
{
    const size_t lanes = b->wide->lanes;
    uint32_t state[EZ_SHA256_LANES_MAX][8];
    block_row rows[2] = {{{0}}};
    size_t step = 0;

    put_blocks(rows[0], b, 0, 0);
    for (size_t first = 0; first < b->count; first += lanes) {
        for (size_t i = 0; i < lanes; i++) {
            memcpy(state[i], ez_sha256_initial, sizeof state[i]);
        }
        for (size_t at = 0; at < b->block_count; at++, step++) {
            if (at + 1 < b->block_count) {
                put_blocks(rows[(step + 1) % 2], b, first, at + 1);
            } else {
                put_blocks(rows[(step + 1) % 2], b, first + lanes, 0);
            }
            b->wide->compress(state, (const uint8_t(*)[EZ_SHA256_BLOCK_BYTES])rows[step % 2]);
        }
        for (size_t i = 0; i < lanes && first + i < b->count; i++) {
            ez_sha256_put_hash(&out[first + i], state[i]);
        }
    }
}

static void hash_one(ez_hash *out, uint8_t prefix, const uint8_t *data, size_t size)
{
    ez_sha256_state state;
    ez_sha256_init(&state);
    ez_sha256_update(&state, &prefix, 1);
    ez_sha256_update(&state, data, size);
    ez_sha256_final(&state, out);
}

void ez_sha256_many_by(const ez_sha256_wide *wide, ez_hash *out, uint8_t prefix, const void *data,
                       size_t size, size_t count)
{
    const uint8_t *bytes = data;
    size_t done = 0;
    if (wide != NULL && count > 1) {
        /* several lanes for one message take longer than that message alone */
        done = count % wide->lanes == 1 ? count - 1 : count;
        size_t blocks = (1 + size + 1 + 8 + EZ_SHA256_BLOCK_BYTES - 1) / EZ_SHA256_BLOCK_BYTES;
        hash_batch(out, &(batch){wide, bytes, size, done, blocks, prefix});
    }
    for (; done < count; done++) {
        hash_one(&out[done], prefix, bytes + done * size, size);
    }
}

void ez_sha256_many(ez_hash *out, uint8_t prefix, const void *data, size_t size, size_t count)
{
    const ez_sha256_wide *wide = ez_sha256_wide_ni();
    ez_sha256_many_by(wide != NULL ? wide : ez_sha256_wide_avx2(), out, prefix, data, size, count);
}
