/* What tests of the chain and of what stands on it need again and again: a network whose proofs
 * take two tries, keys by number, signed entries, and blocks that pass every rule unless a test
 * breaks one on purpose. All of it is deterministic. */
#ifndef EZP2P_TESTS_CHAIN_FIXTURE_H
#define EZP2P_TESTS_CHAIN_FIXTURE_H

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/blob.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/rng.h"
#include "ezp2p/chain/block.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"
#include "ezp2p/chain/network.h"
#include "ezp2p/chain/tx.h"
#include "ezp2p/crypto/sign.h"

#include <stdlib.h>
#include <string.h>

#define FIXTURE_BITS         0x207fffffu /* every second hash is a proof */
#define FIXTURE_REWARD       1000u
#define FIXTURE_GENESIS_TIME 1700000000000000u
#define FIXTURE_BLOCK_US     1000000u

/* ---- network, keys, randomness ---- */

static inline ez_network fixture_network(void)
{
    ez_network network = {.name = "fixture",
                          .first_bits = FIXTURE_BITS,
                          .reward = FIXTURE_REWARD,
                          .body_bytes_max = EZ_BLOCK_BODY_BYTES_MAX};
    EZ_ASSERT(ez_crypto_init() == EZ_OK);
    network.genesis.version = EZ_HEADER_VERSION;
    network.genesis.index = 1;
    network.genesis.previous.hash.bytes[EZ_HASH_BYTES - 1] = 1;
    ez_merkle_root(&network.genesis.merkle_root, NULL, 0);
    network.genesis.timestamp = FIXTURE_GENESIS_TIME;
    network.genesis.bits = FIXTURE_BITS;
    network.genesis.proof = 100;
    ez_header_id(&network.genesis_id, &network.genesis);
    return network;
}

static inline ez_keypair fixture_keypair(uint32_t number)
{
    uint8_t seed[EZ_SEED_BYTES] = "a key pair of the tests";
    ez_keypair pair;
    for (size_t i = 0; i < sizeof(number); i++) {
        seed[EZ_SEED_BYTES - 1 - i] = (uint8_t)(number >> (8 * i));
    }
    EZ_ASSERT(ez_crypto_init() == EZ_OK);
    ez_keypair_from_seed(&pair, seed);
    return pair;
}

static inline ez_rng fixture_rng(uint64_t number)
{
    uint8_t seed[16] = "seeded";
    ez_rng rng;
    memcpy(seed + 8, &number, sizeof(number));
    ez_rng_init(&rng, seed);
    return rng;
}

/* ---- entries ---- */

typedef struct fixture_tx {
    ez_tx tx;
    ez_tx_id id;
    ez_blob *bytes; /* one reference; fixture_tx_clear */
} fixture_tx;

static inline void fixture_tx_clear(fixture_tx *made)
{
    ez_blob_unref(made->bytes);
    made->bytes = NULL;
}

static inline ez_party fixture_address(const ez_public_key *key)
{
    return (ez_party){.kind = EZ_PARTY_ADDRESS, .key = *key};
}

static inline ez_party fixture_label(const char *text)
{
    ez_party party = {.kind = EZ_PARTY_LABEL};
    const size_t size = strlen(text);
    EZ_ASSERT(size > 0 && size <= EZ_LABEL_BYTES_MAX);
    party.label_size = (uint8_t)size;
    memcpy(party.label, text, size);
    return party;
}

static inline void fixture_set_memo(ez_tx *tx, const char *memo)
{
    const size_t size = strlen(memo);
    EZ_ASSERT(size <= EZ_MEMO_BYTES_MAX);
    tx->memo_size = (uint16_t)size;
    memcpy(tx->memo, memo, size);
}

static inline ez_blob *fixture_encode(const ez_tx *tx)
{
    ez_buffer buffer = {0};
    ez_tx_encode(&buffer, tx);
    ez_blob *const blob = ez_blob_new(buffer.data, buffer.size);
    ez_buffer_clear(&buffer);
    return blob;
}

/* fixture_finish: id and bytes of `tx` as it is; fixture_sign: the same once signed by `pair`. */
static inline fixture_tx fixture_finish(const ez_network *network, const ez_tx *tx)
{
    fixture_tx made = {.tx = *tx, .bytes = fixture_encode(tx)};
    ez_tx_id_of(&made.id, &network->genesis_id, ez_blob_data(made.bytes), ez_blob_size(made.bytes));
    return made;
}

static inline fixture_tx fixture_sign(const ez_network *network, ez_tx *tx, const ez_keypair *pair)
{
    ez_tx_sign(tx, &network->genesis_id, pair);
    return fixture_finish(network, tx);
}

/* fixture_claim: as if `key` had signed, for tests of what never looks at signatures: a hundred
 * times faster. */
static inline fixture_tx fixture_claim(const ez_network *network, ez_tx *tx,
                                       const ez_public_key *key)
{
    tx->signer = *key;
    if (tx->sender.kind == EZ_PARTY_ADDRESS) {
        tx->sender.key = *key;
    }
    return fixture_finish(network, tx);
}

/* From an address to an address. */
static inline fixture_tx fixture_transfer(const ez_network *network, const ez_keypair *from,
                                          const ez_public_key *to, uint64_t amount, uint64_t fee,
                                          uint64_t sequence)
{
    ez_tx tx = {.sender = fixture_address(&from->public_key),
                .recipient = fixture_address(to),
                .amount = amount,
                .fee = fee,
                .sequence = sequence,
                .timestamp = FIXTURE_GENESIS_TIME};
    return fixture_sign(network, &tx, from);
}

/* From an address to a label. */
static inline fixture_tx fixture_address_note(const ez_network *network, const ez_keypair *from,
                                              const char *to, uint64_t amount, uint64_t fee,
                                              uint64_t sequence)
{
    ez_tx tx = {.sender = fixture_address(&from->public_key),
                .recipient = fixture_label(to),
                .amount = amount,
                .fee = fee,
                .sequence = sequence,
                .timestamp = FIXTURE_GENESIS_TIME};
    return fixture_sign(network, &tx, from);
}

/* From a label to a label, signed by the node that took it in; `salt` makes it another entry. */
static inline fixture_tx fixture_note(const ez_network *network, const ez_keypair *signer,
                                      const char *from, const char *to, uint64_t amount,
                                      uint64_t salt)
{
    ez_tx tx = {.sender = fixture_label(from),
                .recipient = fixture_label(to),
                .amount = amount,
                .timestamp = FIXTURE_GENESIS_TIME + salt};
    return fixture_sign(network, &tx, signer);
}

static inline ez_tx fixture_reward_tx(const ez_public_key *to, uint64_t amount, uint64_t height,
                                      uint64_t timestamp)
{
    return (ez_tx){.sender = {.kind = EZ_PARTY_REWARD},
                   .recipient = fixture_address(to),
                   .amount = amount,
                   .sequence = height,
                   .timestamp = timestamp};
}

/* ---- headers and blocks ---- */

/* fixture_find_proof: count the proof up from where it is until the header has work. */
static inline void fixture_find_proof(ez_header *header, ez_block_id *id)
{
    ez_header_id(id, header);
    while (!ez_header_has_work(id, header->bits)) {
        header->proof++;
        ez_header_id(id, header);
    }
}

/* A header with work on `parent`, FIXTURE_BLOCK_US later; `salt` makes siblings differ. */
static inline ez_header fixture_header(const ez_network *network, const ez_header *parent,
                                       uint64_t salt)
{
    ez_block_id id;
    ez_header header = {.version = EZ_HEADER_VERSION,
                        .index = parent->index + 1,
                        .timestamp = parent->timestamp + FIXTURE_BLOCK_US,
                        .bits = network->first_bits};
    ez_header_id(&header.previous, parent);
    memcpy(header.merkle_root.bytes, &salt, sizeof(salt));
    fixture_find_proof(&header, &id);
    return header;
}

/* What a block is made of. A zeroed one but for network, parent and miner is a block with nothing
 * but its reward, FIXTURE_BLOCK_US after its parent. */
typedef struct fixture_block_spec {
    const ez_network *network;
    const ez_header *parent;
    const ez_public_key *miner;
    const fixture_tx *txs;
    size_t tx_count;
    uint64_t timestamp;     /* 0: FIXTURE_BLOCK_US after the parent */
    const ez_tx *reward;    /* NULL: what the rules ask for, fees included */
    uint64_t reward_amount; /* when `reward` is NULL and this is not 0: instead of the right one */
} fixture_block_spec;

static inline ez_tx fixture_spec_reward(const fixture_block_spec *spec, const ez_header *header)
{
    uint64_t amount = spec->network->reward;
    if (spec->reward != NULL) {
        return *spec->reward;
    }
    for (size_t i = 0; i < spec->tx_count; i++) {
        amount += spec->txs[i].tx.fee;
    }
    return fixture_reward_tx(spec->miner, spec->reward_amount != 0 ? spec->reward_amount : amount,
                             header->index, header->timestamp);
}

/* fixture_body: the bytes of the block's transactions, and their merkle root into `header`. */
static inline ez_blob *fixture_body(const fixture_block_spec *spec, ez_header *header)
{
    const ez_tx reward_tx = fixture_spec_reward(spec, header);
    fixture_tx reward = fixture_finish(spec->network, &reward_tx);
    ez_tx_id *const ids = ez_alloc(spec->tx_count + 1, sizeof(*ids));
    ez_buffer buffer = {0};
    for (size_t i = 0; i <= spec->tx_count; i++) {
        const fixture_tx *const at = i < spec->tx_count ? &spec->txs[i] : &reward;
        ids[i] = at->id;
        ez_buffer_add(&buffer, ez_blob_data(at->bytes), ez_blob_size(at->bytes));
    }
    ez_merkle_root(&header->merkle_root, ids, spec->tx_count + 1);
    ez_blob *const body = ez_blob_new(buffer.data, buffer.size);
    ez_buffer_clear(&buffer);
    free(ids);
    fixture_tx_clear(&reward);
    return body;
}

/* fixture_block_try: build, prove and parse; the rule that parsing says, *out NULL unless OK. */
static inline ez_rule fixture_block_try(ez_block **out, const fixture_block_spec *spec)
{
    ez_block_id id;
    ez_header header = {.version = EZ_HEADER_VERSION,
                        .index = spec->parent->index + 1,
                        .timestamp = spec->timestamp != 0
                                         ? spec->timestamp
                                         : spec->parent->timestamp + FIXTURE_BLOCK_US,
                        .bits = spec->network->first_bits};
    ez_header_id(&header.previous, spec->parent);
    ez_blob *const body = fixture_body(spec, &header);
    fixture_find_proof(&header, &id);
    const ez_rule rule = ez_block_parse(out, spec->network, &header, body);
    ez_blob_unref(body);
    return rule;
}

/* fixture_block: the same for a block that must parse; one reference. */
static inline ez_block *fixture_block(const fixture_block_spec *spec)
{
    ez_block *block;
    EZ_ASSERT(fixture_block_try(&block, spec) == EZ_RULE_OK);
    return block;
}

/* fixture_block_on: the usual block: `txs` and the right reward for `miner`. */
static inline ez_block *fixture_block_on(const ez_network *network, const ez_header *parent,
                                         const ez_public_key *miner, const fixture_tx *txs,
                                         size_t tx_count)
{
    const fixture_block_spec spec = {
        .network = network, .parent = parent, .miner = miner, .txs = txs, .tx_count = tx_count};
    return fixture_block(&spec);
}

#endif
