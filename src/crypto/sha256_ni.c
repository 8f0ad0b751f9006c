/* The x86 SHA extensions: one block takes about a sixth of what libsodium's portable code needs,
 * and a node hashes every header, transaction and body it meets. */
#include "ezp2p/crypto/sha256.h"
#include "sha256_internal.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

#define SHA_NI        __attribute__((target("sha,sse4.1,ssse3")))
#define SHA_NI_INLINE SHA_NI static inline __attribute__((always_inline))

/* The instructions want the eight state words as (A,B,E,F) and (C,D,G,H), A and C in the highest
 * lane, and vectors are named from there down; the schedule is a ring of four vectors of four
 * words. */
typedef struct half_states {
    __m128i abef, cdgh;
    __m128i w[4];
} half_states;

/* The constants of group `g`. */
SHA_NI_INLINE __m128i load_rounds4(unsigned g)
{
    return _mm_load_si128((const __m128i *)(const void *)&ez_sha256_rounds[4 * g]);
}

/* Four rounds: group `g` of sixteen. Constant `g` and inlining keep the ring in registers. */
SHA_NI_INLINE void rounds4(half_states *s, unsigned g)
{
    __m128i w = s->w[g % 4];
    __m128i sum = _mm_add_epi32(w, load_rounds4(g));
    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(sum, 0x0e));
    if (g < 12) {
        __m128i next = s->w[(g + 3) % 4];
        w = _mm_add_epi32(_mm_sha256msg1_epu32(w, s->w[(g + 1) % 4]),
                          _mm_alignr_epi8(next, s->w[(g + 2) % 4], 4));
        s->w[g % 4] = _mm_sha256msg2_epu32(w, next);
    }
}

SHA_NI_INLINE __m128i load_words(const uint8_t *data)
{
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)data), big_endian);
}

SHA_NI_INLINE void compress_one(half_states *s, const uint8_t *data)
{
    const __m128i abef = s->abef, cdgh = s->cdgh;
    for (unsigned i = 0; i < 4; i++) {
        s->w[i] = load_words(data + 16 * i);
    }
    rounds4(s, 0), rounds4(s, 1), rounds4(s, 2), rounds4(s, 3);
    rounds4(s, 4), rounds4(s, 5), rounds4(s, 6), rounds4(s, 7);
    rounds4(s, 8), rounds4(s, 9), rounds4(s, 10), rounds4(s, 11);
    rounds4(s, 12), rounds4(s, 13), rounds4(s, 14), rounds4(s, 15);
    s->abef = _mm_add_epi32(s->abef, abef);
    s->cdgh = _mm_add_epi32(s->cdgh, cdgh);
}

SHA_NI_INLINE void load_state(__m128i *abef, __m128i *cdgh, const uint32_t state[8])
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)&state[0]);  /* DCBA */
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)&state[4]); /* HGFE */
    __m128i cdab = _mm_shuffle_epi32(low, 0xb1);
    __m128i efgh = _mm_shuffle_epi32(high, 0x1b);
    *abef = _mm_alignr_epi8(cdab, efgh, 8);
    *cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

SHA_NI_INLINE void store_state(uint32_t state[8], __m128i abef, __m128i cdgh)
{
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)&state[0], _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)&state[4], _mm_alignr_epi8(dchg, feba, 8));
}

SHA_NI void ez_sha256_ni_compress(uint32_t state[8], const uint8_t *data, size_t count)
{
    half_states s;
    load_state(&s.abef, &s.cdgh, state);
    for (size_t i = 0; i < count; i++) {
        compress_one(&s, data + i * EZ_SHA256_BLOCK_BYTES);
    }
    store_state(state, s.abef, s.cdgh);
}

/* ---- four messages side by side ----------------------------------------------------------------
 *
 * The rounds of one message are a chain of instructions that each wait four cycles for the one
 * before; the processor could start one in every cycle. */

#define CHAINS 4

typedef struct chain {
    __m128i abef, cdgh;
    __m128i newest; /* the last four words of the schedule */
    __m128i *w;     /* the schedule, four words each */
} chain;

/* Registers hold the states and the newest words, memory the schedules: left alone, the compiler
 * moves words in and out for which the next instruction waits. */
#define KEEP_IN_MEMORY() __asm__ volatile("" ::: "memory")

/* Four rounds of each: group `g` of sixteen, a constant. */
SHA_NI_INLINE void chains_rounds4(chain c[CHAINS], const uint8_t blocks[][EZ_SHA256_BLOCK_BYTES],
                                  unsigned g)
{
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        if (g < 4) {
            c[i].newest = load_words(blocks[i] + 16 * g);
        } else {
            __m128i rest = _mm_add_epi32(_mm_sha256msg1_epu32(c[i].w[g - 4], c[i].w[g - 3]),
                                         _mm_alignr_epi8(c[i].newest, c[i].w[g - 2], 4));
            c[i].newest = _mm_sha256msg2_epu32(rest, c[i].newest);
        }
        c[i].w[g] = c[i].newest;
        __m128i sum = _mm_add_epi32(c[i].newest, load_rounds4(g));
        c[i].cdgh = _mm_sha256rnds2_epu32(c[i].cdgh, c[i].abef, sum);
        c[i].abef = _mm_sha256rnds2_epu32(c[i].abef, c[i].cdgh, _mm_shuffle_epi32(sum, 0x0e));
        KEEP_IN_MEMORY();
    }
}

SHA_NI static void ni_compress4(uint32_t state[][8], const uint8_t blocks[][EZ_SHA256_BLOCK_BYTES])
{
    __m128i schedules[CHAINS][16];
    chain c[CHAINS];
    __asm__ volatile("" ::"r"(schedules) : "memory"); /* so that they are in memory at all */
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        load_state(&c[i].abef, &c[i].cdgh, state[i]);
        c[i].w = schedules[i];
    }
    chains_rounds4(c, blocks, 0), chains_rounds4(c, blocks, 1), chains_rounds4(c, blocks, 2);
    chains_rounds4(c, blocks, 3), chains_rounds4(c, blocks, 4), chains_rounds4(c, blocks, 5);
    chains_rounds4(c, blocks, 6), chains_rounds4(c, blocks, 7), chains_rounds4(c, blocks, 8);
    chains_rounds4(c, blocks, 9), chains_rounds4(c, blocks, 10), chains_rounds4(c, blocks, 11);
    chains_rounds4(c, blocks, 12), chains_rounds4(c, blocks, 13), chains_rounds4(c, blocks, 14);
    chains_rounds4(c, blocks, 15);
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        __m128i abef, cdgh;
        load_state(&abef, &cdgh, state[i]);
        store_state(state[i], _mm_add_epi32(c[i].abef, abef), _mm_add_epi32(c[i].cdgh, cdgh));
    }
}

const ez_sha256_wide *ez_sha256_wide_ni(void)
{
    static const ez_sha256_wide four = {CHAINS, ni_compress4};
    return ez_sha256_ni_is_here() ? &four : NULL;
}

/* ---- is it here? -------------------------------------------------------------------------------
 */

static bool ask_processor(void)
{
    unsigned a, b, c, d;
    const unsigned needed = bit_SSSE3 | bit_SSE4_1;
    bool has_shuffles = __get_cpuid(1, &a, &b, &c, &d) && (c & needed) == needed;
    return has_shuffles && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
}

/* CPUID is slow, and in a virtual machine an exit to the host. Every thread finds the same answer,
 * so that it does not matter who writes it down. */
bool ez_sha256_ni_is_here(void)
{
    enum { UNKNOWN, HERE, MISSING };
    static atomic_int answer;
    int known = atomic_load_explicit(&answer, memory_order_relaxed);
    if (known == UNKNOWN) {
        known = ask_processor() ? HERE : MISSING;
        atomic_store_explicit(&answer, known, memory_order_relaxed);
    }
    return known == HERE;
}

#else

bool ez_sha256_ni_is_here(void)
{
    return false;
}

void ez_sha256_ni_compress(uint32_t state[8], const uint8_t *data, size_t count)
{
    (void)state;
    (void)data;
    (void)count;
}

const ez_sha256_wide *ez_sha256_wide_ni(void)
{
    return NULL;
}

#endif
