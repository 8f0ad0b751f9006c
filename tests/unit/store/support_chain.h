/* A small chain that is valid by every rule, and store writes made from it. */
#ifndef EZP2P_TEST_SUPPORT_CHAIN_H
#define EZP2P_TEST_SUPPORT_CHAIN_H

#include "ezp2p/chain/block.h"
#include "ezp2p/chain/ledger.h"
#include "ezp2p/crypto/sign.h"
#include "ezp2p/node/store_port.h"

#define KIT_KEYS   4
#define KIT_BLOCKS 64

/* A block with the accounts it changed. */
typedef struct kit_block {
    ez_block *block;
    ez_ledger_diff diff;
} kit_block;

/* A network whose blocks take two hashes on average, and a chain on it. */
typedef struct test_kit {
    ez_network network;
    ez_keypair keys[KIT_KEYS];
    ez_ledger *ledger;
    kit_block chain[KIT_BLOCKS]; /* the active chain above genesis */
    size_t chain_count;
    kit_block all[KIT_BLOCKS]; /* every block ever made; chain borrows from here */
    size_t all_count;
    ez_buffer body; /* of the next block */
    uint64_t fees;
    uint64_t sent[KIT_KEYS]; /* entries of each key in it */
    uint64_t notes;          /* makes every note another one */
} test_kit;

void kit_init(test_kit *kit);
void kit_clear(test_kit *kit);

/* kit_send: an entry of the next block: keys[from] pays keys[to]. kit_note: a note from a label.
 * kit_encode_note: one that is not in a block, appended to *out with its id. */
void kit_send(test_kit *kit, int from, int to, uint64_t amount, uint64_t fee);
void kit_note(test_kit *kit, const char *sender, const char *recipient);
void kit_encode_note(test_kit *kit, ez_buffer *out, ez_tx_id *id, const char *sender);

/* kit_mine: close the next block with a reward for keys[miner] and connect it. */
const kit_block *kit_mine(test_kit *kit, int miner);

/* kit_undo: disconnect the tip; it stays in `all`. */
const kit_block *kit_undo(test_kit *kit);

/* Writes. Each call appends an operation; everything is copied or referenced anew. */
ez_write *write_new(uint64_t number, bool urgent);
ez_write *write_clone(const ez_write *write, uint64_t number);
void write_body(ez_write *write, const ez_block *block);
void write_connect(ez_write *write, const kit_block *made);
void write_disconnect(ez_write *write, const kit_block *made);
void write_invalid(ez_write *write, const ez_block_id *id);
void write_pool_put(ez_write *write, const ez_tx_id *id, const void *bytes, size_t size);
void write_pool_delete(ez_write *write, const ez_tx_id *id);
void write_book(ez_write *write, const void *bytes, size_t size);
void write_manual(ez_write *write, ez_write_kind kind, const char *host, uint16_t port);

#endif
