/* What the check jobs need of a block beyond its public header. */
#ifndef EZP2P_CHAIN_BLOCK_INTERNAL_H
#define EZP2P_CHAIN_BLOCK_INTERNAL_H

#include "ezp2p/chain/block.h"
#include "tx_internal.h"

/* ez_block_parse_at: ez_block_parse, with the position of the offending transaction in *bad; 0 for
 * rules that concern the body as a whole. */
ez_rule ez_block_parse_at(ez_block **out, const ez_network *network, const ez_header *header,
                          ez_blob *body, uint32_t *bad);

/* ez_block_parse_known: the same for a body all of whose transactions but the last, known[0 ..
 * known_count), the caller has decoded and hashed before: none of them a reward, no two of one id,
 * one right behind the other from the start of the body. They are not looked at again. */
ez_rule ez_block_parse_known(ez_block **out, const ez_network *network, const ez_header *header,
                             ez_blob *body, const ez_block_tx *known, uint32_t known_count,
                             uint32_t *bad);

/* ez_block_tx_scan: where the fields of transaction `position` are, borrowed from the body. */
void ez_block_tx_scan(ez_tx_layout *out, const ez_block *block, uint32_t position);

/* How many signatures are given to a verifier together: more bring nothing, and their transactions
 * lie on the stack. */
#define EZ_SIGNATURES_AT_ONCE 16

/* ez_block_check_signatures_at: as ez_block_check_signatures, of `count` transactions at
 * `positions`. */
ez_rule ez_block_check_signatures_at(const ez_block *block, const ez_network *network,
                                     ez_verifier *verifier, const uint32_t *positions,
                                     uint32_t count, uint32_t *bad);

#endif
