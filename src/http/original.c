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

/* How many of the entries are new; one that stands twice counts twice, which is harmless. */
static size_t count_new(const ez_register *registered, const ez_register_entry *entries,
                        size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += ez_register_knows(registered, entries[i].netloc) ? 0 : 1;
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

static void register_all(ez_exchange *exchange, const json_t *nodes)
{
    ez_register *registered = exchange->http->registered;
    size_t count = json_array_size(nodes);
    if (count > EZ_MANUAL_PEERS_MAX) {
        ez_respond_problem(exchange, 422, "peer-limit", "a node stays connected to at most 256");
        return;
    }
    ez_register_entry *entries = ez_alloc(count + 1, sizeof *entries);
    if (!read_entries(entries, nodes)) {
        ez_respond_problem(exchange, 400, "nodes",
                           "each node must be http://host:port, tcp://host:port or host:port");
    } else if (!ez_register_has_room(registered, count_new(registered, entries, count))) {
        ez_respond_problem(exchange, 422, "peer-limit", "a node stays connected to at most 256");
    } else {
        for (size_t i = 0; i < count; i++) {
            ez_register_add(registered, &entries[i]);
        }
        answer_registered(exchange);
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
        register_all(exchange, nodes);
    }
    json_decref(root);
}
