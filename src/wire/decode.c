#include "ezp2p/wire/codec.h"

#include "budget_internal.h"
#include "ezp2p.pb-c.h"
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/little_endian.h"
#include "ezp2p/base/reader.h"
#include "ezp2p/chain/header.h"
#include "scan_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a decoded message points into: protobuf-c's structs, and one array for what has another form
 * in an ez_message. All of it is drawn from the frame's budget. */
typedef struct unpacked {
    ez_budget budget;
    ProtobufCAllocator allocator;
    Ezp2p__Envelope *envelope;
    void *array;
} unpacked;

static void *allocate(void *budget, size_t size)
{
    return ez_budget_alloc(budget, size);
}

static void release(void *budget, void *pointer)
{
    ez_budget_free(budget, pointer);
}

static void unpacked_free(unpacked *memory)
{
    if (memory->envelope != NULL) {
        ezp2p__envelope__free_unpacked(memory->envelope, &memory->allocator);
    }
    ez_budget_free(&memory->budget, memory->array);
    EZ_ASSERT(memory->budget.used == 0);
    free(memory);
}

/* The one array of a message: room for `count` items, NULL when the budget does not allow it. Even
 * none of them is a pointer, so that an empty list and a lack of memory look different. */
static void *new_array(unpacked *memory, size_t count, size_t size)
{
    EZ_ASSERT(memory->array == NULL && count <= EZ_FRAME_BYTES_MAX);
    memory->array = ez_budget_alloc(&memory->budget, count * size);
    return memory->array;
}

static ez_byte_span span_of(ProtobufCBinaryData bytes)
{
    return (ez_byte_span){bytes.data, bytes.len};
}

static ez_block_id block_id_of(ProtobufCBinaryData bytes)
{
    ez_block_id id;
    EZ_ASSERT(bytes.len == sizeof id.hash.bytes);
    memcpy(id.hash.bytes, bytes.data, sizeof id.hash.bytes);
    return id;
}

/* Ids are plain bytes: a string of them is an array of them. */
static_assert(sizeof(ez_block_id) == EZ_HASH_BYTES && sizeof(ez_tx_id) == EZ_HASH_BYTES,
              "an array of ids must look like its encoding");

static const ez_tx_id *tx_ids_of(ProtobufCBinaryData bytes)
{
    return (const ez_tx_id *)(const void *)bytes.data;
}

static const ez_block_id *block_ids_of(ProtobufCBinaryData bytes)
{
    return (const ez_block_id *)(const void *)bytes.data;
}

static ez_goodbye take_hello(ez_message *out, const Ezp2p__Hello *in)
{
    ez_hello *hello = &out->as.hello;
    hello->protocol = in->protocol;
    hello->network = block_id_of(in->network);
    EZ_ASSERT(in->node.len == sizeof hello->node.bytes);
    memcpy(hello->node.bytes, in->node.data, sizeof hello->node.bytes);
    hello->nonce = in->nonce;
    hello->listen_port = (uint16_t)in->listen_port;
    hello->features = in->features;
    hello->tip.id = block_id_of(in->tip_id);
    hello->tip.height = in->tip_height;
    EZ_ASSERT(in->tip_work.len == 32);
    hello->tip.work = ez_work_from_bytes(in->tip_work.data);
    hello->user_agent = in->user_agent;
    hello->user_agent_size = strlen(in->user_agent);
    return EZ_GOODBYE_UNSPECIFIED;
}

static ez_goodbye take_goodbye(ez_message *out, const Ezp2p__Goodbye *in)
{
    out->as.goodbye.reason = in->reason;
    out->as.goodbye.text = in->text;
    out->as.goodbye.text_size = strlen(in->text);
    return EZ_GOODBYE_UNSPECIFIED;
}

static void take_ip(uint8_t ip[16], ProtobufCBinaryData bytes)
{
    static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    EZ_ASSERT(bytes.len == 4 || bytes.len == 16);
    if (bytes.len == 4) {
        memcpy(ip, mapped_prefix, sizeof mapped_prefix);
    }
    memcpy(ip + 16 - bytes.len, bytes.data, bytes.len);
}

static ez_goodbye take_addresses(ez_message *out, unpacked *memory, const Ezp2p__Addresses *in)
{
    ez_known_address *list = new_array(memory, in->n_list, sizeof *list);
    if (list == NULL) {
        return EZ_GOODBYE_MESSAGE_LIMIT;
    }
    for (size_t i = 0; i < in->n_list; i++) {
        const Ezp2p__Address *address = in->list[i];
        take_ip(list[i].endpoint.ip, address->ip);
        list[i].endpoint.port = (uint16_t)address->port;
        list[i].age_s = address->age_s;
    }
    out->as.addresses.list = list;
    out->as.addresses.count = in->n_list;
    return EZ_GOODBYE_UNSPECIFIED;
}

static ez_goodbye take_tx_ids(ez_message *out, const Ezp2p__TransactionIds *in)
{
    out->as.tx_ids.list = tx_ids_of(in->ids);
    out->as.tx_ids.count = in->ids.len / EZ_HASH_BYTES;
    return EZ_GOODBYE_UNSPECIFIED;
}

static ez_byte_span *new_spans(unpacked *memory, const ProtobufCBinaryData *list, size_t count)
{
    ez_byte_span *spans = new_array(memory, count, sizeof *spans);
    for (size_t i = 0; spans != NULL && i < count; i++) {
        spans[i] = span_of(list[i]);
    }
    return spans;
}

static ez_goodbye take_txs(ez_message *out, unpacked *memory, const Ezp2p__Transactions *in)
{
    out->as.txs.list = new_spans(memory, in->list, in->n_list);
    out->as.txs.count = in->n_list;
    out->as.txs.tree = in->tree;
    return out->as.txs.list != NULL ? EZ_GOODBYE_UNSPECIFIED : EZ_GOODBYE_MESSAGE_LIMIT;
}

static ez_goodbye take_get_headers(ez_message *out, const Ezp2p__GetHeaders *in)
{
    out->as.get_headers.locator = block_ids_of(in->locator);
    out->as.get_headers.count = in->locator.len / EZ_HASH_BYTES;
    return EZ_GOODBYE_UNSPECIFIED;
}

static ez_goodbye take_headers(ez_message *out, unpacked *memory, const Ezp2p__Headers *in)
{
    size_t count = in->list.len / EZ_HEADER_BYTES;
    ez_header *list = new_array(memory, count, sizeof *list);
    if (list == NULL) {
        return EZ_GOODBYE_MESSAGE_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        ez_header_decode(&list[i], in->list.data + i * EZ_HEADER_BYTES);
    }
    out->as.headers.list = list;
    out->as.headers.count = count;
    return EZ_GOODBYE_UNSPECIFIED;
}

static uint64_t *new_short_ids(unpacked *memory, ProtobufCBinaryData bytes, size_t *count)
{
    *count = bytes.len / sizeof(uint64_t);
    uint64_t *short_ids = new_array(memory, *count, sizeof *short_ids);
    for (size_t i = 0; short_ids != NULL && i < *count; i++) {
        short_ids[i] = ez_load_u64(bytes.data + i * sizeof(uint64_t));
    }
    return short_ids;
}

static ez_goodbye take_announce_block(ez_message *out, unpacked *memory,
                                      const Ezp2p__AnnounceBlock *in)
{
    size_t count;
    const uint64_t *short_ids = new_short_ids(memory, in->short_ids, &count);
    if (short_ids == NULL) {
        return EZ_GOODBYE_MESSAGE_LIMIT;
    }
    EZ_ASSERT(in->header.len == EZ_HEADER_BYTES);
    ez_header_decode(&out->as.announce_block.header, in->header.data);
    out->as.announce_block.short_ids = short_ids;
    out->as.announce_block.short_id_count = count;
    out->as.announce_block.reward = span_of(in->reward);
    return EZ_GOODBYE_UNSPECIFIED;
}

static ez_goodbye take_block_ids(ez_message *out, const Ezp2p__BlockIds *in)
{
    out->as.block_ids.list = block_ids_of(in->ids);
    out->as.block_ids.count = in->ids.len / EZ_HASH_BYTES;
    return EZ_GOODBYE_UNSPECIFIED;
}

static ez_goodbye take_body(ez_message *out, const Ezp2p__Body *in)
{
    out->as.body.id = block_id_of(in->id);
    out->as.body.bytes = span_of(in->bytes);
    return EZ_GOODBYE_UNSPECIFIED;
}

static ez_goodbye take_get_parts(ez_message *out, unpacked *memory, const Ezp2p__GetParts *in)
{
    ez_reader reader;
    ez_reader_init(&reader, in->positions.data, in->positions.len);
    size_t count = in->positions.len / sizeof(uint32_t);
    uint32_t *positions = new_array(memory, count, sizeof *positions);
    if (positions == NULL) {
        return EZ_GOODBYE_MESSAGE_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        positions[i] = ez_reader_u32(&reader);
        if (i > 0 && positions[i] <= positions[i - 1]) {
            return EZ_GOODBYE_FRAME_MALFORMED;
        }
    }
    out->as.get_parts.id = block_id_of(in->id);
    out->as.get_parts.positions = positions;
    out->as.get_parts.count = count;
    return EZ_GOODBYE_UNSPECIFIED;
}

static ez_goodbye take_parts(ez_message *out, unpacked *memory, const Ezp2p__Parts *in)
{
    out->as.parts.id = block_id_of(in->id);
    out->as.parts.list = new_spans(memory, in->list, in->n_list);
    out->as.parts.count = in->n_list;
    return out->as.parts.list != NULL ? EZ_GOODBYE_UNSPECIFIED : EZ_GOODBYE_MESSAGE_LIMIT;
}

static ez_goodbye take_short_ids(ez_message *out, unpacked *memory, const Ezp2p__ShortIds *in)
{
    out->as.short_ids.list = new_short_ids(memory, in->ids, &out->as.short_ids.count);
    return out->as.short_ids.list != NULL ? EZ_GOODBYE_UNSPECIFIED : EZ_GOODBYE_MESSAGE_LIMIT;
}

/* The message of an unpacked envelope. The scan has seen to it that sizes and counts are right. */
static ez_goodbye take_body_of(ez_message *out, unpacked *memory, const Ezp2p__Envelope *in)
{
    switch (out->type) {
    case EZ_MSG_HELLO:
        return take_hello(out, in->hello);
    case EZ_MSG_READY:
    case EZ_MSG_GET_ADDRESSES:
        return EZ_GOODBYE_UNSPECIFIED;
    case EZ_MSG_GOODBYE:
        return take_goodbye(out, in->goodbye);
    case EZ_MSG_PING:
        out->as.ping.nonce = in->ping->nonce;
        return EZ_GOODBYE_UNSPECIFIED;
    case EZ_MSG_PONG:
        out->as.ping.nonce = in->pong->nonce;
        return EZ_GOODBYE_UNSPECIFIED;
    case EZ_MSG_ADDRESSES:
        return take_addresses(out, memory, in->addresses);
    case EZ_MSG_ANNOUNCE_TXS:
        return take_tx_ids(out, in->announce_transactions);
    case EZ_MSG_GET_TXS:
        return take_tx_ids(out, in->get_transactions);
    case EZ_MSG_TXS:
        return take_txs(out, memory, in->transactions);
    case EZ_MSG_MISSING_TXS:
        return take_tx_ids(out, in->missing_transactions);
    case EZ_MSG_GET_HEADERS:
        return take_get_headers(out, in->get_headers);
    case EZ_MSG_HEADERS:
        return take_headers(out, memory, in->headers);
    case EZ_MSG_ANNOUNCE_BLOCK:
        return take_announce_block(out, memory, in->announce_block);
    case EZ_MSG_GET_BODIES:
        return take_block_ids(out, in->get_bodies);
    case EZ_MSG_BODY:
        return take_body(out, in->body_of_block);
    case EZ_MSG_MISSING_BODIES:
        return take_block_ids(out, in->missing_bodies);
    case EZ_MSG_GET_PARTS:
        return take_get_parts(out, memory, in->get_parts);
    case EZ_MSG_PARTS:
        return take_parts(out, memory, in->parts);
    case EZ_MSG_HINT_TXS:
        return take_short_ids(out, memory, in->hint_transactions);
    case EZ_MSG_GRAFT_TXS:
        return take_short_ids(out, memory, in->graft_transactions);
    case EZ_MSG_PRUNE:
        out->as.tree.number = in->prune->tree;
        return EZ_GOODBYE_UNSPECIFIED;
    case EZ_MSG_GROW:
        out->as.tree.number = in->grow->tree;
        return EZ_GOODBYE_UNSPECIFIED;
    }
    ez_assert_fail("the scan let an unknown message through", __FILE__, __LINE__);
}

ez_goodbye ez_wire_decode(ez_decoded *out, const uint8_t *frame, size_t size)
{
    *out = (ez_decoded){0};
    ez_goodbye verdict = ez_scan_envelope(frame, size);
    if (verdict != EZ_GOODBYE_UNSPECIFIED) {
        return verdict;
    }
    unpacked *memory = ez_alloc(1, sizeof *memory);
    memory->budget.left = ez_budget_for(size);
    memory->allocator = (ProtobufCAllocator){allocate, release, &memory->budget};
    memory->envelope = ezp2p__envelope__unpack(&memory->allocator, size, frame);
    out->memory = memory;
    if (memory->envelope == NULL) {
        /* What passed the scan unpacks, unless it takes too much memory. */
        verdict = EZ_GOODBYE_MESSAGE_LIMIT;
    } else {
        out->message.type = (ez_message_type)memory->envelope->body_case;
        verdict = take_body_of(&out->message, memory, memory->envelope);
    }
    if (verdict != EZ_GOODBYE_UNSPECIFIED) {
        ez_decoded_clear(out);
    }
    return verdict;
}

void ez_decoded_clear(ez_decoded *decoded)
{
    if (decoded->memory != NULL) {
        unpacked_free(decoded->memory);
    }
    *decoded = (ez_decoded){0};
}
