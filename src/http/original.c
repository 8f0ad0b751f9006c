/* The routes of the original, but those that wait (waiting.c). */
#include "http_internal.h"
#include "routes_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EZ_FLASK_TEXT "text/html; charset=utf-8" /* what the original says of its plain answers */

/* ---- POST /transactions/new -------------------------------------------------------------- */

static void on_recorded(ez_exchange *exchange, const ez_reply *reply)
{
    if (reply->rule != EZ_RULE_OK && reply->rule != EZ_RULE_TX_POOL_KNOWN) {
        ez_respond_rule(exchange, reply->rule);
        return;
    }
    char message[80];
    (void)snprintf(message, sizeof message, "Transaction will be added to Block %" PRIu64,
                   reply->next_height);
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_text(&writer, "message", message);
    ez_json_end_object(&writer);
    ez_respond_json(exchange, 201, &writer);
}

static bool read_party(ez_byte_span *out, const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    if (!json_is_string(value)) {
        return false;
    }
    out->data = (const uint8_t *)json_string_value(value);
    out->size = json_string_length(value);
    return out->size >= 1 && out->size <= EZ_LABEL_BYTES_MAX &&
           ez_utf8_is_clean(out->data, out->size);
}

static const char *amount_complaint(ez_amount_verdict verdict)
{
    switch (verdict) {
    case EZ_AMOUNT_OK:
        break;
    case EZ_AMOUNT_NOT_A_NUMBER:
        return "amount must be a number, not a string, a boolean, null or a list";
    case EZ_AMOUNT_NOT_WHOLE:
        return "amount must be a whole number";
    case EZ_AMOUNT_OUT_OF_RANGE:
        return "amount must be from 0 to 9007199254740991";
    }
    return NULL;
}

/* Fill in `command` from the three values; NULL, or what is wrong with them. */
static const char *read_entry(ez_command *command, const json_t *root)
{
    if (!read_party(&command->sender, root, "sender")) {
        return "sender must be a string of 1 to 64 bytes of UTF-8 without control characters";
    }
    if (!read_party(&command->recipient, root, "recipient")) {
        return "recipient must be a string of 1 to 64 bytes of UTF-8 without control characters";
    }
    return amount_complaint(ez_json_amount(&command->amount, json_object_get(root, "amount")));
}

void ez_route_transactions_new(ez_exchange *exchange)
{
    json_t *root = ez_exchange_object(exchange);
    if (root == NULL) {
        return;
    }
    ez_command command = {.type = EZ_COMMAND_SUBMIT_ENTRY, .request = exchange->number};
    if (json_object_get(root, "sender") == NULL || json_object_get(root, "recipient") == NULL ||
        json_object_get(root, "amount") == NULL) {
        static const char missing[] = "missing values";
        ez_respond_static(exchange, 400, EZ_FLASK_TEXT, missing, sizeof missing - 1);
    } else {
        const char *complaint = read_entry(&command, root);
        if (complaint != NULL) {
            ez_respond_problem(exchange, 400, "entry", complaint);
        } else {
            ez_exchange_wait(exchange, on_recorded);
            ez_http_command(exchange->http, &command);
        }
    }
    json_decref(root);
}

/* ---- GET /chain -------------------------------------------------------------------------- */

void ez_route_chain(ez_exchange *exchange)
{
    ez_chain_stream(exchange, EZ_CHAIN_LISTED);
}

/* ---- POST /nodes/register ---------------------------------------------------------------- */

static bool read_entries(ez_register_entry *entries, const json_t *nodes)
{
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *node = json_array_get(nodes, i);
        if (!json_is_string(node) || !ez_register_entry_parse(&entries[i], json_string_value(node),
                                                              json_string_length(node))) {
            return false;
        }
    }
    return true;
}

/* How many of the entries the core does not know yet; one that stands twice counts twice, which is
 * harmless. */
static size_t count_new(const ez_node *node, const ez_register_entry *entries, size_t count)
{
    ez_manual_info known[EZ_MANUAL_PEERS_MAX];
    size_t found = 0, known_count = ez_node_manual_peers(node, known, EZ_MANUAL_PEERS_MAX);
    for (size_t i = 0; i < count; i++) {
        char host[EZ_MANUAL_HOST_BYTES_MAX + 1];
        size_t at = 0;
        ez_register_host(host, &entries[i]);
        while (at < known_count &&
               (known[at].port != entries[i].port || strcmp(known[at].host, host) != 0)) {
            at++;
        }
        found += at == known_count;
    }
    return found;
}

static void answer_registered(ez_exchange *exchange)
{
    const ez_register *registered = exchange->http->registered;
    ez_json_writer writer = {.depth = 0};
    ez_json_begin_object(&writer, NULL);
    ez_json_text(&writer, "message", "New nodes have been added");
    ez_json_begin_list(&writer, "total_nodes");
    for (size_t i = 0; ez_register_netloc(registered, i) != NULL; i++) {
        ez_json_text(&writer, NULL, ez_register_netloc(registered, i));
    }
    ez_json_end_list(&writer);
    ez_json_end_object(&writer);
    ez_respond_json(exchange, 201, &writer);
}

static void too_many(ez_exchange *exchange)
{
    ez_respond_problem(exchange, 422, "peer-limit",
                       "a node stays connected to at most 256; remove one with DELETE /v1/peers");
}

static void on_registered(ez_exchange *exchange, const ez_reply *reply)
{
    if (reply->status == EZ_OK) {
        answer_registered(exchange);
    } else {
        too_many(exchange);
    }
}

/* Tell the core of all; its reply to the last comes when all of them are on disk. */
static void register_all(ez_exchange *exchange, const ez_register_entry *entries, size_t count)
{
    ez_http *http = exchange->http;
    ez_exchange_wait(exchange, on_registered);
    for (size_t i = 0; i < count; i++) {
        char host[EZ_MANUAL_HOST_BYTES_MAX + 1];
        ez_register_host(host, &entries[i]);
        ez_register_add(http->registered, &entries[i]);
        ez_http_command(http, &(ez_command){.type = EZ_COMMAND_ADD_PEER,
                                            .request = i + 1 == count ? exchange->number : 0,
                                            .text = host,
                                            .port = entries[i].port});
    }
}

static void register_list(ez_exchange *exchange, const json_t *nodes)
{
    const ez_node *node = exchange->http->config.node;
    size_t count = json_array_size(nodes);
    if (count > EZ_MANUAL_PEERS_MAX) {
        too_many(exchange);
        return;
    }
    ez_register_entry *entries = ez_alloc(count + 1, sizeof *entries);
    if (!read_entries(entries, nodes)) {
        ez_respond_problem(exchange, 400, "nodes",
                           "each node must be http://host:port, tcp://host:port or host:port");
    } else if (ez_node_manual_peers(node, NULL, 0) + count_new(node, entries, count) >
               EZ_MANUAL_PEERS_MAX) {
        too_many(exchange);
    } else if (count == 0) {
        answer_registered(exchange);
    } else {
        register_all(exchange, entries, count);
    }
    free(entries);
}

void ez_route_register(ez_exchange *exchange)
{
    json_t *root = ez_exchange_object(exchange);
    if (root == NULL) {
        return;
    }
    const json_t *nodes = json_object_get(root, "nodes");
    if (nodes == NULL || json_is_null(nodes)) {
        static const char missing[] = "Error: Please supply a valid list of nodes";
        ez_respond_static(exchange, 400, EZ_FLASK_TEXT, missing, sizeof missing - 1);
    } else if (!json_is_array(nodes)) {
        ez_respond_problem(exchange, 400, "nodes", "nodes must be a list of addresses");
    } else {
        register_list(exchange, nodes);
    }
    json_decref(root);
}
