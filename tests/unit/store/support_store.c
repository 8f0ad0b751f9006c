#include "support_store.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/text.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/crypto/sha256.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void keep_line(void *self, ez_log_level level, const char *event, const ez_log_field *fields,
                      size_t count)
{
    test_home *home = self;
    (void)level;
    size_t used = strlen(home->logged);
    used += (size_t)snprintf(home->logged + used, sizeof home->logged - used, "%s", event);
    for (size_t i = 0; i < count && used < sizeof home->logged; i++) {
        const char *value = fields[i].kind == EZ_LOG_KIND_TEXT ? fields[i].pointer : "-";
        used += (size_t)snprintf(home->logged + used, sizeof home->logged - used, " %s=%s",
                                 fields[i].key, value);
    }
}

void home_init(test_home *home)
{
    memset(home, 0, sizeof *home);
    snprintf(home->dir, sizeof home->dir, "/tmp/ez-store-XXXXXX");
    const char *made = mkdtemp(home->dir);
    EZ_ASSERT(made);
    snprintf(home->path, sizeof home->path, "%s/chain.db", home->dir);
    home->log = (ez_log){home, EZ_LOG_INFO, keep_line};
    pthread_mutex_init(&home->lock, NULL);
    pthread_cond_init(&home->wake, NULL);
}

void home_remove_files(const char *dir)
{
    DIR *folder = opendir(dir);
    EZ_ASSERT(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.') {
            unlink(path);
        }
    }
    closedir(folder);
}

void home_clear(test_home *home)
{
    home_close(home);
    home_remove_files(home->dir);
    rmdir(home->dir);
    pthread_mutex_destroy(&home->lock);
    pthread_cond_destroy(&home->wake);
}

static void end_process(void *self, const char *what)
{
    (void)self;
    (void)what;
    _exit(HOME_FATAL);
}

ez_store_config home_config(test_home *home, const ez_network *network)
{
    return (ez_store_config){.path = home->path,
                             .network = network,
                             .log = &home->log,
                             .self = home,
                             .fatal = end_process};
}

ez_status home_open(test_home *home, const ez_network *network)
{
    ez_store_config config = home_config(home, network);
    return ez_store_open(&home->store, &config);
}

static void on_stored(void *self, uint64_t number)
{
    test_home *home = self;
    pthread_mutex_lock(&home->lock);
    home->stored = number;
    pthread_cond_signal(&home->wake);
    pthread_mutex_unlock(&home->lock);
}

void home_start(test_home *home)
{
    ez_status status = ez_store_start(home->store, home, on_stored);
    EZ_ASSERT(status == EZ_OK);
}

void home_close(test_home *home)
{
    ez_store_close(home->store);
    home->store = NULL;
}

void home_queue(test_home *home, ez_write *write)
{
    write->number = ++home->number;
    ez_store_write(home->store, write);
}

void home_wait(test_home *home)
{
    pthread_mutex_lock(&home->lock);
    while (home->stored < home->number) {
        pthread_cond_wait(&home->wake, &home->lock);
    }
    pthread_mutex_unlock(&home->lock);
}

void home_write(test_home *home, ez_write *write)
{
    home_queue(home, write);
    home_wait(home);
}

void home_connect(test_home *home, const kit_block *made)
{
    ez_write *write = write_new(0, true);
    write_body(write, made->block);
    write_connect(write, made);
    home_write(home, write);
}

void home_sql(const test_home *home, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *sql = sqlite3_vmprintf(format, args);
    va_end(args);
    sqlite3 *db;
    char *error = NULL;
    int rc = sqlite3_open(home->path, &db);
    EZ_ASSERT(rc == SQLITE_OK);
    rc = sqlite3_exec(db, sql, NULL, NULL, &error);
    if (rc != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, error);
    }
    EZ_ASSERT(rc == SQLITE_OK);
    sqlite3_close(db);
    sqlite3_free(sql);
}

/* ---- dumps ----------------------------------------------------------------------------------- */

static void dump_header(void *self, const ez_header *header, bool connected, bool invalid)
{
    ez_block_id id;
    ez_header_id(&id, header);
    ez_buffer_printf(self, "header %s%s%s\n", ez_hash_text(&id).text, connected ? " connected" : "",
                     invalid ? " invalid" : "");
}

static void dump_tip(void *self, const ez_block_id *id)
{
    ez_buffer_printf(self, "tip %s\n", ez_hash_text(id).text);
}

static void dump_bytes(ez_buffer *out, const char *what, const void *bytes, size_t size)
{
    ez_hash hash;
    ez_sha256(&hash, bytes, size);
    ez_buffer_printf(out, "%s %zu %s\n", what, size, ez_hash_text(&hash).text);
}

static void dump_pool(void *self, const uint8_t *bytes, size_t size)
{
    dump_bytes(self, "pool", bytes, size);
}

static void dump_book(void *self, const uint8_t *bytes, size_t size)
{
    dump_bytes(self, "book", bytes, size);
}

static void dump_manual(void *self, const char *host, uint16_t port)
{
    ez_buffer_printf(self, "manual %s %u\n", host, port);
}

static void dump_block(ez_buffer *out, const ez_store_port *port, const ez_block_id *id)
{
    ez_hash view;
    ez_buffer undo = {0};
    ez_blob *body = port->get_body(port->self, id);
    if (body) {
        dump_bytes(out, "body", ez_blob_data(body), ez_blob_size(body));
    }
    if (port->get_view_hash(port->self, &view, id)) {
        ez_buffer_printf(out, "view %s\n", ez_hash_text(&view).text);
    }
    if (port->get_undo(port->self, &undo, id)) {
        dump_bytes(out, "undo", undo.data, undo.size);
    }
    ez_blob_unref(body);
    ez_buffer_clear(&undo);
}

static void dump_txs(ez_buffer *out, const ez_store_port *port, const ez_block *block)
{
    for (uint32_t i = 0; i < block->tx_count; i++) {
        ez_tx_place at;
        if (port->find_tx(port->self, &at, &block->txs[i].id)) {
            ez_buffer_printf(out, "tx %s height %u position %u offset %u size %u\n",
                             ez_hash_text(&at.block).text, (unsigned)at.height, at.position,
                             at.offset, at.size);
        }
    }
}

char *store_dump(ez_store *store, const test_kit *kit)
{
    ez_buffer out = {0};
    const ez_store_port *port = ez_store_port_of(store);
    const ez_store_loader loader = {&out, dump_header, dump_tip, dump_pool, dump_manual, dump_book};
    ez_status status = port->load(port->self, &loader);
    EZ_ASSERT(status == EZ_OK);
    for (int i = 0; i < KIT_KEYS; i++) {
        ez_account account;
        port->get_account(port->self, &account, &kit->keys[i].public_key);
        ez_buffer_printf(&out, "account %d %u %u\n", i, (unsigned)account.balance,
                         (unsigned)account.sequence);
    }
    for (size_t i = 0; i < kit->all_count; i++) {
        dump_block(&out, port, &kit->all[i].block->id);
        dump_txs(&out, port, kit->all[i].block);
    }
    ez_buffer_add_u8(&out, 0);
    return (char *)out.data;
}
