#include "ezp2p/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_abort(void *memory, size_t count, size_t size)
{
    if (memory == NULL) {
        fprintf(stderr, "ezp2p: out of memory for %zu items of %zu bytes\n", count, size);
        abort();
    }
    return memory;
}

/* The C library may answer a request for nothing with NULL, which here means failure: nothing is
 * rounded up to one byte. It checks the product for overflow itself. */

void *ez_alloc(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    return or_abort(memory, count, size);
}

void *ez_realloc(void *memory, size_t count, size_t size)
{
    void *moved = reallocarray(memory, count > 0 ? count : 1, size > 0 ? size : 1);
    return or_abort(moved, count, size);
}

void *ez_memdup(const void *data, size_t size)
{
    void *copy = or_abort(malloc(size > 0 ? size : 1), 1, size);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *ez_strdup(const char *text)
{
    return ez_memdup(text, strlen(text) + 1);
}
