/* The layout of an encoded transaction without any judgement of its values: where its fields are
 * and where it ends. A block's body can be cut into transactions, and so compared with its header,
 * even when one of them breaks a rule. */
#ifndef EZP2P_CHAIN_TX_INTERNAL_H
#define EZP2P_CHAIN_TX_INTERNAL_H

#include "ezp2p/base/reader.h"
#include "ezp2p/chain/rule.h"
#include "ezp2p/chain/tx.h"

typedef struct ez_party_layout {
    ez_party_kind kind;
    const uint8_t *key; /* of a recipient address; a sender's is the signer's */
    const uint8_t *label;
    uint8_t label_size; /* any u8 */
} ez_party_layout;

/* Pointers are borrowed from the cursor's bytes. */
typedef struct ez_tx_layout {
    ez_party_layout sender;
    ez_party_layout recipient;
    uint64_t amount;
    uint64_t fee;
    uint64_t sequence;
    uint64_t timestamp;
    const uint8_t *memo;
    uint16_t memo_size;       /* any u16 */
    const uint8_t *signer;    /* NULL for a reward */
    const uint8_t *signature; /* NULL for a reward */
} ez_tx_layout;

/* ez_tx_scan: find the fields of one transaction and move the cursor behind it.
 *   returns  EZ_RULE_OK; EZ_RULE_TX_VERSION or EZ_RULE_TX_MALFORMED when there is no telling where
 *            it ends, the cursor and *out are then of no further use */
ez_rule ez_tx_scan(ez_tx_layout *out, ez_reader *reader);

/* ez_tx_sender_kind: of bytes that ez_tx_decode was content with before. */
ez_party_kind ez_tx_sender_kind(const uint8_t *bytes);

/* ez_tx_decode_again: decode bytes that ez_tx_decode was content with before, without judging them
 * a second time. */
void ez_tx_decode_again(ez_tx *out, const void *data, size_t size);

#endif
