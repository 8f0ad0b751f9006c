#include "program.h"

#include "ezp2p/base/build.h"
#include "ezp2p/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

const char *ez_program_commit(void)
{
    return ez_build_commit();
}

uint64_t ez_program_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* lint: for the report only, no node sees it */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

ez_cost ez_program_cost(uint64_t start_ms)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const struct timeval *const user = &usage.ru_utime, *const system = &usage.ru_stime;
    return (ez_cost){
        .real_ms = ez_program_ms() - start_ms,
        .cpu_ms = (uint64_t)(user->tv_sec + system->tv_sec) * 1000 +
                  (uint64_t)(user->tv_usec + system->tv_usec) / 1000,
        .memory_kib = (uint64_t)usage.ru_maxrss,
    };
}

bool ez_program_number(uint64_t *out, const char *text, uint64_t min, uint64_t max)
{
    char *end = NULL;
    const bool has_form = text[0] >= '0' && text[0] <= '9';
    errno = 0;
    *out = has_form ? strtoull(text, &end, 10) : 0;
    if (has_form && *end == '\0' && errno == 0 && *out >= min && *out <= max) {
        return true;
    }
    char shown[64];
    ez_text_escape(shown, sizeof(shown), text, strlen(text));
    fprintf(stderr, "ezsim: expected a number from %" PRIu64 " to %" PRIu64 ", not `%s`\n", min,
            max, shown);
    return false;
}

bool ez_program_wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            return true;
        }
    }
    return false;
}

static struct {
    void (*say)(const void *self);
    const void *self;
} last_words;

/* Only abort() raises it here, on our own stack: what is not safe in other handlers is in this. */
static void on_abort(int number)
{
    (void)number;
    if (last_words.say != NULL) {
        fflush(stdout);
        last_words.say(last_words.self);
    }
}

void ez_program_on_abort(void (*say)(const void *self), const void *self)
{
    last_words.say = say;
    last_words.self = self;
    signal(SIGABRT, on_abort);
}

void ez_program_print(FILE *file, ez_buffer *buffer)
{
    if (buffer->size > 0) {
        fwrite(buffer->data, 1, buffer->size, file);
    }
    ez_buffer_clear(buffer);
}
