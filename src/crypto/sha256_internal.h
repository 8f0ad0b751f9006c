/* The compression function of SHA-256 by the processor's own instructions. */
#ifndef EZP2P_CRYPTO_SHA256_INTERNAL_H
#define EZP2P_CRYPTO_SHA256_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_SHA256_BLOCK_BYTES 64

/* ez_sha256_ni_is_here: whether this processor has the x86 SHA extensions; asks it only once. */
bool ez_sha256_ni_is_here(void);

/* ez_sha256_ni_compress: fold `count` blocks at `data` into `state`. Only where the above is true.
 */
void ez_sha256_ni_compress(uint32_t state[8], const uint8_t *data, size_t count);

#endif
