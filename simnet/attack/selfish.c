/* Selfish mining: a miner who keeps what it finds to itself, so that the others go on working on
 * blocks that are old already, and publishes just enough to make their work void (Eyal and Sirer,
 * "Majority is not Enough: Bitcoin Mining is Vulnerable", 2014, algorithm 1).
 *
 * The node's own fork choice is the pool's: at equal work it stays on its own branch, behind the
 * public chain it gives up and follows. What is left for the driver is when to speak. With `lead`
 * own blocks ahead of the public chain, on an honest block:
 *
 *   lead 1    publish: a race between two branches of one length
 *   lead 2    publish both: ours is longer, theirs is void
 *   more      publish the first one that is secret
 *
 * and on an own block: keep it secret, but in a race publish it and win.
 *
 * The paper's gamma, the share of honest miners that take the pool's side in a race, is not set: it
 * comes of who hears which block first. The pool hears of a block from whoever found it and tells
 * the hosts in its reach at once, the others LATE_MS later; a host stays with the block it had
 * first. How the honest blocks that decide a race were built is counted.
 */
#include "attack_internal.h"

#define LATE_MS 500 /* long after honest hosts have told each other, well before the next block */

typedef struct selfish {
    hide hiding;
    uint64_t public_height; /* of the best honest block heard of */
    bool is_race;           /* our last block, published, has an honest rival */
    bool is_behind;         /* honest blocks are ahead: no branch of ours is left */
} selfish;

static bool is_in_reach(const ez_adversary *adversary, size_t host)
{
    return host > 0 && host <= adversary->honest_count &&
           (host - 1) * 1000 < (size_t)adversary->plan->reach_milli * adversary->honest_count;
}

/* Speak of own blocks up to `height`. */
static void publish(ez_adversary *adversary, uint64_t height, bool is_race)
{
    selfish *const self = adversary->state;
    hide_publish(&self->hiding, height);
    if (is_race) {
        hide_send(&self->hiding, adversary, is_in_reach);
        attack_wake(adversary, attack_now(adversary) + LATE_MS);
    } else {
        hide_send(&self->hiding, adversary, NULL);
    }
}

static void note_found(ez_adversary *adversary)
{
    selfish *const self = adversary->state;
    adversary->figures.held++;
    self->is_behind = false;
    if (self->is_race || !attack_is_on(adversary)) {
        self->is_race = false;
        publish(adversary, self->hiding.own_height, false);
    }
}

static void note_public(ez_adversary *adversary, const ez_header *header)
{
    selfish *const self = adversary->state;
    ez_block_id id;
    ez_header_id(&id, header);
    if (header->index <= self->public_height || hide_is_own(&self->hiding, &id)) {
        return;
    }
    self->public_height = header->index;
    const uint64_t height = header->index, own = self->hiding.own_height;
    if (self->is_race) { /* nothing is secret in a race, so this block decides it */
        adversary->figures.races++;
        adversary->figures.followed += hide_is_own(&self->hiding, &header->previous);
        self->is_race = false;
    }
    if (height > own) {
        self->is_behind = true;
        hide_forget(&self->hiding);
    } else if (self->is_behind || !hide_has_secrets(&self->hiding)) {
        return;
    } else if (height == own) {
        self->is_race = true;
        publish(adversary, own, true);
    } else if (height + 1 == own) {
        publish(adversary, own, false);
    } else {
        publish(adversary, height, true);
    }
}

static bool says(ez_adversary *adversary, ez_link_id link, ez_message *message)
{
    selfish *const self = adversary->state;
    if (hide_looks(&self->hiding, message) == HIDE_FOUND) {
        note_found(adversary);
    }
    return hide_says(&self->hiding, link, message);
}

static bool hears(ez_adversary *adversary, ez_link_id link, const ez_message *message)
{
    selfish *const self = adversary->state;
    (void)link;
    hide_hears(&self->hiding, message);
    return true;
}

static void told(ez_adversary *adversary, ez_link_id link, const ez_message *message)
{
    (void)link;
    if (message->type == EZ_MSG_ANNOUNCE_BLOCK) {
        note_public(adversary, &message->as.announce_block.header);
    } else if (message->type == EZ_MSG_HEADERS) {
        for (size_t i = 0; i < message->as.headers.count; i++) {
            note_public(adversary, &message->as.headers.list[i]);
        }
    }
}

static void act(ez_adversary *adversary)
{
    selfish *const self = adversary->state;
    hide_send(&self->hiding, adversary, NULL);
}

static void rest(ez_adversary *adversary)
{
    selfish *const self = adversary->state;
    publish(adversary, self->hiding.own_height, false);
}

static void clear(ez_adversary *adversary)
{
    selfish *const self = adversary->state;
    hide_clear(&self->hiding);
}

const attack_tactic attack_selfish = {.state_bytes = sizeof(selfish),
                                      .says = says,
                                      .hears = hears,
                                      .told = told,
                                      .act = act,
                                      .rest = rest,
                                      .clear = clear};
