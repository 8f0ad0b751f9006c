#include "socket_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define KEPT_BYTES_MAX 4096 /* of an input buffer, while it is empty */

void ez_socket_open(ez_socket *self, struct event_base *base, evutil_socket_t fd,
                    event_callback_fn on_readable, event_callback_fn on_writable, void *context)
{
    int on = 1;
    *self = (ez_socket){.fd = fd, .is_reading = true};
    (void)evutil_make_socket_nonblocking(fd);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    self->out = evbuffer_new();
    self->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, context);
    self->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, context);
    EZ_ASSERT(self->out != NULL && self->readable != NULL && self->writable != NULL);
    (void)event_add(self->readable, NULL);
}

void ez_socket_close(ez_socket *self)
{
    if (self->fd < 0) {
        return;
    }
    event_free(self->readable);
    event_free(self->writable);
    evbuffer_free(self->out);
    ez_buffer_clear(&self->in);
    (void)evutil_closesocket(self->fd);
    *self = (ez_socket){.fd = -1, .eof = self->eof};
}

/* Read only what there is room for: the rest waits in the kernel, and then at the client. */
static void update_reading(ez_socket *self)
{
    bool wanted = !self->eof && self->in.size - self->in_used < EZ_HTTP_INPUT_BYTES_MAX;
    if (wanted == self->is_reading) {
        return;
    }
    self->is_reading = wanted;
    if (wanted) {
        (void)event_add(self->readable, NULL);
    } else {
        (void)event_del(self->readable);
    }
}

bool ez_socket_receive(ez_socket *self, void *scratch, size_t scratch_size)
{
    size_t room = EZ_HTTP_INPUT_BYTES_MAX - (self->in.size - self->in_used);
    room = room < scratch_size ? room : scratch_size;
    if (self->eof || room == 0) {
        return true;
    }
    ssize_t got = recv(self->fd, scratch, room, 0);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    self->eof = got == 0;
    if (self->in_used > 0) {
        self->in.size -= self->in_used;
        memmove(self->in.data, self->in.data + self->in_used, self->in.size);
        self->in_used = 0;
    }
    ez_buffer_add(&self->in, scratch, (size_t)got);
    update_reading(self);
    return true;
}

ez_span ez_socket_input(const ez_socket *self)
{
    if (self->in.size == self->in_used) {
        return (ez_span){"", 0};
    }
    return (ez_span){(const char *)self->in.data + self->in_used, self->in.size - self->in_used};
}

void ez_socket_use(ez_socket *self, size_t size)
{
    self->in_used += size;
    EZ_ASSERT(self->in_used <= self->in.size);
    if (self->in_used == self->in.size) {
        self->in_used = 0;
        self->in.size = 0;
        if (self->in.capacity > KEPT_BYTES_MAX) {
            ez_buffer_clear(&self->in);
        }
    }
    update_reading(self);
}

bool ez_socket_flush(ez_socket *self)
{
    while (evbuffer_get_length(self->out) > 0) {
        int put = evbuffer_write(self->out, self->fd);
        if (put < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (put < 0 && errno == EAGAIN) {
            break;
        }
        self->sent += put > 0 ? (uint64_t)put : 0;
    }
    bool is_blocked = evbuffer_get_length(self->out) > 0;
    if (is_blocked != self->is_blocked) {
        self->is_blocked = is_blocked;
        if (is_blocked) {
            (void)event_add(self->writable, NULL);
        } else {
            (void)event_del(self->writable);
        }
    }
    return true;
}

size_t ez_socket_unsent(const ez_socket *self)
{
    return self->fd < 0 ? 0 : evbuffer_get_length(self->out);
}

uint64_t ez_socket_taken(const ez_socket *self)
{
    int queued = 0;
    if (ioctl(self->fd, TIOCOUTQ, &queued) != 0 || queued < 0 || (uint64_t)queued > self->sent) {
        return self->sent;
    }
    return self->sent - (uint64_t)queued;
}

bool ez_socket_is_broken(const ez_socket *self)
{
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

void ez_socket_end_output(ez_socket *self)
{
    (void)shutdown(self->fd, SHUT_WR);
}
