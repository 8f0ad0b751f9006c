#include "ezp2p/crypto/bech32.h"

#include "ezp2p/base/assert.h"

#include <string.h>

#define TEXT_MAX        (EZ_BECH32_TEXT_BYTES_MAX - 1)
#define CHECKSUM_LENGTH 6
#define CHECKSUM_FINAL  UINT32_C(0x2bc830a3) /* what makes it bech32m and not bech32 */

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One step of the BCH code: the remainder so far, and the next five bits. */
static uint32_t polymod_step(uint32_t remainder, uint32_t value)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    uint32_t top = remainder >> 25;
    remainder = (remainder & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++) {
        remainder ^= (top >> i & 1) != 0 ? generator[i] : 0;
    }
    return remainder;
}

/* The human-readable part as the code sees it: high bits, zero, low bits. */
static uint32_t polymod_hrp(const char *hrp)
{
    uint32_t remainder = 1;
    for (const char *c = hrp; *c != '\0'; c++) {
        remainder = polymod_step(remainder, (uint32_t)*c >> 5);
    }
    remainder = polymod_step(remainder, 0);
    for (const char *c = hrp; *c != '\0'; c++) {
        remainder = polymod_step(remainder, (uint32_t)*c & 31);
    }
    return remainder;
}

/* Human-readable parts are constants of this program, so a bad one is our bug. */
static void check_hrp(const char *hrp)
{
    EZ_ASSERT(hrp[0] != '\0');
    for (const char *c = hrp; *c != '\0'; c++) {
        EZ_ASSERT(*c >= 33 && *c <= 126 && (*c < 'A' || *c > 'Z'));
    }
}

/* The next five bits from the front of `bytes`, padded with zero bits at the end. */
static uint32_t take_group(const uint8_t *bytes, size_t size, size_t group)
{
    size_t bit = group * 5;
    uint32_t window = (uint32_t)bytes[bit / 8] << 8;
    if (bit / 8 + 1 < size) {
        window |= bytes[bit / 8 + 1];
    }
    return window >> (11 - bit % 8) & 31;
}

bool ez_bech32_encode(char out[EZ_BECH32_TEXT_BYTES_MAX], const char *hrp, const void *data,
                      size_t size)
{
    check_hrp(hrp);
    out[0] = '\0';
    size_t hrp_length = strlen(hrp);
    /* Compared piecewise: the sum of unchecked sizes could wrap. */
    if (size > TEXT_MAX || hrp_length > TEXT_MAX) {
        return false;
    }
    size_t groups = (size * 8 + 4) / 5;
    if (hrp_length + 1 + groups + CHECKSUM_LENGTH > TEXT_MAX) {
        return false;
    }
    memcpy(out, hrp, hrp_length);
    char *next = out + hrp_length;
    *next++ = '1';
    uint32_t remainder = polymod_hrp(hrp);
    for (size_t i = 0; i < groups; i++) {
        uint32_t value = take_group(data, size, i);
        remainder = polymod_step(remainder, value);
        *next++ = charset[value];
    }
    for (unsigned i = 0; i < CHECKSUM_LENGTH; i++) {
        remainder = polymod_step(remainder, 0);
    }
    remainder ^= CHECKSUM_FINAL;
    for (unsigned i = 0; i < CHECKSUM_LENGTH; i++) {
        *next++ = charset[remainder >> (5 * (CHECKSUM_LENGTH - 1 - i)) & 31];
    }
    *next = '\0';
    return true;
}

/* Copies `text` in lower case; false when it is too long or mixes cases. */
static bool fold_case(char out[EZ_BECH32_TEXT_BYTES_MAX], const char *text)
{
    bool lower = false;
    bool upper = false;
    size_t length = 0;
    for (; text[length] != '\0'; length++) {
        if (length == TEXT_MAX) {
            return false;
        }
        char c = text[length];
        lower = lower || (c >= 'a' && c <= 'z');
        upper = upper || (c >= 'A' && c <= 'Z');
        out[length] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[length] = '\0';
    return !(lower && upper);
}

/* The values of `length` characters; false when one is not in the charset. */
static bool read_groups(uint8_t *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const char *found = strchr(charset, text[i]);
        if (found == NULL) {
            return false;
        }
        out[i] = (uint8_t)(found - charset);
    }
    return true;
}

/* Packs groups of five bits into `size` bytes; false when bits are left over that are not zero. */
static bool join_groups(uint8_t *out, size_t size, const uint8_t *groups, size_t count)
{
    uint32_t window = 0;
    unsigned bits = 0;
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        window = (window << 5 | groups[i]) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            EZ_ASSERT(written < size);
            out[written++] = (uint8_t)(window >> bits);
        }
    }
    EZ_ASSERT(written == size);
    return (window & ((1u << bits) - 1)) == 0;
}

bool ez_bech32_decode(void *out, size_t size, const char *hrp, const char *text)
{
    check_hrp(hrp);
    char folded[EZ_BECH32_TEXT_BYTES_MAX];
    size_t hrp_length = strlen(hrp);
    if (size > TEXT_MAX || !fold_case(folded, text) || strncmp(folded, hrp, hrp_length) != 0 ||
        folded[hrp_length] != '1') {
        return false;
    }
    const char *body = folded + hrp_length + 1;
    size_t length = strlen(body);
    size_t count = (size * 8 + 4) / 5;
    uint8_t groups[TEXT_MAX];
    if (length != count + CHECKSUM_LENGTH || !read_groups(groups, body, length)) {
        return false;
    }
    uint32_t remainder = polymod_hrp(hrp);
    for (size_t i = 0; i < length; i++) {
        remainder = polymod_step(remainder, groups[i]);
    }
    uint8_t bytes[TEXT_MAX];
    if (remainder != CHECKSUM_FINAL || !join_groups(bytes, size, groups, count)) {
        return false;
    }
    memcpy(out, bytes, size);
    return true;
}
