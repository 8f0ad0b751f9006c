#include "ezp2p/chain/rule.h"

/* A number that no enumerator has can only come from a caller that cast it: name it, so that a log
 * line stays readable. */
static const char unknown[] = "unknown";

const char *ez_rule_code(ez_rule rule)
{
#define RULE_CODE(name, number, code, text)                                                        \
    case name:                                                                                     \
        return code;
    switch (rule) {
        EZ_RULES_EACH(RULE_CODE)
    }
#undef RULE_CODE
    return unknown;
}

const char *ez_rule_text(ez_rule rule)
{
#define RULE_TEXT(name, number, code, text)                                                        \
    case name:                                                                                     \
        return text;
    switch (rule) {
        EZ_RULES_EACH(RULE_TEXT)
    }
#undef RULE_TEXT
    return unknown;
}

ez_verdict ez_rule_verdict(ez_rule rule)
{
    switch (rule) {
    case EZ_RULE_OK:
        return EZ_ACCEPT;

    /* These hang on our ledger, our pool, our keys or our clock. A peer with another tip or another
     * clock sees it otherwise and is honest. */
    case EZ_RULE_TX_SEQUENCE_PAST:
    case EZ_RULE_TX_SEQUENCE_GAP:
    case EZ_RULE_TX_FUNDS:
    case EZ_RULE_TX_DUPLICATE:
    case EZ_RULE_TX_OVERFLOW:
    case EZ_RULE_TX_POOL_KNOWN:
    case EZ_RULE_TX_POOL_CONFLICT:
    case EZ_RULE_TX_POOL_FULL:
    case EZ_RULE_TX_NOT_OURS:
    case EZ_RULE_TX_SYNCING:
    case EZ_RULE_HEADER_TIME_FUTURE:
    /* Headers are relayed before bodies are checked: a peer may not know yet that the chain below
     * is bad. */
    case EZ_RULE_HEADER_PARENT_INVALID:
        return EZ_IGNORE;

    case EZ_RULE_TX_MALFORMED:
    case EZ_RULE_TX_VERSION:
    case EZ_RULE_TX_LABEL:
    case EZ_RULE_TX_AMOUNT:
    case EZ_RULE_TX_MEMO:
    case EZ_RULE_TX_SIGNATURE:
    case EZ_RULE_TX_LABEL_FEE:
    case EZ_RULE_TX_LABEL_SEQUENCE:
    case EZ_RULE_TX_REWARD_ALONE:
    case EZ_RULE_TX_TIMESTAMP:
    case EZ_RULE_TX_ADDRESS:
    case EZ_RULE_HEADER_VERSION:
    case EZ_RULE_HEADER_INDEX:
    case EZ_RULE_HEADER_BITS:
    case EZ_RULE_HEADER_WORK:
    case EZ_RULE_HEADER_TIME_PAST:
    case EZ_RULE_HEADER_GENESIS:
    case EZ_RULE_BODY_SIZE:
    case EZ_RULE_BODY_MERKLE:
    case EZ_RULE_BODY_TX:
    case EZ_RULE_BODY_REWARD:
    case EZ_RULE_BODY_REPEAT:
    case EZ_RULE_BODY_REWARD_AMOUNT:
    case EZ_RULE_BODY_REWARD_FORM:
        return EZ_REJECT;
    }
    return EZ_REJECT;
}
