/* The background work of registering: a small HTTP/1.0 client. HTTP/1.0, because then the answer
 * ends with the connection and nothing has to be believed about its length. */
#include "http_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#define PAUSE_MS_MIN 1000

typedef enum task_state {
    TASK_WAITING, /* for its turn, or for the pause to end */
    TASK_ASKING,
    TASK_SETTLED, /* the core knows the peer's address */
} task_state;

typedef struct task {
    ez_register *owner;
    ez_register_entry entry;
    char peer_host[EZ_HOST_NAME_BYTES_MAX + 1]; /* once settled */
    uint16_t peer_port;
    task_state state;
    uint64_t asked;    /* the stamp of when it was last asked */
    unsigned pause_ms; /* before the next try */
    bool paused;
    struct bufferevent *bev; /* while asking */
    struct event *timer;     /* the answer's deadline, or the pause */
    struct task *prev, *next;
} task;

struct ez_register {
    struct ez_http *http;
    task *tasks; /* in order of registration */
    size_t count;
    size_t asking;
    uint64_t asked; /* so far: stamps the tasks */
};

static void start_waiting(ez_register *registered);

/* ---- one task ---------------------------------------------------------------------------- */

static void set_timer(task *self, unsigned ms)
{
    struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    (void)evtimer_add(self->timer, &wait);
}

static void tell_core(const task *self, ez_command_type type, const char *host, uint16_t port)
{
    ez_http_command(self->owner->http, &(ez_command){.type = type, .text = host, .port = port});
}

static void forget_rest_address(const task *self)
{
    char host[EZ_MANUAL_HOST_BYTES_MAX + 1];
    ez_register_host(host, &self->entry);
    tell_core(self, EZ_COMMAND_REMOVE_PEER, host, self->entry.port);
}

/* Put the peer's address in the place of the REST address. The old one goes last, so that a crash
 * in between loses nothing, unless its place is needed. */
static void settle(task *self)
{
    const ez_node *node = self->owner->http->config.node;
    bool is_full = ez_node_manual_peers(node, NULL, 0) >= EZ_MANUAL_PEERS_MAX;
    self->state = TASK_SETTLED;
    if (is_full) {
        forget_rest_address(self);
    }
    tell_core(self, EZ_COMMAND_ADD_PEER, self->peer_host, self->peer_port);
    if (!is_full) {
        forget_rest_address(self);
    }
}

static void stop_asking(task *self)
{
    (void)event_del(self->timer);
    if (self->bev != NULL) {
        bufferevent_free(self->bev);
        self->bev = NULL;
        self->owner->asking--;
    }
}

static void finish(task *self)
{
    ez_register *registered = self->owner;
    struct evbuffer *input = bufferevent_get_input(self->bev);
    size_t size = evbuffer_get_length(input);
    const char *data = size > 0 ? (const char *)evbuffer_pullup(input, -1) : NULL;
    bool found = data != NULL && ez_register_answer_parse(self->peer_host, &self->peer_port,
                                                          self->entry.host, data, size);
    stop_asking(self);
    if (found) {
        settle(self);
    } else {
        self->state = TASK_WAITING;
        self->paused = true;
        set_timer(self, self->pause_ms);
        ez_log_emit(registered->http->config.log, EZ_LOG_DEBUG, "register-asks-again",
                    EZ_LOG_TEXT("peer", self->entry.netloc),
                    EZ_LOG_U64("pause_ms", self->pause_ms));
        self->pause_ms = 2 * self->pause_ms < EZ_REGISTER_PAUSE_MS_MAX ? 2 * self->pause_ms
                                                                       : EZ_REGISTER_PAUSE_MS_MAX;
    }
    start_waiting(registered);
}

static void on_read(struct bufferevent *bev, void *self)
{
    if (evbuffer_get_length(bufferevent_get_input(bev)) >= EZ_REGISTER_ANSWER_BYTES_MAX) {
        finish(self); /* too long to be an answer of ours; what is there is judged */
    }
}

static void on_event(struct bufferevent *bev, short what, void *self)
{
    (void)bev;
    if ((what & BEV_EVENT_CONNECTED) == 0) {
        finish(self);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *memory)
{
    task *self = memory;
    (void)fd;
    (void)what;
    if (self->state == TASK_ASKING) {
        finish(self);
        return;
    }
    self->paused = false;
    start_waiting(self->owner);
}

static bool is_numeric(const ez_register_entry *entry, ez_endpoint *out)
{
    return ez_endpoint_parse(out, entry->netloc);
}

static void connect_to(task *self)
{
    ez_http_config *config = &self->owner->http->config;
    ez_endpoint endpoint;
    struct sockaddr_storage address;
    int size = sizeof address;
    ez_endpoint_string text;
    if (!is_numeric(&self->entry, &endpoint)) {
        (void)bufferevent_socket_connect_hostname(self->bev, config->dns, AF_UNSPEC,
                                                  self->entry.host, self->entry.port);
        return;
    }
    text = ez_endpoint_text(&endpoint);
    if (evutil_parse_sockaddr_port(text.text, (struct sockaddr *)&address, &size) == 0) {
        (void)bufferevent_socket_connect(self->bev, (struct sockaddr *)&address, size);
    }
}

static void ask(task *self)
{
    self->state = TASK_ASKING;
    self->asked = ++self->owner->asked;
    self->owner->asking++;
    self->bev = bufferevent_socket_new(self->owner->http->config.base, -1,
                                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    EZ_ASSERT(self->bev != NULL);
    bufferevent_setcb(self->bev, on_read, NULL, on_event, self);
    bufferevent_setwatermark(self->bev, EV_READ, 0, EZ_REGISTER_ANSWER_BYTES_MAX);
    (void)evbuffer_add_printf(bufferevent_get_output(self->bev),
                              "GET /v1/status HTTP/1.0\r\nHost: %s\r\n"
                              "Accept: application/json\r\nConnection: close\r\n\r\n",
                              self->entry.netloc);
    (void)bufferevent_enable(self->bev, EV_READ | EV_WRITE);
    set_timer(self, EZ_REGISTER_TIMEOUT_MS);
    connect_to(self); /* a failure shows as an event, or as the deadline */
}

/* The one that was asked the longest ago, so that those that are dead hold up nobody. */
static task *first_waiting(const ez_register *registered)
{
    task *self, *found = NULL;
    DL_FOREACH (registered->tasks, self) {
        bool is_due = self->state == TASK_WAITING && !self->paused;
        if (is_due && (found == NULL || self->asked < found->asked)) {
            found = self;
        }
    }
    return found;
}

/* Begin as many tasks as may run at once. */
static void start_waiting(ez_register *registered)
{
    task *self;
    while (registered->asking < EZ_REGISTER_AT_ONCE_MAX &&
           (self = first_waiting(registered)) != NULL) {
        ask(self);
    }
}

/* ---- all of them ------------------------------------------------------------------------- */

ez_register *ez_register_new(struct ez_http *http)
{
    ez_register *registered = ez_alloc(1, sizeof *registered);
    registered->http = http;
    return registered;
}

static void remove_task(ez_register *registered, task *self)
{
    stop_asking(self);
    DL_DELETE(registered->tasks, self);
    registered->count--;
    event_free(self->timer);
    free(self);
}

void ez_register_free(ez_register *registered)
{
    if (registered == NULL) {
        return;
    }
    task *self, *next;
    DL_FOREACH_SAFE (registered->tasks, self, next) {
        remove_task(registered, self);
    }
    free(registered);
}

void ez_register_host(char out[EZ_MANUAL_HOST_BYTES_MAX + 1], const ez_register_entry *entry)
{
    (void)snprintf(out, EZ_MANUAL_HOST_BYTES_MAX + 1, "%s%s", entry->rest ? EZ_REST_PREFIX : "",
                   entry->host);
}

static task *find(const ez_register *registered, const char *netloc)
{
    task *self;
    DL_FOREACH (registered->tasks, self) {
        if (strcmp(self->entry.netloc, netloc) == 0) {
            return self;
        }
    }
    return NULL;
}

static void forget_oldest_settled(ez_register *registered)
{
    task *self;
    DL_FOREACH (registered->tasks, self) {
        if (self->state == TASK_SETTLED) {
            remove_task(registered, self);
            return;
        }
    }
}

static task *new_task(ez_register *registered)
{
    if (registered->count >= EZ_MANUAL_PEERS_MAX) {
        forget_oldest_settled(registered); /* those still asked are fewer: the core holds each */
    }
    task *self = ez_alloc(1, sizeof *self);
    self->owner = registered;
    self->state = TASK_SETTLED;
    self->timer = evtimer_new(registered->http->config.base, on_timer, self);
    EZ_ASSERT(self->timer != NULL);
    DL_APPEND(registered->tasks, self);
    registered->count++;
    return self;
}

void ez_register_add(ez_register *registered, const ez_register_entry *entry)
{
    const ez_http_config *config = &registered->http->config;
    ez_endpoint numeric;
    task *self = find(registered, entry->netloc);
    if (self == NULL) {
        self = new_task(registered);
    } else if (self->state != TASK_SETTLED) {
        return; /* under way already */
    }
    self->entry = *entry;
    if (!entry->rest) {
        memcpy(self->peer_host, entry->host, sizeof self->peer_host);
        self->peer_port = entry->port;
    } else if (config->dns == NULL && !is_numeric(entry, &numeric)) {
        /* Without a resolver a name could only be looked up by stopping the loop. */
        ez_log_emit(config->log, EZ_LOG_WARN, "register-no-resolver",
                    EZ_LOG_TEXT("peer", entry->netloc));
    } else {
        self->state = TASK_WAITING;
        self->pause_ms = PAUSE_MS_MIN;
        self->paused = false;
        start_waiting(registered);
    }
}

/* Read what ez_register_host wrote; false when it is no REST address. */
static bool read_rest_address(ez_register_entry *out, const ez_manual_info *peer)
{
    const size_t prefix = sizeof EZ_REST_PREFIX - 1;
    char text[EZ_MANUAL_HOST_BYTES_MAX + 10];
    if (strncmp(peer->host, EZ_REST_PREFIX, prefix) != 0) {
        return false;
    }
    const char *host = peer->host + prefix;
    (void)snprintf(text, sizeof text,
                   strchr(host, ':') != NULL ? EZ_REST_PREFIX "[%s]:%u" : EZ_REST_PREFIX "%s:%u",
                   host, peer->port);
    return ez_register_entry_parse(out, text, strlen(text));
}

void ez_register_resume(ez_register *registered)
{
    ez_manual_info peers[EZ_MANUAL_PEERS_MAX];
    size_t count = ez_node_manual_peers(registered->http->config.node, peers, EZ_MANUAL_PEERS_MAX);
    for (size_t i = 0; i < count && i < EZ_MANUAL_PEERS_MAX; i++) {
        ez_register_entry entry;
        if (read_rest_address(&entry, &peers[i])) {
            ez_register_add(registered, &entry);
        }
    }
}

bool ez_register_drop(ez_register *registered, const char *host, uint16_t port)
{
    bool was_asked = false;
    task *self, *next;
    DL_FOREACH_SAFE (registered->tasks, self, next) {
        bool is_entry = self->entry.port == port && strcmp(self->entry.host, host) == 0;
        bool is_peer = self->peer_port == port && strcmp(self->peer_host, host) == 0;
        if (self->state != TASK_SETTLED && is_entry) {
            forget_rest_address(self);
            was_asked = true;
        }
        if (is_entry || (self->state == TASK_SETTLED && is_peer)) {
            remove_task(registered, self);
        }
    }
    start_waiting(registered);
    return was_asked;
}

const char *ez_register_netloc(const ez_register *registered, size_t i)
{
    const task *self = registered->tasks;
    while (self != NULL && i-- > 0) {
        self = self->next;
    }
    return self != NULL ? self->entry.netloc : NULL;
}
