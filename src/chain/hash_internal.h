/* uthash as this layer uses it: memory through ez_alloc, which aborts when there is none, and
 * hashes under a secret key, since peers choose what is hashed. Only the *_BYHASHVALUE macros are
 * to be used, with ez_hash_value. Iteration is in order of insertion, whatever the key. */
#ifndef EZP2P_CHAIN_HASH_INTERNAL_H
#define EZP2P_CHAIN_HASH_INTERNAL_H

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/base/siphash.h"

#define uthash_malloc(size)   ez_alloc(1, (size))
#define uthash_fatal(message) ez_assert_fail((message), __FILE__, __LINE__)
#include <uthash.h>

static inline unsigned ez_hash_value(const ez_siphash_key *key, const void *data, size_t size)
{
    return (unsigned)ez_siphash(key, data, size);
}

#endif
