#include "messages.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/wire/frame.h"

#include <stdlib.h>
#include <string.h>

/* Bounded memory: 16 MiB of small messages, and a few of any size. */
#define SMALL_BYTES_MAX 4096
#define SMALL_SLOTS     4096
#define LARGE_SLOTS     32

typedef struct slot {
    ez_blob *bytes; /* of the stream, prefix included; NULL: empty */
    bool is_decoded;
    sim_decoded opened;
} slot;

struct sim_messages {
    slot small[SMALL_SLOTS], large[LARGE_SLOTS];
};

/* ---- life ------------------------------------------------------------------------------------ */

sim_messages *sim_messages_new(void)
{
    return ez_alloc(1, sizeof(sim_messages));
}

static void clear(slot *item)
{
    if (item->is_decoded && item->opened.fault == EZ_GOODBYE_UNSPECIFIED) {
        ez_decoded_clear(&item->opened.decoded);
    }
    ez_blob_unref(item->bytes);
    *item = (slot){0};
}

void sim_messages_free(sim_messages *messages)
{
    if (messages == NULL) {
        return;
    }
    for (size_t i = 0; i < SMALL_SLOTS; i++) {
        clear(&messages->small[i]);
    }
    for (size_t i = 0; i < LARGE_SLOTS; i++) {
        clear(&messages->large[i]);
    }
    free(messages);
}

/* ---- finding --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t sim_hash(uint64_t seed, const void *data, size_t size)
{
    const uint8_t *at = data;
    uint64_t hash = mix(seed, size), word;
    for (; size >= sizeof(word); size -= sizeof(word), at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = mix(hash, word);
    }
    if (size > 0) {
        word = 0;
        memcpy(&word, at, size);
        hash = mix(hash, word);
    }
    return mix(hash, 0);
}

/* Where a frame of this hash is held, if it is. */
static slot *slot_of(sim_messages *messages, uint64_t hash, size_t size)
{
    return size <= SMALL_BYTES_MAX ? &messages->small[hash % SMALL_SLOTS]
                                   : &messages->large[hash % LARGE_SLOTS];
}

static bool holds(const slot *item, const uint8_t *frame, size_t size)
{
    return item->bytes != NULL && ez_blob_size(item->bytes) == size + EZ_FRAME_PREFIX_BYTES &&
           memcmp(ez_blob_data(item->bytes) + EZ_FRAME_PREFIX_BYTES, frame, size) == 0;
}

ez_blob *sim_messages_hold(sim_messages *messages, uint64_t *hash, const void *data, size_t size)
{
    if (size < EZ_FRAME_PREFIX_BYTES) {
        *hash = sim_hash(0, data, size);
        return ez_blob_new(data, size);
    }
    const uint8_t *const frame = (const uint8_t *)data + EZ_FRAME_PREFIX_BYTES;
    const size_t frame_size = size - EZ_FRAME_PREFIX_BYTES;
    *hash = sim_hash(0, frame, frame_size);
    slot *const item = slot_of(messages, *hash, frame_size);
    if (holds(item, frame, frame_size) && memcmp(ez_blob_data(item->bytes), data, size) == 0) {
        return ez_blob_ref(item->bytes);
    }
    ez_blob *const bytes = ez_blob_new(data, size);
    if (item->opened.users == 0) {
        clear(item);
        item->bytes = ez_blob_ref(bytes);
    }
    return bytes;
}

sim_decoded *sim_messages_open(sim_messages *messages, sim_decoded *own, const uint8_t *frame,
                               size_t size)
{
    slot *const item = slot_of(messages, sim_hash(0, frame, size), size);
    if (!holds(item, frame, size)) {
        own->fault = ez_wire_decode(&own->decoded, frame, size);
        return own;
    }
    if (!item->is_decoded) {
        const uint8_t *const held = ez_blob_data(item->bytes) + EZ_FRAME_PREFIX_BYTES;
        item->opened.fault = ez_wire_decode(&item->opened.decoded, held, size);
        item->is_decoded = true;
    }
    item->opened.users++;
    return &item->opened;
}

void sim_messages_close(sim_decoded *opened, const sim_decoded *own)
{
    if (opened != own) {
        opened->users--;
    } else if (opened->fault == EZ_GOODBYE_UNSPECIFIED) {
        ez_decoded_clear(&opened->decoded);
    }
}
