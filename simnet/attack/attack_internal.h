/* What the files of the attack lab offer each other.
 *
 *   attack.c     an adversary's life: the hooks of its host and its alarm clock
 *   hide.c       own blocks kept secret and published later
 *   selfish.c … one kind of attack each
 */
#ifndef EZP2P_SIMNET_ATTACK_INTERNAL_H
#define EZP2P_SIMNET_ATTACK_INTERNAL_H

#include "attack.h"
#include "bend.h"
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/header.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>
#include <utlist.h>

/* What a kind of attack consists of. Each call may be NULL: the host is then honest in this. */
typedef struct attack_tactic {
    size_t state_bytes; /* of adversary->state, zeroed */
    void (*begin)(ez_adversary *adversary);
    bool (*says)(ez_adversary *adversary, ez_link_id link, ez_message *message);
    bool (*hears)(ez_adversary *adversary, ez_link_id link, const ez_message *message);
    void (*told)(ez_adversary *adversary, ez_link_id link, const ez_message *message);
    void (*act)(ez_adversary *adversary);  /* at adversary->due */
    void (*rest)(ez_adversary *adversary); /* the scenario is over */
    void (*clear)(ez_adversary *adversary);
} attack_tactic;

struct ez_adversary {
    ez_world *world;
    size_t host;
    size_t honest_count;
    const ez_attack_plan *plan;
    const attack_tactic *tactic;
    ez_bend bend;
    ez_rng rng;
    ez_time_ms due;
    bool resting;
    ez_attack_figures figures;
    void *state;
};

#define ATTACK_TACTIC(name, text, tactic) extern const attack_tactic tactic;
EZ_ATTACKS_EACH(ATTACK_TACTIC)
#undef ATTACK_TACTIC

/* attack_now: virtual time. attack_is_on: whether it plays false now, by its plan.
 * attack_wake: act at `at`, or earlier when that was wished before. */
ez_time_ms attack_now(const ez_adversary *adversary);
bool attack_is_on(const ez_adversary *adversary);
void attack_wake(ez_adversary *adversary, ez_time_ms at);
ez_node *attack_node(const ez_adversary *adversary);

/* attack_peers: the links of the adversary whose handshake is done, in order of age, and the host
 * at the far end of each (0: no host).
 *   returns  how many there are; both lists are the caller's to free */
size_t attack_peers(const ez_adversary *adversary, ez_link_id **links, size_t **hosts);

/* ---- hide.c: own blocks kept secret ---------------------------------------------------------- */

/* An announcement that was not sent. */
typedef struct hide_item hide_item;

typedef struct hide_block hide_block;

/* Every block that the adversary found or heard of, and the announcements it holds back. A zeroed
 * one is empty. */
typedef struct hide {
    hide_block *blocks;
    hide_item *held;     /* in order */
    uint64_t own_height; /* of the last block it found */
    uint64_t published;  /* own blocks up to this height may be spoken of */
    ez_block_id own_tip;
} hide;

void hide_clear(hide *hiding);

/* hide_hears: note whose blocks these are; to be called with all that arrives.
 * hide_is_own: whether a block was found by this adversary. */
void hide_hears(hide *hiding, const ez_message *message);
bool hide_is_own(const hide *hiding, const ez_block_id *id);

typedef enum hide_news {
    HIDE_NOTHING,
    HIDE_FOUND, /* an own block that was not seen before */
} hide_news;

/* hide_looks: look at an announcement that the core wants to send.
 *   returns  HIDE_FOUND for the first announcement of a block of its own */
hide_news hide_looks(hide *hiding, const ez_message *message);

/* hide_says: take out of `message` what speaks of hidden blocks, and keep their announcements.
 *   returns  false when nothing is left to send */
bool hide_says(hide *hiding, ez_link_id link, ez_message *message);

/* hide_publish: own blocks up to `height` are secret no more. hide_send: send the announcements of
 * published blocks that are held for the links to hosts that `is_for` accepts (NULL: all).
 * hide_forget: what is still secret stays so for ever. */
void hide_publish(hide *hiding, uint64_t height);
void hide_send(hide *hiding, ez_adversary *adversary,
               bool (*is_for)(const ez_adversary *adversary, size_t host));
void hide_forget(hide *hiding);
bool hide_has_secrets(const hide *hiding);

#endif
