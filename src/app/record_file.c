#include "record_file_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES  (1u << 20)
#define WIND_UP_BYTES (16u << 20) /* for what happens from full to stopped, at most half a file */

struct ez_record_file {
    char *path;
    const ez_log *log;
    int fd;
    uint8_t *window; /* NULL: none is mapped */
    size_t used;     /* of the window */
    uint64_t before; /* bytes of the file before the window */
    uint64_t bytes_max;
    uint64_t bytes_full; /* from here on it is full */
};

static ez_status fail(const ez_log *log, const char *path, const char *reason, ez_status status)
{
    ez_log_emit(log, EZ_LOG_ERROR, "record-failed", EZ_LOG_TEXT("file", path),
                EZ_LOG_TEXT("reason", reason));
    return status;
}

/* ---- the files before -------------------------------------------------------------------------
 */

/* FILE for 0, FILE.1, …; the caller's to free. */
static char *name_of(const char *path, unsigned number)
{
    size_t size = strlen(path) + 12;
    char *name = ez_alloc(size, 1);
    if (number == 0) {
        (void)snprintf(name, size, "%s", path);
    } else {
        (void)snprintf(name, size, "%s.%u", path, number);
    }
    return name;
}

/* The size of a file that is a record; EZ_ERR_NOT_FOUND when there is none, EZ_ERR_IN_USE when a
 * process writes it, EZ_ERR_CONFIG when it is something else. */
static ez_status look_at(const char *name, uint64_t *bytes)
{
    char magic[8];
    struct stat status;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? EZ_ERR_NOT_FOUND : errno == ELOOP ? EZ_ERR_CONFIG : EZ_ERR_IO;
    }
    ez_status result = EZ_OK;
    if (fstat(fd, &status) != 0) {
        result = EZ_ERR_IO;
    } else if (!S_ISREG(status.st_mode)) {
        result = EZ_ERR_CONFIG;
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        result = EZ_ERR_IN_USE;
    } else if (status.st_size > 0 && (read(fd, magic, sizeof magic) != (ssize_t)sizeof magic ||
                                      memcmp(magic, EZ_RECORD_MAGIC, sizeof magic) != 0)) {
        result = EZ_ERR_CONFIG;
    }
    *bytes = result == EZ_OK ? (uint64_t)status.st_size : 0;
    close(fd);
    return result;
}

static ez_status complain_of(const ez_log *log, const char *name, ez_status status)
{
    const char *reason = status == EZ_ERR_CONFIG   ? "a file of this name is no record"
                         : status == EZ_ERR_IN_USE ? "another process records here"
                                                   : strerror(errno);
    return fail(log, name, reason, status);
}

/* How many files there are without a gap, and how many of them, newest first, may stay. */
static ez_status count_files(const char *path, uint64_t bytes_max, unsigned *count, unsigned *kept,
                             const ez_log *log)
{
    uint64_t sum = 0;
    *count = *kept = 0;
    for (;;) {
        uint64_t bytes = 0;
        char *name = name_of(path, *count);
        ez_status status = look_at(name, &bytes);
        if (status != EZ_OK && status != EZ_ERR_NOT_FOUND) {
            complain_of(log, name, status);
        }
        free(name);
        if (status != EZ_OK) {
            return status == EZ_ERR_NOT_FOUND ? EZ_OK : status;
        }
        sum += bytes;
        (*count)++;
        if (sum <= bytes_max && *count < EZ_RECORD_FILES_MAX) {
            *kept = *count;
        }
    }
}

static ez_status move_files(const char *path, unsigned count, unsigned kept, const ez_log *log)
{
    for (unsigned i = count; i-- > 0;) {
        char *from = name_of(path, i), *to = name_of(path, i + 1);
        bool good = i < kept ? rename(from, to) == 0 : unlink(from) == 0;
        if (!good) {
            fail(log, from, strerror(errno), EZ_ERR_IO);
        }
        free(from);
        free(to);
        if (!good) {
            return EZ_ERR_IO;
        }
    }
    return EZ_OK;
}

/* ---- the window -------------------------------------------------------------------------------
 */

static void unmap(ez_record_file *file)
{
    if (file->window != NULL) {
        munmap(file->window, WINDOW_BYTES);
        file->before += file->used;
        file->window = NULL;
        file->used = 0;
    }
}

/* The room is allocated first, so that a full disk shows here and not as a signal in the middle of
 * a write to memory. */
static bool map_next(ez_record_file *file)
{
    unmap(file);
    off_t at = (off_t)file->before;
    int error = posix_fallocate(file->fd, at, WINDOW_BYTES);
    if (error == 0) {
        void *window = mmap(NULL, WINDOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, at);
        error = window == MAP_FAILED ? errno : 0;
        file->window = error == 0 ? window : NULL;
    }
    if (error != 0) {
        fail(file->log, file->path, strerror(error), EZ_ERR_IO);
    }
    return error == 0;
}

static bool append(void *self, const void *data, size_t size)
{
    ez_record_file *file = self;
    const uint8_t *from = data;
    if (file->before + file->used + size > file->bytes_max) {
        fail(file->log, file->path, "no room is left, and the next file could not be begun in time",
             EZ_ERR_LIMIT);
        return false;
    }
    while (size > 0) {
        if ((file->window == NULL || file->used == WINDOW_BYTES) && !map_next(file)) {
            return false;
        }
        size_t room = WINDOW_BYTES - file->used;
        size_t part = size < room ? size : room;
        memcpy(file->window + file->used, from, part);
        file->used += part;
        from += part;
        size -= part;
    }
    return true;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static ez_status begin(ez_record_file *file)
{
    file->fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->fd < 0 || flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
        return fail(file->log, file->path, strerror(errno), EZ_ERR_IO);
    }
    return map_next(file) ? EZ_OK : EZ_ERR_IO;
}

ez_status ez_record_file_open(ez_record_file **out, const char *path, uint64_t bytes_max,
                              const ez_log *log)
{
    unsigned count, kept;
    *out = NULL;
    ez_status status = count_files(path, bytes_max / 2, &count, &kept, log);
    if (status == EZ_OK) {
        status = move_files(path, count, kept, log);
    }
    if (status != EZ_OK) {
        return status;
    }
    ez_record_file *file = ez_alloc(1, sizeof *file);
    file->path = ez_strdup(path);
    file->log = log;
    file->bytes_max = bytes_max / 2;
    file->bytes_full = file->bytes_max / 2;
    if (file->bytes_max > 2 * WIND_UP_BYTES) {
        file->bytes_full = file->bytes_max - WIND_UP_BYTES;
    }
    status = begin(file);
    if (status != EZ_OK) {
        ez_record_file_close(file);
        return status;
    }
    *out = file;
    return EZ_OK;
}

ez_record_sink ez_record_file_sink(ez_record_file *file)
{
    return (ez_record_sink){file, append};
}

bool ez_record_file_is_full(const ez_record_file *file)
{
    return file->before + file->used > file->bytes_full;
}

bool ez_record_file_is_crowded(const ez_record_file *file)
{
    return file->before + file->used > file->bytes_full / 2;
}

void ez_record_file_close(ez_record_file *file)
{
    if (file == NULL) {
        return;
    }
    unmap(file);
    if (file->fd >= 0) {
        if (ftruncate(file->fd, (off_t)file->before) != 0) {
            fail(file->log, file->path, strerror(errno), EZ_ERR_IO); /* zeroes stay: harmless */
        }
        close(file->fd);
    }
    free(file->path);
    free(file);
}
