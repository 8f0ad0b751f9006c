#include "target_internal.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = ez_ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Decode one piece into out[*at...] and terminate it; *at moves behind the zero. */
static ez_decoded decode(char *out, size_t out_size, size_t *at, ez_span piece, bool plus_is_space)
{
    for (size_t i = 0; i < piece.size; i++) {
        char c = piece.data[i];
        if (c == '%') {
            int high = piece.size - i > 2 ? hex_value(piece.data[i + 1]) : -1;
            int low = high >= 0 ? hex_value(piece.data[i + 2]) : -1;
            if (low < 0) {
                return EZ_DECODED_MALFORMED;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if ((unsigned char)c < 0x20 || c == 0x7f) {
            return EZ_DECODED_MALFORMED;
        }
        if (*at + 1 >= out_size) {
            return EZ_DECODED_TOO_LONG;
        }
        out[(*at)++] = c;
    }
    if (*at >= out_size) {
        return EZ_DECODED_TOO_LONG;
    }
    out[(*at)++] = '\0';
    return EZ_DECODED;
}

/* The piece up to `separator` or the end; *text becomes what is behind it. */
static ez_span next_piece(ez_span *text, char separator, bool *last)
{
    size_t size = 0;
    while (size < text->size && text->data[size] != separator) {
        size++;
    }
    ez_span piece = {text->data, size};
    *last = size == text->size;
    size_t skip = *last ? size : size + 1;
    *text = (ez_span){text->data + skip, text->size - skip};
    return piece;
}

ez_decoded ez_path_decode(ez_path *out, ez_span path)
{
    out->count = 0;
    if (path.size == 0 || path.data[0] != '/') {
        return EZ_DECODED_MALFORMED;
    }
    ez_span rest = {path.data + 1, path.size - 1};
    size_t at = 0;
    for (bool last = false; !last;) {
        if (out->count == EZ_PATH_SEGMENTS_MAX) {
            return EZ_DECODED_TOO_LONG;
        }
        ez_span piece = next_piece(&rest, '/', &last);
        out->segments[out->count++] = out->text + at;
        ez_decoded decoded = decode(out->text, sizeof out->text, &at, piece, false);
        if (decoded != EZ_DECODED) {
            return decoded;
        }
    }
    return EZ_DECODED;
}

static ez_decoded add_pair(ez_query *out, size_t *at, ez_span piece)
{
    if (out->count == EZ_QUERY_PAIRS_MAX) {
        return EZ_DECODED_TOO_LONG;
    }
    bool bare = false;
    ez_span name = next_piece(&piece, '=', &bare);
    const char *name_text = out->text + *at;
    ez_decoded decoded = decode(out->text, sizeof out->text, at, name, true);
    if (decoded != EZ_DECODED) {
        return decoded;
    }
    const char *value_text = out->text + *at;
    decoded = decode(out->text, sizeof out->text, at, piece, true);
    if (decoded != EZ_DECODED) {
        return decoded;
    }
    if (ez_query_get(out, name_text) != NULL) {
        return EZ_DECODED_MALFORMED;
    }
    out->pairs[out->count++] = (ez_query_pair){name_text, value_text};
    return EZ_DECODED;
}

ez_decoded ez_query_decode(ez_query *out, ez_span query)
{
    out->count = 0;
    size_t at = 0;
    for (bool last = query.data == NULL; !last;) {
        ez_span piece = next_piece(&query, '&', &last);
        if (piece.size == 0) {
            continue;
        }
        ez_decoded decoded = add_pair(out, &at, piece);
        if (decoded != EZ_DECODED) {
            return decoded;
        }
    }
    return EZ_DECODED;
}

const char *ez_query_get(const ez_query *query, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (strcmp(query->pairs[i].name, name) == 0) {
            return query->pairs[i].value;
        }
    }
    return NULL;
}

bool ez_u64_parse(uint64_t *out, const char *text)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; text[i] >= '0' && text[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (i == 0 || text[i] != '\0') {
        return false;
    }
    *out = value;
    return true;
}
