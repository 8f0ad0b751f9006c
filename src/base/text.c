#include "ezp2p/base/text.h"

#include "ezp2p/base/assert.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

void ez_hex_encode(char *out, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = hex_digits[bytes[i] >> 4];
        out[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

/* The value of a hex digit, or 16. */
static unsigned hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return (unsigned)(digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return (unsigned)(digit - 'a') + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return (unsigned)(digit - 'A') + 10;
    }
    return 16;
}

bool ez_hex_decode(void *out, size_t size, const char *text)
{
    /* Looked through before the first byte is written; a short text ends at its zero. */
    for (size_t i = 0; i < 2 * size; i++) {
        if (hex_value(text[i]) > 15) {
            return false;
        }
    }
    if (text[2 * size] != '\0') {
        return false;
    }
    uint8_t *bytes = out;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    }
    return true;
}

ez_hash_hex ez_hash_text(const void *bytes32)
{
    ez_hash_hex hex;
    ez_hex_encode(hex.text, bytes32, EZ_HASH_BYTES);
    return hex;
}

/* What the first byte of a sequence says: how many follow, its own bits, and the smallest code
 * point that may be written this long. */
typedef struct utf8_lead {
    unsigned follow;
    uint32_t bits;
    uint32_t least;
} utf8_lead;

static bool utf8_lead_read(utf8_lead *out, uint8_t byte)
{
    if (byte < 0x80) {
        *out = (utf8_lead){0, byte, 0};
    } else if (byte >= 0xc0 && byte < 0xe0) {
        *out = (utf8_lead){1, byte & 0x1fu, 0x80};
    } else if (byte >= 0xe0 && byte < 0xf0) {
        *out = (utf8_lead){2, byte & 0x0fu, 0x800};
    } else if (byte >= 0xf0 && byte < 0xf8) {
        *out = (utf8_lead){3, byte & 0x07u, 0x10000};
    } else {
        return false;
    }
    return true;
}

/* One code point from *at on. Returns false, *at and *out untouched, where RFC 3629 does. */
static bool utf8_next(uint32_t *out, const uint8_t *text, size_t size, size_t *at)
{
    utf8_lead lead;
    if (*at >= size || !utf8_lead_read(&lead, text[*at]) || lead.follow >= size - *at) {
        return false;
    }
    uint32_t point = lead.bits;
    for (unsigned i = 1; i <= lead.follow; i++) {
        uint8_t byte = text[*at + i];
        if ((byte & 0xc0) != 0x80) {
            return false;
        }
        point = point << 6 | (byte & 0x3fu);
    }
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < lead.least || point > 0x10ffff || surrogate) {
        return false;
    }
    *at += lead.follow + 1;
    *out = point;
    return true;
}

bool ez_utf8_is_clean(const void *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint32_t point;
        if (!utf8_next(&point, text, size, &at)) {
            return false;
        }
        if (point < 0x20 || (point >= 0x7f && point <= 0x9f)) {
            return false;
        }
    }
    return true;
}

uint32_t ez_utf8_decode(const uint8_t *text, size_t size, size_t *at)
{
    uint32_t point = 0;
    bool well_formed = utf8_next(&point, text, size, at);
    EZ_ASSERT(well_formed);
    return point;
}

/* Writes the printable form of one byte, returns its length. */
static size_t escape_byte(char out[4], uint8_t byte)
{
    bool plain = byte >= 0x20 && byte <= 0x7e && byte != '"' && byte != '\'' && byte != '\\';
    if (plain) {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex_digits[byte >> 4];
    out[3] = hex_digits[byte & 15];
    return 4;
}

void ez_text_escape(char *out, size_t out_size, const void *text, size_t size)
{
    if (out_size == 0) {
        return;
    }
    const uint8_t *bytes = text;
    size_t room = out_size - 1;
    size_t length = 0;
    size_t cut = 0; /* the last place where "..." still fits behind whole escapes */
    for (size_t i = 0; i < size; i++) {
        char form[4];
        size_t form_length = escape_byte(form, bytes[i]);
        if (form_length > room - length) {
            size_t dots = room - cut < 3 ? room - cut : 3;
            memcpy(out + cut, "...", dots);
            length = cut + dots;
            break;
        }
        memcpy(out + length, form, form_length);
        length += form_length;
        if (room - length >= 3) {
            cut = length;
        }
    }
    out[length] = '\0';
}
