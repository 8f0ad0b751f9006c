#include "ezp2p/gossip/message.h"

#include "ezp2p/base/assert.h"

#define FRAME_PREFIX_BYTES 4

const char *ez_goodbye_code(uint32_t reason)
{
    switch (reason) {
#define EZ_GOODBYE_CODE(name, number, code, fault)                                                 \
    case number:                                                                                   \
        return code;
        EZ_GOODBYES_EACH(EZ_GOODBYE_CODE)
#undef EZ_GOODBYE_CODE
    }
    return "unknown";
}

bool ez_goodbye_is_fault(uint32_t reason)
{
    switch (reason) {
#define EZ_GOODBYE_FAULT(name, number, code, fault)                                                \
    case number:                                                                                   \
        return fault;
        EZ_GOODBYES_EACH(EZ_GOODBYE_FAULT)
#undef EZ_GOODBYE_FAULT
    }
    return false;
}

const char *ez_message_name(ez_message_type type)
{
    switch (type) {
    case EZ_MSG_HELLO:
        return "hello";
    case EZ_MSG_READY:
        return "ready";
    case EZ_MSG_GOODBYE:
        return "goodbye";
    case EZ_MSG_PING:
        return "ping";
    case EZ_MSG_PONG:
        return "pong";
    case EZ_MSG_GET_ADDRESSES:
        return "get-addresses";
    case EZ_MSG_ADDRESSES:
        return "addresses";
    case EZ_MSG_ANNOUNCE_TXS:
        return "announce-transactions";
    case EZ_MSG_GET_TXS:
        return "get-transactions";
    case EZ_MSG_TXS:
        return "transactions";
    case EZ_MSG_MISSING_TXS:
        return "missing-transactions";
    case EZ_MSG_GET_HEADERS:
        return "get-headers";
    case EZ_MSG_HEADERS:
        return "headers";
    case EZ_MSG_ANNOUNCE_BLOCK:
        return "announce-block";
    case EZ_MSG_GET_BODIES:
        return "get-bodies";
    case EZ_MSG_BODY:
        return "body";
    case EZ_MSG_MISSING_BODIES:
        return "missing-bodies";
    case EZ_MSG_GET_PARTS:
        return "get-parts";
    case EZ_MSG_PARTS:
        return "parts";
    case EZ_MSG_HINT_TXS:
        return "hint-transactions";
    case EZ_MSG_GRAFT_TXS:
        return "graft-transactions";
    case EZ_MSG_PRUNE:
        return "prune";
    case EZ_MSG_GROW:
        return "grow";
    }
    return "unknown";
}

/* The sizes of protobuf fields with numbers below 16, whose tags take one byte. As in the encoding,
 * an integer of 0 and an empty string are left out; an element of a list never is. */

static size_t varint_bytes(uint64_t value)
{
    size_t bytes = 1;
    for (; value >= 0x80; value >>= 7) {
        bytes++;
    }
    return bytes;
}

static size_t integer_bytes(uint64_t value)
{
    return value == 0 ? 0 : 1 + varint_bytes(value);
}

static size_t fixed64_bytes(uint64_t value)
{
    return value == 0 ? 0 : 1 + 8;
}

static size_t element_bytes(size_t size)
{
    return 1 + varint_bytes(size) + size;
}

static size_t string_bytes(size_t size)
{
    return size == 0 ? 0 : element_bytes(size);
}

static size_t hello_bytes(const ez_hello *hello)
{
    return integer_bytes(hello->protocol) + 4 * string_bytes(EZ_HASH_BYTES) +
           fixed64_bytes(hello->nonce) + integer_bytes(hello->listen_port) +
           integer_bytes(hello->features) + integer_bytes(hello->tip.height) +
           string_bytes(hello->user_agent_size);
}

static size_t addresses_bytes(const ez_known_address *list, size_t count)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const ez_endpoint *endpoint = &list[i].endpoint;
        size_t ip = memcmp(endpoint->ip, mapped, sizeof mapped) == 0 ? 4 : 16;
        bytes += element_bytes(string_bytes(ip) + integer_bytes(endpoint->port) +
                               integer_bytes(list[i].age_s));
    }
    return bytes;
}

static size_t elements_bytes(const ez_byte_span *list, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += element_bytes(list[i].size);
    }
    return bytes;
}

/* What the message inside the envelope takes. */
static size_t body_bytes(const ez_message *message)
{
    switch (message->type) {
    case EZ_MSG_HELLO:
        return hello_bytes(&message->as.hello);
    case EZ_MSG_READY:
    case EZ_MSG_GET_ADDRESSES:
        return 0;
    case EZ_MSG_GOODBYE:
        return integer_bytes(message->as.goodbye.reason) +
               string_bytes(message->as.goodbye.text_size);
    case EZ_MSG_PING:
    case EZ_MSG_PONG:
        return fixed64_bytes(message->as.ping.nonce);
    case EZ_MSG_ADDRESSES:
        return addresses_bytes(message->as.addresses.list, message->as.addresses.count);
    case EZ_MSG_ANNOUNCE_TXS:
    case EZ_MSG_GET_TXS:
    case EZ_MSG_MISSING_TXS:
        return string_bytes(message->as.tx_ids.count * EZ_HASH_BYTES);
    case EZ_MSG_TXS:
        return elements_bytes(message->as.txs.list, message->as.txs.count) +
               integer_bytes(message->as.txs.tree);
    case EZ_MSG_GET_HEADERS:
        return string_bytes(message->as.get_headers.count * EZ_HASH_BYTES);
    case EZ_MSG_HEADERS:
        return string_bytes(message->as.headers.count * EZ_HEADER_BYTES);
    case EZ_MSG_ANNOUNCE_BLOCK:
        return string_bytes(EZ_HEADER_BYTES) +
               string_bytes(message->as.announce_block.short_id_count * sizeof(uint64_t)) +
               string_bytes(message->as.announce_block.reward.size);
    case EZ_MSG_GET_BODIES:
    case EZ_MSG_MISSING_BODIES:
        return string_bytes(message->as.block_ids.count * EZ_HASH_BYTES);
    case EZ_MSG_BODY:
        return string_bytes(EZ_HASH_BYTES) + string_bytes(message->as.body.bytes.size);
    case EZ_MSG_GET_PARTS:
        return string_bytes(EZ_HASH_BYTES) +
               string_bytes(message->as.get_parts.count * sizeof(uint32_t));
    case EZ_MSG_PARTS:
        return string_bytes(EZ_HASH_BYTES) +
               elements_bytes(message->as.parts.list, message->as.parts.count);
    case EZ_MSG_HINT_TXS:
    case EZ_MSG_GRAFT_TXS:
        return string_bytes(message->as.short_ids.count * sizeof(uint64_t));
    case EZ_MSG_PRUNE:
    case EZ_MSG_GROW:
        return integer_bytes(message->as.tree.number);
    }
    ez_assert_fail("a message of no known type", __FILE__, __LINE__);
}

size_t ez_message_bytes(const ez_message *message)
{
    size_t body = body_bytes(message);
    size_t tag = message->type < 16 ? 1 : 2;
    return FRAME_PREFIX_BYTES + tag + varint_bytes(body) + body;
}
