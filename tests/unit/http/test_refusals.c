#include "routes_internal.h"

#include <criterion/criterion.h>

Test(refusals, malformed_by_itself_is_400)
{
    static const ez_rule rules[] = {EZ_RULE_TX_MALFORMED, EZ_RULE_TX_LABEL, EZ_RULE_TX_ADDRESS,
                                    EZ_RULE_TX_AMOUNT,    EZ_RULE_TX_MEMO,  EZ_RULE_TX_VERSION};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        cr_assert_eq(ez_rule_status(rules[i]), 400, "%s", ez_rule_code(rules[i]));
    }
}

Test(refusals, well_formed_but_against_the_ledger_is_422)
{
    static const ez_rule rules[] = {
        EZ_RULE_TX_FUNDS,     EZ_RULE_TX_SEQUENCE_PAST, EZ_RULE_TX_SEQUENCE_GAP,
        EZ_RULE_TX_DUPLICATE, EZ_RULE_TX_SIGNATURE,     EZ_RULE_TX_NOT_OURS,
        EZ_RULE_TX_OVERFLOW,  EZ_RULE_TX_POOL_CONFLICT, EZ_RULE_TX_REWARD_ALONE};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        cr_assert_eq(ez_rule_status(rules[i]), 422, "%s", ez_rule_code(rules[i]));
    }
}

Test(refusals, lack_of_room_is_503)
{
    cr_assert_eq(ez_rule_status(EZ_RULE_TX_POOL_FULL), 503);
    cr_assert_eq(ez_rule_status(EZ_RULE_TX_SYNCING), 503);
}
