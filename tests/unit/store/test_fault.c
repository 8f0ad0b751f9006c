#include "ezp2p/store/verify.h"
#include "store_internal.h"
#include "support_faulty_vfs.h"
#include "support_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS      14
#define POINTS_MAX 5000 /* far more calls than the script makes */

/* How a child process ended. */
enum { ENDED_WELL = 0, ENDED_OPENING = 98, ENDED_FATAL = HOME_FATAL };

/* What a child tells its parent, in shared memory. */
typedef struct outcome {
    uint64_t stored; /* last number that was reported durable */
    bool fired;
    char what[512];    /* what `fatal` or the log said */
    char verdict[512]; /* of what was left; "" is good */
} outcome;

static test_kit kit;
static test_home home;
static char torn_dir[64];
static char kept_dir[64];
static outcome *told;
static faulty_disk *disk;
static ez_write *script[STEPS];
static char *dumps[STEPS + 1]; /* the state after each number of steps */

/* ---- the script ------------------------------------------------------------------------------ */

static void connect_step(int step, int miner)
{
    const kit_block *made = kit_mine(&kit, miner);
    script[step] = write_new(0, true);
    write_body(script[step], made->block);
    write_connect(script[step], made);
}

/* Two blocks replace one, as a single step. */
static void reorganise_step(int step)
{
    script[step] = write_new(0, true);
    write_disconnect(script[step], kit_undo(&kit));
    for (int i = 0; i < 2; i++) {
        kit_note(&kit, "mira", "jon");
        const kit_block *made = kit_mine(&kit, 2);
        write_body(script[step], made->block);
        write_connect(script[step], made);
    }
}

static void pool_step(int step, ez_tx_id *id)
{
    ez_buffer bytes = {0};
    kit_encode_note(&kit, &bytes, id, "waiting");
    script[step] = write_new(0, true);
    write_pool_put(script[step], id, bytes.data, bytes.size);
    ez_buffer_clear(&bytes);
}

static void many_notes(int count)
{
    for (int i = 0; i < count; i++) {
        kit_note(&kit, "a name that takes some room", "another name that takes some room");
    }
}

static void write_script(void)
{
    ez_tx_id first;
    ez_tx_id second;
    connect_step(0, 0);
    pool_step(1, &first);
    connect_step(2, 0);
    kit_send(&kit, 0, 1, 2, 0);
    connect_step(3, 1);
    pool_step(4, &second);
    reorganise_step(5);
    script[6] = write_new(0, true);
    write_pool_delete(script[6], &first);
    write_manual(script[6], EZ_WRITE_MANUAL_PUT, "a.example", 7333);
    many_notes(80);
    connect_step(7, 1);
    script[8] = write_new(0, true);
    write_book(script[8], "the addresses that were known", 29);
    write_disconnect(script[8], kit_undo(&kit));
    write_invalid(script[8], &kit.all[2].block->id); /* it lost in step 5 */
    many_notes(40);
    connect_step(9, 3);
    kit_send(&kit, 3, 0, 1, 0);
    connect_step(10, 3);
    pool_step(11, &first);
    script[12] = write_new(0, true);
    write_manual(script[12], EZ_WRITE_MANUAL_DELETE, "a.example", 7333);
    write_pool_delete(script[12], &second);
    connect_step(13, 0);
}

static void record_dumps(void)
{
    cr_assert_eq(home_open(&home, &kit.network), EZ_OK);
    home_start(&home);
    dumps[0] = store_dump(home.store, &kit);
    for (int i = 0; i < STEPS; i++) {
        home_write(&home, write_clone(script[i], 0));
        dumps[i + 1] = store_dump(home.store, &kit);
        cr_assert_str_neq(dumps[i], dumps[i + 1], "step %d must be visible", i);
    }
    home_close(&home);
}

static void setup(void)
{
    kit_init(&kit);
    home_init(&home);
    snprintf(torn_dir, sizeof torn_dir, "/tmp/ez-store-torn-XXXXXX");
    snprintf(kept_dir, sizeof kept_dir, "/tmp/ez-store-kept-XXXXXX");
    cr_assert(mkdtemp(torn_dir) && mkdtemp(kept_dir));
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(told, MAP_FAILED);
    write_script();
    record_dumps();
}

static void teardown(void)
{
    for (int i = 0; i < STEPS; i++) {
        ez_write_free(script[i]);
    }
    for (int i = 0; i <= STEPS; i++) {
        free(dumps[i]);
    }
    munmap(told, sizeof *told);
    home_remove_files(torn_dir);
    home_remove_files(kept_dir);
    rmdir(torn_dir);
    rmdir(kept_dir);
    home_clear(&home);
    kit_clear(&kit);
}

TestSuite(fault, .init = setup, .fini = teardown);

/* ---- a child that meets the fault ------------------------------------------------------------ */

static noreturn void end_child(int status)
{
    told->stored = home.stored;
    told->fired = faulty_disk_fired(disk);
    faulty_disk_leave(disk, kept_dir, 0);
    faulty_disk_leave(disk, torn_dir, 88172645463325252u + told->stored);
    _exit(status);
}

static void on_fatal(void *self, const char *what)
{
    (void)self;
    snprintf(told->what, sizeof told->what, "%s", what);
    end_child(ENDED_FATAL);
}

static void open_faulty(void)
{
    ez_store_config config = home_config(&home, &kit.network);
    config.fatal = on_fatal;
    if (ez_store_open(&home.store, &config) != EZ_OK) {
        snprintf(told->what, sizeof told->what, "%.500s", home.logged);
        end_child(ENDED_OPENING);
    }
    home.store->checkpoint_pages = 12; /* so that the script meets several checkpoints */
}

static void run_script(faulty_kind kind, uint64_t at)
{
    disk = faulty_disk_new(kind, at);
    home.stored = 0;
    home.number = 0;
    open_faulty();
    home_start(&home);
    for (int i = 0; i < STEPS; i++) {
        home_write(&home, write_clone(script[i], 0));
    }
    home_close(&home);
    end_child(ENDED_WELL);
}

/* run_child: how the script ended when call number `at` failed. */
static int run_child(faulty_kind kind, uint64_t at)
{
    home_remove_files(home.dir);
    home_remove_files(kept_dir);
    home_remove_files(torn_dir);
    memset(told, 0, sizeof *told);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        run_script(kind, at);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "call %u: the child crashed", (unsigned)at);
    return WEXITSTATUS(status);
}

/* judge_left: "" when the files in `dir` open without help, verify, and hold all that was reported,
 * and at most the one write more that was under way. */
static void judge_left(const char *dir)
{
    test_home left;
    ez_verify_report report;
    uint64_t stored = told->stored;
    home_init(&left);
    rmdir(left.dir);
    snprintf(left.path, sizeof left.path, "%s/chain.db", dir);
    if (home_open(&left, &kit.network) != EZ_OK) {
        snprintf(told->verdict, sizeof told->verdict, "does not open: %.400s", left.logged);
        return;
    }
    char *dump = store_dump(left.store, &kit);
    bool same = strcmp(dump, dumps[stored]) == 0;
    bool next = stored < STEPS && strcmp(dump, dumps[stored + 1]) == 0;
    ez_status status = ez_store_verify(left.store, &report, NULL, NULL);
    if (!same && !next) {
        snprintf(told->verdict, sizeof told->verdict, "step %u is not there: %.400s",
                 (unsigned)stored, dump);
    } else if (status != EZ_OK || !report.sound) {
        snprintf(told->verdict, sizeof told->verdict, "not sound: %.400s", report.problem);
    }
    home_close(&left);
}

/* check_left: in a process of its own, which keeps this one small and its forks cheap. */
static void check_left(const char *dir, uint64_t at)
{
    told->verdict[0] = '\0';
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        faulty_disk_new(FAULTY_IO, UINT64_MAX); /* never fails and never syncs: for speed */
        judge_left(dir);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "call %u: crashed", (unsigned)at);
    cr_assert_str_empty(told->verdict, "call %u: %s", (unsigned)at, told->verdict);
}

/* ---- tests ----------------------------------------------------------------------------------- */

Test(fault, power_lost_at_any_call_loses_nothing_that_was_reported)
{
    uint64_t fatal = 0;
    uint64_t at = 1;
    for (; at < POINTS_MAX; at++) {
        int ended = run_child(FAULTY_POWER, at);
        fatal += ended == ENDED_FATAL;
        check_left(kept_dir, at);
        check_left(torn_dir, at);
        if (!told->fired) {
            break;
        }
    }
    cr_assert_eq(told->stored, STEPS);
    cr_assert_gt(fatal, 100, "most calls belong to the script");
    cr_assert_lt(at, POINTS_MAX);
}

Test(fault, io_error_at_any_call_stops_the_process_and_the_next_start_recovers)
{
    uint64_t at = 1;
    for (; at < POINTS_MAX; at++) {
        int ended = run_child(FAULTY_IO, at);
        check_left(home.dir, at);
        if (!told->fired) {
            break;
        }
        cr_assert(ended != ENDED_WELL || told->stored == STEPS, "call %u", (unsigned)at);
        cr_assert(ended == ENDED_WELL || told->what[0] != '\0');
    }
    cr_assert_gt(at, 100);
    cr_assert_lt(at, POINTS_MAX);
}

Test(fault, full_disk_is_called_that_and_loses_nothing)
{
    uint64_t at = 1;
    for (; at < POINTS_MAX; at++) {
        int ended = run_child(FAULTY_FULL, at);
        check_left(home.dir, at);
        if (!told->fired) {
            break;
        }
        if (ended == ENDED_FATAL) {
            cr_assert(strstr(told->what, "disk full"), "call %u: %s", (unsigned)at, told->what);
        }
    }
    cr_assert_gt(at, 60);
    cr_assert_lt(at, POINTS_MAX);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_child(uint64_t at)
{
    memset(told, 0, sizeof *told);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        disk = faulty_disk_new(FAULTY_READ, UINT64_MAX);
        open_faulty();
        faulty_disk_arm(disk, at);
        ez_tx_place place;
        const ez_store_port *port = ez_store_port_of(home.store);
        const ez_block *block = kit.all[4].block;
        bool found = port->find_tx(port->self, &place, &block->txs[0].id);
        ez_blob *body = port->get_body(port->self, &block->id);
        ez_account account;
        port->get_account(port->self, &account, &kit.keys[2].public_key);
        bool right = found && body && ez_blob_size(body) == ez_blob_size(block->body) &&
                     account.balance == 2;
        told->fired = faulty_disk_fired(disk);
        _exit(right ? ENDED_WELL : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

Test(fault, failing_read_never_looks_like_an_answer)
{
    uint64_t at = 1;
    for (; at < 100; at++) {
        int ended = read_child(at);
        if (!told->fired && ended == ENDED_WELL) {
            break;
        }
        cr_assert_eq(ended, ENDED_FATAL, "read %u", (unsigned)at);
    }
    cr_assert_gt(at, 5);
    cr_assert_lt(at, 100);
}
