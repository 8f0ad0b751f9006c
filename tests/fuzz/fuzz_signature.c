/* Whatever libsodium says of a signature, a verifier with a table of its key says too. The first
 * two bytes choose a key and R, with or without parts of small order; the next 64 are changes to
 * the signature that these make; the rest is what it covers. */
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/crypto/verifier.h"
#include "support_curve.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t seed[EZ_VERIFIER_SEED_BYTES] = {7};
static ez_verifier *verifier;
static curve_key keys[SMALL_ORDER]; /* one of each torsion, all with a table */

static ez_verifier_stats stats_now(void)
{
    ez_verifier_stats stats;
    ez_verifier_get_stats(verifier, &stats);
    return stats;
}

static void start(void)
{
    ez_rng rng;
    EZ_ASSERT(ez_crypto_init() == EZ_OK);
    ez_rng_init(&rng, seed);
    verifier = ez_verifier_new(seed);
    for (unsigned i = 0; i < SMALL_ORDER; i++) {
        uint8_t text[CURVE_TEXT_BYTES] = {0};
        ez_signature signature;
        curve_key_make(&keys[i], &rng, i);
        curve_sign_good(&signature, &keys[i], &rng, text);
        const ez_signed_message message = {&signature, &keys[i].key, text, sizeof text};
        for (unsigned sighting = 0; sighting < EZ_KEY_SIGHTINGS; sighting++) {
            EZ_ASSERT(ez_verifier_check(verifier, &message));
        }
    }
}

static void make(ez_signature *out, const curve_key *key, uint8_t how, const void *text,
                 size_t size)
{
    if (how % 4 == 3) {
        curve_sign_small(out, key, how / 4 % SMALL_ENCODINGS, text, size);
        return;
    }
    ez_rng rng;
    ez_rng_init(&rng, seed);
    curve_sign(out, key, &rng, how / 4 % SMALL_ORDER, text, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ez_signature signature;
    if (verifier == NULL) {
        start();
    }
    if (size < 2) {
        return 0;
    }
    const curve_key *key = &keys[data[0] % SMALL_ORDER];
    const uint8_t how = data[1], *changes = data + 2;
    size -= 2;
    const size_t change_count = size < sizeof signature.bytes ? size : sizeof signature.bytes;
    const uint8_t *text = changes + change_count;
    size -= change_count;
    make(&signature, key, how, text, size);
    for (size_t i = 0; i < change_count; i++) {
        signature.bytes[i] ^= changes[i];
    }
    const ez_signed_message message = {&signature, &key->key, text, size};
    const bool holds = ez_sign_verify(&signature, &key->key, text, size);
    const uint64_t by_table = stats_now().by_table;
    EZ_ASSERT(ez_verifier_check(verifier, &message) == holds);
    EZ_ASSERT(stats_now().disputed == 0);
    EZ_ASSERT(!holds || stats_now().tables_made == 0 || stats_now().by_table == by_table + 1);
    return 0;
}
