/* A chunked body: the same bytes, the same verdict and the same end however it comes, and never
 * more than the bound. Input: a byte that chooses the bound, a byte that seeds the split, the body.
 */
#include "chunked_internal.h"

#include "ezp2p/base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
    ez_buffer body;
    ez_chunked_result result;
    size_t used;
} outcome;

/* Seed 0: the whole body at once. */
static outcome decode(const uint8_t *data, size_t size, size_t body_max, uint8_t seed)
{
    outcome out = {.result = EZ_CHUNKED_MORE};
    ez_chunked chunked = {.left = 0};
    uint32_t state = seed;
    while (out.used < size && out.result == EZ_CHUNKED_MORE) {
        state = state * 1664525 + 1013904223;
        size_t left = size - out.used, used = 0;
        size_t piece = seed == 0 ? left : 1 + (state >> 24) % (1 + seed % 32);
        piece = piece < left ? piece : left;
        out.result = ez_chunked_feed(&chunked, &out.body, body_max, (const char *)data + out.used,
                                     piece, &used);
        EZ_ASSERT(used <= piece && (used == piece || out.result != EZ_CHUNKED_MORE));
        out.used += used;
    }
    EZ_ASSERT(out.body.size <= body_max);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t body_max = (size_t)data[0] * 4;
    uint8_t seed = data[1] == 0 ? 1 : data[1];
    outcome whole = decode(data + 2, size - 2, body_max, 0);
    outcome split = decode(data + 2, size - 2, body_max, seed);
    EZ_ASSERT(whole.result == split.result && whole.used == split.used);
    EZ_ASSERT(whole.body.size == split.body.size);
    EZ_ASSERT(whole.body.size == 0 ||
              memcmp(whole.body.data, split.body.data, whole.body.size) == 0);
    ez_buffer_clear(&whole.body);
    ez_buffer_clear(&split.body);
    return 0;
}
