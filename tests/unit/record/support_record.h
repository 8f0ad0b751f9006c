/* A record in memory: as the sink of a recorder, and as the source of a reader. */
#ifndef SUPPORT_RECORD_H
#define SUPPORT_RECORD_H

#include "ezp2p/record/recorder.h"
#include "ezp2p/record/replay.h"
#include "world.h"

#define TAPES_MAX 4

typedef struct record_tape {
    ez_buffer bytes;
    size_t at;       /* of the reader */
    size_t size_max; /* of the sink; 0: any */
} record_tape;

/* Records of one host, a tape for each of its lives. */
typedef struct record_tapes {
    ez_recording recording;
    size_t host;
    size_t count;
    record_tape list[TAPES_MAX];
} record_tapes;

void tapes_init(record_tapes *out, size_t host);
void tapes_clear(record_tapes *tapes);

ez_record_sink tape_sink(record_tape *tape);
ez_record_source tape_source(record_tape *tape); /* from the beginning */

/* Replay all of it; the replay is the caller's. */
ez_replay *tape_replay(record_tape *tape, ez_replay_result *result);

/* The record of `type` that comes as number `nth` (from 0): its offset; 0: there is none. */
size_t tape_find(record_tape *tape, ez_record_type type, size_t nth);

/* The same of an event of one type. */
size_t tape_find_event(record_tape *tape, ez_event_type type, size_t nth);

/* Make the check of the record at `offset` right again, after a change in its body. */
void tape_mend(record_tape *tape, size_t offset);

/* Three hosts that pool notes and mine, of which host 1 is recorded, through a crash and a stop. */
ez_world *recorded_world(record_tapes *tapes);

#endif
