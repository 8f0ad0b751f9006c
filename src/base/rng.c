#include "ezp2p/base/rng.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/little_endian.h"
#include "ezp2p/base/reader.h"

#include <string.h>

void ez_rng_init(ez_rng *rng, const uint8_t seed[16])
{
    ez_reader reader;
    ez_reader_init(&reader, seed, 16);
    rng->key.k0 = ez_reader_u64(&reader);
    rng->key.k1 = ez_reader_u64(&reader);
    rng->counter = 0;
}

uint64_t ez_rng_next(ez_rng *rng)
{
    /* Spelled-out byte order: a seed found on one machine replays on any other. */
    uint8_t block[8];
    ez_store_u64(block, rng->counter);
    rng->counter++;
    return ez_siphash(&rng->key, block, sizeof block);
}

uint64_t ez_rng_below(ez_rng *rng, uint64_t bound)
{
    EZ_ASSERT(bound > 0);
    /* 2^64 mod bound values too many: the lowest ones are thrown back, so that every remainder has
     * equally many chances. At worst every second draw is. */
    uint64_t excess = (UINT64_MAX - bound + 1) % bound;
    uint64_t value = ez_rng_next(rng);
    while (value < excess) {
        value = ez_rng_next(rng);
    }
    return value % bound;
}

void ez_rng_fill(ez_rng *rng, void *out, size_t size)
{
    uint8_t *bytes = out;
    while (size > 0) {
        uint8_t block[8];
        ez_store_u64(block, ez_rng_next(rng));
        size_t part = size < sizeof block ? size : sizeof block;
        memcpy(bytes, block, part);
        bytes += part;
        size -= part;
    }
}

ez_siphash_key ez_rng_key(ez_rng *rng)
{
    ez_siphash_key key;
    key.k0 = ez_rng_next(rng);
    key.k1 = ez_rng_next(rng);
    return key;
}
