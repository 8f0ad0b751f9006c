#include "db_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/little_endian.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What SQLite may allocate for one row, whatever a damaged file claims: a body, an undo record and
 * an address book all stay far below. */
#define ROW_BYTES_MAX (8 << 20)
#define BUSY_MS       5000

static_assert(2 * EZ_BLOCK_BODY_BYTES_MAX < ROW_BYTES_MAX, "a row holds one body or undo record");

static const struct {
    unsigned roles;
    const char *text;
} statements[EZ_SQL_COUNT] = {
#define EZ_SQL_ROW(name, roles, text) [EZ_SQL_##name] = {(roles), (text)},
    EZ_SQL_EACH(EZ_SQL_ROW)
#undef EZ_SQL_ROW
};

/* Small caches: the operating system's holds the file, ours must not grow with it. Checkpoints are
 * the writer thread's, so that a commit that somebody waits for never carries one. secure_delete is
 * compiled on in Debian and would rewrite pages of public data with zeroes. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA cache_size = -1024;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA secure_delete = OFF;"
                               "PRAGMA wal_autocheckpoint = 0;"
                               "PRAGMA journal_size_limit = 8388608;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA trusted_schema = OFF;";

static ez_status status_of(int rc)
{
    int primary = rc & 0xff;
    if (primary == SQLITE_OK) {
        return EZ_OK;
    }
    /* SQLITE_ERROR while reading or preparing means that a table is not as it should be */
    bool corrupt = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ||
                   primary == SQLITE_FORMAT || primary == SQLITE_ERROR;
    return corrupt ? EZ_ERR_CORRUPT : EZ_ERR_IO;
}

ez_db_text ez_db_reason(const ez_db *db, int rc)
{
    ez_db_text out;
    int primary = rc & 0xff;
    int code = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN
                   ? sqlite3_system_errno(db->handle)
                   : 0;
    bool full = primary == SQLITE_FULL || code == ENOSPC || code == EDQUOT;
    const char *message = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc);
    if (code != 0) {
        snprintf(out.text, sizeof out.text, "%s%s (%s, code %d)", full ? "disk full: " : "",
                 message, strerror(code), rc);
    } else {
        snprintf(out.text, sizeof out.text, "%s%s (code %d)", full ? "disk full: " : "", message,
                 rc);
    }
    return out;
}

ez_status ez_db_complain(const ez_db *db, const char *doing, int rc)
{
    ez_db_text reason = ez_db_reason(db, rc);
    ez_log_emit(db->config->log, EZ_LOG_ERROR, "store_unusable",
                EZ_LOG_TEXT("path", db->config->path), EZ_LOG_TEXT("doing", doing),
                EZ_LOG_TEXT("reason", reason.text));
    return status_of(rc);
}

noreturn void ez_db_fail(const ez_db *db, const char *doing, const char *reason)
{
    ez_db_text last = {""};
    if (!reason) {
        last = ez_db_reason(db, sqlite3_extended_errcode(db->handle));
        reason = last.text;
    }
    ez_log_emit(db->config->log, EZ_LOG_ERROR, "store_failed",
                EZ_LOG_TEXT("path", db->config->path), EZ_LOG_TEXT("doing", doing),
                EZ_LOG_TEXT("reason", reason));
    char what[512];
    snprintf(what, sizeof what, "%s: %s; while doing: %s", db->config->path, reason, doing);
    db->config->fatal(db->config->self, what);
    abort(); /* fatal must not return */
}

/* set_wal: WAL is a property of the file. The answer is the mode in force, not an error. */
static ez_status set_wal(ez_db *db)
{
    static const char sql[] = "PRAGMA journal_mode = WAL";
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
    }
    ez_status status = EZ_OK;
    if (rc != SQLITE_ROW) {
        status = ez_db_complain(db, sql, rc);
    } else if (strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0) {
        status = EZ_ERR_IO;
        ez_log_emit(db->config->log, EZ_LOG_ERROR, "store_unusable",
                    EZ_LOG_TEXT("path", db->config->path),
                    EZ_LOG_TEXT("reason", "this file system has no shared memory for a WAL"));
    }
    sqlite3_finalize(statement);
    return status;
}

static ez_status open_file(ez_db *out, const char *path, int flags)
{
    int rc = sqlite3_open_v2(path, &out->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        return ez_db_complain(out, "open", rc);
    }
    sqlite3_extended_result_codes(out->handle, 1);
    sqlite3_busy_timeout(out->handle, BUSY_MS);
    sqlite3_limit(out->handle, SQLITE_LIMIT_LENGTH, ROW_BYTES_MAX);
    sqlite3_db_config(out->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    return ez_db_exec(out, settings);
}

ez_status ez_db_open(ez_db *out, const ez_store_config *config, ez_db_role role)
{
    *out = (ez_db){.config = config};
    bool writes = role == EZ_DB_WRITER;
    int flags = writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    ez_status status = open_file(out, config->path, flags);
    if (status == EZ_OK && writes) {
        status = set_wal(out);
    }
    if (status == EZ_OK && config->read_only) {
        sqlite3_db_config(out->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    }
    if (status != EZ_OK) {
        ez_db_clear(out);
    }
    return status;
}

ez_status ez_db_open_memory(ez_db *out, const ez_store_config *config)
{
    *out = (ez_db){.config = config};
    ez_status status = open_file(out, ":memory:", SQLITE_OPEN_READWRITE);
    if (status != EZ_OK) {
        ez_db_clear(out);
    }
    return status;
}

/* Nobody looks at a draft before ez_db_finish_draft: neither a journal nor a sync guards it. */
ez_status ez_db_open_draft(ez_db *out, const ez_store_config *config, const char *path)
{
    *out = (ez_db){.config = config};
    ez_status status = open_file(out, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (status == EZ_OK) {
        status = ez_db_exec(out, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;");
    }
    return status;
}

/* The change to WAL is a commit of its own, and its sync takes along what was written before. */
ez_status ez_db_finish_draft(ez_db *db)
{
    ez_status status = ez_db_exec(db, "PRAGMA synchronous = FULL");
    return status == EZ_OK ? set_wal(db) : status;
}

ez_status ez_db_prepare(ez_db *db, ez_db_role role)
{
    for (int i = 0; i < EZ_SQL_COUNT; i++) {
        if (!(statements[i].roles & (unsigned)role) || db->statements[i]) {
            continue;
        }
        int rc = sqlite3_prepare_v3(db->handle, statements[i].text, -1, SQLITE_PREPARE_PERSISTENT,
                                    &db->statements[i], NULL);
        if (rc != SQLITE_OK) {
            return ez_db_complain(db, statements[i].text, rc);
        }
    }
    return EZ_OK;
}

void ez_db_clear(ez_db *db)
{
    ez_db_body_close(db);
    for (int i = 0; i < EZ_SQL_COUNT; i++) {
        sqlite3_finalize(db->statements[i]);
    }
    sqlite3_close(db->handle);
    *db = (ez_db){.config = db->config};
}

ez_status ez_db_exec(ez_db *db, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? EZ_OK : ez_db_complain(db, sql, rc);
}

ez_status ez_db_query_number(ez_db *db, int64_t *out, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(statement);
    }
    ez_status status = EZ_OK;
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
    } else {
        status = ez_db_complain(db, sql, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc);
    }
    sqlite3_finalize(statement);
    return status;
}

static void check_bound(const ez_db *db, ez_sql sql, int rc)
{
    if (rc != SQLITE_OK) {
        ez_db_fail(db, statements[sql].text, NULL);
    }
}

void ez_db_bind_number(ez_db *db, ez_sql sql, int index, uint64_t value)
{
    check_bound(db, sql, sqlite3_bind_int64(db->statements[sql], index, (sqlite3_int64)value));
}

void ez_db_bind_bytes(ez_db *db, ez_sql sql, int index, const void *data, size_t size)
{
    const void *bytes = data ? data : ""; /* NULL would bind NULL, not an empty blob */
    check_bound(db, sql,
                sqlite3_bind_blob64(db->statements[sql], index, bytes, size, SQLITE_STATIC));
}

void ez_db_bind_text(ez_db *db, ez_sql sql, int index, const char *text)
{
    check_bound(db, sql, sqlite3_bind_text(db->statements[sql], index, text, -1, SQLITE_STATIC));
}

void ez_db_bind_key(ez_db *db, ez_sql sql, const uint8_t key[32])
{
    check_bound(db, sql, sqlite3_bind_int64(db->statements[sql], 1, ez_db_tail(key)));
    ez_db_bind_bytes(db, sql, 2, key, 32);
}

void ez_db_bind_parts(ez_db *db, ez_sql sql, const uint8_t key[32])
{
    check_bound(db, sql, sqlite3_bind_int64(db->statements[sql], 1, ez_db_tail(key)));
    ez_db_bind_bytes(db, sql, 2, key, 24);
}

int ez_db_try(ez_db *db, ez_sql sql)
{
    int rc = sqlite3_step(db->statements[sql]);
    if (rc != SQLITE_ROW) {
        sqlite3_reset(db->statements[sql]);
    }
    return rc;
}

bool ez_db_step(ez_db *db, ez_sql sql)
{
    int rc = ez_db_try(db, sql);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        ez_db_fail(db, statements[sql].text, NULL);
    }
    return rc == SQLITE_ROW;
}

int ez_db_run(ez_db *db, ez_sql sql)
{
    bool row = ez_db_step(db, sql);
    EZ_ASSERT(!row);
    return sqlite3_changes(db->handle);
}

void ez_db_reset(ez_db *db, ez_sql sql)
{
    sqlite3_reset(db->statements[sql]);
}

uint64_t ez_db_column_number(const ez_db *db, ez_sql sql, int column)
{
    return (uint64_t)sqlite3_column_int64(db->statements[sql], column);
}

bool ez_db_column_copy(void *out, size_t size, const ez_db *db, ez_sql sql, int column)
{
    size_t found;
    const uint8_t *bytes = ez_db_column_bytes(&found, db, sql, column);
    if (found != size) {
        return false;
    }
    memcpy(out, bytes, size);
    return true;
}

const uint8_t *ez_db_column_bytes(size_t *size, const ez_db *db, ez_sql sql, int column)
{
    const void *bytes = sqlite3_column_blob(db->statements[sql], column);
    *size = (size_t)sqlite3_column_bytes(db->statements[sql], column);
    return bytes ? bytes : (const uint8_t *)"";
}

bool ez_db_column_is_null(const ez_db *db, ez_sql sql, int column)
{
    return sqlite3_column_type(db->statements[sql], column) == SQLITE_NULL;
}

int64_t ez_db_tail(const uint8_t key[32])
{
    return (int64_t)ez_load_u64(key + 24);
}
