#include "draw.h"

#include "ezp2p/base/rng.h"
#include "ezp2p/base/time.h"
#include "ezp2p/gossip/relay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NODES_MAX       16
#define WARMUP_MS       3000u
#define DURATION_MS_MIN 150000u
#define DURATION_MS_MAX 650000u
#define SETTLE_S        300 /* a half-open link is noticed after 90 s, and redials pause up to 60 s */
#define FAULTS_MAX      40
#define PAUSE_MS_MAX    60000u  /* from a fault to its end */
#define SKEW_MS_MAX     200000u /* that a clock is wrong */
#define DISK_MS_MAX     20000u  /* that a slow disk takes for a commit */
#define BEHIND_MAX      300u    /* blocks that somebody misses at once */
#define REDIAL_MS       70u     /* and more pass from a broken link to the next dial */

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
    FAULT_LOSS,  /* power fails while transactions or a block are on their way to the disk */
    FAULT_DISK,
    FAULT_BEHIND, /* many blocks are found while somebody is away, who is disturbed catching up */
    FAULT_MEET,   /* every link breaks, and a block is found while all shake hands again */
} fault_kind;

#define FAULT_KINDS (FAULT_MEET + 1)

typedef struct drawn_action {
    ez_time_ms at;
    char text[120];
} drawn_action;

typedef struct drawing {
    ez_buffer *out;
    ez_rng rng;
    uint32_t nodes;
    ez_time_ms duration, commit;
    ez_time_ms latency;                       /* of a short link */
    drawn_action actions[5 * FAULTS_MAX + 2]; /* a fault, what leads to it, and its end */
    size_t action_count;
} drawing;

/* One draw in a call at most: compilers evaluate arguments in whatever order.
 * From `low` to `high`, both included. */
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
    } else if (chance(draw, 70)) {
        ez_buffer_printf(draw->out, "kind = regular\nlinks = %" PRIu64 "\n",
                         2 * between(draw, 1, 3));
    } else {
        ez_buffer_add_text(draw->out, "kind = mesh\n");
    }
}

static void draw_latency(drawing *draw)
{
    const uint64_t low = between_log(draw, 1, 100);
    draw->latency = low;
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
        const char *const kind = chance(draw, 70) ? "random " : "";
        ez_buffer_printf(draw->out, "fragment = %s%" PRIu64 "\n", kind, between_log(draw, 1, 1460));
    }
    ez_buffer_add_text(draw->out, "commit = ");
    draw->commit = chance(draw, 50) ? 5 : between_log(draw, 1, 2000);
    add_seconds(draw, draw->commit);
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
    if (chance(draw, 40)) {
        ez_buffer_printf(draw->out, "fee = %" PRIu64 "\n", between(draw, 1, 3));
    }
    if (chance(draw, 50)) {
        ez_buffer_add_text(draw->out, "again = 0.2\n");
    }
}

/* Peers who play false, beside honest ones who have trouble enough. Those that take long, or whose
 * success is no fault of the node, have scenarios of their own. */
static void draw_adversary(drawing *draw)
{
    static const char *const kinds[] = {"stale",        "liar",          "vandal",
                                        "selfish",      "majority",      "withhold-bodies",
                                        "withhold-txs", "invalid-block", "orphan-flood"};
    if (!chance(draw, 15)) {
        return;
    }
    ez_buffer_add_text(draw->out, "\n[adversary]\nkind =");
    for (uint64_t left = between(draw, 1, 3); left > 0; left--) {
        const uint64_t kind = ez_rng_below(&draw->rng, sizeof(kinds) / sizeof(kinds[0]));
        ez_buffer_printf(draw->out, " %s", kinds[kind]);
    }
    ez_buffer_printf(draw->out, "\ncount = %" PRIu64 "\nshare = 0.", between(draw, 1, 4));
    ez_buffer_printf(draw->out, "%" PRIu64 "\nrate = 5\n", between(draw, 1, 6));
    if (chance(draw, 50)) {
        ez_buffer_printf(draw->out, "links = %" PRIu64 "\n", between(draw, 1, draw->nodes));
    }
    if (chance(draw, 50)) {
        ez_buffer_printf(draw->out, "latency = %" PRIu64 "\n", between_log(draw, 1, 100));
    }
    if (chance(draw, 50)) {
        ez_buffer_add_text(draw->out, "from = ");
        add_seconds(draw, between(draw, 0, draw->duration / 2));
        ez_buffer_add_text(draw->out, "\n");
    }
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void add_action(drawing *draw, ez_time_ms at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* In order of time; one that comes after the end is left out. */
static void add_action(drawing *draw, ez_time_ms at, const char *format, ...)
{
    drawn_action added = {.at = at};
    va_list list;
    if (at >= draw->duration) {
        return;
    }
    va_start(list, format);
    vsnprintf(added.text, sizeof(added.text), format, list);
    va_end(list);
    size_t place = draw->action_count++;
    for (; place > 0 && draw->actions[place - 1].at > at; place--) {
        draw->actions[place] = draw->actions[place - 1];
    }
    draw->actions[place] = added;
}

typedef struct host_names {
    char text[64];
} host_names;

/* Some of the first nodes, seldom many. */
static host_names draw_hosts(drawing *draw)
{
    host_names names = {"@"};
    uint32_t chosen = 0;
    size_t used = 1;
    for (uint64_t left = between_log(draw, 1, (draw->nodes + 1) / 2); left > 0; left--) {
        chosen |= 1u << ez_rng_below(&draw->rng, draw->nodes);
    }
    for (uint32_t i = 0; i < draw->nodes; i++) {
        if (chosen >> i & 1u) {
            used += (size_t)snprintf(names.text + used, sizeof(names.text) - used, "%s%" PRIu32,
                                     used == 1 ? "" : ",", i + 1);
        }
    }
    return names;
}

/* Some are away so long that all the others know has changed. */
static ez_time_ms end_of(drawing *draw, ez_time_ms at)
{
    return at + between_log(draw, 10, chance(draw, 90) ? PAUSE_MS_MAX : DURATION_MS_MAX);
}

static void add_pair(drawing *draw, ez_time_ms at, const char *word, const char *end_word)
{
    const host_names names = draw_hosts(draw);
    add_action(draw, at, "%s %s", word, names.text);
    add_action(draw, end_of(draw, at), "%s %s", end_word, names.text);
}

static void add_partition(drawing *draw, ez_time_ms at)
{
    add_action(draw, at, "partition %s", draw_hosts(draw).text);
    add_action(draw, end_of(draw, at), "heal");
}

static void add_skew(drawing *draw, ez_time_ms at)
{
    const host_names names = draw_hosts(draw);
    const uint64_t ms = chance(draw, 80) ? between(draw, 1, 60000) : between(draw, 1, 7000000);
    add_action(draw, at, "skew %s %s%" PRIu64 ".%03" PRIu64, names.text,
               chance(draw, 50) ? "-" : "", ms / 1000, ms % 1000);
    const ez_time_ms end = at + between(draw, 100, SKEW_MS_MAX);
    if (chance(draw, 50)) {
        add_action(draw, between(draw, at, end), "block %s", names.text);
    }
    add_action(draw, end, "skew %s 0", names.text);
}

static void add_race(drawing *draw, ez_time_ms at)
{
    const uint64_t one = between(draw, 1, draw->nodes);
    const uint64_t other = between(draw, 1, draw->nodes);
    add_action(draw, at, "block @%" PRIu64, one);
    add_action(draw, at + between(draw, 0, 100), "block @%" PRIu64, other);
}

/* What was not durable is lost only in the moment between: by chance that is seldom met. */
static void add_loss(drawing *draw, ez_time_ms at)
{
    const host_names names = draw_hosts(draw);
    if (chance(draw, 70)) {
        add_action(draw, at, "tx %" PRIu64, between_log(draw, 4, 60));
    }
    if (chance(draw, 50)) {
        add_action(draw, at, "block %s", names.text);
    }
    at += between(draw, 0, 2 * draw->commit);
    add_action(draw, at, "crash %s", names.text);
    add_action(draw, end_of(draw, at), "restart %s", names.text);
}

static void add_disk(drawing *draw, ez_time_ms at)
{
    const host_names names = draw_hosts(draw);
    const uint64_t ms = between_log(draw, 100, DISK_MS_MAX);
    add_action(draw, at, "disk %s %" PRIu64 ".%03" PRIu64, names.text, ms / 1000, ms % 1000);
    add_action(draw, end_of(draw, at), "disk %s %" PRIu64 ".%03" PRIu64, names.text,
               draw->commit / 1000, draw->commit % 1000);
}

static void add_behind(drawing *draw, ez_time_ms at)
{
    const host_names names = draw_hosts(draw), others = draw_hosts(draw);
    const uint64_t blocks = between_log(draw, 20, BEHIND_MAX);
    add_action(draw, at, "%s %s", chance(draw, 50) ? "crash" : "wipe", names.text);
    at += between(draw, 0, 1000);
    add_action(draw, at, "block %" PRIu64 " @%" PRIu64, blocks, between(draw, 1, draw->nodes));
    at += between(draw, 0, PAUSE_MS_MAX);
    add_action(draw, at, "restart %s", names.text);
    at += between(draw, 50, 4000);
    if (chance(draw, 50)) {
        add_action(draw, at, "pause %s", others.text);
        add_action(draw, end_of(draw, at), "resume %s", others.text);
    } else if (chance(draw, 50)) {
        add_action(draw, at, "reset %" PRIu64 "%%", between(draw, 10, 100));
    }
}

static void add_meeting(drawing *draw, ez_time_ms at)
{
    add_action(draw, at, "reset 100%%");
    at += REDIAL_MS + between(draw, 1, 4 * draw->latency);
    add_action(draw, at, "block @%" PRIu64, between(draw, 1, draw->nodes));
}

static void add_counted(drawing *draw, ez_time_ms at, const char *word, uint64_t max)
{
    add_action(draw, at, "%s %" PRIu64, word, between_log(draw, 1, max));
}

static void add_kind(drawing *draw, fault_kind kind, ez_time_ms at)
{
    switch (kind) {
    case FAULT_PARTITION:
        add_partition(draw, at);
        break;
    case FAULT_CRASH:
        add_pair(draw, at, "crash", "restart");
        break;
    case FAULT_STOP:
        add_pair(draw, at, "stop", "restart");
        break;
    case FAULT_WIPE:
        add_pair(draw, at, "wipe", "restart");
        break;
    case FAULT_PAUSE:
        add_pair(draw, at, "pause", "resume");
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
    case FAULT_LOSS:
        add_loss(draw, at);
        break;
    case FAULT_DISK:
        add_disk(draw, at);
        break;
    case FAULT_BEHIND:
        add_behind(draw, at);
        break;
    case FAULT_MEET:
        add_meeting(draw, at);
        break;
    }
}

static void draw_faults(drawing *draw)
{
    fault_kind kinds[FAULT_KINDS];
    size_t count = 0;
    const unsigned percent = (unsigned)between(draw, 15, 65); /* of the kinds are there */
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (chance(draw, percent)) {
            kinds[count++] = (fault_kind)kind;
        }
    }
    ez_buffer_add_text(draw->out, "\n[timeline]\n");
    for (uint64_t left = between(draw, 0, FAULTS_MAX); count > 0 && left > 0; left--) {
        const fault_kind kind = kinds[ez_rng_below(&draw->rng, count)];
        add_kind(draw, kind, between(draw, WARMUP_MS, draw->duration - 1));
    }
    if (chance(draw, 20)) { /* what no later block can make good */
        add_meeting(draw, draw->duration - between(draw, REDIAL_MS, 1000));
    }
    for (size_t i = 0; i < draw->action_count; i++) {
        ez_buffer_add_text(draw->out, "at = ");
        add_seconds(draw, draw->actions[i].at);
        ez_buffer_printf(draw->out, " %s\n", draw->actions[i].text);
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
    draw_adversary(&draw);
    draw_faults(&draw);
}
