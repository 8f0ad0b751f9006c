#include "run_internal.h"

#include <stdlib.h>

static const unsigned percents[3] = {50, 90, 99};

static void fill_percentiles(uint64_t out[3], const ez_histogram *histogram)
{
    for (size_t i = 0; i < 3; i++) {
        out[i] = ez_histogram_at(histogram, percents[i]);
    }
}

static uint64_t in_percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : part * 100 / whole;
}

ez_totals ez_run_totals(const ez_run *run)
{
    ez_totals out = {0};
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        if (ez_run_is_honest(run, host)) {
            ez_node_counters counters;
            ez_world_counters(run->world, &counters, host);
            out.bytes += counters.message_bytes_in;
            out.txs_received += counters.txs_received;
            out.txs_duplicate += counters.txs_duplicate;
        }
    }
    return out;
}

static void fill_totals(ez_figures *out, const ez_run *run)
{
    const ez_totals totals = ez_run_totals(run);
    const uint64_t received = totals.txs_received - run->unsteady.txs_received;
    const uint64_t duplicates = totals.txs_duplicate - run->unsteady.txs_duplicate;
    uint64_t announcements = 0, connected = 0;
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        if (!ez_run_is_honest(run, host)) {
            continue;
        }
        ez_node_counters counters;
        ez_world_counters(run->world, &counters, host);
        announcements += counters.messages_in[EZ_MSG_ANNOUNCE_BLOCK];
        connected += counters.blocks_connected - counters.blocks_mined;
        out->bodies_received += counters.bodies_received;
        out->bodies_rebuilt += counters.bodies_rebuilt;
        out->requests_expired += counters.requests_expired;
    }
    out->bytes_per_node = (totals.bytes - run->unsteady.bytes) / out->nodes;
    out->tx_copies_percent = in_percent(received, received - duplicates);
    out->block_copies_percent = in_percent(announcements, connected);
}

ez_figures ez_run_figures(const ez_run *run)
{
    ez_figures out = {.nodes = ez_world_count(run->world) - run->adversary_count};
    ez_world_link *links;
    const ez_node *const node = ez_world_node(run->world, 1);
    out.links = ez_world_links(run->world, &links);
    free(links);
    if (node != NULL) {
        ez_node_status status;
        ez_node_get_status(node, &status);
        out.height = status.tip.height;
    }
    out.blocks = run->finders.count;
    if (out.height > 0 && out.blocks > out.height - 1) {
        out.stale_percent = in_percent(out.blocks - (out.height - 1), out.blocks);
    }
    out.reorgs = run->reorg_depth.total;
    out.reorg_depth_max = ez_histogram_at(&run->reorg_depth, 100);
    fill_percentiles(out.block_ms, &run->blocks.arrival_ms);
    fill_percentiles(out.tx_ms, &run->txs.arrival_ms);
    fill_percentiles(out.block_ratio_percent, &run->blocks.ratio_percent);
    fill_percentiles(out.tx_ratio_percent, &run->txs.ratio_percent);
    fill_totals(&out, run);
    run_fill_attack(run, &out);
    return out;
}
