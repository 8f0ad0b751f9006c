/* What stands between a socket's bytes and the frame cutter: a secure channel, or nothing. One
 * object per link. Both calls move bytes from one buffer to another and may keep some back until
 * more come. */
#ifndef EZP2P_NET_TRANSPORT_INTERNAL_H
#define EZP2P_NET_TRANSPORT_INTERNAL_H

#include <stdbool.h>

struct evbuffer;

typedef struct ez_transport {
    void *self;
    /* bytes from the socket into plain bytes; false: not what the other side may send */
    bool (*open)(void *self, struct evbuffer *plain, struct evbuffer *socket);
    /* plain bytes into bytes for the socket; empties `plain` */
    void (*seal)(void *self, struct evbuffer *socket, struct evbuffer *plain);
    void (*free)(void *self);
} ez_transport;

/* ez_transport_plain: no protection; the buffers' memory changes hands without a copy. */
ez_transport ez_transport_plain(void);

#endif
