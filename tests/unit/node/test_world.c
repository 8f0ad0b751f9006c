/* The world itself: that the simulator keeps the promises the other tests lean on. */
#include "support_world.h"

Test(world, two_hosts_meet_and_share_a_block)
{
    ez_world *const world = world_new(1, 2);
    ez_world_run(world, 1000);
    cr_expect_eq(peers_of(world, 1), 1);
    cr_expect_eq(peers_of(world, 2), 1);
    ez_world_mine(world, 1);
    ez_world_run(world, 1000);
    cr_expect_eq(height_of(world, 1), 2);
    cr_expect(ez_world_agrees(world));
    cr_expect(ez_world_replays(world, 2));
    world_end(world);
}
