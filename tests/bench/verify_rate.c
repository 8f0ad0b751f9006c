/* Signature checks a second on one thread, one JSON object for each way:
 *
 *     libsodium             as the yardstick
 *     hot_1, hot_16         by tables of known keys, alone and 16 at a time
 *     cold                  ever new keys
 *     passing               each key as often as a table needs to be made, then never again: what
 *                           tables can cost at worst
 *
 * Times are of the thread's own clock, and the ways take turns, so that a busy machine leaves the
 * ratios as they are.
 */
#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/crypto/verifier.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEYS         64   /* that are known */
#define NEW_KEYS     4096 /* of each way that needs new ones */
#define TEXT_BYTES   218  /* what the signature of a usual transaction covers */
#define TURNS        20
#define TURN_SECONDS 0.05
#define AT_ONCE      16

typedef struct signed_text {
    ez_public_key key;
    ez_signature signature;
    uint8_t text[TEXT_BYTES];
} signed_text;

static signed_text known[KEYS * AT_ONCE], fresh[NEW_KEYS], passers[NEW_KEYS];

static void make(signed_text *out, uint8_t kind, uint32_t number, uint32_t text)
{
    uint8_t seed[EZ_SEED_BYTES] = {kind};
    ez_keypair pair;
    memcpy(seed + 1, &number, sizeof number);
    ez_keypair_from_seed(&pair, seed);
    memcpy(out->text, &text, sizeof text);
    out->key = pair.public_key;
    ez_sign(&out->signature, &pair, out->text, sizeof out->text);
}

static ez_signed_message message_of(const signed_text *from)
{
    return (ez_signed_message){&from->signature, &from->key, from->text, sizeof from->text};
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

typedef struct way {
    const char *name;
    /* check AT_ONCE signatures, number `round` and those that follow */
    void (*run)(ez_verifier *verifier, size_t round);
    ez_verifier *verifier;
    size_t round;
    double seconds;
} way;

static void by_libsodium(ez_verifier *verifier, size_t round)
{
    (void)verifier;
    for (size_t i = 0; i < AT_ONCE; i++) {
        const signed_text *s = &known[(round * AT_ONCE + i) % (KEYS * AT_ONCE)];
        EZ_ASSERT(ez_sign_verify(&s->signature, &s->key, s->text, sizeof s->text));
    }
}

static void one_by_one(ez_verifier *verifier, size_t round)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        const ez_signed_message message =
            message_of(&known[(round * AT_ONCE + i) % (KEYS * AT_ONCE)]);
        EZ_ASSERT(ez_verifier_check(verifier, &message));
    }
}

static void together(ez_verifier *verifier, size_t round)
{
    ez_signed_message messages[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++) {
        messages[i] = message_of(&known[(round * AT_ONCE + i) % (KEYS * AT_ONCE)]);
    }
    EZ_ASSERT(ez_verifier_check_all(verifier, messages, AT_ONCE) == AT_ONCE);
}

static void of_new_keys(ez_verifier *verifier, size_t round)
{
    ez_signed_message messages[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++) {
        messages[i] = message_of(&fresh[(round * AT_ONCE + i) % NEW_KEYS]);
    }
    EZ_ASSERT(ez_verifier_check_all(verifier, messages, AT_ONCE) == AT_ONCE);
}

static void of_passers(ez_verifier *verifier, size_t round)
{
    ez_signed_message messages[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++) {
        messages[i] = message_of(&passers[(round * AT_ONCE + i) / EZ_KEY_SIGHTINGS % NEW_KEYS]);
    }
    EZ_ASSERT(ez_verifier_check_all(verifier, messages, AT_ONCE) == AT_ONCE);
}

static void take_turn(way *taken)
{
    const double start = now_s();
    double now;
    do {
        taken->run(taken->verifier, taken->round++);
    } while ((now = now_s()) - start < TURN_SECONDS);
    taken->seconds += now - start;
}

int main(void)
{
    static const uint8_t seed[EZ_VERIFIER_SEED_BYTES] = {3};
    EZ_ASSERT(ez_crypto_init() == EZ_OK);
    for (uint32_t i = 0; i < KEYS * AT_ONCE; i++) {
        make(&known[i], 1, i % KEYS, i);
    }
    for (uint32_t i = 0; i < NEW_KEYS; i++) {
        make(&fresh[i], 2, i, 0);
        make(&passers[i], 3, i, 0);
    }
    way ways[] = {{"libsodium", by_libsodium, NULL, 0, 0},
                  {"hot_1", one_by_one, ez_verifier_new(seed), 0, 0},
                  {"hot_16", together, ez_verifier_new(seed), 0, 0},
                  {"cold", of_new_keys, ez_verifier_new(seed), 0, 0},
                  {"passing", of_passers, ez_verifier_new(seed), 0, 0}};
    for (size_t i = 0; i < 4 * EZ_KEY_SIGHTINGS * KEYS / AT_ONCE; i++) {
        together(ways[1].verifier, i); /* until all have a table */
        together(ways[2].verifier, i);
    }
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
            take_turn(&ways[i]);
        }
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        printf("{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"1/s\"}\n", ways[i].name,
               (double)(ways[i].round * AT_ONCE) / ways[i].seconds);
        ez_verifier_free(ways[i].verifier);
    }
    return 0;
}
