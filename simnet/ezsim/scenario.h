/* A scenario: nodes, links, mining, traffic, what goes wrong when, and what must hold, read from a
 * small text file (docs/simulator.md). Files come from anywhere: everything in one is bounded
 * before it is kept, and what is wrong is said with file and line.
 */
#ifndef EZP2P_SIMNET_SCENARIO_H
#define EZP2P_SIMNET_SCENARIO_H

#include "attack.h"
#include "ezp2p/base/status.h"
#include "ezp2p/base/time.h"
#include "ezp2p/gossip/relay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_SCENARIO_BYTES_MAX       65536
#define EZ_SCENARIO_NODES_MAX       60000 /* of 16-bit numbers; the rest is for those that join */
#define EZ_SCENARIO_SEED_MAX        1000000000000u
#define EZ_SCENARIO_MESH_MAX        64 /* others that one is told of */
#define EZ_SCENARIO_ACTIONS_MAX     10000
#define EZ_SCENARIO_SHARES_MAX      32
#define EZ_SCENARIO_RELAYS_MAX      8
#define EZ_SCENARIO_ADVERSARIES_MAX 1000
#define EZ_SWEEP_AXES_MAX           2
#define EZ_SWEEP_VALUES_MAX         32
#define EZ_SCENARIO_MS_MAX          (7u * 24 * 3600 * 1000)
#define EZ_SCENARIO_COMMIT_MS_MAX   60000u

typedef enum ez_topology {
    EZ_TOPOLOGY_REGULAR,   /* each node has `links` links to random others, and no book */
    EZ_TOPOLOGY_DISCOVERY, /* each knows two that came before it and finds the rest */
    EZ_TOPOLOGY_MESH,      /* each is told of all others, and so dialled from both sides */
} ez_topology;

typedef enum ez_latency_model {
    EZ_LATENCY_CONSTANT,
    EZ_LATENCY_UNIFORM,
    EZ_LATENCY_CONTINENTS,
} ez_latency_model;

typedef enum ez_action_kind {
    EZ_ACTION_PARTITION,
    EZ_ACTION_HEAL,
    EZ_ACTION_CRASH,
    EZ_ACTION_STOP,
    EZ_ACTION_WIPE,
    EZ_ACTION_RESTART,
    EZ_ACTION_PAUSE,
    EZ_ACTION_RESUME,
    EZ_ACTION_SKEW,
    EZ_ACTION_DISK,
    EZ_ACTION_RESET,
    EZ_ACTION_HALF_OPEN,
    EZ_ACTION_JOIN,
    EZ_ACTION_BLOCK,
    EZ_ACTION_TX,
} ez_action_kind;

#define EZ_ACTION_KINDS     (EZ_ACTION_TX + 1)
#define EZ_ACTION_NAMED_MAX 16

typedef struct ez_action {
    ez_time_ms at;
    ez_action_kind kind;
    uint32_t amount; /* how many, or per cent of all; 0: all that there are, or those named; of
                        BLOCK, blocks in a row, 0: one */
    bool is_percent;
    uint32_t named_count;
    uint16_t named[EZ_ACTION_NAMED_MAX]; /* hosts; RESET, HALF_OPEN: the two ends of a link */
    int64_t skew_us;                     /* SKEW */
    ez_time_ms commit_ms;                /* DISK */
} ez_action;

/* What a run has to stay within, beyond what every run is checked for. UINT64_MAX: any. */
typedef struct ez_bounds {
    uint64_t block_p99_ms_max;
    uint64_t tx_p99_ms_max;
    uint64_t block_ratio_percent_max; /* median arrival over the shortest path's */
    uint64_t tx_ratio_percent_max;
    uint64_t tx_copies_percent_max;
    uint64_t stale_percent_max;
    uint64_t reorg_depth_max;
    uint64_t height_min; /* 0: any */
    /* of attacks */
    uint64_t reorg_depth_min; /* 0: any */
    uint64_t faulted_min;     /* how often adversaries have to be dropped for breaking a rule */
    uint64_t faulted_max;
    uint64_t outcome_percent_min; /* what the attack came to; each kind has its measure */
    uint64_t outcome_percent_max;
    uint64_t curve_errors_max; /* hundredths of standard errors off the published curve */
} ez_bounds;

/* Values that one key of [adversary] takes in turn, for `ezsim sweep`. */
typedef struct ez_sweep_axis {
    size_t key; /* for scenario_numbers.c alone */
    const char *name;
    unsigned places; /* digits behind the point that a value has: it is kept in units of the last */
    uint64_t values[EZ_SWEEP_VALUES_MAX];
    size_t count;
} ez_sweep_axis;

typedef struct ez_scenario {
    uint64_t seed; /* of everything random, unless told otherwise */
    uint32_t nodes;
    ez_time_ms duration_ms;
    ez_time_ms settle_ms; /* for agreement, once faults and traffic have ended */
    ez_time_ms steady_ms; /* figures of transactions and bytes count from here on */
    ez_time_ms warmup_ms; /* before mining and traffic */
    ez_topology topology;
    uint32_t links;
    bool public_addresses; /* each node in a network group of its own */
    ez_latency_model latency;
    ez_time_ms latency_min_ms, latency_max_ms;
    uint64_t bandwidth;      /* bytes a second that a host sends; 0: any */
    uint32_t fragment_bytes; /* longest piece of a stream that arrives at once; 0: any */
    bool fragment_random;    /* pieces of any length up to that */
    ez_time_ms commit_ms;
    ez_time_ms block_interval_ms;            /* between blocks of all hosts together; 0: none */
    uint32_t shares[EZ_SCENARIO_SHARES_MAX]; /* of the hash rate, given out in turn */
    size_t share_count;
    uint64_t tx_per_1000_s;
    uint32_t fee;            /* of transfers by who has coins; 0: none pays one */
    uint32_t tx_again_milli; /* notes that clients sign and may hand to two nodes */
    uint32_t tx_sources;     /* nodes that transactions come in through; 0: all */
    const ez_relay_strategy *relays[EZ_SCENARIO_RELAYS_MAX]; /* given out in turn */
    size_t relay_count;
    ez_action *actions; /* in order of time */
    size_t action_count;
    ez_attack_plan adversary;
    ez_sweep_axis sweep[EZ_SWEEP_AXES_MAX];
    size_t sweep_count;
    ez_bounds bounds;
} ez_scenario;

typedef struct ez_scenario_error {
    char text[256];
} ez_scenario_error;

/* ez_scenario_parse: read a scenario from `text`; `name` stands in errors.
 *   returns  EZ_OK; EZ_ERR_MALFORMED with *error set and *out cleared */
EZ_MUST_USE ez_status ez_scenario_parse(ez_scenario *out, ez_scenario_error *error,
                                        const char *name, const char *text, size_t size);

/* ez_scenario_load: the same from a file; EZ_ERR_IO, with *error set, when it cannot be read.
 * What either call filled belongs to the caller until ez_scenario_clear. */
EZ_MUST_USE ez_status ez_scenario_load(ez_scenario *out, ez_scenario_error *error,
                                       const char *path);

/* ez_action_word, ez_topology_word: how a file names an action or a topology. */
const char *ez_action_word(ez_action_kind kind);
const char *ez_topology_word(ez_topology topology);

/* ez_scenario_sweep_points: how many points the sweep has: every value of each axis with every one
 * of the others; 1 without axes. ez_scenario_sweep_set: make the scenario that of point `number`,
 * counted from 0, the last axis turning fastest; `at` receives the index of each axis's value. */
size_t ez_scenario_sweep_points(const ez_scenario *scenario);
void ez_scenario_sweep_set(ez_scenario *scenario, size_t at[EZ_SWEEP_AXES_MAX], size_t number);

/* ez_scenario_clear: let go of what the scenario holds. A cleared one may be cleared again. */
void ez_scenario_clear(ez_scenario *scenario);

#endif
