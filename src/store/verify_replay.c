#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "verify_internal.h"

#include <stdlib.h>

#define uthash_malloc(size)   ez_alloc(1, (size))
#define uthash_fatal(message) ez_assert_fail((message), __FILE__, __LINE__)
#include <uthash.h>

typedef struct replay_row {
    ez_public_key key;
    ez_account account;
    bool seen;
    UT_hash_handle hh;
} replay_row;

struct ez_replay {
    ez_siphash_key key;
    replay_row *rows; /* none that is all zero */
};

ez_replay *ez_replay_new(ez_siphash_key key)
{
    ez_replay *replay = ez_alloc(1, sizeof *replay);
    replay->key = key;
    return replay;
}

void ez_replay_free(ez_replay *replay)
{
    replay_row *row;
    replay_row *next;
    HASH_ITER (hh, replay->rows, row, next) {
        HASH_DEL(replay->rows, row);
        free(row);
    }
    free(replay);
}

static unsigned hash_of(const ez_replay *replay, const ez_public_key *key)
{
    return (unsigned)ez_siphash(&replay->key, key, sizeof *key);
}

static replay_row *find(const ez_replay *replay, const ez_public_key *key)
{
    replay_row *row = NULL;
    HASH_FIND_BYHASHVALUE(hh, replay->rows, key, sizeof *key, hash_of(replay, key), row);
    return row;
}

void ez_replay_get(const ez_replay *replay, ez_account *out, const ez_public_key *key)
{
    const replay_row *row = find(replay, key);
    *out = row ? row->account : (ez_account){0};
}

void ez_replay_put(ez_replay *replay, const ez_account_change *change)
{
    bool empty = change->account.balance == 0 && change->account.sequence == 0;
    replay_row *row = find(replay, &change->key);
    if (row && empty) {
        HASH_DEL(replay->rows, row);
        free(row);
    } else if (row) {
        row->account = change->account;
    } else if (!empty) {
        row = ez_alloc(1, sizeof *row);
        row->key = change->key;
        row->account = change->account;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, replay->rows, &row->key, sizeof row->key,
                                    hash_of(replay, &row->key), row);
    }
}

bool ez_replay_match(ez_replay *replay, const ez_public_key *key, const ez_account *account)
{
    replay_row *row = find(replay, key);
    if (!row || row->seen || row->account.balance != account->balance ||
        row->account.sequence != account->sequence) {
        return false;
    }
    row->seen = true;
    return true;
}

const ez_public_key *ez_replay_unseen(const ez_replay *replay)
{
    for (const replay_row *row = replay->rows; row; row = row->hh.next) {
        if (!row->seen) {
            return &row->key;
        }
    }
    return NULL;
}
