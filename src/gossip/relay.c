#include "ezp2p/gossip/relay.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>
#include <string.h>

struct ez_relay {
    const ez_relay_strategy *strategy;
    void *self;
};

static const ez_relay_strategy *const strategies[] = {
    &ez_relay_flood,
    &ez_relay_inv,
    &ez_relay_tree,
    &ez_relay_fanout,
};

const ez_relay_strategy *ez_relay_at(size_t i)
{
    return i < sizeof(strategies) / sizeof(strategies[0]) ? strategies[i] : NULL;
}

const ez_relay_strategy *ez_relay_find(const char *name, size_t size)
{
    const ez_relay_strategy *found = NULL;
    for (size_t i = 0; found == NULL && ez_relay_at(i) != NULL; i++) {
        const char *const known = ez_relay_at(i)->name;
        found = strlen(known) == size && memcmp(known, name, size) == 0 ? ez_relay_at(i) : NULL;
    }
    return found;
}

const ez_relay_strategy *ez_relay_default(void)
{
    return &ez_relay_tree;
}

/* ---- a strategy with its state --------------------------------------------------------------- */

ez_relay *ez_relay_new(const ez_relay_strategy *strategy, const ez_public_key *node,
                       const ez_rng *rng)
{
    EZ_ASSERT(strategy->spread != NULL);
    ez_relay *const relay = ez_alloc(1, sizeof(*relay));
    relay->strategy = strategy;
    relay->self = strategy->create == NULL ? NULL : strategy->create(node, rng);
    return relay;
}

void ez_relay_free(ez_relay *relay)
{
    if (relay != NULL && relay->strategy->destroy != NULL) {
        relay->strategy->destroy(relay->self);
    }
    free(relay);
}

void ez_relay_peer_up(ez_relay *relay, ez_link_id link, const ez_public_key *node)
{
    if (relay->strategy->peer_up != NULL) {
        relay->strategy->peer_up(relay->self, link, node);
    }
}

void ez_relay_peer_down(ez_relay *relay, ez_link_id link)
{
    if (relay->strategy->peer_down != NULL) {
        relay->strategy->peer_down(relay->self, link);
    }
}

void ez_relay_peer_timed(ez_relay *relay, ez_link_id link, uint32_t ping_ms)
{
    if (relay->strategy->peer_timed != NULL) {
        relay->strategy->peer_timed(relay->self, link, ping_ms);
    }
}

static void announce_on_all(ez_relay_way *ways, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ways[i] = EZ_RELAY_ANNOUNCE;
    }
}

void ez_relay_spread(ez_relay *relay, ez_relay_way *ways, const ez_link_id *links, size_t count,
                     ez_relay_item *item)
{
    EZ_ASSERT(count > 0);
    announce_on_all(ways, count);
    relay->strategy->spread(relay->self, ways, links, count, item);
}

void ez_relay_grow(ez_relay *relay, ez_relay_way *ways, const ez_link_id *links, size_t count,
                   ez_link_id from, uint32_t tree, ez_time_ms now)
{
    announce_on_all(ways, count);
    if (relay->strategy->grow != NULL) {
        relay->strategy->grow(relay->self, ways, links, count, from, tree, now);
    }
}

bool ez_relay_repeated(ez_relay *relay, ez_link_id link, uint32_t tree, uint32_t first)
{
    return relay->strategy->repeated != NULL &&
           relay->strategy->repeated(relay->self, link, tree, first);
}

void ez_relay_pruned(ez_relay *relay, ez_link_id link, uint32_t tree)
{
    if (relay->strategy->pruned != NULL) {
        relay->strategy->pruned(relay->self, link, tree);
    }
}

void ez_relay_grafted(ez_relay *relay, ez_link_id link, uint32_t tree)
{
    if (relay->strategy->grafted != NULL) {
        relay->strategy->grafted(relay->self, link, tree);
    }
}

ez_time_ms ez_relay_patience_ms(const ez_relay *relay)
{
    return relay->strategy->patience_ms;
}
