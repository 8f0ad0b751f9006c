/* A store in memory behind node/store_port.h, with the contract of the real one: reads answer for
 * what was committed, writes wait in a queue until they are, and a crash loses the queue.
 */
#ifndef EZP2P_SIMNET_MEMORY_STORE_H
#define EZP2P_SIMNET_MEMORY_STORE_H

#include "ezp2p/chain/network.h"
#include "ezp2p/node/store_port.h"

typedef struct ez_memory_store ez_memory_store;

ez_memory_store *ez_memory_store_new(const ez_network *network);
void ez_memory_store_free(ez_memory_store *store);

const ez_store_port *ez_memory_store_port(ez_memory_store *store);

/* Bodies that several stores hold, each once in memory. A shelf outlives the stores that use it. */
typedef struct ez_body_shelf ez_body_shelf;
ez_body_shelf *ez_body_shelf_new(void);
void ez_body_shelf_free(ez_body_shelf *shelf); /* NULL is fine */

/* ez_memory_store_share: keep bodies on `shelf` (borrowed) from now on. */
void ez_memory_store_share(ez_memory_store *store, ez_body_shelf *shelf);

/* ez_memory_store_write: queue a write; takes it. */
void ez_memory_store_write(ez_memory_store *store, ez_write *write);

/* ez_memory_store_last: the number of the last write that is queued; 0: there is none. */
uint64_t ez_memory_store_last(const ez_memory_store *store);

/* ez_memory_store_commit: make what is queued durable, up to the write of number `last`.
 *   returns  the number of the last write that is durable now; 0: there was none */
uint64_t ez_memory_store_commit(ez_memory_store *store, uint64_t last);

/* ez_memory_store_crash: lose what is queued, and start counting writes anew. */
void ez_memory_store_crash(ez_memory_store *store);

/* Looking inside, for checkers. */
size_t ez_memory_store_accounts(const ez_memory_store *store);
bool ez_memory_store_has_pooled(const ez_memory_store *store, const ez_tx_id *id);
const ez_block_id *ez_memory_store_tip(const ez_memory_store *store);

#endif
