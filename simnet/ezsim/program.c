#include "program.h"

#include "ezp2p/base/build.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

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
    return (ez_cost){ez_program_ms() - start_ms, (uint64_t)usage.ru_maxrss};
}

/* ---- dying ----------------------------------------------------------------------------------- */

static ez_progress watched; /* read by the handler of a signal */

static size_t put_number(char *out, uint64_t value)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = digits[count - 1 - i];
    }
    return count;
}

/* Nothing here but what is safe in a handler; then the signal takes its course. */
static void say_where(int number)
{
    char text[120] = "ezsim: died at ";
    size_t used = strlen(text);
    used += put_number(text + used, watched.time);
    memcpy(text + used, " ms, step ", 10);
    used += 10;
    used += put_number(text + used, watched.steps);
    text[used++] = '\n';
    if (write(STDERR_FILENO, text, used) < 0) {
        /* there is nobody left to tell */
    }
    raise(number);
}

ez_progress *ez_program_watch(void)
{
    static const int numbers[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE};
    struct sigaction before, handler = {.sa_handler = say_where, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        /* A sanitizer that has its own handler says more. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) {
            sigaction(numbers[i], &handler, NULL);
        }
    }
    return &watched;
}

bool ez_program_number(uint64_t *out, const char *text, uint64_t max)
{
    char *end;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 19) {
        return false;
    }
    *out = strtoull(text, &end, 10);
    return *end == '\0' && *out <= max;
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
