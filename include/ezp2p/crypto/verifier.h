/* Checks of signatures that grow faster for keys seen before. Most signatures come from few keys,
 * and of a key that was seen some times a table of its multiples is kept: with it the equation
 *
 *     encoding of (S * B - h * A)  =  the bytes of R
 *
 * takes a fifth of the work. It is the same equation that libsodium evaluates, over the same group,
 * with the same numbers, and not a random combination of several: so the answer is the same for
 * every signature, those with parts of small order among them (docs/decisions.md). A key without a
 * table goes to libsodium; so does whatever a table says no to, since a no costs somebody its
 * connection.
 *
 * What may attack it: keys made up by the thousand. Tables are bounded, made for keys that had
 * EZ_KEY_SIGHTINGS good signatures, and cost less than one check; who brings ever new keys that
 * often makes checks an eighth dearer, others find them as they were without tables.
 *
 * Everything takes time that depends on keys, signatures and messages: these are public.
 */
#ifndef EZP2P_CRYPTO_VERIFIER_H
#define EZP2P_CRYPTO_VERIFIER_H

#include "ezp2p/crypto/sign.h"

typedef struct ez_verifier ez_verifier;

/* A signature, the key that is said to have made it, and what it is said to cover. All borrowed. */
typedef struct ez_signed_message {
    const ez_signature *signature;
    const ez_public_key *key;
    const void *data;
    size_t size;
} ez_signed_message;

/* ez_verifier_new: a verifier without tables, some 20 KiB. `seed` should be unpredictable, so that
 * nobody can choose keys that displace a given one; it never changes an answer. */
#define EZ_VERIFIER_SEED_BYTES 16
ez_verifier *ez_verifier_new(const uint8_t seed[EZ_VERIFIER_SEED_BYTES]);

/* ez_verifier_check: whether a signature holds, as ez_sign_verify says. Any thread, several at a
 * time. A NULL verifier has no tables. */
bool ez_verifier_check(ez_verifier *verifier, const ez_signed_message *message);

/* ez_verifier_check_all: the first of `count` signatures that does not hold, or `count`. Faster
 * than one by one, which it otherwise equals. */
size_t ez_verifier_check_all(ez_verifier *verifier, const ez_signed_message *messages,
                             size_t count);

typedef struct ez_verifier_stats {
    uint64_t by_table;     /* signatures found good by a table */
    uint64_t by_libsodium; /* checked by libsodium */
    uint64_t tables_made;
    uint64_t disputed; /* refused by a table and accepted by libsodium: a bug; once there is one, no
                        * table is used any more */
} ez_verifier_stats;
void ez_verifier_get_stats(const ez_verifier *verifier, ez_verifier_stats *out);

/* ez_verifier_free: when no thread is checking. NULL is fine. */
void ez_verifier_free(ez_verifier *verifier);

#endif
