/* Threads that share a verifier, under the thread sanitizer: tables are made, read and replaced at
 * the same time, since there are more keys than tables, and every answer is right. */
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/crypto/verifier.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define THREADS 3
#define KEYS    (EZ_KEY_TABLES_MAX + 64)
#define ROUNDS  (2 * EZ_KEY_SIGHTINGS)
#define AT_ONCE 16

static ez_verifier *verifier;
static ez_keypair pairs[KEYS];
static ez_signature signatures[KEYS], bad_signatures[KEYS];

/* Signatures AT_ONCE together, each thread in an order of its own; in every second round one of
 * them is bad. */
static void *check_all(void *self)
{
    const size_t number = (size_t)(uintptr_t)self;
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t first = 0; first < KEYS; first += AT_ONCE) {
            ez_signed_message messages[AT_ONCE];
            const size_t bad = round % 2 == 0 ? AT_ONCE : (first + round) % AT_ONCE;
            for (size_t i = 0; i < AT_ONCE; i++) {
                const size_t key = (first + i + number * KEYS / THREADS) % KEYS;
                messages[i] = (ez_signed_message){
                    i == bad ? &bad_signatures[key] : &signatures[key], &pairs[key].public_key,
                    &pairs[key].public_key, sizeof pairs[key].public_key};
            }
            EZ_ASSERT(ez_verifier_check_all(verifier, messages, AT_ONCE) == bad);
        }
    }
    return NULL;
}

int main(void)
{
    EZ_ASSERT(ez_crypto_init() == EZ_OK);
    verifier = ez_verifier_new((const uint8_t[EZ_VERIFIER_SEED_BYTES]){1});
    for (size_t i = 0; i < KEYS; i++) {
        uint8_t seed[EZ_SEED_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8)};
        ez_keypair_from_seed(&pairs[i], seed);
        ez_sign(&signatures[i], &pairs[i], &pairs[i].public_key, sizeof pairs[i].public_key);
        bad_signatures[i] = signatures[i];
        bad_signatures[i].bytes[i % EZ_SIGNATURE_BYTES] ^= 1;
    }
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        EZ_ASSERT(pthread_create(&threads[i], NULL, check_all, (void *)i) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        EZ_ASSERT(pthread_join(threads[i], NULL) == 0);
    }
    ez_verifier_stats stats;
    ez_verifier_get_stats(verifier, &stats);
    EZ_ASSERT(stats.disputed == 0);
    printf("verifier: %" PRIu64 " signatures by table, %" PRIu64 " by libsodium, %" PRIu64
           " tables\n",
           stats.by_table, stats.by_libsodium, stats.tables_made);
    ez_verifier_free(verifier);
    return 0;
}
