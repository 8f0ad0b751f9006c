/* How long it takes to choose a block's entries from a full pool:
 *
 *     bench_pool ENTRIES
 *
 * prints one JSON object for each of two pools: as many signers as entries, and notes from labels
 * alone; beside what it takes to copy the bytes of the block that was chosen, each from its place.
 */
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/buffer.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/rng.h"
#include "ezp2p/chain/pool.h"
#include "ezp2p/chain/tx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 25

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* A note, of a signer of its own or of a label; the pool does not look at signatures. */
static void add(ez_pool *pool, ez_rng *rng, bool from_address)
{
    ez_tx tx = {.timestamp = 1};
    ez_tx_id id;
    ez_buffer bytes = {0};
    ez_rng_fill(rng, &tx.signer, sizeof tx.signer);
    ez_rng_fill(rng, &id, sizeof id);
    tx.sender.kind = from_address ? EZ_PARTY_ADDRESS : EZ_PARTY_LABEL;
    tx.sender.key = tx.signer;
    memcpy(tx.sender.label, "mira", 4);
    tx.sender.label_size = 4;
    tx.recipient.kind = EZ_PARTY_LABEL;
    memcpy(tx.recipient.label, "jon", 3);
    tx.recipient.label_size = 3;
    ez_tx_encode(&bytes, &tx);
    ez_blob *const blob = ez_blob_new(bytes.data, bytes.size);
    const ez_rule rule = ez_pool_add(pool, NULL, &tx, &id, blob, EZ_POOL_RELAYED, 0);
    if (rule != EZ_RULE_OK) {
        fprintf(stderr, "bench_pool: rule %d\n", (int)rule);
        exit(1);
    }
    ez_blob_unref(blob);
    ez_buffer_clear(&bytes);
}

static void measure(const char *name, size_t entries, bool from_address)
{
    const ez_siphash_key key = {1, 2};
    ez_ledger *const ledger = ez_ledger_new(&ez_chain_nothing, key);
    ez_pool *const pool = ez_pool_new(ledger, key, NULL, NULL);
    ez_rng rng;
    const uint8_t seed[16] = {5};
    ez_rng_init(&rng, seed);
    double begun = now_us();
    for (size_t i = 0; i < entries; i++) {
        add(pool, &rng, from_address);
    }
    const double add_us = (now_us() - begun) / (double)entries;
    const ez_pool_entry **const chosen = ez_alloc(entries, sizeof(*chosen));
    uint8_t *const body = ez_alloc(EZ_BLOCK_BODY_BYTES_MAX, 1);
    double select_us[ROUNDS], copy_us[ROUNDS];
    size_t count = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        begun = now_us();
        count = ez_pool_select(pool, chosen, entries, EZ_BLOCK_BODY_BYTES_MAX, UINT64_MAX);
        select_us[i] = now_us() - begun;
        size_t at = 0;
        begun = now_us();
        for (size_t k = 0; k < count; k++) {
            const size_t size = ez_blob_size(chosen[k]->bytes);
            memcpy(body + at, ez_blob_data(chosen[k]->bytes), size);
            at += size;
        }
        copy_us[i] = now_us() - begun;
    }
    printf("{\"name\":\"%s\",\"entries\":%zu,\"chosen\":%zu,\"add_us\":%.3f,\"select_us\":%.1f,"
           "\"copy_us\":%.1f}\n",
           name, entries, count, add_us, median(select_us, ROUNDS), median(copy_us, ROUNDS));
    free(body);
    free(chosen);
    ez_pool_free(pool);
    ez_ledger_free(ledger);
}

int main(int argc, char **argv)
{
    const long entries = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (entries < 1 || entries > EZ_POOL_COUNT_MAX) {
        fprintf(stderr, "usage: bench_pool ENTRIES, 1 to %d\n", EZ_POOL_COUNT_MAX);
        return 2;
    }
    measure("signers", (size_t)entries, true);
    measure("labels", (size_t)entries, false);
    return 0;
}
