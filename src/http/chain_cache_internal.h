/* The chain's view as text, kept in pieces while it is being read.
 *
 * A block says the same for ever, and so does a run of blocks that is named by its last one. So a
 * piece is good for every branch that this block is on; when another branch is asked for, its piece
 * takes the place. What does not fit EZ_HTTP_CHAIN_CACHE_BYTES_MAX is not kept: a reader goes
 * through the list once and in order, for which the first pieces are as good as any. Pure.
 */
#ifndef EZP2P_HTTP_CHAIN_CACHE_INTERNAL_H
#define EZP2P_HTTP_CHAIN_CACHE_INTERNAL_H

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/buffer.h"
#include "ezp2p/chain/types.h"

#include <stdbool.h>

#define uthash_malloc(size)   ez_alloc(1, (size))
#define uthash_fatal(message) ez_assert_fail((message), __FILE__, __LINE__)
#include <uthash.h>

/* A piece ends where a multiple of so many blocks does, or sooner when it is this long. */
#define EZ_CHAIN_PIECE_BLOCKS 64
#define EZ_CHAIN_PIECE_BYTES  131072
#define EZ_CHAIN_PIECE_BYTES_MAX                                                                   \
    (2 * EZ_CHAIN_PIECE_BYTES) /* kept; a large block may be longer                                \
                                */

/* Heights first to last, with a comma before each element but the chain's first. */
typedef struct ez_chain_piece {
    uint64_t first, last;
    ez_block_id last_id;
    ez_hash view_hash; /* of the last element */
    ez_buffer text;
    size_t references;
    UT_hash_handle hh; /* by `first`: heights are ours, so the hash needs no key */
} ez_chain_piece;

/* A zeroed one is empty. */
typedef struct ez_chain_cache {
    ez_chain_piece *pieces;
    size_t bytes;
} ez_chain_cache;

/* ez_chain_piece_is_full: whether a piece with this last height and size ends here, on a chain up
 * to `tip`. */
bool ez_chain_piece_is_full(uint64_t last, size_t size, uint64_t tip);

/* ez_chain_cache_find: the piece that begins at `first`, of whichever branch; borrowed, NULL when
 * none is kept. It is of use on branches that have its last block. */
ez_chain_piece *ez_chain_cache_find(const ez_chain_cache *cache, uint64_t first);

/* ez_chain_cache_put: keep `piece` if there is room; the caller's reference stays the caller's. */
void ez_chain_cache_put(ez_chain_cache *cache, ez_chain_piece *piece);

/* ez_chain_cache_clear: let go of all of it. */
void ez_chain_cache_clear(ez_chain_cache *cache);

/* ez_chain_piece_new: a piece with one reference; `text` moves in. */
ez_chain_piece *ez_chain_piece_new(ez_buffer *text);
ez_chain_piece *ez_chain_piece_ref(ez_chain_piece *piece);
void ez_chain_piece_unref(ez_chain_piece *piece); /* NULL is fine */

#endif
