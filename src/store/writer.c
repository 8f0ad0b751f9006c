#include "store_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

/* The writes of one transaction. */
typedef struct ez_group {
    ez_write **items;
    size_t count;
    size_t urgent; /* of them somebody waits for */
} ez_group;

static uint64_t elapsed_us(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t us =
        (int64_t)(now.tv_sec - since->tv_sec) * 1000000 + (now.tv_nsec - since->tv_nsec) / 1000;
    return us > 0 ? (uint64_t)us : 0;
}

static void lock(ez_store *store)
{
    int rc = pthread_mutex_lock(&store->lock);
    EZ_ASSERT(rc == 0);
}

static void unlock(ez_store *store)
{
    int rc = pthread_mutex_unlock(&store->lock);
    EZ_ASSERT(rc == 0);
}

static void queue_grow(ez_write_queue *queue)
{
    size_t capacity = queue->capacity ? 2 * queue->capacity : 64;
    ez_write **items = ez_alloc(capacity, sizeof *items);
    for (size_t i = 0; i < queue->count; i++) {
        items[i] = queue->items[(queue->head + i) % queue->capacity];
    }
    free(queue->items);
    queue->items = items;
    queue->head = 0;
    queue->capacity = capacity;
}

static void queue_put(ez_write_queue *queue, ez_write *write)
{
    if (queue->count == queue->capacity) {
        queue_grow(queue);
    }
    if (queue->count == 0) {
        clock_gettime(CLOCK_MONOTONIC, &queue->since);
    }
    queue->items[(queue->head + queue->count++) % queue->capacity] = write;
    queue->ops += write->count;
    queue->bytes += write->bytes;
    queue->urgent += write->urgent;
}

static ez_write *queue_take(ez_write_queue *queue)
{
    ez_write *write = queue->items[queue->head];
    queue->head = (queue->head + 1) % queue->capacity;
    queue->count--;
    queue->ops -= write->count;
    queue->bytes -= write->bytes;
    queue->urgent -= write->urgent;
    return write;
}

/* may_linger: whether what is queued is worth waiting a moment for more. */
static bool may_linger(const ez_store *store)
{
    const ez_write_queue *queue = &store->queue;
    bool has_company = queue->urgent == 0 || queue->urgent < store->company.count;
    bool spreads = queue->bytes >= EZ_SPREAD_BYTES;
    return !store->closing && (has_company || spreads) && queue->ops < EZ_LINGER_OPS &&
           queue->bytes < EZ_LINGER_BYTES;
}

void ez_store_write(ez_store *store, ez_write *write)
{
    lock(store);
    EZ_ASSERT(!store->config.read_only && !store->closing);
    EZ_ASSERT(write->number > store->last_number);
    store->last_number = write->number;
    queue_put(&store->queue, write);
    if (!store->is_lingering || write->urgent || !may_linger(store)) {
        pthread_cond_signal(&store->wake);
    }
    unlock(store);
}

static struct timespec add_us(struct timespec time, uint64_t us)
{
    time.tv_nsec += (long)us * 1000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static struct timespec later_of(struct timespec a, struct timespec b)
{
    bool is_later = a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
    return is_later ? a : b;
}

/* linger_until: the moment at which what is queued is committed, however little it is. */
static struct timespec linger_until(const ez_store *store)
{
    const ez_company *company = &store->company;
    uint64_t half_us = company->commit_us / 2;
    if (store->queue.urgent == 0) {
        return add_us(store->queue.since, EZ_LINGER_MS * 1000);
    }
    struct timespec until =
        add_us(company->since, half_us < EZ_COMPANY_US_MAX ? half_us : EZ_COMPANY_US_MAX);
    return store->queue.bytes < EZ_SPREAD_BYTES
               ? until
               : later_of(until, add_us(store->queue.since, EZ_SPREAD_MS * 1000));
}

static void linger(ez_store *store)
{
    int rc = 0;
    store->is_lingering = true;
    while (rc == 0 && may_linger(store)) {
        struct timespec until = linger_until(store);
        rc = pthread_cond_timedwait(&store->wake, &store->lock, &until);
    }
    store->is_lingering = false;
}

/* take_group: move writes from the queue until a bound is reached; at least one. */
static ez_group take_group(ez_write_queue *queue)
{
    ez_group group = {.items = ez_alloc(queue->count, sizeof(ez_write *))};
    size_t ops = 0;
    size_t bytes = 0;
    do {
        ez_write *write = queue_take(queue);
        ops += write->count;
        bytes += write->bytes;
        group.urgent += write->urgent;
        group.items[group.count++] = write;
    } while (queue->count > 0 && ops < EZ_GROUP_OPS_MAX && bytes < EZ_GROUP_BYTES_MAX);
    clock_gettime(CLOCK_MONOTONIC, &queue->since);
    return group;
}

/* fill_filter: read on in a table, as far as one slice takes; true when there may be more. A file
 * of millions of transactions is usable at once that way: until a filter has all keys, the reader
 * asks the table. */
static bool fill_filter(ez_filter *filter, ez_db *db, ez_sql sql)
{
    if (ez_filter_is_complete(filter)) {
        return false;
    }
    bool some = false;
    int64_t tail = INT64_MAX;
    ez_db_bind_number(db, sql, 1, (uint64_t)filter->next);
    while (ez_db_step(db, sql)) {
        some = true;
        tail = (int64_t)ez_db_column_number(db, sql, 0);
        ez_filter_add(filter, tail);
    }
    if (!some || tail == INT64_MAX) {
        ez_filter_complete(filter);
        return false;
    }
    filter->next = tail + 1; /* rows with the same tail add nothing */
    return true;
}

static bool fill_filters(ez_store *store)
{
    bool accounts = fill_filter(&store->account_filter, &store->writer, EZ_SQL_ACCOUNT_TAILS);
    bool txs = fill_filter(&store->tx_filter, &store->writer, EZ_SQL_TX_TAILS);
    return accounts || txs;
}

/* wait_for_group: false when the store is closing and nothing is left. */
static bool wait_for_group(ez_store *store, ez_group *out)
{
    bool more = true; /* to fill the filters with, while there is nothing else to do */
    lock(store);
    while (store->queue.count == 0 && !store->closing) {
        if (more) {
            unlock(store);
            more = fill_filters(store);
            lock(store);
        } else {
            pthread_cond_wait(&store->wake, &store->lock);
        }
    }
    bool some = store->queue.count > 0;
    if (some) {
        linger(store);
        *out = take_group(&store->queue);
    }
    unlock(store);
    return some;
}

static void count_commit(ez_store *store, const ez_group *group, uint64_t us)
{
    ez_company *company = &store->company;
    lock(store);
    company->count = group->urgent + store->queue.urgent;
    company->commit_us = (7 * company->commit_us + us) / 8;
    clock_gettime(CLOCK_MONOTONIC, &company->since);
    store->stats.commits++;
    store->stats.writes += group->count;
    store->stats.commit_us_total += us;
    if (us > store->stats.commit_us_max) {
        store->stats.commit_us_max = us;
    }
    unlock(store);
}

static void commit_group(ez_store *store, const ez_group *group)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    ez_db_run(&store->writer, EZ_SQL_BEGIN);
    for (size_t i = 0; i < group->count; i++) {
        ez_apply_write(store, group->items[i]);
    }
    ez_apply_rest(store);
    ez_db_run(&store->writer, EZ_SQL_COMMIT);
    count_commit(store, group, elapsed_us(&start));
}

static int note_wal_pages(void *self, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ez_store *store = self;
    store->wal_pages = pages;
    return SQLITE_OK;
}

/* checkpoint: copy the WAL into the database once it is long, after those who waited for the commit
 * have been told. Passive: another process that reads (verify, a backup) is not waited for; the WAL
 * then grows until it is done. Our own reader lets go, so that the next commit starts the WAL over.
 */
static void checkpoint(ez_store *store)
{
    if (store->wal_pages < store->checkpoint_pages) {
        return;
    }
    int rc = sqlite3_wal_checkpoint_v2(store->writer.handle, "main", SQLITE_CHECKPOINT_PASSIVE,
                                       NULL, NULL);
    if (rc != SQLITE_OK && rc != SQLITE_BUSY) {
        ez_db_fail(&store->writer, "checkpoint", NULL);
    }
    ez_read_refresh(store);
}

static void free_group(ez_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        ez_write_free(group->items[i]);
    }
    free(group->items);
}

void ez_writer_run(ez_store *store)
{
    sqlite3_wal_hook(store->writer.handle, note_wal_pages, store);
    ez_group group;
    while (wait_for_group(store, &group)) {
        commit_group(store, &group);
        ez_read_refresh(store);
        if (store->stored) {
            store->stored(store->stored_self, group.items[group.count - 1]->number);
        }
        free_group(&group);
        checkpoint(store);
        fill_filters(store);
    }
}
