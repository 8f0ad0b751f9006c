/* The sinks and doors of the adapters, each leading to the part that it is for. */
#include "app_internal.h"

#include "exit_code_internal.h"

#include <sodium.h>
#include <unistd.h>

/* ---- effects of the core ----------------------------------------------------------------- */

static void sink_write(void *self, ez_write *write)
{
    ez_app *app = self;
    ez_store_write(app->store, write);
}

static void sink_mine(void *self, uint64_t generation, const ez_header *header, bool paced)
{
    ez_app *app = self;
    ez_miner_set(app->miner, generation, header, paced);
}

static void sink_mine_stop(void *self)
{
    ez_app *app = self;
    ez_miner_stop(app->miner);
}

static void sink_reply(void *self, const ez_reply *reply)
{
    ez_app *app = self;
    if (reply->command == EZ_COMMAND_SHUTDOWN) {
        ez_app_stopped(app);
    } else if (app->http != NULL) {
        ez_http_reply(app->http, reply);
    }
}

static void sink_notice(void *self, const ez_notice *notice)
{
    ez_app *app = self;
    if (app->http != NULL) {
        ez_http_notice(app->http, notice);
    }
}

ez_driver_sinks ez_app_sinks(ez_app *app)
{
    return (ez_driver_sinks){.self = app,
                             .write = sink_write,
                             .mine = sink_mine,
                             .mine_stop = sink_mine_stop,
                             .reply = sink_reply,
                             .notice = sink_notice};
}

/* ---- from other threads ------------------------------------------------------------------ */

void ez_app_stored(void *self, uint64_t number)
{
    ez_app *app = self;
    ez_event event = {.type = EZ_EVENT_STORED, .as.stored = number};
    ez_driver_post(app->driver, &event);
}

static void on_found(void *self, uint64_t generation, uint64_t proof)
{
    ez_app *app = self;
    ez_event event = {.type = EZ_EVENT_PROOF_FOUND,
                      .as.proof_found = {.generation = generation, .proof = proof}};
    ez_driver_post(app->driver, &event);
}

/* The disk failed: whatever is in memory may differ from what is on it, so the only safe thing is
 * to start again from there. No clean-up, since that would write. */
static void on_fatal(void *self, const char *what)
{
    const ez_app *app = self;
    ez_log_emit(app->log, EZ_LOG_ERROR, "store-failed", EZ_LOG_TEXT("reason", what));
    _exit(EZ_EXIT_FAILURE);
}

ez_store_config ez_app_store_config(ez_app *app, const char *path)
{
    return (ez_store_config){.path = path,
                             .network = &app->options->network,
                             .log = app->log,
                             .self = app,
                             .fatal = on_fatal};
}

ez_miner_config ez_app_miner_config(ez_app *app)
{
    uint64_t seed;
    randombytes_buf(&seed, sizeof seed);
    uint32_t threads = app->options->mine_threads;
    return (ez_miner_config){.threads = threads > 0 ? threads : 1, /* GET /mine needs one */
                             .rate = app->options->mine_rate,
                             .seed = seed,
                             .self = app,
                             .found = on_found};
}

/* ---- REST -------------------------------------------------------------------------------- */

static void http_command(void *self, const ez_command *command)
{
    ez_app *app = self;
    ez_event event = {.type = EZ_EVENT_COMMAND, .as.command = *command};
    ez_driver_handle(app->driver, &event);
}

static ez_now http_now(void *self)
{
    const ez_app *app = self;
    return ez_driver_now(app->driver);
}

static bool http_link_bytes(void *self, ez_link_id link, uint64_t *in, uint64_t *out)
{
    const ez_app *app = self;
    return ez_driver_link_bytes(app->driver, link, in, out);
}

ez_http_config ez_app_http_config(ez_app *app)
{
    ez_http_config config = {.base = app->base,
                             .dns = app->dns,
                             .listen = app->options->http,
                             .connections_max = app->descriptors.http,
                             .descriptors_max = app->descriptors.limit,
                             .node = app->node,
                             .version = EZ_VERSION,
                             .token = app->token,
                             .names = (const char *const *)app->options->http_names,
                             .name_count = app->options->http_name_count,
                             .self = app,
                             .command = http_command,
                             .now = http_now,
                             .link_bytes = http_link_bytes,
                             .metrics = ez_app_metrics,
                             .log = app->log};
    config.p2p_listening = ez_driver_listening(app->driver, &config.p2p);
    return config;
}
