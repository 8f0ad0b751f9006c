/* Whatever decodes as a transaction has exactly one encoding, the one it came from; its parties
 * read back from their text; and the original's view of it can be written. */
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/tx.h"
#include "ezp2p/chain/view.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const ez_tx *tx, const uint8_t *data, size_t size)
{
    ez_buffer again = {0};

    EZ_ASSERT(size <= EZ_TX_BYTES_MAX);
    ez_tx_encode(&again, tx);
    EZ_ASSERT(again.size == size && memcmp(again.data, data, size) == 0);
    ez_buffer_clear(&again);
}

static void check_party(const ez_party *party)
{
    ez_party_string text = ez_party_text(party);
    ez_party back;

    if (party->kind == EZ_PARTY_REWARD) {
        return;
    }
    EZ_ASSERT(ez_party_parse(&back, text.text, strlen(text.text)) == EZ_RULE_OK);
    EZ_ASSERT(back.kind == party->kind && back.label_size == party->label_size);
    EZ_ASSERT(ez_public_key_is_equal(&back.key, &party->key));
    EZ_ASSERT(memcmp(back.label, party->label, sizeof back.label) == 0);
}

static void check_view(const ez_tx *tx)
{
    ez_buffer out = {0};

    ez_view_add_tx(&out, tx, EZ_VIEW_HASHED);
    for (size_t i = 0; i < out.size; i++) {
        EZ_ASSERT(out.data[i] >= ' ' && out.data[i] <= '~');
    }
    ez_buffer_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ez_reader reader;
    ez_tx tx;

    ez_reader_init(&reader, data, size);
    if (ez_tx_decode(&tx, &reader) != EZ_RULE_OK) {
        return 0;
    }
    EZ_ASSERT(ez_tx_check_form(&tx) == EZ_RULE_OK);
    EZ_ASSERT(tx.amount + tx.fee <= EZ_AMOUNT_MAX);
    check_round_trip(&tx, data, reader.at);
    check_party(&tx.sender);
    check_party(&tx.recipient);
    check_view(&tx);
    return 0;
}
