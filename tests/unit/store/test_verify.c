#include "ezp2p/base/alloc.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/chain/merkle.h"
#include "ezp2p/store/verify.h"
#include "support_store.h"
#include "verify_internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static test_kit kit;
static test_home home;

/* Four blocks on the chain (heights 2 to 5, rows 1, 3, 4, 5), one beside it (row 2), one entry
 * pooled. Height 4 has 70 signatures, enough for two threads. */
static void fill(void)
{
    home_connect(&home, kit_mine(&kit, 0));
    home_connect(&home, kit_mine(&kit, 0));
    ez_write *write = write_new(0, true);
    write_disconnect(write, kit_undo(&kit));
    kit_send(&kit, 0, 1, 1, 0);
    const kit_block *made = kit_mine(&kit, 2);
    write_body(write, made->block);
    write_connect(write, made);
    home_write(&home, write);
    for (int i = 0; i < 70; i++) {
        kit_note(&kit, "mira", "jon");
    }
    home_connect(&home, kit_mine(&kit, 1));
    kit_send(&kit, 1, 0, 2, 0);
    home_connect(&home, kit_mine(&kit, 3));
    ez_buffer bytes = {0};
    ez_tx_id id;
    kit_encode_note(&kit, &bytes, &id, "waiting");
    write = write_new(0, true);
    write_pool_put(write, &id, bytes.data, bytes.size);
    home_write(&home, write);
    ez_buffer_clear(&bytes);
}

static void setup(void)
{
    kit_init(&kit);
    home_init(&home);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    home_start(&home);
    fill();
    home_close(&home);
}

static void teardown(void)
{
    home_clear(&home);
    kit_clear(&kit);
}

TestSuite(verify, .init = setup, .fini = teardown);

static ez_verify_report verify(void)
{
    ez_verify_report report;
    ez_store_config config = home_config(&home, &kit.network);
    config.read_only = true;
    cr_assert_eq(ez_store_open(&home.store, &config), EZ_OK);
    cr_assert_eq(ez_store_verify(home.store, &report, NULL, NULL), EZ_OK);
    home_close(&home);
    return report;
}

/* expect_block: the first bad block is at `height`, because of `why`. */
static void expect_block(uint64_t height, const char *why)
{
    ez_verify_report report = verify();
    cr_assert_not(report.sound);
    cr_assert(strstr(report.problem, why), "%s", report.problem);
    cr_assert_eq(report.bad_height, height, "%s", report.problem);
    cr_assert_eq(report.blocks, height - 1);
}

static void expect_table(const char *why)
{
    ez_verify_report report = verify();
    cr_assert_not(report.sound);
    cr_assert(strstr(report.problem, why), "%s", report.problem);
    cr_assert_eq(report.bad_height, 0, "%s", report.problem);
}

Test(verify, untouched_store_is_sound)
{
    ez_verify_report report = verify();
    cr_assert(report.sound, "%s", report.problem);
    cr_assert_str_empty(report.problem);
    cr_assert_eq(report.blocks, 5);
    cr_assert_eq(report.transactions, 1 + 2 + 71 + 2);
    cr_assert_eq(report.accounts, 4);
    cr_assert_eq(report.bad_height, 0);
}

Test(verify, empty_store_is_sound)
{
    ez_verify_report report;
    home_remove_files(home.dir);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    cr_assert_eq(ez_store_verify(home.store, &report, NULL, NULL), EZ_OK);
    cr_assert(report.sound, "%s", report.problem);
    cr_assert_eq(report.blocks, 1);
}

static void note_progress(void *self, uint64_t at, uint64_t of)
{
    uint64_t *last = self;
    cr_assert_gt(at, *last);
    cr_assert_eq(of, 5);
    *last = at;
}

Test(verify, progress_ends_at_the_tip)
{
    ez_verify_report report;
    uint64_t last = 0;
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    cr_assert_eq(ez_store_verify(home.store, &report, &last, note_progress), EZ_OK);
    cr_assert_eq(last, 5);
}

Test(verify, running_store_can_be_verified)
{
    ez_verify_report report;
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    home_start(&home);
    home_connect(&home, kit_mine(&kit, 0));
    cr_assert_eq(ez_store_verify(home.store, &report, NULL, NULL), EZ_OK);
    cr_assert(report.sound, "%s", report.problem);
    cr_assert_eq(report.blocks, 6);
}

/* What kill -9 leaves: a WAL that nobody copied into the database. */
Test(verify, file_with_a_wal_left_behind_is_read_whole)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        ez_status status = home_open(&home, &kit.network);
        home_start(&home);
        home_connect(&home, kit_mine(&kit, 0));
        _exit(status == EZ_OK ? 0 : 1);
    }
    int status;
    char wal[128];
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    snprintf(wal, sizeof wal, "%s-wal", home.path);
    cr_assert_eq(access(wal, F_OK), 0);
    ez_verify_report report = verify();
    cr_assert(report.sound, "%s", report.problem);
    cr_assert_eq(report.blocks, 6);
    cr_assert_eq(access(wal, F_OK), 0, "verify must not change what it reads");
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* replace_header: put another header, with its right id, into a row. */
static void replace_header(int row, const ez_header *header)
{
    uint8_t bytes[EZ_HEADER_BYTES];
    char hex[2 * EZ_HEADER_BYTES + 1];
    ez_block_id id;
    ez_header_encode(bytes, header);
    ez_header_id(&id, header);
    ez_hex_encode(hex, bytes, sizeof bytes);
    home_sql(&home, "UPDATE block SET header = x'%s', id = x'%s', tail = %lld WHERE seq = %d", hex,
             ez_hash_text(&id).text, (long long)ez_db_tail(id.hash.bytes), row);
}

static ez_header header_at(size_t index)
{
    return kit.chain[index].block->header;
}

static void find_work(ez_header *header, bool wanted)
{
    ez_block_id id;
    do {
        header->proof++;
        ez_header_id(&id, header);
    } while (ez_header_has_work(&id, header->bits) != wanted);
}

Test(verify, header_changed_under_its_id_is_found)
{
    home_sql(&home, "UPDATE block SET header = zeroblob(96) WHERE seq = 3");
    expect_block(3, "does not hash");
}

Test(verify, broken_link_is_found)
{
    ez_header header = header_at(1);
    header.previous.hash.bytes[5] ^= 1;
    find_work(&header, true);
    replace_header(3, &header);
    expect_block(3, "previous_hash");
}

Test(verify, missing_work_is_found)
{
    ez_header header = header_at(1);
    find_work(&header, false);
    replace_header(3, &header);
    expect_block(3, "header-work");
}

Test(verify, wrong_target_is_found)
{
    ez_header header = header_at(1);
    header.bits = 0x207ffffe;
    find_work(&header, true);
    replace_header(3, &header);
    expect_block(3, "header-bits");
}

Test(verify, timestamp_out_of_order_is_found)
{
    ez_header header = header_at(1);
    header.timestamp = kit.network.genesis.timestamp;
    find_work(&header, true);
    replace_header(3, &header);
    expect_block(3, "header-time-past");
}

Test(verify, wrong_index_is_found)
{
    ez_header header = header_at(1);
    header.index++;
    find_work(&header, true);
    replace_header(3, &header);
    expect_block(3, "header-index");
}

Test(verify, other_merkle_root_is_found)
{
    ez_header header = header_at(1);
    header.merkle_root.bytes[0] ^= 1;
    find_work(&header, true);
    replace_header(3, &header);
    expect_block(3, "body-merkle");
}

/* set_body: put other bytes into a body's row. */
static void set_body(int row, const uint8_t *bytes, size_t size)
{
    char *hex = ez_alloc(2 * size + 1, 1);
    ez_hex_encode(hex, bytes, size);
    home_sql(&home, "UPDATE body SET bytes = x'%s' WHERE block = %d", hex, row);
    free(hex);
}

/* flip_body: store the body of kit.chain[index] in its row with one bit turned over. */
static void flip_body(size_t index, int row, size_t offset)
{
    const ez_blob *body = kit.chain[index].block->body;
    uint8_t *bytes = ez_memdup(ez_blob_data(body), ez_blob_size(body));
    bytes[offset] ^= 4;
    set_body(row, bytes, ez_blob_size(body));
    free(bytes);
}

Test(verify, flipped_bit_of_a_body_is_found_wherever_it_is)
{
    const ez_blob *body = kit.chain[1].block->body;
    for (size_t offset = 0; offset < ez_blob_size(body); offset += 37) {
        flip_body(1, 3, offset);
        expect_block(3, "");
    }
    set_body(3, ez_blob_data(body), ez_blob_size(body));
    cr_assert(verify().sound);
}

Test(verify, body_cut_short_or_too_long_is_found)
{
    const ez_blob *body = kit.chain[1].block->body;
    size_t size = ez_blob_size(body);
    uint8_t *bytes = ez_alloc(size + 1, 1);
    memcpy(bytes, ez_blob_data(body), size);
    set_body(3, bytes, size - 1);
    expect_block(3, "body-");
    set_body(3, bytes, size + 1);
    expect_block(3, "body-");
    set_body(3, bytes, 0);
    expect_block(3, "body-");
    free(bytes);
}

Test(verify, missing_body_is_found)
{
    home_sql(&home, "DELETE FROM body WHERE block = 4");
    expect_block(4, "body is not stored");
}

/* plant: a block that is right but for what `edit` does to its last entry before the reward: it
 * goes into the file as if it had been accepted. */
static void plant(void (*edit)(ez_tx *tx), bool sign)
{
    ez_buffer body = {0};
    ez_tx txs[2];
    const ez_block *tip = kit.chain[kit.chain_count - 1].block;
    for (uint32_t i = 0; i < 2; i++) {
        ez_block_tx_get(&txs[i], tip, i);
    }
    edit(txs);
    if (sign) {
        ez_tx_sign(&txs[0], &kit.network.genesis_id, &kit.keys[1]);
    }
    ez_tx_id ids[2];
    size_t middle = 0;
    for (int i = 0; i < 2; i++) {
        middle = body.size;
        ez_tx_encode(&body, &txs[i]);
        ez_tx_id_of(&ids[i], &kit.network.genesis_id, body.data + middle, body.size - middle);
    }
    ez_header header = tip->header;
    ez_merkle_root(&header.merkle_root, ids, 2);
    find_work(&header, true);
    replace_header(5, &header);
    set_body(5, body.data, body.size);
    ez_buffer_clear(&body);
}

static void edit_amount(ez_tx *txs)
{
    txs[0].amount = 3;
}

static void edit_sequence(ez_tx *txs)
{
    txs[0].sequence++;
}

static void edit_reward(ez_tx *txs)
{
    txs[1].amount++;
}

static void edit_reward_sequence(ez_tx *txs)
{
    txs[1].sequence++;
}

Test(verify, signature_that_does_not_hold_is_found)
{
    plant(edit_amount, false);
    expect_block(5, "tx-signature");
}

Test(verify, overspending_is_found)
{
    plant(edit_amount, true);
    expect_block(5, "tx-funds");
}

Test(verify, sequence_with_a_gap_is_found)
{
    plant(edit_sequence, true);
    expect_block(5, "tx-sequence-gap");
}

Test(verify, reward_too_high_is_found)
{
    plant(edit_reward, false);
    expect_block(5, "body-reward-amount");
}

Test(verify, reward_of_another_height_is_found)
{
    plant(edit_reward_sequence, false);
    expect_block(5, "body-reward-form");
}

Test(verify, repeated_note_is_found_in_the_later_block)
{
    ez_tx tx;
    ez_tx reward;
    const ez_block *tip = kit.chain[3].block;
    ez_block_tx_get(&tx, kit.chain[2].block, 11);
    ez_block_tx_get(&reward, tip, 1);
    ez_buffer body = {0};
    ez_tx_encode(&body, &tx);
    ez_tx_id ids[2];
    size_t middle = body.size;
    ids[0] = kit.chain[2].block->txs[11].id;
    ez_tx_encode(&body, &reward);
    ez_tx_id_of(&ids[1], &kit.network.genesis_id, body.data + middle, body.size - middle);
    ez_header header = tip->header;
    ez_merkle_root(&header.merkle_root, ids, 2);
    find_work(&header, true);
    replace_header(5, &header);
    set_body(5, body.data, body.size);
    home_sql(&home,
             "UPDATE tx SET (tail, head) = "
             "(SELECT tail, head FROM tx WHERE place = (4 << 16) + 11) WHERE place = 5 << 16");
    ez_buffer_clear(&body);
    expect_block(5, "tx-duplicate");
}

Test(verify, first_bad_signature_is_named_whichever_thread_finds_it)
{
    const ez_block *block = kit.chain[2].block;
    for (uint32_t bad = 0; bad < 70; bad += 23) {
        ez_block copy = *block;
        uint8_t *bytes;
        copy.body = ez_blob_new_empty(ez_blob_size(block->body), &bytes);
        memcpy(bytes, ez_blob_data(block->body), ez_blob_size(block->body));
        for (uint32_t i = bad; i < 70; i += 20) {
            bytes[block->txs[i].offset + block->txs[i].size - 10] ^= 1;
        }
        uint32_t found = 999;
        cr_assert_eq(ez_check_signatures_parallel(&copy, &kit.network, NULL, &found),
                     EZ_RULE_TX_SIGNATURE);
        cr_assert_eq(found, bad);
        ez_blob_unref(copy.body);
    }
    uint32_t found = 999;
    cr_assert_eq(ez_check_signatures_parallel(block, &kit.network, NULL, &found), EZ_RULE_OK);
    cr_assert_eq(found, 999);
}

Test(verify, flipped_signature_is_found_by_the_merkle_root)
{
    const ez_block_tx *tx = &kit.chain[2].block->txs[40];
    flip_body(2, 4, tx->offset + tx->size - 10);
    expect_block(4, "body-merkle");
}

Test(verify, view_hash_that_is_not_the_blocks_is_found)
{
    home_sql(&home, "UPDATE block SET view_hash = zeroblob(32) WHERE seq = 1");
    expect_block(2, "view hash");
}

Test(verify, undo_record_that_differs_is_found)
{
    home_sql(&home, "UPDATE undo SET record = CAST(substr(record, 1, 20) || x'7f' || "
                    "substr(record, 22) AS BLOB) WHERE block = 3");
    expect_block(3, "undo record");
}

Test(verify, missing_undo_record_is_found)
{
    home_sql(&home, "DELETE FROM undo WHERE block = 5");
    expect_block(5, "undo record");
}

Test(verify, gap_in_the_heights_is_found)
{
    home_sql(&home, "DELETE FROM chain WHERE height = 4");
    expect_block(4, "no block at height 4");
}

Test(verify, height_without_a_block_is_found)
{
    home_sql(&home, "INSERT INTO chain VALUES(6, 77)");
    expect_block(6, "not stored");
}

Test(verify, chain_that_repeats_its_tip_is_found)
{
    home_sql(&home, "INSERT INTO chain VALUES(6, 5)");
    expect_block(6, "previous_hash");
}

Test(verify, block_marked_invalid_is_found_on_the_chain)
{
    home_sql(&home, "UPDATE block SET state = 3 WHERE seq = 3");
    expect_block(3, "marked invalid");
}

Test(verify, block_never_connected_is_found_on_the_chain)
{
    home_sql(&home, "UPDATE block SET state = 0 WHERE seq = 3");
    expect_block(3, "never connected");
}

Test(verify, transaction_missing_from_the_index_is_found)
{
    home_sql(&home, "DELETE FROM tx WHERE place = (4 << 16) + 50");
    expect_block(4, "does not list its transaction 50");
}

Test(verify, transaction_listed_at_another_place_is_found)
{
    home_sql(&home, "UPDATE tx SET offset = offset + 1 WHERE place = (4 << 16) + 50");
    expect_block(4, "does not list its transaction 50");
}

/* ---- tables ---------------------------------------------------------------------------------- */

Test(verify, transaction_too_many_in_the_index_is_found)
{
    home_sql(&home, "INSERT INTO tx VALUES(0, zeroblob(24), 2 << 16, 0, 1)");
    expect_table("the index lists 77");
}

Test(verify, account_with_another_balance_is_found)
{
    home_sql(&home, "UPDATE account SET balance = balance + 1 WHERE seq = 1");
    expect_table("the table says");
}

Test(verify, account_with_another_sequence_is_found)
{
    home_sql(&home, "UPDATE account SET sequence = sequence + 1 WHERE seq = 1");
    expect_table("the table says");
}

Test(verify, missing_account_is_found)
{
    home_sql(&home, "DELETE FROM account WHERE seq = 2");
    expect_table("is missing");
}

Test(verify, account_of_nobody_is_found)
{
    home_sql(&home, "INSERT INTO account(tail, key, balance, sequence) "
                    "VALUES(0, zeroblob(32), 0, 0)");
    expect_table("the table says");
}

Test(verify, account_listed_twice_is_found)
{
    home_sql(&home, "INSERT INTO account(tail, key, balance, sequence) "
                    "SELECT tail, key, balance, sequence FROM account WHERE seq = 1");
    expect_table("the table says");
}

Test(verify, account_that_cannot_be_looked_up_is_found)
{
    home_sql(&home, "UPDATE account SET tail = tail + 1 WHERE seq = 1");
    expect_table("row of the account table");
}

Test(verify, undo_record_beside_the_chain_is_found)
{
    home_sql(&home, "INSERT INTO undo VALUES(2, x'00')");
    expect_table("undo records");
}

Test(verify, block_beside_the_chain_without_a_body_is_found)
{
    home_sql(&home, "DELETE FROM body WHERE block = 2");
    expect_table("no body");
}

Test(verify, header_beside_the_chain_is_checked_against_its_id)
{
    home_sql(&home, "UPDATE block SET header = zeroblob(96) WHERE seq = 2");
    expect_table("beside the chain");
}

Test(verify, damaged_pool_is_found)
{
    home_sql(&home, "UPDATE pool SET bytes = substr(bytes, 2)");
    expect_table("the pool is damaged");
}

Test(verify, pooled_entry_under_another_id_is_found)
{
    home_sql(&home, "UPDATE pool SET id = zeroblob(32)");
    expect_table("the pool is damaged");
}

Test(verify, unsigned_entry_in_the_pool_is_found)
{
    ez_buffer bytes = {0};
    ez_tx_id id;
    char hex[1024];
    kit_encode_note(&kit, &bytes, &id, "forged");
    bytes.data[bytes.size - 10] ^= 1;
    ez_tx_id_of(&id, &kit.network.genesis_id, bytes.data, bytes.size);
    ez_hex_encode(hex, bytes.data, bytes.size);
    home_sql(&home, "UPDATE pool SET bytes = x'%s', id = x'%s'", hex, ez_hash_text(&id).text);
    ez_buffer_clear(&bytes);
    expect_table("did not sign");
}

Test(verify, index_that_lost_an_entry_is_found)
{
    home_sql(&home, "PRAGMA writable_schema = ON;"
                    "UPDATE sqlite_schema SET sql = 'CREATE INDEX pool_tail ON pool(seq)' "
                    "WHERE name = 'pool_tail'");
    expect_table("the database file is damaged");
}

/* Noise over whole pages of the file: found by SQLite or by us, never a crash, never sound. */
Test(verify, page_of_noise_is_found)
{
    FILE *file = fopen(home.path, "r+b");
    cr_assert(file);
    fseek(file, 0, SEEK_END);
    long pages = ftell(file) / 4096;
    for (long page = 1; page < pages; page++) {
        uint8_t kept[4096];
        uint8_t noise[4096];
        fseek(file, page * 4096, SEEK_SET);
        cr_assert_eq(fread(kept, 1, sizeof kept, file), sizeof kept);
        memset(noise, (int)(page * 37 % 251), sizeof noise);
        fseek(file, page * 4096, SEEK_SET);
        fwrite(noise, 1, sizeof noise, file);
        fflush(file);

        ez_verify_report report = {0};
        ez_store_config config = home_config(&home, &kit.network);
        config.read_only = true;
        ez_status status = ez_store_open(&home.store, &config);
        if (status == EZ_OK) {
            status = ez_store_verify(home.store, &report, NULL, NULL);
        }
        home_close(&home);
        cr_assert_not(status == EZ_OK && report.sound, "page %ld", page);
        cr_assert_neq(status, EZ_ERR_IO);

        fseek(file, page * 4096, SEEK_SET);
        fwrite(kept, 1, sizeof kept, file);
        fflush(file);
    }
    fclose(file);
    cr_assert(verify().sound);
}
