/* Transactions that peers told of and we do not have: whom to ask, and whom to ask next.
 *
 * A peer tells of a transaction by its id or by its short id under our key (short_id.h). Both mean
 * the same entry here, which is known by its short id, and is asked for by its id once one peer
 * gave that.
 *
 * Every transaction is asked of one announcer at a time, in the order of their announcements; one
 * that is expected to come by itself is first waited for. A request that is not answered within
 * EZ_REQUEST_TIMEOUT_MS, that is answered with "missing", or whose peer goes away, passes to the
 * next announcer; an entry without announcers left is forgotten. Who let a request time out has to
 * make way for whoever announces after it, until it delivers again. So a peer that announces and
 * does not deliver costs one time-out and nothing else, and each announcement buys at most one
 * request.
 *
 * An entry has eight places for announcers. When they are taken, whoever let a request time out
 * gives way first and a peer that we chose ourselves last; among equals a keyed hash of transaction
 * and link decides, so that being first or saying it often buys no place. The same order, without
 * the hash, says who is asked after a failure.
 *
 * Bounds: EZ_ANNOUNCED_PEER entries per peer, EZ_TXS_IN_FLIGHT_PEER requests per peer, eight
 * announcers per entry. Announcements over a bound are dropped: an honest peer under load can
 * exceed them.
 *
 * Lifecycle: announce -> (patience) -> next (in flight) -> received | missing | expired.
 */
#ifndef EZP2P_GOSSIP_WANT_H
#define EZP2P_GOSSIP_WANT_H

#include "ezp2p/base/id.h"
#include "ezp2p/base/siphash.h"
#include "ezp2p/base/time.h"
#include "ezp2p/chain/types.h"

#define EZ_WANT_ANNOUNCERS_MAX 8

typedef struct ez_want ez_want;

/* What to ask a peer for. */
typedef struct ez_want_ask {
    uint64_t short_id;
    bool has_id;
    ez_tx_id id; /* has_id only */
} ez_want_ask;

ez_want *ez_want_new(ez_siphash_key key);
void ez_want_free(ez_want *want); /* NULL is fine */

/* ez_want_prefer: `peer` is one that we chose ourselves, which somebody who wants to surround us
 * cannot arrange at will. Until ez_want_peer_gone. */
void ez_want_prefer(ez_want *want, ez_link_id peer);

/* ez_want_announce: `peer` says that it has the transaction.
 *   id       NULL when it gave only the short id
 *   due      not asked for before this, as long as nobody gives the id
 *   returns  false when it was dropped for a bound; a repeated announcement is fine */
bool ez_want_announce(ez_want *want, uint64_t short_id, const ez_tx_id *id, ez_link_id peer,
                      ez_time_ms due);

/* ez_want_next: pick the next transaction to ask of `peer`, and count it as in flight.
 *   returns  true and fills *out; false when nothing is to be asked of it now, *out untouched */
bool ez_want_next(ez_want *want, ez_want_ask *out, ez_link_id peer, ez_time_ms now);

/* ez_want_received: the transaction is here (from anyone) or no longer wanted.
 *   announcers  who told of it; may be NULL
 *   returns     how many of them were written */
size_t ez_want_received(ez_want *want, uint64_t short_id,
                        ez_link_id announcers[EZ_WANT_ANNOUNCERS_MAX]);

/* ez_want_is_in_flight: whether it was asked of `peer` and not yet answered. */
bool ez_want_is_in_flight(const ez_want *want, uint64_t short_id, ez_link_id peer);

/* ez_want_missing: `peer` answered that it does not have it. Ignored unless it was asked. */
void ez_want_missing(ez_want *want, uint64_t short_id, ez_link_id peer);

/* ez_want_peer_gone: forget a peer; what it was asked for passes on. */
void ez_want_peer_gone(ez_want *want, ez_link_id peer);

/* ez_want_expire: end the patience with what is due, pass on the requests that are too old.
 *   returns  how many requests there were */
size_t ez_want_expire(ez_want *want, ez_time_ms now);

/* ez_want_deadline: when ez_want_expire has something to do; EZ_TIME_NEVER: not at all. */
ez_time_ms ez_want_deadline(const ez_want *want);

/* ez_want_is_due: whether ez_want_next has something for any peer. */
bool ez_want_is_due(const ez_want *want);

size_t ez_want_count(const ez_want *want);
uint32_t ez_want_in_flight(const ez_want *want, ez_link_id peer);
uint32_t ez_want_in_flight_most(const ez_want *want); /* of any one peer */

#endif
