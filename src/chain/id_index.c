#include "id_index_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/little_endian.h"

#include <stdlib.h>
#include <string.h>

#define BITS_MIN  6
#define BITS_KEPT 12 /* 64 KiB: room for the next block of usual size */

void ez_id_index_init(ez_id_index *index, ez_siphash_key key)
{
    *index = (ez_id_index){.multiplier = key.k0 | 1};
}

void ez_id_index_clear(ez_id_index *index)
{
    free(index->slots);
    *index = (ez_id_index){.multiplier = index->multiplier};
}

static size_t slot_count(const ez_id_index *index)
{
    return index->bits == 0 ? 0 : (size_t)1 << index->bits;
}

void ez_id_index_empty(ez_id_index *index)
{
    if (index->bits > BITS_KEPT) {
        ez_id_index_clear(index);
    } else if (index->count > 0) {
        memset(index->slots, 0, slot_count(index) * sizeof(*index->slots));
        index->count = 0;
    }
}

static size_t home_of(const ez_id_index *index, uint64_t start)
{
    return (size_t)(start * index->multiplier >> (64 - index->bits));
}

static size_t next_of(const ez_id_index *index, size_t place)
{
    return (place + 1) & (slot_count(index) - 1);
}

/* The place of an id that equals `id`, or the empty one where it belongs. */
static size_t place_of(const ez_id_index *index, const ez_tx_id *id, uint64_t start)
{
    size_t place = home_of(index, start);
    const ez_id_slot *slot = &index->slots[place];
    while (slot->id != NULL && (slot->start != start || !ez_tx_id_is_equal(slot->id, id))) {
        place = next_of(index, place);
        slot = &index->slots[place];
    }
    return place;
}

static void resize(ez_id_index *index, unsigned bits)
{
    ez_id_slot *const before = index->slots;
    const size_t count = slot_count(index);
    index->bits = bits;
    index->slots = ez_alloc(slot_count(index), sizeof(*index->slots));
    for (size_t i = 0; i < count; i++) {
        if (before[i].id != NULL) {
            size_t place = home_of(index, before[i].start);
            while (index->slots[place].id != NULL) {
                place = next_of(index, place);
            }
            index->slots[place] = before[i];
        }
    }
    free(before);
}

const ez_tx_id *ez_id_index_find(const ez_id_index *index, const ez_tx_id *id)
{
    if (index->count == 0) {
        return NULL;
    }
    return index->slots[place_of(index, id, ez_load_u64(id->hash.bytes))].id;
}

void ez_id_index_put(ez_id_index *index, const ez_tx_id *id)
{
    if (2 * index->count >= slot_count(index)) {
        resize(index, index->bits == 0 ? BITS_MIN : index->bits + 1);
    }
    const uint64_t start = ez_load_u64(id->hash.bytes);
    ez_id_slot *const slot = &index->slots[place_of(index, id, start)];
    index->count += slot->id == NULL;
    *slot = (ez_id_slot){id, start};
}

/* Whether the way from `home` to `place` leads over `gap`, so that what stands at `place` would not
 * be found any more: all on a circle. */
static bool leads_over(const ez_id_index *index, size_t home, size_t gap, size_t place)
{
    const size_t mask = slot_count(index) - 1;
    return ((place - home) & mask) >= ((place - gap) & mask);
}

/* Move up what stood behind, instead of leaving a mark that every look-up has to step over. */
static void close_gap(ez_id_index *index, size_t gap)
{
    for (size_t place = next_of(index, gap); index->slots[place].id != NULL;
         place = next_of(index, place)) {
        if (leads_over(index, home_of(index, index->slots[place].start), gap, place)) {
            index->slots[gap] = index->slots[place];
            gap = place;
        }
    }
    index->slots[gap] = (ez_id_slot){0};
}

void ez_id_index_remove(ez_id_index *index, const ez_tx_id *id)
{
    if (index->count == 0) {
        return;
    }
    const size_t place = place_of(index, id, ez_load_u64(id->hash.bytes));
    if (index->slots[place].id != id) {
        return;
    }
    close_gap(index, place);
    index->count--;
    if (index->bits > BITS_MIN && index->count < slot_count(index) / 8) {
        resize(index, index->bits - 1);
    }
}
