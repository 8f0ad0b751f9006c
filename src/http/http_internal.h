/* The inside of the REST adapter: connections, the one exchange each may have under way, and how a
 * handler answers.
 *
 *     socket.c      bytes in, bytes out
 *     turns.c       who is served next, and for how long
 *     connection.c  receive a request within its bounds, have it answered, close
 *     admission.c   who gives way when there are more clients than there may be
 *     dispatch.c    find the route, pass the gate, call the handler
 *     respond.c     write an answer, whole or as a stream
 *     server.c      listen, cap, route replies of the node back to exchanges
 *
 * A connection serves one request at a time; what a client pipelines behind it waits in the socket
 * and a bounded input buffer. A handler answers at once, or leaves a hook and answers later.
 * Closing is two steps: mark now, free in a sweep when no callback is on the stack any more.
 */
#ifndef EZP2P_HTTP_HTTP_INTERNAL_H
#define EZP2P_HTTP_HTTP_INTERNAL_H

#include "admission_internal.h"
#include "chain_cache_internal.h"
#include "chunked_internal.h"
#include "events_internal.h"
#include "gate_internal.h"
#include "head_internal.h"
#include "json_internal.h"
#include "register_internal.h"
#include "router_internal.h"
#include "socket_internal.h"
#include "target_internal.h"
#include "turns_internal.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/chain/address.h"
#include "ezp2p/http/http.h"
#include "ezp2p/node/query.h"

#include <event2/event.h>

#define EZ_HTTP_EXTRA_BYTES_MAX 768 /* header lines that a handler adds */

typedef struct ez_conn ez_conn;

struct ez_exchange {
    ez_http *http;
    ez_conn *conn;
    uint64_t number; /* never reused; also the request number of its commands */
    ez_head head;
    const ez_route *route;
    const char *param; /* the path's variable part, decoded */
    ez_buffer body;
    ez_buffer draft; /* of an answer that takes more than one turn */
    size_t held;     /* bytes that it keeps in memory besides */
    size_t extra_size;
    bool streaming; /* the head of a stream is out */

    /* What a handler that has not answered yet leaves behind. */
    void (*on_reply)(ez_exchange *exchange, const ez_reply *reply);
    bool (*on_turn)(ez_exchange *exchange); /* do some more of the answer, while there is room for
                                               it; says whether there is more to do at once */
    void (*on_eof)(ez_exchange *exchange);  /* the client sends no more: it may be gone */
    void (*on_gone)(ez_exchange *exchange); /* it is gone, before the answer's end */
    void (*free_state)(void *state);        /* free() when not set */
    void *state;                            /* freed with the exchange */

    /* The large ones are last, since they are not cleared between requests. */
    ez_path path;
    ez_query query;
    char extra[EZ_HTTP_EXTRA_BYTES_MAX];
};

/* In the order of a connection's life. */
typedef enum ez_conn_state {
    EZ_CONN_HEAD,      /* waiting for a request, or in the middle of its head */
    EZ_CONN_BODY,      /* in the middle of a body */
    EZ_CONN_ANSWERING, /* the handler has it */
    EZ_CONN_ANSWERED,  /* the answer is in the output buffer */
    EZ_CONN_FLUSHING,  /* no more requests: write what is left, then close our half */
    EZ_CONN_LINGERING, /* our half is closed; let the client read in peace */
    EZ_CONN_DEAD,      /* to be swept */
} ez_conn_state;

struct ez_conn {
    ez_http *http;
    ez_socket socket;
    ez_endpoint remote;
    ez_conn_state state;
    bool in_turn;     /* ez_conn_take_turn is on the stack */
    bool in_request;  /* the first byte of a request is here, its last is not */
    bool close_after; /* the answer under way is the last */
    bool was_probed;  /* its end was met: on_eof has been called for this exchange */
    size_t scanned;   /* of the head, by ez_head_find_end */
    uint64_t body_left;
    ez_chunked chunked;
    ez_buffer head_bytes;    /* what the exchange's head points into */
    ez_time_ms deadline;     /* of the current state, or EZ_TIME_NEVER */
    ez_time_ms since;        /* when it became idle, or the request under way began */
    ez_time_ms unsent_since; /* when the kernel took no more, or the last look at its progress */
    uint64_t taken_then;     /* ez_socket_taken at that time */
    ez_exchange exchange;
    ez_turn turn;
    ez_conn *prev, *next;
};

typedef struct ez_http_totals {
    uint64_t connections;
    uint64_t refused; /* at the connection cap */
    uint64_t requests;
    uint64_t answers[6]; /* by first digit of the status */
    uint64_t overflowed; /* closed because unsent answers took too much memory */
    uint64_t displaced;  /* closed to make room for a newcomer */
    uint64_t stalled;    /* closed because the client took its answer too slowly */
} ez_http_totals;

/* Exchanges that wait for one command: /mine in turn, /nodes/resolve together. */
typedef struct ez_waiting {
    ez_exchange *list[EZ_HTTP_WAITING_MAX];
    size_t count;
    uint64_t command; /* number of the command under way, 0: none */
} ez_waiting;

struct ez_http {
    ez_http_config config;
    char **names; /* copies */
    char *token;
    ez_gate_policy policy;
    struct evconnlistener *listener;
    ez_endpoint listening;
    struct event *sweep;
    struct event *watch;    /* looks at deadlines while there are connections */
    struct event *relisten; /* after accept ran out of descriptors */
    ez_turns turns;
    ez_now now; /* as of this turn of the loop */
    ez_conn *conns;
    ez_conn *dead;
    size_t conn_count;
    size_t body_bytes; /* of all requests being received or served */
    uint64_t last_number;
    ez_time_ms started;
    ez_address_string node_text;
    ez_buffer scratch; /* for one head of an answer */
    uint8_t received[EZ_HTTP_INPUT_BYTES_MAX];
    uint64_t date_second;
    char date[40];
    ez_chain_cache chain_cache;
    ez_time_ms chain_read; /* when it was used last */
    ez_waiting mine;
    ez_waiting resolve;
    ez_events *events;
    ez_register *registered;
    ez_buffer openapi;
    ez_buffer page;
    ez_buffer page_policy; /* its Content-Security-Policy header line */
    ez_http_totals totals;
    bool stopping;
};

/* ---- connection.c ------------------------------------------------------------------------ */

/* ez_conn_new: serve an accepted socket; takes `fd`. */
ez_conn *ez_conn_new(ez_http *http, evutil_socket_t fd, const ez_endpoint *remote);

/* ez_conn_turn_away: answer 503 before anything is read, and close. */
void ez_conn_turn_away(ez_conn *conn, const char *detail);

/* ez_conn_take_turn: go on with what is in the input and with the answer, for a share of a turn.
 *   returns  whether there is more to do at once */
bool ez_conn_take_turn(ez_conn *conn);

/* ez_conn_look: close it or answer for it when its time is over. */
void ez_conn_look(ez_conn *conn);

/* ez_conn_answered: the exchange's answer is complete; move on when it has its turn. */
void ez_conn_answered(ez_conn *conn);

/* ez_conn_close: drop the connection without further words. Harmless when it is dead. */
void ez_conn_close(ez_conn *conn);

/* ez_conn_free: release it; only from the sweep and from ez_http_free. */
void ez_conn_free(ez_conn *conn);

/* ez_conn_claim: how good its claim to its slot is, when there is no free one for a newcomer. */
ez_claim ez_conn_claim(const ez_conn *conn);

/* ez_conn_held: bytes of answers, unsent or being made, with what is held for them. */
size_t ez_conn_held(const ez_conn *conn);

/* ---- dispatch.c -------------------------------------------------------------------------- */

/* ez_dispatch_head: judge a request by its head. When it is refused or needs no handler, the answer
 * is written and false comes back; true: receive the body, then ez_dispatch. */
bool ez_dispatch_head(ez_exchange *exchange);
void ez_dispatch(ez_exchange *exchange);

/* ---- respond.c --------------------------------------------------------------------------- */

/* ez_respond_header: add a header line to the answer to come. */
void ez_respond_header(ez_exchange *exchange, const char *name, const char *value);

/* ez_respond: the whole answer. `body` moves in; NULL: none. */
void ez_respond(ez_exchange *exchange, int status, const char *type, ez_buffer *body);

/* ez_respond_static: the same with a body that is copied. */
void ez_respond_static(ez_exchange *exchange, int status, const char *type, const char *body,
                       size_t size);

/* ez_respond_json: what `writer` holds, and a newline. */
void ez_respond_json(ez_exchange *exchange, int status, ez_json_writer *writer);

/* ez_respond_problem: an RFC 9457 problem document. */
void ez_respond_problem(ez_exchange *exchange, int status, const char *code, const char *detail);
void ez_respond_refusal(ez_exchange *exchange, const ez_refusal *refusal);

/* ez_respond_busy: 503 with Retry-After. */
void ez_respond_busy(ez_exchange *exchange, const char *detail);

/* ez_respond_continue: an interim 100; the answer is still to come. */
void ez_respond_continue(ez_exchange *exchange);

/* ez_stream_begin: the head of a 200 answer without a known length. False when that is all (HEAD):
 * the exchange is over then. */
bool ez_stream_begin(ez_exchange *exchange, const char *type);
void ez_stream_add(ez_exchange *exchange, const void *data, size_t size); /* size 0: nothing */

/* ez_stream_add_shared: the same without a copy; `release` gets `owner` when the bytes are sent. */
void ez_stream_add_shared(ez_exchange *exchange, const void *data, size_t size,
                          void (*release)(const void *data, size_t size, void *owner), void *owner);
void ez_stream_end(ez_exchange *exchange);

/* ---- server.c ---------------------------------------------------------------------------- */

/* ez_http_look_at_clock: take the time; ez_http_now is as of then. */
void ez_http_look_at_clock(ez_http *http);
ez_now ez_http_now(const ez_http *http);
void ez_http_command(ez_http *http, const ez_command *command);

/* ez_http_trim: while unsent answers take too much, drop the connection with the most. */
void ez_http_trim(ez_http *http);

/* ---- what handlers share: handler.c ------------------------------------------------------ */

/* ez_exchange_wait: keep the exchange open until the node replies to its number. */
void ez_exchange_wait(ez_exchange *exchange,
                      void (*on_reply)(ez_exchange *exchange, const ez_reply *reply));

/* ez_exchange_object: the body as a JSON object; NULL when it was not one and that is answered. */
json_t *ez_exchange_object(ez_exchange *exchange);

/* ez_exchange_u64: a number of the query between `low` and `high`; absent: `fallback`. False when
 * it is not and that is answered. */
bool ez_exchange_u64(ez_exchange *exchange, uint64_t *out, const char *name, uint64_t fallback,
                     uint64_t low, uint64_t high);

/* ez_exchange_limit: the query's page size: 1 to EZ_HTTP_PAGE_MAX. */
bool ez_exchange_limit(ez_exchange *exchange, uint64_t *out, uint64_t fallback);

/* ez_exchange_hash: the path's variable part as 64 hex digits; false when that is answered. */
bool ez_exchange_hash(ez_exchange *exchange, ez_hash *out, const char *what);

/* ez_http_view_hash: hash of the original's view of the block at `height` on the chain of `tip`,
 * computed where it is not yet stored. False when a body is not at hand. */
bool ez_http_view_hash(const ez_http *http, ez_hash *out, const ez_block_id *tip, uint64_t height);

/* ez_http_body: the body of a block; genesis has an empty one. NULL when it is not at hand. */
ez_blob *ez_http_body(const ez_http *http, const ez_header *header, const ez_block_id *id);

/* ---- chain_stream.c ---------------------------------------------------------------------- */

typedef enum ez_chain_answer {
    EZ_CHAIN_LISTED,        /* {"chain":[…],"length":N} */
    EZ_CHAIN_AUTHORITATIVE, /* {"chain":[…],"message":…} */
    EZ_CHAIN_REPLACED,      /* {"message":…,"new_chain":[…]} */
} ez_chain_answer;

/* ez_chain_stream: answer with the whole chain as it is now, a block or so at a time. */
void ez_chain_stream(ez_exchange *exchange, ez_chain_answer answer);

/* ---- mine.c, resolve.c ------------------------------------------------------------------- */

void ez_mine_reply(ez_http *http, const ez_reply *reply);
void ez_resolve_reply(ez_http *http, const ez_reply *reply);

/* ---- documents --------------------------------------------------------------------------- */

void ez_openapi_build(ez_buffer *out, const char *version);
void ez_page_build(ez_buffer *page, ez_buffer *policy);
void ez_metrics_build(ez_buffer *out, const ez_http *http);

#endif
