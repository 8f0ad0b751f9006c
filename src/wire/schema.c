#include "schema_internal.h"

#include "ezp2p/chain/tx.h"

#include <assert.h>

/* A Hello comes before its sender's version is known, so it may carry fields that this version does
 * not know. All other messages follow an agreed version and are taken literally. */
#define HELLO_UNKNOWN_MAX 16

static_assert(EZ_PARTS_MAX * 4 < EZ_FRAME_BYTES_MAX, "a full GetParts must fit a frame");

/* clang-format off */
#define SINGLE              .count_max = 1
#define INTEGER(low, high)  .min = (low), .max = (high), SINGLE
#define FIXED(size)         .unit = (size), .min = 1, .max = 1, SINGLE
#define ITEMS(size, low, high) .unit = (size), .min = (low), .max = (high), SINGLE
#define SCHEMA(list)        { .fields = (list), .field_count = sizeof(list) / sizeof((list)[0]), \
                              .bytes_max = EZ_FRAME_BYTES_MAX }

static const ez_field hello_fields[] = {
    {1, EZ_FIELD_U32, INTEGER(0, UINT32_MAX)},     /* protocol: the core judges it */
    {2, EZ_FIELD_BYTES, FIXED(EZ_HASH_BYTES)},     /* network */
    {3, EZ_FIELD_BYTES, FIXED(EZ_PUBLIC_KEY_BYTES)}, /* node */
    {4, EZ_FIELD_FIXED64, INTEGER(0, UINT64_MAX)}, /* nonce */
    {5, EZ_FIELD_U32, INTEGER(0, UINT16_MAX)},     /* listen_port */
    {6, EZ_FIELD_U64, INTEGER(0, UINT64_MAX)},     /* features */
    {7, EZ_FIELD_BYTES, FIXED(EZ_HASH_BYTES)},     /* tip_id */
    {8, EZ_FIELD_U64, INTEGER(0, UINT64_MAX)},     /* tip_height */
    {9, EZ_FIELD_BYTES, FIXED(32)},                /* tip_work */
    {10, EZ_FIELD_ASCII, ITEMS(1, 0, EZ_USER_AGENT_BYTES_MAX)},
};
static const ez_field goodbye_fields[] = {
    {1, EZ_FIELD_U32, INTEGER(0, UINT32_MAX)}, /* reason: later versions know more of them */
    {2, EZ_FIELD_UTF8, ITEMS(1, 0, EZ_GOODBYE_BYTES_MAX)},
};
static const ez_field ping_fields[] = {
    {1, EZ_FIELD_FIXED64, INTEGER(0, UINT64_MAX)},
};
static const ez_field address_fields[] = {
    {1, EZ_FIELD_IP, SINGLE},
    {2, EZ_FIELD_U32, INTEGER(1, UINT16_MAX)},
    {3, EZ_FIELD_U32, INTEGER(0, UINT32_MAX)},
};
static const ez_schema address_schema = SCHEMA(address_fields);
static const ez_field addresses_fields[] = {
    {1, EZ_FIELD_MESSAGE, .count_max = EZ_ADDRESSES_MAX, .message = &address_schema},
};
static const ez_field tx_ids_fields[] = {
    {1, EZ_FIELD_BYTES, ITEMS(EZ_HASH_BYTES, 1, EZ_IDS_MAX)},
};
static const ez_field txs_fields[] = {
    {1, EZ_FIELD_BYTES, .unit = 1, .min = 1, .max = EZ_TX_BYTES_MAX,
     .count_min = 1, .count_max = EZ_IDS_MAX},
    {2, EZ_FIELD_U32, INTEGER(0, EZ_TREES_MAX)},
};
static const ez_field get_headers_fields[] = {
    {1, EZ_FIELD_BYTES, ITEMS(EZ_HASH_BYTES, 1, EZ_LOCATOR_MAX)},
};
static const ez_field headers_fields[] = {
    {1, EZ_FIELD_BYTES, ITEMS(EZ_HEADER_BYTES, 0, EZ_HEADERS_MAX)},
};
static const ez_field announce_block_fields[] = {
    {1, EZ_FIELD_BYTES, FIXED(EZ_HEADER_BYTES)},
    {2, EZ_FIELD_BYTES, ITEMS(8, 0, EZ_PARTS_MAX)},
    {3, EZ_FIELD_BYTES, ITEMS(1, 1, EZ_TX_BYTES_MAX)},
};
static const ez_field block_ids_fields[] = {
    {1, EZ_FIELD_BYTES, ITEMS(EZ_HASH_BYTES, 1, EZ_BODIES_IN_FLIGHT_PEER)},
};
static const ez_field body_fields[] = {
    {1, EZ_FIELD_BYTES, FIXED(EZ_HASH_BYTES)},
    {2, EZ_FIELD_BYTES, ITEMS(1, 1, EZ_BLOCK_BODY_BYTES_MAX)},
};
static const ez_field get_parts_fields[] = {
    {1, EZ_FIELD_BYTES, FIXED(EZ_HASH_BYTES)},
    {2, EZ_FIELD_BYTES, ITEMS(4, 1, EZ_PARTS_MAX)},
};
static const ez_field parts_fields[] = {
    {1, EZ_FIELD_BYTES, FIXED(EZ_HASH_BYTES)},
    {2, EZ_FIELD_BYTES, .unit = 1, .min = 1, .max = EZ_TX_BYTES_MAX,
     .count_min = 0, .count_max = EZ_PARTS_MAX}, /* none: the block is gone here */
};

static const ez_field short_ids_fields[] = {
    {1, EZ_FIELD_BYTES, ITEMS(8, 1, EZ_IDS_MAX)},
};
static const ez_field tree_fields[] = {
    {1, EZ_FIELD_U32, INTEGER(1, EZ_TREES_MAX)},
};

static_assert(sizeof hello_fields / sizeof hello_fields[0] <= EZ_SCHEMA_FIELDS_MAX,
              "the scan counts fields in an array of this size");

static const ez_schema schemas[EZ_MESSAGE_TYPES] = {
    [EZ_MSG_HELLO] = {hello_fields, sizeof hello_fields / sizeof hello_fields[0],
                      EZ_FRAME_HELLO_BYTES_MAX, HELLO_UNKNOWN_MAX},
    [EZ_MSG_READY] = {.bytes_max = EZ_FRAME_BYTES_MAX},
    [EZ_MSG_GOODBYE] = SCHEMA(goodbye_fields),
    [EZ_MSG_PING] = SCHEMA(ping_fields),
    [EZ_MSG_PONG] = SCHEMA(ping_fields),
    [EZ_MSG_GET_ADDRESSES] = {.bytes_max = EZ_FRAME_BYTES_MAX},
    [EZ_MSG_ADDRESSES] = SCHEMA(addresses_fields),
    [EZ_MSG_ANNOUNCE_TXS] = SCHEMA(tx_ids_fields),
    [EZ_MSG_GET_TXS] = SCHEMA(tx_ids_fields),
    [EZ_MSG_TXS] = SCHEMA(txs_fields),
    [EZ_MSG_MISSING_TXS] = SCHEMA(tx_ids_fields),
    [EZ_MSG_GET_HEADERS] = SCHEMA(get_headers_fields),
    [EZ_MSG_HEADERS] = SCHEMA(headers_fields),
    [EZ_MSG_ANNOUNCE_BLOCK] = SCHEMA(announce_block_fields),
    [EZ_MSG_GET_BODIES] = SCHEMA(block_ids_fields),
    [EZ_MSG_BODY] = SCHEMA(body_fields),
    [EZ_MSG_MISSING_BODIES] = SCHEMA(block_ids_fields),
    [EZ_MSG_GET_PARTS] = SCHEMA(get_parts_fields),
    [EZ_MSG_PARTS] = SCHEMA(parts_fields),
    [EZ_MSG_HINT_TXS] = SCHEMA(short_ids_fields),
    [EZ_MSG_GRAFT_TXS] = SCHEMA(short_ids_fields),
    [EZ_MSG_PRUNE] = SCHEMA(tree_fields),
    [EZ_MSG_GROW] = SCHEMA(tree_fields),
};
/* clang-format on */

const ez_schema *ez_schema_of(uint32_t number)
{
    return number > 0 && number < EZ_MESSAGE_TYPES ? &schemas[number] : NULL;
}
