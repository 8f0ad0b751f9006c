/* A small network in one process: node cores joined by memory pipes, under one virtual clock.
 *
 * Every host has the address 10.0.A.B:7333 with A.B its number, or 2a00:AABB::1, a network group of
 * its own, when the world is public. Messages travel as bytes: encoded,
 * cut into pieces, pushed through the receiver's cutter and decoded, in order, after the link's
 * latency. Proofs are searched only when the world is told to, so a test decides who mines when.
 * Checks run inline; writes become durable after a delay, or when told.
 *
 * Links fail as TCP does: an end that closes or dies is noticed by the other after what was under
 * way, a cut resets both ends at once, a dial into a cut or to nobody fails after the dial timeout,
 * one to a host that is down is refused. What a peer leaves unread counts against the output bound
 * of the sender, as in the real driver.
 *
 * The same seed and the same calls give the same run, bit for bit (ez_world_digest).
 */
#ifndef EZP2P_SIMNET_WORLD_H
#define EZP2P_SIMNET_WORLD_H

#include "ezp2p/base/rng.h"
#include "ezp2p/node/node.h"
#include "ezp2p/node/query.h"
#include "ezp2p/record/recorder.h"
#include "memory_store.h"

typedef struct ez_world ez_world;

#define EZ_WORLD_PORT 7333 /* of every host */

/* Who looks on. Called while the world runs; must not act on it. */
typedef struct ez_watcher {
    void *self;
    void (*notice)(void *self, size_t host, const ez_notice *notice);
    void (*reply)(void *self, size_t host, const ez_reply *reply);
} ez_watcher;

/* Where the inputs of hosts are recorded (record/recorder.h). */
typedef struct ez_recording {
    void *self;
    /* A host starts: the sink of its record, which must stay until its next start or the end of the
     * world; false: this one is not recorded. */
    bool (*open)(void *self, size_t host, ez_record_sink *out);
} ez_recording;

typedef struct ez_world_config {
    ez_network network;
    uint64_t seed;
    ez_time_ms latency_ms; /* of every link */
    ez_time_ms jitter_ms;  /* each link's latency is longer by up to this, drawn once */
    ez_time_ms commit_ms;  /* from a write to its being durable; EZ_TIME_NEVER: when told */
    size_t fragment_bytes; /* longest piece a stream is delivered in; 0: whole frames */
    bool fragment_random;  /* pieces of any length up to that, and the end of some messages later */
    uint32_t outbound_max; /* connection slots of every host; 0: 8 and 64 */
    uint32_t inbound_max;
    bool public_addresses; /* hosts live in the open internet, not in one private network */
    bool silent;           /* no news of addresses travels: a graph stays as it was built */
    /* one way between two hosts, the same each time and in both directions; NULL: as above */
    ez_time_ms (*latency)(const void *self, size_t a, size_t b);
    const void *latency_self;
    uint64_t send_bytes_per_s; /* what one host sends at most, all its links together; 0: any */
    bool share_checks;         /* what was verified once is not verified again; same results */
    const ez_watcher *watcher; /* outlives the world; may be NULL. With it, replies are not kept */
    const ez_relay_strategy *const *relays; /* of the hosts in turn, borrowed; NULL: the default */
    size_t relay_count;
    bool mine;         /* hosts mine in the background: proofs are still found when told */
    const ez_log *log; /* of the cores; may be NULL */
    const ez_recording *recording; /* outlives the world; may be NULL */
} ez_world_config;

ez_world *ez_world_new(const ez_world_config *config);
void ez_world_free(ez_world *world); /* NULL is fine */

/* ez_world_add: one more host, running, that dials the hosts in `peers`.
 *   returns  its number, counting from 1 */
size_t ez_world_add(ez_world *world, const size_t *peers, size_t peer_count);
size_t ez_world_count(const ez_world *world);

/* ez_world_stop, ez_world_start: end a host's node and start it again from its store. A crash loses
 * what was queued and says nothing to anybody; else the node is told to shut down, and its writes
 * are committed. */
void ez_world_stop(ez_world *world, size_t host, bool crash);
void ez_world_start(ez_world *world, size_t host);

/* ez_world_wipe: a host that is stopped loses its disk: it will start with an empty store and the
 * key that it had. */
void ez_world_wipe(ez_world *world, size_t host);

/* ez_world_cut: hosts on different sides neither reach nor hear each other; open links between them
 * fail as a reset. NULL heals.
 *   side  of each host, indexed by its number (side[0] is unused); 0: reaches all sides */
void ez_world_cut(ez_world *world, const int *side);

/* ez_world_run: let `ms` of virtual time pass. 0: only what is due now. */
void ez_world_run(ez_world *world, ez_time_ms ms);

/* ez_world_run_until: run until `is_true` says so, at most `ms`; returns whether it did. */
bool ez_world_run_until(ez_world *world, ez_time_ms ms, void *self,
                        bool (*is_true)(ez_world *world, void *self));

/* ez_world_commit: make a host's queued writes durable now. */
void ez_world_commit(ez_world *world, size_t host);

ez_now ez_world_now(const ez_world *world);
ez_rng *ez_world_rng(ez_world *world); /* for tests that draw; the nodes have their own */
ez_node *ez_world_node(ez_world *world, size_t host); /* NULL while stopped */
ez_memory_store *ez_world_store(ez_world *world, size_t host);
const ez_network *ez_world_network(const ez_world *world);
const ez_keypair *ez_world_key(const ez_world *world, size_t host);
ez_endpoint ez_world_endpoint(const ez_world *world, size_t host);

/* ez_world_mine: host mines one block on what it knows now (a client's request) and announces it;
 * returns the request. ez_world_prove: find the proof of the template that the host mines on.
 *   returns  false when it mines on none */
uint64_t ez_world_mine(ez_world *world, size_t host);
bool ez_world_prove(ez_world *world, size_t host);

/* ez_world_template: what the host mines on, or mined on last; false: nothing now. */
bool ez_world_template(const ez_world *world, size_t host, uint64_t *generation, ez_header *header);

/* ez_world_command: hand a command to a host; returns its number, given here when it has none.
 * ez_world_reply: the answer, if it came. */
uint64_t ez_world_command(ez_world *world, size_t host, ez_command command);
bool ez_world_reply(const ez_world *world, size_t host, uint64_t request, ez_reply *out);

/* ez_world_event: hand any event to a host, as a driver would; for what only drivers do. */
void ez_world_event(ez_world *world, size_t host, const ez_event *event);

/* ez_world_note: sender, recipient and amount as through the original route; returns the request.
 */
uint64_t ez_world_note(ez_world *world, size_t host, const char *sender, const char *recipient,
                       uint64_t amount);

/* ez_world_notices: how many notices of a type a host gave, and the last of them in *last (may be
 * NULL; untouched when there was none). */
size_t ez_world_notices(const ez_world *world, size_t host, ez_notice_type type, ez_notice *last);

/* ---- checkers ---------------------------------------------------------------------------------
 */

/* ez_world_agrees: whether all running hosts have the same tip. */
bool ez_world_agrees(ez_world *world);

/* ez_world_faults: how often any host dropped a peer for breaking a rule, over all its lives.
 * ez_world_honest_faults: how often that peer was another host; must always be 0. */
uint64_t ez_world_faults(const ez_world *world);
uint64_t ez_world_honest_faults(const ez_world *world);

/* ez_world_counters: the totals of a host over all its lives. */
void ez_world_counters(const ez_world *world, ez_node_counters *out, size_t host);

/* ez_world_replays: whether the durable accounts and transaction index of a host are what a fresh
 * replay of its durable chain gives. */
bool ez_world_replays(ez_world *world, size_t host);

/* ez_world_digest: a hash over every event and effect so far. */
uint64_t ez_world_digest(const ez_world *world);

/* ez_world_report_to: keep *progress up to date from now on, for whoever has to say where a run
 * died. It outlives the world. */
typedef struct ez_progress {
    ez_time_ms time;
    uint64_t steps;
} ez_progress;

void ez_world_report_to(ez_world *world, ez_progress *progress);

/* ez_world_steps: how many things have happened so far. */
uint64_t ez_world_steps(const ez_world *world);

#endif
