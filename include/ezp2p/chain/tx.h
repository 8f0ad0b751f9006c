/* Transactions ("entries"): transfers, notes and rewards, their canonical bytes, id and signature.
 *
 * Encoded form (docs/protocol.md, section "Transaction"), little-endian:
 *   version u8 = 1
 *   sender kind u8: 0 reward, 1 the signer's own address, 2 label (then length u8, bytes)
 *   recipient kind u8: 1 address (then 32 bytes), 2 label (then length u8, bytes)
 *   amount u64, fee u64, sequence u64, timestamp u64, memo length u16, memo bytes
 *   unless a reward: public key 32, signature 64
 * Signed bytes: EZ_TX_DOMAIN (16 bytes), network id (32), the encoding without the signature.
 * Transaction id: SHA-256 over EZ_TX_DOMAIN, network id, the whole encoding.
 * Every value has exactly one encoding; anything else does not parse.
 */
#ifndef EZP2P_CHAIN_TX_H
#define EZP2P_CHAIN_TX_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/reader.h"
#include "ezp2p/chain/rule.h"
#include "ezp2p/chain/types.h"
#include "ezp2p/crypto/sign.h"

#define EZ_TX_DOMAIN       "ezp2p/tx/v1\0\0\0\0" /* 16 bytes with the array's own zero */
#define EZ_TX_DOMAIN_BYTES 16
#define EZ_TX_VERSION      1u
#define EZ_SEQUENCE_MAX    EZ_AMOUNT_MAX /* all numbers of an entry fit what JSON readers keep */
#define EZ_TIMESTAMP_MAX   EZ_AMOUNT_MAX
#define EZ_TX_BYTES_MAX                                                                            \
    (1 + 2 + EZ_LABEL_BYTES_MAX + 2 + EZ_LABEL_BYTES_MAX + 32 + 2 + EZ_MEMO_BYTES_MAX + 96)

typedef enum ez_party_kind {
    EZ_PARTY_REWARD = 0, /* sender only: shown as "0", as the original's coinbase */
    EZ_PARTY_ADDRESS = 1,
    EZ_PARTY_LABEL = 2,
} ez_party_kind;

typedef struct ez_party {
    ez_party_kind kind;
    ez_public_key key; /* EZ_PARTY_ADDRESS */
    uint8_t label_size;
    uint8_t label[EZ_LABEL_BYTES_MAX]; /* EZ_PARTY_LABEL; not terminated */
} ez_party;

typedef enum ez_tx_kind { EZ_TX_REWARD, EZ_TX_TRANSFER, EZ_TX_NOTE } ez_tx_kind;

typedef struct ez_tx {
    ez_party sender;
    ez_party recipient;
    uint64_t amount;
    uint64_t fee;
    uint64_t sequence;
    uint64_t timestamp; /* microseconds since 1970, the signer's claim */
    uint16_t memo_size;
    uint8_t memo[EZ_MEMO_BYTES_MAX];
    ez_public_key signer;   /* zero for a reward */
    ez_signature signature; /* zero for a reward */
} ez_tx;

/* ez_tx_kind_of: reward; transfer between two addresses; note when either end is a label. */
ez_tx_kind ez_tx_kind_of(const ez_tx *tx);
const char *ez_tx_kind_text(ez_tx_kind kind); /* "reward", "transfer", "note" */

/* ez_party_parse: a party from user text: an address when it claims to be one, else a label.
 *   returns  EZ_RULE_OK, EZ_RULE_TX_ADDRESS or EZ_RULE_TX_LABEL; *out is zeroed unless OK */
ez_rule ez_party_parse(ez_party *out, const char *text, size_t size);

/* ez_party_text: an address, the label's bytes, or "0" for a reward, with a terminating zero. */
typedef struct ez_party_string {
    char text[EZ_LABEL_BYTES_MAX + 1];
} ez_party_string;
ez_party_string ez_party_text(const ez_party *party);

/* ez_tx_encode: append the canonical encoding. The fields must have passed ez_tx_check_form, and
 * the key of a sender that is an address must be the signer's, as ez_tx_sign makes it. */
void ez_tx_encode(ez_buffer *out, const ez_tx *tx);

/* ez_tx_decode: one transaction from the cursor, with every rule that needs nothing but its bytes
 * (form, not the signature).
 *   returns  EZ_RULE_OK, or the first rule broken; the cursor and *out are then of no further use
 */
ez_rule ez_tx_decode(ez_tx *out, ez_reader *reader);

/* ez_tx_check_form: the rules of a single transaction but its signature. */
ez_rule ez_tx_check_form(const ez_tx *tx);

/* ez_tx_id_of: the id of an encoded transaction. */
void ez_tx_id_of(ez_tx_id *out, const ez_block_id *network_id, const void *encoded, size_t size);

/* ez_tx_sign: set signer and signature; sender.key too when the sender is an address. */
void ez_tx_sign(ez_tx *tx, const ez_block_id *network_id, const ez_keypair *pair);

/* ez_tx_sign_by: the same, where `signer` holds the secret of `key`. */
void ez_tx_sign_by(ez_tx *tx, const ez_block_id *network_id, const ez_public_key *key,
                   const ez_signer *signer);

/* ez_tx_signed_bytes: what the signature of an encoded, non-reward transaction covers.
 *   returns  how many bytes of `out` */
#define EZ_TX_SIGNED_BYTES_MAX (EZ_TX_DOMAIN_BYTES + EZ_HASH_BYTES + EZ_TX_BYTES_MAX)
size_t ez_tx_signed_bytes(uint8_t out[EZ_TX_SIGNED_BYTES_MAX], const ez_block_id *network_id,
                          const void *encoded, size_t size);

/* ez_tx_verify: whether the signature of an encoded, non-reward transaction holds. About 45 µs. */
bool ez_tx_verify(const ez_tx *tx, const ez_block_id *network_id, const void *encoded, size_t size);

#endif
