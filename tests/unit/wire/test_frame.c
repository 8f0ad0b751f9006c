#include "ezp2p/wire/frame.h"

#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static size_t put_frame(uint8_t *out, size_t size, uint8_t fill)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(size >> (24 - 8 * i));
    }
    memset(out + 4, fill, size);
    return 4 + size;
}

/* Take the next frame and check its size and that it consists of `fill`. */
static void expect_frame(ez_cutter *cutter, size_t size, uint8_t fill)
{
    const uint8_t *frame = NULL;
    size_t got = 0;
    cr_assert_eq(ez_cutter_next(cutter, &frame, &got), EZ_CUT_FRAME);
    cr_assert_eq(got, size);
    for (size_t i = 0; i < size; i++) {
        cr_assert_eq(frame[i], fill);
    }
}

static ez_cut next_of(ez_cutter *cutter)
{
    const uint8_t *frame;
    size_t size;
    return ez_cutter_next(cutter, &frame, &size);
}

Test(frame, comes_out_whole_from_single_bytes)
{
    uint8_t stream[64];
    size_t size = put_frame(stream, 7, 'a');
    size += put_frame(stream + size, 1, 'b');
    ez_cutter *cutter = ez_cutter_new(16);
    unsigned frames = 0;
    for (size_t i = 0; i < size; i++) {
        ez_cutter_push(cutter, stream + i, 1);
        const uint8_t *frame;
        size_t got;
        if (ez_cutter_next(cutter, &frame, &got) == EZ_CUT_FRAME) {
            frames++;
            cr_assert_eq(i, frames == 1 ? 10u : 15u);
            cr_assert_eq(got, frames == 1 ? 7u : 1u);
            cr_assert_eq(frame[0], frames == 1 ? 'a' : 'b');
        }
    }
    cr_assert_eq(frames, 2);
    ez_cutter_free(cutter);
}

Test(frame, several_come_out_of_one_push)
{
    uint8_t stream[64];
    size_t size = put_frame(stream, 3, 'a');
    size += put_frame(stream + size, 5, 'b');
    size += put_frame(stream + size, 2, 'c') - 1;
    ez_cutter *cutter = ez_cutter_new(16);
    ez_cutter_push(cutter, stream, size);
    expect_frame(cutter, 3, 'a');
    expect_frame(cutter, 5, 'b');
    cr_assert_eq(next_of(cutter), EZ_CUT_NEED);
    cr_assert_eq(ez_cutter_pending(cutter), 5);
    ez_cutter_push(cutter, "c", 1);
    expect_frame(cutter, 2, 'c');
    cr_assert_eq(ez_cutter_pending(cutter), 0);
    cr_assert_eq(next_of(cutter), EZ_CUT_NEED);
    ez_cutter_free(cutter);
}

Test(frame, of_the_limit_passes_and_one_byte_over_breaks)
{
    uint8_t stream[64];
    ez_cutter *cutter = ez_cutter_new(16);
    ez_cutter_push(cutter, stream, put_frame(stream, 16, 'x'));
    expect_frame(cutter, 16, 'x');
    ez_cutter_push(cutter, stream, put_frame(stream, 17, 'x'));
    cr_assert_eq(next_of(cutter), EZ_CUT_BROKEN);
    ez_cutter_free(cutter);
}

Test(frame, length_zero_breaks)
{
    ez_cutter *cutter = ez_cutter_new(16);
    ez_cutter_push(cutter, "\0\0\0", 3);
    cr_assert_eq(next_of(cutter), EZ_CUT_NEED);
    ez_cutter_push(cutter, "\0", 1);
    cr_assert_eq(next_of(cutter), EZ_CUT_BROKEN);
    ez_cutter_free(cutter);
}

Test(frame, broken_stream_stays_broken_and_keeps_nothing)
{
    uint8_t stream[64];
    ez_cutter *cutter = ez_cutter_new(16);
    ez_cutter_push(cutter, "\xff\xff\xff\xff", 4);
    cr_assert_eq(ez_cutter_pending(cutter), 0, "the length is judged before it is asked for");
    ez_cutter_push(cutter, stream, put_frame(stream, 3, 'a'));
    cr_assert_eq(ez_cutter_pending(cutter), 0);
    cr_assert_eq(next_of(cutter), EZ_CUT_BROKEN);
    ez_cutter_set_limit(cutter, EZ_FRAME_BYTES_MAX);
    cr_assert_eq(next_of(cutter), EZ_CUT_BROKEN);
    ez_cutter_free(cutter);
}

Test(frame, frames_before_a_broken_one_still_come_out)
{
    uint8_t stream[64];
    size_t size = put_frame(stream, 3, 'a');
    memset(stream + size, 0, 4);
    ez_cutter *cutter = ez_cutter_new(16);
    ez_cutter_push(cutter, stream, size + 4);
    expect_frame(cutter, 3, 'a');
    cr_assert_eq(next_of(cutter), EZ_CUT_BROKEN);
    ez_cutter_free(cutter);
}

Test(frame, raised_limit_holds_for_a_frame_that_came_with_the_one_before)
{
    uint8_t stream[128];
    size_t size = put_frame(stream, 4, 'a');
    size += put_frame(stream + size, 60, 'b');
    ez_cutter *cutter = ez_cutter_new(16);
    ez_cutter_push(cutter, stream, size);
    expect_frame(cutter, 4, 'a');
    ez_cutter_set_limit(cutter, 60);
    expect_frame(cutter, 60, 'b');
    ez_cutter_free(cutter);
}

Test(frame, largest_comes_in_pieces_of_any_size)
{
    uint8_t *stream = malloc(4 + EZ_FRAME_BYTES_MAX);
    size_t size = put_frame(stream, EZ_FRAME_BYTES_MAX, 'z');
    static const size_t pieces[] = {1, 5, 4096, 65536, 300000, EZ_FRAME_BYTES_MAX};
    ez_cutter *cutter = ez_cutter_new(EZ_FRAME_BYTES_MAX);
    size_t at = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        size_t piece = pieces[i] < size - at ? pieces[i] : size - at;
        cr_assert_eq(next_of(cutter), EZ_CUT_NEED);
        ez_cutter_push(cutter, stream + at, piece);
        at += piece;
    }
    cr_assert_eq(at, size);
    const uint8_t *frame;
    size_t got;
    cr_assert_eq(ez_cutter_next(cutter, &frame, &got), EZ_CUT_FRAME);
    cr_assert_eq(got, (size_t)EZ_FRAME_BYTES_MAX);
    cr_assert_eq(memcmp(frame, stream + 4, got), 0);
    ez_cutter_free(cutter);
    free(stream);
}

Test(frame, free_of_nothing_is_fine)
{
    ez_cutter_free(NULL);
}
