/* Pieces of a request's text: borrowed, not terminated. */
#ifndef EZP2P_HTTP_SPAN_INTERNAL_H
#define EZP2P_HTTP_SPAN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct ez_span {
    const char *data; /* NULL: the thing is absent, which is not the same as empty */
    size_t size;
} ez_span;

static inline char ez_ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* ez_span_is: whether the span is `word`, letters compared without case (ASCII only). */
static inline bool ez_span_is(ez_span span, const char *word)
{
    size_t i = 0;
    for (; i < span.size && word[i] != '\0'; i++) {
        if (ez_ascii_lower(span.data[i]) != ez_ascii_lower(word[i])) {
            return false;
        }
    }
    return i == span.size && word[i] == '\0';
}

/* ez_span_starts: whether the span begins with `word`, letters compared without case. */
static inline bool ez_span_starts(ez_span span, const char *word)
{
    size_t size = strlen(word);
    return span.size >= size && ez_span_is((ez_span){span.data, size}, word);
}

#endif
