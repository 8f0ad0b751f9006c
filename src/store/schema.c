#include "schema_internal.h"

#include <stdio.h>
#include <string.h>

/* Why the tables are cut this way:
 * - `block` rows are small, so that loading reads headers only and marking a block does not rewrite
 *   a megabyte of body behind it; bodies and undo records share the row number and have tables of
 *   their own.
 * - Keys are found by an index over their tails (ez_db_tail); rows lie in order of arrival, so the
 *   accounts and transactions of one time share pages. Measured with 500,000 random ids in groups
 *   of 1,000: 52 k inserts/s, against 26 k/s with the tail as row number and 25 k/s WITHOUT ROWID.
 * - `tx` holds the active chain only. */

/* All but `tx`, which step 2 replaces. */
#define TABLES                                                                                     \
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"         \
    "CREATE TABLE block(seq INTEGER PRIMARY KEY, tail INTEGER NOT NULL, id BLOB NOT NULL,"         \
    " header BLOB NOT NULL, view_hash BLOB NOT NULL, state INTEGER NOT NULL) STRICT;"              \
    "CREATE INDEX block_tail ON block(tail);"                                                      \
    "CREATE TABLE body(block INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"                    \
    "CREATE TABLE undo(block INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;"                   \
    "CREATE TABLE chain(height INTEGER PRIMARY KEY, block INTEGER NOT NULL) STRICT;"               \
    "CREATE TABLE account(seq INTEGER PRIMARY KEY, tail INTEGER NOT NULL, key BLOB NOT NULL,"      \
    " balance INTEGER NOT NULL, sequence INTEGER NOT NULL) STRICT;"                                \
    "CREATE INDEX account_tail ON account(tail);"                                                  \
    "CREATE TABLE pool(seq INTEGER PRIMARY KEY, tail INTEGER NOT NULL, id BLOB NOT NULL,"          \
    " bytes BLOB NOT NULL) STRICT;"                                                                \
    "CREATE INDEX pool_tail ON pool(tail);"                                                        \
    "CREATE TABLE manual_peer(seq INTEGER PRIMARY KEY, host TEXT NOT NULL, port INTEGER NOT NULL," \
    " UNIQUE(host, port)) STRICT;"                                                                 \
    "CREATE TABLE book(id INTEGER PRIMARY KEY CHECK(id = 1), snapshot BLOB NOT NULL) STRICT;"

static const char step_1[] =
    TABLES "CREATE TABLE tx(place INTEGER PRIMARY KEY, tail INTEGER NOT NULL, id BLOB NOT NULL,"
           " offset INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;"
           "CREATE INDEX tx_tail ON tx(tail);";

/* The index of transactions is a table of its own, in the order of tails: one tree to change for
 * each transaction where there were two, and a group of rows that is written in that order visits
 * each page once. What it costs beside other shapes is in docs/decisions.md. */
static const char step_2[] =
    "CREATE TABLE tx_index(tail INTEGER NOT NULL, head BLOB NOT NULL, place INTEGER NOT NULL,"
    " offset INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY(tail, place)) STRICT,"
    " WITHOUT ROWID;"
    "INSERT INTO tx_index SELECT tail, substr(id, 1, 24), place, offset, size FROM tx"
    " ORDER BY tail, place;"
    "DROP TABLE tx;"
    "ALTER TABLE tx_index RENAME TO tx;";

const char *const ez_schema_steps[] = {step_1, step_2};
const int ez_schema_step_count = sizeof ez_schema_steps / sizeof ez_schema_steps[0];

/* The tables as the steps leave them. */
static const char whole[] =
    TABLES "CREATE TABLE tx(tail INTEGER NOT NULL, head BLOB NOT NULL, place INTEGER NOT NULL,"
           " offset INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY(tail, place)) STRICT,"
           " WITHOUT ROWID;";

static ez_status refuse(const ez_db *db, ez_status status, const char *reason)
{
    ez_log_emit(db->config->log, EZ_LOG_ERROR, "store_unusable",
                EZ_LOG_TEXT("path", db->config->path), EZ_LOG_TEXT("reason", reason));
    return status;
}

ez_status ez_schema_check(ez_db *db, int64_t *version, int count)
{
    int64_t application = 0;
    int64_t tables = 0;
    ez_status status = ez_db_query_number(db, version, "PRAGMA user_version");
    if (status == EZ_OK) {
        status = ez_db_query_number(db, &application, "PRAGMA application_id");
    }
    if (status == EZ_OK) {
        status = ez_db_query_number(db, &tables, "SELECT count(*) FROM sqlite_schema");
    }
    if (status != EZ_OK) {
        return status;
    }
    bool empty = tables == 0 && application == 0 && *version == 0;
    if (!empty && (application != EZ_APPLICATION_ID || *version < 1)) {
        return refuse(db, EZ_ERR_CORRUPT, "this is a database of another program");
    }
    if (*version > count) {
        return refuse(db, EZ_ERR_UNSUPPORTED, "a newer version of ezp2p wrote this database");
    }
    return EZ_OK;
}

static ez_status insert_network(ez_db *db, const ez_network *network)
{
    static const char sql[] =
        "INSERT INTO meta(name, value) VALUES('network_id', ?1), ('network', ?2)";
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_blob(statement, 1, &network->genesis_id, sizeof network->genesis_id,
                          SQLITE_STATIC);
        sqlite3_bind_blob(statement, 2, network->name, (int)strlen(network->name), SQLITE_STATIC);
        rc = sqlite3_step(statement);
    }
    ez_status status = rc == SQLITE_DONE ? EZ_OK : ez_db_complain(db, sql, rc);
    sqlite3_finalize(statement);
    return status;
}

static ez_status stamp(ez_db *db, int version)
{
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             EZ_APPLICATION_ID, version);
    return ez_db_exec(db, sql);
}

static ez_status run_steps(ez_db *db, int64_t version, const char *const *steps, int count)
{
    ez_status status = EZ_OK;
    for (int64_t i = version; i < count && status == EZ_OK; i++) {
        status = ez_db_exec(db, steps[i]);
    }
    if (status == EZ_OK && version == 0) {
        status = insert_network(db, db->config->network);
    }
    return status == EZ_OK ? stamp(db, count) : status;
}

ez_status ez_schema_migrate(ez_db *db, int64_t version, const char *const *steps, int count)
{
    if (version == count) {
        return EZ_OK;
    }
    ez_status status = ez_db_exec(db, "BEGIN IMMEDIATE");
    if (status != EZ_OK) {
        return status;
    }
    status = run_steps(db, version, steps, count);
    if (status == EZ_OK) {
        status = ez_db_exec(db, "COMMIT");
    }
    if (status != EZ_OK && !sqlite3_get_autocommit(db->handle)) {
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* what matters is logged */
    }
    return status;
}

/* In one transaction, so that the file is written once. */
ez_status ez_schema_create(ez_db *db)
{
    ez_status status = ez_db_exec(db, "BEGIN");
    if (status == EZ_OK) {
        status = ez_db_exec(db, whole);
    }
    if (status == EZ_OK) {
        status = insert_network(db, db->config->network);
    }
    if (status == EZ_OK) {
        status = stamp(db, ez_schema_step_count);
    }
    return status == EZ_OK ? ez_db_exec(db, "COMMIT") : status;
}

static ez_status compare_network(ez_db *db, sqlite3_stmt *statement, const ez_network *network)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_DONE) {
        return refuse(db, EZ_ERR_CORRUPT, "the database does not name its network");
    }
    if (rc != SQLITE_ROW) {
        return ez_db_complain(db, sqlite3_sql(statement), rc);
    }
    const void *id = sqlite3_column_blob(statement, 0);
    if (sqlite3_column_bytes(statement, 0) != (int)sizeof network->genesis_id || !id) {
        return refuse(db, EZ_ERR_CORRUPT, "the network id is damaged");
    }
    if (memcmp(id, &network->genesis_id, sizeof network->genesis_id) != 0) {
        ez_log_emit(db->config->log, EZ_LOG_ERROR, "store_unusable",
                    EZ_LOG_TEXT("path", db->config->path),
                    EZ_LOG_TEXT("reason", "this database belongs to another network"),
                    EZ_LOG_TEXT("wanted", network->name), EZ_LOG_HASH("found", id));
        return EZ_ERR_CONFIG;
    }
    return EZ_OK;
}

ez_status ez_schema_check_network(ez_db *db, const ez_network *network)
{
    static const char sql[] = "SELECT value FROM meta WHERE name = 'network_id'";
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    ez_status status =
        rc == SQLITE_OK ? compare_network(db, statement, network) : ez_db_complain(db, sql, rc);
    sqlite3_finalize(statement);
    return status;
}
