/* The timeline against a list that is searched from end to end. */
#include "timeline.h"

#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>

#define LISTED_MAX 4000

typedef struct twin {
    sim_timeline timeline;
    sim_event listed[LISTED_MAX];
    size_t count;
    uint64_t added;
    ez_time_ms now;
} twin;

static twin both;

static void add(ez_time_ms after)
{
    const sim_event event = {.at = both.now + after, .number = ++both.added};
    sim_timeline_add(&both.timeline, &event);
    both.listed[both.count++] = event;
}

static bool pop(ez_time_ms until)
{
    sim_event event = {0};
    size_t least = 0;
    for (size_t i = 1; i < both.count; i++) {
        least =
            both.listed[i].at < both.listed[least].at ? i : least; /* the list keeps its order */
    }
    const bool wanted = both.count > 0 && both.listed[least].at <= until;
    cr_assert_eq(sim_timeline_pop(&both.timeline, &event, until), wanted);
    if (wanted) {
        cr_assert_eq(event.at, both.listed[least].at);
        cr_assert_eq(event.number, both.listed[least].number);
        both.now = event.at;
        both.count--;
        memmove(&both.listed[least], &both.listed[least + 1],
                (both.count - least) * sizeof(both.listed[0]));
    }
    return wanted;
}

static ez_time_ms draw_pause(ez_rng *rng)
{
    switch (ez_rng_below(rng, 5)) {
    case 0:
        return 0;
    case 1:
        return EZ_NEAR_MS - 2 + ez_rng_below(rng, 4); /* the line between near and far */
    case 2:
        return ez_rng_below(rng, 100000);
    default:
        return ez_rng_below(rng, 300);
    }
}

Test(timeline, events_come_in_order_of_time_and_then_of_arrival)
{
    for (uint8_t seed = 0; seed < 20; seed++) {
        const uint8_t key[16] = {seed};
        ez_rng rng;
        ez_rng_init(&rng, key);
        both = (twin){0};
        for (int round = 0; round < 2000; round++) {
            for (uint64_t i = ez_rng_below(&rng, 4); i > 0 && both.count < LISTED_MAX; i--) {
                add(draw_pause(&rng));
            }
            const ez_time_ms until = both.now + draw_pause(&rng);
            for (uint64_t i = ez_rng_below(&rng, 4); i > 0; i--) {
                if (!pop(until)) {
                    both.now = until; /* as ez_world_run leaves it */
                    break;
                }
            }
        }
        while (pop(EZ_TIME_NEVER)) {
        }
        cr_expect_eq(both.count, 0);
        sim_timeline_clear(&both.timeline);
    }
}

Test(timeline, an_empty_one_has_nothing_and_a_cleared_one_starts_over)
{
    both = (twin){0};
    cr_expect_not(pop(EZ_TIME_NEVER));
    add(5);
    add(5000);
    cr_expect_not(pop(4));
    cr_expect(pop(5));
    sim_timeline_clear(&both.timeline);
    both.count = both.now = 0;
    cr_expect_not(pop(EZ_TIME_NEVER));
}
