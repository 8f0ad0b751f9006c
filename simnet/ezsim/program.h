/* What the commands of ezsim share: each is a main() of its own, which main.c finds by name. */
#ifndef EZP2P_SIMNET_PROGRAM_H
#define EZP2P_SIMNET_PROGRAM_H

#include "ezp2p/base/buffer.h"
#include "report.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define EZSIM_EXIT_USAGE 2 /* or a bad file; 1: a check failed */

/* A command: argv[0] is its name; returns the exit status. */
int ez_command_run(int argc, char **argv);
int ez_command_show(int argc, char **argv);
int ez_command_swarm(int argc, char **argv);
int ez_command_sweep(int argc, char **argv);
int ez_command_replay(int argc, char **argv);

/* ez_program_commit: what was built, as `git describe` names it. */
const char *ez_program_commit(void);

/* Real time, for reports; no node sees it. */
uint64_t ez_program_ms(void);
ez_cost ez_program_cost(uint64_t start_ms);

/* ez_program_number: a whole number from `min` to `max`, all of `text`.
 *   returns  false when it is none, which standard error then says */
bool ez_program_number(uint64_t *out, const char *text, uint64_t min, uint64_t max);

/* ez_program_wants_help: whether --help stands anywhere among a command's arguments. */
bool ez_program_wants_help(int argc, char **argv);

/* ez_program_on_abort: when an assertion ends the program, call `say` first: it tells where the run
 * was. NULL: nobody any more. */
void ez_program_on_abort(void (*say)(const void *self), const void *self);

/* ez_program_print: write a buffer to a file and empty it. */
void ez_program_print(FILE *file, ez_buffer *buffer);

#endif
