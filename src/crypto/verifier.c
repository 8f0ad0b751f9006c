#include "ezp2p/crypto/verifier.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "key_tables_internal.h"

#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ez_verifier {
#if EZ_HAS_FIELD
    ez_key_tables *tables;
#endif
    _Atomic uint64_t by_table, by_libsodium, tables_made, disputed;
};

static void count_one(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool check_by_libsodium(ez_verifier *verifier, const ez_signed_message *message)
{
    if (verifier != NULL) {
        count_one(&verifier->by_libsodium);
    }
    return ez_sign_verify(message->signature, message->key, message->data, message->size);
}

#if EZ_HAS_FIELD

#define BATCH_MAX EZ_POINTS_WRITE_MAX

/* The order of the base point, 2^252 + 27742317777372353535851937790883648493, little-endian. */
static const uint8_t order[EZ_SCALAR_BYTES] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

static bool is_below_order(const uint8_t number[EZ_SCALAR_BYTES])
{
    size_t i = EZ_SCALAR_BYTES - 1;
    while (i > 0 && number[i] == order[i]) {
        i--;
    }
    return number[i] < order[i];
}

/* Whether canonical bytes encode one of the points whose order divides 8: y is 0, 1, -1, or that of
 * the four points of order 8. */
static bool is_of_small_order(const uint8_t bytes[EZ_FIELD_BYTES])
{
    static const uint8_t eighth[2][EZ_FIELD_BYTES] = {
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};
    static const uint8_t minus_one[EZ_FIELD_BYTES] = {
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    uint8_t y[EZ_FIELD_BYTES];
    memcpy(y, bytes, sizeof y);
    y[31] &= 0x7f;
    if (y[0] <= 1) { /* 0 or 1 */
        return sodium_is_zero(y + 1, sizeof y - 1) == 1;
    }
    return sodium_memcmp(y, eighth[0], sizeof y) == 0 ||
           sodium_memcmp(y, eighth[1], sizeof y) == 0 || sodium_memcmp(y, minus_one, sizeof y) == 0;
}

/* S * B - h * A, which is R if the signature holds (RFC 8032, 5.1.7).
 *   returns  false when S is not below the order: there is a smaller S that says the same */
static bool expected_r(ez_point *out, const ez_signed_message *message, const ez_ready_point *base,
                       const ez_ready_point *minus_key)
{
    const uint8_t *r = message->signature->bytes, *s = r + EZ_FIELD_BYTES;
    uint8_t digest[crypto_hash_sha512_BYTES], h[EZ_SCALAR_BYTES];
    crypto_hash_sha512_state state;
    if (!is_below_order(s)) {
        return false;
    }
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, r, EZ_FIELD_BYTES);
    crypto_hash_sha512_update(&state, message->key->bytes, EZ_PUBLIC_KEY_BYTES);
    crypto_hash_sha512_update(&state, message->data, message->size);
    crypto_hash_sha512_final(&state, digest);
    crypto_core_ed25519_scalar_reduce(h, digest);
    ez_comb_sum(out, s, base, h, minus_key);
    return true;
}

/* Sums under way in a batch, which share their inversion. */
typedef struct open_batch {
    size_t count;
    size_t positions[BATCH_MAX];
    ez_point points[BATCH_MAX];
} open_batch;

/* The first position in the batch whose R is not the message's, or `none`. */
static size_t first_bad(ez_verifier *verifier, const open_batch *batch,
                        const ez_signed_message *messages, size_t none)
{
    uint8_t found[BATCH_MAX][EZ_FIELD_BYTES];
    ez_points_write(found, batch->points, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        const ez_signed_message *message = &messages[batch->positions[i]];
        const uint8_t *r = message->signature->bytes;
        if (sodium_memcmp(found[i], r, EZ_FIELD_BYTES) == 0 && !is_of_small_order(r)) {
            count_one(&verifier->by_table);
            continue;
        }
        if (!check_by_libsodium(verifier, message)) {
            return batch->positions[i];
        }
        count_one(&verifier->disputed);
    }
    return none;
}

static bool uses_tables(const ez_verifier *verifier)
{
    return verifier != NULL && atomic_load_explicit(&verifier->disputed, memory_order_relaxed) == 0;
}

/* Check one by its key's table, into the batch, or by libsodium; false when libsodium refuses. */
static bool begin(ez_verifier *verifier, open_batch *batch, const ez_signed_message *messages,
                  size_t position)
{
    const ez_signed_message *message = &messages[position];
    ez_key_table *table =
        uses_tables(verifier) ? ez_key_tables_hold(verifier->tables, message->key) : NULL;
    if (table != NULL) {
        bool is_begun =
            expected_r(&batch->points[batch->count], message, ez_key_tables_base(verifier->tables),
                       ez_key_table_points(table));
        ez_key_table_let_go(table);
        if (is_begun) {
            batch->positions[batch->count++] = position;
            return true;
        }
    }
    if (!check_by_libsodium(verifier, message)) {
        return false;
    }
    if (table == NULL && uses_tables(verifier) &&
        ez_key_tables_saw(verifier->tables, message->key)) {
        count_one(&verifier->tables_made);
    }
    return true;
}

static size_t check_batch(ez_verifier *verifier, const ez_signed_message *messages, size_t size)
{
    open_batch batch;
    batch.count = 0;
    size_t done = 0;
    while (done < size && begin(verifier, &batch, messages, done)) {
        done++;
    }
    return batch.count == 0 ? done : first_bad(verifier, &batch, messages, done);
}

size_t ez_verifier_check_all(ez_verifier *verifier, const ez_signed_message *messages, size_t count)
{
    for (size_t at = 0; at < count;) {
        size_t size = count - at < BATCH_MAX ? count - at : BATCH_MAX;
        size_t good = check_batch(verifier, messages + at, size);
        at += good;
        if (good < size) {
            return at;
        }
    }
    return count;
}

#else

size_t ez_verifier_check_all(ez_verifier *verifier, const ez_signed_message *messages, size_t count)
{
    size_t at = 0;
    while (at < count && check_by_libsodium(verifier, &messages[at])) {
        at++;
    }
    return at;
}

#endif

bool ez_verifier_check(ez_verifier *verifier, const ez_signed_message *message)
{
    return ez_verifier_check_all(verifier, message, 1) == 1;
}

ez_verifier *ez_verifier_new(const uint8_t seed[EZ_VERIFIER_SEED_BYTES])
{
    ez_verifier *verifier = ez_alloc(1, sizeof *verifier);
#if EZ_HAS_FIELD
    ez_siphash_key key;
    static_assert(sizeof key == EZ_VERIFIER_SEED_BYTES, "the seed is a key of SipHash");
    memcpy(&key, seed, sizeof key);
    verifier->tables = ez_key_tables_new(&key);
#else
    (void)seed;
#endif
    return verifier;
}

void ez_verifier_get_stats(const ez_verifier *verifier, ez_verifier_stats *out)
{
    out->by_table = atomic_load_explicit(&verifier->by_table, memory_order_relaxed);
    out->by_libsodium = atomic_load_explicit(&verifier->by_libsodium, memory_order_relaxed);
    out->tables_made = atomic_load_explicit(&verifier->tables_made, memory_order_relaxed);
    out->disputed = atomic_load_explicit(&verifier->disputed, memory_order_relaxed);
}

void ez_verifier_free(ez_verifier *verifier)
{
    if (verifier == NULL) {
        return;
    }
#if EZ_HAS_FIELD
    ez_key_tables_free(verifier->tables);
#endif
    free(verifier);
}
