/* Scan with the x86 SHA extensions, four proofs at a time. One compression is a single chain of
 * sha256rnds2 instructions, each of which waits four cycles for the one before while the processor
 * could start one in every cycle (Zen 3; other makes are no faster): four independent chains fill
 * the gaps.
 *
 * They are not abreast. The first rounds of a proof need nothing but SHA's rounds, since their
 * words are fixed; later the schedule keeps all units busy. So when one chain begins, the next is
 * through a quarter of its proof, the third through half, the last through three quarters. And a
 * schedule runs some groups ahead of its rounds and leaves its words, constants added, in memory:
 * there both halves can be fetched without a shuffle, which only two of the units do.
 */
#include "search_internal.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define SHA_NI        __attribute__((target("sha,sse4.1,ssse3")))
#define SHA_NI_AVX    __attribute__((target("sha,avx")))
#define SHA_NI_INLINE SHA_NI static inline __attribute__((always_inline))

#define CHAINS 4

/* One proof under way, in registers. The instructions want the eight state words as (A,B,E,F) and
 * (C,D,G,H), A and C in the highest lane. */
typedef struct chain {
    __m128i abef, cdgh;
    __m128i older, newest; /* the last eight words of the schedule */
} chain;

/* The rest of it, in memory, by groups of four words. */
typedef struct chain_memory {
    __m128i sums[16]; /* the words plus the rounds' constants; at 1 those of rounds 6 and 7 */
    __m128i rest[16]; /* of groups to come, the terms of the words fifteen and sixteen before */
    __m128i group5;   /* words 20 to 23 */
    __m128i end;      /* (A,B,E,F) after the last round */
} chain_memory;

typedef struct scan {
    __m128i abef, cdgh; /* after round 5, in the order that rounds 6 and 7 want */
    __m128i rest5; /* of words 20 to 23, all but the terms of word 6 and of two places before */
    chain_memory memory[CHAINS];
} scan;

/* Nothing moves across this: the order of the parts is what makes them fast. */
#define KEEP_ORDER() __asm__ volatile("" ::: "memory")

SHA_NI_INLINE __m128i load4(const uint32_t *words)
{
    return _mm_loadu_si128((const __m128i *)(const void *)words);
}

/* Words 20 to 23, of which word 6 changes three: sha256msg1 makes its two direct terms of it. */
SHA_NI_INLINE void begin(scan *s, const ez_search_span *span, unsigned i, uint32_t low)
{
    chain_memory *memory = &s->memory[i];
    /* the header is little-endian, SHA-256 is not */
    __m128i word6 = _mm_cvtsi32_si128((int)__builtin_bswap32(low));
    memory->sums[1] = _mm_add_epi32(word6, load4(&span->sums[6]));
    __m128i terms = _mm_sha256msg1_epu32(_mm_slli_si128(word6, 8), _mm_setzero_si128());
    memory->group5 = _mm_sha256msg2_epu32(_mm_add_epi32(terms, s->rest5), load4(&span->fixed[16]));
    memory->sums[5] = _mm_add_epi32(memory->group5, load4(&ez_sha256_rounds[20]));
    KEEP_ORDER();
}

/* Words 4g to 4g + 3, for a constant g from 6 on. sha256msg2 adds the terms of the words two places
 * before; the others are summed here, or in the span where they are fixed. */
SHA_NI_INLINE void extend4(chain c[CHAINS], scan *s, const ez_search_span *span, unsigned i,
                           unsigned g)
{
    chain_memory *memory = &s->memory[i];
    __m128i rest = g <= 8 ? load4(&span->fixed[4 * g]) : memory->rest[g], older = c[i].newest;
    if (g == 6) { /* the words seven places before are fixed as well */
        older = memory->group5;
    } else {
        c[i].older = g == 7 ? memory->group5 : c[i].older;
        rest = _mm_add_epi32(_mm_alignr_epi8(older, c[i].older, 4), rest);
    }
    c[i].newest = _mm_sha256msg2_epu32(rest, older);
    if (g > 6 && g < 14) {
        memory->rest[g + 2] = _mm_sha256msg1_epu32(c[i].older, older);
    }
    c[i].older = older;
    memory->sums[g] = _mm_add_epi32(c[i].newest, load4(&ez_sha256_rounds[4 * g]));
    KEEP_ORDER();
}

/* Four rounds with the words plus constants at `sums`. Compilers copy the states back and forth
 * when they are given the instructions one by one. */
SHA_NI_INLINE void rounds4(chain *c, const void *sums)
{
    typedef struct words {
        uint32_t low[2], high[2];
    } words;
    const words *w = sums;
    __asm__ volatile("movdqu %[all], %%xmm0\n"
                     "sha256rnds2 %[abef], %[cdgh]\n"
                     "movq %[high], %%xmm0\n"
                     "sha256rnds2 %[cdgh], %[abef]\n"
                     : [abef] "+x"(c->abef), [cdgh] "+x"(c->cdgh)
                     : [all] "m"(*w), [high] "m"(w->high)
                     : "xmm0");
}

/* Rounds 4g to 4g + 3 for a constant g; for 1 only the last two, with which a chain begins. */
SHA_NI_INLINE void rounds(chain c[CHAINS], scan *s, const ez_search_span *span, unsigned i,
                          unsigned g)
{
    if (g == 1) { /* after two rounds, what was (A,B,E,F) is (C,D,G,H) */
        c[i].abef = _mm_sha256rnds2_epu32(s->cdgh, s->abef, s->memory[i].sums[1]);
        c[i].cdgh = s->abef;
    } else {
        rounds4(&c[i], g < 5 ? (const void *)&span->sums[4 * g] : &s->memory[i].sums[g]);
    }
    if (g == 15) {
        s->memory[i].end = c[i].abef;
    }
    KEEP_ORDER();
}

/* A quarter of the way of all chains. Chain `a` begins the proof with low half `low`, after its
 * last one has ended; `b`, `c` and `d` have begun one, two and three turns before. */
SHA_NI_INLINE void turn(chain all[CHAINS], scan *s, const ez_search_span *span, unsigned a,
                        uint32_t low)
{
    const unsigned b = (a + 3) % CHAINS, c = (a + 2) % CHAINS, d = (a + 1) % CHAINS;
    begin(s, span, a, low), rounds(all, s, span, d, 10);
    extend4(all, s, span, b, 6), rounds(all, s, span, b, 3), rounds(all, s, span, a, 14);
    extend4(all, s, span, c, 10), rounds(all, s, span, c, 7);
    extend4(all, s, span, d, 13), rounds(all, s, span, d, 11);
    extend4(all, s, span, b, 7), rounds(all, s, span, b, 4), rounds(all, s, span, a, 15);
    extend4(all, s, span, c, 11), rounds(all, s, span, c, 8);
    extend4(all, s, span, d, 14), rounds(all, s, span, d, 12), rounds(all, s, span, a, 1);
    extend4(all, s, span, b, 8), rounds(all, s, span, b, 5);
    extend4(all, s, span, c, 12), rounds(all, s, span, c, 9);
    extend4(all, s, span, d, 15), rounds(all, s, span, d, 13), rounds(all, s, span, a, 2);
    extend4(all, s, span, b, 9), rounds(all, s, span, b, 6);
}

/* Bit i is set when the first word of the hash that chain i ended with is not above the limit. */
SHA_NI_INLINE unsigned passed_at(const scan *s, const ez_search_span *span)
{
    const chain_memory *m = s->memory;
    __m128i words = _mm_unpackhi_epi64(_mm_unpackhi_epi32(m[0].end, m[1].end),
                                       _mm_unpackhi_epi32(m[2].end, m[3].end));
    words = _mm_add_epi32(words, _mm_set1_epi32((int)span->base));
    __m128i smaller = _mm_min_epu32(words, _mm_set1_epi32((int)span->limit));
    return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(smaller, words)));
}

SHA_NI_INLINE uint32_t scan_span(const ez_search_span *span, uint32_t first, uint32_t count)
{
    const uint32_t *st = span->state6;
    scan s = {0};
    s.abef = _mm_set_epi32((int)st[0], (int)st[1], (int)st[4], (int)st[5]);
    s.cdgh = _mm_set_epi32((int)st[2], (int)st[3], (int)st[6], (int)st[7]);
    s.rest5 = _mm_add_epi32(_mm_sha256msg1_epu32(load4(&span->fixed[4]), load4(&span->fixed[8])),
                            load4(&span->fixed[13]));
    __asm__ volatile("" ::"r"(&s) : "memory"); /* so that it is in memory at all */
    chain c[CHAINS] = {{s.abef, s.abef, s.abef, s.abef}};
    c[1] = c[2] = c[3] = c[0];
    /* Four turns begin four proofs and end the four that the ones before began. */
    for (uint32_t begun = 0;; begun += CHAINS) {
        uint32_t low = first + begun;
        turn(c, &s, span, 0, low), turn(c, &s, span, 1, low + 1);
        turn(c, &s, span, 2, low + 2), turn(c, &s, span, 3, low + 3);
        unsigned passed = begun == 0 ? 0 : passed_at(&s, span);
        if (passed != 0) {
            uint32_t before = begun - CHAINS + (uint32_t)__builtin_ctz(passed);
            return before < count ? before : count; /* the last may lie beyond the end */
        }
        if (begun >= count) {
            return count;
        }
    }
}

SHA_NI static uint32_t sha_ni_scan(const ez_search_span *span, uint32_t first, uint32_t count)
{
    return scan_span(span, first, count);
}

/* The same: with AVX, instructions but those of SHA have a third operand, which saves moves. */
SHA_NI_AVX static uint32_t sha_ni_avx_scan(const ez_search_span *span, uint32_t first,
                                           uint32_t count)
{
    return scan_span(span, first, count);
}

const ez_search_version *ez_search_sha_ni(void)
{
    static const ez_search_version version = {"sha-ni", sha_ni_scan};
    unsigned a, b, c, d;
    const unsigned needed = bit_SSSE3 | bit_SSE4_1;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & needed) != needed) {
        return NULL;
    }
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & bit_SHA) == 0) {
        return NULL;
    }
    return &version;
}

const ez_search_version *ez_search_sha_ni_avx(void)
{
    static const ez_search_version version = {"sha-ni-avx", sha_ni_avx_scan};
    return ez_search_sha_ni() != NULL && __builtin_cpu_supports("avx") ? &version : NULL;
}

#else

const ez_search_version *ez_search_sha_ni(void)
{
    return NULL;
}

const ez_search_version *ez_search_sha_ni_avx(void)
{
    return NULL;
}

#endif
