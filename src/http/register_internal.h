/* POST /nodes/register: reading its entries, remembering them, and asking a peer that was given by
 * its REST address where it listens for other nodes.
 *
 * The asking goes on in the background: GET /v1/status at that address, bounded in time and size,
 * again and again until it is answered. Meanwhile the core remembers the REST address in the place
 * of the peer's, over restarts too. What answers there is not trusted with more than a port and an
 * address to dial.
 */
#ifndef EZP2P_HTTP_REGISTER_INTERNAL_H
#define EZP2P_HTTP_REGISTER_INTERNAL_H

#include "ezp2p/base/endpoint.h"

#include <stdbool.h>
#include <stddef.h>

/* One entry as given. */
typedef struct ez_register_entry {
    char host[EZ_HOST_NAME_BYTES_MAX + 1];
    uint16_t port;
    bool rest;                                /* an http:// address: ask there for the P2P one */
    char netloc[EZ_HOST_NAME_BYTES_MAX + 10]; /* "host:port", as answers list it */
} ez_register_entry;

/* ez_register_entry_parse: "http://host:port", with or without a path behind it, "tcp://host:port"
 * or "host:port". Pure. */
bool ez_register_entry_parse(ez_register_entry *out, const char *text, size_t size);

/* ez_register_answer_parse: the P2P address in the answer of GET /v1/status, a whole HTTP response.
 * An address that means "here" for its owner (unspecified, loopback) is taken as the port on the
 * host that was asked. Pure.
 *   returns  false when it is no such answer or the peer does not listen */
bool ez_register_answer_parse(char host[EZ_HOST_NAME_BYTES_MAX + 1], uint16_t *port,
                              const char *asked_host, const char *data, size_t size);

struct ez_http;
typedef struct ez_register ez_register;

ez_register *ez_register_new(struct ez_http *http);
void ez_register_free(ez_register *registered); /* NULL is fine */

/* ez_register_resume: go on with what the core remembers from before a restart. */
void ez_register_resume(ez_register *registered);

/* ez_register_host: what the core knows this entry by: its host, behind EZ_REST_PREFIX when that is
 * a REST address. */
void ez_register_host(char out[EZ_MANUAL_HOST_BYTES_MAX + 1], const ez_register_entry *entry);

/* ez_register_add: list an entry, and begin to ask when it is a REST address; again for a known
 * one. The core is told by the caller. When EZ_MANUAL_PEERS_MAX are listed, the oldest that is
 * settled is listed no more. */
void ez_register_add(ez_register *registered, const ez_register_entry *entry);

/* ez_register_drop: list and ask no more what leads to this peer, and what has this REST address.
 *   returns  whether one of them was still being asked; the core has forgotten it */
bool ez_register_drop(ez_register *registered, const char *host, uint16_t port);

/* ez_register_netloc: entry `i` in order of registration; NULL behind the last. */
const char *ez_register_netloc(const ez_register *registered, size_t i);

#endif
