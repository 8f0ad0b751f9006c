#include "verify_internal.h"

#include "ezp2p/chain/header.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_problem(ez_verify_report *report, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void set_problem(ez_verify_report *report, const char *format, va_list args)
{
    report->sound = false;
    vsnprintf(report->problem, sizeof report->problem, format, args);
}

bool ez_walk_problem(ez_walk *walk, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_problem(walk->report, format, args);
    va_end(args);
    return false;
}

bool ez_walk_bad_block(ez_walk *walk, const ez_block_id *id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_problem(walk->report, format, args);
    va_end(args);
    walk->report->bad_height = walk->height;
    walk->report->bad_block = *id;
    return false;
}

bool ez_walk_error(ez_walk *walk, ez_sql sql, int rc)
{
    const char *doing = sqlite3_sql(walk->db->statements[sql]);
    if (ez_db_complain(walk->db, doing, rc) != EZ_ERR_CORRUPT) {
        walk->failed = true;
        return false;
    }
    return ez_walk_problem(walk, "the database file is damaged: %s",
                           ez_db_reason(walk->db, rc).text);
}

static void source_get_account(void *self, ez_account *out, const ez_public_key *key)
{
    const ez_walk *walk = self;
    ez_replay_get(walk->replay, out, key);
}

/* is_below: whether the block in row `seq` stands lower than the one being checked. */
static bool is_below(ez_walk *walk, uint64_t seq)
{
    uint8_t bytes[EZ_HEADER_BYTES];
    bool below = false;
    ez_db_bind_number(walk->db, EZ_SQL_BLOCK_AT, 1, seq);
    if (ez_db_try(walk->db, EZ_SQL_BLOCK_AT) == SQLITE_ROW) {
        ez_header header = {0};
        if (ez_db_column_copy(bytes, sizeof bytes, walk->db, EZ_SQL_BLOCK_AT, 1)) {
            ez_header_decode(&header, bytes);
        }
        below = header.index != 0 && header.index < walk->height;
        ez_db_reset(walk->db, EZ_SQL_BLOCK_AT);
    }
    return below;
}

/* source_has_tx: the index answers, for the blocks already walked: their rows were compared with
 * their bodies, so that no second list of all ids has to be kept. An error shows up again when the
 * index is compared with this block. */
static bool source_has_tx(void *self, const ez_tx_id *id)
{
    ez_walk *walk = self;
    ez_tx_row row;
    bool found = false;
    ez_db_bind_parts(walk->db, EZ_SQL_TX_FIND, id->hash.bytes);
    while (!found && ez_find_tx_row(walk->db, &row) == SQLITE_ROW) {
        found = is_below(walk, row.place >> EZ_PLACE_BITS);
    }
    ez_db_reset(walk->db, EZ_SQL_TX_FIND);
    return found;
}

static void walk_init(ez_walk *walk, ez_store *store, ez_verify_report *report)
{
    ez_siphash_key keys[4]; /* unpredictable, since others chose what the tables will hold */
    sqlite3_randomness(sizeof keys, keys);
    *walk = (ez_walk){.store = store, .db = &store->reader, .report = report};
    const ez_chain_source source = {walk, source_get_account, source_has_tx};
    walk->tree = ez_tree_new(&store->network, keys[0]);
    walk->ledger = ez_ledger_new(&source, keys[1]);
    walk->replay = ez_replay_new(keys[2]);
    walk->verifier = ez_verifier_new((const uint8_t *)&keys[3]);
    walk->previous = store->network.genesis_id;
    walk->previous_view = store->genesis_view;
    walk->height = store->network.genesis.index;
    report->blocks = 1;
    report->sound = true;
}

static void walk_clear(ez_walk *walk)
{
    ez_verifier_free(walk->verifier);
    ez_replay_free(walk->replay);
    ez_ledger_free(walk->ledger);
    ez_tree_free(walk->tree);
}

ez_status ez_store_verify(ez_store *store, ez_verify_report *out, void *self,
                          void (*progress)(void *self, uint64_t at, uint64_t of))
{
    memset(out, 0, sizeof *out);
    ez_read_begin(store);
    ez_status status = ez_db_prepare(&store->reader, EZ_DB_VERIFIER);
    if (status == EZ_OK) {
        ez_walk walk;
        walk_init(&walk, store, out);
        if (ez_walk_chain(&walk, self, progress)) {
            ez_walk_tables(&walk);
        }
        status = walk.failed ? EZ_ERR_IO : EZ_OK;
        walk_clear(&walk);
    }
    ez_read_end(store);
    return status;
}
