/* A set of transaction ids, each a part of something larger that the caller owns: the way from an
 * id to its holder. Open addressing with linear probing (Knuth, "The Art of Computer Programming"
 * 3, 6.4), at most half full, 16 bytes a slot: a look-up reads one line of memory before the holder
 * itself.
 *
 * Peers choose transactions, so the place of an id hangs on a secret multiplier (Dietzfelbinger,
 * Hagerup, Katajainen, Penttonen: "A reliable randomized algorithm for the closest-pair problem",
 * 1997): two ids meet by chance only, whatever they are, as long as their first eight bytes differ.
 * For k ids to share those takes about 2^(64 (k - 1) / k) hashes, so there are never many.
 */
#ifndef EZP2P_CHAIN_ID_INDEX_INTERNAL_H
#define EZP2P_CHAIN_ID_INDEX_INTERNAL_H

#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/types.h"

typedef struct ez_id_slot {
    const ez_tx_id *id; /* in its holder; NULL: empty */
    uint64_t start;     /* its first eight bytes */
} ez_id_slot;

typedef struct ez_id_index {
    ez_id_slot *slots;
    size_t count;
    unsigned bits; /* log2 of the number of slots; 0: there are none */
    uint64_t multiplier;
} ez_id_index;

void ez_id_index_init(ez_id_index *index, ez_siphash_key key);

/* ez_id_index_empty: take out all, whose holders may be gone already. ez_id_index_clear: and free
 * what it holds. */
void ez_id_index_empty(ez_id_index *index);
void ez_id_index_clear(ez_id_index *index);

/* ez_id_index_find: the holder's id that equals `id`, NULL when there is none. */
const ez_tx_id *ez_id_index_find(const ez_id_index *index, const ez_tx_id *id);

/* ez_id_index_put: add `id`, in place of an equal one. It must stay where it is while it is in. */
void ez_id_index_put(ez_id_index *index, const ez_tx_id *id);

/* ez_id_index_remove: take out `id` itself; nothing happens when another holder's equal id has
 * taken its place. */
void ez_id_index_remove(ez_id_index *index, const ez_tx_id *id);

#endif
