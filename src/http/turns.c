#include "http_internal.h"

#include "ezp2p/base/assert.h"

#include <time.h>
#include <utlist.h>

uint64_t ez_turns_clock_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* lint: measures how long we take, no more */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Put it before the first that was served after it. Most often that is nobody. */
static void insert(ez_turns *turns, ez_conn *conn)
{
    ez_conn *after = NULL;
    conn->turn.is_due = true;
    if (turns->queue != NULL && turns->queue->turn.prev->turn.served > conn->turn.served) {
        after = turns->queue;
        while (after->turn.served <= conn->turn.served) {
            after = after->turn.next;
        }
    }
    if (after == NULL) {
        DL_APPEND2(turns->queue, conn, turn.prev, turn.next);
    } else {
        DL_PREPEND_ELEM2(turns->queue, after, conn, turn.prev, turn.next);
    }
}

static ez_conn *take_first(ez_turns *turns)
{
    ez_conn *conn = turns->queue;
    ez_turns_remove(turns, conn);
    conn->turn.served = ++turns->served;
    return conn;
}

static void on_run(evutil_socket_t fd, short what, void *self)
{
    ez_http *http = self;
    ez_turns *turns = &http->turns;
    uint64_t start = ez_turns_clock_us();
    (void)fd;
    (void)what;
    turns->is_set = false;
    turns->is_running = true;
    ez_http_look_at_clock(http);
    do {
        if (turns->queue == NULL) {
            break;
        }
        ez_conn *conn = take_first(turns);
        if (ez_conn_take_turn(conn)) {
            ez_turns_add(turns, conn);
        }
    } while (ez_turns_clock_us() - start < EZ_HTTP_TURN_US);
    turns->is_running = false;
    if (turns->queue != NULL) {
        /* A timer, not event_active: that would run again before the loop looks at any socket. */
        const struct timeval at_once = {0, 0};
        turns->is_set = true;
        (void)evtimer_add(turns->run, &at_once);
    }
}

void ez_turns_init(ez_turns *turns, struct event_base *base, ez_http *http)
{
    *turns = (ez_turns){.run = event_new(base, -1, 0, on_run, http)};
    EZ_ASSERT(turns->run != NULL);
}

void ez_turns_clear(ez_turns *turns)
{
    EZ_ASSERT(turns->queue == NULL);
    event_free(turns->run);
}

void ez_turns_join(ez_turns *turns, ez_conn *conn)
{
    conn->turn = (ez_turn){.served = turns->served};
}

void ez_turns_add(ez_turns *turns, ez_conn *conn)
{
    if (conn->turn.is_due) {
        return;
    }
    insert(turns, conn);
    if (!turns->is_set && !turns->is_running) {
        turns->is_set = true;
        event_active(turns->run, EV_TIMEOUT, 0);
    }
}

void ez_turns_remove(ez_turns *turns, ez_conn *conn)
{
    if (conn->turn.is_due) {
        DL_DELETE2(turns->queue, conn, turn.prev, turn.next);
        conn->turn.is_due = false;
    }
}
