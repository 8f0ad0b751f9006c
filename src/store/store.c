#include "store_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/view.h"
#include "schema_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* fill_schema: check what the file says about itself and bring it up to date. */
static ez_status fill_schema(ez_db *db, const ez_network *network)
{
    int64_t version = 0;
    ez_status status = ez_schema_check(db, &version, ez_schema_step_count);
    if (status == EZ_OK) {
        status = ez_schema_migrate(db, version, ez_schema_steps, ez_schema_step_count);
    }
    return status == EZ_OK ? ez_schema_check_network(db, network) : status;
}

static ez_status open_writer(ez_store *store)
{
    ez_status status = ez_store_create(&store->config);
    if (status == EZ_OK) {
        status = ez_db_open(&store->writer, &store->config, EZ_DB_WRITER);
    }
    if (status == EZ_OK) {
        status = fill_schema(&store->writer, &store->network);
    }
    if (status == EZ_OK) {
        status = ez_db_prepare(&store->writer, EZ_DB_WRITER);
    }
    return status;
}

/* open_unchanged: the reader of a file that must stay as it is. One whose node was stopped before
 * it wrote anything is a sound, empty store: an empty database in memory stands in for it. */
static ez_status open_unchanged(ez_store *store)
{
    int64_t version = 0;
    ez_status status = ez_db_open(&store->reader, &store->config, EZ_DB_VERIFIER);
    if (status == EZ_OK) {
        status = ez_schema_check(&store->reader, &version, ez_schema_step_count);
    }
    if (status == EZ_OK && version == 0) {
        ez_db_clear(&store->reader);
        status = ez_db_open_memory(&store->reader, &store->config);
    } else if (status == EZ_OK && version < ez_schema_step_count) {
        ez_log_emit(store->config.log, EZ_LOG_ERROR, "store_unusable",
                    EZ_LOG_TEXT("path", store->config.path),
                    EZ_LOG_TEXT("reason", "an older version wrote this database; start the node "
                                          "once to bring it up to date"));
        status = EZ_ERR_UNSUPPORTED;
    }
    return status == EZ_OK ? fill_schema(&store->reader, &store->network) : status;
}

static ez_status open_all(ez_store *store)
{
    ez_status status = store->config.read_only ? EZ_OK : open_writer(store);
    if (status != EZ_OK) {
        return status;
    }
    status = store->config.read_only ? open_unchanged(store)
                                     : ez_db_open(&store->reader, &store->config, EZ_DB_READER);
    if (status != EZ_OK) {
        return status;
    }
    return ez_db_prepare(&store->reader, EZ_DB_READER);
}

static void init_locks(ez_store *store)
{
    pthread_mutexattr_t recursive;
    pthread_condattr_t monotonic;
    int rc = pthread_mutexattr_init(&recursive);
    rc |= pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    rc |= pthread_mutex_init(&store->read_lock, &recursive);
    rc |= pthread_mutexattr_destroy(&recursive);
    rc |= pthread_mutex_init(&store->lock, NULL);
    rc |= pthread_condattr_init(&monotonic);
    rc |= pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    rc |= pthread_cond_init(&store->wake, &monotonic);
    rc |= pthread_condattr_destroy(&monotonic);
    EZ_ASSERT(rc == 0);
}

static void init_filters(ez_store *store)
{
    ez_siphash_key keys[2]; /* unpredictable, since others choose ids and accounts */
    sqlite3_randomness(sizeof keys, keys);
    ez_filter_init(&store->tx_filter, keys[0]);
    ez_filter_init(&store->account_filter, keys[1]);
}

static void hash_genesis(ez_store *store)
{
    ez_blob *empty = ez_blob_new("", 0);
    ez_view_hash(&store->genesis_view, &store->network.genesis, empty, NULL);
    ez_blob_unref(empty);
}

ez_status ez_store_open(ez_store **out, const ez_store_config *config)
{
    ez_store *store = ez_alloc(1, sizeof *store);
    *out = NULL;
    store->checkpoint_pages = EZ_CHECKPOINT_PAGES;
    store->config = *config;
    store->network = *config->network;
    store->path = ez_strdup(config->path);
    store->config.network = &store->network;
    store->config.path = store->path;
    store->writer.config = &store->config;
    store->reader.config = &store->config;
    init_locks(store);
    init_filters(store);
    hash_genesis(store);
    ez_read_port(&store->port, store);
    ez_status status = open_all(store);
    if (status != EZ_OK) {
        ez_store_close(store);
        return status;
    }
    *out = store;
    return EZ_OK;
}

static void *writer_main(void *self)
{
    ez_writer_run(self);
    return NULL;
}

ez_status ez_store_start(ez_store *store, void *self, void (*stored)(void *self, uint64_t number))
{
    EZ_ASSERT(!store->started && !store->config.read_only);
    store->stored_self = self;
    store->stored = stored;
    int rc = pthread_create(&store->thread, NULL, writer_main, store);
    if (rc != 0) {
        ez_log_emit(store->config.log, EZ_LOG_ERROR, "store_unusable",
                    EZ_LOG_TEXT("reason", "cannot start the writer thread"),
                    EZ_LOG_U64("errno", (uint64_t)rc));
        return EZ_ERR_IO;
    }
    pthread_setname_np(store->thread, "ez-store");
    store->started = true;
    return EZ_OK;
}

const ez_store_port *ez_store_port_of(ez_store *store)
{
    return &store->port;
}

static uint64_t file_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

void ez_store_get_stats(ez_store *store, ez_store_stats *out)
{
    int rc = pthread_mutex_lock(&store->lock);
    EZ_ASSERT(rc == 0);
    *out = store->stats;
    rc = pthread_mutex_unlock(&store->lock);
    EZ_ASSERT(rc == 0);
    char wal[4096];
    snprintf(wal, sizeof wal, "%s-wal", store->path);
    out->bytes = file_bytes(store->path) + file_bytes(wal);
}

static void stop_writer(ez_store *store)
{
    int rc = pthread_mutex_lock(&store->lock);
    EZ_ASSERT(rc == 0);
    store->closing = true;
    pthread_cond_signal(&store->wake);
    rc = pthread_mutex_unlock(&store->lock);
    EZ_ASSERT(rc == 0);
    if (store->started) {
        rc = pthread_join(store->thread, NULL);
        EZ_ASSERT(rc == 0);
    } else if (store->queue.count > 0) {
        ez_writer_run(store);
    }
}

void ez_store_close(ez_store *store)
{
    if (!store) {
        return;
    }
    stop_writer(store);
    /* anything still queued was left by a writer thread that met its end in `fatal` */
    for (size_t i = 0; i < store->queue.count; i++) {
        ez_write_free(store->queue.items[(store->queue.head + i) % store->queue.capacity]);
    }
    free(store->queue.items);
    ez_batch_clear(&store->batch);
    ez_filter_clear(&store->tx_filter);
    ez_filter_clear(&store->account_filter);
    ez_db_clear(&store->reader);
    ez_db_clear(&store->writer); /* last: it copies the WAL into the database and removes it */
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->read_lock);
    free(store->path);
    free(store);
}
