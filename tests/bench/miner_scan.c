/* How fast each set of instructions tries proofs on one thread, beside what the instructions of a
 * scan with the SHA extensions of x86 would allow if none waited for another.
 *
 *     miner_scan
 *
 * prints one JSON object per figure. All are measured in turns, in bursts shorter than what else
 * the machine does, and the fastest burst of each counts.
 */
#include "ezp2p/base/assert.h"
#include "search_internal.h"

#include <stdio.h>
#include <time.h>

#define ROUNDS 2000
#define PROOFS 2048 /* in a burst; a multiple of the four below */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#if defined(__x86_64__)

/* The instructions that four proofs take at least, every operand long since there: after what is
 * fixed, 29 sha256rnds2, 11 sha256msg2 and 8 sha256msg1 for each. */
#define RNDS2                                                                                      \
    "sha256rnds2 %%xmm0,%%xmm0,%%xmm1\nsha256rnds2 %%xmm0,%%xmm0,%%xmm2\n"                         \
    "sha256rnds2 %%xmm0,%%xmm0,%%xmm3\nsha256rnds2 %%xmm0,%%xmm0,%%xmm4\n"
#define MSG2                                                                                       \
    "sha256msg2 %%xmm0,%%xmm5\nsha256msg2 %%xmm0,%%xmm6\n"                                         \
    "sha256msg2 %%xmm0,%%xmm7\nsha256msg2 %%xmm0,%%xmm8\n"
#define MSG1                                                                                       \
    "sha256msg1 %%xmm0,%%xmm9\nsha256msg1 %%xmm0,%%xmm10\n"                                        \
    "sha256msg1 %%xmm0,%%xmm11\nsha256msg1 %%xmm0,%%xmm12\n"
/* Eight such parts and the rest are that many. The sums of a group of four rounds are a shorter
 * affair in the two groups where all words seven places before are fixed. */
#define PART(sums)        RNDS2 sums MSG2 RNDS2 MSG1 RNDS2
#define REST(sums, early) RNDS2 sums MSG2 RNDS2 MSG2 early RNDS2 MSG2 early RNDS2 RNDS2

/* What adds up the terms of the schedule and its constants; the sums come by way of memory. */
#define ALIGN(x)       "palignr $4,%%xmm0," x "\n"
#define ADD_TWICE(x)   "paddd %%xmm0," x "\npaddd %%xmm0," x "\n"
#define FOUR(op, x, y) op(x) op(y) op(x) op(y)
#define EARLY_SUMS     FOUR(ADD_TWICE, "%%xmm13", "%%xmm14")
#define SUMS           FOUR(ALIGN, "%%xmm14", "%%xmm15") EARLY_SUMS
#define NOTHING        ""

#define RUN(sums, early)                                                                           \
    do {                                                                                           \
        __asm__ volatile(PART(sums) PART(sums) PART(sums) PART(sums)::                             \
                             : "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",     \
                               "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");      \
        __asm__ volatile(PART(sums) PART(sums) PART(sums) PART(sums)::                             \
                             : "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",     \
                               "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");      \
        __asm__ volatile(REST(sums, early)::                                                       \
                             : "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",     \
                               "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");      \
    } while (0)

static void sha_instructions(void)
{
    for (unsigned i = 0; i < PROOFS; i += 4) {
        RUN(NOTHING, NOTHING);
    }
}

static void sha_instructions_and_sums(void)
{
    for (unsigned i = 0; i < PROOFS; i += 4) {
        RUN(SUMS, EARLY_SUMS);
    }
}

static bool has_sha_instructions(void)
{
    return ez_search_sha_ni() != NULL;
}

#else

static void sha_instructions(void)
{
}

static void sha_instructions_and_sums(void)
{
}

static bool has_sha_instructions(void)
{
    return false;
}

#endif

static double scan_s(const ez_search_version *version, const ez_search_span *span)
{
    double start = now_s();
    version->scan(span, 0, PROOFS);
    return now_s() - start;
}

static double run_s(void (*run)(void))
{
    double start = now_s();
    run();
    return now_s() - start;
}

static void note(double *best, double seconds)
{
    *best = *best == 0 || seconds < *best ? seconds : *best;
}

static void print(const char *name, double seconds)
{
    printf("{\"name\":\"%s\",\"value\":%.0f,\"unit\":\"1/s\"}\n", name, PROOFS / seconds);
}

int main(void)
{
    const ez_header header = {.version = 1, .index = 2, .bits = 0x1f00ffff};
    ez_search search;
    ez_search_span span;
    EZ_ASSERT(ez_search_init(&search, &header));
    ez_search_span_init(&span, &search, 0);
    span.limit = 0;
    const ez_search_version *versions[EZ_SEARCH_VERSIONS_MAX];
    unsigned count = ez_search_versions(versions);
    double best[EZ_SEARCH_VERSIONS_MAX] = {0}, best_sha = 0, best_sums = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < count; i++) {
            EZ_ASSERT(versions[i]->scan(&span, 0, PROOFS) == PROOFS); /* none stops a burst early */
            note(&best[i], scan_s(versions[i], &span));
        }
        note(&best_sha, run_s(sha_instructions));
        note(&best_sums, run_s(sha_instructions_and_sums));
    }
    if (has_sha_instructions()) {
        print("sha_instructions", best_sha);
        print("sha_instructions_and_sums", best_sums);
    }
    for (unsigned i = 0; i < count; i++) {
        print(versions[i]->name, best[i]);
    }
    return 0;
}
