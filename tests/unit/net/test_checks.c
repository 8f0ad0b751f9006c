#include "ezp2p/base/limits.h"
#include "ezp2p/wire/codec.h"
#include "support_core.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static ez_network network;

static fake_core *new_core(void (*react)(fake_core *core, const seen_event *event))
{
    ez_network_classic(&network);
    fake_core *core = fake_new_listening();
    core->react = react;
    core->driver->tuning.serve_us = UINT32_MAX; /* what is one read must not depend on the clock */
    fake_start(core);
    return core;
}

/* Bytes that are no body and no transaction: the cheapest check there is. */
static void want_check(fake_core *core, ez_check_kind kind, uint64_t id, size_t size)
{
    uint8_t *bytes;
    ez_check_job *job = ez_check_job_new(kind, id, &network);
    job->bytes = ez_blob_new_empty(size, &bytes);
    memset(bytes, 0xff, size);
    ez_effect effect = {.type = EZ_EFFECT_CHECK, .as.job = job};
    fake_effect(core, &effect);
}

Test(checks, an_expensive_job_comes_back_from_a_worker)
{
    fake_core *core = new_core(NULL);
    want_check(core, EZ_CHECK_BODY, 7, 65536);
    fake_poke(core);
    ez_driver_stats stats;
    ez_driver_get_stats(core->driver, &stats);
    cr_assert_eq(stats.jobs_queued, 1);
    cr_assert_eq(stats.jobs_inline, 0);
    cr_assert_eq(fake_count(core, EZ_EVENT_CHECKED), 0, "only the loop hands events over");
    cr_assert_eq(fake_wait(core, EZ_EVENT_CHECKED, 1)->number, 7);
    ez_driver_get_stats(core->driver, &stats);
    cr_assert_eq(stats.jobs_done, 1);
    fake_free(core);
}

Test(checks, cheap_jobs_run_at_once_but_not_without_end)
{
    fake_core *core = new_core(NULL);
    for (uint64_t i = 1; i <= 100; i++) {
        want_check(core, EZ_CHECK_TX, i, 16);
    }
    fake_poke(core);
    ez_driver_stats stats;
    ez_driver_get_stats(core->driver, &stats);
    cr_assert_eq(stats.jobs_inline, 16);
    cr_assert_eq(stats.jobs_queued, 84);
    cr_assert_eq(fake_count(core, EZ_EVENT_CHECKED), 16);
    fake_wait(core, EZ_EVENT_CHECKED, 100);
    for (uint64_t i = 1; i <= 100; i++) {
        cr_assert_eq(fake_wait(core, EZ_EVENT_CHECKED, i)->number, i, "one worker keeps the order");
    }
    fake_free(core);
}

Test(checks, jobs_under_way_are_dropped_with_the_driver)
{
    fake_core *core = new_core(NULL);
    for (uint64_t i = 1; i <= 100; i++) {
        want_check(core, EZ_CHECK_BODY, i, 65536);
    }
    fake_poke(core);
    fake_free(core); /* a leak would show */
}

/* ---- batches ------------------------------------------------------------------------------ */

static void check_each_message(fake_core *core, const seen_event *event)
{
    if (event->type == EZ_EVENT_MESSAGE) {
        want_check(core, EZ_CHECK_TX, event->number, 16);
    }
}

/* So many messages in one piece, each of which leads to a check of its number. */
static fake_core *new_with_burst(uint64_t count)
{
    fake_core *core = new_core(check_each_message);
    ez_buffer burst = {0};
    for (uint64_t i = 1; i <= count; i++) {
        const ez_message ping = ping_of(i);
        ez_wire_encode(&burst, &ping);
    }
    int peer = fake_connect(core);
    fake_wait(core, EZ_EVENT_LINK_UP, 1);
    peer_send(core, peer, burst.data, burst.size);
    fake_wait(core, EZ_EVENT_CHECKED, count);
    ez_buffer_clear(&burst);
    close(peer);
    return core;
}

/* Where an event of `type` with this number stands among all that the core saw. */
static size_t place_of(const fake_core *core, ez_event_type type, uint64_t number)
{
    size_t place = 0;
    while (core->seen[place].type != type || core->seen[place].number != number) {
        cr_assert_lt(++place, core->seen_count);
    }
    return place;
}

Test(checks, those_of_one_read_run_together_after_its_messages)
{
    fake_core *core = new_with_burst(4);
    cr_assert_gt(place_of(core, EZ_EVENT_CHECKED, 1), place_of(core, EZ_EVENT_MESSAGE, 4));
    for (uint64_t i = 1; i < 4; i++) {
        cr_assert_lt(place_of(core, EZ_EVENT_CHECKED, i), place_of(core, EZ_EVENT_CHECKED, i + 1));
    }
    ez_driver_stats stats;
    ez_driver_get_stats(core->driver, &stats);
    cr_assert_eq(stats.jobs_inline, 4);
    fake_free(core);
}

Test(checks, a_batch_does_not_wait_for_more)
{
    fake_core *core = new_with_burst(20);
    cr_assert_gt(place_of(core, EZ_EVENT_CHECKED, 1), place_of(core, EZ_EVENT_MESSAGE, 8));
    cr_assert_lt(place_of(core, EZ_EVENT_CHECKED, 8), place_of(core, EZ_EVENT_MESSAGE, 9));
    cr_assert_lt(place_of(core, EZ_EVENT_CHECKED, 16), place_of(core, EZ_EVENT_MESSAGE, 17));
    fake_free(core);
}

static void check_again(fake_core *core, const seen_event *event)
{
    if (event->type == EZ_EVENT_CHECKED && event->number < 40) {
        want_check(core, EZ_CHECK_TX, event->number + 1, 16);
    }
}

Test(checks, jobs_that_lead_to_jobs_do_not_hold_the_loop)
{
    fake_core *core = new_core(check_again);
    want_check(core, EZ_CHECK_TX, 1, 16);
    fake_poke(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_CHECKED), 16);
    fake_wait(core, EZ_EVENT_CHECKED, 40);
    fake_free(core);
}

/* What the core wants of a transaction that is new: its observers to know, its peers to have it. */
static void pass_on(fake_core *core, const seen_event *event)
{
    static ez_message pings[EZ_CHECKS_AT_HAND_MAX];
    static ez_link_id link;
    if (event->type == EZ_EVENT_LINK_UP) {
        link = event->link;
    } else if (event->type == EZ_EVENT_CHECKED) {
        ez_effect notify = {.type = EZ_EFFECT_NOTIFY};
        notify.as.notice.type = EZ_NOTICE_TX;
        fake_effect(core, &notify);
        pings[event->number] = ping_of(event->number);
        fake_send(core, link, &pings[event->number]);
    }
}

static int watching_peer;
static bool came_early;

static void look_for_early(fake_core *core, const seen_event *event)
{
    uint8_t byte;
    if (event->type == EZ_EVENT_CHECKED) {
        came_early |= recv(watching_peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
    }
    pass_on(core, event);
}

Test(checks, what_follows_from_a_batch_leaves_together)
{
    fake_core *core = new_core(look_for_early);
    watching_peer = fake_connect(core);
    fake_wait(core, EZ_EVENT_LINK_UP, 1);
    for (uint64_t i = 1; i <= 6; i++) {
        want_check(core, EZ_CHECK_TX, i, 16);
    }
    fake_poke(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_CHECKED), 6);
    cr_assert_not(came_early);
    for (uint64_t i = 1; i <= 6; i++) {
        ez_buffer frame = peer_receive_frame(core, watching_peer);
        cr_assert_gt(frame.size, 0);
        ez_buffer_clear(&frame);
    }
    close(watching_peer);
    fake_free(core);
}
