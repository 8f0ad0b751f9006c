/* Push along spanning trees that the traffic itself grows, hint on all other links. Follows
 * Plumtree (Leitao, Pereira and Rodrigues, "Epidemic Broadcast Trees", 2007): a link is eager until
 * a push on it repeats what was here, then lazy (prune); what a lazy link hints at and nobody
 * pushes in time is asked for on it, which makes it eager again (graft).
 *
 * A tree consists of the links on which its first flood came first, so it is as fast as flooding
 * for who began it and several times slower for others, who in turn pull it about. So pushes carry
 * the number of a tree, a link is eager or lazy for each number by itself, and each node has a tree
 * of its own. New links begin lazy and repeat nothing. The number follows from the node id, so that
 * a tree outlives its node's restart. Two nodes that share a number share a tree and lose speed,
 * not transactions.
 *
 * A tree is grown by a flood of its number, when the first transaction enters at its node. That one
 * does not wait for it, nor is it flooded itself: it goes along the tree of the nearest peer, one
 * link more than it would have along its own. Only where no peer has one yet it is the flood. A
 * tree is not borrowed while it grows: what comes from elsewhere before the last link has been told
 * would be first on links that are not of it, and late on those that are.
 *
 * Lies: what a peer prunes it does not get, what it grafts it gets, nobody else is touched. A push
 * that does not come is hinted at by others. Who uses many numbers causes one flood for each of
 * them and no more; who grows a tree for another node makes its paths longer.
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
    uint32_t tree;    /* of the peer itself */
    ez_time_ms grown; /* when we heard of that tree first; 0: not yet */
    uint32_t ping_ms; /* UINT32_MAX: not known */
    tree_set lazy;    /* we hint: it is of no use to the tree, or newer than it */
    UT_hash_handle hh;
} tree_link;

typedef struct tree_state {
    tree_link *links;
    tree_set grown; /* trees that something was pushed along here, or that were grown for it */
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

static void note_grown(tree_state *state, uint32_t tree, ez_time_ms now)
{
    if (has(&state->grown, tree)) {
        return;
    }
    put(&state->grown, tree, true);
    for (tree_link *link = state->links; link != NULL; link = link->hh.next) {
        if (link->tree == tree) {
            link->grown = now == 0 ? 1 : now;
        }
    }
}

static uint32_t tree_of(const ez_public_key *node)
{
    return 1 + (node->bytes[0] | (uint32_t)node->bytes[1] << 8) % EZ_TREES_MAX;
}

static void *create(const ez_public_key *node, const ez_rng *rng)
{
    (void)rng;
    tree_state *const state = ez_alloc(1, sizeof(*state));
    state->own = tree_of(node);
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
static void peer_up(void *self, ez_link_id link, const ez_public_key *node)
{
    tree_state *const state = self;
    tree_link *const made = ez_alloc(1, sizeof(*made));
    made->link = link.value;
    made->tree = tree_of(node);
    made->grown = has(&state->grown, made->tree) ? 1 : 0; /* for long, most likely */
    made->ping_ms = UINT32_MAX;
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

static void peer_timed(void *self, ez_link_id link, uint32_t ping_ms)
{
    find(self, link)->ping_ms = ping_ms;
}

/* The nearest peer whose tree has grown everywhere, the oldest of those; 0: none. */
static uint32_t choose_tree(const tree_state *state, const ez_link_id *links, size_t count,
                            ez_time_ms now)
{
    const tree_link *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const tree_link *const one = find(state, links[i]);
        const bool can_lend = one->grown != 0 && now >= one->grown + EZ_TREE_GROWS_MS;
        if (can_lend && (best == NULL || one->ping_ms < best->ping_ms)) {
            best = one;
        }
    }
    return best == NULL ? 0 : best->tree;
}

/* The first transaction that enters here goes along a peer's tree if there is one, and ours is
 * grown by its number; else it is the flood that grows ours. */
static void enter(tree_state *state, const ez_link_id *links, size_t count, ez_relay_item *item)
{
    if (!has(&state->grown, state->own)) {
        item->tree = choose_tree(state, links, count, item->now);
        item->grow = item->tree == 0 ? 0 : state->own;
    }
    item->tree = item->tree == 0 ? state->own : item->tree;
    note_grown(state, state->own, item->now);
}

static void spread(void *self, ez_relay_way *ways, const ez_link_id *links, size_t count,
                   ez_relay_item *item)
{
    tree_state *const state = self;
    if (item->tree == 0 && item->from.value != 0) {
        return; /* it was asked for by its id: others have had it for long, or a network rejoins */
    }
    if (item->tree == 0) {
        enter(state, links, count, item);
    }
    note_grown(state, item->tree, item->now);
    tree_link *const parent = item->from.value == 0 ? NULL : find(state, item->from);
    if (parent != NULL) {
        put(&parent->lazy, item->tree, false);
    }
    for (size_t i = 0; i < count; i++) {
        const bool is_lazy = has(&find(state, links[i])->lazy, item->tree);
        ways[i] = is_lazy ? EZ_RELAY_HINT : EZ_RELAY_PUSH;
    }
}

/* The first to bring it is who to get the pushes from. It passes through every other link from both
 * sides, as each end has heard of it elsewhere: so both know that they do not need each other. */
static void grow(void *self, ez_relay_way *ways, const ez_link_id *links, size_t count,
                 ez_link_id from, uint32_t tree, ez_time_ms now)
{
    tree_state *const state = self;
    const bool repeats = has(&state->grown, tree);
    put(&find(state, from)->lazy, tree, repeats);
    note_grown(state, tree, now);
    for (size_t i = 0; i < count && !repeats; i++) {
        ways[i] = has(&find(state, links[i])->lazy, tree) ? EZ_RELAY_ANNOUNCE : EZ_RELAY_PUSH;
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
    .peer_timed = peer_timed,
    .spread = spread,
    .grow = grow,
    .repeated = repeated,
    .pruned = pruned,
    .grafted = grafted,
    .patience_ms = EZ_GRAFT_DELAY_MS,
};
