#include "ezp2p/gossip/book.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US (24ull * 3600 * 1000000)

static const ez_siphash_key secret = {11, 12};
static const ez_now now = {.mono = 1000000, .wall = 1800000000000000};

static ez_endpoint at(const char *text)
{
    ez_endpoint endpoint = {0};
    cr_assert(ez_endpoint_parse(&endpoint, text), "%s", text);
    return endpoint;
}

static ez_endpoint numbered(uint32_t ip, uint16_t port)
{
    return (ez_endpoint){.ip = {[10] = 0xff,
                                [11] = 0xff,
                                [12] = (uint8_t)(ip >> 24),
                                [13] = (uint8_t)(ip >> 16),
                                [14] = (uint8_t)(ip >> 8),
                                [15] = (uint8_t)ip},
                         .port = port};
}

static bool add(ez_book *book, const char *endpoint, const char *source)
{
    const ez_endpoint what = at(endpoint), from = at(source);
    return ez_book_add(book, &what, &from, now.wall, now);
}

static ez_rng rng_of(uint8_t number)
{
    const uint8_t seed[16] = {number, 'b'};
    ez_rng rng;
    ez_rng_init(&rng, seed);
    return rng;
}

static bool anyone(void *self, const ez_endpoint *endpoint)
{
    (void)self;
    (void)endpoint;
    return true;
}

static bool is_not(void *self, const ez_endpoint *endpoint)
{
    return !ez_endpoint_is_equal(self, endpoint);
}

/* ---- hearing --------------------------------------------------------------------------------- */

Test(book, address_is_new_once)
{
    ez_book *const book = ez_book_new(secret);
    cr_expect(add(book, "8.8.8.8:7333", "9.9.9.9:1"));
    cr_expect(!add(book, "8.8.8.8:7333", "9.9.9.9:1"));
    cr_expect(!add(book, "8.8.8.8:7333", "7.7.7.7:1"), "also from another source");
    cr_expect(add(book, "8.8.8.8:7334", "9.9.9.9:1"), "another port is another node");
    cr_expect_eq(ez_book_count(book), 2);
    ez_book_free(book);
}

Test(book, unusable_addresses_are_refused)
{
    ez_book *const book = ez_book_new(secret);
    const char *const texts[] = {"0.0.0.0:1", "224.0.0.1:1", "255.255.255.255:1",
                                 "[::]:1",    "[ff02::1]:1", "8.8.8.8:0"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cr_expect(!add(book, texts[i], "9.9.9.9:1"), "%s", texts[i]);
    }
    cr_expect(add(book, "127.0.0.1:1", "127.0.0.1:2"), "loopback is first-class");
    cr_expect(add(book, "192.168.0.1:1", "127.0.0.1:2"));
    cr_expect(add(book, "[fe80::1]:1", "127.0.0.1:2"));
    ez_book_free(book);
}

Test(book, time_of_sight_is_not_in_the_future)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint what = at("8.8.8.8:1"), viewer = at("9.9.9.9:1");
    ez_known_address row;
    ez_rng rng = rng_of(1);
    ez_book_add(book, &what, &viewer, now.wall + DAY_US, now);
    const ez_now later = {now.mono, now.wall + 5000000};
    cr_assert_eq(ez_book_sample(book, &row, 1, &viewer, &rng, later), 1);
    cr_expect_eq(row.age_s, 5);
    ez_book_free(book);
}

/* ---- a flood --------------------------------------------------------------------------------- */

/* A hundred thousand addresses of all groups from one source: it reaches 16 of 256 buckets. */
Test(book, one_source_reaches_few_buckets)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint source = at("66.6.6.6:1");
    for (uint32_t i = 0; i < 100000; i++) {
        const ez_endpoint what = numbered(0x0b000000u + i * 40503u % 0x70000000u, 7333);
        ez_book_add(book, &what, &source, now.wall, now);
    }
    cr_expect_leq(ez_book_count(book), 16 * 64);
    cr_expect_geq(ez_book_count(book), 8 * 64, "%zu", ez_book_count(book));
    ez_book_free(book);
}

Test(book, one_group_from_one_source_reaches_one_bucket)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint source = at("66.6.6.6:1");
    for (uint32_t i = 0; i < 65536; i++) {
        const ez_endpoint what = numbered(0x42060000u + i, 7333); /* 66.6.0.0/16 */
        ez_book_add(book, &what, &source, now.wall, now);
    }
    cr_expect_leq(ez_book_count(book), 64);
    ez_book_free(book);
}

Test(book, flood_of_one_source_does_not_push_others_out)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint source = at("66.6.6.6:1");
    size_t honest = 0;
    for (uint32_t i = 0; i < 200; i++) {
        const ez_endpoint what = numbered(0x14000000u + (i << 16), 7333);
        const ez_endpoint from = numbered(0x15000000u + (i << 16), 1);
        honest += ez_book_add(book, &what, &from, now.wall, now);
    }
    cr_assert_gt(honest, 150);
    for (uint32_t i = 0; i < 50000; i++) {
        const ez_endpoint what = numbered(0x40000000u + i * 7919u, 7333);
        ez_book_add(book, &what, &source, now.wall, now);
    }
    size_t left = 0;
    for (uint32_t i = 0; i < 200; i++) {
        const ez_endpoint what = numbered(0x14000000u + (i << 16), 7333);
        const ez_endpoint from = numbered(0x15000000u + (i << 16), 1);
        left += !ez_book_add(book, &what, &from, now.wall, now);
    }
    cr_expect_geq(left, honest, "nobody that was held is gone");
    ez_book_free(book);
}

Test(book, whole_book_is_bounded)
{
    ez_book *const book = ez_book_new(secret);
    for (uint32_t i = 0; i < 200000; i++) {
        const ez_endpoint what = numbered(0x0b000000u + i * 40503u % 0x70000000u, 7333);
        const ez_endpoint from = numbered(0x0c000000u + (i << 13) % 0x60000000u, 1);
        ez_book_add(book, &what, &from, now.wall, now);
        if (i % 4 == 0) {
            ez_book_connected(book, &what, now);
        }
    }
    cr_expect_leq(ez_book_count(book), EZ_BOOK_NEW_MAX + EZ_BOOK_TRIED_MAX);
    cr_expect_geq(ez_book_count(book), EZ_BOOK_NEW_MAX / 2, "%zu", ez_book_count(book));
    ez_book_free(book);
}

/* Where a swarm lives on one host, ports spread it over several buckets. */
Test(book, loopback_swarm_has_room)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint source = at("127.0.0.1:9");
    for (uint16_t port = 1; port <= 200; port++) {
        const ez_endpoint what = numbered(0x7f000001u, port);
        ez_book_add(book, &what, &source, now.wall, now);
    }
    cr_expect_geq(ez_book_count(book), 150, "%zu", ez_book_count(book));
    ez_book_free(book);
}

/* ---- stale addresses give way ---------------------------------------------------------------- */

/* The first address of 66.6.0.0/16 whose place `held` has taken. */
static ez_endpoint rival_of(ez_book *book, const ez_endpoint *source)
{
    for (uint32_t i = 1; i < 65536; i++) {
        const ez_endpoint what = numbered(0x42060000u + i, 7333);
        if (!ez_book_add(book, &what, source, now.wall, now)) {
            return what;
        }
        ez_book_remove(book, &what);
    }
    cr_assert_fail("no collision");
    return (ez_endpoint){0};
}

static bool gives_way(uint32_t failures, ez_wall_us age)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint source = at("66.6.6.6:1"), held = numbered(0x42060000u, 7333);
    const ez_now later = {now.mono, now.wall + age};
    cr_assert(ez_book_add(book, &held, &source, now.wall, now));
    const ez_endpoint rival = rival_of(book, &source);
    for (uint32_t i = 0; i < failures; i++) {
        ez_book_failed(book, &held, now);
    }
    const bool took = ez_book_add(book, &rival, &source, later.wall, later);
    cr_expect_eq(ez_book_count(book), 1);
    ez_book_free(book);
    return took;
}

Test(book, stale_address_gives_its_place_to_another)
{
    cr_expect(!gives_way(0, 0));
    cr_expect(!gives_way(3, 0));
    cr_expect(gives_way(4, 0), "four failures");
    cr_expect(!gives_way(0, 300 * DAY_US), "old, and nobody tried it");
    cr_expect(!gives_way(1, 30 * DAY_US));
    cr_expect(gives_way(1, 30 * DAY_US + 1), "old, and it failed");
}

/* ---- dialling -------------------------------------------------------------------------------- */

Test(book, failed_address_is_picked_again_after_a_growing_pause)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint what = at("8.8.8.8:1");
    ez_endpoint out;
    ez_rng rng = rng_of(2);
    ez_now at_time = now;
    ez_book_add(book, &what, &what, now.wall, now);
    cr_expect(ez_book_pick(book, &out, &rng, at_time, NULL, anyone));
    for (uint32_t i = 1; i <= 12; i++) {
        ez_book_failed(book, &what, at_time);
        const ez_time_ms pause = (ez_time_ms)EZ_REDIAL_MS_MIN << (i < 10 ? i : 10);
        at_time.mono += pause - 1;
        cr_expect(!ez_book_pick(book, &out, &rng, at_time, NULL, anyone), "failure %u", i);
        at_time.mono++;
        cr_expect(ez_book_pick(book, &out, &rng, at_time, NULL, anyone), "failure %u", i);
    }
    ez_book_connected(book, &what, at_time);
    ez_book_failed(book, &what, at_time);
    at_time.mono += 2 * EZ_REDIAL_MS_MIN - 1;
    cr_expect(!ez_book_pick(book, &out, &rng, at_time, NULL, anyone));
    at_time.mono++;
    cr_expect(ez_book_pick(book, &out, &rng, at_time, NULL, anyone),
              "a connection makes it forget");
    ez_book_free(book);
}

Test(book, only_usable_addresses_are_picked)
{
    ez_book *const book = ez_book_new(secret);
    ez_rng rng = rng_of(3);
    ez_endpoint out = {0}, before;
    cr_expect(!ez_book_pick(book, &out, &rng, now, NULL, anyone), "it is empty");
    add(book, "8.8.8.8:1", "9.9.9.9:1");
    ez_endpoint only = at("8.8.8.8:1");
    before = out;
    cr_expect(!ez_book_pick(book, &out, &rng, now, &only, is_not));
    cr_expect(ez_endpoint_is_equal(&out, &before), "untouched");
    add(book, "7.7.7.7:1", "9.9.9.9:1");
    for (int i = 0; i < 50; i++) {
        cr_assert(ez_book_pick(book, &out, &rng, now, &only, is_not));
        cr_assert(!ez_endpoint_is_equal(&out, &only));
    }
    ez_book_free(book);
}

Test(book, tried_and_new_addresses_have_equal_chances)
{
    ez_book *const book = ez_book_new(secret);
    ez_rng rng = rng_of(4);
    const ez_endpoint tried = at("20.1.0.1:1");
    ez_book_connected(book, &tried, now);
    for (uint32_t i = 0; i < 30; i++) {
        const ez_endpoint what = numbered(0x30000000u + (i << 16), 1);
        ez_book_add(book, &what, &what, now.wall, now);
    }
    int picked = 0;
    for (int i = 0; i < 1000; i++) {
        ez_endpoint out;
        cr_assert(ez_book_pick(book, &out, &rng, now, NULL, anyone));
        picked += ez_endpoint_is_equal(&out, &tried);
    }
    cr_expect(picked > 400 && picked < 600, "the one tried address %d times of 1000", picked);
    ez_book_free(book);
}

/* Heard of by one source that tells thousands, beside thirty from sources of their own. */
static ez_book *flooded_book(void)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint flooder = at("20.9.0.1:1");
    for (uint32_t i = 0; i < 30; i++) {
        const ez_endpoint what = numbered(0x30000000u + (i << 16), 1);
        ez_book_add(book, &what, &what, now.wall, now);
    }
    for (uint32_t i = 0; i < 4000; i++) {
        const ez_endpoint what = numbered(0x40000000u + (i << 12), 1);
        ez_book_add(book, &what, &flooder, now.wall, now);
    }
    cr_assert_gt(ez_book_count(book), 500);
    return book;
}

Test(book, flood_of_one_source_is_picked_as_seldom_as_its_buckets_are_few)
{
    ez_book *const book = flooded_book();
    ez_rng rng = rng_of(6);
    int flooded = 0;
    for (int i = 0; i < 1000; i++) {
        ez_endpoint out;
        cr_assert(ez_book_pick(book, &out, &rng, now, NULL, anyone));
        flooded += out.ip[12] >= 0x40;
    }
    /* 16 buckets beside almost 30, and not 19 addresses in 20. */
    cr_expect(flooded > 200 && flooded < 500, "%d times of 1000", flooded);
    ez_book_free(book);
}

Test(book, tried_addresses_keep_their_chance_in_a_flooded_book)
{
    ez_book *const book = flooded_book();
    ez_rng rng = rng_of(7);
    const ez_endpoint tried = at("20.1.0.1:1");
    int picked = 0;
    ez_book_connected(book, &tried, now);
    for (int i = 0; i < 1000; i++) {
        ez_endpoint out;
        cr_assert(ez_book_pick(book, &out, &rng, now, NULL, anyone));
        picked += ez_endpoint_is_equal(&out, &tried);
    }
    cr_expect(picked > 400 && picked < 600, "the one tried address %d times of 1000", picked);
    ez_book_free(book);
}

Test(book, connected_address_is_known_even_if_nobody_told_of_it)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint what = at("8.8.8.8:1");
    ez_book_connected(book, &what, now);
    cr_expect_eq(ez_book_count(book), 1);
    ez_book_connected(book, &what, now);
    cr_expect_eq(ez_book_count(book), 1);
    ez_book_remove(book, &what);
    ez_book_remove(book, &what);
    ez_book_failed(book, &what, now);
    cr_expect_eq(ez_book_count(book), 0);
    ez_book_free(book);
}

/* ---- telling --------------------------------------------------------------------------------- */

static size_t told_to(const char *viewer, const char *address)
{
    ez_book *const book = ez_book_new(secret);
    ez_rng rng = rng_of(5);
    ez_known_address row;
    const ez_endpoint to = at(viewer);
    add(book, address, "9.9.9.9:1");
    const size_t count = ez_book_sample(book, &row, 1, &to, &rng, now);
    ez_book_free(book);
    return count;
}

Test(book, addresses_are_told_to_those_who_can_reach_them)
{
    static const char *const loopback = "127.0.0.1:1", *const private = "192.168.1.1:1",
                             *const public = "8.8.8.8:1";
    cr_expect_eq(told_to(loopback, loopback), 1);
    cr_expect_eq(told_to(loopback, private), 1);
    cr_expect_eq(told_to(loopback, public), 1);
    cr_expect_eq(told_to(private, loopback), 0);
    cr_expect_eq(told_to(private, private), 1);
    cr_expect_eq(told_to(private, public), 1);
    cr_expect_eq(told_to(public, loopback), 0);
    cr_expect_eq(told_to(public, private), 0);
    cr_expect_eq(told_to(public, public), 1);
}

Test(book, sample_is_bounded_spread_and_without_repeats)
{
    enum { HELD = 300, MAX = 30 };
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint viewer = at("9.9.9.9:1");
    ez_rng rng = rng_of(6);
    int told[HELD] = {0};
    size_t held = 0;
    for (uint32_t i = 0; i < HELD; i++) {
        const ez_endpoint what = numbered(0x14000000u + (i << 16), (uint16_t)(1 + i));
        held += ez_book_add(book, &what, &what, now.wall, now);
    }
    for (int round = 0; round < 200; round++) {
        ez_known_address rows[MAX];
        cr_assert_eq(ez_book_sample(book, rows, MAX, &viewer, &rng, now), MAX);
        for (size_t i = 0; i < MAX; i++) {
            for (size_t j = 0; j < i; j++) {
                cr_assert(!ez_endpoint_is_equal(&rows[i].endpoint, &rows[j].endpoint));
            }
            told[rows[i].endpoint.port - 1]++;
        }
    }
    size_t reached = 0;
    for (size_t i = 0; i < HELD; i++) {
        reached += told[i] > 0;
        cr_expect_leq(told[i], 60, "one of %zu, told %d times of 6000", held, told[i]);
    }
    cr_expect_eq(reached, held, "everybody gets a turn");
    ez_book_free(book);
}

Test(book, stale_addresses_are_not_told)
{
    ez_book *const book = ez_book_new(secret);
    const ez_endpoint what = at("8.8.8.8:1");
    ez_rng rng = rng_of(7);
    ez_known_address row;
    ez_book_add(book, &what, &what, now.wall, now);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(ez_book_sample(book, &row, 1, &what, &rng, now), 1);
        ez_book_failed(book, &what, now);
    }
    cr_expect_eq(ez_book_sample(book, &row, 1, &what, &rng, now), 0);
    ez_book_free(book);
}

/* ---- the snapshot ---------------------------------------------------------------------------- */

static ez_book *filled(size_t count)
{
    ez_book *const book = ez_book_new(secret);
    for (uint32_t i = 0; i < count; i++) {
        const ez_endpoint what = numbered(0x14000000u + (i << 15), (uint16_t)(1 + i));
        const ez_endpoint from = numbered(0x30000000u + (i << 16), 1);
        ez_book_add(book, &what, &from, now.wall - i * 1000000ull, now);
        if (i % 3 == 0) {
            ez_book_connected(book, &what, now);
        }
        if (i % 5 == 0) {
            ez_book_failed(book, &what, now);
        }
    }
    return book;
}

static int compare_rows(const void *left, const void *right)
{
    return memcmp(left, right, 44);
}

Test(book, snapshot_brings_everything_back)
{
    ez_book *const book = filled(500), *const copy = ez_book_new(secret);
    ez_buffer first = {0}, second = {0};
    ez_book_encode(book, &first);
    cr_assert_eq(ez_book_decode(copy, first.data, first.size, now), EZ_OK);
    cr_expect_eq(ez_book_count(copy), ez_book_count(book));
    ez_book_encode(copy, &second);
    cr_assert_eq(first.size, second.size);
    const size_t rows = (first.size - 5) / 44;
    qsort(first.data + 5, rows, 44, compare_rows);
    qsort(second.data + 5, rows, 44, compare_rows);
    cr_expect_arr_eq(first.data, second.data, first.size);
    ez_buffer_clear(&first);
    ez_buffer_clear(&second);
    ez_book_free(book);
    ez_book_free(copy);
}

/* ---- anchors and feelers --------------------------------------------------------------------- */

Test(book, anchors_come_back_once_and_stay_anchors)
{
    ez_book *const book = filled(500), *const copy = ez_book_new(secret);
    const ez_endpoint list[] = {at("9.9.9.9:7333"), at("8.8.8.8:7333")}, stranger = at("7.7.7.7:1");
    ez_endpoint out = stranger;
    ez_book_connected(book, &list[0], now);
    ez_book_connected(book, &list[1], now);
    cr_expect(!ez_book_set_anchors(book, &stranger, 1), "the book does not know it");
    cr_expect(ez_book_set_anchors(book, list, 2));
    cr_expect(!ez_book_set_anchors(book, list, 2), "they are that already");
    cr_expect(!ez_book_take_anchor(book, &out), "not before the next start");
    for (int life = 0; life < 2; life++) {
        ez_book *const next = life == 0 ? copy : ez_book_new(secret);
        ez_buffer bytes = {0};
        ez_book_encode(life == 0 ? book : copy, &bytes);
        cr_assert_eq(ez_book_decode(next, bytes.data, bytes.size, now), EZ_OK);
        size_t found = 0;
        while (ez_book_take_anchor(next, &out)) {
            found += ez_endpoint_is_equal(&out, &list[0]) ? 1 : 10;
        }
        cr_expect_eq(found, 11, "both, once each");
        ez_buffer_clear(&bytes);
        if (next != copy) {
            ez_book_free(next);
        }
    }
    ez_book_free(book);
    ez_book_free(copy);
}

Test(book, snapshot_names_too_many_anchors)
{
    ez_book *const book = filled(50), *const copy = ez_book_new(secret);
    ez_buffer bytes = {0};
    ez_endpoint out;
    ez_book_encode(book, &bytes);
    for (size_t row = 5; row < bytes.size; row += 44) {
        bytes.data[row + 18] = 2;
    }
    cr_assert_eq(ez_book_decode(copy, bytes.data, bytes.size, now), EZ_OK);
    for (int i = 0; i < EZ_ANCHORS_MAX; i++) {
        cr_expect(ez_book_take_anchor(copy, &out));
    }
    cr_expect(!ez_book_take_anchor(copy, &out));
    ez_buffer_clear(&bytes);
    ez_book_free(book);
    ez_book_free(copy);
}

/* Connect addresses of one group until one finds its place taken; it stays merely heard of. */
static ez_endpoint contest(ez_book *book, ez_rng *rng, ez_endpoint *in_the_way)
{
    for (uint32_t i = 1; i < 65536; i++) {
        const ez_endpoint what = numbered(0x42060000u + i, 7333);
        ez_book_connected(book, &what, now);
        if (ez_book_pick_feeler(book, in_the_way, rng, now, NULL, anyone)) {
            return what;
        }
    }
    cr_assert_fail("no collision");
    return (ez_endpoint){0};
}

Test(book, feeler_goes_to_who_stands_in_the_way_then_to_who_is_heard_of)
{
    ez_book *const book = ez_book_new(secret);
    ez_rng rng = rng_of(3);
    ez_endpoint old, out;
    const ez_endpoint fresh = contest(book, &rng, &old);
    cr_expect(!ez_endpoint_is_equal(&old, &fresh));
    ez_book_connected(book, &old, now); /* it answers, so it stays */
    cr_assert(ez_book_pick_feeler(book, &out, &rng, now, NULL, anyone));
    cr_expect(ez_endpoint_is_equal(&out, &fresh), "the only one that is merely heard of");
    ez_book_connected(book, &fresh, now);
    cr_assert(ez_book_pick_feeler(book, &out, &rng, now, NULL, anyone));
    cr_expect(ez_endpoint_is_equal(&out, &old));
    for (int i = 0; i < 4; i++) {
        ez_book_failed(book, &old, now);
    }
    const size_t count = ez_book_count(book);
    ez_book_connected(book, &fresh, now);
    cr_expect_eq(ez_book_count(book), count - 1, "who no longer answers gives way");
    cr_expect(!ez_book_pick_feeler(book, &out, &rng, now, NULL, anyone), "all are tried");
    ez_book_free(book);
}

Test(book, empty_snapshot_is_fine)
{
    ez_book *const book = ez_book_new(secret);
    ez_buffer bytes = {0};
    ez_book_encode(book, &bytes);
    cr_expect_eq(bytes.size, 5);
    cr_expect_eq(ez_book_decode(book, bytes.data, bytes.size, now), EZ_OK);
    ez_buffer_clear(&bytes);
    ez_book_free(book);
}

Test(book, malformed_snapshots_change_nothing)
{
    ez_book *const book = filled(20), *const other = ez_book_new(secret);
    ez_buffer bytes = {0};
    ez_book_encode(book, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        cr_expect_eq(ez_book_decode(other, bytes.data, size, now), EZ_ERR_MALFORMED, "%zu bytes",
                     size);
    }
    ez_buffer_add_u8(&bytes, 0);
    cr_expect_eq(ez_book_decode(other, bytes.data, bytes.size, now), EZ_ERR_MALFORMED);
    bytes.data[0] = 2;
    cr_expect_eq(ez_book_decode(other, bytes.data, bytes.size - 1, now), EZ_ERR_MALFORMED);
    static const uint8_t huge[] = {1, 0xff, 0xff, 0xff, 0xff};
    cr_expect_eq(ez_book_decode(other, huge, sizeof(huge), now), EZ_ERR_MALFORMED);
    cr_expect_eq(ez_book_count(other), 0);
    ez_buffer_clear(&bytes);
    ez_book_free(book);
    ez_book_free(other);
}

static ez_status decode_rows(uint32_t count)
{
    ez_book *const book = ez_book_new(secret);
    const size_t size = 5 + (size_t)count * 44;
    uint8_t *const bytes = ez_alloc(1, size);
    bytes[0] = 1;
    memcpy(bytes + 1, &count, sizeof(count));
    const ez_status status = ez_book_decode(book, bytes, size, now);
    cr_expect_eq(ez_book_count(book), 0, "rows of zeroes are no addresses");
    free(bytes);
    ez_book_free(book);
    return status;
}

Test(book, snapshot_has_a_largest_size)
{
    cr_expect_eq(decode_rows(EZ_BOOK_NEW_MAX + EZ_BOOK_TRIED_MAX), EZ_OK);
    cr_expect_eq(decode_rows(EZ_BOOK_NEW_MAX + EZ_BOOK_TRIED_MAX + 1), EZ_ERR_MALFORMED);
}

/* ---- random use ------------------------------------------------------------------------------ */

/* Whatever is done in whatever order: picks and samples come from what is held, and the count is
 * right. */
Test(book, random_use_keeps_count_and_places_straight)
{
    enum { ADDRESSES = 400 };
    for (uint8_t seed = 0; seed < 10; seed++) {
        ez_book *const book = ez_book_new(secret);
        ez_rng rng = rng_of(seed);
        ez_now at_time = now;
        for (int step = 0; step < 5000; step++) {
            const uint32_t i = (uint32_t)ez_rng_below(&rng, ADDRESSES);
            const ez_endpoint what = numbered(0x42060000u + i % 97, (uint16_t)(1 + i));
            const ez_endpoint from = numbered(0x42060000u + (uint32_t)ez_rng_below(&rng, 5), 1);
            at_time.mono += 10;
            at_time.wall += 10000000;
            switch (ez_rng_below(&rng, 8)) {
            case 0:
                ez_book_remove(book, &what);
                break;
            case 1:
            case 2:
                ez_book_failed(book, &what, at_time);
                break;
            case 3:
                ez_book_connected(book, &what, at_time);
                break;
            default:
                ez_book_add(book, &what, &from, at_time.wall, at_time);
                break;
            }
        }
        ez_buffer bytes = {0};
        ez_book_encode(book, &bytes);
        cr_expect_eq(bytes.size, 5 + ez_book_count(book) * 44);
        ez_book *const copy = ez_book_new(secret);
        cr_expect_eq(ez_book_decode(copy, bytes.data, bytes.size, at_time), EZ_OK);
        cr_expect_leq(ez_book_count(copy), ez_book_count(book));
        ez_buffer_clear(&bytes);
        ez_book_free(copy);
        ez_book_free(book);
    }
}
