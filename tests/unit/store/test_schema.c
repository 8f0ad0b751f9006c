#include "schema_internal.h"
#include "store_internal.h"
#include "support_store.h"

#include <criterion/criterion.h>
#include <stdio.h>

static test_kit kit;
static test_home home;
static ez_db db;
static ez_store_config config;

static void setup(void)
{
    kit_init(&kit);
    home_init(&home);
    config = home_config(&home, &kit.network);
    cr_assert_eq(ez_db_open(&db, &config, EZ_DB_WRITER), EZ_OK);
}

static void teardown(void)
{
    ez_db_clear(&db);
    home_clear(&home);
    kit_clear(&kit);
}

TestSuite(schema, .init = setup, .fini = teardown);

static int64_t number(const char *sql)
{
    int64_t out = -1;
    cr_assert_eq(ez_db_query_number(&db, &out, sql), EZ_OK);
    return out;
}

static const char add_column[] = "ALTER TABLE block ADD COLUMN arrived INTEGER;"
                                 "INSERT INTO meta VALUES('steps', x'01')";
static const char broken[] = "CREATE TABLE later(x); INSERT INTO no_such_table VALUES(1)";

Test(schema, every_step_runs_from_version_zero)
{
    int64_t version = -1;
    cr_assert_eq(ez_schema_check(&db, &version, ez_schema_step_count), EZ_OK);
    cr_assert_eq(version, 0);
    cr_assert_eq(ez_schema_migrate(&db, 0, ez_schema_steps, ez_schema_step_count), EZ_OK);
    cr_assert_eq(ez_schema_check(&db, &version, ez_schema_step_count), EZ_OK);
    cr_assert_eq(version, ez_schema_step_count);
    cr_assert_eq(number("PRAGMA application_id"), EZ_APPLICATION_ID);
    cr_assert_eq(ez_schema_check_network(&db, &kit.network), EZ_OK);
    cr_assert_eq(ez_db_prepare(&db, EZ_DB_WRITER), EZ_OK);
    cr_assert_eq(ez_db_prepare(&db, EZ_DB_READER), EZ_OK);
    cr_assert_eq(ez_db_prepare(&db, EZ_DB_VERIFIER), EZ_OK);
}

/* The text of a table that was renamed quotes its name. */
static const char difference[] =
    "WITH here AS (SELECT type, name, tbl_name, replace(sql, '\"', '') FROM main.sqlite_schema),"
    " there AS (SELECT type, name, tbl_name, replace(sql, '\"', '') FROM made.sqlite_schema)"
    "SELECT count(*) FROM (SELECT * FROM (SELECT * FROM here EXCEPT SELECT * FROM there)"
    " UNION ALL SELECT * FROM (SELECT * FROM there EXCEPT SELECT * FROM here))";

Test(schema, made_at_once_is_what_the_steps_make)
{
    char attach[160];
    ez_store_config made = config;
    char path[120];
    snprintf(path, sizeof path, "%s.made", home.path);
    made.path = path;
    cr_assert_eq(ez_schema_migrate(&db, 0, ez_schema_steps, ez_schema_step_count), EZ_OK);
    cr_assert_eq(ez_store_create(&made), EZ_OK);
    snprintf(attach, sizeof attach, "ATTACH '%s' AS made", path);
    cr_assert_eq(ez_db_exec(&db, attach), EZ_OK);
    cr_assert_eq(number("SELECT count(*) FROM made.sqlite_schema"),
                 number("SELECT count(*) FROM main.sqlite_schema"));
    cr_assert_eq(number(difference), 0);
    cr_assert_eq(number("PRAGMA made.user_version"), ez_schema_step_count);
    cr_assert_eq(number("PRAGMA made.application_id"), EZ_APPLICATION_ID);
    cr_assert_eq(number("SELECT count(*) FROM (SELECT * FROM main.meta EXCEPT"
                        " SELECT * FROM made.meta)"),
                 0);
}

Test(schema, later_step_runs_once_and_keeps_the_data)
{
    const char *const steps[] = {ez_schema_steps[0], add_column};
    cr_assert_eq(ez_schema_migrate(&db, 0, steps, 1), EZ_OK);
    cr_assert_eq(ez_db_exec(&db, "INSERT INTO chain VALUES(2, 1)"), EZ_OK);
    cr_assert_eq(ez_schema_migrate(&db, 1, steps, 2), EZ_OK);
    cr_assert_eq(number("PRAGMA user_version"), 2);
    cr_assert_eq(number("SELECT count(*) FROM chain"), 1);
    /* running it again would violate the primary key of meta */
    cr_assert_eq(ez_schema_migrate(&db, 2, steps, 2), EZ_OK);
    cr_assert_eq(ez_schema_check_network(&db, &kit.network), EZ_OK);
}

Test(schema, index_of_version_one_keeps_its_rows)
{
    cr_assert_eq(ez_schema_migrate(&db, 0, ez_schema_steps, 1), EZ_OK);
    cr_assert_eq(ez_db_exec(&db, "INSERT INTO tx VALUES(65536, 7, zeroblob(32), 0, 170),"
                                 " (65537, 7, zeroblob(32), 170, 171), (131072, -5, x'01', 0, 1)"),
                 EZ_OK);
    cr_assert_eq(ez_schema_migrate(&db, 1, ez_schema_steps, ez_schema_step_count), EZ_OK);
    cr_assert_eq(number("SELECT count(*) FROM tx"), 3);
    cr_assert_eq(number("SELECT size FROM tx WHERE tail = 7 AND place = 65537"), 171);
    cr_assert_eq(number("SELECT place FROM tx WHERE tail = -5"), 131072);
    cr_assert_eq(number("SELECT sum(length(head)) FROM tx"), 24 + 24 + 1);
    cr_assert_eq(ez_db_prepare(&db, EZ_DB_WRITER), EZ_OK);
}

Test(schema, failing_step_leaves_the_version_before)
{
    const char *const steps[] = {ez_schema_steps[0], add_column, broken};
    cr_assert_eq(ez_schema_migrate(&db, 0, steps, 1), EZ_OK);
    cr_assert_eq(ez_schema_migrate(&db, 1, steps, 3), EZ_ERR_CORRUPT);
    cr_assert_eq(number("PRAGMA user_version"), 1);
    cr_assert_eq(number("SELECT count(*) FROM meta WHERE name = 'steps'"), 0);
    cr_assert_eq(number("SELECT count(*) FROM sqlite_schema WHERE name = 'later'"), 0);
}

Test(schema, failing_first_start_leaves_an_empty_file)
{
    const char *const steps[] = {ez_schema_steps[0], broken};
    cr_assert_eq(ez_schema_migrate(&db, 0, steps, 2), EZ_ERR_CORRUPT);
    cr_assert_eq(number("SELECT count(*) FROM sqlite_schema"), 0);
    cr_assert_eq(number("PRAGMA application_id"), 0);
}

Test(schema, bound_holds_for_what_a_damaged_row_claims)
{
    int64_t out;
    cr_assert_eq(ez_db_query_number(&db, &out, "SELECT length(zeroblob(8388608))"), EZ_OK);
    cr_assert_neq(ez_db_query_number(&db, &out, "SELECT length(zeroblob(8388609))"), EZ_OK);
}
