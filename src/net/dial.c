#include "driver_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Addresses of one name that are tried. */
#define ADDRESSES_MAX 8

/* A name look-up outlives the dial that gave up on it: libevent calls back even when cancelled. */
typedef struct lookup {
    ez_dial *dial; /* NULL: nobody waits for it any more */
    struct evdns_getaddrinfo_request *request;
} lookup;

struct ez_dial {
    ez_dial *next;
    ez_driver *driver;
    uint64_t number;
    uint16_t port;
    ez_time_ms deadline;
    lookup *lookup; /* under way */
    ez_endpoint list[ADDRESSES_MAX];
    size_t count;
    size_t at;           /* the address being tried */
    struct event *event; /* connecting: its descriptor is writable; else only the deadline */
    int descriptor;      /* -1: none */
};

static void drop_attempt(ez_dial *dial)
{
    if (dial->event != NULL) {
        event_free(dial->event);
        dial->event = NULL;
    }
    if (dial->descriptor >= 0) {
        close(dial->descriptor);
        dial->descriptor = -1;
    }
}

static void dial_free(ez_dial *dial)
{
    drop_attempt(dial);
    if (dial->lookup != NULL) {
        dial->lookup->dial = NULL;
        evdns_getaddrinfo_cancel(dial->lookup->request);
    }
    free(dial);
}

static void forget(ez_dial *dial)
{
    ez_dial **at = &dial->driver->dials;
    while (*at != dial) {
        at = &(*at)->next;
    }
    *at = dial->next;
    dial_free(dial);
}

static void fail(ez_dial *dial)
{
    ez_driver *driver = dial->driver;
    ez_event event = {.type = EZ_EVENT_DIAL_FAILED, .as.dial_failed.dial = dial->number};
    forget(dial);
    ez_driver_handle(driver, &event);
}

static void succeed(ez_dial *dial)
{
    ez_driver *driver = dial->driver;
    int descriptor = dial->descriptor;
    uint64_t number = dial->number;
    ez_endpoint remote = dial->list[dial->at];
    dial->descriptor = -1;
    forget(dial);
    ez_links_add(driver, descriptor, &remote, number);
}

static ez_time_ms time_left(const ez_dial *dial)
{
    ez_time_ms now = ez_driver_now(dial->driver).mono;
    return now >= dial->deadline ? 0 : dial->deadline - now;
}

static void wait_for(ez_dial *dial, short what, event_callback_fn callback, ez_time_ms delay_ms)
{
    struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
                            .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000};
    dial->event = event_new(dial->driver->config.base, dial->descriptor, what, callback, dial);
    EZ_ASSERT(dial->event != NULL);
    int failed = event_add(dial->event, &delay);
    EZ_ASSERT(failed == 0);
}

/* ---- connecting --------------------------------------------------------------------------- */

static void try_next(ez_dial *dial);

static void on_connected(evutil_socket_t descriptor, short what, void *self)
{
    ez_dial *dial = self;
    ez_driver *driver = dial->driver;
    int error = 0;
    socklen_t size = sizeof error;
    ez_driver_hold(driver);
    bool is_up = (what & EV_WRITE) != 0 &&
                 getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    if (is_up) {
        succeed(dial);
    } else {
        drop_attempt(dial);
        dial->at++;
        try_next(dial);
    }
    ez_driver_release(driver);
}

/* A non-blocking connect; false when it failed at once. */
static bool begin_connect(ez_dial *dial)
{
    struct sockaddr_storage address;
    socklen_t size = ez_endpoint_to_sockaddr(&address, &dial->list[dial->at]);
    dial->descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return dial->descriptor >= 0 &&
           (connect(dial->descriptor, (const struct sockaddr *)&address, size) == 0 ||
            errno == EINPROGRESS);
}

/* Try the addresses one after the other; each gets its share of the time that is left. */
static void try_next(ez_dial *dial)
{
    for (; dial->at < dial->count && time_left(dial) > 0; dial->at++) {
        if (begin_connect(dial)) {
            wait_for(dial, EV_WRITE, on_connected, time_left(dial) / (dial->count - dial->at));
            return;
        }
        drop_attempt(dial);
    }
    fail(dial);
}

/* ---- names -------------------------------------------------------------------------------- */

static void on_lookup_late(evutil_socket_t descriptor, short what, void *self)
{
    (void)descriptor;
    (void)what;
    ez_dial *dial = self;
    fail(dial);
}

static void take_addresses(ez_dial *dial, const struct evutil_addrinfo *result)
{
    for (; result != NULL && dial->count < ADDRESSES_MAX; result = result->ai_next) {
        ez_endpoint *endpoint = &dial->list[dial->count];
        if (ez_endpoint_from_sockaddr(endpoint, result->ai_addr)) {
            endpoint->port = dial->port;
            dial->count++;
        }
    }
}

static void on_lookup(int error, struct evutil_addrinfo *result, void *self)
{
    lookup *done = self;
    ez_dial *dial = done->dial;
    free(done);
    if (dial != NULL) {
        ez_driver *driver = dial->driver;
        ez_driver_hold(driver);
        dial->lookup = NULL;
        drop_attempt(dial); /* the deadline of the look-up */
        take_addresses(dial, error == 0 ? result : NULL);
        try_next(dial);
        ez_driver_release(driver);
    }
    if (result != NULL) {
        evutil_freeaddrinfo(result);
    }
}

/* The answer may come before evdns_getaddrinfo returns, from the hosts file: the dial may be gone
 * then. The request is NULL in that case, and only in that case. */
static void look_up(ez_dial *dial, const char *host)
{
    struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = EVUTIL_AI_ADDRCONFIG;
    wait_for(dial, EV_TIMEOUT, on_lookup_late, time_left(dial));
    lookup *begun = ez_alloc(1, sizeof *begun);
    begun->dial = dial;
    dial->lookup = begun;
    struct evdns_getaddrinfo_request *request =
        evdns_getaddrinfo(dial->driver->config.dns, host, NULL, &hints, on_lookup, begun);
    if (request != NULL) {
        begun->request = request;
    }
}

static bool take_numeric(ez_endpoint *out, const char *host)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        memcpy(out->ip, mapped_prefix, sizeof mapped_prefix);
        memcpy(out->ip + sizeof mapped_prefix, &v4, sizeof v4);
        return true;
    }
    return inet_pton(AF_INET6, host, out->ip) == 1;
}

void ez_dial_start(ez_driver *driver, uint64_t number, const char *host, uint16_t port)
{
    ez_dial *dial = ez_alloc(1, sizeof *dial);
    dial->driver = driver;
    dial->number = number;
    dial->port = port;
    dial->descriptor = -1;
    dial->deadline = ez_driver_now(driver).mono + driver->tuning.dial_timeout_ms;
    dial->next = driver->dials;
    driver->dials = dial;
    if (take_numeric(&dial->list[0], host)) {
        dial->list[0].port = port;
        dial->count = 1;
        try_next(dial);
    } else if (driver->config.dns != NULL) {
        look_up(dial, host);
    } else {
        fail(dial);
    }
}

void ez_dials_free(ez_driver *driver)
{
    while (driver->dials != NULL) {
        ez_dial *dial = driver->dials;
        driver->dials = dial->next;
        dial_free(dial);
    }
}
