#include "sha256_internal.h"

#include "ezp2p/base/text.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

#define EMPTY_HASH   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MILLION_HASH "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

/* FIPS 180-4: the examples of one and two blocks that NIST published with it. */
static const struct {
    const char *message, *hash;
} vectors[] = {
    {"", EMPTY_HASH},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmno"
     "pqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

Test(sha256, hashes_as_fips_180_says)
{
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        ez_hash hash;
        ez_sha256(&hash, vectors[i].message, strlen(vectors[i].message));
        cr_expect_str_eq(ez_hash_text(hash.bytes).text, vectors[i].hash);
    }
}

Test(sha256, a_million_letters_in_uneven_parts)
{
    char part[997];
    memset(part, 'a', sizeof part);
    ez_sha256_state state;
    ez_sha256_init(&state);
    size_t left = 1000000;
    while (left > 0) {
        size_t size = left < sizeof part ? left : sizeof part;
        ez_sha256_update(&state, part, size);
        left -= size;
    }
    ez_hash hash;
    ez_sha256_final(&state, &hash);
    cr_expect_str_eq(ez_hash_text(hash.bytes).text, MILLION_HASH);
}

Test(sha256, the_cut_between_parts_does_not_matter)
{
    uint8_t message[130];
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)(i * 31);
    }
    ez_hash whole;
    ez_sha256(&whole, message, sizeof message);
    for (size_t cut = 0; cut <= sizeof message; cut++) {
        ez_sha256_state state;
        ez_hash parts;
        ez_sha256_init(&state);
        ez_sha256_update(&state, message, cut);
        ez_sha256_update(&state, message + cut, sizeof message - cut);
        ez_sha256_final(&state, &parts);
        cr_expect(ez_hash_is_equal(&whole, &parts), "cut at %zu", cut);
    }
}

Test(sha256, no_bytes_need_no_memory)
{
    ez_hash hash;
    ez_sha256(&hash, NULL, 0);
    cr_expect_str_eq(ez_hash_text(hash.bytes).text, EMPTY_HASH);
    ez_sha256_state state;
    ez_sha256_init(&state);
    ez_sha256_update(&state, NULL, 0);
    ez_sha256_final(&state, &hash);
    cr_expect_str_eq(ez_hash_text(hash.bytes).text, EMPTY_HASH);
}

/* Whatever instructions this machine has: the same as libsodium at every length and alignment. */
Test(sha256, is_libsodiums)
{
    uint8_t message[600];
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)(i * i + 7 * i);
    }
    for (size_t size = 0; size < sizeof message - 16; size++) {
        const uint8_t *from = message + size % 16;
        ez_hash hash, wanted;
        ez_sha256(&hash, from, size);
        crypto_hash_sha256(wanted.bytes, from, size);
        cr_expect(ez_hash_is_equal(&hash, &wanted), "of %zu bytes", size);
    }
}

/* What this processor can run of the ways to hash several at a time, and one after the other. */
static size_t wide_versions(const ez_sha256_wide *out[3])
{
    size_t count = 1;
    out[0] = NULL;
    for (size_t i = 0; i < 2; i++) {
        const ez_sha256_wide *wide = i == 0 ? ez_sha256_wide_ni() : ez_sha256_wide_avx2();
        if (wide != NULL) {
            out[count++] = wide;
        }
    }
    return count;
}

Test(sha256_many, is_libsodiums_at_every_length_and_count)
{
    enum { SIZE_MAX_TRIED = 200, COUNT_MAX = 19 };
    const ez_sha256_wide *versions[3];
    size_t version_count = wide_versions(versions);
    uint8_t data[COUNT_MAX * SIZE_MAX_TRIED + 1];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * i * 5 + i / 253);
    }
    for (size_t size = 0; size <= SIZE_MAX_TRIED; size++) {
        ez_hash wanted[COUNT_MAX];
        for (size_t i = 0; i < COUNT_MAX; i++) {
            uint8_t message[1 + SIZE_MAX_TRIED] = {(uint8_t)size};
            memcpy(message + 1, data + 1 + i * size, size); /* from an odd address */
            crypto_hash_sha256(wanted[i].bytes, message, 1 + size);
        }
        for (size_t v = 0; v < version_count; v++) {
            for (size_t count = 0; count <= COUNT_MAX; count++) {
                ez_hash hashes[COUNT_MAX + 1] = {{{0}}}, none = {{0}};
                ez_sha256_many_by(versions[v], hashes, (uint8_t)size, data + 1, size, count);
                cr_assert_arr_eq(hashes, wanted, count * sizeof *hashes, "%zu of %zu", count, size);
                cr_assert(ez_hash_is_equal(&hashes[count], &none), "one more than %zu", count);
            }
        }
    }
}

Test(sha256_many, hashes_may_take_the_place_of_the_messages)
{
    enum { COUNT = 21 };
    const ez_sha256_wide *versions[3];
    size_t version_count = wide_versions(versions);
    for (size_t v = 0; v < version_count; v++) {
        for (size_t size = EZ_HASH_BYTES; size <= 2 * EZ_HASH_BYTES; size += EZ_HASH_BYTES) {
            ez_hash place[2 * COUNT], wanted[COUNT];
            memset(place, 0x5a, sizeof place);
            place[0].bytes[0] = place[COUNT - 1].bytes[0] = 1;
            ez_sha256_many_by(NULL, wanted, 7, place, size, COUNT);
            ez_sha256_many_by(versions[v], place, 7, place, size, COUNT);
            cr_assert_arr_eq(place, wanted, sizeof wanted);
        }
    }
}

Test(sha256_many, the_choice_is_one_of_them)
{
    const char text[] = "abcabcabc";
    ez_hash hashes[3], wanted;
    ez_sha256_many(hashes, 'x', text, 3, 3);
    crypto_hash_sha256(wanted.bytes, (const uint8_t *)"xabc", 4);
    for (size_t i = 0; i < 3; i++) {
        cr_expect(ez_hash_is_equal(&hashes[i], &wanted));
    }
}
