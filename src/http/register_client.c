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

typedef enum task_state {
    TASK_WAITING, /* for its turn, or for the pause to end */
    TASK_ASKING,
    TASK_DONE, /* connected to, or given up */
} task_state;

typedef struct task {
    ez_register *owner;
    ez_register_entry entry;
    task_state state;
    int tries;
    bool paused;
    struct bufferevent *bev; /* while asking */
    struct event *timer;     /* the answer's deadline, or the pause */
} task;

struct ez_register {
    struct ez_http *http;
    task *tasks[EZ_MANUAL_PEERS_MAX];
    size_t count;
    size_t asking;
};

static void start_waiting(ez_register *registered);

/* ---- one task ---------------------------------------------------------------------------- */

static void set_timer(task *self, unsigned ms)
{
    struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    (void)evtimer_add(self->timer, &wait);
}

static void add_peer(struct ez_http *http, const char *host, uint16_t port)
{
    ez_http_command(http, &(ez_command){.type = EZ_COMMAND_ADD_PEER, .text = host, .port = port});
}

static void stop_asking(task *self)
{
    (void)event_del(self->timer);
    bufferevent_free(self->bev);
    self->bev = NULL;
    self->owner->asking--;
}

static void finish(task *self)
{
    char host[EZ_HOST_NAME_BYTES_MAX + 1];
    uint16_t port = 0;
    struct evbuffer *input = bufferevent_get_input(self->bev);
    size_t size = evbuffer_get_length(input);
    const char *data = size > 0 ? (const char *)evbuffer_pullup(input, -1) : NULL;
    bool found =
        data != NULL && ez_register_answer_parse(host, &port, self->entry.host, data, size);
    stop_asking(self);
    if (found) {
        self->state = TASK_DONE;
        add_peer(self->owner->http, host, port);
    } else if (self->tries >= EZ_REGISTER_TRIES_MAX) {
        self->state = TASK_DONE;
        ez_log_emit(self->owner->http->config.log, EZ_LOG_WARN, "register-gave-up",
                    EZ_LOG_TEXT("peer", self->entry.netloc));
    } else {
        self->state = TASK_WAITING;
        self->paused = true;
        set_timer(self, 1000u << (self->tries - 1));
    }
    start_waiting(self->owner);
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
    self->tries++;
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

/* Begin as many tasks as may run at once. */
static void start_waiting(ez_register *registered)
{
    for (size_t i = 0; i < registered->count && registered->asking < EZ_REGISTER_AT_ONCE_MAX; i++) {
        task *self = registered->tasks[i];
        if (self->state == TASK_WAITING && !self->paused) {
            ask(self);
        }
    }
}

/* ---- all of them ------------------------------------------------------------------------- */

ez_register *ez_register_new(struct ez_http *http)
{
    ez_register *registered = ez_alloc(1, sizeof *registered);
    registered->http = http;
    return registered;
}

void ez_register_free(ez_register *registered)
{
    if (registered == NULL) {
        return;
    }
    for (size_t i = 0; i < registered->count; i++) {
        task *self = registered->tasks[i];
        if (self->bev != NULL) {
            stop_asking(self);
        }
        event_free(self->timer);
        free(self);
    }
    free(registered);
}

bool ez_register_has_room(const ez_register *registered, size_t more)
{
    return more <= EZ_MANUAL_PEERS_MAX - registered->count;
}

static task *find(const ez_register *registered, const char *netloc)
{
    for (size_t i = 0; i < registered->count; i++) {
        if (strcmp(registered->tasks[i]->entry.netloc, netloc) == 0) {
            return registered->tasks[i];
        }
    }
    return NULL;
}

bool ez_register_knows(const ez_register *registered, const char *netloc)
{
    return find(registered, netloc) != NULL;
}

void ez_register_add(ez_register *registered, const ez_register_entry *entry)
{
    task *self = find(registered, entry->netloc);
    if (self == NULL) {
        EZ_ASSERT(registered->count < EZ_MANUAL_PEERS_MAX);
        self = ez_alloc(1, sizeof *self);
        self->owner = registered;
        self->state = TASK_DONE;
        self->timer = evtimer_new(registered->http->config.base, on_timer, self);
        EZ_ASSERT(self->timer != NULL);
        registered->tasks[registered->count++] = self;
    }
    if (self->state != TASK_DONE) {
        return; /* under way already */
    }
    self->entry = *entry;
    ez_endpoint numeric;
    if (!entry->rest) {
        add_peer(registered->http, entry->host, entry->port);
    } else if (registered->http->config.dns == NULL && !is_numeric(entry, &numeric)) {
        /* Without a resolver a name could only be looked up by stopping the loop. */
        ez_log_emit(registered->http->config.log, EZ_LOG_WARN, "register-no-resolver",
                    EZ_LOG_TEXT("peer", entry->netloc));
    } else {
        self->state = TASK_WAITING;
        self->tries = 0;
        self->paused = false;
        start_waiting(registered);
    }
}

const char *ez_register_netloc(const ez_register *registered, size_t i)
{
    return i < registered->count ? registered->tasks[i]->entry.netloc : NULL;
}
