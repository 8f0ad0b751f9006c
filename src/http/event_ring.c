/* The ring of notices and their text form. */
#include "events_internal.h"
#include "json_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/address.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const ez_event_kind kinds[] = {EZ_EVENT_KIND_BLOCK, EZ_EVENT_KIND_REORG,
                                      EZ_EVENT_KIND_TRANSACTION, EZ_EVENT_KIND_PEER};

void ez_event_ring_init(ez_event_ring *ring, uint64_t first_id)
{
    /* Zeroed memory of this size is not resident before it is used. */
    ring->records = ez_alloc(EZ_EVENT_RING_MAX, sizeof *ring->records);
    ring->first = first_id;
    ring->next = first_id;
}

void ez_event_ring_clear(ez_event_ring *ring)
{
    free(ring->records);
    ring->records = NULL;
}

void ez_event_ring_add(ez_event_ring *ring, const ez_notice *notice, uint64_t at_us)
{
    ring->records[ring->next % EZ_EVENT_RING_MAX] = (ez_event_record){*notice, at_us};
    ring->next++;
    if (ring->next - ring->first > EZ_EVENT_RING_MAX) {
        ring->first++;
    }
}

const ez_event_record *ez_event_ring_get(const ez_event_ring *ring, uint64_t id)
{
    return id >= ring->first && id < ring->next ? &ring->records[id % EZ_EVENT_RING_MAX] : NULL;
}

ez_event_kind ez_event_kind_of(ez_notice_type type)
{
    switch (type) {
    case EZ_NOTICE_BLOCK:
        return EZ_EVENT_KIND_BLOCK;
    case EZ_NOTICE_REORG:
        return EZ_EVENT_KIND_REORG;
    case EZ_NOTICE_TX:
        return EZ_EVENT_KIND_TRANSACTION;
    case EZ_NOTICE_PEER_UP:
    case EZ_NOTICE_PEER_DOWN:
        break;
    }
    return EZ_EVENT_KIND_PEER;
}

const char *ez_event_kind_text(ez_event_kind kind)
{
    switch (kind) {
    case EZ_EVENT_KIND_BLOCK:
        return "block";
    case EZ_EVENT_KIND_REORG:
        return "reorg";
    case EZ_EVENT_KIND_TRANSACTION:
        return "transaction";
    case EZ_EVENT_KIND_PEER:
        return "peer";
    case EZ_EVENT_KINDS:
        break;
    }
    return "all";
}

unsigned ez_event_kinds_parse(const char *text)
{
    unsigned set = 0;
    for (;;) {
        size_t size = strcspn(text, ",");
        unsigned found = 0;
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            const char *name = ez_event_kind_text(kinds[i]);
            if (strlen(name) == size && memcmp(name, text, size) == 0) {
                found = kinds[i];
            }
        }
        if (found == 0) {
            return 0;
        }
        set |= found;
        if (text[size] == '\0') {
            return set;
        }
        text += size + 1;
    }
}

static void write_hash(ez_json_writer *writer, const char *key, const ez_hash *hash)
{
    ez_json_hex(writer, key, hash->bytes, EZ_HASH_BYTES);
}

static void write_block(ez_json_writer *writer, const ez_event_record *record)
{
    const ez_notice *notice = &record->notice;
    ez_json_u64(writer, "at_us", record->at_us);
    write_hash(writer, "hash", &notice->block.hash);
    ez_json_u64(writer, "height", notice->height);
    ez_json_bool(writer, "own", notice->own);
    ez_json_u64(writer, "transactions", notice->tx_count);
}

static void write_reorg(ez_json_writer *writer, const ez_event_record *record)
{
    const ez_notice *notice = &record->notice;
    ez_json_u64(writer, "at_us", record->at_us);
    ez_json_u64(writer, "depth", notice->depth);
    write_hash(writer, "hash", &notice->block.hash);
    ez_json_u64(writer, "height", notice->height);
    write_hash(writer, "old_hash", &notice->old_tip.hash);
}

static void write_transaction(ez_json_writer *writer, const ez_event_record *record)
{
    ez_json_u64(writer, "at_us", record->at_us);
    write_hash(writer, "id", &record->notice.tx.hash);
    ez_json_bool(writer, "own", record->notice.own);
}

static void write_peer(ez_json_writer *writer, const ez_event_record *record)
{
    const ez_notice *notice = &record->notice;
    bool down = notice->type == EZ_NOTICE_PEER_DOWN;
    ez_json_text(writer, "address", ez_endpoint_text(&notice->endpoint).text);
    ez_json_u64(writer, "at_us", record->at_us);
    if (down) {
        ez_json_bool(writer, "by_us", notice->by_us);
    }
    ez_json_text(writer, "direction", notice->inbound ? "inbound" : "outbound");
    ez_json_u64(writer, "id", notice->link.value);
    ez_json_text(writer, "node", ez_address_text(&notice->node).text);
    if (down) {
        ez_json_text(writer, "reason", ez_goodbye_code(notice->reason));
    }
    ez_json_text(writer, "state", down ? "down" : "up");
}

void ez_event_format(ez_buffer *out, const ez_event_record *record, uint64_t id)
{
    ez_event_kind kind = ez_event_kind_of(record->notice.type);
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    switch (record->notice.type) {
    case EZ_NOTICE_BLOCK:
        write_block(&writer, record);
        break;
    case EZ_NOTICE_REORG:
        write_reorg(&writer, record);
        break;
    case EZ_NOTICE_TX:
        write_transaction(&writer, record);
        break;
    case EZ_NOTICE_PEER_UP:
    case EZ_NOTICE_PEER_DOWN:
        write_peer(&writer, record);
        break;
    }
    ez_json_end_object(&writer);
    ez_buffer_printf(out, "id: %" PRIu64 "\nevent: %s\ndata: ", id, ez_event_kind_text(kind));
    ez_buffer_add(out, writer.out.data, writer.out.size);
    ez_buffer_add_text(out, "\n\n");
    ez_buffer_clear(&writer.out);
}
