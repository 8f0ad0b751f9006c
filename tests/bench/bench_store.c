/* What the store costs on this machine: one JSON object per figure on standard output, in a
 * directory under /tmp, whose disk decides the first. */
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/rng.h"
#include "ezp2p/chain/header.h"
#include "store_internal.h"
#include "support_store.h"

#include <stdio.h>
#include <stdlib.h>

#define READS 100000

static test_home home;
static ez_block_id genesis_id;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void figure(const char *name, double value, const char *unit)
{
    printf("{\"name\":\"store_%s\",\"value\":%.1f,\"unit\":\"%s\"}\n", name, value, unit);
    fflush(stdout);
}

static void open_home(const test_kit *kit)
{
    home.stored = 0;
    home.number = 0;
    ez_status status = home_open(&home, &kit->network);
    EZ_ASSERT(status == EZ_OK);
    home_start(&home);
}

/* Somebody waits for each: a pool entry per commit. */
static void bench_urgent(test_kit *kit)
{
    int count = 1000;
    ez_buffer bytes = {0};
    ez_tx_id id;
    double start = seconds();
    for (int i = 0; i < count; i++) {
        bytes.size = 0;
        kit_encode_note(kit, &bytes, &id, "mira");
        ez_write *write = write_new(0, true);
        write_pool_put(write, &id, bytes.data, bytes.size);
        home_write(&home, write);
    }
    figure("commits_urgent", count / (seconds() - start), "1/s");
    ez_buffer_clear(&bytes);
}

static void random_transfer(ez_buffer *out, ez_public_key *recipient, ez_rng *rng)
{
    ez_tx tx = {.amount = 1, .timestamp = 5};
    ez_rng_fill(rng, &tx.sender.key, sizeof tx.sender.key);
    ez_rng_fill(rng, recipient, sizeof *recipient);
    ez_rng_fill(rng, &tx.signature, sizeof tx.signature);
    tx.sender.kind = EZ_PARTY_ADDRESS;
    tx.signer = tx.sender.key;
    tx.recipient.kind = EZ_PARTY_ADDRESS;
    tx.recipient.key = *recipient;
    ez_tx_encode(out, &tx);
}

/* forge: a block on `parent` with `count` transfers to new accounts. Only the store sees it, so
 * signatures are drawn: making them would take longer than what is measured. */
static kit_block forge(const ez_header *parent, uint32_t count, ez_rng *rng)
{
    kit_block made = {.block = ez_alloc(1, sizeof *made.block)};
    ez_block *block = made.block;
    ez_buffer body = {0};
    block->references = 1;
    block->header = *parent;
    ez_header_id(&block->header.previous, parent);
    block->header.index++;
    ez_header_id(&block->id, &block->header);
    block->tx_count = count;
    block->txs = ez_alloc(count, sizeof *block->txs);
    made.diff.count = count;
    made.diff.before = ez_alloc(count, sizeof *made.diff.before);
    made.diff.after = ez_alloc(count, sizeof *made.diff.after);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset = (uint32_t)body.size;
        random_transfer(&body, &made.diff.after[i].key, rng);
        block->txs[i] = (ez_block_tx){.offset = offset, .size = (uint32_t)body.size - offset};
        ez_tx_id_of(&block->txs[i].id, &genesis_id, body.data + offset, block->txs[i].size);
        made.diff.before[i].key = made.diff.after[i].key;
        made.diff.after[i].account.balance = 1;
    }
    block->body = ez_blob_new(body.data, body.size);
    ez_buffer_clear(&body);
    return made;
}

static void release(kit_block *made)
{
    ez_block_unref(made->block);
    ez_ledger_diff_clear(&made->diff);
}

/* bench_connects: blocks of `count` entries as a sync writes them: nobody waits for one. Returns
 * the last header. */
static ez_header bench_connects(const char *name, ez_header tip, uint32_t blocks, uint32_t count)
{
    ez_rng rng;
    const uint8_t seed[16] = {(uint8_t)count, (uint8_t)(count >> 8)};
    ez_rng_init(&rng, seed);
    kit_block *made = ez_alloc(blocks, sizeof *made);
    for (uint32_t i = 0; i < blocks; i++) {
        made[i] = forge(&tip, count, &rng);
        tip = made[i].block->header;
    }
    double start = seconds();
    for (uint32_t i = 0; i < blocks; i++) {
        ez_write *write = write_new(0, false);
        write_body(write, made[i].block);
        write_connect(write, &made[i]);
        write->bytes = ez_blob_size(made[i].block->body);
        home_queue(&home, write);
    }
    home_wait(&home);
    figure(name, blocks / (seconds() - start), "1/s");
    for (uint32_t i = 0; i < blocks; i++) {
        release(&made[i]);
    }
    free(made);
    return tip;
}

/* bench_reads: keys that are not there and keys that are, over a file of some size. */
static void bench_reads(void)
{
    const ez_store_port *port = ez_store_port_of(home.store);
    const uint8_t seed[16] = {(uint8_t)1000, (uint8_t)(1000 >> 8)}; /* of the blocks above */
    ez_rng rng;
    ez_tx_id id;
    ez_account account;
    uint64_t found = 0;
    ez_rng_init(&rng, (const uint8_t[16]){9});
    double start = seconds();
    for (int i = 0; i < READS; i++) {
        ez_rng_fill(&rng, &id, sizeof id);
        found += port->find_tx(port->self, NULL, &id);
    }
    figure("find_tx_unknown", READS / (seconds() - start), "1/s");
    EZ_ASSERT(found == 0);
    ez_rng_init(&rng, seed);
    ez_tx_id *ids = ez_alloc(READS, sizeof *ids);
    ez_public_key *keys = ez_alloc(READS, sizeof *keys);
    ez_buffer unused = {0};
    for (int i = 0; i < READS; i++) {
        random_transfer(&unused, &keys[i], &rng);
        ez_tx_id_of(&ids[i], &genesis_id, unused.data, unused.size);
        unused.size = 0;
    }
    start = seconds();
    for (int i = 0; i < READS; i++) {
        ez_tx_place place;
        found += port->find_tx(port->self, &place, &ids[(i * 7919L) % READS]);
    }
    figure("find_tx_known", READS / (seconds() - start), "1/s");
    start = seconds();
    for (int i = 0; i < READS; i++) {
        port->get_account(port->self, &account, &keys[(i * 7919L) % READS]);
        found += account.balance;
    }
    figure("get_account", READS / (seconds() - start), "1/s");
    EZ_ASSERT(found == 2 * READS);
    free(ids);
    free(keys);
    ez_buffer_clear(&unused);
}

static void ignore_header(void *self, const ez_header *header, bool connected, bool invalid)
{
    (void)header;
    (void)connected;
    (void)invalid;
    ++*(uint64_t *)self;
}

static void ignore_tip(void *self, const ez_block_id *id)
{
    (void)self;
    (void)id;
}

static void ignore_bytes(void *self, const uint8_t *bytes, size_t size)
{
    (void)self;
    (void)bytes;
    (void)size;
}

static void ignore_peer(void *self, const char *host, uint16_t port)
{
    (void)self;
    (void)host;
    (void)port;
}

static void bench_load(void)
{
    uint64_t headers = 0;
    const ez_store_loader loader = {&headers,     ignore_header, ignore_tip,
                                    ignore_bytes, ignore_peer,   ignore_bytes};
    const ez_store_port *port = ez_store_port_of(home.store);
    double start = seconds();
    ez_status status = port->load(port->self, &loader);
    EZ_ASSERT(status == EZ_OK);
    figure("load_headers", (double)headers / (seconds() - start), "1/s");
}

int main(void)
{
    static test_kit kit;
    ez_store_stats stats;
    kit_init(&kit);
    genesis_id = kit.network.genesis_id;
    home_init(&home);
    open_home(&kit);
    bench_urgent(&kit);
    ez_header tip = bench_connects("connects_of_1", kit.network.genesis, 10000, 1);
    bench_connects("connects_of_1000", tip, READS / 1000, 1000);
    bench_reads();
    bench_load();
    ez_store_get_stats(home.store, &stats);
    figure("file", (double)stats.bytes / 1048576, "MiB");
    figure("sqlite_memory_peak", (double)sqlite3_memory_highwater(0) / 1048576, "MiB");
    figure("commit_max", (double)stats.commit_us_max / 1000, "ms");
    home_clear(&home);
    kit_clear(&kit);
    return 0;
}
