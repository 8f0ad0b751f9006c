#include "data_dir_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/buffer.h"
#include "ezp2p/base/text.h"
#include "ezp2p/crypto/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_FILE_BYTES_MAX 4096

struct ez_data_dir {
    char *path;
    int fd;             /* of the directory */
    int lock_fd;        /* holds the lock while open */
    bool has_new_names; /* that are not synced yet */
    const ez_log *log;
};

static void log_failure(const ez_log *log, const char *what, const char *path)
{
    ez_log_emit(log, EZ_LOG_ERROR, "data-dir-failed", EZ_LOG_TEXT("what", what),
                EZ_LOG_TEXT("path", path), EZ_LOG_TEXT("reason", strerror(errno)));
}

/* ---- the directory and its lock ---------------------------------------------------------- */

/* As mkdir -p, with mode 0700 for everything made. */
static bool make_directories(const char *path)
{
    char *copy = ez_strdup(path);
    bool is_made = true;
    for (char *slash = strchr(copy + 1, '/'); slash != NULL && is_made;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        is_made = mkdir(copy, 0700) == 0 || errno == EEXIST;
        *slash = '/';
    }
    is_made = is_made && (mkdir(copy, 0700) == 0 || errno == EEXIST);
    free(copy);
    return is_made;
}

static void log_holder(const ez_data_dir *dir)
{
    char holder[16] = {0};
    ssize_t size = pread(dir->lock_fd, holder, sizeof holder - 1, 0);
    holder[size > 0 ? strcspn(holder, "\n") : 0] = '\0';
    ez_log_emit(dir->log, EZ_LOG_ERROR, "data-dir-in-use", EZ_LOG_TEXT("path", dir->path),
                EZ_LOG_TEXT("by_process", holder));
}

static ez_status take_lock(ez_data_dir *dir)
{
    dir->lock_fd = openat(dir->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (dir->lock_fd < 0) {
        log_failure(dir->log, "lock", dir->path);
        return EZ_ERR_IO;
    }
    if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            log_failure(dir->log, "lock", dir->path);
            return EZ_ERR_IO;
        }
        log_holder(dir);
        return EZ_ERR_IN_USE;
    }
    char pid[16];
    int size = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(dir->lock_fd, 0) != 0 || pwrite(dir->lock_fd, pid, (size_t)size, 0) != size) {
        log_failure(dir->log, "lock", dir->path); /* who holds it is told for convenience only */
    }
    return EZ_OK;
}

ez_status ez_data_dir_open(ez_data_dir **out, const char *path, const ez_log *log)
{
    *out = NULL;
    if (!make_directories(path)) {
        log_failure(log, "create", path);
        return EZ_ERR_IO;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        log_failure(log, "open", path);
        return EZ_ERR_IO;
    }
    ez_data_dir *dir = ez_alloc(1, sizeof *dir);
    *dir = (ez_data_dir){.path = ez_strdup(path), .fd = fd, .lock_fd = -1, .log = log};
    ez_status status = take_lock(dir);
    if (status != EZ_OK) {
        ez_data_dir_close(dir);
        return status;
    }
    ez_data_dir_remove_endpoints(dir);
    *out = dir;
    return EZ_OK;
}

void ez_data_dir_close(ez_data_dir *dir)
{
    if (dir == NULL) {
        return;
    }
    if (dir->lock_fd >= 0) {
        close(dir->lock_fd);
    }
    close(dir->fd);
    free(dir->path);
    free(dir);
}

char *ez_data_dir_file(const ez_data_dir *dir, const char *name)
{
    size_t size = strlen(dir->path) + strlen(name) + 2;
    char *path = ez_alloc(size, 1);
    snprintf(path, size, "%s/%s", dir->path, name);
    return path;
}

/* ---- small files ------------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        at += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

typedef enum file_life {
    FILE_LASTS, /* synced; its name is, too, by ez_data_dir_sync */
    FILE_OF_RUN /* nobody reads it when the process is gone */
} file_life;

/* Replace a file whole. The directory is ours alone while the lock is held, so one temporary name
 * per file will do; a left-over from a crash is removed first, so that its mode does not survive.
 */
static ez_status put_file(ez_data_dir *dir, const char *name, file_life life, mode_t mode,
                          const void *data, size_t size)
{
    char temporary[64];
    snprintf(temporary, sizeof temporary, ".%s.new", name);
    unlinkat(dir->fd, temporary, 0);
    int fd = openat(dir->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool is_done = fd >= 0 && write_all(fd, data, size) && (life == FILE_OF_RUN || fsync(fd) == 0);
    if (fd >= 0) {
        is_done = close(fd) == 0 && is_done;
    }
    is_done = is_done && renameat(dir->fd, temporary, dir->fd, name) == 0;
    if (!is_done) {
        log_failure(dir->log, "write", name);
        unlinkat(dir->fd, temporary, 0);
        return EZ_ERR_IO;
    }
    dir->has_new_names |= life == FILE_LASTS;
    return EZ_OK;
}

ez_status ez_data_dir_sync(ez_data_dir *dir)
{
    if (dir->has_new_names && fsync(dir->fd) != 0) {
        log_failure(dir->log, "sync", dir->path);
        return EZ_ERR_IO;
    }
    dir->has_new_names = false;
    return EZ_OK;
}

/* A secret that others could read is no secret: say so, and close it. */
static void tighten(const ez_data_dir *dir, int fd, const char *name)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && (info.st_mode & 077) != 0) {
        ez_log_emit(dir->log, EZ_LOG_WARN, "secret-was-readable", EZ_LOG_TEXT("file", name));
        if (fchmod(fd, 0600) != 0) {
            log_failure(dir->log, "protect", name);
        }
    }
}

/* Read a secret file whole. EZ_ERR_NOT_FOUND: it is not there, and nothing was logged. */
static ez_status get_secret(const ez_data_dir *dir, const char *name,
                            char out[SMALL_FILE_BYTES_MAX], size_t *size)
{
    int fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        if (errno == ENOENT) {
            return EZ_ERR_NOT_FOUND;
        }
        log_failure(dir->log, "open", name);
        return EZ_ERR_IO;
    }
    tighten(dir, fd, name);
    ssize_t got = read(fd, out, SMALL_FILE_BYTES_MAX);
    if (got < 0) {
        log_failure(dir->log, "read", name);
    }
    close(fd);
    *size = got > 0 ? (size_t)got : 0;
    return got >= 0 ? EZ_OK : EZ_ERR_IO;
}

static ez_status refuse_content(const ez_data_dir *dir, const char *name)
{
    ez_log_emit(dir->log, EZ_LOG_ERROR, "data-damaged", EZ_LOG_TEXT("path", dir->path),
                EZ_LOG_TEXT("file", name),
                EZ_LOG_TEXT("reason", "its content is not what this program wrote"));
    return EZ_ERR_CORRUPT;
}

static ez_status make_key(ez_data_dir *dir, uint8_t seed[EZ_SEED_BYTES])
{
    char text[EZ_KEY_FILE_BYTES + 1];
    randombytes_buf(seed, EZ_SEED_BYTES);
    ez_key_file_format(text, seed);
    ez_status status = put_file(dir, "key", FILE_LASTS, 0600, text, EZ_KEY_FILE_BYTES);
    sodium_memzero(text, sizeof text);
    return status;
}

ez_status ez_data_dir_key(ez_data_dir *dir, ez_keypair *out)
{
    uint8_t seed[EZ_SEED_BYTES];
    char text[SMALL_FILE_BYTES_MAX];
    size_t size = 0;
    ez_status status = get_secret(dir, "key", text, &size);
    if (status == EZ_ERR_NOT_FOUND) {
        status = make_key(dir, seed);
    } else if (status == EZ_OK && ez_key_file_parse(seed, text, size) != EZ_OK) {
        status = refuse_content(dir, "key");
    }
    if (status == EZ_OK) {
        ez_keypair_from_seed(out, seed);
    }
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    return status;
}

ez_status ez_data_dir_token(ez_data_dir *dir, char out[EZ_TOKEN_TEXT_BYTES])
{
    uint8_t secret[(EZ_TOKEN_TEXT_BYTES - 1) / 2];
    char text[SMALL_FILE_BYTES_MAX];
    size_t size = 0;
    ez_status status = get_secret(dir, "http-token", text, &size);
    if (status == EZ_ERR_NOT_FOUND) {
        randombytes_buf(secret, sizeof secret);
        ez_hex_encode(out, secret, sizeof secret);
        memcpy(text, out, EZ_TOKEN_TEXT_BYTES - 1);
        text[EZ_TOKEN_TEXT_BYTES - 1] = '\n';
        return put_file(dir, "http-token", FILE_LASTS, 0600, text, EZ_TOKEN_TEXT_BYTES);
    }
    if (status != EZ_OK) {
        return status;
    }
    if (size == EZ_TOKEN_TEXT_BYTES && text[size - 1] == '\n') {
        size--;
    }
    memcpy(out, text, EZ_TOKEN_TEXT_BYTES - 1);
    out[EZ_TOKEN_TEXT_BYTES - 1] = '\0';
    bool is_token = size == EZ_TOKEN_TEXT_BYTES - 1 && ez_hex_decode(secret, sizeof secret, out);
    return is_token ? EZ_OK : refuse_content(dir, "http-token");
}

/* ---- endpoints.json ---------------------------------------------------------------------- */

ez_endpoint_string ez_endpoints_text(const ez_endpoint *endpoint)
{
    ez_endpoint shown = *endpoint;
    static const uint8_t any_v4[16] = {[10] = 0xff, [11] = 0xff}, any_v6[16];
    if (memcmp(shown.ip, any_v4, sizeof any_v4) == 0) {
        shown.ip[12] = 127;
        shown.ip[15] = 1;
    } else if (memcmp(shown.ip, any_v6, sizeof any_v6) == 0) {
        shown.ip[15] = 1;
    }
    return ez_endpoint_text(&shown);
}

static void add_endpoint(ez_buffer *out, const char *key, bool has, const ez_endpoint *endpoint)
{
    if (has) {
        ez_buffer_printf(out, "\"%s\":\"%s\",", key, ez_endpoints_text(endpoint).text);
    } else {
        ez_buffer_printf(out, "\"%s\":null,", key);
    }
}

ez_status ez_data_dir_put_endpoints(ez_data_dir *dir, const ez_endpoints *endpoints)
{
    ez_buffer text = {0};
    ez_buffer_add_text(&text, "{");
    add_endpoint(&text, "p2p", endpoints->has_p2p, &endpoints->p2p);
    add_endpoint(&text, "http", endpoints->has_http, &endpoints->http);
    ez_buffer_printf(&text, "\"node\":\"%s\",\"pid\":%ld}\n", endpoints->node, (long)getpid());
    ez_status status = put_file(dir, "endpoints.json", FILE_OF_RUN, 0644, text.data, text.size);
    ez_buffer_clear(&text);
    return status;
}

void ez_data_dir_remove_endpoints(ez_data_dir *dir)
{
    unlinkat(dir->fd, "endpoints.json", 0);
}
