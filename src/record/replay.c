#include "replay_internal.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/record/describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void replay_stop(ez_replay *replay, ez_replay_result result, const char *format, ...)
{
    if (replay->result != EZ_REPLAY_SAME) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(replay->why, sizeof replay->why, format, arguments);
    va_end(arguments);
    replay->result = result;
    if (result == EZ_REPLAY_OVER && replay->in_step) {
        replay->ending = EZ_REPLAY_CUT_IN_STEP;
    }
    if (replay->inside && replay->watcher.stuck != NULL) {
        replay->watcher.stuck(replay->watcher.self, replay, result);
    }
}

/* The next record, of whatever type; false: there is none, and the replay ended. */
static bool next_record(ez_replay *replay, ez_record *out)
{
    switch (ez_record_reader_next(replay->reader, out)) {
    case EZ_RECORD_CUT_GOOD:
        return true;
    case EZ_RECORD_CUT_OVER:
        replay_stop(replay, EZ_REPLAY_OVER, "the record ends here");
        return false;
    case EZ_RECORD_CUT_DAMAGED:
        replay_stop(replay, EZ_REPLAY_DAMAGED, "%s", ez_record_reader_why(replay->reader));
        return false;
    }
    return false;
}

bool replay_expect(ez_replay *replay, ez_record *out, ez_record_type type, const char *what)
{
    if (!next_record(replay, out)) {
        return false;
    }
    if (out->type != (unsigned)type) {
        replay_stop(replay, EZ_REPLAY_DIFFERS, "%s: recorded %s, replayed %s", what,
                    ez_record_name(out->type), ez_record_name(type));
        return false;
    }
    return true;
}

/* Move a payload to where it stays while the core asks for the records behind it. */
static void keep_payload(ez_replay *replay, ez_record *record)
{
    replay->payload.size = 0;
    ez_buffer_add(&replay->payload, record->reader.data, record->reader.size);
    ez_reader_init(&record->reader, replay->payload.data, record->reader.size);
}

/* ---- effects ----------------------------------------------------------------------------------
 */

static void keep_job(ez_replay *replay, ez_check_job *job)
{
    replay_job *item = ez_alloc(1, sizeof *item);
    item->id = job->id;
    item->job = job;
    HASH_ADD(hh, replay->jobs, id, sizeof item->id, item);
}

/* What a driver would do with an effect, where that matters for what comes. */
static void dispose(ez_replay *replay, const ez_effect *effect)
{
    if (effect->type == EZ_EFFECT_CHECK) {
        keep_job(replay, effect->as.job);
    } else if (effect->type == EZ_EFFECT_WRITE) {
        replay->last_write = effect->as.write->number;
        ez_write_free(effect->as.write);
    }
}

static void take_effects(ez_replay *replay)
{
    ez_effect effect;
    replay->print_count = 0;
    while (ez_node_next_effect(replay->node, &effect)) {
        if (replay->print_count == replay->print_capacity) {
            replay->print_capacity = replay->print_capacity * 2 + 16;
            replay->prints =
                ez_realloc(replay->prints, replay->print_capacity, sizeof *replay->prints);
        }
        ez_effect_print print = ez_effect_print_of(&effect, &replay->scratch);
        replay->prints[replay->print_count++] = print;
        replay->digest = ez_effect_fold(replay->digest, &print);
        replay->effects++;
        if (replay->watcher.effect != NULL) {
            replay->watcher.effect(replay->watcher.self, replay, &effect);
        }
        dispose(replay, &effect);
    }
}

/* "send on link 7", "nothing" */
static const char *print_text(char *out, size_t size, const ez_effect_print *print)
{
    if (print == NULL) {
        return "nothing";
    }
    if (print->link == 0) {
        return ez_effect_name(print->type);
    }
    (void)snprintf(out, size, "%s on link %" PRIu64, ez_effect_name(print->type), print->link);
    return out;
}

static bool is_same(const ez_effect_print *a, const ez_effect_print *b)
{
    return a != NULL && b != NULL && a->type == b->type && a->link == b->link &&
           a->content == b->content;
}

static void name_difference(ez_replay *replay, size_t at, const ez_effect_print *recorded,
                            const ez_effect_print *replayed)
{
    char was[64], is[64];
    bool alike = recorded != NULL && replayed != NULL && recorded->type == replayed->type &&
                 recorded->link == replayed->link;
    replay_stop(replay, EZ_REPLAY_DIFFERS, "effect %zu: recorded %s, replayed %s%s", at + 1,
                print_text(was, sizeof was, recorded), print_text(is, sizeof is, replayed),
                alike ? " with another content" : "");
}

static void compare_prints(ez_replay *replay, ez_reader *payload, uint32_t count)
{
    uint32_t listed = count < EZ_RECORD_EFFECTS_MAX ? count : EZ_RECORD_EFFECTS_MAX;
    if (payload->size - payload->at != (size_t)listed * EZ_EFFECT_PRINT_BYTES) {
        replay_stop(replay, EZ_REPLAY_DAMAGED, "record effects is malformed");
        return;
    }
    size_t most = replay->print_count > listed ? replay->print_count : listed;
    for (size_t i = 0; i < most && replay->result == EZ_REPLAY_SAME; i++) {
        ez_effect_print recorded;
        const ez_effect_print *was = NULL;
        const ez_effect_print *is = i < replay->print_count ? &replay->prints[i] : NULL;
        if (i < listed) {
            recorded = ez_record_get_print(payload);
            was = &recorded;
        } else if (i < count) {
            return; /* beyond the list there is the digest */
        }
        if (!is_same(was, is)) {
            name_difference(replay, i, was, is);
        }
    }
}

static void compare(ez_replay *replay)
{
    ez_record record;
    ez_time_ms deadline = ez_node_deadline(replay->node);
    if (!replay_expect(replay, &record, EZ_RECORD_EFFECTS, "after the event")) {
        return;
    }
    ez_time_ms recorded = ez_reader_u64(&record.reader);
    uint64_t digest = ez_reader_u64(&record.reader);
    uint32_t count = ez_reader_u32(&record.reader);
    compare_prints(replay, &record.reader, count);
    if (deadline != recorded) {
        replay_stop(replay, EZ_REPLAY_DIFFERS,
                    "the deadline: recorded %" PRIu64 " ms, replayed %" PRIu64 " ms", recorded,
                    deadline);
    }
    if (count != replay->print_count || digest != replay->digest) {
        replay_stop(replay, EZ_REPLAY_DIFFERS,
                    "the digest of all effects: recorded %016" PRIx64 ", replayed %016" PRIx64,
                    digest, replay->digest);
    }
}

/* Effects and their comparison: what ends a step. */
static void end_step(ez_replay *replay)
{
    take_effects(replay);
    compare(replay);
    replay->in_step = false;
}

/* ---- events -----------------------------------------------------------------------------------
 */

/* Run the job that the record says is done, and see that it came out the same. */
static ez_check_job *redo_job(ez_replay *replay, const ez_recorded_event *recorded)
{
    replay_job *item = NULL;
    HASH_FIND(hh, replay->jobs, &recorded->job, sizeof recorded->job, item);
    if (item == NULL) {
        replay_stop(replay, EZ_REPLAY_DIFFERS,
                    "check %" PRIu64 " is recorded as done, and was never asked for",
                    recorded->job);
        return NULL;
    }
    HASH_DEL(replay->jobs, item);
    ez_check_job *job = item->job;
    free(item);
    ez_check_run(job, replay->verifier);
    if (job->rule != recorded->rule || job->bad_position != recorded->bad_position) {
        replay_stop(replay, EZ_REPLAY_DIFFERS, "check %" PRIu64 ": recorded %s, replayed %s",
                    job->id, ez_rule_code(recorded->rule), ez_rule_code(job->rule));
        ez_check_job_free(job);
        return NULL;
    }
    return job;
}

/* What a driver promises and a record may break. */
static bool prepare(ez_replay *replay, ez_recorded_event *recorded)
{
    ez_event *event = &recorded->event;
    if (event->type == EZ_EVENT_CHECKED) {
        event->as.job = redo_job(replay, recorded);
    } else if (event->type == EZ_EVENT_STORED && event->as.stored > replay->last_write) {
        replay_stop(replay, EZ_REPLAY_DIFFERS,
                    "write %" PRIu64 " is recorded as durable, and the last one made is %" PRIu64,
                    event->as.stored, replay->last_write);
    }
    return replay->result == EZ_REPLAY_SAME;
}

static void do_step(ez_replay *replay, ez_recorded_event *recorded)
{
    replay->step++;
    replay->in_step = true;
    replay->now = recorded->now;
    if (!prepare(replay, recorded)) {
        return;
    }
    if (replay->watcher.event != NULL) {
        replay->watcher.event(replay->watcher.self, replay, &recorded->event);
    }
    replay->inside = true;
    ez_node_handle(replay->node, &recorded->event, recorded->now);
    replay->inside = false;
    if (replay->result == EZ_REPLAY_SAME) {
        end_step(replay);
    }
}

static void close_record(ez_replay *replay, ez_record *record)
{
    uint32_t why = ez_reader_u32(&record->reader);
    if (!ez_reader_is_done(&record->reader) || why > EZ_RECORD_END_GIVEN_UP) {
        replay_stop(replay, EZ_REPLAY_DAMAGED, "record end is malformed");
        return;
    }
    replay->ending = EZ_REPLAY_CLOSED;
    replay->closing = (ez_record_end)why;
    replay_stop(replay, EZ_REPLAY_OVER, "the record was closed");
}

static void next_step(ez_replay *replay)
{
    ez_record record;
    ez_recorded_event recorded;
    if (!next_record(replay, &record)) {
        return;
    }
    keep_payload(replay, &record);
    if (record.type == EZ_RECORD_END) {
        close_record(replay, &record);
    } else if (record.type != EZ_RECORD_EVENT) {
        replay_stop(replay, EZ_REPLAY_DIFFERS, "the core that was recorded did more: %s",
                    ez_record_name(record.type));
    } else if (!ez_record_get_event(&recorded, &record.reader)) {
        replay_stop(replay, EZ_REPLAY_DAMAGED, "record event is malformed");
    } else {
        do_step(replay, &recorded);
        ez_recorded_event_clear(&recorded);
    }
}

/* ---- start ------------------------------------------------------------------------------------
 */

static void compare_started(ez_replay *replay, ez_status status)
{
    ez_record record;
    if (!replay_expect(replay, &record, EZ_RECORD_STARTED, "after the start")) {
        return;
    }
    ez_status recorded = (ez_status)ez_reader_u32(&record.reader);
    if (recorded != status) {
        replay_stop(replay, EZ_REPLAY_DIFFERS, "the start: recorded %s, replayed %s",
                    ez_status_text(recorded), ez_status_text(status));
    } else if (status != EZ_OK) {
        replay->in_step = false;
        next_step(replay); /* the end of such a record */
    } else {
        end_step(replay);
    }
}

static void start(ez_replay *replay)
{
    ez_record record;
    ez_record_start start;
    if (!replay_expect(replay, &record, EZ_RECORD_START, "at the beginning")) {
        return;
    }
    keep_payload(replay, &record);
    if (!ez_record_get_start(&start, &record.reader)) {
        replay_stop(replay, EZ_REPLAY_DAMAGED, "record start is malformed");
        return;
    }
    replay->program = ez_strdup(start.program);
    replay->commit = ez_strdup(start.commit);
    replay->began = replay->now = start.now;
    const ez_node_ports ports = {.store = &replay->store, .signer = replay_signer(replay)};
    replay->in_step = replay->inside = true;
    ez_status status = ez_node_new(&replay->node, &start.config, &ports, start.now);
    replay->inside = false;
    ez_record_start_clear(&start);
    if (replay->result == EZ_REPLAY_SAME) {
        compare_started(replay, status);
    }
}

ez_replay_result ez_replay_step(ez_replay *replay)
{
    if (replay->result != EZ_REPLAY_SAME) {
        return replay->result;
    }
    if (!replay->begun) {
        replay->begun = true;
        start(replay);
    } else {
        next_step(replay);
    }
    return replay->result;
}

/* ---- life and looking -------------------------------------------------------------------------
 */

ez_replay *ez_replay_new(const ez_record_source *source, const ez_replay_watcher *watcher)
{
    ez_replay *replay = ez_alloc(1, sizeof *replay);
    replay->reader = ez_record_reader_new(source);
    replay->watcher = *watcher;
    replay->verifier = ez_verifier_new((const uint8_t[EZ_VERIFIER_SEED_BYTES]){0});
    replay->ending = EZ_REPLAY_CUT;
    replay->store = replay_store_port(replay);
    return replay;
}

void ez_replay_free(ez_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    replay_job *item, *next;
    HASH_ITER (hh, replay->jobs, item, next) {
        HASH_DEL(replay->jobs, item);
        ez_check_job_free(item->job);
        free(item);
    }
    ez_node_free(replay->node);
    ez_verifier_free(replay->verifier);
    ez_record_reader_free(replay->reader);
    ez_buffer_clear(&replay->scratch);
    ez_buffer_clear(&replay->payload);
    free(replay->prints);
    free(replay->program);
    free(replay->commit);
    free(replay);
}

uint64_t ez_replay_number(const ez_replay *replay)
{
    return replay->step;
}

ez_now ez_replay_now(const ez_replay *replay)
{
    return replay->now;
}

ez_now ez_replay_began(const ez_replay *replay)
{
    return replay->began;
}

const char *ez_replay_program(const ez_replay *replay)
{
    return replay->program == NULL ? "" : replay->program;
}

const char *ez_replay_commit(const ez_replay *replay)
{
    return replay->commit == NULL ? "" : replay->commit;
}

const char *ez_replay_why(const ez_replay *replay)
{
    return replay->why;
}

ez_replay_ending ez_replay_ending_of(const ez_replay *replay)
{
    return replay->ending;
}

ez_record_end ez_replay_closing(const ez_replay *replay)
{
    return replay->closing;
}

uint64_t ez_replay_effects(const ez_replay *replay)
{
    return replay->effects;
}

uint64_t ez_replay_digest(const ez_replay *replay)
{
    return replay->digest;
}

const ez_node *ez_replay_node(const ez_replay *replay)
{
    return replay->node;
}
