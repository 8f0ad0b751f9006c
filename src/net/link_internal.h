/* One link: a socket with its frame cutter and transport.
 *
 *   OPEN      frames become messages
 *   FAULTED   the stream broke a rule and the core was told: nothing more is read, it will close
 *   FLUSHING  the core closed it: what is queued goes out
 *   LINGERING all is out and our end is shut: read and forget until the other end shuts too, or
 *             the kernel would answer late bytes with a reset that destroys our Goodbye
 *   DEAD      nothing more happens; freed by the next reaping
 */
#ifndef EZP2P_NET_LINK_INTERNAL_H
#define EZP2P_NET_LINK_INTERNAL_H

#include "driver_internal.h"

typedef struct ez_link_config {
    ez_link_id id;
    ez_endpoint remote;
    bool inbound;
} ez_link_config;

/* ez_link_new: take a connected descriptor and begin to read. */
ez_link *ez_link_new(ez_driver *driver, const ez_link_config *config, int descriptor);
void ez_link_free(ez_link *link);

ez_link_id ez_link_id_of(const ez_link *link);
bool ez_link_is_inbound(const ez_link *link);
bool ez_link_is_dead(const ez_link *link);

/* ez_link_is_closed: the core closed it, and is told nothing more about it. */
bool ez_link_is_closed(const ez_link *link);

/* ez_link_send: queue a message; it is written when the callback under way is over, or by
 * ez_links_flush before. */
void ez_link_send(ez_link *link, const ez_message *message);
void ez_link_flush(ez_link *link);
void ez_link_close(ez_link *link);
void ez_link_raise_limit(ez_link *link);

/* ez_link_check: look for a frame that takes too long or a reader that does not read. */
void ez_link_check(ez_link *link, ez_time_ms now);

void ez_link_get_bytes(const ez_link *link, uint64_t *in, uint64_t *out);

#endif
