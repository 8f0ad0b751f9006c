/* Withholding: to tell of a thing and not to give it.
 *
 * withhold-bodies  mines, announces its blocks and never serves one. Each holds a note that nobody
 *                  else has seen, so that nobody can put the block together from the announcement.
 * withhold-txs     announces transactions, before others do, and never delivers one.
 *
 * Neither breaks a rule that could be proved: who only passed on what it heard looks the same for a
 * while. A node asks the next one who has it, and builds on what it has meanwhile.
 */
#include "attack_internal.h"

#define NOTE_MS 1000 /* between notes of its own */

static void begin_bodies(ez_adversary *adversary)
{
    attack_wake(adversary, adversary->plan->from_ms);
}

static void make_note(ez_adversary *adversary)
{
    ez_node_status status;
    ez_node_get_status(attack_node(adversary), &status);
    if (status.pool_count < EZ_IDS_MAX) {
        ez_world_note(adversary->world, adversary->host, "secret", "nobody", 1);
    }
    if (attack_is_on(adversary)) {
        attack_wake(adversary, attack_now(adversary) + NOTE_MS);
    }
}

static bool is_of_block(ez_message_type type)
{
    return type == EZ_MSG_BODY || type == EZ_MSG_PARTS || type == EZ_MSG_MISSING_BODIES;
}

static bool is_of_txs(ez_message_type type)
{
    return type == EZ_MSG_TXS || type == EZ_MSG_MISSING_TXS;
}

/* What it keeps it keeps after its time as well: a secret note is never told. */
static bool says_bodies(ez_adversary *adversary, ez_link_id link, ez_message *message)
{
    (void)adversary;
    (void)link;
    return !is_of_block(message->type) && !is_of_txs(message->type) &&
           message->type != EZ_MSG_ANNOUNCE_TXS;
}

static bool says_txs(ez_adversary *adversary, ez_link_id link, ez_message *message)
{
    (void)link;
    return !attack_is_on(adversary) || !is_of_txs(message->type);
}

const attack_tactic attack_withhold_bodies = {
    .begin = begin_bodies, .says = says_bodies, .act = make_note};
const attack_tactic attack_withhold_txs = {.says = says_txs};
