/* Relay strategies: which peer gets a new transaction in which form.
 *
 * The node tells its strategy when a link became a peer or went away and when a transaction entered
 * its pool for the first time; the strategy says for each link what goes out on it. It sees ids and
 * links, no payloads, no clock, and keeps whatever state it likes: a pure state machine, which the
 * simulator runs by the thousand.
 *
 * A strategy is for speed and cost, not for safety. Whatever it decides, the node announces every
 * pooled transaction by its id to each peer that is not known to have it, until a block holds it,
 * and fetches what others announce. So one that does nothing at all loses nothing (that is `inv`),
 * and nodes of different strategies understand each other.
 *
 * To try one of your own: docs/simulator.md, section "Try your own relay strategy".
 */
#ifndef EZP2P_GOSSIP_RELAY_H
#define EZP2P_GOSSIP_RELAY_H

#include "ezp2p/base/id.h"
#include "ezp2p/base/rng.h"
#include "ezp2p/base/time.h"
#include "ezp2p/chain/types.h"

#include <stdbool.h>
#include <stddef.h>

/* What a link gets of a new transaction. */
typedef enum ez_relay_way {
    EZ_RELAY_ANNOUNCE, /* its id, at the end of the event; the peer asks when it lacks it */
    EZ_RELAY_HINT,     /* its short id, within EZ_HINT_DELAY_MS, unless the peer shows it first */
    EZ_RELAY_PUSH,     /* the whole of it, at once */
} ez_relay_way;

/* Pushes travel along numbered trees, so that a peer can say which pushes it has no use for. Who
 * brings a transaction into the network chooses the number; it stays with each further push. */
#define EZ_RELAY_TREE_ANY 1u /* of pushes whose strategy chose none */

typedef struct ez_relay_item {
    ez_tx_id id;
    ez_link_id from; /* who gave it; value 0: a client of this node */
    ez_time_ms now;
    uint32_t tree; /* that it was pushed along, 1 to EZ_TREES_MAX; 0: none yet */
    uint32_t grow; /* for the strategy: another tree to be grown from here; 0: none */
} ez_relay_item;

/* The parts of a strategy. Only `name`, `summary` and `spread` are needed; a NULL elsewhere means
 * that there is nothing to do. `self` is what `create` returned, NULL without one. */
typedef struct ez_relay_strategy {
    const char *name;    /* for --relay and scenarios */
    const char *summary; /* one line for people */

    /* The state of `node`; `rng` is a generator of its own, to be copied. */
    void *(*create)(const ez_public_key *node, const ez_rng *rng);
    void (*destroy)(void *self);

    void (*peer_up)(void *self, ez_link_id link, const ez_public_key *node);
    void (*peer_down)(void *self, ez_link_id link);
    void (*peer_timed)(void *self, ez_link_id link, uint32_t ping_ms); /* a round trip */

    /* A transaction is new here and was checked: fill ways[i] for each of `count` > 0 links. They
     * are the peers not known to have it that take output now, oldest connection first. All ways
     * are EZ_RELAY_ANNOUNCE before the call. An item of no tree may be given one, and all
     * peers be told to grow another. */
    void (*spread)(void *self, ez_relay_way *ways, const ez_link_id *links, size_t count,
                   ez_relay_item *item);

    /* The peer at `from` tells us to grow `tree`: EZ_RELAY_PUSH for each of the `count` other links
     * on which to pass that on. All ways are EZ_RELAY_ANNOUNCE before the call. */
    void (*grow)(void *self, ez_relay_way *ways, const ez_link_id *links, size_t count,
                 ez_link_id from, uint32_t tree, ez_time_ms now);

    /* A push along `tree` brought what was here already, and had come along tree `first` (0: by no
     * push). Returns whether to tell the peer to push no more along `tree`. */
    bool (*repeated)(void *self, ez_link_id link, uint32_t tree, uint32_t first);

    /* The peer told us so; or it asked for a transaction that went along `tree`, and wants the
     * next ones too. Trees are checked, links are up. */
    void (*pruned)(void *self, ez_link_id link, uint32_t tree);
    void (*grafted)(void *self, ez_link_id link, uint32_t tree);

    ez_time_ms patience_ms; /* that a hinted transaction has to come by itself */
} ez_relay_strategy;

extern const ez_relay_strategy ez_relay_flood;  /* push to all */
extern const ez_relay_strategy ez_relay_inv;    /* announce to all */
extern const ez_relay_strategy ez_relay_tree;   /* push along trees, hint beside them */
extern const ez_relay_strategy ez_relay_fanout; /* push to a few at random: the worked example */

/* ez_relay_at: the strategies that people can choose by name, one by one; NULL after the last.
 * ez_relay_find: one of them by its name; NULL when there is none. ez_relay_default: what a node
 * uses that was told nothing. */
const ez_relay_strategy *ez_relay_at(size_t i);
const ez_relay_strategy *ez_relay_find(const char *name, size_t size);
const ez_relay_strategy *ez_relay_default(void);

/* ---- for the node: a strategy with its state ------------------------------------------------- */

typedef struct ez_relay ez_relay;

ez_relay *ez_relay_new(const ez_relay_strategy *strategy, const ez_public_key *node,
                       const ez_rng *rng);
void ez_relay_free(ez_relay *relay); /* NULL is fine */

void ez_relay_peer_up(ez_relay *relay, ez_link_id link, const ez_public_key *node);
void ez_relay_peer_down(ez_relay *relay, ez_link_id link);
void ez_relay_peer_timed(ez_relay *relay, ez_link_id link, uint32_t ping_ms);
void ez_relay_spread(ez_relay *relay, ez_relay_way *ways, const ez_link_id *links, size_t count,
                     ez_relay_item *item);
void ez_relay_grow(ez_relay *relay, ez_relay_way *ways, const ez_link_id *links, size_t count,
                   ez_link_id from, uint32_t tree, ez_time_ms now);
bool ez_relay_repeated(ez_relay *relay, ez_link_id link, uint32_t tree, uint32_t first);
void ez_relay_pruned(ez_relay *relay, ez_link_id link, uint32_t tree);
void ez_relay_grafted(ez_relay *relay, ez_link_id link, uint32_t tree);
ez_time_ms ez_relay_patience_ms(const ez_relay *relay);

#endif
