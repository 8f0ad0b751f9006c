#include "ezp2p/chain/rule.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT_RULE(name, number, code, text) +1
#define LIST_RULE(name, number, code, text)  {name, number, code, text},

typedef struct row {
    ez_rule rule;
    int number;
    const char *code;
    const char *text;
} row;

/* clang-format off */
static const row rows[] = {EZ_RULES_EACH(LIST_RULE)};
/* clang-format on */
static const size_t row_count = 0 EZ_RULES_EACH(COUNT_RULE);

Test(rule, numbers_and_codes_are_what_they_were)
{
    /* A number once given stays: these are in other people's programs. */
    cr_expect_eq(EZ_RULE_OK, 0);
    cr_expect_eq(EZ_RULE_TX_MALFORMED, 10);
    cr_expect_eq(EZ_RULE_TX_ADDRESS, 29);
    cr_expect_eq(EZ_RULE_TX_SYNCING, 30);
    cr_expect_eq(EZ_RULE_HEADER_VERSION, 40);
    cr_expect_eq(EZ_RULE_HEADER_GENESIS, 47);
    cr_expect_eq(EZ_RULE_BODY_SIZE, 60);
    cr_expect_eq(EZ_RULE_BODY_REWARD_FORM, 81);
    cr_expect_str_eq(ez_rule_code(EZ_RULE_TX_FUNDS), "tx-funds");
    cr_expect_str_eq(ez_rule_code(EZ_RULE_HEADER_WORK), "header-work");
}

Test(rule, every_rule_has_its_code_and_text)
{
    for (size_t i = 0; i < row_count; i++) {
        cr_expect_str_eq(ez_rule_code(rows[i].rule), rows[i].code);
        cr_expect_str_eq(ez_rule_text(rows[i].rule), rows[i].text);
    }
}

Test(rule, codes_are_distinct)
{
    for (size_t i = 0; i < row_count; i++) {
        for (size_t j = 0; j < i; j++) {
            cr_expect_str_neq(rows[i].code, rows[j].code);
        }
    }
}

Test(rule, an_unlisted_number_is_called_unknown)
{
    cr_expect_str_eq(ez_rule_code((ez_rule)9), "unknown");
    cr_expect_str_eq(ez_rule_text((ez_rule)82), "unknown");
    cr_expect_eq(ez_rule_verdict((ez_rule)82), EZ_REJECT);
}

static bool hangs_on_the_judge(ez_rule rule)
{
    static const ez_rule rules[] = {
        EZ_RULE_TX_SEQUENCE_PAST,   EZ_RULE_TX_SEQUENCE_GAP,       EZ_RULE_TX_FUNDS,
        EZ_RULE_TX_DUPLICATE,       EZ_RULE_TX_OVERFLOW,           EZ_RULE_TX_POOL_KNOWN,
        EZ_RULE_TX_POOL_CONFLICT,   EZ_RULE_TX_POOL_FULL,          EZ_RULE_TX_NOT_OURS,
        EZ_RULE_HEADER_TIME_FUTURE, EZ_RULE_HEADER_PARENT_INVALID, EZ_RULE_TX_SYNCING,
    };

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i] == rule) {
            return true;
        }
    }
    return false;
}

Test(rule, only_what_no_honest_peer_sends_is_rejected)
{
    for (size_t i = 0; i < row_count; i++) {
        ez_verdict wanted = hangs_on_the_judge(rows[i].rule) ? EZ_IGNORE : EZ_REJECT;
        if (rows[i].rule == EZ_RULE_OK) {
            wanted = EZ_ACCEPT;
        }
        cr_expect_eq(ez_rule_verdict(rows[i].rule), wanted, "%s", rows[i].code);
    }
}
