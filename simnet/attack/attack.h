/* The attack lab: hosts that play false (docs/attacks.md).
 *
 * An adversary is a host of the world like any other, a real node with its store and its links,
 * whose driver bends what passes between the node and the wire (bend.h). What it can do is what
 * anybody can do who runs a node of his own making: he has no power over other hosts or over links
 * that are not his. Each kind is one file beside this one that reads as a description of the
 * attack.
 */
#ifndef EZP2P_SIMNET_ATTACK_H
#define EZP2P_SIMNET_ATTACK_H

#include "world.h"

#define EZ_ATTACK_GIVE_UP 12 /* a double spend ends this many blocks behind the public chain */

#define EZ_ATTACKS_EACH(X)                                                                         \
    /* X(enumerator, "name", tactic) */                                                            \
    X(EZ_ATTACK_SELFISH, "selfish", attack_selfish)                                                \
    X(EZ_ATTACK_MAJORITY, "majority", attack_majority)                                             \
    X(EZ_ATTACK_DOUBLE_SPEND, "double-spend", attack_double_spend)                                 \
    X(EZ_ATTACK_ECLIPSE, "eclipse", attack_eclipse)                                                \
    X(EZ_ATTACK_WITHHOLD_BODIES, "withhold-bodies", attack_withhold_bodies)                        \
    X(EZ_ATTACK_WITHHOLD_TXS, "withhold-txs", attack_withhold_txs)                                 \
    X(EZ_ATTACK_INVALID_BLOCK, "invalid-block", attack_invalid_block)                              \
    X(EZ_ATTACK_HEADER_SPAM, "header-spam", attack_header_spam)                                    \
    X(EZ_ATTACK_TX_FLOOD, "tx-flood", attack_tx_flood)                                             \
    X(EZ_ATTACK_ORPHAN_FLOOD, "orphan-flood", attack_orphan_flood)                                 \
    X(EZ_ATTACK_STALE, "stale", attack_stale)                                                      \
    X(EZ_ATTACK_LIAR, "liar", attack_liar)                                                         \
    X(EZ_ATTACK_VANDAL, "vandal", attack_vandal)

typedef enum ez_attack_kind {
#define EZ_ATTACK_ENUM(name, text, tactic) name,
    EZ_ATTACKS_EACH(EZ_ATTACK_ENUM)
#undef EZ_ATTACK_ENUM
        EZ_ATTACK_KINDS
} ez_attack_kind;

/* ez_attack_by_name: the kind of this name, of `size` bytes; false: there is none. */
bool ez_attack_by_name(ez_attack_kind *out, const char *name, size_t size);
const char *ez_attack_name(ez_attack_kind kind);

/* What a scenario's section [adversary] says. Times are virtual, from the start. */
typedef struct ez_attack_plan {
    ez_attack_kind kinds[EZ_ATTACK_KINDS]; /* given to the adversaries in turn */
    uint32_t kind_count;
    uint32_t count;        /* adversaries; 0: none */
    uint32_t share_milli;  /* of all hash rate, shared by them evenly */
    uint32_t links;        /* that each dials; 0: one to every honest host */
    ez_time_ms latency_ms; /* of their links, one way; 0: as any other */
    uint32_t reach_milli; /* share of honest hosts that hear of a block in a race from them first */
    ez_time_ms from_ms, until_ms; /* when they play false */
    uint32_t confirmations;       /* before the merchant of a double spend delivers */
    uint32_t groups;              /* network groups that an eclipse has addresses in */
    uint64_t rate_milli;          /* thousandths of what a flood sends in a second */
} ez_attack_plan;

/* What came of it. Zero where a kind does not have it. */
typedef struct ez_attack_figures {
    uint64_t held;     /* own blocks kept secret at first */
    uint64_t races;    /* published against an honest block of the same height, and decided by an */
    uint64_t followed; /* honest block; of these, how many were built on the adversary's side */
    uint64_t attempts, successes; /* of kinds that try again and again; of eclipse: links that
                                     victims chose, and those of them that lead to it */
    uint64_t book, book_taken;    /* addresses that victims know, and those that are its own */
    uint64_t sent;                /* what it made up and sent: headers, transactions, addresses */
} ez_attack_figures;

typedef struct ez_adversary ez_adversary;

/* ez_adversary_new: make a host, which runs already, play false. The plan is borrowed.
 *   honest_count  hosts 1 to this are honest */
ez_adversary *ez_adversary_new(ez_world *world, size_t host, ez_attack_kind kind,
                               const ez_attack_plan *plan, size_t honest_count);
void ez_adversary_free(ez_adversary *adversary); /* before the world; NULL is fine */

/* ez_adversary_due: when ez_adversary_act is to be called next; EZ_TIME_NEVER: not at all. */
ez_time_ms ez_adversary_due(const ez_adversary *adversary);
void ez_adversary_act(ez_adversary *adversary);

/* ez_attack_owns: whether an address is one that only adversaries have. */
bool ez_attack_owns(const ez_endpoint *endpoint);

/* ez_adversary_rest: the scenario is over. It starts nothing new and publishes what it hides; what
 * it keeps from others it goes on keeping from them. */
void ez_adversary_rest(ez_adversary *adversary);

const ez_attack_figures *ez_adversary_figures(const ez_adversary *adversary);
size_t ez_adversary_host(const ez_adversary *adversary);

#endif
