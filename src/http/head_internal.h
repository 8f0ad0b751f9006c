/* The strict reading of a request head: request line and header fields, RFC 9112.
 *
 * Two programs that read one byte stream as different requests are how requests are smuggled past a
 * proxy or a browser's rules. So nothing here is forgiven: every line ends with CR LF, a field name
 * is a token with its colon right behind it, nothing is folded, a length stands once and alone, and
 * what has no clear meaning is answered 400 and the connection closed. Pure: bytes in, verdict out.
 */
#ifndef EZP2P_HTTP_HEAD_INTERNAL_H
#define EZP2P_HTTP_HEAD_INTERNAL_H

#include "span_internal.h"

#include <stdint.h>

/* Why a request is not served: a status, a stable code and a sentence a person can act on. */
typedef struct ez_refusal {
    int status; /* 0: not refused */
    const char *code;
    const char *detail;
} ez_refusal;

#define EZ_REFUSED(status_, code_, detail_) ((ez_refusal){(status_), (code_), (detail_)})
#define EZ_NOT_REFUSED                      ((ez_refusal){0, NULL, NULL})

/* Bits, so that a route can say which it has. */
typedef enum ez_method {
    EZ_METHOD_GET = 1,
    EZ_METHOD_HEAD = 2,
    EZ_METHOD_POST = 4,
    EZ_METHOD_DELETE = 8,
    EZ_METHOD_OPTIONS = 16,
    EZ_METHOD_OTHER = 32, /* a well-formed method that no route has */
} ez_method;

/* Fields with a meaning here. Each may stand once; a second one is refused. */
typedef enum ez_field {
    EZ_FIELD_AUTHORIZATION,
    EZ_FIELD_CONTENT_ENCODING,
    EZ_FIELD_CONTENT_LENGTH,
    EZ_FIELD_CONTENT_TYPE,
    EZ_FIELD_EXPECT,
    EZ_FIELD_HOST,
    EZ_FIELD_LAST_EVENT_ID,
    EZ_FIELD_ORIGIN,
    EZ_FIELD_SEC_FETCH_SITE,
    EZ_FIELD_TRANSFER_ENCODING,
    EZ_FIELDS,
} ez_field;

typedef struct ez_head {
    ez_method method;
    int minor;       /* HTTP/1.minor: 0 or 1 */
    ez_span path;    /* as sent, percent escapes and all; "*" for OPTIONS * */
    ez_span query;   /* behind the question mark; absent without one */
    ez_span host;    /* of the target in absolute form, else of the Host field; may be absent */
    bool keep_alive; /* what the client asks for */
    bool chunked;    /* the body is; else it has content_length bytes */
    bool wants_100;  /* Expect: 100-continue */
    uint64_t content_length;
    ez_span fields[EZ_FIELDS]; /* trimmed */
} ez_head;

typedef enum ez_head_extent { EZ_HEAD_MORE, EZ_HEAD_WHOLE, EZ_HEAD_BAD } ez_head_extent;

/* ez_head_find_end: look for the empty line that ends a head in the first `size` bytes received.
 *   *scanned  0 for a new head; where to go on looking, so that dripped bytes are looked at once
 *   *end      with EZ_HEAD_WHOLE: the size of the head, its empty line included
 * EZ_HEAD_BAD as soon as a control byte or a line end other than CR LF shows. */
ez_head_extent ez_head_find_end(const char *data, size_t size, size_t *scanned, size_t *end);

/* ez_head_parse: read a whole head. Spans of *out point into `data`. When it is refused, *out holds
 * what was read so far (method and version, for the answer), the rest zero. */
ez_refusal ez_head_parse(ez_head *out, const char *data, size_t size);

#endif
