#include "support_record.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void expect_end(record_tape *tape, ez_replay_ending ending, ez_record_end closing)
{
    ez_replay_result result;
    ez_replay *replay = tape_replay(tape, &result);
    cr_assert_eq(result, EZ_REPLAY_OVER, "%s at step %llu", ez_replay_why(replay),
                 (unsigned long long)ez_replay_number(replay));
    cr_expect_eq(ez_replay_ending_of(replay), ending);
    if (ending == EZ_REPLAY_CLOSED) {
        cr_expect_eq(ez_replay_closing(replay), closing);
    }
    cr_expect_gt(ez_replay_number(replay), 20);
    ez_replay_free(replay);
}

Test(replay, a_recorded_core_is_run_again_and_does_the_same)
{
    record_tapes all;
    tapes_init(&all, 1);
    ez_world *world = recorded_world(&all);
    cr_assert_eq(all.count, 2);
    expect_end(&all.list[0], EZ_REPLAY_CUT, EZ_RECORD_END_STOPPED);
    expect_end(&all.list[1], EZ_REPLAY_CLOSED, EZ_RECORD_END_STOPPED);
    ez_world_free(world);
    tapes_clear(&all);
}

Test(replay, recording_changes_nothing)
{
    record_tapes all, none;
    tapes_init(&all, 1);
    tapes_init(&none, 77); /* no such host */
    ez_world *recorded = recorded_world(&all);
    ez_world *plain = recorded_world(&none);
    cr_assert_eq(none.count, 0);
    cr_expect_eq(ez_world_digest(recorded), ez_world_digest(plain));
    ez_world_free(recorded);
    ez_world_free(plain);
    tapes_clear(&all);
}

Test(replay, a_replayed_core_stands_where_the_recorded_one_stood)
{
    record_tapes all;
    ez_replay_result result;
    ez_node_status recorded, replayed;
    tapes_init(&all, 2);
    ez_world *world = recorded_world(&all);
    ez_node_get_status(ez_world_node(world, 2), &recorded);
    ez_replay *replay = tape_replay(&all.list[0], &result);
    cr_assert_eq(result, EZ_REPLAY_OVER);
    ez_node_get_status(ez_replay_node(replay), &replayed);
    cr_expect(ez_block_id_is_equal(&recorded.tip.id, &replayed.tip.id));
    cr_expect_eq(recorded.pool_count, replayed.pool_count);
    cr_expect_eq(recorded.links, replayed.links);
    cr_expect_eq(recorded.tip.height, 6);
    ez_replay_free(replay);
    ez_world_free(world);
    tapes_clear(&all);
}

Test(replay, no_secret_key_is_in_a_record)
{
    record_tapes all;
    tapes_init(&all, 1);
    ez_world *world = recorded_world(&all);
    const uint8_t *secret = ez_world_key(world, 1)->secret; /* the first half is the seed */
    for (size_t i = 0; i < all.count; i++) {
        const ez_buffer *bytes = &all.list[i].bytes;
        cr_assert_null(memmem(bytes->data, bytes->size, secret, EZ_SEED_BYTES));
        cr_assert_not_null(memmem(bytes->data, bytes->size,
                                  ez_world_key(world, 1)->public_key.bytes, EZ_PUBLIC_KEY_BYTES));
    }
    cr_assert_neq(tape_find(&all.list[0], EZ_RECORD_SIGNATURE, 0), 0);
    ez_world_free(world);
    tapes_clear(&all);
}

/* ---- changed records --------------------------------------------------------------------------
 */

/* The result of a replay with one byte of the record at `offset` changed, its check made good. */
static ez_replay *replay_changed(record_tape *tape, size_t offset, size_t at,
                                 ez_replay_result *result)
{
    cr_assert_neq(offset, 0);
    uint8_t *byte = tape->bytes.data + offset + EZ_RECORD_PREFIX_BYTES + at;
    *byte ^= 1;
    tape_mend(tape, offset);
    ez_replay *replay = tape_replay(tape, result);
    *byte ^= 1;
    tape_mend(tape, offset);
    return replay;
}

static void expect_differs(record_tape *tape, size_t offset, size_t at, const char *why)
{
    ez_replay_result result;
    ez_replay *replay = replay_changed(tape, offset, at, &result);
    cr_expect_eq(result, EZ_REPLAY_DIFFERS, "%s: result %d", why, (int)result);
    cr_expect_not_null(strstr(ez_replay_why(replay), why), "%s: %s", why, ez_replay_why(replay));
    ez_replay_free(replay);
}

#define EVENT_DETAIL (1u + 16 + 1 + 8) /* behind type, clocks, event type and link */

Test(replay, a_changed_input_differs_and_says_how)
{
    record_tapes all;
    tapes_init(&all, 1);
    ez_world *world = recorded_world(&all);
    record_tape *first = &all.list[0], *second = &all.list[1];
    size_t command = tape_find_event(first, EZ_EVENT_COMMAND, 0);
    size_t message = tape_find_event(first, EZ_EVENT_MESSAGE, 0);
    size_t tick = tape_find_event(first, EZ_EVENT_TICK, 1);
    expect_differs(first, command, EVENT_DETAIL + 1, "recorded reply, replayed");
    expect_differs(first, command, EVENT_DETAIL + 9, "recorded of"); /* the amount: another id */
    expect_differs(first, tick, 1, "deadline");                      /* the clock */
    expect_differs(first, message, 1 + 16 + 1, "recorded");          /* the link */
    expect_differs(first, tape_find(first, EZ_RECORD_SIGNATURE, 0), 1, "recorded of");
    expect_differs(second, tape_find(second, EZ_RECORD_ACCOUNT, 0), 1, "read-account: recorded of");
    ez_world_free(world);
    tapes_clear(&all);
}

Test(replay, a_changed_outcome_differs_and_says_how)
{
    record_tapes all;
    tapes_init(&all, 1);
    ez_world *world = recorded_world(&all);
    record_tape *tape = &all.list[0];
    size_t prints = 1 + 8 + 8 + 4; /* behind type, deadline, digest and count */
    size_t effects = 0;
    for (size_t i = 0; effects == 0 || tape->bytes.data[effects] <= prints; i++) {
        effects = tape_find(tape, EZ_RECORD_EFFECTS, i);
    }
    expect_differs(tape, effects, 1, "the deadline");
    expect_differs(tape, effects, 9, "the digest");
    expect_differs(tape, effects, prints, "effect 1: recorded");
    expect_differs(tape, effects, prints + 1, "effect 1: recorded");
    expect_differs(tape, effects, prints + 9, "with another content");
    expect_differs(tape, tape_find(tape, EZ_RECORD_STARTED, 0), 1, "the start: recorded");
    size_t checked = tape_find_event(tape, EZ_EVENT_CHECKED, 0);
    size_t stored = tape_find_event(tape, EZ_EVENT_STORED, 0);
    expect_differs(tape, checked, EVENT_DETAIL, "never asked for");
    expect_differs(tape, checked, EVENT_DETAIL + 8, "check 1: recorded");
    expect_differs(tape, stored, EVENT_DETAIL + 1, "recorded as durable");
    ez_world_free(world);
    tapes_clear(&all);
}

/* ---- cut and damaged records ------------------------------------------------------------------
 */

Test(replay, a_record_cut_anywhere_is_the_same_as_far_as_it_goes)
{
    record_tapes all;
    tapes_init(&all, 3);
    ez_world *world = recorded_world(&all);
    record_tape *tape = &all.list[0];
    size_t whole = tape->bytes.size;
    for (size_t size = EZ_RECORD_HEAD_BYTES; size < whole; size += 1 + size % 601) {
        ez_replay_result result;
        tape->bytes.size = size;
        ez_replay *replay = tape_replay(tape, &result);
        cr_assert_eq(result, EZ_REPLAY_OVER, "at %zu: %s", size, ez_replay_why(replay));
        cr_assert_neq(ez_replay_ending_of(replay), EZ_REPLAY_CLOSED);
        ez_replay_free(replay);
    }
    tape->bytes.size = whole;
    ez_world_free(world);
    tapes_clear(&all);
}

Test(replay, a_damaged_record_is_never_the_same_to_its_end)
{
    record_tapes all;
    tapes_init(&all, 3);
    ez_world *world = recorded_world(&all);
    record_tape *tape = &all.list[0];
    size_t damaged = 0, count = 0;
    for (size_t at = 0; at < tape->bytes.size; at += 1 + at % 701) {
        ez_replay_result result;
        tape->bytes.data[at] ^= 0x10;
        ez_replay *replay = tape_replay(tape, &result);
        cr_assert_neq(result, EZ_REPLAY_DIFFERS, "at %zu: %s", at, ez_replay_why(replay));
        cr_assert_neq(ez_replay_ending_of(replay), EZ_REPLAY_CLOSED, "at %zu", at);
        damaged += result == EZ_REPLAY_DAMAGED;
        count++;
        tape->bytes.data[at] ^= 0x10;
        ez_replay_free(replay);
    }
    /* The others hit a size, and look as if the file ended within that record. */
    cr_expect_gt(damaged, count * 3 / 4);
    ez_world_free(world);
    tapes_clear(&all);
}

Test(replay, a_file_that_is_no_record_is_damaged)
{
    static const char *const files[] = {"",
                                        "ezrecord",
                                        "ezrecord\1\0\0",
                                        "SQLite format 3 and more",
                                        "ezrecorc\1\0\0\0\0\0\0\0",
                                        "ezrecord\2\0\0\0\0\0\0\0"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        record_tape file = {0};
        ez_replay_result result;
        ez_buffer_add(&file.bytes, files[i], i < 1 ? 0 : i < 2 ? 8 : i < 3 ? 11 : 16);
        ez_replay *replay = tape_replay(&file, &result);
        cr_expect_eq(result, EZ_REPLAY_DAMAGED, "file %zu", i);
        ez_replay_free(replay);
        ez_buffer_clear(&file.bytes);
    }
}

Test(replay, a_sink_that_fails_ends_the_record_and_not_the_core)
{
    record_tapes all;
    ez_replay_result result;
    tapes_init(&all, 1);
    all.list[0].size_max = 6000;
    ez_world *world = recorded_world(&all);
    cr_expect_leq(all.list[0].bytes.size, 6000);
    ez_replay *replay = tape_replay(&all.list[0], &result);
    cr_expect_eq(result, EZ_REPLAY_OVER, "%s", ez_replay_why(replay));
    cr_expect_gt(ez_replay_number(replay), 10);
    ez_replay_free(replay);
    ez_world_free(world);
    tapes_clear(&all);
}
