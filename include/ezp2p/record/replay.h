/* The replay: a core of this program, given what a recorded one was given, step by step, and
 * compared with it. A step is one event and the effects that follow; step 0 is the start.
 *
 *     ez_replay *replay = ez_replay_new(&source, &watcher);
 *     while (ez_replay_step(replay) == EZ_REPLAY_SAME) {
 *     }
 *
 * The record is hostile: what is no such record ends the replay as damaged, and what contradicts
 * itself (a write reported durable that was never made) as a difference. What it says about the
 * store is believed, as a node believes its store: a record that lies there, with good checks, can
 * stop the core at an assertion, and does no other harm.
 */
#ifndef EZP2P_RECORD_REPLAY_H
#define EZP2P_RECORD_REPLAY_H

#include "ezp2p/node/query.h"
#include "ezp2p/record/format.h"
#include "ezp2p/record/reader.h"

typedef struct ez_replay ez_replay;

typedef enum ez_replay_result {
    EZ_REPLAY_SAME,    /* the step was made, and came out as recorded */
    EZ_REPLAY_OVER,    /* no step is left: ez_replay_ending */
    EZ_REPLAY_DIFFERS, /* the cores part here: ez_replay_why */
    EZ_REPLAY_DAMAGED, /* no such record: ez_replay_why */
} ez_replay_result;

/* Who looks on; any of the calls may be NULL. What they are given is borrowed for the call. */
typedef struct ez_replay_watcher {
    void *self;
    void (*event)(void *self, const ez_replay *replay, const ez_event *event);
    void (*effect)(void *self, const ez_replay *replay, const ez_effect *effect);
    /* The core is in the middle of a call and asks for what the record does not have: the result is
     * OVER, DIFFERS or DAMAGED. Whoever can should end the process here: when this returns, the
     * core is told of an empty account, an absent transaction or body, and may stop at an
     * assertion. */
    void (*stuck)(void *self, const ez_replay *replay, ez_replay_result result);
} ez_replay_watcher;

/* ez_replay_new: of the record that `source` gives; both arguments are copied. */
ez_replay *ez_replay_new(const ez_record_source *source, const ez_replay_watcher *watcher);
void ez_replay_free(ez_replay *replay); /* NULL is fine */

/* ez_replay_step: make the next step; the first call is step 0. Any result but SAME stays. */
ez_replay_result ez_replay_step(ez_replay *replay);

/* ez_replay_number: of the step made last, or under way. ez_replay_now: its clocks. */
uint64_t ez_replay_number(const ez_replay *replay);
ez_now ez_replay_now(const ez_replay *replay);

/* ez_replay_began: the clocks of step 0. */
ez_now ez_replay_began(const ez_replay *replay);

/* ez_replay_program, ez_replay_commit: who recorded, as it says itself; "" before step 0. */
const char *ez_replay_program(const ez_replay *replay);
const char *ez_replay_commit(const ez_replay *replay);

/* ez_replay_why: after DIFFERS or DAMAGED, what is wrong, for a person. */
const char *ez_replay_why(const ez_replay *replay);

/* How a record ends that was replayed to its end. */
typedef enum ez_replay_ending {
    EZ_REPLAY_CLOSED,      /* as ez_replay_closing says */
    EZ_REPLAY_CUT,         /* after a whole step: the process died there, or still runs */
    EZ_REPLAY_CUT_IN_STEP, /* the last event is recorded, what followed from it is not, or in part:
                              the process died in this step */
} ez_replay_ending;
ez_replay_ending ez_replay_ending_of(const ez_replay *replay);
ez_record_end ez_replay_closing(const ez_replay *replay); /* after EZ_REPLAY_CLOSED */

/* ez_replay_effects: how many came out so far. ez_replay_digest: folded over all of them. */
uint64_t ez_replay_effects(const ez_replay *replay);
uint64_t ez_replay_digest(const ez_replay *replay);

/* ez_replay_node: the core, for queries between steps; NULL before step 0 and when it failed to
 * start. */
const ez_node *ez_replay_node(const ez_replay *replay);

#endif
