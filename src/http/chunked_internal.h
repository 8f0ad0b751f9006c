/* The chunked transfer coding, RFC 9112 section 7.1, read strictly. Chunk extensions and trailers
 * are bounded (EZ_HTTP_CHUNK_LINE_BYTES_MAX, EZ_HTTP_TRAILER_BYTES_MAX) and dropped. Pure: bytes
 * in, bytes out. */
#ifndef EZP2P_HTTP_CHUNKED_INTERNAL_H
#define EZP2P_HTTP_CHUNKED_INTERNAL_H

#include "ezp2p/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum ez_chunked_step {
    EZ_CHUNKED_SIZE,
    EZ_CHUNKED_EXTENSION,
    EZ_CHUNKED_SIZE_LF,
    EZ_CHUNKED_DATA,
    EZ_CHUNKED_DATA_CR,
    EZ_CHUNKED_DATA_LF,
    EZ_CHUNKED_TRAILER_START,
    EZ_CHUNKED_TRAILER,
    EZ_CHUNKED_TRAILER_LF,
    EZ_CHUNKED_LAST_LF,
} ez_chunked_step;

/* A zeroed ez_chunked is at the start of a body. */
typedef struct ez_chunked {
    ez_chunked_step step;
    size_t left;          /* of the current chunk; while reading a size: the size so far */
    size_t line_bytes;    /* of the current size line */
    size_t digits;        /* of the current size, leading zeros apart */
    bool has_size;        /* a digit of it is here */
    size_t trailer_bytes; /* so far */
} ez_chunked;

typedef enum ez_chunked_result {
    EZ_CHUNKED_MORE,
    EZ_CHUNKED_DONE,
    EZ_CHUNKED_MALFORMED,
    EZ_CHUNKED_TOO_LARGE, /* the body would exceed `body_bytes_max` */
} ez_chunked_result;

/* ez_chunked_feed: decode up to `size` bytes; the body's bytes are appended to `body`.
 *   *used  how many were taken; what follows belongs to the next request */
ez_chunked_result ez_chunked_feed(ez_chunked *chunked, ez_buffer *body, size_t body_bytes_max,
                                  const char *data, size_t size, size_t *used);

#endif
