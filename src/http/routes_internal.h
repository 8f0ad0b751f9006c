/* The handlers, by topic. Each answers its exchange, now or later. */
#ifndef EZP2P_HTTP_ROUTES_INTERNAL_H
#define EZP2P_HTTP_ROUTES_INTERNAL_H

#include "json_internal.h"
#include "router_internal.h"

#include "ezp2p/chain/rule.h"
#include "ezp2p/chain/tx.h"
#include "ezp2p/node/event.h"

/* original.c */
void ez_route_transactions_new(ez_exchange *exchange);
void ez_route_chain(ez_exchange *exchange);
void ez_route_register(ez_exchange *exchange);
/* waiting.c */
void ez_route_mine(ez_exchange *exchange);
void ez_route_resolve(ez_exchange *exchange);
/* v1_status.c */
void ez_route_status(ez_exchange *exchange);
void ez_route_account(ez_exchange *exchange);
void ez_route_live(ez_exchange *exchange);
void ez_route_ready(ez_exchange *exchange);
/* v1_blocks.c */
void ez_route_blocks(ez_exchange *exchange);
void ez_route_block(ez_exchange *exchange);
/* v1_transactions.c */
void ez_route_submit(ez_exchange *exchange);
void ez_route_transaction(ez_exchange *exchange);
void ez_route_proof(ez_exchange *exchange);
void ez_route_mempool(ez_exchange *exchange);
/* v1_peers.c */
void ez_route_peers(ez_exchange *exchange);
void ez_route_peer_add(ez_exchange *exchange);
void ez_route_peer_remove(ez_exchange *exchange);
/* events.c */
void ez_route_events(ez_exchange *exchange);
/* documents.c */
void ez_route_metrics(ez_exchange *exchange);
void ez_route_openapi(ez_exchange *exchange);
void ez_route_page(ez_exchange *exchange);

/* ---- tx_json.c: transactions as /v1 shows them, and refusals of them ----------------------- */

/* What a transaction shows besides its own fields. Zero for a plain element of a list. */
typedef struct ez_tx_context {
    bool standing;            /* show where it stands */
    const ez_tx_place *place; /* in a block; NULL: in the pool */
    uint64_t confirmations;
    const ez_byte_span *raw; /* its canonical bytes, or NULL */
} ez_tx_context;

/* ez_tx_write: one object; `key` as in json_internal.h. */
void ez_tx_write(ez_json_writer *writer, const char *key, const ez_tx *tx, const ez_tx_id *id,
                 const ez_tx_context *context);

/* ez_rule_status: the HTTP status of a refusal: 400 when the thing is malformed by itself, 422 when
 * the ledger or the pool speaks against it, 503 when there is no room. */
int ez_rule_status(ez_rule rule);

/* ez_respond_rule: the problem document of a refused transaction. */
void ez_respond_rule(ez_exchange *exchange, ez_rule rule);

#endif
