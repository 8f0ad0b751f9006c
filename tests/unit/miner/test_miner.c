#include "ezp2p/miner/miner.h"

#include "ezp2p/chain/header.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define EASY_BITS 0x2000ffffu /* one hash in 256 */
#define HARD_BITS 0x01010000u /* the target 1: never found */

typedef struct finds {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned count;
    uint64_t generation;
    uint64_t proof;
} finds;

static void on_found(void *self, uint64_t generation, uint64_t proof)
{
    finds *f = self;
    pthread_mutex_lock(&f->mutex);
    f->count++;
    f->generation = generation;
    f->proof = proof;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static finds new_finds(void)
{
    return (finds){.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

static void wait_for(finds *f, unsigned count)
{
    pthread_mutex_lock(&f->mutex);
    while (f->count < count) {
        pthread_cond_wait(&f->changed, &f->mutex);
    }
    pthread_mutex_unlock(&f->mutex);
}

static unsigned find_count(finds *f)
{
    pthread_mutex_lock(&f->mutex);
    unsigned count = f->count;
    pthread_mutex_unlock(&f->mutex);
    return count;
}

static ez_miner *new_miner(finds *f, uint32_t threads, uint64_t rate)
{
    ez_miner_config config = {
        .threads = threads, .rate = rate, .seed = 12345, .self = f, .found = on_found};
    ez_miner *miner;
    cr_assert_eq(ez_miner_new(&miner, &config), EZ_OK);
    return miner;
}

static ez_header template_of(uint32_t bits, uint64_t index)
{
    return (ez_header){.version = 1, .index = index, .timestamp = 1795349323435114, .bits = bits};
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

Test(miner, finds_a_proof_that_does_the_work)
{
    finds f = new_finds();
    ez_miner *miner = new_miner(&f, 3, 0);
    for (unsigned i = 1; i <= 20; i++) {
        ez_header header = template_of(EASY_BITS, i);
        ez_miner_set(miner, 100 + i, &header, false);
        wait_for(&f, i);
        cr_assert_eq(f.generation, 100 + i);
        header.proof = f.proof;
        ez_block_id id;
        ez_header_id(&id, &header);
        cr_assert(ez_header_has_work(&id, EASY_BITS));
        cr_assert_leq(f.proof, EZ_AMOUNT_MAX);
    }
    ez_miner_free(miner);
    cr_assert_eq(f.count, 20, "one report for each template");
}

Test(miner, idles_after_a_find)
{
    finds f = new_finds();
    ez_miner *miner = new_miner(&f, 1, 0);
    ez_header header = template_of(EASY_BITS, 2);
    ez_miner_set(miner, 1, &header, false);
    wait_for(&f, 1);
    uint64_t hashes = ez_miner_hashes(miner);
    pause_ms(20);
    cr_assert_eq(ez_miner_hashes(miner), hashes);
    cr_assert_eq(find_count(&f), 1);
    ez_miner_free(miner);
}

Test(miner, does_nothing_before_the_first_template_and_after_a_stop)
{
    finds f = new_finds();
    ez_miner *miner = new_miner(&f, 2, 0);
    pause_ms(10);
    cr_assert_eq(ez_miner_hashes(miner), 0);
    ez_header header = template_of(HARD_BITS, 2);
    ez_miner_set(miner, 1, &header, false);
    while (ez_miner_hashes(miner) == 0) {
        pause_ms(1);
    }
    ez_miner_stop(miner);
    ez_miner_stop(miner);
    ez_miner_free(miner);
    cr_assert_eq(f.count, 0);
}

Test(miner, a_newer_template_replaces_a_hopeless_one)
{
    finds f = new_finds();
    ez_miner *miner = new_miner(&f, 2, 0);
    for (unsigned i = 1; i <= 10; i++) {
        ez_header hopeless = template_of(HARD_BITS, 2), easy = template_of(EASY_BITS, i);
        ez_miner_set(miner, 2 * i, &hopeless, false);
        pause_ms(1);
        ez_miner_set(miner, 2 * i + 1, &easy, false);
        wait_for(&f, i);
        cr_assert_eq(f.generation, 2 * i + 1);
    }
    ez_miner_free(miner);
}

/* Whatever the machine's speed: in a time t no more than rate * t hashes, plus what a late wake-up
 * may catch up and the slice that is taken at once. */
static double allowance(double since, double rate)
{
    const double catch_up_s = 0.1, slice_s = 0.02;
    return (seconds() - since + catch_up_s + slice_s) * rate + 1;
}

Test(miner, paced_work_keeps_under_its_rate)
{
    enum { RATE = 2000 };
    finds f = new_finds();
    double start = seconds();
    ez_miner *miner = new_miner(&f, 3, RATE);
    for (uint64_t generation = 1; generation <= 20; generation++) {
        ez_header header = template_of(HARD_BITS, generation);
        ez_miner_set(miner, generation, &header, true); /* new templates give no extra hashes */
        pause_ms(10);
    }
    uint64_t hashes;
    while ((hashes = ez_miner_hashes(miner)) == 0) {
        pause_ms(1);
    }
    cr_assert_leq((double)hashes, allowance(start, RATE));
    ez_miner_free(miner);
}

Test(miner, a_rate_of_a_few_hashes_a_second_works_and_stops_at_once)
{
    finds f = new_finds();
    ez_miner *miner = new_miner(&f, 4, 5);
    ez_header header = template_of(HARD_BITS, 2);
    double start = seconds();
    ez_miner_set(miner, 1, &header, true);
    while (ez_miner_hashes(miner) < 3) {
        pause_ms(5);
    }
    uint64_t hashes = ez_miner_hashes(miner);
    cr_assert_leq((double)hashes, allowance(start, 5));
    header = template_of(EASY_BITS, 2);
    ez_miner_set(miner, 2, &header, false); /* a client waits: the rate does not hold it back */
    wait_for(&f, 1);
    header = template_of(HARD_BITS, 2);
    ez_miner_set(miner, 3, &header, true);
    ez_miner_free(miner);
}

Test(miner, thread_counts_out_of_range_are_refused)
{
    finds f = new_finds();
    ez_miner_config config = {.threads = 0, .self = &f, .found = on_found};
    ez_miner *miner = (ez_miner *)&f;
    cr_assert_eq(ez_miner_new(&miner, &config), EZ_ERR_CONFIG);
    cr_assert_null(miner);
    config.threads = EZ_MINER_THREADS_MAX + 1;
    cr_assert_eq(ez_miner_new(&miner, &config), EZ_ERR_CONFIG);
    config.threads = EZ_MINER_THREADS_MAX;
    cr_assert_eq(ez_miner_new(&miner, &config), EZ_OK);
    ez_miner_free(miner);
    ez_miner_free(NULL);
}
