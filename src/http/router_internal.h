/* The routes as a table, and how a decoded path finds its row. */
#ifndef EZP2P_HTTP_ROUTER_INTERNAL_H
#define EZP2P_HTTP_ROUTER_INTERNAL_H

#include "head_internal.h"
#include "target_internal.h"

typedef struct ez_exchange ez_exchange;

typedef enum ez_route_flags {
    EZ_ROUTE_READS = 0,
    EZ_ROUTE_CHANGES = 1,   /* passes the gate's check for changes, GET or not */
    EZ_ROUTE_HEAD_IDLE = 2, /* HEAD answers the headers without running the handler */
} ez_route_flags;

typedef struct ez_route {
    ez_method method;    /* GET, POST or DELETE; GET implies HEAD */
    const char *pattern; /* "/v1/blocks/{block}": at most one variable segment */
    unsigned flags;
    void (*handle)(ez_exchange *exchange);
    const char *summary;
    const char *query; /* "from,limit": what it understands; NULL: nothing */
    const char *type;  /* of its answer */
} ez_route;

extern const ez_route ez_routes[];
extern const size_t ez_route_count;

/* ez_route_find: the route of `method` on `path`; a HEAD finds the GET route.
 *   *allowed  every method the path has (OPTIONS too); 0: there is no such path
 *   *param    the variable segment, or NULL
 *   returns   NULL when the path has no such method */
const ez_route *ez_route_find(const ez_route *routes, size_t count, ez_method method,
                              const ez_path *path, unsigned *allowed, const char **param);

/* ez_route_allow: "GET, HEAD, OPTIONS" for a set of methods. */
typedef struct ez_allow_string {
    char text[48];
} ez_allow_string;
ez_allow_string ez_route_allow(unsigned allowed);

#endif
