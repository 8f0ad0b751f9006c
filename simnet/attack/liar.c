/* Peers that are of no use, as every open network has them.
 *
 * stale   hears nothing new any more: it stays at the block it had and tells nobody of anything
 * liar    says what is not so and cannot be proved wrong: it claims a taller chain than there is,
 *         announces blocks and transactions that nobody has, says that it lacks what it announced,
 *         and knows addresses where nobody lives
 * vandal  breaks a rule whenever it can, another one each time
 */
#include "attack_internal.h"

#define LIE_MS_MEAN   700
#define CLAIMED_ABOVE 100000

static void begin(ez_adversary *adversary)
{
    attack_wake(adversary, adversary->plan->from_ms);
}

/* ---- stale ----------------------------------------------------------------------------------- */

static bool hears_nothing_new(ez_adversary *adversary, ez_link_id link, const ez_message *message)
{
    (void)link;
    const bool is_news = message->type == EZ_MSG_ANNOUNCE_BLOCK ||
                         message->type == EZ_MSG_ANNOUNCE_TXS || message->type == EZ_MSG_TXS;
    return !is_news || !attack_is_on(adversary);
}

/* ---- lies ------------------------------------------------------------------------------------ */

static bool claims(ez_adversary *adversary, ez_link_id link, ez_message *message)
{
    (void)link;
    if (message->type == EZ_MSG_HELLO && attack_is_on(adversary)) {
        ez_tip *const tip = &message->as.hello.tip;
        ez_rng_fill(&adversary->rng, &tip->id, sizeof(tip->id));
        tip->height += CLAIMED_ABOVE;
        tip->work.limb[1] = 1;
    }
    return true;
}

/* A header with work, more than the tip's, and short ids of nothing. */
static void lie_block(ez_adversary *adversary, ez_link_id link)
{
    static const uint64_t ids[] = {1, 2, 3};
    const ez_header parent = attack_tip(adversary, 0);
    const uint8_t reward[1] = {0};
    ez_message message = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    message.as.announce_block.header = forge_header(adversary, &parent);
    message.as.announce_block.short_ids = ids;
    message.as.announce_block.short_id_count = (size_t)ez_rng_below(&adversary->rng, 4);
    message.as.announce_block.reward = (ez_byte_span){reward, sizeof(reward)};
    attack_says(adversary, link, &message);
}

static void lie_ids(ez_adversary *adversary, ez_link_id link, ez_message_type type)
{
    ez_tx_id ids[100];
    ez_message message = {.type = type};
    ez_rng_fill(&adversary->rng, ids, sizeof(ids));
    message.as.tx_ids.list = ids;
    message.as.tx_ids.count = sizeof(ids) / sizeof(ids[0]);
    attack_says(adversary, link, &message);
}

static void lie_missing(ez_adversary *adversary, ez_link_id link)
{
    const ez_header tip = attack_tip(adversary, ez_rng_below(&adversary->rng, 3));
    ez_block_id id;
    ez_message message = {.type = EZ_MSG_MISSING_BODIES};
    ez_header_id(&id, &tip);
    message.as.block_ids.list = &id;
    message.as.block_ids.count = 1;
    attack_says(adversary, link, &message);
}

static void lie_addresses(ez_adversary *adversary, ez_link_id link)
{
    ez_known_address list[10] = {{{{0}, 0}, 0}};
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        list[i].endpoint = (ez_endpoint){.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 99},
                                         .port = EZ_WORLD_PORT};
        ez_rng_fill(&adversary->rng, &list[i].endpoint.ip[14], 2);
    }
    message.as.addresses.list = list;
    message.as.addresses.count = sizeof(list) / sizeof(list[0]);
    attack_says(adversary, link, &message);
}

static void lie(ez_adversary *adversary, ez_link_id link)
{
    switch (ez_rng_below(&adversary->rng, 5)) {
    case 0:
        lie_block(adversary, link);
        break;
    case 1:
        lie_ids(adversary, link, EZ_MSG_ANNOUNCE_TXS);
        break;
    case 2:
        lie_ids(adversary, link, EZ_MSG_GET_TXS);
        break;
    case 3:
        lie_missing(adversary, link);
        break;
    default:
        lie_addresses(adversary, link);
        break;
    }
}

/* ---- offences -------------------------------------------------------------------------------- */

static void offend_tx(ez_adversary *adversary, ez_link_id link)
{
    ez_buffer tx = {0};
    forge_note(adversary, &tx);
    tx.data[tx.size - 1 - ez_rng_below(&adversary->rng, 32)] ^= 1; /* in its signature */
    attack_push_tx(adversary, link, &tx);
    ez_buffer_clear(&tx);
}

static void offend_header(ez_adversary *adversary, ez_link_id link)
{
    const ez_header parent = attack_tip(adversary, 0);
    ez_header header = forge_header(adversary, &parent);
    ez_block_id id;
    if (ez_rng_below(&adversary->rng, 2) == 0) {
        header.bits--; /* not what the network asks for */
    } else {
        do {
            header.proof++;
            ez_header_id(&id, &header);
        } while (ez_header_has_work(&id, header.bits));
    }
    attack_announce(adversary, link, &header, NULL);
}

static void offend(ez_adversary *adversary, ez_link_id link)
{
    const ez_header parent = attack_tip(adversary, 0);
    ez_message message = {.type = EZ_MSG_HEADERS};
    switch (ez_rng_below(&adversary->rng, 4)) {
    case 0:
        offend_tx(adversary, link);
        break;
    case 1:
        offend_header(adversary, link);
        break;
    case 2: /* headers that nobody asked for */
        message.as.headers.list = &parent;
        message.as.headers.count = 1;
        attack_says(adversary, link, &message);
        break;
    default: /* a handshake in the middle */
        message.type = EZ_MSG_READY;
        attack_says(adversary, link, &message);
        break;
    }
}

/* ---- when ------------------------------------------------------------------------------------ */

static void act_on_one(ez_adversary *adversary,
                       void (*deed)(ez_adversary *adversary, ez_link_id link))
{
    ez_link_id *links;
    size_t *hosts;
    const size_t count = attack_peers(adversary, &links, &hosts);
    if (!attack_is_on(adversary)) {
        free(links);
        free(hosts);
        return;
    }
    if (count > 0) {
        adversary->figures.attempts++;
        deed(adversary, links[ez_rng_below(&adversary->rng, count)]);
    }
    free(links);
    free(hosts);
    attack_wake(adversary,
                attack_now(adversary) + 1 + ez_rng_below(&adversary->rng, 2 * LIE_MS_MEAN));
}

static void act_lie(ez_adversary *adversary)
{
    act_on_one(adversary, lie);
}

static void act_offend(ez_adversary *adversary)
{
    act_on_one(adversary, offend);
}

const attack_tactic attack_stale = {.hears = hears_nothing_new};
const attack_tactic attack_liar = {.begin = begin, .says = claims, .act = act_lie};
const attack_tactic attack_vandal = {.begin = begin, .act = act_offend};
