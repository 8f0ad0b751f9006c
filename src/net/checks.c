/* Check jobs: small ones run on the loop, the others on a worker thread.
 *
 * What can run on the loop waits until the callback under way has nothing else to do, or until a
 * batch is together. So the messages of one read are decoded together, checked together, taken in
 * together, and what follows from them leaves in one write for each link: beside a stream of
 * transactions each of these costs more by itself than the whole of it in a row. A message that
 * comes alone is checked at once, as its callback ends with it.
 */
#include "driver_internal.h"

#include "ezp2p/base/assert.h"

#include <assert.h>
#include <string.h>

/* Checks this cheap, up to some 400 us, run on the loop: to wake a worker and be woken takes a good
 * part of that. Together at most so many for one event, or a message with a thousand transactions
 * would hold the loop for 45 ms. */
#define INLINE_COST_MAX   8
#define INLINE_COST_EVENT 16

/* What was sent before waits for so many checks at most, as do the messages that came later. */
#define BATCH_COST 8

static_assert(BATCH_COST + INLINE_COST_EVENT <= EZ_CHECKS_AT_HAND_MAX,
              "what waits is less than a batch before an event adds to it");

void ez_checks_begin_event(ez_driver *driver)
{
    if (!driver->checking) { /* or jobs that lead to jobs would go on without end */
        driver->inline_left = INLINE_COST_EVENT;
    }
}

void ez_checks_take(ez_driver *driver, ez_check_job *job)
{
    const uint32_t rough = ez_check_cost(job);
    const uint32_t cost = rough == 0 ? 1 : rough;
    if (cost > INLINE_COST_MAX || cost > driver->inline_left) {
        driver->stats.jobs_queued++;
        ez_workers_run(driver->workers, job);
        return;
    }
    EZ_ASSERT(driver->at_hand_count < EZ_CHECKS_AT_HAND_MAX);
    driver->inline_left -= cost;
    driver->at_hand_cost += cost;
    driver->at_hand[driver->at_hand_count++] = job;
}

bool ez_checks_are_due(const ez_driver *driver)
{
    return !driver->checking && driver->at_hand_cost >= BATCH_COST;
}

/* Jobs that arise from their results have their turn in the same call. */
void ez_checks_run(ez_driver *driver)
{
    EZ_ASSERT(!driver->checking && !driver->handling);
    driver->checking = true;
    while (driver->at_hand_count > 0) {
        ez_check_job *jobs[EZ_CHECKS_AT_HAND_MAX];
        const size_t count = driver->at_hand_count;
        memcpy(jobs, driver->at_hand, count * sizeof(*jobs));
        driver->at_hand_count = 0;
        driver->at_hand_cost = 0;
        ez_links_flush(driver);
        ez_check_run_all(jobs, count, driver->config.verifier);
        driver->stats.jobs_inline += count;
        for (size_t i = 0; i < count; i++) {
            const ez_event event = {.type = EZ_EVENT_CHECKED, .as.job = jobs[i]};
            ez_driver_handle(driver, &event);
        }
    }
    driver->checking = false;
}
