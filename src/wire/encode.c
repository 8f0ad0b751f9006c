#include "ezp2p/wire/codec.h"

#include "ezp2p.pb-c.h"
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/little_endian.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/wire/frame.h"

#include <stdlib.h>
#include <string.h>

/* The structs that protobuf-c packs from. They point into the ez_message where its form is the
 * same; `array` holds what had to be put into another form. */
typedef struct packing {
    Ezp2p__Envelope envelope;
    union {
        Ezp2p__Hello hello;
        Ezp2p__Ready ready;
        Ezp2p__Goodbye goodbye;
        Ezp2p__Ping ping;
        Ezp2p__GetAddresses get_addresses;
        Ezp2p__Addresses addresses;
        Ezp2p__TransactionIds tx_ids;
        Ezp2p__Transactions txs;
        Ezp2p__GetHeaders get_headers;
        Ezp2p__Headers headers;
        Ezp2p__AnnounceBlock announce_block;
        Ezp2p__BlockIds block_ids;
        Ezp2p__Body body;
        Ezp2p__GetParts get_parts;
        Ezp2p__Parts parts;
        Ezp2p__ShortIds short_ids;
        Ezp2p__Prune prune;
        Ezp2p__Grow grow;
    } as;
    char text[EZ_GOODBYE_BYTES_MAX + 1]; /* protobuf-c wants terminated strings */
    uint8_t small[EZ_HEADER_BYTES];      /* a header or a work */
    void *array;
} packing;

/* protobuf-c's structs serve both ways and so are not const; packing only reads. */
static ProtobufCBinaryData borrow(const void *data, size_t size)
{
    return (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)data};
}

static ProtobufCBinaryData borrow_id(const ez_block_id *id)
{
    return borrow(id->hash.bytes, sizeof id->hash.bytes);
}

static char *terminated(packing *work, const char *text, size_t size)
{
    EZ_ASSERT(size < sizeof work->text);
    if (size > 0) {
        memcpy(work->text, text, size);
    }
    work->text[size] = '\0';
    return work->text;
}

static void fill_hello(packing *work, const ez_hello *hello)
{
    Ezp2p__Hello *out = &work->as.hello;
    ezp2p__hello__init(out);
    ez_work_to_bytes(work->small, &hello->tip.work);
    out->protocol = hello->protocol;
    out->network = borrow_id(&hello->network);
    out->node = borrow(hello->node.bytes, sizeof hello->node.bytes);
    out->nonce = hello->nonce;
    out->listen_port = hello->listen_port;
    out->features = hello->features;
    out->tip_id = borrow_id(&hello->tip.id);
    out->tip_height = hello->tip.height;
    out->tip_work = borrow(work->small, 32);
    out->user_agent = terminated(work, hello->user_agent, hello->user_agent_size);
    work->envelope.hello = out;
}

static void fill_ping(packing *work, uint64_t nonce)
{
    ezp2p__ping__init(&work->as.ping);
    work->as.ping.nonce = nonce;
    work->envelope.ping = &work->as.ping; /* `pong` is the same member of the union */
}

static void fill_goodbye(packing *work, const ez_message *message)
{
    Ezp2p__Goodbye *out = &work->as.goodbye;
    ezp2p__goodbye__init(out);
    out->reason = message->as.goodbye.reason;
    out->text = terminated(work, message->as.goodbye.text, message->as.goodbye.text_size);
    work->envelope.goodbye = out;
}

static ProtobufCBinaryData ip_of(const ez_endpoint *endpoint)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool is_v4 = memcmp(endpoint->ip, mapped, sizeof mapped) == 0;
    return is_v4 ? borrow(endpoint->ip + sizeof mapped, 4) : borrow(endpoint->ip, 16);
}

static void fill_addresses(packing *work, const ez_known_address *list, size_t count)
{
    /* One allocation: the pointers that protobuf-c walks, then what they point to. */
    Ezp2p__Address **pointers =
        ez_alloc(1, count * (sizeof(Ezp2p__Address *) + sizeof(Ezp2p__Address)));
    Ezp2p__Address *addresses = (Ezp2p__Address *)(void *)(pointers + count);
    for (size_t i = 0; i < count; i++) {
        ezp2p__address__init(&addresses[i]);
        addresses[i].ip = ip_of(&list[i].endpoint);
        addresses[i].port = list[i].endpoint.port;
        addresses[i].age_s = list[i].age_s;
        pointers[i] = &addresses[i];
    }
    ezp2p__addresses__init(&work->as.addresses);
    work->array = pointers;
    work->as.addresses.list = pointers;
    work->as.addresses.n_list = count;
    work->envelope.addresses = &work->as.addresses;
}

static void fill_tx_ids(packing *work, const ez_tx_id *list, size_t count)
{
    ezp2p__transaction_ids__init(&work->as.tx_ids);
    work->as.tx_ids.ids = borrow(list, count * sizeof *list);
    work->envelope.get_transactions = &work->as.tx_ids; /* one union member for all three uses */
}

static ProtobufCBinaryData *borrow_list(packing *work, const ez_byte_span *list, size_t count)
{
    ProtobufCBinaryData *array = ez_alloc(count, sizeof *array);
    for (size_t i = 0; i < count; i++) {
        array[i] = borrow(list[i].data, list[i].size);
    }
    work->array = array;
    return array;
}

static void fill_txs(packing *work, const ez_message *message)
{
    Ezp2p__Transactions *out = &work->as.txs;
    ezp2p__transactions__init(out);
    out->list = borrow_list(work, message->as.txs.list, message->as.txs.count);
    out->n_list = message->as.txs.count;
    out->tree = message->as.txs.tree;
    work->envelope.transactions = out;
}

static void fill_get_headers(packing *work, const ez_message *message)
{
    ezp2p__get_headers__init(&work->as.get_headers);
    work->as.get_headers.locator =
        borrow(message->as.get_headers.locator, message->as.get_headers.count * EZ_HASH_BYTES);
    work->envelope.get_headers = &work->as.get_headers;
}

static void fill_headers(packing *work, const ez_header *list, size_t count)
{
    uint8_t *bytes = ez_alloc(count, EZ_HEADER_BYTES);
    for (size_t i = 0; i < count; i++) {
        ez_header_encode(bytes + i * EZ_HEADER_BYTES, &list[i]);
    }
    ezp2p__headers__init(&work->as.headers);
    work->array = bytes;
    work->as.headers.list = borrow(bytes, count * EZ_HEADER_BYTES);
    work->envelope.headers = &work->as.headers;
}

static ProtobufCBinaryData pack_short_ids(packing *work, const uint64_t *list, size_t count)
{
    uint8_t *bytes = ez_realloc(NULL, count, sizeof(uint64_t));
    for (size_t i = 0; i < count; i++) {
        ez_store_u64(bytes + i * sizeof(uint64_t), list[i]);
    }
    work->array = bytes;
    return borrow(bytes, count * sizeof(uint64_t));
}

static void fill_announce_block(packing *work, const ez_message *message)
{
    ez_header_encode(work->small, &message->as.announce_block.header);
    Ezp2p__AnnounceBlock *out = &work->as.announce_block;
    ezp2p__announce_block__init(out);
    out->header = borrow(work->small, EZ_HEADER_BYTES);
    out->short_ids = pack_short_ids(work, message->as.announce_block.short_ids,
                                    message->as.announce_block.short_id_count);
    out->reward =
        borrow(message->as.announce_block.reward.data, message->as.announce_block.reward.size);
    work->envelope.announce_block = out;
}

static void fill_block_ids(packing *work, const ez_message *message)
{
    ezp2p__block_ids__init(&work->as.block_ids);
    work->as.block_ids.ids =
        borrow(message->as.block_ids.list, message->as.block_ids.count * EZ_HASH_BYTES);
    work->envelope.get_bodies = &work->as.block_ids; /* one union member for both uses */
}

static void fill_body(packing *work, const ez_message *message)
{
    ezp2p__body__init(&work->as.body);
    work->as.body.id = borrow_id(&message->as.body.id);
    work->as.body.bytes = borrow(message->as.body.bytes.data, message->as.body.bytes.size);
    work->envelope.body_of_block = &work->as.body;
}

static void fill_get_parts(packing *work, const ez_message *message)
{
    ez_buffer positions = {0};
    for (size_t i = 0; i < message->as.get_parts.count; i++) {
        ez_buffer_add_u32(&positions, message->as.get_parts.positions[i]);
    }
    ezp2p__get_parts__init(&work->as.get_parts);
    work->as.get_parts.id = borrow_id(&message->as.get_parts.id);
    work->as.get_parts.positions = borrow(positions.data, positions.size);
    work->array = positions.data;
    work->envelope.get_parts = &work->as.get_parts;
}

static void fill_parts(packing *work, const ez_message *message)
{
    Ezp2p__Parts *out = &work->as.parts;
    ezp2p__parts__init(out);
    out->id = borrow_id(&message->as.parts.id);
    out->list = borrow_list(work, message->as.parts.list, message->as.parts.count);
    out->n_list = message->as.parts.count;
    work->envelope.parts = out;
}

static void fill_short_ids(packing *work, const ez_message *message)
{
    ezp2p__short_ids__init(&work->as.short_ids);
    work->as.short_ids.ids =
        pack_short_ids(work, message->as.short_ids.list, message->as.short_ids.count);
    work->envelope.hint_transactions = &work->as.short_ids; /* one union member for both uses */
}

static void fill_prune(packing *work, const ez_message *message)
{
    ezp2p__prune__init(&work->as.prune);
    work->as.prune.tree = message->as.tree.number;
    work->envelope.prune = &work->as.prune;
}

static void fill_grow(packing *work, const ez_message *message)
{
    ezp2p__grow__init(&work->as.grow);
    work->as.grow.tree = message->as.tree.number;
    work->envelope.grow = &work->as.grow;
}

static void fill(packing *work, const ez_message *message)
{
    ezp2p__envelope__init(&work->envelope);
    work->envelope.body_case = (Ezp2p__Envelope__BodyCase)message->type;
    switch (message->type) {
    case EZ_MSG_HELLO:
        fill_hello(work, &message->as.hello);
        return;
    case EZ_MSG_READY:
        ezp2p__ready__init(&work->as.ready);
        work->envelope.ready = &work->as.ready;
        return;
    case EZ_MSG_GOODBYE:
        fill_goodbye(work, message);
        return;
    case EZ_MSG_PING:
    case EZ_MSG_PONG:
        fill_ping(work, message->as.ping.nonce);
        return;
    case EZ_MSG_GET_ADDRESSES:
        ezp2p__get_addresses__init(&work->as.get_addresses);
        work->envelope.get_addresses = &work->as.get_addresses;
        return;
    case EZ_MSG_ADDRESSES:
        fill_addresses(work, message->as.addresses.list, message->as.addresses.count);
        return;
    case EZ_MSG_ANNOUNCE_TXS:
    case EZ_MSG_GET_TXS:
    case EZ_MSG_MISSING_TXS:
        fill_tx_ids(work, message->as.tx_ids.list, message->as.tx_ids.count);
        return;
    case EZ_MSG_TXS:
        fill_txs(work, message);
        return;
    case EZ_MSG_GET_HEADERS:
        fill_get_headers(work, message);
        return;
    case EZ_MSG_HEADERS:
        fill_headers(work, message->as.headers.list, message->as.headers.count);
        return;
    case EZ_MSG_ANNOUNCE_BLOCK:
        fill_announce_block(work, message);
        return;
    case EZ_MSG_GET_BODIES:
    case EZ_MSG_MISSING_BODIES:
        fill_block_ids(work, message);
        return;
    case EZ_MSG_BODY:
        fill_body(work, message);
        return;
    case EZ_MSG_GET_PARTS:
        fill_get_parts(work, message);
        return;
    case EZ_MSG_PARTS:
        fill_parts(work, message);
        return;
    case EZ_MSG_HINT_TXS:
    case EZ_MSG_GRAFT_TXS:
        fill_short_ids(work, message);
        return;
    case EZ_MSG_PRUNE:
        fill_prune(work, message);
        return;
    case EZ_MSG_GROW:
        fill_grow(work, message);
        return;
    }
    ez_assert_fail("a message of no known type", __FILE__, __LINE__);
}

static void put_prefix(uint8_t out[EZ_FRAME_PREFIX_BYTES], size_t size)
{
    EZ_ASSERT(size > 0 && size <= EZ_FRAME_BYTES_MAX);
    for (unsigned i = 0; i < EZ_FRAME_PREFIX_BYTES; i++) {
        out[i] = (uint8_t)(size >> (8 * (EZ_FRAME_PREFIX_BYTES - 1 - i)));
    }
}

void ez_wire_encode(ez_buffer *out, const ez_message *message)
{
    packing work;
    work.array = NULL;
    fill(&work, message);
    size_t size = ezp2p__envelope__get_packed_size(&work.envelope);
    uint8_t *frame = ez_buffer_reserve(out, EZ_FRAME_PREFIX_BYTES + size);
    put_prefix(frame, size);
    size_t packed = ezp2p__envelope__pack(&work.envelope, frame + EZ_FRAME_PREFIX_BYTES);
    EZ_ASSERT(packed == size);
    out->size += EZ_FRAME_PREFIX_BYTES + size;
    free(work.array);
}

static void put_varint(ez_buffer *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        ez_buffer_add_u8(out, (uint8_t)(value | 0x80));
    }
    ez_buffer_add_u8(out, (uint8_t)value);
}

/* A body's bytes are the last field of the last field, so what comes before them can be written
 * without touching them. */
void ez_wire_encode_body_head(ez_buffer *out, const ez_message *message)
{
    EZ_ASSERT(message->type == EZ_MSG_BODY && message->as.body.bytes.size > 0);
    size_t size = ez_message_bytes(message) - EZ_FRAME_PREFIX_BYTES;
    put_prefix(ez_buffer_reserve(out, EZ_FRAME_PREFIX_BYTES), size);
    out->size += EZ_FRAME_PREFIX_BYTES;
    ez_buffer fields = {0};
    ez_buffer_add_u8(&fields, 1 << 3 | 2);
    put_varint(&fields, EZ_HASH_BYTES);
    ez_buffer_add(&fields, message->as.body.id.hash.bytes, EZ_HASH_BYTES);
    ez_buffer_add_u8(&fields, 2 << 3 | 2);
    put_varint(&fields, message->as.body.bytes.size);
    put_varint(out, (uint64_t)EZ_MSG_BODY << 3 | 2);
    put_varint(out, fields.size + message->as.body.bytes.size);
    ez_buffer_add(out, fields.data, fields.size);
    ez_buffer_clear(&fields);
}
