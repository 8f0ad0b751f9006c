/* The miner under the thread sanitizer: templates are set and stopped from two threads while others
 * find proofs. A plain program, since Criterion does not run under that sanitizer. */
#include "ezp2p/miner/miner.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/chain/header.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS    300
#define EASY_BITS 0x2000ffffu /* one hash in 256 */
#define HARD_BITS 0x01010000u /* never */

static atomic_uint found_count;
static pthread_mutex_t last_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t last_generation, last_proof; /* of the newest template, under the mutex */

static void on_found(void *self, uint64_t generation, uint64_t proof)
{
    EZ_ASSERT(self == &last_mutex);
    pthread_mutex_lock(&last_mutex);
    if (generation > last_generation) { /* a call for an older one may come late */
        last_generation = generation;
        last_proof = proof;
    }
    pthread_mutex_unlock(&last_mutex);
    atomic_fetch_add(&found_count, 1);
}

static ez_header template_of(uint64_t generation)
{
    return (ez_header){
        .version = 1, .index = generation, .bits = generation % 4 == 0 ? HARD_BITS : EASY_BITS};
}

static uint64_t proof_of(uint64_t generation)
{
    for (;;) {
        pthread_mutex_lock(&last_mutex);
        bool is_there = last_generation == generation;
        uint64_t proof = last_proof;
        pthread_mutex_unlock(&last_mutex);
        if (is_there) {
            return proof;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* Sets the odd generations, paced; the main thread sets the even ones. */
static void *set_odd(void *argument)
{
    ez_miner *miner = argument;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        ez_header header = template_of(2 * i + 1);
        ez_miner_set(miner, 2 * i + 1, &header, true);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
        if (i % 5 == 0) {
            ez_miner_stop(miner);
        }
    }
    return NULL;
}

int main(void)
{
    ez_miner_config config = {
        .threads = 3, .rate = 200000, .seed = 1, .self = &last_mutex, .found = on_found};
    ez_miner *miner;
    EZ_ASSERT(ez_miner_new(&miner, &config) == EZ_OK);
    pthread_t other;
    EZ_ASSERT(pthread_create(&other, NULL, set_odd, miner) == 0);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        ez_header header = template_of(2 * i);
        ez_miner_set(miner, 2 * i, &header, false);
        nanosleep(&(struct timespec){.tv_nsec = 150000}, NULL);
    }
    pthread_join(other, NULL);

    unsigned before = atomic_load(&found_count);
    ez_header header = template_of(2 * ROUNDS + 1);
    ez_miner_set(miner, 2 * ROUNDS + 1, &header, false);
    header.proof = proof_of(2 * ROUNDS + 1);
    ez_block_id id;
    ez_header_id(&id, &header);
    EZ_ASSERT(ez_header_has_work(&id, header.bits));
    EZ_ASSERT(ez_miner_hashes(miner) > 0);
    ez_miner_free(miner);
    unsigned total = atomic_load(&found_count);
    EZ_ASSERT(total > before && total <= 2 * ROUNDS + 1);
    printf("thread_miner: %u proofs\n", total);
    return 0;
}
