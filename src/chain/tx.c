#include "ezp2p/chain/tx.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/address.h"
#include "ezp2p/crypto/sha256.h"
#include "tx_internal.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof EZ_TX_DOMAIN == EZ_TX_DOMAIN_BYTES, "the tag fills its 16 bytes");
static_assert(EZ_LABEL_BYTES_MAX <= UINT8_MAX, "a label's length is one byte");
static_assert(EZ_MEMO_BYTES_MAX <= UINT16_MAX, "a memo's length is two bytes");
static_assert(EZ_ADDRESS_TEXT_BYTES <= sizeof(ez_party_string), "an address fits a party's text");

static const uint8_t domain[EZ_TX_DOMAIN_BYTES] = EZ_TX_DOMAIN;

ez_tx_kind ez_tx_kind_of(const ez_tx *tx)
{
    if (tx->sender.kind == EZ_PARTY_REWARD) {
        return EZ_TX_REWARD;
    }
    if (tx->sender.kind == EZ_PARTY_LABEL || tx->recipient.kind == EZ_PARTY_LABEL) {
        return EZ_TX_NOTE;
    }
    return EZ_TX_TRANSFER;
}

const char *ez_tx_kind_text(ez_tx_kind kind)
{
    switch (kind) {
    case EZ_TX_REWARD:
        return "reward";
    case EZ_TX_TRANSFER:
        return "transfer";
    case EZ_TX_NOTE:
        return "note";
    }
    return "unknown";
}

static bool label_is_valid(const uint8_t *label, size_t size)
{
    return size >= 1 && size <= EZ_LABEL_BYTES_MAX && !ez_address_is_claimed(label, size) &&
           ez_utf8_is_clean(label, size);
}

static ez_rule parse_address(ez_party *out, const char *text, size_t size)
{
    char copy[EZ_ADDRESS_TEXT_BYTES];
    ez_public_key key;

    if (size != sizeof copy - 1) {
        return EZ_RULE_TX_ADDRESS;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (!ez_address_parse(&key, copy)) {
        return EZ_RULE_TX_ADDRESS;
    }
    out->kind = EZ_PARTY_ADDRESS;
    out->key = key;
    return EZ_RULE_OK;
}

ez_rule ez_party_parse(ez_party *out, const char *text, size_t size)
{
    memset(out, 0, sizeof *out);
    if (ez_address_is_claimed(text, size)) {
        return parse_address(out, text, size);
    }
    if (!label_is_valid((const uint8_t *)text, size)) {
        return EZ_RULE_TX_LABEL;
    }
    out->kind = EZ_PARTY_LABEL;
    out->label_size = (uint8_t)size;
    memcpy(out->label, text, size);
    return EZ_RULE_OK;
}

ez_party_string ez_party_text(const ez_party *party)
{
    ez_party_string out = {{0}};

    switch (party->kind) {
    case EZ_PARTY_REWARD:
        out.text[0] = '0';
        break;
    case EZ_PARTY_ADDRESS:
        memcpy(out.text, ez_address_text(&party->key).text, EZ_ADDRESS_TEXT_BYTES);
        break;
    case EZ_PARTY_LABEL:
        EZ_ASSERT(party->label_size <= EZ_LABEL_BYTES_MAX);
        memcpy(out.text, party->label, party->label_size);
        break;
    }
    return out;
}

/* Form. */

static ez_rule check_label(const ez_party *party)
{
    return label_is_valid(party->label, party->label_size) ? EZ_RULE_OK : EZ_RULE_TX_LABEL;
}

static ez_rule check_sender(const ez_party *sender)
{
    switch (sender->kind) {
    case EZ_PARTY_REWARD:
    case EZ_PARTY_ADDRESS:
        return EZ_RULE_OK;
    case EZ_PARTY_LABEL:
        if (sender->label_size == 1 && sender->label[0] == '0') {
            return EZ_RULE_TX_LABEL; /* would pass for a reward in the original's view */
        }
        return check_label(sender);
    }
    return EZ_RULE_TX_MALFORMED;
}

static ez_rule check_recipient(const ez_party *recipient)
{
    switch (recipient->kind) {
    case EZ_PARTY_ADDRESS:
        return EZ_RULE_OK;
    case EZ_PARTY_LABEL:
        return check_label(recipient);
    case EZ_PARTY_REWARD:
        break;
    }
    return EZ_RULE_TX_MALFORMED;
}

static ez_rule check_numbers(const ez_tx *tx)
{
    if (tx->amount > EZ_AMOUNT_MAX || tx->fee > EZ_AMOUNT_MAX - tx->amount) {
        return EZ_RULE_TX_AMOUNT;
    }
    if (tx->sequence > EZ_SEQUENCE_MAX) {
        return EZ_RULE_TX_MALFORMED;
    }
    return tx->timestamp > EZ_TIMESTAMP_MAX ? EZ_RULE_TX_TIMESTAMP : EZ_RULE_OK;
}

ez_rule ez_tx_check_form(const ez_tx *tx)
{
    ez_rule rule = check_sender(&tx->sender);

    if (rule == EZ_RULE_OK) {
        rule = check_recipient(&tx->recipient);
    }
    if (rule == EZ_RULE_OK) {
        rule = check_numbers(tx);
    }
    if (rule != EZ_RULE_OK) {
        return rule;
    }
    if (tx->memo_size > EZ_MEMO_BYTES_MAX || !ez_utf8_is_clean(tx->memo, tx->memo_size)) {
        return EZ_RULE_TX_MEMO;
    }
    if (tx->sender.kind == EZ_PARTY_LABEL && tx->fee != 0) {
        return EZ_RULE_TX_LABEL_FEE;
    }
    if (tx->sender.kind == EZ_PARTY_LABEL && tx->sequence != 0) {
        return EZ_RULE_TX_LABEL_SEQUENCE;
    }
    return EZ_RULE_OK;
}

/* Encoding. */

static void encode_label(ez_buffer *out, const ez_party *party)
{
    EZ_ASSERT(party->label_size <= EZ_LABEL_BYTES_MAX);
    ez_buffer_add_u8(out, party->label_size);
    ez_buffer_add(out, party->label, party->label_size);
}

static void encode_sender(ez_buffer *out, const ez_tx *tx)
{
    ez_buffer_add_u8(out, (uint8_t)tx->sender.kind);
    switch (tx->sender.kind) {
    case EZ_PARTY_REWARD:
        break;
    case EZ_PARTY_ADDRESS:
        EZ_ASSERT(ez_public_key_is_equal(&tx->sender.key, &tx->signer));
        break;
    case EZ_PARTY_LABEL:
        encode_label(out, &tx->sender);
        break;
    }
}

static void encode_recipient(ez_buffer *out, const ez_party *recipient)
{
    EZ_ASSERT(recipient->kind != EZ_PARTY_REWARD);
    ez_buffer_add_u8(out, (uint8_t)recipient->kind);
    if (recipient->kind == EZ_PARTY_ADDRESS) {
        ez_buffer_add(out, recipient->key.bytes, EZ_PUBLIC_KEY_BYTES);
    } else {
        encode_label(out, recipient);
    }
}

void ez_tx_encode(ez_buffer *out, const ez_tx *tx)
{
    EZ_ASSERT(tx->memo_size <= EZ_MEMO_BYTES_MAX);
    ez_buffer_add_u8(out, EZ_TX_VERSION);
    encode_sender(out, tx);
    encode_recipient(out, &tx->recipient);
    ez_buffer_add_u64(out, tx->amount);
    ez_buffer_add_u64(out, tx->fee);
    ez_buffer_add_u64(out, tx->sequence);
    ez_buffer_add_u64(out, tx->timestamp);
    ez_buffer_add_u16(out, tx->memo_size);
    ez_buffer_add(out, tx->memo, tx->memo_size);
    if (tx->sender.kind != EZ_PARTY_REWARD) {
        ez_buffer_add(out, tx->signer.bytes, EZ_PUBLIC_KEY_BYTES);
        ez_buffer_add(out, tx->signature.bytes, EZ_SIGNATURE_BYTES);
    }
}

/* Decoding. */

static void scan_label(ez_party_layout *out, ez_reader *reader)
{
    out->kind = EZ_PARTY_LABEL;
    out->label_size = ez_reader_u8(reader);
    out->label = ez_reader_take(reader, out->label_size);
}

static bool scan_sender(ez_party_layout *out, ez_reader *reader)
{
    switch (ez_reader_u8(reader)) {
    case EZ_PARTY_REWARD:
        out->kind = EZ_PARTY_REWARD;
        return true;
    case EZ_PARTY_ADDRESS:
        out->kind = EZ_PARTY_ADDRESS;
        return true;
    case EZ_PARTY_LABEL:
        scan_label(out, reader);
        return true;
    }
    return false;
}

static bool scan_recipient(ez_party_layout *out, ez_reader *reader)
{
    switch (ez_reader_u8(reader)) {
    case EZ_PARTY_ADDRESS:
        out->kind = EZ_PARTY_ADDRESS;
        out->key = ez_reader_take(reader, EZ_PUBLIC_KEY_BYTES);
        return true;
    case EZ_PARTY_LABEL:
        scan_label(out, reader);
        return true;
    }
    return false;
}

ez_rule ez_tx_scan(ez_tx_layout *out, ez_reader *reader)
{
    memset(out, 0, sizeof *out);
    uint8_t version = ez_reader_u8(reader);
    if (!reader->failed && version != EZ_TX_VERSION) {
        return EZ_RULE_TX_VERSION;
    }
    if (!scan_sender(&out->sender, reader) || !scan_recipient(&out->recipient, reader)) {
        return EZ_RULE_TX_MALFORMED;
    }
    out->amount = ez_reader_u64(reader);
    out->fee = ez_reader_u64(reader);
    out->sequence = ez_reader_u64(reader);
    out->timestamp = ez_reader_u64(reader);
    out->memo_size = ez_reader_u16(reader);
    out->memo = ez_reader_take(reader, out->memo_size);
    if (out->sender.kind != EZ_PARTY_REWARD) {
        out->signer = ez_reader_take(reader, EZ_PUBLIC_KEY_BYTES);
        out->signature = ez_reader_take(reader, EZ_SIGNATURE_BYTES);
    }
    return reader->failed ? EZ_RULE_TX_MALFORMED : EZ_RULE_OK;
}

ez_party_kind ez_tx_sender_kind(const uint8_t *bytes)
{
    return (ez_party_kind)bytes[1]; /* behind the version */
}

static void fill_party(ez_party *out, const ez_party_layout *layout)
{
    out->kind = layout->kind;
    if (layout->key != NULL) {
        memcpy(out->key.bytes, layout->key, EZ_PUBLIC_KEY_BYTES);
    }
    if (layout->label_size > 0) {
        out->label_size = layout->label_size;
        memcpy(out->label, layout->label, layout->label_size);
    }
}

static void fill_tx(ez_tx *out, const ez_tx_layout *layout)
{
    memset(out, 0, sizeof *out);
    fill_party(&out->sender, &layout->sender);
    fill_party(&out->recipient, &layout->recipient);
    out->amount = layout->amount;
    out->fee = layout->fee;
    out->sequence = layout->sequence;
    out->timestamp = layout->timestamp;
    if (layout->memo_size > 0) {
        out->memo_size = layout->memo_size;
        memcpy(out->memo, layout->memo, layout->memo_size);
    }
    if (layout->signer != NULL) {
        memcpy(out->signer.bytes, layout->signer, EZ_PUBLIC_KEY_BYTES);
        memcpy(out->signature.bytes, layout->signature, EZ_SIGNATURE_BYTES);
    }
    if (out->sender.kind == EZ_PARTY_ADDRESS) {
        out->sender.key = out->signer;
    }
}

/* Decode what fits its fields; the form is not judged. */
static ez_rule read_tx(ez_tx *out, ez_reader *reader)
{
    ez_tx_layout layout;
    ez_rule rule = ez_tx_scan(&layout, reader);

    if (rule != EZ_RULE_OK) {
        return rule;
    }
    /* Lengths first: they decide whether the fields have room. */
    if (layout.sender.label_size > EZ_LABEL_BYTES_MAX ||
        layout.recipient.label_size > EZ_LABEL_BYTES_MAX) {
        return EZ_RULE_TX_LABEL;
    }
    if (layout.memo_size > EZ_MEMO_BYTES_MAX) {
        return EZ_RULE_TX_MEMO;
    }
    fill_tx(out, &layout);
    return EZ_RULE_OK;
}

ez_rule ez_tx_decode(ez_tx *out, ez_reader *reader)
{
    ez_rule rule = read_tx(out, reader);

    return rule == EZ_RULE_OK ? ez_tx_check_form(out) : rule;
}

void ez_tx_decode_again(ez_tx *out, const void *data, size_t size)
{
    ez_reader reader;

    ez_reader_init(&reader, data, size);
    ez_rule rule = read_tx(out, &reader);
    EZ_ASSERT(rule == EZ_RULE_OK);
}

/* Identity and signature. */

void ez_tx_id_of(ez_tx_id *out, const ez_block_id *network_id, const void *encoded, size_t size)
{
    ez_sha256_state state;

    ez_sha256_init(&state);
    ez_sha256_update(&state, domain, sizeof domain);
    ez_sha256_update(&state, network_id->hash.bytes, EZ_HASH_BYTES);
    ez_sha256_update(&state, encoded, size);
    ez_sha256_final(&state, &out->hash);
}

void ez_tx_sign(ez_tx *tx, const ez_block_id *network_id, const ez_keypair *pair)
{
    const ez_signer signer = ez_keypair_signer(pair);
    ez_tx_sign_by(tx, network_id, &pair->public_key, &signer);
}

void ez_tx_sign_by(ez_tx *tx, const ez_block_id *network_id, const ez_public_key *key,
                   const ez_signer *signer)
{
    ez_buffer message = {0};

    EZ_ASSERT(tx->sender.kind != EZ_PARTY_REWARD);
    tx->signer = *key;
    if (tx->sender.kind == EZ_PARTY_ADDRESS) {
        tx->sender.key = *key;
    }
    ez_buffer_add(&message, domain, sizeof domain);
    ez_buffer_add(&message, network_id->hash.bytes, EZ_HASH_BYTES);
    ez_tx_encode(&message, tx);
    signer->sign(signer->self, &tx->signature, message.data, message.size - EZ_SIGNATURE_BYTES);
    ez_buffer_clear(&message);
}

size_t ez_tx_signed_bytes(uint8_t out[EZ_TX_SIGNED_BYTES_MAX], const ez_block_id *network_id,
                          const void *encoded, size_t size)
{
    size_t unsigned_size = size - EZ_SIGNATURE_BYTES;

    EZ_ASSERT(size > EZ_SIGNATURE_BYTES && size <= EZ_TX_BYTES_MAX);
    memcpy(out, domain, sizeof domain);
    memcpy(out + sizeof domain, network_id->hash.bytes, EZ_HASH_BYTES);
    memcpy(out + sizeof domain + EZ_HASH_BYTES, encoded, unsigned_size);
    return sizeof domain + EZ_HASH_BYTES + unsigned_size;
}

bool ez_tx_verify(const ez_tx *tx, const ez_block_id *network_id, const void *encoded, size_t size)
{
    uint8_t message[EZ_TX_SIGNED_BYTES_MAX];

    EZ_ASSERT(tx->sender.kind != EZ_PARTY_REWARD);
    size_t message_size = ez_tx_signed_bytes(message, network_id, encoded, size);
    return ez_sign_verify(&tx->signature, &tx->signer, message, message_size);
}
