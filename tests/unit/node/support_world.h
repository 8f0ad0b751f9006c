/* What tests of the node need again and again: small worlds, counts, and strangers that serve a
 * chain of their own. */
#ifndef EZP2P_TESTS_SUPPORT_WORLD_H
#define EZP2P_TESTS_SUPPORT_WORLD_H

#include "chain_fixture.h"
#include "stranger.h"
#include "world.h"

#include <criterion/criterion.h>

#define LATENCY_MS 20
#define COMMIT_MS  5

/* A configuration with an easy network: latency 20 ms, writes durable after 5 ms. */
ez_world_config world_config(uint64_t seed);

/* world_new: `hosts` of them, each given the one before as its only peer; nothing has run yet. */
ez_world *world_new(uint64_t seed, size_t hosts);

/* world_end: demand that no host dropped a peer for breaking a rule, and free the world.
 * world_end_faulted: the same for a test whose strangers broke rules `faults` times. */
void world_end(ez_world *world);
void world_end_faulted(ez_world *world, uint64_t faults);

ez_node_status status_of(ez_world *world, size_t host);
const ez_node_counters *counters_of(ez_world *world, size_t host);
uint64_t height_of(ez_world *world, size_t host);
ez_block_id tip_of(ez_world *world, size_t host);
ez_header tip_header_of(ez_world *world, size_t host);
size_t peers_of(ez_world *world, size_t host); /* ready */
size_t pool_of(ez_world *world, size_t host);
bool pool_has(ez_world *world, size_t host, const ez_tx_id *id);
uint64_t balance_of(ez_world *world, size_t host, const ez_public_key *key);

/* peer_of: what `host` says of a link; false when it has no such peer. */
bool peer_of(ez_world *world, size_t host, ez_link_id link, ez_peer_info *out);

/* mine: `count` blocks by `host`, `gap` virtual milliseconds after each. */
void mine(ez_world *world, size_t host, size_t count, ez_time_ms gap);

/* note: a note taken in from a client at `host`; runs until it is answered, returns its id. */
ez_tx_id note(ez_world *world, size_t host, const char *text);

/* Signed by keys of the fixture's numbers, to be cleared: a note from 50; from anybody to `to`. */
fixture_tx numbered_note(const ez_world *world, uint64_t number);
fixture_tx transfer_of(const ez_world *world, const ez_keypair *from, uint32_t to, uint64_t amount,
                       uint64_t sequence);
uint64_t coins_of(ez_world *world, uint32_t number); /* at the first host */

/* submit: a signed transaction as POST /v1/transactions would hand it in; returns the request. */
uint64_t submit(ez_world *world, size_t host, const fixture_tx *tx);

/* answer: the reply to a request, which must have come. */
ez_reply answer(ez_world *world, size_t host, uint64_t request);

/* run_to_agreement: run until all running hosts have one tip, at most `ms`. */
bool run_to_agreement(ez_world *world, ez_time_ms ms);

/* ---- strangers --------------------------------------------------------------------------------
 */

#define CHAIN_MAX 4096

/* A chain made by a test, above genesis. */
typedef struct test_chain {
    const ez_network *network;
    ez_block *blocks[CHAIN_MAX]; /* [0] has height 2 */
    size_t count;
    ez_work work; /* of the whole, genesis included */
} test_chain;

test_chain *chain_new(const ez_network *network);
void chain_free(test_chain *chain);

/* chain_add: extend the chain by a block with `txs` and the right reward for key `miner`.
 * chain_grow: by `count` blocks without transactions. chain_fork: a chain with the first `count`
 * blocks of `from`. chain_take: append a made block; moves the reference. */
const ez_block *chain_add(test_chain *chain, uint32_t miner, const fixture_tx *txs, size_t count);
void chain_grow(test_chain *chain, uint32_t miner, size_t count);
test_chain *chain_fork(const test_chain *from, size_t count);
void chain_take(test_chain *chain, ez_block *block);
const ez_header *chain_tip(const test_chain *chain);
ez_block_id chain_tip_id(const test_chain *chain);

/* How a serving stranger answers. Everything is counted. */
typedef struct test_server {
    const test_chain *chain;
    bool no_headers;   /* requests are not answered */
    bool no_bodies;    /* … */
    bool says_missing; /* bodies are said to be missing */
    size_t spoilt;     /* bodies from this index on have a byte changed; 0: none */
    size_t headers_asked, bodies_asked, parts_asked;
    size_t bodies_max_at_once; /* largest request seen */
} test_server;

/* server_join: a stranger that shakes hands with `host`, claiming the chain's tip, and serves. */
ez_stranger *server_join(ez_world *world, size_t host, test_server *server);

/* hello_claiming: an acceptable Hello with the chain's tip in it. */
ez_message hello_claiming(const ez_stranger *stranger, const test_chain *chain);

/* Sending one message each. */
void send_headers(ez_stranger *stranger, const ez_header *headers, size_t count);
void send_chain_headers(ez_stranger *stranger, const test_chain *chain, size_t from, size_t count);
void send_body(ez_stranger *stranger, const ez_block *block);
void send_announcement(ez_stranger *stranger, const ez_block *block);
void send_ids(ez_stranger *stranger, ez_message_type type, const void *ids, size_t count);
void send_txs(ez_stranger *stranger, const fixture_tx *txs, size_t count);
void send_ping(ez_stranger *stranger, uint64_t nonce);

/* short_id_of: how an announcement names a transaction of a block. */
uint64_t short_id_of(const ez_block_id *block, const ez_tx_id *tx);

#endif
