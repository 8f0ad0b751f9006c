#include "workers_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Added to the threads' nice value, which on Linux each thread has for itself: with as many of them
 * as processors the loop would wait for its turn behind a batch of checks. */
#define WORKER_NICE 5

typedef struct waiting_job {
    struct waiting_job *next;
    ez_check_job *job;
} waiting_job;

struct ez_workers {
    ez_verifier *verifier; /* borrowed */
    ez_workers_done *done;
    void *self;
    pthread_t *threads;
    uint32_t thread_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    waiting_job *first; /* under lock, as all below */
    waiting_job *last;
    bool stopping;
    uint32_t idle; /* waits that no signal was meant for yet: one more signal may have to wait until
                      a woken thread has had its turn, and the loop with it */
};

/* Wait for a job; NULL when it is time to go. */
static ez_check_job *take_job(ez_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    while (workers->first == NULL && !workers->stopping) {
        workers->idle++;
        pthread_cond_wait(&workers->changed, &workers->lock);
    }
    waiting_job *waiting = workers->stopping ? NULL : workers->first;
    if (waiting != NULL) {
        workers->first = waiting->next;
        workers->last = workers->first == NULL ? NULL : workers->last;
    }
    pthread_mutex_unlock(&workers->lock);
    ez_check_job *job = waiting == NULL ? NULL : waiting->job;
    free(waiting);
    return job;
}

static void *work(void *self)
{
    ez_workers *workers = self;
    ez_check_job *job;
    (void)nice(WORKER_NICE);
    while ((job = take_job(workers)) != NULL) {
        ez_check_run(job, workers->verifier);
        workers->done(workers->self, job);
    }
    return NULL;
}

ez_status ez_workers_new(ez_workers **out, uint32_t threads, ez_verifier *verifier,
                         ez_workers_done *done, void *self)
{
    EZ_ASSERT(threads > 0);
    *out = NULL;
    ez_workers *workers = ez_alloc(1, sizeof *workers);
    workers->verifier = verifier;
    workers->done = done;
    workers->self = self;
    workers->threads = ez_alloc(threads, sizeof *workers->threads);
    int failed = pthread_mutex_init(&workers->lock, NULL);
    EZ_ASSERT(failed == 0);
    failed = pthread_cond_init(&workers->changed, NULL);
    EZ_ASSERT(failed == 0);
    while (workers->thread_count < threads) {
        if (pthread_create(&workers->threads[workers->thread_count], NULL, work, workers) != 0) {
            ez_workers_free(workers);
            return EZ_ERR_IO;
        }
        pthread_setname_np(workers->threads[workers->thread_count], "ez-check");
        workers->thread_count++;
    }
    *out = workers;
    return EZ_OK;
}

void ez_workers_run(ez_workers *workers, ez_check_job *job)
{
    waiting_job *waiting = ez_alloc(1, sizeof *waiting);
    waiting->job = job;
    pthread_mutex_lock(&workers->lock);
    if (workers->last == NULL) {
        workers->first = waiting;
    } else {
        workers->last->next = waiting;
    }
    workers->last = waiting;
    if (workers->idle > 0) {
        workers->idle--;
        pthread_cond_signal(&workers->changed);
    }
    pthread_mutex_unlock(&workers->lock);
}

void ez_workers_free(ez_workers *workers)
{
    if (workers == NULL) {
        return;
    }
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    for (uint32_t i = 0; i < workers->thread_count; i++) {
        pthread_join(workers->threads[i], NULL);
    }
    while (workers->first != NULL) {
        waiting_job *waiting = workers->first;
        workers->first = waiting->next;
        ez_check_job_free(waiting->job);
        free(waiting);
    }
    pthread_cond_destroy(&workers->changed);
    pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}
