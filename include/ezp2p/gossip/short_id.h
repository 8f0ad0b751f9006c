/* Short ids: eight bytes that stand for a transaction where 32 would cost too much. SipHash-2-4 of
 * the id under a key that depends on who keeps the book, so that two transactions that were made
 * to share a short id in one place have different ones everywhere else:
 *
 *   hints between peers   the node id of the side that has to know the transaction again
 *   a block's list        the block id
 *
 * To find another transaction with the short id of a given one takes 2^64 tries. Two of one's own
 * that share one take 2^32, and hide each other from hints to that one node, not from pushes,
 * announcements or blocks.
 */
#ifndef EZP2P_GOSSIP_SHORT_ID_H
#define EZP2P_GOSSIP_SHORT_ID_H

#include "ezp2p/base/little_endian.h"
#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/types.h"

/* ez_short_id_key: the first 16 of `bytes` as two little-endian numbers. */
static inline ez_siphash_key ez_short_id_key(const uint8_t *bytes)
{
    return (ez_siphash_key){ez_load_u64(bytes), ez_load_u64(bytes + 8)};
}

static inline uint64_t ez_short_id(const ez_siphash_key *key, const ez_tx_id *tx)
{
    return ez_siphash(key, tx, sizeof(*tx));
}

#endif
