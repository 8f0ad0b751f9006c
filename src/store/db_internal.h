/* One SQLite connection and its statements, each prepared once when the connection opens. Two ways
 * to meet an error: while opening and verifying it is a status that the caller reports; while the
 * node runs it is the end (ez_db_fail), because a store that guesses is worse than one that stops.
 */
#ifndef EZP2P_STORE_DB_INTERNAL_H
#define EZP2P_STORE_DB_INTERNAL_H

#include "ezp2p/store/store.h"

#include <sqlite3.h>
#include <stdnoreturn.h>

/* Who uses a connection; also which statements it prepares. */
typedef enum ez_db_role {
    EZ_DB_WRITER = 1,   /* the writer thread: reads and writes */
    EZ_DB_READER = 2,   /* the port: reads */
    EZ_DB_VERIFIER = 4, /* verify: reads, on a file that must not change */
} ez_db_role;

#define EZ_DB_ALL (EZ_DB_WRITER | EZ_DB_READER | EZ_DB_VERIFIER)
#define EZ_DB_RD  (EZ_DB_READER | EZ_DB_VERIFIER)

/* A transaction's place is its block's row and its position in the body. A body holds far fewer
 * than 2^16 entries. */
#define EZ_PLACE_BITS 16

/* block.state */
#define EZ_STATE_CONNECTED 1
#define EZ_STATE_INVALID   2

/* clang-format off */
#define EZ_SQL_EACH(X) \
    X(BEGIN, EZ_DB_WRITER, "BEGIN IMMEDIATE") \
    X(SNAPSHOT, EZ_DB_RD, "BEGIN") \
    X(COMMIT, EZ_DB_ALL, "COMMIT") \
    /* point reads */ \
    X(BLOCK_FIND, EZ_DB_ALL, "SELECT seq, view_hash FROM block WHERE tail = ?1 AND id = ?2") \
    X(BLOCK_AT, EZ_DB_RD, "SELECT id, header FROM block WHERE seq = ?1") \
    X(UNDO_GET, EZ_DB_READER, "SELECT record FROM undo WHERE block = ?1") \
    X(ACCOUNT_GET, EZ_DB_READER, "SELECT balance, sequence FROM account WHERE tail = ?1 AND key = ?2") \
    X(TX_FIND, EZ_DB_RD, "SELECT place, offset, size FROM tx WHERE tail = ?1 AND head = ?2") \
    /* load */ \
    X(LOAD_BLOCKS, EZ_DB_RD, "SELECT id, header, state FROM block ORDER BY seq") \
    X(LOAD_SPAN, EZ_DB_RD, "SELECT count(*), min(height), max(height) FROM chain") \
    X(LOAD_TIP, EZ_DB_READER | EZ_DB_WRITER, "SELECT id, header FROM chain LEFT JOIN block ON seq = block ORDER BY height DESC LIMIT 1") \
    X(LOAD_POOL, EZ_DB_RD, "SELECT bytes, id FROM pool ORDER BY seq") \
    X(LOAD_MANUAL, EZ_DB_READER, "SELECT host, port FROM manual_peer ORDER BY seq") \
    X(LOAD_BOOK, EZ_DB_READER, "SELECT snapshot FROM book") \
    /* writes */ \
    X(BLOCK_PUT, EZ_DB_WRITER, "INSERT INTO block(tail, id, header, view_hash, state) VALUES(?1, ?2, ?3, ?4, ?5)") \
    X(BODY_PUT, EZ_DB_WRITER, "INSERT INTO body(block, bytes) VALUES(?1, ?2)") \
    X(BLOCK_MARK, EZ_DB_WRITER, "UPDATE block SET state = state | ?2 WHERE seq = ?1") \
    X(CHAIN_PUT, EZ_DB_WRITER, "INSERT INTO chain(height, block) VALUES(?1, ?2)") \
    X(CHAIN_DELETE, EZ_DB_WRITER, "DELETE FROM chain WHERE height = ?1 AND block = ?2 AND height = (SELECT max(height) FROM chain)") \
    X(UNDO_PUT, EZ_DB_WRITER, "INSERT INTO undo(block, record) VALUES(?1, ?2)") \
    X(UNDO_DELETE, EZ_DB_WRITER, "DELETE FROM undo WHERE block = ?1") \
    X(TX_PUT, EZ_DB_WRITER, "INSERT INTO tx(tail, head, place, offset, size) VALUES(?1, ?2, ?3, ?4, ?5)") \
    X(TX_DELETE, EZ_DB_WRITER, "DELETE FROM tx WHERE tail = ?1 AND place = ?2") \
    X(ACCOUNT_UPDATE, EZ_DB_WRITER, "UPDATE account SET balance = ?3, sequence = ?4 WHERE tail = ?1 AND key = ?2") \
    X(ACCOUNT_PUT, EZ_DB_WRITER, "INSERT INTO account(tail, key, balance, sequence) VALUES(?1, ?2, ?3, ?4)") \
    X(ACCOUNT_DELETE, EZ_DB_WRITER, "DELETE FROM account WHERE tail = ?1 AND key = ?2") \
    X(TX_TAILS, EZ_DB_WRITER, "SELECT tail FROM tx WHERE tail >= ?1 ORDER BY tail LIMIT 16384") \
    X(ACCOUNT_TAILS, EZ_DB_WRITER, "SELECT tail FROM account WHERE tail >= ?1 ORDER BY tail LIMIT 16384") \
    X(POOL_FIND, EZ_DB_WRITER, "SELECT 1 FROM pool WHERE tail = ?1 AND id = ?2") \
    X(POOL_PUT, EZ_DB_WRITER, "INSERT INTO pool(tail, id, bytes) VALUES(?1, ?2, ?3)") \
    X(POOL_DELETE, EZ_DB_WRITER, "DELETE FROM pool WHERE tail = ?1 AND id = ?2") \
    X(BOOK_PUT, EZ_DB_WRITER, "INSERT OR REPLACE INTO book(id, snapshot) VALUES(1, ?1)") \
    X(MANUAL_PUT, EZ_DB_WRITER, "INSERT OR IGNORE INTO manual_peer(host, port) VALUES(?1, ?2)") \
    X(MANUAL_DELETE, EZ_DB_WRITER, "DELETE FROM manual_peer WHERE host = ?1 AND port = ?2") \
    /* verify */ \
    X(WALK, EZ_DB_VERIFIER, "SELECT height, seq, id, header, view_hash, state, record, bytes FROM chain LEFT JOIN block ON seq = chain.block LEFT JOIN undo ON undo.block = seq LEFT JOIN body ON body.block = seq ORDER BY height") \
    X(WALK_ACCOUNTS, EZ_DB_VERIFIER, "SELECT key, tail, balance, sequence FROM account ORDER BY rowid") \
    X(COUNT_TXS, EZ_DB_VERIFIER, "SELECT count(*) FROM tx") \
    X(COUNT_UNDO, EZ_DB_VERIFIER, "SELECT count(*) FROM undo") \
    X(COUNT_BODILESS, EZ_DB_VERIFIER, "SELECT count(*) FROM block WHERE NOT EXISTS (SELECT 1 FROM body WHERE body.block = seq)") \
    X(INTEGRITY, EZ_DB_VERIFIER, "PRAGMA integrity_check(1)")
/* clang-format on */

typedef enum ez_sql {
#define EZ_SQL_ENUM(name, roles, text) EZ_SQL_##name,
    EZ_SQL_EACH(EZ_SQL_ENUM)
#undef EZ_SQL_ENUM
        EZ_SQL_COUNT
} ez_sql;

typedef struct ez_db {
    sqlite3 *handle;
    sqlite3_stmt *statements[EZ_SQL_COUNT];
    sqlite3_blob *body;            /* on the body that was read last, or NULL (body.c) */
    const ez_store_config *config; /* borrowed from the store */
} ez_db;

/* ez_db_open: connect to config->path; `role` decides how. Prepares nothing yet, since the schema
 * may not be there.
 *   returns  EZ_ERR_IO or EZ_ERR_CORRUPT, logged; *out is cleared then */
EZ_MUST_USE ez_status ez_db_open(ez_db *out, const ez_store_config *config, ez_db_role role);

/* ez_db_open_memory: a connection to an empty database in memory. */
EZ_MUST_USE ez_status ez_db_open_memory(ez_db *out, const ez_store_config *config);

/* ez_db_open_draft: a connection to a new file at `path`, which no crash may find in use: what is
 * written to it is neither atomic nor durable until ez_db_finish_draft, which makes it a database
 * as ez_db_open wants it, on the disk. Call ez_db_clear after a failure, too. */
EZ_MUST_USE ez_status ez_db_open_draft(ez_db *out, const ez_store_config *config, const char *path);
EZ_MUST_USE ez_status ez_db_finish_draft(ez_db *db);

/* ez_db_prepare: prepare those statements of `role` that are not yet; fails when the schema is not
 * what they ask. */
EZ_MUST_USE ez_status ez_db_prepare(ez_db *db, ez_db_role role);

/* ez_db_clear: finalize the statements and close; a cleared one is fine. */
void ez_db_clear(ez_db *db);

/* ez_db_exec: run SQL text that yields no rows of interest; a failure is logged. */
EZ_MUST_USE ez_status ez_db_exec(ez_db *db, const char *sql);

/* ez_db_query_number: first column of the first row of `sql`. */
EZ_MUST_USE ez_status ez_db_query_number(ez_db *db, int64_t *out, const char *sql);

/* ez_db_complain: log why the last call on `db` failed, and sort `rc` into a status. */
EZ_MUST_USE ez_status ez_db_complain(const ez_db *db, const char *doing, int rc);

/* ez_db_reason: the last error of `db` in words; says "disk full" when that is what it is. */
typedef struct ez_db_text {
    char text[200];
} ez_db_text;
ez_db_text ez_db_reason(const ez_db *db, int rc);

/* ez_db_fail: log one line, call config->fatal, never return. `reason` NULL: the last error. */
noreturn void ez_db_fail(const ez_db *db, const char *doing, const char *reason);

/* Binding: `index` counts from 1. Bytes are borrowed until the statement is bound anew. */
void ez_db_bind_number(ez_db *db, ez_sql sql, int index, uint64_t value);
void ez_db_bind_bytes(ez_db *db, ez_sql sql, int index, const void *data, size_t size);
void ez_db_bind_text(ez_db *db, ez_sql sql, int index, const char *text);
/* ez_db_bind_key: a 32-byte key as its tail (?1) and in full (?2); ez_db_bind_parts: as its tail
 * (?1) and what is before that (?2). */
void ez_db_bind_key(ez_db *db, ez_sql sql, const uint8_t key[32]);
void ez_db_bind_parts(ez_db *db, ez_sql sql, const uint8_t key[32]);

/* ez_db_step: the next row of a bound statement; false, and the statement reset, at the end. Any
 * error is ez_db_fail. */
bool ez_db_step(ez_db *db, ez_sql sql);

/* ez_db_try: the same with the error as SQLite's result code instead; resets unless SQLITE_ROW. */
int ez_db_try(ez_db *db, ez_sql sql);

/* ez_db_run: run a bound statement to its end; returns the number of rows changed. */
int ez_db_run(ez_db *db, ez_sql sql);

/* ez_db_reset: be done with a statement that may have more rows. */
void ez_db_reset(ez_db *db, ez_sql sql);

/* Columns of the current row, counted from 0. ez_db_column_copy: exactly `size` bytes; false, *out
 * untouched, when it is anything else. ez_db_column_bytes: borrowed until the next step; never
 * NULL. */
uint64_t ez_db_column_number(const ez_db *db, ez_sql sql, int column);
bool ez_db_column_copy(void *out, size_t size, const ez_db *db, ez_sql sql, int column);
const uint8_t *ez_db_column_bytes(size_t *size, const ez_db *db, ez_sql sql, int column);
bool ez_db_column_is_null(const ez_db *db, ez_sql sql, int column);

/* ez_db_body_open: get at the body in row `seq`; false when it is not there or cannot be read. It
 * stays open until the next, or ez_db_body_close, and keeps the read transaction alive as long.
 * ez_db_body_read: exactly `size` bytes of it from `offset` on; false when they are not there. */
bool ez_db_body_open(ez_db *db, uint64_t seq, size_t *size);
bool ez_db_body_read(ez_db *db, void *out, size_t offset, size_t size);
void ez_db_body_close(ez_db *db);

/* ez_db_tail: the last eight bytes of an id or key as an integer: what the indexes hold, a third of
 * the size and more than twice the speed of whole keys. The tail, because proof of work makes the
 * heads of block ids alike. Tails may repeat (an attacker can arrange that), so every query
 * compares the whole key too. */
int64_t ez_db_tail(const uint8_t key[32]);

#endif
