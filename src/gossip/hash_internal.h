/* uthash with our rules: a keyed hash for what peers choose, a quick one for our own numbers, and
 * no quiet exit when memory is gone. */
#ifndef EZP2P_GOSSIP_HASH_INTERNAL_H
#define EZP2P_GOSSIP_HASH_INTERNAL_H

#include "ezp2p/base/assert.h"
#include "ezp2p/base/number_hash.h"
#include "ezp2p/base/siphash.h"

#define uthash_fatal(message)          ez_assert_fail(message, __FILE__, __LINE__)
#define HASH_FUNCTION(key, size, hash) ((hash) = ez_number_hash(key, size))
#include <uthash.h>

static inline unsigned ez_table_hash(const ez_siphash_key *key, const void *data, size_t size)
{
    return (unsigned)ez_siphash(key, data, size);
}

#endif
