/* Two links to one node: exactly one survives, and who asked for a peer stays connected to it. */
#include "support_world.h"

static size_t connected_manuals(ez_world *world, size_t host)
{
    ez_manual_info rows[8];
    const size_t count = ez_node_manual_peers(ez_world_node(world, host), rows, 8);
    size_t connected = 0;
    for (size_t i = 0; i < count; i++) {
        connected += rows[i].connected;
    }
    return connected;
}

static void add_peer(ez_world *world, size_t host, const char *text)
{
    ez_world_command(
        world, host,
        (ez_command){.type = EZ_COMMAND_ADD_PEER, .text = text, .port = EZ_WORLD_PORT});
}

static void expect_one_link(ez_world *world)
{
    cr_expect_eq(status_of(world, 1).links, 1);
    cr_expect_eq(status_of(world, 2).links, 1);
    cr_expect_eq(peers_of(world, 1), 1);
    cr_expect_eq(peers_of(world, 2), 1);
}

/* Hosts that are told of each other dial at one moment. The keys differ from seed to seed, so that
 * either of the two has the smaller one in some. */
Test(duplicate, crossing_dials_leave_one_link)
{
    size_t first_dialled = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        const ez_world_config config = world_config(seed);
        ez_world *const world = ez_world_new(&config);
        const size_t one = 1, two = 2;
        ez_world_add(world, &two, 1);
        ez_world_add(world, &one, 1);
        ez_world_run(world, 5000);
        expect_one_link(world);
        cr_expect_eq(connected_manuals(world, 1), 1);
        cr_expect_eq(connected_manuals(world, 2), 1);
        first_dialled += status_of(world, 1).peers_outbound;
        ez_world_run(world, 300000);
        expect_one_link(world);
        cr_expect_leq(counters_of(world, 1)->dials, 4);
        cr_expect_leq(counters_of(world, 2)->dials, 4);
        world_end(world);
    }
    cr_expect(first_dialled > 0 && first_dialled < 12, "both orders of keys were tried");
}

Test(duplicate, dialling_a_peer_that_came_to_us_leaves_one_link)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        ez_world *const world = world_new(seed, 2); /* 2 dials 1 */
        ez_world_run(world, 2000);
        add_peer(world, 1, "10.0.0.2");
        ez_world_run(world, 5000);
        expect_one_link(world);
        cr_expect_eq(connected_manuals(world, 1), 1);
        cr_expect_eq(connected_manuals(world, 2), 1);
        world_end(world);
    }
}

Test(duplicate, two_names_of_one_node_share_a_link_and_both_find_it_again)
{
    ez_world *const world = world_new(3, 2);
    ez_world_run(world, 1000);
    add_peer(world, 2, "::ffff:10.0.0.1");
    ez_world_run(world, 5000);
    expect_one_link(world);
    cr_expect_eq(connected_manuals(world, 2), 2);
    ez_world_stop(world, 1, true);
    ez_world_run(world, 1000);
    cr_expect_eq(connected_manuals(world, 2), 0);
    ez_world_start(world, 1);
    ez_world_run(world, 30000);
    expect_one_link(world);
    cr_expect_eq(connected_manuals(world, 2), 2);
    world_end(world);
}

Test(duplicate, removing_a_peer_ends_its_link_and_its_dials)
{
    ez_world *const world = world_new(4, 2);
    ez_world_run(world, 1000);
    const uint64_t request = ez_world_command(
        world, 2,
        (ez_command){.type = EZ_COMMAND_REMOVE_PEER, .text = "10.0.0.1", .port = EZ_WORLD_PORT});
    ez_world_run(world, COMMIT_MS);
    cr_expect_eq(answer(world, 2, request).status, EZ_OK);
    cr_expect_eq(ez_node_manual_peers(ez_world_node(world, 2), NULL, 0), 0);
    cr_expect_eq(status_of(world, 2).links, 0);
    world_end(world);
}

/* ---- against a stranger with a key of our choice --------------------------------------------- */

/* A host that dialled a stranger, and a second stranger that is the same node by its key. */
typedef struct pair {
    ez_world *world;
    ez_stranger *dialled; /* by the host */
    ez_stranger *came;
    ez_message hello;
} pair;

/* The second link comes from `from`. */
static pair meet_from(uint8_t key_byte, const char *from)
{
    pair made = {.world = world_new(5, 1)};
    ez_endpoint at;
    cr_assert(ez_endpoint_parse(&at, "10.9.9.9:7333"));
    made.dialled = ez_stranger_listen(made.world, &at);
    add_peer(made.world, 1, "10.9.9.9");
    ez_world_run(made.world, 2 * LATENCY_MS);
    cr_assert(ez_stranger_is_linked(made.dialled));
    made.hello = ez_stranger_hello(made.dialled);
    memset(made.hello.as.hello.node.bytes, key_byte, EZ_PUBLIC_KEY_BYTES);
    cr_assert(ez_stranger_shake(made.dialled, &made.hello));
    cr_assert(ez_endpoint_parse(&at, from));
    made.came = ez_stranger_from(made.world, 1, &at, false);
    made.hello.as.hello.nonce++;
    return made;
}

static pair meet(uint8_t key_byte)
{
    return meet_from(key_byte, "10.9.9.9:40000");
}

/* A Hello proves no key: whoever repeats a peer's key from elsewhere must not take its place. */
Test(duplicate, stranger_with_a_peers_key_does_not_push_it_out)
{
    pair forged = meet_from(0x00, "10.8.8.8:40000");
    cr_expect(ez_stranger_shake(forged.came, &forged.hello));
    cr_expect(!ez_stranger_is_closed(forged.dialled));
    ez_peer_info info;
    cr_assert(peer_of(forged.world, 1, ez_stranger_link(forged.dialled), &info));
    cr_expect(info.manual);
    world_end(forged.world);
}

Test(duplicate, of_crossing_links_the_one_dialled_by_the_smaller_stays)
{
    pair theirs = meet(0x00); /* the host is the larger: it closes the link it dialled */
    cr_expect(ez_stranger_shake(theirs.came, &theirs.hello));
    cr_expect_eq(ez_stranger_goodbye(theirs.dialled), EZ_GOODBYE_DUPLICATE);
    cr_expect(!ez_stranger_is_closed(theirs.came));
    cr_expect_eq(connected_manuals(theirs.world, 1), 1, "served by the other link");
    ez_peer_info info;
    cr_assert(peer_of(theirs.world, 1, ez_stranger_link(theirs.came), &info));
    cr_expect(info.manual);
    world_end(theirs.world);

    pair ours = meet(0xff); /* the host is the smaller: the other side closes */
    cr_expect(ez_stranger_shake(ours.came, &ours.hello));
    cr_expect(!ez_stranger_is_closed(ours.dialled) && !ez_stranger_is_closed(ours.came));
    ez_stranger_hang_up(ours.came);
    ez_world_run(ours.world, LATENCY_MS);
    cr_expect_eq(peers_of(ours.world, 1), 1);
    cr_expect_eq(connected_manuals(ours.world, 1), 1);
    world_end(ours.world);
}

Test(duplicate, one_node_has_at_most_two_links)
{
    ez_world *const world = world_new(6, 1);
    ez_message hello = {0};
    ez_stranger *strangers[EZ_LINKS_PER_NODE_MAX + 1];
    for (size_t i = 0; i <= EZ_LINKS_PER_NODE_MAX; i++) {
        strangers[i] = ez_stranger_new(world, 1, false);
        if (i == 0) {
            hello = ez_stranger_hello(strangers[i]);
        }
        hello.as.hello.nonce += i;
        const bool fits = i < EZ_LINKS_PER_NODE_MAX;
        cr_expect_eq(ez_stranger_shake(strangers[i], &hello), fits, "link %zu", i);
    }
    cr_expect_eq(ez_stranger_goodbye(strangers[EZ_LINKS_PER_NODE_MAX]), EZ_GOODBYE_DUPLICATE);
    cr_expect_eq(peers_of(world, 1), EZ_LINKS_PER_NODE_MAX);
    world_end(world);
}
