#include "ezp2p/chain/address.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/crypto/bech32.h"

#include <string.h>

static const char hrp[] = "ez";

ez_address_string ez_address_text(const ez_public_key *key)
{
    char text[EZ_BECH32_TEXT_BYTES_MAX];
    ez_address_string out;

    EZ_ASSERT(ez_bech32_encode(text, hrp, key->bytes, sizeof key->bytes));
    EZ_ASSERT(strlen(text) == EZ_ADDRESS_TEXT_BYTES - 1);
    memcpy(out.text, text, sizeof out.text);
    return out;
}

bool ez_address_parse(ez_public_key *out, const char *text)
{
    return ez_bech32_decode(out->bytes, sizeof out->bytes, hrp, text);
}

bool ez_address_is_claimed(const void *text, size_t size)
{
    const uint8_t *bytes = text;

    /* Setting bit 5 folds the case of letters; of all bytes only 'E' and 'e' become 'e', only 'Z'
     * and 'z' become 'z'. */
    return size >= 3 && (bytes[0] | 0x20) == 'e' && (bytes[1] | 0x20) == 'z' && bytes[2] == '1';
}
