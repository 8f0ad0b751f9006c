#include "bend.h"
#include "run_internal.h"
#include "series.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define EASY_BITS       0x207fffffu /* every second hash is a proof: work that costs nothing */
#define GENESIS_TIME_US 1700000000000000u
#define REWARD          50u
#define SAMPLE_MS       1000u
#define SAMPLED_MAX     200u /* hosts looked at in each sample */
#define SETTLE_STEP_MS  100u
#define TIE_MS_MIN      5000u /* before a tie is broken by one more block */
#define SEEDS_EACH      2     /* hosts that a newcomer is told of */
#define OUTBOUND_USUAL  8
#define INBOUND_USUAL   64 /* at least EZ_SCENARIO_MESH_MAX */

/* ---- what the network tells ------------------------------------------------------------------ */

static bool *expected_at(const ez_run *run, size_t origin)
{
    const size_t count = ez_world_count(run->world);
    bool *const waiting = ez_alloc(count + 1, sizeof(*waiting));
    for (size_t host = 1; host <= count; host++) {
        waiting[host] = host != origin && run_is_honest_and_awake(run, host) &&
                        (run->sides == NULL || run->sides[host] == run->sides[origin]);
    }
    return waiting;
}

static void born(ez_run *run, ez_spread *spread, const ez_hash *id, size_t host)
{
    ez_world_link *links;
    const size_t count = ez_world_count(run->world);
    const size_t link_count = ez_world_links(run->world, &links);
    uint32_t *const shortest = ez_shortest_paths(links, link_count, count, host);
    free(links);
    ez_spread_born(spread, id, ez_world_now(run->world).mono, expected_at(run, host), shortest,
                   count);
}

/* The first complaint of one host about another says more than their number. */
static void note_fault(ez_run *run, size_t host, const ez_notice *notice)
{
    const size_t other = ez_world_host_at(run->world, &notice->endpoint);
    if (!notice->by_us || !ez_goodbye_is_fault(notice->reason) || !ez_run_is_honest(run, host)) {
        return;
    }
    if (!ez_run_is_honest(run, other)) {
        run->faulted++;
    } else {
        ez_run_fail(run, "host %zu dropped an honest peer, for %s", host,
                    ez_goodbye_code(notice->reason));
    }
}

/* At equal work the first seen stays, so whoever changes chains has gained. */
static void note_reorg(ez_run *run, size_t host, const ez_notice *notice)
{
    const ez_node *const node = ez_world_node(run->world, host);
    ez_block_info before, after;
    ez_histogram_add(&run->reorg_depth, notice->depth);
    if (!ez_node_block_by_id(node, &before, &notice->old_tip) ||
        !ez_node_block_by_id(node, &after, &notice->block) || before.invalid) {
        return;
    }
    if (ez_work_compare(&after.work, &before.work) <= 0) {
        ez_run_fail(run, "host %zu left its chain for one of no more work", host);
    }
}

static void on_notice(void *self, size_t host, const ez_notice *notice)
{
    ez_run *const run = self;
    const ez_time_ms now = ez_world_now(run->world).mono;
    if (run->is_over && (notice->type == EZ_NOTICE_BLOCK || notice->type == EZ_NOTICE_TX)) {
        return;
    }
    switch (notice->type) {
    case EZ_NOTICE_BLOCK:
        if (run->series != NULL) {
            ez_series_block(run->series, run, host, &notice->block);
        }
        if (notice->own) {
            ez_finders_add(&run->finders, &notice->block, !ez_run_is_honest(run, host));
        }
        if (!ez_run_is_honest(run, host)) {
            break; /* what it tells when is its own business */
        }
        if (notice->own && !ez_spread_knows(&run->blocks, &notice->block.hash)) {
            born(run, &run->blocks, &notice->block.hash, host);
        } else {
            ez_spread_arrived(&run->blocks, &notice->block.hash, now, host);
        }
        break;
    case EZ_NOTICE_TX:
        if (!ez_run_is_honest(run, host)) {
            break;
        }
        if (notice->own && !ez_spread_knows(&run->txs, &notice->tx.hash)) {
            if (run->is_steady) {
                born(run, &run->txs, &notice->tx.hash, host);
            }
        } else {
            ez_spread_arrived(&run->txs, &notice->tx.hash, now, host);
        }
        break;
    case EZ_NOTICE_REORG:
        if (ez_run_is_honest(run, host)) {
            note_reorg(run, host, notice);
        }
        break;
    case EZ_NOTICE_PEER_DOWN:
        note_fault(run, host, notice);
        break;
    case EZ_NOTICE_PEER_UP:
        break;
    }
}

static void keep_acknowledged(ez_run *run, size_t host, const ez_reply *reply, bool is_note)
{
    if (run->acknowledged_count == run->acknowledged_capacity) {
        run->acknowledged_capacity = run->acknowledged_capacity * 2 + 64;
        run->acknowledged =
            ez_realloc(run->acknowledged, run->acknowledged_capacity, sizeof(*run->acknowledged));
    }
    run->acknowledged[run->acknowledged_count++] =
        (ez_acknowledged){.id = reply->tx_id,
                          .host = host,
                          .at = ez_world_now(run->world).mono,
                          .paid = reply->command == EZ_COMMAND_SUBMIT_TX,
                          .note = is_note};
}

static void on_reply(void *self, size_t host, const ez_reply *reply)
{
    ez_run *const run = self;
    ez_request *request = NULL;
    HASH_FIND(hh, run->requests, &reply->request, sizeof(reply->request), request);
    if (request == NULL) {
        return; /* of a shutdown */
    }
    const bool is_note = request->note;
    HASH_DEL(run->requests, request);
    free(request);
    if (reply->command == EZ_COMMAND_SUBMIT_ENTRY || reply->command == EZ_COMMAND_SUBMIT_TX) {
        if (reply->rule == EZ_RULE_OK) {
            keep_acknowledged(run, host, reply, is_note);
        } else {
            run->txs_refused++;
        }
    }
}

/* ---- the beginning --------------------------------------------------------------------------- */

static ez_network easy_network(void)
{
    ez_network network = {.name = "ezsim",
                          .first_bits = EASY_BITS,
                          .reward = REWARD,
                          .body_bytes_max = EZ_BLOCK_BODY_BYTES_MAX};
    network.genesis.version = EZ_HEADER_VERSION;
    network.genesis.index = 1;
    network.genesis.previous.hash.bytes[EZ_HASH_BYTES - 1] = 1;
    ez_merkle_root(&network.genesis.merkle_root, NULL, 0);
    network.genesis.timestamp = GENESIS_TIME_US;
    network.genesis.bits = EASY_BITS;
    network.genesis.proof = 100;
    ez_header_id(&network.genesis_id, &network.genesis);
    return network;
}

static void add_regular(ez_run *run)
{
    const size_t per_host = run->scenario->links / 2;
    size_t *const dials =
        ez_topology_regular(&run->rng, run->scenario->nodes, run->scenario->links);
    for (size_t host = 0; host < run->scenario->nodes; host++) {
        size_t *const own = &dials[host * per_host];
        size_t count = 0;
        for (size_t k = 0; k < per_host; k++) {
            if (own[k] != 0) {
                own[count++] = own[k];
            }
        }
        ez_world_add(run->world, own, count);
    }
    free(dials);
}

/* Everybody is told of everybody; among many, of those with the next numbers on either side. */
static void add_mesh(ez_run *run)
{
    const size_t nodes = run->scenario->nodes;
    const size_t others = nodes - 1 < EZ_SCENARIO_MESH_MAX ? nodes - 1 : EZ_SCENARIO_MESH_MAX;
    size_t peers[EZ_SCENARIO_MESH_MAX] = {0};
    for (size_t host = 0; host < nodes; host++) {
        for (size_t k = 0; k < others; k++) {
            const size_t step = k % 2 == 0 ? k / 2 + 1 : nodes - (k / 2 + 1);
            peers[k] = 1 + (host + step) % nodes;
        }
        ez_world_add(run->world, peers, others);
    }
}

bool ez_run_is_honest(const ez_run *run, size_t host)
{
    const size_t nodes = run->scenario->nodes;
    return host > 0 && (host <= nodes || host > nodes + run->adversary_count);
}

size_t run_random_honest(ez_run *run)
{
    const size_t count = ez_world_count(run->world);
    const size_t adversaries = count > run->scenario->nodes ? run->adversary_count : 0;
    const size_t at = 1 + ez_rng_below(&run->rng, count - adversaries);
    return at <= run->scenario->nodes ? at : at + adversaries;
}

/* A newcomer knows a few that came before it. */
size_t run_join(ez_run *run)
{
    size_t peers[SEEDS_EACH];
    const size_t before = ez_world_count(run->world);
    const size_t count = before < SEEDS_EACH ? before : SEEDS_EACH;
    for (size_t i = 0; i < count; i++) {
        peers[i] = run_random_honest(run);
    }
    return ez_world_add(run->world, peers, count > 1 && peers[0] == peers[1] ? 1 : count);
}

static ez_world *new_world(ez_run *run, bool share_checks, const ez_recording *recording)
{
    const ez_scenario *const scenario = run->scenario;
    const bool finds = scenario->topology == EZ_TOPOLOGY_DISCOVERY;
    const ez_world_config config = {
        .network = easy_network(),
        .seed = run->seed,
        .latency_ms = scenario->latency_min_ms == 0 ? 1 : scenario->latency_min_ms,
        .latency = ez_distance_ms,
        .latency_self = &run->distances,
        .commit_ms = scenario->commit_ms,
        .fragment_bytes = scenario->fragment_bytes,
        .fragment_random = scenario->fragment_random,
        .send_bytes_per_s = scenario->bandwidth,
        .public_addresses = scenario->public_addresses,
        .silent = !finds,
        .outbound_max = finds ? OUTBOUND_USUAL : 0,
        .inbound_max = INBOUND_USUAL + scenario->links + scenario->adversary.count,
        .share_checks = share_checks,
        .relays = scenario->relays,
        .relay_count = scenario->relay_count,
        .watcher = &run->watcher,
        .recording = recording};
    return ez_world_new(&config);
}

ez_run *ez_run_new(const ez_scenario *scenario, uint64_t seed, bool share_checks)
{
    return ez_run_new_recorded(scenario, seed, share_checks, NULL);
}

ez_run *ez_run_new_recorded(const ez_scenario *scenario, uint64_t seed, bool share_checks,
                            const ez_recording *recording)
{
    ez_run *const run = ez_alloc(1, sizeof(*run));
    uint8_t bytes[16] = "scenario";
    memcpy(bytes + 8, &seed, sizeof(seed));
    ez_rng_init(&run->rng, bytes);
    EZ_ASSERT(ez_crypto_init() == EZ_OK);
    run->scenario = scenario;
    run->seed = seed;
    run->watcher = (ez_watcher){run, on_notice, on_reply};
    run->distances = (ez_distances){.model = scenario->latency,
                                    .min_ms = scenario->latency_min_ms,
                                    .max_ms = scenario->latency_max_ms,
                                    .key = ez_rng_key(&run->rng),
                                    .special_first = scenario->nodes + 1,
                                    .special_last = scenario->nodes + scenario->adversary.count,
                                    .special_ms = scenario->adversary.latency_ms};
    run->world = new_world(run, share_checks, recording);
    switch (scenario->topology) {
    case EZ_TOPOLOGY_REGULAR:
        add_regular(run);
        break;
    case EZ_TOPOLOGY_MESH:
        add_mesh(run);
        break;
    case EZ_TOPOLOGY_DISCOVERY:
        while (ez_world_count(run->world) < scenario->nodes) {
            run_join(run);
        }
        break;
    }
    run_add_adversaries(run);
    run->next_block = run->next_sample = EZ_TIME_NEVER;
    run->next_tx_us = UINT64_MAX;
    if (scenario->block_interval_ms > 0) {
        run->next_block =
            scenario->warmup_ms + run_draw_pause(&run->rng, scenario->block_interval_ms);
    }
    if (scenario->tx_per_1000_s > 0) {
        run->next_tx_us = scenario->warmup_ms * 1000;
    }
    run->next_sample = SAMPLE_MS;
    run->is_steady = scenario->steady_ms == 0;
    return run;
}

void ez_run_free(ez_run *run)
{
    if (run == NULL) {
        return;
    }
    run_free_adversaries(run);
    ez_world_free(run->world);
    ez_finders_clear(&run->finders);
    ez_request *request, *next;
    HASH_ITER (hh, run->requests, request, next) {
        HASH_DEL(run->requests, request);
        free(request);
    }
    ez_spread_clear(&run->blocks);
    ez_spread_clear(&run->txs);
    ez_buffer_clear(&run->failures);
    for (size_t i = 0; i < EZ_SIGNED_NOTES_KEPT; i++) {
        ez_buffer_clear(&run->signed_notes[i]);
    }
    free(run->acknowledged);
    free(run->sides);
    free(run->wiped);
    free(run);
}

void ez_run_fail(ez_run *run, const char *format, ...)
{
    char text[200];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    const uint64_t ms = ez_world_now(run->world).mono;
    if (run->failure_count++ < 20) { /* the first say it all */
        ez_buffer_printf(&run->failures, "at %llu.%03llu s, step %llu: %s\n",
                         (unsigned long long)ms / 1000, (unsigned long long)ms % 1000,
                         (unsigned long long)ez_world_steps(run->world), text);
    }
}

/* ---- samples --------------------------------------------------------------------------------- */

#define RAISE(peak, value) ((peak) = (value) > (peak) ? (value) : (peak))

static void sample_host(ez_run *run, size_t host)
{
    const ez_node *const node = ez_world_node(run->world, host);
    const ez_node_flight flight = ez_node_get_flight(node);
    ez_node_status status;
    ez_node_get_status(node, &status);
    RAISE(run->peaks.pool_count, status.pool_count);
    RAISE(run->peaks.pool_bytes, status.pool_bytes);
    RAISE(run->peaks.orphan_count, status.orphan_count);
    RAISE(run->peaks.parked_count, status.parked_count);
    RAISE(run->peaks.parked_bytes, status.parked_bytes);
    RAISE(run->peaks.book_count, status.book_count);
    RAISE(run->peaks.links, status.links);
    RAISE(run->peaks.side_headers, status.tree_count - (size_t)status.best_header_height);
    RAISE(run->peaks.bodies_in_flight, flight.bodies);
    RAISE(run->peaks.txs_in_flight, flight.txs);
}

static void sample(ez_run *run)
{
    const size_t count = ez_world_count(run->world);
    for (size_t i = 0; i < count && i < SAMPLED_MAX; i++) {
        run->next_sampled = run->next_sampled % count + 1;
        if (ez_run_is_honest(run, run->next_sampled) &&
            ez_world_node(run->world, run->next_sampled) != NULL) {
            sample_host(run, run->next_sampled);
        }
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static ez_time_ms next_due(const ez_run *run)
{
    const ez_scenario *const scenario = run->scenario;
    ez_time_ms due = run->next_sample;
    if (run->next_action < scenario->action_count) {
        const ez_time_ms action_at = scenario->actions[run->next_action].at;
        due = action_at < due ? action_at : due;
    }
    due = run->next_block < due ? run->next_block : due;
    due = !run->is_steady && scenario->steady_ms < due ? scenario->steady_ms : due;
    due = run_adversaries_due(run) < due ? run_adversaries_due(run) : due;
    return run->next_tx_us / 1000 < due ? run->next_tx_us / 1000 : due;
}

static void do_due(ez_run *run)
{
    const ez_scenario *const scenario = run->scenario;
    const ez_time_ms now = ez_world_now(run->world).mono;
    while (run->next_action < scenario->action_count &&
           scenario->actions[run->next_action].at <= now) {
        run_act(run, &scenario->actions[run->next_action++]);
    }
    run_adversaries_act(run);
    if (!run->is_steady && scenario->steady_ms <= now) {
        run->is_steady = true;
        run->unsteady = ez_run_totals(run);
    }
    if (run->next_block <= now) {
        run_mine_by_share(run);
        run->next_block = now + 1 + run_draw_pause(&run->rng, scenario->block_interval_ms);
    }
    while (run->next_tx_us / 1000 <= now) {
        run_submit(run);
        run->next_tx_us += 1 + run_draw_pause(&run->rng, 1000000000 / scenario->tx_per_1000_s);
    }
    if (run->next_sample <= now) {
        sample(run);
        if (run->series != NULL) {
            ez_series_second(run->series, run);
        }
        run->next_sample = now + SAMPLE_MS;
    }
}

bool ez_run_step(ez_run *run, ez_time_ms ms)
{
    const ez_time_ms over = run->scenario->duration_ms;
    const ez_time_ms asked = ez_world_now(run->world).mono + ms;
    const ez_time_ms end = asked < over ? asked : over;
    for (;;) {
        const ez_time_ms now = ez_world_now(run->world).mono;
        const ez_time_ms due = next_due(run);
        if (due > end) {
            ez_world_run(run->world, end - now);
            return end < over;
        }
        ez_world_run(run->world, due > now ? due - now : 0);
        do_due(run);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

bool ez_run_is_idle(const ez_run *run, size_t host)
{
    const ez_node *const node = ez_world_node(run->world, host);
    const ez_node_flight flight = ez_node_get_flight(node);
    ez_node_status status;
    ez_node_get_status(node, &status);
    return !status.syncing && status.writes_pending == 0 && flight.bodies == 0 && flight.txs == 0;
}

size_t ez_run_pending(const ez_run *run)
{
    return HASH_COUNT(run->requests);
}

bool run_agrees(const ez_run *run)
{
    ez_node_status first, other;
    bool has_first = false;
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        const ez_node *const node = ez_world_node(run->world, host);
        if (node == NULL || !ez_run_is_honest(run, host)) {
            continue;
        }
        ez_node_get_status(node, has_first ? &other : &first);
        if (has_first && !ez_block_id_is_equal(&first.tip.id, &other.tip.id)) {
            return false;
        }
        has_first = true;
    }
    return true;
}

static bool has_settled(ez_run *run)
{
    if (ez_run_pending(run) > 0 || !run_agrees(run)) {
        return false;
    }
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        if (ez_run_is_honest(run, host) && !ez_run_is_idle(run, host)) {
            return false;
        }
    }
    return true;
}

/* Branches of equal work, between which only another block decides. Who has less than another has
 * to learn of what it lacks by itself. */
static bool is_tied(const ez_run *run)
{
    ez_work most = {0};
    bool is_even = true;
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        if (run_is_honest_and_awake(run, host)) {
            ez_node_status status;
            ez_node_get_status(ez_world_node(run->world, host), &status);
            is_even &= host == 1 || ez_work_compare(&status.tip.work, &most) == 0;
            most = status.tip.work;
        }
    }
    return is_even && !run_agrees(run);
}

void ez_run_settle(ez_run *run)
{
    const ez_scenario *const scenario = run->scenario;
    const ez_time_ms from = ez_world_now(run->world).mono;
    const ez_time_ms tie_ms =
        scenario->block_interval_ms > TIE_MS_MIN ? scenario->block_interval_ms : TIE_MS_MIN;
    ez_time_ms next_block = from + tie_ms;
    run_end_faults(run);
    run_adversaries_rest(run);
    for (ez_time_ms now = from; now < from + scenario->settle_ms; now += SETTLE_STEP_MS) {
        ez_world_run(run->world, SETTLE_STEP_MS);
        if (has_settled(run)) {
            run->settled = true;
            break;
        }
        if (now >= next_block && (run->adversary_count > 0 || is_tied(run))) {
            run_mine(run, run_random_honest(run));
            next_block = now + tie_ms;
        }
    }
    run->settled_after_ms = ez_world_now(run->world).mono - from;
    sample(run);
}
