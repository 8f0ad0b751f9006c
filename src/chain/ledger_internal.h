/* What the pool asks of the ledger beyond its public calls. */
#ifndef EZP2P_CHAIN_LEDGER_INTERNAL_H
#define EZP2P_CHAIN_LEDGER_INTERNAL_H

#include "ezp2p/chain/ledger.h"

/* ez_tx_cost: what an entry takes from an address that sends it. A note moves nothing, so that its
 * amount is no cost. */
static inline uint64_t ez_tx_cost(ez_tx_kind kind, uint64_t amount, uint64_t fee)
{
    return kind == EZ_TX_TRANSFER ? amount + fee : fee;
}

/* ez_ledger_keep: keep so many accounts in place of EZ_LEDGER_ACCOUNTS_KEPT. */
void ez_ledger_keep(ez_ledger *ledger, size_t accounts);

/* ez_ledger_rewinds: how many blocks were disconnected so far. */
uint64_t ez_ledger_rewinds(const ez_ledger *ledger);

/* ez_ledger_may_have_rewound: false only when no block disconnected after the first `rewinds` has
 * changed the account of `key`. Reads no durable state. */
bool ez_ledger_may_have_rewound(const ez_ledger *ledger, const ez_public_key *key,
                                uint64_t rewinds);

#endif
