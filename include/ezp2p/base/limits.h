/* Every bound of ezp2p in one place, each with its reason, checked against the others below.
 * EZ_LIMITS_EACH lists them as X(name, unit, reason); `ezp2p --print-limits` prints that list. */
#ifndef EZP2P_BASE_LIMITS_H
#define EZP2P_BASE_LIMITS_H

#include <assert.h>

#define EZ_FRAME_HELLO_BYTES_MAX    4096
#define EZ_FRAME_BYTES_MAX          (1048576 + 65536)
#define EZ_FRAME_TIMEOUT_MS         20000
#define EZ_HANDSHAKE_TIMEOUT_MS     5000
#define EZ_DECODE_BYTES_MAX         4194304
#define EZ_DECODE_DEPTH_MAX         8
#define EZ_OUTPUT_BYTES_MAX         1048576
#define EZ_OUTPUT_STALL_MS          30000
#define EZ_PEER_BYTES_MAX           524288
#define EZ_HEADERS_MAX              2000
#define EZ_LOCATOR_MAX              64
#define EZ_IDS_MAX                  1000
#define EZ_ADDRESSES_MAX            1000
#define EZ_USER_AGENT_BYTES_MAX     64
#define EZ_GOODBYE_BYTES_MAX        200
#define EZ_BODIES_IN_FLIGHT_PEER    64
#define EZ_BODIES_IN_FLIGHT_ALL     128
#define EZ_BODIES_WINDOW            1024
#define EZ_BODIES_WAITING_BYTES_MAX 33554432
#define EZ_BODY_STALL_MS            2000
#define EZ_BODY_STALL_MS_MAX        64000
#define EZ_REQUEST_TIMEOUT_MS       4000
#define EZ_TXS_IN_FLIGHT_PEER       1000
#define EZ_ANNOUNCED_PEER           1500
#define EZ_TREES_MAX                16384
#define EZ_SEEN_TXS_MAX             8192
#define EZ_HINTS_MAX                128
#define EZ_HINT_DELAY_MS            100
#define EZ_GRAFT_DELAY_MS           250
#define EZ_TREE_GROWS_MS            1000
#define EZ_REFUSED_TX_MS            30000
#define EZ_EARLY_TX_MS              1000
#define EZ_HEADERS_TIMEOUT_MS       20000
#define EZ_SIDE_HEADERS_MAX         20000
#define EZ_ORPHAN_COUNT_MAX         100
#define EZ_ORPHAN_BYTES_MAX         1048576
#define EZ_ORPHAN_AGE_MS            300000
#define EZ_POOL_BYTES_MAX           33554432
#define EZ_POOL_COUNT_MAX           65536
#define EZ_POOL_SIGNER_MAX          25000
#define EZ_PARKED_COUNT_MAX         32768
#define EZ_PARKED_BYTES_MAX         8388608
#define EZ_PARKED_LOOKS_MAX         512
#define EZ_POOL_MISFITS_MAX         1000
#define EZ_PING_INTERVAL_MS         30000
#define EZ_PING_TIMEOUT_MS          15000
#define EZ_SILENCE_MS_MAX           90000
#define EZ_BOOK_NEW_MAX             16384
#define EZ_BOOK_TRIED_MAX           4096
#define EZ_ANCHORS_MAX              2
#define EZ_FEELER_MS                120000
#define EZ_DISCOURAGED_MAX          1024
#define EZ_DISCOURAGED_MS           600000
#define EZ_DIAL_TIMEOUT_MS          5000
#define EZ_REDIAL_MS_FIRST          10
#define EZ_REDIAL_MS_MIN            100
#define EZ_REDIAL_MS_MAX            60000
#define EZ_MANUAL_PEERS_MAX         256
#define EZ_LINKS_PER_NODE_MAX       2
#define EZ_ACCEPTS_PER_HOST_MAX     64
#define EZ_OUTBOUND_MAX             128
#define EZ_INBOUND_MAX              1024
#define EZ_SPARE_DESCRIPTORS        32
#define EZ_BLOCK_BODY_BYTES_MAX     1000000
#define EZ_LABEL_BYTES_MAX          64
#define EZ_MEMO_BYTES_MAX           256
#define EZ_FUTURE_US_MAX            7200000000
#define EZ_LEDGER_ACCOUNTS_KEPT     4096
#define EZ_FILTER_BYTES_MAX         4194304
#define EZ_KEY_TABLES_MAX           256
#define EZ_KEY_SIGHTINGS            8
#define EZ_EVENT_RING_MAX           8192
#define EZ_RECORD_BYTES_MAX         4194304
#define EZ_RECORD_EFFECTS_MAX       65536
#define EZ_RECORD_FILES_MAX         100
#define EZ_RECORD_RESTARTS_MAX      10
#define EZ_RECORD_RESTART_MS        60000
#define EZ_RECORD_MIB_MIN           8
#define EZ_RECORD_MIB_MAX           1048576

#define EZ_HTTP_HEADER_BYTES_MAX      16384
#define EZ_HTTP_BODY_BYTES_MAX        1048576
#define EZ_HTTP_REQUEST_TIMEOUT_MS    10000
#define EZ_HTTP_CONNECTIONS_MAX       256
#define EZ_HTTP_PENDING_MAX           4096
#define EZ_HTTP_PAGE_MAX              1000
#define EZ_HTTP_FIELDS_MAX            100
#define EZ_HTTP_PATH_BYTES_MAX        1024
#define EZ_HTTP_QUERY_BYTES_MAX       2048
#define EZ_HTTP_CHUNK_LINE_BYTES_MAX  256
#define EZ_HTTP_TRAILER_BYTES_MAX     4096
#define EZ_HTTP_JSON_ITEMS_MAX        16384
#define EZ_HTTP_JSON_BYTES_MAX        131072
#define EZ_HTTP_IDLE_MS               60000
#define EZ_HTTP_LINGER_MS             2000
#define EZ_HTTP_GRACE_MS              1000
#define EZ_HTTP_HOST_CONNECTIONS_MAX  128
#define EZ_HTTP_TURNED_AWAY_MAX       32
#define EZ_HTTP_INPUT_BYTES_MAX       65536
#define EZ_HTTP_PIPELINE_BYTES_MAX    65536
#define EZ_HTTP_BODIES_BYTES_MAX      16777216
#define EZ_HTTP_OUTPUT_BYTES_MAX      33554432
#define EZ_HTTP_TAKEN_BYTES_MIN       16384
#define EZ_HTTP_TURN_US               2000
#define EZ_HTTP_SHARE_US              500
#define EZ_HTTP_WAITING_MAX           17
#define EZ_HTTP_SUBSCRIBERS_MAX       64
#define EZ_HTTP_HEARTBEAT_MS          15000
#define EZ_HTTP_CHAIN_READERS_MAX     16
#define EZ_HTTP_CHAIN_CACHE_BYTES_MAX 4194304
#define EZ_REGISTER_ANSWER_BYTES_MAX  65536
#define EZ_REGISTER_TIMEOUT_MS        5000
#define EZ_REGISTER_PAUSE_MS_MAX      60000
#define EZ_REGISTER_AT_ONCE_MAX       8

/* clang-format off */
#define EZ_LIMITS_EACH(X) \
    X(EZ_FRAME_HELLO_BYTES_MAX, "bytes", "a frame before the handshake is done; a Hello takes under 400") \
    X(EZ_FRAME_BYTES_MAX, "bytes", "a frame after it: a full block body and its envelope") \
    X(EZ_FRAME_TIMEOUT_MS, "ms", "from a frame's first byte to its last, however slowly they drip") \
    X(EZ_HANDSHAKE_TIMEOUT_MS, "ms", "from connected to ready") \
    X(EZ_DECODE_BYTES_MAX, "bytes", "memory to decode one frame; also at most four times its size") \
    X(EZ_DECODE_DEPTH_MAX, "levels", "nesting in a frame; the schema needs three") \
    X(EZ_OUTPUT_BYTES_MAX, "bytes", "queued to one peer before its requests wait") \
    X(EZ_OUTPUT_STALL_MS, "ms", "no progress in sending before the peer is dropped") \
    X(EZ_PEER_BYTES_MAX, "bytes", "everything else that one peer makes us hold") \
    X(EZ_HEADERS_MAX, "headers", "in one message: 192 kB") \
    X(EZ_LOCATOR_MAX, "ids", "a locator thins out exponentially; 64 covers 2^50 blocks") \
    X(EZ_IDS_MAX, "ids", "in one announcement or request of transactions") \
    X(EZ_ADDRESSES_MAX, "addresses", "in one message") \
    X(EZ_USER_AGENT_BYTES_MAX, "bytes", "shown in peer lists") \
    X(EZ_GOODBYE_BYTES_MAX, "bytes", "free text beside a reason code") \
    X(EZ_BODIES_IN_FLIGHT_PEER, "blocks", "requested from one peer and not yet here: small ones travel dozens to a wake-up") \
    X(EZ_BODIES_IN_FLIGHT_ALL, "blocks", "requested from all peers together: 128 MB at the worst") \
    X(EZ_BODIES_WINDOW, "blocks", "how far bodies are fetched ahead of the connected tip") \
    X(EZ_BODIES_WAITING_BYTES_MAX, "bytes", "bodies held in memory until they are checked and their parent is there") \
    X(EZ_BODY_STALL_MS, "ms", "a body that holds the window back is asked elsewhere after this") \
    X(EZ_BODY_STALL_MS_MAX, "ms", "the doubling of the above ends here") \
    X(EZ_REQUEST_TIMEOUT_MS, "ms", "an announced transaction is asked of the next announcer after this") \
    X(EZ_TXS_IN_FLIGHT_PEER, "transactions", "requested from one peer and not yet here") \
    X(EZ_ANNOUNCED_PEER, "ids", "announced by one peer and not yet here: 200 bytes each") \
    X(EZ_TREES_MAX, "trees", "that transactions are pushed along: a bit for each link, 2 KiB") \
    X(EZ_SEEN_TXS_MAX, "transactions", "seen lately, to know again by short id: 448 KiB") \
    X(EZ_HINTS_MAX, "short ids", "for one peer, kept together before they are sent: 1 KiB") \
    X(EZ_HINT_DELAY_MS, "ms", "that a hint waits for others, and for the peer to get its push") \
    X(EZ_GRAFT_DELAY_MS, "ms", "that a hinted transaction has to come by itself before it is asked for") \
    X(EZ_TREE_GROWS_MS, "ms", "from the first word of a tree until all nodes have heard of it, and others may use it") \
    X(EZ_REFUSED_TX_MS, "ms", "before a transaction that could not stand is fetched again") \
    X(EZ_EARLY_TX_MS, "ms", "the same of one that came before its turn and was not kept") \
    X(EZ_HEADERS_TIMEOUT_MS, "ms", "a header request is given up after this") \
    X(EZ_SIDE_HEADERS_MAX, "headers", "headers without bodies that are not on the best chain, all peers together") \
    X(EZ_ORPHAN_COUNT_MAX, "transactions", "whose turn in their signer's sequence has not come, all peers together") \
    X(EZ_ORPHAN_BYTES_MAX, "bytes", "the same in bytes") \
    X(EZ_ORPHAN_AGE_MS, "ms", "the same in time") \
    X(EZ_POOL_BYTES_MAX, "bytes", "of pooled transactions, canonical bytes") \
    X(EZ_POOL_COUNT_MAX, "transactions", "pooled: with their entries under 64 MiB") \
    X(EZ_POOL_MISFITS_MAX, "transactions", "in a row that do not fit a block end its selection: it is full") \
    X(EZ_POOL_SIGNER_MAX, "transactions", "pooled for one signing key, so that no key owns the pool") \
    X(EZ_PARKED_COUNT_MAX, "transactions", "kept outside the pool until they can stand: 13 MiB with their entries") \
    X(EZ_PARKED_BYTES_MAX, "bytes", "of them, canonical bytes") \
    X(EZ_PARKED_LOOKS_MAX, "signers", "whose parked transactions are tried again after a block, in turn: some 2 ms") \
    X(EZ_PING_INTERVAL_MS, "ms", "silence after which we ping") \
    X(EZ_PING_TIMEOUT_MS, "ms", "an unanswered ping means the peer is gone") \
    X(EZ_SILENCE_MS_MAX, "ms", "nothing received at all before a peer is dropped") \
    X(EZ_BOOK_NEW_MAX, "addresses", "heard of: 256 buckets of 64") \
    X(EZ_BOOK_TRIED_MAX, "addresses", "once connected: 64 buckets of 64") \
    X(EZ_ANCHORS_MAX, "addresses", "of the peers that we chose and have had for longest, dialled first after a start") \
    X(EZ_FEELER_MS, "ms", "on average between two addresses that are dialled only to see whether somebody is there") \
    X(EZ_DISCOURAGED_MAX, "hosts", "remembered for misbehaving") \
    X(EZ_DISCOURAGED_MS, "ms", "how long they are not dialled or accepted") \
    X(EZ_DIAL_TIMEOUT_MS, "ms", "from dial to connected, name look-up included") \
    X(EZ_REDIAL_MS_FIRST, "ms", "first pause for a peer that was not connected yet: it may be starting, too") \
    X(EZ_REDIAL_MS_MIN, "ms", "first pause before a failed address is dialled again; doubles, with jitter") \
    X(EZ_REDIAL_MS_MAX, "ms", "longest such pause for a configured peer") \
    X(EZ_MANUAL_PEERS_MAX, "peers", "configured or registered to stay connected to") \
    X(EZ_LINKS_PER_NODE_MAX, "links", "from one node id at a moment: a reconnect may overlap a dying link") \
    X(EZ_ACCEPTS_PER_HOST_MAX, "links", "open inbound links from one public address") \
    X(EZ_OUTBOUND_MAX, "slots", "for --outbound") \
    X(EZ_INBOUND_MAX, "slots", "for --inbound") \
    X(EZ_SPARE_DESCRIPTORS, "descriptors", "kept free for the store, HTTP and dialling") \
    X(EZ_BLOCK_BODY_BYTES_MAX, "bytes", "the transactions of one block") \
    X(EZ_LABEL_BYTES_MAX, "bytes", "a plain name") \
    X(EZ_MEMO_BYTES_MAX, "bytes", "a memo") \
    X(EZ_FUTURE_US_MAX, "us", "a block's timestamp ahead of the wall clock: two hours") \
    X(EZ_LEDGER_ACCOUNTS_KEPT, "accounts", "that changed last, remembered for 150 bytes each to save reads") \
    X(EZ_FILTER_BYTES_MAX, "bytes", "each of two filters, telling new transactions and accounts from known ones without a read: two millions' worth") \
    X(EZ_KEY_TABLES_MAX, "keys", "with a table of 16 KiB that makes their signatures quick to check: 4 MiB, when so many sign often") \
    X(EZ_KEY_SIGHTINGS, "signatures", "of a key before it gets a table, which costs about one check: an eighth more for a crowd of new keys") \
    X(EZ_HTTP_HEADER_BYTES_MAX, "bytes", "request line and headers") \
    X(EZ_HTTP_BODY_BYTES_MAX, "bytes", "a request's body") \
    X(EZ_HTTP_REQUEST_TIMEOUT_MS, "ms", "from a request's first byte to its last") \
    X(EZ_HTTP_CONNECTIONS_MAX, "connections", "open to the REST adapter") \
    X(EZ_HTTP_PENDING_MAX, "requests", "waiting for durability; above it 503") \
    X(EZ_HTTP_PAGE_MAX, "items", "in one page of a list") \
    X(EZ_HTTP_FIELDS_MAX, "fields", "header fields of a request; browsers send about 20") \
    X(EZ_HTTP_PATH_BYTES_MAX, "bytes", "a decoded path; a segment holds a host name or a hash at most") \
    X(EZ_HTTP_QUERY_BYTES_MAX, "bytes", "a decoded query") \
    X(EZ_HTTP_CHUNK_LINE_BYTES_MAX, "bytes", "a chunk's size with its extensions") \
    X(EZ_HTTP_TRAILER_BYTES_MAX, "bytes", "all trailer lines of a chunked body") \
    X(EZ_HTTP_JSON_ITEMS_MAX, "values", "in a request's JSON: some 4 MiB unpacked at the worst") \
    X(EZ_HTTP_JSON_BYTES_MAX, "bytes", "of that, besides white space: some 3 ms to read; 256 host names take 70,000") \
    X(EZ_HTTP_IDLE_MS, "ms", "a kept connection without a request") \
    X(EZ_HTTP_LINGER_MS, "ms", "for the client to read the last answer before a reset") \
    X(EZ_HTTP_GRACE_MS, "ms", "a request or an answer under way is safe from newcomers for this long") \
    X(EZ_HTTP_HOST_CONNECTIONS_MAX, "connections", "to the REST adapter from one address that is not loopback") \
    X(EZ_HTTP_TURNED_AWAY_MAX, "connections", "above the cap, to be told so") \
    X(EZ_HTTP_INPUT_BYTES_MAX, "bytes", "received ahead of what is being served") \
    X(EZ_HTTP_PIPELINE_BYTES_MAX, "bytes", "unsent answers before more of them is made") \
    X(EZ_HTTP_BODIES_BYTES_MAX, "bytes", "request bodies of all connections together") \
    X(EZ_HTTP_OUTPUT_BYTES_MAX, "bytes", "unsent answers of all connections together") \
    X(EZ_HTTP_TAKEN_BYTES_MIN, "bytes", "of an answer, taken in EZ_OUTPUT_STALL_MS, or the reader is dropped") \
    X(EZ_HTTP_TURN_US, "us", "of a turn of the loop spent on HTTP while others wait") \
    X(EZ_HTTP_SHARE_US, "us", "of that, for one connection while others wait") \
    X(EZ_HTTP_WAITING_MAX, "clients", "waiting for /mine, and for /nodes/resolve") \
    X(EZ_HTTP_SUBSCRIBERS_MAX, "clients", "following /v1/events") \
    X(EZ_HTTP_HEARTBEAT_MS, "ms", "between comment lines to a subscriber, so that a dead one is noticed") \
    X(EZ_HTTP_CHAIN_READERS_MAX, "clients", "reading /chain at a time") \
    X(EZ_HTTP_CHAIN_CACHE_BYTES_MAX, "bytes", "of the chain's view kept as text while it is being read") \
    X(EZ_REGISTER_ANSWER_BYTES_MAX, "bytes", "read from a REST address that was registered") \
    X(EZ_REGISTER_TIMEOUT_MS, "ms", "from connecting there to its answer's last byte") \
    X(EZ_REGISTER_PAUSE_MS_MAX, "ms", "the pause before it is asked again doubles up to this") \
    X(EZ_REGISTER_AT_ONCE_MAX, "addresses", "asked at a time") \
    X(EZ_EVENT_RING_MAX, "events", "kept for subscribers that resume") \
    X(EZ_RECORD_BYTES_MAX, "bytes", "one record of --record; the largest holds a frame, a body or the address book") \
    X(EZ_RECORD_EFFECTS_MAX, "effects", "of one event, recorded one by one; a hash covers those beyond") \
    X(EZ_RECORD_FILES_MAX, "files", "of --record, whatever their size: a node that restarts often leaves many") \
    X(EZ_RECORD_RESTARTS_MAX, "starts", "anew for a full record in a row, so that nobody can keep a node from its work by filling it") \
    X(EZ_RECORD_RESTART_MS, "ms", "after this one more of them is allowed") \
    X(EZ_RECORD_MIB_MIN, "MiB", "for --record-size: a start, and two of the largest records") \
    X(EZ_RECORD_MIB_MAX, "MiB", "for --record-size: 1 TiB")
/* clang-format on */

static_assert(EZ_BLOCK_BODY_BYTES_MAX < EZ_FRAME_BYTES_MAX, "a block body must fit a frame");
static_assert(EZ_HEADERS_MAX * 96 < EZ_FRAME_BYTES_MAX, "full headers must fit a frame");
static_assert(EZ_IDS_MAX * 32 < EZ_FRAME_BYTES_MAX, "full ids must fit a frame");
static_assert(EZ_ADDRESSES_MAX * 64 < EZ_FRAME_BYTES_MAX, "full addresses must fit a frame");
static_assert(EZ_ANNOUNCED_PEER * 200 + EZ_HEADERS_MAX * 96 < EZ_PEER_BYTES_MAX,
              "what a peer may announce must fit its budget");
static_assert(EZ_BODIES_IN_FLIGHT_ALL * EZ_BLOCK_BODY_BYTES_MAX + EZ_BODIES_WAITING_BYTES_MAX +
                      EZ_POOL_BYTES_MAX <
                  200 * 1048576,
              "the large consumers together must stay below 256 MiB resident");
static_assert(EZ_HTTP_HEADER_BYTES_MAX < EZ_HTTP_INPUT_BYTES_MAX, "a head must fit the input");
static_assert(EZ_HTTP_CONNECTIONS_MAX <= EZ_HTTP_PENDING_MAX,
              "a connection waits for one thing at a time, so the connection cap bounds those");
static_assert(EZ_HTTP_SUBSCRIBERS_MAX + 2 * EZ_HTTP_WAITING_MAX < EZ_HTTP_CONNECTIONS_MAX,
              "connections that may wait for long must leave some that give way");
static_assert(EZ_REDIAL_MS_FIRST < EZ_REDIAL_MS_MIN, "who is starting is asked sooner again");
static_assert(EZ_HTTP_SHARE_US <= EZ_HTTP_TURN_US, "a share is part of a turn");
static_assert(2 * EZ_FRAME_BYTES_MAX < EZ_RECORD_BYTES_MAX &&
                  (EZ_BOOK_NEW_MAX + EZ_BOOK_TRIED_MAX) * 64 < EZ_RECORD_BYTES_MAX &&
                  EZ_RECORD_EFFECTS_MAX * 16 < EZ_RECORD_BYTES_MAX,
              "whatever is recorded at once must fit a record");
static_assert(EZ_PING_INTERVAL_MS + EZ_PING_TIMEOUT_MS < EZ_SILENCE_MS_MAX,
              "ping before giving up");

#endif
