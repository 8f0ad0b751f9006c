/* --record: the file, the recorder before the core, and what happens when the file is full. */
#include "app_internal.h"

#include "ezp2p/base/limits.h"

#include <event2/event.h>

static void give_up(ez_app *app, const char *reason)
{
    ez_log_emit(app->log, EZ_LOG_ERROR, "record-ended", EZ_LOG_TEXT("file", app->options->record),
                EZ_LOG_TEXT("reason", reason));
}

/* Each start takes one of EZ_RECORD_RESTARTS_MAX, and each EZ_RECORD_RESTART_MS gives one back. */
static bool may_restart(ez_restarts *restarts, ez_time_ms now)
{
    uint64_t back = (now - restarts->since) / EZ_RECORD_RESTART_MS;
    restarts->used = back >= restarts->used ? 0 : restarts->used - (uint32_t)back;
    restarts->since = restarts->used == 0 ? now : restarts->since + back * EZ_RECORD_RESTART_MS;
    return restarts->used++ < EZ_RECORD_RESTARTS_MAX;
}

/* Out of the callback in which the record became full. */
static void on_full(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    ez_app *app = self;
    if (!ez_recorder_is_on(app->recorder) || app->stopping) {
        return;
    }
    if (may_restart(app->restarts, ez_driver_now(app->driver).mono)) {
        ez_app_restart(app);
    } else {
        give_up(app, "files fill too fast to begin others: give a larger --record-size");
        ez_recorder_end(app->recorder, EZ_RECORD_END_GIVEN_UP);
    }
}

/* The file's sink, with a look at how full it is. */
static bool append(void *self, const void *data, size_t size)
{
    ez_app *app = self;
    ez_record_sink file = ez_record_file_sink(app->record_file);
    if (!file.append(file.self, data, size)) {
        give_up(app, "it could not be written; the node goes on without");
        return false;
    }
    if (ez_record_file_is_full(app->record_file)) {
        event_active(app->record_full, 0, 0);
    }
    return true;
}

ez_status ez_app_open_record(ez_app *app)
{
    const ez_options *o = app->options;
    if (o->record == NULL) {
        return EZ_OK;
    }
    app->record_full = event_new(app->base, -1, 0, on_full, app);
    if (app->record_full == NULL) {
        return EZ_ERR_LIMIT;
    }
    ez_status status =
        ez_record_file_open(&app->record_file, o->record, o->record_mib << 20, app->log);
    if (status == EZ_OK) {
        const ez_record_sink sink = {app, append};
        app->recorder = ez_recorder_new(&sink);
        ez_log_emit(app->log, EZ_LOG_INFO, "recording", EZ_LOG_TEXT("file", o->record),
                    EZ_LOG_U64("mib", o->record_mib));
    }
    return status;
}

ez_status ez_app_new_node(ez_app *app, const ez_node_config *config, const ez_node_ports *ports)
{
    ez_now now = ez_driver_now(app->driver);
    if (app->recorder == NULL) {
        return ez_node_new(&app->node, config, ports, now);
    }
    ez_status status =
        ez_recorder_node_new(app->recorder, &app->node, config, ports, "ezp2p/" EZ_VERSION, now);
    if (status == EZ_OK && ez_recorder_is_on(app->recorder) &&
        ez_record_file_is_crowded(app->record_file)) {
        give_up(app, "what the store holds fills too much of it: give a larger --record-size");
        ez_recorder_end(app->recorder, EZ_RECORD_END_GIVEN_UP);
    }
    return status;
}

ez_core ez_app_core(ez_app *app)
{
    return app->recorder == NULL ? ez_node_core(app->node)
                                 : ez_recorder_core(app->recorder, app->node);
}

void ez_app_free_node(ez_app *app)
{
    if (app->recorder != NULL && app->node != NULL) {
        ez_recorder_end(app->recorder,
                        app->restarting ? EZ_RECORD_END_FULL : EZ_RECORD_END_STOPPED);
    }
    ez_node_free(app->node);
    app->node = NULL;
    ez_recorder_free(app->recorder);
    ez_record_file_close(app->record_file);
    if (app->record_full != NULL) {
        event_free(app->record_full);
    }
}
