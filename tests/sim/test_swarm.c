/* Long random runs: hosts mine, take in notes, pay each other, crash, restart, and lose sight of
 * each other. Then everything heals, and what was promised must hold: one chain, every acknowledged
 * note in it, no honest peer ever dropped for breaking a rule, and stores that replay.
 *
 * A failure names its seed; the run repeats bit for bit. */
#include "support_world.h"

#include "ezp2p/chain/address.h"

#define HOSTS     9
#define NOTES_MAX 4096

typedef struct promise {
    size_t host;
    uint64_t request;
    bool kept;  /* it was acknowledged */
    bool void_; /* its host died first */
    ez_tx_id id;
} promise;

typedef struct run {
    uint64_t seed;
    ez_world *world;
    ez_rng rng;
    promise notes[NOTES_MAX];
    size_t note_count;
    bool can_cut, can_crash, can_stop; /* each seed leaves some faults out entirely */
} run;

static run *run_new(uint64_t seed)
{
    run *const made = ez_alloc(1, sizeof(*made));
    ez_world_config config = world_config(seed);
    made->seed = seed;
    made->rng = fixture_rng(seed);
    config.latency_ms = 1 + ez_rng_below(&made->rng, 80);
    config.jitter_ms = ez_rng_below(&made->rng, 300);
    config.commit_ms = 1 + ez_rng_below(&made->rng, 100);
    config.outbound_max = 2 + (uint32_t)ez_rng_below(&made->rng, 7);
    config.inbound_max = 64;
    made->can_cut = ez_rng_below(&made->rng, 4) > 0;
    made->can_crash = ez_rng_below(&made->rng, 4) > 0;
    made->can_stop = ez_rng_below(&made->rng, 4) > 0;
    made->world = ez_world_new(&config);
    for (size_t host = 1; host <= HOSTS; host++) {
        const size_t earlier = host == 1 ? 2 : 1 + (size_t)ez_rng_below(&made->rng, host - 1);
        ez_world_add(made->world, &earlier, 1);
    }
    return made;
}

static size_t any_host(run *made)
{
    return 1 + (size_t)ez_rng_below(&made->rng, HOSTS);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void take_note(run *made, size_t host)
{
    if (made->note_count < NOTES_MAX) {
        promise *const note = &made->notes[made->note_count++];
        *note = (promise){.host = host};
        note->request = ez_world_note(made->world, host, "somebody", "something", made->note_count);
    }
}

/* Between the hosts' own accounts: these may fail for lack of coins, and nothing is promised. */
static void pay(run *made, size_t host)
{
    const size_t to = any_host(made);
    const ez_address_string from = ez_address_text(&ez_world_key(made->world, host)->public_key);
    const ez_address_string recipient = ez_address_text(&ez_world_key(made->world, to)->public_key);
    ez_world_note(made->world, host, from.text, recipient.text, 1 + ez_rng_below(&made->rng, 300));
}

static void stop(run *made, size_t host, bool crash)
{
    ez_world_stop(made->world, host, crash);
    cr_assert(ez_world_replays(made->world, host), "seed %zu, host %zu", (size_t)made->seed, host);
    for (size_t i = 0; i < made->note_count; i++) {
        promise *const note = &made->notes[i];
        ez_reply reply;
        if (note->host == host && !note->kept &&
            !ez_world_reply(made->world, host, note->request, &reply)) {
            note->void_ = true;
        }
    }
}

static void cut(run *made)
{
    int side[HOSTS + 1] = {0};
    const uint64_t sides = 2 + ez_rng_below(&made->rng, 2);
    for (size_t host = 1; host <= HOSTS; host++) {
        side[host] = 1 + (int)ez_rng_below(&made->rng, sides);
    }
    ez_world_cut(made->world, side);
}

static void act(run *made)
{
    const size_t host = any_host(made);
    const uint64_t what = ez_rng_below(&made->rng, 100);
    if (ez_world_node(made->world, host) == NULL) {
        if (what < 40) {
            ez_world_start(made->world, host);
        }
    } else if (what < 45) {
        take_note(made, host);
    } else if (what < 60) {
        pay(made, host);
    } else if (what < 88) {
        ez_world_mine(made->world, host);
    } else if (what < 91 && made->can_crash) {
        stop(made, host, true);
    } else if (what < 93 && made->can_stop) {
        stop(made, host, false);
    } else if (what < 96 && made->can_cut) {
        cut(made);
    } else {
        ez_world_cut(made->world, NULL);
    }
}

static void note_answers(run *made)
{
    for (size_t i = 0; i < made->note_count; i++) {
        promise *const note = &made->notes[i];
        ez_reply reply;
        if (!note->kept && ez_world_reply(made->world, note->host, note->request, &reply)) {
            cr_assert_eq(reply.rule, EZ_RULE_OK);
            note->kept = true;
            note->id = reply.tx_id;
        }
    }
}

/* ---- what must hold in the end --------------------------------------------------------------- */

static void heal(run *made)
{
    ez_world_cut(made->world, NULL);
    for (size_t host = 1; host <= HOSTS; host++) {
        if (ez_world_node(made->world, host) == NULL) {
            ez_world_start(made->world, host);
        }
    }
    ez_world_run(made->world, 120000);
    ez_world_mine(made->world, any_host(made)); /* a tie would stay one */
    cr_assert(run_to_agreement(made->world, 120000), "seed %zu: no agreement", (size_t)made->seed);
    for (int i = 0; i < 3; i++) {
        ez_world_run(made->world, 30000);
        ez_world_mine(made->world, any_host(made));
    }
    ez_world_run(made->world, 10000);
    cr_assert(ez_world_agrees(made->world), "seed %zu", (size_t)made->seed);
}

static void check_promises(run *made)
{
    size_t kept = 0;
    note_answers(made);
    for (size_t i = 0; i < made->note_count; i++) {
        const promise *const note = &made->notes[i];
        ez_tx_place place;
        cr_assert(note->kept || note->void_);
        kept += note->kept;
        for (size_t host = 1; note->kept && host <= HOSTS; host++) {
            cr_assert(ez_node_find_tx(ez_world_node(made->world, host), &place, &note->id),
                      "seed %zu: note %zu of host %zu is not in the chain of host %zu",
                      (size_t)made->seed, i, note->host, host);
        }
    }
    cr_expect_gt(kept, made->note_count / 2);
}

static void check_hosts(run *made)
{
    for (size_t host = 1; host <= HOSTS; host++) {
        ez_world_commit(made->world, host);
        cr_expect(ez_world_replays(made->world, host), "seed %zu, host %zu", (size_t)made->seed,
                  host);
        cr_expect_geq(peers_of(made->world, host), 1);
        cr_expect_eq(pool_of(made->world, host), pool_of(made->world, 1));
    }
}

static void run_seed(uint64_t seed, int steps)
{
    run *const made = run_new(seed);
    for (int step = 0; step < steps; step++) {
        act(made);
        note_answers(made);
        static const ez_time_ms longest[] = {20000, 2000, 2000, 2000, 50, 50};
        ez_world_run(made->world, ez_rng_below(&made->rng, longest[ez_rng_below(&made->rng, 6)]));
    }
    heal(made);
    check_promises(made);
    check_hosts(made);
    world_end(made->world);
    free(made);
}

Test(swarm, promises_hold_after_an_hour_of_faults)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        run_seed(seed, 1200);
    }
}

Test(swarm, promises_hold_after_short_storms)
{
    for (uint64_t seed = 100; seed < 140; seed++) {
        run_seed(seed, 120);
    }
}
