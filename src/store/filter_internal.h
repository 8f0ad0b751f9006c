/* Which ids the index of transactions may hold, so that asking for one that it does not hold, as
 * every new note does, reads nothing. A Bloom filter in blocks of one cache line (Putze, Sanders,
 * Singler: "Cache-, hash- and space-efficient Bloom filters", 2007), in layers that double, of
 * which the last takes what comes: beyond its capacity wrong guesses become more frequent, never
 * wrong answers. Ids that leave the index stay in the filter.
 *
 * Peers choose ids, so places are drawn from a keyed hash. One thread adds while another asks:
 * whatever was added before the asker learnt of it (by a lock, a commit, a message) is found.
 */
#ifndef EZP2P_STORE_FILTER_INTERNAL_H
#define EZP2P_STORE_FILTER_INTERNAL_H

#include "ezp2p/base/siphash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EZ_FILTER_LAYERS      8
#define EZ_FILTER_FIRST_BYTES 16384 /* of the first layer: 8192 ids at 16 bits each */

typedef struct ez_filter {
    ez_siphash_key key;
    _Atomic(_Atomic uint64_t *) layers[EZ_FILTER_LAYERS]; /* NULL: not needed yet */
    uint64_t count; /* ids added, repeated ones too; the adding thread's */
} ez_filter;

void ez_filter_init(ez_filter *filter, ez_siphash_key key);
void ez_filter_clear(ez_filter *filter);

/* ez_filter_add: add an id by its tail (ez_db_tail). One thread only. */
void ez_filter_add(ez_filter *filter, int64_t tail);

/* ez_filter_may_hold: false only when no id with this tail was added. */
bool ez_filter_may_hold(const ez_filter *filter, int64_t tail);

#endif
