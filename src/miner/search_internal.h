/* The inner loop of the miner: try one proof after the other on a header whose other fields stay.
 *
 * A header is 96 bytes, so SHA-256 sees two blocks: bytes 0 to 63, which never change and are
 * hashed once (the midstate), and bytes 64 to 95 with the padding, whose last eight bytes before it
 * are the proof. Trying a proof costs one compression. There is a portable version and one for
 * x86-64 processors with the SHA extensions; both give the same answers.
 */
#ifndef EZP2P_MINER_SEARCH_INTERNAL_H
#define EZP2P_MINER_SEARCH_INTERNAL_H

#include "ezp2p/chain/types.h"

/* Proofs stay below 2^53, so that every JSON reader shows them as they are. */
#define EZ_PROOF_LIMIT (EZ_AMOUNT_MAX + 1)

typedef struct ez_search {
    uint32_t midstate[8]; /* after the header's first 64 bytes */
    uint32_t tail[16];    /* the second block as big-endian words; words 6 and 7 are the proof */
    uint32_t target[8];   /* most significant word first */
} ez_search;

/* The round constants of SHA-256 (FIPS 180-4, 4.2.2), shared by both versions. */
extern const uint32_t ez_sha256_rounds[64];

/* ez_search_init: prepare to search for `header`.
 *   returns  false when its compact target is malformed */
bool ez_search_init(ez_search *out, const ez_header *header);

/* ez_search_is_solved: whether a digest, as big-endian words, is not above the target. */
bool ez_search_is_solved(const ez_search *search, const uint32_t digest[8]);

/* A version of the search.
 *   digest  the header's hash with this proof, as big-endian words
 *   run     try `count` proofs from `first` on, wrapping at EZ_PROOF_LIMIT; true with *proof set
 *           at the first that solves, *proof untouched otherwise */
typedef struct ez_search_version {
    const char *name;
    void (*digest)(const ez_search *search, uint32_t out[8], uint64_t proof);
    bool (*run)(const ez_search *search, uint64_t *proof, uint64_t first, uint64_t count);
} ez_search_version;

extern const ez_search_version ez_search_portable;

/* ez_search_sha_ni: the version for the SHA extensions; NULL where the processor lacks them. */
const ez_search_version *ez_search_sha_ni(void);

/* ez_search_best: the fastest version that this processor can run. */
const ez_search_version *ez_search_best(void);

#endif
