/* The parts of a replay.
 *
 *   replay.c        steps: events in, effects compared
 *   replay_ports.c  the store and the signer, whose answers are in the record
 */
#ifndef EZP2P_RECORD_REPLAY_INTERNAL_H
#define EZP2P_RECORD_REPLAY_INTERNAL_H

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/record/replay.h"

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>

#define REPLAY_WHY_BYTES 512

/* A check that the core asked for, until the record says that it was done. */
typedef struct replay_job {
    uint64_t id;
    ez_check_job *job;
    UT_hash_handle hh;
} replay_job;

struct ez_replay {
    ez_record_reader *reader;
    ez_replay_watcher watcher;
    ez_store_port store;
    ez_node *node;
    ez_verifier *verifier;
    char *program, *commit;
    ez_now began, now;
    bool begun;
    uint64_t step;
    ez_replay_result result;
    ez_replay_ending ending;
    ez_record_end closing;
    char why[REPLAY_WHY_BYTES];

    bool in_step; /* a step began and was not compared yet */
    bool inside;  /* the core is at work: what it asks for is in the record */
    replay_job *jobs;
    uint64_t last_write;

    uint64_t digest, effects;
    ez_buffer payload; /* of the event under way */
    ez_buffer scratch;
    ez_effect_print *prints; /* of the step under way */
    size_t print_count, print_capacity;
};

/* ---- replay.c */

/* The replay ends with `result`; the first call decides. */
void replay_stop(ez_replay *replay, ez_replay_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The next record, which has to be of `type`; false: it is not, and the replay ended. */
bool replay_expect(ez_replay *replay, ez_record *out, ez_record_type type, const char *what);

/* ---- replay_ports.c */
ez_store_port replay_store_port(ez_replay *replay);
ez_signer replay_signer(ez_replay *replay);

#endif
