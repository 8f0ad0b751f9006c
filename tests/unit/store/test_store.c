#include "ezp2p/chain/header.h"
#include "ezp2p/chain/view.h"
#include "schema_internal.h"
#include "support_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static test_kit kit;
static test_home home;

static void setup(void)
{
    kit_init(&kit);
    home_init(&home);
}

static void teardown(void)
{
    home_clear(&home);
    kit_clear(&kit);
}

TestSuite(store, .init = setup, .fini = teardown);

static void write_file(const char *text, size_t size)
{
    FILE *file = fopen(home.path, "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(text, 1, size, file), size);
    fclose(file);
}

/* A file with a chain of three blocks in it. */
static void fill(void)
{
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    home_start(&home);
    for (int i = 0; i < 3; i++) {
        home_connect(&home, kit_mine(&kit, i));
    }
    home_close(&home);
}

Test(store, fresh_one_holds_the_genesis_block_and_nothing_else)
{
    ez_hash view;
    ez_hash wanted;
    ez_tx_id id = {{{1}}};
    ez_buffer undo = {0};
    ez_blob *empty = ez_blob_new("", 0);
    ez_view_hash(&wanted, &kit.network.genesis, empty, NULL);
    ez_blob_unref(empty);

    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    const ez_store_port *port = ez_store_port_of(home.store);
    cr_assert(port->get_view_hash(port->self, &view, &kit.network.genesis_id));
    cr_assert(ez_hash_is_equal(&view, &wanted));
    ez_blob *body = port->get_body(port->self, &kit.network.genesis_id);
    cr_assert(body);
    cr_assert_eq(ez_blob_size(body), 0);
    ez_blob_unref(body);
    cr_assert_not(port->get_undo(port->self, &undo, &kit.network.genesis_id));
    cr_assert_not(port->find_tx(port->self, NULL, &id));

    char *dump = store_dump(home.store, &kit);
    cr_assert(strncmp(dump, "tip ", 4) == 0, "%s", dump);
    cr_assert(strstr(dump, "account 0 0 0\n"));
    cr_assert_not(strstr(dump, "header"));
    free(dump);
}

Test(store, unknown_block_has_nothing)
{
    ez_block_id id = {{{9}}};
    ez_hash view;
    ez_buffer undo = {0};
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    const ez_store_port *port = ez_store_port_of(home.store);
    cr_assert_null(port->get_body(port->self, &id));
    cr_assert_not(port->get_undo(port->self, &undo, &id));
    cr_assert_not(port->get_view_hash(port->self, &view, &id));
}

Test(store, reopening_finds_what_was_stored)
{
    fill();
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    char *first = store_dump(home.store, &kit);
    home_close(&home);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    char *second = store_dump(home.store, &kit);
    cr_assert_str_eq(first, second);
    cr_assert(strstr(first, "connected"));
    free(first);
    free(second);
}

Test(store, clean_close_leaves_one_file)
{
    char wal[128];
    fill();
    snprintf(wal, sizeof wal, "%s-wal", home.path);
    cr_assert_neq(access(wal, F_OK), 0);
    snprintf(wal, sizeof wal, "%s-shm", home.path);
    cr_assert_neq(access(wal, F_OK), 0);
}

Test(store, other_network_is_refused)
{
    fill();
    ez_network other = kit.network;
    other.genesis.timestamp++;
    ez_header_id(&other.genesis_id, &other.genesis);
    cr_assert_eq(home_open(&home, &other), EZ_ERR_CONFIG);
    cr_assert_null(home.store);
    cr_assert(strstr(home.logged, "another network"), "%s", home.logged);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
}

Test(store, newer_schema_is_refused_and_the_newest_known_is_not)
{
    fill();
    home_sql(&home, "PRAGMA user_version = %d", ez_schema_step_count + 1);
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_UNSUPPORTED);
    home_sql(&home, "PRAGMA user_version = %d", ez_schema_step_count);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
}

Test(store, text_file_is_damage)
{
    char text[4096];
    memset(text, 'x', sizeof text);
    write_file(text, sizeof text);
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_CORRUPT);
    cr_assert_null(home.store);
}

Test(store, database_of_another_program_is_left_alone)
{
    home_sql(&home, "CREATE TABLE recipe(name TEXT); INSERT INTO recipe VALUES('soup')");
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_CORRUPT);
    home_sql(&home, "UPDATE recipe SET name = 'stew'");
    home_sql(&home, "PRAGMA application_id = 7; PRAGMA user_version = 1");
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_CORRUPT);
}

Test(store, file_cut_short_is_damage)
{
    fill();
    cr_assert_eq(truncate(home.path, 3 * 4096), 0);
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_CORRUPT);
}

Test(store, missing_table_is_damage)
{
    fill();
    home_sql(&home, "DROP TABLE undo");
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_CORRUPT);
}

Test(store, file_that_does_not_name_its_network_is_damage)
{
    fill();
    home_sql(&home, "DELETE FROM meta");
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_CORRUPT);
    home_sql(&home, "INSERT INTO meta VALUES('network_id', x'00')");
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_CORRUPT);
}

Test(store, missing_directory_is_an_io_error)
{
    snprintf(home.path, sizeof home.path, "/tmp/ez-no-such-directory/chain.db");
    cr_assert_eq(home_open(&home, &kit.network), EZ_ERR_IO);
}

Test(store, empty_file_is_a_fresh_store)
{
    write_file("", 0);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
}

static ez_status open_read_only(void)
{
    ez_store_config config = home_config(&home, &kit.network);
    config.read_only = true;
    return ez_store_open(&home.store, &config);
}

Test(store, read_only_changes_nothing)
{
    struct stat before;
    struct stat after;
    fill();
    cr_assert_eq(stat(home.path, &before), 0);
    cr_assert_eq(open_read_only(), EZ_OK);
    char *dump = store_dump(home.store, &kit);
    cr_assert(strstr(dump, "header"));
    free(dump);
    home_close(&home);
    cr_assert_eq(stat(home.path, &after), 0);
    cr_assert_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    cr_assert_eq(before.st_size, after.st_size);
}

Test(store, read_only_takes_an_empty_file_for_an_empty_store)
{
    write_file("", 0);
    cr_assert_eq(open_read_only(), EZ_OK);
    char *dump = store_dump(home.store, &kit);
    cr_assert(strncmp(dump, "tip ", 4) == 0);
    free(dump);
    home_close(&home);
    struct stat info;
    cr_assert_eq(stat(home.path, &info), 0);
    cr_assert_eq(info.st_size, 0);
}

Test(store, read_only_does_not_make_a_file)
{
    cr_assert_eq(open_read_only(), EZ_ERR_IO);
    cr_assert_neq(access(home.path, F_OK), 0);
}

Test(store, read_only_refuses_another_network_too)
{
    fill();
    kit.network.genesis_id.hash.bytes[0] ^= 1;
    cr_assert_eq(open_read_only(), EZ_ERR_CONFIG);
    kit.network.genesis_id.hash.bytes[0] ^= 1;
}

Test(store, stats_count_commits_and_bytes)
{
    ez_store_stats stats;
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    home_start(&home);
    home_connect(&home, kit_mine(&kit, 0));
    home_connect(&home, kit_mine(&kit, 0));
    ez_store_get_stats(home.store, &stats);
    cr_assert_eq(stats.commits, 2);
    cr_assert_eq(stats.writes, 2);
    cr_assert_geq(stats.commit_us_total, stats.commit_us_max);
    cr_assert_gt(stats.bytes, 4096);
}
