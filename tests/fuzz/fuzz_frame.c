/* Any split of a stream gives the same frames as the stream in one piece.
 * Input: a byte that chooses the limit, a byte that seeds the split, the stream. */
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/siphash.h"
#include "ezp2p/wire/frame.h"

#include <stdbool.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
    uint64_t digest; /* of all frames, in order */
    size_t frames;
    bool broken;
} outcome;

static void take_frames(outcome *out, ez_cutter *cutter)
{
    const uint8_t *frame;
    size_t size;
    ez_cut cut;
    while ((cut = ez_cutter_next(cutter, &frame, &size)) == EZ_CUT_FRAME) {
        ez_siphash_key key = {out->digest, out->frames};
        out->digest = ez_siphash(&key, frame, size);
        out->frames++;
    }
    out->broken = cut == EZ_CUT_BROKEN;
}

/* Seed 0: the whole stream at once. */
static outcome cut_in_pieces(const uint8_t *data, size_t size, size_t limit, uint8_t seed)
{
    outcome out = {0};
    ez_cutter *cutter = ez_cutter_new(limit);
    uint32_t state = seed;
    size_t at = 0;
    while (at < size) {
        state = state * 1664525 + 1013904223;
        size_t piece = seed == 0 ? size : 1 + (state >> 24) % (1 + seed % 32);
        piece = piece < size - at ? piece : size - at;
        ez_cutter_push(cutter, data + at, piece);
        at += piece;
        take_frames(&out, cutter);
    }
    EZ_ASSERT(out.broken || ez_cutter_pending(cutter) <= limit + EZ_FRAME_PREFIX_BYTES);
    ez_cutter_free(cutter);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t limit = data[0] % 2 == 0 ? (size_t)data[0] + 1 : EZ_FRAME_HELLO_BYTES_MAX;
    uint8_t seed = data[1] == 0 ? 1 : data[1];
    outcome whole = cut_in_pieces(data + 2, size - 2, limit, 0);
    outcome split = cut_in_pieces(data + 2, size - 2, limit, seed);
    EZ_ASSERT(whole.frames == split.frames && whole.digest == split.digest);
    EZ_ASSERT(whole.broken == split.broken);
    return 0;
}
