#include "draw.h"

#include "ezp2p/base/rng.h"
#include "ezp2p/base/time.h"
#include "ezp2p/gossip/relay.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NODES_MAX       16
#define WARMUP_MS       3000u
#define DURATION_MS_MIN 150000u
#define DURATION_MS_MAX 650000u
#define SETTLE_S        300 /* a half-open link is noticed after 90 s, and redials pause up to 60 s */
#define FAULTS_MAX      40
#define PAUSE_MS_MAX    60000u /* from a fault to its end */

typedef enum fault_kind {
    FAULT_PARTITION,
    FAULT_CRASH,
    FAULT_STOP,
    FAULT_WIPE,
    FAULT_PAUSE,
    FAULT_SKEW,
    FAULT_RESET,
    FAULT_HALF_OPEN,
    FAULT_JOIN,
    FAULT_RACE,  /* two nodes find a block at one time */
    FAULT_BURST, /* many transactions at once */
} fault_kind;

#define FAULT_KINDS (FAULT_BURST + 1)

typedef struct drawing {
    ez_buffer *out;
    ez_rng rng;
    uint32_t nodes;
    ez_time_ms duration;
} drawing;

/* From `low` to `high`, both included. */
static uint64_t between(drawing *draw, uint64_t low, uint64_t high)
{
    return low + ez_rng_below(&draw->rng, high - low + 1);
}

/* The same, small values as likely as large ones on a scale of ratios. */
static uint64_t between_log(drawing *draw, uint64_t low, uint64_t high)
{
    uint64_t top = low;
    while (top < high && ez_rng_below(&draw->rng, 3) != 0) {
        top *= 2;
    }
    return between(draw, low, top < high ? top : high);
}

static bool chance(drawing *draw, unsigned percent)
{
    return ez_rng_below(&draw->rng, 100) < percent;
}

static void add_seconds(drawing *draw, ez_time_ms ms)
{
    ez_buffer_printf(draw->out, "%" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000);
}

/* ---- the network ----------------------------------------------------------------------------- */

static void draw_relay(drawing *draw)
{
    size_t count = 0;
    while (ez_relay_at(count) != NULL) {
        count++;
    }
    if (chance(draw, 60)) {
        return;
    }
    ez_buffer_add_text(draw->out, "relay =");
    for (uint64_t left = between(draw, 1, 3); left > 0; left--) {
        const ez_relay_strategy *const strategy = ez_relay_at(ez_rng_below(&draw->rng, count));
        ez_buffer_printf(draw->out, " %s", strategy->name);
    }
    ez_buffer_add_text(draw->out, "\n");
}

static void draw_topology(drawing *draw)
{
    ez_buffer_add_text(draw->out, "\n[topology]\n");
    if (chance(draw, 50)) {
        ez_buffer_add_text(draw->out, "kind = discovery\n");
    } else {
        ez_buffer_printf(draw->out, "kind = regular\nlinks = %" PRIu64 "\n",
                         2 * between(draw, 1, 3));
    }
}

static void draw_latency(drawing *draw)
{
    const uint64_t low = between_log(draw, 1, 100);
    switch (ez_rng_below(&draw->rng, 4)) {
    case 0:
        ez_buffer_printf(draw->out, "latency = constant %" PRIu64 "\n", low);
        break;
    case 1:
        ez_buffer_add_text(draw->out, "latency = continents\n");
        break;
    default:
        ez_buffer_printf(draw->out, "latency = uniform %" PRIu64 " %" PRIu64 "\n", low,
                         low + between_log(draw, 1, 200));
    }
}

static void draw_links(drawing *draw)
{
    ez_buffer_add_text(draw->out, "\n[links]\n");
    draw_latency(draw);
    if (chance(draw, 40)) {
        ez_buffer_printf(draw->out, "bandwidth = %" PRIu64 "\n", between(draw, 60, 2000) * 1000);
    }
    if (chance(draw, 60)) {
        ez_buffer_printf(draw->out, "fragment = %s%" PRIu64 "\n", chance(draw, 70) ? "random " : "",
                         between_log(draw, 1, 1460));
    }
    ez_buffer_add_text(draw->out, "commit = ");
    add_seconds(draw, chance(draw, 50) ? 5 : between_log(draw, 1, 2000));
    ez_buffer_add_text(draw->out, "\n");
}

static void draw_work(drawing *draw)
{
    ez_buffer_add_text(draw->out, "\n[mining]\ninterval = ");
    add_seconds(draw, between_log(draw, 2000, 30000));
    ez_buffer_add_text(draw->out, "\nshares =");
    for (uint64_t left = between(draw, 1, 5); left > 0; left--) {
        ez_buffer_printf(draw->out, " %" PRIu64, between_log(draw, 1, 20));
    }
    ez_buffer_add_text(draw->out, "\n\n[traffic]\nrate = ");
    add_seconds(draw, chance(draw, 15) ? 0 : between_log(draw, 100, 4000));
    ez_buffer_add_text(draw->out, "\n");
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void begin_action(drawing *draw, ez_time_ms at, const char *word)
{
    ez_buffer_add_text(draw->out, "at = ");
    add_seconds(draw, at);
    ez_buffer_printf(draw->out, " %s", word);
}

/* Some of the first nodes, seldom many. */
static uint32_t draw_hosts(drawing *draw)
{
    uint32_t chosen = 0;
    for (uint64_t left = between_log(draw, 1, (draw->nodes + 1) / 2); left > 0; left--) {
        chosen |= 1u << ez_rng_below(&draw->rng, draw->nodes);
    }
    return chosen;
}

static void add_hosts(drawing *draw, uint32_t chosen)
{
    const char *mark = " @";
    for (uint32_t i = 0; i < draw->nodes; i++) {
        if (chosen >> i & 1u) {
            ez_buffer_printf(draw->out, "%s%" PRIu32, mark, i + 1);
            mark = ",";
        }
    }
}

/* A fault of some hosts, and its end unless that comes with the scenario's. */
static void add_fault(drawing *draw, ez_time_ms at, const char *word, const char *behind,
                      const char *end_word, bool end_names, const char *end_behind)
{
    const uint32_t chosen = draw_hosts(draw);
    const ez_time_ms end = at + between_log(draw, 10, PAUSE_MS_MAX);
    begin_action(draw, at, word);
    add_hosts(draw, chosen);
    ez_buffer_printf(draw->out, "%s\n", behind);
    if (end < draw->duration) {
        begin_action(draw, end, end_word);
        if (end_names) {
            add_hosts(draw, chosen);
        }
        ez_buffer_printf(draw->out, "%s\n", end_behind);
    }
}

static void add_skew(drawing *draw, ez_time_ms at)
{
    char seconds[32];
    const uint64_t ms = chance(draw, 80) ? between(draw, 1, 60000) : between(draw, 1, 7000000);
    snprintf(seconds, sizeof(seconds), " %s%" PRIu64 ".%03" PRIu64, chance(draw, 50) ? "-" : "",
             ms / 1000, ms % 1000);
    add_fault(draw, at, "skew", seconds, "skew", true, " 0");
}

static void add_race(drawing *draw, ez_time_ms at)
{
    const ez_time_ms other = at + between(draw, 0, 100);
    begin_action(draw, at, "block");
    ez_buffer_printf(draw->out, " @%" PRIu64 "\n", between(draw, 1, draw->nodes));
    begin_action(draw, other < draw->duration ? other : at, "block");
    ez_buffer_printf(draw->out, " @%" PRIu64 "\n", between(draw, 1, draw->nodes));
}

static void add_counted(drawing *draw, ez_time_ms at, const char *word, uint64_t max)
{
    begin_action(draw, at, word);
    ez_buffer_printf(draw->out, " %" PRIu64 "\n", between_log(draw, 1, max));
}

static void add_kind(drawing *draw, fault_kind kind, ez_time_ms at)
{
    switch (kind) {
    case FAULT_PARTITION:
        add_fault(draw, at, "partition", "", "heal", false, "");
        break;
    case FAULT_CRASH:
        add_fault(draw, at, "crash", "", "restart", true, "");
        break;
    case FAULT_STOP:
        add_fault(draw, at, "stop", "", "restart", true, "");
        break;
    case FAULT_WIPE:
        add_fault(draw, at, "wipe", "", "restart", true, "");
        break;
    case FAULT_PAUSE:
        add_fault(draw, at, "pause", "", "resume", true, "");
        break;
    case FAULT_SKEW:
        add_skew(draw, at);
        break;
    case FAULT_RESET:
        add_counted(draw, at, "reset", 6);
        break;
    case FAULT_HALF_OPEN:
        add_counted(draw, at, "half-open", 4);
        break;
    case FAULT_JOIN:
        add_counted(draw, at, "join", 2);
        break;
    case FAULT_RACE:
        add_race(draw, at);
        break;
    case FAULT_BURST:
        add_counted(draw, at, "tx", 100);
        break;
    }
}

static void draw_faults(drawing *draw)
{
    fault_kind kinds[FAULT_KINDS];
    size_t count = 0;
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (chance(draw, 50)) {
            kinds[count++] = (fault_kind)kind;
        }
    }
    ez_buffer_add_text(draw->out, "\n[timeline]\n");
    for (uint64_t left = between(draw, 0, FAULTS_MAX); count > 0 && left > 0; left--) {
        const fault_kind kind = kinds[ez_rng_below(&draw->rng, count)];
        add_kind(draw, kind, between(draw, WARMUP_MS, draw->duration - 1));
    }
}

void ez_draw_scenario(ez_buffer *out, uint64_t seed)
{
    uint8_t bytes[16] = "swarm";
    drawing draw = {.out = out};
    memcpy(bytes + 8, &seed, sizeof(seed));
    ez_rng_init(&draw.rng, bytes);
    draw.nodes =
        (uint32_t)(chance(&draw, 70) ? between(&draw, 3, 8) : between(&draw, 3, NODES_MAX));
    draw.duration = between(&draw, DURATION_MS_MIN, DURATION_MS_MAX);
    ez_buffer_printf(out, "seed = %" PRIu64 "\nnodes = %" PRIu32 "\nduration = ", seed, draw.nodes);
    add_seconds(&draw, draw.duration);
    ez_buffer_printf(out, "\nsettle = %d\nwarmup = ", SETTLE_S);
    add_seconds(&draw, WARMUP_MS);
    ez_buffer_add_text(out, "\n");
    draw_relay(&draw);
    draw_topology(&draw);
    draw_links(&draw);
    draw_work(&draw);
    draw_faults(&draw);
}
