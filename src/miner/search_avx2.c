/* Eight proofs at a time, for x86-64 processors with AVX2 that lack the SHA extensions. */
#if defined(__x86_64__)

#include <immintrin.h>

#define EZ_LANES        8
#define EZ_LANES_TARGET __attribute__((target("avx2")))

/* There is no unsigned comparison: x <= y where x is the smaller of both. */
#define lanes_passed(words, limit)                                                                 \
    (uint32_t) _mm256_movemask_ps((__m256)_mm256_cmpeq_epi32(                                      \
        _mm256_min_epu32((__m256i)(words), _mm256_set1_epi32((int)(limit))), (__m256i)(words)))

#include "search_lanes_internal.h"

static const ez_search_version avx2 = {"avx2", scan_lanes};

const ez_search_version *ez_search_avx2(void)
{
    return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
}

#else

#include "search_internal.h"

const ez_search_version *ez_search_avx2(void)
{
    return NULL;
}

#endif
