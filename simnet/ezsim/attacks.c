/* The adversaries of a run. */
#include "run_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

#define PAYMENT_MS 30000

/* Host numbers that an adversary dials: all honest ones, or some at random, none twice. */
static size_t *choose_peers(ez_run *run, size_t *count)
{
    const size_t nodes = run->scenario->nodes;
    const size_t wanted = run->scenario->adversary.links;
    size_t *const list = ez_alloc(nodes + 1, sizeof(*list));
    for (size_t i = 0; i < nodes; i++) {
        list[i] = i + 1;
    }
    *count = wanted == 0 || wanted > nodes ? nodes : wanted;
    for (size_t i = 0; i < *count && *count < nodes; i++) {
        const size_t other = i + ez_rng_below(&run->rng, nodes - i);
        const size_t kept = list[i];
        list[i] = list[other];
        list[other] = kept;
    }
    return list;
}

void run_add_adversaries(ez_run *run)
{
    const ez_attack_plan *const plan = &run->scenario->adversary;
    run->adversaries = ez_alloc(plan->count + 1, sizeof(ez_adversary *));
    run->adversary_count = plan->count; /* before they run: they are no honest hosts */
    for (size_t i = 0; i < plan->count; i++) {
        size_t count;
        size_t *const peers = choose_peers(run, &count);
        const size_t host = ez_world_add(run->world, peers, count);
        const ez_attack_kind kind = plan->kinds[i % plan->kind_count];
        EZ_ASSERT(!ez_run_is_honest(run, host));
        run->adversaries[i] = ez_adversary_new(run->world, host, kind, plan, run->scenario->nodes);
        free(peers);
    }
}

void run_free_adversaries(ez_run *run)
{
    for (size_t i = 0; i < run->adversary_count; i++) {
        ez_adversary_free(run->adversaries[i]);
    }
    free(run->adversaries);
}

ez_time_ms run_adversaries_due(const ez_run *run)
{
    ez_time_ms due = EZ_TIME_NEVER;
    for (size_t i = 0; i < run->adversary_count; i++) {
        const ez_time_ms own = ez_adversary_due(run->adversaries[i]);
        due = own < due ? own : due;
    }
    return due;
}

void run_adversaries_act(ez_run *run)
{
    for (size_t i = 0; i < run->adversary_count; i++) {
        if (ez_adversary_due(run->adversaries[i]) <= ez_world_now(run->world).mono) {
            ez_adversary_act(run->adversaries[i]);
        }
    }
}

void run_adversaries_rest(ez_run *run)
{
    for (size_t i = 0; i < run->adversary_count; i++) {
        ez_adversary_rest(run->adversaries[i]);
    }
}

size_t run_lucky_adversary(ez_run *run)
{
    const uint32_t share_milli = run->scenario->adversary.share_milli;
    if (run->adversary_count == 0 || share_milli == 0 ||
        ez_rng_below(&run->rng, 1000) >= share_milli) {
        return 0;
    }
    const size_t lucky = ez_rng_below(&run->rng, run->adversary_count);
    return ez_adversary_host(run->adversaries[lucky]);
}

/* ---- what it came to ------------------------------------------------------------------------- */

static uint64_t share_ppm(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : part * 1000000 / whole;
}

static void fill_mined(const ez_run *run, ez_figures *out)
{
    const ez_attack_plan *const plan = &run->scenario->adversary;
    const ez_share share = ez_finders_share(&run->finders, ez_world_node(run->world, 1));
    ez_outcome *const outcome = &out->outcome;
    outcome->of = "share of the chain";
    outcome->trials = share.blocks;
    outcome->ppm = share.ppm;
    outcome->error_ppm = share.error_ppm;
    if (plan->kinds[0] != EZ_ATTACK_SELFISH) {
        return;
    }
    if (out->attack.races > 0) {
        outcome->gamma_milli = out->attack.followed * 1000 / out->attack.races;
    }
    if (run->adversary_count == 1 && plan->share_milli < 500) {
        outcome->curve = "Eyal and Sirer";
        outcome->curve_ppm =
            ez_selfish_revenue_ppm(plan->share_milli, (uint32_t)outcome->gamma_milli);
    }
}

static void fill_attempts(const ez_run *run, ez_figures *out)
{
    const ez_attack_plan *const plan = &run->scenario->adversary;
    ez_outcome *const outcome = &out->outcome;
    outcome->of = "attempts that succeed";
    outcome->trials = out->attack.attempts;
    if (outcome->trials == 0 || plan->share_milli >= 500) {
        return;
    }
    outcome->ppm = share_ppm(out->attack.successes, outcome->trials);
    outcome->curve = "Rosenfeld";
    outcome->curve_ppm =
        ez_double_spend_ppm(plan->share_milli, plan->confirmations, EZ_ATTACK_GIVE_UP);
    outcome->error_ppm = ez_share_error_ppm(outcome->curve_ppm, outcome->trials);
}

/* Payments that honest clients were promised, a block or two before the end, and that are in the
 * chain. */
static void fill_payments(const ez_run *run, ez_figures *out)
{
    const ez_node *const node = ez_world_node(run->world, 1);
    ez_outcome *const outcome = &out->outcome;
    uint64_t confirmed = 0;
    ez_tx_place place;
    for (size_t i = 0; i < run->acknowledged_count; i++) {
        const ez_acknowledged *const row = &run->acknowledged[i];
        if (row->paid && row->at + PAYMENT_MS < run->scenario->duration_ms) {
            outcome->trials++;
            confirmed += ez_node_find_tx(node, &place, &row->id);
        }
    }
    outcome->of = "payments in the chain";
    outcome->ppm = share_ppm(confirmed, outcome->trials);
}

void run_fill_attack(const ez_run *run, ez_figures *out)
{
    if (run->adversary_count == 0) {
        return;
    }
    for (size_t i = 0; i < run->adversary_count; i++) {
        const ez_attack_figures *const one = ez_adversary_figures(run->adversaries[i]);
        out->attack.held += one->held;
        out->attack.races += one->races;
        out->attack.followed += one->followed;
        out->attack.attempts += one->attempts;
        out->attack.successes += one->successes;
        out->attack.sent += one->sent;
        out->attack.book += one->book;
        out->attack.book_taken += one->book_taken;
    }
    if (run->scenario->adversary.kinds[0] == EZ_ATTACK_TX_FLOOD) {
        fill_payments(run, out);
    } else if (run->scenario->adversary.kinds[0] == EZ_ATTACK_DOUBLE_SPEND) {
        fill_attempts(run, out);
    } else if (run->scenario->adversary.kinds[0] == EZ_ATTACK_ECLIPSE) {
        out->outcome.of = "links that lead to it";
        out->outcome.trials = out->attack.attempts;
        out->outcome.ppm = share_ppm(out->attack.successes, out->attack.attempts);
        out->outcome.error_ppm = ez_share_error_ppm(out->outcome.ppm, out->attack.attempts);
    } else if (run->finders.adversaries > 0 && ez_world_node(run->world, 1) != NULL) {
        fill_mined(run, out);
    }
}
