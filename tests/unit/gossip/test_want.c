#include "ezp2p/gossip/want.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>
#include <string.h>

#define ANNOUNCERS_MAX 8

static const ez_siphash_key key = {3, 4};

static ez_tx_id id_of(uint64_t number)
{
    ez_tx_id id = {{{0}}};
    memcpy(id.hash.bytes, &number, sizeof(number));
    return id;
}

static ez_link_id peer(uint64_t number)
{
    return (ez_link_id){number};
}

static bool announce(ez_want *want, uint64_t id, uint64_t from)
{
    const ez_tx_id tx = id_of(id);
    return ez_want_announce(want, id, &tx, peer(from), 0);
}

/* The number of the id asked of a peer; UINT64_MAX: none. */
static uint64_t next(ez_want *want, uint64_t of, ez_time_ms now)
{
    ez_want_ask ask;
    if (!ez_want_next(want, &ask, peer(of), now)) {
        return UINT64_MAX;
    }
    if (ask.has_id) {
        const ez_tx_id id = id_of(ask.short_id);
        cr_expect(ez_tx_id_is_equal(&ask.id, &id));
    }
    return ask.short_id;
}

/* ---- one id ---------------------------------------------------------------------------------- */

Test(want, announced_id_is_asked_of_its_announcer_once)
{
    ez_want *const want = ez_want_new(key);
    cr_expect(announce(want, 7, 1));
    cr_expect(ez_want_is_due(want));
    cr_expect_eq(next(want, 2, 0), UINT64_MAX);
    cr_expect_eq(next(want, 1, 0), 7);
    cr_expect_eq(next(want, 1, 0), UINT64_MAX);
    cr_expect(!ez_want_is_due(want));
    cr_expect(ez_want_is_in_flight(want, 7, peer(1)));
    cr_expect(!ez_want_is_in_flight(want, 7, peer(2)));
    cr_expect_eq(ez_want_in_flight(want, peer(1)), 1);
    cr_expect_eq(ez_want_received(want, 7, NULL), 1);
    cr_expect_eq(ez_want_count(want), 0);
    cr_expect_eq(ez_want_in_flight(want, peer(1)), 0);
    ez_want_free(want);
}

Test(want, second_announcer_is_asked_after_timeout)
{
    ez_want *const want = ez_want_new(key);
    announce(want, 7, 1);
    announce(want, 7, 2);
    cr_expect_eq(next(want, 2, 0), UINT64_MAX, "it is the first one's turn");
    cr_expect_eq(next(want, 1, 100), 7);
    cr_expect_eq(ez_want_deadline(want), 100 + EZ_REQUEST_TIMEOUT_MS);
    cr_expect_eq(ez_want_expire(want, 100 + EZ_REQUEST_TIMEOUT_MS - 1), 0);
    cr_expect_eq(ez_want_expire(want, 100 + EZ_REQUEST_TIMEOUT_MS), 1);
    cr_expect_eq(next(want, 2, 5000), 7);
    cr_expect_eq(ez_want_expire(want, 5000 + EZ_REQUEST_TIMEOUT_MS), 1);
    cr_expect_eq(ez_want_count(want), 0, "nobody is left to ask");
    cr_expect_eq(ez_want_deadline(want), EZ_TIME_NEVER);
    ez_want_free(want);
}

Test(want, missing_passes_on_and_only_from_who_was_asked)
{
    ez_want *const want = ez_want_new(key);
    announce(want, 7, 1);
    announce(want, 7, 2);
    ez_want_missing(want, 7, peer(1));
    cr_expect_eq(next(want, 1, 0), 7, "it had not been asked yet");
    ez_want_missing(want, 7, peer(2));
    cr_expect_eq(next(want, 2, 0), UINT64_MAX, "its turn has not come");
    ez_want_missing(want, 7, peer(1));
    cr_expect_eq(next(want, 2, 0), 7);
    ez_want_free(want);
}

Test(want, announcement_buys_one_request)
{
    ez_want *const want = ez_want_new(key);
    announce(want, 7, 1);
    announce(want, 7, 1);
    announce(want, 7, 1);
    cr_expect_eq(next(want, 1, 0), 7);
    ez_want_missing(want, 7, peer(1));
    cr_expect_eq(ez_want_count(want), 0);
    cr_expect(announce(want, 7, 1), "a new one buys another");
    cr_expect_eq(next(want, 1, 0), 7);
    ez_want_free(want);
}

Test(want, requests_of_a_peer_that_goes_pass_on)
{
    ez_want *const want = ez_want_new(key);
    announce(want, 1, 1);
    announce(want, 2, 1);
    announce(want, 2, 2);
    announce(want, 3, 2);
    announce(want, 3, 1);
    next(want, 1, 0);
    ez_want_peer_gone(want, peer(1));
    cr_expect_eq(ez_want_count(want), 2, "the first had no other announcer");
    cr_expect_eq(next(want, 2, 0), 3);
    cr_expect_eq(next(want, 2, 0), 2);
    cr_expect_eq(next(want, 2, 0), UINT64_MAX);
    ez_want_peer_gone(want, peer(9));
    ez_want_peer_gone(want, peer(2));
    cr_expect_eq(ez_want_count(want), 0);
    ez_want_free(want);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

Test(want, announcements_of_a_peer_are_bounded)
{
    ez_want *const want = ez_want_new(key);
    for (uint64_t i = 0; i < EZ_ANNOUNCED_PEER; i++) {
        cr_assert(announce(want, i, 1));
    }
    cr_expect(!announce(want, EZ_ANNOUNCED_PEER, 1));
    cr_expect(announce(want, 0, 1), "a repeat is fine");
    cr_expect(announce(want, EZ_ANNOUNCED_PEER, 2), "and so is another peer");
    cr_expect_eq(ez_want_count(want), EZ_ANNOUNCED_PEER + 1);
    ez_want_received(want, 5, NULL);
    cr_expect(announce(want, EZ_ANNOUNCED_PEER + 1, 1), "one answered makes room for one");
    cr_expect(!announce(want, EZ_ANNOUNCED_PEER + 2, 1));
    ez_want_free(want);
}

Test(want, requests_in_flight_are_bounded)
{
    ez_want *const want = ez_want_new(key);
    for (uint64_t i = 0; i <= EZ_TXS_IN_FLIGHT_PEER; i++) {
        announce(want, i, 1);
    }
    for (uint64_t i = 0; i < EZ_TXS_IN_FLIGHT_PEER; i++) {
        cr_assert_eq(next(want, 1, 0), i);
    }
    cr_expect_eq(next(want, 1, 0), UINT64_MAX);
    cr_expect(ez_want_is_due(want));
    ez_want_received(want, 0, NULL);
    cr_expect_eq(next(want, 1, 0), EZ_TXS_IN_FLIGHT_PEER);
    ez_want_free(want);
}

Test(want, announcers_of_an_id_are_bounded)
{
    ez_want *const want = ez_want_new(key);
    ez_link_id announcers[EZ_WANT_ANNOUNCERS_MAX];
    for (uint64_t i = 1; i <= ANNOUNCERS_MAX; i++) {
        cr_assert(announce(want, 7, i));
    }
    cr_expect(announce(want, 7, ANNOUNCERS_MAX), "a known announcer is fine");
    for (uint64_t i = ANNOUNCERS_MAX + 1; i < 100; i++) {
        announce(want, 7, i);
    }
    cr_expect_eq(ez_want_received(want, 7, announcers), ANNOUNCERS_MAX);
    ez_want_free(want);
}

/* ---- places ---------------------------------------------------------------------------------- */

/* Neither being first nor saying it often buys a place: of 24, each has one of eight in one case of
 * three. */
Test(want, place_among_many_announcers_is_drawn)
{
    enum { PEERS = 24, IDS = 600 };
    ez_want *const want = ez_want_new(key);
    size_t first = 0, last = 0;
    for (uint64_t id = 0; id < IDS; id++) {
        for (int round = 0; round < 5; round++) {
            for (uint64_t of = 1; of < PEERS; of++) {
                announce(want, id, of);
            }
        }
        announce(want, id, PEERS);
        ez_link_id announcers[EZ_WANT_ANNOUNCERS_MAX];
        const size_t count = ez_want_received(want, id, announcers);
        cr_assert_eq(count, ANNOUNCERS_MAX);
        for (size_t i = 0; i < count; i++) {
            first += announcers[i].value == 1;
            last += announcers[i].value == PEERS;
        }
    }
    cr_expect(first > IDS / 4 && first < IDS / 2, "%zu", first);
    cr_expect(last > IDS / 4 && last < IDS / 2, "%zu", last);
    ez_want_free(want);
}

Test(want, peer_of_our_choice_has_a_place_and_is_asked_after_one_failure)
{
    ez_want *const want = ez_want_new(key);
    ez_want_prefer(want, peer(99));
    for (uint64_t of = 1; of <= 50; of++) {
        announce(want, 7, of);
    }
    cr_expect(announce(want, 7, 99));
    ez_time_ms now = 0;
    for (uint64_t of = 1; of <= 50; of++) {
        next(want, of, now);
    }
    now += EZ_REQUEST_TIMEOUT_MS;
    cr_expect_eq(ez_want_expire(want, now), 1);
    cr_expect_eq(next(want, 99, now), 7);
    ez_want_free(want);
}

Test(want, who_let_a_request_time_out_gives_its_place_to_any_other)
{
    ez_want *const want = ez_want_new(key);
    for (uint64_t of = 1; of <= ANNOUNCERS_MAX; of++) {
        announce(want, of, of);
        cr_assert_eq(next(want, of, 0), of);
    }
    cr_assert_eq(ez_want_expire(want, EZ_REQUEST_TIMEOUT_MS), ANNOUNCERS_MAX);
    for (uint64_t id = 100; id < 200; id++) {
        for (uint64_t of = 1; of <= ANNOUNCERS_MAX; of++) {
            announce(want, id, of);
        }
        cr_expect(announce(want, id, 99));
        cr_expect_eq(next(want, 99, 5000), id, "at once");
        ez_want_received(want, id, NULL);
    }
    ez_want_free(want);
}

Test(want, who_let_a_request_time_out_makes_way_for_whoever_announces)
{
    ez_want *const want = ez_want_new(key);
    announce(want, 7, 1);
    cr_assert_eq(next(want, 1, 0), 7);
    cr_assert_eq(ez_want_expire(want, EZ_REQUEST_TIMEOUT_MS), 1);

    announce(want, 8, 1); /* first again */
    cr_expect_eq(next(want, 1, 5000), 8);
    announce(want, 8, 2);
    cr_expect_eq(next(want, 2, 5001), 8, "at once");
    cr_expect_eq(ez_want_in_flight(want, peer(1)), 0);
    cr_expect_eq(ez_want_received(want, 8, NULL), 1, "its announcement had bought a request");

    announce(want, 9, 1); /* from nobody else: it is asked, and delivers */
    cr_expect_eq(next(want, 1, 6000), 9);
    ez_want_received(want, 9, NULL);
    announce(want, 10, 1);
    announce(want, 10, 2);
    cr_expect_eq(next(want, 2, 6001), UINT64_MAX, "so it has its turn again");
    cr_expect_eq(next(want, 1, 6001), 10);
    ez_want_free(want);
}

/* ---- the naive twin -------------------------------------------------------------------------- */

enum { TWIN_IDS = 60, TWIN_PEERS = 12, TWIN_PREFERRED = 2 };

typedef struct twin_id {
    uint64_t announcers[ANNOUNCERS_MAX];
    size_t count;
    bool flying;
    ez_time_ms asked;
    uint64_t queued; /* order in which its turn with announcers[0] came */
} twin_id;

typedef struct twin {
    twin_id ids[TWIN_IDS];
    bool failing[TWIN_PEERS + 1];
    uint64_t turns;
} twin;

static unsigned twin_rank(const twin *model, uint64_t of)
{
    return model->failing[of] ? 0 : of > TWIN_PEERS - TWIN_PREFERRED ? 2 : 1;
}

static uint64_t twin_lot(size_t number, uint64_t of)
{
    const uint64_t both[] = {number, of};
    return ez_siphash(&key, both, sizeof(both));
}

/* Whether `a` rather than `b` keeps a place. */
static bool twin_stays(const twin *model, size_t number, uint64_t a, uint64_t b)
{
    const unsigned rank_a = twin_rank(model, a), rank_b = twin_rank(model, b);
    return rank_a != rank_b ? rank_a > rank_b : twin_lot(number, a) < twin_lot(number, b);
}

static void twin_remove(twin_id *id, size_t at)
{
    id->count--;
    memmove(id->announcers + at, id->announcers + at + 1,
            (id->count - at) * sizeof(id->announcers[0]));
}

static bool twin_make_room(twin *model, size_t number, uint64_t from)
{
    twin_id *const id = &model->ids[number];
    size_t worst = id->flying ? 1 : 0;
    for (size_t i = worst + 1; i < id->count; i++) {
        if (twin_stays(model, number, id->announcers[worst], id->announcers[i])) {
            worst = i;
        }
    }
    if (!twin_stays(model, number, from, id->announcers[worst])) {
        return false;
    }
    twin_remove(id, worst);
    if (worst == 0) {
        id->queued = ++model->turns;
    }
    return true;
}

static void twin_pass_on(twin *model, twin_id *id)
{
    size_t best = 0;
    id->flying = false;
    twin_remove(id, 0);
    for (size_t i = 1; i < id->count; i++) {
        best =
            twin_rank(model, id->announcers[i]) > twin_rank(model, id->announcers[best]) ? i : best;
    }
    if (id->count > 0) {
        const uint64_t next_one = id->announcers[best];
        twin_remove(id, best);
        memmove(id->announcers + 1, id->announcers, id->count * sizeof(id->announcers[0]));
        id->announcers[0] = next_one;
        id->count++;
    }
    id->queued = ++model->turns;
}

static void twin_announce(twin *model, size_t number, uint64_t from)
{
    twin_id *const id = &model->ids[number];
    for (size_t i = 0; i < id->count; i++) {
        if (id->announcers[i] == from) {
            return;
        }
    }
    if (id->count == ANNOUNCERS_MAX && !twin_make_room(model, number, from)) {
        return;
    }
    if (id->count > 0 && model->failing[id->announcers[0]] && !model->failing[from]) {
        const size_t kept = id->flying ? 1 : 0; /* who was asked had its turn */
        id->count -= kept;
        memmove(id->announcers + 1, id->announcers + kept, id->count * sizeof(id->announcers[0]));
        id->announcers[0] = from;
        id->count++;
        id->flying = false;
        id->queued = ++model->turns;
        return;
    }
    if (id->count == 0) {
        id->queued = ++model->turns;
    }
    id->announcers[id->count++] = from;
}

static uint64_t twin_next(twin *model, uint64_t of, ez_time_ms now)
{
    size_t best = TWIN_IDS;
    for (size_t i = 0; i < TWIN_IDS; i++) {
        const twin_id *const id = &model->ids[i];
        const bool waits = id->count > 0 && !id->flying && id->announcers[0] == of;
        if (waits && (best == TWIN_IDS || id->queued < model->ids[best].queued)) {
            best = i;
        }
    }
    if (best == TWIN_IDS) {
        return UINT64_MAX;
    }
    model->ids[best].flying = true;
    model->ids[best].asked = now;
    return best;
}

static size_t twin_expire(twin *model, ez_time_ms now)
{
    size_t expired = 0;
    for (;;) { /* oldest request first, as their turns elsewhere follow from it */
        size_t oldest = TWIN_IDS;
        for (size_t i = 0; i < TWIN_IDS; i++) {
            const twin_id *const id = &model->ids[i];
            if (id->count > 0 && id->flying && now >= id->asked + EZ_REQUEST_TIMEOUT_MS &&
                (oldest == TWIN_IDS || id->asked < model->ids[oldest].asked)) {
                oldest = i;
            }
        }
        if (oldest == TWIN_IDS) {
            return expired;
        }
        model->failing[model->ids[oldest].announcers[0]] = true;
        twin_pass_on(model, &model->ids[oldest]);
        expired++;
    }
}

/* What the structure's order of hash iteration decides is made equal by going through the peers
 * that go in the order in which their ids became known; here: by comparing sets, not orders. */
static size_t twin_count(const twin *model)
{
    size_t count = 0;
    for (size_t i = 0; i < TWIN_IDS; i++) {
        count += model->ids[i].count > 0;
    }
    return count;
}

static uint32_t twin_in_flight(const twin *model, uint64_t of)
{
    uint32_t count = 0;
    for (size_t i = 0; i < TWIN_IDS; i++) {
        count +=
            model->ids[i].count > 0 && model->ids[i].flying && model->ids[i].announcers[0] == of;
    }
    return count;
}

static void compare(const ez_want *want, const twin *model, int step)
{
    ez_time_ms deadline = EZ_TIME_NEVER;
    bool due = false;
    cr_assert_eq(ez_want_count(want), twin_count(model), "step %d", step);
    for (uint64_t p = 1; p <= TWIN_PEERS; p++) {
        cr_assert_eq(ez_want_in_flight(want, peer(p)), twin_in_flight(model, p), "step %d", step);
    }
    for (size_t i = 0; i < TWIN_IDS; i++) {
        const twin_id *const id = &model->ids[i];
        due |= id->count > 0 && !id->flying;
        if (id->count > 0 && id->flying && id->asked + EZ_REQUEST_TIMEOUT_MS < deadline) {
            deadline = id->asked + EZ_REQUEST_TIMEOUT_MS;
        }
    }
    cr_assert_eq(ez_want_is_due(want), due, "step %d", step);
    cr_assert_eq(ez_want_deadline(want), deadline, "step %d", step);
}

static void twin_step(ez_want *want, twin *model, ez_rng *rng, ez_time_ms *now)
{
    const uint64_t from = 1 + ez_rng_below(rng, TWIN_PEERS);
    const size_t number = (size_t)ez_rng_below(rng, TWIN_IDS);
    twin_id *const mirror = &model->ids[number];
    *now += ez_rng_below(rng, 3) == 0 ? 1 + ez_rng_below(rng, 400) : 1; /* no two asked at once */
    switch (ez_rng_below(rng, 12)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        announce(want, number, from);
        twin_announce(model, number, from);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        cr_assert_eq(next(want, from, *now), twin_next(model, from, *now));
        break;
    case 9:
        ez_want_received(want, number, NULL);
        if (mirror->count > 0 && mirror->flying) {
            model->failing[mirror->announcers[0]] = false;
        }
        mirror->count = 0;
        mirror->flying = false;
        break;
    case 10:
        if (mirror->count > 0 && mirror->flying && mirror->announcers[0] == from) {
            twin_pass_on(model, mirror);
        }
        ez_want_missing(want, number, peer(from));
        break;
    default:
        cr_assert_eq(ez_want_expire(want, *now), twin_expire(model, *now));
        break;
    }
}

Test(want, behaves_as_its_naive_twin)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        const uint8_t bytes[16] = {(uint8_t)seed, 'w'};
        ez_rng rng;
        twin model = {0};
        ez_time_ms now = 0;
        ez_want *const want = ez_want_new(key);
        ez_rng_init(&rng, bytes);
        for (uint64_t p = TWIN_PEERS - TWIN_PREFERRED + 1; p <= TWIN_PEERS; p++) {
            ez_want_prefer(want, peer(p));
        }
        for (int step = 0; step < 3000; step++) {
            twin_step(want, &model, &rng, &now);
            compare(want, &model, step);
        }
        ez_want_free(want);
    }
}

/* ---- hints ----------------------------------------------------------------------------------- */

static bool hint(ez_want *want, uint64_t id, uint64_t from, ez_time_ms due)
{
    return ez_want_announce(want, id, NULL, peer(from), due);
}

Test(want, hinted_transaction_has_time_to_come_by_itself)
{
    ez_want *const want = ez_want_new(key);
    cr_expect(hint(want, 7, 1, 250));
    cr_expect_eq(ez_want_deadline(want), 250);
    ez_want_expire(want, 249);
    cr_expect(!ez_want_is_due(want));
    ez_want_expire(want, 250);
    ez_want_ask ask;
    cr_assert(ez_want_next(want, &ask, peer(1), 250));
    cr_expect(!ask.has_id);
    cr_expect_eq(ask.short_id, 7);
    cr_expect(hint(want, 8, 1, 500));
    ez_want_received(want, 8, NULL);
    cr_expect_eq(ez_want_deadline(want), 250 + EZ_REQUEST_TIMEOUT_MS, "nothing to be patient for");
    ez_want_free(want);
}

Test(want, patience_ends_in_its_order)
{
    ez_want *const want = ez_want_new(key);
    hint(want, 1, 1, 300);
    hint(want, 2, 1, 100);
    hint(want, 3, 1, 200);
    hint(want, 4, 1, 200);
    ez_want_expire(want, 200);
    cr_expect_eq(next(want, 1, 200), 2);
    cr_expect_eq(next(want, 1, 200), 3);
    cr_expect_eq(next(want, 1, 200), 4);
    cr_expect_eq(next(want, 1, 200), UINT64_MAX);
    cr_expect_eq(ez_want_expire(want, 300), 0);
    cr_expect_eq(next(want, 1, 300), 1);
    ez_want_free(want);
}

Test(want, an_id_ends_the_patience_and_is_asked_of_the_hinter_too)
{
    ez_want *const want = ez_want_new(key);
    hint(want, 7, 1, 250);
    announce(want, 7, 2);
    cr_expect_eq(ez_want_count(want), 1, "both mean the same transaction");
    ez_want_ask ask;
    cr_assert(ez_want_next(want, &ask, peer(1), 0));
    cr_expect(ask.has_id);
    ez_link_id announcers[EZ_WANT_ANNOUNCERS_MAX];
    cr_expect_eq(ez_want_received(want, 7, announcers), 2);
    cr_expect_eq(announcers[0].value, 1);
    cr_expect_eq(announcers[1].value, 2);
    ez_want_free(want);
}

Test(want, hinter_that_goes_leaves_the_patience_to_the_next)
{
    ez_want *const want = ez_want_new(key);
    hint(want, 7, 1, 250);
    hint(want, 7, 2, 260);
    ez_want_peer_gone(want, peer(1));
    cr_expect_eq(ez_want_deadline(want), 250);
    ez_want_expire(want, 250);
    cr_expect_eq(next(want, 2, 250), 7);
    ez_want_peer_gone(want, peer(2));
    cr_expect_eq(ez_want_count(want), 0);
    ez_want_free(want);
}

/* Many hint at much, and the first of them go: what waits keeps its place, whatever came behind it.
 * Were a place looked for among all that waits, this would take minutes. */
Test(want, patience_keeps_its_place_when_a_hinter_goes)
{
    enum { GOING = 20, STAYING = 200 };
    ez_want *const want = ez_want_new(key);
    for (uint64_t i = 0; i < (GOING + STAYING) * EZ_ANNOUNCED_PEER; i++) {
        const uint64_t from = i / EZ_ANNOUNCED_PEER;
        cr_assert(hint(want, i, from, from < GOING ? 250 : 260));
        if (from < GOING) {
            cr_assert(hint(want, i, GOING + STAYING + from, 255));
        }
    }
    for (uint64_t from = 0; from < GOING; from++) {
        ez_want_peer_gone(want, peer(from));
    }
    cr_expect_eq(ez_want_count(want), (GOING + STAYING) * EZ_ANNOUNCED_PEER);
    ez_want_expire(want, 250);
    cr_expect_eq(next(want, GOING + STAYING, 250), 0);
    cr_expect_eq(next(want, GOING, 250), UINT64_MAX);
    ez_want_free(want);
}

/* Peers that go: the turns of what they were asked for come in an order that is the structure's
 * own, so each step only looks at what is held, and drains every peer at the end. */
Test(want, peers_that_go_leave_nothing_behind)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        const uint8_t bytes[16] = {(uint8_t)seed, 'g'};
        ez_rng rng;
        ez_want *const want = ez_want_new(key);
        ez_rng_init(&rng, bytes);
        for (ez_time_ms now = 0; now < 3000; now++) {
            const uint64_t from = 1 + ez_rng_below(&rng, TWIN_PEERS);
            const uint64_t what = ez_rng_below(&rng, 20);
            if (what == 0) {
                ez_want_peer_gone(want, peer(from));
                cr_assert_eq(ez_want_in_flight(want, peer(from)), 0);
                cr_assert_eq(next(want, from, now), UINT64_MAX);
            } else if (what < 12) {
                announce(want, ez_rng_below(&rng, TWIN_IDS), from);
            } else {
                next(want, from, now);
            }
        }
        for (uint64_t p = 1; p <= TWIN_PEERS; p++) {
            ez_want_peer_gone(want, peer(p));
        }
        cr_assert_eq(ez_want_count(want), 0);
        cr_assert(!ez_want_is_due(want));
        cr_assert_eq(ez_want_deadline(want), EZ_TIME_NEVER);
        ez_want_free(want);
    }
}
