#include "commands_internal.h"
#include "data_dir_internal.h"

#include "ezp2p/base/text.h"
#include "ezp2p/store/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

static ez_exit_code verify(const ez_options *options, const ez_data_dir *dir, const ez_log *log)
{
    char *path = ez_data_dir_file(dir, "chain.db");
    ez_store_config config = {.path = path,
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
    free(path);
    return status == EZ_OK ? tell(&report) : ez_exit_code_of(status);
}

ez_exit_code ez_run_verify(const ez_options *options, ez_log_sink *sink)
{
    const ez_log *log = ez_log_sink_log(sink);
    ez_data_dir *dir = NULL;
    /* With the lock held nobody writes, so that every table is seen at the same moment. */
    ez_status status = ez_data_dir_open(&dir, options->data_dir, EZ_DATA_DIR_EXISTING, log);
    ez_exit_code code = status == EZ_OK ? verify(options, dir, log) : ez_exit_code_of(status);
    ez_data_dir_close(dir);
    return code;
}
