/* Hex, UTF-8 and escaping. */
#ifndef EZP2P_BASE_TEXT_H
#define EZP2P_BASE_TEXT_H

#include "ezp2p/base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_HASH_TEXT_BYTES 65 /* 64 hex digits and the terminating zero */

/* ez_hex_encode: lower-case hex of `size` bytes with a terminating zero; out holds 2*size + 1. */
void ez_hex_encode(char *out, const void *data, size_t size);

/* ez_hex_decode: exactly `size` bytes from 2*size hex digits of either case, then the end of text.
 *   returns  false on any other character or length, *out untouched */
bool ez_hex_decode(void *out, size_t size, const char *text);

/* ez_hash_text: a hash as hex, returned by value so that it can stand in a log call. */
typedef struct ez_hash_hex {
    char text[EZ_HASH_TEXT_BYTES];
} ez_hash_hex;
ez_hash_hex ez_hash_text(const void *bytes32);

/* ez_utf8_is_clean: well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
 * U+10FFFF) without control characters (U+0000..U+001F, U+007F..U+009F). */
bool ez_utf8_is_clean(const void *text, size_t size);

/* ez_utf8_decode: the code point at *at, which moves on; the text must be well-formed. */
uint32_t ez_utf8_decode(const uint8_t *text, size_t size, size_t *at);

/* ez_text_escape: printable ASCII form of untrusted bytes for a log line: control characters,
 * quotes, backslash and bytes over 0x7e become \xHH; cut with "..." to fit out_size. */
void ez_text_escape(char *out, size_t out_size, const void *text, size_t size);

#endif
