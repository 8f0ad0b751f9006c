/* Transactions: taking them in, where they stand, that they are in a block, and the pool. */
#include "http_internal.h"
#include "listing_internal.h"
#include "routes_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"

#include <stdlib.h>

/* ---- POST /v1/transactions --------------------------------------------------------------- */

static void on_submitted(ez_exchange *exchange, const ez_reply *reply)
{
    bool known = reply->rule == EZ_RULE_TX_POOL_KNOWN;
    if (reply->rule != EZ_RULE_OK && !known) {
        ez_respond_rule(exchange, reply->rule);
        return;
    }
    char location[32 + EZ_HASH_TEXT_BYTES] = "/v1/transactions/";
    ez_hash_hex id = ez_hash_text(reply->tx_id.hash.bytes);
    memcpy(location + strlen(location), id.text, sizeof id.text);
    ez_respond_header(exchange, "Location", location);
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_text(&writer, "id", id.text);
    ez_json_u64(&writer, "next_height", reply->next_height);
    ez_json_end_object(&writer);
    /* Sent twice is as good as sent once: 200 tells that nothing new came of it. */
    ez_respond_json(exchange, known ? 200 : 201, &writer);
}

void ez_route_submit(ez_exchange *exchange)
{
    json_t *root = ez_exchange_object(exchange);
    if (root == NULL) {
        return;
    }
    const json_t *value = json_object_get(root, "transaction");
    const char *text = json_string_value(value);
    size_t size = json_string_length(value) / 2;
    uint8_t bytes[EZ_TX_BYTES_MAX];
    if (text == NULL || size > sizeof bytes || !ez_hex_decode(bytes, size, text)) {
        ez_respond_problem(exchange, 400, "tx-malformed",
                           "transaction must be the hex digits of a canonical transaction");
    } else {
        ez_exchange_wait(exchange, on_submitted);
        ez_http_command(exchange->http, &(ez_command){.type = EZ_COMMAND_SUBMIT_TX,
                                                      .request = exchange->number,
                                                      .bytes = {bytes, size}});
    }
    json_decref(root);
}

/* ---- GET /v1/transactions/{id} ----------------------------------------------------------- */

static void not_found(ez_exchange *exchange)
{
    ez_respond_problem(exchange, 404, "not-found",
                       "no such transaction in this node's chain or pool");
}

static void block_is_away(ez_exchange *exchange)
{
    ez_respond_busy(exchange, "the block of this transaction is not at hand; try again");
}

static void write_tx(ez_json_writer *writer, const char *key, const ez_byte_span *bytes,
                     const ez_tx_id *id, ez_tx_context *context)
{
    ez_reader reader;
    ez_tx tx;
    ez_reader_init(&reader, bytes->data, bytes->size);
    if (ez_tx_decode(&tx, &reader) == EZ_RULE_OK) {
        ez_tx_write(writer, key, &tx, id, context);
    } else {
        ez_json_null(writer, key); /* only checked bytes get here */
    }
}

static void answer_confirmed(ez_exchange *exchange, const ez_tx_id *id, const ez_tx_place *place)
{
    const ez_node *node = exchange->http->config.node;
    ez_block_info info;
    ez_blob *body = ez_node_body(node, &place->block);
    if (body == NULL || !ez_node_block_by_id(node, &info, &place->block) ||
        ez_blob_size(body) < place->offset || ez_blob_size(body) - place->offset < place->size) {
        ez_blob_unref(body);
        block_is_away(exchange);
        return;
    }
    ez_byte_span raw = {ez_blob_data(body) + place->offset, place->size};
    ez_json_writer writer = {.depth = 0};
    write_tx(
        &writer, NULL, &raw, id,
        &(ez_tx_context){
            .standing = true, .place = place, .confirmations = info.confirmations, .raw = &raw});
    ez_blob_unref(body);
    ez_respond_json(exchange, 200, &writer);
}

static void answer_pooled(ez_exchange *exchange, const ez_pool_entry *entry)
{
    ez_byte_span raw = {ez_blob_data(entry->bytes), ez_blob_size(entry->bytes)};
    ez_json_writer writer = {.depth = 0};
    write_tx(&writer, NULL, &raw, &entry->id,
             &(ez_tx_context){.standing = true, .place = NULL, .raw = &raw});
    ez_respond_json(exchange, 200, &writer);
}

void ez_route_transaction(ez_exchange *exchange)
{
    const ez_node *node = exchange->http->config.node;
    ez_tx_id id;
    ez_tx_place place;
    if (!ez_exchange_hash(exchange, &id.hash, "a transaction id")) {
        return;
    }
    if (ez_node_find_tx(node, &place, &id)) {
        answer_confirmed(exchange, &id, &place);
        return;
    }
    const ez_pool_entry *entry = ez_pool_find(ez_node_pool(node), &id);
    if (entry != NULL) {
        answer_pooled(exchange, entry);
    } else {
        not_found(exchange);
    }
}

/* ---- GET /v1/transactions/{id}/proof ----------------------------------------------------- */

/* The ids of a block's transactions, gathered over as many turns as it takes. */
typedef struct proof_ids {
    ez_listing listing; /* writes nothing on the way */
    ez_tx_place place;
    ez_block_info info;
    ez_blob *body;
    size_t offset; /* of the next transaction in the body */
    ez_tx_id *ids;
    size_t count, capacity;
} proof_ids;

static void clear_proof(ez_listing *listing)
{
    proof_ids *list = (proof_ids *)listing;
    free(list->ids);
    ez_blob_unref(list->body);
}

static bool add_id(ez_exchange *exchange, ez_listing *listing)
{
    proof_ids *list = (proof_ids *)listing;
    const ez_network *network = ez_node_network(exchange->http->config.node);
    const uint8_t *data = ez_blob_data(list->body) + list->offset;
    size_t left = ez_blob_size(list->body) - list->offset;
    ez_reader reader;
    ez_tx tx;
    ez_reader_init(&reader, data, left);
    if (left == 0 || ez_tx_decode(&tx, &reader) != EZ_RULE_OK) {
        return false;
    }
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        list->ids = ez_realloc(list->ids, list->capacity, sizeof *list->ids);
    }
    ez_tx_id_of(&list->ids[list->count++], &network->genesis_id, data, reader.at);
    list->offset += reader.at;
    return true;
}

static void write_proof(ez_json_writer *writer, const ez_block_info *info, const ez_tx_id *ids,
                        size_t count, size_t index, const ez_byte_span *raw)
{
    ez_hash path[EZ_MERKLE_PROOF_MAX];
    size_t steps = ez_merkle_proof(path, ids, count, index);
    uint8_t header[EZ_HEADER_BYTES];
    ez_header_encode(header, &info->header);
    ez_json_begin_object(writer, NULL);
    ez_json_begin_object(writer, "block");
    ez_json_hex(writer, "hash", info->id.hash.bytes, EZ_HASH_BYTES);
    ez_json_hex(writer, "header", header, sizeof header);
    ez_json_u64(writer, "height", info->header.index);
    ez_json_end_object(writer);
    ez_json_u64(writer, "count", count);
    ez_json_hex(writer, "id", ids[index].hash.bytes, EZ_HASH_BYTES);
    ez_json_u64(writer, "index", index);
    ez_json_hex(writer, "merkle_root", info->header.merkle_root.bytes, EZ_HASH_BYTES);
    ez_json_begin_list(writer, "path");
    for (size_t i = 0; i < steps; i++) {
        ez_json_hex(writer, NULL, path[i].bytes, EZ_HASH_BYTES);
    }
    ez_json_end_list(writer);
    ez_json_hex(writer, "raw", raw->data, raw->size);
    ez_json_end_object(writer);
}

static void finish_proof(ez_exchange *exchange, ez_listing *listing)
{
    proof_ids *list = (proof_ids *)listing;
    const ez_tx_place *place = &list->place;
    if (place->position >= list->count || ez_blob_size(list->body) < place->offset ||
        ez_blob_size(list->body) - place->offset < place->size) {
        block_is_away(exchange);
        return;
    }
    ez_byte_span raw = {ez_blob_data(list->body) + place->offset, place->size};
    write_proof(&listing->writer, &list->info, list->ids, list->count, place->position, &raw);
    ez_respond_json(exchange, 200, &listing->writer);
}

static void begin_proof(ez_exchange *exchange, const ez_tx_place *place)
{
    const ez_node *node = exchange->http->config.node;
    ez_block_info info;
    ez_blob *body = ez_node_body(node, &place->block);
    if (body == NULL || !ez_node_block_by_id(node, &info, &place->block)) {
        ez_blob_unref(body);
        block_is_away(exchange);
        return;
    }
    proof_ids *list = ez_alloc(1, sizeof *list);
    *list = (proof_ids){
        .listing = {.add = add_id, .finish = finish_proof, .clear = clear_proof},
        .place = *place,
        .info = info,
        .body = body,
    };
    exchange->held = ez_blob_size(body);
    ez_listing_begin(exchange, &list->listing);
}

void ez_route_proof(ez_exchange *exchange)
{
    const ez_node *node = exchange->http->config.node;
    ez_tx_id id;
    ez_tx_place place;
    if (!ez_exchange_hash(exchange, &id.hash, "a transaction id")) {
        return;
    }
    if (ez_node_find_tx(node, &place, &id)) {
        begin_proof(exchange, &place);
    } else if (ez_pool_find(ez_node_pool(node), &id) != NULL) {
        ez_respond_problem(exchange, 404, "not-in-a-block",
                           "this transaction waits in the pool; a proof needs a block");
    } else {
        not_found(exchange);
    }
}

/* ---- GET /v1/mempool --------------------------------------------------------------------- */

typedef struct pool_list {
    ez_listing listing;
    bool resumes; /* behind `after`, else from the start */
    uint64_t after, left;
} pool_list;

/* By arrival, since an entry may leave the pool between two turns. */
static const ez_pool_entry *next_entry(const ez_exchange *exchange, const pool_list *list)
{
    const ez_pool *pool = ez_node_pool(exchange->http->config.node);
    return list->resumes ? ez_pool_after(pool, list->after) : ez_pool_first(pool);
}

static bool add_pooled(ez_exchange *exchange, ez_listing *listing)
{
    pool_list *list = (pool_list *)listing;
    const ez_pool_entry *entry = list->left > 0 ? next_entry(exchange, list) : NULL;
    if (entry == NULL) {
        return false;
    }
    ez_byte_span bytes = {ez_blob_data(entry->bytes), ez_blob_size(entry->bytes)};
    write_tx(&listing->writer, NULL, &bytes, &entry->id, &(ez_tx_context){.standing = false});
    list->after = entry->arrival;
    list->resumes = true;
    list->left--;
    return true;
}

static void finish_pool(ez_exchange *exchange, ez_listing *listing)
{
    const pool_list *list = (const pool_list *)listing;
    const ez_pool *pool = ez_node_pool(exchange->http->config.node);
    ez_json_writer writer = {.depth = 0};
    ez_json_end_list(&listing->writer);
    ez_json_begin_object(&writer, NULL);
    ez_json_u64(&writer, "bytes", ez_pool_bytes(pool));
    ez_json_u64(&writer, "count", ez_pool_count(pool));
    if (next_entry(exchange, list) != NULL) {
        ez_json_u64(&writer, "next", list->after);
    } else {
        ez_json_null(&writer, "next");
    }
    ez_listing_value(&writer, "transactions", listing);
    ez_json_end_object(&writer);
    ez_respond_json(exchange, 200, &writer);
}

void ez_route_mempool(ez_exchange *exchange)
{
    uint64_t after = 0, limit = 0;
    if (!ez_exchange_limit(exchange, &limit, 100) ||
        !ez_exchange_u64(exchange, &after, "after", 0, 0, EZ_AMOUNT_MAX)) {
        return;
    }
    pool_list *list = ez_alloc(1, sizeof *list);
    *list = (pool_list){.listing = {.add = add_pooled, .finish = finish_pool},
                        .resumes = ez_query_get(&exchange->query, "after") != NULL,
                        .after = after,
                        .left = limit};
    ez_json_begin_list(&list->listing.writer, NULL);
    ez_listing_begin(exchange, &list->listing);
}
