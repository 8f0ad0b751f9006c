/* Mining, and the actions of a scenario's timeline. */
#include "run_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

#define HOSTS_MAX 65000u

/* Von Neumann's comparison method: exact and without floating point, which compilers may round
 * differently. The length of a run of falling draws is odd with probability exp(-first draw). */
uint64_t run_draw_pause(ez_rng *rng, uint64_t mean)
{
    for (uint64_t whole = 0;; whole++) {
        const uint64_t first = ez_rng_next(rng);
        uint64_t last = first;
        bool is_odd = true;
        for (uint64_t drawn = ez_rng_next(rng); drawn < last; drawn = ez_rng_next(rng)) {
            last = drawn;
            is_odd = !is_odd;
        }
        if (is_odd) {
            return whole * mean + ((first >> 34) * mean >> 30);
        }
    }
}

/* ---- mining -----------------------------------------------------------------------------------
 */

void run_mine(ez_run *run, size_t host)
{
    ez_command command = {.type = EZ_COMMAND_MINE_ONE};
    command.request = run_expect_reply(run, host, false);
    ez_world_command(run->world, host, command);
    ez_world_prove(run->world, host);
}

/* Of an honest host, by the list that is given out in turn. */
static uint32_t share_of(const ez_run *run, size_t host)
{
    const ez_scenario *const scenario = run->scenario;
    return ez_run_is_honest(run, host) ? scenario->shares[(host - 1) % scenario->share_count] : 0;
}

/* The hash rate of a host that is away finds nothing. */
void run_mine_by_share(ez_run *run)
{
    const size_t count = ez_world_count(run->world);
    const size_t adversary = run_lucky_adversary(run);
    uint64_t sum = 0;
    if (adversary != 0) {
        run_mine(run, adversary);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        sum += share_of(run, i + 1);
    }
    uint64_t at = sum == 0 ? 0 : ez_rng_below(&run->rng, sum);
    for (size_t i = 0; i < count; i++) {
        const uint32_t share = share_of(run, i + 1);
        if (at < share) {
            if (run_is_awake(run, i + 1)) {
                run_mine(run, i + 1);
            }
            return;
        }
        at -= share;
    }
}

/* ---- choosing -------------------------------------------------------------------------------- */

static size_t amount_of(const ez_action *action, size_t all)
{
    if (action->amount == 0) {
        return all;
    }
    const size_t amount = action->is_percent ? (all * action->amount + 99) / 100 : action->amount;
    return amount < all ? amount : all;
}

static void move_to_front(ez_rng *rng, size_t *list, size_t count, size_t wanted)
{
    for (size_t i = 0; i < wanted; i++) {
        const size_t other = i + ez_rng_below(rng, count - i);
        const size_t kept = list[i];
        list[i] = list[other];
        list[other] = kept;
    }
}

static bool is_named(const ez_action *action, size_t host)
{
    for (uint32_t i = 0; i < action->named_count; i++) {
        if (action->named[i] == host) {
            return true;
        }
    }
    return action->named_count == 0; /* nobody: then all are meant */
}

/* Those hosts that the action names, or as many random ones as it says, of all that run; the
 * caller's to free. */
static size_t *choose_awake(ez_run *run, const ez_action *action, size_t *chosen)
{
    size_t count = 0;
    size_t *const list = ez_alloc(ez_world_count(run->world) + 1, sizeof(*list));
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        if (run_is_honest_and_awake(run, host) && is_named(action, host)) {
            list[count++] = host;
        }
    }
    *chosen = amount_of(action, count);
    move_to_front(&run->rng, list, count, *chosen);
    return list;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void cut(ez_run *run, const ez_action *action)
{
    size_t chosen;
    const size_t count = ez_world_count(run->world);
    size_t *const hosts = choose_awake(run, action, &chosen);
    free(run->sides);
    run->sides = ez_alloc(HOSTS_MAX + 1, sizeof(*run->sides)); /* those that join are on side 1 */
    for (size_t i = 1; i <= HOSTS_MAX; i++) {
        run->sides[i] = 1;
    }
    for (size_t i = 0; i < chosen && i + 1 < count; i++) {
        run->sides[hosts[i]] = 2;
    }
    ez_world_cut(run->world, run->sides);
    free(hosts);
}

static void heal(ez_run *run)
{
    ez_world_cut(run->world, NULL);
    free(run->sides);
    run->sides = NULL;
}

static void restart(ez_run *run, const ez_action *action)
{
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        if (ez_world_node(run->world, host) == NULL && is_named(action, host)) {
            ez_world_start(run->world, host);
        }
    }
}

static void resume(ez_run *run, const ez_action *action)
{
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        if (is_named(action, host)) {
            ez_world_resume(run->world, host);
        }
    }
}

/* Its disk is gone, and with it what it had acknowledged. */
static void wipe(ez_run *run, size_t host)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->acknowledged_count; i++) {
        if (run->acknowledged[i].host != host) {
            run->acknowledged[kept++] = run->acknowledged[i];
        }
    }
    run->acknowledged_count = kept;
    if (run->wiped == NULL) {
        run->wiped = ez_alloc(HOSTS_MAX + 1, sizeof(*run->wiped));
    }
    run->wiped[host] = true;
    ez_world_wipe(run->world, host);
}

static void fault_host(ez_run *run, const ez_action *action, size_t host)
{
    switch (action->kind) {
    case EZ_ACTION_CRASH:
    case EZ_ACTION_STOP:
    case EZ_ACTION_WIPE:
        ez_world_stop(run->world, host, action->kind != EZ_ACTION_STOP);
        run_forget_requests(run, host);
        if (action->kind == EZ_ACTION_WIPE) {
            wipe(run, host);
        }
        break;
    case EZ_ACTION_PAUSE:
        ez_world_pause(run->world, host);
        break;
    case EZ_ACTION_SKEW:
        ez_world_skew(run->world, host, action->skew_us);
        break;
    case EZ_ACTION_DISK:
        ez_world_slow_disk(run->world, host, action->commit_ms);
        break;
    case EZ_ACTION_PARTITION:
    case EZ_ACTION_HEAL:
    case EZ_ACTION_RESTART:
    case EZ_ACTION_RESUME:
    case EZ_ACTION_RESET:
    case EZ_ACTION_HALF_OPEN:
    case EZ_ACTION_JOIN:
    case EZ_ACTION_BLOCK:
    case EZ_ACTION_TX:
        ez_assert_fail("not a fault of a host", __FILE__, __LINE__);
    }
}

static void fault_hosts(ez_run *run, const ez_action *action)
{
    size_t chosen;
    size_t *const hosts = choose_awake(run, action, &chosen);
    for (size_t i = 0; i < chosen; i++) {
        fault_host(run, action, hosts[i]);
    }
    free(hosts);
}

/* Leaves the links between two hosts; returns how many there are. */
static size_t keep_between(ez_world_link *links, size_t count, size_t a, size_t b)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if ((links[i].a == a && links[i].b == b) || (links[i].a == b && links[i].b == a)) {
            links[kept++] = links[i];
        }
    }
    return kept;
}

static void fault_links(ez_run *run, const ez_action *action)
{
    ez_world_link *links;
    size_t count = ez_world_links(run->world, &links);
    if (action->named_count == 2) {
        count = keep_between(links, count, action->named[0], action->named[1]);
    }
    const size_t chosen = amount_of(action, count);
    for (size_t i = 0; i < chosen; i++) {
        const size_t other = i + ez_rng_below(&run->rng, count - i);
        const uint64_t number = links[other].number;
        links[other] = links[i];
        if (action->kind == EZ_ACTION_RESET) {
            ez_world_reset_link(run->world, number);
        } else {
            ez_world_mute_link(run->world, number);
        }
    }
    free(links);
}

/* ---- the timeline ---------------------------------------------------------------------------- */

static void interrupt_measures(ez_run *run)
{
    ez_spread_interrupt(&run->blocks);
    ez_spread_interrupt(&run->txs);
}

static void join(ez_run *run, const ez_action *action)
{
    const size_t count = ez_world_count(run->world);
    const size_t wanted =
        amount_of(&(ez_action){.amount = action->amount, .is_percent = action->is_percent},
                  action->is_percent ? count : HOSTS_MAX);
    for (size_t i = 0; i < wanted && ez_world_count(run->world) < HOSTS_MAX; i++) {
        run_join(run);
    }
    if (run->sides != NULL) {
        ez_world_cut(run->world, run->sides);
    }
}

/* One of those that the action names, or of all, finds as many blocks as it says. */
static void mine_somewhere(ez_run *run, const ez_action *action)
{
    ez_action one = *action;
    size_t chosen;
    one.amount = 1;
    size_t *const hosts = choose_awake(run, &one, &chosen);
    for (uint32_t i = 0; chosen > 0 && (i == 0 || i < action->amount); i++) {
        run_mine(run, hosts[0]);
    }
    free(hosts);
}

void run_act(ez_run *run, const ez_action *action)
{
    switch (action->kind) {
    case EZ_ACTION_PARTITION:
        interrupt_measures(run);
        cut(run, action);
        break;
    case EZ_ACTION_HEAL:
        interrupt_measures(run);
        heal(run);
        break;
    case EZ_ACTION_CRASH:
    case EZ_ACTION_STOP:
    case EZ_ACTION_WIPE:
    case EZ_ACTION_PAUSE:
    case EZ_ACTION_SKEW:
    case EZ_ACTION_DISK:
        interrupt_measures(run);
        fault_hosts(run, action);
        break;
    case EZ_ACTION_RESTART:
        restart(run, action);
        break;
    case EZ_ACTION_RESUME:
        interrupt_measures(run);
        resume(run, action);
        break;
    case EZ_ACTION_RESET:
    case EZ_ACTION_HALF_OPEN:
        interrupt_measures(run);
        fault_links(run, action);
        break;
    case EZ_ACTION_JOIN:
        join(run, action);
        break;
    case EZ_ACTION_BLOCK:
        mine_somewhere(run, action);
        break;
    case EZ_ACTION_TX:
        for (uint32_t i = 0; i < action->amount; i++) {
            if (action->named_count == 0) {
                run_submit(run);
            } else {
                run_submit_through(run, action->named[i % action->named_count]);
            }
        }
        break;
    }
}

void run_end_faults(ez_run *run)
{
    const ez_action all = {0};
    interrupt_measures(run);
    heal(run);
    resume(run, &all);
    for (size_t host = 1; host <= ez_world_count(run->world); host++) {
        ez_world_skew(run->world, host, 0);
        ez_world_slow_disk(run->world, host, run->scenario->commit_ms);
    }
    restart(run, &all);
}
