/* The chain's view as text, kept in pieces of EZ_CHAIN_PIECE_BLOCKS blocks while it is being read.
 *
 * A block says the same for ever, and so does a run of blocks that is named by its last one. So a
 * piece is good for every branch that this block is on; when another branch is asked for, its piece
 * takes the place. What does not fit EZ_HTTP_CHAIN_CACHE_BYTES_MAX is not kept: a reader goes
 * through the list once and in order, for which the first pieces are as good as any. Pure.
 */
#ifndef EZP2P_HTTP_CHAIN_CACHE_INTERNAL_H
#define EZP2P_HTTP_CHAIN_CACHE_INTERNAL_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/chain/types.h"

#include <stdbool.h>

#define EZ_CHAIN_PIECE_BLOCKS 64
#define EZ_CHAIN_PIECE_BYTES_MAX                                                                   \
    262144 /* longer ones are not kept: full blocks cost more to read */
#define EZ_CHAIN_PIECES_MAX 1024

/* Heights first to last, with a comma before each element but the chain's first. */
typedef struct ez_chain_piece {
    uint64_t first, last;
    ez_block_id last_id;
    ez_hash view_hash; /* of the last element */
    ez_buffer text;
    size_t references;
} ez_chain_piece;

typedef struct ez_chain_cache {
    ez_chain_piece **pieces; /* EZ_CHAIN_PIECES_MAX places, by first height; NULL: empty */
    size_t bytes;
} ez_chain_cache;

/* ez_chain_piece_end: the last height of the piece that `height` is in, on a chain up to `tip`. */
uint64_t ez_chain_piece_end(uint64_t height, uint64_t tip);

/* ez_chain_cache_get: the piece that begins at `first` and ends with block `last_id`, one new
 * reference; NULL when it is not kept. */
ez_chain_piece *ez_chain_cache_get(const ez_chain_cache *cache, uint64_t first,
                                   const ez_block_id *last_id);

/* ez_chain_cache_put: keep `piece` if there is room; the caller's reference stays the caller's. */
void ez_chain_cache_put(ez_chain_cache *cache, ez_chain_piece *piece);

/* ez_chain_cache_clear: let go of all of it; a zeroed one is empty. */
void ez_chain_cache_clear(ez_chain_cache *cache);

/* ez_chain_piece_new: a piece with one reference; `text` moves in. */
ez_chain_piece *ez_chain_piece_new(ez_buffer *text);
void ez_chain_piece_unref(ez_chain_piece *piece); /* NULL is fine */

#endif
