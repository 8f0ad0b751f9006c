#include "log_sink_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct ez_log_sink {
    ez_log log;
    ez_log_style style;
    char *path;            /* NULL: a descriptor that is not ours */
    pthread_mutex_t mutex; /* for all below */
    int fd;
    uint64_t lost; /* lines that a full pipe did not take, since the last that it did */
    ez_buffer line;
    ez_log_limit limit;
};

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A pipe that polls writable takes PIPE_BUF bytes without blocking, and whole (pipe(7)). */
static bool put_line(ez_log_sink *sink)
{
    struct pollfd wait = {.fd = sink->fd, .events = POLLOUT};
    if (poll(&wait, 1, 0) != 1 || (wait.revents & POLLOUT) == 0) {
        return false;
    }
    size_t done = 0;
    while (done < sink->line.size) {
        ssize_t put = write(sink->fd, sink->line.data + done, sink->line.size - done);
        if (put < 0 && errno != EINTR) {
            return false; /* there is nowhere to say so */
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static void emit(ez_log_sink *sink, ez_log_level level, const char *event,
                 const ez_log_field *fields, size_t field_count)
{
    ez_log_format(&sink->line, sink->style, clock_us(CLOCK_REALTIME), level, event, fields,
                  field_count);
    if (!put_line(sink)) {
        sink->lost++;
    }
}

static void emit_count(ez_log_sink *sink, const char *what, const char *event, uint64_t count)
{
    const ez_log_field fields[] = {EZ_LOG_TEXT("name", event), EZ_LOG_U64("lines", count)};
    emit(sink, EZ_LOG_WARN, what, fields, sizeof fields / sizeof *fields);
}

static void write_event(void *self, ez_log_level level, const char *event,
                        const ez_log_field *fields, size_t field_count)
{
    ez_log_sink *sink = self;
    int saved_errno = errno; /* callers log before they report it */
    uint64_t suppressed = 0;
    pthread_mutex_lock(&sink->mutex);
    if (ez_log_limit_take(&sink->limit, &suppressed, event, clock_us(CLOCK_MONOTONIC) / 1000)) {
        if (sink->lost > 0) {
            uint64_t lost = sink->lost;
            sink->lost = 0;
            emit_count(sink, "log-lost", "any", lost);
        }
        if (suppressed > 0) {
            emit_count(sink, "log-suppressed", event, suppressed);
        }
        emit(sink, level, event, fields, field_count);
    }
    pthread_mutex_unlock(&sink->mutex);
    errno = saved_errno;
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

ez_status ez_log_sink_new(ez_log_sink **out, ez_log_level level, ez_log_style style,
                          const char *path, int fd)
{
    *out = NULL;
    int target = path != NULL ? open_file(path) : fd;
    if (target < 0) {
        return EZ_ERR_IO;
    }
    ez_log_sink *sink = ez_alloc(1, sizeof *sink);
    sink->log = (ez_log){.self = sink, .level = level, .write = write_event};
    sink->style = style;
    sink->path = path != NULL ? ez_strdup(path) : NULL;
    sink->fd = target;
    EZ_ASSERT(pthread_mutex_init(&sink->mutex, NULL) == 0);
    *out = sink;
    return EZ_OK;
}

const ez_log *ez_log_sink_log(const ez_log_sink *sink)
{
    return &sink->log;
}

ez_status ez_log_sink_reopen(ez_log_sink *sink)
{
    if (sink->path == NULL) {
        return EZ_OK;
    }
    int fd = open_file(sink->path);
    if (fd < 0) {
        return EZ_ERR_IO;
    }
    pthread_mutex_lock(&sink->mutex);
    int old = sink->fd;
    sink->fd = fd;
    pthread_mutex_unlock(&sink->mutex);
    close(old);
    return EZ_OK;
}

/* What the limit held back and no later line told. */
static void tell_suppressed(ez_log_sink *sink)
{
    for (size_t i = 0; i < EZ_LOG_NAMES_MAX; i++) {
        const ez_log_budget *budget = &sink->limit.names[i];
        if (budget->suppressed > 0) {
            emit_count(sink, "log-suppressed", budget->event, budget->suppressed);
        }
    }
}

void ez_log_sink_free(ez_log_sink *sink)
{
    if (sink == NULL) {
        return;
    }
    tell_suppressed(sink);
    if (sink->path != NULL) {
        close(sink->fd);
    }
    pthread_mutex_destroy(&sink->mutex);
    ez_buffer_clear(&sink->line);
    free(sink->path);
    free(sink);
}
