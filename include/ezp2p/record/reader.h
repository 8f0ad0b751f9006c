/* Cutting a record file into its records. The bytes are hostile until a record's check has held: no
 * size is believed before it is bounded, and one record is all that is held in memory.
 */
#ifndef EZP2P_RECORD_READER_H
#define EZP2P_RECORD_READER_H

#include "ezp2p/base/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the bytes come from, in order. */
typedef struct ez_record_source {
    void *self;
    /* The next bytes of the file, `size` of them, or fewer at its end. */
    size_t (*read)(void *self, void *out, size_t size);
} ez_record_source;

typedef enum ez_record_cut {
    EZ_RECORD_CUT_GOOD,
    EZ_RECORD_CUT_OVER,    /* the file ends here: what was written last may be missing, no more */
    EZ_RECORD_CUT_DAMAGED, /* these bytes were never written so: ez_record_reader_why */
} ez_record_cut;

typedef struct ez_record {
    unsigned type;    /* an ez_record_type, or a number of none */
    uint64_t offset;  /* of the record in the file */
    ez_reader reader; /* over the payload, borrowed until the next call */
} ez_record;

typedef struct ez_record_reader ez_record_reader;

/* ez_record_reader_new: a reader of `source` (copied), at the start of its file. */
ez_record_reader *ez_record_reader_new(const ez_record_source *source);
void ez_record_reader_free(ez_record_reader *reader); /* NULL is fine */

/* ez_record_reader_next: the next record. The first call checks the file's head too. A record that
 * the death of the writer left unfinished, with nothing behind it, is OVER. Both that and DAMAGED
 * stay. */
ez_record_cut ez_record_reader_next(ez_record_reader *reader, ez_record *out);

/* ez_record_reader_why: what is wrong with the file, for a person; static. */
const char *ez_record_reader_why(const ez_record_reader *reader);

/* ez_record_reader_offset: how far it came, in bytes. */
uint64_t ez_record_reader_offset(const ez_record_reader *reader);

#endif
