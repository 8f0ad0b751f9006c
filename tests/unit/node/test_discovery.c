/* Finding more peers than one was given. */
#include "support_world.h"

static void expect_connected(ez_world *world, size_t hosts, size_t wanted)
{
    for (size_t host = 1; host <= hosts; host++) {
        cr_expect_geq(peers_of(world, host), wanted, "host %zu has %zu peers", host,
                      peers_of(world, host));
        cr_expect_leq(status_of(world, host).peers_outbound, 8);
    }
}

Test(discovery, hosts_in_a_line_find_eight_peers_each)
{
    ez_world *const world = world_new(1, 12);
    ez_world_run(world, 30000);
    expect_connected(world, 12, 8);
    mine(world, 5, 1, 200);
    cr_expect(ez_world_agrees(world));
    world_end(world);
}

Test(discovery, hosts_around_one_find_each_other)
{
    ez_world_config config = world_config(2);
    ez_world *const world = ez_world_new(&config);
    const size_t centre = 1;
    ez_world_add(world, NULL, 0);
    for (int i = 0; i < 11; i++) {
        ez_world_add(world, &centre, 1);
    }
    ez_world_run(world, 30000);
    expect_connected(world, 12, 8);
    ez_world_stop(world, centre, true);
    ez_world_run(world, 30000);
    mine(world, 7, 1, 1000);
    cr_expect(ez_world_agrees(world), "the one they started from is not needed any more");
    world_end(world);
}

Test(discovery, small_swarm_is_fully_connected)
{
    ez_world *const world = world_new(3, 5);
    ez_world_run(world, 30000);
    for (size_t host = 1; host <= 5; host++) {
        cr_expect_eq(peers_of(world, host), 4, "host %zu has %zu peers", host,
                     peers_of(world, host));
        cr_expect_eq(status_of(world, host).links, 4, "one link to each");
    }
    world_end(world);
}

/* The peers that a host chose itself. */
static size_t chosen_of(ez_world *world, size_t host, ez_peer_info out[EZ_ANCHORS_MAX])
{
    ez_peer_info rows[64];
    const size_t all = ez_node_peers(ez_world_node(world, host), rows, 64);
    size_t count = 0;
    for (size_t i = 0; i < all && i < 64; i++) {
        if (rows[i].ready && !rows[i].inbound && !rows[i].manual && count < EZ_ANCHORS_MAX) {
            out[count++] = rows[i];
        }
    }
    return count;
}

/* Whether there is a link between the two; after a restart either may have been the first to dial.
 */
static bool is_peer(ez_world *world, size_t host, const ez_endpoint *other)
{
    ez_peer_info rows[64];
    const size_t all = ez_node_peers(ez_world_node(world, host), rows, 64);
    for (size_t i = 0; i < all && i < 64; i++) {
        if (rows[i].ready && ez_endpoint_is_same_host(&rows[i].endpoint, other)) {
            return true;
        }
    }
    return false;
}

static void begin_with_the_anchors(bool crash)
{
    ez_world_config config = world_config(20);
    config.outbound_max = 1 + EZ_ANCHORS_MAX; /* one of them is told */
    config.inbound_max = 64;
    ez_world *const world = ez_world_new(&config);
    const size_t centre = 1;
    ez_world_add(world, NULL, 0);
    for (int i = 0; i < 29; i++) {
        ez_world_add(world, &centre, 1);
    }
    ez_world_run(world, 100000);
    for (size_t host = 20; host < 26; host++) {
        ez_peer_info before[EZ_ANCHORS_MAX];
        ez_world_run(world, 70000); /* the book is saved once a minute */
        const size_t count = chosen_of(world, host, before);
        cr_assert_eq(count, EZ_ANCHORS_MAX, "host %zu", host);
        ez_world_stop(world, host, crash);
        ez_world_start(world, host);
        ez_world_run(world, 1000);
        for (size_t i = 0; i < count; i++) {
            cr_expect(is_peer(world, host, &before[i].endpoint), "host %zu, peer %zu", host, i);
        }
    }
    world_end(world);
}

Test(discovery, node_begins_with_the_peers_it_had_for_longest)
{
    begin_with_the_anchors(false);
}

Test(discovery, node_begins_with_the_peers_it_had_for_longest_after_a_crash)
{
    begin_with_the_anchors(true);
}

Test(discovery, feeler_looks_whether_somebody_is_there_and_leaves)
{
    ez_world_config config = world_config(21);
    config.outbound_max = 1;
    config.inbound_max = 64;
    config.silent = true;
    ez_world *const world = ez_world_new(&config);
    const size_t centre = 1;
    ez_world_add(world, NULL, 0);
    ez_world_add(world, &centre, 1);
    ez_world_add(world, NULL, 0);
    ez_world_run(world, 1000);
    ez_stranger *const stranger = ez_stranger_new(world, 2, true);
    ez_known_address row = {.endpoint = ez_world_endpoint(world, 3)};
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    message.as.addresses.list = &row;
    message.as.addresses.count = 1;
    ez_stranger_send(stranger, &message);
    ez_world_run(world, EZ_FEELER_MS / 2);
    cr_expect_eq(ez_world_notices(world, 3, EZ_NOTICE_PEER_UP, NULL), 0);
    ez_world_run(world, EZ_FEELER_MS / 2 + 1000);
    cr_expect_geq(ez_world_notices(world, 3, EZ_NOTICE_PEER_UP, NULL), 1);
    cr_expect_eq(status_of(world, 2).peers_outbound, 1);
    ez_notice down;
    cr_assert_geq(ez_world_notices(world, 3, EZ_NOTICE_PEER_DOWN, &down), 1);
    cr_expect_eq(down.reason, EZ_GOODBYE_FEELER);
    world_end(world);
}

/* Started at one moment with latencies of their own, most pairs dial each other. */
Test(discovery, unequal_latencies_leave_one_link_between_two)
{
    for (uint64_t seed = 10; seed < 14; seed++) {
        ez_world_config config = world_config(seed);
        config.jitter_ms = 200;
        ez_world *const world = ez_world_new(&config);
        const size_t next[] = {2, 3, 1};
        for (size_t i = 0; i < 3; i++) {
            ez_world_add(world, &next[i], 1);
        }
        ez_world_run(world, 60000);
        for (size_t host = 1; host <= 3; host++) {
            cr_expect_eq(status_of(world, host).links, 2, "seed %zu host %zu", (size_t)seed, host);
        }
        world_end(world);
    }
}

Test(discovery, restart_keeps_the_book)
{
    for (int crash = 0; crash < 2; crash++) {
        ez_world *const world = world_new(4, 10);
        ez_world_run(world, 120000);
        const size_t known = status_of(world, 1).book_count;
        cr_expect_eq(known, 9);
        ez_world_stop(world, 1, crash == 1); /* it was given no peer */
        ez_world_start(world, 1);
        cr_expect_eq(status_of(world, 1).book_count, known);
        ez_world_run(world, 30000);
        cr_expect_geq(peers_of(world, 1), 8);
        world_end(world);
    }
}

Test(discovery, registered_peer_is_kept_over_a_restart)
{
    ez_world *const world = world_new(5, 1);
    ez_world_add(world, NULL, 0);
    const uint64_t request = ez_world_command(
        world, 1,
        (ez_command){.type = EZ_COMMAND_ADD_PEER, .text = "10.0.0.2", .port = EZ_WORLD_PORT});
    ez_world_run(world, 1000);
    cr_expect_eq(answer(world, 1, request).status, EZ_OK);
    cr_expect_eq(peers_of(world, 1), 1);
    ez_world_stop(world, 1, true);
    ez_world_start(world, 1);
    ez_manual_info row;
    cr_assert_eq(ez_node_manual_peers(ez_world_node(world, 1), &row, 1), 1);
    cr_expect_str_eq(row.host, "10.0.0.2");
    ez_world_run(world, 1000);
    cr_expect_eq(peers_of(world, 1), 1);
    world_end(world);
}

Test(discovery, discouraged_address_is_not_dialled)
{
    ez_world *const world = world_new(6, 1);
    ez_endpoint at;
    cr_assert(ez_endpoint_parse(&at, "10.9.9.9:7333"));
    ez_stranger *const bad = ez_stranger_listen(world, &at);
    ez_stranger *const gossip = ez_stranger_new(world, 1, true);
    ez_known_address row = {.endpoint = at};
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    message.as.addresses.list = &row;
    message.as.addresses.count = 1;
    ez_stranger_send(gossip, &message);
    ez_world_run(world, 4 * LATENCY_MS);
    cr_assert(ez_stranger_is_linked(bad), "it was dialled");
    cr_assert(ez_stranger_shake(bad, NULL));
    send_headers(bad, NULL, 0);
    ez_world_run(world, 2 * LATENCY_MS);
    cr_assert_eq(ez_stranger_goodbye(bad), EZ_GOODBYE_UNREQUESTED);
    ez_stranger *const again = ez_stranger_listen(world, &at);
    ez_world_run(world, EZ_DISCOURAGED_MS - 1000);
    cr_expect(!ez_stranger_is_linked(again));
    ez_world_run(world, 3000);
    cr_expect(ez_stranger_is_linked(again), "after ten minutes it gets another chance");
    world_end_faulted(world, 1);
}

Test(discovery, dead_addresses_are_dialled_ever_less_often)
{
    ez_world *const world = world_new(7, 1);
    ez_stranger *const gossip = ez_stranger_new(world, 1, true);
    ez_known_address rows[10] = {0};
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    for (uint8_t i = 0; i < 10; i++) {
        rows[i].endpoint = (ez_endpoint){
            .ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 77, [15] = i}, .port = 7333};
    }
    message.as.addresses.list = rows;
    message.as.addresses.count = 10;
    ez_stranger_send(gossip, &message);
    ez_world_run(world, 600000);
    const uint64_t first = counters_of(world, 1)->dials;
    ez_world_run(world, 600000);
    const uint64_t second = counters_of(world, 1)->dials - first;
    cr_expect_geq(first, 10);
    cr_expect_leq(first, 160);
    cr_expect_leq(second, 80, "%zu dials", (size_t)second);
    world_end(world);
}

/* Address messages that a node receives, on average, in a swarm that starts at one moment. */
static double address_messages(size_t hosts)
{
    ez_world *const world = ez_world_new(&(ez_world_config){
        .network = fixture_network(), .seed = hosts, .latency_ms = LATENCY_MS, .jitter_ms = 50});
    uint64_t messages = 0;
    for (size_t host = 1; host <= hosts; host++) {
        const size_t before[2] = {host - 1, host > 2 ? host - 2 : 1};
        ez_world_add(world, before, host == 1 ? 0 : host == 2 ? 1 : 2);
    }
    ez_world_run(world, 20000);
    for (size_t host = 1; host <= hosts; host++) {
        messages += counters_of(world, host)->messages_in[EZ_MSG_ADDRESSES];
        cr_expect_geq(peers_of(world, host), 8, "host %zu of %zu", host, hosts);
    }
    world_end(world);
    return (double)messages / (double)hosts;
}

Test(discovery, news_of_addresses_do_not_grow_with_the_square_of_the_swarm)
{
    const double few = address_messages(60), many = address_messages(240);
    cr_expect_lt(many, 1.25 * few, "%.1f messages a node among 240, %.1f among 60", many, few);
}

/* Slots are filled in one go when a node starts: the rule must not wait for links that are there.
 */
Test(discovery, dials_under_way_take_their_network_groups_slot)
{
    ez_world *const world = world_new(80, 1);
    ez_endpoint teller;
    ez_known_address list[12] = {0};
    ez_message message = {.type = EZ_MSG_ADDRESSES};
    cr_assert(ez_endpoint_parse(&teller, "20.9.0.1:7333"));
    ez_world_run(world, 100);
    ez_stranger *const stranger = ez_stranger_from(world, 1, &teller, true);
    for (size_t i = 0; i < 12; i++) { /* six each in two groups */
        cr_assert(ez_endpoint_parse(&list[i].endpoint, i % 2 == 0 ? "20.5.0.1:1" : "20.6.0.1:1"));
        list[i].endpoint.ip[14] = (uint8_t)i;
    }
    message.as.addresses.list = list;
    message.as.addresses.count = 12;
    ez_stranger_send(stranger, &message);
    ez_world_run(world, EZ_DIAL_TIMEOUT_MS / 2); /* nobody answers there, none has failed yet */
    cr_expect_eq(counters_of(world, 1)->dials, 2);
    world_end(world);
}
