/* A new database. Made in place it would cost a rollback journal, a log, and seven syncs, while
 * there is nothing yet that could be lost; and a crash on the way would leave half of it. So it is
 * made under another name, synced once, and renamed when it is whole.
 *
 * The directory is not synced here. SQLite does so when it makes the log, before the first commit
 * counts as durable: no write outlives the name of its database.
 */
#include "schema_internal.h"
#include "store_internal.h"

#include "ezp2p/base/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *path_with(const char *path, const char *ending)
{
    size_t size = strlen(path) + strlen(ending) + 1;
    char *out = ez_alloc(size, 1);
    snprintf(out, size, "%s%s", path, ending);
    return out;
}

static ez_status complain(const ez_store_config *config, const char *doing)
{
    ez_log_emit(config->log, EZ_LOG_ERROR, "store_unusable", EZ_LOG_TEXT("path", config->path),
                EZ_LOG_TEXT("doing", doing), EZ_LOG_TEXT("reason", strerror(errno)));
    return EZ_ERR_IO;
}

/* remove_log: a log that was left alone would be taken for the new database's. */
static ez_status remove_log(const ez_store_config *config)
{
    static const char *const endings[] = {"-wal", "-shm", "-journal"};
    ez_status status = EZ_OK;
    for (size_t i = 0; i < sizeof endings / sizeof *endings && status == EZ_OK; i++) {
        char *path = path_with(config->path, endings[i]);
        if (unlink(path) != 0 && errno != ENOENT) {
            status = complain(config, "remove the log of a database that is gone");
        }
        free(path);
    }
    return status;
}

static ez_status fill(const ez_store_config *config, const char *draft)
{
    ez_db db;
    ez_status status = ez_db_open_draft(&db, config, draft);
    if (status == EZ_OK) {
        status = ez_schema_create(&db);
    }
    if (status == EZ_OK) {
        status = ez_db_finish_draft(&db);
    }
    ez_db_clear(&db);
    return status;
}

ez_status ez_store_create(const ez_store_config *config)
{
    struct stat info;
    if (lstat(config->path, &info) == 0 || errno != ENOENT) {
        return EZ_OK; /* whatever it is, opening it will tell */
    }
    char *draft = path_with(config->path, ".new");
    ez_status status = remove_log(config);
    if (status == EZ_OK && unlink(draft) != 0 && errno != ENOENT) {
        status = complain(config, "remove a draft");
    }
    if (status == EZ_OK) {
        status = fill(config, draft);
    }
    if (status == EZ_OK && rename(draft, config->path) != 0) {
        status = complain(config, "rename the draft");
    }
    if (status != EZ_OK) {
        (void)unlink(draft);
    }
    free(draft);
    return status;
}
