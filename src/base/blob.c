#include "ezp2p/base/blob.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ez_blob {
    atomic_size_t references;
    size_t size;
    uint8_t bytes[];
};

ez_blob *ez_blob_new_empty(size_t size, uint8_t **out)
{
    EZ_ASSERT(size <= SIZE_MAX - sizeof(ez_blob));
    ez_blob *blob = ez_realloc(NULL, 1, sizeof(ez_blob) + size); /* its bytes are all to come */
    atomic_init(&blob->references, 1);
    blob->size = size;
    *out = blob->bytes;
    return blob;
}

ez_blob *ez_blob_new(const void *data, size_t size)
{
    uint8_t *bytes;
    ez_blob *blob = ez_blob_new_empty(size, &bytes);
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    return blob;
}

ez_blob *ez_blob_ref(ez_blob *blob)
{
    /* Relaxed is enough: whoever takes a reference already holds one, so nothing can be freed. */
    size_t before = atomic_fetch_add_explicit(&blob->references, 1, memory_order_relaxed);
    EZ_ASSERT(before > 0);
    return blob;
}

void ez_blob_unref(ez_blob *blob)
{
    if (blob == NULL) {
        return;
    }
    /* Release: our reads of the bytes come before the free of whoever is last; acquire: if that is
     * us, we see them all as done. */
    size_t before = atomic_fetch_sub_explicit(&blob->references, 1, memory_order_acq_rel);
    EZ_ASSERT(before > 0);
    if (before == 1) {
        free(blob);
    }
}

const uint8_t *ez_blob_data(const ez_blob *blob)
{
    return blob->bytes;
}

size_t ez_blob_size(const ez_blob *blob)
{
    return blob->size;
}
