/* Options: what the person who starts the node may choose. A flag wins over the environment, the
 * environment over the file, the file over the default; a list given in a stronger place replaces
 * the weaker one whole. Every value is checked when it is read, wherever it came from, and a bad
 * one is reported with the place where it stands.
 */
#ifndef EZP2P_APP_OPTIONS_INTERNAL_H
#define EZP2P_APP_OPTIONS_INTERNAL_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/base/endpoint.h"
#include "ezp2p/base/log.h"
#include "ezp2p/base/status.h"
#include "ezp2p/chain/network.h"
#include "ezp2p/node/node.h"

#define EZ_HTTP_NAMES_MAX 64

typedef enum ez_action {
    EZ_ACTION_RUN, /* the node, or `command` */
    EZ_ACTION_CHECK_CONFIG,
    EZ_ACTION_PRINT_CONFIG,
    EZ_ACTION_PRINT_LIMITS,
    EZ_ACTION_VERSION,
    EZ_ACTION_HELP,
} ez_action;

typedef enum ez_log_style { EZ_LOG_STYLE_TEXT, EZ_LOG_STYLE_JSON } ez_log_style;

typedef struct ez_options {
    ez_action action;
    const char *command;         /* the first word that is no option, borrowed from argv; or NULL */
    const char *const *operands; /* the words after it, borrowed from argv */
    size_t operand_count;
    ez_manual_peer *peers; /* hosts are owned */
    size_t peer_count;
    bool listening;
    ez_endpoint listen;
    bool http_on;
    ez_endpoint http;
    bool http_given; /* by a person, and not by default */
    char **http_names;
    size_t http_name_count;
    char *data_dir;
    ez_network network;
    uint32_t mine_threads; /* 0: only when asked */
    uint64_t mine_rate;    /* 0: unlimited */
    uint32_t outbound;
    uint32_t inbound;
    const ez_relay_strategy *relay; /* NULL: the default one */
    ez_log_level log_level;
    ez_log_style log_style;
    char *log_file; /* NULL: standard error */
    char *record;   /* NULL: no record */
    uint64_t record_mib;
    uint64_t stop_with; /* a process number; 0: none */
} ez_options;

/* Why something cannot be used, for a person. */
typedef struct ez_complaint {
    char text[512];
} ez_complaint;

void ez_complain(ez_complaint *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ez_options_read: the options of a command line, an environment ("NAME=value" strings up to NULL)
 * and the file that either names. `argv` is reordered as getopt_long does, and must outlive *out.
 *   returns  EZ_ERR_CONFIG with *why filled; *out must be cleared in any case
 *   note     after --help, --version or --print-limits nothing else is looked at */
EZ_MUST_USE ez_status ez_options_read(ez_options *out, ez_complaint *why, int argc, char **argv,
                                      char *const *environment);
void ez_options_clear(ez_options *options);

/* ez_options_print: the options in effect, in the syntax of the file, one line each. */
void ez_options_print(const ez_options *options, ez_buffer *out);

/* ez_options_help: what --help says about each option. */
void ez_options_help(ez_buffer *out);

/* ---- between options.c and option_sources.c -------------------------------------------------- */

typedef enum ez_option_argument {
    EZ_ARGUMENT_NONE,     /* an action; on the command line only */
    EZ_ARGUMENT_OPTIONAL, /* the flag alone means the value "on" */
    EZ_ARGUMENT_REQUIRED,
} ez_option_argument;

typedef struct ez_option_spec {
    const char *name;
    ez_option_argument argument;
    const char *value_name;
    const char *help;
    ez_action action; /* for EZ_ARGUMENT_NONE */
    /* Check `value` and keep it; false with *why filled when it cannot be used. NULL for actions
     * and for --config. */
    bool (*set)(ez_options *options, ez_complaint *why, const char *value);
    void (*print)(const ez_options *options, ez_buffer *out, const char *name);
    void (*reset)(ez_options *options); /* lists: forget what weaker places said */
} ez_option_spec;

#define EZ_OPTION_COUNT 23
extern const ez_option_spec ez_option_specs[EZ_OPTION_COUNT];

/* ez_option_find: an option by its name; NULL when there is none. */
const ez_option_spec *ez_option_find(const char *name, size_t size);

#endif
