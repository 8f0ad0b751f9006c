/* The bytes of DATA/key: one line of text, "ezp2p-secret-key-1 " and 64 hex digits (the Ed25519
 * seed), newline. Reading and writing the file is the application's; the format is here. */
#ifndef EZP2P_CRYPTO_KEY_FILE_H
#define EZP2P_CRYPTO_KEY_FILE_H

#include "ezp2p/base/status.h"
#include "ezp2p/crypto/sign.h"

#include <stddef.h>
#include <stdint.h>

#define EZ_KEY_FILE_BYTES 84

/* ez_key_file_format: the file's content for `seed`, terminated by a zero byte that is not part. */
void ez_key_file_format(char out[EZ_KEY_FILE_BYTES + 1], const uint8_t seed[EZ_SEED_BYTES]);

/* ez_key_file_parse: the seed of a file's content; EZ_ERR_MALFORMED, `seed` zeroed, on anything
 * that ez_key_file_format would not have written (a missing final newline is forgiven). */
EZ_MUST_USE ez_status ez_key_file_parse(uint8_t seed[EZ_SEED_BYTES], const char *text, size_t size);

#endif
