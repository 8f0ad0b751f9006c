#include "ezp2p/gossip/book.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/reader.h"

#include "hash_internal.h"

#include <stdlib.h>

#define BUCKET_PLACES    64u
#define NEW_BUCKETS      (EZ_BOOK_NEW_MAX / BUCKET_PLACES)
#define TRIED_BUCKETS    (EZ_BOOK_TRIED_MAX / BUCKET_PLACES)
#define BUCKETS          (NEW_BUCKETS + TRIED_BUCKETS)
#define SOURCE_BUCKETS   16u /* new buckets that one source group can reach */
#define GROUP_BUCKETS    8u  /* tried buckets that one address group can reach */
#define FAILURES_STALE   4u
#define STALE_US         (30ull * 24 * 3600 * 1000000)
#define SNAPSHOT_VERSION 1
#define HEARD_OF         0 /* in a snapshot */
#define TRIED            1
#define ANCHOR           2
#define PICK_ATTEMPTS    200

typedef struct address {
    ez_endpoint endpoint;
    ez_endpoint source;
    ez_wall_us seen;
    ez_time_ms next_dial; /* not before */
    uint8_t failures;
    bool tried;
    bool anchor;    /* to be dialled first after the next start */
    uint32_t place; /* bucket * BUCKET_PLACES + position */
    uint32_t index; /* in the list of all */
    UT_hash_handle hh;
} address;

struct ez_book {
    ez_siphash_key secret;
    address *by_endpoint;
    address **buckets[BUCKETS]; /* allocated when first used */
    uint8_t bucket_counts[BUCKETS];
    address **all; /* in no particular but repeatable order, for random picks */
    size_t count, capacity;
    ez_endpoint first[EZ_ANCHORS_MAX]; /* anchors of the last life, not handed out yet */
    size_t first_count;
    ez_endpoint contested; /* it stands where another would stand that answered; port 0: nobody */
};

/* What identifies an address, without padding. */
typedef struct endpoint_key {
    uint8_t bytes[18];
} endpoint_key;

static endpoint_key key_of(const ez_endpoint *endpoint)
{
    endpoint_key key;
    memcpy(key.bytes, endpoint->ip, 16);
    key.bytes[16] = (uint8_t)(endpoint->port >> 8);
    key.bytes[17] = (uint8_t)endpoint->port;
    return key;
}

ez_book *ez_book_new(ez_siphash_key secret)
{
    ez_book *book = ez_alloc(1, sizeof(*book));
    book->secret = secret;
    return book;
}

void ez_book_free(ez_book *book)
{
    if (book == NULL) {
        return;
    }
    HASH_CLEAR(hh, book->by_endpoint);
    for (size_t i = 0; i < book->count; i++) {
        free(book->all[i]);
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        free(book->buckets[i]);
    }
    free(book->all);
    free(book);
}

static unsigned endpoint_hash(const ez_book *book, const ez_endpoint *endpoint)
{
    endpoint_key key = key_of(endpoint);
    return ez_table_hash(&book->secret, key.bytes, sizeof(key.bytes));
}

static address *find(const ez_book *book, const ez_endpoint *endpoint)
{
    address *item = NULL;
    HASH_FIND_BYHASHVALUE(hh, book->by_endpoint, endpoint, sizeof(*endpoint),
                          endpoint_hash(book, endpoint), item);
    return item;
}

/* Keyed hash over a purpose and up to three parts. */
static uint64_t mix(const ez_book *book, uint8_t purpose, const void *a, size_t a_size,
                    const void *b, size_t b_size, uint64_t c)
{
    uint8_t bytes[1 + 18 + 18 + 8] = {purpose};
    memcpy(bytes + 1, a, a_size);
    memcpy(bytes + 19, b, b_size);
    memcpy(bytes + 37, &c, sizeof(c));
    return ez_siphash(&book->secret, bytes, sizeof(bytes));
}

static uint32_t place_in(const ez_book *book, uint32_t bucket, const ez_endpoint *endpoint)
{
    endpoint_key key = key_of(endpoint);
    uint64_t position = mix(book, 3, key.bytes, sizeof(key.bytes), "", 0, bucket);
    return bucket * BUCKET_PLACES + (uint32_t)(position % BUCKET_PLACES);
}

static uint32_t new_place(const ez_book *book, const ez_endpoint *endpoint,
                          const ez_endpoint *source)
{
    ez_network_group group = ez_endpoint_group(endpoint);
    ez_network_group from = ez_endpoint_group(source);
    /* Where everything is one host, ports are the only spread there is. */
    uint64_t port = ez_endpoint_reach(endpoint) == EZ_REACH_PUBLIC ? 0 : endpoint->port;
    uint64_t column = mix(book, 1, group.bytes, 16, from.bytes, 16, port) % SOURCE_BUCKETS;
    uint64_t bucket = mix(book, 2, from.bytes, 16, "", 0, column) % NEW_BUCKETS;
    return place_in(book, (uint32_t)bucket, endpoint);
}

static uint32_t tried_place(const ez_book *book, const ez_endpoint *endpoint)
{
    ez_network_group group = ez_endpoint_group(endpoint);
    endpoint_key key = key_of(endpoint);
    uint64_t column = mix(book, 4, key.bytes, sizeof(key.bytes), "", 0, 0) % GROUP_BUCKETS;
    uint64_t bucket = mix(book, 5, group.bytes, 16, "", 0, column) % TRIED_BUCKETS;
    return place_in(book, (uint32_t)(NEW_BUCKETS + bucket), endpoint);
}

static address **at_place(ez_book *book, uint32_t place)
{
    address ***bucket = &book->buckets[place / BUCKET_PLACES];
    if (*bucket == NULL) {
        *bucket = ez_alloc(BUCKET_PLACES, sizeof(address *));
    }
    return &(*bucket)[place % BUCKET_PLACES];
}

static void leave_place(ez_book *book, uint32_t place)
{
    *at_place(book, place) = NULL;
    book->bucket_counts[place / BUCKET_PLACES]--;
}

static void remove_address(ez_book *book, address *item)
{
    leave_place(book, item->place);
    HASH_DEL(book->by_endpoint, item);
    book->count--;
    book->all[item->index] = book->all[book->count];
    book->all[item->index]->index = item->index;
    free(item);
}

static bool is_stale(const address *item, ez_now now)
{
    bool old = now.wall > item->seen && now.wall - item->seen > STALE_US;
    return item->failures >= FAILURES_STALE || (old && item->failures > 0);
}

/* Give `item` the place when it is free or held by a stale address. */
static bool take_place(ez_book *book, address *item, uint32_t place, ez_now now)
{
    address **slot = at_place(book, place);
    if (*slot != NULL && *slot != item) {
        if (!is_stale(*slot, now)) {
            return false;
        }
        remove_address(book, *slot);
    }
    if (*slot == NULL) {
        book->bucket_counts[place / BUCKET_PLACES]++;
    }
    *slot = item;
    item->place = place;
    return true;
}

static void enlist(ez_book *book, address *item)
{
    if (book->count == book->capacity) {
        book->capacity = book->capacity == 0 ? 64 : book->capacity * 2;
        book->all = ez_realloc(book->all, book->capacity, sizeof(address *));
    }
    item->index = (uint32_t)book->count;
    book->all[book->count++] = item;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, book->by_endpoint, &item->endpoint, sizeof(item->endpoint),
                                endpoint_hash(book, &item->endpoint), item);
}

bool ez_book_add(ez_book *book, const ez_endpoint *endpoint, const ez_endpoint *source,
                 ez_wall_us seen, ez_now now)
{
    if (endpoint->port == 0 || ez_endpoint_reach(endpoint) == EZ_REACH_NONE) {
        return false;
    }
    seen = seen < now.wall ? seen : now.wall;
    address *item = find(book, endpoint);
    if (item != NULL) {
        item->seen = item->seen > seen ? item->seen : seen;
        return false;
    }
    item = ez_alloc(1, sizeof(*item));
    item->endpoint = *endpoint;
    item->source = *source;
    item->seen = seen;
    if (!take_place(book, item, new_place(book, endpoint, source), now)) {
        free(item);
        return false;
    }
    enlist(book, item);
    return true;
}

void ez_book_connected(ez_book *book, const ez_endpoint *endpoint, ez_now now)
{
    address *item = find(book, endpoint);
    if (item == NULL) {
        if (!ez_book_add(book, endpoint, endpoint, now.wall, now)) {
            return;
        }
        item = find(book, endpoint);
    }
    item->seen = now.wall;
    item->failures = 0;
    item->next_dial = 0;
    if (ez_endpoint_is_equal(endpoint, &book->contested)) {
        book->contested.port = 0; /* it stands there by right */
    }
    if (item->tried) {
        return;
    }
    uint32_t old_place = item->place;
    const uint32_t place = tried_place(book, endpoint);
    if (take_place(book, item, place, now)) {
        leave_place(book, old_place);
        item->tried = true;
    } else {
        book->contested = (*at_place(book, place))->endpoint;
    }
}

void ez_book_failed(ez_book *book, const ez_endpoint *endpoint, ez_now now)
{
    address *item = find(book, endpoint);
    if (item == NULL) {
        return;
    }
    if (item->failures < UINT8_MAX) {
        item->failures++;
    }
    uint32_t doublings = item->failures < 10 ? item->failures : 10;
    item->next_dial = now.mono + ((ez_time_ms)EZ_REDIAL_MS_MIN << doublings);
}

void ez_book_remove(ez_book *book, const ez_endpoint *endpoint)
{
    address *item = find(book, endpoint);
    if (item != NULL) {
        remove_address(book, item);
    }
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* The `n`-th address of a bucket. */
static const address *nth_of(const ez_book *book, uint32_t bucket, uint64_t n)
{
    address **at = book->buckets[bucket];
    for (;; at++) {
        if (*at != NULL && n-- == 0) {
            return *at;
        }
    }
}

static bool may_dial(const address *item, ez_now now, void *self,
                     bool (*is_usable)(void *self, const ez_endpoint *endpoint))
{
    return item->next_dial <= now.mono && is_usable(self, &item->endpoint);
}

/* First a bucket, then an address in it: whoever fills few buckets is seldom picked, however many
 * addresses lie there. */
static const address *pick_from(const ez_book *book, bool tried, ez_rng *rng, ez_now now,
                                void *self,
                                bool (*is_usable)(void *self, const ez_endpoint *endpoint))
{
    uint32_t filled[BUCKETS];
    size_t filled_count = 0, attempts = 0;
    const uint32_t first = tried ? NEW_BUCKETS : 0, end = tried ? BUCKETS : NEW_BUCKETS;
    for (uint32_t bucket = first; bucket < end; bucket++) {
        attempts += book->bucket_counts[bucket];
        if (book->bucket_counts[bucket] > 0) {
            filled[filled_count++] = bucket;
        }
    }
    attempts = attempts < PICK_ATTEMPTS ? attempts : PICK_ATTEMPTS;
    for (size_t i = 0; i < attempts; i++) {
        const uint32_t bucket = filled[ez_rng_below(rng, filled_count)];
        const address *item = nth_of(book, bucket, ez_rng_below(rng, book->bucket_counts[bucket]));
        if (may_dial(item, now, self, is_usable)) {
            return item;
        }
    }
    return NULL;
}

bool ez_book_pick(const ez_book *book, ez_endpoint *out, ez_rng *rng, ez_now now, void *self,
                  bool (*is_usable)(void *self, const ez_endpoint *endpoint))
{
    if (book->count == 0) {
        return false;
    }
    const bool want_tried = ez_rng_below(rng, 2) == 0;
    const size_t start = (size_t)ez_rng_below(rng, book->count);
    const address *item = pick_from(book, want_tried, rng, now, self, is_usable);
    if (item == NULL) {
        item = pick_from(book, !want_tried, rng, now, self, is_usable);
    }
    /* Of a few that may all be in use but one, chance may have passed over that one. */
    for (size_t i = 0; item == NULL && i < book->count && book->count <= PICK_ATTEMPTS; i++) {
        const address *const next = book->all[(start + i) % book->count];
        item = may_dial(next, now, self, is_usable) ? next : NULL;
    }
    if (item != NULL) {
        *out = item->endpoint;
    }
    return item != NULL;
}

bool ez_book_pick_feeler(const ez_book *book, ez_endpoint *out, ez_rng *rng, ez_now now, void *self,
                         bool (*is_usable)(void *self, const ez_endpoint *endpoint))
{
    const address *item = book->contested.port == 0 ? NULL : find(book, &book->contested);
    if (item == NULL || !may_dial(item, now, self, is_usable)) {
        item = pick_from(book, false, rng, now, self, is_usable);
    }
    if (item != NULL) {
        *out = item->endpoint;
    }
    return item != NULL;
}

/* ---- anchors --------------------------------------------------------------------------------- */

static bool is_listed(const ez_endpoint *endpoint, const ez_endpoint *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ez_endpoint_is_equal(&list[i], endpoint)) {
            return true;
        }
    }
    return false;
}

bool ez_book_set_anchors(ez_book *book, const ez_endpoint *list, size_t count)
{
    EZ_ASSERT(count <= EZ_ANCHORS_MAX);
    bool changed = false;
    for (size_t i = 0; i < book->count; i++) {
        const bool anchor = is_listed(&book->all[i]->endpoint, list, count);
        changed |= anchor != book->all[i]->anchor;
        book->all[i]->anchor = anchor;
    }
    return changed;
}

bool ez_book_take_anchor(ez_book *book, ez_endpoint *out)
{
    if (book->first_count == 0) {
        return false;
    }
    *out = book->first[--book->first_count];
    return true;
}

static bool may_tell(const ez_endpoint *endpoint, const ez_endpoint *viewer)
{
    ez_reach reach = ez_endpoint_reach(endpoint);
    ez_reach to = ez_endpoint_reach(viewer);
    switch (reach) {
    case EZ_REACH_PUBLIC:
        return true;
    case EZ_REACH_PRIVATE:
        return to == EZ_REACH_PRIVATE || to == EZ_REACH_LOOPBACK;
    case EZ_REACH_LOOPBACK:
        return to == EZ_REACH_LOOPBACK;
    case EZ_REACH_NONE:
        return false;
    }
    return false;
}

size_t ez_book_sample(const ez_book *book, ez_known_address *out, size_t max,
                      const ez_endpoint *viewer, ez_rng *rng, ez_now now)
{
    size_t written = 0, seen = 0;
    for (size_t i = 0; i < book->count; i++) {
        const address *item = book->all[i];
        if (is_stale(item, now) || !may_tell(&item->endpoint, viewer)) {
            continue;
        }
        seen++; /* reservoir sampling: each address told with the same chance */
        size_t at = written < max ? written++ : (size_t)ez_rng_below(rng, seen);
        if (at < max) {
            uint64_t age_s = now.wall > item->seen ? (now.wall - item->seen) / 1000000 : 0;
            out[at].endpoint = item->endpoint;
            out[at].age_s = age_s > UINT32_MAX ? UINT32_MAX : (uint32_t)age_s;
        }
    }
    return written;
}

size_t ez_book_count(const ez_book *book)
{
    return book->count;
}

void ez_book_encode(const ez_book *book, ez_buffer *out)
{
    ez_buffer_add_u8(out, SNAPSHOT_VERSION);
    ez_buffer_add_u32(out, (uint32_t)book->count);
    for (size_t i = 0; i < book->count; i++) {
        const address *item = book->all[i];
        ez_buffer_add(out, item->endpoint.ip, 16);
        ez_buffer_add_u16(out, item->endpoint.port);
        ez_buffer_add_u8(out, item->anchor ? ANCHOR : item->tried ? TRIED : HEARD_OF);
        ez_buffer_add_u8(out, item->failures);
        ez_buffer_add_u64(out, item->seen);
        ez_buffer_add(out, item->source.ip, 16);
    }
}

static void restore(ez_book *book, ez_reader *reader, ez_now now)
{
    ez_endpoint endpoint = {0}, source = {0};
    ez_reader_copy(reader, endpoint.ip, 16);
    endpoint.port = ez_reader_u16(reader);
    uint8_t standing = ez_reader_u8(reader);
    uint8_t failures = ez_reader_u8(reader);
    ez_wall_us seen = ez_reader_u64(reader);
    ez_reader_copy(reader, source.ip, 16);
    ez_book_add(book, &endpoint, &source, seen, now);
    if (standing != HEARD_OF) {
        ez_book_connected(book, &endpoint, now);
    }
    address *item = find(book, &endpoint);
    if (item != NULL && standing == ANCHOR && book->first_count < EZ_ANCHORS_MAX) {
        item->anchor = true;
        book->first[book->first_count++] = endpoint;
    }
    if (item != NULL) {
        item->seen = seen < now.wall ? seen : now.wall;
        item->failures = failures;
    }
}

ez_status ez_book_decode(ez_book *book, const void *data, size_t size, ez_now now)
{
    enum { ADDRESS_BYTES = 16 + 2 + 1 + 1 + 8 + 16 };
    ez_reader reader;
    ez_reader_init(&reader, data, size);
    uint8_t version = ez_reader_u8(&reader);
    uint32_t count = ez_reader_u32(&reader);
    if (reader.failed || version != SNAPSHOT_VERSION ||
        count > EZ_BOOK_NEW_MAX + EZ_BOOK_TRIED_MAX || size != 5 + (size_t)count * ADDRESS_BYTES) {
        return EZ_ERR_MALFORMED;
    }
    for (uint32_t i = 0; i < count; i++) {
        restore(book, &reader, now);
    }
    book->contested.port = 0; /* what stood in the way then is nothing to go by now */
    return EZ_OK;
}
