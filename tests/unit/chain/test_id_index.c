#include "chain_fixture.h"
#include "id_index_internal.h"

#include <criterion/criterion.h>

#define HOLDERS 600
#define STEPS   20000

typedef struct holder {
    ez_tx_id id;
    bool is_in;
} holder;

static const ez_siphash_key key = {UINT64_C(0x9e3779b97f4a7c15), 0};

static ez_id_index new_index(void)
{
    ez_id_index index;
    ez_id_index_init(&index, key);
    return index;
}

static void set_word(ez_tx_id *id, size_t word, uint64_t value)
{
    memcpy(id->hash.bytes + word * sizeof(value), &value, sizeof(value));
}

Test(id_index, an_empty_one_has_nothing)
{
    ez_id_index index = new_index();
    ez_tx_id id = {.hash = {{1}}};
    cr_expect(ez_id_index_find(&index, &id) == NULL);
    ez_id_index_remove(&index, &id);
    ez_id_index_empty(&index);
    cr_expect(index.count == 0);
    ez_id_index_clear(&index);
}

Test(id_index, ids_that_begin_alike_are_kept_apart)
{
    ez_id_index index = new_index();
    ez_tx_id ids[5] = {0};
    for (size_t i = 0; i < 5; i++) {
        set_word(&ids[i], 0, 77);
        set_word(&ids[i], 3, i);
        ez_id_index_put(&index, &ids[i]);
    }
    ez_id_index_remove(&index, &ids[1]);
    for (size_t i = 0; i < 5; i++) {
        const ez_tx_id copy = ids[i];
        cr_expect(ez_id_index_find(&index, &copy) == (i == 1 ? NULL : &ids[i]));
    }
    ez_id_index_clear(&index);
}

Test(id_index, the_newest_holder_of_an_id_counts)
{
    ez_id_index index = new_index();
    ez_tx_id first = {.hash = {{9}}}, second = first;
    ez_id_index_put(&index, &first);
    ez_id_index_put(&index, &second);
    cr_expect(index.count == 1 && ez_id_index_find(&index, &first) == &second);
    ez_id_index_remove(&index, &first);
    cr_expect(ez_id_index_find(&index, &first) == &second, "the older one has no place any more");
    ez_id_index_remove(&index, &second);
    cr_expect(index.count == 0 && ez_id_index_find(&index, &first) == NULL);
    ez_id_index_clear(&index);
}

static void expect_all(const ez_id_index *index, const holder *holders)
{
    size_t count = 0;
    for (size_t i = 0; i < HOLDERS; i++) {
        const ez_tx_id copy = holders[i].id;
        count += holders[i].is_in;
        cr_assert(ez_id_index_find(index, &copy) == (holders[i].is_in ? &holders[i].id : NULL));
    }
    cr_assert(index->count == count);
}

/* Few distinct beginnings, so that runs of taken slots are long and go around the end. */
Test(id_index, holds_what_a_list_would)
{
    static holder holders[HOLDERS];
    ez_rng rng = fixture_rng(3);
    ez_id_index index = new_index();
    for (size_t i = 0; i < HOLDERS; i++) {
        set_word(&holders[i].id, 0, ez_rng_below(&rng, 200));
        set_word(&holders[i].id, 1, i);
    }
    for (size_t step = 0; step < STEPS; step++) {
        const bool is_filling = step / (STEPS / 8) % 2 == 0;
        holder *const at = &holders[ez_rng_below(&rng, HOLDERS)];
        const bool put = ez_rng_below(&rng, 4) != 0 ? is_filling : !is_filling;
        if (put) {
            ez_id_index_put(&index, &at->id);
        } else {
            ez_id_index_remove(&index, &at->id);
        }
        at->is_in = put;
        if (step % 97 == 0) {
            expect_all(&index, holders);
        }
    }
    expect_all(&index, holders);
    ez_id_index_empty(&index);
    for (size_t i = 0; i < HOLDERS; i++) {
        holders[i].is_in = false;
    }
    expect_all(&index, holders);
    ez_id_index_clear(&index);
}

Test(id_index, gives_its_memory_back)
{
    static ez_tx_id ids[20000];
    ez_rng rng = fixture_rng(4);
    ez_id_index index = new_index();
    for (size_t i = 0; i < 20000; i++) {
        ez_rng_fill(&rng, &ids[i], sizeof(ids[i]));
        ez_id_index_put(&index, &ids[i]);
    }
    cr_expect(index.bits == 16, "at most half full");
    for (size_t i = 100; i < 20000; i++) {
        ez_id_index_remove(&index, &ids[i]);
    }
    cr_expect(index.bits <= 10);
    for (size_t i = 0; i < 100; i++) {
        cr_expect(ez_id_index_find(&index, &ids[i]) == &ids[i]);
    }
    ez_id_index_clear(&index);
}
