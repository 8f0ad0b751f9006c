/* Eight messages side by side in the lanes of AVX2 registers, for x86-64 processors that lack the
 * SHA extensions: a message takes about a fourth of what libsodium's portable code needs. */
#include "sha256_internal.h"

#if defined(__x86_64__)

#include <string.h>

#define LANES       8
#define AVX2        __attribute__((target("avx2")))
#define AVX2_INLINE AVX2 static inline __attribute__((always_inline))

/* The operators of such vectors, which are those of gcc and clang, work lane by lane. */
typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

/* The functions of FIPS 180-4, section 4.1.2. */
AVX2_INLINE lanes schedule0(lanes x)
{
    return ROTATE(x, 7) ^ ROTATE(x, 18) ^ x >> 3;
}

AVX2_INLINE lanes schedule1(lanes x)
{
    return ROTATE(x, 17) ^ ROTATE(x, 19) ^ x >> 10;
}

AVX2_INLINE lanes sum0(lanes x)
{
    return ROTATE(x, 2) ^ ROTATE(x, 13) ^ ROTATE(x, 22);
}

AVX2_INLINE lanes sum1(lanes x)
{
    return ROTATE(x, 6) ^ ROTATE(x, 11) ^ ROTATE(x, 25);
}

AVX2_INLINE lanes choose(lanes x, lanes y, lanes z)
{
    return z ^ (x & (y ^ z));
}

AVX2_INLINE lanes majority(lanes x, lanes y, lanes z)
{
    return (x & y) | (z & (x | y));
}

/* Word `t` of every block. */
AVX2_INLINE lanes load_words(const uint8_t blocks[][EZ_SHA256_BLOCK_BYTES], unsigned t)
{
    lanes words;
    for (unsigned i = 0; i < LANES; i++) {
        uint32_t word;
        memcpy(&word, blocks[i] + 4 * t, sizeof word);
        words[i] = __builtin_bswap32(word);
    }
    return words;
}

AVX2 static void avx2_compress8(uint32_t state[][8], const uint8_t blocks[][EZ_SHA256_BLOCK_BYTES])
{
    lanes s[8], w[16];
    for (unsigned word = 0; word < 8; word++) {
        for (unsigned i = 0; i < LANES; i++) {
            s[word][i] = state[i][word];
        }
    }
    lanes a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (unsigned t = 0; t < 64; t++) {
        if (t < 16) {
            w[t] = load_words(blocks, t);
        } else { /* a ring of sixteen */
            w[t % 16] += schedule1(w[(t - 2) % 16]) + w[(t - 7) % 16] + schedule0(w[(t - 15) % 16]);
        }
        lanes t1 = h + sum1(e) + choose(e, f, g) + w[t % 16] + ez_sha256_rounds[t];
        lanes t2 = sum0(a) + majority(a, b, c);
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    s[0] += a, s[1] += b, s[2] += c, s[3] += d, s[4] += e, s[5] += f, s[6] += g, s[7] += h;
    for (unsigned word = 0; word < 8; word++) {
        for (unsigned i = 0; i < LANES; i++) {
            state[i][word] = s[word][i];
        }
    }
}

const ez_sha256_wide *ez_sha256_wide_avx2(void)
{
    static const ez_sha256_wide eight = {LANES, avx2_compress8};
    return __builtin_cpu_supports("avx2") ? &eight : NULL;
}

#else

const ez_sha256_wide *ez_sha256_wide_avx2(void)
{
    return NULL;
}

#endif
