/* Sixteen proofs at a time, for x86-64 processors with AVX-512, which also has rotations and any
 * function of three bits as one instruction each. */
#if defined(__x86_64__)

#include <immintrin.h>

#define EZ_LANES        16
#define EZ_LANES_TARGET __attribute__((target("avx512f")))

/* The table of a three-bit function is its value for 0xf0, 0xcc and 0xaa. */
#define LANES_FUNCTION_OF(x, y, z, table)                                                          \
    (lanes) _mm512_ternarylogic_epi32((__m512i)(x), (__m512i)(y), (__m512i)(z), table)

#define lanes_rotate(x, n)      (lanes) _mm512_ror_epi32((__m512i)(x), n)
#define lanes_xor3(x, y, z)     LANES_FUNCTION_OF(x, y, z, 0xf0 ^ 0xcc ^ 0xaa)
#define lanes_choose(x, y, z)   LANES_FUNCTION_OF(x, y, z, (0xf0 & 0xcc) | (0x0f & 0xaa))
#define lanes_majority(x, y, z) LANES_FUNCTION_OF(x, y, z, (0xf0 & 0xcc) | (0xaa & (0xf0 | 0xcc)))
#define lanes_passed(words, limit)                                                                 \
    _mm512_cmple_epu32_mask((__m512i)(words), _mm512_set1_epi32((int)(limit)))

#include "search_lanes_internal.h"

static const ez_search_version avx512 = {"avx512", scan_lanes};

const ez_search_version *ez_search_avx512(void)
{
    /* also asks whether the system saves the wide registers */
    return __builtin_cpu_supports("avx512f") ? &avx512 : NULL;
}

#else

#include "search_internal.h"

const ez_search_version *ez_search_avx512(void)
{
    return NULL;
}

#endif
