/* Identifiers as distinct value types, so that mixing two kinds fails to compile. */
#ifndef EZP2P_BASE_ID_H
#define EZP2P_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EZ_HASH_BYTES       32
#define EZ_PUBLIC_KEY_BYTES 32

typedef struct ez_hash {
    uint8_t bytes[EZ_HASH_BYTES];
} ez_hash;

/* A TCP stream, from accept or connect until it is gone. Never reused within a process; 0 is no
 * link. The core holds no socket and the driver holds no peer: both speak of this number. */
typedef struct ez_link_id {
    uint64_t value;
} ez_link_id;

/* A node's Ed25519 public key, and an account's: the same key signs for both. */
typedef struct ez_public_key {
    uint8_t bytes[EZ_PUBLIC_KEY_BYTES];
} ez_public_key;

static inline bool ez_hash_is_equal(const ez_hash *a, const ez_hash *b)
{
    return memcmp(a->bytes, b->bytes, EZ_HASH_BYTES) == 0;
}

static inline bool ez_public_key_is_equal(const ez_public_key *a, const ez_public_key *b)
{
    return memcmp(a->bytes, b->bytes, EZ_PUBLIC_KEY_BYTES) == 0;
}

#endif
