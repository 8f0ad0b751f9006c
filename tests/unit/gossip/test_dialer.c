#include "ezp2p/gossip/dialer.h"

#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static ez_rng rng_of(uint8_t number)
{
    const uint8_t seed[16] = {number, 'd'};
    ez_rng rng;
    ez_rng_init(&rng, seed);
    return rng;
}

static uint64_t next(ez_dialer *dialer, ez_time_ms now)
{
    const char *host = NULL;
    uint16_t port = 0;
    return ez_dialer_next(dialer, &host, &port, now);
}

Test(dialer, feeler_is_one_at_a_time_and_takes_no_slot)
{
    ez_dialer *const dialer = ez_dialer_new();
    ez_endpoint at = {.ip = {0x2a}, .port = 1};
    ez_dial_purpose purpose;
    const uint64_t feeler = ez_dialer_feel(dialer, &at);
    cr_assert_neq(feeler, 0);
    cr_expect(ez_dialer_is_dialing(dialer, &at));
    cr_expect_eq(ez_dialer_pending(dialer), 0);
    cr_expect_eq(ez_dialer_feel(dialer, &at), 0);
    const uint64_t other = ez_dialer_start(dialer, &at);
    cr_expect(ez_dialer_connected(dialer, &purpose, feeler, (ez_link_id){7}));
    cr_expect(purpose.feeler && !purpose.manual);
    cr_expect(ez_endpoint_is_equal(&purpose.endpoint, &at));
    cr_expect_eq(ez_dialer_pending(dialer), 1);
    cr_expect(ez_dialer_connected(dialer, &purpose, other, (ez_link_id){8}));
    cr_expect(!purpose.feeler);
    cr_expect_neq(ez_dialer_feel(dialer, &at), 0);
    ez_dialer_free(dialer);
}

Test(dialer, manual_peer_is_due_at_once_and_once)
{
    ez_dialer *const dialer = ez_dialer_new();
    const char *host = NULL;
    uint16_t port = 0;
    cr_expect_eq(ez_dialer_deadline(dialer), EZ_TIME_NEVER);
    cr_expect(ez_dialer_add(dialer, "a.example", 7333));
    cr_expect_eq(ez_dialer_deadline(dialer), 0);
    cr_expect_neq(ez_dialer_next(dialer, &host, &port, 0), 0);
    cr_expect_str_eq(host, "a.example");
    cr_expect_eq(port, 7333);
    cr_expect_eq(next(dialer, 0), 0, "it is being dialled");
    cr_expect_eq(ez_dialer_deadline(dialer), EZ_TIME_NEVER);
    ez_dialer_free(dialer);
}

Test(dialer, rest_address_is_kept_and_not_dialled)
{
    ez_dialer *const dialer = ez_dialer_new();
    const char *host = NULL;
    uint16_t port = 0;
    ez_link_id link = {0};
    cr_expect(ez_dialer_add(dialer, EZ_REST_PREFIX "a.example", 5000));
    cr_expect_eq(next(dialer, 1000000), 0);
    cr_expect_eq(ez_dialer_deadline(dialer), EZ_TIME_NEVER);
    cr_expect(ez_dialer_add(dialer, "a.example", 5000), "that is another one");
    cr_expect_neq(ez_dialer_next(dialer, &host, &port, 0), 0);
    cr_expect_str_eq(host, "a.example");
    cr_expect(ez_dialer_manual(dialer, 0, &host, &port, &link));
    cr_expect_str_eq(host, EZ_REST_PREFIX "a.example");
    cr_expect(ez_dialer_remove(dialer, NULL, EZ_REST_PREFIX "a.example", 5000));
    cr_expect_not(ez_dialer_remove(dialer, NULL, EZ_REST_PREFIX "a.example", 5000));
    ez_dialer_free(dialer);
}

Test(dialer, pauses_double_from_the_least_to_the_longest_with_jitter)
{
    ez_dialer *const dialer = ez_dialer_new();
    ez_rng rng = rng_of(1);
    ez_dial_purpose purpose;
    ez_time_ms now = 0, pause = EZ_REDIAL_MS_FIRST;
    ez_dialer_add(dialer, "a.example", 1);
    for (int i = 0; i < 20; i++) {
        const uint64_t dial = next(dialer, now);
        cr_assert_neq(dial, 0, "attempt %d", i);
        cr_assert(ez_dialer_failed(dialer, &purpose, dial, &rng, now));
        cr_expect(purpose.manual);
        const ez_time_ms due = ez_dialer_deadline(dialer);
        cr_expect(due >= now + pause / 2 && due <= now + pause, "attempt %d", i);
        cr_expect_eq(next(dialer, due - 1), 0);
        now = due;
        pause = pause * 2 < EZ_REDIAL_MS_MAX ? pause * 2 : EZ_REDIAL_MS_MAX;
    }
    cr_expect_eq(pause, EZ_REDIAL_MS_MAX);
    ez_dialer_free(dialer);
}

Test(dialer, jitter_uses_the_whole_second_half_of_a_pause)
{
    ez_time_ms least = EZ_TIME_NEVER, most = 0;
    ez_rng rng = rng_of(2);
    for (int i = 0; i < 2000; i++) {
        ez_dialer *const dialer = ez_dialer_new();
        ez_dial_purpose purpose;
        ez_dialer_add(dialer, "a.example", 1);
        ez_dialer_failed(dialer, &purpose, next(dialer, 0), &rng, 0);
        const ez_time_ms due = ez_dialer_deadline(dialer);
        least = due < least ? due : least;
        most = due > most ? due : most;
        ez_dialer_free(dialer);
    }
    cr_expect_eq(least, EZ_REDIAL_MS_FIRST / 2);
    cr_expect_eq(most, EZ_REDIAL_MS_FIRST);
}

Test(dialer, only_a_finished_handshake_makes_a_long_pause_short)
{
    ez_dialer *const dialer = ez_dialer_new();
    const ez_link_id link = {5};
    ez_rng rng = rng_of(3);
    ez_dial_purpose purpose;
    ez_time_ms now = 0;
    ez_dialer_add(dialer, "a.example", 1);
    for (int i = 0; i < 5; i++) { /* connects, and is sent away each time */
        cr_assert(ez_dialer_connected(dialer, &purpose, next(dialer, now), link));
        cr_expect(ez_dialer_is_manual(dialer, link));
        cr_expect_eq(ez_dialer_deadline(dialer), EZ_TIME_NEVER);
        ez_dialer_closed(dialer, link, false, &rng, now);
        now = ez_dialer_deadline(dialer);
    }
    cr_expect_geq(now, (1 + 2 + 4 + 8 + 16) * EZ_REDIAL_MS_FIRST / 2);
    cr_assert(ez_dialer_connected(dialer, &purpose, next(dialer, now), link));
    ez_dialer_ready(dialer, link);
    ez_dialer_closed(dialer, link, false, &rng, now);
    cr_expect_leq(ez_dialer_deadline(dialer), now + EZ_REDIAL_MS_MIN);
    cr_expect_geq(ez_dialer_deadline(dialer), now + EZ_REDIAL_MS_MIN / 2, "it is not starting");
    ez_dialer_free(dialer);
}

Test(dialer, ourselves_is_dialled_as_seldom_as_possible)
{
    ez_dialer *const dialer = ez_dialer_new();
    ez_rng rng = rng_of(4);
    ez_dial_purpose purpose;
    ez_dialer_add(dialer, "a.example", 1);
    ez_dialer_connected(dialer, &purpose, next(dialer, 0), (ez_link_id){5});
    ez_dialer_closed(dialer, (ez_link_id){5}, true, &rng, 0);
    cr_expect_geq(ez_dialer_deadline(dialer), EZ_REDIAL_MS_MAX / 2);
    ez_dialer_free(dialer);
}

Test(dialer, automatic_dials_are_known_by_their_network_group)
{
    ez_dialer *const dialer = ez_dialer_new();
    ez_rng rng = rng_of(6);
    ez_dial_purpose purpose;
    ez_endpoint first, near, far;
    cr_assert(ez_endpoint_parse(&first, "20.1.0.1:1"));
    cr_assert(ez_endpoint_parse(&near, "20.1.200.9:7"));
    cr_assert(ez_endpoint_parse(&far, "20.2.0.1:1"));
    const ez_network_group group = ez_endpoint_group(&near), other = ez_endpoint_group(&far);
    const uint64_t dial = ez_dialer_start(dialer, &first);
    cr_expect(ez_dialer_is_dialing_group(dialer, &group));
    cr_expect(!ez_dialer_is_dialing_group(dialer, &other));
    ez_dialer_failed(dialer, &purpose, dial, &rng, 0);
    cr_expect(!ez_dialer_is_dialing_group(dialer, &group));
    ez_dialer_free(dialer);
}

Test(dialer, automatic_dials_are_counted_and_end)
{
    ez_dialer *const dialer = ez_dialer_new();
    ez_rng rng = rng_of(5);
    const ez_endpoint first = {.ip = {1}, .port = 1}, second = {.ip = {2}, .port = 2};
    const uint64_t one = ez_dialer_start(dialer, &first);
    const uint64_t two = ez_dialer_start(dialer, &second);
    ez_dial_purpose purpose;
    cr_expect_neq(one, two);
    cr_expect_eq(ez_dialer_pending(dialer), 2);
    cr_expect(ez_dialer_is_dialing(dialer, &first));
    cr_expect(ez_dialer_failed(dialer, &purpose, one, &rng, 0));
    cr_expect(!purpose.manual);
    cr_expect(ez_endpoint_is_equal(&purpose.endpoint, &first));
    cr_expect(!ez_dialer_is_dialing(dialer, &first));
    cr_expect(ez_dialer_connected(dialer, &purpose, two, (ez_link_id){9}));
    cr_expect(!ez_dialer_is_manual(dialer, (ez_link_id){9}));
    cr_expect_eq(ez_dialer_pending(dialer), 0);
    cr_expect(!ez_dialer_failed(dialer, &purpose, one, &rng, 0), "it has ended");
    cr_expect(!ez_dialer_connected(dialer, &purpose, 4711, (ez_link_id){9}));
    cr_expect(!ez_dialer_failed(dialer, &purpose, 0, &rng, 0), "0 is no dial");
    cr_expect(!ez_dialer_connected(dialer, &purpose, 0, (ez_link_id){9}));
    ez_dialer_free(dialer);
}

Test(dialer, removed_peer_gives_its_link_and_its_dial_is_forgotten)
{
    ez_dialer *const dialer = ez_dialer_new();
    ez_dial_purpose purpose;
    ez_link_id link = {1};
    ez_dialer_add(dialer, "a.example", 1);
    const uint64_t dial = next(dialer, 0);
    cr_expect(!ez_dialer_remove(dialer, &link, "a.example", 2));
    cr_expect(!ez_dialer_remove(dialer, &link, "b.example", 1));
    cr_expect_eq(link.value, 1, "untouched");
    cr_expect(ez_dialer_remove(dialer, &link, "a.example", 1));
    cr_expect_eq(link.value, 0, "it had none yet");
    cr_expect(!ez_dialer_connected(dialer, &purpose, dial, (ez_link_id){7}));
    ez_dialer_add(dialer, "a.example", 1);
    ez_dialer_connected(dialer, &purpose, next(dialer, 0), (ez_link_id){8});
    cr_expect(ez_dialer_remove(dialer, &link, "a.example", 1));
    cr_expect_eq(link.value, 8);
    cr_expect(!ez_dialer_remove(dialer, NULL, "a.example", 1));
    ez_dialer_free(dialer);
}

Test(dialer, link_that_takes_over_serves_every_name)
{
    ez_dialer *const dialer = ez_dialer_new();
    const ez_link_id first = {5}, second = {6}, third = {7};
    ez_rng rng = rng_of(6);
    ez_dial_purpose purpose;
    ez_dialer_add(dialer, "a.example", 1);
    ez_dialer_add(dialer, "b.example", 1);
    ez_dialer_connected(dialer, &purpose, next(dialer, 0), first);
    ez_dialer_connected(dialer, &purpose, next(dialer, 0), second);
    ez_dialer_replace(dialer, second, first);
    cr_expect(!ez_dialer_is_manual(dialer, second));
    ez_dialer_replace(dialer, first, third);
    cr_expect(ez_dialer_is_manual(dialer, third));
    ez_dialer_closed(dialer, third, false, &rng, 0);
    cr_expect(!ez_dialer_is_manual(dialer, third));
    cr_expect_neq(next(dialer, EZ_REDIAL_MS_MIN), 0);
    cr_expect_neq(next(dialer, EZ_REDIAL_MS_MIN), 0, "both are dialled again");
    ez_dialer_free(dialer);
}

Test(dialer, address_that_a_person_asked_for_is_known_by_number)
{
    ez_dialer *const dialer = ez_dialer_new();
    ez_endpoint endpoint;
    ez_dialer_add(dialer, "8.8.8.8", 7333);
    ez_dialer_add(dialer, "2001:db8::1", 7333);
    cr_assert(ez_endpoint_parse(&endpoint, "8.8.8.8:7333"));
    cr_expect(ez_dialer_is_asked_for(dialer, &endpoint));
    endpoint.port++;
    cr_expect(!ez_dialer_is_asked_for(dialer, &endpoint));
    cr_assert(ez_endpoint_parse(&endpoint, "[2001:db8::1]:7333"));
    cr_expect(ez_dialer_is_asked_for(dialer, &endpoint));
    ez_dialer_free(dialer);
}

Test(dialer, manual_peers_are_bounded_and_listed_in_order)
{
    ez_dialer *const dialer = ez_dialer_new();
    char name[32];
    for (size_t i = 0; i < EZ_MANUAL_PEERS_MAX; i++) {
        snprintf(name, sizeof(name), "host-%zu", i);
        cr_assert(ez_dialer_add(dialer, name, 1));
    }
    cr_expect(!ez_dialer_add(dialer, "one-more", 1));
    cr_expect(ez_dialer_add(dialer, "host-0", 1), "a known one is fine");
    const char *host = NULL;
    uint16_t port = 0;
    ez_link_id link;
    for (size_t i = 0; i < EZ_MANUAL_PEERS_MAX; i++) {
        snprintf(name, sizeof(name), "host-%zu", i);
        cr_assert(ez_dialer_manual(dialer, i, &host, &port, &link));
        cr_assert_str_eq(host, name);
    }
    cr_expect(!ez_dialer_manual(dialer, EZ_MANUAL_PEERS_MAX, &host, &port, &link));
    cr_expect(ez_dialer_remove(dialer, NULL, "host-7", 1));
    cr_expect(ez_dialer_add(dialer, "one-more", 1), "there is room again");
    ez_dialer_free(dialer);
}
