#include "ezp2p/crypto/key_file.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define PREFIX       "ezp2p-secret-key-1 "
#define PREFIX_BYTES (sizeof PREFIX - 1)
#define DIGITS       (2 * (size_t)EZ_SEED_BYTES)

static_assert(PREFIX_BYTES + DIGITS + 1 == EZ_KEY_FILE_BYTES, "prefix, digits and newline");

void ez_key_file_format(char out[EZ_KEY_FILE_BYTES + 1], const uint8_t seed[EZ_SEED_BYTES])
{
    memcpy(out, PREFIX, PREFIX_BYTES);
    /* libsodium's hex does not index tables by the secret's bytes. */
    sodium_bin2hex(out + PREFIX_BYTES, DIGITS + 1, seed, EZ_SEED_BYTES);
    out[EZ_KEY_FILE_BYTES - 1] = '\n';
    out[EZ_KEY_FILE_BYTES] = '\0';
}

/* The format has one spelling: what was read is right if writing it again gives the same. */
ez_status ez_key_file_parse(uint8_t seed[EZ_SEED_BYTES], const char *text, size_t size)
{
    sodium_memzero(seed, EZ_SEED_BYTES);
    if (size != EZ_KEY_FILE_BYTES && size != EZ_KEY_FILE_BYTES - 1) {
        return EZ_ERR_MALFORMED;
    }
    char again[EZ_KEY_FILE_BYTES + 1];
    (void)sodium_hex2bin(seed, EZ_SEED_BYTES, text + PREFIX_BYTES, DIGITS, NULL, NULL, NULL);
    ez_key_file_format(again, seed);
    bool same = sodium_memcmp(again, text, size) == 0;
    sodium_memzero(again, sizeof again);
    if (!same) {
        sodium_memzero(seed, EZ_SEED_BYTES);
        return EZ_ERR_MALFORMED;
    }
    return EZ_OK;
}
