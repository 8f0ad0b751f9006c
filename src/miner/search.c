#include "search_internal.h"

#include "ezp2p/chain/header.h"

#include <string.h>

const uint32_t ez_sha256_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t initial_state[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static inline uint32_t rotate_right(uint32_t value, unsigned count)
{
    return value >> count | value << (32 - count);
}

static uint32_t load_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* One compression (FIPS 180-4, 6.2.2) of `block` onto `state`. The schedule is computed in a ring
 * of sixteen words, in step with the rounds. */
static void compress(uint32_t out[8], const uint32_t state[8], const uint32_t block[16])
{
    uint32_t w[16];
    memcpy(w, block, sizeof w);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (unsigned i = 0; i < 64; i++) {
        if (i >= 16) {
            uint32_t early = w[(i + 1) & 15], late = w[(i + 14) & 15];
            w[i & 15] += w[(i + 9) & 15] +
                         (rotate_right(early, 7) ^ rotate_right(early, 18) ^ early >> 3) +
                         (rotate_right(late, 17) ^ rotate_right(late, 19) ^ late >> 10);
        }
        uint32_t t1 = h + (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                      ((e & f) ^ (~e & g)) + ez_sha256_rounds[i] + w[i & 15];
        uint32_t t2 = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                      ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    const uint32_t rounds[8] = {a, b, c, d, e, f, g, h};
    for (unsigned i = 0; i < 8; i++) {
        out[i] = state[i] + rounds[i];
    }
}

bool ez_search_init(ez_search *out, const ez_header *header)
{
    uint8_t target[32];
    if (!ez_target_from_bits(target, header->bits)) {
        return false;
    }
    uint8_t bytes[128] = {0};
    ez_header_encode(bytes, header);
    bytes[EZ_HEADER_BYTES] = 0x80;
    bytes[126] = EZ_HEADER_BYTES * 8 >> 8;
    bytes[127] = EZ_HEADER_BYTES * 8 & 0xff;
    uint32_t head[16];
    for (size_t i = 0; i < 16; i++) {
        head[i] = load_big_endian(bytes + 4 * i);
        out->tail[i] = load_big_endian(bytes + 64 + 4 * i);
    }
    compress(out->midstate, initial_state, head);
    for (size_t i = 0; i < 8; i++) {
        out->target[i] = load_big_endian(target + 4 * i);
    }
    return true;
}

bool ez_search_is_solved(const ez_search *search, const uint32_t digest[8])
{
    for (unsigned i = 0; i < 8; i++) {
        if (digest[i] != search->target[i]) {
            return digest[i] < search->target[i];
        }
    }
    return true;
}

static void portable_digest(const ez_search *search, uint32_t out[8], uint64_t proof)
{
    uint32_t block[16];
    memcpy(block, search->tail, sizeof block);
    block[6] = __builtin_bswap32((uint32_t)proof); /* the header is little-endian, SHA-256 is not */
    block[7] = __builtin_bswap32((uint32_t)(proof >> 32));
    compress(out, search->midstate, block);
}

static bool portable_run(const ez_search *search, uint64_t *proof, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t candidate = (first + i) % EZ_PROOF_LIMIT;
        uint32_t digest[8];
        portable_digest(search, digest, candidate);
        if (digest[0] <= search->target[0] && ez_search_is_solved(search, digest)) {
            *proof = candidate;
            return true;
        }
    }
    return false;
}

const ez_search_version ez_search_portable = {"portable", portable_digest, portable_run};

const ez_search_version *ez_search_best(void)
{
    const ez_search_version *fast = ez_search_sha_ni();
    return fast != NULL ? fast : &ez_search_portable;
}
