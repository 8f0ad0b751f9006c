/* The value types of the chain, shared with layers that move them without judging them. */
#ifndef EZP2P_CHAIN_TYPES_H
#define EZP2P_CHAIN_TYPES_H

#include "ezp2p/base/id.h"
#include "ezp2p/base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EZ_HEADER_BYTES 96

/* 2^53 - 1: the largest integer that every JSON reader keeps. */
#define EZ_AMOUNT_MAX 9007199254740991u

/* SHA-256 of the header; as a big-endian number, what proof of work is measured by. */
typedef struct ez_block_id {
    ez_hash hash;
} ez_block_id;

/* SHA-256 of domain tag, network id and encoded transaction; see docs/protocol.md. */
typedef struct ez_tx_id {
    ez_hash hash;
} ez_tx_id;

static inline bool ez_block_id_is_equal(const ez_block_id *a, const ez_block_id *b)
{
    return ez_hash_is_equal(&a->hash, &b->hash);
}

static inline bool ez_tx_id_is_equal(const ez_tx_id *a, const ez_tx_id *b)
{
    return ez_hash_is_equal(&a->hash, &b->hash);
}

/* Accumulated proof of work: an unsigned 256-bit number, least significant limb first. */
typedef struct ez_work {
    uint64_t limb[4];
} ez_work;

/* A block header. Its canonical layout is 96 bytes, little-endian, in this order. */
typedef struct ez_header {
    uint32_t version;
    uint64_t index; /* height; genesis is 1 */
    ez_block_id previous;
    ez_hash merkle_root;
    uint64_t timestamp; /* microseconds since 1970 */
    uint32_t bits;      /* compact target */
    uint64_t proof;     /* the nonce */
} ez_header;

/* What an address owns, and how many entries its key has signed for it. */
typedef struct ez_account {
    uint64_t balance;
    uint64_t sequence; /* the next entry's sequence number; starts at 0 */
} ez_account;

/* The account of `key` with a value to be or as it was. */
typedef struct ez_account_change {
    ez_public_key key;
    ez_account account;
} ez_account_change;

/* Where a transaction stands in a chain. */
typedef struct ez_tx_place {
    ez_block_id block;
    uint64_t height;
    uint32_t offset; /* of its first byte in the block's body */
    uint32_t size;
    uint32_t position; /* 0-based in the block's list */
} ez_tx_place;

#endif
