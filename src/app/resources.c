#include "resources_internal.h"

#include "ezp2p/base/limits.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define STACK_BYTES          (512 * 1024)
#define DESCRIPTORS_OWN      32u /* standard streams, loop, lock, database, log */
#define INBOUND_OVER         16u
#define DIALS_PER_SLOT       2u /* an outbound slot and a dial or feeler that may replace it */
#define TRIM_THRESHOLD_BYTES (512 * 1024)
#define MMAP_THRESHOLD_BYTES (512 * 1024)

void ez_resources_tune(void)
{
    /* Two arenas are enough: one loop thread, few workers. Setting the thresholds stops glibc from
     * raising them after the first large block, which would keep megabytes for ever. */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES);
    mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) == 0) {
        if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0) {
            pthread_setattr_default_np(&attributes); /* a refusal leaves larger stacks */
        }
        pthread_attr_destroy(&attributes);
    }
}

uint32_t ez_resources_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    int count = CPU_COUNT(&set);
    return count > 0 ? (uint32_t)count : 1;
}

void ez_descriptors_plan(ez_descriptor_plan *out, uint64_t limit, uint32_t outbound,
                         uint32_t inbound, bool has_http)
{
    uint64_t http = has_http ? EZ_HTTP_CONNECTIONS_MAX : 0;
    uint64_t fixed = EZ_SPARE_DESCRIPTORS + DESCRIPTORS_OWN + (uint64_t)outbound * DIALS_PER_SLOT;
    uint64_t inbound_open = inbound > 0 ? (uint64_t)inbound + INBOUND_OVER : 0;
    *out = (ez_descriptor_plan){
        .needed = fixed + http + inbound_open + (has_http ? EZ_HTTP_TURNED_AWAY_MAX : 0),
        .inbound = inbound,
        .inbound_open = (uint32_t)inbound_open,
        .http = (uint32_t)http,
        .limit = limit < INT_MAX ? (int)limit : INT_MAX,
    };
    if (out->needed <= limit) {
        return;
    }
    uint64_t left = limit > fixed ? limit - fixed : 0;
    uint64_t kept = http < left / 2 ? http : left / 2;
    if (left - kept < inbound_open) {
        out->inbound_open = (uint32_t)(left - kept);
        uint32_t over = out->inbound_open / 5 < INBOUND_OVER ? out->inbound_open / 5 : INBOUND_OVER;
        uint32_t slots = out->inbound_open - over;
        out->inbound = slots < inbound ? slots : inbound;
    }
    left -= out->inbound_open;
    out->http = (uint32_t)(http < left ? http : left);
}

uint64_t ez_descriptors_raise(uint64_t needed)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return needed;
    }
    if (limit.rlim_cur < needed) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return before;
        }
    }
    return limit.rlim_cur;
}

/* ---- metrics ----------------------------------------------------------------------------- */

static uint64_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        if (fscanf(file, "%*u %lu", &pages) != 1) {
            pages = 0;
        }
        fclose(file);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_descriptors(void)
{
    uint64_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return 0;
    }
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count > 0 ? count - 1 : 0; /* not the one that reads the directory */
}

void ez_process_metrics(ez_buffer *out)
{
    struct rlimit limit = {0};
    struct rusage usage = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    getrusage(RUSAGE_SELF, &usage);
    int64_t cpu_us = ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    ez_buffer_printf(out,
                     "# TYPE process_resident_memory_bytes gauge\n"
                     "process_resident_memory_bytes %" PRIu64 "\n"
                     "# TYPE process_open_fds gauge\n"
                     "process_open_fds %" PRIu64 "\n"
                     "# TYPE process_max_fds gauge\n"
                     "process_max_fds %" PRIu64 "\n"
                     "# TYPE process_cpu_seconds_total counter\n"
                     "process_cpu_seconds_total %" PRId64 ".%06" PRId64 "\n",
                     resident_bytes(), open_descriptors(), (uint64_t)limit.rlim_cur,
                     cpu_us / 1000000, cpu_us % 1000000);
}
