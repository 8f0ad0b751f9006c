/* The bound on headers that nobody builds on: forgetting them oldest leaf first.
 *
 * Leaves without bodies stand in a list in order of arrival, so that finding the next to go takes
 * no search. A parent that loses its last child takes the child's place in the list: it is older
 * than everything behind that place, and a dead branch goes as a whole before the next is touched.
 * At most two leaves are ever spared, so that passing over them costs nothing that counts.
 */
#include "tree_internal.h"

#include "ezp2p/base/assert.h"

#include <stdlib.h>
#include <utlist.h>

void ez_tree_leaf_add(ez_tree *tree, ez_entry *entry)
{
    DL_APPEND2(tree->leaves, entry, leaf.prev, leaf.next);
}

void ez_tree_leaf_drop(ez_tree *tree, ez_entry *entry)
{
    if (entry->leaf.prev == NULL) {
        return;
    }
    DL_DELETE2(tree->leaves, entry, leaf.prev, leaf.next);
    entry->leaf.prev = NULL;
    entry->leaf.next = NULL;
}

/* Headers without bodies from `entry` down to the first body: bodies are never above a gap, so the
 * states along a chain change once and skip pointers may be followed. */
static uint64_t headers_only_below(const ez_entry *entry)
{
    const uint64_t height = entry->height;
    while (entry->state == EZ_ENTRY_HEADER) {
        entry = entry->skip->state == EZ_ENTRY_HEADER ? entry->skip : entry->parent;
    }
    return height - entry->height;
}

size_t ez_tree_side_headers(const ez_tree *tree)
{
    return tree->headers_only - (size_t)headers_only_below(tree->best_header);
}

static ez_entry *oldest_leaf(const ez_tree *tree, const ez_entry *added)
{
    ez_entry *leaf = tree->leaves;
    while (leaf != NULL && (leaf == tree->best_header || leaf == added)) {
        leaf = leaf->leaf.next;
    }
    return leaf;
}

/* Usually the first of its siblings, as it is the oldest; walking past older ones that live on is
 * paid for by the work they took. */
static void leave_siblings(ez_entry *entry)
{
    ez_entry *before = entry->parent->last_child;
    while (before->next_sibling != entry) {
        before = before->next_sibling;
    }
    before->next_sibling = entry->next_sibling;
    if (entry->parent->last_child == entry) {
        entry->parent->last_child = before != entry ? before : NULL;
    }
}

static void forget_leaf(ez_tree *tree, ez_entry *leaf)
{
    ez_entry *const parent = leaf->parent;
    EZ_ASSERT(leaf->last_child == NULL && leaf->state == EZ_ENTRY_HEADER);
    leave_siblings(leaf);
    if (parent->last_child == NULL && parent->state == EZ_ENTRY_HEADER) {
        DL_PREPEND_ELEM2(tree->leaves, leaf, parent, leaf.prev, leaf.next);
    }
    ez_tree_leaf_drop(tree, leaf);
    ez_tree_index_remove(&tree->index, leaf);
    tree->headers_only--;
    free(leaf);
}

void ez_tree_prune(ez_tree *tree, const ez_entry *added)
{
    if (tree->headers_only <= tree->side_headers_max) {
        return;
    }
    for (size_t side = ez_tree_side_headers(tree); side > tree->side_headers_max; side--) {
        ez_entry *const leaf = oldest_leaf(tree, added);
        if (leaf == NULL) {
            return; /* a single branch: it may yet become the best, and nothing else is held */
        }
        forget_leaf(tree, leaf);
    }
}
