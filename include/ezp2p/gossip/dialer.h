/* Dialling: which peers a person asked for, which dials are under way, and when to try again.
 *
 * Manual peers (--peer, registered through REST) are kept connected for ever: after a failure or a
 * lost link they are dialled again after EZ_REDIAL_MS_MIN, doubling to EZ_REDIAL_MS_MAX, each pause
 * drawn between half and all of that so that a swarm does not knock in step. Until the first
 * handshake pauses begin at EZ_REDIAL_MS_FIRST. Automatic dials are chosen elsewhere (book.h) and
 * only counted here.
 *
 * A host that begins with EZ_REST_PREFIX is a REST address: kept like the others, but not dialled.
 * The REST adapter asks there where the peer listens, and puts that in its place.
 */
#ifndef EZP2P_GOSSIP_DIALER_H
#define EZP2P_GOSSIP_DIALER_H

#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/id.h"
#include "ezp2p/base/rng.h"
#include "ezp2p/base/time.h"

typedef struct ez_dialer ez_dialer;

ez_dialer *ez_dialer_new(void);
void ez_dialer_free(ez_dialer *dialer);

/* ez_dialer_add: keep connected to `host`:`port` from now on.
 *   returns  false when EZ_MANUAL_PEERS_MAX is reached; a known one is fine */
bool ez_dialer_add(ez_dialer *dialer, const char *host, uint16_t port);

/* ez_dialer_remove: no longer; *link (may be NULL) is its link, value 0 when there is none.
 *   returns  false when it is not a manual peer */
bool ez_dialer_remove(ez_dialer *dialer, ez_link_id *link, const char *host, uint16_t port);

/* ez_dialer_next: pick a manual peer that is due and count it as being dialled.
 *   returns  the dial's number with *host (borrowed until it is removed) and *port set; 0: none */
uint64_t ez_dialer_next(ez_dialer *dialer, const char **host, uint16_t *port, ez_time_ms now);

/* ez_dialer_start: count an automatic dial to `endpoint`; returns its number. */
uint64_t ez_dialer_start(ez_dialer *dialer, const ez_endpoint *endpoint);

/* ez_dialer_feel: the same for a feeler, which only finds out whether somebody is there. One at a
 * time: 0 while another is under way. */
uint64_t ez_dialer_feel(ez_dialer *dialer, const ez_endpoint *endpoint);

/* What a dial was for. */
typedef struct ez_dial_purpose {
    bool manual;
    bool feeler;
    ez_endpoint endpoint; /* of an automatic dial */
} ez_dial_purpose;

/* ez_dialer_failed, ez_dialer_connected: how a dial ended. Return false for a number not under way.
 */
bool ez_dialer_failed(ez_dialer *dialer, ez_dial_purpose *out, uint64_t dial, ez_rng *rng,
                      ez_time_ms now);
bool ez_dialer_connected(ez_dialer *dialer, ez_dial_purpose *out, uint64_t dial, ez_link_id link);

/* ez_dialer_ready: the link's handshake is done: its next pause is EZ_REDIAL_MS_MIN. */
void ez_dialer_ready(ez_dialer *dialer, ez_link_id link);

/* ez_dialer_closed: the link is gone; if a manual peer had it, it is dialled again after a pause.
 *   give_up  it turned out to be ourselves: pause as long as allowed */
void ez_dialer_closed(ez_dialer *dialer, ez_link_id link, bool give_up, ez_rng *rng,
                      ez_time_ms now);

/* ez_dialer_replace: the peer of `from` is served by `to` instead (a second link to one node). */
void ez_dialer_replace(ez_dialer *dialer, ez_link_id from, ez_link_id to);

bool ez_dialer_is_manual(const ez_dialer *dialer, ez_link_id link);
bool ez_dialer_is_dialing(const ez_dialer *dialer, const ez_endpoint *endpoint);

/* ez_dialer_is_dialing_group: whether an automatic dial to an address of this group is under way.
 */
bool ez_dialer_is_dialing_group(const ez_dialer *dialer, const ez_network_group *group);

/* ez_dialer_is_asked_for: whether a manual peer has this address, written as a number: it is
 * dialled in its own rhythm and needs no automatic dial beside that. */
bool ez_dialer_is_asked_for(const ez_dialer *dialer, const ez_endpoint *endpoint);
size_t ez_dialer_pending(const ez_dialer *dialer); /* automatic dials under way, no feeler */

/* ez_dialer_deadline: when ez_dialer_next has something; EZ_TIME_NEVER: not before an event. */
ez_time_ms ez_dialer_deadline(const ez_dialer *dialer);

/* ez_dialer_manual: row `index` of the manual peers in order of registration; false past the end.
 */
bool ez_dialer_manual(const ez_dialer *dialer, size_t index, const char **host, uint16_t *port,
                      ez_link_id *link);

#endif
