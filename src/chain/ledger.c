/* The ledger as an overlay: what changed since the last durable write, over a source that knows the
 * rest; and of the accounts that changed last, what the source would say.
 *
 * Accounts are kept in order of their last change, which uthash's order of insertion gives for free
 * when a changed row is taken out and put back: write numbers never decrease, so settling goes on
 * from where it stopped and touches nothing else, and what is dropped is dropped from the front.
 * The transactions of a block come and go together, so they stand in one piece of memory, and these
 * in the order of their writes.
 */
#include "ezp2p/chain/ledger.h"

#include "block_internal.h"
#include "ezp2p/base/limits.h"
#include "hash_internal.h"
#include "id_index_internal.h"
#include "ledger_internal.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

typedef struct account_row {
    ez_public_key key;
    ez_account account;
    uint64_t write;
    uint64_t rewind; /* number of the last disconnect that changed it; 0: none */
    bool is_touched; /* by the block being connected */
    UT_hash_handle hh;
} account_row;

typedef struct tx_group tx_group;

typedef struct tx_row {
    ez_tx_id id; /* first: what the index points to */
    const tx_group *group;
} tx_row;

/* What became of a block's transactions, whatever the source still says: a group of a disconnected
 * block is their tombstone. An id that changes again has a row in each group, and the index leads
 * to the newest. */
struct tx_group {
    uint64_t write;
    bool in_chain;
    tx_group *prev;
    tx_group *next;
    uint32_t count;
    tx_row rows[];
};

struct ez_ledger {
    ez_chain_source source;
    ez_siphash_key key;
    account_row *accounts;
    account_row *unsettled; /* the first row that is; those before it are as in the source */
    size_t unsettled_count;
    size_t accounts_kept;
    ez_id_index txs;
    tx_group *tx_groups; /* in the order of their writes */
    uint64_t last_write;
    uint64_t settled;
    uint64_t rewinds;
    uint64_t rewinds_settled; /* the highest rewind of a row that was dropped */
};

static void no_account(void *self, ez_account *out, const ez_public_key *key)
{
    (void)self;
    (void)key;
    *out = (ez_account){0};
}

static bool no_tx(void *self, const ez_tx_id *id)
{
    (void)self;
    (void)id;
    return false;
}

const ez_chain_source ez_chain_nothing = {NULL, no_account, no_tx};

ez_ledger *ez_ledger_new(const ez_chain_source *source, ez_siphash_key key)
{
    ez_ledger *const ledger = ez_alloc(1, sizeof(*ledger));
    ledger->source = *source;
    ledger->key = key;
    ledger->accounts_kept = EZ_LEDGER_ACCOUNTS_KEPT;
    ez_id_index_init(&ledger->txs, key);
    return ledger;
}

void ez_ledger_keep(ez_ledger *ledger, size_t accounts)
{
    ledger->accounts_kept = accounts;
}

void ez_ledger_free(ez_ledger *ledger)
{
    if (ledger == NULL) {
        return;
    }
    ledger->accounts_kept = 0;
    ez_ledger_settle(ledger, UINT64_MAX);
    ez_id_index_clear(&ledger->txs);
    free(ledger);
}

void ez_ledger_diff_clear(ez_ledger_diff *diff)
{
    free(diff->before);
    free(diff->after);
    *diff = (ez_ledger_diff){0};
}

/* ---- rows ------------------------------------------------------------------------------------ */

static unsigned hash_key(const ez_ledger *ledger, const ez_public_key *key)
{
    return ez_hash_value(&ledger->key, key, sizeof(*key));
}

static account_row *find_account(const ez_ledger *ledger, const ez_public_key *key, unsigned hash)
{
    account_row *row = NULL;
    HASH_FIND_BYHASHVALUE(hh, ledger->accounts, key, sizeof(*key), hash, row);
    return row;
}

static void append_account(ez_ledger *ledger, account_row *row, unsigned hash)
{
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, ledger->accounts, &row->key, sizeof(row->key), hash, row);
}

/* The row of `key`; when there is none, a new one whose account the caller has to fill in. */
static account_row *get_account_row(ez_ledger *ledger, const ez_public_key *key, bool *is_fresh)
{
    const unsigned hash = hash_key(ledger, key);
    account_row *row = find_account(ledger, key, hash);
    *is_fresh = row == NULL;
    if (row == NULL) {
        row = ez_alloc(1, sizeof(*row));
        row->key = *key;
        append_account(ledger, row, hash);
    }
    return row;
}

static void tag_account(ez_ledger *ledger, account_row *row, uint64_t write)
{
    const unsigned hash = row->hh.hashv;
    if (row->write <= ledger->settled) {
        ledger->unsettled_count++;
    } else if (row == ledger->unsettled) {
        ledger->unsettled = row->hh.next;
    }
    HASH_DEL(ledger->accounts, row);
    append_account(ledger, row, hash);
    row->write = write;
    if (ledger->unsettled == NULL) {
        ledger->unsettled = row;
    }
}

static void drop_account(ez_ledger *ledger, account_row *row)
{
    HASH_DEL(ledger->accounts, row);
    free(row);
}

static const tx_row *find_tx(const ez_ledger *ledger, const ez_tx_id *id)
{
    return (const tx_row *)(const void *)ez_id_index_find(&ledger->txs, id);
}

static void tag_txs(ez_ledger *ledger, const ez_block *block, bool in_chain, uint64_t write)
{
    tx_group *const group =
        ez_realloc(NULL, 1, sizeof(*group) + block->tx_count * sizeof(group->rows[0]));
    *group = (tx_group){.write = write, .in_chain = in_chain, .count = block->tx_count};
    for (uint32_t i = 0; i < block->tx_count; i++) {
        group->rows[i] = (tx_row){block->txs[i].id, group};
        ez_id_index_put(&ledger->txs, &group->rows[i].id);
    }
    DL_APPEND(ledger->tx_groups, group);
}

static void settle_txs(ez_ledger *ledger)
{
    const bool all = ledger->last_write <= ledger->settled; /* then nothing is looked for */
    while (ledger->tx_groups != NULL && ledger->tx_groups->write <= ledger->settled) {
        tx_group *const group = ledger->tx_groups;
        for (uint32_t i = 0; !all && i < group->count; i++) {
            ez_id_index_remove(&ledger->txs, &group->rows[i].id);
        }
        DL_DELETE(ledger->tx_groups, group);
        free(group);
    }
    if (all) {
        ez_id_index_empty(&ledger->txs);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

void ez_ledger_get(const ez_ledger *ledger, ez_account *out, const ez_public_key *key)
{
    const account_row *const row = find_account(ledger, key, hash_key(ledger, key));
    if (row != NULL) {
        *out = row->account;
    } else {
        ledger->source.get_account(ledger->source.self, out, key);
    }
}

bool ez_ledger_has_tx(const ez_ledger *ledger, const ez_tx_id *id)
{
    const tx_row *const row = find_tx(ledger, id);
    return row != NULL ? row->group->in_chain : ledger->source.has_tx(ledger->source.self, id);
}

size_t ez_ledger_pending(const ez_ledger *ledger)
{
    return ledger->unsettled_count;
}

uint64_t ez_ledger_rewinds(const ez_ledger *ledger)
{
    return ledger->rewinds;
}

bool ez_ledger_may_have_rewound(const ez_ledger *ledger, const ez_public_key *key, uint64_t rewinds)
{
    if (ledger->rewinds_settled > rewinds) {
        return true; /* the row that would tell may be gone */
    }
    const account_row *const row = find_account(ledger, key, hash_key(ledger, key));
    return row != NULL && row->rewind > rewinds;
}

/* Whether `account` can send an entry next. Sums stay below 2^54: both parts are bounded. */
static ez_rule check_turn(const ez_account *account, uint64_t sequence, uint64_t cost)
{
    if (sequence < account->sequence) {
        return EZ_RULE_TX_SEQUENCE_PAST;
    }
    if (sequence > account->sequence) {
        return EZ_RULE_TX_SEQUENCE_GAP;
    }
    return cost > account->balance ? EZ_RULE_TX_FUNDS : EZ_RULE_OK;
}

static ez_rule check_recipient(const ez_ledger *ledger, const ez_tx *tx)
{
    ez_account account;
    if (ez_tx_kind_of(tx) != EZ_TX_TRANSFER ||
        ez_public_key_is_equal(&tx->recipient.key, &tx->signer)) {
        return EZ_RULE_OK; /* nobody has more than before */
    }
    ez_ledger_get(ledger, &account, &tx->recipient.key);
    return account.balance + tx->amount > EZ_AMOUNT_MAX ? EZ_RULE_TX_OVERFLOW : EZ_RULE_OK;
}

ez_rule ez_ledger_check_tx(const ez_ledger *ledger, const ez_tx *tx, const ez_tx_id *id,
                           uint64_t sequence_used, uint64_t spent)
{
    if (tx->sender.kind == EZ_PARTY_REWARD) {
        return EZ_RULE_TX_REWARD_ALONE;
    }
    if (tx->sender.kind == EZ_PARTY_LABEL) {
        return ez_ledger_has_tx(ledger, id) ? EZ_RULE_TX_DUPLICATE : EZ_RULE_OK;
    }
    ez_account account;
    ez_ledger_get(ledger, &account, &tx->signer);
    account.sequence += sequence_used;
    account.balance = account.balance > spent ? account.balance - spent : 0;
    const uint64_t cost = ez_tx_cost(ez_tx_kind_of(tx), tx->amount, tx->fee);
    const ez_rule rule = check_turn(&account, tx->sequence, cost);
    if (rule == EZ_RULE_TX_SEQUENCE_PAST && ez_ledger_has_tx(ledger, id)) {
        return EZ_RULE_TX_DUPLICATE;
    }
    return rule == EZ_RULE_OK ? check_recipient(ledger, tx) : rule;
}

/* ---- connecting ------------------------------------------------------------------------------ */

typedef struct touched_account {
    account_row *row;
    ez_account before;
    bool is_fresh; /* the row is there because of this block */
} touched_account;

/* A block on its way into the ledger. Values change in place, so that entries see what those
 * before them in the block did; `touched` can put everything back. */
typedef struct connecting {
    ez_ledger *ledger;
    const ez_network *network;
    const ez_block *block;
    touched_account *touched;
    uint32_t touched_count;
    uint32_t touched_capacity;
    uint64_t fees;
} connecting;

static ez_account *touch(connecting *work, const ez_public_key *key)
{
    bool is_fresh;
    ez_ledger *const ledger = work->ledger;
    account_row *const row = get_account_row(ledger, key, &is_fresh);
    if (is_fresh) {
        ledger->source.get_account(ledger->source.self, &row->account, key);
    }
    if (row->is_touched) {
        return &row->account;
    }
    if (work->touched_count == work->touched_capacity) {
        work->touched_capacity = work->touched_capacity > 0 ? work->touched_capacity * 2 : 16;
        work->touched = ez_realloc(work->touched, work->touched_capacity, sizeof(*work->touched));
    }
    work->touched[work->touched_count++] = (touched_account){row, row->account, is_fresh};
    row->is_touched = true;
    return &row->account;
}

static ez_rule pay(connecting *work, const ez_public_key *key, uint64_t amount)
{
    if (amount == 0) {
        return EZ_RULE_OK; /* and no row for an account that nothing happened to */
    }
    ez_account *const account = touch(work, key);
    if (account->balance + amount > EZ_AMOUNT_MAX) {
        return EZ_RULE_TX_OVERFLOW;
    }
    account->balance += amount;
    return EZ_RULE_OK;
}

static const ez_public_key *key_at(const uint8_t *bytes)
{
    return (const ez_public_key *)bytes;
}

/* Its form was judged when the block was parsed; only the amount depends on the ledger. */
static ez_rule apply_reward(connecting *work, const ez_tx_layout *tx)
{
    EZ_ASSERT(tx->recipient.kind == EZ_PARTY_ADDRESS);
    if (tx->amount < work->fees || tx->amount - work->fees != work->network->reward) {
        return EZ_RULE_BODY_REWARD_AMOUNT;
    }
    return pay(work, key_at(tx->recipient.key), tx->amount);
}

static ez_rule apply_sent(connecting *work, const ez_tx_layout *tx)
{
    const bool is_transfer = tx->recipient.kind == EZ_PARTY_ADDRESS;
    const uint64_t cost =
        ez_tx_cost(is_transfer ? EZ_TX_TRANSFER : EZ_TX_NOTE, tx->amount, tx->fee);
    ez_account *const sender = touch(work, key_at(tx->signer));
    const ez_rule rule = check_turn(sender, tx->sequence, cost);
    if (rule != EZ_RULE_OK) {
        return rule;
    }
    sender->sequence++;
    sender->balance -= cost;
    work->fees += tx->fee;
    if (work->fees > EZ_AMOUNT_MAX) {
        return EZ_RULE_TX_OVERFLOW; /* no reward could collect them */
    }
    return is_transfer ? pay(work, key_at(tx->recipient.key), tx->amount) : EZ_RULE_OK;
}

/* What stops an id from standing in the chain twice: for notes from labels a look-up, for entries
 * from addresses their sequence, for rewards the height that is their sequence. */
static ez_rule apply_tx(connecting *work, uint32_t position)
{
    const ez_block_tx *const at = &work->block->txs[position];
    if (position < work->block->fresh_count &&
        ez_tx_sender_kind(ez_blob_data(work->block->body) + at->offset) == EZ_PARTY_LABEL) {
        return EZ_RULE_OK;
    }
    ez_tx_layout tx;
    ez_block_tx_scan(&tx, work->block, position);
    if (tx.sender.kind == EZ_PARTY_REWARD) {
        return apply_reward(work, &tx);
    }
    if (tx.sender.kind == EZ_PARTY_ADDRESS) {
        return apply_sent(work, &tx);
    }
    const bool is_known = ez_ledger_has_tx(work->ledger, &at->id);
    return is_known ? EZ_RULE_TX_DUPLICATE : EZ_RULE_OK;
}

static void put_back(connecting *work)
{
    for (uint32_t i = 0; i < work->touched_count; i++) {
        const touched_account *const touched = &work->touched[i];
        touched->row->account = touched->before;
        touched->row->is_touched = false;
        if (touched->is_fresh) {
            drop_account(work->ledger, touched->row);
        }
    }
}

static void note_write(ez_ledger *ledger, uint64_t write)
{
    EZ_ASSERT(write >= ledger->last_write);
    ledger->last_write = write;
}

static void keep(connecting *work, ez_ledger_diff *out, uint64_t write)
{
    note_write(work->ledger, write);
    out->count = work->touched_count;
    out->before = ez_alloc(work->touched_count, sizeof(*out->before));
    out->after = ez_alloc(work->touched_count, sizeof(*out->after));
    for (uint32_t i = 0; i < work->touched_count; i++) {
        account_row *const row = work->touched[i].row;
        out->before[i] = (ez_account_change){row->key, work->touched[i].before};
        out->after[i] = (ez_account_change){row->key, row->account};
        row->is_touched = false;
        tag_account(work->ledger, row, write);
    }
    tag_txs(work->ledger, work->block, true, write);
}

ez_rule ez_ledger_connect(ez_ledger *ledger, ez_ledger_diff *out, uint32_t *bad,
                          const ez_network *network, const ez_block *block, uint64_t write)
{
    connecting work = {.ledger = ledger, .network = network, .block = block};
    ez_rule rule = EZ_RULE_OK;
    for (uint32_t i = 0; i < block->tx_count && rule == EZ_RULE_OK; i++) {
        rule = apply_tx(&work, i);
        if (rule != EZ_RULE_OK && bad != NULL) {
            *bad = i;
        }
    }
    if (rule == EZ_RULE_OK) {
        keep(&work, out, write);
    } else {
        put_back(&work);
    }
    free(work.touched);
    return rule;
}

void ez_ledger_disconnect(ez_ledger *ledger, const ez_block *block, const ez_account_change *before,
                          uint32_t count, uint64_t write)
{
    note_write(ledger, write);
    ledger->rewinds++;
    for (uint32_t i = 0; i < count; i++) {
        bool is_fresh;
        account_row *const row = get_account_row(ledger, &before[i].key, &is_fresh);
        row->account = before[i].account;
        row->rewind = ledger->rewinds;
        tag_account(ledger, row, write);
    }
    tag_txs(ledger, block, false, write);
}

void ez_ledger_settle(ez_ledger *ledger, uint64_t write)
{
    ledger->settled = write > ledger->settled ? write : ledger->settled;
    while (ledger->unsettled != NULL && ledger->unsettled->write <= write) {
        ledger->unsettled = ledger->unsettled->hh.next;
        ledger->unsettled_count--;
    }
    while (ledger->accounts != ledger->unsettled &&
           HASH_COUNT(ledger->accounts) > ledger->accounts_kept) {
        if (ledger->accounts->rewind > ledger->rewinds_settled) {
            ledger->rewinds_settled = ledger->accounts->rewind;
        }
        drop_account(ledger, ledger->accounts);
    }
    settle_txs(ledger);
}
