/* Bech32m (BIP-350): base-32 text with a checksum that finds up to four wrong characters. */
#ifndef EZP2P_CRYPTO_BECH32_H
#define EZP2P_CRYPTO_BECH32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_BECH32_TEXT_BYTES_MAX 91 /* 90 characters (BIP-173) and the terminating zero */

/* ez_bech32_encode: `size` bytes at `data` under the human-readable part `hrp`, lower case.
 *   returns  false when the text would be over 90 characters; out is "" then */
bool ez_bech32_encode(char out[EZ_BECH32_TEXT_BYTES_MAX], const char *hrp, const void *data,
                      size_t size);

/* ez_bech32_decode: exactly `size` bytes from a text whose human-readable part is `hrp`. All lower
 * or all upper case; the padding bits must be zero.
 *   returns  false, *out untouched, on anything else */
bool ez_bech32_decode(void *out, size_t size, const char *hrp, const char *text);

#endif
