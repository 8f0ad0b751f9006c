/* SHA-256 with the x86 SHA extensions, two proofs at a time: one compression is a single chain of
 * dependent sha256rnds2 instructions, so a second, independent one fits into its latencies. */
#include "search_internal.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define SHA_NI __attribute__((target("sha,sse4.1,ssse3")))

/* One proof under way. The instructions want the eight state words as (A,B,E,F) and (C,D,G,H), A
 * and C in the highest lane; the schedule is a ring of four vectors of four words. */
typedef struct lane {
    __m128i abef, cdgh;
    __m128i w[4];
} lane;

/* Four rounds: group `g` of sixteen. Constant `g` and inlining keep the ring in registers. */
SHA_NI static inline __attribute__((always_inline)) void rounds4(lane *l, unsigned g)
{
    __m128i w = l->w[g % 4];
    __m128i sum =
        _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)(const void *)&ez_sha256_rounds[4 * g]));
    l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, sum);
    l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(sum, 0x0e));
    if (g < 12) {
        __m128i next = l->w[(g + 3) % 4];
        w = _mm_add_epi32(_mm_sha256msg1_epu32(w, l->w[(g + 1) % 4]),
                          _mm_alignr_epi8(next, l->w[(g + 2) % 4], 4));
        l->w[g % 4] = _mm_sha256msg2_epu32(w, next);
    }
}

SHA_NI static inline __attribute__((always_inline)) void rounds4_both(lane *a, lane *b, unsigned g)
{
    rounds4(a, g);
    rounds4(b, g);
}

/* What does not change from proof to proof, as vectors. */
typedef struct prepared {
    __m128i abef, cdgh; /* the midstate */
    __m128i w[4];       /* the second block; the proof's words are zero */
} prepared;

SHA_NI static inline void prepare(prepared *out, const ez_search *search)
{
    const uint32_t *s = search->midstate;
    out->abef = _mm_set_epi32((int)s[0], (int)s[1], (int)s[4], (int)s[5]);
    out->cdgh = _mm_set_epi32((int)s[2], (int)s[3], (int)s[6], (int)s[7]);
    for (unsigned i = 0; i < 4; i++) {
        out->w[i] = _mm_loadu_si128((const __m128i *)(const void *)&search->tail[4 * i]);
    }
    out->w[1] = _mm_blend_epi16(out->w[1], _mm_setzero_si128(), 0xf0);
}

SHA_NI static inline __attribute__((always_inline)) void lane_init(lane *l, const prepared *p,
                                                                   uint64_t proof)
{
    l->abef = p->abef;
    l->cdgh = p->cdgh;
    for (unsigned i = 0; i < 4; i++) {
        l->w[i] = p->w[i];
    }
    /* words 6 and 7: the proof's bytes in order, read as two big-endian words */
    __m128i reverse = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    __m128i words = _mm_shuffle_epi8(_mm_set_epi64x((long long)proof, 0), reverse);
    l->w[1] = _mm_or_si128(l->w[1], words);
}

SHA_NI static inline __attribute__((always_inline)) void compress_both(lane *a, lane *b,
                                                                       const prepared *p)
{
    rounds4_both(a, b, 0), rounds4_both(a, b, 1), rounds4_both(a, b, 2), rounds4_both(a, b, 3);
    rounds4_both(a, b, 4), rounds4_both(a, b, 5), rounds4_both(a, b, 6), rounds4_both(a, b, 7);
    rounds4_both(a, b, 8), rounds4_both(a, b, 9), rounds4_both(a, b, 10), rounds4_both(a, b, 11);
    rounds4_both(a, b, 12), rounds4_both(a, b, 13), rounds4_both(a, b, 14), rounds4_both(a, b, 15);
    a->abef = _mm_add_epi32(a->abef, p->abef), a->cdgh = _mm_add_epi32(a->cdgh, p->cdgh);
    b->abef = _mm_add_epi32(b->abef, p->abef), b->cdgh = _mm_add_epi32(b->cdgh, p->cdgh);
}

SHA_NI static void lane_digest(const lane *l, uint32_t out[8])
{
    out[0] = (uint32_t)_mm_extract_epi32(l->abef, 3);
    out[1] = (uint32_t)_mm_extract_epi32(l->abef, 2);
    out[2] = (uint32_t)_mm_extract_epi32(l->cdgh, 3);
    out[3] = (uint32_t)_mm_extract_epi32(l->cdgh, 2);
    out[4] = (uint32_t)_mm_extract_epi32(l->abef, 1);
    out[5] = (uint32_t)_mm_extract_epi32(l->abef, 0);
    out[6] = (uint32_t)_mm_extract_epi32(l->cdgh, 1);
    out[7] = (uint32_t)_mm_extract_epi32(l->cdgh, 0);
}

SHA_NI static bool lane_is_solved(const lane *l, const ez_search *search)
{
    uint32_t digest[8];
    lane_digest(l, digest);
    return ez_search_is_solved(search, digest);
}

SHA_NI static void sha_ni_digest(const ez_search *search, uint32_t out[8], uint64_t proof)
{
    prepared p;
    prepare(&p, search);
    lane a, b;
    lane_init(&a, &p, proof);
    lane_init(&b, &p, proof);
    compress_both(&a, &b, &p);
    lane_digest(&a, out);
}

SHA_NI static bool sha_ni_run(const ez_search *search, uint64_t *proof, uint64_t first,
                              uint64_t count)
{
    prepared p;
    prepare(&p, search);
    for (uint64_t i = 0; i < count; i += 2) {
        uint64_t one = (first + i) % EZ_PROOF_LIMIT, two = (first + i + 1) % EZ_PROOF_LIMIT;
        lane a, b;
        lane_init(&a, &p, one);
        lane_init(&b, &p, two);
        compress_both(&a, &b, &p);
        /* The highest words decide all but one try in millions, without leaving the registers. */
        uint32_t top_a = (uint32_t)_mm_extract_epi32(a.abef, 3);
        uint32_t top_b = (uint32_t)_mm_extract_epi32(b.abef, 3);
        if (top_a <= search->target[0] && lane_is_solved(&a, search)) {
            *proof = one;
            return true;
        }
        if (top_b <= search->target[0] && i + 1 < count && lane_is_solved(&b, search)) {
            *proof = two;
            return true;
        }
    }
    return false;
}

static const ez_search_version sha_ni = {"sha-ni", sha_ni_digest, sha_ni_run};

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
