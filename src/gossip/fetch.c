#include "ezp2p/gossip/fetch.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"

#include "hash_internal.h"

#include <stdlib.h>

#define TRIED_MAX 4

typedef enum slot_state { SLOT_NEEDED, SLOT_ASKED, SLOT_HERE } slot_state;

typedef struct slot {
    ez_block_id id;
    slot_state state;
    uint64_t peer;             /* SLOT_ASKED */
    ez_time_ms since;          /* SLOT_ASKED */
    uint64_t tried[TRIED_MAX]; /* peers that failed; the oldest gives way */
    uint32_t tried_count;
    ez_time_ms retry; /* until then they are not asked again */
} slot;

/* What a peer has in flight, and how long it may hold the window back. */
typedef struct supplier {
    uint64_t link;
    uint32_t in_flight;
    ez_time_ms patience;
    UT_hash_handle hh;
} supplier;

struct ez_fetch {
    slot *slots;       /* the slot of height h is at h % capacity */
    uint64_t capacity; /* grows with the window, none while there is nothing to fetch */
    uint64_t begin, end;
    uint64_t first_needed; /* no slot below is needed */
    uint32_t in_flight;
    supplier *suppliers;
};

ez_fetch *ez_fetch_new(void)
{
    return ez_alloc(1, sizeof(ez_fetch));
}

static void free_suppliers(ez_fetch *fetch)
{
    supplier *item, *next;
    HASH_ITER (hh, fetch->suppliers, item, next) {
        HASH_DEL(fetch->suppliers, item);
        free(item);
    }
}

void ez_fetch_free(ez_fetch *fetch)
{
    if (fetch != NULL) {
        free_suppliers(fetch);
        free(fetch->slots);
        free(fetch);
    }
}

static supplier *find_supplier(const ez_fetch *fetch, uint64_t link)
{
    supplier *item = NULL;
    HASH_FIND(hh, fetch->suppliers, &link, sizeof(link), item);
    return item;
}

static supplier *get_supplier(ez_fetch *fetch, uint64_t link)
{
    supplier *item = find_supplier(fetch, link);
    if (item == NULL) {
        item = ez_alloc(1, sizeof(*item));
        item->link = link;
        item->patience = EZ_BODY_STALL_MS;
        HASH_ADD(hh, fetch->suppliers, link, sizeof(link), item);
    }
    return item;
}

static slot *slot_at(ez_fetch *fetch, uint64_t height)
{
    bool inside = height >= fetch->begin && height < fetch->end;
    return inside ? &fetch->slots[height % fetch->capacity] : NULL;
}

static const slot *slot_peek(const ez_fetch *fetch, uint64_t height)
{
    bool inside = height >= fetch->begin && height < fetch->end;
    return inside ? &fetch->slots[height % fetch->capacity] : NULL;
}

static void leave_flight(ez_fetch *fetch, slot *at)
{
    supplier *from = find_supplier(fetch, at->peer);
    EZ_ASSERT(from != NULL && from->in_flight > 0 && fetch->in_flight > 0);
    from->in_flight--;
    fetch->in_flight--;
    at->peer = 0;
}

static void set_needed(ez_fetch *fetch, uint64_t height)
{
    slot *at = slot_at(fetch, height);
    if (at->state == SLOT_ASKED) {
        leave_flight(fetch, at);
    }
    at->state = SLOT_NEEDED;
    if (height < fetch->first_needed) {
        fetch->first_needed = height;
    }
}

void ez_fetch_reset(ez_fetch *fetch, uint64_t height)
{
    for (uint64_t at = fetch->begin; at < fetch->end; at++) {
        if (slot_at(fetch, at)->state == SLOT_ASKED) {
            leave_flight(fetch, slot_at(fetch, at));
        }
    }
    fetch->begin = fetch->end = fetch->first_needed = height;
    free(fetch->slots);
    fetch->slots = NULL;
    fetch->capacity = 0;
}

static void grow(ez_fetch *fetch)
{
    uint64_t capacity = fetch->capacity == 0 ? 16 : fetch->capacity * 2;
    slot *slots = ez_alloc(capacity, sizeof(*slots));
    for (uint64_t height = fetch->begin; height < fetch->end; height++) {
        slots[height % capacity] = *slot_at(fetch, height);
    }
    free(fetch->slots);
    fetch->slots = slots;
    fetch->capacity = capacity;
}

size_t ez_fetch_room(const ez_fetch *fetch)
{
    return EZ_BODIES_WINDOW - (size_t)(fetch->end - fetch->begin);
}

void ez_fetch_append(ez_fetch *fetch, const ez_block_id *id)
{
    EZ_ASSERT(ez_fetch_room(fetch) > 0);
    if (fetch->end - fetch->begin == fetch->capacity) {
        grow(fetch);
    }
    fetch->slots[fetch->end % fetch->capacity] = (slot){.id = *id, .state = SLOT_NEEDED};
    fetch->end++;
}

uint64_t ez_fetch_begin(const ez_fetch *fetch)
{
    return fetch->begin;
}

uint64_t ez_fetch_end(const ez_fetch *fetch)
{
    return fetch->end;
}

bool ez_fetch_has(const ez_fetch *fetch, const ez_block_id *id, uint64_t height)
{
    const slot *at = slot_peek(fetch, height);
    return at != NULL && ez_block_id_is_equal(&at->id, id);
}

static bool was_tried(const slot *at, uint64_t peer, ez_time_ms now)
{
    if (now >= at->retry) {
        return false;
    }
    for (uint32_t i = 0; i < at->tried_count; i++) {
        if (at->tried[i] == peer) {
            return true;
        }
    }
    return false;
}

static void note_tried(slot *at, uint64_t peer, ez_time_ms now)
{
    const bool known = was_tried(at, peer, now);
    if (now >= at->retry) {
        at->tried_count = 0; /* those of earlier rounds are free again */
    }
    at->retry = now + EZ_BODY_STALL_MS;
    if (known) {
        return;
    }
    if (at->tried_count == TRIED_MAX) {
        memmove(&at->tried[0], &at->tried[1], (TRIED_MAX - 1) * sizeof(at->tried[0]));
        at->tried_count--;
    }
    at->tried[at->tried_count++] = peer;
}

/* Whether `from` may be asked for one more. A request is kept free for the lowest slot, with all
 * and with each: peers that deliver nothing could otherwise hold every request for ever, since
 * nobody's clock runs while the lowest slot is asked of none. */
static bool has_room(const ez_fetch *fetch, const supplier *from, uint64_t height)
{
    const slot *lowest = slot_peek(fetch, fetch->begin);
    bool asked = lowest->state == SLOT_ASKED;
    uint32_t kept_all = height == fetch->begin || asked ? 0 : 1;
    uint32_t kept = height == fetch->begin || (asked && lowest->peer == from->link) ? 0 : 1;
    return fetch->in_flight + kept_all < EZ_BODIES_IN_FLIGHT_ALL &&
           from->in_flight + kept < EZ_BODIES_IN_FLIGHT_PEER;
}

static void set_asked(ez_fetch *fetch, slot *at, supplier *from, ez_time_ms now)
{
    at->state = SLOT_ASKED;
    at->peer = from->link;
    at->since = now;
    from->in_flight++;
    fetch->in_flight++;
    EZ_ASSERT(from->in_flight <= EZ_BODIES_IN_FLIGHT_PEER);
    EZ_ASSERT(fetch->in_flight <= EZ_BODIES_IN_FLIGHT_ALL);
}

bool ez_fetch_next(ez_fetch *fetch, ez_block_id *out, uint64_t *height, ez_link_id peer,
                   uint64_t common, ez_time_ms now)
{
    supplier *from = get_supplier(fetch, peer.value);
    while (fetch->first_needed < fetch->end &&
           slot_at(fetch, fetch->first_needed)->state != SLOT_NEEDED) {
        fetch->first_needed++;
    }
    for (uint64_t h = fetch->first_needed; h < fetch->end && h <= common; h++) {
        slot *at = slot_at(fetch, h);
        if (at->state == SLOT_NEEDED && !was_tried(at, peer.value, now)) {
            if (!has_room(fetch, from, h)) {
                return false;
            }
            set_asked(fetch, at, from, now);
            *out = at->id;
            *height = h;
            return true;
        }
    }
    return false;
}

bool ez_fetch_claim(ez_fetch *fetch, uint64_t height, ez_link_id peer, ez_time_ms now)
{
    slot *at = slot_at(fetch, height);
    supplier *from = get_supplier(fetch, peer.value);
    if (at == NULL || at->state != SLOT_NEEDED || !has_room(fetch, from, height)) {
        return false;
    }
    set_asked(fetch, at, from, now);
    return true;
}

ez_link_id ez_fetch_asked(const ez_fetch *fetch, uint64_t height)
{
    const slot *at = slot_peek(fetch, height);
    bool asked = at != NULL && at->state == SLOT_ASKED;
    return (ez_link_id){asked ? at->peer : 0};
}

bool ez_fetch_is_here(const ez_fetch *fetch, uint64_t height)
{
    const slot *at = slot_peek(fetch, height);
    return at != NULL && at->state == SLOT_HERE;
}

void ez_fetch_here(ez_fetch *fetch, uint64_t height)
{
    slot *at = slot_at(fetch, height);
    EZ_ASSERT(at != NULL);
    if (at->state == SLOT_ASKED) {
        find_supplier(fetch, at->peer)->patience = EZ_BODY_STALL_MS;
        leave_flight(fetch, at);
    }
    at->state = SLOT_HERE;
}

void ez_fetch_failed(ez_fetch *fetch, uint64_t height, ez_link_id peer, ez_time_ms now)
{
    slot *at = slot_at(fetch, height);
    if (at == NULL) {
        return;
    }
    note_tried(at, peer.value, now);
    if (at->state == SLOT_HERE || (at->state == SLOT_ASKED && at->peer == peer.value)) {
        set_needed(fetch, height);
    }
}

void ez_fetch_again(ez_fetch *fetch, uint64_t height)
{
    if (slot_at(fetch, height) != NULL) {
        set_needed(fetch, height);
    }
}

void ez_fetch_pop(ez_fetch *fetch)
{
    EZ_ASSERT(ez_fetch_is_here(fetch, fetch->begin));
    fetch->begin++;
    if (fetch->first_needed < fetch->begin) {
        fetch->first_needed = fetch->begin;
    }
}

void ez_fetch_peer_gone(ez_fetch *fetch, ez_link_id peer)
{
    supplier *from = find_supplier(fetch, peer.value);
    if (from == NULL) {
        return;
    }
    for (uint64_t h = fetch->begin; h < fetch->end && from->in_flight > 0; h++) {
        slot *at = slot_at(fetch, h);
        if (at->state == SLOT_ASKED && at->peer == peer.value) {
            set_needed(fetch, h);
        }
    }
    HASH_DEL(fetch->suppliers, from);
    free(from);
}

bool ez_fetch_stalled(ez_fetch *fetch, ez_link_id *peer, ez_time_ms now)
{
    if (now < ez_fetch_deadline(fetch)) {
        return false;
    }
    slot *at = slot_at(fetch, fetch->begin);
    supplier *from = find_supplier(fetch, at->peer);
    from->patience *= 2;
    if (from->patience > EZ_BODY_STALL_MS_MAX) {
        from->patience = EZ_BODY_STALL_MS_MAX;
    }
    *peer = (ez_link_id){at->peer};
    note_tried(at, at->peer, now);
    set_needed(fetch, fetch->begin);
    return true;
}

ez_time_ms ez_fetch_deadline(const ez_fetch *fetch)
{
    const slot *at = slot_peek(fetch, fetch->begin);
    if (at == NULL || at->state != SLOT_ASKED) {
        return EZ_TIME_NEVER;
    }
    return at->since + find_supplier(fetch, at->peer)->patience;
}

ez_time_ms ez_fetch_retry(const ez_fetch *fetch, ez_time_ms now)
{
    const slot *at = slot_peek(fetch, fetch->begin);
    bool kept = at != NULL && at->state == SLOT_NEEDED && at->tried_count > 0 && at->retry > now;
    return kept ? at->retry : EZ_TIME_NEVER;
}

uint32_t ez_fetch_in_flight(const ez_fetch *fetch, ez_link_id peer)
{
    const supplier *from = find_supplier(fetch, peer.value);
    return from == NULL ? 0 : from->in_flight;
}

uint32_t ez_fetch_in_flight_all(const ez_fetch *fetch)
{
    return fetch->in_flight;
}

uint32_t ez_fetch_in_flight_most(const ez_fetch *fetch)
{
    uint32_t most = 0;
    for (const supplier *item = fetch->suppliers; item != NULL; item = item->hh.next) {
        most = item->in_flight > most ? item->in_flight : most;
    }
    return most;
}
