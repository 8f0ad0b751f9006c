#include "app_internal.h"

#include <inttypes.h>

static void add(ez_buffer *out, const char *name, const char *type, uint64_t value)
{
    ez_buffer_printf(out, "# TYPE ezp2p_%s %s\nezp2p_%s %" PRIu64 "\n", name, type, name, value);
}

/* Prometheus counts time in seconds. */
static void add_seconds(ez_buffer *out, const char *name, const char *type, uint64_t us)
{
    ez_buffer_printf(out, "# TYPE ezp2p_%s %s\nezp2p_%s %" PRIu64 ".%06" PRIu64 "\n", name, type,
                     name, us / 1000000, us % 1000000);
}

static void add_driver(ez_buffer *out, const ez_driver *driver)
{
    ez_driver_stats stats;
    ez_driver_get_stats(driver, &stats);
    add(out, "net_links", "gauge", stats.links);
    add(out, "net_accepted_total", "counter", stats.accepted);
    add(out, "net_refused_total", "counter", stats.refused);
    add(out, "net_received_bytes_total", "counter", stats.bytes_in);
    add(out, "net_sent_bytes_total", "counter", stats.bytes_out);
    add(out, "jobs_queued", "gauge", stats.jobs_queued);
    add(out, "jobs_done_total", "counter", stats.jobs_done);
    add(out, "jobs_inline_total", "counter", stats.jobs_inline);
    add_seconds(out, "loop_lag_p50_seconds", "gauge", stats.lag_us_p50);
    add_seconds(out, "loop_lag_p99_seconds", "gauge", stats.lag_us_p99);
    add_seconds(out, "loop_lag_max_seconds", "gauge", stats.lag_us_max);
}

static void add_store(ez_buffer *out, ez_store *store)
{
    ez_store_stats stats;
    ez_store_get_stats(store, &stats);
    add(out, "store_commits_total", "counter", stats.commits);
    add(out, "store_writes_total", "counter", stats.writes);
    add_seconds(out, "store_commit_seconds_total", "counter", stats.commit_us_total);
    add_seconds(out, "store_commit_max_seconds", "gauge", stats.commit_us_max);
    add(out, "store_bytes", "gauge", stats.bytes);
}

void ez_app_metrics(void *self, ez_buffer *out)
{
    const ez_app *app = self;
    ez_process_metrics(out);
    add_driver(out, app->driver);
    add_store(out, app->store);
    add(out, "miner_hashes_total", "counter", ez_miner_hashes(app->miner));
}
