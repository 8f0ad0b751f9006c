/* Push along spanning trees that the traffic itself grows, hint on all other links. Follows
 * Plumtree (Leitao, Pereira and Rodrigues, "Epidemic Broadcast Trees", 2007): a link is eager until
 * a push on it repeats what was here, then lazy (prune); what a lazy link hints at and nobody
 * pushes in time is asked for on it, which makes it eager again (graft).
 *
 * A tree consists of the links on which its first flood came first, so it is as fast as flooding
 * for who began it and several times slower for others, who in turn pull it about. So pushes carry
 * the number of a tree, a link is eager or lazy for each number by itself, and each node begins a
 * tree of its own, at the price of one flood; new links, which begin lazy, do not repeat it. The
 * number follows from the node id, so that a tree outlives its node's restart. Two nodes that share
 * a number share a tree and lose speed, not transactions.
 *
 * Lies: what a peer prunes it does not get, what it grafts it gets, nobody else is touched. A push
 * that does not come is hinted at by others. Who uses many numbers causes one flood for each of
 * them and no more.
 */
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/gossip/relay.h"

#include "hash_internal.h"

#include <stdlib.h>

_Static_assert(EZ_TREES_MAX % 64 == 0, "trees must fill their bits");

/* A bit for each tree. */
typedef struct tree_set {
    uint64_t bits[EZ_TREES_MAX / 64];
} tree_set;

typedef struct tree_link {
    uint64_t link;
    tree_set lazy; /* we hint: it is of no use to the tree, or newer than it */
    UT_hash_handle hh;
} tree_link;

typedef struct tree_state {
    tree_link *links;
    tree_set grown; /* trees that something was pushed along here */
    uint32_t own;   /* the tree of what enters the network here */
} tree_state;

static bool has(const tree_set *set, uint32_t tree)
{
    return (set->bits[(tree - 1) / 64] >> (tree - 1) % 64 & 1) != 0;
}

static void put(tree_set *set, uint32_t tree, bool is_in)
{
    const uint64_t bit = (uint64_t)1 << (tree - 1) % 64;
    uint64_t *const word = &set->bits[(tree - 1) / 64];
    *word = is_in ? *word | bit : *word & ~bit;
}

static tree_link *find(const tree_state *state, ez_link_id link)
{
    tree_link *found = NULL;
    HASH_FIND(hh, state->links, &link.value, sizeof(link.value), found);
    return found; /* NULL: the peer is gone */
}

static void *create(const ez_public_key *node, const ez_rng *rng)
{
    (void)rng;
    tree_state *const state = ez_alloc(1, sizeof(*state));
    state->own = 1 + (node->bytes[0] | (uint32_t)node->bytes[1] << 8) % EZ_TREES_MAX;
    return state;
}

static void destroy(void *self)
{
    tree_state *const state = self;
    tree_link *item, *next;
    HASH_ITER (hh, state->links, item, next) {
        HASH_DEL(state->links, item);
        free(item);
    }
    free(state);
}

/* A new link begins lazy for trees that have grown, as both its ends are likely to be served: one
 * that is not grafts it. */
static void peer_up(void *self, ez_link_id link)
{
    tree_state *const state = self;
    tree_link *const made = ez_alloc(1, sizeof(*made));
    made->link = link.value;
    made->lazy = state->grown;
    HASH_ADD(hh, state->links, link, sizeof(made->link), made);
}

static void peer_down(void *self, ez_link_id link)
{
    tree_state *const state = self;
    tree_link *const gone = find(state, link);
    HASH_DEL(state->links, gone);
    free(gone);
}

static void spread(void *self, ez_relay_way *ways, const ez_link_id *links, size_t count,
                   ez_relay_item *item)
{
    tree_state *const state = self;
    if (item->tree == 0 && item->from.value != 0) {
        return; /* it was asked for by its id: others have had it for long, or a network rejoins */
    }
    if (item->tree == 0) {
        item->tree = state->own;
    }
    put(&state->grown, item->tree, true);
    tree_link *const parent = item->from.value == 0 ? NULL : find(state, item->from);
    if (parent != NULL) {
        put(&parent->lazy, item->tree, false);
    }
    for (size_t i = 0; i < count; i++) {
        const bool is_lazy = has(&find(state, links[i])->lazy, item->tree);
        ways[i] = is_lazy ? EZ_RELAY_HINT : EZ_RELAY_PUSH;
    }
}

/* Only what came first along the same tree shows that this link is not needed for it. */
static bool repeated(void *self, ez_link_id link, uint32_t tree, uint32_t first)
{
    if (tree != first) {
        return false;
    }
    put(&find(self, link)->lazy, tree, true);
    return true;
}

static void pruned(void *self, ez_link_id link, uint32_t tree)
{
    put(&find(self, link)->lazy, tree, true);
}

static void grafted(void *self, ez_link_id link, uint32_t tree)
{
    put(&find(self, link)->lazy, tree, false);
}

const ez_relay_strategy ez_relay_tree = {
    .name = "tree",
    .summary = "push along spanning trees, hint beside them",
    .create = create,
    .destroy = destroy,
    .peer_up = peer_up,
    .peer_down = peer_down,
    .spread = spread,
    .repeated = repeated,
    .pruned = pruned,
    .grafted = grafted,
    .patience_ms = EZ_GRAFT_DELAY_MS,
};
