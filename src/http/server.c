/* Listening, the connection cap, and the way of the node's replies and notices to those who wait.
 */
#include "http_internal.h"
#include "sockaddr_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#define EZ_ACCEPT_PAUSE_MS 500 /* after accept failed: spinning on it would burn a core */
#define EZ_WATCH_MS        250 /* between two looks at deadlines */

void ez_http_look_at_clock(ez_http *http)
{
    http->now = http->config.now(http->config.self);
}

ez_now ez_http_now(const ez_http *http)
{
    return http->now;
}

void ez_http_command(ez_http *http, const ez_command *command)
{
    if (!http->stopping) {
        http->config.command(http->config.self, command);
    }
}

static void read_listening(ez_http *http)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    http->listening = http->config.listen;
    if (getsockname(evconnlistener_get_fd(http->listener), (struct sockaddr *)&address, &size) ==
        0) {
        (void)ez_sockaddr_read(&http->listening, (const struct sockaddr *)&address);
    }
}

void ez_http_listening(const ez_http *http, ez_endpoint *out)
{
    *out = http->listening;
}

/* ---- accepting --------------------------------------------------------------------------- */

/* Close the connection with the weakest claim; false when none may be closed. */
static bool make_room(ez_http *http)
{
    ez_conn *weakest = NULL;
    ez_claim claim = {.kind = EZ_CLAIM_SERVED};
    for (ez_conn *conn = http->conns; conn != NULL; conn = conn->next) {
        ez_claim own = ez_conn_claim(conn);
        if (ez_claim_may_yield(&own) && (weakest == NULL || ez_claim_is_weaker(&own, &claim))) {
            weakest = conn;
            claim = own;
        }
    }
    if (weakest != NULL) {
        http->totals.displaced++;
        ez_conn_close(weakest);
    }
    return weakest != NULL;
}

static size_t count_of_client(const ez_http *http, const ez_endpoint *remote)
{
    size_t count = 0;
    for (const ez_conn *conn = http->conns; conn != NULL; conn = conn->next) {
        count += ez_is_one_client(remote, &conn->remote);
    }
    return count;
}

/* Why a newcomer is not served; NULL when it is. */
static const char *reason_to_refuse(ez_http *http, const ez_endpoint *remote)
{
    if (count_of_client(http, remote) >= EZ_HTTP_HOST_CONNECTIONS_MAX) {
        return "too many connections from your address are open; close some";
    }
    if (http->conn_count >= http->config.connections_max && !make_room(http)) {
        return "too many connections are open; try again";
    }
    return NULL;
}

static void pause_accepting(ez_http *http)
{
    (void)evconnlistener_disable(http->listener);
    const struct timeval pause = {0, EZ_ACCEPT_PAUSE_MS * 1000};
    (void)evtimer_add(http->relisten, &pause);
}

/* The system hands out the lowest free descriptor, so its number says how many are taken. */
static bool is_spare(const ez_http *http, evutil_socket_t fd)
{
    return fd >= http->config.descriptors_max - EZ_SPARE_DESCRIPTORS;
}

static void refuse_at_once(ez_http *http, evutil_socket_t fd)
{
    http->totals.refused++;
    (void)evutil_closesocket(fd);
}

static void watch_later(ez_http *http)
{
    const struct timeval interval = {0, EZ_WATCH_MS * 1000};
    bool has_work = http->conns != NULL || http->chain_cache.pieces != NULL;
    if (has_work && !evtimer_pending(http->watch, NULL)) {
        (void)evtimer_add(http->watch, &interval);
    }
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int size, void *self)
{
    ez_http *http = self;
    ez_endpoint remote = {.port = 0};
    (void)listener;
    (void)size;
    ez_http_look_at_clock(http);
    if (is_spare(http, fd)) {
        refuse_at_once(http, fd);
        ez_log_emit(http->config.log, EZ_LOG_WARN, "http-accept",
                    EZ_LOG_TEXT("error", "only the spare descriptors are left"));
        if (!make_room(http)) {
            pause_accepting(http);
        }
        return;
    }
    (void)ez_sockaddr_read(&remote, address);
    const char *reason = reason_to_refuse(http, &remote);
    if (reason != NULL &&
        http->conn_count >= http->config.connections_max + EZ_HTTP_TURNED_AWAY_MAX) {
        refuse_at_once(http, fd);
        return;
    }
    ez_conn *conn = ez_conn_new(http, fd, &remote);
    if (reason != NULL) {
        http->totals.refused++;
        ez_conn_turn_away(conn, reason);
    }
    watch_later(http);
}

/* Deadlines are looked at now and then: nobody notices a quarter of a second, and every request
 * would have set and cleared timers of its own. */
static void on_watch(evutil_socket_t fd, short what, void *self)
{
    ez_http *http = self;
    ez_conn *conn, *next;
    (void)fd;
    (void)what;
    ez_http_look_at_clock(http);
    DL_FOREACH_SAFE (http->conns, conn, next) {
        ez_conn_look(conn);
    }
    if (ez_http_now(http).mono - http->chain_read > EZ_HTTP_IDLE_MS) {
        ez_chain_cache_clear(&http->chain_cache);
    }
    watch_later(http);
}

static void on_accept_error(struct evconnlistener *listener, void *self)
{
    ez_http *http = self;
    (void)listener;
    int error = EVUTIL_SOCKET_ERROR();
    ez_log_emit(http->config.log, EZ_LOG_WARN, "http-accept",
                EZ_LOG_TEXT("error", evutil_socket_error_to_string(error)));
    pause_accepting(http);
}

static void on_relisten(evutil_socket_t fd, short what, void *self)
{
    ez_http *http = self;
    (void)fd;
    (void)what;
    (void)evconnlistener_enable(http->listener);
}

/* ---- closing ----------------------------------------------------------------------------- */

static void sweep(ez_http *http)
{
    ez_conn *conn, *next;
    DL_FOREACH_SAFE (http->dead, conn, next) {
        DL_DELETE(http->dead, conn);
        ez_conn_free(conn);
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    sweep(self);
}

void ez_http_trim(ez_http *http)
{
    for (;;) {
        size_t total = 0, most = 0;
        ez_conn *largest = NULL;
        for (ez_conn *conn = http->conns; conn != NULL; conn = conn->next) {
            size_t held = ez_conn_held(conn);
            total += held;
            if (held > most) {
                most = held;
                largest = conn;
            }
        }
        if (total <= EZ_HTTP_OUTPUT_BYTES_MAX || largest == NULL) {
            return;
        }
        http->totals.overflowed++;
        ez_conn_close(largest);
    }
}

/* ---- replies and notices ----------------------------------------------------------------- */

void ez_http_reply(ez_http *http, const ez_reply *reply)
{
    if (reply->request != 0 && reply->request == http->mine.command) {
        ez_mine_reply(http, reply);
        return;
    }
    if (reply->request != 0 && reply->request == http->resolve.command) {
        ez_resolve_reply(http, reply);
        return;
    }
    for (ez_conn *conn = http->conns; conn != NULL; conn = conn->next) {
        ez_exchange *exchange = &conn->exchange;
        if (exchange->number == reply->request && exchange->on_reply != NULL) {
            void (*on_reply)(ez_exchange *, const ez_reply *) = exchange->on_reply;
            exchange->on_reply = NULL;
            on_reply(exchange, reply);
            return;
        }
    }
}

void ez_http_notice(ez_http *http, const ez_notice *notice)
{
    ez_http_look_at_clock(http);
    ez_events_add(http->events, notice, ez_http_now(http).wall);
}

/* ---- life -------------------------------------------------------------------------------- */

static void copy_config(ez_http *http, const ez_http_config *config)
{
    http->config = *config;
    http->names = ez_alloc(config->name_count + 1, sizeof *http->names);
    for (size_t i = 0; i < config->name_count; i++) {
        http->names[i] = ez_strdup(config->names[i]);
    }
    http->token = config->token != NULL ? ez_strdup(config->token) : NULL;
    http->policy = (ez_gate_policy){
        .is_loopback = ez_endpoint_reach(&config->listen) == EZ_REACH_LOOPBACK,
        .token = http->token,
        .names = (const char *const *)http->names,
        .name_count = config->name_count,
    };
}

static ez_status bind_listener(ez_http *http)
{
    struct sockaddr_storage address;
    socklen_t size = ez_sockaddr_write(&address, &http->config.listen);
    http->listener =
        evconnlistener_new_bind(http->config.base, on_accept, http,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                128, (struct sockaddr *)&address, (int)size);
    if (http->listener == NULL) {
        int error = EVUTIL_SOCKET_ERROR();
        ez_log_emit(http->config.log, EZ_LOG_ERROR, "http-listen",
                    EZ_LOG_TEXT("address", ez_endpoint_text(&http->config.listen).text),
                    EZ_LOG_TEXT("error", evutil_socket_error_to_string(error)));
        return error == EADDRINUSE ? EZ_ERR_IN_USE : EZ_ERR_IO;
    }
    evconnlistener_set_error_cb(http->listener, on_accept_error);
    read_listening(http);
    return EZ_OK;
}

ez_status ez_http_new(ez_http **out, const ez_http_config *config)
{
    ez_http *http = ez_alloc(1, sizeof *http);
    *out = NULL;
    copy_config(http, config);
    ez_http_look_at_clock(http);
    http->node_text = ez_address_text(ez_node_key(config->node));
    ez_turns_init(&http->turns, config->base, http);
    http->watch = evtimer_new(config->base, on_watch, http);
    http->started = ez_http_now(http).mono;
    http->sweep = event_new(config->base, -1, 0, on_sweep, http);
    http->relisten = evtimer_new(config->base, on_relisten, http);
    http->events = ez_events_new(config->base, ez_http_now(http).wall);
    http->registered = ez_register_new(http);
    ez_openapi_build(&http->openapi, config->version);
    ez_page_build(&http->page, &http->page_policy);
    EZ_ASSERT(http->sweep != NULL && http->relisten != NULL && http->watch != NULL);
    ez_status status = bind_listener(http);
    if (status != EZ_OK) {
        ez_http_free(http);
        return status;
    }
    ez_register_resume(http->registered);
    *out = http;
    return EZ_OK;
}

/* Last words to who waits, as far as they go out at once. */
static void say_stopping(ez_conn *conn)
{
    if (conn->state == EZ_CONN_ANSWERING && !conn->exchange.streaming) {
        ez_respond_busy(&conn->exchange, "the node is stopping");
    }
    (void)ez_socket_flush(&conn->socket);
}

void ez_http_free(ez_http *http)
{
    if (http == NULL) {
        return;
    }
    http->stopping = true;
    ez_conn *conn, *next;
    DL_FOREACH_SAFE (http->conns, conn, next) {
        say_stopping(conn);
        ez_conn_close(conn);
    }
    sweep(http);
    if (http->listener != NULL) {
        evconnlistener_free(http->listener);
    }
    ez_events_free(http->events);
    ez_register_free(http->registered);
    ez_turns_clear(&http->turns);
    ez_chain_cache_clear(&http->chain_cache);
    event_free(http->sweep);
    event_free(http->watch);
    event_free(http->relisten);
    ez_buffer_clear(&http->scratch);
    ez_buffer_clear(&http->openapi);
    ez_buffer_clear(&http->page);
    ez_buffer_clear(&http->page_policy);
    for (size_t i = 0; i < http->config.name_count; i++) {
        free(http->names[i]);
    }
    free(http->names);
    free(http->token);
    free(http);
}
