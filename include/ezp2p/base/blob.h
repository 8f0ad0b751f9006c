/* Immutable bytes with an atomic reference count. Block bodies and transactions travel as blobs
 * from socket to check worker to store thread to other peers without a copy. The last reference
 * frees; taking and dropping references is safe from any thread, the bytes never change after
 * creation. */
#ifndef EZP2P_BASE_BLOB_H
#define EZP2P_BASE_BLOB_H

#include <stddef.h>
#include <stdint.h>

typedef struct ez_blob ez_blob;

/* ez_blob_new: a blob of `size` bytes copied from `data`, one reference. */
ez_blob *ez_blob_new(const void *data, size_t size);

/* ez_blob_new_empty: a blob of `size` bytes to be filled through *out before anyone else sees it.
 */
ez_blob *ez_blob_new_empty(size_t size, uint8_t **out);

/* ez_blob_ref: one more reference; returns `blob`. */
ez_blob *ez_blob_ref(ez_blob *blob);

/* ez_blob_unref: drop a reference; NULL is fine. */
void ez_blob_unref(ez_blob *blob);

const uint8_t *ez_blob_data(const ez_blob *blob);
size_t ez_blob_size(const ez_blob *blob);

#endif
