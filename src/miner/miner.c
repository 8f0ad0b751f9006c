#include "ezp2p/miner/miner.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "search_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Between two looks at whether the template still stands: well under a millisecond of work for the
 * slowest version, so that a stop or a newer template takes effect at once. */
#define SLICE_HASHES 4096

/* A paced slice is what the rate allows in this time, so that the pace is smooth ... */
#define SLICE_NS 20000000u
/* ... and what a late wake-up cost may be caught up to this, so that the rate is kept. */
#define CATCH_UP_NS 100000000u

#define NS_PER_S 1000000000u

#define STACK_BYTES (512 * 1024)

/* Added to the threads' nice value: a proof can always wait, the event loop never. On Linux each
 * thread has a nice value of its own. */
#define MINER_NICE 10

typedef struct worker {
    pthread_t thread;
    ez_miner *miner;
    uint64_t start; /* where in the space of proofs this thread begins */
} worker;

struct ez_miner {
    ez_miner_config config;
    worker *workers;
    uint32_t worker_count; /* of threads that run */
    atomic_uint_fast64_t hashes;
    _Atomic(const ez_search_version *) version; /* NULL until a thread has chosen */

    /* Counts up with every change that ends what threads work on; changed under the mutex, read
     * without it after every slice: a thread that lost its turn while it held the mutex would hold
     * up the event loop, which sets templates. */
    atomic_uint_fast64_t epoch;

    pthread_mutex_t mutex; /* for all below */
    pthread_cond_t changed;
    bool active; /* there is a template, and nobody found its proof yet */
    bool paced;
    bool quitting;
    uint32_t idle; /* waits begun since the last broadcast, timed out ones too */
    uint64_t generation;
    ez_search search;
    uint64_t due_ns; /* paced: when the next slice may be taken */
};

/* What one thread works on, copied out of the miner under its mutex. */
typedef struct assignment {
    uint64_t epoch;
    bool paced;
    uint64_t generation;
    ez_search search;
    uint64_t next; /* first proof not yet tried */
    uint64_t count;
} assignment;

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Wake whoever waits and was not woken yet. A thread that was woken and has not had its turn (its
 * nice value is high) would make the next broadcast wait for it, and with it the event loop. */
static void wake(ez_miner *miner)
{
    if (miner->idle > 0) {
        miner->idle = 0;
        pthread_cond_broadcast(&miner->changed);
    }
}

static void wait_until(ez_miner *miner, uint64_t deadline_ns)
{
    miner->idle++;
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                                .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    pthread_cond_timedwait(&miner->changed, &miner->mutex, &deadline);
}

static uint64_t paced_slice(uint64_t rate)
{
    uint64_t slice = rate / (NS_PER_S / SLICE_NS);
    return slice == 0 ? 1 : slice < SLICE_HASHES ? slice : SLICE_HASHES;
}

/* Take a slice of the rate if one is due; otherwise say when to ask again. The mutex is held. */
static bool take_paced(ez_miner *miner, uint64_t *count, uint64_t *wait_ns)
{
    uint64_t now = monotonic_ns();
    if (miner->due_ns > now) {
        *wait_ns = miner->due_ns;
        return false;
    }
    *count = paced_slice(miner->config.rate);
    uint64_t earliest = now > CATCH_UP_NS ? now - CATCH_UP_NS : 0;
    uint64_t from = miner->due_ns > earliest ? miner->due_ns : earliest;
    miner->due_ns = from + *count * NS_PER_S / miner->config.rate;
    return true;
}

/* Wait for something to do and take a slice of it.
 *   returns  false when the miner quits */
static bool take_slice(worker *self, assignment *mine)
{
    ez_miner *miner = self->miner;
    bool taken = false;
    if (mine->epoch == atomic_load(&miner->epoch) && mine->epoch != 0 && !mine->paced) {
        mine->count = SLICE_HASHES;
        return true;
    }
    pthread_mutex_lock(&miner->mutex);
    while (!taken && !miner->quitting) {
        uint64_t wait_ns = 0;
        if (!miner->active) {
            miner->idle++;
            pthread_cond_wait(&miner->changed, &miner->mutex);
        } else if (!miner->paced || miner->config.rate == 0) {
            mine->count = SLICE_HASHES;
            taken = true;
        } else if (take_paced(miner, &mine->count, &wait_ns)) {
            taken = true;
        } else {
            wait_until(miner, wait_ns);
        }
    }
    if (taken && mine->epoch != miner->epoch) {
        mine->epoch = miner->epoch;
        mine->generation = miner->generation;
        mine->search = miner->search;
        mine->paced = miner->paced && miner->config.rate > 0;
        mine->next = self->start;
    }
    pthread_mutex_unlock(&miner->mutex);
    return taken;
}

/* Only the first proof for a template that still stands is reported. */
static void report(ez_miner *miner, const assignment *mine, uint64_t proof)
{
    pthread_mutex_lock(&miner->mutex);
    bool first = miner->active && miner->epoch == mine->epoch;
    if (first) {
        miner->active = false;
        miner->epoch++;
    }
    pthread_mutex_unlock(&miner->mutex);
    if (first) {
        miner->config.found(miner->config.self, mine->generation, proof);
    }
}

static void *run(void *argument)
{
    worker *self = argument;
    ez_miner *miner = self->miner;
    assignment mine = {.epoch = 0}; /* the first template has epoch 1 */
    const ez_search_version *version = NULL;
    (void)nice(MINER_NICE); /* only ever refused to who asks for more than before */
    while (take_slice(self, &mine)) {
        if (version == NULL) { /* not before there is work: most nodes never mine */
            version = ez_search_best(&mine.search);
            atomic_store_explicit(&miner->version, version, memory_order_relaxed);
        }
        uint64_t proof;
        bool found = ez_search_run(&mine.search, version, &proof, mine.next, mine.count);
        uint64_t tried =
            found ? (proof - mine.next + EZ_PROOF_LIMIT) % EZ_PROOF_LIMIT + 1 : mine.count;
        mine.next = (mine.next + tried) % EZ_PROOF_LIMIT;
        atomic_fetch_add_explicit(&miner->hashes, tried, memory_order_relaxed);
        if (found) {
            report(miner, &mine, proof);
        }
    }
    return NULL;
}

static ez_status start_threads(ez_miner *miner)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return EZ_ERR_LIMIT;
    }
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    ez_status status = EZ_OK;
    uint64_t share = EZ_PROOF_LIMIT / miner->config.threads;
    for (uint32_t i = 0; i < miner->config.threads && status == EZ_OK; i++) {
        worker *w = &miner->workers[i];
        w->miner = miner;
        w->start = (miner->config.seed % EZ_PROOF_LIMIT + i * share) % EZ_PROOF_LIMIT;
        if (pthread_create(&w->thread, &attributes, run, w) != 0) {
            status = EZ_ERR_LIMIT;
        } else {
            pthread_setname_np(w->thread, "ez-miner");
            miner->worker_count++;
        }
    }
    pthread_attr_destroy(&attributes);
    return status;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    EZ_ASSERT(pthread_condattr_init(&attributes) == 0);
    EZ_ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    EZ_ASSERT(pthread_cond_init(condition, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
}

ez_status ez_miner_new(ez_miner **out, const ez_miner_config *config)
{
    *out = NULL;
    if (config->threads == 0 || config->threads > EZ_MINER_THREADS_MAX) {
        return EZ_ERR_CONFIG;
    }
    ez_miner *miner = ez_alloc(1, sizeof *miner);
    miner->config = *config;
    miner->workers = ez_alloc(config->threads, sizeof *miner->workers);
    EZ_ASSERT(pthread_mutex_init(&miner->mutex, NULL) == 0);
    init_condition(&miner->changed);
    ez_status status = start_threads(miner);
    if (status != EZ_OK) {
        ez_miner_free(miner);
        return status;
    }
    *out = miner;
    return EZ_OK;
}

void ez_miner_set(ez_miner *miner, uint64_t generation, const ez_header *header, bool paced)
{
    ez_search search;
    EZ_ASSERT(ez_search_init(&search, header)); /* our core made the header */
    pthread_mutex_lock(&miner->mutex);
    miner->epoch++;
    miner->generation = generation;
    miner->search = search;
    miner->paced = paced;
    miner->active = true;
    wake(miner);
    pthread_mutex_unlock(&miner->mutex);
}

void ez_miner_stop(ez_miner *miner)
{
    pthread_mutex_lock(&miner->mutex);
    miner->epoch++;
    miner->active = false;
    wake(miner);
    pthread_mutex_unlock(&miner->mutex);
}

uint64_t ez_miner_hashes(const ez_miner *miner)
{
    return atomic_load_explicit(&miner->hashes, memory_order_relaxed);
}

const char *ez_miner_version(const ez_miner *miner)
{
    const ez_search_version *version = atomic_load_explicit(&miner->version, memory_order_relaxed);
    return version != NULL ? version->name : NULL;
}

void ez_miner_free(ez_miner *miner)
{
    if (miner == NULL) {
        return;
    }
    pthread_mutex_lock(&miner->mutex);
    miner->quitting = true;
    miner->epoch++;
    wake(miner);
    pthread_mutex_unlock(&miner->mutex);
    for (uint32_t i = 0; i < miner->worker_count; i++) {
        pthread_join(miner->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&miner->changed);
    pthread_mutex_destroy(&miner->mutex);
    free(miner->workers);
    free(miner);
}
