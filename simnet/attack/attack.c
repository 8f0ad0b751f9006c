#include "attack_internal.h"

/* ---- names ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const attack_tactic *tactic;
} kinds[EZ_ATTACK_KINDS] = {
#define ATTACK_ROW(name, text, tactic) {text, &tactic},
    EZ_ATTACKS_EACH(ATTACK_ROW)
#undef ATTACK_ROW
};

bool ez_attack_by_name(ez_attack_kind *out, const char *name, size_t size)
{
    for (size_t i = 0; i < EZ_ATTACK_KINDS; i++) {
        if (strlen(kinds[i].name) == size && memcmp(kinds[i].name, name, size) == 0) {
            *out = (ez_attack_kind)i;
            return true;
        }
    }
    return false;
}

const char *ez_attack_name(ez_attack_kind kind)
{
    return kinds[kind].name;
}

/* ---- the hooks ------------------------------------------------------------------------------- */

static bool says(void *self, ez_link_id link, ez_message *message)
{
    ez_adversary *const adversary = self;
    return adversary->tactic->says == NULL || adversary->tactic->says(adversary, link, message);
}

static bool hears(void *self, ez_link_id link, const ez_message *message)
{
    ez_adversary *const adversary = self;
    return adversary->tactic->hears == NULL || adversary->tactic->hears(adversary, link, message);
}

static void told(void *self, ez_link_id link, const ez_message *message)
{
    ez_adversary *const adversary = self;
    if (adversary->tactic->told != NULL) {
        adversary->tactic->told(adversary, link, message);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

ez_adversary *ez_adversary_new(ez_world *world, size_t host, ez_attack_kind kind,
                               const ez_attack_plan *plan, size_t honest_count)
{
    ez_adversary *const adversary = ez_alloc(1, sizeof(*adversary));
    uint8_t seed[16];
    EZ_ASSERT(kind < EZ_ATTACK_KINDS);
    ez_rng_fill(ez_world_rng(world), seed, sizeof(seed));
    ez_rng_init(&adversary->rng, seed);
    adversary->world = world;
    adversary->host = host;
    adversary->honest_count = honest_count;
    adversary->plan = plan;
    adversary->tactic = kinds[kind].tactic;
    adversary->bend = (ez_bend){adversary, says, hears, told};
    adversary->due = EZ_TIME_NEVER;
    adversary->state = ez_alloc(1, adversary->tactic->state_bytes + 1);
    ez_world_bend(world, host, &adversary->bend);
    if (adversary->tactic->begin != NULL) {
        adversary->tactic->begin(adversary);
    }
    return adversary;
}

void ez_adversary_free(ez_adversary *adversary)
{
    if (adversary == NULL) {
        return;
    }
    ez_world_bend(adversary->world, adversary->host, NULL);
    if (adversary->tactic->clear != NULL) {
        adversary->tactic->clear(adversary);
    }
    free(adversary->state);
    free(adversary);
}

ez_time_ms ez_adversary_due(const ez_adversary *adversary)
{
    return adversary->due;
}

void ez_adversary_act(ez_adversary *adversary)
{
    adversary->due = EZ_TIME_NEVER;
    if (adversary->tactic->act != NULL) {
        adversary->tactic->act(adversary);
    }
}

void ez_adversary_rest(ez_adversary *adversary)
{
    adversary->resting = true;
    adversary->due = EZ_TIME_NEVER;
    if (adversary->tactic->rest != NULL) {
        adversary->tactic->rest(adversary);
    }
}

const ez_attack_figures *ez_adversary_figures(const ez_adversary *adversary)
{
    return &adversary->figures;
}

size_t ez_adversary_host(const ez_adversary *adversary)
{
    return adversary->host;
}

/* ---- what every tactic needs ----------------------------------------------------------------- */

ez_time_ms attack_now(const ez_adversary *adversary)
{
    return ez_world_now(adversary->world).mono;
}

bool attack_is_on(const ez_adversary *adversary)
{
    const ez_time_ms now = attack_now(adversary);
    return !adversary->resting && now >= adversary->plan->from_ms &&
           now < adversary->plan->until_ms;
}

void attack_wake(ez_adversary *adversary, ez_time_ms at)
{
    adversary->due = at < adversary->due ? at : adversary->due;
}

ez_node *attack_node(const ez_adversary *adversary)
{
    return ez_world_node(adversary->world, adversary->host);
}

size_t attack_peers(const ez_adversary *adversary, ez_link_id **links, size_t **hosts)
{
    const ez_node *const node = attack_node(adversary);
    size_t all = node == NULL ? 0 : ez_node_peers(node, NULL, 0);
    ez_peer_info *const rows = ez_alloc(all + 1, sizeof(*rows));
    size_t count = 0;
    *links = ez_alloc(all + 1, sizeof(**links));
    *hosts = ez_alloc(all + 1, sizeof(**hosts));
    all = node == NULL ? 0 : ez_node_peers(node, rows, all);
    for (size_t i = 0; i < all; i++) {
        if (rows[i].ready) {
            (*links)[count] = rows[i].link;
            (*hosts)[count++] = ez_world_host_at(adversary->world, &rows[i].endpoint);
        }
    }
    free(rows);
    return count;
}
