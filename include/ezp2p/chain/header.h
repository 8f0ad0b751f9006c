/* Block headers: canonical bytes, id, proof of work, and the compact form of targets.
 *
 * Compact target (as Bitcoin's nBits, without its sign bit): the top byte is a size in bytes, the
 * other three a mantissa; target = mantissa * 256^(size - 3). Only the shortest form is valid:
 * mantissa's top byte not zero unless that would set its high bit, as Bitcoin encodes it.
 */
#ifndef EZP2P_CHAIN_HEADER_H
#define EZP2P_CHAIN_HEADER_H

#include "ezp2p/chain/types.h"

#define EZ_HEADER_VERSION 1u /* the only one there is */

/* ez_header_encode, ez_header_decode: the 96-byte layout; every byte string is some header. */
void ez_header_encode(uint8_t out[EZ_HEADER_BYTES], const ez_header *header);
void ez_header_decode(ez_header *out, const uint8_t bytes[EZ_HEADER_BYTES]);

/* ez_header_id: SHA-256 of the layout. */
void ez_header_id(ez_block_id *out, const ez_header *header);

/* ez_target_from_bits: the target as 32 big-endian bytes; false for a malformed, zero or
 * overflowing compact form. */
bool ez_target_from_bits(uint8_t out[32], uint32_t bits);

/* ez_header_has_work: whether `id`, as a big-endian number, is not above the target of `bits`. */
bool ez_header_has_work(const ez_block_id *id, uint32_t bits);

/* ez_work_from_bits: expected hashes for one block of this target: 2^256 / (target + 1), rounded
 * down, at least 1. Zero for malformed bits. */
ez_work ez_work_from_bits(uint32_t bits);
ez_work ez_work_add(const ez_work *a, const ez_work *b); /* saturating */
int ez_work_compare(const ez_work *a, const ez_work *b); /* <0, 0, >0 */

/* ez_work_text: decimal digits without leading zeroes; ez_work_bytes: 32 bytes, big-endian. */
typedef struct ez_work_string {
    char text[80];
} ez_work_string;
ez_work_string ez_work_text(const ez_work *work);
void ez_work_to_bytes(uint8_t out[32], const ez_work *work);
ez_work ez_work_from_bytes(const uint8_t bytes[32]);

#endif
