#include "support_record.h"

#include "chain_fixture.h"
#include "ezp2p/base/reader.h"

#include <criterion/criterion.h>
#include <string.h>

static bool append(void *self, const void *data, size_t size)
{
    record_tape *to = self;
    if (to->size_max != 0 && to->bytes.size + size > to->size_max) {
        return false;
    }
    ez_buffer_add(&to->bytes, data, size);
    return true;
}

ez_record_sink tape_sink(record_tape *tape)
{
    return (ez_record_sink){tape, append};
}

static size_t read_tape(void *self, void *out, size_t size)
{
    record_tape *from = self;
    size_t left = from->bytes.size - from->at;
    size = size < left ? size : left;
    if (size > 0) {
        memcpy(out, from->bytes.data + from->at, size);
    }
    from->at += size;
    return size;
}

ez_record_source tape_source(record_tape *tape)
{
    tape->at = 0;
    return (ez_record_source){tape, read_tape};
}

static bool open_next(void *self, size_t host, ez_record_sink *out)
{
    record_tapes *all = self;
    if (host != all->host) {
        return false;
    }
    cr_assert_lt(all->count, TAPES_MAX);
    *out = tape_sink(&all->list[all->count++]);
    return true;
}

void tapes_init(record_tapes *out, size_t host)
{
    *out = (record_tapes){.host = host};
    out->recording = (ez_recording){out, open_next};
}

void tapes_clear(record_tapes *tapes)
{
    for (size_t i = 0; i < TAPES_MAX; i++) {
        ez_buffer_clear(&tapes->list[i].bytes);
    }
}

ez_replay *tape_replay(record_tape *tape, ez_replay_result *result)
{
    const ez_record_source source = tape_source(tape);
    ez_replay *replay = ez_replay_new(&source, &(ez_replay_watcher){0});
    do {
        *result = ez_replay_step(replay);
    } while (*result == EZ_REPLAY_SAME);
    return replay;
}

static bool is_event(const ez_record *record, ez_event_type type)
{
    return record->type == EZ_RECORD_EVENT && record->reader.size > 16 &&
           record->reader.data[16] == type;
}

/* Of records, or of events with `event` set. */
static size_t find(record_tape *tape, ez_record_type type, const ez_event_type *event, size_t nth)
{
    const ez_record_source source = tape_source(tape);
    ez_record_reader *reader = ez_record_reader_new(&source);
    ez_record record;
    size_t found = 0;
    while (found == 0 && ez_record_reader_next(reader, &record) == EZ_RECORD_CUT_GOOD) {
        bool fits = event == NULL ? record.type == (unsigned)type : is_event(&record, *event);
        if (fits && nth-- == 0) {
            found = record.offset;
        }
    }
    ez_record_reader_free(reader);
    return found;
}

size_t tape_find(record_tape *tape, ez_record_type type, size_t nth)
{
    return find(tape, type, NULL, nth);
}

size_t tape_find_event(record_tape *tape, ez_event_type type, size_t nth)
{
    return find(tape, EZ_RECORD_EVENT, &type, nth);
}

void tape_mend(record_tape *tape, size_t offset)
{
    ez_reader prefix;
    uint8_t *record = tape->bytes.data + offset;
    ez_reader_init(&prefix, record, EZ_RECORD_PREFIX_BYTES);
    uint32_t check =
        ez_record_check(offset, record + EZ_RECORD_PREFIX_BYTES, ez_reader_u32(&prefix));
    for (unsigned i = 0; i < 4; i++) {
        record[4 + i] = (uint8_t)(check >> (8 * i));
    }
}

ez_world *recorded_world(record_tapes *tapes)
{
    const ez_world_config config = {.network = fixture_network(),
                                    .seed = 7,
                                    .latency_ms = 20,
                                    .commit_ms = 5,
                                    .fragment_bytes = 100,
                                    .recording = &tapes->recording};
    ez_world *world = ez_world_new(&config);
    ez_world_add(world, NULL, 0);
    ez_world_add(world, (size_t[]){1}, 1);
    ez_world_add(world, (size_t[]){1, 2}, 2);
    ez_world_run(world, 2000);
    for (unsigned round = 0; round < 4; round++) {
        ez_world_note(world, 1 + round % 3, "alice", "bob", round + 1);
        ez_world_run(world, 300);
        ez_world_mine(world, 1 + round % 3);
        ez_world_run(world, 1000);
    }
    ez_world_note(world, 1, "alice", "bob", 99);
    ez_world_run(world, 3);
    ez_world_stop(world, 1, true);
    ez_world_mine(world, 2);
    ez_world_run(world, 1000);
    ez_world_start(world, 1);
    ez_world_run(world, 5000);
    ez_world_note(world, 1, "carol", "dave", 5);
    ez_world_run(world, 1000);
    ez_world_stop(world, 1, false);
    return world;
}
