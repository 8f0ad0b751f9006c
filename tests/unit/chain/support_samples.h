/* Entries and bodies for tests, on the network "classic". */
#ifndef EZP2P_SUPPORT_SAMPLES_H
#define EZP2P_SUPPORT_SAMPLES_H

#include "ezp2p/base/blob.h"
#include "ezp2p/base/buffer.h"
#include "ezp2p/chain/block.h"

/* sample_network: classic; prepares libsodium too. */
ez_network sample_network(void);

/* sample_keypair: the key pair of the seed that is 32 times `byte`. */
ez_keypair sample_keypair(uint8_t byte);

ez_party sample_label(const char *text);
ez_party sample_address(uint8_t byte);

/* A transfer from key 1 to key 2 and a note from alice to bob, both unsigned; a reward to key 1 for
 * block 2. */
ez_tx sample_transfer(void);
ez_tx sample_note(void);
ez_tx sample_reward(void);

/* sample_add: sign with key 1 unless a reward, and append to `body`. */
void sample_add(ez_buffer *body, ez_tx tx);

/* sample_add_notes: `count` different notes, amounts from `first` on, with a signature of zeroes.
 */
void sample_add_notes(ez_buffer *body, size_t count, uint64_t first);

/* sample_header: a header of index 2 that commits to a body which ez_tx_decode can walk. */
ez_header sample_header(const ez_buffer *body);

/* sample_blob: the buffer's bytes as a blob; the buffer is cleared. */
ez_blob *sample_blob(ez_buffer *buffer);

#endif
