/* Write a data directory with a long chain, for the benchmarks of sync:
 *
 *     make_chain DIR BLOCKS ENTRIES THREADS
 *
 * BLOCKS blocks of network classic with ENTRIES signed notes in each, mined for real with THREADS
 * threads. The timestamps lie a millisecond apart from genesis on, so that no clock objects.
 */
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"
#include "ezp2p/miner/miner.h"
#include "ezp2p/store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the miner's thread leaves what it found. */
typedef struct proof_slot {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t generation;
    uint64_t proof;
} proof_slot;

typedef struct chain_maker {
    ez_network network;
    ez_keypair key;
    ez_ledger *ledger;
    ez_store *store;
    ez_miner *miner;
    proof_slot slot;
    uint64_t entry_count; /* made so far: no two notes are alike */
} chain_maker;

static void on_found(void *self, uint64_t generation, uint64_t proof)
{
    proof_slot *slot = self;
    pthread_mutex_lock(&slot->lock);
    slot->generation = generation;
    slot->proof = proof;
    pthread_cond_signal(&slot->wake);
    pthread_mutex_unlock(&slot->lock);
}

static void mine(chain_maker *maker, ez_header *header)
{
    proof_slot *slot = &maker->slot;
    ez_miner_set(maker->miner, header->index, header, false);
    pthread_mutex_lock(&slot->lock);
    while (slot->generation != header->index) {
        pthread_cond_wait(&slot->wake, &slot->lock);
    }
    header->proof = slot->proof;
    pthread_mutex_unlock(&slot->lock);
}

static void add_note(chain_maker *maker, ez_buffer *body, uint64_t timestamp)
{
    ez_tx tx = {.sender.kind = EZ_PARTY_LABEL,
                .recipient.kind = EZ_PARTY_LABEL,
                .amount = maker->entry_count,
                .timestamp = timestamp};
    tx.sender.label_size = tx.recipient.label_size = 5;
    memcpy(tx.sender.label, "bench", 5);
    memcpy(tx.recipient.label, "chain", 5);
    maker->entry_count++;
    ez_tx_sign(&tx, &maker->network.genesis_id, &maker->key);
    ez_tx_encode(body, &tx);
}

static void add_reward(const chain_maker *maker, ez_buffer *body, uint64_t index,
                       uint64_t timestamp)
{
    ez_tx tx = {.sender.kind = EZ_PARTY_REWARD,
                .recipient = {.kind = EZ_PARTY_ADDRESS, .key = maker->key.public_key},
                .amount = maker->network.reward,
                .sequence = index,
                .timestamp = timestamp};
    ez_tx_encode(body, &tx);
}

/* The merkle root of a body just built. */
static void root_of(ez_hash *out, const chain_maker *maker, const ez_buffer *body, uint32_t count)
{
    ez_tx_id *ids = ez_alloc(count, sizeof *ids);
    ez_reader reader;
    ez_reader_init(&reader, body->data, body->size);
    for (uint32_t i = 0; i < count; i++) {
        ez_tx tx;
        size_t from = reader.at;
        ez_rule rule = ez_tx_decode(&tx, &reader);
        EZ_ASSERT(rule == EZ_RULE_OK);
        ez_tx_id_of(&ids[i], &maker->network.genesis_id, body->data + from, reader.at - from);
    }
    ez_merkle_root(out, ids, count);
    free(ids);
}

/* The child of `parent` with `entries` notes, mined. */
static ez_block *next_block(chain_maker *maker, const ez_header *parent, uint32_t entries)
{
    ez_header header = {.version = parent->version,
                        .index = parent->index + 1,
                        .timestamp = parent->timestamp + 1000,
                        .bits = maker->network.first_bits};
    ez_buffer body = {0};
    for (uint32_t i = 0; i < entries; i++) {
        add_note(maker, &body, header.timestamp);
    }
    add_reward(maker, &body, header.index, header.timestamp);
    ez_header_id(&header.previous, parent);
    root_of(&header.merkle_root, maker, &body, entries + 1);
    mine(maker, &header);

    ez_block *block = NULL;
    ez_blob *bytes = ez_blob_new(body.data, body.size);
    ez_rule rule = ez_block_parse(&block, &maker->network, &header, bytes);
    EZ_ASSERT(rule == EZ_RULE_OK);
    ez_blob_unref(bytes);
    ez_buffer_clear(&body);
    return block;
}

/* Connect and store; takes the block. */
static void keep(chain_maker *maker, ez_block *block)
{
    ez_write *write = ez_alloc(1, sizeof *write);
    write->number = block->header.index;
    write->bytes = ez_blob_size(block->body);
    write->count = 2;
    write->ops = ez_alloc(write->count, sizeof *write->ops);
    write->ops[0].kind = EZ_WRITE_BODY;
    write->ops[0].block = ez_block_ref(block);
    write->ops[1].kind = EZ_WRITE_CONNECT;
    write->ops[1].block = block;
    ez_rule rule = ez_ledger_connect(maker->ledger, &write->ops[1].diff, NULL, &maker->network,
                                     block, write->number);
    EZ_ASSERT(rule == EZ_RULE_OK);
    ez_store_write(maker->store, write);
}

static void on_stored(void *self, uint64_t number)
{
    (void)self;
    (void)number;
}

static void on_fatal(void *self, const char *what)
{
    (void)self;
    fprintf(stderr, "make_chain: %s\n", what);
    exit(EXIT_FAILURE);
}

static bool open_parts(chain_maker *maker, const char *directory, uint32_t threads)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/chain.db", directory);
    ez_store_config config = {.path = path, .network = &maker->network, .fatal = on_fatal};
    if (ez_store_open(&maker->store, &config) != EZ_OK ||
        ez_store_start(maker->store, NULL, on_stored) != EZ_OK) {
        fprintf(stderr, "make_chain: cannot create %s\n", path);
        return false;
    }
    ez_miner_config miner = {.threads = threads, .self = &maker->slot, .found = on_found};
    if (ez_miner_new(&maker->miner, &miner) != EZ_OK) {
        fprintf(stderr, "make_chain: cannot start %u threads\n", threads);
        return false;
    }
    /* The store is empty and nothing is ever settled: what the ledger knows is all there is. */
    maker->ledger = ez_ledger_new(&ez_chain_nothing, (ez_siphash_key){1, 2});
    return true;
}

static void make(chain_maker *maker, uint64_t blocks, uint32_t entries)
{
    ez_header tip = maker->network.genesis;
    for (uint64_t i = 0; i < blocks; i++) {
        ez_block *block = next_block(maker, &tip, entries);
        tip = block->header;
        keep(maker, block);
        if ((i + 1) % 1000 == 0 || i + 1 == blocks) {
            fprintf(stderr, "make_chain: %llu of %llu blocks\n", (unsigned long long)(i + 1),
                    (unsigned long long)blocks);
        }
    }
}

int main(int count, char **arguments)
{
    if (count != 5) {
        fprintf(stderr, "usage: make_chain DIR BLOCKS ENTRIES THREADS\n");
        return 2;
    }
    static const uint8_t seed[EZ_SEED_BYTES] = {'b', 'e', 'n', 'c', 'h'};
    chain_maker maker = {.slot = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0}};
    if (ez_crypto_init() != EZ_OK) {
        return 1;
    }
    ez_network_classic(&maker.network);
    ez_keypair_from_seed(&maker.key, seed);
    if (!open_parts(&maker, arguments[1], (uint32_t)strtoul(arguments[4], NULL, 10))) {
        return 1;
    }
    make(&maker, strtoull(arguments[2], NULL, 10), (uint32_t)strtoul(arguments[3], NULL, 10));
    ez_miner_free(maker.miner);
    ez_store_close(maker.store);
    ez_ledger_free(maker.ledger);
    return 0;
}
