/* The same seed gives the same run; how streams are cut changes nothing. */
#include "support_world.h"

/* A busy minute: everything that a swarm does, drawn from the seed. */
static ez_world *busy_minute(uint64_t seed, size_t fragment_bytes)
{
    enum { HOSTS = 6 };
    ez_world_config config = world_config(seed);
    config.jitter_ms = 50;
    config.fragment_bytes = fragment_bytes;
    ez_world *const world = ez_world_new(&config);
    for (size_t host = 1; host <= HOSTS; host++) {
        const size_t before = host - 1;
        ez_world_add(world, &before, host > 1 ? 1 : 0);
    }
    ez_rng *const rng = ez_world_rng(world);
    int side[HOSTS + 1] = {0};
    for (int step = 0; step < 120; step++) {
        const size_t host = 1 + (size_t)ez_rng_below(rng, HOSTS);
        const uint64_t what = ez_rng_below(rng, 16);
        const bool running = ez_world_node(world, host) != NULL;
        if (!running) {
            ez_world_start(world, host);
        } else if (what < 8) {
            ez_world_note(world, host, "a", "b", what);
        } else if (what < 13) {
            ez_world_mine(world, host);
        } else if (what == 13) {
            ez_world_stop(world, host, ez_rng_below(rng, 2) == 0);
        } else if (what == 14) {
            for (size_t i = 1; i <= HOSTS; i++) {
                side[i] = 1 + (int)ez_rng_below(rng, 2);
            }
            ez_world_cut(world, side);
        } else {
            ez_world_cut(world, NULL);
        }
        ez_world_run(world, ez_rng_below(rng, 1000));
    }
    ez_world_cut(world, NULL);
    for (size_t host = 1; host <= HOSTS; host++) {
        if (ez_world_node(world, host) == NULL) {
            ez_world_start(world, host);
        }
    }
    if (!run_to_agreement(world, 60000)) {
        for (size_t host = 2; host <= HOSTS; host++) {
            cr_expect_eq(height_of(world, host), height_of(world, 1), "seed %zu", (size_t)seed);
        }
        ez_world_mine(world, 1); /* a tie ends only with another block */
    }
    cr_expect(run_to_agreement(world, 60000), "seed %zu", (size_t)seed);
    return world;
}

Test(determinism, one_seed_gives_one_run)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        ez_world *const first = busy_minute(seed, 0);
        ez_world *const second = busy_minute(seed, 0);
        cr_expect_eq(ez_world_digest(first), ez_world_digest(second), "seed %zu", (size_t)seed);
        world_end(first);
        world_end(second);
    }
}

Test(determinism, another_seed_gives_another_run)
{
    ez_world *const first = busy_minute(4, 0);
    ez_world *const second = busy_minute(5, 0);
    cr_expect_neq(ez_world_digest(first), ez_world_digest(second));
    world_end(first);
    world_end(second);
}

/* Byte by byte, in odd pieces or in whole frames: the cores see the same messages at the same
 * times.
 */
Test(determinism, pieces_of_a_stream_do_not_matter)
{
    ez_world *const whole = busy_minute(6, 0);
    ez_world *const bytes = busy_minute(6, 1);
    ez_world *const pieces = busy_minute(6, 1447);
    cr_expect_eq(ez_world_digest(whole), ez_world_digest(bytes));
    cr_expect_eq(ez_world_digest(whole), ez_world_digest(pieces));
    world_end(whole);
    world_end(bytes);
    world_end(pieces);
}
