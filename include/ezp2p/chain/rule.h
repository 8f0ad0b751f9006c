/* Consensus and pool rules as data: every refusal names one of these, by a stable code that goes
 * into Goodbye messages, problem documents, `verify` reports and docs/protocol.md. Numbers are
 * part of the protocol: append, never renumber. */
#ifndef EZP2P_CHAIN_RULE_H
#define EZP2P_CHAIN_RULE_H

/* clang-format off */
/* X(enumerator, number, "code", "what a person should know") */
#define EZ_RULES_EACH(X) \
    X(EZ_RULE_OK, 0, "ok", "accepted") \
    /* transaction, judged alone */ \
    X(EZ_RULE_TX_MALFORMED, 10, "tx-malformed", "the bytes are not a canonical transaction") \
    X(EZ_RULE_TX_VERSION, 11, "tx-version", "only transaction version 1 is known") \
    X(EZ_RULE_TX_LABEL, 12, "tx-label", "a label is 1 to 64 bytes of UTF-8 without control characters, does not start with ez1, and is not 0 as a sender") \
    X(EZ_RULE_TX_AMOUNT, 13, "tx-amount", "amount and fee are at most 2^53 - 1, alone and together") \
    X(EZ_RULE_TX_MEMO, 14, "tx-memo", "a memo is at most 256 bytes of UTF-8 without control characters") \
    X(EZ_RULE_TX_SIGNATURE, 15, "tx-signature", "the signature does not cover this transaction on this network") \
    X(EZ_RULE_TX_LABEL_FEE, 16, "tx-label-fee", "a note from a label has no coins to pay a fee with") \
    X(EZ_RULE_TX_LABEL_SEQUENCE, 17, "tx-label-sequence", "a note from a label has sequence 0") \
    X(EZ_RULE_TX_REWARD_ALONE, 18, "tx-reward-alone", "a reward stands only in the block that pays it") \
    X(EZ_RULE_TX_TIMESTAMP, 19, "tx-timestamp", "a timestamp is at most 2^53 - 1 microseconds") \
    /* transaction against the ledger */ \
    X(EZ_RULE_TX_SEQUENCE_PAST, 20, "tx-sequence-past", "the sequence number has been used already") \
    X(EZ_RULE_TX_SEQUENCE_GAP, 21, "tx-sequence-gap", "entries of this address that come before are missing") \
    X(EZ_RULE_TX_FUNDS, 22, "tx-funds", "the sender does not have amount and fee") \
    X(EZ_RULE_TX_DUPLICATE, 23, "tx-duplicate", "this transaction is in the chain already") \
    X(EZ_RULE_TX_OVERFLOW, 24, "tx-overflow", "a balance would exceed 2^53 - 1") \
    X(EZ_RULE_TX_POOL_KNOWN, 25, "tx-pool-known", "this transaction is pooled already") \
    X(EZ_RULE_TX_POOL_CONFLICT, 26, "tx-pool-conflict", "another pooled entry of this address has this sequence number") \
    X(EZ_RULE_TX_POOL_FULL, 27, "tx-pool-full", "the pool is full and this transaction pays no more than what is in it") \
    X(EZ_RULE_TX_NOT_OURS, 28, "tx-not-ours", "the sender is an address of another key; sign the transaction and use POST /v1/transactions") \
    X(EZ_RULE_TX_ADDRESS, 29, "tx-address", "a name that starts with ez1 must be an address with a right checksum") \
    X(EZ_RULE_TX_SYNCING, 30, "tx-syncing", "this node is fetching the chain and does not know yet what this address has; try again") \
    /* header */ \
    X(EZ_RULE_HEADER_VERSION, 40, "header-version", "only block version 1 is known") \
    X(EZ_RULE_HEADER_INDEX, 41, "header-index", "the index is not its parent's plus one") \
    X(EZ_RULE_HEADER_BITS, 42, "header-bits", "the target is not the one this network asks for here") \
    X(EZ_RULE_HEADER_WORK, 43, "header-work", "the block id is above the target") \
    X(EZ_RULE_HEADER_TIME_PAST, 44, "header-time-past", "the timestamp is not later than the median of the eleven before it") \
    X(EZ_RULE_HEADER_TIME_FUTURE, 45, "header-time-future", "the timestamp is more than two hours ahead of the clock") \
    X(EZ_RULE_HEADER_PARENT_INVALID, 46, "header-parent-invalid", "the chain below this block breaks a rule") \
    X(EZ_RULE_HEADER_GENESIS, 47, "header-genesis", "another genesis block") \
    /* body, judged alone */ \
    X(EZ_RULE_BODY_SIZE, 60, "body-size", "the transactions take more than 1,000,000 bytes") \
    X(EZ_RULE_BODY_MERKLE, 61, "body-merkle", "the transactions are not those that the header commits to") \
    X(EZ_RULE_BODY_TX, 62, "body-tx", "a transaction of the block breaks a rule") \
    X(EZ_RULE_BODY_REWARD, 63, "body-reward", "exactly one reward, and it is the last transaction") \
    X(EZ_RULE_BODY_REPEAT, 64, "body-repeat", "a transaction stands in the block twice") \
    /* body against the ledger */ \
    X(EZ_RULE_BODY_REWARD_AMOUNT, 80, "body-reward-amount", "the reward is not the block reward plus the fees") \
    X(EZ_RULE_BODY_REWARD_FORM, 81, "body-reward-form", "the reward goes to an address, has no fee or memo, and its sequence is the block's index")
/* clang-format on */

typedef enum ez_rule {
#define EZ_RULE_ENUM(name, number, code, text) name = number,
    EZ_RULES_EACH(EZ_RULE_ENUM)
#undef EZ_RULE_ENUM
} ez_rule;

/* What to do with an object. Only EZ_REJECT may cost its sender anything. */
typedef enum ez_verdict {
    EZ_ACCEPT,
    EZ_IGNORE, /* late, early, known or unaffordable: an honest peer can send it */
    EZ_REJECT, /* no honest peer that checked it would have sent it */
} ez_verdict;

/* ez_rule_code, ez_rule_text: the stable code and the sentence of a rule. */
const char *ez_rule_code(ez_rule rule);
const char *ez_rule_text(ez_rule rule);

/* ez_rule_verdict: EZ_ACCEPT for EZ_RULE_OK; EZ_IGNORE for the rules that depend on what the judge
 * knows (sequence, funds, pool, clock); EZ_REJECT for the rest. */
ez_verdict ez_rule_verdict(ez_rule rule);

#endif
