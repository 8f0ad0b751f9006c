/* Messages on their way. One and the same message goes from each of thousands of hosts to each of
 * its peers: its bytes are held once, and decoded once. Nothing is remembered by which a host could
 * tell: what is decoded follows from the bytes alone.
 */
#ifndef EZP2P_SIMNET_MESSAGES_H
#define EZP2P_SIMNET_MESSAGES_H

#include "ezp2p/base/blob.h"
#include "ezp2p/wire/codec.h"

typedef struct sim_messages sim_messages;

/* A frame decoded: the message, or what is wrong with it. */
typedef struct sim_decoded {
    ez_goodbye fault; /* EZ_GOODBYE_UNSPECIFIED: none */
    ez_decoded decoded;
    size_t users; /* its memory is in use */
} sim_decoded;

sim_messages *sim_messages_new(void);
void sim_messages_free(sim_messages *messages); /* NULL is fine */

/* sim_hash: a fast hash, for digests and tables that nobody attacks; the same on every machine of
 * one byte order. */
uint64_t sim_hash(uint64_t seed, const void *data, size_t size);

/* sim_messages_hold: a reference to these bytes of a stream.
 *   hash  receives their sim_hash from 0, prefix left out */
ez_blob *sim_messages_hold(sim_messages *messages, uint64_t *hash, const void *data, size_t size);

/* sim_messages_open: the message in a frame, its prefix left out. `own` is used when nothing like
 * it is held: the result's spans may point into `frame`. Until sim_messages_close. */
sim_decoded *sim_messages_open(sim_messages *messages, sim_decoded *own, const uint8_t *frame,
                               size_t size);
void sim_messages_close(sim_decoded *opened, const sim_decoded *own);

#endif
