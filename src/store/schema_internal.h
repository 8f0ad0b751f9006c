/* The schema as an append-only list of steps. PRAGMA user_version counts the steps a file has seen;
 * a step that was released is never edited. */
#ifndef EZP2P_STORE_SCHEMA_INTERNAL_H
#define EZP2P_STORE_SCHEMA_INTERNAL_H

#include "db_internal.h"

#define EZ_APPLICATION_ID 0x657a3270 /* "ez2p", shown by file(1) */

extern const char *const ez_schema_steps[];
extern const int ez_schema_step_count;

/* ez_schema_check: judge a file before anything is written to it.
 *   returns  EZ_OK with *version set (0: an empty file); EZ_ERR_CORRUPT for another program's
 *            database; EZ_ERR_UNSUPPORTED when it is newer than `count` steps */
EZ_MUST_USE ez_status ez_schema_check(ez_db *db, int64_t *version, int count);

/* ez_schema_migrate: run the steps from `version` on, and name the network in a new file, all in
 * one transaction. */
EZ_MUST_USE ez_status ez_schema_migrate(ez_db *db, int64_t version, const char *const *steps,
                                        int count);

/* ez_schema_create: what all steps together make of an empty file, at once: a third of the work.
 * Names the network and stamps the version, too. */
EZ_MUST_USE ez_status ez_schema_create(ez_db *db);

/* ez_schema_check_network: EZ_ERR_CONFIG for another network's file, EZ_ERR_CORRUPT when it does
 * not say. */
EZ_MUST_USE ez_status ez_schema_check_network(ez_db *db, const ez_network *network);

#endif
