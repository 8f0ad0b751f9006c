#include "support_samples.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_TIME 1795349400000001u

ez_network sample_network(void)
{
    ez_network network;

    cr_assert_eq(ez_crypto_init(), EZ_OK);
    ez_network_classic(&network);
    return network;
}

ez_keypair sample_keypair(uint8_t byte)
{
    uint8_t seed[EZ_SEED_BYTES];
    ez_keypair pair;

    memset(seed, byte, sizeof seed);
    ez_keypair_from_seed(&pair, seed);
    return pair;
}

ez_party sample_label(const char *text)
{
    ez_party party = {.kind = EZ_PARTY_LABEL, .label_size = (uint8_t)strlen(text)};

    cr_assert_leq(strlen(text), EZ_LABEL_BYTES_MAX);
    memcpy(party.label, text, party.label_size);
    return party;
}

ez_party sample_address(uint8_t byte)
{
    return (ez_party){.kind = EZ_PARTY_ADDRESS, .key = sample_keypair(byte).public_key};
}

ez_tx sample_transfer(void)
{
    return (ez_tx){.sender = sample_address(1),
                   .recipient = sample_address(2),
                   .amount = 7,
                   .fee = 2,
                   .sequence = 3,
                   .timestamp = SAMPLE_TIME};
}

ez_tx sample_note(void)
{
    return (ez_tx){.sender = sample_label("alice"),
                   .recipient = sample_label("bob"),
                   .amount = 5,
                   .timestamp = SAMPLE_TIME};
}

ez_tx sample_reward(void)
{
    return (ez_tx){.sender = {.kind = EZ_PARTY_REWARD},
                   .recipient = sample_address(1),
                   .amount = 1,
                   .sequence = 2,
                   .timestamp = SAMPLE_TIME};
}

void sample_add(ez_buffer *body, ez_tx tx)
{
    ez_network network = sample_network();

    if (tx.sender.kind != EZ_PARTY_REWARD) {
        ez_keypair pair = sample_keypair(1);
        ez_tx_sign(&tx, &network.genesis_id, &pair);
    }
    ez_tx_encode(body, &tx);
}

void sample_add_notes(ez_buffer *body, size_t count, uint64_t first)
{
    ez_tx tx = sample_note();

    for (size_t i = 0; i < count; i++) {
        tx.amount = first + i;
        ez_tx_encode(body, &tx);
    }
}

ez_header sample_header(const ez_buffer *body)
{
    ez_network network = sample_network();
    ez_header header = {.version = EZ_HEADER_VERSION,
                        .index = 2,
                        .previous = network.genesis_id,
                        .timestamp = SAMPLE_TIME,
                        .bits = network.first_bits};
    ez_tx_id *ids = ez_alloc(body->size / 32 + 1, sizeof *ids);
    size_t count = 0;
    ez_reader reader;
    ez_tx tx;

    ez_reader_init(&reader, body->data, body->size);
    while (!ez_reader_is_done(&reader)) {
        size_t start = reader.at;
        cr_assert_eq(ez_tx_decode(&tx, &reader), EZ_RULE_OK);
        ez_tx_id_of(&ids[count++], &network.genesis_id, body->data + start, reader.at - start);
    }
    ez_merkle_root(&header.merkle_root, ids, count);
    free(ids);
    return header;
}

ez_blob *sample_blob(ez_buffer *buffer)
{
    ez_blob *blob = ez_blob_new(buffer->data, buffer->size);

    ez_buffer_clear(buffer);
    return blob;
}
