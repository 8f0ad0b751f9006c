/* The durable form of undo records. */
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/reader.h"
#include "ezp2p/chain/ledger.h"

#include <stdlib.h>

#define UNDO_ROW_BYTES (EZ_PUBLIC_KEY_BYTES + 8 + 8)

void ez_undo_encode(ez_buffer *out, const ez_account_change *before, uint32_t count)
{
    ez_buffer_add_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        ez_buffer_add(out, before[i].key.bytes, EZ_PUBLIC_KEY_BYTES);
        ez_buffer_add_u64(out, before[i].account.balance);
        ez_buffer_add_u64(out, before[i].account.sequence);
    }
}

ez_status ez_undo_decode(ez_account_change **out, uint32_t *count, const void *data, size_t size)
{
    ez_reader reader;
    *out = NULL;
    *count = 0;
    ez_reader_init(&reader, data, size);
    const uint32_t rows = ez_reader_u32(&reader);
    if (reader.failed || size - reader.at != (uint64_t)rows * UNDO_ROW_BYTES) {
        return EZ_ERR_CORRUPT; /* before memory is asked for: `rows` may be anything */
    }
    ez_account_change *const changes = ez_alloc(rows, sizeof(*changes));
    for (uint32_t i = 0; i < rows; i++) {
        ez_reader_copy(&reader, changes[i].key.bytes, EZ_PUBLIC_KEY_BYTES);
        changes[i].account.balance = ez_reader_u64(&reader);
        changes[i].account.sequence = ez_reader_u64(&reader);
        if (changes[i].account.balance > EZ_AMOUNT_MAX) {
            free(changes);
            return EZ_ERR_CORRUPT;
        }
    }
    *out = changes;
    *count = rows;
    return EZ_OK;
}
