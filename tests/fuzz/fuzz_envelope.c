/* No bytes trip the decoder, and what it lets through has one meaning: encoded again and decoded
 * again, it is the same message. */
#include "ezp2p/base/assert.h"
#include "ezp2p/wire/codec.h"
#include "ezp2p/wire/frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_decoded(ez_buffer *out, const uint8_t *frame, size_t size)
{
    ez_decoded decoded;
    ez_goodbye verdict = ez_wire_decode(&decoded, frame, size);
    EZ_ASSERT(verdict == EZ_GOODBYE_UNSPECIFIED);
    ez_wire_encode(out, &decoded.message);
    EZ_ASSERT(ez_message_bytes(&decoded.message) == out->size);
    ez_decoded_clear(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ez_decoded decoded;
    ez_goodbye verdict = ez_wire_decode(&decoded, data, size);
    if (verdict != EZ_GOODBYE_UNSPECIFIED) {
        EZ_ASSERT(verdict == EZ_GOODBYE_FRAME_MALFORMED || verdict == EZ_GOODBYE_MESSAGE_LIMIT);
        EZ_ASSERT(decoded.memory == NULL);
        return 0;
    }
    ez_decoded_clear(&decoded);
    ez_buffer first = {0}, second = {0};
    encode_decoded(&first, data, size);
    /* Ours is the shortest form: a peer's may say defaults aloud, or know more in a Hello. */
    EZ_ASSERT(first.size <= size + EZ_FRAME_PREFIX_BYTES);
    encode_decoded(&second, first.data + EZ_FRAME_PREFIX_BYTES, first.size - EZ_FRAME_PREFIX_BYTES);
    EZ_ASSERT(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    ez_buffer_clear(&first);
    ez_buffer_clear(&second);
    return 0;
}
