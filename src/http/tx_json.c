#include "http_internal.h"
#include "routes_internal.h"

static void write_standing(ez_json_writer *writer, const ez_tx_context *context)
{
    if (context->place == NULL) {
        ez_json_null(writer, "block");
    } else {
        ez_json_begin_object(writer, "block");
        ez_json_hex(writer, "hash", context->place->block.hash.bytes, EZ_HASH_BYTES);
        ez_json_u64(writer, "height", context->place->height);
        ez_json_u64(writer, "position", context->place->position);
        ez_json_end_object(writer);
    }
    ez_json_u64(writer, "confirmations", context->confirmations);
}

static void write_memo(ez_json_writer *writer, const ez_tx *tx)
{
    char memo[EZ_MEMO_BYTES_MAX + 1] = "";
    memcpy(memo, tx->memo, tx->memo_size);
    ez_json_text(writer, "memo", memo);
}

/* Who signed, and with what; a reward is signed by the work of its block. */
static void write_hex_unless(ez_json_writer *writer, const char *key, bool absent, const void *data,
                             size_t size)
{
    if (absent) {
        ez_json_null(writer, key);
    } else {
        ez_json_hex(writer, key, data, size);
    }
}

void ez_tx_write(ez_json_writer *writer, const char *key, const ez_tx *tx, const ez_tx_id *id,
                 const ez_tx_context *context)
{
    bool is_reward = ez_tx_kind_of(tx) == EZ_TX_REWARD;
    ez_json_begin_object(writer, key);
    ez_json_u64(writer, "amount", tx->amount);
    if (context->standing) {
        write_standing(writer, context);
    }
    ez_json_u64(writer, "fee", tx->fee);
    ez_json_hex(writer, "id", id->hash.bytes, EZ_HASH_BYTES);
    ez_json_text(writer, "kind", ez_tx_kind_text(ez_tx_kind_of(tx)));
    write_memo(writer, tx);
    if (context->raw != NULL) {
        ez_json_hex(writer, "raw", context->raw->data, context->raw->size);
    }
    ez_json_text(writer, "recipient", ez_party_text(&tx->recipient).text);
    ez_json_text(writer, "sender", ez_party_text(&tx->sender).text);
    ez_json_u64(writer, "sequence", tx->sequence);
    write_hex_unless(writer, "signature", is_reward, tx->signature.bytes, EZ_SIGNATURE_BYTES);
    write_hex_unless(writer, "signer", is_reward, tx->signer.bytes, EZ_PUBLIC_KEY_BYTES);
    if (context->standing) {
        ez_json_text(writer, "status", context->place != NULL ? "block" : "pool");
    }
    ez_json_u64(writer, "timestamp", tx->timestamp);
    ez_json_end_object(writer);
}

int ez_rule_status(ez_rule rule)
{
    switch (rule) {
    case EZ_RULE_OK:
        return 201;
    case EZ_RULE_TX_MALFORMED:
    case EZ_RULE_TX_VERSION:
    case EZ_RULE_TX_LABEL:
    case EZ_RULE_TX_AMOUNT:
    case EZ_RULE_TX_MEMO:
    case EZ_RULE_TX_LABEL_FEE:
    case EZ_RULE_TX_LABEL_SEQUENCE:
    case EZ_RULE_TX_TIMESTAMP:
    case EZ_RULE_TX_ADDRESS:
        return 400;
    case EZ_RULE_TX_POOL_FULL:
    case EZ_RULE_TX_SYNCING:
        return 503;
    case EZ_RULE_TX_SIGNATURE:
    case EZ_RULE_TX_REWARD_ALONE:
    case EZ_RULE_TX_SEQUENCE_PAST:
    case EZ_RULE_TX_SEQUENCE_GAP:
    case EZ_RULE_TX_FUNDS:
    case EZ_RULE_TX_DUPLICATE:
    case EZ_RULE_TX_OVERFLOW:
    case EZ_RULE_TX_POOL_KNOWN:
    case EZ_RULE_TX_POOL_CONFLICT:
    case EZ_RULE_TX_NOT_OURS:
    case EZ_RULE_HEADER_VERSION:
    case EZ_RULE_HEADER_INDEX:
    case EZ_RULE_HEADER_BITS:
    case EZ_RULE_HEADER_WORK:
    case EZ_RULE_HEADER_TIME_PAST:
    case EZ_RULE_HEADER_TIME_FUTURE:
    case EZ_RULE_HEADER_PARENT_INVALID:
    case EZ_RULE_HEADER_GENESIS:
    case EZ_RULE_BODY_SIZE:
    case EZ_RULE_BODY_MERKLE:
    case EZ_RULE_BODY_TX:
    case EZ_RULE_BODY_REWARD:
    case EZ_RULE_BODY_REPEAT:
    case EZ_RULE_BODY_REWARD_AMOUNT:
    case EZ_RULE_BODY_REWARD_FORM:
        break;
    }
    return 422;
}

void ez_respond_rule(ez_exchange *exchange, ez_rule rule)
{
    int status = ez_rule_status(rule);
    if (status == 503) {
        ez_respond_header(exchange, "Retry-After", "1");
    }
    ez_respond_problem(exchange, status, ez_rule_code(rule), ez_rule_text(rule));
}
