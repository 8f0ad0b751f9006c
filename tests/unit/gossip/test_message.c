#include "ezp2p/gossip/message.h"

#include <criterion/criterion.h>
#include <string.h>

Test(message, every_reason_has_a_code_and_says_whether_it_is_a_fault)
{
#define EXPECT(name, number, code, fault)                                                          \
    cr_expect_str_eq(ez_goodbye_code(number), code);                                               \
    cr_expect_eq(ez_goodbye_is_fault(number), fault != 0);                                         \
    cr_expect_eq((int)name, number);
    EZ_GOODBYES_EACH(EXPECT)
#undef EXPECT
    cr_expect_str_eq(ez_goodbye_code(13), "unknown");
    cr_expect_str_eq(ez_goodbye_code(UINT32_MAX), "unknown");
    cr_expect(!ez_goodbye_is_fault(13), "a reason of a later version discourages nobody");
    cr_expect(!ez_goodbye_is_fault(UINT32_MAX));
}

Test(message, reasons_that_honest_peers_meet_are_no_faults)
{
    for (uint32_t reason = 0; reason < 20; reason++) {
        cr_expect(!ez_goodbye_is_fault(reason), "%s", ez_goodbye_code(reason));
    }
}

Test(message, every_type_has_a_name_of_its_own)
{
    for (int type = EZ_MSG_HELLO; type < EZ_MESSAGE_TYPES; type++) {
        const char *const name = ez_message_name((ez_message_type)type);
        cr_expect_str_neq(name, "unknown", "type %d", type);
        for (int other = EZ_MSG_HELLO; other < type; other++) {
            cr_expect_str_neq(name, ez_message_name((ez_message_type)other));
        }
    }
}

/* That the figures are right to the byte is tested against the encoder, in the wire layer. */
Test(message, size_grows_with_what_is_in_it)
{
    static const ez_tx_id ids[EZ_IDS_MAX];
    ez_message message = {.type = EZ_MSG_ANNOUNCE_TXS};
    message.as.tx_ids.list = ids;
    message.as.tx_ids.count = 1;
    const size_t one = ez_message_bytes(&message);
    message.as.tx_ids.count = EZ_IDS_MAX;
    const size_t most = ez_message_bytes(&message);
    cr_expect_geq(one, 32);
    cr_expect_leq(one, 32 + 16);
    cr_expect_geq(most, 32 * EZ_IDS_MAX);
    cr_expect_leq(most, 32 * EZ_IDS_MAX + 16);
}
