/* Blocks by the node's own ids. */
#include "http_internal.h"
#include "routes_internal.h"

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

void ez_route_blocks(ez_exchange *exchange)
{
    const ez_node *node = exchange->http->config.node;
    ez_node_status status;
    uint64_t from = 0, limit = 0;
    ez_node_get_status(node, &status);
    if (!ez_exchange_limit(exchange, &limit, 50)) {
        return;
    }
    uint64_t latest = status.tip.height > limit ? status.tip.height - limit + 1 : 1;
    if (!ez_exchange_u64(exchange, &from, "from", latest, 1, EZ_AMOUNT_MAX)) {
        return;
    }
    ez_json_writer writer = {.depth = 0};
    ez_block_info info;
    uint64_t height = from;
    ez_json_begin_object(&writer, NULL);
    ez_json_begin_list(&writer, "blocks");
    for (; height - from < limit && ez_node_block_at(node, &info, height); height++) {
        write_summary(&writer, &info);
    }
    ez_json_end_list(&writer);
    if (height <= status.tip.height) {
        ez_json_u64(&writer, "next", height);
    } else {
        ez_json_null(&writer, "next");
    }
    ez_json_end_object(&writer);
    ez_respond_json(exchange, 200, &writer);
}

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

/* The transactions of a body from position `from` on.
 *   returns  how many the body has in all */
static uint64_t write_transactions(ez_json_writer *writer, const ez_http *http, const ez_blob *body,
                                   uint64_t from, uint64_t limit)
{
    const ez_network *network = ez_node_network(http->config.node);
    ez_reader reader;
    ez_reader_init(&reader, ez_blob_data(body), ez_blob_size(body));
    uint64_t position = 0;
    ez_json_begin_list(writer, NULL);
    for (; !ez_reader_is_done(&reader); position++) {
        size_t start = reader.at;
        ez_tx tx;
        if (ez_tx_decode(&tx, &reader) != EZ_RULE_OK) {
            break;
        }
        if (position >= from && position - from < limit) {
            ez_tx_id id;
            ez_tx_id_of(&id, &network->genesis_id, reader.data + start, reader.at - start);
            ez_tx_write(writer, NULL, &tx, &id, &(ez_tx_context){.standing = false});
        }
    }
    ez_json_end_list(writer);
    return position;
}

/* The list is written before its count is known, but its key sorts behind: so it goes into a writer
 * of its own. */
static void write_whole(ez_json_writer *writer, const ez_http *http, const ez_block_info *info,
                        const ez_blob *body, uint64_t from, uint64_t limit)
{
    ez_json_writer list = {.depth = 0};
    uint64_t count = write_transactions(&list, http, body, from, limit);
    ez_json_begin_object(writer, NULL);
    write_block(writer, info);
    if (count > from && count - from > limit) {
        ez_json_u64(writer, "next", from + limit);
    } else {
        ez_json_null(writer, "next");
    }
    ez_json_hex(writer, "previous_hash", info->header.previous.hash.bytes, EZ_HASH_BYTES);
    ez_json_u64(writer, "proof", info->header.proof);
    ez_json_u64(writer, "size", ez_blob_size(body));
    ez_json_u64(writer, "timestamp", info->header.timestamp);
    ez_json_u64(writer, "transaction_count", count);
    ez_buffer *out = ez_json_value(writer, "transactions");
    ez_buffer_add(out, list.out.data, list.out.size);
    write_rest(writer, info);
    ez_json_end_object(writer);
    ez_buffer_clear(&list.out);
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
    ez_json_writer writer = {.depth = 0};
    if (body == NULL) {
        write_summary(&writer, &info); /* of a branch whose bodies were never fetched */
    } else {
        write_whole(&writer, exchange->http, &info, body, from, limit);
        ez_blob_unref(body);
    }
    ez_respond_json(exchange, 200, &writer);
}
