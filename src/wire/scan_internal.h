/* The scan over raw protobuf that comes before unpacking: everything that can be known about a
 * frame without allocating a byte. What it lets through has one reading: known fields of the right
 * wire type, singular fields once, shortest varints, sizes and counts within their bounds. */
#ifndef EZP2P_WIRE_SCAN_INTERNAL_H
#define EZP2P_WIRE_SCAN_INTERNAL_H

#include "ezp2p/gossip/message.h"

/* ez_scan_envelope: judge a frame.
 *   returns  EZ_GOODBYE_UNSPECIFIED when it may be unpacked, else EZ_GOODBYE_FRAME_MALFORMED or
 *            EZ_GOODBYE_MESSAGE_LIMIT */
ez_goodbye ez_scan_envelope(const uint8_t *frame, size_t size);

#endif
