/* A scan that hashes EZ_LANES proofs side by side, one in each lane of a vector: the text of it,
 * compiled once for each width. There is no include guard. The including file defines
 *
 *   EZ_LANES         how many: 4, 8 or 16
 *   EZ_LANES_TARGET  the function attribute that lets the compiler use the instructions
 *
 * and gets scan_lanes. It may bring its own lanes_rotate, lanes_xor3, lanes_choose, lanes_majority
 * and lanes_passed, where instructions do these better. The vectors are those of gcc and clang,
 * whose operators work lane by lane.
 */
#include "search_internal.h"

typedef uint32_t lanes __attribute__((vector_size(4 * EZ_LANES)));

#define LANES_FUNCTION EZ_LANES_TARGET static inline __attribute__((always_inline))

#ifndef lanes_rotate
#define lanes_rotate(x, n) ((x) >> (n) | (x) << (32 - (n)))
#endif
#ifndef lanes_xor3
#define lanes_xor3(x, y, z) ((x) ^ (y) ^ (z))
#endif
#ifndef lanes_choose
#define lanes_choose(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#endif
#ifndef lanes_majority
#define lanes_majority(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#endif

#ifndef lanes_passed
#define lanes_passed lanes_passed
/* Bit i is set when lane i is not above `limit`. */
LANES_FUNCTION uint32_t lanes_passed(lanes words, uint32_t limit)
{
    uint32_t passed = 0;
    for (unsigned i = 0; i < EZ_LANES; i++) {
        passed |= (uint32_t)(words[i] <= limit) << i;
    }
    return passed;
}
#endif

LANES_FUNCTION lanes lanes_schedule0(lanes x)
{
    return lanes_xor3(lanes_rotate(x, 7), lanes_rotate(x, 18), x >> 3);
}

LANES_FUNCTION lanes lanes_schedule1(lanes x)
{
    return lanes_xor3(lanes_rotate(x, 17), lanes_rotate(x, 19), x >> 10);
}

LANES_FUNCTION lanes lanes_sum0(lanes x)
{
    return lanes_xor3(lanes_rotate(x, 2), lanes_rotate(x, 13), lanes_rotate(x, 22));
}

LANES_FUNCTION lanes lanes_sum1(lanes x)
{
    return lanes_xor3(lanes_rotate(x, 6), lanes_rotate(x, 11), lanes_rotate(x, 25));
}

/* Compute word `t`, 21 or later, of the schedule, in a ring of sixteen: what is fixed of it plus
 * the terms that are not. */
LANES_FUNCTION void lanes_extend(lanes w[16], const ez_search_span *span, unsigned t)
{
    lanes word = {0};
    if (ez_search_varies(t - 16)) {
        word = w[t % 16];
    }
    if (ez_search_varies(t - 15)) {
        word += lanes_schedule0(w[(t - 15) % 16]);
    }
    if (ez_search_varies(t - 7)) {
        word += w[(t - 7) % 16];
    }
    if (ez_search_varies(t - 2)) {
        word += lanes_schedule1(w[(t - 2) % 16]);
    }
    if (t <= EZ_SEARCH_FIXED_LAST) {
        word += span->fixed[t];
    }
    w[t % 16] = word;
}

/* Round `t`, a constant. The eight words of the state stay where they are: what a round calls a is
 * one place further back in each round. */
LANES_FUNCTION void lanes_round(lanes s[8], lanes w[16], const ez_search_span *span, unsigned t)
{
    lanes a = s[(64 - t) % 8], b = s[(65 - t) % 8], c = s[(66 - t) % 8];
    lanes e = s[(68 - t) % 8], f = s[(69 - t) % 8], g = s[(70 - t) % 8];
    lanes sum = s[(71 - t) % 8];
    if (t >= 21) {
        lanes_extend(w, span, t);
    }
    if (ez_search_varies(t)) {
        sum += w[t % 16] + ez_sha256_rounds[t];
    } else {
        sum += span->sums[t];
    }
    sum += lanes_sum1(e) + lanes_choose(e, f, g);
    s[(67 - t) % 8] += sum;
    s[(71 - t) % 8] = sum + lanes_sum0(a) + lanes_majority(a, b, c);
}

#define LANES_ROUNDS8(t)                                                                           \
    lanes_round(s, w, span, t), lanes_round(s, w, span, (t) + 1),                                  \
        lanes_round(s, w, span, (t) + 2), lanes_round(s, w, span, (t) + 3),                        \
        lanes_round(s, w, span, (t) + 4), lanes_round(s, w, span, (t) + 5),                        \
        lanes_round(s, w, span, (t) + 6), lanes_round(s, w, span, (t) + 7)

/* The first words of the hashes whose words 6 are `word6`. */
LANES_FUNCTION lanes lanes_first_words(const ez_search_span *span, lanes word6)
{
    lanes s[8], w[16];
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++) {
        s[(i + 2) % 8] = (lanes){0} + span->state6[i]; /* round 6 looks for a at 2 */
    }
    w[6] = word6;
    lanes_round(s, w, span, 6);
    lanes_round(s, w, span, 7);
    LANES_ROUNDS8(8);
    LANES_ROUNDS8(16);
    LANES_ROUNDS8(24);
    LANES_ROUNDS8(32);
    LANES_ROUNDS8(40);
    LANES_ROUNDS8(48);
    LANES_ROUNDS8(56);
    return s[0] + span->base;
}

EZ_LANES_TARGET static uint32_t scan_lanes(const ez_search_span *span, uint32_t first,
                                           uint32_t count)
{
    lanes low;
    for (unsigned i = 0; i < EZ_LANES; i++) {
        low[i] = first + i;
    }
    for (uint32_t done = 0; done < count; done += EZ_LANES, low += EZ_LANES) {
        /* the header is little-endian, SHA-256 is not */
        lanes word6 = low << 24 | (low & 0xff00) << 8 | (low >> 8 & 0xff00) | low >> 24;
        uint32_t passed = lanes_passed(lanes_first_words(span, word6), span->limit);
        if (passed != 0) {
            uint32_t before = done + (uint32_t)__builtin_ctz(passed);
            return before < count ? before : count; /* the last lanes may lie beyond the end */
        }
    }
    return count;
}
