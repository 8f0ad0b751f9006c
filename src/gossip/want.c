#include "ezp2p/gossip/want.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include "hash_internal.h"

#include <stdlib.h>
#include <utlist.h>

#define ANNOUNCERS_MAX 8

typedef struct entry entry;

/* A peer's part: the ids whose turn it is to be asked of it. */
typedef struct asker {
    uint64_t link;
    entry *queue; /* utlist, linked by queue_prev, queue_next */
    uint32_t announced;
    uint32_t in_flight;
    UT_hash_handle hh;
} asker;

/* An announced id. announcers[0] is the one whose turn it is; it waits in that peer's queue until
 * it is asked, then in the flight list until it is answered. */
struct entry {
    ez_tx_id id;
    uint64_t announcers[ANNOUNCERS_MAX];
    uint32_t announcer_count;
    bool flying;
    ez_time_ms asked_at;
    entry *prev, *next; /* in the asker's queue, or in the flight list */
    UT_hash_handle hh;
};

struct ez_want {
    ez_siphash_key key;
    entry *entries;
    asker *askers;
    entry *flight; /* oldest first: the time-out is the same for all */
    size_t queued;
};

ez_want *ez_want_new(ez_siphash_key key)
{
    ez_want *want = ez_alloc(1, sizeof(*want));
    want->key = key;
    return want;
}

void ez_want_free(ez_want *want)
{
    if (want == NULL) {
        return;
    }
    entry *item, *next_item;
    HASH_ITER (hh, want->entries, item, next_item) {
        HASH_DEL(want->entries, item);
        free(item);
    }
    asker *peer, *next_peer;
    HASH_ITER (hh, want->askers, peer, next_peer) {
        HASH_DEL(want->askers, peer);
        free(peer);
    }
    free(want);
}

static entry *find_entry(const ez_want *want, const ez_tx_id *id)
{
    entry *item = NULL;
    if (want->entries == NULL) {
        return NULL; /* as for most transactions of most blocks: no hash need be computed */
    }
    unsigned hash = ez_table_hash(&want->key, id, sizeof(*id));
    HASH_FIND_BYHASHVALUE(hh, want->entries, id, sizeof(*id), hash, item);
    return item;
}

static asker *find_asker(const ez_want *want, uint64_t link)
{
    asker *peer = NULL;
    HASH_FIND(hh, want->askers, &link, sizeof(link), peer);
    return peer;
}

static asker *get_asker(ez_want *want, uint64_t link)
{
    asker *peer = find_asker(want, link);
    if (peer == NULL) {
        peer = ez_alloc(1, sizeof(*peer));
        peer->link = link;
        HASH_ADD(hh, want->askers, link, sizeof(link), peer);
    }
    return peer;
}

static void enqueue(ez_want *want, entry *item)
{
    asker *peer = find_asker(want, item->announcers[0]);
    EZ_ASSERT(peer != NULL);
    DL_APPEND(peer->queue, item);
    want->queued++;
}

/* Take an entry out of the list it waits in. */
static void dequeue(ez_want *want, entry *item)
{
    asker *peer = find_asker(want, item->announcers[0]);
    EZ_ASSERT(peer != NULL);
    if (item->flying) {
        DL_DELETE(want->flight, item);
        item->flying = false;
        peer->in_flight--;
    } else {
        DL_DELETE(peer->queue, item);
        want->queued--;
    }
}

static void drop_announcer(ez_want *want, entry *item, uint32_t at)
{
    asker *peer = find_asker(want, item->announcers[at]);
    EZ_ASSERT(peer != NULL && peer->announced > 0);
    peer->announced--;
    item->announcer_count--;
    memmove(&item->announcers[at], &item->announcers[at + 1],
            (item->announcer_count - at) * sizeof(item->announcers[0]));
}

static void forget(ez_want *want, entry *item)
{
    while (item->announcer_count > 0) {
        drop_announcer(want, item, item->announcer_count - 1);
    }
    HASH_DEL(want->entries, item);
    free(item);
}

/* The announcer whose turn it was failed: the next one's turn, or nobody's. */
static void pass_on(ez_want *want, entry *item)
{
    dequeue(want, item);
    drop_announcer(want, item, 0);
    if (item->announcer_count == 0) {
        forget(want, item);
    } else {
        enqueue(want, item);
    }
}

bool ez_want_announce(ez_want *want, const ez_tx_id *id, ez_link_id peer)
{
    asker *source = get_asker(want, peer.value);
    entry *item = find_entry(want, id);
    if (item != NULL) {
        for (uint32_t i = 0; i < item->announcer_count; i++) {
            if (item->announcers[i] == peer.value) {
                return true;
            }
        }
    }
    if (source->announced >= EZ_ANNOUNCED_PEER ||
        (item != NULL && item->announcer_count == ANNOUNCERS_MAX)) {
        return false;
    }
    source->announced++;
    if (item != NULL) {
        item->announcers[item->announcer_count++] = peer.value;
        return true;
    }
    item = ez_alloc(1, sizeof(*item));
    item->id = *id;
    item->announcers[0] = peer.value;
    item->announcer_count = 1;
    unsigned hash = ez_table_hash(&want->key, id, sizeof(*id));
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, want->entries, &item->id, sizeof(item->id), hash, item);
    enqueue(want, item);
    return true;
}

bool ez_want_next(ez_want *want, ez_tx_id *out, ez_link_id peer, ez_time_ms now)
{
    asker *source = find_asker(want, peer.value);
    if (source == NULL || source->queue == NULL || source->in_flight >= EZ_TXS_IN_FLIGHT_PEER) {
        return false;
    }
    entry *item = source->queue;
    dequeue(want, item);
    item->flying = true;
    item->asked_at = now;
    source->in_flight++;
    DL_APPEND(want->flight, item);
    *out = item->id;
    return true;
}

void ez_want_received(ez_want *want, const ez_tx_id *id)
{
    entry *item = find_entry(want, id);
    if (item != NULL) {
        dequeue(want, item);
        forget(want, item);
    }
}

bool ez_want_is_in_flight(const ez_want *want, const ez_tx_id *id, ez_link_id peer)
{
    const entry *item = find_entry(want, id);
    return item != NULL && item->flying && item->announcers[0] == peer.value;
}

void ez_want_missing(ez_want *want, const ez_tx_id *id, ez_link_id peer)
{
    if (ez_want_is_in_flight(want, id, peer)) {
        pass_on(want, find_entry(want, id));
    }
}

void ez_want_peer_gone(ez_want *want, ez_link_id peer)
{
    asker *source = find_asker(want, peer.value);
    if (source == NULL) {
        return;
    }
    entry *item, *next;
    HASH_ITER (hh, want->entries, item, next) {
        if (item->announcers[0] == peer.value) {
            pass_on(want, item);
            continue;
        }
        for (uint32_t i = 1; i < item->announcer_count; i++) {
            if (item->announcers[i] == peer.value) {
                drop_announcer(want, item, i);
                break;
            }
        }
    }
    EZ_ASSERT(source->announced == 0 && source->in_flight == 0);
    HASH_DEL(want->askers, source);
    free(source);
}

size_t ez_want_expire(ez_want *want, ez_time_ms now)
{
    size_t count = 0;
    while (want->flight != NULL && now >= want->flight->asked_at + EZ_REQUEST_TIMEOUT_MS) {
        pass_on(want, want->flight);
        count++;
    }
    return count;
}

ez_time_ms ez_want_deadline(const ez_want *want)
{
    return want->flight == NULL ? EZ_TIME_NEVER : want->flight->asked_at + EZ_REQUEST_TIMEOUT_MS;
}

bool ez_want_is_due(const ez_want *want)
{
    return want->queued > 0;
}

size_t ez_want_count(const ez_want *want)
{
    return HASH_COUNT(want->entries);
}

uint32_t ez_want_in_flight(const ez_want *want, ez_link_id peer)
{
    const asker *source = find_asker(want, peer.value);
    return source == NULL ? 0 : source->in_flight;
}

uint32_t ez_want_in_flight_most(const ez_want *want)
{
    uint32_t most = 0;
    for (const asker *item = want->askers; item != NULL; item = item->hh.next) {
        most = item->in_flight > most ? item->in_flight : most;
    }
    return most;
}
