/* The inner loop of the miner: try one proof after the other on a header whose other fields stay.
 *
 * A header is 96 bytes, so SHA-256 sees two blocks. The first, bytes 0 to 63, never changes and is
 * hashed once: the midstate. The second is words 0 to 15 (bytes 64 to 95, then the padding), of
 * which words 6 and 7 are the proof, low half first. Within a span, proofs that share their high
 * half, only word 6 varies. Six rounds come before it, and of the message schedule words 16 to 20
 * do not depend on it at all and words 21 to 36 do in part only; all that is computed once a span.
 *
 * A scan looks at the first word of each hash and no more: it rules out all but one in 65,536 on
 * network classic, and what passes is hashed again in full. There is a scan for any processor and
 * some for instructions that not all have; all give the same answers.
 */
#ifndef EZP2P_MINER_SEARCH_INTERNAL_H
#define EZP2P_MINER_SEARCH_INTERNAL_H

#include "ezp2p/chain/types.h"
#include "ezp2p/crypto/sha256.h"

/* Proofs stay below 2^53, so that every JSON reader shows them as they are. */
#define EZ_PROOF_LIMIT (EZ_AMOUNT_MAX + 1)

typedef struct ez_search {
    uint32_t midstate[8]; /* after the header's first 64 bytes */
    uint32_t block[16];   /* the second block as big-endian words; words 6 and 7 are any */
    uint32_t target[8];   /* most significant word first */
} ez_search;

/* What a scan needs to know of the proofs with one high half. */
typedef struct ez_search_span {
    uint32_t limit;     /* of the first word of the hash */
    uint32_t base;      /* the midstate's first word: the hash's is this plus a of the last round */
    uint32_t state4[8]; /* a to h after rounds 0 to 3 ... */
    uint32_t state6[8]; /* ... and after 0 to 5 */
    uint32_t fixed[64]; /* of each word of the schedule, the sum of what word 6 does not change */
    uint32_t sums[64];  /* the same plus the round's constant */
} ez_search_span;

/* Whether word `t` of the schedule depends on word 6; of words beyond EZ_SEARCH_FIXED_LAST no term
 * is fixed. */
#define EZ_SEARCH_FIXED_LAST 36
static inline bool ez_search_varies(unsigned t)
{
    return t == 6 || t >= 21;
}

/* A way to scan.
 *   scan  try the proofs of a span whose low halves are first, first + 1, ... , `count` of them,
 *         at most 2^31 and none beyond 2^32. Returns how many come before the one whose hash has a
 * first word not above the limit; `count` when there is none. */
typedef struct ez_search_version {
    const char *name;
    uint32_t (*scan)(const ez_search_span *span, uint32_t first, uint32_t count);
} ez_search_version;

/* ez_search_init: prepare to search for `header`.
 *   returns  false when its compact target is malformed */
bool ez_search_init(ez_search *out, const ez_header *header);

/* ez_search_span_init: prepare the proofs from high * 2^32 on. */
void ez_search_span_init(ez_search_span *out, const ez_search *search, uint32_t high);

/* ez_search_run: try `count` proofs from `first` on, wrapping at EZ_PROOF_LIMIT.
 *   returns  true with *proof set to the first that solves; *proof untouched otherwise */
bool ez_search_run(const ez_search *search, const ez_search_version *version, uint64_t *proof,
                   uint64_t first, uint64_t count);

/* ez_search_versions: those that this processor can run, the one for any processor first.
 *   returns  how many; at most EZ_SEARCH_VERSIONS_MAX */
#define EZ_SEARCH_VERSIONS_MAX 6
unsigned ez_search_versions(const ez_search_version *out[EZ_SEARCH_VERSIONS_MAX]);

/* ez_search_best: the version that is fastest here. Where there are several, a race of well under a
 * millisecond decides: sixteen lanes of AVX-512 beat the SHA extensions on some processors and lose
 * to them on others. `search` is any. */
const ez_search_version *ez_search_best(const ez_search *search);

/* One per source file of instructions; NULL where the processor lacks them. */
const ez_search_version *ez_search_sha_ni(void);
const ez_search_version *ez_search_sha_ni_avx(void);
const ez_search_version *ez_search_avx2(void);
const ez_search_version *ez_search_avx512(void);
const ez_search_version *ez_search_armv8(void);

#endif
