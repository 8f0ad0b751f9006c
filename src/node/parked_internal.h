/* The set of parked transactions: by signer in sequence, since of one signer's only the lowest can
 * be the next to stand, and by what they were promised, since the set is bounded and somebody may
 * have to go. What they are parked for, and when they are tried again, is parked.c's. */
#ifndef EZP2P_NODE_PARKED_INTERNAL_H
#define EZP2P_NODE_PARKED_INTERNAL_H

#include "ezp2p/base/blob.h"
#include "ezp2p/base/siphash.h"
#include "ezp2p/chain/types.h"

/* In the order in which they are given up. */
typedef enum parked_class {
    PARKED_RETURNED, /* a lost block gave it back; whoever acknowledged it has it, too */
    PARKED_PROMISED, /* acknowledged to a client here */
    PARKED_OWN,      /* … and signed with our key */
} parked_class;

#define PARKED_CLASSES 3

typedef struct parked_signer parked_signer;

typedef struct parked_tx {
    ez_tx_id id;
    ez_blob *bytes;
    uint64_t sequence;
    parked_class class;
    parked_signer *signer;
    struct parked_tx *run_prev, *run_next; /* of one signer, by sequence; NULL at the ends */
    struct parked_tx *prev, *next;         /* of one class, oldest first */
} parked_tx;

typedef struct parked_set {
    ez_siphash_key key;
    size_t count_max, bytes_max;
    size_t count, bytes;
    size_t class_counts[PARKED_CLASSES];
    parked_tx *classes[PARKED_CLASSES];
    parked_signer *signers; /* by key */
    parked_signer *turns;   /* who was looked at last comes last */
} parked_set;

/* parked_init: an empty set; what is above the bounds is shown by parked_excess, not refused. */
void parked_init(parked_set *set, ez_siphash_key key, size_t count_max, size_t bytes_max);
void parked_clear(parked_set *set);

/* parked_put: one more reference of `bytes` is taken. Costs a step where a signer's entries come in
 * rising or falling order of sequence, as they do. */
parked_tx *parked_put(parked_set *set, const ez_tx_id *id, ez_blob *bytes,
                      const ez_public_key *signer, uint64_t sequence, parked_class class);
void parked_drop(parked_set *set, parked_tx *tx);

/* parked_excess: the oldest of those with the least claim to stay, while the set is over a bound;
 * NULL: it is not. */
parked_tx *parked_excess(const parked_set *set);

/* parked_run: the lowest of a signer's, further ones by run_next; NULL: none. */
parked_tx *parked_run(const parked_set *set, const ez_public_key *signer);

/* parked_turn: the same of the signer that was not looked at for longest. */
parked_tx *parked_turn(parked_set *set);

size_t parked_signers(const parked_set *set); /* how many have anything here */

#endif
