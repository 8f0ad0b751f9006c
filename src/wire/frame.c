#include "ezp2p/wire/frame.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 512

/* Bytes of the stream that no frame has been cut from stand in data[begin..end). A frame that was
 * handed out stands right before `begin` until the next call, which may move or free it. */
struct ez_cutter {
    uint8_t *data;
    size_t begin;
    size_t end;
    size_t capacity;
    size_t frame_max;
    bool broken;
};

ez_cutter *ez_cutter_new(size_t frame_max)
{
    ez_cutter *cutter = ez_alloc(1, sizeof *cutter);
    cutter->frame_max = frame_max;
    return cutter;
}

static void release(ez_cutter *cutter)
{
    free(cutter->data);
    cutter->data = NULL;
    cutter->begin = cutter->end = cutter->capacity = 0;
}

void ez_cutter_free(ez_cutter *cutter)
{
    if (cutter != NULL) {
        release(cutter);
        free(cutter);
    }
}

void ez_cutter_set_limit(ez_cutter *cutter, size_t frame_max)
{
    cutter->frame_max = frame_max;
}

size_t ez_cutter_pending(const ez_cutter *cutter)
{
    return cutter->end - cutter->begin;
}

/* The length of the frame in front; only with its prefix there. */
static size_t front_size(const ez_cutter *cutter)
{
    const uint8_t *prefix = cutter->data + cutter->begin;
    return (size_t)prefix[0] << 24 | (size_t)prefix[1] << 16 | (size_t)prefix[2] << 8 | prefix[3];
}

/* Judge the frame in front as soon as its prefix is there; a stream that cannot be followed is not
 * worth a byte of memory. */
static void judge_front(ez_cutter *cutter)
{
    if (ez_cutter_pending(cutter) < EZ_FRAME_PREFIX_BYTES) {
        return;
    }
    size_t size = front_size(cutter);
    if (size == 0 || size > cutter->frame_max) {
        cutter->broken = true;
        release(cutter);
    }
}

/* Make room for `more` bytes. The buffer doubles with what really came, but does not grow past the
 * end of the frame in front for the sake of bytes that may never come. */
static void reserve(ez_cutter *cutter, size_t more)
{
    size_t pending = ez_cutter_pending(cutter);
    EZ_ASSERT(more <= SIZE_MAX / 4 - pending);
    size_t needed = pending + more;
    if (cutter->begin > 0 && cutter->end + more > cutter->capacity) {
        memmove(cutter->data, cutter->data + cutter->begin, pending);
        cutter->begin = 0;
        cutter->end = pending;
    }
    if (needed <= cutter->capacity - cutter->begin) {
        return;
    }
    size_t capacity = cutter->capacity > CAPACITY_MIN ? cutter->capacity : CAPACITY_MIN;
    while (capacity < needed) {
        capacity *= 2;
    }
    if (pending >= EZ_FRAME_PREFIX_BYTES) {
        size_t whole = EZ_FRAME_PREFIX_BYTES + front_size(cutter);
        if (needed <= whole && whole < capacity) {
            capacity = whole;
        }
    }
    cutter->data = ez_realloc(cutter->data, capacity, 1);
    cutter->capacity = capacity;
}

static void append(ez_cutter *cutter, const uint8_t *data, size_t size)
{
    if (size > 0) {
        reserve(cutter, size);
        memcpy(cutter->data + cutter->end, data, size);
        cutter->end += size;
    }
}

void ez_cutter_push(ez_cutter *cutter, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t pending = ez_cutter_pending(cutter);
    if (!cutter->broken && pending < EZ_FRAME_PREFIX_BYTES) {
        size_t missing = EZ_FRAME_PREFIX_BYTES - pending;
        size_t prefix = size < missing ? size : missing;
        append(cutter, bytes, prefix);
        bytes += prefix;
        size -= prefix;
    }
    if (!cutter->broken) {
        judge_front(cutter);
    }
    if (!cutter->broken) {
        append(cutter, bytes, size);
    }
}

ez_cut ez_cutter_next(ez_cutter *cutter, const uint8_t **frame, size_t *size)
{
    if (!cutter->broken) {
        judge_front(cutter);
    }
    if (cutter->broken) {
        return EZ_CUT_BROKEN;
    }
    size_t pending = ez_cutter_pending(cutter);
    if (pending == 0) {
        release(cutter);
    }
    if (pending < EZ_FRAME_PREFIX_BYTES || pending - EZ_FRAME_PREFIX_BYTES < front_size(cutter)) {
        return EZ_CUT_NEED;
    }
    *size = front_size(cutter);
    *frame = cutter->data + cutter->begin + EZ_FRAME_PREFIX_BYTES;
    cutter->begin += EZ_FRAME_PREFIX_BYTES + *size;
    return EZ_CUT_FRAME;
}
