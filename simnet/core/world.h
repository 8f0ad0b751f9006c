/* A small network in one process: node cores joined by memory pipes, under one virtual clock.
 *
 * Every host has the address 10.0.A.B:7333 with A.B its number. Messages travel as bytes: encoded,
 * cut into pieces, pushed through the receiver's cutter and decoded, in order, after the link's
 * latency. Proofs are searched only when the world is told to, so a test decides who mines when.
 * Checks run inline; writes become durable after a delay, or when told.
 *
 * A stranger is a link whose far end is the test itself: it sends what it likes, and keeps what it
 * was sent.
 */
#ifndef EZP2P_SIMNET_WORLD_H
#define EZP2P_SIMNET_WORLD_H

#include "ezp2p/node/node.h"
#include "ezp2p/node/query.h"
#include "memory_store.h"

typedef struct ez_world ez_world;

typedef struct ez_world_config {
    ez_network network;
    uint64_t seed;
    ez_time_ms latency_ms; /* of every link */
    ez_time_ms commit_ms;  /* from a write to its being durable */
    size_t fragment_bytes; /* longest piece a stream is delivered in; 0: whole frames */
    const ez_log *log;     /* of the cores; may be NULL */
} ez_world_config;

ez_world *ez_world_new(const ez_world_config *config);
void ez_world_free(ez_world *world);

/* ez_world_add: one more host, running, that dials the hosts in `peers`.
 *   returns  its number, counting from 1 */
size_t ez_world_add(ez_world *world, const size_t *peers, size_t peer_count);

/* ez_world_stop, ez_world_start: end a host's node (durable state stays, what was queued is lost
 * when `crash`, else committed first), and start it again from its store. */
void ez_world_stop(ez_world *world, size_t host, bool crash);
void ez_world_start(ez_world *world, size_t host);

/* ez_world_cut: hosts on different sides of `side` (by host number, 0 = not placed) neither reach
 * nor hear each other; open links between them fail as a reset. NULL heals. */
void ez_world_cut(ez_world *world, const int *side);

/* ez_world_run: let `ms` of virtual time pass. */
void ez_world_run(ez_world *world, ez_time_ms ms);

/* ez_world_run_until: run until `is_true` says so, at most `ms`; returns whether it did. */
bool ez_world_run_until(ez_world *world, ez_time_ms ms, void *self,
                        bool (*is_true)(ez_world *world, void *self));

ez_now ez_world_now(const ez_world *world);
ez_node *ez_world_node(ez_world *world, size_t host); /* NULL while stopped */
ez_memory_store *ez_world_store(ez_world *world, size_t host);
const ez_keypair *ez_world_key(const ez_world *world, size_t host);
ez_endpoint ez_world_endpoint(const ez_world *world, size_t host);

/* ez_world_mine: host mines one block on what it knows now (a client's request) and announces it.
 */
void ez_world_mine(ez_world *world, size_t host);

/* ez_world_command: hand a command to a host; ez_world_reply: its answer, if it came. */
void ez_world_command(ez_world *world, size_t host, ez_command command);
bool ez_world_reply(const ez_world *world, size_t host, uint64_t request, ez_reply *out);

/* ez_world_note: sender, recipient and amount as through the original route; returns the request.
 */
uint64_t ez_world_note(ez_world *world, size_t host, const char *sender, const char *recipient,
                       uint64_t amount);

/* ez_world_agrees: whether all running hosts have the same tip. */
bool ez_world_agrees(ez_world *world);

/* ---- strangers
 * ----------------------------------------------------------------------------------- */

typedef struct ez_stranger ez_stranger;

/* ez_stranger_new: a link to `host` from an address of its own. With `shake` the handshake is done
 * (as a node with a fresh key and an empty chain) before this returns. */
ez_stranger *ez_stranger_new(ez_world *world, size_t host, bool shake);

/* ez_stranger_hello: an acceptable Hello, to be changed and sent by tests. */
ez_message ez_stranger_hello(ez_stranger *stranger);

void ez_stranger_send(ez_stranger *stranger, const ez_message *message);
void ez_stranger_send_bytes(ez_stranger *stranger, const void *data, size_t size);
void ez_stranger_hang_up(ez_stranger *stranger);

/* ez_stranger_count: messages of a type received so far. */
size_t ez_stranger_count(const ez_stranger *stranger, ez_message_type type);

/* ez_stranger_last: the last message of a type, borrowed until the next one; NULL: none came. */
const ez_message *ez_stranger_last(const ez_stranger *stranger, ez_message_type type);

/* ez_stranger_is_closed: the host closed the link; ez_stranger_goodbye: with which reason (0:
 * none). */
bool ez_stranger_is_closed(const ez_stranger *stranger);
ez_goodbye ez_stranger_goodbye(const ez_stranger *stranger);

#endif
