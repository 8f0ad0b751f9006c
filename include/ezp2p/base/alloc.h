/* Allocation that never returns NULL: it aborts when memory is gone, so that nobody writes recovery
 * code nobody tests. Sound only because every size that a peer influences is bounded (limits.h)
 * before it reaches these calls. Memory is released with free(). */
#ifndef EZP2P_BASE_ALLOC_H
#define EZP2P_BASE_ALLOC_H

#include <stddef.h>

/* ez_alloc: zeroed memory for `count` items of `size` bytes; aborts on overflow of the product. */
void *ez_alloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* ez_realloc: grow or shrink `memory` (NULL is fine) to `count` items of `size` bytes; the grown
 * part is not zeroed. */
void *ez_realloc(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));

/* ez_memdup: a fresh copy of `size` bytes at `data`. */
void *ez_memdup(const void *data, size_t size) __attribute__((malloc, returns_nonnull));

/* ez_strdup: a fresh copy of a string. */
char *ez_strdup(const char *text) __attribute__((malloc, returns_nonnull));

#endif
