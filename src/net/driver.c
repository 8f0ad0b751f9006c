#include "driver_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "link_internal.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define PROBE_INTERVAL_MS 100

/* The core waits for a link's output to drain only when much is queued (EZ_OUTPUT_BYTES_MAX): to
 * hear of every small message that is out would double the number of events. */
#define DRAINED_BYTES 32768

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;
    int failed = clock_gettime(clock, &now);
    EZ_ASSERT(failed == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

ez_now ez_driver_now(const ez_driver *driver)
{
    (void)driver;
    return (ez_now){.mono = clock_us(CLOCK_MONOTONIC) / 1000, .wall = clock_us(CLOCK_REALTIME)};
}

static void set_timer(struct event *timer, ez_time_ms delay_ms)
{
    struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                            .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000};
    int failed = event_add(timer, &delay);
    EZ_ASSERT(failed == 0);
}

/* ---- lag ---------------------------------------------------------------------------------- */

void ez_driver_hold(ez_driver *driver)
{
    if (driver->held_depth++ == 0) {
        driver->held_since_us = clock_us(CLOCK_MONOTONIC);
    }
}

/* The end of a callback: the checks that it led to, and all messages, one write for each link. That
 * a link is drained may lead to more of both. */
static void finish(ez_driver *driver)
{
    do {
        ez_checks_run(driver);
        ez_links_flush(driver);
    } while (driver->at_hand_count > 0);
}

uint64_t ez_driver_held_us(const ez_driver *driver)
{
    EZ_ASSERT(driver->held_depth > 0);
    return clock_us(CLOCK_MONOTONIC) - driver->held_since_us;
}

void ez_driver_release(ez_driver *driver)
{
    EZ_ASSERT(driver->held_depth > 0);
    if (driver->held_depth == 1) {
        finish(driver);
    }
    uint64_t held_us = driver->held_depth == 1 ? ez_driver_held_us(driver) : 0;
    if (--driver->held_depth == 0) {
        driver->held_max_us = held_us > driver->held_max_us ? held_us : driver->held_max_us;
    }
}

static void on_probe(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    ez_driver *driver = self;
    uint64_t now_us = clock_us(CLOCK_MONOTONIC);
    uint64_t late_us = now_us > driver->probe_due_us ? now_us - driver->probe_due_us : 0;
    ez_lag_add(&driver->lag, late_us > driver->held_max_us ? late_us : driver->held_max_us, now_us);
    driver->held_max_us = 0;
    driver->probe_due_us = now_us + PROBE_INTERVAL_MS * 1000;
    set_timer(driver->probe_timer, PROBE_INTERVAL_MS);
}

/* ---- effects ------------------------------------------------------------------------------ */

/* An effect on a link that is gone finds none: the core has yet to hear of it. */
static void carry_out_on_link(ez_link *link, const ez_effect *effect)
{
    if (link == NULL) {
        return;
    }
    if (effect->type == EZ_EFFECT_SEND) {
        ez_link_send(link, effect->as.message);
    } else if (effect->type == EZ_EFFECT_CLOSE) {
        ez_link_close(link);
    } else {
        EZ_ASSERT(effect->type == EZ_EFFECT_READY);
        ez_link_raise_limit(link);
    }
}

static bool is_on_link(const ez_effect *effect)
{
    return effect->type == EZ_EFFECT_SEND || effect->type == EZ_EFFECT_CLOSE ||
           effect->type == EZ_EFFECT_READY;
}

/* What may take long, or wakes another thread. Checks run later, after what was said before them
 * (checks.c); that there is a transaction is noted in no time. */
static bool may_hold_up(const ez_effect *effect)
{
    const bool is_quick =
        effect->type == EZ_EFFECT_CHECK ||
        (effect->type == EZ_EFFECT_NOTIFY && effect->as.notice.type == EZ_NOTICE_TX);
    return !is_quick && !is_on_link(effect);
}

static void carry_out(ez_driver *driver, const ez_effect *effect)
{
    const ez_driver_sinks *sinks = &driver->config.sinks;
    if (may_hold_up(effect)) {
        ez_links_flush(driver);
    }
    switch (effect->type) {
    case EZ_EFFECT_DIAL:
        ez_dial_start(driver, effect->as.dial.dial, effect->as.dial.host, effect->as.dial.port);
        return;
    case EZ_EFFECT_SEND:
    case EZ_EFFECT_CLOSE:
    case EZ_EFFECT_READY:
        carry_out_on_link(ez_links_find(driver, effect->link), effect);
        return;
    case EZ_EFFECT_CHECK:
        ez_checks_take(driver, effect->as.job);
        return;
    case EZ_EFFECT_WRITE:
        sinks->write(sinks->self, effect->as.write);
        return;
    case EZ_EFFECT_MINE:
        sinks->mine(sinks->self, effect->as.mine.generation, &effect->as.mine.header,
                    effect->as.mine.paced);
        return;
    case EZ_EFFECT_MINE_STOP:
        sinks->mine_stop(sinks->self);
        return;
    case EZ_EFFECT_REPLY:
        sinks->reply(sinks->self, &effect->as.reply);
        return;
    case EZ_EFFECT_NOTIFY:
        sinks->notice(sinks->self, &effect->as.notice);
        return;
    }
    ez_assert_fail("an effect of no known type", __FILE__, __LINE__);
}

static void carry_out_all(ez_driver *driver)
{
    ez_effect effect;
    while (driver->core.next_effect(driver->core.self, &effect)) {
        carry_out(driver, &effect);
    }
}

/* ---- events ------------------------------------------------------------------------------- */

/* Whether the core still wants to hear of an event that had to wait: a link that it closed
 * meanwhile is none of its business any more. */
static bool is_wanted(const ez_driver *driver, const ez_event *event)
{
    switch (event->type) {
    case EZ_EVENT_LINK_UP:
    case EZ_EVENT_LINK_DOWN:
    case EZ_EVENT_LINK_FAULT:
    case EZ_EVENT_LINK_DRAINED:
    case EZ_EVENT_MESSAGE: {
        const ez_link *link = ez_links_find(driver, event->link);
        return link != NULL && !ez_link_is_closed(link);
    }
    case EZ_EVENT_TICK:
    case EZ_EVENT_DIAL_FAILED:
    case EZ_EVENT_CHECKED:
    case EZ_EVENT_STORED:
    case EZ_EVENT_PROOF_FOUND:
    case EZ_EVENT_COMMAND:
        return true;
    }
    ez_assert_fail("an event of no known type", __FILE__, __LINE__);
}

static void set_tick(ez_driver *driver)
{
    ez_time_ms deadline = driver->core.deadline(driver->core.self);
    if (deadline == driver->tick_at) {
        return;
    }
    driver->tick_at = deadline;
    if (deadline == EZ_TIME_NEVER) {
        event_del(driver->tick_timer);
        return;
    }
    ez_time_ms now = ez_driver_now(driver).mono;
    set_timer(driver->tick_timer, deadline > now ? deadline - now : 0);
}

/* Carry out what the core wants, and hand it the events that arise from that, until both rest. */
static void settle(ez_driver *driver)
{
    ez_queued_event *queued;
    carry_out_all(driver);
    while ((queued = ez_event_queue_pop(&driver->later)) != NULL) {
        if (is_wanted(driver, &queued->event)) {
            driver->core.handle(driver->core.self, &queued->event, ez_driver_now(driver));
            carry_out_all(driver);
        } else {
            ez_event_drop(&queued->event);
        }
        free(queued);
    }
    set_tick(driver);
}

void ez_driver_handle(ez_driver *driver, const ez_event *event)
{
    EZ_ASSERT(driver->started);
    if (driver->handling) {
        ez_event_queue_push(&driver->later, event);
        return;
    }
    ez_driver_hold(driver);
    driver->handling = true;
    ez_checks_begin_event(driver);
    driver->core.handle(driver->core.self, event, ez_driver_now(driver));
    settle(driver);
    driver->handling = false;
    if (ez_checks_are_due(driver)) {
        ez_checks_run(driver);
    }
    ez_driver_release(driver);
}

void ez_driver_post(ez_driver *driver, const ez_event *event)
{
    ez_mailbox_post(driver->mailbox, event);
}

static void on_mail(void *self, const ez_event *event)
{
    ez_driver *driver = self;
    driver->stats.jobs_done += event->type == EZ_EVENT_CHECKED;
    ez_driver_handle(driver, event);
}

static void on_checked(void *self, ez_check_job *job)
{
    ez_driver *driver = self;
    ez_event event = {.type = EZ_EVENT_CHECKED, .as.job = job};
    ez_mailbox_post(driver->mailbox, &event);
}

/* ---- timers ------------------------------------------------------------------------------- */

/* Libevent's clock may be a few milliseconds behind ours: an early tick sets the timer again. */
static void on_tick(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    ez_driver *driver = self;
    ez_event event = {.type = EZ_EVENT_TICK};
    driver->tick_at = EZ_TIME_NEVER;
    ez_driver_handle(driver, &event);
}

static void on_sweep(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    ez_driver *driver = self;
    ez_driver_hold(driver);
    ez_links_sweep(driver);
    set_timer(driver->sweep_timer, driver->tuning.sweep_ms);
    ez_driver_release(driver);
}

static void on_reap(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    ez_links_reap(self);
}

static void on_pause_over(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    ez_listen_resume(self);
}

static struct event *new_timer(ez_driver *driver, event_callback_fn callback)
{
    struct event *timer = event_new(driver->config.base, -1, 0, callback, driver);
    EZ_ASSERT(timer != NULL);
    return timer;
}

/* ---- life --------------------------------------------------------------------------------- */

static const ez_driver_tuning default_tuning = {
    .frame_timeout_ms = EZ_FRAME_TIMEOUT_MS,
    .output_stall_ms = EZ_OUTPUT_STALL_MS,
    .dial_timeout_ms = EZ_DIAL_TIMEOUT_MS,
    .close_ms = 1000,
    .sweep_ms = 1000,
    .pause_ms = 1000,
    /* The frames of a sync, at 20 us each, end by their number; a frame full of transactions or
     * headers takes as long as all of those. */
    .serve_us = 1000,
    /* The core begins a frame below EZ_OUTPUT_BYTES_MAX and lets headers and announcements pass
     * even above: an honest peer that reads slowly must not be dropped for those. */
    .output_max = EZ_OUTPUT_BYTES_MAX + 2 * EZ_FRAME_BYTES_MAX,
    .drained_bytes = DRAINED_BYTES,
};

ez_status ez_driver_new(ez_driver **out, const ez_driver_config *config)
{
    *out = NULL;
    ez_driver *driver = ez_alloc(1, sizeof *driver);
    driver->config = *config;
    driver->tuning = default_tuning;
    driver->tick_at = EZ_TIME_NEVER;
    driver->plain_out = evbuffer_new();
    EZ_ASSERT(driver->plain_out != NULL);
    driver->tick_timer = new_timer(driver, on_tick);
    driver->sweep_timer = new_timer(driver, on_sweep);
    driver->reap_timer = new_timer(driver, on_reap);
    driver->listen_timer = new_timer(driver, on_pause_over);
    driver->probe_timer = new_timer(driver, on_probe);
    ez_status status = ez_mailbox_new(&driver->mailbox, config->base, on_mail, driver);
    if (status == EZ_OK) {
        status = ez_workers_new(&driver->workers, config->worker_threads, config->verifier,
                                on_checked, driver);
    }
    if (status == EZ_OK && config->listening) {
        status = ez_listen_new(driver);
    }
    if (status != EZ_OK) {
        ez_driver_free(driver);
        return status;
    }
    *out = driver;
    return EZ_OK;
}

static int descriptor_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT32_MAX) {
        return INT32_MAX;
    }
    return (int)limit.rlim_cur;
}

void ez_driver_start(ez_driver *driver, const ez_core *core)
{
    EZ_ASSERT(!driver->started);
    driver->core = *core;
    driver->started = true;
    if (driver->tuning.descriptor_max == 0) {
        driver->tuning.descriptor_max = descriptor_max();
    }
    driver->probe_due_us = clock_us(CLOCK_MONOTONIC) + PROBE_INTERVAL_MS * 1000;
    set_timer(driver->probe_timer, PROBE_INTERVAL_MS);
    set_timer(driver->sweep_timer, driver->tuning.sweep_ms);
    ez_mailbox_start(driver->mailbox);
    ez_listen_update(driver);
    ez_driver_hold(driver);
    driver->handling = true;
    ez_checks_begin_event(driver);
    settle(driver); /* a new core may have things to do at once */
    driver->handling = false;
    ez_driver_release(driver);
}

bool ez_driver_link_bytes(const ez_driver *driver, ez_link_id id, uint64_t *in, uint64_t *out)
{
    const ez_link *link = ez_links_find(driver, id);
    if (link != NULL) {
        ez_link_get_bytes(link, in, out);
    }
    return link != NULL;
}

void ez_driver_get_stats(const ez_driver *driver, ez_driver_stats *out)
{
    ez_lag_summary lag = ez_lag_summarize(&driver->lag, clock_us(CLOCK_MONOTONIC));
    *out = driver->stats;
    out->links = (uint32_t)driver->links.count;
    out->lag_us_p50 = lag.p50_us;
    out->lag_us_p99 = lag.p99_us;
    out->lag_us_max = lag.max_us;
    out->lag = driver->lag.histogram;
}

void ez_driver_free(ez_driver *driver)
{
    if (driver == NULL) {
        return;
    }
    ez_workers_free(driver->workers); /* before the mailbox that they post to */
    ez_mailbox_free(driver->mailbox);
    ez_event_queue_clear(&driver->later);
    ez_listen_free(driver);
    ez_dials_free(driver);
    ez_links_free(driver);
    event_free(driver->tick_timer);
    event_free(driver->sweep_timer);
    event_free(driver->reap_timer);
    event_free(driver->listen_timer);
    event_free(driver->probe_timer);
    evbuffer_free(driver->plain_out);
    ez_buffer_clear(&driver->scratch);
    free(driver);
}
