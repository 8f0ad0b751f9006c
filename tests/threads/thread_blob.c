/* Blob references under the thread sanitizer: several threads share, read and drop the same bytes,
 * and any of them may be the last. A plain program, since Criterion does not run under that
 * sanitizer. */
#include "ezp2p/base/assert.h"
#include "ezp2p/base/blob.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREADS 4
#define ROUNDS  500
#define COPIES  20

static const char content[] = "the bytes of a block";

/* Drops the reference that it was given, after taking and dropping others. */
static void *use_and_drop(void *argument)
{
    ez_blob *blob = argument;
    for (unsigned i = 0; i < COPIES; i++) {
        ez_blob *copy = ez_blob_ref(blob);
        EZ_ASSERT(memcmp(ez_blob_data(copy), content, ez_blob_size(copy)) == 0);
        ez_blob_unref(copy);
    }
    ez_blob_unref(blob);
    return NULL;
}

static void run_round(void)
{
    pthread_t threads[THREADS];
    ez_blob *blob = ez_blob_new(content, sizeof content);
    for (unsigned i = 0; i < THREADS; i++) {
        EZ_ASSERT(pthread_create(&threads[i], NULL, use_and_drop, ez_blob_ref(blob)) == 0);
    }
    ez_blob_unref(blob);
    for (unsigned i = 0; i < THREADS; i++) {
        EZ_ASSERT(pthread_join(threads[i], NULL) == 0);
    }
}

int main(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_round();
    }
    printf("blob: %d rounds of %d threads\n", ROUNDS, THREADS);
    return 0;
}
