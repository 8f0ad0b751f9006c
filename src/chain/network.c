#include "ezp2p/chain/network.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"

#include <string.h>

static const char classic_name[] = "classic";

/* The original's block 1: previous_hash is the number 1, here as a 32-byte big-endian number, proof
 * 100, no transactions. Nobody checks its work; bits say what its children need. */
static const uint64_t genesis_timestamp = 1795349323435114u;
static const uint64_t genesis_proof = 100;

/* The original asks for four leading zero hex digits: ids up to 0000ffff…ff. The nearest compact
 * target is 0000ffff00…00: the compact form keeps three bytes and cuts the rest to zero, so ids
 * that start with 0000ffff and are not followed by zeroes alone are refused. That is one in 65,536
 * of the ids that the original would accept; every id accepted here has its four zeroes. */
static const uint32_t classic_bits = 0x1f00ffff;

void ez_network_classic(ez_network *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out->name, classic_name, sizeof classic_name);
    out->genesis.version = EZ_HEADER_VERSION;
    out->genesis.index = 1;
    out->genesis.previous.hash.bytes[EZ_HASH_BYTES - 1] = 1;
    ez_merkle_root(&out->genesis.merkle_root, NULL, 0);
    out->genesis.timestamp = genesis_timestamp;
    out->genesis.bits = classic_bits;
    out->genesis.proof = genesis_proof;
    ez_header_id(&out->genesis_id, &out->genesis);
    out->first_bits = classic_bits;
    out->interval_us = 0;
    out->reward = 1;
    out->body_bytes_max = EZ_BLOCK_BODY_BYTES_MAX;
}

bool ez_network_by_name(ez_network *out, const char *name)
{
    if (strcmp(name, classic_name) != 0) {
        return false;
    }
    ez_network_classic(out);
    return true;
}
