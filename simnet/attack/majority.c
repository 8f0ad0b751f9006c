/* A 51 % attack: with more than half of the hash rate, mine a branch in secret for a while, deaf to
 * everybody else's blocks, then publish it all: the longest chain wins, and what the others built
 * meanwhile is void. The secret blocks are empty, so every transaction of the blocks that lose has
 * to find its way back into the pools. */
#include "attack_internal.h"

typedef struct majority {
    hide hiding;
} majority;

static void begin(ez_adversary *adversary)
{
    attack_wake(adversary, adversary->plan->until_ms);
}

static void publish(ez_adversary *adversary)
{
    majority *const self = adversary->state;
    hide_publish(&self->hiding, self->hiding.own_height);
    hide_send(&self->hiding, adversary, NULL);
}

static bool says(ez_adversary *adversary, ez_link_id link, ez_message *message)
{
    majority *const self = adversary->state;
    const bool is_new = hide_looks(&self->hiding, message) == HIDE_FOUND;
    adversary->figures.held += is_new && attack_is_on(adversary);
    if (is_new && !attack_is_on(adversary)) {
        hide_publish(&self->hiding, self->hiding.own_height);
    }
    return hide_says(&self->hiding, link, message);
}

/* Never to pool a transaction is how its blocks stay empty. */
static bool hears(ez_adversary *adversary, ez_link_id link, const ez_message *message)
{
    majority *const self = adversary->state;
    (void)link;
    hide_hears(&self->hiding, message);
    const bool is_block = message->type == EZ_MSG_ANNOUNCE_BLOCK || message->type == EZ_MSG_HEADERS;
    const bool is_tx = message->type == EZ_MSG_ANNOUNCE_TXS || message->type == EZ_MSG_TXS;
    return !is_tx && !(is_block && attack_is_on(adversary));
}

static void clear(ez_adversary *adversary)
{
    majority *const self = adversary->state;
    hide_clear(&self->hiding);
}

const attack_tactic attack_majority = {.state_bytes = sizeof(majority),
                                       .begin = begin,
                                       .says = says,
                                       .hears = hears,
                                       .act = publish,
                                       .rest = publish,
                                       .clear = clear};
