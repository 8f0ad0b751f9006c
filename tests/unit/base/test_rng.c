#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

static const uint8_t seed[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static ez_rng start(void)
{
    ez_rng rng;
    ez_rng_init(&rng, seed);
    return rng;
}

/* The hash of the counter's eight little-endian bytes: recorded seeds replay only while this holds.
 */
Test(rng, output_is_siphash_of_a_counter)
{
    static const uint8_t counters[3][8] = {{0}, {1}, {2}};
    ez_rng rng = start();
    ez_siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(ez_rng_next(&rng) == ez_siphash(&key, counters[i], 8), "draw %zu", i);
    }
}

Test(rng, same_seed_repeats_and_another_does_not)
{
    ez_rng a = start();
    ez_rng b = start();
    uint8_t other_seed[16];
    memcpy(other_seed, seed, 16);
    other_seed[15] ^= 0x80;
    ez_rng c;
    ez_rng_init(&c, other_seed);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t value = ez_rng_next(&a);
        cr_assert(value == ez_rng_next(&b));
        cr_assert(value != ez_rng_next(&c));
    }
}

Test(rng, below_stays_below)
{
    static const uint64_t bounds[] = {1, 2, 3, 7, UINT32_MAX, UINT64_MAX / 2 + 2, UINT64_MAX};
    ez_rng rng = start();
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        for (unsigned draw = 0; draw < 200; draw++) {
            cr_assert(ez_rng_below(&rng, bounds[i]) < bounds[i]);
        }
    }
}

Test(rng, below_reaches_every_value_evenly)
{
    unsigned seen[10] = {0};
    ez_rng rng = start();
    for (unsigned draw = 0; draw < 10000; draw++) {
        seen[ez_rng_below(&rng, 10)]++;
    }
    /* 1000 expected, standard deviation 30; the seed is fixed, so this cannot flicker. */
    for (unsigned value = 0; value < 10; value++) {
        cr_expect(seen[value] > 850 && seen[value] < 1150, "%u: %u times", value, seen[value]);
    }
}

/* With bound = 3/4 of the range, a plain remainder would yield the lowest third half the time. */
Test(rng, below_has_no_modulo_bias)
{
    uint64_t bound = UINT64_C(3) << 62;
    unsigned low = 0;
    ez_rng rng = start();
    for (unsigned draw = 0; draw < 9000; draw++) {
        low += ez_rng_below(&rng, bound) < UINT64_C(1) << 62;
    }
    cr_expect(low > 2800 && low < 3200, "%u of 9000 in the lowest third", low);
}

Test(rng, below_a_power_of_two_rejects_nothing)
{
    ez_rng rng = start();
    for (unsigned draw = 0; draw < 100; draw++) {
        (void)ez_rng_below(&rng, UINT64_C(1) << 63);
    }
    cr_expect(rng.counter == 100);
}

Test(rng, below_nothing_is_our_bug, .signal = SIGABRT)
{
    ez_rng rng = start();
    (void)ez_rng_below(&rng, 0);
}

Test(rng, fill_writes_exactly_what_was_asked)
{
    uint8_t whole[24];
    ez_rng reference = start();
    ez_rng_fill(&reference, whole, sizeof whole);
    for (size_t size = 0; size <= sizeof whole; size++) {
        uint8_t part[25];
        memset(part, 0xaa, sizeof part);
        ez_rng rng = start();
        ez_rng_fill(&rng, part, size);
        cr_expect(memcmp(part, whole, size) == 0, "%zu bytes", size);
        for (size_t i = size; i < sizeof part; i++) {
            cr_assert(part[i] == 0xaa, "%zu bytes wrote byte %zu", size, i);
        }
    }
}

Test(rng, keys_are_fresh)
{
    ez_rng rng = start();
    ez_siphash_key a = ez_rng_key(&rng);
    ez_siphash_key b = ez_rng_key(&rng);
    cr_expect(a.k0 != a.k1 && a.k0 != b.k0 && a.k1 != b.k1);
}
