/* The driver's threads under the thread sanitizer: workers return checks and two other threads post
 * events while the loop runs, and the driver goes away with jobs under way. A plain program, since
 * Criterion does not run under that sanitizer. */
#include "driver_internal.h"

#include "ezp2p/base/assert.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS     10
#define POSTERS    2
#define POSTS      300
#define CHECKS     60
#define LEFT_OVER  20 /* checks still under way at the end */
#define BODY_BYTES 16384

/* A core that wants checks and counts what comes back. */
typedef struct counting_core {
    struct event_base *base;
    ez_driver *driver;
    ez_network network;
    unsigned wanted; /* checks not yet asked for */
    unsigned checked;
    unsigned stored;
} counting_core;

static void handle(void *self, const ez_event *event, ez_now now)
{
    counting_core *core = self;
    (void)now;
    if (event->type == EZ_EVENT_CHECKED) {
        EZ_ASSERT(event->as.job->rule != EZ_RULE_OK);
        ez_check_job_free(event->as.job);
        core->checked++;
    } else if (event->type == EZ_EVENT_STORED) {
        core->stored++;
    }
    if (core->checked >= CHECKS && core->stored == POSTERS * POSTS) {
        event_base_loopbreak(core->base);
    }
}

static bool next_effect(void *self, ez_effect *out)
{
    counting_core *core = self;
    if (core->wanted == 0) {
        return false;
    }
    core->wanted--;
    uint8_t *bytes;
    ez_check_job *job = ez_check_job_new(EZ_CHECK_BODY, core->wanted, &core->network);
    job->bytes = ez_blob_new_empty(BODY_BYTES, &bytes);
    memset(bytes, 0xff, BODY_BYTES);
    *out = (ez_effect){.type = EZ_EFFECT_CHECK, .as.job = job};
    return true;
}

static ez_time_ms deadline(const void *self)
{
    (void)self;
    return EZ_TIME_NEVER;
}

static void *post_all(void *self)
{
    ez_driver *driver = self;
    for (uint64_t i = 0; i < POSTS; i++) {
        ez_event event = {.type = EZ_EVENT_STORED, .as.stored = i};
        ez_driver_post(driver, &event);
    }
    return NULL;
}

static void run_round(void)
{
    counting_core core = {.base = event_base_new(), .wanted = CHECKS + LEFT_OVER};
    ez_driver_config config = {.base = core.base, .worker_threads = 3};
    ez_core seam = {&core, handle, next_effect, deadline};
    pthread_t threads[POSTERS];
    ez_network_classic(&core.network);
    EZ_ASSERT(core.base != NULL && ez_driver_new(&core.driver, &config) == EZ_OK);
    ez_driver_start(core.driver, &seam);
    for (unsigned i = 0; i < POSTERS; i++) {
        EZ_ASSERT(pthread_create(&threads[i], NULL, post_all, core.driver) == 0);
    }
    event_base_dispatch(core.base);
    EZ_ASSERT(core.checked >= CHECKS && core.stored == POSTERS * POSTS);
    for (unsigned i = 0; i < POSTERS; i++) {
        EZ_ASSERT(pthread_join(threads[i], NULL) == 0);
    }
    ez_driver_free(core.driver);
    event_base_free(core.base);
}

int main(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        run_round();
    }
    printf("driver: %d rounds of %d checks and %d posts\n", ROUNDS, CHECKS, POSTERS * POSTS);
    return 0;
}
