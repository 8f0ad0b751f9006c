/* The notification protocol of sd_notify(3): one datagram of "KEY=value" lines to a socket that the
 * service manager names. Spoken by hand, since that is all there is to it. */
#ifndef EZP2P_APP_NOTIFY_INTERNAL_H
#define EZP2P_APP_NOTIFY_INTERNAL_H

#include "ezp2p/base/status.h"

/* ez_notify_send: send `text` to `address`, the value of NOTIFY_SOCKET: a path, or an abstract name
 * behind "@". A NULL address is nobody to tell, and no error.
 *   returns  EZ_ERR_MALFORMED for an address that is neither, EZ_ERR_IO when it cannot be sent */
EZ_MUST_USE ez_status ez_notify_send(const char *address, const char *text);

#endif
