#include "filter_internal.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define BLOCK_WORDS 8 /* one cache line */
#define PROBES      7 /* bits of a key in its block: nine bits of the hash choose each */
#define KEY_BITS    16

static_assert(EZ_FILTER_FIRST_BYTES * ((1 << EZ_FILTER_LAYERS) - 1) <= EZ_FILTER_BYTES_MAX,
              "all layers together");

static size_t layer_bytes(unsigned layer)
{
    return (size_t)EZ_FILTER_FIRST_BYTES << layer;
}

void ez_filter_init(ez_filter *filter, ez_siphash_key key)
{
    filter->key = key;
    filter->count = 0;
    filter->next = INT64_MIN;
    atomic_init(&filter->complete, false);
    for (unsigned i = 0; i < EZ_FILTER_LAYERS; i++) {
        atomic_init(&filter->layers[i], NULL);
    }
}

void ez_filter_clear(ez_filter *filter)
{
    for (unsigned i = 0; i < EZ_FILTER_LAYERS; i++) {
        free((void *)(uintptr_t)atomic_load(&filter->layers[i]));
        atomic_store(&filter->layers[i], NULL);
    }
}

bool ez_filter_is_complete(const ez_filter *filter)
{
    return atomic_load_explicit(&filter->complete, memory_order_acquire);
}

void ez_filter_complete(ez_filter *filter)
{
    atomic_store_explicit(&filter->complete, true, memory_order_release);
}

/* A key's block in a layer and its bits there. */
typedef struct probe {
    uint64_t place, bits;
} probe;

static probe probe_of(const ez_filter *filter, int64_t tail)
{
    uint64_t hash = ez_siphash(&filter->key, &tail, sizeof tail);
    /* The block is chosen by the highest bits; a product's bits depend on all below them, so that
     * none of these is the bits' alone. */
    return (probe){hash >> 32, hash * UINT64_C(0x9e3779b97f4a7c15)};
}

static _Atomic uint64_t *block_of(_Atomic uint64_t *words, unsigned layer, probe at)
{
    size_t blocks = layer_bytes(layer) / (BLOCK_WORDS * sizeof *words);
    return words + BLOCK_WORDS * (size_t)(at.place * blocks >> 32);
}

static bool holds(_Atomic uint64_t *words, unsigned layer, probe at)
{
    _Atomic uint64_t *block = block_of(words, layer, at);
    bool all = true;
    for (unsigned i = 0; i < PROBES && all; i++, at.bits >>= 9) {
        uint64_t bits =
            atomic_load_explicit(&block[at.bits >> 6 & (BLOCK_WORDS - 1)], memory_order_relaxed);
        all = (bits >> (at.bits & 63) & 1) != 0;
    }
    return all;
}

static bool is_held(const ez_filter *filter, probe at)
{
    for (unsigned layer = 0; layer < EZ_FILTER_LAYERS; layer++) {
        _Atomic uint64_t *words =
            atomic_load_explicit(&filter->layers[layer], memory_order_acquire);
        if (words == NULL) {
            return false;
        }
        if (holds(words, layer, at)) {
            return true;
        }
    }
    return false;
}

void ez_filter_add(ez_filter *filter, int64_t tail)
{
    probe at = probe_of(filter, tail);
    if (is_held(filter, at)) {
        return; /* an account is written again and again */
    }
    unsigned layer = 0;
    uint64_t end = EZ_FILTER_FIRST_BYTES * 8 / KEY_BITS; /* keys up to this layer's */
    while (layer + 1 < EZ_FILTER_LAYERS && filter->count >= end) {
        layer++;
        end += layer_bytes(layer) * 8 / KEY_BITS;
    }
    _Atomic uint64_t *words = atomic_load_explicit(&filter->layers[layer], memory_order_relaxed);
    if (words == NULL) {
        words = ez_alloc(1, layer_bytes(layer));
        atomic_store_explicit(&filter->layers[layer], words, memory_order_release);
    }
    filter->count++;
    _Atomic uint64_t *block = block_of(words, layer, at);
    for (unsigned i = 0; i < PROBES; i++, at.bits >>= 9) {
        _Atomic uint64_t *word = &block[at.bits >> 6 & (BLOCK_WORDS - 1)];
        uint64_t bits = atomic_load_explicit(word, memory_order_relaxed);
        atomic_store_explicit(word, bits | UINT64_C(1) << (at.bits & 63), memory_order_relaxed);
    }
}

bool ez_filter_may_hold(const ez_filter *filter, int64_t tail)
{
    return !ez_filter_is_complete(filter) || is_held(filter, probe_of(filter, tail));
}
