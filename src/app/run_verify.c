#include "commands_internal.h"

#include "ezp2p/base/text.h"
#include "ezp2p/store/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void on_fatal(void *self, const char *what)
{
    ez_log_emit((const ez_log *)self, EZ_LOG_ERROR, "store-failed", EZ_LOG_TEXT("reason", what));
    _exit(EZ_EXIT_FAILURE);
}

static void on_progress(void *self, uint64_t at, uint64_t of)
{
    (void)self;
    fprintf(stderr, "\rverifying block %" PRIu64 " of %" PRIu64 "\033[K", at, of);
}

static ez_exit_code tell(const ez_verify_report *report)
{
    if (report->sound) {
        printf("sound: %" PRIu64 " blocks, %" PRIu64 " transactions, %" PRIu64 " accounts\n",
               report->blocks, report->transactions, report->accounts);
        return EZ_EXIT_OK;
    }
    if (report->bad_height == 0) {
        printf("damaged: %s\n", report->problem);
    } else {
        printf("damaged: block %" PRIu64 " (%s): %s\n", report->bad_height,
               ez_hash_text(report->bad_block.hash.bytes).text, report->problem);
    }
    return EZ_EXIT_DAMAGED;
}

/* Without the lock: a verification reads one snapshot and changes nothing, so that a running node
 * can be checked too. */
ez_exit_code ez_run_verify(const ez_options *options, ez_log_sink *sink)
{
    const ez_log *log = ez_log_sink_log(sink);
    ez_buffer path = {0};
    ez_buffer_printf(&path, "%s/chain.db", options->data_dir);
    ez_buffer_add_u8(&path, 0);
    ez_store_config config = {.path = (const char *)path.data,
                              .network = &options->network,
                              .log = log,
                              .self = (void *)(uintptr_t)log,
                              .fatal = on_fatal,
                              .read_only = true};
    ez_store *store = NULL;
    ez_verify_report report = {0};
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    ez_status status = ez_store_open(&store, &config);
    if (status == EZ_OK) {
        status = ez_store_verify(store, &report, NULL, is_terminal ? on_progress : NULL);
        if (is_terminal) {
            fputs("\r\033[K", stderr);
        }
    }
    ez_store_close(store);
    ez_buffer_clear(&path);
    return status == EZ_OK ? tell(&report) : ez_exit_code_of(status);
}
