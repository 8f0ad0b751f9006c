/* What the core asks of its store and signer, answered from the record. */
#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/header.h"
#include "replay_internal.h"

#include <string.h>

/* ---- point reads ------------------------------------------------------------------------------
 */

/* Whether the record's next answer is one to this question; its reader stands behind the key. */
static bool find_answer(ez_replay *replay, ez_record *out, ez_record_type type, const void *key)
{
    if (replay->result != EZ_REPLAY_SAME ||
        !replay_expect(replay, out, type, "the store's answer")) {
        return false;
    }
    const uint8_t *recorded = ez_reader_take(&out->reader, EZ_HASH_BYTES);
    if (recorded == NULL || memcmp(recorded, key, EZ_HASH_BYTES) != 0) {
        const uint8_t none[EZ_HASH_BYTES] = {0};
        ez_hash_hex was = ez_hash_text(recorded == NULL ? none : recorded);
        replay_stop(replay, EZ_REPLAY_DIFFERS, "%s: recorded of %s, replayed of %s",
                    ez_record_name(type), was.text, ez_hash_text(key).text);
        return false;
    }
    return true;
}

static bool is_whole(ez_replay *replay, const ez_record *record)
{
    if (!ez_reader_is_done(&record->reader)) {
        replay_stop(replay, EZ_REPLAY_DAMAGED, "record %s is malformed",
                    ez_record_name(record->type));
    }
    return replay->result == EZ_REPLAY_SAME;
}

static void get_account(void *self, ez_account *out, const ez_public_key *key)
{
    ez_replay *replay = self;
    ez_record record;
    *out = (ez_account){0};
    if (replay->inside && find_answer(replay, &record, EZ_RECORD_ACCOUNT, key->bytes)) {
        out->balance = ez_reader_u64(&record.reader);
        out->sequence = ez_reader_u64(&record.reader);
        is_whole(replay, &record);
    }
}

static bool find_tx(void *self, ez_tx_place *out, const ez_tx_id *id)
{
    ez_replay *replay = self;
    ez_record record;
    ez_tx_place place;
    if (!replay->inside || !find_answer(replay, &record, EZ_RECORD_TX, id->hash.bytes)) {
        return false;
    }
    bool found = ez_reader_u8(&record.reader) != 0;
    ez_reader_copy(&record.reader, place.block.hash.bytes, EZ_HASH_BYTES);
    place.height = ez_reader_u64(&record.reader);
    place.offset = ez_reader_u32(&record.reader);
    place.size = ez_reader_u32(&record.reader);
    place.position = ez_reader_u32(&record.reader);
    found = is_whole(replay, &record) && found;
    if (found && out != NULL) {
        *out = place;
    }
    return found;
}

/* The rest of a payload. */
static ez_byte_span take_rest(ez_reader *reader)
{
    size_t size = reader->size - reader->at;
    return (ez_byte_span){ez_reader_take(reader, size), size};
}

static ez_blob *get_body(void *self, const ez_block_id *id)
{
    ez_replay *replay = self;
    ez_record record;
    if (!replay->inside || !find_answer(replay, &record, EZ_RECORD_BODY, id->hash.bytes)) {
        return NULL;
    }
    bool found = ez_reader_u8(&record.reader) != 0;
    ez_byte_span bytes = take_rest(&record.reader);
    return is_whole(replay, &record) && found ? ez_blob_new(bytes.data, bytes.size) : NULL;
}

static bool get_undo(void *self, ez_buffer *out, const ez_block_id *id)
{
    ez_replay *replay = self;
    ez_record record;
    if (!replay->inside || !find_answer(replay, &record, EZ_RECORD_UNDO, id->hash.bytes)) {
        return false;
    }
    bool found = ez_reader_u8(&record.reader) != 0;
    ez_byte_span bytes = take_rest(&record.reader);
    if (!is_whole(replay, &record) || !found) {
        return false;
    }
    ez_buffer_add(out, bytes.data, bytes.size);
    return true;
}

static bool get_view_hash(void *self, ez_hash *out, const ez_block_id *id)
{
    ez_replay *replay = self;
    ez_record record;
    ez_hash hash;
    if (!replay->inside || !find_answer(replay, &record, EZ_RECORD_VIEW, id->hash.bytes)) {
        return false;
    }
    bool found = ez_reader_u8(&record.reader) != 0;
    ez_reader_copy(&record.reader, hash.bytes, sizeof hash.bytes);
    if (!is_whole(replay, &record) || !found) {
        return false;
    }
    *out = hash;
    return true;
}

/* ---- the load ---------------------------------------------------------------------------------
 */

typedef struct loading {
    const ez_store_loader *loader;
    bool has_tip;
} loading;

static void hand_header(const ez_store_loader *loader, ez_reader *payload)
{
    uint8_t bytes[EZ_HEADER_BYTES];
    ez_header header;
    ez_reader_copy(payload, bytes, sizeof bytes);
    ez_header_decode(&header, bytes);
    bool connected = ez_reader_u8(payload) != 0;
    bool invalid = ez_reader_u8(payload) != 0;
    if (ez_reader_is_done(payload)) {
        loader->header(loader->self, &header, connected, invalid);
    }
}

static void hand_tip(loading *state, ez_reader *payload)
{
    ez_block_id id;
    ez_reader_copy(payload, id.hash.bytes, sizeof id.hash.bytes);
    payload->failed |= state->has_tip; /* a store has one */
    if (ez_reader_is_done(payload)) {
        state->has_tip = true;
        state->loader->tip(state->loader->self, &id);
    }
}

static void hand_peer(const ez_store_loader *loader, ez_reader *payload)
{
    const char *host = ez_record_get_text(payload, EZ_MANUAL_HOST_BYTES_MAX);
    uint16_t port = ez_reader_u16(payload);
    if (ez_reader_is_done(payload)) {
        loader->manual_peer(loader->self, host, port);
    }
}

/* One item of the load; false: it is none. */
static bool hand_over(loading *state, ez_record *record)
{
    const ez_store_loader *loader = state->loader;
    ez_byte_span bytes;
    switch (record->type) {
    case EZ_RECORD_LOAD_HEADER:
        hand_header(loader, &record->reader);
        return true;
    case EZ_RECORD_LOAD_TIP:
        hand_tip(state, &record->reader);
        return true;
    case EZ_RECORD_LOAD_TX:
        bytes = take_rest(&record->reader);
        loader->pool_tx(loader->self, bytes.data, bytes.size);
        return true;
    case EZ_RECORD_LOAD_PEER:
        hand_peer(loader, &record->reader);
        return true;
    case EZ_RECORD_LOAD_BOOK:
        bytes = take_rest(&record->reader);
        loader->book(loader->self, bytes.data, bytes.size);
        return true;
    }
    return false;
}

static ez_status end_load(ez_replay *replay, const loading *state, ez_record *record)
{
    ez_status status = (ez_status)ez_reader_u32(&record->reader);
    if (!is_whole(replay, record)) {
        return EZ_ERR_CORRUPT;
    }
    if (status == EZ_OK && !state->has_tip) {
        replay_stop(replay, EZ_REPLAY_DAMAGED, "the store handed over no tip");
        return EZ_ERR_CORRUPT;
    }
    return status;
}

static ez_status load(void *self, const ez_store_loader *loader)
{
    ez_replay *replay = self;
    loading state = {.loader = loader};
    ez_record record;
    for (;;) {
        ez_record_cut cut = ez_record_reader_next(replay->reader, &record);
        if (cut != EZ_RECORD_CUT_GOOD) {
            replay_stop(replay, cut == EZ_RECORD_CUT_OVER ? EZ_REPLAY_OVER : EZ_REPLAY_DAMAGED,
                        "%s", ez_record_reader_why(replay->reader));
            return EZ_ERR_CORRUPT;
        }
        if (record.type == EZ_RECORD_LOAD_END) {
            return end_load(replay, &state, &record);
        }
        if (!hand_over(&state, &record) || !ez_reader_is_done(&record.reader)) {
            replay_stop(replay, EZ_REPLAY_DAMAGED, "record %s among what the store handed over",
                        ez_record_name(record.type));
            return EZ_ERR_CORRUPT;
        }
    }
}

ez_store_port replay_store_port(ez_replay *replay)
{
    return (ez_store_port){
        .self = replay,
        .get_account = get_account,
        .find_tx = find_tx,
        .get_body = get_body,
        .get_undo = get_undo,
        .get_view_hash = get_view_hash,
        .load = load,
    };
}

/* ---- the signer -------------------------------------------------------------------------------
 */

static void sign(void *self, ez_signature *out, const void *data, size_t size)
{
    ez_replay *replay = self;
    ez_record record;
    (void)data; /* what is signed shows in the effects */
    (void)size;
    *out = (ez_signature){{0}};
    if (replay->result == EZ_REPLAY_SAME &&
        replay_expect(replay, &record, EZ_RECORD_SIGNATURE, "a signature")) {
        ez_reader_copy(&record.reader, out->bytes, sizeof out->bytes);
        is_whole(replay, &record);
    }
}

ez_signer replay_signer(ez_replay *replay)
{
    return (ez_signer){replay, sign};
}
