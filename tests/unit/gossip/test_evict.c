#include "ezp2p/gossip/evict.h"

#include <criterion/criterion.h>
#include <string.h>

enum { PROTECTED = 12 }; /* by ping, blocks and transactions; then half of the rest by age */

/* `count` candidates of groups of their own; link i came i-th and is otherwise unremarkable. */
static void fill(ez_evict_candidate *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] =
            (ez_evict_candidate){.link = {i + 1}, .since = 100 * (i + 1), .ping_ms = UINT32_MAX};
        out[i].group.bytes[0] = (uint8_t)i;
        out[i].group.bytes[1] = 1;
    }
}

Test(evict, nobody_leaves_while_all_are_protected)
{
    ez_evict_candidate list[PROTECTED + 2];
    for (size_t count = 0; count <= PROTECTED; count++) {
        fill(list, count);
        cr_expect_eq(ez_evict_choose(list, count).value, 0, "%zu", count);
    }
    fill(list, PROTECTED + 1);
    cr_expect_neq(ez_evict_choose(list, PROTECTED + 1).value, 0, "one more, and one leaves");
}

Test(evict, youngest_leaves_when_nothing_else_tells_them_apart)
{
    ez_evict_candidate list[40];
    fill(list, 40);
    /* Ties for ping, blocks and transactions protect the highest link numbers, so the youngest of
     * the others goes. */
    cr_expect_eq(ez_evict_choose(list, 40).value, 40 - PROTECTED);
}

Test(evict, merit_protects)
{
    ez_evict_candidate list[40];
    for (int merit = 0; merit < 3; merit++) {
        for (size_t lucky = 0; lucky < 40; lucky++) {
            fill(list, 40);
            if (merit == 0) {
                list[lucky].ping_ms = 1;
            } else if (merit == 1) {
                list[lucky].last_block = 1;
            } else {
                list[lucky].last_tx = 1;
            }
            cr_expect_neq(ez_evict_choose(list, 40).value, lucky + 1, "merit %d of %zu", merit,
                          lucky);
        }
    }
}

Test(evict, older_half_of_the_rest_stays)
{
    ez_evict_candidate list[40];
    for (size_t crowd = 0; crowd < 14; crowd++) { /* (40 - 12) / 2 of the oldest */
        fill(list, 40);
        memset(&list[crowd].group, 0xee, sizeof(list[crowd].group));
        const uint64_t leaves = ez_evict_choose(list, 40).value;
        cr_expect_geq(leaves, 15);
    }
}

Test(evict, crowded_group_gives_up_its_youngest)
{
    ez_evict_candidate list[60];
    fill(list, 60);
    /* The younger half of the unprotected are links 25 to 48; three of them share a group. */
    static const size_t crowd[] = {27, 33, 41};
    for (size_t i = 0; i < 3; i++) {
        memset(&list[crowd[i] - 1].group, 0xee, sizeof(list[0].group));
    }
    cr_expect_eq(ez_evict_choose(list, 60).value, 41);
}

Test(evict, order_of_the_list_does_not_matter)
{
    ez_evict_candidate list[30], turned[30];
    fill(list, 30);
    for (size_t i = 0; i < 30; i++) {
        list[i].ping_ms = (uint32_t)(i * 7 % 13);
        list[i].last_block = i * 5 % 7;
        list[i].last_tx = i * 3 % 5;
        turned[29 - i] = list[i];
    }
    cr_expect_eq(ez_evict_choose(list, 30).value, ez_evict_choose(turned, 30).value);
}
