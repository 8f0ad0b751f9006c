#include "ezp2p/chain/header.h"

#include <string.h>

/* Four lanes are what processors of any make have had for long; where one has not, the compiler
 * makes scalar code of it. */
#define EZ_LANES 4
#define EZ_LANES_TARGET
#include "search_lanes_internal.h"

#define SPAN_PROOFS ((uint64_t)1 << 32)
#define SCAN_MAX    ((uint64_t)1 << 31)

static inline uint32_t rotate_right(uint32_t value, unsigned count)
{
    return value >> count | value << (32 - count);
}

static uint32_t load_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The small sigmas of FIPS 180-4, 4.1.2. */
static uint32_t schedule0(uint32_t x)
{
    return rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
}

static uint32_t schedule1(uint32_t x)
{
    return rotate_right(x, 17) ^ rotate_right(x, 19) ^ x >> 10;
}

/* A round; `sum` is the word of the schedule plus the round's constant. */
static void one_round(uint32_t state[8], uint32_t sum)
{
    uint32_t a = state[0], b = state[1], c = state[2];
    uint32_t e = state[4], f = state[5], g = state[6];
    uint32_t t1 = state[7] + (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                  ((e & f) ^ (~e & g)) + sum;
    uint32_t t2 = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                  ((a & b) ^ (a & c) ^ (b & c));
    memmove(state + 1, state, 7 * sizeof *state);
    state[4] += t1;
    state[0] = t1 + t2;
}

/* One compression (FIPS 180-4, 6.2.2) of `block` onto `state`. */
static void compress(uint32_t state[8], const uint32_t block[16])
{
    uint32_t w[64], before[8];
    memcpy(w, block, 16 * sizeof *w);
    memcpy(before, state, sizeof before);
    for (unsigned t = 0; t < 64; t++) {
        if (t >= 16) {
            w[t] = schedule1(w[t - 2]) + w[t - 7] + schedule0(w[t - 15]) + w[t - 16];
        }
        one_round(state, w[t] + ez_sha256_rounds[t]);
    }
    for (unsigned i = 0; i < 8; i++) {
        state[i] += before[i];
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
        out->block[i] = load_big_endian(bytes + 64 + 4 * i);
    }
    memcpy(out->midstate, ez_sha256_initial, sizeof out->midstate);
    compress(out->midstate, head);
    for (size_t i = 0; i < 8; i++) {
        out->target[i] = load_big_endian(target + 4 * i);
    }
    return true;
}

/* The header's proof is little-endian, SHA-256 is not. */
static void set_high_half(uint32_t block[16], uint32_t high)
{
    block[7] = __builtin_bswap32(high);
}

static void set_low_half(uint32_t block[16], uint32_t low)
{
    block[6] = __builtin_bswap32(low);
}

void ez_search_span_init(ez_search_span *out, const ez_search *search, uint32_t high)
{
    out->limit = search->target[0];
    out->base = search->midstate[0];
    memcpy(out->fixed, search->block, sizeof search->block);
    set_high_half(out->fixed, high);
    out->fixed[6] = 0;
    for (unsigned t = 16; t < 64; t++) {
        uint32_t *w = out->fixed;
        w[t] = ez_search_varies(t - 16) ? 0 : w[t - 16];
        w[t] += ez_search_varies(t - 15) ? 0 : schedule0(w[t - 15]);
        w[t] += ez_search_varies(t - 7) ? 0 : w[t - 7];
        w[t] += ez_search_varies(t - 2) ? 0 : schedule1(w[t - 2]);
    }
    for (unsigned t = 0; t < 64; t++) {
        out->sums[t] = out->fixed[t] + ez_sha256_rounds[t];
    }
    memcpy(out->state4, search->midstate, sizeof out->state4);
    for (unsigned t = 0; t < 4; t++) {
        one_round(out->state4, out->sums[t]);
    }
    memcpy(out->state6, out->state4, sizeof out->state6);
    one_round(out->state6, out->sums[4]);
    one_round(out->state6, out->sums[5]);
}

/* Whether the hash, in full and as big-endian words, is not above the target. */
static bool solves(const ez_search *search, uint64_t proof)
{
    uint32_t block[16], hash[8];
    memcpy(block, search->block, sizeof block);
    set_high_half(block, (uint32_t)(proof >> 32));
    set_low_half(block, (uint32_t)proof);
    memcpy(hash, search->midstate, sizeof hash);
    compress(hash, block);
    for (unsigned i = 0; i < 8; i++) {
        if (hash[i] != search->target[i]) {
            return hash[i] < search->target[i];
        }
    }
    return true;
}

/* Try proofs of one span. */
static bool run_piece(const ez_search *search, const ez_search_version *version, uint64_t *proof,
                      uint64_t first, uint32_t count)
{
    ez_search_span span;
    ez_search_span_init(&span, search, (uint32_t)(first >> 32));
    uint32_t done = 0;
    while ((done += version->scan(&span, (uint32_t)first + done, count - done)) < count) {
        if (solves(search, first + done)) {
            *proof = first + done;
            return true;
        }
        done++;
    }
    return false;
}

bool ez_search_run(const ez_search *search, const ez_search_version *version, uint64_t *proof,
                   uint64_t first, uint64_t count)
{
    uint64_t at = first % EZ_PROOF_LIMIT;
    while (count > 0) {
        /* EZ_PROOF_LIMIT is the end of a span too */
        uint64_t piece = SPAN_PROOFS - at % SPAN_PROOFS;
        piece = piece < SCAN_MAX ? piece : SCAN_MAX;
        piece = piece < count ? piece : count;
        if (run_piece(search, version, proof, at, (uint32_t)piece)) {
            return true;
        }
        at = (at + piece) % EZ_PROOF_LIMIT;
        count -= piece;
    }
    return false;
}

static const ez_search_version portable = {"portable", scan_lanes};

unsigned ez_search_versions(const ez_search_version *out[EZ_SEARCH_VERSIONS_MAX])
{
    const ez_search_version *all[] = {&portable,          ez_search_avx2(),
                                      ez_search_sha_ni(), ez_search_sha_ni_avx(),
                                      ez_search_avx512(), ez_search_armv8()};
    unsigned count = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] != NULL) {
            out[count++] = all[i];
        }
    }
    return count;
}
