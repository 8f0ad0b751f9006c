/* The table of entries by id, while it grows and while entries leave. */
#include "tree_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ENTRIES 5000

static size_t count_all(const ez_tree_index *index)
{
    size_t count = 0;
    for (size_t place = 0; place < ez_tree_index_place_count(index); place++) {
        for (const ez_entry *at = ez_tree_index_at(index, place); at != NULL;
             at = at->bucket_next) {
            count++;
        }
    }
    return count;
}

Test(tree_index, whoever_is_in_is_found_and_met_once_while_it_grows)
{
    ez_tree_index index;
    ez_rng rng;
    const uint8_t seed[16] = {3};
    bool is_in[ENTRIES] = {false};
    ez_entry *const entries = ez_alloc(ENTRIES, sizeof(*entries));
    size_t count = 0;
    size_t growing = 0;
    ez_rng_init(&rng, seed);
    ez_tree_index_init(&index, (ez_siphash_key){1, 2});
    for (size_t i = 0; i < ENTRIES; i++) {
        ez_rng_fill(&rng, &entries[i].id, sizeof(entries[i].id));
        cr_assert_null(ez_tree_index_find(&index, &entries[i].id));
        ez_tree_index_add(&index, &entries[i]);
        is_in[i] = true;
        count++;
        const size_t other = ez_rng_below(&rng, i + 1);
        if (is_in[other] && i % 3 == 0) {
            ez_tree_index_remove(&index, &entries[other]);
            is_in[other] = false;
            count--;
        }
        growing += index.old != NULL;
        for (size_t k = 0; k < 8; k++) {
            const size_t asked = ez_rng_below(&rng, i + 1);
            cr_assert(ez_tree_index_find(&index, &entries[asked].id) ==
                      (is_in[asked] ? &entries[asked] : NULL));
        }
        if (i % 50 == 0) {
            cr_assert_eq(count_all(&index), count);
        }
    }
    cr_expect_gt(growing, ENTRIES / 8, "most of this is about growing");
    cr_expect_leq(index.count, index.bucket_count);
    for (size_t i = 0; i < ENTRIES; i++) {
        cr_assert((ez_tree_index_find(&index, &entries[i].id) != NULL) == is_in[i]);
    }
    ez_tree_index_clear(&index);
    free(entries);
}
