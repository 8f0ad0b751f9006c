#include "sockaddr_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool ez_sockaddr_read(ez_endpoint *out, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        *out = (ez_endpoint){.port = ntohs(in.sin_port)};
        memcpy(out->ip, mapped_prefix, sizeof mapped_prefix);
        memcpy(out->ip + sizeof mapped_prefix, &in.sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        *out = (ez_endpoint){.port = ntohs(in6.sin6_port)};
        memcpy(out->ip, &in6.sin6_addr, sizeof out->ip);
        return true;
    }
    return false;
}

socklen_t ez_sockaddr_write(struct sockaddr_storage *out, const ez_endpoint *endpoint)
{
    *out = (struct sockaddr_storage){.ss_family = AF_INET6};
    if (memcmp(endpoint->ip, mapped_prefix, sizeof mapped_prefix) == 0) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        memcpy(&in.sin_addr, endpoint->ip + sizeof mapped_prefix, 4);
        memcpy(out, &in, sizeof in);
        return sizeof in;
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    memcpy(&in6.sin6_addr, endpoint->ip, sizeof endpoint->ip);
    memcpy(out, &in6, sizeof in6);
    return sizeof in6;
}
