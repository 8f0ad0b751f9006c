#include "support_chain.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EASY_BITS 0x207fffffu

static void nobody(void *self, ez_account *out, const ez_public_key *key)
{
    (void)self;
    (void)key;
    *out = (ez_account){0};
}

static bool never(void *self, const ez_tx_id *id)
{
    (void)self;
    (void)id;
    return false;
}

void kit_init(test_kit *kit)
{
    memset(kit, 0, sizeof *kit);
    EZ_ASSERT(ez_crypto_init() == EZ_OK);
    ez_network_classic(&kit->network);
    snprintf(kit->network.name, sizeof kit->network.name, "store-test");
    kit->network.first_bits = EASY_BITS;
    kit->network.genesis.timestamp = 1000000;
    ez_header_id(&kit->network.genesis_id, &kit->network.genesis);
    for (int i = 0; i < KIT_KEYS; i++) {
        uint8_t seed[EZ_SEED_BYTES] = {(uint8_t)(i + 1)};
        ez_keypair_from_seed(&kit->keys[i], seed);
    }
    const ez_chain_source source = {NULL, nobody, never};
    kit->ledger = ez_ledger_new(&source, (ez_siphash_key){1, 2});
}

void kit_clear(test_kit *kit)
{
    for (size_t i = 0; i < kit->all_count; i++) {
        ez_block_unref(kit->all[i].block);
        ez_ledger_diff_clear(&kit->all[i].diff);
    }
    ez_ledger_free(kit->ledger);
    ez_buffer_clear(&kit->body);
}

static void party_label(ez_party *party, const char *label)
{
    party->kind = EZ_PARTY_LABEL;
    party->label_size = (uint8_t)strlen(label);
    memcpy(party->label, label, party->label_size);
}

static void party_key(ez_party *party, const ez_public_key *key)
{
    party->kind = EZ_PARTY_ADDRESS;
    party->key = *key;
}

void kit_send(test_kit *kit, int from, int to, uint64_t amount, uint64_t fee)
{
    ez_account account;
    ez_ledger_get(kit->ledger, &account, &kit->keys[from].public_key);
    ez_tx tx = {.amount = amount,
                .fee = fee,
                .timestamp = 5,
                .sequence = account.sequence + kit->sent[from]++};
    party_key(&tx.sender, &kit->keys[from].public_key);
    party_key(&tx.recipient, &kit->keys[to].public_key);
    ez_tx_sign(&tx, &kit->network.genesis_id, &kit->keys[from]);
    ez_tx_encode(&kit->body, &tx);
    kit->fees += fee;
}

static void encode_note(test_kit *kit, ez_buffer *out, const char *sender, const char *recipient)
{
    ez_tx tx = {.amount = 7, .timestamp = ++kit->notes};
    party_label(&tx.sender, sender);
    party_label(&tx.recipient, recipient);
    ez_tx_sign(&tx, &kit->network.genesis_id, &kit->keys[0]);
    ez_tx_encode(out, &tx);
}

void kit_note(test_kit *kit, const char *sender, const char *recipient)
{
    encode_note(kit, &kit->body, sender, recipient);
}

void kit_encode_note(test_kit *kit, ez_buffer *out, ez_tx_id *id, const char *sender)
{
    size_t start = out->size;
    encode_note(kit, out, sender, "anyone");
    ez_tx_id_of(id, &kit->network.genesis_id, out->data + start, out->size - start);
}

static void add_reward(test_kit *kit, uint64_t height, int miner)
{
    ez_tx tx = {.amount = kit->network.reward + kit->fees, .sequence = height, .timestamp = height};
    tx.sender.kind = EZ_PARTY_REWARD;
    party_key(&tx.recipient, &kit->keys[miner].public_key);
    ez_tx_encode(&kit->body, &tx);
}

static void merkle_of_body(ez_hash *out, const test_kit *kit)
{
    ez_tx_id *ids = NULL;
    size_t count = 0;
    ez_reader reader;
    ez_reader_init(&reader, kit->body.data, kit->body.size);
    while (!ez_reader_is_done(&reader)) {
        size_t start = reader.at;
        ez_tx tx;
        EZ_ASSERT(ez_tx_decode(&tx, &reader) == EZ_RULE_OK);
        ids = ez_realloc(ids, count + 1, sizeof *ids);
        ez_tx_id_of(&ids[count++], &kit->network.genesis_id, kit->body.data + start,
                    reader.at - start);
    }
    ez_merkle_root(out, ids, count);
    free(ids);
}

static ez_header next_header(const test_kit *kit)
{
    const ez_header *parent = &kit->network.genesis;
    ez_header header = {.version = 1, .previous = kit->network.genesis_id, .bits = EASY_BITS};
    if (kit->chain_count > 0) {
        const ez_block *tip = kit->chain[kit->chain_count - 1].block;
        parent = &tip->header;
        header.previous = tip->id;
    }
    header.index = parent->index + 1;
    header.timestamp = parent->timestamp + 1000000 + kit->all_count; /* a rival has another id */
    return header;
}

const kit_block *kit_mine(test_kit *kit, int miner)
{
    ez_header header = next_header(kit);
    ez_block_id id;
    add_reward(kit, header.index, miner);
    merkle_of_body(&header.merkle_root, kit);
    do {
        header.proof++;
        ez_header_id(&id, &header);
    } while (!ez_header_has_work(&id, header.bits));

    kit_block *made = &kit->all[kit->all_count++];
    EZ_ASSERT(kit->all_count <= KIT_BLOCKS);
    ez_blob *body = ez_blob_new(kit->body.data, kit->body.size);
    ez_rule rule = ez_block_parse(&made->block, &kit->network, &header, body);
    EZ_ASSERT(rule == EZ_RULE_OK);
    ez_blob_unref(body);
    rule = ez_ledger_connect(kit->ledger, &made->diff, NULL, &kit->network, made->block,
                             kit->all_count);
    EZ_ASSERT(rule == EZ_RULE_OK);
    kit->chain[kit->chain_count++] = *made;
    kit->body.size = 0;
    kit->fees = 0;
    memset(kit->sent, 0, sizeof kit->sent);
    return made;
}

const kit_block *kit_undo(test_kit *kit)
{
    const kit_block *tip = &kit->chain[--kit->chain_count];
    ez_ledger_disconnect(kit->ledger, tip->block, tip->diff.before, tip->diff.count,
                         kit->all_count);
    return tip;
}

/* ---- writes ---------------------------------------------------------------------------------- */

ez_write *write_new(uint64_t number, bool urgent)
{
    ez_write *write = ez_alloc(1, sizeof *write);
    write->number = number;
    write->urgent = urgent;
    return write;
}

static ez_write_op *add_op(ez_write *write, ez_write_kind kind)
{
    write->ops = ez_realloc(write->ops, write->count + 1, sizeof *write->ops);
    ez_write_op *op = &write->ops[write->count++];
    memset(op, 0, sizeof *op);
    op->kind = kind;
    return op;
}

/* A block is counted, not copied; taking a reference does not change it for anyone. */
static ez_block *share(const ez_block *block)
{
    return ez_block_ref((ez_block *)(uintptr_t)block);
}

static ez_account_change *copy_changes(const ez_account_change *from, uint32_t count)
{
    return from ? ez_memdup(from, count * sizeof *from) : NULL;
}

ez_write *write_clone(const ez_write *write, uint64_t number)
{
    ez_write *copy = write_new(number, write->urgent);
    copy->bytes = write->bytes;
    for (size_t i = 0; i < write->count; i++) {
        const ez_write_op *from = &write->ops[i];
        ez_write_op *op = add_op(copy, from->kind);
        *op = *from;
        op->block = from->block ? share(from->block) : NULL;
        op->bytes = from->bytes ? ez_blob_ref(from->bytes) : NULL;
        op->text = from->text ? ez_strdup(from->text) : NULL;
        op->diff.before = copy_changes(from->diff.before, from->diff.count);
        op->diff.after = copy_changes(from->diff.after, from->diff.count);
    }
    return copy;
}

void write_body(ez_write *write, const ez_block *block)
{
    add_op(write, EZ_WRITE_BODY)->block = share(block);
}

void write_connect(ez_write *write, const kit_block *made)
{
    ez_write_op *op = add_op(write, EZ_WRITE_CONNECT);
    op->block = share(made->block);
    op->diff.count = made->diff.count;
    op->diff.before = copy_changes(made->diff.before, made->diff.count);
    op->diff.after = copy_changes(made->diff.after, made->diff.count);
}

void write_disconnect(ez_write *write, const kit_block *made)
{
    ez_write_op *op = add_op(write, EZ_WRITE_DISCONNECT);
    op->block = share(made->block);
    op->diff.count = made->diff.count;
    op->diff.after = copy_changes(made->diff.before, made->diff.count);
}

void write_invalid(ez_write *write, const ez_block_id *id)
{
    add_op(write, EZ_WRITE_INVALID)->block_id = *id;
}

void write_pool_put(ez_write *write, const ez_tx_id *id, const void *bytes, size_t size)
{
    ez_write_op *op = add_op(write, EZ_WRITE_POOL_PUT);
    op->tx_id = *id;
    op->bytes = ez_blob_new(bytes, size);
}

void write_pool_delete(ez_write *write, const ez_tx_id *id)
{
    add_op(write, EZ_WRITE_POOL_DELETE)->tx_id = *id;
}

void write_book(ez_write *write, const void *bytes, size_t size)
{
    add_op(write, EZ_WRITE_BOOK)->bytes = ez_blob_new(bytes, size);
}

void write_manual(ez_write *write, ez_write_kind kind, const char *host, uint16_t port)
{
    ez_write_op *op = add_op(write, kind);
    op->text = ez_strdup(host);
    op->port = port;
}
