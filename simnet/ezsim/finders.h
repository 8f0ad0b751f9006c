/* Who found which block, and what share of a chain an adversary came to own. */
#ifndef EZP2P_SIMNET_FINDERS_H
#define EZP2P_SIMNET_FINDERS_H

#include "ezp2p/node/query.h"

typedef struct ez_finder ez_finder;

/* A zeroed one is empty. */
typedef struct ez_finders {
    ez_finder *list;
    uint64_t count;       /* blocks found */
    uint64_t adversaries; /* of these, by adversaries */
} ez_finders;

void ez_finders_clear(ez_finders *finders);

/* ez_finders_add: a block was found; one that is known already is found once. */
void ez_finders_add(ez_finders *finders, const ez_block_id *id, bool by_adversary);

/* The adversaries' share of the blocks of a chain, and how far chance may have moved it: the
 * standard error, from the spread of EZ_SHARE_BATCHES batches of the chain (batch means; blocks of
 * one race depend on each other, batches of many blocks hardly do). In millionths. */
#define EZ_SHARE_BATCHES 40

typedef struct ez_share {
    uint64_t blocks; /* of the chain, without genesis */
    uint64_t own;    /* of these, the adversaries' */
    uint64_t ppm;
    uint64_t error_ppm; /* 0 when the chain is shorter than two blocks a batch */
} ez_share;

ez_share ez_finders_share(const ez_finders *finders, const ez_node *node);

/* ez_selfish_revenue_ppm: the share that selfish mining earns in the long run with `alpha_milli` of
 * the hash rate when `gamma_milli` of the honest miners take its side in a race (Eyal and Sirer,
 * "Majority is not Enough: Bitcoin Mining is Vulnerable", 2014, equation 8). For alpha below a
 * half. */
uint64_t ez_selfish_revenue_ppm(uint32_t alpha_milli, uint32_t gamma_milli);

/* ez_double_spend_ppm: the chance that a secret branch begun with the payment, by who has `q_milli`
 * of the hash rate, becomes longer than the public one once the payment has `confirmations`, or
 * later, before it is `give_up` blocks behind. The blocks found until then are distributed as in
 * Rosenfeld ("Analysis of Hashrate-Based Double Spending", 2014, equation 1); what follows is a
 * gambler's ruin between one block ahead and `give_up` behind. For q below a half. */
uint64_t ez_double_spend_ppm(uint32_t q_milli, uint32_t confirmations, uint32_t give_up);

/* ez_share_error_ppm: the standard error of a share of `ppm` in `trials` independent trials. */
uint64_t ez_share_error_ppm(uint64_t ppm, uint64_t trials);

#endif
