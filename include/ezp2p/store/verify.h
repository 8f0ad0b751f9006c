/* `ezp2p verify`: check a store again from genesis. */
#ifndef EZP2P_STORE_VERIFY_H
#define EZP2P_STORE_VERIFY_H

#include "ezp2p/store/store.h"

typedef struct ez_verify_report {
    uint64_t blocks;       /* on the active chain, genesis included */
    uint64_t transactions; /* rewards included */
    uint64_t accounts;
    bool sound;
    uint64_t bad_height;   /* of the first bad block; 0: it is not a block that is wrong */
    ez_block_id bad_block; /* when bad_height is not 0 */
    char problem[256];     /* what is wrong, for a person; "" when sound */
} ez_verify_report;

/* ez_store_verify: walk the active chain of an open store from genesis: links, work, timestamps,
 * merkle roots, signatures, rewards and balances by replay; then compare the account table, the
 * transaction index, the undo records and the view hashes with what the replay says.
 *   progress  called now and then with (height, tip height); may be NULL
 *   returns   EZ_OK with *out filled, sound or not; EZ_ERR_IO when the file cannot be read */
EZ_MUST_USE ez_status ez_store_verify(ez_store *store, ez_verify_report *out, void *self,
                                      void (*progress)(void *self, uint64_t at, uint64_t of));

#endif
