/* The driver's parts, and the seam that lets tests put a scripted core in the node's place.
 *
 *   driver.c    events in, effects out, timers
 *   links.c     the table of links, their timeouts, the sweep that frees them
 *   link.c      one link: bytes to messages and back, closing
 *   listen.c    accepting          dial.c     name look-ups and connecting
 *   checks.c    check jobs, on the loop or on
 *   workers.c   threads            mailbox.c  events from other threads
 *   transport.c plain or sealed    lag.c      how late the loop is
 *
 * Links die in two steps: whoever finds one at its end marks it, and a timer of no delay frees it
 * when no callback is under way any more.
 */
#ifndef EZP2P_NET_DRIVER_INTERNAL_H
#define EZP2P_NET_DRIVER_INTERNAL_H

#include "event_queue_internal.h"
#include "ezp2p/base/buffer.h"
#include "ezp2p/net/driver.h"
#include "lag_internal.h"
#include "mailbox_internal.h"
#include "workers_internal.h"

struct event;
struct evbuffer;
struct evconnlistener;

/* The bounds that the driver itself enforces; tests shorten them before ez_driver_start. */
typedef struct ez_driver_tuning {
    uint32_t frame_timeout_ms;
    uint32_t output_stall_ms;
    uint32_t dial_timeout_ms;
    uint32_t close_ms;    /* for flushing what is queued and seeing it arrive */
    uint32_t sweep_ms;    /* how often links are looked at */
    uint32_t pause_ms;    /* without accepting, when descriptors run short */
    uint32_t serve_us;    /* for one link, before the others have their turn */
    size_t output_max;    /* bytes queued to a link */
    size_t drained_bytes; /* queued to a link since the core last heard that all was out, before it
                             hears of it again */
    int descriptor_max;   /* of this process; 0: ask the system */
} ez_driver_tuning;

typedef struct ez_link ez_link;
typedef struct ez_dial ez_dial;

/* In order of their ids, which are handed out rising: searched by halving. */
typedef struct ez_link_table {
    ez_link **list;
    size_t count;
    size_t capacity;
    uint64_t last_id;
    uint32_t inbound;
} ez_link_table;

#define EZ_CHECKS_AT_HAND_MAX 24

struct ez_driver {
    ez_driver_config config;
    ez_core core;
    ez_driver_tuning tuning;
    bool started;

    bool handling;        /* the core or its effects are at work */
    ez_event_queue later; /* events that arose meanwhile */

    bool checking;        /* the jobs at hand, and what comes of them */
    uint32_t inline_left; /* cost of jobs that may still run on the loop for this event */
    ez_check_job *at_hand[EZ_CHECKS_AT_HAND_MAX]; /* none between callbacks */
    size_t at_hand_count;
    uint32_t at_hand_cost;

    ez_mailbox *mailbox;
    ez_workers *workers;
    ez_link_table links;
    ez_link **dirty; /* links with output that nobody has tried to write yet */
    size_t dirty_count, dirty_capacity;
    ez_dial *dials;
    struct evconnlistener *listener;
    bool listener_paused; /* out of descriptors, not at the cap */

    struct event *tick_timer;
    ez_time_ms tick_at; /* what it is set to; EZ_TIME_NEVER: not set */
    struct event *sweep_timer;
    struct event *reap_timer;
    struct event *listen_timer;
    struct event *probe_timer;
    uint64_t probe_due_us;
    uint64_t held_since_us; /* start of the callback under way */
    uint32_t held_depth;
    uint64_t held_max_us; /* longest since the last probe */
    ez_lag lag;

    struct evbuffer *plain_out; /* empty between sends */
    ez_buffer scratch;
    ez_driver_stats stats;
};

/* ez_driver_hold, ez_driver_release: around each callback, to measure how long it holds the loop.
 * They nest. */
void ez_driver_hold(ez_driver *driver);
void ez_driver_release(ez_driver *driver);

/* ez_driver_held_us: how long the callback under way has held the loop. */
uint64_t ez_driver_held_us(const ez_driver *driver);

/* ---- checks.c ----------------------------------------------------------------------------- */

/* ez_checks_begin_event: what the event to come leads to may run on the loop, up to a bound. */
void ez_checks_begin_event(ez_driver *driver);
void ez_checks_take(ez_driver *driver, ez_check_job *job); /* from the core */
bool ez_checks_are_due(const ez_driver *driver);           /* a batch is together */
void ez_checks_run(ez_driver *driver); /* all that wait for the loop, and tell the core */

/* ---- links.c ------------------------------------------------------------------------------ */

/* ez_links_add: make a link of a connected socket and tell the core; takes the descriptor. */
void ez_links_add(ez_driver *driver, int descriptor, const ez_endpoint *remote, uint64_t dial);
ez_link *ez_links_find(const ez_driver *driver, ez_link_id id);
void ez_links_reap_later(ez_driver *driver);
void ez_links_reap(ez_driver *driver);  /* free those marked dead */
void ez_links_sweep(ez_driver *driver); /* look for timeouts */
void ez_links_free(ez_driver *driver);  /* free all, at once */
void ez_links_flush_later(ez_driver *driver, ez_link *link);
void ez_links_flush(ez_driver *driver); /* write what was queued to any link */

/* ---- listen.c ----------------------------------------------------------------------------- */

EZ_MUST_USE ez_status ez_listen_new(ez_driver *driver);
void ez_listen_update(ez_driver *driver); /* accept or pause, as the number of links asks for */
void ez_listen_resume(ez_driver *driver); /* after a pause for want of descriptors */
void ez_listen_free(ez_driver *driver);

/* ---- dial.c ------------------------------------------------------------------------------- */

void ez_dial_start(ez_driver *driver, uint64_t number, const char *host, uint16_t port);
void ez_dials_free(ez_driver *driver);

struct sockaddr;
struct sockaddr_storage;
/* ez_endpoint_from_sockaddr: false for a family that is not IP, *out untouched. */
bool ez_endpoint_from_sockaddr(ez_endpoint *out, const struct sockaddr *address);
/* ez_endpoint_to_sockaddr: returns the size of what *out holds; IPv4 as AF_INET. */
unsigned ez_endpoint_to_sockaddr(struct sockaddr_storage *out, const ez_endpoint *endpoint);

#endif
