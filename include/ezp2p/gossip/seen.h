/* Transactions seen lately: what a hint means, which tree a transaction came along, and that one
 * whose check is under way need not be checked again. A rolling memory in two halves; when the
 * young half is full the old one is forgotten. A forgotten transaction may be fetched or checked
 * once more, nothing else.
 *
 * Memory grows with what is seen, up to EZ_SEEN_TXS_MAX; nothing before the first.
 */
#ifndef EZP2P_GOSSIP_SEEN_H
#define EZP2P_GOSSIP_SEEN_H

#include "ezp2p/base/limits.h"
#include "ezp2p/base/siphash.h"
#include "ezp2p/base/time.h"
#include "ezp2p/chain/types.h"

typedef enum ez_seen_state {
    EZ_SEEN_CHECKING, /* it is here, and not yet judged */
    EZ_SEEN_TAKEN,    /* pooled, or in a block */
    EZ_SEEN_REFUSED,  /* could not stand when it was judged: not wanted again for a while */
    EZ_SEEN_EARLY,    /* its turn had not come, as it may at any moment: not wanted for a moment */
} ez_seen_state;

typedef struct ez_seen_tx {
    ez_tx_id id;
    uint64_t short_id;  /* the caller's; find looks for it */
    ez_time_ms refused; /* when, REFUSED and EARLY only */
    uint32_t tree;      /* that it came along; 0: none */
    ez_seen_state state;
} ez_seen_tx;

typedef struct ez_seen ez_seen;

ez_seen *ez_seen_new(ez_siphash_key key);
void ez_seen_free(ez_seen *seen); /* NULL is fine */

/* ez_seen_find: what was seen under `short_id`; NULL: nothing lately. Borrowed until the next call
 * of ez_seen_add; the caller may change its tree and state. */
ez_seen_tx *ez_seen_find(ez_seen *seen, uint64_t short_id);

/* ez_seen_add: remember `id` under `short_id`, as CHECKING and of no tree; in place of what was
 * known under it. Borrowed as above. */
ez_seen_tx *ez_seen_add(ez_seen *seen, const ez_tx_id *id, uint64_t short_id);

/* ez_seen_is_here: whether another copy of `tx` (NULL: unknown) is of no use now. */
bool ez_seen_is_here(const ez_seen_tx *tx, ez_time_ms now);

/* ez_seen_at: the transactions by age, 0 the newest; NULL after the oldest. */
const ez_seen_tx *ez_seen_at(const ez_seen *seen, size_t age);

#endif
