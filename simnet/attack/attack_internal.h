/* What the files of the attack lab offer each other.
 *
 *   attack.c     an adversary's life: the hooks of its host and its alarm clock
 *   hide.c       own blocks kept secret and published later
 *   forge.c      headers, blocks and transactions made up
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
#include "ezp2p/chain/tx.h"

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
    ez_keypair key; /* of what it forges, and for how much it was used */
    uint64_t key_used;
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

/* ---- forge.c --------------------------------------------------------------------------------- */

/* A block with nothing but its reward. */
typedef struct forged_block {
    ez_header header;
    ez_block_id id;
    ez_buffer body; /* ez_buffer_clear */
} forged_block;

/* forge_proof: search one. forge_header: a child of `parent` that all rules of headers allow, of no
 * body. forge_block: a whole one, that pays `reward` to the adversary, right or not. */
void forge_proof(ez_header *header);
ez_header forge_header(ez_adversary *adversary, const ez_header *parent);
void forge_block(ez_adversary *adversary, forged_block *out, const ez_header *parent,
                 uint64_t reward);

/* forge_note: append a valid note from a label. forge_orphan: one from a new address with a
 * sequence number whose turn never comes. forge_transfer: one coin of the adversary's own to `to`.
 */
void forge_note(ez_adversary *adversary, ez_buffer *out);
void forge_orphan(ez_adversary *adversary, ez_buffer *out);
void forge_transfer(ez_adversary *adversary, ez_buffer *out, ez_tx_id *id, const ez_public_key *to,
                    uint64_t sequence);

/* attack_says: say it as it is; false when the link is gone. attack_announce: a block by its header
 * and reward (NULL: one that is no transaction). attack_push_tx: a transaction that nobody asked
 * for. The last two count as sent. */
bool attack_says(ez_adversary *adversary, ez_link_id link, const ez_message *message);
void attack_announce(ez_adversary *adversary, ez_link_id link, const ez_header *header,
                     const ez_buffer *reward);
void attack_push_tx(ez_adversary *adversary, ez_link_id link, const ez_buffer *tx);

/* attack_tip: the header `back` blocks below the tip of the adversary's own node. */
ez_header attack_tip(const ez_adversary *adversary, uint64_t back);

#endif
