#include "support_store.h"

#include "ezp2p/base/endpoint.h"

#include <criterion/criterion.h>

static test_kit kit;
static test_home home;

/* Two blocks on the chain, two beside it that fork at the first. */
static void setup(void)
{
    kit_init(&kit);
    home_init(&home);
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    home_start(&home);
    home_connect(&home, kit_mine(&kit, 0));
    home_connect(&home, kit_mine(&kit, 0));
    kit_undo(&kit);
    ez_write *write = write_new(0, true);
    write_body(write, kit_mine(&kit, 1)->block);
    write_body(write, kit_mine(&kit, 1)->block);
    write_manual(write, EZ_WRITE_MANUAL_PUT, "a.example", 7333);
    home_write(&home, write);
    home_close(&home);
}

static void teardown(void)
{
    home_clear(&home);
    kit_clear(&kit);
}

TestSuite(load, .init = setup, .fini = teardown);

typedef struct loaded {
    ez_header headers[8];
    bool connected[8];
    size_t count;
    size_t tips;
    ez_block_id tip;
    size_t others;
} loaded;

static void on_header(void *self, const ez_header *header, bool connected, bool invalid)
{
    loaded *seen = self;
    cr_assert_not(invalid);
    seen->connected[seen->count] = connected;
    seen->headers[seen->count++] = *header;
}

static void on_tip(void *self, const ez_block_id *id)
{
    loaded *seen = self;
    seen->tip = *id;
    seen->tips++;
}

static void on_bytes(void *self, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    ((loaded *)self)->others++;
}

static void on_manual(void *self, const char *host, uint16_t port)
{
    cr_assert_str_eq(host, "a.example");
    cr_assert_eq(port, 7333);
    ((loaded *)self)->others++;
}

static ez_status load(loaded *out)
{
    *out = (loaded){0};
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    const ez_store_port *port = ez_store_port_of(home.store);
    const ez_store_loader loader = {out, on_header, on_tip, on_bytes, on_manual, on_bytes};
    ez_status status = port->load(port->self, &loader);
    home_close(&home);
    return status;
}

Test(load, parents_come_before_children_and_the_tip_once)
{
    loaded seen;
    cr_assert_eq(load(&seen), EZ_OK);
    cr_assert_eq(seen.count, 4);
    cr_assert_eq(seen.tips, 1);
    cr_assert_eq(seen.others, 1);
    cr_assert(ez_block_id_is_equal(&seen.tip, &kit.all[1].block->id));
    for (size_t i = 0; i < seen.count; i++) {
        const ez_block *block = kit.all[i].block;
        cr_assert(ez_block_id_is_equal(&seen.headers[i].previous, &block->header.previous));
        cr_assert_eq(seen.headers[i].index, block->header.index);
        cr_assert_eq(seen.connected[i], i < 2);
    }
}

static void read_while_loading(void *self, const ez_block_id *id)
{
    const ez_store_port *port = self;
    ez_blob *body = port->get_body(port->self, id);
    cr_assert(body);
    ez_blob_unref(body);
}

static void ignore_header(void *self, const ez_header *header, bool connected, bool invalid)
{
    (void)self;
    (void)header;
    (void)connected;
    (void)invalid;
}

static void ignore_bytes(void *self, const uint8_t *bytes, size_t size)
{
    (void)self;
    (void)bytes;
    (void)size;
}

static void ignore_manual(void *self, const char *host, uint16_t number)
{
    (void)self;
    (void)host;
    (void)number;
}

Test(load, callbacks_may_read)
{
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    ez_store_port port = *ez_store_port_of(home.store);
    const ez_store_loader loader = {&port,        ignore_header, read_while_loading,
                                    ignore_bytes, ignore_manual, ignore_bytes};
    cr_assert_eq(port.load(port.self, &loader), EZ_OK);
}

/* Every way in which the rows can contradict each other. */
static void expect_damage(const char *sql)
{
    loaded seen;
    home_sql(&home, "%s", sql);
    cr_assert_eq(load(&seen), EZ_ERR_CORRUPT, "%s", sql);
}

Test(load, header_with_another_hash_is_damage)
{
    expect_damage("UPDATE block SET header = zeroblob(96) WHERE seq = 2");
}

Test(load, short_header_is_damage)
{
    expect_damage("UPDATE block SET header = zeroblob(95) WHERE seq = 2");
}

Test(load, short_id_is_damage)
{
    expect_damage("UPDATE block SET id = zeroblob(31) WHERE seq = 2");
}

Test(load, missing_parent_is_damage)
{
    expect_damage("DELETE FROM block WHERE seq = 3");
}

Test(load, gap_in_the_heights_is_damage)
{
    expect_damage("DELETE FROM chain WHERE height = 2");
}

Test(load, height_that_starts_too_low_is_damage)
{
    expect_damage("INSERT INTO chain VALUES(1, 1)");
}

Test(load, tip_that_is_not_stored_is_damage)
{
    expect_damage("INSERT INTO chain VALUES(4, 99)");
}

Test(load, tip_of_another_height_is_damage)
{
    expect_damage("UPDATE chain SET block = 4 WHERE height = 3");
}

Test(load, host_name_over_the_limit_is_damage)
{
    loaded seen;
    home_sql(&home, "DELETE FROM manual_peer");
    cr_assert_eq(load(&seen), EZ_OK);
    cr_assert_eq(EZ_MANUAL_HOST_BYTES_MAX, 260, "one less than what follows");
    expect_damage("INSERT INTO manual_peer(host, port) VALUES(printf('%.261c', 'a'), 1)");
}

Test(load, port_over_the_limit_is_damage)
{
    expect_damage("UPDATE manual_peer SET port = 65536");
}
