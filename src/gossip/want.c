#include "ezp2p/gossip/want.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include "hash_internal.h"

#include <stdlib.h>
#include <utlist.h>

typedef struct entry entry;

/* A peer's part: what it is its turn to be asked for. */
typedef struct asker {
    uint64_t link;
    entry *queue; /* utlist */
    uint32_t announced;
    uint32_t in_flight;
    bool failing;   /* the last request of it that ended did so by its time-out */
    bool preferred; /* ez_want_prefer */
    UT_hash_handle hh;
} asker;

typedef enum entry_place {
    PATIENT, /* in the list of those that may still come by themselves */
    QUEUED,  /* in the queue of the peer whose turn it is */
    FLYING,  /* in the flight list: asked, not answered */
} entry_place;

/* An announced transaction. announcers[0] is the peer whose turn it is. */
struct entry {
    uint64_t short_id;
    ez_tx_id id;
    bool has_id;
    entry_place place;
    uint32_t announcer_count;
    uint64_t announcers[EZ_WANT_ANNOUNCERS_MAX];
    ez_time_ms since;   /* PATIENT: until when; FLYING: asked when */
    entry *prev, *next; /* in the list where it is */
    UT_hash_handle hh;
};

struct ez_want {
    ez_siphash_key key;
    entry *entries;
    asker *askers;
    entry *patient; /* soonest first */
    entry *flight;  /* oldest first: the time-out is the same for all */
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

static entry *find_entry(const ez_want *want, uint64_t short_id)
{
    entry *item = NULL;
    if (want->entries == NULL) {
        return NULL; /* as for most transactions of most blocks: no hash need be computed */
    }
    unsigned hash = ez_table_hash(&want->key, &short_id, sizeof(short_id));
    HASH_FIND_BYHASHVALUE(hh, want->entries, &short_id, sizeof(short_id), hash, item);
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
    item->place = QUEUED;
    DL_APPEND(peer->queue, item);
    want->queued++;
}

/* Patience is the same for most, so its end is nearly always the latest. */
static void wait_until(ez_want *want, entry *item, ez_time_ms due)
{
    entry *before = want->patient == NULL ? NULL : want->patient->prev;
    item->place = PATIENT;
    item->since = due;
    while (before != NULL && before->since > due) {
        before = before == want->patient ? NULL : before->prev;
    }
    if (before == NULL) {
        DL_PREPEND(want->patient, item);
    } else {
        DL_APPEND_ELEM(want->patient, before, item);
    }
}

/* Take an entry out of the list it waits in. */
static void dequeue(ez_want *want, entry *item)
{
    asker *peer = find_asker(want, item->announcers[0]);
    EZ_ASSERT(peer != NULL);
    switch (item->place) {
    case PATIENT:
        DL_DELETE(want->patient, item);
        break;
    case QUEUED:
        DL_DELETE(peer->queue, item);
        want->queued--;
        break;
    case FLYING:
        DL_DELETE(want->flight, item);
        peer->in_flight--;
        break;
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

/* ---- who comes first, and who has a place -----------------------------------------------------
 */

static unsigned rank(const asker *peer)
{
    return peer->failing ? 0 : peer->preferred ? 2 : 1;
}

/* Drawn for each announcer of each transaction: the smaller stays. Peers cannot know it, and saying
 * something twice draws the same again. */
static uint64_t lot(const ez_want *want, const entry *item, uint64_t link)
{
    const uint64_t both[2] = {item->short_id, link};
    return ez_siphash(&want->key, both, sizeof(both));
}

/* The announcer of a full entry with the least claim to its place, but for who is being asked. */
static uint32_t weakest(const ez_want *want, const entry *item)
{
    uint32_t found = item->announcer_count;
    unsigned found_rank = 0;
    uint64_t found_lot = 0;
    for (uint32_t i = item->place == FLYING ? 1 : 0; i < item->announcer_count; i++) {
        const unsigned own_rank = rank(find_asker(want, item->announcers[i]));
        const uint64_t own_lot = lot(want, item, item->announcers[i]);
        if (found == item->announcer_count || own_rank < found_rank ||
            (own_rank == found_rank && own_lot > found_lot)) {
            found = i;
            found_rank = own_rank;
            found_lot = own_lot;
        }
    }
    return found;
}

/* Make room in a full entry for `source`; false when everyone in it has as good a claim. */
static bool make_room(ez_want *want, entry *item, const asker *source)
{
    const uint32_t at = weakest(want, item);
    const unsigned its_rank = rank(find_asker(want, item->announcers[at]));
    if (rank(source) < its_rank ||
        (rank(source) == its_rank &&
         lot(want, item, source->link) >= lot(want, item, item->announcers[at]))) {
        return false;
    }
    const bool had_turn = at == 0 && item->place == QUEUED;
    if (had_turn) {
        dequeue(want, item);
    }
    drop_announcer(want, item, at);
    if (had_turn) {
        enqueue(want, item);
    }
    return true;
}

/* The first of those with the highest rank goes to the front. */
static void put_best_first(const ez_want *want, entry *item)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < item->announcer_count; i++) {
        if (rank(find_asker(want, item->announcers[i])) >
            rank(find_asker(want, item->announcers[best]))) {
            best = i;
        }
    }
    const uint64_t link = item->announcers[best];
    memmove(&item->announcers[1], &item->announcers[0], best * sizeof(item->announcers[0]));
    item->announcers[0] = link;
}

/* The announcer whose turn it was failed: the next one's turn, or nobody's. Patience goes on where
 * it stands, whoever will be asked. */
static void pass_on(ez_want *want, entry *item)
{
    const bool stays = item->place == PATIENT && item->announcer_count > 1;
    if (!stays) {
        dequeue(want, item);
    }
    drop_announcer(want, item, 0);
    if (item->announcer_count == 0) {
        forget(want, item);
    } else if (!stays) {
        put_best_first(want, item);
        enqueue(want, item);
    }
}

static bool is_announcer(const entry *item, uint64_t link)
{
    for (uint32_t i = 0; i < item->announcer_count; i++) {
        if (item->announcers[i] == link) {
            return true;
        }
    }
    return false;
}

/* Ask who just announced, not who was asked or is about to be and failed to deliver lately: a peer
 * with a fast link that announces everything first and delivers nothing would else hold up each
 * transaction for a time-out. */
static void overtake(ez_want *want, entry *item, uint64_t link)
{
    const bool asked = item->place == FLYING;
    dequeue(want, item);
    if (asked) {
        drop_announcer(want, item, 0); /* an announcement buys one request */
    }
    memmove(&item->announcers[1], &item->announcers[0],
            item->announcer_count * sizeof(item->announcers[0]));
    item->announcers[0] = link;
    item->announcer_count++;
    enqueue(want, item);
}

static void learn_id(ez_want *want, entry *item, const ez_tx_id *id)
{
    item->has_id = true;
    item->id = *id;
    if (item->place == PATIENT) {
        dequeue(want, item);
        enqueue(want, item);
    }
}

static void add_entry(ez_want *want, uint64_t short_id, const ez_tx_id *id, uint64_t link,
                      ez_time_ms due)
{
    entry *item = ez_alloc(1, sizeof(*item));
    item->short_id = short_id;
    item->announcers[0] = link;
    item->announcer_count = 1;
    unsigned hash = ez_table_hash(&want->key, &short_id, sizeof(short_id));
    HASH_ADD_BYHASHVALUE(hh, want->entries, short_id, sizeof(item->short_id), hash, item);
    if (id != NULL) {
        item->has_id = true;
        item->id = *id;
        enqueue(want, item);
    } else {
        wait_until(want, item, due);
    }
}

void ez_want_prefer(ez_want *want, ez_link_id peer)
{
    get_asker(want, peer.value)->preferred = true;
}

bool ez_want_announce(ez_want *want, uint64_t short_id, const ez_tx_id *id, ez_link_id peer,
                      ez_time_ms due)
{
    asker *source = get_asker(want, peer.value);
    entry *item = find_entry(want, short_id);
    const bool repeats = item != NULL && is_announcer(item, peer.value);
    const bool full = item != NULL && item->announcer_count == EZ_WANT_ANNOUNCERS_MAX;
    if (!repeats &&
        (source->announced >= EZ_ANNOUNCED_PEER || (full && !make_room(want, item, source)))) {
        return false;
    }
    if (!repeats) {
        source->announced++;
    }
    if (item == NULL) {
        add_entry(want, short_id, id, peer.value, due);
        return true;
    }
    if (!repeats && item->place != PATIENT && !source->failing &&
        find_asker(want, item->announcers[0])->failing) {
        overtake(want, item, peer.value);
    } else if (!repeats) {
        item->announcers[item->announcer_count++] = peer.value;
    }
    if (id != NULL && !item->has_id) {
        learn_id(want, item, id);
    }
    return true;
}

bool ez_want_next(ez_want *want, ez_want_ask *out, ez_link_id peer, ez_time_ms now)
{
    asker *source = find_asker(want, peer.value);
    if (source == NULL || source->queue == NULL || source->in_flight >= EZ_TXS_IN_FLIGHT_PEER) {
        return false;
    }
    entry *item = source->queue;
    dequeue(want, item);
    item->place = FLYING;
    item->since = now;
    source->in_flight++;
    DL_APPEND(want->flight, item);
    *out = (ez_want_ask){item->short_id, item->has_id, item->id};
    return true;
}

size_t ez_want_received(ez_want *want, uint64_t short_id,
                        ez_link_id announcers[EZ_WANT_ANNOUNCERS_MAX])
{
    entry *item = find_entry(want, short_id);
    if (item == NULL) {
        return 0;
    }
    const size_t count = item->announcer_count;
    for (size_t i = 0; announcers != NULL && i < count; i++) {
        announcers[i] = (ez_link_id){item->announcers[i]};
    }
    if (item->place == FLYING) {
        find_asker(want, item->announcers[0])->failing = false;
    }
    dequeue(want, item);
    forget(want, item);
    return count;
}

bool ez_want_is_in_flight(const ez_want *want, uint64_t short_id, ez_link_id peer)
{
    const entry *item = find_entry(want, short_id);
    return item != NULL && item->place == FLYING && item->announcers[0] == peer.value;
}

void ez_want_missing(ez_want *want, uint64_t short_id, ez_link_id peer)
{
    if (ez_want_is_in_flight(want, short_id, peer)) {
        pass_on(want, find_entry(want, short_id));
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

static ez_time_ms flight_ends(const entry *item)
{
    return item->since + EZ_REQUEST_TIMEOUT_MS;
}

size_t ez_want_expire(ez_want *want, ez_time_ms now)
{
    size_t count = 0;
    while (want->patient != NULL && now >= want->patient->since) {
        entry *item = want->patient;
        dequeue(want, item);
        enqueue(want, item);
    }
    while (want->flight != NULL && now >= flight_ends(want->flight)) {
        find_asker(want, want->flight->announcers[0])->failing = true;
        pass_on(want, want->flight);
        count++;
    }
    return count;
}

ez_time_ms ez_want_deadline(const ez_want *want)
{
    ez_time_ms deadline = want->flight == NULL ? EZ_TIME_NEVER : flight_ends(want->flight);
    if (want->patient != NULL && want->patient->since < deadline) {
        deadline = want->patient->since;
    }
    return deadline;
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
