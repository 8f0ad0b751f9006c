/* Judging a Hello, and choosing between two links to one node.
 *
 *     dialler                     acceptor
 *        Hello ---------------------->
 *        <---------------------- Hello      (neither waits for the other)
 *        Ready ---------------------->      (the other's Hello was found good)
 *        <---------------------- Ready
 *
 * A side that has sent and received Ready counts the link as a peer. Anything else before that, or
 * a second Hello, breaks the order. A node may meet itself through an address it was told, and two
 * nodes may dial each other at the same moment: both are nobody's fault.
 */
#ifndef EZP2P_GOSSIP_HANDSHAKE_H
#define EZP2P_GOSSIP_HANDSHAKE_H

#include "ezp2p/gossip/message.h"

/* ez_handshake_judge: whether we can talk to who sent `hello`.
 *   returns  EZ_GOODBYE_UNSPECIFIED when we can; else the reason: VERSION, NETWORK or SELF (the
 * same node key as ours) */
ez_goodbye ez_handshake_judge(const ez_hello *hello, const ez_block_id *network,
                              const ez_public_key *node);

typedef enum ez_duplicate {
    EZ_DUPLICATE_WAIT,      /* both stay as far as we are concerned; the other side may close one */
    EZ_DUPLICATE_CLOSE_OLD, /* we close the older link */
    EZ_DUPLICATE_CLOSE_NEW, /* we close the newer link */
} ez_duplicate;

/* ez_handshake_duplicate: what to do about a second link to node `them`. Both sides compute the
 * same winner, and only the dialler of the losing link closes it: of crossing links the one dialled
 * by the node with the smaller id stays; of two dialled by the same node the older stays. */
ez_duplicate ez_handshake_duplicate(const ez_public_key *us, const ez_public_key *them,
                                    bool old_dialled_by_us, bool new_dialled_by_us);

#endif
