#include "chain_cache_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <stdlib.h>

bool ez_chain_piece_is_full(uint64_t last, size_t size, uint64_t tip)
{
    return last == tip || last % EZ_CHAIN_PIECE_BLOCKS == 0 || size >= EZ_CHAIN_PIECE_BYTES;
}

ez_chain_piece *ez_chain_cache_find(const ez_chain_cache *cache, uint64_t first)
{
    ez_chain_piece *piece = NULL;
    HASH_FIND(hh, cache->pieces, &first, sizeof first, piece);
    return piece;
}

/* What a piece takes, small ones too. */
static size_t cost_of(const ez_chain_piece *piece)
{
    return sizeof *piece + piece->text.capacity;
}

static void drop(ez_chain_cache *cache, ez_chain_piece *piece)
{
    cache->bytes -= cost_of(piece);
    HASH_DELETE(hh, cache->pieces, piece);
    ez_chain_piece_unref(piece);
}

void ez_chain_cache_put(ez_chain_cache *cache, ez_chain_piece *piece)
{
    ez_chain_piece *old = ez_chain_cache_find(cache, piece->first);
    if (old != NULL) {
        drop(cache, old);
    }
    if (piece->text.size <= EZ_CHAIN_PIECE_BYTES_MAX &&
        cost_of(piece) <= EZ_HTTP_CHAIN_CACHE_BYTES_MAX - cache->bytes) {
        cache->bytes += cost_of(piece);
        piece->references++;
        HASH_ADD(hh, cache->pieces, first, sizeof piece->first, piece);
    }
}

void ez_chain_cache_clear(ez_chain_cache *cache)
{
    ez_chain_piece *piece, *next;
    HASH_ITER (hh, cache->pieces, piece, next) {
        drop(cache, piece);
    }
}

ez_chain_piece *ez_chain_piece_new(ez_buffer *text)
{
    ez_chain_piece *piece = ez_alloc(1, sizeof *piece);
    piece->text = *text;
    piece->references = 1;
    *text = (ez_buffer){NULL, 0, 0};
    return piece;
}

ez_chain_piece *ez_chain_piece_ref(ez_chain_piece *piece)
{
    piece->references++;
    return piece;
}

void ez_chain_piece_unref(ez_chain_piece *piece)
{
    if (piece != NULL && --piece->references == 0) {
        ez_buffer_clear(&piece->text);
        free(piece);
    }
}
