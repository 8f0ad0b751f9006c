/* Bodies straight from their pages: a column value would be a second copy of up to a megabyte, and
 * a handle that moves from row to row costs a tenth of one that is opened for each. */
#include "db_internal.h"

#include "ezp2p/base/assert.h"

void ez_db_body_close(ez_db *db)
{
    sqlite3_blob_close(db->body);
    db->body = NULL;
}

bool ez_db_body_open(ez_db *db, uint64_t seq, size_t *size)
{
    sqlite3_int64 row = (sqlite3_int64)seq;
    int rc = db->body != NULL
                 ? sqlite3_blob_reopen(db->body, row)
                 : sqlite3_blob_open(db->handle, "main", "body", "bytes", row, 0, &db->body);
    if (rc != SQLITE_OK) {
        ez_db_body_close(db); /* a handle that failed to move is of no use any more */
        return false;
    }
    *size = (size_t)sqlite3_blob_bytes(db->body);
    return true;
}

bool ez_db_body_read(ez_db *db, void *out, size_t offset, size_t size)
{
    EZ_ASSERT(db->body != NULL);
    size_t bytes = (size_t)sqlite3_blob_bytes(db->body);
    if (offset > bytes || size > bytes - offset) {
        return false;
    }
    return size == 0 || sqlite3_blob_read(db->body, out, (int)size, (int)offset) == SQLITE_OK;
}
