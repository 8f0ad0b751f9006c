#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/chain/view.h"
#include "store_internal.h"
#include "support_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static test_kit kit;
static test_home home;
static const ez_store_port *port;

static void setup(void)
{
    kit_init(&kit);
    home_init(&home);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    port = ez_store_port_of(home.store);
}

static void teardown(void)
{
    home_clear(&home);
    kit_clear(&kit);
}

TestSuite(write, .init = setup, .fini = teardown);

static ez_account account_of(int key)
{
    ez_account out;
    port->get_account(port->self, &out, &kit.keys[key].public_key);
    return out;
}

static int64_t rows(const char *table)
{
    char sql[80];
    int64_t out = -1;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    cr_assert_eq(ez_db_query_number(&home.store->reader, &out, sql), EZ_OK);
    return out;
}

/* fails: whether the writer calls `fatal` on this write; tried in a process of its own. */
static bool fails(ez_write *write)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        home_start(&home);
        home_write(&home, write);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    ez_write_free(write);
    return WIFEXITED(status) && WEXITSTATUS(status) == HOME_FATAL;
}

Test(write, body_is_kept_with_its_view_hash)
{
    home_start(&home);
    kit_note(&kit, "mira", "jon");
    const ez_block *block = kit_mine(&kit, 0)->block;
    ez_write *write = write_new(0, true);
    write_body(write, block);
    home_write(&home, write);

    ez_hash genesis;
    ez_hash wanted;
    ez_hash view;
    cr_assert(port->get_view_hash(port->self, &genesis, &kit.network.genesis_id));
    ez_view_hash(&wanted, &block->header, block->body, &genesis);
    cr_assert(port->get_view_hash(port->self, &view, &block->id));
    cr_assert(ez_hash_is_equal(&view, &wanted));
    ez_blob *body = port->get_body(port->self, &block->id);
    cr_assert_eq(ez_blob_size(body), ez_blob_size(block->body));
    cr_assert_arr_eq(ez_blob_data(body), ez_blob_data(block->body), ez_blob_size(body));
    ez_blob_unref(body);
    cr_assert_not(port->find_tx(port->self, NULL, &block->txs[0].id));
    cr_assert_eq(account_of(0).balance, 0);
}

Test(write, body_written_twice_is_kept_once)
{
    home_start(&home);
    const ez_block *block = kit_mine(&kit, 0)->block;
    for (int i = 0; i < 2; i++) {
        ez_write *write = write_new(0, true);
        write_body(write, block);
        write_body(write, block);
        home_write(&home, write);
    }
    cr_assert_eq(rows("block"), 1);
    cr_assert_eq(rows("body"), 1);
}

Test(write, full_body_comes_back_whole)
{
    home_start(&home);
    for (int i = 0; kit.body.size < EZ_BLOCK_BODY_BYTES_MAX - 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        kit_note(&kit, name, "someone");
    }
    const kit_block *made = kit_mine(&kit, 0);
    home_connect(&home, made);
    ez_blob *body = port->get_body(port->self, &made->block->id);
    cr_assert_gt(ez_blob_size(body), EZ_BLOCK_BODY_BYTES_MAX - 1000);
    cr_assert_eq(ez_blob_size(body), ez_blob_size(made->block->body));
    cr_assert_arr_eq(ez_blob_data(body), ez_blob_data(made->block->body), ez_blob_size(body));
    ez_blob_unref(body);
    ez_tx_place at;
    uint32_t last = made->block->tx_count - 1;
    cr_assert(port->find_tx(port->self, &at, &made->block->txs[last].id));
    cr_assert_eq(at.position, last);
    cr_assert_eq(at.offset, made->block->txs[last].offset);
}

Test(write, connect_moves_accounts_and_lists_transactions)
{
    home_start(&home);
    home_connect(&home, kit_mine(&kit, 0));
    home_connect(&home, kit_mine(&kit, 0));
    kit_note(&kit, "mira", "jon");
    kit_send(&kit, 0, 1, 1, 1);
    const kit_block *made = kit_mine(&kit, 2);
    home_connect(&home, made);
    cr_assert_eq(account_of(0).balance, 0);
    cr_assert_eq(account_of(0).sequence, 1);
    cr_assert_eq(account_of(1).balance, 1);
    cr_assert_eq(account_of(2).balance, 2);
    for (uint32_t i = 0; i < made->block->tx_count; i++) {
        ez_tx_place at = {0};
        cr_assert(port->find_tx(port->self, &at, &made->block->txs[i].id));
        cr_assert(ez_block_id_is_equal(&at.block, &made->block->id));
        cr_assert_eq(at.height, 4);
        cr_assert_eq(at.position, i);
        cr_assert_eq(at.offset, made->block->txs[i].offset);
        cr_assert_eq(at.size, made->block->txs[i].size);
    }
}

Test(write, undo_record_is_what_was_before)
{
    home_start(&home);
    home_connect(&home, kit_mine(&kit, 0));
    kit_send(&kit, 0, 1, 1, 0);
    const kit_block *made = kit_mine(&kit, 0);
    home_connect(&home, made);
    ez_buffer record = {0};
    ez_account_change *before;
    uint32_t count;
    cr_assert(port->get_undo(port->self, &record, &made->block->id));
    cr_assert_eq(ez_undo_decode(&before, &count, record.data, record.size), EZ_OK);
    cr_assert_eq(count, made->diff.count);
    cr_assert_arr_eq(before, made->diff.before, count * sizeof *before);
    free(before);
    ez_buffer_clear(&record);
}

Test(write, disconnect_restores_everything_but_the_body)
{
    home_start(&home);
    home_connect(&home, kit_mine(&kit, 0));
    kit_send(&kit, 0, 1, 1, 0);
    home_connect(&home, kit_mine(&kit, 0));
    const kit_block *gone = kit_undo(&kit);
    ez_write *write = write_new(0, true);
    write_disconnect(write, gone);
    home_write(&home, write);

    cr_assert_eq(account_of(0).balance, 1);
    cr_assert_eq(account_of(0).sequence, 0);
    cr_assert_eq(rows("account"), 1, "an account that is zero again has no row");
    cr_assert_eq(rows("tx"), 1);
    cr_assert_not(port->find_tx(port->self, NULL, &gone->block->txs[0].id));
    ez_buffer record = {0};
    cr_assert_not(port->get_undo(port->self, &record, &gone->block->id));
    ez_blob *body = port->get_body(port->self, &gone->block->id);
    cr_assert(body);
    ez_blob_unref(body);
    char *dump = store_dump(home.store, &kit);
    cr_assert(strstr(dump, "connected"), "it was valid once: %s", dump);
    free(dump);
}

Test(write, reorganisation_in_one_write_equals_the_winning_chain)
{
    home_start(&home);
    home_connect(&home, kit_mine(&kit, 0));
    kit_send(&kit, 0, 1, 1, 0);
    home_connect(&home, kit_mine(&kit, 1));
    ez_write *write = write_new(0, false);
    write_disconnect(write, kit_undo(&kit));
    for (int i = 0; i < 2; i++) {
        kit_note(&kit, "mira", "jon");
        const kit_block *made = kit_mine(&kit, 2);
        write_body(write, made->block);
        write_connect(write, made);
    }
    home_write(&home, write);
    cr_assert_eq(account_of(0).balance, 1);
    cr_assert_eq(account_of(1).balance, 0);
    cr_assert_eq(account_of(2).balance, 2);
    cr_assert_eq(rows("chain"), 3);
    cr_assert_eq(rows("block"), 4);
    cr_assert_eq(rows("tx"), 5);
    cr_assert_eq(rows("undo"), 3);
}

Test(write, block_can_come_back_after_a_disconnect)
{
    home_start(&home);
    const kit_block *made = kit_mine(&kit, 0);
    home_connect(&home, made);
    char *before = store_dump(home.store, &kit);
    ez_write *write = write_new(0, false);
    write_disconnect(write, made);
    write_connect(write, made);
    home_write(&home, write);
    char *after = store_dump(home.store, &kit);
    cr_assert_str_eq(before, after);
    free(before);
    free(after);
}

Test(write, keys_with_one_tail_stay_apart)
{
    home_start(&home);
    const kit_block *made = kit_mine(&kit, 0);
    ez_write *write = write_new(0, true);
    write_connect(write, made);
    ez_write_op *op = &write->ops[0];
    free(op->diff.after);
    free(op->diff.before);
    op->diff.count = 3;
    op->diff.after = ez_alloc(3, sizeof *op->diff.after);
    op->diff.before = ez_alloc(3, sizeof *op->diff.before);
    for (uint8_t i = 0; i < 3; i++) {
        op->diff.after[i].key = (ez_public_key){{i}}; /* the tails are all zero */
        op->diff.after[i].account = (ez_account){100u + i, i};
    }
    home_write(&home, write);
    for (uint8_t i = 0; i < 3; i++) {
        ez_public_key key = {{i}};
        ez_account account;
        port->get_account(port->self, &account, &key);
        cr_assert_eq(account.balance, 100u + i);
    }
}

Test(write, transactions_with_one_tail_stay_apart)
{
    home_start(&home);
    kit_note(&kit, "a", "b");
    kit_note(&kit, "a", "c");
    kit_block made = *kit_mine(&kit, 0);
    memset(made.block->txs[0].id.hash.bytes + 16, 7, 16); /* nobody else has seen it yet */
    memset(made.block->txs[1].id.hash.bytes + 16, 7, 16);
    home_connect(&home, &made);
    for (uint32_t i = 0; i < 2; i++) {
        ez_tx_place at;
        cr_assert(port->find_tx(port->self, &at, &made.block->txs[i].id));
        cr_assert_eq(at.position, i);
    }
    ez_tx_id other = made.block->txs[0].id;
    other.hash.bytes[0] ^= 1;
    cr_assert_not(port->find_tx(port->self, NULL, &other));
}

Test(write, invalid_block_is_remembered_and_an_unknown_one_ignored)
{
    home_start(&home);
    const ez_block *block = kit_mine(&kit, 0)->block;
    ez_block_id unknown = {{{3}}};
    ez_write *write = write_new(0, false);
    write_body(write, block);
    write_invalid(write, &block->id);
    write_invalid(write, &unknown);
    write_invalid(write, &kit.network.genesis_id);
    home_write(&home, write);
    char *dump = store_dump(home.store, &kit);
    cr_assert(strstr(dump, " invalid\n"));
    cr_assert_not(strstr(dump, "connected"));
    free(dump);
}

Test(write, pool_keeps_order_and_takes_a_transaction_once)
{
    home_start(&home);
    ez_buffer bytes = {0};
    ez_tx_id ids[3];
    size_t ends[4] = {0};
    ez_write *write = write_new(0, true);
    for (int i = 0; i < 3; i++) {
        kit_encode_note(&kit, &bytes, &ids[i], "mira");
        ends[i + 1] = bytes.size;
    }
    for (int i = 0; i < 6; i++) {
        int k = i % 3;
        write_pool_put(write, &ids[k], bytes.data + ends[k], ends[k + 1] - ends[k]);
    }
    home_write(&home, write);
    cr_assert_eq(rows("pool"), 3);
    write = write_new(0, true);
    write_pool_delete(write, &ids[1]);
    write_pool_delete(write, &ids[1]);
    home_write(&home, write);
    cr_assert_eq(rows("pool"), 2);
    cr_assert_eq(rows("pool WHERE seq IN (1, 3)"), 2);
    ez_buffer_clear(&bytes);
}

Test(write, book_replaces_the_one_before)
{
    home_start(&home);
    for (int i = 1; i <= 2; i++) {
        ez_write *write = write_new(0, true);
        write_book(write, "snapshot", (size_t)(4 * i));
        home_write(&home, write);
    }
    cr_assert_eq(rows("book"), 1);
    cr_assert_eq(rows("book WHERE snapshot = CAST('snapshot' AS BLOB)"), 1);
}

Test(write, manual_peer_is_one_host_and_port)
{
    home_start(&home);
    ez_write *write = write_new(0, true);
    write_manual(write, EZ_WRITE_MANUAL_PUT, "a.example", 1);
    write_manual(write, EZ_WRITE_MANUAL_PUT, "a.example", 1);
    write_manual(write, EZ_WRITE_MANUAL_PUT, "a.example", 65535);
    write_manual(write, EZ_WRITE_MANUAL_PUT, "::1", 1);
    write_manual(write, EZ_WRITE_MANUAL_DELETE, "a.example", 1);
    home_write(&home, write);
    char *dump = store_dump(home.store, &kit);
    cr_assert(strstr(dump, "manual a.example 65535\nmanual ::1 1\n"), "%s", dump);
    cr_assert_eq(rows("manual_peer"), 2);
    free(dump);
}

Test(write, parent_must_be_stored_before)
{
    kit_mine(&kit, 0);
    ez_write *write = write_new(0, true);
    write_body(write, kit_mine(&kit, 0)->block);
    cr_assert(fails(write));
}

Test(write, only_a_child_of_the_tip_connects)
{
    home_start(&home);
    home_connect(&home, kit_mine(&kit, 0));
    home_connect(&home, kit_mine(&kit, 0));
    kit_undo(&kit);
    kit_undo(&kit);
    const kit_block *rival = kit_mine(&kit, 1);
    home_close(&home);

    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    ez_write *write = write_new(0, true);
    write_connect(write, rival);
    cr_assert(fails(write), "height 2 is taken");
    write = write_new(0, true);
    write_body(write, rival->block);
    write_connect(write, kit_mine(&kit, 1));
    cr_assert(fails(write), "the block at height 2 is not its parent");
}

Test(write, only_the_tip_disconnects)
{
    home_start(&home);
    const kit_block *first = kit_mine(&kit, 0);
    const kit_block *second = kit_mine(&kit, 0);
    home_connect(&home, first);
    home_connect(&home, second);
    home_close(&home);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    ez_write *write = write_new(0, true);
    write_disconnect(write, first);
    cr_assert(fails(write));
    write = write_new(0, true);
    write_disconnect(write, second);
    cr_assert_not(fails(write));
}

static uint64_t commits(void)
{
    ez_store_stats stats;
    ez_store_get_stats(home.store, &stats);
    return stats.commits;
}

/* queue_books: `count` writes of `ops` operations that say they hold `bytes`, before the start. */
static void queue_books(size_t count, size_t ops, size_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        ez_write *write = write_new(0, false);
        for (size_t k = 0; k < ops; k++) {
            write_book(write, "x", 1);
        }
        write->bytes = bytes;
        home_queue(&home, write);
    }
}

Test(write, everything_queued_is_one_commit)
{
    queue_books(100, 1, 10);
    home_start(&home);
    home_wait(&home);
    cr_assert_eq(commits(), 1);
}

Test(write, group_ends_at_its_bytes)
{
    queue_books(2, 1, EZ_GROUP_BYTES_MAX - 1);
    queue_books(1, 1, 1);
    home_start(&home);
    home_wait(&home);
    cr_assert_eq(commits(), 2);
}

Test(write, group_just_below_its_bytes_takes_one_more)
{
    queue_books(1, 1, EZ_GROUP_BYTES_MAX - 1);
    queue_books(1, 1, 1);
    home_start(&home);
    home_wait(&home);
    cr_assert_eq(commits(), 1);
}

Test(write, group_ends_at_its_operations)
{
    queue_books(2, EZ_GROUP_OPS_MAX / 2, 1);
    queue_books(1, 1, 1);
    home_start(&home);
    home_wait(&home);
    cr_assert_eq(commits(), 2);
}

Test(write, close_makes_the_rest_durable)
{
    home_start(&home);
    queue_books(3, 1, 1);
    uint64_t number = home.number;
    home_close(&home);
    cr_assert_eq(home.stored, number);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    cr_assert_eq(rows("book"), 1);
}

Test(write, close_without_start_does_too)
{
    queue_books(1, 1, 1);
    home_close(&home);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    cr_assert_eq(rows("book"), 1);
}

/* A reader that looks at every commit keeps the WAL from being reset unless it lets go. */
Test(write, wal_stays_bounded_beside_a_reader)
{
    char wal[128];
    snprintf(wal, sizeof wal, "%s-wal", home.path);
    home.store->checkpoint_pages = 16;
    home_start(&home);
    for (int i = 0; i < 200; i++) {
        char book[20000];
        memset(book, i, sizeof book);
        ez_write *write = write_new(0, true);
        write_book(write, book, sizeof book);
        home_write(&home, write);
        account_of(0);
    }
    FILE *file = fopen(wal, "rb");
    cr_assert(file);
    fseek(file, 0, SEEK_END);
    cr_assert_leq(ftell(file), 40 * 4120);
    fclose(file);
}

Test(write, freeing_nothing_is_fine)
{
    ez_write_free(NULL);
    ez_write_free(write_new(1, true));
}
