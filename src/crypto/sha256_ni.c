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

/* Four rounds: group `g` of sixteen. Constant `g` and inlining keep the ring in registers. */
SHA_NI_INLINE void rounds4(half_states *s, unsigned g)
{
    __m128i w = s->w[g % 4];
    __m128i sum =
        _mm_add_epi32(w, _mm_load_si128((const __m128i *)(const void *)&ez_sha256_rounds[4 * g]));
    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(sum, 0x0e));
    if (g < 12) {
        __m128i next = s->w[(g + 3) % 4];
        w = _mm_add_epi32(_mm_sha256msg1_epu32(w, s->w[(g + 1) % 4]),
                          _mm_alignr_epi8(next, s->w[(g + 2) % 4], 4));
        s->w[g % 4] = _mm_sha256msg2_epu32(w, next);
    }
}

SHA_NI_INLINE void compress_one(half_states *s, const uint8_t *data)
{
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    const __m128i abef = s->abef, cdgh = s->cdgh;
    for (unsigned i = 0; i < 4; i++) {
        __m128i words = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
        s->w[i] = _mm_shuffle_epi8(words, big_endian);
    }
    rounds4(s, 0), rounds4(s, 1), rounds4(s, 2), rounds4(s, 3);
    rounds4(s, 4), rounds4(s, 5), rounds4(s, 6), rounds4(s, 7);
    rounds4(s, 8), rounds4(s, 9), rounds4(s, 10), rounds4(s, 11);
    rounds4(s, 12), rounds4(s, 13), rounds4(s, 14), rounds4(s, 15);
    s->abef = _mm_add_epi32(s->abef, abef);
    s->cdgh = _mm_add_epi32(s->cdgh, cdgh);
}

SHA_NI void ez_sha256_ni_compress(uint32_t state[8], const uint8_t *data, size_t count)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)&state[0]);  /* DCBA */
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)&state[4]); /* HGFE */
    __m128i cdab = _mm_shuffle_epi32(low, 0xb1);
    __m128i efgh = _mm_shuffle_epi32(high, 0x1b);
    half_states s;
    s.abef = _mm_alignr_epi8(cdab, efgh, 8);
    s.cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (size_t i = 0; i < count; i++) {
        compress_one(&s, data + i * EZ_SHA256_BLOCK_BYTES);
    }
    __m128i feba = _mm_shuffle_epi32(s.abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(s.cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)&state[0], _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)&state[4], _mm_alignr_epi8(dchg, feba, 8));
}

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

#endif
