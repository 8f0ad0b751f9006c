#include "key_tables_internal.h"

#if EZ_HAS_FIELD

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WAYS       4
#define SETS       (EZ_KEY_TABLES_MAX / WAYS)
#define CANDIDATES 8 /* keys counted in each set */
#define USES_MAX   255
#define MAKING     (UINT32_C(1) << 31) /* in `holders`: nobody may read, one writes */

static_assert(SETS * WAYS == EZ_KEY_TABLES_MAX, "sets are whole");
static_assert(EZ_KEY_SIGHTINGS < 256, "a candidate's count is a byte");

struct ez_key_table {
    _Atomic uint64_t tag; /* the key's hash, never 0, to pass by other tables unheld; 0: none */
    _Atomic uint32_t holders;
    _Atomic uint32_t uses;
    ez_public_key key; /* this and below only while held, or MAKING */
    ez_ready_point *points;
};

typedef struct key_set {
    ez_key_table tables[WAYS];
    _Atomic uint32_t candidates[CANDIDATES]; /* 24 bits of the hash, 8 bits of a count. Threads that
                                              * count at once may lose one: no harm */
} key_set;

struct ez_key_tables {
    ez_siphash_key seed;
    _Atomic(ez_ready_point *) base;
    atomic_flag base_begun;
    key_set sets[SETS];
};

ez_key_tables *ez_key_tables_new(const ez_siphash_key *seed)
{
    ez_key_tables *tables = ez_alloc(1, sizeof *tables);
    tables->seed = *seed;
    atomic_flag_clear(&tables->base_begun);
    return tables;
}

void ez_key_tables_free(ez_key_tables *tables)
{
    if (tables == NULL) {
        return;
    }
    for (size_t i = 0; i < SETS; i++) {
        for (size_t way = 0; way < WAYS; way++) {
            free(tables->sets[i].tables[way].points);
        }
    }
    free(atomic_load(&tables->base));
    free(tables);
}

/* A key's hash, its lowest bit set; *set is where it belongs. */
static uint64_t find_set(ez_key_tables *tables, key_set **set, const ez_public_key *key)
{
    uint64_t hash = ez_siphash(&tables->seed, key->bytes, sizeof key->bytes);
    *set = &tables->sets[(hash >> 32) % SETS];
    return hash | 1;
}

/* ---- use ------------------------------------------------------------------------------------- */

ez_key_table *ez_key_tables_hold(ez_key_tables *tables, const ez_public_key *key)
{
    key_set *set;
    uint64_t tag = find_set(tables, &set, key);
    for (size_t way = 0; way < WAYS; way++) {
        ez_key_table *table = &set->tables[way];
        if (atomic_load_explicit(&table->tag, memory_order_relaxed) != tag) {
            continue;
        }
        uint32_t before = atomic_fetch_add_explicit(&table->holders, 1, memory_order_acquire);
        if ((before & MAKING) == 0 && table->points != NULL &&
            ez_public_key_is_equal(&table->key, key)) {
            uint32_t uses = atomic_load_explicit(&table->uses, memory_order_relaxed);
            atomic_store_explicit(&table->uses, uses < USES_MAX ? uses + 1 : uses,
                                  memory_order_relaxed);
            return table;
        }
        ez_key_table_let_go(table);
    }
    return NULL;
}

void ez_key_table_let_go(ez_key_table *table)
{
    atomic_fetch_sub_explicit(&table->holders, 1, memory_order_release);
}

const ez_ready_point *ez_key_table_points(const ez_key_table *table)
{
    return table->points;
}

const ez_ready_point *ez_key_tables_base(const ez_key_tables *tables)
{
    return atomic_load_explicit(&tables->base, memory_order_acquire);
}

/* ---- which keys get one ---------------------------------------------------------------------- */

/* Count one more sighting; whether the key has had enough of them. */
static bool count_sighting(key_set *set, uint64_t tag)
{
    const uint32_t name = (uint32_t)(tag >> 8) << 8; /* bits that did not choose the set */
    size_t least = 0;
    uint32_t least_count = UINT32_MAX;
    for (size_t i = 0; i < CANDIDATES; i++) {
        uint32_t candidate = atomic_load_explicit(&set->candidates[i], memory_order_relaxed);
        uint32_t count = candidate & 0xff;
        if (count > 0 && candidate - count == name) {
            count += count < EZ_KEY_SIGHTINGS;
            atomic_store_explicit(&set->candidates[i], name | count, memory_order_relaxed);
            return count == EZ_KEY_SIGHTINGS;
        }
        if (count < least_count) {
            least_count = count;
            least = i;
        }
    }
    uint32_t other = atomic_load_explicit(&set->candidates[least], memory_order_relaxed);
    atomic_store_explicit(&set->candidates[least], least_count <= 1 ? name | 1 : other - 1,
                          memory_order_relaxed);
    return false;
}

static void forget_candidate(key_set *set, uint64_t tag)
{
    const uint32_t name = (uint32_t)(tag >> 8) << 8;
    for (size_t i = 0; i < CANDIDATES; i++) {
        uint32_t candidate = atomic_load_explicit(&set->candidates[i], memory_order_relaxed);
        if (candidate - (candidate & 0xff) == name) {
            atomic_store_explicit(&set->candidates[i], 0, memory_order_relaxed);
        }
    }
}

/* A table to make anew, MAKING; NULL when none may be: all are in use, or too much. */
static ez_key_table *take_place(key_set *set, uint64_t tag)
{
    ez_key_table *least = NULL;
    uint32_t least_uses = UINT32_MAX;
    for (size_t way = 0; way < WAYS; way++) {
        ez_key_table *table = &set->tables[way];
        uint64_t found = atomic_load_explicit(&table->tag, memory_order_relaxed);
        uint32_t uses = atomic_load_explicit(&table->uses, memory_order_relaxed);
        if (found == tag) {
            return NULL; /* somebody is making it */
        }
        if (least_uses > 0 && (found == 0 || uses < least_uses)) {
            least = table;
            least_uses = found == 0 ? 0 : uses;
        }
    }
    if (least_uses > 0) {
        atomic_store_explicit(&least->uses, least_uses / 2, memory_order_relaxed);
        return NULL;
    }
    uint32_t nobody = 0;
    return atomic_compare_exchange_strong_explicit(&least->holders, &nobody, MAKING,
                                                   memory_order_acquire, memory_order_relaxed)
               ? least
               : NULL;
}

/* Whether the base point's table is there. Whoever comes first makes it; others do without. */
static bool need_base(ez_key_tables *tables)
{
    if (ez_key_tables_base(tables) == NULL && !atomic_flag_test_and_set(&tables->base_begun)) {
        ez_point base;
        ez_point_base(&base);
        atomic_store_explicit(&tables->base, ez_comb_new(&base, EZ_COMB_BASE_WIDTH),
                              memory_order_release);
    }
    return ez_key_tables_base(tables) != NULL;
}

bool ez_key_tables_saw(ez_key_tables *tables, const ez_public_key *key)
{
    key_set *set;
    uint64_t tag = find_set(tables, &set, key);
    ez_point point;
    if (!count_sighting(set, tag) || !need_base(tables) || !ez_point_read(&point, key->bytes)) {
        return false;
    }
    ez_key_table *table = take_place(set, tag);
    if (table == NULL) {
        return false;
    }
    atomic_store_explicit(&table->tag, tag, memory_order_relaxed);
    ez_point_negate(&point, &point);
    free(table->points);
    table->points = ez_comb_new(&point, EZ_COMB_KEY_WIDTH);
    table->key = *key;
    atomic_store_explicit(&table->uses, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&table->holders, MAKING, memory_order_release);
    forget_candidate(set, tag);
    return true;
}

#endif
