/* What must hold after every scenario, whatever it did. */
#include "run_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/text.h"

#include <stdlib.h>
#include <string.h>

#define REPLAYED_ALL_MAX 50 /* hosts; of more, a sample is replayed */
#define REPLAYED_SAMPLE  10
#define CONFIRM_BLOCKS   10
#define CONFIRM_PAUSE_MS 10000u

static void check_tip(ez_run *run)
{
    ez_node_status first, other;
    ez_node_get_status(ez_world_node(run->world, 1), &first);
    for (size_t host = 2; host <= ez_world_count(run->world); host++) {
        if (!ez_run_is_honest(run, host)) {
            continue;
        }
        ez_node_get_status(ez_world_node(run->world, host), &other);
        if (!ez_block_id_is_equal(&first.tip.id, &other.tip.id)) {
            ez_run_fail(run, "hosts 1 and %zu have different tips, at heights %llu and %llu", host,
                        (unsigned long long)first.tip.height, (unsigned long long)other.tip.height);
            return;
        }
    }
}

static void check_replays(ez_run *run)
{
    const size_t count = ez_world_count(run->world);
    const size_t wanted = count <= REPLAYED_ALL_MAX ? count : REPLAYED_SAMPLE;
    for (size_t i = 0; i < wanted; i++) {
        const size_t host = wanted == count ? i + 1 : 1 + ez_rng_below(&run->rng, count);
        if (ez_run_is_honest(run, host) && !ez_world_replays(run->world, host)) {
            ez_run_fail(run, "what host %zu stored is not what its chain says", host);
        }
    }
}

/* On the disk of the host that acknowledged it: in its chain, or waiting for a block. */
static void check_acknowledged(ez_run *run)
{
    for (size_t i = 0; i < run->acknowledged_count; i++) {
        const ez_acknowledged *const row = &run->acknowledged[i];
        ez_memory_store *const store = ez_world_store(run->world, row->host);
        const ez_store_port *const port = ez_memory_store_port(store);
        if (!ez_memory_store_has_pooled(store, &row->id) &&
            !port->find_tx(port->self, NULL, &row->id)) {
            ez_run_fail(run, "host %zu lost transaction %s, which it had acknowledged", row->host,
                        ez_hash_text(row->id.hash.bytes).text);
        }
    }
}

/* ---- pools ----------------------------------------------------------------------------------- */

static int by_turn(const void *a, const void *b)
{
    const ez_pool_entry *const one = *(const ez_pool_entry *const *)a;
    const ez_pool_entry *const other = *(const ez_pool_entry *const *)b;
    const int order = memcmp(&one->signer, &other->signer, sizeof(one->signer));
    return order != 0 ? order
                      : (one->sequence > other->sequence) - (one->sequence < other->sequence);
}

static uint64_t cost_of(const ez_pool_entry *entry)
{
    return entry->fee + (entry->kind == EZ_TX_TRANSFER ? entry->amount : 0);
}

/* The entries of one signer from `run` on, in order of their numbers: these go on from its account,
 * which can pay for them all. Returns how many there are; 0: they do not. */
static size_t judge_signer(const ez_node *node, const ez_pool_entry *const *list, size_t count)
{
    ez_account account;
    uint64_t cost = 0;
    size_t used = 0;
    ez_node_account(node, &account, &list[0]->signer);
    while (used < count && ez_public_key_is_equal(&list[used]->signer, &list[0]->signer)) {
        if (list[used]->sequence != account.sequence + used) {
            return 0;
        }
        cost += cost_of(list[used++]);
    }
    return cost <= account.balance ? used : 0;
}

/* Whether a block could take all that a pool holds, one after the other. */
static bool could_be_mined(const ez_node *node)
{
    const ez_pool *const pool = ez_node_pool(node);
    const ez_pool_entry **const list = ez_alloc(ez_pool_count(pool) + 1, sizeof(ez_pool_entry *));
    size_t count = 0, judged = 1;
    bool good = true;
    ez_tx_place place;
    for (const ez_pool_entry *at = ez_pool_first(pool); at != NULL; at = ez_pool_next(pool, at)) {
        good &= !ez_node_find_tx(node, &place, &at->id);
        if (at->from_address) {
            list[count++] = at;
        }
    }
    qsort((void *)list, count, sizeof(list[0]), by_turn);
    for (size_t i = 0; i < count && judged > 0; i += judged) {
        judged = judge_signer(node, &list[i], count - i);
    }
    free((void *)list);
    return good && judged > 0;
}

static void check_pools(ez_run *run)
{
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        if (ez_run_is_honest(run, host) && !could_be_mined(ez_world_node(run->world, host))) {
            ez_run_fail(run, "host %zu pools what no block could take", host);
        }
    }
}

/* A note that was promised and is in no block yet; NULL: there is none. */
static const ez_acknowledged *find_unconfirmed(const ez_run *run, size_t *from)
{
    const ez_node *const node = ez_world_node(run->world, 1);
    ez_tx_place place;
    for (; *from < run->acknowledged_count; ++*from) {
        const ez_acknowledged *const row = &run->acknowledged[*from];
        if (row->note && !ez_node_find_tx(node, &place, &row->id)) {
            return row;
        }
    }
    return NULL;
}

/* Whoever mines: a note has reached every pool, and nothing that it depends on can be missing. */
static void check_confirmed(ez_run *run)
{
    size_t from = 0;
    if (run->failure_count > 0 || run->adversary_count > 0) {
        return; /* a flood may outbid it for long */
    }
    for (int blocks = 0; find_unconfirmed(run, &from) != NULL && blocks < CONFIRM_BLOCKS;
         blocks++) {
        run_mine(run, run_random_honest(run));
        ez_world_run(run->world, CONFIRM_PAUSE_MS);
    }
    const ez_acknowledged *const row = find_unconfirmed(run, &from);
    if (row != NULL) {
        ez_run_fail(
            run, "transaction %s, which host %zu acknowledged at %.3f s, is in none of %d blocks",
            ez_hash_text(row->id.hash.bytes).text, row->host, (double)row->at / 1000,
            CONFIRM_BLOCKS);
    }
}

/* Who is dropped before its handshake is done is in no notice; without adversaries it is honest. */
static void check_faults(ez_run *run)
{
    const uint64_t count = ez_world_faults(run->world);
    if (count > 0 && run->adversary_count == 0) {
        ez_run_fail(run, "%llu honest peers were dropped for breaking a rule",
                    (unsigned long long)count);
    }
}

static void check_pending(ez_run *run)
{
    size_t busy = 0;
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        busy += ez_run_is_honest(run, host) && !ez_run_is_idle(run, host);
    }
    if (busy > 0) {
        ez_run_fail(run, "%zu hosts still wait for something", busy);
    }
    if (ez_run_pending(run) > 0) {
        ez_run_fail(run, "%zu clients were never answered", ez_run_pending(run));
    }
}

/* ---- links that were asked for --------------------------------------------------------------- */

static bool is_honest_address(const ez_run *run, const ez_manual_info *info)
{
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        const ez_endpoint endpoint = ez_world_endpoint(run->world, host);
        const ez_endpoint_string ip = ez_endpoint_ip_text(&endpoint);
        if (ez_run_is_honest(run, host) && strcmp(ip.text, info->host) == 0) {
            return true;
        }
    }
    return false;
}

/* A host that lacks a peer it was told to stay connected to, or 0. */
static size_t find_disconnected(const ez_run *run, ez_manual_info *missing)
{
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        ez_manual_info list[EZ_SCENARIO_MESH_MAX];
        const size_t all =
            ez_node_manual_peers(ez_world_node(run->world, host), list, EZ_SCENARIO_MESH_MAX);
        for (size_t i = 0; i < all && i < EZ_SCENARIO_MESH_MAX && ez_run_is_honest(run, host);
             i++) {
            if (!list[i].connected && is_honest_address(run, &list[i])) {
                *missing = list[i];
                return host;
            }
        }
    }
    return 0;
}

/* A pause between two dials is at most EZ_REDIAL_MS_MAX, and a link that died in silence is noticed
 * after EZ_SILENCE_MS_MAX; one such link may stand in the way of each dial. */
static void check_connected(ez_run *run)
{
    const ez_time_ms step = 1000, end = 2 * (EZ_REDIAL_MS_MAX + EZ_SILENCE_MS_MAX);
    ez_manual_info missing = {0};
    size_t host = find_disconnected(run, &missing);
    for (ez_time_ms waited = 0; host != 0 && waited < end; waited += step) {
        ez_world_run(run->world, step);
        host = find_disconnected(run, &missing);
    }
    if (host != 0) {
        ez_run_fail(run, "host %zu is not connected to %s, as it was told to be", host,
                    missing.host);
    }
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void check_peak(ez_run *run, const char *what, size_t peak, size_t max)
{
    if (peak > max) {
        ez_run_fail(run, "%s came to %zu, over its limit of %zu", what, peak, max);
    }
}

static void check_peaks(ez_run *run)
{
    const ez_peaks *const peaks = &run->peaks;
    check_peak(run, "pooled transactions", peaks->pool_count, EZ_POOL_COUNT_MAX);
    check_peak(run, "pooled bytes", peaks->pool_bytes, EZ_POOL_BYTES_MAX);
    check_peak(run, "orphans", peaks->orphan_count, EZ_ORPHAN_COUNT_MAX);
    check_peak(run, "parked transactions", peaks->parked_count, EZ_PARKED_COUNT_MAX);
    check_peak(run, "parked bytes", peaks->parked_bytes, EZ_PARKED_BYTES_MAX);
    check_peak(run, "known addresses", peaks->book_count, EZ_BOOK_NEW_MAX + EZ_BOOK_TRIED_MAX);
    check_peak(run, "headers beside the chain", peaks->side_headers,
               EZ_SIDE_HEADERS_MAX + (size_t)run->finders.count);
    check_peak(run, "bodies in flight", peaks->bodies_in_flight, EZ_BODIES_IN_FLIGHT_PEER);
    check_peak(run, "transactions in flight", peaks->txs_in_flight, EZ_TXS_IN_FLIGHT_PEER);
    check_peak(run, "bytes unread on a link", ez_world_unread_peak(run->world),
               EZ_OUTPUT_BYTES_MAX + 2 * EZ_FRAME_BYTES_MAX);
}

/* ---- what the scenario itself asks for ------------------------------------------------------- */

static void check_bound(ez_run *run, const char *what, uint64_t value, uint64_t max)
{
    if (value > max) {
        ez_run_fail(run, "%s is %llu; the scenario allows %llu", what, (unsigned long long)value,
                    (unsigned long long)max);
    }
}

static void check_least(ez_run *run, const char *what, uint64_t value, uint64_t min)
{
    if (value < min) {
        ez_run_fail(run, "%s is %llu; the scenario asks for %llu", what, (unsigned long long)value,
                    (unsigned long long)min);
    }
}

static void check_curve(ez_run *run, const ez_outcome *outcome, uint64_t errors_percent_max)
{
    const uint64_t off = outcome->ppm > outcome->curve_ppm ? outcome->ppm - outcome->curve_ppm
                                                           : outcome->curve_ppm - outcome->ppm;
    if (outcome->curve == NULL || outcome->error_ppm == 0) {
        ez_run_fail(run, "there is no curve, or too little to compare with it");
    } else {
        check_bound(run, "distance from the curve in hundredths of a standard error",
                    off * 100 / outcome->error_ppm, errors_percent_max);
    }
}

static void check_attack(ez_run *run, const ez_figures *figures)
{
    const ez_bounds *const bounds = &run->scenario->bounds;
    const ez_outcome *const outcome = &figures->outcome;
    check_least(run, "reorg_depth", figures->reorg_depth_max, bounds->reorg_depth_min);
    check_least(run, "faulted", run->faulted, bounds->faulted_min);
    check_bound(run, "faulted", run->faulted, bounds->faulted_max);
    check_least(run, "outcome_percent", outcome->ppm / 10000, bounds->outcome_percent_min);
    check_bound(run, "outcome_percent", outcome->ppm / 10000, bounds->outcome_percent_max);
    if (bounds->curve_errors_max != UINT64_MAX) {
        check_curve(run, outcome, bounds->curve_errors_max);
    }
}

static void check_bounds(ez_run *run)
{
    const ez_bounds *const bounds = &run->scenario->bounds;
    const ez_figures figures = run->figures;
    check_attack(run, &figures);
    check_bound(run, "block_p99_ms", figures.block_ms[2], bounds->block_p99_ms_max);
    check_bound(run, "tx_p99_ms", figures.tx_ms[2], bounds->tx_p99_ms_max);
    check_bound(run, "block_ratio in per cent", figures.block_ratio_percent[0],
                bounds->block_ratio_percent_max);
    check_bound(run, "tx_ratio in per cent", figures.tx_ratio_percent[0],
                bounds->tx_ratio_percent_max);
    check_bound(run, "tx_copies in per cent", figures.tx_copies_percent,
                bounds->tx_copies_percent_max);
    check_bound(run, "stale_percent", figures.stale_percent, bounds->stale_percent_max);
    check_bound(run, "reorg_depth", figures.reorg_depth_max, bounds->reorg_depth_max);
    check_least(run, "height", figures.height, bounds->height_min);
}

void ez_run_check(ez_run *run)
{
    run->figures = ez_run_figures(run);
    run->is_over = true;
    check_tip(run);
    check_replays(run);
    check_acknowledged(run);
    check_pools(run);
    check_faults(run);
    check_pending(run);
    check_bounds(run);
    check_connected(run); /* these take their time */
    check_confirmed(run);
    check_peaks(run);
}
