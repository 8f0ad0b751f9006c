/* The REST adapter: HTTP routes onto node commands and queries, behind one gate that checks every
 * request before a handler sees it. The HTTP server is our own, on bufferevents: libevent's evhttp
 * parses before anybody can look, and cannot be told to be strict. */
#ifndef EZP2P_HTTP_HTTP_H
#define EZP2P_HTTP_HTTP_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/log.h"
#include "ezp2p/base/status.h"
#include "ezp2p/node/node.h"

struct event_base;
struct evdns_base;

typedef struct ez_http ez_http;

typedef struct ez_http_config {
    struct event_base *base;
    struct evdns_base *dns; /* for registering peers by host name; may be NULL */
    ez_endpoint listen;
    uint32_t connections_max; /* open at a moment: EZ_HTTP_CONNECTIONS_MAX or fewer */
    int descriptors_max;      /* numbers of descriptors end here; the last ones stay spare */
    const ez_node *node;      /* for queries; set before the first request */
    const char *version;
    const char *token;        /* bearer token for changes from beyond loopback */
    const char *const *names; /* host names this node was told are its own, besides "localhost" */
    size_t name_count;
    bool p2p_listening;
    ez_endpoint
        p2p; /* shown in /v1/status, so that a peer registered by its REST address is found */
    void *self;
    /* hand a command to the core; its reply comes back through ez_http_reply, maybe before this
     * returns */
    void (*command)(void *self, const ez_command *command);
    ez_now (*now)(void *self);
    bool (*link_bytes)(void *self, ez_link_id link, uint64_t *in, uint64_t *out);
    void (*metrics)(void *self, ez_buffer *out); /* append what app, net, store and miner measure */
    const ez_log *log;
} ez_http_config;

/* ez_http_new: bind and serve. EZ_ERR_IN_USE when the address is taken. */
EZ_MUST_USE ez_status ez_http_new(ez_http **out, const ez_http_config *config);

/* ez_http_listening: the address really bound. */
void ez_http_listening(const ez_http *http, ez_endpoint *out);

void ez_http_reply(ez_http *http, const ez_reply *reply);
void ez_http_notice(ez_http *http, const ez_notice *notice);

/* ez_http_free: answer what waits with 503, close. NULL is fine. */
void ez_http_free(ez_http *http);

#endif
