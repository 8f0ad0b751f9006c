/* The schema of proto/ezp2p.proto with what protobuf cannot say: the size, count and value that
 * each field may have. The scan obeys these tables; docs/protocol.md, chapter "Wire", prints them.
 */
#ifndef EZP2P_WIRE_SCHEMA_INTERNAL_H
#define EZP2P_WIRE_SCHEMA_INTERNAL_H

#include "ezp2p/base/limits.h"
#include "ezp2p/gossip/message.h"

#define EZ_SCHEMA_FIELDS_MAX 10

/* Transactions of a block: none takes less than 100 bytes but the reward. */
#define EZ_PARTS_MAX (EZ_BLOCK_BODY_BYTES_MAX / 100)

typedef enum ez_field_kind {
    EZ_FIELD_U32,
    EZ_FIELD_U64,
    EZ_FIELD_FIXED64,
    EZ_FIELD_BYTES,
    EZ_FIELD_ASCII, /* printable */
    EZ_FIELD_UTF8,  /* without control characters */
    EZ_FIELD_IP,    /* 4 bytes, or 16 that are not an IPv4 address in disguise */
    EZ_FIELD_MESSAGE,
} ez_field_kind;

typedef struct ez_schema ez_schema;

typedef struct ez_field {
    uint32_t number;
    ez_field_kind kind;
    uint32_t unit; /* bytes of one item of a string; a string holds whole items */
    uint64_t min;  /* items of a string, or value of an integer; an absent field counts as 0 */
    uint64_t max;
    uint32_t count_max; /* 1 for a singular field */
    uint32_t count_min; /* of a repeated field */
    const ez_schema *message;
} ez_field;

struct ez_schema {
    const ez_field *fields;
    size_t field_count;
    size_t bytes_max;     /* of the whole message */
    uint32_t unknown_max; /* fields that a later version may have added; skipped */
};

/* ez_schema_of: the schema of a body of the envelope; NULL for a number that is no message. */
const ez_schema *ez_schema_of(uint32_t number);

#endif
