/* A store in a directory of its own, and a dump of everything a store says through its port. */
#ifndef EZP2P_TEST_SUPPORT_STORE_H
#define EZP2P_TEST_SUPPORT_STORE_H

#include "ezp2p/store/store.h"
#include "support_chain.h"

#include <pthread.h>

/* A directory under /tmp with a store in it. */
typedef struct test_home {
    char dir[64];
    char path[96]; /* of chain.db */
    ez_log log;
    char logged[2048]; /* "event key=value ...\n" of every line so far */
    ez_store *store;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t stored; /* as last reported */
    uint64_t number; /* of the last write */
} test_home;

void home_init(test_home *home);
void home_clear(test_home *home); /* closes the store, removes the directory */
void home_remove_files(const char *dir);

/* home_config: for opening home->path; `fatal` ends the process with status HOME_FATAL. */
#define HOME_FATAL 99
ez_store_config home_config(test_home *home, const ez_network *network);
ez_status home_open(test_home *home, const ez_network *network);
void home_start(test_home *home);
void home_close(test_home *home);

/* home_write: number the write, hand it over, wait until it is durable. home_queue: do not wait. */
void home_write(test_home *home, ez_write *write);
void home_queue(test_home *home, ez_write *write);
void home_wait(test_home *home);

/* home_connect: body and connect of a block in one urgent write. */
void home_connect(test_home *home, const kit_block *made);

/* home_sql: run SQL on the closed file behind the store's back. */
void home_sql(const test_home *home, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* store_dump: everything the port says about what the kit knows, as text. Owned by the caller. */
char *store_dump(ez_store *store, const test_kit *kit);

#endif
