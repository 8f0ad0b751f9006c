/* A client's TCP socket: bytes come in as far as there is room for them, and go out at once as far
 * as the kernel takes them.
 *
 * On libevent's events rather than its bufferevents: those ask how much has come before they read
 * it, and put off every answer to the next turn of the loop, with an epoll_ctl on either side. For
 * a small answer that is more work than the answer.
 */
#ifndef EZP2P_HTTP_SOCKET_INTERNAL_H
#define EZP2P_HTTP_SOCKET_INTERNAL_H

#include "span_internal.h"

#include "ezp2p/base/buffer.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdint.h>

typedef struct ez_socket {
    evutil_socket_t fd;     /* -1: closed */
    struct event *readable; /* pending while there is room for more input and no end of it */
    struct event *writable; /* pending while the kernel takes no more */
    struct evbuffer *out;   /* not yet with the kernel */
    ez_buffer in;           /* received, of which the first `in_used` bytes are done with */
    size_t in_used;
    uint64_t sent; /* handed to the kernel so far */
    bool is_reading;
    bool is_blocked; /* `writable` is pending */
    bool eof;        /* the client sends no more */
} ez_socket;

/* ez_socket_open: serve `fd`, which moves in; it is set not to block. The callbacks come from the
 * loop: on_readable when ez_socket_receive finds something, on_writable when ez_socket_flush may
 * get further. */
void ez_socket_open(ez_socket *self, struct event_base *base, evutil_socket_t fd,
                    event_callback_fn on_readable, event_callback_fn on_writable, void *context);

/* ez_socket_close: close it and let go of all it holds. Harmless when it is closed. */
void ez_socket_close(ez_socket *self);

/* ez_socket_receive: take in what has come, at most `scratch_size` bytes of it, by way of
 * `scratch`, and no more than there is room for (EZ_HTTP_INPUT_BYTES_MAX). returns  false when the
 * connection is broken; its regular end sets `eof` instead */
bool ez_socket_receive(ez_socket *self, void *scratch, size_t scratch_size);

/* ez_socket_input: what is received and not used yet; borrowed until the next call. */
ez_span ez_socket_input(const ez_socket *self);

/* ez_socket_use: be done with the first `size` bytes of the input. */
void ez_socket_use(ez_socket *self, size_t size);

/* ez_socket_flush: hand the output to the kernel, as far as it takes it.
 *   returns  false when the connection is broken */
bool ez_socket_flush(ez_socket *self);

/* ez_socket_unsent: bytes that are not yet with the kernel. */
size_t ez_socket_unsent(const ez_socket *self);

/* ez_socket_taken: bytes that have reached the client's machine. */
uint64_t ez_socket_taken(const ez_socket *self);

/* ez_socket_is_broken: whether the client's machine has reset the connection, which nothing else
 * tells while we neither read nor write. */
bool ez_socket_is_broken(const ez_socket *self);

/* ez_socket_end_output: say that nothing more will be sent. */
void ez_socket_end_output(ez_socket *self);

#endif
