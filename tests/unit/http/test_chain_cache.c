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
    const ez_chain_piece *piece = ez_chain_cache_find(cache, first);
    return piece != NULL && piece->text.data[0] == id && piece->last_id.hash.bytes[0] == id;
}

Test(chain_cache, pieces_end_at_their_multiple_at_the_tip_or_when_they_are_long)
{
    cr_assert(ez_chain_piece_is_full(64, 1, 1000) && ez_chain_piece_is_full(128, 1, 1000));
    cr_assert_not(ez_chain_piece_is_full(63, 1, 1000));
    cr_assert_not(ez_chain_piece_is_full(65, 1, 1000));
    cr_assert(ez_chain_piece_is_full(1000, 1, 1000) && ez_chain_piece_is_full(1, 1, 1));
    cr_assert(ez_chain_piece_is_full(5, EZ_CHAIN_PIECE_BYTES, 1000));
    cr_assert_not(ez_chain_piece_is_full(5, EZ_CHAIN_PIECE_BYTES - 1, 1000));
}

Test(chain_cache, a_piece_is_found_by_its_first_height)
{
    ez_chain_cache cache = {.pieces = NULL};
    cr_assert_not(has(&cache, 1, 7));
    put(&cache, 1, 7, 100);
    put(&cache, 65, 8, 100);
    cr_assert(has(&cache, 1, 7) && has(&cache, 65, 8));
    cr_assert_null(ez_chain_cache_find(&cache, 33), "a piece is sent from its start");
    ez_chain_cache_clear(&cache);
    cr_assert_not(has(&cache, 1, 7));
}

Test(chain_cache, another_branch_takes_the_place)
{
    ez_chain_cache cache = {.pieces = NULL};
    put(&cache, 1, 7, 100);
    put(&cache, 1, 9, 50);
    cr_assert(has(&cache, 1, 9));
    cr_assert_eq(HASH_COUNT(cache.pieces), 1);
    ez_chain_cache_clear(&cache);
    cr_assert_eq(cache.bytes, 0);
}

Test(chain_cache, holds_no_more_than_its_bound)
{
    ez_chain_cache cache = {.pieces = NULL};
    for (uint64_t first = 1; first < 100; first++) {
        put(&cache, first, 1, EZ_CHAIN_PIECE_BYTES_MAX);
        cr_assert_leq(cache.bytes, EZ_HTTP_CHAIN_CACHE_BYTES_MAX);
    }
    size_t count = HASH_COUNT(cache.pieces);
    cr_assert_eq(count, EZ_HTTP_CHAIN_CACHE_BYTES_MAX / EZ_CHAIN_PIECE_BYTES_MAX - 1,
                 "each takes a little more than its text");
    cr_assert(has(&cache, 1, 1), "what is kept stays");
    for (uint64_t first = 1000; first < 100000; first++) {
        put(&cache, first, 2, 1);
        cr_assert_leq(cache.bytes, EZ_HTTP_CHAIN_CACHE_BYTES_MAX, "small ones count too");
    }
    cr_assert(has(&cache, 1, 1));
    ez_chain_cache_clear(&cache);
}

Test(chain_cache, long_pieces_are_not_kept)
{
    ez_chain_cache cache = {.pieces = NULL};
    put(&cache, 1, 1, EZ_CHAIN_PIECE_BYTES_MAX + 1);
    cr_assert_null(ez_chain_cache_find(&cache, 1));
    put(&cache, 1, 1, EZ_CHAIN_PIECE_BYTES_MAX);
    cr_assert(has(&cache, 1, 1));
    put(&cache, 1, 2, EZ_CHAIN_PIECE_BYTES_MAX + 1);
    cr_assert_null(ez_chain_cache_find(&cache, 1), "the old one is of another branch");
    ez_chain_cache_clear(&cache);
}

Test(chain_cache, a_piece_being_sent_outlives_the_cache)
{
    ez_chain_cache cache = {.pieces = NULL};
    put(&cache, 1, 7, 100);
    ez_chain_piece *piece = ez_chain_piece_ref(ez_chain_cache_find(&cache, 1));
    cr_assert_eq(piece->references, 2, "the cache's and ours");
    ez_chain_cache_clear(&cache);
    cr_assert_eq(piece->references, 1);
    cr_assert_eq(piece->text.data[99], 7);
    ez_chain_piece_unref(piece);
}
