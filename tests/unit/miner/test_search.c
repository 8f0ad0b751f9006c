#include "search_internal.h"

#include "ezp2p/base/rng.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/crypto/sha256.h"

#include <criterion/criterion.h>
#include <string.h>

#define EASY_BITS    0x207fffffu /* every second hash */
#define CLASSIC_BITS 0x1f00ffffu
#define HARD_BITS    0x01010000u /* the target 1: never found */

/* The versions that this processor can run. */
static size_t versions(const ez_search_version *out[2])
{
    out[0] = &ez_search_portable;
    out[1] = ez_search_sha_ni();
    return out[1] != NULL ? 2 : 1;
}

static ez_header random_header(ez_rng *rng, uint32_t bits)
{
    uint8_t bytes[EZ_HEADER_BYTES];
    ez_header header;
    ez_rng_fill(rng, bytes, sizeof bytes);
    ez_header_decode(&header, bytes);
    header.bits = bits;
    return header;
}

static void words_from_hash(uint32_t out[8], const ez_hash *hash)
{
    for (size_t i = 0; i < 8; i++) {
        const uint8_t *b = hash->bytes + 4 * i;
        out[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
}

Test(search, digest_is_sha256_of_the_encoded_header)
{
    const ez_search_version *list[2];
    size_t count = versions(list);
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search digest 16");
    for (int round = 0; round < 500; round++) {
        ez_header header = random_header(&rng, CLASSIC_BITS);
        ez_block_id id;
        ez_header_id(&id, &header);
        uint32_t expected[8];
        words_from_hash(expected, &id.hash);
        ez_search search;
        cr_assert(ez_search_init(&search, &header));
        for (size_t i = 0; i < count; i++) {
            uint32_t digest[8];
            list[i]->digest(&search, digest, header.proof);
            cr_assert_arr_eq(digest, expected, sizeof digest, "%s", list[i]->name);
        }
    }
}

Test(search, digest_ignores_the_proof_that_the_template_came_with)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search proof  16");
    const ez_search_version *list[2];
    size_t count = versions(list);
    ez_header header = random_header(&rng, CLASSIC_BITS);
    ez_header other = header;
    other.proof ^= 0x0123456789abcdef;
    ez_search a, b;
    cr_assert(ez_search_init(&a, &header));
    cr_assert(ez_search_init(&b, &other));
    for (size_t i = 0; i < count; i++) {
        uint32_t from_a[8], from_b[8];
        list[i]->digest(&a, from_a, 100);
        list[i]->digest(&b, from_b, 100);
        cr_assert_arr_eq(from_a, from_b, sizeof from_a, "%s", list[i]->name);
    }
}

Test(search, target_itself_is_solved_and_one_below_it_is_the_line)
{
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search target 16");
    ez_header header = random_header(&rng, CLASSIC_BITS);
    ez_search search;
    cr_assert(ez_search_init(&search, &header));
    uint32_t digest[8];
    ez_search_portable.digest(&search, digest, 7);
    for (int word = 0; word < 8; word++) {
        memcpy(search.target, digest, sizeof digest);
        cr_assert(ez_search_is_solved(&search, digest));
        search.target[word] = digest[word] - 1;
        cr_assert(digest[word] != 0 && !ez_search_is_solved(&search, digest));
        search.target[word] = digest[word] + 1;
        cr_assert(search.target[word] != 0 && ez_search_is_solved(&search, digest));
    }
}

/* With the target set to one proof's own hash, that proof is a solution and hardly any other is. */
static void target_proof(ez_search *search, uint64_t proof)
{
    ez_search_portable.digest(search, search->target, proof);
}

Test(search, a_solution_is_found_at_either_end_of_the_range_and_not_beyond)
{
    const ez_search_version *list[2];
    size_t count = versions(list);
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search range  16");
    int tested = 0;
    while (tested < 50) {
        ez_header header = random_header(&rng, CLASSIC_BITS);
        ez_search search;
        cr_assert(ez_search_init(&search, &header));
        target_proof(&search, 1000);
        if (search.target[0] > 0x02000000) {
            continue; /* another of the few proofs tried might be below it as well */
        }
        tested++;
        for (size_t i = 0; i < count; i++) {
            uint64_t proof = 5;
            cr_assert_not(list[i]->run(&search, &proof, 1001, 4), "%s", list[i]->name);
            cr_assert_not(list[i]->run(&search, &proof, 997, 3), "%s", list[i]->name);
            cr_assert_not(list[i]->run(&search, &proof, 1000, 0), "%s", list[i]->name);
            cr_assert_eq(proof, 5, "%s: untouched when nothing is found", list[i]->name);
            cr_assert(list[i]->run(&search, &proof, 997, 4), "%s", list[i]->name);
            cr_assert_eq(proof, 1000);
            proof = 5;
            cr_assert(list[i]->run(&search, &proof, 1000, 1), "%s", list[i]->name);
            cr_assert_eq(proof, 1000);
        }
    }
}

Test(search, versions_find_the_same_first_proof)
{
    const ez_search_version *list[2];
    size_t count = versions(list);
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search same   16");
    for (int round = 0; round < 20; round++) {
        ez_header header = random_header(&rng, round % 2 == 0 ? EASY_BITS : 0x2000ffffu);
        ez_search search;
        cr_assert(ez_search_init(&search, &header));
        uint64_t first = ez_rng_below(&rng, EZ_PROOF_LIMIT), proofs[2] = {0, 0};
        for (size_t i = 0; i < count; i++) {
            cr_assert(list[i]->run(&search, &proofs[i], first, 100000), "%s", list[i]->name);
            header.proof = proofs[i];
            ez_block_id id;
            ez_header_id(&id, &header);
            cr_assert(ez_header_has_work(&id, header.bits), "%s", list[i]->name);
        }
        cr_assert(count < 2 || proofs[0] == proofs[1]);
    }
}

Test(search, proofs_wrap_before_they_leave_the_integers_of_json)
{
    const ez_search_version *list[2];
    size_t count = versions(list);
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search wrap   16");
    ez_header header = random_header(&rng, CLASSIC_BITS);
    ez_search search;
    do {
        header.timestamp++;
        cr_assert(ez_search_init(&search, &header));
        target_proof(&search, 0);
    } while (search.target[0] > 0x02000000);
    for (size_t i = 0; i < count; i++) {
        uint64_t proof = 5;
        cr_assert(list[i]->run(&search, &proof, EZ_PROOF_LIMIT - 1, 2), "%s", list[i]->name);
        cr_assert_eq(proof, 0);
    }
}

Test(search, a_hopeless_target_yields_nothing)
{
    const ez_search_version *list[2];
    size_t count = versions(list);
    ez_rng rng;
    ez_rng_init(&rng, (const uint8_t *)"search hard   16");
    ez_header header = random_header(&rng, HARD_BITS);
    ez_search search;
    cr_assert(ez_search_init(&search, &header));
    for (size_t i = 0; i < count; i++) {
        uint64_t proof = 5;
        cr_assert_not(list[i]->run(&search, &proof, 0, 10001), "%s", list[i]->name);
    }
}

Test(search, malformed_targets_are_refused)
{
    ez_header header = {.bits = 0};
    ez_search search;
    cr_assert_not(ez_search_init(&search, &header));
}
