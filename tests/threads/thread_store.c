/* The store under the thread sanitizer: one thread writes blocks and pool entries without waiting,
 * another reads all the while, the writer thread commits and checkpoints. What was reported durable
 * must be readable at once. */
#include "ezp2p/base/assert.h"
#include "store_internal.h"
#include "support_store.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define BLOCKS          60
#define READS_PER_BLOCK 20

static void kit_fill(test_kit *kit)
{
    for (int i = 0; i < BLOCKS; i++) {
        kit_note(kit, "mira", "jon");
        kit_mine(kit, i % KIT_KEYS);
    }
}

typedef struct shared {
    test_home *home;
    const test_kit *kit;
    atomic_uint_fast64_t stored;
    atomic_uint_fast64_t reads;
} shared;

static void on_stored(void *self, uint64_t number)
{
    atomic_store(&((shared *)self)->stored, number);
}

static void *produce(void *self)
{
    shared *shared_ = self;
    for (size_t i = 0; i < BLOCKS; i++) {
        while (atomic_load(&shared_->reads) < i * READS_PER_BLOCK) {
            sched_yield(); /* so that reads fall between and into all commits */
        }
        ez_write *write = write_new(i + 1, i % 4 == 0);
        const kit_block *made = &shared_->kit->all[i];
        write_body(write, made->block);
        write_connect(write, made);
        ez_store_write(shared_->home->store, write);
    }
    return NULL;
}

/* read_one: block `number` is stored: everything about it must be there. */
static void read_one(const ez_store_port *port, const kit_block *made)
{
    ez_tx_place place;
    ez_hash view;
    ez_account account;
    ez_blob *body = port->get_body(port->self, &made->block->id);
    EZ_ASSERT(body && ez_blob_size(body) == ez_blob_size(made->block->body));
    ez_blob_unref(body);
    EZ_ASSERT(port->find_tx(port->self, &place, &made->block->txs[0].id));
    EZ_ASSERT(ez_block_id_is_equal(&place.block, &made->block->id));
    EZ_ASSERT(port->get_view_hash(port->self, &view, &made->block->id));
    port->get_account(port->self, &account, &made->diff.after[0].key);
    EZ_ASSERT(account.balance >= made->diff.after[0].account.balance);
}

static void read_until_done(shared *shared_)
{
    const ez_store_port *port = ez_store_port_of(shared_->home->store);
    uint64_t stored = 0;
    ez_store_stats stats;
    while (stored < BLOCKS) {
        stored = atomic_load(&shared_->stored);
        if (stored > 0) {
            uint64_t reads = atomic_fetch_add(&shared_->reads, 1);
            read_one(port, &shared_->kit->all[reads % stored]);
        }
        ez_store_get_stats(shared_->home->store, &stats);
    }
    EZ_ASSERT(stats.writes == BLOCKS && stats.commits <= BLOCKS);
}

int main(void)
{
    static test_kit kit;
    static test_home home;
    shared shared_ = {.home = &home, .kit = &kit};
    kit_init(&kit);
    home_init(&home);
    kit_fill(&kit);
    ez_status status = home_open(&home, &kit.network);
    EZ_ASSERT(status == EZ_OK);
    home.store->checkpoint_pages = 20;
    status = ez_store_start(home.store, &shared_, on_stored);
    EZ_ASSERT(status == EZ_OK);
    pthread_t producer;
    int rc = pthread_create(&producer, NULL, produce, &shared_);
    EZ_ASSERT(rc == 0);
    read_until_done(&shared_);
    pthread_join(producer, NULL);
    home_close(&home);
    printf("%d blocks written, %llu read beside\n", BLOCKS,
           (unsigned long long)atomic_load(&shared_.reads));
    home_clear(&home);
    kit_clear(&kit);
    return 0;
}
