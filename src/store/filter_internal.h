/* Which keys a table may hold, so that asking for one that it does not hold, as every new note and
 * every new account does, reads nothing. A Bloom filter in blocks of one cache line (Putze,
 * Sanders, Singler: "Cache-, hash- and space-efficient Bloom filters", 2007), in layers that
 * double, of which the last takes what comes: beyond its capacity wrong guesses become more
 * frequent, never wrong answers. Keys that leave the table stay in the filter.
 *
 * Peers choose keys, so places are drawn from a keyed hash. One thread adds while another asks:
 * whatever was added before the asker learnt of it (by a lock, a commit, a message) is found.
 */
#ifndef EZP2P_STORE_FILTER_INTERNAL_H
#define EZP2P_STORE_FILTER_INTERNAL_H

#include "ezp2p/base/siphash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define EZ_FILTER_LAYERS      8
#define EZ_FILTER_FIRST_BYTES 16384 /* of the first layer: 8192 keys at 16 bits each */

typedef struct ez_filter {
    ez_siphash_key key;
    _Atomic(_Atomic uint64_t *) layers[EZ_FILTER_LAYERS]; /* NULL: not needed yet */
    uint64_t count;       /* different keys added; this and the next are the adder's */
    int64_t next;         /* tail from which on the table is yet to be read */
    atomic_bool complete; /* it was read to its end */
} ez_filter;

void ez_filter_init(ez_filter *filter, ez_siphash_key key);
void ez_filter_clear(ez_filter *filter);

/* ez_filter_add: add a key by its tail (ez_db_tail). One thread only. */
void ez_filter_add(ez_filter *filter, int64_t tail);

/* ez_filter_is_complete, ez_filter_complete: whether all keys of the table were added; say so. */
bool ez_filter_is_complete(const ez_filter *filter);
void ez_filter_complete(ez_filter *filter);

/* ez_filter_may_hold: false only when the filter is complete and no key with this tail was added.
 */
bool ez_filter_may_hold(const ez_filter *filter, int64_t tail);

#endif
