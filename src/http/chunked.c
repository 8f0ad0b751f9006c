#include "chunked_internal.h"

#include "ezp2p/base/limits.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_text(char c)
{
    return ((unsigned char)c >= 0x20 && c != 0x7f) || c == '\t';
}

static ez_chunked_result expect(ez_chunked *chunked, char c, char wanted, ez_chunked_step next)
{
    chunked->step = next;
    return c == wanted ? EZ_CHUNKED_MORE : EZ_CHUNKED_MALFORMED;
}

static ez_chunked_result feed_size(ez_chunked *chunked, char c)
{
    int digit = hex_value(c);
    if (digit >= 0) {
        chunked->left = chunked->left * 16 + (size_t)digit;
        chunked->digits += chunked->left > 0;
        chunked->has_size = true;
        return chunked->digits <= 7 ? EZ_CHUNKED_MORE : EZ_CHUNKED_TOO_LARGE;
    }
    if (!chunked->has_size) {
        return EZ_CHUNKED_MALFORMED;
    }
    if (c == ';') {
        chunked->step = EZ_CHUNKED_EXTENSION;
        return EZ_CHUNKED_MORE;
    }
    return expect(chunked, c, '\r', EZ_CHUNKED_SIZE_LF);
}

static ez_chunked_result feed_extension(ez_chunked *chunked, char c)
{
    if (c == '\r') {
        chunked->step = EZ_CHUNKED_SIZE_LF;
        return EZ_CHUNKED_MORE;
    }
    return is_text(c) ? EZ_CHUNKED_MORE : EZ_CHUNKED_MALFORMED;
}

static ez_chunked_result feed_trailer(ez_chunked *chunked, char c)
{
    if (c == '\r') {
        chunked->step =
            chunked->step == EZ_CHUNKED_TRAILER_START ? EZ_CHUNKED_LAST_LF : EZ_CHUNKED_TRAILER_LF;
        return EZ_CHUNKED_MORE;
    }
    chunked->step = EZ_CHUNKED_TRAILER;
    return is_text(c) ? EZ_CHUNKED_MORE : EZ_CHUNKED_MALFORMED;
}

/* One byte that is not chunk data. */
static ez_chunked_result feed_frame(ez_chunked *chunked, char c)
{
    switch (chunked->step) {
    case EZ_CHUNKED_SIZE:
    case EZ_CHUNKED_EXTENSION:
        if (++chunked->line_bytes > EZ_HTTP_CHUNK_LINE_BYTES_MAX) {
            return EZ_CHUNKED_MALFORMED;
        }
        return chunked->step == EZ_CHUNKED_SIZE ? feed_size(chunked, c)
                                                : feed_extension(chunked, c);
    case EZ_CHUNKED_SIZE_LF:
        return expect(chunked, c, '\n',
                      chunked->left > 0 ? EZ_CHUNKED_DATA : EZ_CHUNKED_TRAILER_START);
    case EZ_CHUNKED_DATA_CR:
        return expect(chunked, c, '\r', EZ_CHUNKED_DATA_LF);
    case EZ_CHUNKED_DATA_LF:
        *chunked = (ez_chunked){.step = chunked->step, .trailer_bytes = chunked->trailer_bytes};
        return expect(chunked, c, '\n', EZ_CHUNKED_SIZE);
    case EZ_CHUNKED_TRAILER_START:
    case EZ_CHUNKED_TRAILER:
        if (++chunked->trailer_bytes > EZ_HTTP_TRAILER_BYTES_MAX) {
            return EZ_CHUNKED_MALFORMED;
        }
        return feed_trailer(chunked, c);
    case EZ_CHUNKED_TRAILER_LF:
        return expect(chunked, c, '\n', EZ_CHUNKED_TRAILER_START);
    case EZ_CHUNKED_LAST_LF:
        return c == '\n' ? EZ_CHUNKED_DONE : EZ_CHUNKED_MALFORMED;
    case EZ_CHUNKED_DATA:
        break;
    }
    return EZ_CHUNKED_MALFORMED;
}

ez_chunked_result ez_chunked_feed(ez_chunked *chunked, ez_buffer *body, size_t body_bytes_max,
                                  const char *data, size_t size, size_t *used)
{
    ez_chunked_result result = EZ_CHUNKED_MORE;
    size_t at = 0;
    while (at < size && result == EZ_CHUNKED_MORE) {
        if (chunked->step != EZ_CHUNKED_DATA) {
            result = feed_frame(chunked, data[at++]);
            if (chunked->step == EZ_CHUNKED_DATA && chunked->left > body_bytes_max - body->size) {
                result = EZ_CHUNKED_TOO_LARGE; /* known before a byte of it is kept */
            }
            continue;
        }
        size_t take = chunked->left < size - at ? chunked->left : size - at;
        ez_buffer_add(body, data + at, take);
        at += take;
        chunked->left -= take;
        if (chunked->left == 0) {
            chunked->step = EZ_CHUNKED_DATA_CR;
        }
    }
    *used = at;
    return result;
}
