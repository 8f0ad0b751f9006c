/* Fetching block bodies: a window of consecutive heights of one header chain, from the lowest body
 * that is missing upwards, spread over all peers that have them.
 *
 * Each slot is needed, asked (of one peer, since when) or here. The lowest slot holds the window
 * back: when its peer does not deliver within that peer's patience (EZ_BODY_STALL_MS, doubled each
 * time up to EZ_BODY_STALL_MS_MAX, restored by delivery), the slot is taken from it and asked
 * elsewhere. A peer that was tried for a slot in vain is not asked for it again for
 * EZ_BODY_STALL_MS: until then any other comes first, after that it may be the only one there is.
 *
 * Bounds: EZ_BODIES_WINDOW slots, EZ_BODIES_IN_FLIGHT_PEER and EZ_BODIES_IN_FLIGHT_ALL requests. Of
 * both, one is kept free for the lowest slot: only its clock runs, so it must always find room.
 * Which chain to follow, and what is done with bodies, is decided elsewhere; this only moves ids.
 */
#ifndef EZP2P_GOSSIP_FETCH_H
#define EZP2P_GOSSIP_FETCH_H

#include "ezp2p/base/id.h"
#include "ezp2p/base/time.h"
#include "ezp2p/chain/types.h"

typedef struct ez_fetch ez_fetch;

ez_fetch *ez_fetch_new(void);
void ez_fetch_free(ez_fetch *fetch);

/* ez_fetch_reset: forget all slots; the next one appended will be for `height`. Requests in flight
 * are forgotten too: a late body then matches no slot. */
void ez_fetch_reset(ez_fetch *fetch, uint64_t height);

/* ez_fetch_room: how many slots may still be appended. */
size_t ez_fetch_room(const ez_fetch *fetch);

/* ez_fetch_append: one more slot at ez_fetch_end(), needed. There must be room. */
void ez_fetch_append(ez_fetch *fetch, const ez_block_id *id);

/* ez_fetch_begin, ez_fetch_end: heights of the lowest slot and one above the highest; equal when
 * there are no slots. */
uint64_t ez_fetch_begin(const ez_fetch *fetch);
uint64_t ez_fetch_end(const ez_fetch *fetch);

/* ez_fetch_has: whether `id` is the slot at `height`. */
bool ez_fetch_has(const ez_fetch *fetch, const ez_block_id *id, uint64_t height);

/* ez_fetch_next: pick the lowest needed slot that `peer` can serve and mark it asked.
 *   returns  true and fills both outputs; false, untouched, when there is none or a bound is met
 *   common   greatest height at which the peer's chain agrees with the window's */
bool ez_fetch_next(ez_fetch *fetch, ez_block_id *out, uint64_t *height, ez_link_id peer,
                   uint64_t common, ez_time_ms now);

/* ez_fetch_claim: mark a needed slot as asked of `peer` by other means than ez_fetch_next.
 *   returns  false when it is not needed or a bound is met */
bool ez_fetch_claim(ez_fetch *fetch, uint64_t height, ez_link_id peer, ez_time_ms now);

/* ez_fetch_asked: of whom the slot was asked; value 0 when needed or here. */
ez_link_id ez_fetch_asked(const ez_fetch *fetch, uint64_t height);

/* ez_fetch_is_here: the slot's body has arrived. */
bool ez_fetch_is_here(const ez_fetch *fetch, uint64_t height);

/* ez_fetch_here: the body has arrived, from whomever. */
void ez_fetch_here(ez_fetch *fetch, uint64_t height);

/* ez_fetch_failed: what arrived was of no use, or `peer` does not have it: needed again, and the
 * peer is not asked for it for a while. */
void ez_fetch_failed(ez_fetch *fetch, uint64_t height, ez_link_id peer, ez_time_ms now);

/* ez_fetch_again: what arrived was of no use, and nobody is to blame: needed again, of anyone. */
void ez_fetch_again(ez_fetch *fetch, uint64_t height);

/* ez_fetch_pop: the lowest slot's body has been taken over; it must be here. */
void ez_fetch_pop(ez_fetch *fetch);

/* ez_fetch_peer_gone: what was asked of `peer` is needed again. */
void ez_fetch_peer_gone(ez_fetch *fetch, ez_link_id peer);

/* ez_fetch_stalled: take the lowest slot from a peer that holds the window back too long.
 *   returns  true with *peer who it was; false when nobody stalls */
bool ez_fetch_stalled(ez_fetch *fetch, ez_link_id *peer, ez_time_ms now);

/* ez_fetch_deadline: when ez_fetch_stalled may have something; EZ_TIME_NEVER: never. */
ez_time_ms ez_fetch_deadline(const ez_fetch *fetch);

/* ez_fetch_retry: when a peer that failed for the lowest slot may be asked for it again;
 * EZ_TIME_NEVER: nobody is kept from it after `now`, or it is not needed. */
ez_time_ms ez_fetch_retry(const ez_fetch *fetch, ez_time_ms now);

uint32_t ez_fetch_in_flight(const ez_fetch *fetch, ez_link_id peer);
uint32_t ez_fetch_in_flight_all(const ez_fetch *fetch);
uint32_t ez_fetch_in_flight_most(const ez_fetch *fetch); /* of any one peer */

#endif
