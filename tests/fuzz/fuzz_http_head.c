/* The head of an HTTP request: its end is found at the same place however the bytes come, what is
 * read of it lies within it, and what is accepted says one thing only about its body.
 * Input: a byte that seeds the split, the bytes of a connection. */
#include "head_internal.h"
#include "target_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_span(ez_span span, const char *data, size_t size)
{
    bool is_static = span.size == 1 && (span.data < data || span.data >= data + size);
    EZ_ASSERT(span.data == NULL || is_static ||
              (span.data >= data && span.data + span.size <= data + size));
}

static void check_target(const ez_head *head)
{
    ez_path path;
    ez_query query;
    if (ez_path_decode(&path, head->path) == EZ_DECODED) {
        EZ_ASSERT(path.count >= 1 && path.count <= EZ_PATH_SEGMENTS_MAX);
        for (size_t i = 0; i < path.count; i++) {
            EZ_ASSERT(path.segments[i] >= path.text);
            EZ_ASSERT(path.segments[i] + strlen(path.segments[i]) < path.text + sizeof path.text);
        }
    }
    if (ez_query_decode(&query, head->query) == EZ_DECODED) {
        for (size_t i = 0; i < query.count; i++) {
            EZ_ASSERT(ez_query_get(&query, query.pairs[i].name) == query.pairs[i].value);
        }
    }
}

static void check_head(const char *data, size_t size)
{
    ez_head head, again;
    ez_refusal refusal = ez_head_parse(&head, data, size);
    check_span(head.path, data, size);
    check_span(head.query, data, size);
    check_span(head.host, data, size);
    for (int i = 0; i < EZ_FIELDS; i++) {
        check_span(head.fields[i], data, size);
    }
    EZ_ASSERT(ez_head_parse(&again, data, size).status == refusal.status);
    if (refusal.status != 0) {
        EZ_ASSERT(refusal.status >= 400 && refusal.code != NULL && refusal.detail != NULL);
        return;
    }
    EZ_ASSERT(!head.chunked || head.content_length == 0);
    EZ_ASSERT(head.content_length <= EZ_HTTP_BODY_BYTES_MAX);
    EZ_ASSERT(head.path.size > 0 && (head.minor == 0 || head.host.data != NULL));
    check_target(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    size_t left = size - 1, scanned = 0, end = 0;
    ez_head_extent whole = ez_head_find_end(text, left, &scanned, &end);
    uint32_t state = data[0];
    size_t at = 0, split_scanned = 0, split_end = 0;
    ez_head_extent split = EZ_HEAD_MORE;
    while (split == EZ_HEAD_MORE && at < left) {
        state = state * 1664525 + 1013904223;
        at += 1 + (state >> 24) % (1 + data[0] % 64);
        at = at < left ? at : left;
        split = ez_head_find_end(text, at, &split_scanned, &split_end);
    }
    EZ_ASSERT(split == whole);
    if (whole == EZ_HEAD_WHOLE) {
        EZ_ASSERT(split_end == end && end <= left);
        /* A block of its own, so that a read past its end is seen. */
        char *exact = malloc(end);
        EZ_ASSERT(exact != NULL);
        memcpy(exact, text, end);
        check_head(exact, end);
        free(exact);
    }
    return 0;
}
