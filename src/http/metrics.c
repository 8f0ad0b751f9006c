/* GET /metrics in the Prometheus text format, version 0.0.4. */
#include "http_internal.h"

#include <inttypes.h>

static void declare(ez_buffer *out, const char *name, const char *type, const char *help)
{
    ez_buffer_printf(out, "# HELP ezp2p_%s %s\n# TYPE ezp2p_%s %s\n", name, help, name, type);
}

static void add(ez_buffer *out, const char *name, const char *type, const char *help,
                uint64_t value)
{
    declare(out, name, type, help);
    ez_buffer_printf(out, "ezp2p_%s %" PRIu64 "\n", name, value);
}

static void add_gauges(ez_buffer *out, const ez_http *http)
{
    ez_node_status status;
    ez_node_get_status(http->config.node, &status);
    const struct {
        const char *name, *help;
        uint64_t value;
    } gauges[] = {
        {"tip_height", "height of the tip", status.tip.height},
        {"best_header_height", "height of the best header chain known", status.best_header_height},
        {"syncing", "1 while blocks of a better chain are fetched", status.syncing},
        {"mining", "1 while a proof is searched", status.mining},
        {"links", "connections, with those still shaking hands", status.links},
        {"pool_transactions", "transactions that wait for a block", status.pool_count},
        {"pool_bytes", "their canonical bytes", status.pool_bytes},
        {"orphan_transactions", "transactions ahead of their turn", status.orphan_count},
        {"parked_transactions", "kept outside the pool until they can stand", status.parked_count},
        {"tree_headers", "headers held in memory", status.tree_count},
        {"book_addresses", "addresses known", status.book_count},
        {"writes_pending", "store writes not yet durable", status.writes_pending},
        {"write_bytes_pending", "memory they hold", status.write_bytes_pending},
        {"http_connections", "open HTTP connections", http->conn_count},
        {"http_subscribers", "clients of /v1/events", ez_events_subscribers(http->events)},
        {"uptime_seconds", "since the start", (ez_http_now(http).mono - http->started) / 1000},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        add(out, gauges[i].name, "gauge", gauges[i].help, gauges[i].value);
    }
    declare(out, "peers", "gauge", "peers that have finished the handshake");
    ez_buffer_printf(out,
                     "ezp2p_peers{direction=\"inbound\"} %" PRIu32
                     "\nezp2p_peers{direction=\"outbound\"} %" PRIu32 "\n",
                     status.peers_inbound, status.peers_outbound);
}

static void add_counters(ez_buffer *out, const ez_http *http)
{
    const ez_node_counters *node = ez_node_get_counters(http->config.node);
    const struct {
        const char *name, *help;
        uint64_t value;
    } counters[] = {
        {"message_bytes_in_total", "bytes of messages received", node->message_bytes_in},
        {"blocks_connected_total", "blocks that became the tip", node->blocks_connected},
        {"blocks_disconnected_total", "blocks taken off the tip", node->blocks_disconnected},
        {"reorgs_total", "changes of branch", node->reorgs},
        {"blocks_mined_total", "blocks found here", node->blocks_mined},
        {"transactions_accepted_total", "entered the pool", node->txs_accepted},
        {"transactions_received_total", "payloads received", node->txs_received},
        {"transactions_duplicate_total", "payloads received that were known", node->txs_duplicate},
        {"bodies_received_total", "block bodies received or rebuilt", node->bodies_received},
        {"bodies_rebuilt_total", "rebuilt from the pool without asking", node->bodies_rebuilt},
        {"bodies_parts_total", "rebuilt after asking for parts", node->bodies_parts},
        {"peers_faulted_total", "dropped for breaking a rule", node->peers_faulted},
        {"dials_total", "connections tried", node->dials},
        {"dials_failed_total", "connections tried in vain", node->dials_failed},
        {"requests_expired_total", "requests asked elsewhere after a timeout",
         node->requests_expired},
        {"http_connections_total", "HTTP connections accepted", http->totals.connections},
        {"http_connections_refused_total", "turned away at the connection cap",
         http->totals.refused},
        {"http_requests_total", "HTTP requests received", http->totals.requests},
        {"http_overflowed_total", "closed because unsent answers took too much memory",
         http->totals.overflowed},
        {"http_displaced_total", "closed to make room for a newcomer", http->totals.displaced},
        {"http_stalled_total", "closed because the client took its answer too slowly",
         http->totals.stalled},
    };
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        add(out, counters[i].name, "counter", counters[i].help, counters[i].value);
    }
}

static void add_messages(ez_buffer *out, const char *name, const char *help,
                         const uint64_t counts[EZ_MESSAGE_TYPES])
{
    declare(out, name, "counter", help);
    for (unsigned type = 1; type < EZ_MESSAGE_TYPES; type++) {
        ez_buffer_printf(out, "ezp2p_%s{type=\"%s\"} %" PRIu64 "\n", name,
                         ez_message_name((ez_message_type)type), counts[type]);
    }
}

static void add_answers(ez_buffer *out, const ez_http *http)
{
    declare(out, "http_answers_total", "counter", "HTTP answers by class of status");
    for (unsigned class = 2; class <= 5; class ++) {
        ez_buffer_printf(out, "ezp2p_http_answers_total{class=\"%uxx\"} %" PRIu64 "\n", class,
                         http->totals.answers[class]);
    }
}

void ez_metrics_build(ez_buffer *out, const ez_http *http)
{
    const ez_node_counters *node = ez_node_get_counters(http->config.node);
    add_gauges(out, http);
    add_counters(out, http);
    add_messages(out, "messages_in_total", "messages received", node->messages_in);
    add_messages(out, "messages_out_total", "messages sent", node->messages_out);
    add_answers(out, http);
    if (http->config.metrics != NULL) {
        http->config.metrics(http->config.self, out);
    }
}
