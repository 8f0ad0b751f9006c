#include "verify_internal.h"

#include "ezp2p/base/limits.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/view.h"

#include <inttypes.h>
#include <string.h>

enum {
    COLUMN_HEIGHT,
    COLUMN_SEQ,
    COLUMN_ID,
    COLUMN_HEADER,
    COLUMN_VIEW,
    COLUMN_STATE,
    COLUMN_UNDO,
    COLUMN_BODY
};

/* One row of the walk, judged part by part. */
typedef struct ez_walk_block {
    uint64_t seq;
    ez_block_id id;
    ez_header header;
    ez_hash view;
    ez_block *block;
} ez_walk_block;

static const ez_block_id unknown;

static bool check_row(ez_walk *walk, ez_walk_block *at)
{
    const ez_db *db = walk->db;
    uint8_t header[EZ_HEADER_BYTES];
    uint64_t height = ez_db_column_number(db, EZ_SQL_WALK, COLUMN_HEIGHT);
    if (height != walk->height) {
        return ez_walk_bad_block(walk, &unknown, "the chain has no block at height %" PRIu64,
                                 walk->height);
    }
    if (ez_db_column_is_null(db, EZ_SQL_WALK, COLUMN_SEQ)) {
        return ez_walk_bad_block(walk, &unknown, "the block at height %" PRIu64 " is not stored",
                                 height);
    }
    at->seq = ez_db_column_number(db, EZ_SQL_WALK, COLUMN_SEQ);
    if (!ez_db_column_copy(&at->id, sizeof at->id, db, EZ_SQL_WALK, COLUMN_ID) ||
        !ez_db_column_copy(header, sizeof header, db, EZ_SQL_WALK, COLUMN_HEADER) ||
        !ez_db_column_copy(&at->view, sizeof at->view, db, EZ_SQL_WALK, COLUMN_VIEW)) {
        return ez_walk_bad_block(walk, &unknown, "the block's row is damaged");
    }
    ez_header_decode(&at->header, header);
    return true;
}

static bool check_header(ez_walk *walk, const ez_walk_block *at)
{
    const ez_header *header = &at->header;
    uint64_t state = ez_db_column_number(walk->db, EZ_SQL_WALK, COLUMN_STATE);
    ez_block_id id;
    ez_header_id(&id, header);
    if (!ez_block_id_is_equal(&id, &at->id)) {
        return ez_walk_bad_block(walk, &at->id, "the header does not hash to the block's id");
    }
    if (!ez_block_id_is_equal(&header->previous, &walk->previous)) {
        return ez_walk_bad_block(walk, &id, "previous_hash is not the block below, %s",
                                 ez_hash_text(&walk->previous).text);
    }
    /* judged by its own clock: what was once near enough to the present is so for good */
    ez_entry *entry;
    ez_rule rule = ez_tree_add_header(walk->tree, &entry, header, header->timestamp);
    if (rule != EZ_RULE_OK) {
        return ez_walk_bad_block(walk, &id, "%s: %s", ez_rule_code(rule), ez_rule_text(rule));
    }
    if (state != EZ_STATE_CONNECTED) {
        return ez_walk_bad_block(walk, &id, "it is on the chain but marked %s",
                                 state & EZ_STATE_INVALID ? "invalid" : "as never connected");
    }
    return true;
}

static bool check_body(ez_walk *walk, ez_walk_block *at)
{
    const ez_network *network = &walk->store->network;
    size_t size;
    const uint8_t *bytes = ez_db_column_bytes(&size, walk->db, EZ_SQL_WALK, COLUMN_BODY);
    if (ez_db_column_is_null(walk->db, EZ_SQL_WALK, COLUMN_BODY)) {
        return ez_walk_bad_block(walk, &at->id, "its body is not stored");
    }
    ez_blob *body = ez_blob_new(bytes, size);
    ez_rule rule = ez_block_parse(&at->block, network, &at->header, body);
    ez_blob_unref(body);
    if (rule != EZ_RULE_OK) {
        return ez_walk_bad_block(walk, &at->id, "%s: %s", ez_rule_code(rule), ez_rule_text(rule));
    }
    uint32_t bad = 0;
    rule = ez_check_signatures_parallel(at->block, network, walk->verifier, &bad);
    if (rule != EZ_RULE_OK) {
        return ez_walk_bad_block(walk, &at->id, "transaction %" PRIu32 ", %s: %s", bad,
                                 ez_rule_code(rule), ez_rule_text(rule));
    }
    return true;
}

static bool check_undo(ez_walk *walk, const ez_walk_block *at, const ez_ledger_diff *diff)
{
    ez_buffer wanted = {0};
    size_t size;
    const uint8_t *record = ez_db_column_bytes(&size, walk->db, EZ_SQL_WALK, COLUMN_UNDO);
    ez_undo_encode(&wanted, diff->before, diff->count);
    bool equal = !ez_db_column_is_null(walk->db, EZ_SQL_WALK, COLUMN_UNDO) && size == wanted.size &&
                 memcmp(record, wanted.data, size) == 0;
    ez_buffer_clear(&wanted);
    return equal || ez_walk_bad_block(walk, &at->id,
                                      "its undo record is not what the accounts were before it");
}

static bool replay(ez_walk *walk, const ez_walk_block *at)
{
    ez_ledger_diff diff = {0};
    uint32_t bad = 0;
    ez_rule rule = ez_ledger_connect(walk->ledger, &diff, &bad, &walk->store->network, at->block,
                                     walk->height);
    if (rule != EZ_RULE_OK) {
        return ez_walk_bad_block(walk, &at->id, "transaction %" PRIu32 ", %s: %s", bad,
                                 ez_rule_code(rule), ez_rule_text(rule));
    }
    for (uint32_t i = 0; i < diff.count; i++) {
        ez_replay_put(walk->replay, &diff.after[i]);
    }
    ez_ledger_settle(walk->ledger, walk->height); /* the replay holds it now */
    bool sound = check_undo(walk, at, &diff);
    ez_ledger_diff_clear(&diff);
    return sound;
}

/* has_row: whether the index holds transaction `position` at its place. */
static int has_row(ez_walk *walk, const ez_walk_block *at, uint32_t position, bool *found)
{
    ez_db *db = walk->db;
    const ez_block_tx *tx = &at->block->txs[position];
    uint64_t place = at->seq << EZ_PLACE_BITS | position;
    ez_tx_row row;
    int rc = SQLITE_DONE;
    *found = false;
    ez_db_bind_parts(db, EZ_SQL_TX_FIND, tx->id.hash.bytes);
    while (!*found && (rc = ez_find_tx_row(db, &row)) == SQLITE_ROW) {
        *found = row.place == place && row.offset == tx->offset && row.size == tx->size;
    }
    ez_db_reset(db, EZ_SQL_TX_FIND);
    return rc == SQLITE_ROW ? SQLITE_DONE : rc;
}

static bool check_txs(ez_walk *walk, const ez_walk_block *at)
{
    for (uint32_t i = 0; i < at->block->tx_count; i++) {
        bool found;
        int rc = has_row(walk, at, i, &found);
        if (rc != SQLITE_DONE) {
            return ez_walk_error(walk, EZ_SQL_TX_FIND, rc);
        }
        if (!found) {
            return ez_walk_bad_block(walk, &at->id,
                                     "the index does not list its transaction %" PRIu32 ", %s", i,
                                     ez_hash_text(&at->block->txs[i].id).text);
        }
    }
    walk->report->transactions += at->block->tx_count;
    return true;
}

static bool check_view(ez_walk *walk, const ez_walk_block *at)
{
    ez_hash view;
    ez_view_hash(&view, &at->header, at->block->body, &walk->previous_view);
    if (!ez_hash_is_equal(&view, &at->view)) {
        return ez_walk_bad_block(walk, &at->id, "its view hash should be %s",
                                 ez_hash_text(&view).text);
    }
    walk->previous_view = view;
    return true;
}

static bool check_block(ez_walk *walk)
{
    ez_walk_block at = {0};
    bool sound = check_row(walk, &at) && check_header(walk, &at) && check_body(walk, &at) &&
                 replay(walk, &at) && check_view(walk, &at) && check_txs(walk, &at);
    walk->previous = at.id;
    walk->report->blocks += sound;
    ez_block_unref(at.block);
    return sound;
}

/* chain_error: damage met while a row was read concerns the block that comes next. */
static bool chain_error(ez_walk *walk, int rc)
{
    ez_walk_error(walk, EZ_SQL_WALK, rc);
    if (!walk->failed) {
        walk->report->bad_height = walk->height;
    }
    return false;
}

static bool find_tip(ez_walk *walk)
{
    int rc = ez_db_try(walk->db, EZ_SQL_LOAD_SPAN);
    if (rc != SQLITE_ROW) {
        return ez_walk_error(walk, EZ_SQL_LOAD_SPAN, rc);
    }
    walk->tip = ez_db_column_number(walk->db, EZ_SQL_LOAD_SPAN, 2);
    ez_db_reset(walk->db, EZ_SQL_LOAD_SPAN);
    return true;
}

bool ez_walk_chain(ez_walk *walk, void *self, void (*progress)(void *self, uint64_t, uint64_t))
{
    if (!find_tip(walk)) {
        return false;
    }
    for (;;) {
        walk->height++;
        int rc = ez_db_try(walk->db, EZ_SQL_WALK);
        if (rc == SQLITE_DONE) {
            return true;
        }
        if (rc != SQLITE_ROW) {
            return chain_error(walk, rc);
        }
        if (!check_block(walk)) {
            ez_db_reset(walk->db, EZ_SQL_WALK);
            return false;
        }
        if (progress && (walk->height % 64 == 0 || walk->height == walk->tip)) {
            progress(self, walk->height, walk->tip);
        }
    }
}
