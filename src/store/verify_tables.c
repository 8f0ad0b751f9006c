#include "verify_internal.h"

#include "ezp2p/base/text.h"
#include "ezp2p/chain/address.h"
#include "ezp2p/chain/header.h"

#include <inttypes.h>
#include <string.h>

static bool check_account(ez_walk *walk)
{
    ez_db *db = walk->db;
    ez_public_key key;
    if (!ez_db_column_copy(&key, sizeof key, db, EZ_SQL_WALK_ACCOUNTS, 0) ||
        ez_db_column_number(db, EZ_SQL_WALK_ACCOUNTS, 1) != (uint64_t)ez_db_tail(key.bytes)) {
        return ez_walk_problem(walk, "a row of the account table is damaged");
    }
    const ez_account stored = {ez_db_column_number(db, EZ_SQL_WALK_ACCOUNTS, 2),
                               ez_db_column_number(db, EZ_SQL_WALK_ACCOUNTS, 3)};
    if (!ez_replay_match(walk->replay, &key, &stored)) {
        ez_account wanted;
        ez_replay_get(walk->replay, &wanted, &key);
        return ez_walk_problem(walk,
                               "account %s: the table says balance %" PRIu64 ", sequence %" PRIu64
                               "; the chain says %" PRIu64 ", %" PRIu64,
                               ez_address_text(&key).text, stored.balance, stored.sequence,
                               wanted.balance, wanted.sequence);
    }
    walk->report->accounts++;
    return true;
}

/* each_row: call `check` for every row of `sql`. */
static bool each_row(ez_walk *walk, ez_sql sql, bool (*check)(ez_walk *walk))
{
    int rc;
    while ((rc = ez_db_try(walk->db, sql)) == SQLITE_ROW) {
        if (!check(walk)) {
            ez_db_reset(walk->db, sql);
            return false;
        }
    }
    return rc == SQLITE_DONE || ez_walk_error(walk, sql, rc);
}

static bool check_accounts(ez_walk *walk)
{
    if (!each_row(walk, EZ_SQL_WALK_ACCOUNTS, check_account)) {
        return false;
    }
    const ez_public_key *missing = ez_replay_unseen(walk->replay);
    return !missing || ez_walk_problem(walk, "account %s is missing from the table",
                                       ez_address_text(missing).text);
}

static bool count(ez_walk *walk, ez_sql sql, uint64_t *out)
{
    int rc = ez_db_try(walk->db, sql);
    if (rc != SQLITE_ROW) {
        return ez_walk_error(walk, sql, rc);
    }
    *out = ez_db_column_number(walk->db, sql, 0);
    ez_db_reset(walk->db, sql);
    return true;
}

/* check_counts: every row that the chain explains was found, so more rows are too many. */
static bool check_counts(ez_walk *walk)
{
    uint64_t txs = 0;
    uint64_t undos = 0;
    uint64_t bodiless = 0;
    if (!count(walk, EZ_SQL_COUNT_TXS, &txs) || !count(walk, EZ_SQL_COUNT_UNDO, &undos) ||
        !count(walk, EZ_SQL_COUNT_BODILESS, &bodiless)) {
        return false;
    }
    if (txs != walk->report->transactions) {
        return ez_walk_problem(walk,
                               "the index lists %" PRIu64 " transactions, the chain holds %" PRIu64,
                               txs, walk->report->transactions);
    }
    if (undos != walk->report->blocks - 1) {
        return ez_walk_problem(walk, "there are undo records of blocks that are not on the chain");
    }
    if (bodiless != 0) {
        return ez_walk_problem(walk, "%" PRIu64 " blocks beside the chain have no body", bodiless);
    }
    return true;
}

/* check_side: a block beside the chain was judged when it came; here its row must make sense. */
static bool check_side(ez_walk *walk)
{
    uint8_t bytes[EZ_HEADER_BYTES];
    ez_block_id stored;
    if (!ez_db_column_copy(&stored, sizeof stored, walk->db, EZ_SQL_LOAD_BLOCKS, 0) ||
        !ez_db_column_copy(bytes, sizeof bytes, walk->db, EZ_SQL_LOAD_BLOCKS, 1)) {
        return ez_walk_problem(walk, "the row of a block beside the chain is damaged");
    }
    ez_header header;
    ez_block_id id;
    ez_header_decode(&header, bytes);
    ez_header_id(&id, &header);
    return ez_block_id_is_equal(&id, &stored) ||
           ez_walk_problem(walk,
                           "the header of block %s, beside the chain, does not hash to its id",
                           ez_hash_text(&stored).text);
}

static bool check_pooled(ez_walk *walk)
{
    const ez_block_id *network = &walk->store->network.genesis_id;
    size_t size;
    const uint8_t *bytes = ez_db_column_bytes(&size, walk->db, EZ_SQL_LOAD_POOL, 0);
    ez_tx_id stored;
    ez_tx_id id;
    ez_tx tx;
    ez_reader reader;
    ez_reader_init(&reader, bytes, size);
    ez_rule rule = ez_tx_decode(&tx, &reader);
    ez_tx_id_of(&id, network, bytes, size);
    if (rule != EZ_RULE_OK || !ez_reader_is_done(&reader) ||
        !ez_db_column_copy(&stored, sizeof stored, walk->db, EZ_SQL_LOAD_POOL, 1) ||
        !ez_tx_id_is_equal(&id, &stored)) {
        return ez_walk_problem(walk, "a transaction of the pool is damaged");
    }
    if (tx.sender.kind == EZ_PARTY_REWARD || !ez_tx_verify(&tx, network, bytes, size)) {
        return ez_walk_problem(walk, "the pool holds transaction %s, which its signer did not sign",
                               ez_hash_text(&id).text);
    }
    return true;
}

/* check_structure: the file as SQLite sees it, its indexes against its tables. */
static bool check_structure(ez_walk *walk)
{
    size_t size;
    const uint8_t *text = ez_db_column_bytes(&size, walk->db, EZ_SQL_INTEGRITY, 0);
    return (size == 2 && memcmp(text, "ok", 2) == 0) ||
           ez_walk_problem(walk, "the database file is damaged: %.*s", (int)size,
                           (const char *)text);
}

bool ez_walk_tables(ez_walk *walk)
{
    return check_accounts(walk) && check_counts(walk) &&
           each_row(walk, EZ_SQL_LOAD_BLOCKS, check_side) &&
           each_row(walk, EZ_SQL_LOAD_POOL, check_pooled) &&
           each_row(walk, EZ_SQL_INTEGRITY, check_structure);
}
