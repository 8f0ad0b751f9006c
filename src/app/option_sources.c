/* Where options come from: the command line, the environment, a file. */
#include "options_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENVIRONMENT_PREFIX "EZP2P_"
#define NAME_BYTES_MAX     32
#define LINE_BYTES_MAX     199 /* of inih's fixed line buffer, its terminating zero taken off */
#define VALUE_OFF_BASE     256 /* above every character that getopt_long returns by itself */

/* A flag as given, kept until the weaker sources are read. */
typedef struct given {
    const ez_option_spec *spec;
    const char *value; /* borrowed from argv */
} given;

typedef struct command_line {
    given *list;
    size_t count;
    const char *config; /* of --config; NULL: not given */
} command_line;

static void complain_value(ez_complaint *out, const char *place, const ez_complaint *reason,
                           const char *value)
{
    char shown[80];
    ez_text_escape(shown, sizeof shown, value, strlen(value));
    ez_complain(out, "%s: %s, not `%s`", place, reason->text, shown);
}

/* ---- command line ------------------------------------------------------------------------ */

static void fill_long_options(struct option out[EZ_OPTION_COUNT + 1])
{
    for (size_t i = 0; i < EZ_OPTION_COUNT; i++) {
        const ez_option_spec *spec = &ez_option_specs[i];
        int has_argument = no_argument;
        switch (spec->argument) {
        case EZ_ARGUMENT_NONE:
            break;
        case EZ_ARGUMENT_OPTIONAL:
            has_argument = optional_argument;
            break;
        case EZ_ARGUMENT_REQUIRED:
            has_argument = required_argument;
            break;
        }
        out[i] = (struct option){spec->name, has_argument, NULL, VALUE_OFF_BASE + (int)i};
    }
    out[EZ_OPTION_COUNT] = (struct option){NULL, 0, NULL, 0};
}

static ez_status refuse_flag(ez_complaint *why, int code, const char *word)
{
    char shown[80];
    ez_text_escape(shown, sizeof shown, word, strlen(word));
    ez_complain(why, code == ':' ? "%s: a value is missing" : "%s: no such option, see --help",
                shown);
    return EZ_ERR_CONFIG;
}

static void take_flag(ez_options *options, command_line *line, const ez_option_spec *spec)
{
    if (spec->argument == EZ_ARGUMENT_NONE) {
        /* --help beside --check-config still helps */
        options->action = spec->action > options->action ? spec->action : options->action;
    } else if (spec->set == NULL) {
        line->config = optarg;
    } else {
        line->list = ez_realloc(line->list, line->count + 1, sizeof *line->list);
        line->list[line->count++] = (given){spec, optarg != NULL ? optarg : "on"};
    }
}

static ez_status scan_command_line(ez_options *options, command_line *line, ez_complaint *why,
                                   int argc, char **argv)
{
    struct option long_options[EZ_OPTION_COUNT + 1];
    fill_long_options(long_options);
    optind = 0; /* glibc: start over, also after another scan in this process */
    opterr = 0;
    int code;
    while ((code = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (code < VALUE_OFF_BASE) {
            return refuse_flag(why, code, argv[optind - 1]);
        }
        take_flag(options, line, &ez_option_specs[code - VALUE_OFF_BASE]);
    }
    if (optind < argc) {
        options->command = argv[optind];
        options->operands = (const char *const *)argv + optind + 1;
        options->operand_count = (size_t)(argc - optind - 1);
    }
    return EZ_OK;
}

static ez_status apply_flags(ez_options *options, ez_complaint *why, const command_line *line)
{
    bool was_reset[EZ_OPTION_COUNT] = {false};
    for (size_t i = 0; i < line->count; i++) {
        const ez_option_spec *spec = line->list[i].spec;
        if (spec->reset != NULL && !was_reset[spec - ez_option_specs]) {
            spec->reset(options);
            was_reset[spec - ez_option_specs] = true;
        }
        ez_complaint reason;
        if (!spec->set(options, &reason, line->list[i].value)) {
            char place[NAME_BYTES_MAX + 2];
            snprintf(place, sizeof place, "--%s", spec->name);
            complain_value(why, place, &reason, line->list[i].value);
            return EZ_ERR_CONFIG;
        }
    }
    return EZ_OK;
}

/* ---- environment ------------------------------------------------------------------------- */

/* EZP2P_MINE_RATE is mine-rate. */
static const ez_option_spec *find_variable(const char *name, size_t size)
{
    char option[NAME_BYTES_MAX];
    if (size >= sizeof option) {
        return NULL;
    }
    for (size_t i = 0; i < size; i++) {
        if (islower((unsigned char)name[i]) || name[i] == '-') {
            return NULL;
        }
        option[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
    }
    const ez_option_spec *spec = ez_option_find(option, size);
    return spec != NULL && spec->argument != EZ_ARGUMENT_NONE ? spec : NULL;
}

static ez_status set_variable(ez_options *options, ez_complaint *why, const ez_option_spec *spec,
                              const char *place, const char *value)
{
    ez_complaint reason;
    if (!spec->set(options, &reason, value)) {
        complain_value(why, place, &reason, value);
        return EZ_ERR_CONFIG;
    }
    return EZ_OK;
}

/* A list stands in one variable, with commas between its values. */
static ez_status set_list_variable(ez_options *options, ez_complaint *why,
                                   const ez_option_spec *spec, const char *place,
                                   const char *values)
{
    char *copy = ez_strdup(values), *rest = NULL;
    ez_status status = EZ_OK;
    spec->reset(options);
    for (char *value = strtok_r(copy, ", ", &rest); value != NULL && status == EZ_OK;
         value = strtok_r(NULL, ", ", &rest)) {
        status = set_variable(options, why, spec, place, value);
    }
    free(copy);
    return status;
}

static ez_status apply_variable(ez_options *options, ez_complaint *why, const char *entry)
{
    const char *equals = strchr(entry, '=');
    if (equals == NULL || strncmp(entry, ENVIRONMENT_PREFIX, strlen(ENVIRONMENT_PREFIX)) != 0) {
        return EZ_OK;
    }
    char place[80];
    ez_text_escape(place, sizeof place, entry, (size_t)(equals - entry));
    const char *name = entry + strlen(ENVIRONMENT_PREFIX);
    const ez_option_spec *spec = find_variable(name, (size_t)(equals - name));
    if (spec == NULL) {
        ez_complain(why, "%s in the environment: no such option, see --help", place);
        return EZ_ERR_CONFIG;
    }
    if (equals[1] == '\0' || spec->set == NULL) {
        return EZ_OK; /* an empty variable is as good as none; EZP2P_CONFIG was used before */
    }
    return spec->reset != NULL ? set_list_variable(options, why, spec, place, equals + 1)
                               : set_variable(options, why, spec, place, equals + 1);
}

static ez_status apply_environment(ez_options *options, ez_complaint *why, char *const *environment)
{
    ez_status status = EZ_OK;
    for (char *const *entry = environment; *entry != NULL && status == EZ_OK; entry++) {
        status = apply_variable(options, why, *entry);
    }
    return status;
}

static const char *variable(char *const *environment, const char *name)
{
    size_t size = strlen(name);
    for (char *const *entry = environment; *entry != NULL; entry++) {
        if (strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') {
            return (*entry)[size + 1] != '\0' ? *entry + size + 1 : NULL;
        }
    }
    return NULL;
}

/* ---- file -------------------------------------------------------------------------------- */

typedef struct file_reader {
    ez_options *options;
    ez_complaint *why;
    const char *path;
    FILE *stream;
    unsigned line; /* 1 for the first */
    bool was_reset[EZ_OPTION_COUNT];
    bool failed;
} file_reader;

static void fail_line(file_reader *reader, const char *name, const char *reason)
{
    if (!reader->failed) {
        char shown[60];
        ez_text_escape(shown, sizeof shown, name, strlen(name));
        ez_complain(reader->why, "%s:%u: %s%s%s", reader->path, reader->line, shown,
                    name[0] != '\0' ? ": " : "", reason);
        reader->failed = true;
    }
}

/* One line for inih, which would cut a long one in two and take an indented one for more of the
 * value before it: the first is refused here, the second loses its indent. */
static char *next_line(char *out, int size, void *self)
{
    file_reader *reader = self;
    char line[LINE_BYTES_MAX + 2];
    if (reader->failed || fgets(line, sizeof line, reader->stream) == NULL) {
        return NULL;
    }
    reader->line++;
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\n') {
        line[length - 1] = '\0';
    } else if (!feof(reader->stream)) {
        fail_line(reader, "",
                  length == sizeof line - 1 ? "a line is at most 199 bytes long"
                                            : "a zero byte cannot stand here");
        return NULL;
    }
    const char *start = line + strspn(line, " \t");
    EZ_ASSERT(strlen(start) < (size_t)size);
    memcpy(out, start, strlen(start) + 1);
    return out;
}

static int take_line(void *self, const char *section, const char *name, const char *value)
{
    file_reader *reader = self;
    const ez_option_spec *spec = ez_option_find(name, strlen(name));
    if (section[0] != '\0') {
        fail_line(reader, name, "options do not stand in a [section]");
    } else if (spec == NULL || spec->set == NULL) {
        fail_line(reader, name, "no such option, see --help");
    } else {
        if (spec->reset != NULL && !reader->was_reset[spec - ez_option_specs]) {
            spec->reset(reader->options);
            reader->was_reset[spec - ez_option_specs] = true;
        }
        ez_complaint reason, whole;
        if (!spec->set(reader->options, &reason, value)) {
            complain_value(&whole, name, &reason, value);
            fail_line(reader, "", whole.text);
        }
    }
    return reader->failed ? 0 : 1;
}

static ez_status apply_file(ez_options *options, ez_complaint *why, const char *path)
{
    file_reader reader = {.options = options, .why = why, .path = path};
    reader.stream = fopen(path, "re");
    if (reader.stream == NULL) {
        ez_complain(why, "%s: %s", path, strerror(errno));
        return EZ_ERR_CONFIG;
    }
    int line = ini_parse_stream(next_line, &reader, take_line, &reader);
    if (line != 0 && !reader.failed) {
        reader.line = (unsigned)line;
        fail_line(&reader, "", "expected `name = value`");
    }
    if (ferror(reader.stream) && !reader.failed) {
        ez_complain(why, "%s: %s", path, strerror(errno));
        reader.failed = true;
    }
    fclose(reader.stream);
    return reader.failed ? EZ_ERR_CONFIG : EZ_OK;
}

/* ---- all together ------------------------------------------------------------------------ */

static void set_defaults(ez_options *out)
{
    memset(out, 0, sizeof *out);
    out->listening = ez_endpoint_parse(&out->listen, "0.0.0.0:7333");
    out->http_on = ez_endpoint_parse(&out->http, "127.0.0.1:5000");
    ez_network_classic(&out->network);
    out->outbound = 8;
    out->record_mib = 256;
    out->inbound = 64;
    out->log_level = EZ_LOG_INFO;
}

/* The XDG base directory specification: relative values are to be ignored. */
static ez_status default_data_dir(ez_options *options, ez_complaint *why, char *const *environment)
{
    if (options->data_dir != NULL) {
        return EZ_OK;
    }
    const char *base = variable(environment, "XDG_DATA_HOME"), *below = "/ezp2p";
    if (base == NULL || base[0] != '/') {
        base = variable(environment, "HOME");
        below = "/.local/share/ezp2p";
    }
    if (base == NULL) { /* as under a service manager: ask the user database */
        const struct passwd *user = getpwuid(getuid());
        base = user == NULL || user->pw_dir[0] != '/' ? NULL : user->pw_dir;
    }
    if (base == NULL) {
        ez_complain(why, "--data-dir: needed, as neither XDG_DATA_HOME nor a home is known");
        return EZ_ERR_CONFIG;
    }
    size_t size = strlen(base) + strlen(below) + 1;
    options->data_dir = ez_alloc(size, 1);
    snprintf(options->data_dir, size, "%s%s", base, below);
    return EZ_OK;
}

static bool needs_no_options(ez_action action)
{
    return action == EZ_ACTION_HELP || action == EZ_ACTION_VERSION ||
           action == EZ_ACTION_PRINT_LIMITS;
}

ez_status ez_options_read(ez_options *out, ez_complaint *why, int argc, char **argv,
                          char *const *environment)
{
    command_line line = {NULL, 0, NULL};
    set_defaults(out);
    ez_status status = scan_command_line(out, &line, why, argc, argv);
    if (status != EZ_OK || needs_no_options(out->action)) {
        goto out;
    }
    const char *config = line.config != NULL ? line.config : variable(environment, "EZP2P_CONFIG");
    if (config != NULL) {
        status = apply_file(out, why, config);
    }
    if (status == EZ_OK) {
        status = apply_environment(out, why, environment);
    }
    if (status == EZ_OK) {
        status = apply_flags(out, why, &line);
    }
    if (status == EZ_OK) {
        status = default_data_dir(out, why, environment);
    }
out:
    free(line.list);
    return status;
}
