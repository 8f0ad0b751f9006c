/* What a peer is known to have: a rolling set of keyed 64-bit hashes of ids. Holds at least the
 * last EZ_KNOWN_GENERATION ids in two generations that grow with what they hold, up to 16 KiB
 * together; none before the first id. A forgotten or colliding id costs one needless or one missing
 * announcement, nothing else: ids are kept under the node's secret key, so that a peer cannot
 * choose collisions.
 */
#ifndef EZP2P_GOSSIP_KNOWN_H
#define EZP2P_GOSSIP_KNOWN_H

#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/types.h"

#define EZ_KNOWN_GENERATION 768 /* ids in a generation of at most 1,024 slots */

typedef struct ez_known {
    uint64_t *slots[2]; /* the young generation first; NULL: none; 0 is an empty slot */
    uint32_t sizes[2];  /* slots in each, a power of two */
    uint32_t count;     /* ids in the young generation */
} ez_known;

/* A zeroed ez_known is empty; ez_known_clear frees and zeroes it. */
void ez_known_clear(ez_known *known);

/* ez_known_mark: what stands for `id` in every set of one node. */
uint64_t ez_known_mark(const ez_siphash_key *key, const ez_hash *id);

/* ez_known_add: remember an id by its mark.
 *   returns  true when it was not known before */
bool ez_known_add(ez_known *known, uint64_t mark);

bool ez_known_has(const ez_known *known, uint64_t mark);

/* ez_known_fetch: have the processor fetch what the other two will read, which is rarely in its
 * caches: for whoever is about to ask the sets of many peers. */
void ez_known_fetch(const ez_known *known, uint64_t mark);

#endif
