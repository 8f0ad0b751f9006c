/* Who we are connected to, and who we shall be. */
#include "http_internal.h"
#include "routes_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/chain/address.h"

#include <stdio.h>
#include <stdlib.h>

/* All peers in order of connection; owned by the caller. */
static ez_peer_info *list_peers(const ez_node *node, size_t *count)
{
    size_t room = ez_node_peers(node, NULL, 0);
    ez_peer_info *peers = ez_alloc(room + 1, sizeof *peers);
    *count = ez_node_peers(node, peers, room);
    return peers;
}

/* A moment of the monotonic clock on the wall. */
static uint64_t wall_us(const ez_now *now, ez_time_ms when)
{
    uint64_t ago_us = (now->mono - when) * 1000;
    return now->wall > ago_us ? now->wall - ago_us : 0;
}

static void write_traffic(ez_json_writer *writer, const ez_http *http, ez_link_id link)
{
    uint64_t in = 0, out = 0;
    if (http->config.link_bytes == NULL ||
        !http->config.link_bytes(http->config.self, link, &in, &out)) {
        ez_json_null(writer, "bytes_in");
        ez_json_null(writer, "bytes_out");
        return;
    }
    ez_json_u64(writer, "bytes_in", in);
    ez_json_u64(writer, "bytes_out", out);
}

static void write_peer(ez_json_writer *writer, const ez_http *http, const ez_peer_info *peer)
{
    ez_now now = ez_http_now(http);
    ez_json_begin_object(writer, NULL);
    ez_json_text(writer, "address", ez_endpoint_text(&peer->endpoint).text);
    ez_json_u64(writer, "best_height", peer->best_height);
    ez_json_u64(writer, "blocks_given", peer->blocks_given);
    write_traffic(writer, http, peer->link);
    ez_json_text(writer, "direction", peer->inbound ? "inbound" : "outbound");
    ez_json_u64(writer, "id", peer->link.value);
    ez_json_u64(writer, "listen_port", peer->listen_port);
    ez_json_bool(writer, "manual", peer->manual);
    if (peer->ready) {
        ez_json_text(writer, "node", ez_address_text(&peer->node).text);
    } else {
        ez_json_null(writer, "node");
    }
    if (peer->has_ping) {
        ez_json_u64(writer, "ping_ms", peer->ping_ms);
    } else {
        ez_json_null(writer, "ping_ms");
    }
    ez_json_bool(writer, "ready", peer->ready);
    ez_json_u64(writer, "since", wall_us(&now, peer->since));
    ez_json_text(writer, "standing", peer->standing != NULL ? peer->standing : "");
    ez_json_u64(writer, "transactions_given", peer->txs_given);
    ez_json_text(writer, "user_agent", peer->user_agent);
    ez_json_end_object(writer);
}

void ez_route_peers(ez_exchange *exchange)
{
    uint64_t after = 0, limit = 0;
    if (!ez_exchange_limit(exchange, &limit, EZ_HTTP_PAGE_MAX) ||
        !ez_exchange_u64(exchange, &after, "after", 0, 0, EZ_AMOUNT_MAX)) {
        return;
    }
    size_t count = 0, i = 0, last = 0;
    ez_peer_info *peers = list_peers(exchange->http->config.node, &count);
    ez_json_writer writer = {.depth = 0};
    while (i < count && peers[i].link.value <= after) {
        i++;
    }
    ez_json_begin_object(&writer, NULL);
    ez_json_u64(&writer, "count", count);
    last = count - i > limit ? i + (size_t)limit : count;
    if (last < count) {
        ez_json_u64(&writer, "next", peers[last - 1].link.value);
    } else {
        ez_json_null(&writer, "next");
    }
    ez_json_begin_list(&writer, "peers");
    for (; i < last; i++) {
        write_peer(&writer, exchange->http, &peers[i]);
    }
    ez_json_end_list(&writer);
    ez_json_end_object(&writer);
    free(peers);
    ez_respond_json(exchange, 200, &writer);
}

/* ---- POST /v1/peers ---------------------------------------------------------------------- */

static void on_added(ez_exchange *exchange, const ez_reply *reply)
{
    if (reply->status != EZ_OK) {
        ez_respond_problem(exchange, 422, "peer-limit", "a node stays connected to at most 256");
        return;
    }
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_text(&writer, "peer", exchange->state);
    ez_json_end_object(&writer);
    ez_respond_json(exchange, 201, &writer);
}

void ez_route_peer_add(ez_exchange *exchange)
{
    json_t *root = ez_exchange_object(exchange);
    if (root == NULL) {
        return;
    }
    char host[EZ_HOST_NAME_BYTES_MAX + 1];
    uint16_t port = 0;
    const char *text = json_string_value(json_object_get(root, "peer"));
    if (text == NULL || !ez_host_port_split(host, &port, text) || port == 0) {
        ez_respond_problem(exchange, 400, "peer", "peer must be \"host:port\"");
    } else {
        exchange->state = ez_strdup(text);
        ez_exchange_wait(exchange, on_added);
        ez_http_command(exchange->http, &(ez_command){.type = EZ_COMMAND_ADD_PEER,
                                                      .request = exchange->number,
                                                      .text = host,
                                                      .port = port});
    }
    json_decref(root);
}

/* ---- DELETE /v1/peers/{id} --------------------------------------------------------------- */

static void no_such_peer(ez_exchange *exchange)
{
    ez_respond_problem(exchange, 404, "not-found", "no such peer; /v1/peers lists their ids");
}

static void on_removed(ez_exchange *exchange, const ez_reply *reply)
{
    if (reply->status != EZ_OK) {
        no_such_peer(exchange);
        return;
    }
    ez_respond(exchange, 204, NULL, NULL);
}

/* A REST address that was still being asked for the peer's is gone, whatever the core knew. */
static void on_dropped(ez_exchange *exchange, const ez_reply *reply)
{
    (void)reply;
    ez_respond(exchange, 204, NULL, NULL);
}

static void remove_manual(ez_exchange *exchange, const char *host, uint16_t port)
{
    bool was_asked = ez_register_drop(exchange->http->registered, host, port);
    ez_exchange_wait(exchange, was_asked ? on_dropped : on_removed);
    ez_http_command(exchange->http, &(ez_command){.type = EZ_COMMAND_REMOVE_PEER,
                                                  .request = exchange->number,
                                                  .text = host,
                                                  .port = port});
}

static bool find_peer(const ez_node *node, ez_peer_info *out, uint64_t link)
{
    size_t count = 0;
    bool found = false;
    ez_peer_info *peers = list_peers(node, &count);
    for (size_t i = 0; i < count && !found; i++) {
        if (peers[i].link.value == link) {
            *out = peers[i];
            found = true;
        }
    }
    free(peers);
    return found;
}

/* Whether this socket address is one that we were told, by number, to stay connected to: then
 * closing the link alone would bring it back at once. */
static bool is_manual_address(const ez_node *node, const ez_peer_info *peer, const char *host)
{
    ez_manual_info manual[EZ_MANUAL_PEERS_MAX];
    size_t count = ez_node_manual_peers(node, manual, EZ_MANUAL_PEERS_MAX);
    count = count < EZ_MANUAL_PEERS_MAX ? count : EZ_MANUAL_PEERS_MAX;
    for (size_t i = 0; i < count; i++) {
        if (manual[i].port == peer->endpoint.port && strcmp(manual[i].host, host) == 0) {
            return true;
        }
    }
    return false;
}

static void disconnect(ez_exchange *exchange, uint64_t link)
{
    const ez_node *node = exchange->http->config.node;
    ez_peer_info peer;
    if (!find_peer(node, &peer, link)) {
        no_such_peer(exchange);
        return;
    }
    ez_endpoint_string host = ez_endpoint_ip_text(&peer.endpoint);
    if (is_manual_address(node, &peer, host.text)) {
        remove_manual(exchange, host.text, peer.endpoint.port);
        return;
    }
    ez_http_command(exchange->http,
                    &(ez_command){.type = EZ_COMMAND_DISCONNECT, .link = peer.link});
    ez_respond(exchange, 204, NULL, NULL);
}

void ez_route_peer_remove(ez_exchange *exchange)
{
    char host[EZ_HOST_NAME_BYTES_MAX + 1];
    uint16_t port = 0;
    uint64_t link = 0;
    if (ez_u64_parse(&link, exchange->param)) {
        disconnect(exchange, link);
    } else if (ez_host_port_split(host, &port, exchange->param)) {
        remove_manual(exchange, host, port);
    } else {
        ez_respond_problem(exchange, 400, "parameter",
                           "a peer is named by its id in /v1/peers or by host:port");
    }
}
