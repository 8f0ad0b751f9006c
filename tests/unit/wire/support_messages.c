#include "support_messages.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/text.h"

#include <stdio.h>
#include <string.h>

static ez_block_id block_id(uint8_t byte)
{
    ez_block_id id;
    memset(&id, byte, sizeof id);
    return id;
}

static ez_tx_id tx_id(uint8_t byte)
{
    ez_tx_id id;
    memset(&id, byte, sizeof id);
    return id;
}

static ez_byte_span bytes_of(uint8_t *storage, uint8_t byte, size_t size)
{
    memset(storage, byte, size);
    return (ez_byte_span){storage, size};
}

static void make_hello(ez_hello *hello)
{
    static const char agent[] = "ezp2p/0.1.0";
    hello->protocol = 1;
    hello->network = block_id(0x11);
    memset(hello->node.bytes, 0x22, sizeof hello->node.bytes);
    hello->nonce = 0x0102030405060708u;
    hello->listen_port = 7333;
    hello->features = 5;
    hello->tip.id = block_id(0x33);
    hello->tip.height = 300;
    hello->tip.work = (ez_work){{256, 0, 0, 0}};
    hello->user_agent = agent;
    hello->user_agent_size = sizeof agent - 1;
}

static ez_header header_2(void)
{
    ez_header header = {.version = 1, .index = 2, .previous = block_id(0x44)};
    memset(&header.merkle_root, 0x55, sizeof header.merkle_root);
    header.timestamp = 1795349323435114u;
    header.bits = 0x1f00ffff;
    header.proof = 35293;
    return header;
}

static ez_header header_3(void)
{
    ez_header header = {.version = 1, .index = 3, .previous = block_id(0x66)};
    memset(&header.merkle_root, 0x77, sizeof header.merkle_root);
    header.timestamp = 1795349333000000u;
    header.bits = 0x1f00ffff;
    header.proof = UINT64_MAX;
    return header;
}

static void make_addresses(ez_message *out)
{
    static ez_known_address list[2];
    bool parsed = ez_endpoint_parse(&list[0].endpoint, "127.0.0.1:7333") &&
                  ez_endpoint_parse(&list[1].endpoint, "[::1]:7334");
    EZ_ASSERT(parsed);
    list[0].age_s = 60;
    out->as.addresses.list = list;
    out->as.addresses.count = 2;
}

static const ez_byte_span *two_txs(void)
{
    static uint8_t first[69], second[135];
    static ez_byte_span list[2];
    list[0] = bytes_of(first, 0xa1, sizeof first);
    list[1] = bytes_of(second, 0xa2, sizeof second);
    return list;
}

static void make_tx_ids(ez_message *out)
{
    static ez_tx_id announced[2], wanted, missing;
    announced[0] = tx_id(0x81);
    announced[1] = tx_id(0x82);
    wanted = tx_id(0x82);
    missing = tx_id(0x83);
    out->as.tx_ids.count = out->type == EZ_MSG_ANNOUNCE_TXS ? 2 : 1;
    out->as.tx_ids.list = out->type == EZ_MSG_ANNOUNCE_TXS ? announced
                          : out->type == EZ_MSG_GET_TXS    ? &wanted
                                                           : &missing;
}

static void make_headers(ez_message *out)
{
    static ez_header list[2];
    list[0] = header_2();
    list[1] = header_3();
    out->as.headers.list = list;
    out->as.headers.count = 2;
}

static void make_locator(ez_message *out)
{
    static ez_block_id locator[3];
    for (uint8_t i = 0; i < 3; i++) {
        locator[i] = block_id((uint8_t)(0x33 + i));
    }
    out->as.get_headers.locator = locator;
    out->as.get_headers.count = 3;
}

static void make_announce_block(ez_message *out)
{
    static const uint64_t short_ids[] = {1, 0x1122334455667788u};
    static uint8_t reward[69];
    out->as.announce_block.header = header_2();
    out->as.announce_block.short_ids = short_ids;
    out->as.announce_block.short_id_count = 2;
    out->as.announce_block.reward = bytes_of(reward, 0xa3, sizeof reward);
}

static void make_block_ids(ez_message *out)
{
    static ez_block_id wanted[2], missing;
    wanted[0] = block_id(0x44);
    wanted[1] = missing = block_id(0x66);
    out->as.block_ids.list = out->type == EZ_MSG_GET_BODIES ? wanted : &missing;
    out->as.block_ids.count = out->type == EZ_MSG_GET_BODIES ? 2 : 1;
}

static void make_body(ez_message *out)
{
    static uint8_t bytes[204];
    out->as.body.id = block_id(0x44);
    out->as.body.bytes = bytes_of(bytes, 0xa3, sizeof bytes);
}

static void make_get_parts(ez_message *out)
{
    static const uint32_t positions[] = {0, 1, 9999};
    out->as.get_parts.id = block_id(0x44);
    out->as.get_parts.positions = positions;
    out->as.get_parts.count = 3;
}

static void make_short_ids(ez_message *out)
{
    static const uint64_t hinted[] = {2, 0x1122334455667788u};
    bool hints = out->type == EZ_MSG_HINT_TXS;
    out->as.short_ids.list = hints ? hinted : hinted + 1;
    out->as.short_ids.count = hints ? 2 : 1;
}

static void make(ez_message *out)
{
    static const char text[] = "too early";
    switch (out->type) {
    case EZ_MSG_HELLO:
        make_hello(&out->as.hello);
        return;
    case EZ_MSG_READY:
    case EZ_MSG_GET_ADDRESSES:
        return;
    case EZ_MSG_GOODBYE:
        out->as.goodbye.reason = EZ_GOODBYE_MESSAGE_ORDER;
        out->as.goodbye.text = text;
        out->as.goodbye.text_size = sizeof text - 1;
        return;
    case EZ_MSG_PING:
    case EZ_MSG_PONG:
        out->as.ping.nonce = 0x0102030405060708u;
        return;
    case EZ_MSG_ADDRESSES:
        make_addresses(out);
        return;
    case EZ_MSG_ANNOUNCE_TXS:
    case EZ_MSG_GET_TXS:
    case EZ_MSG_MISSING_TXS:
        make_tx_ids(out);
        return;
    case EZ_MSG_TXS:
        out->as.txs.list = two_txs();
        out->as.txs.count = 2;
        out->as.txs.tree = 300;
        return;
    case EZ_MSG_GET_HEADERS:
        make_locator(out);
        return;
    case EZ_MSG_HEADERS:
        make_headers(out);
        return;
    case EZ_MSG_ANNOUNCE_BLOCK:
        make_announce_block(out);
        return;
    case EZ_MSG_GET_BODIES:
    case EZ_MSG_MISSING_BODIES:
        make_block_ids(out);
        return;
    case EZ_MSG_BODY:
        make_body(out);
        return;
    case EZ_MSG_GET_PARTS:
        make_get_parts(out);
        return;
    case EZ_MSG_PARTS:
        out->as.parts.id = block_id(0x44);
        out->as.parts.list = two_txs();
        out->as.parts.count = 2;
        return;
    case EZ_MSG_HINT_TXS:
    case EZ_MSG_GRAFT_TXS:
        make_short_ids(out);
        return;
    case EZ_MSG_PRUNE:
        out->as.tree.number = 300;
        return;
    case EZ_MSG_GROW:
        out->as.tree.number = EZ_TREES_MAX;
        return;
    }
}

const ez_message *sample_message(ez_message_type type)
{
    static ez_message samples[EZ_MESSAGE_TYPES];
    samples[type].type = type;
    make(&samples[type]);
    return &samples[type];
}

/* ---- comparing ---------------------------------------------------------------------------- */

static bool bytes_are_equal(const void *a, size_t a_size, const void *b, size_t b_size)
{
    return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static bool spans_are_equal(const ez_byte_span *a, size_t a_count, const ez_byte_span *b,
                            size_t b_count)
{
    bool is_equal = a_count == b_count;
    for (size_t i = 0; is_equal && i < a_count; i++) {
        is_equal = bytes_are_equal(a[i].data, a[i].size, b[i].data, b[i].size);
    }
    return is_equal;
}

static bool headers_are_equal(const ez_header *a, const ez_header *b)
{
    return a->version == b->version && a->index == b->index &&
           ez_block_id_is_equal(&a->previous, &b->previous) &&
           ez_hash_is_equal(&a->merkle_root, &b->merkle_root) && a->timestamp == b->timestamp &&
           a->bits == b->bits && a->proof == b->proof;
}

static bool hellos_are_equal(const ez_hello *a, const ez_hello *b)
{
    return a->protocol == b->protocol && ez_block_id_is_equal(&a->network, &b->network) &&
           ez_public_key_is_equal(&a->node, &b->node) && a->nonce == b->nonce &&
           a->listen_port == b->listen_port && a->features == b->features &&
           ez_block_id_is_equal(&a->tip.id, &b->tip.id) && a->tip.height == b->tip.height &&
           memcmp(&a->tip.work, &b->tip.work, sizeof a->tip.work) == 0 &&
           bytes_are_equal(a->user_agent, a->user_agent_size, b->user_agent, b->user_agent_size);
}

static bool addresses_are_equal(const ez_message *a, const ez_message *b)
{
    bool is_equal = a->as.addresses.count == b->as.addresses.count;
    for (size_t i = 0; is_equal && i < a->as.addresses.count; i++) {
        const ez_known_address *one = &a->as.addresses.list[i], *two = &b->as.addresses.list[i];
        is_equal = ez_endpoint_is_equal(&one->endpoint, &two->endpoint) && one->age_s == two->age_s;
    }
    return is_equal;
}

static bool header_lists_are_equal(const ez_message *a, const ez_message *b)
{
    bool is_equal = a->as.headers.count == b->as.headers.count;
    for (size_t i = 0; is_equal && i < a->as.headers.count; i++) {
        is_equal = headers_are_equal(&a->as.headers.list[i], &b->as.headers.list[i]);
    }
    return is_equal;
}

static bool announcements_are_equal(const ez_message *a, const ez_message *b)
{
    return headers_are_equal(&a->as.announce_block.header, &b->as.announce_block.header) &&
           bytes_are_equal(a->as.announce_block.short_ids, a->as.announce_block.short_id_count * 8,
                           b->as.announce_block.short_ids,
                           b->as.announce_block.short_id_count * 8) &&
           bytes_are_equal(a->as.announce_block.reward.data, a->as.announce_block.reward.size,
                           b->as.announce_block.reward.data, b->as.announce_block.reward.size);
}

bool message_is_equal(const ez_message *a, const ez_message *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case EZ_MSG_HELLO:
        return hellos_are_equal(&a->as.hello, &b->as.hello);
    case EZ_MSG_READY:
    case EZ_MSG_GET_ADDRESSES:
        return true;
    case EZ_MSG_GOODBYE:
        return a->as.goodbye.reason == b->as.goodbye.reason &&
               bytes_are_equal(a->as.goodbye.text, a->as.goodbye.text_size, b->as.goodbye.text,
                               b->as.goodbye.text_size);
    case EZ_MSG_PING:
    case EZ_MSG_PONG:
        return a->as.ping.nonce == b->as.ping.nonce;
    case EZ_MSG_ADDRESSES:
        return addresses_are_equal(a, b);
    case EZ_MSG_ANNOUNCE_TXS:
    case EZ_MSG_GET_TXS:
    case EZ_MSG_MISSING_TXS:
        return bytes_are_equal(a->as.tx_ids.list, a->as.tx_ids.count * 32, b->as.tx_ids.list,
                               b->as.tx_ids.count * 32);
    case EZ_MSG_TXS:
        return a->as.txs.tree == b->as.txs.tree &&
               spans_are_equal(a->as.txs.list, a->as.txs.count, b->as.txs.list, b->as.txs.count);
    case EZ_MSG_GET_HEADERS:
        return bytes_are_equal(a->as.get_headers.locator, a->as.get_headers.count * 32,
                               b->as.get_headers.locator, b->as.get_headers.count * 32);
    case EZ_MSG_HEADERS:
        return header_lists_are_equal(a, b);
    case EZ_MSG_ANNOUNCE_BLOCK:
        return announcements_are_equal(a, b);
    case EZ_MSG_GET_BODIES:
    case EZ_MSG_MISSING_BODIES:
        return bytes_are_equal(a->as.block_ids.list, a->as.block_ids.count * 32,
                               b->as.block_ids.list, b->as.block_ids.count * 32);
    case EZ_MSG_BODY:
        return ez_block_id_is_equal(&a->as.body.id, &b->as.body.id) &&
               bytes_are_equal(a->as.body.bytes.data, a->as.body.bytes.size, b->as.body.bytes.data,
                               b->as.body.bytes.size);
    case EZ_MSG_GET_PARTS:
        return ez_block_id_is_equal(&a->as.get_parts.id, &b->as.get_parts.id) &&
               bytes_are_equal(a->as.get_parts.positions, a->as.get_parts.count * 4,
                               b->as.get_parts.positions, b->as.get_parts.count * 4);
    case EZ_MSG_PARTS:
        return ez_block_id_is_equal(&a->as.parts.id, &b->as.parts.id) &&
               spans_are_equal(a->as.parts.list, a->as.parts.count, b->as.parts.list,
                               b->as.parts.count);
    case EZ_MSG_HINT_TXS:
    case EZ_MSG_GRAFT_TXS:
        return bytes_are_equal(a->as.short_ids.list, a->as.short_ids.count * 8,
                               b->as.short_ids.list, b->as.short_ids.count * 8);
    case EZ_MSG_PRUNE:
    case EZ_MSG_GROW:
        return a->as.tree.number == b->as.tree.number;
    }
    return false;
}

/* ---- vectors ------------------------------------------------------------------------------ */

static void add_hex(ez_buffer *out, const char *line)
{
    size_t digits = strspn(line, "0123456789abcdef");
    EZ_ASSERT(digits % 2 == 0 && digits <= 64);
    char text[65] = {0};
    memcpy(text, line, digits);
    bool decoded = ez_hex_decode(ez_buffer_reserve(out, digits / 2), digits / 2, text);
    EZ_ASSERT(decoded);
    out->size += digits / 2;
}

bool read_vector(ez_buffer *out, const char *section)
{
    FILE *file = fopen(EZ_TEST_VECTORS "/wire.txt", "r");
    EZ_ASSERT(file != NULL);
    char line[256];
    bool is_inside = false, was_found = false;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "== ", 3) == 0) {
            is_inside = strcmp(line + 3, section) == 0;
            was_found = was_found || is_inside;
        } else if (is_inside && line[0] != '#') {
            add_hex(out, line);
        }
    }
    fclose(file);
    return was_found;
}
