/* The store: SQLite behind node/store_port.h. One database file, WAL with synchronous=FULL; reads
 * on the caller's thread over a connection of their own, writes on one writer thread that groups
 * everything queued into one transaction. Fail-stop: when the disk fails, `fatal` is called, which
 * must not return.
 */
#ifndef EZP2P_STORE_STORE_H
#define EZP2P_STORE_STORE_H

#include "ezp2p/base/log.h"
#include "ezp2p/chain/network.h"
#include "ezp2p/node/store_port.h"

typedef struct ez_store ez_store;

typedef struct ez_store_config {
    const char *path;          /* of chain.db */
    const ez_network *network; /* a database of another network is refused with EZ_ERR_CONFIG */
    const ez_log *log;
    void *self;
    void (*fatal)(void *self, const char *what); /* any thread; must not return */
    bool read_only; /* for verify: no writer thread, no change to the file */
} ez_store_config;

/* ez_store_open: open or create the database, bring its schema up to date.
 *   returns  EZ_ERR_IO, EZ_ERR_CORRUPT, EZ_ERR_CONFIG (other network), EZ_ERR_UNSUPPORTED (newer
 *            schema, or, read-only, an older one); *out NULL then, the reason is in the log */
EZ_MUST_USE ez_status ez_store_open(ez_store **out, const ez_store_config *config);

/* ez_store_start: start the writer thread. `stored` is called on it after each commit with the
 * number of the last write that is durable now. */
EZ_MUST_USE ez_status ez_store_start(ez_store *store, void *self,
                                     void (*stored)(void *self, uint64_t number));

/* ez_store_write: queue a write; takes it. Any thread, but numbers must rise. */
void ez_store_write(ez_store *store, ez_write *write);

/* ez_store_port_of: the read side, used from one thread. Borrowed from the store. */
const ez_store_port *ez_store_port_of(ez_store *store);

typedef struct ez_store_stats {
    uint64_t commits;
    uint64_t writes;
    uint64_t commit_us_total;
    uint64_t commit_us_max;
    uint64_t bytes; /* size of the database file and its WAL */
} ez_store_stats;
void ez_store_get_stats(ez_store *store, ez_store_stats *out);

/* ez_store_close: make everything queued durable, stop the thread, close. NULL is fine. */
void ez_store_close(ez_store *store);

#endif
