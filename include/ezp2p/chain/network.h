/* Networks: the parameters that make two chains different. A network is named on the wire by its
 * genesis id; transactions sign it too, so that none can be replayed on another chain. */
#ifndef EZP2P_CHAIN_NETWORK_H
#define EZP2P_CHAIN_NETWORK_H

#include "ezp2p/chain/types.h"

typedef struct ez_network {
    char name[32];
    ez_header genesis;
    ez_block_id genesis_id; /* the network id */
    uint32_t first_bits;    /* target of block 2 */
    uint64_t interval_us;   /* wanted time between blocks; 0: the target never changes */
    uint64_t reward;        /* coins per block */
    uint32_t body_bytes_max;
} ez_network;

/* ez_network_classic: the original's rule: genesis with previous_hash 1 and proof 100 at
 * 1795349323.435114, four leading zero hex digits (bits 0x1f00ffff), reward 1, never changing. */
void ez_network_classic(ez_network *out);

/* ez_network_by_name: fill *out for "classic"; false, untouched, for another name. */
bool ez_network_by_name(ez_network *out, const char *name);

#endif
