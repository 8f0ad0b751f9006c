/* Scan with the SHA2 instructions of Armv8, four proofs at a time: like those of x86, they leave
 * room for other chains while one waits. */
#include "search_internal.h"

/* Older clang declares the intrinsics only when the whole file is compiled for them. */
#if defined(__aarch64__) && defined(__linux__) &&                                                  \
    (!defined(__clang__) || __clang_major__ >= 16 || defined(__ARM_FEATURE_SHA2))

#include <arm_neon.h>
#include <sys/auxv.h>

#ifdef __clang__
#define ARMV8 __attribute__((target("sha2")))
#else
#define ARMV8 __attribute__((target("+crypto")))
#endif
#define ARMV8_INLINE ARMV8 static inline __attribute__((always_inline))

#define LINUX_HWCAP_SHA2 (1ul << 6) /* the kernel's documentation of the arm64 ELF hwcaps */

#define CHAINS 4

/* One proof under way: the state as (A,B,C,D) and (E,F,G,H), A and E in the lowest lane, and a ring
 * of sixteen words of the schedule. */
typedef struct chain {
    uint32x4_t abcd, efgh;
    uint32x4_t w[4];
} chain;

/* Four rounds, their words plus constants being `sums`. */
ARMV8_INLINE void rounds4(chain *c, uint32x4_t sums)
{
    uint32x4_t abcd = c->abcd;
    c->abcd = vsha256hq_u32(abcd, c->efgh, sums);
    c->efgh = vsha256h2q_u32(c->efgh, abcd, sums);
}

/* Rounds 4 to 19: of their words, only word 6 is not fixed. */
ARMV8_INLINE void start(chain *c, const ez_search_span *span, uint32_t word6)
{
    const uint32_t lane2[4] = {0, 0, word6, 0};
    c->abcd = vld1q_u32(&span->state4[0]);
    c->efgh = vld1q_u32(&span->state4[4]);
    c->w[1] = vaddq_u32(vld1q_u32(&span->fixed[4]), vld1q_u32(lane2));
    c->w[2] = vld1q_u32(&span->fixed[8]);
    c->w[3] = vld1q_u32(&span->fixed[12]);
    c->w[0] = vld1q_u32(&span->fixed[16]);
    rounds4(c, vaddq_u32(vld1q_u32(&span->sums[4]), vld1q_u32(lane2)));
    rounds4(c, vld1q_u32(&span->sums[8]));
    rounds4(c, vld1q_u32(&span->sums[12]));
    rounds4(c, vld1q_u32(&span->sums[16]));
}

/* Rounds 4g to 4g + 3, for g from 5 on. */
ARMV8_INLINE void extend_and_round4(chain *c, unsigned g)
{
    uint32x4_t *w = c->w;
    uint32x4_t rest = vsha256su0q_u32(w[g % 4], w[(g + 1) % 4]);
    w[g % 4] = vsha256su1q_u32(rest, w[(g + 2) % 4], w[(g + 3) % 4]);
    rounds4(c, vaddq_u32(w[g % 4], vld1q_u32(&ez_sha256_rounds[4 * g])));
}

/* Bit i is set when the first word of the hash with low half low + i is not above the limit. */
ARMV8_INLINE unsigned try_proofs(const ez_search_span *span, uint32_t low)
{
    chain c[CHAINS];
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        start(&c[i], span, __builtin_bswap32(low + i)); /* the header is little-endian */
    }
#pragma GCC unroll 11
    for (unsigned g = 5; g < 16; g++) {
#pragma GCC unroll 4
        for (unsigned i = 0; i < CHAINS; i++) {
            extend_and_round4(&c[i], g);
        }
    }
    unsigned passed = 0;
#pragma GCC unroll 4
    for (unsigned i = 0; i < CHAINS; i++) {
        uint32_t word = vgetq_lane_u32(c[i].abcd, 0) + span->base;
        passed |= (unsigned)(word <= span->limit) << i;
    }
    return passed;
}

ARMV8 static uint32_t armv8_scan(const ez_search_span *span, uint32_t first, uint32_t count)
{
    for (uint32_t done = 0; done < count; done += CHAINS) {
        unsigned passed = try_proofs(span, first + done);
        if (passed != 0) {
            uint32_t before = done + (uint32_t)__builtin_ctz(passed);
            return before < count ? before : count; /* the last may lie beyond the end */
        }
    }
    return count;
}

static const ez_search_version armv8 = {"armv8-sha2", armv8_scan};

const ez_search_version *ez_search_armv8(void)
{
    return (getauxval(AT_HWCAP) & LINUX_HWCAP_SHA2) != 0 ? &armv8 : NULL;
}

#else

const ez_search_version *ez_search_armv8(void)
{
    return NULL;
}

#endif
