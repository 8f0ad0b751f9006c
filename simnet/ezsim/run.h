/* One scenario, carried out: builds the world, lets time pass, mines, submits, breaks things as the
 * file says, lets the network settle, and checks it.
 */
#ifndef EZP2P_SIMNET_RUN_H
#define EZP2P_SIMNET_RUN_H

#include "attack.h"
#include "ezp2p/base/buffer.h"
#include "finders.h"
#include "measure.h"
#include "scenario.h"
#include "topology.h"
#include "world.h"

#define EZ_SIGNED_NOTES_KEPT 4

typedef struct ez_request ez_request; /* a client's, not answered yet */
typedef struct ez_series ez_series;

typedef struct ez_acknowledged {
    ez_tx_id id;
    size_t host;
    ez_time_ms at;
    bool paid; /* it offers a fee */
    bool note; /* it moves no coins, so nothing can keep it out of a block */
} ez_acknowledged;

/* The most that was seen of what limits.h bounds. */
typedef struct ez_peaks {
    size_t pool_count, pool_bytes, orphan_count, parked_count, parked_bytes, book_count, links;
    size_t side_headers; /* headers known beside the best chain, blocks among them */
    uint32_t bodies_in_flight, txs_in_flight; /* of one peer */
} ez_peaks;

/* Sums over all honest hosts. */
typedef struct ez_totals {
    uint64_t bytes, txs_received, txs_duplicate;
} ez_totals;

/* What an attack comes to, as a share in millionths: of the chain's blocks for those who mine, of
 * the attempts for a double spend. docs/attacks.md. */
typedef struct ez_outcome {
    const char *of;     /* in words; NULL: this kind is judged by the checkers alone */
    uint64_t trials;    /* how many blocks, attempts, … it is a share of */
    uint64_t ppm;       /* measured */
    uint64_t error_ppm; /* its standard error; 0: too few */
    const char *curve;  /* who published what it should be in the long run; NULL: nobody */
    uint64_t curve_ppm;
    uint64_t gamma_milli; /* selfish: of honest blocks that decided a race, built on its side */
} ez_outcome;

/* What a run comes to. Percentiles are p50, p90, p99. */
typedef struct ez_figures {
    size_t nodes, links;
    uint64_t height, blocks, reorgs, reorg_depth_max, stale_percent;
    uint64_t block_ms[3], tx_ms[3], block_ratio_percent[3], tx_ratio_percent[3];
    uint64_t tx_copies_percent;    /* payloads received per transaction taken in from peers */
    uint64_t block_copies_percent; /* announcements and bodies received per block connected */
    uint64_t bytes_per_node, bodies_received, bodies_rebuilt, requests_expired;
    ez_attack_figures attack; /* of all adversaries together */
    ez_outcome outcome;
} ez_figures;

typedef struct ez_run {
    const ez_scenario *scenario; /* borrowed */
    uint64_t seed;
    ez_world *world;
    ez_watcher watcher;
    ez_distances distances;
    ez_rng rng;  /* of what the scenario draws; the world and its nodes have their own */
    int *sides;  /* of each host, indexed by number, while cut; else NULL */
    bool *wiped; /* whether a host ever lost its disk, indexed by number; NULL: none did */
    ez_time_ms next_block, next_sample;
    uint64_t next_tx_us;
    size_t next_action, next_sampled;
    ez_request *requests;
    uint64_t last_request;
    ez_buffer signed_notes[EZ_SIGNED_NOTES_KEPT]; /* of clients, who may hand them in once more */
    ez_acknowledged *acknowledged;
    size_t acknowledged_count, acknowledged_capacity;
    uint64_t txs_submitted, txs_refused;
    ez_spread blocks, txs;
    ez_totals unsteady; /* what was before the scenario's `steady` */
    bool is_steady;
    ez_histogram reorg_depth;
    ez_adversary **adversaries;
    size_t adversary_count;
    ez_finders finders;
    uint64_t faulted; /* how often an honest host dropped an adversary for breaking a rule */
    ez_peaks peaks;
    ez_series *series; /* the caller's, kept while not NULL (series.h) */
    bool settled;
    ez_time_ms settled_after_ms;
    ez_figures figures; /* once it has been checked */
    bool is_over;       /* nothing counts for the figures any more */
    ez_buffer failures; /* one line each */
    size_t failure_count;
} ez_run;

/* ez_run_new: a world as the scenario has it at its beginning.
 *   share_checks  as in ez_world_config */
ez_run *ez_run_new(const ez_scenario *scenario, uint64_t seed, bool share_checks);

/* ez_run_new_recorded: the same; what hosts take in goes to `recording`, which outlives the run. */
ez_run *ez_run_new_recorded(const ez_scenario *scenario, uint64_t seed, bool share_checks,
                            const ez_recording *recording);
void ez_run_free(ez_run *run); /* NULL is fine */

/* ez_run_step: go on for at most `ms` of virtual time.
 *   returns  false when the scenario's duration is over */
bool ez_run_step(ez_run *run, ez_time_ms ms);

/* ez_run_settle: end all faults and all traffic and wait for agreement, as long as the scenario
 * allows. A tie between branches of equal work ends only with another block, so one is mined when
 * agreement takes long. */
void ez_run_settle(ez_run *run);

/* ez_run_is_honest: whether a host plays fair. Adversaries come right after the first `nodes`
 * hosts; no checker asks anything of them. */
bool ez_run_is_honest(const ez_run *run, size_t host);

/* ez_run_is_idle: whether a host waits for nothing: no body, header, transaction or write. */
bool ez_run_is_idle(const ez_run *run, size_t host);
size_t ez_run_pending(const ez_run *run); /* clients' requests without an answer */

/* ez_run_fail: note what is wrong. */
void ez_run_fail(ez_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

ez_figures ez_run_figures(const ez_run *run);
ez_totals ez_run_totals(const ez_run *run);

/* ez_run_check: every checker, once the run has settled (check.c); keeps its figures, since some
 * checkers let time pass. */
void ez_run_check(ez_run *run);

#endif
