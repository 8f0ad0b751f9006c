/* `ez1…` addresses: bech32m (BIP-350) with human-readable part "ez" over the 32 bytes of an Ed25519
 * public key: 61 characters. Parties of an entry are either such an address or a label. */
#ifndef EZP2P_CHAIN_ADDRESS_H
#define EZP2P_CHAIN_ADDRESS_H

#include "ezp2p/base/id.h"

#include <stdbool.h>
#include <stddef.h>

#define EZ_ADDRESS_TEXT_BYTES 62 /* 61 characters and the terminating zero */

typedef struct ez_address_string {
    char text[EZ_ADDRESS_TEXT_BYTES];
} ez_address_string;

/* ez_address_text: the address of a key. */
ez_address_string ez_address_text(const ez_public_key *key);

/* ez_address_parse: the key of an address in all lower or all upper case; false, *out untouched, on
 * anything else. */
bool ez_address_parse(ez_public_key *out, const char *text);

/* ez_address_is_claimed: whether `text` starts with "ez1" in any case, so that it must be an
 * address and is never taken for a label. */
bool ez_address_is_claimed(const void *text, size_t size);

#endif
