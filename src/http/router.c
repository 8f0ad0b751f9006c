#include "router_internal.h"

#include <stdio.h>

/* Whether `path` has the segments of `pattern`. */
static bool matches(const char *pattern, const ez_path *path, const char **param)
{
    const char *at = pattern;
    for (size_t i = 0; i < path->count; i++) {
        if (*at != '/') {
            return false;
        }
        at++;
        size_t size = strcspn(at, "/");
        const char *segment = path->segments[i];
        if (size > 0 && at[0] == '{') {
            if (segment[0] == '\0') {
                return false;
            }
            *param = segment;
        } else if (strlen(segment) != size || memcmp(segment, at, size) != 0) {
            return false;
        }
        at += size;
    }
    return *at == '\0';
}

const ez_route *ez_route_find(const ez_route *routes, size_t count, ez_method method,
                              const ez_path *path, unsigned *allowed, const char **param)
{
    const ez_route *found = NULL;
    ez_method wanted = method == EZ_METHOD_HEAD ? EZ_METHOD_GET : method;
    *allowed = 0;
    *param = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *variable = NULL;
        if (!matches(routes[i].pattern, path, &variable)) {
            continue;
        }
        *allowed |= (unsigned)routes[i].method | EZ_METHOD_OPTIONS;
        if (routes[i].method == EZ_METHOD_GET) {
            *allowed |= EZ_METHOD_HEAD;
        }
        if (routes[i].method == wanted && found == NULL) {
            found = &routes[i];
            *param = variable;
        }
    }
    return found;
}

ez_allow_string ez_route_allow(unsigned allowed)
{
    static const struct {
        ez_method method;
        const char *name;
    } names[] = {{EZ_METHOD_GET, "GET"},
                 {EZ_METHOD_HEAD, "HEAD"},
                 {EZ_METHOD_POST, "POST"},
                 {EZ_METHOD_DELETE, "DELETE"},
                 {EZ_METHOD_OPTIONS, "OPTIONS"}};
    ez_allow_string out = {""};
    size_t at = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((allowed & (unsigned)names[i].method) != 0) {
            at += (size_t)snprintf(out.text + at, sizeof out.text - at, "%s%s", at > 0 ? ", " : "",
                                   names[i].name);
        }
    }
    return out;
}
