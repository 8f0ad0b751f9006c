/* The tree of known headers. Every entry's header is valid by all rules that need only headers;
 * bodies are known, unknown or found bad. Entries are small and live as long as the tree, except
 * header-only side branches, which are pruned when peers pile them up (EZ_SIDE_HEADERS_MAX).
 *
 * States only move forward: HEADER -> BODY (parsed, stored, and so are all ancestors) -> VALID (was
 * connected to the ledger at least once). `invalid` is set on an entry whose body breaks a rule and
 * on all its descendants.
 */
#ifndef EZP2P_CHAIN_TREE_H
#define EZP2P_CHAIN_TREE_H

#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/network.h"
#include "ezp2p/chain/rule.h"
#include "ezp2p/chain/types.h"

typedef enum ez_entry_state { EZ_ENTRY_HEADER, EZ_ENTRY_BODY, EZ_ENTRY_VALID } ez_entry_state;

typedef struct ez_tree ez_tree;
typedef struct ez_entry ez_entry;

ez_tree *ez_tree_new(const ez_network *network, ez_siphash_key key); /* holds genesis, VALID */
void ez_tree_free(ez_tree *tree);

/* ez_tree_find: the entry of `id`, or NULL. Entries are borrowed from the tree; keep ids, not
 * pointers, across calls that may prune (ez_tree_add_header). */
ez_entry *ez_tree_find(const ez_tree *tree, const ez_block_id *id);
ez_entry *ez_tree_genesis(const ez_tree *tree);

/* ez_tree_add_header: judge `header` against its parent and add it.
 *   returns  EZ_RULE_OK with *out the entry (also when it was known); a header rule otherwise, *out
 *            NULL. An unknown parent is the caller's to check first with ez_tree_find: it is
 *            asserted here.
 *   wall     the clock for EZ_RULE_HEADER_TIME_FUTURE */
ez_rule ez_tree_add_header(ez_tree *tree, ez_entry **out, const ez_header *header, ez_wall_us wall);

/* ez_tree_check_header: the same judgement without adding anything. */
ez_rule ez_tree_check_header(const ez_tree *tree, const ez_entry *parent, const ez_header *header,
                             const ez_block_id *id, ez_wall_us wall);

/* What an entry tells. */
const ez_block_id *ez_entry_id(const ez_entry *entry);
ez_header ez_entry_header(const ez_entry *entry);
uint64_t ez_entry_height(const ez_entry *entry);
uint64_t ez_entry_timestamp(const ez_entry *entry);
const ez_work *ez_entry_work(const ez_entry *entry);
ez_entry *ez_entry_parent(const ez_entry *entry); /* NULL for genesis */
ez_entry_state ez_entry_state_of(const ez_entry *entry);
bool ez_entry_is_invalid(const ez_entry *entry);

/* ez_entry_ancestor: the ancestor at `height` (the entry itself at its own); NULL above it. Takes
 * O(log n) steps by skip pointers. */
ez_entry *ez_entry_ancestor(const ez_entry *entry, uint64_t height);

/* ez_entry_fork: the last common ancestor; never NULL within one tree. */
ez_entry *ez_entry_fork(const ez_entry *a, const ez_entry *b);

/* ez_entry_median_time: median timestamp of the entry and up to ten before it. */
uint64_t ez_entry_median_time(const ez_entry *entry);

/* ez_tree_next_bits: the compact target asked of a child of `parent`. */
uint32_t ez_tree_next_bits(const ez_tree *tree, const ez_entry *parent);

/* ez_tree_set_state: move an entry forward. BODY asserts that the parent has at least BODY. */
void ez_tree_set_state(ez_tree *tree, ez_entry *entry, ez_entry_state state);

/* ez_tree_set_invalid: condemn an entry and all its descendants. */
void ez_tree_set_invalid(ez_tree *tree, ez_entry *entry);

/* ez_tree_best_header: the entry with the most work that is not invalid; first seen at equal work.
 */
ez_entry *ez_tree_best_header(const ez_tree *tree);

/* ez_tree_best_complete: the entry with the most work that is not invalid and has state BODY or
 * VALID; first to reach that state at equal work. What the node's tip should be. */
ez_entry *ez_tree_best_complete(const ez_tree *tree);

/* ez_tree_locator: ids from `from` down to genesis, ten dense and then with doubling steps.
 *   returns  how many were written, at most EZ_LOCATOR_MAX; the last is genesis */
size_t ez_tree_locator(const ez_tree *tree, const ez_entry *from, ez_block_id *out);

/* ez_tree_count: entries held; ez_tree_bytes: memory they take. */
size_t ez_tree_count(const ez_tree *tree);
size_t ez_tree_bytes(const ez_tree *tree);

/* ez_tree_iterate: call `visit` for every child entry of `entry` (one level, in order of arrival).
 */
ez_entry *ez_entry_first_child(const ez_entry *entry);
ez_entry *ez_entry_next_sibling(const ez_entry *entry);

#endif
