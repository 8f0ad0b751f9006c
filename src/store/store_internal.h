/* The inside of an ez_store: two connections, the queue between the callers and the writer thread.
 *
 * Locks. `lock` guards the queue, the stats and the flags; nothing is called while it is held.
 * `read_lock` guards the reader connection, which the port's thread uses and on which the writer
 * ends the read transaction after each commit; it is recursive, because a loader's callbacks may
 * read. Neither is taken while the other is held.
 */
#ifndef EZP2P_STORE_STORE_INTERNAL_H
#define EZP2P_STORE_STORE_INTERNAL_H

#include "batch_internal.h"
#include "db_internal.h"
#include "filter_internal.h"

#include <pthread.h>
#include <time.h>

/* A group is what one transaction carries. Bounded, so that the WAL is: it grows by about one group
 * and the checkpoint threshold; and so that a write somebody waits for does not sit long behind a
 * sync's. Larger groups were measured and are no faster: beyond the page cache they only spill. */
#define EZ_GROUP_OPS_MAX   5000
#define EZ_GROUP_BYTES_MAX (2u << 20)

/* Unless somebody waits, a small group lingers for company: it saves a sync per write. */
#define EZ_LINGER_MS    20
#define EZ_LINGER_BYTES (1u << 20)
#define EZ_LINGER_OPS   5000 /* a block, and what a client handed in of it leaves the pool */

/* A block of some size spreads first, even when a client waits for it: its commit takes the
 * processor for longer than a node takes to make it its tip, and peers on the same machine have to.
 */
#define EZ_SPREAD_MS    5
#define EZ_SPREAD_BYTES 65536

/* Those who wait for a commit come back with the next write once they are told. Half of them would
 * find the next commit begun without them, and each sync would carry half of what it could: so it
 * waits for as many as waited last time, for half as long as a commit takes, this long at most. */
#define EZ_COMPANY_US_MAX 5000

#define EZ_CHECKPOINT_PAGES 1000 /* 4 MB */

typedef struct ez_write_queue {
    ez_write **items; /* a ring of `capacity` */
    size_t head, count, capacity;
    size_t ops, bytes, urgent; /* sums over the queued */
    struct timespec since;     /* when the oldest began to wait */
} ez_write_queue;

/* Who waited when the last commit ended: for it, or for the next. */
typedef struct ez_company {
    size_t count;
    uint64_t commit_us; /* what a commit takes, a running mean */
    struct timespec since;
} ez_company;

/* What the writer's last operations left behind, so that the next ones need not look it up. */
typedef struct ez_written {
    bool has_block;
    ez_block_id block; /* stored last */
    uint64_t seq;
    ez_hash view;
    bool has_tip;
    ez_block_id tip;
} ez_written;

struct ez_store {
    ez_store_config config; /* path and network point to the copies below */
    ez_network network;
    char *path;
    ez_hash genesis_view; /* the genesis block has no row: it is the same for every file */
    ez_store_port port;

    pthread_mutex_t read_lock;
    ez_db reader;
    bool in_snapshot;

    ez_db writer; /* of the writer thread, once that runs, as all to the next blank line */
    ez_written written;
    ez_batch batch;
    int wal_pages;        /* after the last commit */
    int checkpoint_pages; /* of WAL before it is copied into the database */

    /* of transactions and of accounts: the writer adds, the reader asks */
    ez_filter tx_filter;
    ez_filter account_filter;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    ez_write_queue queue;
    ez_company company;
    bool is_lingering; /* the writer waits for more than there is */
    uint64_t last_number;
    bool closing;
    ez_store_stats stats;

    bool started;
    pthread_t thread;
    void *stored_self;
    void (*stored)(void *self, uint64_t number);
};

/* ez_find_block: the row and view hash of a stored block. The genesis block has row 0.
 *   returns  false when it is not stored; outputs (NULL is fine) untouched */
bool ez_find_block(ez_db *db, const ez_store *store, uint64_t *seq, ez_hash *view,
                   const ez_block_id *id);

/* A row of the index of transactions. */
typedef struct ez_tx_row {
    uint64_t place;
    uint32_t offset, size; /* in the body */
} ez_tx_row;

/* ez_find_tx_row: the next row of EZ_SQL_TX_FIND, bound to an id; the result of ez_db_try. */
int ez_find_tx_row(ez_db *db, ez_tx_row *out);

/* ez_read_port: the port's calls. */
void ez_read_port(ez_store_port *out, ez_store *store);

/* ez_read_begin, ez_read_end: hold the reader connection, within a read transaction. It stays open
 * until the next commit: reads then cost half of what they would in a transaction each. */
void ez_read_begin(ez_store *store);
void ez_read_end(ez_store *store);

/* ez_read_refresh: end the read transaction, so that reads see the last commit and the WAL can be
 * written from its start again. Called by the writer. */
void ez_read_refresh(ez_store *store);

/* ez_store_create: make the database if there is no file of that name; what a start left that was
 * cut off in the middle of this is removed.
 *   returns  EZ_ERR_IO or EZ_ERR_CORRUPT, logged; there is no file then */
EZ_MUST_USE ez_status ez_store_create(const ez_store_config *config);

/* ez_load: ez_store_port.load. */
EZ_MUST_USE ez_status ez_load(ez_store *store, const ez_store_loader *loader);

/* ez_apply_write: the operations of one write within the writer's transaction; ez_apply_rest: what
 * they left in the batch, before the commit. */
void ez_apply_write(ez_store *store, const ez_write *write);
void ez_apply_rest(ez_store *store);

/* ez_writer_run: commit group after group until closing and empty. */
void ez_writer_run(ez_store *store);

#endif
