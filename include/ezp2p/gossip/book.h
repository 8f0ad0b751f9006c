/* The address book: whom we could connect to, kept over restarts, and hard to take over.
 *
 * Two tables of buckets of 64 places. "New" holds what we heard of: the bucket is chosen by a keyed
 * hash of the source's network group and the address's group, so that one source, however many
 * addresses it sends, reaches few of the 256 buckets. "Tried" holds addresses we were connected to:
 * its 64 buckets are chosen by the address and its group. The place within a bucket is a keyed hash
 * as well; a place that is taken is only given to another address when the one in it has turned out
 * stale. (The scheme of Heilman et al., "Eclipse Attacks on Bitcoin's Peer-to-Peer Network", 2015.)
 *
 * Two more of the countermeasures of that paper: anchors, the peers that we chose and have had for
 * longest, are kept and dialled first after a start, so that a book that was filled meanwhile does
 * not decide on all links; and feelers try addresses that are merely heard of, so that "tried"
 * fills with addresses that answer. One whose place there is taken does not push anybody out: the
 * one in the way is felt next, and gives way once it has failed often enough to be stale.
 *
 * Loopback and private addresses are ordinary members: most swarms live there.
 */
#ifndef EZP2P_GOSSIP_BOOK_H
#define EZP2P_GOSSIP_BOOK_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/rng.h"
#include "ezp2p/base/status.h"
#include "ezp2p/base/time.h"
#include "ezp2p/gossip/message.h"

typedef struct ez_book ez_book;

/* ez_book_new: an empty book whose bucket choice depends on `secret`. */
ez_book *ez_book_new(ez_siphash_key secret);
void ez_book_free(ez_book *book);

/* ez_book_add: hear of `endpoint` from `source`.
 *   seen     when somebody last was connected to it; clamped to `now`
 *   returns  true when it is new to us and was given a place */
bool ez_book_add(ez_book *book, const ez_endpoint *endpoint, const ez_endpoint *source,
                 ez_wall_us seen, ez_now now);

/* ez_book_connected: a handshake with it succeeded: move it to the tried table. */
void ez_book_connected(ez_book *book, const ez_endpoint *endpoint, ez_now now);

/* ez_book_failed: a dial to it failed; it is dialled again after a pause that doubles. */
void ez_book_failed(ez_book *book, const ez_endpoint *endpoint, ez_now now);

/* ez_book_remove: it is ourselves, or not a node of this network. */
void ez_book_remove(ez_book *book, const ez_endpoint *endpoint);

/* ez_book_pick: a random address whose pause is over and that `is_usable` accepts: from either
 * table with equal chance, there from each bucket that is not empty with equal chance. returns
 * false when a bounded search found none, *out untouched */
bool ez_book_pick(const ez_book *book, ez_endpoint *out, ez_rng *rng, ez_now now, void *self,
                  bool (*is_usable)(void *self, const ez_endpoint *endpoint));

/* ez_book_pick_feeler: an address worth a try, as above: one that stood in the way of another that
 * answered, else one that is merely heard of. */
bool ez_book_pick_feeler(const ez_book *book, ez_endpoint *out, ez_rng *rng, ez_now now, void *self,
                         bool (*is_usable)(void *self, const ez_endpoint *endpoint));

/* ez_book_set_anchors: the peers to begin with after the next start, at most EZ_ANCHORS_MAX; those
 * that the book does not know are left out.
 *   returns  whether they are others than before */
bool ez_book_set_anchors(ez_book *book, const ez_endpoint *list, size_t count);

/* ez_book_take_anchor: the next anchor of the snapshot that was decoded; each is handed out once.
 *   returns  false when there is none left, *out untouched */
bool ez_book_take_anchor(ez_book *book, ez_endpoint *out);

/* ez_book_sample: up to `max` addresses to tell a peer at `viewer`: loopback ones only to loopback,
 * private ones only to loopback and private, in random order.
 *   returns  how many were written */
size_t ez_book_sample(const ez_book *book, ez_known_address *out, size_t max,
                      const ez_endpoint *viewer, ez_rng *rng, ez_now now);

size_t ez_book_count(const ez_book *book);

/* ez_book_encode: append the durable form: version u8 = 1, count u32, then per address ip 16,
 * port u16, tried u8 (2: an anchor, too), failures u8, last seen u64, source ip 16.
 * ez_book_decode: add what a snapshot holds; EZ_ERR_MALFORMED, book unchanged, when it is not one.
 */
void ez_book_encode(const ez_book *book, ez_buffer *out);
EZ_MUST_USE ez_status ez_book_decode(ez_book *book, const void *data, size_t size, ez_now now);

#endif
