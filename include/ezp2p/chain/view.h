/* The original's view of the chain: blocks as JSON with exactly the five keys, transactions with
 * exactly three, and SHA-256 over Python's json.dumps(block, sort_keys=True) as the link between
 * them. A view for the original's clients; ids and work are elsewhere (header.h).
 *
 * timestamp is microseconds shown as a float: the shortest decimal that reads back as the same
 * double, as Python's repr writes it. For times from 100 microseconds on and before 2^33 seconds
 * (the year 2242) that is the decimal with trailing zeroes cut to at least one.
 */
#ifndef EZP2P_CHAIN_VIEW_H
#define EZP2P_CHAIN_VIEW_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/chain/block.h"

typedef enum ez_view_style {
    EZ_VIEW_COMPACT, /* separators "," and ":", as HTTP bodies have */
    EZ_VIEW_HASHED,  /* separators ", " and ": ", as the original hashes */
} ez_view_style;

/* ez_json_add_string: append a JSON string in ASCII as Python writes it: \" \\ \n \r \t \b \f,
 * \u00XX for other control characters, \uXXXX (surrogate pairs above U+FFFF) for the rest outside
 * ASCII. `text` must be well-formed UTF-8. */
void ez_json_add_string(ez_buffer *out, const void *text, size_t size);

/* ez_view_add_tx: one transaction: {"amount":1,"recipient":"…","sender":"…"}. */
void ez_view_add_tx(ez_buffer *out, const ez_tx *tx, ez_view_style style);

/* ez_view_add_transactions: the list of a block's transactions. */
void ez_view_add_transactions(ez_buffer *out, const ez_blob *body, ez_view_style style);

/* ez_view_add_block: one element of the chain. `previous` is the view hash of the block before,
 * NULL for genesis, which shows the number 1. `body` must be canonical (a stored one is). */
void ez_view_add_block(ez_buffer *out, const ez_header *header, const ez_blob *body,
                       const ez_hash *previous, ez_view_style style);

/* ez_view_hash: SHA-256 of the hashed style. One pass over the body. */
void ez_view_hash(ez_hash *out, const ez_header *header, const ez_blob *body,
                  const ez_hash *previous);

/* ez_view_add_timestamp: microseconds as Python's repr of the float of seconds: 1795349323.435114,
 * 5.0. */
void ez_view_add_timestamp(ez_buffer *out, uint64_t timestamp_us);

#endif
