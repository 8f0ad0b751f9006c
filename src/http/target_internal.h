/* Paths and queries, percent-decoded. A path is cut at its slashes before it is decoded, so that an
 * encoded slash never makes a new segment. Pure. */
#ifndef EZP2P_HTTP_TARGET_INTERNAL_H
#define EZP2P_HTTP_TARGET_INTERNAL_H

#include "span_internal.h"

#include "ezp2p/base/limits.h"

#include <stdint.h>

#define EZ_PATH_SEGMENTS_MAX 8 /* the deepest route has four */
#define EZ_QUERY_PAIRS_MAX   16

typedef struct ez_path {
    char text[EZ_HTTP_PATH_BYTES_MAX]; /* the segments, each terminated */
    const char *segments[EZ_PATH_SEGMENTS_MAX];
    size_t count;
} ez_path;

typedef struct ez_query_pair {
    const char *name;
    const char *value;
} ez_query_pair;

typedef struct ez_query {
    char text[EZ_HTTP_QUERY_BYTES_MAX];
    ez_query_pair pairs[EZ_QUERY_PAIRS_MAX];
    size_t count;
} ez_query;

typedef enum ez_decoded {
    EZ_DECODED,
    EZ_DECODED_MALFORMED, /* a broken escape, or one that stands for a control character */
    EZ_DECODED_TOO_LONG,
} ez_decoded;

/* ez_path_decode: "/v1/blocks/7" becomes three segments, "/" one empty one. */
ez_decoded ez_path_decode(ez_path *out, ez_span path);

/* ez_query_decode: "a=1&b=2"; '+' is a space; a name without '=' has an empty value. A name that
 * stands twice is malformed: two readers would take different ones. An absent query has no pairs.
 */
ez_decoded ez_query_decode(ez_query *out, ez_span query);

/* ez_query_get: the value of `name`, or NULL. */
const char *ez_query_get(const ez_query *query, const char *name);

/* ez_u64_parse: decimal digits only, no sign, no space, no overflow; false otherwise, *out
 * untouched. */
bool ez_u64_parse(uint64_t *out, const char *text);

#endif
