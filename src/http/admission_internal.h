/* Who gives way when a newcomer comes and every slot is taken: first a client that asks for
 * nothing, then the one that takes its answer the slowest, then the one that has been sending its
 * request for the longest. Who was served or began a moment ago (EZ_HTTP_GRACE_MS), who follows
 * events and who waits for the node keeps its place; those are bounded elsewhere. Pure.
 */
#ifndef EZP2P_HTTP_ADMISSION_INTERNAL_H
#define EZP2P_HTTP_ADMISSION_INTERNAL_H

#include "ezp2p/base/endpoint.h"
#include "ezp2p/node/event.h"

#include <stdbool.h>
#include <stdint.h>

/* The weakest claim first. */
typedef enum ez_claim_kind {
    EZ_CLAIM_IDLE,    /* between two requests */
    EZ_CLAIM_TAKING,  /* an answer is there and the client does not take all of it */
    EZ_CLAIM_SENDING, /* part of a request is here */
    EZ_CLAIM_SERVED,  /* being answered: gives way to nobody */
} ez_claim_kind;

typedef struct ez_claim {
    ez_claim_kind kind;
    ez_time_ms ms;  /* for so long */
    uint64_t bytes; /* taken in that time (EZ_CLAIM_TAKING) */
} ez_claim;

/* ez_claim_may_yield: whether it may be closed for a newcomer at all. */
bool ez_claim_may_yield(const ez_claim *claim);

/* ez_claim_is_weaker: whether `a` is closed rather than `b`. */
bool ez_claim_is_weaker(const ez_claim *a, const ez_claim *b);

/* ez_is_one_client: whether two addresses may well be one client's: the same address, or the same
 * /64 of IPv6, which is what one subscriber has. False on loopback, where it says nothing. */
bool ez_is_one_client(const ez_endpoint *a, const ez_endpoint *b);

#endif
