/* Envelopes: protobuf bytes to ez_message and back. The only place that knows protobuf.
 *
 * Decoding treats the bytes as hostile: a scan over the raw wire format first (depth, item counts,
 * unknown fields, wire types, one body per envelope, the bounds of every field), then protobuf-c
 * with an allocator that stops at four times the frame's size, or 256 KiB if that is more, and in
 * any case at EZ_DECODE_BYTES_MAX. protobuf-c alone would turn a 1 MiB frame into 84 MB, and
 * recurse without a limit.
 */
#ifndef EZP2P_WIRE_CODEC_H
#define EZP2P_WIRE_CODEC_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/gossip/message.h"

/* A decoded message with the memory its pointers lead to. Spans point into the frame where they
 * can. */
typedef struct ez_decoded {
    ez_message message;
    void *memory; /* private */
} ez_decoded;

/* ez_wire_decode: the message in `frame`.
 *   returns  EZ_GOODBYE_UNSPECIFIED (0) with *out valid until ez_decoded_clear and as long as the
 *            frame's bytes stay; else EZ_GOODBYE_FRAME_MALFORMED (not such an envelope) or
 *            EZ_GOODBYE_MESSAGE_LIMIT (a count or size over its bound), *out cleared */
ez_goodbye ez_wire_decode(ez_decoded *out, const uint8_t *frame, size_t size);
void ez_decoded_clear(ez_decoded *decoded);

/* ez_wire_encode: append the frame of `message`, length prefix included. */
void ez_wire_encode(ez_buffer *out, const ez_message *message);

/* ez_wire_encode_body_head: the same of an EZ_MSG_BODY, up to but without its bytes, which are the
 * end of the frame: for a caller that sends them from where they are. */
void ez_wire_encode_body_head(ez_buffer *out, const ez_message *message);

#endif
