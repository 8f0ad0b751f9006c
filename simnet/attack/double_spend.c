/* Double spending: pay a merchant, take the goods, and make the payment void (Nakamoto, "Bitcoin",
 * 2008, section 11; Rosenfeld, "Analysis of Hashrate-Based Double Spending", 2014).
 *
 * One attempt: hand the merchant's network a payment; at the same moment begin to mine a secret
 * branch that holds another entry with the same sequence number, which pays the coin to oneself.
 * The merchant delivers once the payment has so many confirmations. Is the secret branch longer
 * than the public one then, or ever after, publish it: the payment can never be made again. Is it
 * EZ_ATTACK_GIVE_UP blocks behind, give up, and begin anew.
 */
#include "attack_internal.h"

#define MERCHANT   1u  /* host */
#define LOOK_MS    200 /* how often it looks at where things stand, beside every block */
#define PUBLISH_MS 5000

typedef enum double_phase {
    DOUBLE_IDLE,      /* mining like anybody, until there is a coin to spend */
    DOUBLE_RACING,    /* the secret branch grows */
    DOUBLE_PUBLISHED, /* did they take it? */
    DOUBLE_BEATEN,    /* follow the others again */
} double_phase;

typedef struct double_spend {
    hide hiding;
    double_phase phase;
    uint64_t public_height; /* of the best block that others found */
    uint64_t fork_height;   /* where the secret branch begins */
    ez_tx_id payment;
    bool is_delivered;
    ez_time_ms publish_at;
} double_spend;

static uint64_t own_height(const double_spend *self)
{
    return self->hiding.own_height > self->fork_height ? self->hiding.own_height
                                                       : self->fork_height;
}

/* What the merchant sees: how deep the payment is in its chain, 0: not at all. */
static uint64_t confirmations(const ez_adversary *adversary)
{
    const double_spend *const self = adversary->state;
    const ez_node *const node = ez_world_node(adversary->world, MERCHANT);
    ez_node_status status;
    ez_tx_place place;
    if (node == NULL || !ez_node_find_tx(node, &place, &self->payment)) {
        return 0;
    }
    ez_node_get_status(node, &status);
    return status.tip.height - place.height + 1;
}

static bool has_seen_payment(const ez_adversary *adversary)
{
    const double_spend *const self = adversary->state;
    const ez_node *const node = ez_world_node(adversary->world, MERCHANT);
    return node != NULL && (confirmations(adversary) > 0 ||
                            ez_pool_find(ez_node_pool(node), &self->payment) != NULL);
}

/* ---- an attempt ------------------------------------------------------------------------------ */

/* Whether it follows the public chain and has a coin of which no entry is waiting. */
static bool can_begin(const ez_adversary *adversary, uint64_t *sequence)
{
    const double_spend *const self = adversary->state;
    const ez_public_key *const key = &ez_world_key(adversary->world, adversary->host)->public_key;
    const ez_node *const node = attack_node(adversary);
    ez_node_status status;
    ez_account account;
    ez_node_get_status(node, &status);
    ez_node_account(node, &account, key);
    *sequence = account.sequence;
    return attack_is_on(adversary) && account.balance > 0 && !status.syncing &&
           status.tip.height >= self->public_height &&
           ez_node_next_sequence(node, key) == account.sequence &&
           ez_world_node(adversary->world, MERCHANT) != NULL;
}

static void pay(ez_adversary *adversary, uint64_t sequence)
{
    double_spend *const self = adversary->state;
    ez_buffer payment = {0};
    ez_link_id *links;
    size_t *hosts;
    const size_t count = attack_peers(adversary, &links, &hosts);
    forge_transfer(adversary, &payment, &self->payment,
                   &ez_world_key(adversary->world, MERCHANT)->public_key, sequence);
    for (size_t i = 0; i < count; i++) {
        attack_push_tx(adversary, links[i], &payment);
    }
    ez_buffer_clear(&payment);
    free(links);
    free(hosts);
}

static void pay_back(ez_adversary *adversary, uint64_t sequence)
{
    ez_buffer entry = {0};
    ez_tx_id id;
    ez_command command = {.type = EZ_COMMAND_SUBMIT_TX};
    forge_transfer(adversary, &entry, &id,
                   &ez_world_key(adversary->world, adversary->host)->public_key, sequence);
    command.bytes = (ez_byte_span){entry.data, entry.size};
    ez_world_command(adversary->world, adversary->host, command);
    ez_buffer_clear(&entry);
}

static void begin_race(ez_adversary *adversary, uint64_t sequence)
{
    double_spend *const self = adversary->state;
    ez_node_status status;
    ez_node_get_status(attack_node(adversary), &status);
    self->phase = DOUBLE_RACING;
    self->is_delivered = false;
    self->fork_height = status.tip.height;
    self->public_height = status.tip.height;
    adversary->figures.attempts++;
    pay(adversary, sequence);
    pay_back(adversary, sequence);
}

static void look_at_race(ez_adversary *adversary)
{
    double_spend *const self = adversary->state;
    const uint64_t own = own_height(self);
    const uint32_t wanted = adversary->plan->confirmations;
    self->is_delivered |=
        wanted == 0 ? has_seen_payment(adversary) : confirmations(adversary) >= wanted;
    if (self->is_delivered && own > self->public_height) {
        self->phase = DOUBLE_PUBLISHED;
        self->publish_at = attack_now(adversary);
        hide_publish(&self->hiding, own);
        hide_send(&self->hiding, adversary, NULL);
    } else if (self->public_height >= own + EZ_ATTACK_GIVE_UP) {
        self->phase = DOUBLE_BEATEN;
        hide_forget(&self->hiding);
    }
}

static void act(ez_adversary *adversary)
{
    double_spend *const self = adversary->state;
    uint64_t sequence;
    switch (self->phase) {
    case DOUBLE_RACING:
        look_at_race(adversary);
        break;
    case DOUBLE_PUBLISHED:
        if (attack_now(adversary) >= self->publish_at + PUBLISH_MS) {
            adversary->figures.successes += confirmations(adversary) == 0;
            self->phase = DOUBLE_IDLE;
        }
        break;
    case DOUBLE_IDLE:
    case DOUBLE_BEATEN:
        if (can_begin(adversary, &sequence)) {
            begin_race(adversary, sequence);
        }
        break;
    }
    attack_wake(adversary, attack_now(adversary) + LOOK_MS);
}

/* ---- the wire -------------------------------------------------------------------------------- */

/* Nothing of its pool is told: the second entry must stay unknown. */
static bool says(ez_adversary *adversary, ez_link_id link, ez_message *message)
{
    double_spend *const self = adversary->state;
    if (hide_looks(&self->hiding, message) == HIDE_FOUND) {
        adversary->figures.held += self->phase == DOUBLE_RACING;
        if (self->phase != DOUBLE_RACING) {
            hide_publish(&self->hiding, self->hiding.own_height);
        }
    }
    return message->type != EZ_MSG_ANNOUNCE_TXS && message->type != EZ_MSG_TXS &&
           hide_says(&self->hiding, link, message);
}

static void note_public(double_spend *self, const ez_header *header)
{
    ez_block_id id;
    ez_header_id(&id, header);
    if (header->index > self->public_height && !hide_is_own(&self->hiding, &id)) {
        self->public_height = header->index;
    }
}

/* In a race its node must not leave the secret branch for a public one that is longer. */
static bool hears(ez_adversary *adversary, ez_link_id link, const ez_message *message)
{
    double_spend *const self = adversary->state;
    (void)link;
    hide_hears(&self->hiding, message);
    if (message->type == EZ_MSG_ANNOUNCE_BLOCK) {
        note_public(self, &message->as.announce_block.header);
    }
    return message->type != EZ_MSG_ANNOUNCE_BLOCK || self->phase != DOUBLE_RACING;
}

static void begin(ez_adversary *adversary)
{
    attack_wake(adversary, adversary->plan->from_ms);
}

/* An attempt that is under way did not come to its end. */
static void rest(ez_adversary *adversary)
{
    double_spend *const self = adversary->state;
    if (self->phase == DOUBLE_PUBLISHED) {
        adversary->figures.successes += confirmations(adversary) == 0;
    } else if (self->phase == DOUBLE_RACING) {
        adversary->figures.attempts--;
    }
    self->phase = DOUBLE_BEATEN;
    hide_forget(&self->hiding);
}

static void clear(ez_adversary *adversary)
{
    double_spend *const self = adversary->state;
    hide_clear(&self->hiding);
}

const attack_tactic attack_double_spend = {.state_bytes = sizeof(double_spend),
                                           .begin = begin,
                                           .says = says,
                                           .hears = hears,
                                           .act = act,
                                           .rest = rest,
                                           .clear = clear};
