#include "chain_cache_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <stdlib.h>

uint64_t ez_chain_piece_end(uint64_t height, uint64_t tip)
{
    uint64_t end = (height - 1) / EZ_CHAIN_PIECE_BLOCKS * EZ_CHAIN_PIECE_BLOCKS;
    end += EZ_CHAIN_PIECE_BLOCKS;
    return end < tip ? end : tip;
}

/* The place of a piece, or NULL when there is none so far up. */
static ez_chain_piece **place_of(const ez_chain_cache *cache, uint64_t first)
{
    uint64_t at = (first - 1) / EZ_CHAIN_PIECE_BLOCKS;
    return cache->pieces != NULL && at < EZ_CHAIN_PIECES_MAX ? &cache->pieces[at] : NULL;
}

ez_chain_piece *ez_chain_cache_get(const ez_chain_cache *cache, uint64_t first,
                                   const ez_block_id *last_id)
{
    ez_chain_piece **place = place_of(cache, first);
    if (place == NULL || *place == NULL || (*place)->first != first ||
        !ez_block_id_is_equal(&(*place)->last_id, last_id)) {
        return NULL;
    }
    (*place)->references++;
    return *place;
}

static void drop(ez_chain_cache *cache, ez_chain_piece **place)
{
    if (*place != NULL) {
        cache->bytes -= (*place)->text.size;
        ez_chain_piece_unref(*place);
        *place = NULL;
    }
}

void ez_chain_cache_put(ez_chain_cache *cache, ez_chain_piece *piece)
{
    if (cache->pieces == NULL) {
        cache->pieces = ez_alloc(EZ_CHAIN_PIECES_MAX, sizeof(ez_chain_piece *));
    }
    ez_chain_piece **place = place_of(cache, piece->first);
    if (place == NULL || piece->text.size > EZ_CHAIN_PIECE_BYTES_MAX) {
        return;
    }
    drop(cache, place);
    if (cache->bytes + piece->text.size <= EZ_HTTP_CHAIN_CACHE_BYTES_MAX) {
        cache->bytes += piece->text.size;
        piece->references++;
        *place = piece;
    }
}

void ez_chain_cache_clear(ez_chain_cache *cache)
{
    for (size_t i = 0; cache->pieces != NULL && i < EZ_CHAIN_PIECES_MAX; i++) {
        drop(cache, &cache->pieces[i]);
    }
    free(cache->pieces);
    *cache = (ez_chain_cache){.pieces = NULL};
}

ez_chain_piece *ez_chain_piece_new(ez_buffer *text)
{
    ez_chain_piece *piece = ez_alloc(1, sizeof *piece);
    piece->text = *text;
    piece->references = 1;
    *text = (ez_buffer){NULL, 0, 0};
    return piece;
}

void ez_chain_piece_unref(ez_chain_piece *piece)
{
    if (piece != NULL && --piece->references == 0) {
        ez_buffer_clear(&piece->text);
        free(piece);
    }
}
