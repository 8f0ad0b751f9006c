/* Every route there is. The page at / and /openapi.json are written from this table. */
#include "routes_internal.h"

#define JSON "application/json"
#define TEXT "text/plain; charset=utf-8"

/* clang-format off */
const ez_route ez_routes[] = {
    /* the original's */
    {EZ_METHOD_GET, "/mine", EZ_ROUTE_CHANGES | EZ_ROUTE_HEAD_IDLE, ez_route_mine,
     "Mine one block on this node", NULL, JSON},
    {EZ_METHOD_POST, "/transactions/new", EZ_ROUTE_CHANGES, ez_route_transactions_new,
     "Record an entry: sender, recipient, amount", NULL, JSON},
    {EZ_METHOD_POST, "/transaction/new", EZ_ROUTE_CHANGES, ez_route_transactions_new,
     "The same as /transactions/new", NULL, JSON},
    {EZ_METHOD_GET, "/chain", EZ_ROUTE_READS, ez_route_chain,
     "The whole chain in the original's view", NULL, JSON},
    {EZ_METHOD_POST, "/nodes/register", EZ_ROUTE_CHANGES, ez_route_register,
     "Connect to a list of nodes", NULL, JSON},
    {EZ_METHOD_GET, "/nodes/resolve", EZ_ROUTE_CHANGES | EZ_ROUTE_HEAD_IDLE, ez_route_resolve,
     "Ask every peer for its chain, then show ours", NULL, JSON},
    /* the node's own */
    {EZ_METHOD_GET, "/v1/status", EZ_ROUTE_READS, ez_route_status,
     "How the node is doing", NULL, JSON},
    {EZ_METHOD_GET, "/v1/blocks", EZ_ROUTE_READS, ez_route_blocks,
     "Blocks by height; without from, the latest", "from,limit", JSON},
    {EZ_METHOD_GET, "/v1/blocks/{block}", EZ_ROUTE_READS, ez_route_block,
     "One block by hash or height, with a page of its transactions", "from,limit", JSON},
    {EZ_METHOD_POST, "/v1/transactions", EZ_ROUTE_CHANGES, ez_route_submit,
     "Take in a transaction signed elsewhere", NULL, JSON},
    {EZ_METHOD_GET, "/v1/transactions/{id}", EZ_ROUTE_READS, ez_route_transaction,
     "A transaction and where it stands", NULL, JSON},
    {EZ_METHOD_GET, "/v1/transactions/{id}/proof", EZ_ROUTE_READS, ez_route_proof,
     "Proof that a transaction is in its block", NULL, JSON},
    {EZ_METHOD_GET, "/v1/accounts/{address}", EZ_ROUTE_READS, ez_route_account,
     "Balance and sequence of an address", NULL, JSON},
    {EZ_METHOD_GET, "/v1/mempool", EZ_ROUTE_READS, ez_route_mempool,
     "Transactions that wait for a block, in order of arrival", "after,limit", JSON},
    {EZ_METHOD_GET, "/v1/peers", EZ_ROUTE_READS, ez_route_peers,
     "Connected peers", "after,limit", JSON},
    {EZ_METHOD_POST, "/v1/peers", EZ_ROUTE_CHANGES, ez_route_peer_add,
     "Connect to a peer and stay connected", NULL, JSON},
    {EZ_METHOD_DELETE, "/v1/peers/{id}", EZ_ROUTE_CHANGES, ez_route_peer_remove,
     "Disconnect a peer by its id, or drop one by its host:port", NULL, JSON},
    {EZ_METHOD_GET, "/v1/events", EZ_ROUTE_READS, ez_route_events,
     "What happens, as server-sent events", "types", "text/event-stream"},
    /* for machines and people */
    {EZ_METHOD_GET, "/metrics", EZ_ROUTE_READS, ez_route_metrics,
     "Counters for Prometheus", NULL, "text/plain; version=0.0.4; charset=utf-8"},
    {EZ_METHOD_GET, "/livez", EZ_ROUTE_READS, ez_route_live,
     "200 while the process runs", NULL, TEXT},
    {EZ_METHOD_GET, "/readyz", EZ_ROUTE_READS, ez_route_ready,
     "200 unless the node is far behind its peers", NULL, TEXT},
    {EZ_METHOD_GET, "/openapi.json", EZ_ROUTE_READS, ez_route_openapi,
     "This list for programs", NULL, JSON},
    {EZ_METHOD_GET, "/", EZ_ROUTE_READS, ez_route_page,
     "This page", NULL, "text/html; charset=utf-8"},
};
/* clang-format on */

const size_t ez_route_count = sizeof ez_routes / sizeof ez_routes[0];
