#include "report.h"

#include "ezp2p/base/text.h"

#include <inttypes.h>
#include <string.h>

static uint64_t per_second(uint64_t count, uint64_t ms)
{
    return ms == 0 ? 0 : count * 1000 / ms;
}

static void row_ms(ez_buffer *out, const char *name, const uint64_t values[3], const char *unit)
{
    ez_buffer_printf(out, "  %-24s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %s\n", name, values[0],
                     values[1], values[2], unit);
}

static void row(ez_buffer *out, const char *name, uint64_t value, const char *unit)
{
    ez_buffer_printf(out, "  %-24s %8" PRIu64 "  %s\n", name, value, unit);
}

static void row_hundredths(ez_buffer *out, const char *name, uint64_t value, const char *unit)
{
    ez_buffer_printf(out, "  %-24s %5" PRIu64 ".%02" PRIu64 "  %s\n", name, value / 100,
                     value % 100, unit);
}

static void table_of_chain(ez_buffer *out, const ez_run *run, const ez_figures *figures)
{
    row(out, "nodes", figures->nodes, "");
    row(out, "links", figures->links, "");
    row(out, "height", figures->height, "");
    row(out, "blocks mined", figures->blocks, "");
    row(out, "stale", figures->stale_percent, "%");
    row(out, "reorganisations", figures->reorgs, "");
    row(out, "deepest", figures->reorg_depth_max, "blocks");
    row(out, "transactions", run->txs_submitted, "submitted");
    row(out, "", run->acknowledged_count, "acknowledged");
    row(out, "", run->txs_refused, "refused");
    row_hundredths(out, "transaction copies", figures->tx_copies_percent, "per node");
    row_hundredths(out, "block announcements", figures->block_copies_percent, "per node");
    row(out, "bodies received", figures->bodies_received, "");
    row(out, "of them rebuilt", figures->bodies_rebuilt, "");
    row(out, "bytes received", figures->bytes_per_node, "per node");
    row(out, "requests expired", figures->requests_expired, "");
}

/* Millionths as per cent. */
static void row_ppm(ez_buffer *out, const char *name, uint64_t ppm, const char *unit)
{
    row_hundredths(out, name, (ppm + 50) / 100, unit);
}

static void table_of_attack(ez_buffer *out, const ez_run *run, const ez_figures *figures)
{
    const ez_outcome *const outcome = &figures->outcome;
    if (run->adversary_count == 0) {
        return;
    }
    row(out, "adversaries", run->adversary_count, "");
    row(out, "dropped for a fault", run->faulted, "times");
    row(out, "they made up and sent", figures->attack.sent, "");
    row(out, "pool at most", run->peaks.pool_count, "");
    row(out, "orphans at most", run->peaks.orphan_count, "");
    row(out, "headers off the chain", run->peaks.side_headers, "at most");
    row(out, "blocks they found", run->finders.adversaries, "");
    row(out, "kept secret at first", figures->attack.held, "");
    if (figures->attack.attempts > 0) {
        row(out, "attempts", figures->attack.attempts, "");
        row(out, "successes", figures->attack.successes, "");
    }
    if (figures->attack.book > 0) {
        row(out, "addresses in books", figures->attack.book, "of victims");
        row(out, "its own among them", figures->attack.book_taken, "");
    }
    if (outcome->of != NULL) {
        row_ppm(out, outcome->of, outcome->ppm, "%");
        row_ppm(out, "standard error", outcome->error_ppm, "%");
    }
    if (figures->attack.races > 0) {
        row(out, "races decided by others", figures->attack.races, "");
        row_hundredths(out, "gamma", outcome->gamma_milli / 10, "");
    }
    if (outcome->curve != NULL) {
        row_ppm(out, "expected", outcome->curve_ppm, "%");
    }
}

void ez_report_table(ez_buffer *out, const ez_run *run, const ez_cost *cost)
{
    const ez_figures figures = run->figures;
    const uint64_t virtual_ms = ez_world_now(run->world).mono;
    table_of_chain(out, run, &figures);
    table_of_attack(out, run, &figures);
    ez_buffer_printf(out, "  %-24s %8s %8s %8s\n", "", "p50", "p90", "p99");
    row_ms(out, "block reaches a node", figures.block_ms, "ms");
    row_ms(out, "over its shortest path", figures.block_ratio_percent, "%");
    row_ms(out, "transaction does", figures.tx_ms, "ms");
    row_ms(out, "over its shortest path", figures.tx_ratio_percent, "%");
    row(out, "settled after", run->settled_after_ms, run->settled ? "ms" : "ms: NOT SETTLED");
    row(out, "events", ez_world_steps(run->world), "");
    row(out, "events a second", per_second(ez_world_steps(run->world), cost->cpu_ms),
        "of processor time");
    row(out, "virtual time", virtual_ms, "ms");
    row(out, "real time", cost->real_ms, "ms");
    row(out, "processor time", cost->cpu_ms, "ms");
    row(out, "memory", cost->memory_kib / 1024, "MiB");
    ez_buffer_printf(out, "  %-24s %016" PRIx64 "\n", "hash", ez_world_digest(run->world));
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* What ez_text_escape leaves needs only its backslashes doubled. */
void ez_report_json_text(ez_buffer *out, const char *text)
{
    char safe[512];
    ez_text_escape(safe, sizeof(safe), text, strlen(text));
    ez_buffer_add_u8(out, '"');
    for (const char *at = safe; *at != '\0'; at++) {
        if (*at == '\\' || *at == '"') {
            ez_buffer_add_u8(out, '\\');
        }
        ez_buffer_add_u8(out, (uint8_t)*at);
    }
    ez_buffer_add_u8(out, '"');
}

static void json_number(ez_buffer *out, const char *name, uint64_t value)
{
    ez_buffer_printf(out, ",\"%s\":%" PRIu64, name, value);
}

static void json_hundredths(ez_buffer *out, const char *name, uint64_t value)
{
    ez_buffer_printf(out, ",\"%s\":%" PRIu64 ".%02" PRIu64, name, value / 100, value % 100);
}

static void json_percentiles(ez_buffer *out, const char *name, const uint64_t values[3])
{
    ez_buffer_printf(out, ",\"%s\":{\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64 "}",
                     name, values[0], values[1], values[2]);
}

static void json_failures(ez_buffer *out, const ez_run *run)
{
    const char *at = (const char *)run->failures.data;
    const char *const end = at == NULL ? NULL : at + run->failures.size;
    ez_buffer_add_text(out, ",\"failures\":[");
    for (bool is_first = true; at != end; is_first = false) {
        const char *const newline = memchr(at, '\n', (size_t)(end - at));
        char line[400] = {0};
        const size_t size = (size_t)(newline - at);
        memcpy(line, at, size < sizeof(line) ? size : sizeof(line) - 1);
        ez_buffer_add_text(out, is_first ? "" : ",");
        ez_report_json_text(out, line);
        at = newline + 1;
    }
    ez_buffer_add_text(out, "]");
}

static void json_ppm(ez_buffer *out, const char *name, uint64_t ppm)
{
    ez_buffer_printf(out, ",\"%s\":%" PRIu64 ".%06" PRIu64, name, ppm / 1000000, ppm % 1000000);
}

static void json_attack(ez_buffer *out, const ez_run *run, const ez_figures *figures)
{
    const ez_attack_plan *const plan = &run->scenario->adversary;
    const ez_outcome *const outcome = &figures->outcome;
    if (run->adversary_count == 0) {
        return;
    }
    ez_buffer_add_text(out, ",\"attack\":{\"kind\":");
    ez_report_json_text(out, ez_attack_name(plan->kinds[0]));
    json_number(out, "adversaries", run->adversary_count);
    json_number(out, "faulted", run->faulted);
    json_number(out, "sent", figures->attack.sent);
    json_ppm(out, "share", plan->share_milli * UINT64_C(1000));
    json_ppm(out, "reach", plan->reach_milli * UINT64_C(1000));
    json_number(out, "pool_peak", run->peaks.pool_count);
    json_number(out, "orphan_peak", run->peaks.orphan_count);
    json_number(out, "side_headers_peak", run->peaks.side_headers);
    json_number(out, "found", run->finders.adversaries);
    json_number(out, "held", figures->attack.held);
    json_number(out, "races", figures->attack.races);
    json_ppm(out, "gamma", outcome->gamma_milli * 1000);
    json_number(out, "trials", outcome->trials);
    json_number(out, "attempts", figures->attack.attempts);
    json_number(out, "successes", figures->attack.successes);
    json_number(out, "groups", plan->groups);
    json_number(out, "book", figures->attack.book);
    json_number(out, "book_taken", figures->attack.book_taken);
    json_number(out, "confirmations", plan->confirmations);
    json_ppm(out, "outcome", outcome->ppm);
    json_ppm(out, "outcome_error", outcome->error_ppm);
    json_ppm(out, "expected", outcome->curve_ppm);
    ez_buffer_add_text(out, "}");
}

void ez_report_json(ez_buffer *out, const ez_run *run, const ez_cost *cost, const char *scenario,
                    const char *commit)
{
    const ez_figures figures = run->figures;
    ez_buffer_add_text(out, "{\"scenario\":");
    ez_report_json_text(out, scenario);
    ez_buffer_add_text(out, ",\"commit\":");
    ez_report_json_text(out, commit);
    json_number(out, "seed", run->seed);
    json_number(out, "nodes", figures.nodes);
    json_number(out, "links", figures.links);
    json_number(out, "height", figures.height);
    json_number(out, "blocks", figures.blocks);
    json_number(out, "stale_percent", figures.stale_percent);
    json_number(out, "reorgs", figures.reorgs);
    json_number(out, "reorg_depth_max", figures.reorg_depth_max);
    json_number(out, "tx_submitted", run->txs_submitted);
    json_number(out, "tx_acknowledged", run->acknowledged_count);
    json_number(out, "tx_refused", run->txs_refused);
    json_number(out, "tx_steady", run->txs.born);
    json_hundredths(out, "tx_copies", figures.tx_copies_percent);
    json_hundredths(out, "block_announcements", figures.block_copies_percent);
    json_number(out, "bytes_per_node", figures.bytes_per_node);
    json_number(out, "requests_expired", figures.requests_expired);
    json_percentiles(out, "block_ms", figures.block_ms);
    json_percentiles(out, "block_ratio_percent", figures.block_ratio_percent);
    json_percentiles(out, "tx_ms", figures.tx_ms);
    json_percentiles(out, "tx_ratio_percent", figures.tx_ratio_percent);
    ez_buffer_printf(out, ",\"settled\":%s", run->settled ? "true" : "false");
    json_number(out, "settled_after_ms", run->settled_after_ms);
    json_number(out, "events", ez_world_steps(run->world));
    json_number(out, "virtual_ms", ez_world_now(run->world).mono);
    json_number(out, "real_ms", cost->real_ms);
    json_number(out, "cpu_ms", cost->cpu_ms);
    json_number(out, "memory_kib", cost->memory_kib);
    json_attack(out, run, &figures);
    ez_buffer_printf(out, ",\"hash\":\"%016" PRIx64 "\"", ez_world_digest(run->world));
    json_failures(out, run);
    ez_buffer_add_text(out, "}\n");
}
