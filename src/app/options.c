#include "options_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/miner/miner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINE_RATE_MAX 1000000000000u /* far above what hardware can do; keeps arithmetic small */

void ez_complain(ez_complaint *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->text, sizeof out->text, format, arguments);
    va_end(arguments);
}

/* ---- reading values ---------------------------------------------------------------------- */

static bool parse_number(uint64_t *out, ez_complaint *why, const char *value, uint64_t min,
                         uint64_t max)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    bool is_digits = value[0] != '\0' && strspn(value, "0123456789") == strlen(value);
    if (!is_digits || errno != 0 || number < min || number > max) {
        ez_complain(why, "expected a whole number from %" PRIu64 " to %" PRIu64, min, max);
        return false;
    }
    *out = number;
    return true;
}

static bool parse_address(bool *on, ez_endpoint *out, ez_complaint *why, const char *value)
{
    if (strcmp(value, "off") == 0) {
        *on = false;
        return true;
    }
    if (!ez_endpoint_parse(out, value)) {
        ez_complain(why, "expected ADDRESS:PORT with a numeric address, [IPv6]:PORT, or `off`");
        return false;
    }
    *on = true;
    return true;
}

static bool set_peer(ez_options *options, ez_complaint *why, const char *value)
{
    char host[EZ_HOST_NAME_BYTES_MAX + 1];
    uint16_t port;
    if (!ez_host_port_split(host, &port, value) || port == 0) {
        ez_complain(why, "expected HOST:PORT, where HOST is a name, an IPv4 address or [IPv6]");
        return false;
    }
    if (options->peer_count == EZ_MANUAL_PEERS_MAX) {
        ez_complain(why, "at most %d peers can be configured", EZ_MANUAL_PEERS_MAX);
        return false;
    }
    options->peers = ez_realloc(options->peers, options->peer_count + 1, sizeof *options->peers);
    options->peers[options->peer_count++] = (ez_manual_peer){ez_strdup(host), port};
    return true;
}

static bool set_listen(ez_options *options, ez_complaint *why, const char *value)
{
    return parse_address(&options->listening, &options->listen, why, value);
}

static bool set_http(ez_options *options, ez_complaint *why, const char *value)
{
    options->http_given = true;
    return parse_address(&options->http_on, &options->http, why, value);
}

static bool set_http_name(ez_options *options, ez_complaint *why, const char *value)
{
    char with_port[EZ_HOST_NAME_BYTES_MAX + 8];
    char host[EZ_HOST_NAME_BYTES_MAX + 1];
    uint16_t port;
    int size = snprintf(with_port, sizeof with_port, "%s:1", value);
    if (size < 0 || (size_t)size >= sizeof with_port || strchr(value, ':') != NULL ||
        !ez_host_port_split(host, &port, with_port)) {
        ez_complain(why, "expected a host name without a port");
        return false;
    }
    if (options->http_name_count == EZ_HTTP_NAMES_MAX) {
        ez_complain(why, "at most %d names can be given", EZ_HTTP_NAMES_MAX);
        return false;
    }
    options->http_names =
        ez_realloc(options->http_names, options->http_name_count + 1, sizeof(char *));
    options->http_names[options->http_name_count++] = ez_strdup(host);
    return true;
}

static bool set_path(char **path, ez_complaint *why, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            ez_complain(why, "a path with control characters is not accepted");
            return false;
        }
    }
    if (value[0] == '\0') {
        ez_complain(why, "expected a path");
        return false;
    }
    free(*path);
    *path = ez_strdup(value);
    return true;
}

static bool set_data_dir(ez_options *options, ez_complaint *why, const char *value)
{
    return set_path(&options->data_dir, why, value);
}

static bool set_log_file(ez_options *options, ez_complaint *why, const char *value)
{
    return set_path(&options->log_file, why, value);
}

static bool set_record(ez_options *options, ez_complaint *why, const char *value)
{
    return set_path(&options->record, why, value);
}

static bool set_record_size(ez_options *options, ez_complaint *why, const char *value)
{
    return parse_number(&options->record_mib, why, value, EZ_RECORD_MIB_MIN, EZ_RECORD_MIB_MAX);
}

static bool set_stop_with(ez_options *options, ez_complaint *why, const char *value)
{
    return parse_number(&options->stop_with, why, value, 1, INT32_MAX);
}

static bool set_network(ez_options *options, ez_complaint *why, const char *value)
{
    if (!ez_network_by_name(&options->network, value)) {
        ez_complain(why, "expected the name of a network; this version knows `classic` only");
        return false;
    }
    return true;
}

static bool set_mine(ez_options *options, ez_complaint *why, const char *value)
{
    uint64_t threads = 0;
    if (strcmp(value, "on") == 0 || strcmp(value, "yes") == 0 || strcmp(value, "true") == 0) {
        threads = 1;
    } else if (strcmp(value, "off") == 0 || strcmp(value, "no") == 0 ||
               strcmp(value, "false") == 0) {
        threads = 0;
    } else if (!parse_number(&threads, why, value, 0, EZ_MINER_THREADS_MAX)) {
        ez_complain(why, "expected `on`, `off` or a number of threads up to %d",
                    EZ_MINER_THREADS_MAX);
        return false;
    }
    options->mine_threads = (uint32_t)threads;
    return true;
}

static bool set_mine_rate(ez_options *options, ez_complaint *why, const char *value)
{
    if (strcmp(value, "unlimited") == 0) {
        options->mine_rate = 0;
        return true;
    }
    if (!parse_number(&options->mine_rate, why, value, 1, MINE_RATE_MAX)) {
        ez_complain(why, "expected hashes a second, a whole number from 1, or `unlimited`");
        return false;
    }
    return true;
}

static bool set_slots(uint32_t *out, ez_complaint *why, const char *value, uint64_t max)
{
    uint64_t number;
    if (!parse_number(&number, why, value, 0, max)) {
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static bool set_outbound(ez_options *options, ez_complaint *why, const char *value)
{
    return set_slots(&options->outbound, why, value, EZ_OUTBOUND_MAX);
}

static bool set_inbound(ez_options *options, ez_complaint *why, const char *value)
{
    return set_slots(&options->inbound, why, value, EZ_INBOUND_MAX);
}

static bool set_relay(ez_options *options, ez_complaint *why, const char *value)
{
    options->relay = ez_relay_find(value, strlen(value));
    if (options->relay != NULL) {
        return true;
    }
    ez_buffer names = {0};
    for (size_t i = 0; ez_relay_at(i) != NULL; i++) {
        const char *const separator = i == 0 ? "" : ez_relay_at(i + 1) == NULL ? " or " : ", ";
        ez_buffer_printf(&names, "%s`%s`", separator, ez_relay_at(i)->name);
    }
    ez_complain(why, "expected %.*s", (int)names.size, (const char *)names.data);
    ez_buffer_clear(&names);
    return false;
}

static const char *const level_names[] = {
    [EZ_LOG_ERROR] = "error", [EZ_LOG_WARN] = "warn",   [EZ_LOG_INFO] = "info",
    [EZ_LOG_DEBUG] = "debug", [EZ_LOG_TRACE] = "trace",
};

static bool set_log_level(ez_options *options, ez_complaint *why, const char *value)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(value, level_names[i]) == 0) {
            options->log_level = (ez_log_level)i;
            return true;
        }
    }
    ez_complain(why, "expected `error`, `warn`, `info`, `debug` or `trace`");
    return false;
}

static bool set_log_format(ez_options *options, ez_complaint *why, const char *value)
{
    bool is_json = strcmp(value, "json") == 0;
    if (!is_json && strcmp(value, "text") != 0) {
        ez_complain(why, "expected `text` or `json`");
        return false;
    }
    options->log_style = is_json ? EZ_LOG_STYLE_JSON : EZ_LOG_STYLE_TEXT;
    return true;
}

/* ---- printing values --------------------------------------------------------------------- */

static void print_peers(const ez_options *options, ez_buffer *out, const char *name)
{
    for (size_t i = 0; i < options->peer_count; i++) {
        const ez_manual_peer *peer = &options->peers[i];
        bool is_v6 = strchr(peer->host, ':') != NULL;
        ez_buffer_printf(out, "%s = %s%s%s:%u\n", name, is_v6 ? "[" : "", peer->host,
                         is_v6 ? "]" : "", peer->port);
    }
}

static void print_address(ez_buffer *out, const char *name, bool on, const ez_endpoint *endpoint)
{
    ez_buffer_printf(out, "%s = %s\n", name, on ? ez_endpoint_text(endpoint).text : "off");
}

static void print_listen(const ez_options *options, ez_buffer *out, const char *name)
{
    print_address(out, name, options->listening, &options->listen);
}

static void print_http(const ez_options *options, ez_buffer *out, const char *name)
{
    print_address(out, name, options->http_on, &options->http);
}

static void print_http_names(const ez_options *options, ez_buffer *out, const char *name)
{
    for (size_t i = 0; i < options->http_name_count; i++) {
        ez_buffer_printf(out, "%s = %s\n", name, options->http_names[i]);
    }
}

static void print_data_dir(const ez_options *options, ez_buffer *out, const char *name)
{
    ez_buffer_printf(out, "%s = %s\n", name, options->data_dir);
}

static void print_network(const ez_options *options, ez_buffer *out, const char *name)
{
    ez_buffer_printf(out, "%s = %s\n", name, options->network.name);
}

static void print_mine(const ez_options *options, ez_buffer *out, const char *name)
{
    if (options->mine_threads == 0) {
        ez_buffer_printf(out, "%s = off\n", name);
    } else {
        ez_buffer_printf(out, "%s = %" PRIu32 "\n", name, options->mine_threads);
    }
}

static void print_mine_rate(const ez_options *options, ez_buffer *out, const char *name)
{
    if (options->mine_rate == 0) {
        ez_buffer_printf(out, "%s = unlimited\n", name);
    } else {
        ez_buffer_printf(out, "%s = %" PRIu64 "\n", name, options->mine_rate);
    }
}

static void print_outbound(const ez_options *options, ez_buffer *out, const char *name)
{
    ez_buffer_printf(out, "%s = %" PRIu32 "\n", name, options->outbound);
}

static void print_inbound(const ez_options *options, ez_buffer *out, const char *name)
{
    ez_buffer_printf(out, "%s = %" PRIu32 "\n", name, options->inbound);
}

static void print_relay(const ez_options *options, ez_buffer *out, const char *name)
{
    const ez_relay_strategy *relay = options->relay == NULL ? ez_relay_default() : options->relay;
    ez_buffer_printf(out, "%s = %s\n", name, relay->name);
}

static void print_log_level(const ez_options *options, ez_buffer *out, const char *name)
{
    ez_buffer_printf(out, "%s = %s\n", name, level_names[options->log_level]);
}

static void print_log_format(const ez_options *options, ez_buffer *out, const char *name)
{
    bool is_json = options->log_style == EZ_LOG_STYLE_JSON;
    ez_buffer_printf(out, "%s = %s\n", name, is_json ? "json" : "text");
}

static void print_log_file(const ez_options *options, ez_buffer *out, const char *name)
{
    if (options->log_file != NULL) {
        ez_buffer_printf(out, "%s = %s\n", name, options->log_file);
    }
}

static void print_record(const ez_options *options, ez_buffer *out, const char *name)
{
    if (options->record != NULL) {
        ez_buffer_printf(out, "%s = %s\n", name, options->record);
    }
}

static void print_record_size(const ez_options *options, ez_buffer *out, const char *name)
{
    ez_buffer_printf(out, "%s = %" PRIu64 "\n", name, options->record_mib);
}

static void print_stop_with(const ez_options *options, ez_buffer *out, const char *name)
{
    if (options->stop_with > 0) {
        ez_buffer_printf(out, "%s = %" PRIu64 "\n", name, options->stop_with);
    }
}

/* ---- lists ------------------------------------------------------------------------------- */

static void reset_peers(ez_options *options)
{
    for (size_t i = 0; i < options->peer_count; i++) {
        free((void *)(uintptr_t)options->peers[i].host); /* ours, const only for the node's sake */
    }
    free(options->peers);
    options->peers = NULL;
    options->peer_count = 0;
}

static void reset_http_names(ez_options *options)
{
    for (size_t i = 0; i < options->http_name_count; i++) {
        free(options->http_names[i]);
    }
    free(options->http_names);
    options->http_names = NULL;
    options->http_name_count = 0;
}

void ez_options_clear(ez_options *options)
{
    reset_peers(options);
    reset_http_names(options);
    free(options->data_dir);
    free(options->log_file);
    free(options->record);
    memset(options, 0, sizeof *options);
}

/* ---- the table --------------------------------------------------------------------------- */

#define ACTION(name, action, help)                                                                 \
    {                                                                                              \
        name, EZ_ARGUMENT_NONE, NULL, help, action, NULL, NULL, NULL                               \
    }
#define VALUE(name, value, help, verb)                                                             \
    {                                                                                              \
        name, EZ_ARGUMENT_REQUIRED, value, help, EZ_ACTION_RUN, set_##verb, print_##verb, NULL     \
    }

const ez_option_spec ez_option_specs[EZ_OPTION_COUNT] = {
    {"peer", EZ_ARGUMENT_REQUIRED, "HOST:PORT", "stay connected to this peer; repeatable",
     EZ_ACTION_RUN, set_peer, print_peers, reset_peers},
    VALUE("listen", "ADDR:PORT", "accept peers here, or `off` (0.0.0.0:7333)", listen),
    VALUE("http", "ADDR:PORT", "serve REST here, or `off` (127.0.0.1:5000)", http),
    {"http-name", EZ_ARGUMENT_REQUIRED, "NAME",
     "a host name under which this node's REST is reached; repeatable", EZ_ACTION_RUN,
     set_http_name, print_http_names, reset_http_names},
    VALUE("data-dir", "DIR", "everything the node keeps ($XDG_DATA_HOME/ezp2p)", data_dir),
    VALUE("network", "NAME", "chain parameters (classic)", network),
    {"mine", EZ_ARGUMENT_OPTIONAL, "THREADS", "mine without being asked, on one thread or more",
     EZ_ACTION_RUN, set_mine, print_mine, NULL},
    VALUE("mine-rate", "H", "at most H hashes a second when mining unasked", mine_rate),
    VALUE("outbound", "N", "connections this node opens and keeps (8)", outbound),
    VALUE("inbound", "N", "connections it accepts at a time (64)", inbound),
    VALUE("relay", "NAME", "relay of transactions: tree, inv, flood or fanout (tree)", relay),
    VALUE("log-level", "LEVEL", "error, warn, info, debug or trace (info)", log_level),
    VALUE("log-format", "FORMAT", "text or json (text)", log_format),
    VALUE("log-file", "FILE", "log here and not to standard error; SIGHUP reopens it", log_file),
    VALUE("record", "FILE", "write down all that the core takes in, for `ezsim replay`", record),
    VALUE("record-size", "MIB", "of FILE, FILE.1, ... together (256)", record_size),
    VALUE("stop-with", "PID", "stop when that process ends, which started this one", stop_with),
    {"config", EZ_ARGUMENT_REQUIRED, "FILE", "read `name = value` lines from FILE", EZ_ACTION_RUN,
     NULL, NULL, NULL},
    ACTION("check-config", EZ_ACTION_CHECK_CONFIG, "check all options and exit"),
    ACTION("print-config", EZ_ACTION_PRINT_CONFIG, "print the options in effect and exit"),
    ACTION("print-limits", EZ_ACTION_PRINT_LIMITS, "print every bound with its reason and exit"),
    ACTION("version", EZ_ACTION_VERSION, "print the version and exit"),
    ACTION("help", EZ_ACTION_HELP, "print this and exit"),
};

const ez_option_spec *ez_option_find(const char *name, size_t size)
{
    for (size_t i = 0; i < EZ_OPTION_COUNT; i++) {
        const ez_option_spec *spec = &ez_option_specs[i];
        if (strlen(spec->name) == size && memcmp(spec->name, name, size) == 0) {
            return spec;
        }
    }
    return NULL;
}

void ez_options_print(const ez_options *options, ez_buffer *out)
{
    for (size_t i = 0; i < EZ_OPTION_COUNT; i++) {
        const ez_option_spec *spec = &ez_option_specs[i];
        if (spec->print != NULL) {
            spec->print(options, out, spec->name);
        }
    }
}

void ez_options_help(ez_buffer *out)
{
    for (size_t i = 0; i < EZ_OPTION_COUNT; i++) {
        const ez_option_spec *spec = &ez_option_specs[i];
        char usage[64];
        switch (spec->argument) {
        case EZ_ARGUMENT_NONE:
            snprintf(usage, sizeof usage, "--%s", spec->name);
            break;
        case EZ_ARGUMENT_OPTIONAL:
            snprintf(usage, sizeof usage, "--%s[=%s]", spec->name, spec->value_name);
            break;
        case EZ_ARGUMENT_REQUIRED:
            snprintf(usage, sizeof usage, "--%s %s", spec->name, spec->value_name);
            break;
        }
        ez_buffer_printf(out, "  %-22s %s\n", usage, spec->help);
    }
}
