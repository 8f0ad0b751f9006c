/* No bytes trip the reader of records. The input is cut as a file first; then, since no fuzzer
 * finds a check of 32 bits, its first byte is taken as a record's type and the rest as that
 * record's payload, which is past the check. What a payload says has one meaning: encoded again, it
 * is read as the same. */
#include "ezp2p/base/assert.h"
#include "ezp2p/record/describe.h"
#include "ezp2p/record/format.h"
#include "ezp2p/record/reader.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_bytes(void *self, void *out, size_t size)
{
    ez_reader *reader = self;
    size_t left = reader->size - reader->at;
    size = size < left ? size : left;
    ez_reader_copy(reader, out, size);
    return size;
}

static void cut_file(const uint8_t *data, size_t size)
{
    ez_reader bytes;
    ez_record record;
    ez_reader_init(&bytes, data, size);
    const ez_record_source source = {&bytes, read_bytes};
    ez_record_reader *reader = ez_record_reader_new(&source);
    while (ez_record_reader_next(reader, &record) == EZ_RECORD_CUT_GOOD) {
        EZ_ASSERT(record.offset + EZ_RECORD_PREFIX_BYTES + 1 + record.reader.size <= size);
    }
    EZ_ASSERT(ez_record_reader_offset(reader) <= size);
    ez_record_reader_free(reader);
}

static void read_start(ez_reader *payload)
{
    ez_record_start first, second;
    ez_buffer bytes = {0};
    if (!ez_record_get_start(&first, payload)) {
        return;
    }
    ez_record_put_start(&bytes, &first.config, first.program, first.now);
    ez_reader again;
    ez_reader_init(&again, bytes.data, bytes.size);
    bool good = ez_record_get_start(&second, &again);
    EZ_ASSERT(good && second.config.peer_count == first.config.peer_count);
    EZ_ASSERT(second.config.relay == first.config.relay);
    ez_record_start_clear(&first);
    ez_record_start_clear(&second);
    ez_buffer_clear(&bytes);
}

/* The event again as bytes; a check job is not in one. */
static void put_again(ez_buffer *out, const ez_recorded_event *recorded)
{
    ez_event event = recorded->event;
    ez_check_job job = {
        .id = recorded->job, .rule = recorded->rule, .bad_position = recorded->bad_position};
    if (event.type == EZ_EVENT_CHECKED) {
        event.as.job = &job;
    }
    ez_describe_event(out, &event);
    out->size = 0;
    ez_record_put_event(out, &event, recorded->now);
}

static void read_event(ez_reader *payload)
{
    ez_recorded_event first, second;
    ez_buffer bytes = {0}, bytes_again = {0};
    ez_reader again;
    if (!ez_record_get_event(&first, payload)) {
        return;
    }
    put_again(&bytes, &first);
    ez_reader_init(&again, bytes.data, bytes.size);
    bool good = ez_record_get_event(&second, &again);
    EZ_ASSERT(good);
    put_again(&bytes_again, &second);
    EZ_ASSERT(bytes.size == bytes_again.size &&
              memcmp(bytes.data, bytes_again.data, bytes.size) == 0);
    ez_recorded_event_clear(&first);
    ez_recorded_event_clear(&second);
    ez_buffer_clear(&bytes);
    ez_buffer_clear(&bytes_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ez_reader payload;
    cut_file(data, size);
    if (size == 0) {
        return 0;
    }
    ez_reader_init(&payload, data + 1, size - 1);
    if (data[0] == EZ_RECORD_START) {
        read_start(&payload);
    } else if (data[0] == EZ_RECORD_EVENT) {
        read_event(&payload);
    } else {
        EZ_ASSERT(ez_record_name(data[0]) != NULL);
    }
    return 0;
}
