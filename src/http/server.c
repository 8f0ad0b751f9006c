/* Listening, the connection cap, and the way of the node's replies and notices to those who wait.
 */
#include "http_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#define EZ_ACCEPT_PAUSE_MS 500 /* after accept failed: spinning on it would burn a core */

ez_now ez_http_now(const ez_http *http)
{
    return http->config.now(http->config.self);
}

void ez_http_command(ez_http *http, const ez_command *command)
{
    if (!http->stopping) {
        http->config.command(http->config.self, command);
    }
}

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static socklen_t to_sockaddr(struct sockaddr_storage *out, const ez_endpoint *endpoint)
{
    *out = (struct sockaddr_storage){.ss_family = AF_INET6};
    if (memcmp(endpoint->ip, mapped_prefix, sizeof mapped_prefix) == 0) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        memcpy(&in.sin_addr, endpoint->ip + 12, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    memcpy(&in6.sin6_addr, endpoint->ip, 16);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}

static void read_listening(ez_http *http)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    http->listening = http->config.listen;
    if (getsockname(evconnlistener_get_fd(http->listener), (struct sockaddr *)&address, &size) !=
        0) {
        return;
    }
    if (address.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &address, sizeof in);
        http->listening.port = ntohs(in.sin_port);
    } else if (address.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address, sizeof in6);
        http->listening.port = ntohs(in6.sin6_port);
    }
}

void ez_http_listening(const ez_http *http, ez_endpoint *out)
{
    *out = http->listening;
}

/* ---- accepting --------------------------------------------------------------------------- */

/* Of the connections that are between two requests, the one that is so for the longest time. */
static ez_conn *longest_idle(const ez_http *http)
{
    ez_conn *found = NULL;
    for (ez_conn *conn = http->conns; conn != NULL; conn = conn->next) {
        if (conn->state == EZ_CONN_HEAD && !conn->in_request && ez_conn_output(conn) == 0 &&
            (found == NULL || conn->active < found->active)) {
            found = conn;
        }
    }
    return found;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int size, void *self)
{
    ez_http *http = self;
    (void)listener;
    (void)address;
    (void)size;
    ez_conn *idle = NULL;
    bool is_full = http->conn_count >= EZ_HTTP_CONNECTIONS_MAX;
    if (is_full) {
        idle = longest_idle(http);
    }
    if (idle != NULL) {
        ez_conn_close(idle);
        is_full = false;
    }
    if (http->conn_count >= EZ_HTTP_CONNECTIONS_MAX + EZ_HTTP_TURNED_AWAY_MAX) {
        http->totals.refused++;
        (void)evutil_closesocket(fd);
        return;
    }
    ez_conn *conn = ez_conn_new(http, fd);
    if (is_full && conn != NULL) {
        http->totals.refused++;
        ez_conn_turn_away(conn);
    }
}

static void on_accept_error(struct evconnlistener *listener, void *self)
{
    ez_http *http = self;
    int error = EVUTIL_SOCKET_ERROR();
    ez_log_emit(http->config.log, EZ_LOG_WARN, "http-accept",
                EZ_LOG_TEXT("error", evutil_socket_error_to_string(error)));
    (void)evconnlistener_disable(listener);
    struct timeval pause = {0, EZ_ACCEPT_PAUSE_MS * 1000};
    (void)evtimer_add(http->relisten, &pause);
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
            size_t output = ez_conn_output(conn);
            total += output;
            if (output > most) {
                most = output;
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
    socklen_t size = to_sockaddr(&address, &http->config.listen);
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
    http->started = ez_http_now(http).mono;
    http->sweep = event_new(config->base, -1, 0, on_sweep, http);
    http->relisten = evtimer_new(config->base, on_relisten, http);
    http->events = ez_events_new(config->base, ez_http_now(http).wall);
    http->registered = ez_register_new(http);
    ez_openapi_build(&http->openapi, config->version);
    ez_page_build(&http->page, &http->page_policy);
    EZ_ASSERT(http->sweep != NULL && http->relisten != NULL);
    ez_status status = bind_listener(http);
    if (status != EZ_OK) {
        ez_http_free(http);
        return status;
    }
    *out = http;
    return EZ_OK;
}

/* Last words to who waits, as far as they go out at once. */
static void say_stopping(ez_conn *conn)
{
    if (conn->state == EZ_CONN_ANSWERING && !conn->exchange.streaming) {
        ez_respond_busy(&conn->exchange, "the node is stopping");
    }
    struct evbuffer *output = bufferevent_get_output(conn->bev);
    (void)bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
    evbuffer_unfreeze(output, 1);
    (void)evbuffer_write(output, bufferevent_getfd(conn->bev));
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
    event_free(http->sweep);
    event_free(http->relisten);
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
