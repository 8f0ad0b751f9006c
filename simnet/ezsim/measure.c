#include "measure.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>

struct ez_sighting {
    ez_hash id;
    ez_time_ms at;
    bool *waiting; /* NULL once nobody is waited for */
    uint32_t *shortest;
    size_t host_count, waiting_count;
    UT_hash_handle hh;
};

void ez_histogram_add(ez_histogram *histogram, uint64_t value)
{
    histogram->counts[value < EZ_HISTOGRAM_TOP ? value : EZ_HISTOGRAM_TOP]++;
    histogram->total++;
}

uint64_t ez_histogram_at(const ez_histogram *histogram, unsigned percent)
{
    const uint64_t wanted = (histogram->total * percent + 99) / 100;
    uint64_t seen = 0;
    for (uint64_t value = 0; value <= EZ_HISTOGRAM_TOP; value++) {
        seen += histogram->counts[value];
        if (seen >= wanted && seen > 0) {
            return value;
        }
    }
    return 0;
}

static ez_sighting *find(const ez_spread *spread, const ez_hash *id)
{
    ez_sighting *found = NULL;
    HASH_FIND(hh, spread->sightings, id, sizeof(*id), found);
    return found;
}

/* That it was seen is kept, so that it is not born again. */
static void finish(ez_sighting *sighting)
{
    free(sighting->waiting);
    free(sighting->shortest);
    sighting->waiting = NULL;
    sighting->shortest = NULL;
}

void ez_spread_clear(ez_spread *spread)
{
    ez_sighting *item, *next;
    HASH_ITER (hh, spread->sightings, item, next) {
        HASH_DEL(spread->sightings, item);
        finish(item);
        free(item);
    }
}

bool ez_spread_knows(const ez_spread *spread, const ez_hash *id)
{
    return find(spread, id) != NULL;
}

void ez_spread_born(ez_spread *spread, const ez_hash *id, ez_time_ms now, bool *waiting,
                    uint32_t *shortest, size_t host_count)
{
    ez_sighting *const item = ez_alloc(1, sizeof(*item));
    *item = (ez_sighting){
        .id = *id, .at = now, .waiting = waiting, .shortest = shortest, .host_count = host_count};
    for (size_t i = 1; i <= host_count; i++) {
        item->waiting_count += waiting[i];
    }
    HASH_ADD(hh, spread->sightings, id, sizeof(item->id), item);
    spread->born++;
}

void ez_spread_arrived(ez_spread *spread, const ez_hash *id, ez_time_ms now, size_t host)
{
    ez_sighting *const item = find(spread, id);
    if (item == NULL || item->waiting == NULL || host > item->host_count || !item->waiting[host]) {
        return;
    }
    item->waiting[host] = false;
    ez_histogram_add(&spread->arrival_ms, now - item->at);
    if (item->shortest != NULL && item->shortest[host] > 0 && item->shortest[host] != UINT32_MAX) {
        ez_histogram_add(&spread->ratio_percent, (now - item->at) * 100 / item->shortest[host]);
    }
    if (--item->waiting_count == 0) {
        finish(item);
    }
}

void ez_spread_interrupt(ez_spread *spread)
{
    ez_sighting *item, *next;
    HASH_ITER (hh, spread->sightings, item, next) {
        finish(item);
    }
}
