#include "signals_internal.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <signal.h>

static void count(void *self)
{
    ++*(int *)self;
}

static void ignore(void *self)
{
    (void)self;
}

/* A node that records has several lives in one process; a signal may come when one has ended. */
Test(signals, hangup_between_two_lives_is_acted_upon_in_the_next)
{
    int reopened = 0;
    struct event_base *const base = event_base_new();
    const ez_signal_actions actions = {.self = &reopened, .stop = ignore, .reopen = count};
    ez_signals *signals;
    cr_assert_eq(ez_signals_new(&signals, base, &actions), EZ_OK);
    raise(SIGHUP); /* its loop does not run any more */
    ez_signals_free(signals);
    cr_assert_eq(ez_signals_new(&signals, base, &actions), EZ_OK);
    event_base_loop(base, EVLOOP_NONBLOCK);
    cr_expect_eq(reopened, 1);
    ez_signals_free(signals);
    cr_assert_eq(ez_signals_new(&signals, base, &actions), EZ_OK);
    event_base_loop(base, EVLOOP_NONBLOCK);
    cr_expect_eq(reopened, 1, "once");
    ez_signals_free(signals);
    event_base_free(base);
}
