/* The libevent driver: sockets, name look-ups, the one timer, and worker threads for check jobs. It
 * turns all of them into events for the core and carries out the core's effects; it takes no
 * protocol decision.
 *
 * Everything happens on the thread that runs the event base, except ez_driver_post.
 */
#ifndef EZP2P_NET_DRIVER_H
#define EZP2P_NET_DRIVER_H

#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/log.h"
#include "ezp2p/base/status.h"
#include "ezp2p/node/core.h"

struct event_base;
struct evdns_base;

typedef struct ez_driver ez_driver;

/* Effects that other adapters carry out; wired by app. */
typedef struct ez_driver_sinks {
    void *self;
    void (*write)(void *self, ez_write *write); /* takes the write */
    void (*mine)(void *self, uint64_t generation, const ez_header *header, bool paced);
    void (*mine_stop)(void *self);
    void (*reply)(void *self, const ez_reply *reply);
    void (*notice)(void *self, const ez_notice *notice);
} ez_driver_sinks;

typedef struct ez_driver_config {
    struct event_base *base;
    struct evdns_base *dns; /* for host names; may be NULL: then only numeric hosts are dialled */
    bool listening;
    ez_endpoint listen;   /* when listening; port 0 picks a free one */
    uint32_t inbound_max; /* sockets accepted at a moment: some above the core's slots, so that the
                             core can say Goodbye or evict; the listener pauses at the cap */
    uint32_t worker_threads; /* 1 or more */
    ez_verifier *verifier;   /* of signatures in checks, by all threads; borrowed, may be NULL */
    ez_driver_sinks sinks;
    const ez_log *log;
} ez_driver_config;

/* ez_driver_new: bind and listen (connections are accepted only after ez_driver_start).
 *   returns  EZ_ERR_IN_USE when the address is taken, EZ_ERR_IO otherwise */
EZ_MUST_USE ez_status ez_driver_new(ez_driver **out, const ez_driver_config *config);

/* ez_driver_listening: the address really bound; false when not listening. */
bool ez_driver_listening(const ez_driver *driver, ez_endpoint *out);

/* ez_driver_start: connect the core and begin. What is behind `core` must outlive the driver. */
void ez_driver_start(ez_driver *driver, const ez_core *core);

/* ez_driver_handle: hand an event to the core and carry out what follows. Loop thread. An event
 * that arises while effects are being carried out is queued and handled right after. */
void ez_driver_handle(ez_driver *driver, const ez_event *event);

/* ez_driver_post: the same from any thread (STORED, PROOF_FOUND): wakes the loop. */
void ez_driver_post(ez_driver *driver, const ez_event *event);

/* ez_driver_now: the two clocks as the driver hands them in. */
ez_now ez_driver_now(const ez_driver *driver);

/* ez_driver_link_bytes: bytes read from and written to a link's socket so far. */
bool ez_driver_link_bytes(const ez_driver *driver, ez_link_id link, uint64_t *in, uint64_t *out);

/* How late the loop came round, one sample for each tenth of a second since the start: the larger
 * of the lateness of a timer and the longest that one callback for peers, checks or the core held
 * it.
 */
#define EZ_LAG_EDGES 10
typedef struct ez_lag_histogram {
    uint64_t counts[EZ_LAG_EDGES]; /* samples up to ez_lag_edges_us[i] */
    uint64_t count, sum_us;        /* of all samples */
} ez_lag_histogram;
extern const uint64_t ez_lag_edges_us[EZ_LAG_EDGES]; /* rising */

typedef struct ez_driver_stats {
    uint32_t links;
    uint64_t accepted, refused;
    uint64_t bytes_in, bytes_out;
    uint64_t jobs_queued, jobs_done, jobs_inline;
    uint64_t lag_us_p50, lag_us_p99, lag_us_max; /* of the lag's samples of the last minute */
    ez_lag_histogram lag;
} ez_driver_stats;
void ez_driver_get_stats(const ez_driver *driver, ez_driver_stats *out);

/* ez_driver_free: close all links and stop the workers; jobs under way are finished and dropped. */
void ez_driver_free(ez_driver *driver);

#endif
