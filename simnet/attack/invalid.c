/* An invalid block in the middle of a longer chain. Every PERIOD_MS the adversary builds a branch
 * of BRANCH_LENGTH blocks on the others' tip whose second block pays its miner too much, which only
 * who has connected the blocks below can see, and everything else about it is right: more work than
 * any other chain, valid headers, bodies that match them. It announces the last block, serves
 * headers and bodies to whoever asks, and lets honest hosts pass the headers on.
 *
 * Who served the bad body could have known; who passed on its header could not. The branch must not
 * become anybody's chain, the adversary must be dropped, and nobody else.
 */
#include "attack_internal.h"

#define PERIOD_MS     30000
#define BRANCH_LENGTH 6
#define BAD_PLACE     1 /* of the block that breaks a rule, from 0 */

typedef struct invalid {
    forged_block branch[BRANCH_LENGTH];
    bool has_branch;
} invalid;

static void clear(ez_adversary *adversary)
{
    invalid *const self = adversary->state;
    for (size_t i = 0; i < BRANCH_LENGTH; i++) {
        ez_buffer_clear(&self->branch[i].body);
    }
}

static void begin(ez_adversary *adversary)
{
    attack_wake(adversary, adversary->plan->from_ms);
}

static void act(ez_adversary *adversary)
{
    invalid *const self = adversary->state;
    const uint64_t reward = ez_world_network(adversary->world)->reward;
    ez_header parent = attack_tip(adversary, 0);
    ez_link_id *links;
    size_t *hosts;
    if (!attack_is_on(adversary)) {
        return;
    }
    clear(adversary);
    for (size_t i = 0; i < BRANCH_LENGTH; i++) {
        forge_block(adversary, &self->branch[i], &parent, i == BAD_PLACE ? reward + 1 : reward);
        parent = self->branch[i].header;
    }
    self->has_branch = true;
    adversary->figures.attempts++;
    const size_t count = attack_peers(adversary, &links, &hosts);
    for (size_t i = 0; i < count; i++) {
        attack_announce(adversary, links[i], &parent, &self->branch[BRANCH_LENGTH - 1].body);
    }
    free(links);
    free(hosts);
    attack_wake(adversary, attack_now(adversary) + PERIOD_MS);
}

/* The whole branch, to whoever knows the block below it. */
static bool serve_headers(ez_adversary *adversary, ez_link_id link, const ez_message *message)
{
    const invalid *const self = adversary->state;
    ez_header list[BRANCH_LENGTH];
    ez_message reply = {.type = EZ_MSG_HEADERS};
    bool knows = false;
    for (size_t i = 0; i < message->as.get_headers.count && self->has_branch; i++) {
        knows |= ez_block_id_is_equal(&message->as.get_headers.locator[i],
                                      &self->branch[0].header.previous);
    }
    if (!knows) {
        return false;
    }
    for (size_t i = 0; i < BRANCH_LENGTH; i++) {
        list[i] = self->branch[i].header;
    }
    reply.as.headers.list = list;
    reply.as.headers.count = BRANCH_LENGTH;
    return attack_says(adversary, link, &reply);
}

static bool serve_body(ez_adversary *adversary, ez_link_id link, const ez_block_id *id)
{
    const invalid *const self = adversary->state;
    for (size_t i = 0; i < BRANCH_LENGTH && self->has_branch; i++) {
        if (ez_block_id_is_equal(&self->branch[i].id, id)) {
            ez_message reply = {.type = EZ_MSG_BODY};
            reply.as.body.id = *id;
            reply.as.body.bytes =
                (ez_byte_span){self->branch[i].body.data, self->branch[i].body.size};
            return attack_says(adversary, link, &reply);
        }
    }
    return false;
}

static bool hears(ez_adversary *adversary, ez_link_id link, const ez_message *message)
{
    bool served = false;
    if (message->type == EZ_MSG_GET_HEADERS) {
        return !serve_headers(adversary, link, message);
    }
    if (message->type == EZ_MSG_GET_BODIES) {
        for (size_t i = 0; i < message->as.block_ids.count; i++) {
            served |= serve_body(adversary, link, &message->as.block_ids.list[i]);
        }
    }
    return !served;
}

const attack_tactic attack_invalid_block = {
    .state_bytes = sizeof(invalid), .begin = begin, .hears = hears, .act = act, .clear = clear};
