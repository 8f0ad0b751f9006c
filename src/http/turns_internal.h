/* Whose turn it is: connections that have something to do, in the order of when they were served
 * last, each for a share of a turn of the loop (EZ_HTTP_SHARE_US) and all for no more than
 * EZ_HTTP_TURN_US of it. What is left over goes on in the next turn, behind the sockets and timers
 * of everybody else. So a client that pipelines costly requests slows itself down, and neither the
 * other clients nor the node.
 */
#ifndef EZP2P_HTTP_TURNS_INTERNAL_H
#define EZP2P_HTTP_TURNS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct ez_http;
struct ez_conn;

/* One connection's place in the order. */
typedef struct ez_turn {
    struct ez_conn *prev, *next;
    uint64_t served; /* a stamp that rises with every turn taken */
    bool is_due;     /* it is in the queue */
} ez_turn;

typedef struct ez_turns {
    struct ez_conn *queue;
    struct event *run;
    uint64_t served; /* the latest stamp */
    bool is_set;     /* `run` will come */
    bool is_running;
} ez_turns;

void ez_turns_init(ez_turns *turns, struct event_base *base, struct ez_http *http);
void ez_turns_clear(ez_turns *turns);

/* ez_turns_join: a new connection; it counts as served now, so that nobody gains by reconnecting.
 */
void ez_turns_join(ez_turns *turns, struct ez_conn *conn);

/* ez_turns_add: it has something to do. Once is as good as twice. */
void ez_turns_add(ez_turns *turns, struct ez_conn *conn);

/* ez_turns_remove: it has not, or is closed. */
void ez_turns_remove(ez_turns *turns, struct ez_conn *conn);

/* ez_turns_clock_us: the clock that shares are measured by; it only rises. */
uint64_t ez_turns_clock_us(void);

#endif
