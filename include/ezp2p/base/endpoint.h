/* A network address and port. IPv4 is held as an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2). */
#ifndef EZP2P_BASE_ENDPOINT_H
#define EZP2P_BASE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ez_endpoint {
    uint8_t ip[16];
    uint16_t port;
} ez_endpoint;

typedef enum ez_reach {
    EZ_REACH_NONE,     /* unspecified, multicast, reserved: never dialled */
    EZ_REACH_LOOPBACK, /* 127.0.0.0/8, ::1 */
    EZ_REACH_PRIVATE,  /* RFC 1918, link-local, unique-local, shared address space */
    EZ_REACH_PUBLIC,
} ez_reach;

#define EZ_ENDPOINT_TEXT_BYTES 56  /* "[" 45 "]:" 5 and the terminating zero, rounded up */
#define EZ_HOST_NAME_BYTES_MAX 253 /* RFC 1035 */

/* Before the host of a peer that is known by its REST address only. */
#define EZ_REST_PREFIX           "http://"
#define EZ_MANUAL_HOST_BYTES_MAX (EZ_HOST_NAME_BYTES_MAX + sizeof EZ_REST_PREFIX - 1)

typedef struct ez_endpoint_string {
    char text[EZ_ENDPOINT_TEXT_BYTES];
} ez_endpoint_string;

/* ez_endpoint_parse: "1.2.3.4:7333" or "[::1]:7333"; numeric only, the port is required (0 is
 * allowed). Returns false, *out untouched, on anything else. */
bool ez_endpoint_parse(ez_endpoint *out, const char *text);

/* ez_endpoint_text: the form that ez_endpoint_parse reads; IPv6 per RFC 5952. */
ez_endpoint_string ez_endpoint_text(const ez_endpoint *endpoint);

/* ez_endpoint_ip_text: the address alone, without brackets or port. */
ez_endpoint_string ez_endpoint_ip_text(const ez_endpoint *endpoint);

/* ez_host_port_split: cut "host:port", "1.2.3.4:port" or "[v6]:port" into a host without brackets
 * and a port. Host names: letters, digits, '-', '.', '_', at most 253 bytes.
 *   returns  false on anything else; outputs untouched */
bool ez_host_port_split(char host[EZ_HOST_NAME_BYTES_MAX + 1], uint16_t *port, const char *text);

bool ez_endpoint_is_equal(const ez_endpoint *a, const ez_endpoint *b);
bool ez_endpoint_is_same_host(const ez_endpoint *a, const ez_endpoint *b);
ez_reach ez_endpoint_reach(const ez_endpoint *endpoint);

/* ez_endpoint_group: the network group an address counts for when peers are spread: /16 for public
 * IPv4, /32 for public IPv6, the whole host address for private and loopback ones, where a swarm
 * lives on few hosts. Equal groups give equal numbers under one key. */
typedef struct ez_network_group {
    uint8_t bytes[16];
} ez_network_group;
ez_network_group ez_endpoint_group(const ez_endpoint *endpoint);

#endif
