#include "commands_internal.h"
#include "resources_internal.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/crypto/sign.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_limits(ez_buffer *out)
{
#define PRINT_LIMIT(name, unit, reason)                                                            \
    ez_buffer_printf(out, "%-28s %12lld %-12s %s\n", #name, (long long)(name), unit, reason);
    EZ_LIMITS_EACH(PRINT_LIMIT)
#undef PRINT_LIMIT
}

static void print_help(ez_buffer *out)
{
    ez_buffer_add_text(out,
                       "Usage: ezp2p [--peer HOST:PORT]... [options]   be a node\n"
                       "       ezp2p verify [--data-dir DIR]           check a chain\n"
                       "       ezp2p status | peers | mine [--http ADDR:PORT | --data-dir DIR]\n"
                       "       ezp2p send SENDER RECIPIENT AMOUNT      ask a running node\n"
                       "\n");
    ez_options_help(out);
    ez_buffer_add_text(
        out,
        "\n"
        "Each option but the last five may also stand in the environment (EZP2P_MINE_RATE for\n"
        "--mine-rate; lists with commas) and, all but --config, in the file that --config\n"
        "names, as `mine-rate = 1000`. A flag wins over the environment, the environment over\n"
        "the file.\n"
        "\n"
        "Exit codes: 0 asked to stop, 1 failure at run time, 2 usage or configuration,\n"
        "4 data damaged beyond repair, 5 address or data directory in use.\n");
}

/* Actions that print and are done. */
static ez_exit_code act(const ez_options *options)
{
    ez_buffer text = {0};
    switch (options->action) {
    case EZ_ACTION_RUN:
        break;
    case EZ_ACTION_CHECK_CONFIG:
        ez_buffer_add_text(&text, "configuration is good\n");
        break;
    case EZ_ACTION_PRINT_CONFIG:
        ez_options_print(options, &text);
        break;
    case EZ_ACTION_PRINT_LIMITS:
        print_limits(&text);
        break;
    case EZ_ACTION_VERSION:
        ez_buffer_add_text(&text, "ezp2p " EZ_VERSION "\n");
        break;
    case EZ_ACTION_HELP:
        print_help(&text);
        break;
    }
    size_t written = fwrite(text.data, 1, text.size, stdout);
    bool is_written = written == text.size && fflush(stdout) == 0;
    ez_buffer_clear(&text);
    return is_written ? EZ_EXIT_OK : EZ_EXIT_FAILURE;
}

static ez_exit_code complain(const char *text)
{
    fprintf(stderr, "ezp2p: %s\n", text);
    return EZ_EXIT_USAGE;
}

static ez_exit_code run_command(const ez_options *options, ez_log_sink *sink)
{
    if (ez_crypto_init() != EZ_OK) {
        ez_log_emit(ez_log_sink_log(sink), EZ_LOG_ERROR, "start-failed",
                    EZ_LOG_TEXT("what", "libsodium"));
        return EZ_EXIT_FAILURE;
    }
    return options->command == NULL ? ez_run_node(options, sink) : ez_run_verify(options, sink);
}

static ez_exit_code run(const ez_options *options)
{
    bool is_client = options->command != NULL && ez_client_knows(options->command);
    if (options->command != NULL && !is_client && strcmp(options->command, "verify") != 0) {
        return complain("no such command, see --help");
    }
    if (options->operand_count > 0 && !is_client) {
        return complain("verify takes options only, see --help");
    }
    if (options->action != EZ_ACTION_RUN) {
        return act(options);
    }
    if (is_client) {
        return ez_run_client(options);
    }
    ez_log_sink *sink = NULL;
    if (ez_log_sink_new(&sink, options->log_level, options->log_style, options->log_file,
                        STDERR_FILENO) != EZ_OK) {
        fprintf(stderr, "ezp2p: %s: %s\n", options->log_file, strerror(errno));
        return EZ_EXIT_FAILURE;
    }
    ez_exit_code code = run_command(options, sink);
    ez_log_sink_free(sink);
    return code;
}

int main(int argc, char **argv)
{
    ez_resources_tune();
    ez_options options;
    ez_complaint why;
    ez_exit_code code = ez_options_read(&options, &why, argc, argv, environ) == EZ_OK
                            ? run(&options)
                            : complain(why.text);
    ez_options_clear(&options);
    return (int)code;
}
