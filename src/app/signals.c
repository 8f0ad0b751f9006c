#include "signals_internal.h"

#include "exit_code_internal.h"
#include "ezp2p/base/alloc.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct ez_signals {
    ez_signal_actions actions;
    struct event *readable;
    int read_fd;
};

/* A handler has no other way to reach anything. */
static volatile sig_atomic_t stop_count;
static volatile sig_atomic_t write_fd = -1;
static volatile sig_atomic_t reopen_due; /* a SIGHUP came that nobody acted upon yet */

static void leave(const char *why, int code)
{
    ssize_t ignored = write(STDERR_FILENO, why, strlen(why));
    (void)ignored;
    _exit(code);
}

/* Not through libevent's own signal events: a loop that hangs must not be able to swallow the
 * second one. */
static void on_signal(int number)
{
    int saved_errno = errno;
    if (number == SIGALRM) {
        leave("ezp2p: could not stop in time\n", EZ_EXIT_FAILURE);
    }
    if (number != SIGHUP && ++stop_count > 1) {
        leave("ezp2p: stopped at once\n", EZ_EXIT_OK);
    }
    if (number != SIGHUP) {
        alarm(EZ_STOP_SECONDS);
    }
    if (number == SIGHUP) {
        reopen_due = 1;
    }
    char byte = (char)number;
    ssize_t ignored = write(write_fd, &byte, 1);
    (void)ignored;
    errno = saved_errno;
}

static void on_readable(evutil_socket_t fd, short what, void *self)
{
    ez_signals *signals = self;
    char numbers[16];
    (void)what;
    ssize_t count = read(fd, numbers, sizeof numbers);
    for (ssize_t i = 0; i < count; i++) {
        if (numbers[i] == SIGHUP) {
            reopen_due = 0; /* before, so that one that comes meanwhile counts */
            signals->actions.reopen(signals->actions.self);
        } else {
            signals->actions.stop(signals->actions.self);
        }
    }
}

static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGALRM};

static void set_mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&set, numbers[i]);
    }
    (void)sigprocmask(how, &set, NULL); /* fails for a bad `how` only */
}

void ez_signals_block(void)
{
    set_mask(SIG_BLOCK);
}

void ez_signals_unblock(void)
{
    set_mask(SIG_UNBLOCK);
}

bool ez_signals_stop_came(void)
{
    return stop_count > 0;
}

bool ez_signals_stop_with(uint64_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && (uint64_t)getppid() == parent;
}

static void set_handlers(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaction(numbers[i], &action, NULL);
    }
}

ez_status ez_signals_new(ez_signals **out, struct event_base *base,
                         const ez_signal_actions *actions)
{
    int fds[2];
    *out = NULL;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
        return EZ_ERR_IO;
    }
    ez_signals *signals = ez_alloc(1, sizeof *signals);
    *signals = (ez_signals){.actions = *actions, .read_fd = fds[0]};
    write_fd = fds[1];
    signals->readable = event_new(base, fds[0], EV_READ | EV_PERSIST, on_readable, signals);
    if (signals->readable == NULL || event_add(signals->readable, NULL) != 0) {
        ez_signals_free(signals);
        return EZ_ERR_IO;
    }
    signal(SIGPIPE, SIG_IGN);
    set_handlers(on_signal);
    if (reopen_due) { /* it came when the loop of the life before had ended */
        on_signal(SIGHUP);
    }
    *out = signals;
    return EZ_OK;
}

void ez_signals_free(ez_signals *signals)
{
    if (signals == NULL) {
        return;
    }
    /* What still comes while the process winds up is a second signal: the default action. */
    set_handlers(SIG_DFL);
    alarm(0);
    if (signals->readable != NULL) {
        event_free(signals->readable);
    }
    close(signals->read_fd);
    close(write_fd);
    write_fd = -1;
    free(signals);
}
