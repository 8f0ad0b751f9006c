/* Scan with the x86 SHA extensions, four proofs at a time. One compression is a single chain of
 * sha256rnds2 instructions, each of which waits four cycles for the one before while the processor
 * could start one in every cycle (Zen 3; other makes are no faster): four independent chains fill
 * the gaps. */
#include "search_internal.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define SHA_NI        __attribute__((target("sha,sse4.1,ssse3")))
#define SHA_NI_INLINE SHA_NI static inline __attribute__((always_inline))

#define CHAINS 4

/* One proof under way. The instructions want the eight state words as (A,B,E,F) and (C,D,G,H), A
 * and C in the highest lane; the schedule is a ring of four vectors of four words. */
typedef struct chain {
    __m128i abef, cdgh;
    __m128i newest; /* the last four words of the schedule */
    __m128i *w;     /* the schedule, four words each */
} chain;

/* After this the compiler has nothing of the schedules in registers. Four chains leave four beside
 * the states and the newest words, and left alone it moves the words of which the next instruction
 * waits in and out of memory; this way only old ones are read from there. Worth a tenth. */
#define KEEP_IN_MEMORY() __asm__ volatile("" ::: "memory")

SHA_NI_INLINE __m128i load4(const uint32_t *words)
{
    return _mm_loadu_si128((const __m128i *)(const void *)words);
}

/* Four rounds, their words plus constants being `sums`. */
SHA_NI_INLINE void rounds4(chain *c, __m128i sums)
{
    c->cdgh = _mm_sha256rnds2_epu32(c->cdgh, c->abef, sums);
    c->abef = _mm_sha256rnds2_epu32(c->abef, c->cdgh, _mm_shuffle_epi32(sums, 0x0e));
}

/* Rounds 6 to 19: the words from 8 on are fixed. `word6` holds word 6 in lane 2 and zeros. */
SHA_NI_INLINE void start(chain *c, const ez_search_span *span, __m128i word6)
{
    const uint32_t *s = span->state6;
    __m128i sums67 = _mm_add_epi32(load4(&span->sums[6]), _mm_shuffle_epi32(word6, 0xfe));
    /* two rounds only: what was (A,B,E,F) is (C,D,G,H) after them */
    c->cdgh = _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]);
    c->abef = _mm_sha256rnds2_epu32(_mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]),
                                    c->cdgh, sums67);
}

/* Words 20 to 23, of which word 6 changes three: sha256msg1 makes its two direct terms of it. */
SHA_NI_INLINE void extend_first(chain *c, const ez_search_span *span, __m128i rest, __m128i word6)
{
    rest = _mm_add_epi32(rest, _mm_sha256msg1_epu32(word6, _mm_setzero_si128()));
    c->newest = _mm_sha256msg2_epu32(rest, load4(&span->fixed[16]));
    c->w[5] = c->newest;
}

/* Words 4g to 4g + 3, for g from 6 on. sha256msg2 adds the terms of the words two places before;
 * the others are summed here, or in the span where they are fixed. */
SHA_NI_INLINE void extend4(chain *c, const ez_search_span *span, unsigned g)
{
    __m128i rest =
        g <= 8 ? load4(&span->fixed[4 * g]) : _mm_sha256msg1_epu32(c->w[g - 4], c->w[g - 3]);
    if (g > 6) { /* in group 6 the words seven places before are fixed as well */
        rest = _mm_add_epi32(rest, _mm_alignr_epi8(c->newest, c->w[g - 2], 4));
    }
    c->newest = _mm_sha256msg2_epu32(rest, c->newest);
    c->w[g] = c->newest;
}

/* One step of all chains, so that their instructions alternate. Constant `g` and inlining keep the
 * schedule out of loops. */
SHA_NI_INLINE void fixed_rounds4(chain c[CHAINS], const ez_search_span *span, unsigned g)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        c[i].cdgh = _mm_sha256rnds2_epu32(c[i].cdgh, c[i].abef, load4(&span->sums[4 * g]));
    }
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        c[i].abef = _mm_sha256rnds2_epu32(c[i].abef, c[i].cdgh, load4(&span->sums[4 * g + 2]));
    }
}

SHA_NI_INLINE void varying_rounds4(chain c[CHAINS], const ez_search_span *span, unsigned g)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        if (g > 5) {
            extend4(&c[i], span, g);
        }
        rounds4(&c[i], _mm_add_epi32(c[i].newest, load4(&ez_sha256_rounds[4 * g])));
        KEEP_IN_MEMORY();
    }
}

/* Bit i is set when the first word of the hash with low half low + i is not above the limit. */
SHA_NI_INLINE int try_proofs(const ez_search_span *span, uint32_t low, __m128i rest5,
                             __m128i schedules[CHAINS][16])
{
    chain c[CHAINS];
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        /* the header is little-endian, SHA-256 is not */
        __m128i word6 = _mm_set_epi32(0, (int)__builtin_bswap32(low + i), 0, 0);
        c[i].w = schedules[i];
        start(&c[i], span, word6);
        extend_first(&c[i], span, rest5, word6);
    }
    fixed_rounds4(c, span, 2), fixed_rounds4(c, span, 3), fixed_rounds4(c, span, 4);
    varying_rounds4(c, span, 5), varying_rounds4(c, span, 6), varying_rounds4(c, span, 7);
    varying_rounds4(c, span, 8), varying_rounds4(c, span, 9), varying_rounds4(c, span, 10);
    varying_rounds4(c, span, 11), varying_rounds4(c, span, 12), varying_rounds4(c, span, 13);
    varying_rounds4(c, span, 14), varying_rounds4(c, span, 15);
    __m128i words = _mm_unpackhi_epi64(_mm_unpackhi_epi32(c[0].abef, c[1].abef),
                                       _mm_unpackhi_epi32(c[2].abef, c[3].abef));
    words = _mm_add_epi32(words, _mm_set1_epi32((int)span->base));
    __m128i smaller = _mm_min_epu32(words, _mm_set1_epi32((int)span->limit));
    return _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(smaller, words)));
}

SHA_NI static uint32_t sha_ni_scan(const ez_search_span *span, uint32_t first, uint32_t count)
{
    /* of words 20 to 23, all but the terms of word 6 and of the words two places before */
    __m128i rest5 =
        _mm_add_epi32(_mm_sha256msg1_epu32(load4(&span->fixed[4]), load4(&span->fixed[8])),
                      load4(&span->fixed[13]));
    __m128i schedules[CHAINS][16];
    __asm__ volatile("" ::"r"(schedules) : "memory"); /* so that they are in memory at all */
    for (uint32_t done = 0; done < count; done += CHAINS) {
        int passed = try_proofs(span, first + done, rest5, schedules);
        if (passed != 0) {
            uint32_t before = done + (uint32_t)__builtin_ctz((unsigned)passed);
            return before < count ? before : count; /* the last may lie beyond the end */
        }
    }
    return count;
}

static const ez_search_version sha_ni = {"sha-ni", sha_ni_scan};

const ez_search_version *ez_search_sha_ni(void)
{
    unsigned a, b, c, d;
    const unsigned needed = bit_SSSE3 | bit_SSE4_1;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & needed) != needed) {
        return NULL;
    }
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & bit_SHA) == 0) {
        return NULL;
    }
    return &sha_ni;
}

#else

const ez_search_version *ez_search_sha_ni(void)
{
    return NULL;
}

#endif
