#include "ezp2p/chain/tx.h"

#include "ezp2p/base/text.h"
#include "ezp2p/chain/address.h"
#include "support_samples.h"
#include "support_vectors.h"
#include "tx_internal.h"

#include <criterion/criterion.h>
#include <string.h>

static ez_rule decode(ez_tx *out, const void *bytes, size_t size)
{
    ez_reader reader;

    ez_reader_init(&reader, bytes, size);
    ez_rule rule = ez_tx_decode(out, &reader);
    return rule == EZ_RULE_OK && !ez_reader_is_done(&reader) ? EZ_RULE_TX_MALFORMED : rule;
}

static ez_party party_of(const vector_file *vectors, const char *kind, const char *data)
{
    ez_party party = {.kind = (ez_party_kind)vector_number(vectors, kind)};
    vector_data bytes = vector_bytes(vectors, data);

    if (party.kind == EZ_PARTY_LABEL) {
        party.label_size = (uint8_t)bytes.size;
        memcpy(party.label, bytes.bytes, bytes.size);
    } else if (party.kind == EZ_PARTY_ADDRESS) {
        memcpy(party.key.bytes, bytes.bytes, sizeof party.key.bytes);
    }
    return party;
}

/* The entry of a vector's line, signed with the line's seed. */
static ez_tx tx_of(const vector_file *vectors)
{
    ez_network network = sample_network();
    ez_tx tx = {.sender = party_of(vectors, "sender_kind", "sender"),
                .recipient = party_of(vectors, "recipient_kind", "recipient"),
                .amount = vector_number(vectors, "amount"),
                .fee = vector_number(vectors, "fee"),
                .sequence = vector_number(vectors, "sequence"),
                .timestamp = vector_number(vectors, "timestamp")};
    vector_data memo = vector_bytes(vectors, "memo");
    vector_data seed = vector_bytes(vectors, "seed");

    tx.memo_size = (uint16_t)memo.size;
    memcpy(tx.memo, memo.bytes, memo.size);
    if (seed.size > 0) {
        ez_keypair pair;
        ez_keypair_from_seed(&pair, seed.bytes);
        ez_tx_sign(&tx, &network.genesis_id, &pair);
    }
    return tx;
}

Test(tx, encoding_signature_and_id_match_the_vectors)
{
    ez_network network = sample_network();
    vector_file vectors;

    vector_open(&vectors, "transaction.txt");
    while (vector_next(&vectors, "transaction")) {
        vector_data wanted = vector_bytes(&vectors, "encoded");
        ez_tx tx = tx_of(&vectors);
        ez_buffer encoded = {0};
        ez_tx_id wanted_id;
        ez_tx_id id;
        ez_tx_encode(&encoded, &tx);
        cr_assert_eq(encoded.size, wanted.size);
        cr_expect_arr_eq(encoded.data, wanted.bytes, wanted.size);
        vector_copy(wanted_id.hash.bytes, EZ_HASH_BYTES, &vectors, "id");
        ez_tx_id_of(&id, &network.genesis_id, encoded.data, encoded.size);
        cr_expect(ez_tx_id_is_equal(&id, &wanted_id));
        ez_buffer_clear(&encoded);
    }
}

Test(tx, vectors_decode_verify_and_encode_again)
{
    ez_network network = sample_network();
    vector_file vectors;

    vector_open(&vectors, "transaction.txt");
    while (vector_next(&vectors, "transaction")) {
        vector_data bytes = vector_bytes(&vectors, "encoded");
        ez_buffer again = {0};
        ez_tx tx;
        cr_assert_eq(decode(&tx, bytes.bytes, bytes.size), EZ_RULE_OK);
        if (tx.sender.kind != EZ_PARTY_REWARD) {
            cr_expect(ez_tx_verify(&tx, &network.genesis_id, bytes.bytes, bytes.size));
        }
        ez_tx_encode(&again, &tx);
        cr_assert_eq(again.size, bytes.size);
        cr_expect_arr_eq(again.data, bytes.bytes, bytes.size);
        ez_buffer_clear(&again);
    }
}

Test(tx, refused_vectors_break_the_rule_they_name)
{
    vector_file vectors;

    vector_open(&vectors, "transaction.txt");
    while (vector_next(&vectors, "refused")) {
        vector_data bytes = vector_bytes(&vectors, "encoded");
        ez_tx tx;
        ez_rule rule = decode(&tx, bytes.bytes, bytes.size);
        cr_expect_eq((uint64_t)rule, vector_number(&vectors, "rule"), "line %zu: %s",
                     vectors.line_count, ez_rule_code(rule));
    }
}

Test(tx, every_cut_encoding_is_malformed)
{
    ez_buffer encoded = {0};
    ez_tx tx = sample_note();

    tx.memo_size = 3;
    memcpy(tx.memo, "abc", 3);
    sample_add(&encoded, tx);
    for (size_t size = 0; size < encoded.size; size++) {
        cr_expect_eq(decode(&tx, encoded.data, size), EZ_RULE_TX_MALFORMED, "%zu bytes", size);
    }
    cr_expect_eq(decode(&tx, encoded.data, encoded.size), EZ_RULE_OK);
    ez_buffer_clear(&encoded);
}

Test(tx, no_changed_bit_keeps_the_signature)
{
    ez_network network = sample_network();
    ez_buffer encoded = {0};

    sample_add(&encoded, sample_transfer());
    for (size_t bit = 0; bit < 8 * encoded.size; bit++) {
        ez_tx tx;
        encoded.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        bool stands = decode(&tx, encoded.data, encoded.size) == EZ_RULE_OK &&
                      ez_tx_verify(&tx, &network.genesis_id, encoded.data, encoded.size);
        cr_expect_not(stands, "bit %zu", bit);
        encoded.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ez_buffer_clear(&encoded);
}

Test(tx, a_signature_for_another_network_does_not_hold)
{
    ez_network network = sample_network();
    ez_buffer encoded = {0};
    ez_tx tx;
    ez_tx_id here;
    ez_tx_id there;

    sample_add(&encoded, sample_transfer());
    cr_assert_eq(decode(&tx, encoded.data, encoded.size), EZ_RULE_OK);
    cr_expect(ez_tx_verify(&tx, &network.genesis_id, encoded.data, encoded.size));
    ez_tx_id_of(&here, &network.genesis_id, encoded.data, encoded.size);
    network.genesis_id.hash.bytes[0] ^= 1;
    cr_expect_not(ez_tx_verify(&tx, &network.genesis_id, encoded.data, encoded.size));
    ez_tx_id_of(&there, &network.genesis_id, encoded.data, encoded.size);
    cr_expect_not(ez_tx_id_is_equal(&here, &there));
    ez_buffer_clear(&encoded);
}

Test(tx, signing_makes_an_address_the_signers_own)
{
    ez_network network = sample_network();
    ez_keypair pair = sample_keypair(9);
    ez_tx transfer = sample_transfer();
    ez_tx note = sample_note();

    ez_tx_sign(&transfer, &network.genesis_id, &pair);
    cr_expect(ez_public_key_is_equal(&transfer.signer, &pair.public_key));
    cr_expect(ez_public_key_is_equal(&transfer.sender.key, &pair.public_key));
    ez_tx_sign(&note, &network.genesis_id, &pair);
    cr_expect(ez_public_key_is_equal(&note.signer, &pair.public_key));
    cr_expect_eq(note.sender.kind, EZ_PARTY_LABEL);
}

Test(tx, kind_follows_from_the_ends)
{
    ez_tx tx = sample_transfer();

    cr_expect_eq(ez_tx_kind_of(&tx), EZ_TX_TRANSFER);
    tx.recipient = sample_label("bob");
    cr_expect_eq(ez_tx_kind_of(&tx), EZ_TX_NOTE);
    tx.sender = sample_label("alice");
    cr_expect_eq(ez_tx_kind_of(&tx), EZ_TX_NOTE);
    tx.recipient = sample_address(2);
    cr_expect_eq(ez_tx_kind_of(&tx), EZ_TX_NOTE);
    tx.sender = (ez_party){.kind = EZ_PARTY_REWARD};
    cr_expect_eq(ez_tx_kind_of(&tx), EZ_TX_REWARD);
    cr_expect_str_eq(ez_tx_kind_text(EZ_TX_REWARD), "reward");
    cr_expect_str_eq(ez_tx_kind_text(EZ_TX_TRANSFER), "transfer");
    cr_expect_str_eq(ez_tx_kind_text(EZ_TX_NOTE), "note");
}

/* One field at its limit, and one above it. */
static void expect_limit(ez_tx *tx, uint64_t *field, uint64_t limit, ez_rule rule)
{
    uint64_t before = *field;

    *field = limit;
    cr_expect_eq(ez_tx_check_form(tx), EZ_RULE_OK);
    *field = limit + 1;
    cr_expect_eq(ez_tx_check_form(tx), rule);
    *field = UINT64_MAX;
    cr_expect_eq(ez_tx_check_form(tx), rule);
    *field = before;
}

Test(tx, numbers_end_at_what_json_readers_keep)
{
    ez_tx tx = sample_transfer();

    cr_assert_eq(EZ_AMOUNT_MAX, (UINT64_C(1) << 53) - 1);
    tx.fee = 0;
    expect_limit(&tx, &tx.amount, EZ_AMOUNT_MAX, EZ_RULE_TX_AMOUNT);
    tx.amount = 0;
    expect_limit(&tx, &tx.fee, EZ_AMOUNT_MAX, EZ_RULE_TX_AMOUNT);
    tx.amount = 9;
    expect_limit(&tx, &tx.fee, EZ_AMOUNT_MAX - 9, EZ_RULE_TX_AMOUNT);
    tx.fee = 0;
    expect_limit(&tx, &tx.sequence, EZ_SEQUENCE_MAX, EZ_RULE_TX_MALFORMED);
    expect_limit(&tx, &tx.timestamp, EZ_TIMESTAMP_MAX, EZ_RULE_TX_TIMESTAMP);
}

Test(tx, a_note_from_a_label_has_neither_fee_nor_sequence)
{
    ez_tx tx = sample_note();

    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_OK);
    tx.fee = 1;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_LABEL_FEE);
    tx.recipient = sample_address(2);
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_LABEL_FEE);
    tx.fee = 0;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_OK);
    tx.sequence = 1;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_LABEL_SEQUENCE);
}

Test(tx, a_note_from_an_address_has_both)
{
    ez_tx tx = sample_transfer();

    tx.recipient = sample_label("bob");
    tx.fee = 3;
    tx.sequence = 4;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_OK);
}

Test(tx, memos_end_at_256_bytes_and_are_clean)
{
    ez_tx tx = sample_note();

    memset(tx.memo, 'm', sizeof tx.memo);
    tx.memo_size = EZ_MEMO_BYTES_MAX;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_OK);
    tx.memo_size = EZ_MEMO_BYTES_MAX + 1;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_MEMO);
    tx.memo_size = 2;
    tx.memo[1] = 0x7f;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_MEMO);
    tx.memo_size = 1; /* what stands behind the end does not count */
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_OK);
}

Test(tx, zero_is_a_label_for_recipients_only)
{
    ez_tx tx = sample_note();

    tx.recipient = sample_label("0");
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_OK);
    tx.sender = sample_label("00");
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_OK);
    tx.sender = sample_label("0");
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_LABEL);
}

Test(tx, kinds_that_do_not_exist_are_malformed)
{
    ez_tx tx = sample_note();

    tx.recipient.kind = EZ_PARTY_REWARD;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_MALFORMED);
    tx.recipient.kind = (ez_party_kind)3;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_MALFORMED);
    tx = sample_note();
    tx.sender.kind = (ez_party_kind)3;
    cr_expect_eq(ez_tx_check_form(&tx), EZ_RULE_TX_MALFORMED);
}

Test(tx, the_largest_encoding_is_within_its_bound)
{
    ez_buffer encoded = {0};
    ez_tx tx = sample_note();

    tx.sender.label_size = EZ_LABEL_BYTES_MAX;
    memset(tx.sender.label, 's', EZ_LABEL_BYTES_MAX);
    tx.recipient = tx.sender;
    tx.memo_size = EZ_MEMO_BYTES_MAX;
    memset(tx.memo, 'm', sizeof tx.memo);
    sample_add(&encoded, tx);
    cr_expect_eq(encoded.size, EZ_TX_BYTES_MAX);
    ez_buffer_clear(&encoded);
}

Test(tx, scanning_finds_the_end_of_entries_that_break_rules)
{
    /* A label of 255 bytes and a memo of 65,535 have a place in the layout, if not in a chain. */
    ez_buffer encoded = {0};
    ez_reader reader;
    ez_tx_layout layout;
    ez_tx tx;

    ez_buffer_add(&encoded, "\1\2\377", 3);
    memset(ez_buffer_reserve(&encoded, 255), 's', 255);
    encoded.size += 255;
    ez_buffer_add(&encoded, "\2\0", 2);
    memset(ez_buffer_reserve(&encoded, 4 * 8), 0xff, 4 * 8);
    encoded.size += 4 * 8;
    ez_buffer_add_u16(&encoded, UINT16_MAX);
    memset(ez_buffer_reserve(&encoded, UINT16_MAX + 96), 0, UINT16_MAX + 96);
    encoded.size += UINT16_MAX + 96;
    ez_reader_init(&reader, encoded.data, encoded.size);
    cr_expect_eq(ez_tx_scan(&layout, &reader), EZ_RULE_OK);
    cr_expect(ez_reader_is_done(&reader));
    cr_expect_eq(layout.sender.label_size, 255);
    cr_expect_eq(layout.memo_size, UINT16_MAX);
    cr_expect_eq(decode(&tx, encoded.data, encoded.size), EZ_RULE_TX_LABEL);
    ez_buffer_clear(&encoded);
}

static ez_rule parse(ez_party *out, const char *text)
{
    return ez_party_parse(out, text, strlen(text));
}

Test(tx, party_text_is_read_back)
{
    ez_party parties[] = {sample_address(1), sample_label("alice"), sample_label("0"),
                          sample_label("\xec\xb2\xb4\xec\x9d\xb8")};

    for (size_t i = 0; i < sizeof parties / sizeof parties[0]; i++) {
        ez_party back;
        cr_assert_eq(parse(&back, ez_party_text(&parties[i]).text), EZ_RULE_OK);
        cr_expect_eq(back.kind, parties[i].kind);
        cr_expect(ez_public_key_is_equal(&back.key, &parties[i].key));
        cr_expect_str_eq(ez_party_text(&back).text, ez_party_text(&parties[i]).text);
    }
    ez_party reward = {.kind = EZ_PARTY_REWARD};
    cr_expect_str_eq(ez_party_text(&reward).text, "0");
}

Test(tx, the_longest_label_is_a_party_and_one_more_byte_is_none)
{
    char text[EZ_LABEL_BYTES_MAX + 1];
    ez_party party;

    memset(text, 'x', sizeof text);
    cr_expect_eq(ez_party_parse(&party, text, EZ_LABEL_BYTES_MAX), EZ_RULE_OK);
    cr_expect_eq(party.label_size, EZ_LABEL_BYTES_MAX);
    cr_expect_eq(strlen(ez_party_text(&party).text), EZ_LABEL_BYTES_MAX);
    cr_expect_eq(ez_party_parse(&party, text, EZ_LABEL_BYTES_MAX + 1), EZ_RULE_TX_LABEL);
    cr_expect_eq(ez_party_parse(&party, text, 1), EZ_RULE_OK);
    cr_expect_eq(ez_party_parse(&party, text, 0), EZ_RULE_TX_LABEL);
}

Test(tx, what_claims_to_be_an_address_is_never_a_label)
{
    static const char *const texts[] = {"ez1", "EZ1", "Ez1 alice", "ez1qqqq"};
    ez_address_string address = ez_address_text(&(ez_public_key){{1}});
    ez_party party;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_expect_eq(parse(&party, texts[i]), EZ_RULE_TX_ADDRESS, "%s", texts[i]);
    }
    cr_expect_eq(ez_party_parse(&party, address.text, 61), EZ_RULE_OK);
    cr_expect_eq(ez_party_parse(&party, address.text, 60), EZ_RULE_TX_ADDRESS);
    cr_expect_eq(ez_party_parse(&party, address.text, 62), EZ_RULE_TX_ADDRESS); /* with its zero */
    address.text[60] = '\0';
    cr_expect_eq(ez_party_parse(&party, address.text, 61), EZ_RULE_TX_ADDRESS);
    cr_expect_eq(parse(&party, "ez"), EZ_RULE_OK);
}

Test(tx, a_refused_party_is_zeroed)
{
    const ez_party zero = {.kind = EZ_PARTY_REWARD};
    ez_party party;

    memset(&party, 0x5a, sizeof party);
    cr_expect_eq(parse(&party, "a\tb"), EZ_RULE_TX_LABEL);
    cr_expect_eq(party.kind, zero.kind);
    cr_expect_eq(party.label_size, 0);
    cr_expect(ez_public_key_is_equal(&party.key, &zero.key));
    cr_expect_arr_eq(party.label, zero.label, sizeof zero.label);
}
