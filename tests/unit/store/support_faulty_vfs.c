#include "support_faulty_vfs.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX    8
#define SECTOR_BYTES 512

/* A change that no sync has followed yet. */
typedef struct change {
    struct change *next;
    sqlite3_int64 offset;
    int size;      /* -1: truncation to `offset` */
    uint8_t *data; /* NULL for a truncation */
} change;

/* What the platter holds of one file. */
typedef struct disk_image {
    char path[512];
    bool is_there;
    bool is_new;     /* no sync yet: its first one syncs the directory, as SQLite's own VFS does */
    bool is_deleted; /* but the directory was not synced since */
    bool is_renamed; /* from a name that was whole and synced, and likewise */
    uint8_t *data;
    size_t size;
    change *first;
    change **last;
} disk_image;

struct faulty_disk {
    sqlite3_vfs vfs;
    sqlite3_vfs *system;
    faulty_kind kind;
    pthread_mutex_t lock; /* of what follows */
    uint64_t calls_left;  /* until the fault; 0: it has struck */
    disk_image files[FILES_MAX];
    int file_count;
};

typedef struct faulty_file {
    sqlite3_file base;
    faulty_disk *disk;
    disk_image *image; /* NULL for temporary files */
    sqlite3_file *real;
} faulty_file;

/* ---- images ---------------------------------------------------------------------------------- */

static disk_image *find_image(faulty_disk *disk, const char *path)
{
    for (int i = 0; i < disk->file_count; i++) {
        if (strcmp(disk->files[i].path, path) == 0) {
            return &disk->files[i];
        }
    }
    EZ_ASSERT(disk->file_count < FILES_MAX);
    disk_image *out = &disk->files[disk->file_count++];
    snprintf(out->path, sizeof out->path, "%s", path);
    out->last = &out->first;
    return out;
}

static void note_change(disk_image *image, const void *data, int size, sqlite3_int64 offset)
{
    change *item = ez_alloc(1, sizeof *item);
    item->offset = offset;
    item->size = size;
    item->data = data ? ez_memdup(data, (size_t)size) : NULL;
    *image->last = item;
    image->last = &item->next;
}

static void resize(disk_image *image, size_t size)
{
    if (size > image->size) {
        image->data = ez_realloc(image->data, size, 1);
        memset(image->data + image->size, 0, size - image->size);
    }
    image->size = size;
}

/* keep_change: the first `size` bytes of a change reach the platter. */
static void keep_change(disk_image *image, const change *item, size_t size)
{
    size_t end = (size_t)item->offset + size;
    if (!item->data) {
        resize(image, (size_t)item->offset);
        return;
    }
    if (end > image->size) {
        resize(image, end);
    }
    if (size > 0) {
        memcpy(image->data + item->offset, item->data, size);
    }
}

static void drop_changes(disk_image *image)
{
    while (image->first) {
        change *item = image->first;
        image->first = item->next;
        free(item->data);
        free(item);
    }
    image->last = &image->first;
}

static void settle(disk_image *image)
{
    for (const change *item = image->first; item; item = item->next) {
        keep_change(image, item, item->data ? (size_t)item->size : 0);
    }
    drop_changes(image);
}

static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* tear: let some of the unsynced changes arrive. A torn write ends at a border between sectors. */
static void tear(disk_image *image, uint64_t *seed)
{
    for (const change *item = image->first; item; item = item->next) {
        uint64_t fate = draw(seed) % 3;
        size_t size = item->data ? (size_t)item->size : 0;
        if (fate == 1 && item->data) {
            size_t sectors = size / SECTOR_BYTES;
            size = sectors > 0 ? draw(seed) % sectors * SECTOR_BYTES : 0;
        }
        if (fate != 0) {
            keep_change(image, item, size);
        }
    }
    drop_changes(image);
}

void faulty_disk_leave(faulty_disk *disk, const char *dir, uint64_t seed)
{
    pthread_mutex_lock(&disk->lock);
    for (int i = 0; i < disk->file_count; i++) {
        disk_image *image = &disk->files[i];
        bool has_name = !image->is_renamed || (seed != 0 && draw(&seed) % 2 == 0);
        if (!image->is_there || !has_name) {
            continue;
        }
        if (seed != 0) {
            tear(image, &seed);
            if (image->is_deleted && draw(&seed) % 2 == 0) {
                continue;
            }
        }
        char path[600];
        snprintf(path, sizeof path, "%s/%s", dir, strrchr(image->path, '/') + 1);
        FILE *file = fopen(path, "wb");
        EZ_ASSERT(file);
        size_t written = image->size ? fwrite(image->data, 1, image->size, file) : 0;
        EZ_ASSERT(written == image->size);
        fclose(file);
    }
    pthread_mutex_unlock(&disk->lock);
}

/* sync_directory: what was deleted stays deleted, and what was renamed keeps its name. */
static void sync_directory(faulty_disk *disk)
{
    for (int i = 0; i < disk->file_count; i++) {
        if (disk->files[i].is_deleted) {
            disk->files[i].is_there = false;
            disk->files[i].is_deleted = false;
        }
        disk->files[i].is_renamed = false;
    }
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* strikes: count a call; whether it fails. Called with the lock held. */
static bool strikes(faulty_disk *disk)
{
    if (disk->calls_left > 0) {
        disk->calls_left--;
    }
    return disk->calls_left == 0;
}

static bool change_fails(faulty_disk *disk)
{
    return disk->kind != FAULTY_READ && strikes(disk);
}

/* roomless_change_fails: the same for a call that a full disk can still do. */
static bool roomless_change_fails(faulty_disk *disk)
{
    return disk->kind != FAULTY_FULL && change_fails(disk);
}

static int fault(const faulty_disk *disk, int code)
{
    return disk->kind == FAULTY_FULL ? SQLITE_FULL : code;
}

bool faulty_disk_fired(faulty_disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    bool fired = disk->calls_left == 0;
    pthread_mutex_unlock(&disk->lock);
    return fired;
}

void faulty_disk_arm(faulty_disk *disk, uint64_t at)
{
    pthread_mutex_lock(&disk->lock);
    disk->calls_left = at;
    pthread_mutex_unlock(&disk->lock);
}

/* ---- files ----------------------------------------------------------------------------------- */

static faulty_file *file_of(sqlite3_file *base)
{
    return (faulty_file *)(void *)base;
}

static int file_close(sqlite3_file *base)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int size, sqlite3_int64 offset)
{
    faulty_file *file = file_of(base);
    faulty_disk *disk = file->disk;
    pthread_mutex_lock(&disk->lock);
    bool fails = disk->kind == FAULTY_READ ? strikes(disk)
                                           : disk->kind == FAULTY_POWER && disk->calls_left == 0;
    pthread_mutex_unlock(&disk->lock);
    return fails ? SQLITE_IOERR_READ : file->real->pMethods->xRead(file->real, out, size, offset);
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    faulty_file *file = file_of(base);
    faulty_disk *disk = file->disk;
    pthread_mutex_lock(&disk->lock);
    bool fails = change_fails(disk);
    if (!fails && file->image) {
        note_change(file->image, data, size, offset);
    }
    pthread_mutex_unlock(&disk->lock);
    return fails ? fault(disk, SQLITE_IOERR_WRITE)
                 : file->real->pMethods->xWrite(file->real, data, size, offset);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    faulty_file *file = file_of(base);
    pthread_mutex_lock(&file->disk->lock);
    bool fails = roomless_change_fails(file->disk);
    if (!fails && file->image) {
        note_change(file->image, NULL, -1, size);
    }
    pthread_mutex_unlock(&file->disk->lock);
    return fails ? SQLITE_IOERR_TRUNCATE : file->real->pMethods->xTruncate(file->real, size);
}

/* The real sync is left out: the platter stands in for the disk, and the tests stay fast. */
static int file_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    faulty_file *file = file_of(base);
    faulty_disk *disk = file->disk;
    pthread_mutex_lock(&disk->lock);
    bool fails = roomless_change_fails(disk);
    if (!fails && file->image) {
        settle(file->image);
        if (file->image->is_new) {
            file->image->is_new = false;
            sync_directory(disk);
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xFileSize(real, out);
}

static int file_lock(sqlite3_file *base, int level)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xLock(real, level);
}

static int file_unlock(sqlite3_file *base, int level)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xUnlock(real, level);
}

static int file_check_lock(sqlite3_file *base, int *out)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xCheckReservedLock(real, out);
}

static int file_control(sqlite3_file *base, int op, void *argument)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xFileControl(real, op, argument);
}

static int file_sector(sqlite3_file *base)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xSectorSize(real);
}

static int file_traits(sqlite3_file *base)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static int file_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xShmMap(real, page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *base)
{
    sqlite3_file *real = file_of(base)->real;
    real->pMethods->xShmBarrier(real);
}

static int file_shm_unmap(sqlite3_file *base, int remove)
{
    sqlite3_file *real = file_of(base)->real;
    return real->pMethods->xShmUnmap(real, remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- the disk -------------------------------------------------------------------------------- */

/* adopt_file: the platter of a file that did not get its name through here: the store renamed it,
 * whole and synced. */
static bool adopt_file(disk_image *image)
{
    FILE *file = fopen(image->path, "rb");
    if (!file) {
        return false;
    }
    int failed = fseek(file, 0, SEEK_END);
    long size = ftell(file);
    EZ_ASSERT(failed == 0 && size >= 0);
    rewind(file);
    resize(image, (size_t)size);
    size_t got = size > 0 ? fread(image->data, 1, image->size, file) : 0;
    EZ_ASSERT(got == image->size);
    fclose(file);
    image->is_there = image->is_renamed = size > 0;
    return size > 0;
}

/* new_image: the platter of a file that is about to be opened; making one is a change. */
static int new_image(faulty_disk *disk, const char *name, disk_image **out)
{
    pthread_mutex_lock(&disk->lock);
    disk_image *image = find_image(disk, name);
    bool is_new = (!image->is_there || image->is_deleted) && !adopt_file(image);
    bool fails = is_new && change_fails(disk);
    if (!fails) {
        image->is_new |= is_new;
        image->is_there = true;
        image->is_deleted = false;
        *out = image;
    }
    pthread_mutex_unlock(&disk->lock);
    return fails ? SQLITE_CANTOPEN : SQLITE_OK;
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                     int *out_flags)
{
    faulty_disk *disk = vfs->pAppData;
    faulty_file *file = file_of(base);
    *file = (faulty_file){.disk = disk, .real = (sqlite3_file *)(void *)(file + 1)};
    memset(file->real, 0, (size_t)disk->system->szOsFile);
    if (name && (flags & SQLITE_OPEN_CREATE)) {
        int rc = new_image(disk, name, &file->image);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }
    int rc = disk->system->xOpen(disk->system, name, file->real, flags, out_flags);
    file->base.pMethods = file->real->pMethods ? &methods : NULL;
    return rc;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    faulty_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->lock);
    bool fails = roomless_change_fails(disk);
    if (!fails) {
        find_image(disk, name)->is_deleted = true;
        if (sync_dir) {
            sync_directory(disk);
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return fails ? SQLITE_IOERR_DELETE : disk->system->xDelete(disk->system, name, sync_dir);
}

faulty_disk *faulty_disk_new(faulty_kind kind, uint64_t at)
{
    faulty_disk *disk = ez_alloc(1, sizeof *disk);
    disk->system = sqlite3_vfs_find(NULL);
    disk->vfs = *disk->system;
    disk->vfs.pNext = NULL;
    disk->vfs.zName = "faulty";
    disk->vfs.pAppData = disk;
    disk->vfs.szOsFile = (int)sizeof(faulty_file) + disk->system->szOsFile;
    disk->vfs.xOpen = disk_open;
    disk->vfs.xDelete = disk_delete;
    disk->kind = kind;
    disk->calls_left = at;
    pthread_mutex_init(&disk->lock, NULL);
    int rc = sqlite3_vfs_register(&disk->vfs, 1);
    EZ_ASSERT(rc == SQLITE_OK);
    return disk;
}
