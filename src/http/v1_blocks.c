/* Blocks by the node's own ids. */
#include "http_internal.h"
#include "listing_internal.h"
#include "routes_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/header.h"

/* The fields that a header and its place give, keys before "size" in order. */
static void write_block(ez_json_writer *writer, const ez_block_info *info)
{
    ez_json_bool(writer, "active", info->active);
    ez_json_u64(writer, "bits", info->header.bits);
    ez_json_u64(writer, "confirmations", info->confirmations);
    ez_json_hex(writer, "hash", info->id.hash.bytes, EZ_HASH_BYTES);
    ez_json_u64(writer, "height", info->header.index);
    ez_json_bool(writer, "invalid", info->invalid);
    ez_json_hex(writer, "merkle_root", info->header.merkle_root.bytes, EZ_HASH_BYTES);
}

static void write_rest(ez_json_writer *writer, const ez_block_info *info)
{
    ez_json_u64(writer, "version", info->header.version);
    if (info->has_view_hash) {
        ez_json_hex(writer, "view_hash", info->view_hash.bytes, EZ_HASH_BYTES);
    } else {
        ez_json_null(writer, "view_hash");
    }
    ez_json_text(writer, "work", ez_work_text(&info->work).text);
}

static void write_summary(ez_json_writer *writer, const ez_block_info *info)
{
    ez_json_begin_object(writer, NULL);
    write_block(writer, info);
    ez_json_hex(writer, "previous_hash", info->header.previous.hash.bytes, EZ_HASH_BYTES);
    ez_json_u64(writer, "proof", info->header.proof);
    ez_json_u64(writer, "timestamp", info->header.timestamp);
    write_rest(writer, info);
    ez_json_end_object(writer);
}

/* ---- GET /v1/blocks ---------------------------------------------------------------------- */

typedef struct blocks_list {
    ez_listing listing;
    uint64_t next, end; /* heights */
} blocks_list;

static bool add_block(ez_exchange *exchange, ez_listing *listing)
{
    blocks_list *list = (blocks_list *)listing;
    ez_block_info info;
    if (list->next == list->end ||
        !ez_node_block_at(exchange->http->config.node, &info, list->next)) {
        return false;
    }
    write_summary(&listing->writer, &info);
    list->next++;
    return true;
}

static void finish_blocks(ez_exchange *exchange, ez_listing *listing)
{
    ez_json_writer *writer = &listing->writer;
    const blocks_list *list = (const blocks_list *)listing;
    ez_node_status status;
    ez_node_get_status(exchange->http->config.node, &status);
    ez_json_end_list(writer);
    if (list->next <= status.tip.height) {
        ez_json_u64(writer, "next", list->next);
    } else {
        ez_json_null(writer, "next");
    }
    ez_json_end_object(writer);
    ez_respond_json(exchange, 200, writer);
}

void ez_route_blocks(ez_exchange *exchange)
{
    ez_node_status status;
    uint64_t from = 0, limit = 0;
    ez_node_get_status(exchange->http->config.node, &status);
    if (!ez_exchange_limit(exchange, &limit, 50)) {
        return;
    }
    uint64_t latest = status.tip.height > limit ? status.tip.height - limit + 1 : 1;
    if (!ez_exchange_u64(exchange, &from, "from", latest, 1, EZ_AMOUNT_MAX)) {
        return;
    }
    blocks_list *list = ez_alloc(1, sizeof *list);
    *list = (blocks_list){
        .listing = {.add = add_block, .finish = finish_blocks}, .next = from, .end = from + limit};
    ez_json_begin_object(&list->listing.writer, NULL);
    ez_json_begin_list(&list->listing.writer, "blocks");
    ez_listing_begin(exchange, &list->listing);
}

/* ---- GET /v1/blocks/{block} -------------------------------------------------------------- */

/* "64 hex digits" is a hash, fewer decimal digits are a height. */
static bool find_block(ez_exchange *exchange, ez_block_info *out)
{
    const ez_node *node = exchange->http->config.node;
    ez_block_id id;
    uint64_t height = 0;
    bool found = false;
    if (ez_hex_decode(id.hash.bytes, EZ_HASH_BYTES, exchange->param)) {
        found = ez_node_block_by_id(node, out, &id);
    } else if (ez_u64_parse(&height, exchange->param)) {
        found = ez_node_block_at(node, out, height);
    } else {
        ez_respond_problem(exchange, 400, "parameter",
                           "a block is named by its height or by the 64 hex digits of its hash");
        return false;
    }
    if (!found) {
        ez_respond_problem(exchange, 404, "not-found", "no such block is known here");
    }
    return found;
}

typedef struct block_txs {
    ez_listing listing;
    ez_block_info info;
    ez_blob *body;
    size_t offset; /* of the next transaction in the body */
    uint64_t position, from, limit;
} block_txs;

static void clear_block_txs(ez_listing *listing)
{
    ez_blob_unref(((block_txs *)listing)->body);
}

/* Each transaction is read, since only so their number is known; those of the page are written. */
static bool add_tx(ez_exchange *exchange, ez_listing *listing)
{
    block_txs *list = (block_txs *)listing;
    const ez_network *network = ez_node_network(exchange->http->config.node);
    const uint8_t *data = ez_blob_data(list->body) + list->offset;
    size_t left = ez_blob_size(list->body) - list->offset;
    ez_reader reader;
    ez_tx tx;
    ez_reader_init(&reader, data, left);
    if (left == 0 || ez_tx_decode(&tx, &reader) != EZ_RULE_OK) {
        return false;
    }
    if (list->position >= list->from && list->position - list->from < list->limit) {
        ez_tx_id id;
        ez_tx_id_of(&id, &network->genesis_id, data, reader.at);
        ez_tx_write(&listing->writer, NULL, &tx, &id, &(ez_tx_context){.standing = false});
    }
    list->offset += reader.at;
    list->position++;
    return true;
}

/* The list was written before its count was known, but its key sorts behind. */
static void finish_block(ez_exchange *exchange, ez_listing *listing)
{
    block_txs *list = (block_txs *)listing;
    const ez_block_info *info = &list->info;
    ez_json_writer whole = {.depth = 0}, *writer = &whole;
    ez_json_end_list(&listing->writer);
    ez_json_begin_object(writer, NULL);
    write_block(writer, info);
    if (list->position > list->from && list->position - list->from > list->limit) {
        ez_json_u64(writer, "next", list->from + list->limit);
    } else {
        ez_json_null(writer, "next");
    }
    ez_json_hex(writer, "previous_hash", info->header.previous.hash.bytes, EZ_HASH_BYTES);
    ez_json_u64(writer, "proof", info->header.proof);
    ez_json_u64(writer, "size", ez_blob_size(list->body));
    ez_json_u64(writer, "timestamp", info->header.timestamp);
    ez_json_u64(writer, "transaction_count", list->position);
    ez_listing_value(writer, "transactions", listing);
    write_rest(writer, info);
    ez_json_end_object(writer);
    ez_respond_json(exchange, 200, writer);
}

void ez_route_block(ez_exchange *exchange)
{
    ez_block_info info;
    uint64_t from = 0, limit = 0;
    if (!find_block(exchange, &info) ||
        !ez_exchange_u64(exchange, &from, "from", 0, 0, EZ_AMOUNT_MAX) ||
        !ez_exchange_limit(exchange, &limit, 100)) {
        return;
    }
    ez_blob *body = ez_http_body(exchange->http, &info.header, &info.id);
    if (body == NULL) {
        ez_json_writer writer = {.depth = 0};
        write_summary(&writer, &info); /* of a branch whose bodies were never fetched */
        ez_respond_json(exchange, 200, &writer);
        return;
    }
    block_txs *list = ez_alloc(1, sizeof *list);
    *list = (block_txs){
        .listing = {.add = add_tx, .finish = finish_block, .clear = clear_block_txs},
        .info = info,
        .body = body,
        .from = from,
        .limit = limit,
    };
    exchange->held = ez_blob_size(body);
    ez_json_begin_list(&list->listing.writer, NULL);
    ez_listing_begin(exchange, &list->listing);
}
