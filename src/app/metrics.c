#include "app_internal.h"

#include <inttypes.h>

typedef enum metric_kind { GAUGE, COUNTER } metric_kind;

static void add_head(ez_buffer *out, const char *name, metric_kind kind, const char *help)
{
    ez_buffer_printf(out, "# HELP ezp2p_%s %s\n# TYPE ezp2p_%s %s\n", name, help, name,
                     kind == GAUGE ? "gauge" : "counter");
}

static void add(ez_buffer *out, const char *name, metric_kind kind, const char *help,
                uint64_t value)
{
    add_head(out, name, kind, help);
    ez_buffer_printf(out, "ezp2p_%s %" PRIu64 "\n", name, value);
}

/* What is text goes into a label, by custom beside the value 1. */
static void add_miner(ez_buffer *out, const ez_miner *miner)
{
    add(out, "miner_hashes_total", COUNTER, "hashes tried", ez_miner_hashes(miner));
    const char *version = ez_miner_version(miner);
    if (version != NULL) {
        add_head(out, "miner_info", GAUGE, "the instructions that proofs are searched with");
        ez_buffer_printf(out, "ezp2p_miner_info{version=\"%s\"} 1\n", version);
    }
}

/* Prometheus counts time in seconds. */
static void add_us(ez_buffer *out, const char *name, metric_kind kind, const char *help,
                   uint64_t us)
{
    add_head(out, name, kind, help);
    ez_buffer_printf(out, "ezp2p_%s %" PRIu64 ".%06" PRIu64 "\n", name, us / 1000000, us % 1000000);
}

static void add_lag(ez_buffer *out, const ez_lag_histogram *lag)
{
    ez_buffer_printf(out, "# HELP ezp2p_loop_lag_seconds how late the event loop came round\n"
                          "# TYPE ezp2p_loop_lag_seconds histogram\n");
    for (unsigned i = 0; i < EZ_LAG_EDGES; i++) {
        ez_buffer_printf(
            out, "ezp2p_loop_lag_seconds_bucket{le=\"%" PRIu64 ".%06" PRIu64 "\"} %" PRIu64 "\n",
            ez_lag_edges_us[i] / 1000000, ez_lag_edges_us[i] % 1000000, lag->counts[i]);
    }
    ez_buffer_printf(out,
                     "ezp2p_loop_lag_seconds_bucket{le=\"+Inf\"} %" PRIu64
                     "\nezp2p_loop_lag_seconds_sum %" PRIu64 ".%06" PRIu64
                     "\nezp2p_loop_lag_seconds_count %" PRIu64 "\n",
                     lag->count, lag->sum_us / 1000000, lag->sum_us % 1000000, lag->count);
}

static void add_driver(ez_buffer *out, const ez_driver *driver)
{
    ez_driver_stats s;
    ez_driver_get_stats(driver, &s);
    add(out, "net_links", GAUGE, "open connections to peers", s.links);
    add(out, "net_accepted_total", COUNTER, "connections accepted", s.accepted);
    add(out, "net_refused_total", COUNTER, "connections refused at once", s.refused);
    add(out, "net_received_bytes_total", COUNTER, "bytes read from peers", s.bytes_in);
    add(out, "net_sent_bytes_total", COUNTER, "bytes written to peers", s.bytes_out);
    add(out, "jobs_queued", GAUGE, "checks waiting for a worker", s.jobs_queued);
    add(out, "jobs_done_total", COUNTER, "checks done by workers", s.jobs_done);
    add(out, "jobs_inline_total", COUNTER, "small checks done on the loop", s.jobs_inline);
    add_us(out, "loop_lag_p50_seconds", GAUGE, "median lateness of the loop", s.lag_us_p50);
    add_us(out, "loop_lag_p99_seconds", GAUGE, "99th percentile of it", s.lag_us_p99);
    add_us(out, "loop_lag_max_seconds", GAUGE, "the worst of the last minute", s.lag_us_max);
    add_lag(out, &s.lag);
}

static void add_verifier(ez_buffer *out, const ez_verifier *verifier)
{
    ez_verifier_stats s;
    ez_verifier_get_stats(verifier, &s);
    add(out, "signatures_by_table_total", COUNTER, "signatures found good by a table of their key",
        s.by_table);
    add(out, "signatures_by_libsodium_total", COUNTER, "signatures checked by libsodium",
        s.by_libsodium);
    add(out, "signature_tables_made_total", COUNTER, "tables made for keys that sign often",
        s.tables_made);
    add(out, "signatures_disputed_total", COUNTER,
        "refused by a table, accepted by libsodium: a bug", s.disputed);
}

static void add_store(ez_buffer *out, ez_store *store)
{
    ez_store_stats s;
    ez_store_get_stats(store, &s);
    add(out, "store_commits_total", COUNTER, "commits", s.commits);
    add(out, "store_writes_total", COUNTER, "writes made durable", s.writes);
    add_us(out, "store_commit_seconds_total", COUNTER, "time in commits", s.commit_us_total);
    add_us(out, "store_commit_max_seconds", GAUGE, "the slowest commit", s.commit_us_max);
    add(out, "store_bytes", GAUGE, "size of the database and its log", s.bytes);
}

void ez_app_metrics(void *self, ez_buffer *out)
{
    const ez_app *app = self;
    ez_process_metrics(out);
    add_driver(out, app->driver);
    add_verifier(out, app->verifier);
    add_store(out, app->store);
    add_miner(out, app->miner);
}
