/* What the program does once its options are read. Each returns the exit code. */
#ifndef EZP2P_APP_COMMANDS_INTERNAL_H
#define EZP2P_APP_COMMANDS_INTERNAL_H

#include "exit_code_internal.h"
#include "log_sink_internal.h"
#include "options_internal.h"

/* ez_run_node: be a node until asked to stop. */
ez_exit_code ez_run_node(const ez_options *options, ez_log_sink *sink);

/* ez_run_verify: check the chain in the data directory again from genesis. */
ez_exit_code ez_run_verify(const ez_options *options, ez_log_sink *sink);

/* ez_client_knows: whether a sub-command asks a running node; ez_run_client: do so. */
bool ez_client_knows(const char *command);
ez_exit_code ez_run_client(const ez_options *options);

#endif
