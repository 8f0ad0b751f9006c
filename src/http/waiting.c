/* GET /mine and GET /nodes/resolve: answers that take a while, for a bounded number of clients.
 *
 * One block is mined at a time, for the client that came first; each of the others gets a block of
 * its own in turn. The chains of the peers are asked for once for everybody who waits. */
#include "http_internal.h"
#include "routes_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/chain/view.h"

static bool is_full(ez_exchange *exchange, const ez_waiting *waiting)
{
    if (waiting->count < EZ_HTTP_WAITING_MAX) {
        return false;
    }
    ez_respond_busy(exchange, "as many clients wait for this as may; try again later");
    return true;
}

/* The client sends no more. It may have said all it had to say, or be gone; a client that is gone
 * resets the connection when something comes, and one that is there skips a 100 (RFC 9110, 15.2).
 */
static void probe(ez_exchange *exchange)
{
    if (exchange->head.minor == 1) {
        ez_respond_continue(exchange);
    }
}

/* Take `exchange` out, order kept. Returns whether it was the first. */
static bool leave(ez_waiting *waiting, const ez_exchange *exchange)
{
    size_t at = 0;
    while (at < waiting->count && waiting->list[at] != exchange) {
        at++;
    }
    EZ_ASSERT(at < waiting->count);
    waiting->count--;
    for (size_t i = at; i < waiting->count; i++) {
        waiting->list[i] = waiting->list[i + 1];
    }
    return at == 0;
}

static void cancel(ez_http *http, ez_waiting *waiting)
{
    uint64_t request = waiting->command;
    if (request == 0) {
        return;
    }
    waiting->command = 0;
    ez_http_command(http, &(ez_command){.type = EZ_COMMAND_CANCEL, .request = request});
}

/* ---- /mine ------------------------------------------------------------------------------- */

static void mine_next(ez_http *http)
{
    if (http->mine.count > 0 && http->mine.command == 0 && !http->stopping) {
        /* Set before the command: its reply may come before it returns. */
        http->mine.command = http->mine.list[0]->number;
        ez_http_command(http,
                        &(ez_command){.type = EZ_COMMAND_MINE_ONE, .request = http->mine.command});
    }
}

static void mine_gone(ez_exchange *exchange)
{
    ez_http *http = exchange->http;
    if (leave(&http->mine, exchange)) {
        cancel(http, &http->mine);
        mine_next(http);
    }
}

void ez_route_mine(ez_exchange *exchange)
{
    ez_waiting *mine = &exchange->http->mine;
    if (is_full(exchange, mine)) {
        return;
    }
    mine->list[mine->count++] = exchange;
    exchange->on_eof = probe;
    exchange->on_gone = mine_gone;
    mine_next(exchange->http);
}

static bool write_mined(ez_json_writer *writer, const ez_http *http, const ez_block_id *id)
{
    ez_block_info info;
    ez_hash previous;
    if (!ez_node_block_by_id(http->config.node, &info, id) || info.header.index < 2 ||
        !ez_http_view_hash(http, &previous, id, info.header.index - 1)) {
        return false;
    }
    ez_blob *body = ez_http_body(http, &info.header, id);
    if (body == NULL) {
        return false;
    }
    ez_json_begin_object(writer, NULL);
    ez_json_u64(writer, "index", info.header.index);
    ez_json_text(writer, "message", "new block found");
    ez_json_hex(writer, "previous_hash", previous.bytes, EZ_HASH_BYTES);
    ez_json_u64(writer, "proof", info.header.proof);
    ez_view_add_transactions(ez_json_value(writer, "transactions"), body, EZ_VIEW_COMPACT);
    ez_json_end_object(writer);
    ez_blob_unref(body);
    return true;
}

void ez_mine_reply(ez_http *http, const ez_reply *reply)
{
    ez_exchange *exchange = http->mine.list[0];
    (void)leave(&http->mine, exchange);
    http->mine.command = 0;
    exchange->on_gone = NULL;
    exchange->on_eof = NULL;
    ez_json_writer writer = {.depth = 0};
    if (reply->status == EZ_OK && write_mined(&writer, http, &reply->block)) {
        ez_respond_json(exchange, 200, &writer);
    } else {
        ez_respond_busy(exchange, "no block was mined; try again");
    }
    mine_next(http);
}

/* ---- /nodes/resolve ---------------------------------------------------------------------- */

static void resolve_gone(ez_exchange *exchange)
{
    ez_http *http = exchange->http;
    (void)leave(&http->resolve, exchange);
    if (http->resolve.count == 0) {
        cancel(http, &http->resolve);
    }
}

void ez_route_resolve(ez_exchange *exchange)
{
    ez_http *http = exchange->http;
    if (is_full(exchange, &http->resolve)) {
        return;
    }
    http->resolve.list[http->resolve.count++] = exchange;
    exchange->on_eof = probe;
    exchange->on_gone = resolve_gone;
    if (http->resolve.command == 0) {
        http->resolve.command = ++http->last_number;
        ez_http_command(
            http, &(ez_command){.type = EZ_COMMAND_RESOLVE, .request = http->resolve.command});
    }
}

void ez_resolve_reply(ez_http *http, const ez_reply *reply)
{
    ez_waiting done = http->resolve;
    http->resolve = (ez_waiting){.count = 0};
    for (size_t i = 0; i < done.count; i++) {
        done.list[i]->on_gone = NULL; /* they are in no list any more */
        done.list[i]->on_eof = NULL;
    }
    for (size_t i = 0; i < done.count; i++) {
        ez_exchange *exchange = done.list[i];
        if (exchange->conn->state != EZ_CONN_ANSWERING) {
            continue; /* dropped for memory while the ones before it were answered */
        }
        if (reply->status == EZ_OK) {
            ez_chain_stream(exchange, reply->replaced ? EZ_CHAIN_REPLACED : EZ_CHAIN_AUTHORITATIVE);
        } else {
            ez_respond_busy(exchange, "the peers were not asked; try again");
        }
    }
}
