/* Chains made by tests, and strangers that serve them. */
#include "support_world.h"

#include "ezp2p/base/siphash.h"

/* ---- chains ---------------------------------------------------------------------------------- */

test_chain *chain_new(const ez_network *network)
{
    test_chain *const chain = ez_alloc(1, sizeof(*chain));
    chain->network = network;
    return chain;
}

void chain_free(test_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        ez_block_unref(chain->blocks[i]);
    }
    free(chain);
}

const ez_header *chain_tip(const test_chain *chain)
{
    return chain->count == 0 ? &chain->network->genesis : &chain->blocks[chain->count - 1]->header;
}

ez_block_id chain_tip_id(const test_chain *chain)
{
    ez_block_id id;
    ez_header_id(&id, chain_tip(chain));
    return id;
}

void chain_take(test_chain *chain, ez_block *block)
{
    EZ_ASSERT(chain->count < CHAIN_MAX);
    const ez_work work = ez_work_from_bits(block->header.bits);
    chain->blocks[chain->count++] = block;
    chain->work = ez_work_add(&chain->work, &work);
}

const ez_block *chain_add(test_chain *chain, uint32_t miner, const fixture_tx *txs, size_t count)
{
    const ez_keypair pair = fixture_keypair(miner);
    chain_take(chain,
               fixture_block_on(chain->network, chain_tip(chain), &pair.public_key, txs, count));
    return chain->blocks[chain->count - 1];
}

void chain_grow(test_chain *chain, uint32_t miner, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        chain_add(chain, miner, NULL, 0);
    }
}

test_chain *chain_fork(const test_chain *from, size_t count)
{
    test_chain *const chain = chain_new(from->network);
    EZ_ASSERT(count <= from->count);
    for (size_t i = 0; i < count; i++) {
        chain_take(chain, ez_block_ref(from->blocks[i]));
    }
    return chain;
}

/* ---- messages -------------------------------------------------------------------------------- */

void send_headers(ez_stranger *stranger, const ez_header *headers, size_t count)
{
    ez_message message = {.type = EZ_MSG_HEADERS};
    message.as.headers.list = headers;
    message.as.headers.count = count;
    ez_stranger_send(stranger, &message);
}

void send_chain_headers(ez_stranger *stranger, const test_chain *chain, size_t from, size_t count)
{
    ez_header *const headers = ez_alloc(count + 1, sizeof(*headers));
    for (size_t i = 0; i < count; i++) {
        headers[i] = chain->blocks[from + i]->header;
    }
    send_headers(stranger, headers, count);
    free(headers);
}

void send_body(ez_stranger *stranger, const ez_block *block)
{
    ez_message message = {.type = EZ_MSG_BODY};
    message.as.body.id = block->id;
    message.as.body.bytes = (ez_byte_span){ez_blob_data(block->body), ez_blob_size(block->body)};
    ez_stranger_send(stranger, &message);
}

uint64_t short_id_of(const ez_block_id *block, const ez_tx_id *tx)
{
    ez_siphash_key key;
    memcpy(&key, block->hash.bytes, sizeof(key)); /* both little-endian, as the protocol has it */
    return ez_siphash(&key, tx, sizeof(*tx));
}

void send_announcement(ez_stranger *stranger, const ez_block *block)
{
    uint64_t *const ids = ez_alloc(block->tx_count, sizeof(*ids));
    const ez_block_tx *const reward = &block->txs[block->tx_count - 1];
    ez_message message = {.type = EZ_MSG_ANNOUNCE_BLOCK};
    for (uint32_t i = 0; i + 1 < block->tx_count; i++) {
        ids[i] = short_id_of(&block->id, &block->txs[i].id);
    }
    message.as.announce_block.header = block->header;
    message.as.announce_block.short_ids = ids;
    message.as.announce_block.short_id_count = block->tx_count - 1;
    message.as.announce_block.reward =
        (ez_byte_span){ez_blob_data(block->body) + reward->offset, reward->size};
    ez_stranger_send(stranger, &message);
    free(ids);
}

void send_ids(ez_stranger *stranger, ez_message_type type, const void *ids, size_t count)
{
    ez_message message = {.type = type};
    if (type == EZ_MSG_GET_BODIES || type == EZ_MSG_MISSING_BODIES) {
        message.as.block_ids.list = ids;
        message.as.block_ids.count = count;
    } else if (type == EZ_MSG_GET_HEADERS) {
        message.as.get_headers.locator = ids;
        message.as.get_headers.count = count;
    } else {
        message.as.tx_ids.list = ids;
        message.as.tx_ids.count = count;
    }
    ez_stranger_send(stranger, &message);
}

void send_txs(ez_stranger *stranger, const fixture_tx *txs, size_t count)
{
    ez_byte_span *const spans = ez_alloc(count, sizeof(*spans));
    ez_message message = {.type = EZ_MSG_TXS};
    for (size_t i = 0; i < count; i++) {
        spans[i] = (ez_byte_span){ez_blob_data(txs[i].bytes), ez_blob_size(txs[i].bytes)};
    }
    message.as.txs.list = spans;
    message.as.txs.count = count;
    ez_stranger_send(stranger, &message);
    free(spans);
}

void send_ping(ez_stranger *stranger, uint64_t nonce)
{
    ez_message message = {.type = EZ_MSG_PING};
    message.as.ping.nonce = nonce;
    ez_stranger_send(stranger, &message);
}

/* ---- serving --------------------------------------------------------------------------------- */

/* The index in the chain of a block id; `count` when it is not there. */
static size_t index_of(const test_chain *chain, const ez_block_id *id)
{
    for (size_t i = chain->count; i-- > 0;) {
        if (ez_block_id_is_equal(&chain->blocks[i]->id, id)) {
            return i;
        }
    }
    return chain->count;
}

static void serve_headers(test_server *server, ez_stranger *stranger, const ez_message *message)
{
    const test_chain *const chain = server->chain;
    size_t from = 0;
    for (size_t i = 0; i < message->as.get_headers.count; i++) {
        const size_t at = index_of(chain, &message->as.get_headers.locator[i]);
        if (at < chain->count) {
            from = at + 1;
            break;
        }
    }
    const size_t left = chain->count - from;
    send_chain_headers(stranger, chain, from, left < EZ_HEADERS_MAX ? left : EZ_HEADERS_MAX);
}

static void serve_spoilt(ez_stranger *stranger, const ez_block *block)
{
    const size_t size = ez_blob_size(block->body);
    uint8_t *const bytes = ez_memdup(ez_blob_data(block->body), size);
    ez_message message = {.type = EZ_MSG_BODY};
    bytes[size - 1] ^= 1;
    message.as.body.id = block->id;
    message.as.body.bytes = (ez_byte_span){bytes, size};
    ez_stranger_send(stranger, &message);
    free(bytes);
}

static void serve_bodies(test_server *server, ez_stranger *stranger, const ez_message *message)
{
    const size_t count = message->as.block_ids.count;
    server->bodies_asked += count;
    if (count > server->bodies_max_at_once) {
        server->bodies_max_at_once = count;
    }
    for (size_t i = 0; i < count && !server->no_bodies; i++) {
        const ez_block_id *const id = &message->as.block_ids.list[i];
        const size_t at = index_of(server->chain, id);
        if (at == server->chain->count || server->says_missing) {
            send_ids(stranger, EZ_MSG_MISSING_BODIES, id, 1);
        } else if (server->spoilt != 0 && at >= server->spoilt) {
            serve_spoilt(stranger, server->chain->blocks[at]);
        } else {
            send_body(stranger, server->chain->blocks[at]);
        }
    }
}

static void serve_parts(test_server *server, ez_stranger *stranger, const ez_message *message)
{
    const size_t at = index_of(server->chain, &message->as.get_parts.id);
    const size_t count = message->as.get_parts.count;
    if (at == server->chain->count || server->no_bodies) {
        return;
    }
    const ez_block *const block = server->chain->blocks[at];
    ez_byte_span *const spans = ez_alloc(count, sizeof(*spans));
    for (size_t i = 0; i < count; i++) {
        const ez_block_tx *const tx = &block->txs[message->as.get_parts.positions[i]];
        spans[i] = (ez_byte_span){ez_blob_data(block->body) + tx->offset, tx->size};
    }
    ez_message reply = {.type = EZ_MSG_PARTS};
    reply.as.parts.id = block->id;
    reply.as.parts.list = spans;
    reply.as.parts.count = count;
    ez_stranger_send(stranger, &reply);
    free(spans);
}

static void serve(void *self, ez_stranger *stranger, const ez_message *message)
{
    test_server *const server = self;
    if (message->type == EZ_MSG_GET_HEADERS) {
        server->headers_asked++;
        if (!server->no_headers) {
            serve_headers(server, stranger, message);
        }
    } else if (message->type == EZ_MSG_GET_BODIES) {
        serve_bodies(server, stranger, message);
    } else if (message->type == EZ_MSG_GET_PARTS) {
        server->parts_asked++;
        serve_parts(server, stranger, message);
    }
}

ez_message hello_claiming(const ez_stranger *stranger, const test_chain *chain)
{
    ez_message hello = ez_stranger_hello(stranger);
    hello.as.hello.tip =
        (ez_tip){.id = chain_tip_id(chain), .height = chain->count + 1, .work = chain->work};
    return hello;
}

ez_stranger *server_join(ez_world *world, size_t host, test_server *server)
{
    ez_stranger *const stranger = ez_stranger_new(world, host, false);
    const ez_message hello = hello_claiming(stranger, server->chain);
    ez_stranger_react(stranger, server, serve);
    cr_assert(ez_stranger_shake(stranger, &hello));
    return stranger;
}
