#include "transport_internal.h"

#include "ezp2p/base/assert.h"

#include <event2/buffer.h>
#include <stddef.h>

static void move_all(struct evbuffer *to, struct evbuffer *from)
{
    int failed = evbuffer_add_buffer(to, from);
    EZ_ASSERT(failed == 0);
}

static bool open_plain(void *self, struct evbuffer *plain, struct evbuffer *socket)
{
    (void)self;
    move_all(plain, socket);
    return true;
}

static void seal_plain(void *self, struct evbuffer *socket, struct evbuffer *plain)
{
    (void)self;
    move_all(socket, plain);
}

static void free_plain(void *self)
{
    (void)self;
}

ez_transport ez_transport_plain(void)
{
    return (ez_transport){NULL, open_plain, seal_plain, free_plain};
}
