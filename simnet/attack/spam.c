/* Floods: more of something than anybody can use, as fast as the plan's rate says, to every peer in
 * turn. Nothing in them breaks a rule: what has to hold is that each kind of memory has its bound,
 * and that those who play fair get through.
 *
 * header-spam   headers with work, each a child of some block long buried: a branch that will never
 *               be the longest, but has to be kept in case it becomes that
 * tx-flood      valid notes without a fee, signed by ever new keys
 * orphan-flood  valid entries whose predecessors do not exist
 */
#include "attack_internal.h"

#define STEP_MS    100u /* between bursts */
#define BURST_MAX  10000u
#define BURIED_MIN 5u

typedef struct spam {
    uint64_t owed_milli; /* thousandths of a message that the rate has run up */
    size_t next_peer;
} spam;

static void begin(ez_adversary *adversary)
{
    attack_wake(adversary, adversary->plan->from_ms);
}

static void burst(ez_adversary *adversary, void (*send)(ez_adversary *adversary, ez_link_id link))
{
    spam *const self = adversary->state;
    ez_link_id *links;
    size_t *hosts;
    const size_t count = attack_peers(adversary, &links, &hosts);
    self->owed_milli += adversary->plan->rate_milli * STEP_MS / 1000;
    for (size_t i = 0; i < BURST_MAX && self->owed_milli >= 1000 && count > 0; i++) {
        self->owed_milli -= 1000;
        send(adversary, links[self->next_peer++ % count]);
    }
    free(links);
    free(hosts);
    if (attack_is_on(adversary)) {
        attack_wake(adversary, attack_now(adversary) + STEP_MS);
    }
}

/* The height of a buried block does not matter: its work is less than that of any tip. */
static void send_header(ez_adversary *adversary, ez_link_id link)
{
    const ez_header parent = attack_tip(adversary, BURIED_MIN);
    const ez_header header = forge_header(adversary, &parent);
    attack_announce(adversary, link, &header, NULL);
}

static void send_note(ez_adversary *adversary, ez_link_id link)
{
    ez_buffer tx = {0};
    forge_note(adversary, &tx);
    attack_push_tx(adversary, link, &tx);
    ez_buffer_clear(&tx);
}

static void send_orphan(ez_adversary *adversary, ez_link_id link)
{
    ez_buffer tx = {0};
    forge_orphan(adversary, &tx);
    attack_push_tx(adversary, link, &tx);
    ez_buffer_clear(&tx);
}

static void act_headers(ez_adversary *adversary)
{
    burst(adversary, send_header);
}

static void act_notes(ez_adversary *adversary)
{
    burst(adversary, send_note);
}

static void act_orphans(ez_adversary *adversary)
{
    burst(adversary, send_orphan);
}

const attack_tactic attack_header_spam = {
    .state_bytes = sizeof(spam), .begin = begin, .act = act_headers};
const attack_tactic attack_tx_flood = {
    .state_bytes = sizeof(spam), .begin = begin, .act = act_notes};
const attack_tactic attack_orphan_flood = {
    .state_bytes = sizeof(spam), .begin = begin, .act = act_orphans};
