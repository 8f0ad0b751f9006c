/* How the node is doing, for people, programs and supervisors. */
#include "http_internal.h"
#include "routes_internal.h"

#include "ezp2p/chain/address.h"
#include "ezp2p/chain/header.h"

#define STATUS_BYTES           512 /* about what /v1/status takes */
#define EZ_READY_BLOCKS_BEHIND 10  /* a node this close to its peers serves a useful chain */

static void write_tip(ez_json_writer *writer, const ez_node_status *status)
{
    ez_json_begin_object(writer, "tip");
    ez_json_hex(writer, "hash", status->tip.id.hash.bytes, EZ_HASH_BYTES);
    ez_json_u64(writer, "height", status->tip.height);
    ez_json_u64(writer, "timestamp", status->tip_timestamp);
    ez_json_text(writer, "work", ez_work_text(&status->tip.work).text);
    ez_json_end_object(writer);
}

static void write_counts(ez_json_writer *writer, const ez_http *http, const ez_node_status *status)
{
    ez_json_text(writer, "network", status->network);
    ez_json_text(writer, "node", http->node_text.text);
    if (http->config.p2p_listening) {
        ez_json_text(writer, "p2p", ez_endpoint_text(&http->config.p2p).text);
    } else {
        ez_json_null(writer, "p2p");
    }
    ez_json_begin_object(writer, "peers");
    ez_json_u64(writer, "inbound", status->peers_inbound);
    ez_json_u64(writer, "outbound", status->peers_outbound);
    ez_json_end_object(writer);
}

void ez_route_status(ez_exchange *exchange)
{
    const ez_http *http = exchange->http;
    ez_node_status status;
    ez_node_get_status(http->config.node, &status);
    ez_json_writer writer = {.depth = 0};
    (void)ez_buffer_reserve(&writer.out, STATUS_BYTES);
    ez_json_begin_object(&writer, NULL);
    ez_json_u64(&writer, "best_header_height", status.best_header_height);
    ez_json_begin_object(&writer, "mempool");
    ez_json_u64(&writer, "bytes", status.pool_bytes);
    ez_json_u64(&writer, "count", status.pool_count);
    ez_json_end_object(&writer);
    ez_json_bool(&writer, "mining", status.mining);
    write_counts(&writer, http, &status);
    ez_json_bool(&writer, "syncing", status.syncing);
    write_tip(&writer, &status);
    ez_json_u64(&writer, "uptime_s", (ez_http_now(http).mono - http->started) / 1000);
    ez_json_text(&writer, "version", http->config.version);
    ez_json_end_object(&writer);
    ez_respond_json(exchange, 200, &writer);
}

void ez_route_account(ez_exchange *exchange)
{
    const ez_node *node = exchange->http->config.node;
    ez_public_key key;
    if (!ez_address_parse(&key, exchange->param)) {
        ez_respond_problem(exchange, 400, "address", "this is not an ez1 address");
        return;
    }
    ez_account account;
    ez_node_account(node, &account, &key);
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_text(&writer, "address", ez_address_text(&key).text);
    ez_json_u64(&writer, "balance", account.balance);
    ez_json_u64(&writer, "next_sequence", ez_node_next_sequence(node, &key));
    ez_json_u64(&writer, "sequence", account.sequence);
    ez_json_end_object(&writer);
    ez_respond_json(exchange, 200, &writer);
}

static void answer_ok(ez_exchange *exchange)
{
    ez_respond_static(exchange, 200, "text/plain; charset=utf-8", "ok\n", 3);
}

void ez_route_live(ez_exchange *exchange)
{
    answer_ok(exchange);
}

void ez_route_ready(ez_exchange *exchange)
{
    ez_node_status status;
    ez_node_get_status(exchange->http->config.node, &status);
    if (status.syncing && status.best_header_height > status.tip.height + EZ_READY_BLOCKS_BEHIND) {
        ez_respond_busy(exchange, "the node is catching up with its peers");
        return;
    }
    answer_ok(exchange);
}
