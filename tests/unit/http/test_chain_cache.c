#include "chain_cache_internal.h"

#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <string.h>

static ez_block_id id_of(uint8_t value)
{
    ez_block_id id = {.hash = {{value}}};
    return id;
}

/* Put a piece of `size` bytes at `first`, named `id`; the caller's reference is given back. */
static void put(ez_chain_cache *cache, uint64_t first, uint8_t id, size_t size)
{
    ez_buffer text = {NULL, 0, 0};
    memset(ez_buffer_reserve(&text, size), id, size);
    text.size = size;
    ez_chain_piece *piece = ez_chain_piece_new(&text);
    cr_assert_null(text.data, "the text has moved in");
    piece->first = first;
    piece->last = first + EZ_CHAIN_PIECE_BLOCKS - 1;
    piece->last_id = id_of(id);
    ez_chain_cache_put(cache, piece);
    ez_chain_piece_unref(piece);
}

static bool has(const ez_chain_cache *cache, uint64_t first, uint8_t id)
{
    ez_block_id last = id_of(id);
    ez_chain_piece *piece = ez_chain_cache_get(cache, first, &last);
    bool found = piece != NULL;
    if (found) {
        cr_assert_eq(piece->text.data[0], id);
    }
    ez_chain_piece_unref(piece);
    return found;
}

Test(chain_cache, pieces_end_at_their_multiple_or_at_the_tip)
{
    cr_assert_eq(ez_chain_piece_end(1, 1000), 64);
    cr_assert_eq(ez_chain_piece_end(64, 1000), 64);
    cr_assert_eq(ez_chain_piece_end(65, 1000), 128);
    cr_assert_eq(ez_chain_piece_end(961, 1000), 1000);
    cr_assert_eq(ez_chain_piece_end(1, 1), 1);
}

Test(chain_cache, a_piece_is_found_by_its_place_and_its_last_block)
{
    ez_chain_cache cache = {.pieces = NULL};
    cr_assert_not(has(&cache, 1, 7));
    put(&cache, 1, 7, 100);
    put(&cache, 65, 8, 100);
    cr_assert(has(&cache, 1, 7) && has(&cache, 65, 8));
    cr_assert_not(has(&cache, 1, 8), "that is another branch");
    cr_assert_not(has(&cache, 33, 7), "a piece is sent from its start");
    ez_chain_cache_clear(&cache);
    cr_assert_not(has(&cache, 1, 7));
}

Test(chain_cache, another_branch_takes_the_place)
{
    ez_chain_cache cache = {.pieces = NULL};
    put(&cache, 1, 7, 100);
    put(&cache, 1, 9, 50);
    cr_assert(has(&cache, 1, 9) && !has(&cache, 1, 7));
    cr_assert_eq(cache.bytes, 50);
    ez_chain_cache_clear(&cache);
}

Test(chain_cache, holds_no_more_than_its_bound)
{
    ez_chain_cache cache = {.pieces = NULL};
    size_t fit = EZ_HTTP_CHAIN_CACHE_BYTES_MAX / EZ_CHAIN_PIECE_BYTES_MAX;
    for (size_t i = 0; i < fit; i++) {
        put(&cache, 1 + i * EZ_CHAIN_PIECE_BLOCKS, 1, EZ_CHAIN_PIECE_BYTES_MAX);
    }
    cr_assert_eq(cache.bytes, EZ_HTTP_CHAIN_CACHE_BYTES_MAX);
    put(&cache, 1 + fit * EZ_CHAIN_PIECE_BLOCKS, 2, 1);
    cr_assert_not(has(&cache, 1 + fit * EZ_CHAIN_PIECE_BLOCKS, 2));
    cr_assert(has(&cache, 1, 1), "what is kept stays");
    ez_chain_cache_clear(&cache);
}

Test(chain_cache, long_pieces_and_high_ones_are_not_kept)
{
    ez_chain_cache cache = {.pieces = NULL};
    put(&cache, 1, 1, EZ_CHAIN_PIECE_BYTES_MAX + 1);
    cr_assert_not(has(&cache, 1, 1));
    uint64_t last = 1 + (uint64_t)(EZ_CHAIN_PIECES_MAX - 1) * EZ_CHAIN_PIECE_BLOCKS;
    put(&cache, last, 1, 10);
    put(&cache, last + EZ_CHAIN_PIECE_BLOCKS, 2, 10);
    cr_assert(has(&cache, last, 1));
    cr_assert_not(has(&cache, last + EZ_CHAIN_PIECE_BLOCKS, 2));
    ez_chain_cache_clear(&cache);
}

Test(chain_cache, a_piece_being_sent_outlives_the_cache)
{
    ez_chain_cache cache = {.pieces = NULL};
    put(&cache, 1, 7, 100);
    ez_block_id last = id_of(7);
    ez_chain_piece *piece = ez_chain_cache_get(&cache, 1, &last);
    ez_chain_cache_clear(&cache);
    cr_assert_eq(piece->text.data[99], 7);
    ez_chain_piece_unref(piece);
}
