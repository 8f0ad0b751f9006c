/* Starting a node step by step, running it, and taking it apart in reverse. */
#include "app_internal.h"
#include "commands_internal.h"
#include "notify_internal.h"

#include "ezp2p/chain/address.h"
#include "ezp2p/node/query.h"

#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS_MAX 4u

static ez_status fail(const ez_app *app, const char *what, ez_status status)
{
    ez_log_emit(app->log, EZ_LOG_ERROR, "start-failed", EZ_LOG_TEXT("what", what),
                EZ_LOG_TEXT("reason", ez_status_text(status)));
    return status;
}

/* ---- steps of the start ------------------------------------------------------------------ */

static void on_reopen(void *self)
{
    const ez_app *app = self;
    if (ez_log_sink_reopen(app->sink) != EZ_OK) {
        ez_log_emit(app->log, EZ_LOG_ERROR, "log-reopen-failed",
                    EZ_LOG_TEXT("reason", strerror(errno)));
    } else {
        ez_log_emit(app->log, EZ_LOG_INFO, "log-reopened", EZ_LOG_TEXT("version", EZ_VERSION));
    }
}

static ez_status start_loop(ez_app *app)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return fail(app, "event loop", EZ_ERR_LIMIT);
    }
    /* the coarse clock is off by up to 4 ms, which is more than a hop on a local network takes */
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    app->base = event_base_new_with_config(config);
    event_config_free(config);
    if (app->base == NULL) {
        return fail(app, "event loop", EZ_ERR_LIMIT);
    }
    ez_signal_actions actions = {.self = app, .stop = ez_app_stop, .reopen = on_reopen};
    ez_status status = ez_signals_new(&app->signals, app->base, &actions);
    return status == EZ_OK ? EZ_OK : fail(app, "signals", status);
}

static ez_status start_descriptors(ez_app *app)
{
    const ez_options *o = app->options;
    uint32_t inbound = o->listening ? o->inbound : 0;
    ez_descriptors_plan(&app->descriptors, UINT64_MAX, o->outbound, inbound, o->http_on);
    uint64_t limit = ez_descriptors_raise(app->descriptors.needed);
    ez_descriptors_plan(&app->descriptors, limit, o->outbound, inbound, o->http_on);
    if (app->descriptors.inbound < inbound || app->descriptors.needed > limit) {
        ez_log_emit(app->log, EZ_LOG_WARN, "few-descriptors", EZ_LOG_U64("limit", limit),
                    EZ_LOG_U64("needed", app->descriptors.needed),
                    EZ_LOG_U64("inbound_asked", inbound),
                    EZ_LOG_U64("inbound", app->descriptors.inbound));
    }
    return EZ_OK;
}

static ez_status start_data_dir(ez_app *app)
{
    ez_status status = ez_data_dir_open(&app->dir, app->options->data_dir, app->log);
    if (status == EZ_OK) {
        status = ez_data_dir_key(app->dir, &app->keypair);
    }
    if (status == EZ_OK) {
        status = ez_data_dir_token(app->dir, app->token);
    }
    return status; /* logged where it happened */
}

/* Name look-ups for --peer. Without a usable resolv.conf the names of the hosts file still work. */
static ez_status start_dns(ez_app *app)
{
    app->dns = evdns_base_new(app->base,
                              EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (app->dns == NULL) {
        app->dns = evdns_base_new(app->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        if (app->dns != NULL) {
            evdns_base_load_hosts(app->dns, "/etc/hosts");
        }
        ez_log_emit(app->log, EZ_LOG_WARN, "no-name-servers",
                    EZ_LOG_TEXT("effect", "only addresses and names of /etc/hosts are dialled"));
    }
    return EZ_OK;
}

static ez_status start_store(ez_app *app)
{
    char *path = ez_data_dir_file(app->dir, "chain.db");
    ez_store_config config = ez_app_store_config(app, path);
    ez_status status = ez_store_open(&app->store, &config);
    free(path);
    return status == EZ_OK ? ez_data_dir_sync(app->dir) : status; /* logged, with what they know */
}

static ez_status start_driver(ez_app *app)
{
    const ez_options *o = app->options;
    uint32_t cores = ez_resources_cores();
    uint8_t seed[EZ_VERIFIER_SEED_BYTES];
    randombytes_buf(seed, sizeof seed);
    app->verifier = ez_verifier_new(seed);
    ez_driver_config config = {.base = app->base,
                               .dns = app->dns,
                               .listening = o->listening,
                               .listen = o->listen,
                               .inbound_max = app->descriptors.inbound_open,
                               .worker_threads = cores < WORKERS_MAX ? cores : WORKERS_MAX,
                               .verifier = app->verifier,
                               .sinks = ez_app_sinks(app),
                               .log = app->log};
    ez_status status = ez_driver_new(&app->driver, &config);
    if (status != EZ_OK) {
        ez_log_emit(app->log, EZ_LOG_ERROR, "listen-failed", EZ_LOG_TEXT("what", "peers"),
                    EZ_LOG_TEXT("address", ez_endpoint_text(&o->listen).text),
                    EZ_LOG_TEXT("reason", ez_status_text(status)));
    }
    return status;
}

static ez_status start_threads(ez_app *app)
{
    ez_miner_config config = ez_app_miner_config(app);
    ez_status status = ez_miner_new(&app->miner, &config);
    if (status != EZ_OK) {
        return fail(app, "miner", status);
    }
    status = ez_store_start(app->store, app, ez_app_stored);
    return status == EZ_OK ? EZ_OK : fail(app, "store", status);
}

static ez_status start_node(ez_app *app)
{
    const ez_options *o = app->options;
    ez_endpoint bound = {.port = 0};
    bool is_listening = ez_driver_listening(app->driver, &bound);
    ez_node_config config = {.network = o->network,
                             .key = app->keypair.public_key,
                             .listen_port = is_listening ? bound.port : 0,
                             .outbound_max = o->outbound,
                             .inbound_max = app->descriptors.inbound,
                             .mine = o->mine_threads > 0,
                             .relay = o->relay,
                             .user_agent = "ezp2p/" EZ_VERSION,
                             .peers = o->peers,
                             .peer_count = o->peer_count};
    ez_node_ports ports = {.store = ez_store_port_of(app->store),
                           .log = app->log,
                           .signer = ez_keypair_signer(&app->keypair)};
    randombytes_buf(config.seed, sizeof config.seed);
    ez_status status = ez_app_new_node(app, &config, &ports);
    if (status != EZ_OK) {
        return fail(app, "node", status);
    }
    ez_core core = ez_app_core(app);
    ez_driver_start(app->driver, &core);
    return EZ_OK;
}

static ez_status start_http(ez_app *app)
{
    if (!app->options->http_on) {
        return EZ_OK;
    }
    ez_http_config config = ez_app_http_config(app);
    ez_status status = ez_http_new(&app->http, &config);
    if (status != EZ_OK) {
        ez_log_emit(app->log, EZ_LOG_ERROR, "listen-failed", EZ_LOG_TEXT("what", "http"),
                    EZ_LOG_TEXT("address", ez_endpoint_text(&config.listen).text),
                    EZ_LOG_TEXT("reason", ez_status_text(status)));
    }
    return status;
}

static void log_ready(const ez_app *app, const ez_endpoints *e, const ez_address_string *node)
{
    ez_endpoint_string p2p = ez_endpoints_text(&e->p2p), http = ez_endpoints_text(&e->http);
    ez_log_emit(app->log, EZ_LOG_INFO, "ready", EZ_LOG_TEXT("p2p", e->has_p2p ? p2p.text : "off"),
                EZ_LOG_TEXT("http", e->has_http ? http.text : "off"),
                EZ_LOG_TEXT("node", node->text), EZ_LOG_U64("pid", (uint64_t)getpid()));
}

static ez_status announce_ready(ez_app *app)
{
    ez_address_string node = ez_address_text(ez_node_key(app->node));
    ez_endpoints endpoints = {.has_http = app->http != NULL, .node = node.text};
    endpoints.has_p2p = ez_driver_listening(app->driver, &endpoints.p2p);
    if (app->http != NULL) {
        ez_http_listening(app->http, &endpoints.http);
    }
    ez_status status = ez_data_dir_put_endpoints(app->dir, &endpoints);
    if (status != EZ_OK) {
        return status;
    }
    log_ready(app, &endpoints, &node);
    if (ez_notify_send(getenv("NOTIFY_SOCKET"), "READY=1") != EZ_OK) {
        ez_log_emit(app->log, EZ_LOG_WARN, "notify-failed", EZ_LOG_TEXT("what", "READY=1"));
    }
    return EZ_OK;
}

/* ---- all of it --------------------------------------------------------------------------- */

static ez_status start(ez_app *app)
{
    static ez_status (*const steps[])(ez_app *) = {
        start_loop,    start_descriptors,  start_data_dir, start_dns,  start_store,    start_driver,
        start_threads, ez_app_open_record, start_node,     start_http, announce_ready,
    };
    ez_status status = EZ_OK;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == EZ_OK; i++) {
        status = steps[i](app);
    }
    return status;
}

/* Those that call into others go first: HTTP into the core, the miner's and the store's threads
 * into the driver. Closing the store makes the last writes durable. */
static void clear(ez_app *app)
{
    ez_http_free(app->http);
    app->http = NULL;
    ez_miner_free(app->miner);
    ez_store_close(app->store);
    if (app->settle_timer != NULL) {
        event_free(app->settle_timer);
    }
    app->stopping = true; /* for a signal from here on there is nothing left to stop */
    if (app->driver != NULL) {
        ez_driver_free(app->driver);
    }
    ez_verifier_free(app->verifier);
    ez_app_free_node(app);
    if (app->base != NULL) {
        /* a name look-up that was cancelled still has a callback to run, which needs the resolver
         */
        event_base_loop(app->base, EVLOOP_NONBLOCK);
    }
    if (app->dns != NULL) {
        evdns_base_free(app->dns, 1);
    }
    if (app->base != NULL) {
        /* what libevent releases from within the loop only: connections that were being closed */
        event_base_loop(app->base, EVLOOP_NONBLOCK);
    }
    if (app->dir != NULL) {
        ez_data_dir_remove_endpoints(app->dir);
        ez_data_dir_close(app->dir);
    }
    ez_keypair_clear(&app->keypair);
    sodium_memzero(app->token, sizeof app->token);
    ez_signals_free(app->signals);
    if (app->base != NULL) {
        event_base_free(app->base);
    }
}

/* One life of the node. For the next, if there is one, the addresses stay that were bound. */
static ez_status live(ez_options *options, ez_log_sink *sink, ez_restarts *restarts, bool *again)
{
    ez_app app = {
        .options = options, .sink = sink, .log = ez_log_sink_log(sink), .restarts = restarts};
    ez_status status = start(&app);
    if (status == EZ_OK) {
        ez_signals_unblock(); /* those that came between two lives */
    }
    if (status == EZ_OK && event_base_dispatch(app.base) < 0) {
        status = fail(&app, "event loop", EZ_ERR_IO);
    }
    *again = status == EZ_OK && app.restarting;
    if (*again) {
        ez_signals_block();
        ez_driver_listening(app.driver, &options->listen);
        if (app.http != NULL) {
            ez_http_listening(app.http, &options->http);
        }
    }
    clear(&app);
    return status;
}

ez_exit_code ez_run_node(const ez_options *options, ez_log_sink *sink)
{
    ez_options present = *options;
    ez_restarts restarts = {0};
    bool again;
    ez_status status;
    if (options->stop_with > 0 && !ez_signals_stop_with(options->stop_with)) {
        ez_log_emit(ez_log_sink_log(sink), EZ_LOG_WARN, "not-started",
                    EZ_LOG_TEXT("reason", "the process to stop with did not start this one, or has "
                                          "ended"));
        return EZ_EXIT_OK;
    }
    do {
        status = live(&present, sink, &restarts, &again);
    } while (again && !ez_signals_stop_came());
    libevent_global_shutdown();
    if (status == EZ_OK) {
        ez_log_emit(ez_log_sink_log(sink), EZ_LOG_INFO, "stopped",
                    EZ_LOG_TEXT("version", EZ_VERSION));
    }
    return ez_exit_code_of(status);
}
