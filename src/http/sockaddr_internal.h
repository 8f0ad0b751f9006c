/* The system's socket addresses as ours, and back. */
#ifndef EZP2P_HTTP_SOCKADDR_INTERNAL_H
#define EZP2P_HTTP_SOCKADDR_INTERNAL_H

#include "ezp2p/base/endpoint.h"

#include <sys/socket.h>

/* ez_sockaddr_read: false for a family that is not IP, *out untouched. */
bool ez_sockaddr_read(ez_endpoint *out, const struct sockaddr *address);

/* ez_sockaddr_write: returns the size of what *out holds; IPv4 as AF_INET. */
socklen_t ez_sockaddr_write(struct sockaddr_storage *out, const ez_endpoint *endpoint);

#endif
