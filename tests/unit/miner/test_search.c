#include "search_internal.h"

#include "ezp2p/base/rng.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/crypto/sha256.h"

#include <criterion/criterion.h>
#include <string.h>

#define EASY_BITS    0x207fffffu /* every second hash */
#define CLASSIC_BITS 0x1f00ffffu
#define HARD_BITS    0x01010000u /* the target 1: never found */

/* The versions that this processor can run, and one of sixteen lanes for any: AVX-512 shares all
 * of its text but five operations. */
#define EZ_LANES 16
#define EZ_LANES_TARGET
#pragma GCC diagnostic ignored "-Wpsabi" /* all of it is inlined: nothing is passed */
#include "search_lanes_internal.h"

static const ez_search_version sixteen_lanes = {"sixteen lanes", scan_lanes};

#define VERSIONS_MAX (EZ_SEARCH_VERSIONS_MAX + 1)
#define EACH_VERSION(v)                                                                            \
    const ez_search_version *list[VERSIONS_MAX] = {NULL}, **v = list;                              \
    for (list[ez_search_versions(list)] = &sixteen_lanes; v < list + VERSIONS_MAX && *v; v++)

static ez_header random_header(ez_rng *rng, uint32_t bits)
{
    uint8_t bytes[EZ_HEADER_BYTES];
    ez_header header;
    ez_rng_fill(rng, bytes, sizeof bytes);
    ez_header_decode(&header, bytes);
    header.bits = bits;
    return header;
}

static uint32_t word_of(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The hash as libsodium makes it: its first word, or all of it as a target. */
static uint32_t first_word(ez_header header, uint64_t proof)
{
    ez_block_id id;
    header.proof = proof;
    ez_header_id(&id, &header);
    return word_of(id.hash.bytes);
}

static void target_proof(ez_search *search, ez_header header, uint64_t proof)
{
    ez_block_id id;
    header.proof = proof;
    ez_header_id(&id, &header);
    for (size_t i = 0; i < 8; i++) {
        search->target[i] = word_of(id.hash.bytes + 4 * i);
    }
}

/* How many proofs come before the first whose hash's first word is not above the limit. */
static uint32_t naive_scan(ez_header header, uint32_t limit, uint64_t proof, uint32_t count)
{
    uint32_t before = 0;
    while (before < count && first_word(header, proof + before) > limit) {
        before++;
    }
    return before;
}

static ez_search searched(const ez_header *header)
{
    ez_search search;
    cr_assert(ez_search_init(&search, header));
    return search;
}

/* The value itself is shown by both sides of its line: with this limit the proof is found, with one
 * less it is not. */
Test(search, first_word_is_that_of_sha256_over_the_encoded_header)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search digest 16");
    for (int round = 0; round < 300; round++) {
        ez_header header = random_header(&rng, CLASSIC_BITS);
        ez_search search = searched(&header);
        ez_search_span span;
        ez_search_span_init(&span, &search, (uint32_t)(header.proof >> 32));
        uint32_t low = (uint32_t)header.proof, word = first_word(header, header.proof);
        EACH_VERSION(v)
        {
            span.limit = word;
            cr_assert_eq((*v)->scan(&span, low, 1), 0, "%s", (*v)->name);
            span.limit = word - 1;
            cr_assert(word != 0 && (*v)->scan(&span, low, 1) == 1, "%s", (*v)->name);
        }
    }
}

/* The same for every lane: the last proof of a window is found exactly when the limit reaches its
 * word, if all before it are above. */
Test(search, every_lane_computes_its_own_proof)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search lanes  16");
    enum { WINDOW = 33 };
    unsigned seen[WINDOW] = {0}, short_of = WINDOW;
    for (int round = 0; short_of > 0 && round < 20000; round++) {
        ez_header header = random_header(&rng, CLASSIC_BITS);
        uint32_t count = 1 + (uint32_t)ez_rng_below(&rng, WINDOW);
        uint64_t first = (uint64_t)header.index << 32 | (uint32_t)(header.proof & 0x7fffffff);
        uint32_t word = first_word(header, first + count - 1);
        if (naive_scan(header, word, first, count) != count - 1) {
            continue; /* one before it is as low */
        }
        short_of -= ++seen[count - 1] == 3;
        ez_search search = searched(&header);
        ez_search_span span;
        ez_search_span_init(&span, &search, (uint32_t)(first >> 32));
        EACH_VERSION(v)
        {
            span.limit = word;
            cr_assert_eq((*v)->scan(&span, (uint32_t)first, count), count - 1, "%s", (*v)->name);
            span.limit = word - 1;
            cr_assert_eq((*v)->scan(&span, (uint32_t)first, count), count, "%s", (*v)->name);
        }
    }
    cr_assert_eq(short_of, 0, "three of each length");
}

Test(search, a_scan_stops_where_a_naive_one_does_at_any_difficulty)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search naive  16");
    for (int round = 0; round < 300; round++) {
        ez_header header = random_header(&rng, CLASSIC_BITS);
        ez_search search = searched(&header);
        ez_search_span span;
        ez_search_span_init(&span, &search, (uint32_t)(header.proof >> 32));
        span.limit = UINT32_MAX >> round % 33 / 2 >> (round % 33 + 1) / 2;
        uint32_t count = (uint32_t)ez_rng_below(&rng, 200);
        /* the end of the span included */
        uint32_t low = round % 2 == 0 ? (uint32_t)header.proof : -count;
        low = low > UINT32_MAX - count ? -count : low;
        uint64_t first = header.proof >> 32 << 32 | low;
        uint32_t expected = naive_scan(header, span.limit, first, count);
        EACH_VERSION(v)
        {
            cr_assert_eq((*v)->scan(&span, low, count), expected, "%s", (*v)->name);
        }
    }
}

Test(search, the_proof_that_the_template_came_with_does_not_matter)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search proof  16");
    ez_header header = random_header(&rng, CLASSIC_BITS), other = header;
    other.proof ^= 0x0123456789abcdef;
    ez_search a = searched(&header), b = searched(&other);
    ez_search_span of_a, of_b;
    memset(&of_a, 0, sizeof of_a);
    memset(&of_b, 0, sizeof of_b);
    ez_search_span_init(&of_a, &a, 7);
    ez_search_span_init(&of_b, &b, 7);
    cr_assert_arr_eq(&of_a, &of_b, sizeof of_a);
}

Test(search, target_itself_solves_and_one_below_it_is_the_line)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search target 16");
    ez_header header = random_header(&rng, CLASSIC_BITS);
    ez_search search = searched(&header);
    uint64_t proof;
    EACH_VERSION(v)
    {
        for (int word = 0; word < 8; word++) {
            target_proof(&search, header, 7);
            cr_assert(ez_search_run(&search, *v, &proof, 7, 1));
            uint32_t exact = search.target[word];
            search.target[word] = exact - 1;
            cr_assert(exact != 0 && !ez_search_run(&search, *v, &proof, 7, 1));
            search.target[word] = exact + 1;
            cr_assert(search.target[word] != 0 && ez_search_run(&search, *v, &proof, 7, 1));
        }
    }
}

/* With the target set to one proof's own hash, that proof is a solution and hardly any other is. */
Test(search, a_solution_is_found_at_either_end_of_the_range_and_not_beyond)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search range  16");
    int tested = 0;
    while (tested < 50) {
        ez_header header = random_header(&rng, CLASSIC_BITS);
        ez_search search = searched(&header);
        target_proof(&search, header, 1000);
        if (search.target[0] > 0x02000000) {
            continue; /* another of the few proofs tried might be below it as well */
        }
        tested++;
        EACH_VERSION(v)
        {
            uint64_t proof = 5;
            cr_assert_not(ez_search_run(&search, *v, &proof, 1001, 4), "%s", (*v)->name);
            cr_assert_not(ez_search_run(&search, *v, &proof, 997, 3), "%s", (*v)->name);
            cr_assert_not(ez_search_run(&search, *v, &proof, 1000, 0), "%s", (*v)->name);
            cr_assert_eq(proof, 5, "%s: untouched when nothing is found", (*v)->name);
            cr_assert(ez_search_run(&search, *v, &proof, 997, 4), "%s", (*v)->name);
            cr_assert_eq(proof, 1000);
            proof = 5;
            cr_assert(ez_search_run(&search, *v, &proof, 1000, 1), "%s", (*v)->name);
            cr_assert_eq(proof, 1000);
        }
    }
}

Test(search, versions_find_the_same_first_proof)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search same   16");
    for (int round = 0; round < 20; round++) {
        ez_header header = random_header(&rng, round % 2 == 0 ? EASY_BITS : 0x2000ffffu);
        ez_search search = searched(&header);
        uint64_t first = ez_rng_below(&rng, EZ_PROOF_LIMIT), found = 0;
        EACH_VERSION(v)
        {
            uint64_t proof;
            cr_assert(ez_search_run(&search, *v, &proof, first, 100000), "%s", (*v)->name);
            cr_assert(found == 0 || proof == found, "%s", (*v)->name);
            found = proof;
        }
        header.proof = found;
        ez_block_id id;
        ez_header_id(&id, &header);
        cr_assert(ez_header_has_work(&id, header.bits));
    }
}

/* One solution at `at`, none at the few proofs before it. */
static ez_search with_solution_at(ez_rng *rng, uint64_t at)
{
    ez_header header = random_header(rng, CLASSIC_BITS);
    ez_search search;
    do {
        header.timestamp++;
        search = searched(&header);
        target_proof(&search, header, at);
    } while (search.target[0] > 0x02000000);
    return search;
}

Test(search, a_search_goes_on_where_the_high_half_of_the_proof_changes)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search carry  16");
    const uint64_t carry = (uint64_t)41 << 32;
    EACH_VERSION(v)
    {
        for (uint64_t at = carry - 1; at <= carry + 2; at++) {
            ez_search search = with_solution_at(&rng, at);
            uint64_t proof = 5;
            cr_assert(ez_search_run(&search, *v, &proof, carry - 3, 6), "%s", (*v)->name);
            cr_assert_eq(proof, at);
        }
    }
}

Test(search, proofs_wrap_before_they_leave_the_integers_of_json)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search wrap   16");
    ez_search search = with_solution_at(&rng, 0);
    EACH_VERSION(v)
    {
        uint64_t proof = 5;
        cr_assert(ez_search_run(&search, *v, &proof, EZ_PROOF_LIMIT - 1, 2), "%s", (*v)->name);
        cr_assert_eq(proof, 0);
    }
}

Test(search, a_hopeless_target_yields_nothing)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search hard   16");
    ez_header header = random_header(&rng, HARD_BITS);
    ez_search search = searched(&header);
    EACH_VERSION(v)
    {
        uint64_t proof = 5;
        cr_assert_not(ez_search_run(&search, *v, &proof, 0, 10001), "%s", (*v)->name);
    }
}

Test(search, malformed_targets_are_refused)
{
    ez_header header = {.bits = 0};
    ez_search search;
    cr_assert_not(ez_search_init(&search, &header));
}

Test(search, the_best_is_one_that_this_processor_can_run)
{
    ez_header header = {.bits = HARD_BITS};
    ez_search search = searched(&header);
    const ez_search_version *best = ez_search_best(&search);
    unsigned matches = 0;
    EACH_VERSION(v)
    {
        matches += *v == best;
    }
    cr_assert_eq(matches, 1);
}
