/* A disk that fails on request: a SQLite VFS over the system's own. Every call that changes
 * something is counted (write, truncate, sync, delete, and opening a file that is not there); from
 * the chosen one on, all of them fail. Beside the real files it keeps what would be left of each
 * after a loss of power: what was synced, and, when asked, some of what was not.
 */
#ifndef EZP2P_TEST_SUPPORT_FAULTY_VFS_H
#define EZP2P_TEST_SUPPORT_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum faulty_kind {
    FAULTY_POWER, /* the machine is gone: everything fails, reading too */
    FAULTY_IO,    /* SQLITE_IOERR_* */
    FAULTY_FULL,  /* SQLITE_FULL on writes; what takes no room still works */
    FAULTY_READ,  /* reads are counted instead, and fail */
} faulty_kind;

typedef struct faulty_disk faulty_disk;

/* faulty_disk_new: become the default VFS of this process, to its end; call number `at` (from 1)
 * fails, and all after it. */
faulty_disk *faulty_disk_new(faulty_kind kind, uint64_t at);

/* faulty_disk_arm: count anew from here. */
void faulty_disk_arm(faulty_disk *disk, uint64_t at);

/* faulty_disk_fired: whether the fault has struck. */
bool faulty_disk_fired(faulty_disk *disk);

/* faulty_disk_leave: write what a loss of power leaves into `dir`, under the files' own names.
 *   seed  0: exactly what was synced; else each write since may have arrived, wholly, up to a
 *         sector's border, or not at all, in any combination */
void faulty_disk_leave(faulty_disk *disk, const char *dir, uint64_t seed);

#endif
