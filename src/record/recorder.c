#include "ezp2p/record/recorder.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/little_endian.h"
#include "ezp2p/chain/header.h"

#include <stdlib.h>
#include <string.h>

struct ez_recorder {
    ez_record_sink sink;
    bool on;
    bool inside;     /* the core is at work: what it reads is an input */
    bool open;       /* an event was handed in and its effects are not all out */
    uint64_t offset; /* in the file */
    ez_buffer record;
    ez_buffer scratch;

    /* what stands around the core */
    const ez_store_port *store;
    ez_store_port port;
    const ez_store_loader *loader;
    ez_signer signer;
    ez_core core;

    /* effects of the step that is open */
    uint64_t digest;
    uint32_t count;
    ez_buffer prints;
};

/* ---- records ----------------------------------------------------------------------------------
 */

static bool append(ez_recorder *recorder, const void *data, size_t size)
{
    recorder->on = recorder->on && recorder->sink.append(recorder->sink.self, data, size);
    recorder->offset += recorder->on ? size : 0;
    return recorder->on;
}

/* The record being built: room for the prefix, the type, then the payload. */
static ez_buffer *begin(ez_recorder *recorder, ez_record_type type)
{
    recorder->record.size = 0;
    ez_buffer_add_u64(&recorder->record, 0);
    ez_buffer_add_u8(&recorder->record, (uint8_t)type);
    return &recorder->record;
}

static void finish(ez_recorder *recorder)
{
    ez_buffer *record = &recorder->record;
    size_t size = record->size - EZ_RECORD_PREFIX_BYTES;
    EZ_ASSERT(size <= EZ_RECORD_BYTES_MAX);
    ez_store_u32(record->data, (uint32_t)size);
    ez_store_u32(record->data + 4,
                 ez_record_check(recorder->offset, record->data + EZ_RECORD_PREFIX_BYTES, size));
    append(recorder, record->data, record->size);
}

static void put_status(ez_recorder *recorder, ez_record_type type, ez_status status)
{
    ez_buffer_add_u32(begin(recorder, type), (uint32_t)status);
    finish(recorder);
}

static void put_hash(ez_buffer *out, const ez_hash *hash)
{
    ez_buffer_add(out, hash->bytes, sizeof hash->bytes);
}

/* ---- the store --------------------------------------------------------------------------------
 */

static bool is_input(const ez_recorder *recorder)
{
    return recorder->on && recorder->inside;
}

static void get_account(void *self, ez_account *out, const ez_public_key *key)
{
    ez_recorder *recorder = self;
    recorder->store->get_account(recorder->store->self, out, key);
    if (is_input(recorder)) {
        ez_buffer *record = begin(recorder, EZ_RECORD_ACCOUNT);
        ez_buffer_add(record, key->bytes, sizeof key->bytes);
        ez_buffer_add_u64(record, out->balance);
        ez_buffer_add_u64(record, out->sequence);
        finish(recorder);
    }
}

static bool find_tx(void *self, ez_tx_place *out, const ez_tx_id *id)
{
    ez_recorder *recorder = self;
    ez_tx_place place = {0};
    bool found = recorder->store->find_tx(recorder->store->self, &place, id);
    if (is_input(recorder)) {
        ez_buffer *record = begin(recorder, EZ_RECORD_TX);
        put_hash(record, &id->hash);
        ez_buffer_add_u8(record, found);
        put_hash(record, &place.block.hash);
        ez_buffer_add_u64(record, place.height);
        ez_buffer_add_u32(record, place.offset);
        ez_buffer_add_u32(record, place.size);
        ez_buffer_add_u32(record, place.position);
        finish(recorder);
    }
    if (found && out != NULL) {
        *out = place;
    }
    return found;
}

static ez_blob *get_body(void *self, const ez_block_id *id)
{
    ez_recorder *recorder = self;
    ez_blob *body = recorder->store->get_body(recorder->store->self, id);
    if (is_input(recorder)) {
        ez_buffer *record = begin(recorder, EZ_RECORD_BODY);
        put_hash(record, &id->hash);
        ez_buffer_add_u8(record, body != NULL);
        if (body != NULL) {
            ez_buffer_add(record, ez_blob_data(body), ez_blob_size(body));
        }
        finish(recorder);
    }
    return body;
}

static bool get_undo(void *self, ez_buffer *out, const ez_block_id *id)
{
    ez_recorder *recorder = self;
    size_t before = out->size;
    bool found = recorder->store->get_undo(recorder->store->self, out, id);
    if (is_input(recorder)) {
        ez_buffer *record = begin(recorder, EZ_RECORD_UNDO);
        put_hash(record, &id->hash);
        ez_buffer_add_u8(record, found);
        ez_buffer_add(record, out->data + before, out->size - before);
        finish(recorder);
    }
    return found;
}

static bool get_view_hash(void *self, ez_hash *out, const ez_block_id *id)
{
    ez_recorder *recorder = self;
    bool found = recorder->store->get_view_hash(recorder->store->self, out, id);
    if (is_input(recorder)) {
        const ez_hash none = {{0}};
        ez_buffer *record = begin(recorder, EZ_RECORD_VIEW);
        put_hash(record, &id->hash);
        ez_buffer_add_u8(record, found);
        put_hash(record, found ? out : &none);
        finish(recorder);
    }
    return found;
}

/* ---- the load ---------------------------------------------------------------------------------
 */

static void load_header(void *self, const ez_header *header, bool connected, bool invalid)
{
    ez_recorder *recorder = self;
    uint8_t bytes[EZ_HEADER_BYTES];
    ez_header_encode(bytes, header);
    ez_buffer *record = begin(recorder, EZ_RECORD_LOAD_HEADER);
    ez_buffer_add(record, bytes, sizeof bytes);
    ez_buffer_add_u8(record, connected);
    ez_buffer_add_u8(record, invalid);
    finish(recorder);
    recorder->loader->header(recorder->loader->self, header, connected, invalid);
}

static void load_tip(void *self, const ez_block_id *id)
{
    ez_recorder *recorder = self;
    put_hash(begin(recorder, EZ_RECORD_LOAD_TIP), &id->hash);
    finish(recorder);
    recorder->loader->tip(recorder->loader->self, id);
}

static void load_pool_tx(void *self, const uint8_t *bytes, size_t size)
{
    ez_recorder *recorder = self;
    ez_buffer_add(begin(recorder, EZ_RECORD_LOAD_TX), bytes, size);
    finish(recorder);
    recorder->loader->pool_tx(recorder->loader->self, bytes, size);
}

static void load_manual_peer(void *self, const char *host, uint16_t port)
{
    ez_recorder *recorder = self;
    ez_buffer *record = begin(recorder, EZ_RECORD_LOAD_PEER);
    ez_record_put_text(record, host);
    ez_buffer_add_u16(record, port);
    finish(recorder);
    recorder->loader->manual_peer(recorder->loader->self, host, port);
}

static void load_book(void *self, const uint8_t *bytes, size_t size)
{
    ez_recorder *recorder = self;
    ez_buffer_add(begin(recorder, EZ_RECORD_LOAD_BOOK), bytes, size);
    finish(recorder);
    recorder->loader->book(recorder->loader->self, bytes, size);
}

static ez_status load(void *self, const ez_store_loader *loader)
{
    ez_recorder *recorder = self;
    const ez_store_loader between = {
        .self = recorder,
        .header = load_header,
        .tip = load_tip,
        .pool_tx = load_pool_tx,
        .manual_peer = load_manual_peer,
        .book = load_book,
    };
    recorder->loader = loader;
    ez_status status = recorder->store->load(recorder->store->self, &between);
    put_status(recorder, EZ_RECORD_LOAD_END, status);
    return status;
}

/* ---- the signer -------------------------------------------------------------------------------
 */

static void sign(void *self, ez_signature *out, const void *data, size_t size)
{
    ez_recorder *recorder = self;
    recorder->signer.sign(recorder->signer.self, out, data, size);
    if (is_input(recorder)) {
        ez_buffer *record = begin(recorder, EZ_RECORD_SIGNATURE);
        ez_buffer_add(record, out->bytes, sizeof out->bytes);
        finish(recorder);
    }
}

/* ---- the door ---------------------------------------------------------------------------------
 */

static void handle(void *self, const ez_event *event, ez_now now)
{
    ez_recorder *recorder = self;
    EZ_ASSERT(!recorder->open);
    if (recorder->on) {
        ez_record_put_event(begin(recorder, EZ_RECORD_EVENT), event, now);
        finish(recorder);
    }
    recorder->open = recorder->inside = true;
    recorder->core.handle(recorder->core.self, event, now);
    recorder->inside = false;
}

static void close_step(ez_recorder *recorder)
{
    ez_buffer *record = begin(recorder, EZ_RECORD_EFFECTS);
    ez_buffer_add_u64(record, recorder->core.deadline(recorder->core.self));
    ez_buffer_add_u64(record, recorder->digest);
    ez_buffer_add_u32(record, recorder->count);
    ez_buffer_add(record, recorder->prints.data, recorder->prints.size);
    finish(recorder);
    recorder->open = false;
    recorder->count = 0;
    recorder->prints.size = 0;
}

static bool next_effect(void *self, ez_effect *out)
{
    ez_recorder *recorder = self;
    if (!recorder->core.next_effect(recorder->core.self, out)) {
        if (recorder->open && recorder->on) {
            close_step(recorder);
        }
        recorder->open = false;
        return false;
    }
    if (recorder->on) {
        ez_effect_print print = ez_effect_print_of(out, &recorder->scratch);
        recorder->digest = ez_effect_fold(recorder->digest, &print);
        if (recorder->count++ < EZ_RECORD_EFFECTS_MAX) {
            ez_record_put_print(&recorder->prints, &print);
        }
    }
    return true;
}

static ez_time_ms deadline(const void *self)
{
    const ez_recorder *recorder = self;
    return recorder->core.deadline(recorder->core.self);
}

ez_core ez_recorder_core(ez_recorder *recorder, ez_node *node)
{
    recorder->core = ez_node_core(node);
    return (ez_core){recorder, handle, next_effect, deadline};
}

/* ---- life -------------------------------------------------------------------------------------
 */

ez_recorder *ez_recorder_new(const ez_record_sink *sink)
{
    ez_recorder *recorder = ez_alloc(1, sizeof *recorder);
    recorder->sink = *sink;
    recorder->on = true;
    recorder->port = (ez_store_port){
        .self = recorder,
        .get_account = get_account,
        .find_tx = find_tx,
        .get_body = get_body,
        .get_undo = get_undo,
        .get_view_hash = get_view_hash,
        .load = load,
    };
    return recorder;
}

void ez_recorder_free(ez_recorder *recorder)
{
    if (recorder == NULL) {
        return;
    }
    ez_buffer_clear(&recorder->record);
    ez_buffer_clear(&recorder->scratch);
    ez_buffer_clear(&recorder->prints);
    free(recorder);
}

static void put_head(ez_recorder *recorder)
{
    ez_buffer *head = &recorder->scratch;
    head->size = 0;
    ez_buffer_add_text(head, EZ_RECORD_MAGIC);
    ez_buffer_add_u32(head, EZ_RECORD_VERSION);
    ez_buffer_add_u32(head, 0);
    EZ_ASSERT(head->size == EZ_RECORD_HEAD_BYTES);
    append(recorder, head->data, head->size);
}

ez_status ez_recorder_node_new(ez_recorder *recorder, ez_node **out, const ez_node_config *config,
                               const ez_node_ports *ports, const char *program, ez_now now)
{
    put_head(recorder);
    ez_record_put_start(begin(recorder, EZ_RECORD_START), config, program, now);
    finish(recorder);
    recorder->store = ports->store;
    recorder->signer = ports->signer;
    ez_node_ports recorded = *ports;
    recorded.store = &recorder->port;
    recorded.signer = (ez_signer){recorder, sign};
    recorder->open = recorder->inside = true;
    ez_status status = ez_node_new(out, config, &recorded, now);
    recorder->inside = false;
    put_status(recorder, EZ_RECORD_STARTED, status);
    if (status != EZ_OK) {
        ez_recorder_end(recorder, EZ_RECORD_END_FAILED);
    }
    return status;
}

void ez_recorder_end(ez_recorder *recorder, ez_record_end why)
{
    if (recorder->on) {
        ez_buffer_add_u32(begin(recorder, EZ_RECORD_END), (uint32_t)why);
        finish(recorder);
        recorder->on = false;
    }
}

bool ez_recorder_is_on(const ez_recorder *recorder)
{
    return recorder->on;
}
