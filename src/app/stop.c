#include "app_internal.h"

#include "notify_internal.h"

#include <event2/event.h>
#include <stdlib.h>

#define STOP_GRACE_MS  4000 /* for the core's reply; EZ_STOP_SECONDS bounds all of it */
#define CLOSE_GRACE_MS 1000 /* then for Goodbyes to leave */
#define LOOK_MS        10

static ez_time_ms now_ms(const ez_app *app)
{
    return ez_driver_now(app->driver).mono;
}

static bool is_quiet(const ez_app *app)
{
    ez_driver_stats stats;
    ez_driver_get_stats(app->driver, &stats);
    return app->is_settled && stats.links == 0;
}

static void on_look(evutil_socket_t fd, short what, void *self)
{
    ez_app *app = self;
    (void)fd;
    (void)what;
    if (is_quiet(app)) {
        event_base_loopbreak(app->base);
    } else if (now_ms(app) >= app->stop_deadline) {
        if (!app->is_settled) {
            ez_log_emit(app->log, EZ_LOG_WARN, "stop-unfinished",
                        EZ_LOG_U64("waited_ms", STOP_GRACE_MS));
        }
        event_base_loopbreak(app->base);
    }
}

static void begin(ez_app *app, const char *reason)
{
    app->stopping = true;
    ez_log_emit(app->log, EZ_LOG_INFO, "stopping", EZ_LOG_TEXT("reason", reason));
    app->stop_deadline = now_ms(app) + STOP_GRACE_MS;
    const struct timeval interval = {.tv_usec = LOOK_MS * 1000};
    app->settle_timer = event_new(app->base, -1, EV_PERSIST, on_look, app);
    if (app->settle_timer == NULL || event_add(app->settle_timer, &interval) != 0) {
        event_base_loopbreak(app->base);
        return;
    }
    ez_event event = {.type = EZ_EVENT_COMMAND,
                      .as.command = {.type = EZ_COMMAND_SHUTDOWN, .request = UINT64_MAX}};
    ez_driver_handle(app->driver, &event);
}

void ez_app_stop(void *self)
{
    ez_app *app = self;
    bool first = !app->stopping || app->restarting;
    app->restarting = false;
    if (first && ez_notify_send(getenv("NOTIFY_SOCKET"), "STOPPING=1") != EZ_OK) {
        ez_log_emit(app->log, EZ_LOG_WARN, "notify-failed", EZ_LOG_TEXT("what", "STOPPING=1"));
    }
    if (!app->stopping) {
        begin(app, "signal");
    }
}

void ez_app_restart(ez_app *app)
{
    if (!app->stopping) {
        app->restarting = true;
        begin(app, "the record is full: starting anew with the next file");
    }
}

void ez_app_stopped(ez_app *app)
{
    ez_time_ms latest = now_ms(app) + CLOSE_GRACE_MS;
    app->is_settled = true;
    app->stop_deadline = latest < app->stop_deadline ? latest : app->stop_deadline;
}
