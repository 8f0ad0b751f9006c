#include "ezp2p/gossip/fetch.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/base/rng.h"

#include <criterion/criterion.h>
#include <string.h>

static ez_block_id id_of(uint64_t height)
{
    ez_block_id id = {{{0}}};
    memcpy(id.hash.bytes, &height, sizeof(height));
    return id;
}

static ez_link_id peer(uint64_t number)
{
    return (ez_link_id){number};
}

/* A window of `count` slots from height 2 on. */
static ez_fetch *window(size_t count)
{
    ez_fetch *const fetch = ez_fetch_new();
    ez_fetch_reset(fetch, 2);
    for (size_t i = 0; i < count; i++) {
        const ez_block_id id = id_of(2 + i);
        ez_fetch_append(fetch, &id);
    }
    return fetch;
}

/* The height asked of a peer; 0: none. */
static uint64_t next(ez_fetch *fetch, uint64_t of, uint64_t common, ez_time_ms now)
{
    ez_block_id id;
    uint64_t height = 0;
    if (!ez_fetch_next(fetch, &id, &height, peer(of), common, now)) {
        return 0;
    }
    const ez_block_id wanted = id_of(height);
    cr_assert(ez_block_id_is_equal(&id, &wanted));
    return height;
}

Test(fetch, slots_are_asked_for_from_the_lowest_up)
{
    ez_fetch *const fetch = window(4);
    cr_expect_eq(next(fetch, 1, 5, 0), 2);
    cr_expect_eq(next(fetch, 2, 5, 0), 3);
    cr_expect_eq(next(fetch, 1, 4, 0), 4);
    cr_expect_eq(next(fetch, 1, 4, 0), 0, "its chain does not agree above");
    cr_expect_eq(next(fetch, 1, 5, 0), 5);
    cr_expect_eq(next(fetch, 1, 5, 0), 0);
    cr_expect_eq(ez_fetch_asked(fetch, 3).value, 2);
    cr_expect_eq(ez_fetch_in_flight(fetch, peer(1)), 3);
    cr_expect_eq(ez_fetch_in_flight_all(fetch), 4);
    ez_fetch_free(fetch);
}

Test(fetch, arrived_slots_are_popped_in_order)
{
    ez_fetch *const fetch = window(3);
    const ez_block_id first = id_of(2), second = id_of(3);
    next(fetch, 1, 9, 0);
    next(fetch, 1, 9, 0);
    ez_fetch_here(fetch, 3);
    cr_expect(!ez_fetch_is_here(fetch, 2));
    ez_fetch_here(fetch, 2);
    cr_expect_eq(ez_fetch_in_flight_all(fetch), 0);
    cr_expect(ez_fetch_has(fetch, &first, 2));
    ez_fetch_pop(fetch);
    cr_expect_eq(ez_fetch_begin(fetch), 3);
    cr_expect(!ez_fetch_has(fetch, &first, 2));
    cr_expect(ez_fetch_has(fetch, &second, 3));
    cr_expect(!ez_fetch_has(fetch, &first, 3));
    ez_fetch_pop(fetch);
    cr_expect_eq(next(fetch, 1, 9, 0), 4);
    ez_fetch_free(fetch);
}

Test(fetch, body_from_anyone_ends_the_request)
{
    ez_fetch *const fetch = window(2);
    next(fetch, 1, 9, 0);
    ez_fetch_here(fetch, 2);
    ez_fetch_here(fetch, 3); /* was not even asked for */
    cr_expect_eq(ez_fetch_in_flight(fetch, peer(1)), 0);
    cr_expect_eq(next(fetch, 1, 9, 0), 0);
    ez_fetch_free(fetch);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

Test(fetch, window_is_bounded)
{
    ez_fetch *const fetch = window(EZ_BODIES_WINDOW - 1);
    const ez_block_id last = id_of(1 + EZ_BODIES_WINDOW);
    cr_expect_eq(ez_fetch_room(fetch), 1);
    ez_fetch_append(fetch, &last);
    cr_expect_eq(ez_fetch_room(fetch), 0);
    next(fetch, 1, 2, 0);
    ez_fetch_here(fetch, 2);
    ez_fetch_pop(fetch);
    cr_expect_eq(ez_fetch_room(fetch), 1, "the ring goes round");
    const ez_block_id round = id_of(2 + EZ_BODIES_WINDOW);
    ez_fetch_append(fetch, &round);
    cr_expect(ez_fetch_has(fetch, &round, 2 + EZ_BODIES_WINDOW));
    ez_fetch_free(fetch);
}

static size_t ask_all(ez_fetch *fetch, uint64_t of)
{
    size_t count = 0;
    while (next(fetch, of, UINT64_MAX, 0) != 0) {
        count++;
    }
    return count;
}

Test(fetch, requests_of_a_peer_are_bounded)
{
    ez_fetch *const fetch = window(EZ_BODIES_WINDOW);
    cr_expect_eq(ask_all(fetch, 1), EZ_BODIES_IN_FLIGHT_PEER);
    cr_expect_eq(ask_all(fetch, 2), EZ_BODIES_IN_FLIGHT_PEER - 1, "one is kept for the lowest");
    ez_fetch_failed(fetch, 2, peer(1), 0);
    cr_expect_eq(next(fetch, 2, UINT64_MAX, 0), 2, "and this is it");
    cr_expect_eq(next(fetch, 2, UINT64_MAX, 0), 0);
    cr_expect_eq(ez_fetch_in_flight(fetch, peer(2)), EZ_BODIES_IN_FLIGHT_PEER);
    ez_fetch_free(fetch);
}

Test(fetch, requests_of_all_are_bounded)
{
    ez_fetch *const fetch = window(EZ_BODIES_WINDOW);
    size_t asked = 0;
    for (uint64_t p = 1; p <= 20; p++) {
        asked += ask_all(fetch, p);
    }
    cr_expect_eq(asked, EZ_BODIES_IN_FLIGHT_ALL);
    cr_expect_eq(ez_fetch_in_flight_all(fetch), EZ_BODIES_IN_FLIGHT_ALL);
    cr_expect(!ez_fetch_claim(fetch, 500, peer(30), 0));
    ez_fetch_failed(fetch, 2, peer(1), 0);
    cr_expect(!ez_fetch_claim(fetch, 500, peer(30), 0), "what is free is kept for the lowest");
    cr_expect(ez_fetch_claim(fetch, 2, peer(30), 0));
    ez_fetch_here(fetch, 3);
    cr_expect(ez_fetch_claim(fetch, 500, peer(30), 0));
    ez_fetch_free(fetch);
}

/* Every request is held by peers that deliver nothing: the lowest slot still finds its way to each
 * of them, so that the clock of each runs out. */
Test(fetch, lowest_slot_finds_room_with_every_peer)
{
    ez_fetch *const fetch = window(EZ_BODIES_WINDOW);
    ez_link_id who = {0};
    ez_time_ms now = 0;
    for (uint64_t p = 1; p <= 20; p++) {
        ask_all(fetch, p);
    }
    for (uint64_t p = 1; p <= 20; p++) {
        const uint64_t asked = ez_fetch_asked(fetch, 2).value;
        cr_assert_eq(asked, p);
        now = ez_fetch_deadline(fetch);
        cr_assert(ez_fetch_stalled(fetch, &who, now));
        cr_assert_eq(who.value, p);
        cr_assert_eq(next(fetch, p + 1, 2, now), 2, "peer %zu", (size_t)p + 1);
    }
    ez_fetch_free(fetch);
}

Test(fetch, only_needed_slots_can_be_claimed)
{
    ez_fetch *const fetch = window(2);
    cr_expect(!ez_fetch_claim(fetch, 1, peer(1), 0), "below the window");
    cr_expect(!ez_fetch_claim(fetch, 4, peer(1), 0), "above it");
    cr_expect(ez_fetch_claim(fetch, 3, peer(1), 0));
    cr_expect(!ez_fetch_claim(fetch, 3, peer(2), 0));
    ez_fetch_here(fetch, 2);
    cr_expect(!ez_fetch_claim(fetch, 2, peer(2), 0));
    ez_fetch_free(fetch);
}

/* ---- failing --------------------------------------------------------------------------------- */

Test(fetch, lowest_slot_is_taken_from_who_holds_the_window_back)
{
    ez_fetch *const fetch = window(2);
    ez_link_id who = {0};
    next(fetch, 1, 9, 100);
    next(fetch, 1, 9, 100);
    cr_expect_eq(ez_fetch_deadline(fetch), 100 + EZ_BODY_STALL_MS);
    cr_expect(!ez_fetch_stalled(fetch, &who, 100 + EZ_BODY_STALL_MS - 1));
    cr_expect(ez_fetch_stalled(fetch, &who, 100 + EZ_BODY_STALL_MS));
    cr_expect_eq(who.value, 1);
    cr_expect(!ez_fetch_stalled(fetch, &who, 100 + EZ_BODY_STALL_MS), "the lowest only");
    cr_expect_eq(ez_fetch_asked(fetch, 3).value, 1);
    cr_expect_eq(next(fetch, 1, 9, 2100), 0, "it is not asked for it again at once");
    cr_expect_eq(next(fetch, 2, 9, 2100), 2);
    ez_fetch_free(fetch);
}

Test(fetch, patience_doubles_to_a_bound_and_delivery_restores_it)
{
    ez_fetch *const fetch = window(60);
    ez_link_id who = {0};
    ez_time_ms now = 0, patience = EZ_BODY_STALL_MS;
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(next(fetch, 1, 2, now), 2);
        cr_assert_eq(ez_fetch_deadline(fetch), now + patience, "round %d", i);
        now += patience;
        cr_assert(ez_fetch_stalled(fetch, &who, now));
        patience = patience * 2 < EZ_BODY_STALL_MS_MAX ? patience * 2 : EZ_BODY_STALL_MS_MAX;
        now += EZ_BODY_STALL_MS;
    }
    cr_expect_eq(patience, EZ_BODY_STALL_MS_MAX);
    next(fetch, 1, 2, now);
    ez_fetch_here(fetch, 2);
    ez_fetch_pop(fetch);
    next(fetch, 1, 3, now);
    cr_expect_eq(ez_fetch_deadline(fetch), now + EZ_BODY_STALL_MS);
    ez_fetch_free(fetch);
}

Test(fetch, who_failed_may_be_asked_again_after_a_pause)
{
    ez_fetch *const fetch = window(2);
    next(fetch, 1, 9, 1000);
    ez_fetch_failed(fetch, 2, peer(1), 1000);
    cr_expect_eq(ez_fetch_in_flight_all(fetch), 0);
    cr_expect_eq(ez_fetch_retry(fetch, 1000), 1000 + EZ_BODY_STALL_MS);
    cr_expect_eq(next(fetch, 1, 2, 1000 + EZ_BODY_STALL_MS - 1), 0);
    cr_expect_eq(ez_fetch_retry(fetch, 1000 + EZ_BODY_STALL_MS), EZ_TIME_NEVER);
    cr_expect_eq(next(fetch, 1, 2, 1000 + EZ_BODY_STALL_MS), 2);
    ez_fetch_free(fetch);
}

Test(fetch, failure_of_somebody_else_does_not_end_a_request)
{
    ez_fetch *const fetch = window(1);
    next(fetch, 1, 9, 0);
    ez_fetch_failed(fetch, 2, peer(2), 0);
    cr_expect_eq(ez_fetch_asked(fetch, 2).value, 1);
    ez_fetch_failed(fetch, 9, peer(2), 0); /* outside the window */
    ez_fetch_free(fetch);
}

Test(fetch, useless_body_is_needed_again)
{
    ez_fetch *const fetch = window(2);
    next(fetch, 1, 9, 0);
    ez_fetch_here(fetch, 2);
    ez_fetch_failed(fetch, 2, peer(1), 0);
    cr_expect(!ez_fetch_is_here(fetch, 2));
    cr_expect_eq(next(fetch, 1, 2, 0), 0);
    cr_expect_eq(next(fetch, 2, 2, 0), 2);
    ez_fetch_here(fetch, 2);
    ez_fetch_again(fetch, 2);
    cr_expect_eq(next(fetch, 2, 2, 0), 2, "nobody was to blame");
    ez_fetch_free(fetch);
}

Test(fetch, requests_of_a_peer_that_goes_are_needed_again)
{
    ez_fetch *const fetch = window(4);
    next(fetch, 1, 9, 0);
    next(fetch, 2, 9, 0);
    next(fetch, 1, 9, 0);
    ez_fetch_peer_gone(fetch, peer(1));
    ez_fetch_peer_gone(fetch, peer(7));
    cr_expect_eq(ez_fetch_in_flight_all(fetch), 1);
    cr_expect_eq(next(fetch, 2, 9, 0), 2);
    cr_expect_eq(next(fetch, 2, 9, 0), 4);
    ez_fetch_free(fetch);
}

Test(fetch, reset_forgets_everything)
{
    ez_fetch *const fetch = window(4);
    const ez_block_id id = id_of(3);
    next(fetch, 1, 9, 0);
    ez_fetch_reset(fetch, 100);
    cr_expect_eq(ez_fetch_in_flight_all(fetch), 0);
    cr_expect_eq(ez_fetch_in_flight(fetch, peer(1)), 0);
    cr_expect(!ez_fetch_has(fetch, &id, 3));
    cr_expect_eq(ez_fetch_begin(fetch), 100);
    cr_expect_eq(ez_fetch_end(fetch), 100);
    cr_expect_eq(ez_fetch_deadline(fetch), EZ_TIME_NEVER);
    cr_expect_eq(next(fetch, 1, 1000, 0), 0);
    ez_fetch_free(fetch);
}

/* ---- the naive twin -------------------------------------------------------------------------- */

enum { TWIN_PEERS = 6, TWIN_TRIED = 4, TWIN_HEIGHTS = 4000 };

typedef struct twin_slot {
    enum { NEEDED, ASKED, HERE } state;
    uint64_t of;
    ez_time_ms since, retry;
    uint64_t tried[TWIN_TRIED];
    size_t tried_count;
} twin_slot;

typedef struct twin {
    twin_slot slots[TWIN_HEIGHTS]; /* by height, all of them */
    uint64_t begin, end;
    ez_time_ms patience[TWIN_PEERS + 1];
} twin;

static uint32_t twin_in_flight(const twin *model, uint64_t of)
{
    uint32_t count = 0;
    for (uint64_t h = model->begin; h < model->end; h++) {
        count += model->slots[h].state == ASKED && (of == 0 || model->slots[h].of == of);
    }
    return count;
}

static bool twin_was_tried(const twin_slot *slot, uint64_t of, ez_time_ms now)
{
    for (size_t i = 0; i < slot->tried_count; i++) {
        if (slot->tried[i] == of && now < slot->retry) {
            return true;
        }
    }
    return false;
}

static void twin_note_tried(twin_slot *slot, uint64_t of, ez_time_ms now)
{
    const bool known = twin_was_tried(slot, of, now);
    slot->tried_count = now >= slot->retry ? 0 : slot->tried_count;
    slot->retry = now + EZ_BODY_STALL_MS;
    if (known) {
        return;
    }
    if (slot->tried_count == TWIN_TRIED) {
        memmove(slot->tried, slot->tried + 1, (TWIN_TRIED - 1) * sizeof(slot->tried[0]));
        slot->tried_count--;
    }
    slot->tried[slot->tried_count++] = of;
}

static uint64_t twin_next(twin *model, uint64_t of, uint64_t common, ez_time_ms now)
{
    const twin_slot *const lowest = &model->slots[model->begin];
    const bool asked = lowest->state == ASKED;
    for (uint64_t h = model->begin; h < model->end && h <= common; h++) {
        twin_slot *const slot = &model->slots[h];
        if (slot->state == NEEDED && !twin_was_tried(slot, of, now)) {
            const bool kept_all = h != model->begin && !asked;
            const bool kept = h != model->begin && !(asked && lowest->of == of);
            if (twin_in_flight(model, 0) + kept_all >= EZ_BODIES_IN_FLIGHT_ALL ||
                twin_in_flight(model, of) + kept >= EZ_BODIES_IN_FLIGHT_PEER) {
                return 0;
            }
            slot->state = ASKED;
            slot->of = of;
            slot->since = now;
            return h;
        }
    }
    return 0;
}

static ez_time_ms twin_deadline(const twin *model)
{
    const twin_slot *const slot = &model->slots[model->begin];
    const bool asked = model->begin < model->end && slot->state == ASKED;
    return asked ? slot->since + model->patience[slot->of] : EZ_TIME_NEVER;
}

static uint64_t twin_stalled(twin *model, ez_time_ms now)
{
    twin_slot *const slot = &model->slots[model->begin];
    if (now < twin_deadline(model)) {
        return 0;
    }
    ez_time_ms *const patience = &model->patience[slot->of];
    *patience = *patience * 2 < EZ_BODY_STALL_MS_MAX ? *patience * 2 : EZ_BODY_STALL_MS_MAX;
    slot->state = NEEDED;
    twin_note_tried(slot, slot->of, now);
    return slot->of;
}

static void twin_here(twin *model, uint64_t height)
{
    twin_slot *const slot = &model->slots[height];
    if (slot->state == ASKED) {
        model->patience[slot->of] = EZ_BODY_STALL_MS;
    }
    slot->state = HERE;
}

static void twin_failed(twin *model, uint64_t height, uint64_t of, ez_time_ms now)
{
    twin_slot *const slot = &model->slots[height];
    twin_note_tried(slot, of, now);
    if (slot->state == HERE || (slot->state == ASKED && slot->of == of)) {
        slot->state = NEEDED;
    }
}

static void twin_gone(twin *model, uint64_t of)
{
    for (uint64_t h = model->begin; h < model->end; h++) {
        if (model->slots[h].state == ASKED && model->slots[h].of == of) {
            model->slots[h].state = NEEDED;
        }
    }
    model->patience[of] = EZ_BODY_STALL_MS;
}

static void grow(ez_fetch *fetch, twin *model, ez_rng *rng)
{
    size_t more = (size_t)ez_rng_below(rng, 40);
    for (; more > 0 && ez_fetch_room(fetch) > 0 && model->end < TWIN_HEIGHTS; more--) {
        const ez_block_id id = id_of(model->end);
        ez_fetch_append(fetch, &id);
        model->slots[model->end++] = (twin_slot){.state = NEEDED};
    }
}

static void compare(const ez_fetch *fetch, const twin *model, ez_time_ms now)
{
    cr_assert_eq(ez_fetch_begin(fetch), model->begin);
    cr_assert_eq(ez_fetch_end(fetch), model->end);
    cr_assert_eq(ez_fetch_in_flight_all(fetch), twin_in_flight(model, 0));
    cr_assert_eq(ez_fetch_deadline(fetch), twin_deadline(model));
    const twin_slot *const lowest = &model->slots[model->begin];
    const bool kept = model->begin < model->end && lowest->state == NEEDED &&
                      lowest->tried_count > 0 && lowest->retry > now;
    cr_assert_eq(ez_fetch_retry(fetch, now), kept ? lowest->retry : EZ_TIME_NEVER);
    for (uint64_t p = 1; p <= TWIN_PEERS; p++) {
        cr_assert_eq(ez_fetch_in_flight(fetch, peer(p)), twin_in_flight(model, p));
    }
    for (uint64_t h = model->begin; h < model->end; h++) {
        const twin_slot *const slot = &model->slots[h];
        cr_assert_eq(ez_fetch_asked(fetch, h).value, slot->state == ASKED ? slot->of : 0);
        cr_assert_eq(ez_fetch_is_here(fetch, h), slot->state == HERE);
    }
}

static void step(ez_fetch *fetch, twin *model, ez_rng *rng, ez_time_ms now)
{
    const uint64_t of = 1 + ez_rng_below(rng, TWIN_PEERS);
    const uint64_t span = model->end - model->begin;
    const uint64_t height =
        model->begin + (span == 0 ? 0 : ez_rng_below(rng, span < 50 ? span : 50));
    ez_link_id who = {0};
    switch (ez_rng_below(rng, 16)) {
    case 0:
        grow(fetch, model, rng);
        break;
    case 1:
    case 2:
        if (span > 0) {
            twin_failed(model, height, of, now);
            ez_fetch_failed(fetch, height, peer(of), now);
        }
        break;
    case 3:
        twin_gone(model, of);
        ez_fetch_peer_gone(fetch, peer(of));
        break;
    case 4: {
        const uint64_t stalled = twin_stalled(model, now);
        cr_assert_eq(ez_fetch_stalled(fetch, &who, now), stalled != 0);
        cr_assert_eq(who.value, stalled);
        break;
    }
    case 5:
    case 6:
    case 7:
        if (span > 0) {
            twin_here(model, height);
            ez_fetch_here(fetch, height);
        }
        break;
    case 8:
        while (model->begin < model->end && model->slots[model->begin].state == HERE) {
            model->begin++;
            ez_fetch_pop(fetch);
        }
        break;
    default: {
        const uint64_t common = model->begin + ez_rng_below(rng, 100);
        cr_assert_eq(next(fetch, of, common, now), twin_next(model, of, common, now));
        break;
    }
    }
}

Test(fetch, behaves_as_its_naive_twin)
{
    static twin model;
    for (uint64_t seed = 0; seed < 10; seed++) {
        const uint8_t bytes[16] = {(uint8_t)seed, 'f'};
        ez_rng rng;
        ez_time_ms now = 0;
        ez_fetch *const fetch = ez_fetch_new();
        ez_rng_init(&rng, bytes);
        memset(&model, 0, sizeof(model));
        model.begin = model.end = 2;
        for (size_t p = 0; p <= TWIN_PEERS; p++) {
            model.patience[p] = EZ_BODY_STALL_MS;
        }
        ez_fetch_reset(fetch, 2);
        for (int i = 0; i < 2000; i++) {
            now += ez_rng_below(&rng, 300);
            step(fetch, &model, &rng, now);
            compare(fetch, &model, now);
        }
        ez_fetch_free(fetch);
    }
}
