#include "parked_internal.h"

#include "node_internal.h"

#include <stdlib.h>
#include <utlist.h>

struct parked_signer {
    ez_public_key key;
    parked_tx *run;                    /* lowest first */
    parked_tx *last;                   /* put, where the next one probably belongs */
    struct parked_signer *prev, *next; /* in turns */
    UT_hash_handle hh;
};

void parked_init(parked_set *set, ez_siphash_key key, size_t count_max, size_t bytes_max)
{
    *set = (parked_set){.key = key, .count_max = count_max, .bytes_max = bytes_max};
}

void parked_clear(parked_set *set)
{
    for (size_t i = 0; i < PARKED_CLASSES; i++) {
        while (set->classes[i] != NULL) {
            parked_drop(set, set->classes[i]);
        }
    }
}

static unsigned hash_of(const parked_set *set, const ez_public_key *key)
{
    return (unsigned)ez_siphash(&set->key, key, sizeof(*key));
}

static parked_signer *find_signer(const parked_set *set, const ez_public_key *key)
{
    parked_signer *signer = NULL;
    HASH_FIND_BYHASHVALUE(hh, set->signers, key, sizeof(*key), hash_of(set, key), signer);
    return signer;
}

static parked_signer *get_signer(parked_set *set, const ez_public_key *key)
{
    parked_signer *signer = find_signer(set, key);
    if (signer == NULL) {
        signer = ez_alloc(1, sizeof(*signer));
        signer->key = *key;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, set->signers, &signer->key, sizeof(signer->key),
                                    hash_of(set, key), signer);
        DL_APPEND(set->turns, signer);
    }
    return signer;
}

/* Behind `before`, NULL: first. */
static void link_run(parked_signer *signer, parked_tx *tx, parked_tx *before)
{
    tx->run_prev = before;
    tx->run_next = before == NULL ? signer->run : before->run_next;
    if (before == NULL) {
        signer->run = tx;
    } else {
        before->run_next = tx;
    }
    if (tx->run_next != NULL) {
        tx->run_next->run_prev = tx;
    }
}

static void put_in_run(parked_signer *signer, parked_tx *tx)
{
    parked_tx *before = signer->last;
    while (before != NULL && before->sequence > tx->sequence) {
        before = before->run_prev;
    }
    parked_tx *after = before == NULL ? signer->run : before->run_next;
    while (after != NULL && after->sequence <= tx->sequence) {
        before = after;
        after = after->run_next;
    }
    link_run(signer, tx, before);
    signer->last = tx;
}

parked_tx *parked_put(parked_set *set, const ez_tx_id *id, ez_blob *bytes,
                      const ez_public_key *signer, uint64_t sequence, parked_class class)
{
    parked_tx *tx = ez_alloc(1, sizeof(*tx));
    tx->id = *id;
    tx->bytes = ez_blob_ref(bytes);
    tx->sequence = sequence;
    tx->class = class;
    tx->signer = get_signer(set, signer);
    put_in_run(tx->signer, tx);
    DL_APPEND(set->classes[class], tx);
    set->class_counts[class]++;
    set->count++;
    set->bytes += ez_blob_size(bytes);
    return tx;
}

void parked_drop(parked_set *set, parked_tx *tx)
{
    parked_signer *signer = tx->signer;
    if (tx->run_prev == NULL) {
        signer->run = tx->run_next;
    } else {
        tx->run_prev->run_next = tx->run_next;
    }
    if (tx->run_next != NULL) {
        tx->run_next->run_prev = tx->run_prev;
    }
    if (signer->last == tx) {
        signer->last = tx->run_prev != NULL ? tx->run_prev : tx->run_next;
    }
    if (signer->run == NULL) {
        HASH_DEL(set->signers, signer);
        DL_DELETE(set->turns, signer);
        free(signer);
    }
    DL_DELETE(set->classes[tx->class], tx);
    set->class_counts[tx->class]--;
    set->count--;
    set->bytes -= ez_blob_size(tx->bytes);
    ez_blob_unref(tx->bytes);
    free(tx);
}

parked_tx *parked_excess(const parked_set *set)
{
    if (set->count <= set->count_max && set->bytes <= set->bytes_max) {
        return NULL;
    }
    size_t class = 0;
    while (set->classes[class] == NULL) {
        class ++;
    }
    return set->classes[class];
}

parked_tx *parked_run(const parked_set *set, const ez_public_key *signer)
{
    const parked_signer *found = find_signer(set, signer);
    return found == NULL ? NULL : found->run;
}

parked_tx *parked_turn(parked_set *set)
{
    parked_signer *signer = set->turns;
    if (signer == NULL) {
        return NULL;
    }
    DL_DELETE(set->turns, signer);
    DL_APPEND(set->turns, signer);
    return signer->run;
}

size_t parked_signers(const parked_set *set)
{
    return HASH_COUNT(set->signers);
}
