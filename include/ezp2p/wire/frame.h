/* Cutting a byte stream into frames: a 4-byte big-endian length, then that many bytes. Both drivers
 * push what arrives through this one cutter, in whatever pieces it comes.
 *
 * The length is checked against the current limit before any byte of the frame is kept, the buffer
 * grows with the bytes that really came, and an idle cutter holds no memory. A length of 0 or over
 * the limit poisons the cutter: the stream cannot be followed any more.
 */
#ifndef EZP2P_WIRE_FRAME_H
#define EZP2P_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_FRAME_PREFIX_BYTES 4

typedef struct ez_cutter ez_cutter;

typedef enum ez_cut {
    EZ_CUT_FRAME,  /* *frame and *size are set, borrowed until the next call on this cutter */
    EZ_CUT_NEED,   /* no whole frame yet */
    EZ_CUT_BROKEN, /* a frame length of 0 or over the limit; sticky */
} ez_cut;

/* ez_cutter_new: a cutter that refuses frames over `frame_max` bytes. */
ez_cutter *ez_cutter_new(size_t frame_max);
void ez_cutter_free(ez_cutter *cutter);

/* ez_cutter_set_limit: change the limit from the next frame on (after the handshake). */
void ez_cutter_set_limit(ez_cutter *cutter, size_t frame_max);

/* ez_cutter_push: take in bytes of the stream; ignored once broken. Bytes of later frames may be
 * pushed before earlier frames are taken; the caller bounds how much it pushes ahead. */
void ez_cutter_push(ez_cutter *cutter, const void *data, size_t size);

/* ez_cutter_next: the next whole frame's body. */
ez_cut ez_cutter_next(ez_cutter *cutter, const uint8_t **frame, size_t *size);

/* ez_cutter_pending: bytes held that no frame has been cut from; 0 between frames. */
size_t ez_cutter_pending(const ez_cutter *cutter);

#endif
