#include "log_sink_internal.h"

#define MILLI 1000u

/* Event names are static strings, so their address names them and their number is bounded by the
 * program; should there ever be more than places, the rest share one budget. */
static ez_log_budget *find_budget(ez_log_limit *limit, const char *event)
{
    size_t start = (size_t)((uintptr_t)event * 0x9e3779b97f4a7c15u >> 32) % EZ_LOG_NAMES_MAX;
    for (size_t i = 0; i < EZ_LOG_NAMES_MAX; i++) {
        ez_log_budget *budget = &limit->names[(start + i) % EZ_LOG_NAMES_MAX];
        if (budget->event == event || budget->event == NULL) {
            return budget;
        }
    }
    return &limit->rest;
}

static void refill(ez_log_budget *budget, ez_time_ms now)
{
    uint64_t elapsed = now > budget->since ? now - budget->since : 0;
    uint64_t until_full = EZ_LOG_BURST * MILLI - budget->milli;
    uint64_t earned = elapsed < until_full ? elapsed * EZ_LOG_PER_SECOND : until_full;
    budget->milli += earned < until_full ? earned : until_full;
    budget->since = now;
}

bool ez_log_limit_take(ez_log_limit *limit, uint64_t *suppressed, const char *event, ez_time_ms now)
{
    ez_log_budget *budget = find_budget(limit, event);
    if (budget->event == NULL) {
        *budget = (ez_log_budget){.event = event, .milli = EZ_LOG_BURST * MILLI, .since = now};
    }
    refill(budget, now);
    if (budget->milli < MILLI) {
        budget->suppressed++;
        return false;
    }
    budget->milli -= MILLI;
    *suppressed = budget->suppressed;
    budget->suppressed = 0;
    return true;
}
