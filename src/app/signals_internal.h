/* Signals: the first SIGTERM or SIGINT asks to stop, and is given EZ_STOP_SECONDS; the second ends
 * the process at once, whatever it does at that moment. SIGHUP reopens logs. SIGPIPE is ignored.
 * Handlers are in place from ez_signals_new on; what they catch is acted upon when the loop runs. A
 * SIGHUP that found no loop any more is acted upon by the loop of the next object.
 */
#ifndef EZP2P_APP_SIGNALS_INTERNAL_H
#define EZP2P_APP_SIGNALS_INTERNAL_H

#include "ezp2p/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define EZ_STOP_SECONDS 5

struct event_base;

typedef struct ez_signals ez_signals;

typedef struct ez_signal_actions {
    void *self;
    void (*stop)(void *self);
    void (*reopen)(void *self);
} ez_signal_actions;

/* ez_signals_new: catch them; one object at a time in a process. */
EZ_MUST_USE ez_status ez_signals_new(ez_signals **out, struct event_base *base,
                                     const ez_signal_actions *actions);
/* ez_signals_block: keep the signals that are handled here for later, so that none takes its
 * default action while nobody handles them; ez_signals_unblock: let them come. */
void ez_signals_block(void);
void ez_signals_unblock(void);

/* ez_signals_stop_came: whether the process was asked to stop, by now. Blocking is the calling
 * thread's own affair: another thread may have caught the signal when there was no loop left to act
 * upon it. */
bool ez_signals_stop_came(void);

/* ez_signals_stop_with: from now on the end of process `parent`, which started this one, is a
 * SIGTERM: of the thread in it that did, to be exact (prctl(2), PR_SET_PDEATHSIG).
 *   returns  false when it is not the parent, or not any more */
bool ez_signals_stop_with(uint64_t parent);

void ez_signals_free(ez_signals *signals); /* NULL is fine */

#endif
