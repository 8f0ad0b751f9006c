#include "ezp2p/gossip/handshake.h"

#include <criterion/criterion.h>

static const ez_public_key small = {{1}}, large = {{2}};
static const ez_block_id network = {{{7}}};

Test(handshake, first_obstacle_is_the_reason)
{
    const ez_block_id other = {{{8}}};
    ez_hello hello = {.protocol = EZ_PROTOCOL_VERSION, .network = network, .node = small};
    cr_expect_eq(ez_handshake_judge(&hello, &network, &large), EZ_GOODBYE_UNSPECIFIED);
    cr_expect_eq(ez_handshake_judge(&hello, &network, &small), EZ_GOODBYE_SELF);
    cr_expect_eq(ez_handshake_judge(&hello, &other, &small), EZ_GOODBYE_NETWORK);
    hello.protocol++;
    cr_expect_eq(ez_handshake_judge(&hello, &other, &small), EZ_GOODBYE_VERSION);
    hello.protocol = 0;
    cr_expect_eq(ez_handshake_judge(&hello, &network, &large), EZ_GOODBYE_VERSION);
}

/* Both sides judge the same two links; `first` says which of the two nodes dialled which. A side
 * may have seen the links in either order. Returns which links are left, as bits. */
static unsigned links_left(bool old_dialled_by_small, bool new_dialled_by_small, bool swapped)
{
    const bool dialled[2] = {old_dialled_by_small, new_dialled_by_small};
    unsigned left = 3;
    for (int side = 0; side < 2; side++) {
        const bool is_small = side == 0;
        /* With `swapped` the larger node saw the links the other way round. */
        const int old = swapped && !is_small ? 1 : 0;
        const ez_duplicate what =
            ez_handshake_duplicate(is_small ? &small : &large, is_small ? &large : &small,
                                   dialled[old] == is_small, dialled[1 - old] == is_small);
        if (what == EZ_DUPLICATE_CLOSE_OLD) {
            left &= ~(1u << old);
        } else if (what == EZ_DUPLICATE_CLOSE_NEW) {
            left &= ~(1u << (1 - old));
        }
    }
    return left;
}

Test(handshake, both_sides_leave_exactly_one_of_two_links)
{
    cr_expect_eq(links_left(true, true, false), 1, "the older of two by one dialler");
    cr_expect_eq(links_left(false, false, false), 1);
    cr_expect_eq(links_left(true, false, false), 1, "of crossing links the smaller node's");
    cr_expect_eq(links_left(false, true, false), 2);
    cr_expect_eq(links_left(true, false, true), 1, "in whatever order they were seen");
    cr_expect_eq(links_left(false, true, true), 2);
}

Test(handshake, only_the_dialler_of_a_link_closes_it)
{
    for (int ours = 0; ours < 2; ours++) {
        const ez_public_key *const us = ours == 0 ? &small : &large;
        const ez_public_key *const them = ours == 0 ? &large : &small;
        for (int links = 0; links < 4; links++) {
            const bool old = (links & 1) != 0, new = (links & 2) != 0;
            const ez_duplicate what = ez_handshake_duplicate(us, them, old, new);
            cr_expect(what != EZ_DUPLICATE_CLOSE_OLD || old);
            cr_expect(what != EZ_DUPLICATE_CLOSE_NEW || new);
        }
    }
}
