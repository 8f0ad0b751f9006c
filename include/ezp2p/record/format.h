/* The record of a running core: the values in it, as bytes and back. docs/record.md has the format
 * for people.
 *
 * A file is a head of EZ_RECORD_HEAD_BYTES and then records: size u32, check u32, and `size` bytes
 * of body, the first of them the type. Integers are little-endian, as everywhere. `check` is the
 * low half of SipHash-2-4 of the body under the key (offset of the record in the file, 0), so that
 * a record is good only where it was written. A size of 0, or the end of the file, ends it.
 *
 * Whoever reads treats the bytes as hostile: every getter bounds what it takes and says whether the
 * payload was exactly one value.
 */
#ifndef EZP2P_RECORD_FORMAT_H
#define EZP2P_RECORD_FORMAT_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/base/reader.h"
#include "ezp2p/node/node.h"
#include "ezp2p/wire/codec.h"

#define EZ_RECORD_MAGIC        "ezrecord" /* 8 bytes */
#define EZ_RECORD_VERSION      1u
#define EZ_RECORD_HEAD_BYTES   16u /* magic, version u32, zero u32 */
#define EZ_RECORD_PREFIX_BYTES 8u  /* size and check */

/* clang-format off */
#define EZ_RECORDS_EACH(X) \
    /* X(enumerator, number, "name") */ \
    X(EZ_RECORD_START, 1, "start")               /* program, config, clocks: the core is made */ \
    X(EZ_RECORD_LOAD_HEADER, 2, "load-header")   /* what the store handed over, item by item */ \
    X(EZ_RECORD_LOAD_TIP, 3, "load-tip") \
    X(EZ_RECORD_LOAD_TX, 4, "load-transaction") \
    X(EZ_RECORD_LOAD_PEER, 5, "load-peer") \
    X(EZ_RECORD_LOAD_BOOK, 6, "load-book") \
    X(EZ_RECORD_LOAD_END, 7, "load-end")         /* status of the load */ \
    X(EZ_RECORD_STARTED, 8, "started")           /* status of ez_node_new */ \
    X(EZ_RECORD_EVENT, 9, "event")               /* a step begins: clocks and event */ \
    X(EZ_RECORD_ACCOUNT, 10, "read-account")     /* the store's answers within a step */ \
    X(EZ_RECORD_TX, 11, "read-transaction") \
    X(EZ_RECORD_BODY, 12, "read-body") \
    X(EZ_RECORD_UNDO, 13, "read-undo") \
    X(EZ_RECORD_VIEW, 14, "read-view") \
    X(EZ_RECORD_SIGNATURE, 15, "signature")      /* the signer's answer */ \
    X(EZ_RECORD_EFFECTS, 16, "effects")          /* a step ends: what came out of the core */ \
    X(EZ_RECORD_END, 17, "end")                  /* nothing follows, and why */
/* clang-format on */

typedef enum ez_record_type {
#define EZ_RECORD_ENUM(name, number, text) name = number,
    EZ_RECORDS_EACH(EZ_RECORD_ENUM)
#undef EZ_RECORD_ENUM
} ez_record_type;

/* ez_record_name: "event", "read-body", …; "unknown" for a number that is none. */
const char *ez_record_name(unsigned type);

/* Why a record was closed. One without this end was cut off: the process died, or the disk did. */
typedef enum ez_record_end {
    EZ_RECORD_END_STOPPED, /* the node stopped */
    EZ_RECORD_END_FULL,   /* it reached its size; the node goes on in the next file, started anew */
    EZ_RECORD_END_FAILED, /* the core could not be made */
    EZ_RECORD_END_GIVEN_UP, /* files fill too fast to begin others; the node goes on unrecorded */
} ez_record_end;

/* Everything that ez_node_new took but the answers of its ports. */
typedef struct ez_record_start {
    const char *program; /* name and version; borrowed from the payload, as all text here */
    const char *commit;  /* as ez_build_commit */
    ez_node_config config;
    ez_manual_peer *peers; /* owned: what config.peers points to */
    ez_now now;
} ez_record_start;

void ez_record_put_start(ez_buffer *out, const ez_node_config *config, const char *program,
                         ez_now now);

/* ez_record_get_start: false when `payload` is no such value; *out needs no clearing then. */
bool ez_record_get_start(ez_record_start *out, ez_reader *payload);
void ez_record_start_clear(ez_record_start *start);

/* An event with its clocks. A check job is not in it: a replay's own core made the same one. */
typedef struct ez_recorded_event {
    ez_now now;
    ez_event event; /* CHECKED: job is NULL, and the next three say what came of it */
    uint64_t job;
    ez_rule rule;
    uint32_t bad_position;
    ez_decoded decoded; /* MESSAGE: owned */
} ez_recorded_event;

void ez_record_put_event(ez_buffer *out, const ez_event *event, ez_now now);

/* ez_record_get_event: false when `payload` is no such value; *out needs no clearing then. What it
 * lends, it lends from the payload. */
bool ez_record_get_event(ez_recorded_event *out, ez_reader *payload);
void ez_recorded_event_clear(ez_recorded_event *event);

/* A text with its size before and a zero behind: ez_record_get_text returns NULL when there is none
 * of at most `max` bytes at the cursor. */
void ez_record_put_text(ez_buffer *out, const char *text);
const char *ez_record_get_text(ez_reader *payload, size_t max);

/* What one step let out, folded into one number from step to step, and effect by effect. */
typedef struct ez_effect_print {
    uint8_t type;
    uint64_t link;
    uint32_t content; /* of everything else in it */
} ez_effect_print;

/* ez_effect_print_of: `scratch` is for encoding, its content is lost. A block body that is sent
 * counts by its id and size: its bytes came from a port. */
ez_effect_print ez_effect_print_of(const ez_effect *effect, ez_buffer *scratch);

/* ez_effect_fold: the digest with one more effect. */
uint64_t ez_effect_fold(uint64_t digest, const ez_effect_print *print);

#define EZ_EFFECT_PRINT_BYTES 13u
void ez_record_put_print(ez_buffer *out, const ez_effect_print *print);
ez_effect_print ez_record_get_print(ez_reader *payload);

/* ez_record_check: the check of a record whose body is `size` bytes and which stands at `offset`.
 */
uint32_t ez_record_check(uint64_t offset, const void *body, size_t size);

#endif
