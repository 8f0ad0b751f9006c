#include "series.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>

typedef struct seen_block {
    ez_block_id id, parent;
    ez_time_ms at;
    uint64_t height;
    size_t host;
    UT_hash_handle hh; /* in order of first sight */
} seen_block;

struct ez_series {
    seen_block *blocks;
    ez_buffer seconds;
    uint64_t *bytes_before; /* received so far, of each host, indexed by number */
    size_t host_count;
};

ez_series *ez_series_new(void)
{
    return ez_alloc(1, sizeof(ez_series));
}

void ez_series_free(ez_series *series)
{
    if (series == NULL) {
        return;
    }
    seen_block *block, *next;
    HASH_ITER (hh, series->blocks, block, next) {
        HASH_DEL(series->blocks, block);
        free(block);
    }
    ez_buffer_clear(&series->seconds);
    free(series->bytes_before);
    free(series);
}

static const seen_block *find_block(const ez_series *series, const ez_block_id *id)
{
    seen_block *found = NULL;
    HASH_FIND(hh, series->blocks, id, sizeof(*id), found);
    return found;
}

void ez_series_block(ez_series *series, const ez_run *run, size_t host, const ez_block_id *id)
{
    ez_block_info info;
    if (find_block(series, id) != NULL ||
        !ez_node_block_by_id(ez_world_node(run->world, host), &info, id)) {
        return;
    }
    seen_block *const block = ez_alloc(1, sizeof(*block));
    *block = (seen_block){.id = *id,
                          .parent = info.header.previous,
                          .at = ez_world_now(run->world).mono,
                          .height = info.header.index,
                          .host = host};
    HASH_ADD(hh, series->blocks, id, sizeof(block->id), block);
}

/* ---- seconds --------------------------------------------------------------------------------- */

typedef struct second {
    uint64_t bytes, bytes_max, pooled, height_min, height_max;
    size_t up;
} second;

static void add_host(second *sum, const ez_node *node)
{
    ez_node_status status;
    ez_node_get_status(node, &status);
    const uint64_t height = status.tip.height;
    sum->pooled += status.pool_count;
    sum->height_min = sum->up == 0 || height < sum->height_min ? height : sum->height_min;
    sum->height_max = height > sum->height_max ? height : sum->height_max;
    sum->up++;
}

void ez_series_second(ez_series *series, const ez_run *run)
{
    const size_t count = ez_world_count(run->world);
    second sum = {0};
    if (series->host_count < count) {
        series->bytes_before =
            ez_realloc(series->bytes_before, count + 1, sizeof(*series->bytes_before));
        memset(&series->bytes_before[series->host_count + 1], 0,
               (count - series->host_count) * sizeof(*series->bytes_before));
        series->host_count = count;
    }
    for (size_t host = 1; host <= count; host++) {
        const ez_node *const node = ez_world_node(run->world, host);
        ez_node_counters counters;
        ez_world_counters(run->world, &counters, host);
        const uint64_t bytes = counters.message_bytes_in - series->bytes_before[host];
        series->bytes_before[host] = counters.message_bytes_in;
        sum.bytes += bytes;
        sum.bytes_max = bytes > sum.bytes_max ? bytes : sum.bytes_max;
        if (node != NULL) {
            add_host(&sum, node);
        }
    }
    const size_t divisor = sum.up == 0 ? 1 : sum.up;
    ez_buffer_printf(&series->seconds,
                     "%" PRIu64 "\t%zu\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                     "\t%" PRIu64 "\n",
                     ez_world_now(run->world).mono / 1000, sum.up, sum.height_min, sum.height_max,
                     sum.bytes / divisor, sum.bytes_max, sum.pooled / divisor);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* The share of arrivals by each millisecond in which there was one, in per cent. */
static void print_arrivals(ez_buffer *out, const char *kind, const ez_histogram *histogram)
{
    uint64_t sum = 0;
    ez_buffer_printf(out, "%s\t0\t0\n", kind);
    for (uint64_t ms = 0; ms <= EZ_HISTOGRAM_TOP; ms++) {
        if (histogram->counts[ms] > 0) {
            sum += histogram->counts[ms];
            ez_buffer_printf(out, "%s\t%" PRIu64 "\t%.4f\n", kind, ms,
                             100.0 * (double)sum / (double)histogram->total);
        }
    }
}

static void print_propagation(ez_buffer *out, const ez_run *run)
{
    ez_buffer_add_text(out, "kind\tms\tpercent\n");
    print_arrivals(out, "block", &run->blocks.arrival_ms);
    print_arrivals(out, "transaction", &run->txs.arrival_ms);
}

/* A node that runs, to tell which blocks are in its chain; NULL when there is none. */
static const ez_node *some_node(const ez_run *run)
{
    const ez_node *node = NULL;
    for (size_t host = 1; node == NULL && host <= ez_world_count(run->world); host++) {
        node = ez_world_node(run->world, host);
    }
    return node;
}

static void print_blocks(ez_buffer *out, const ez_series *series, const ez_run *run)
{
    const ez_node *const node = some_node(run);
    ez_buffer_add_text(out, "height\tseconds\tparent_height\tparent_seconds\tnode\tactive\tid\n");
    for (const seen_block *block = series->blocks; block != NULL; block = block->hh.next) {
        const seen_block *const parent = find_block(series, &block->parent);
        ez_block_info info = {0};
        const bool is_active =
            node != NULL && ez_node_block_by_id(node, &info, &block->id) && info.active;
        ez_buffer_printf(out, "%" PRIu64 "\t%.3f\t%" PRIu64 "\t%.3f\t%zu\t%d\t", block->height,
                         (double)block->at / 1000, block->height - 1,
                         parent == NULL ? 0.0 : (double)parent->at / 1000, block->host, is_active);
        for (size_t i = 0; i < sizeof(block->id.hash.bytes); i++) {
            ez_buffer_printf(out, "%02x", block->id.hash.bytes[i]);
        }
        ez_buffer_add_text(out, "\n");
    }
}

static void print_seconds(ez_buffer *out, const ez_series *series)
{
    ez_buffer_add_text(out, "second\tup\theight_min\theight_max\tbytes_mean\tbytes_max\tpool\n");
    if (series->seconds.size > 0) {
        ez_buffer_add(out, series->seconds.data, series->seconds.size);
    }
}

static ez_status write_table(const char *directory, const char *name, ez_buffer *text)
{
    char path[4096];
    const int length = snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = NULL;
    if (length < 0 || (size_t)length >= sizeof(path)) {
        errno = ENAMETOOLONG;
    } else {
        file = fopen(path, "w");
    }
    bool is_good = file != NULL;
    is_good = is_good && fwrite(text->data, 1, text->size, file) == text->size;
    is_good = file != NULL && fclose(file) == 0 && is_good;
    ez_buffer_clear(text);
    return is_good ? EZ_OK : EZ_ERR_IO;
}

ez_status ez_series_write(const ez_series *series, const ez_run *run, const char *directory)
{
    ez_buffer text = {0};
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        return EZ_ERR_IO;
    }
    print_propagation(&text, run);
    ez_status status = write_table(directory, "propagation.tsv", &text);
    if (status == EZ_OK) {
        print_blocks(&text, series, run);
        status = write_table(directory, "blocks.tsv", &text);
    }
    if (status == EZ_OK) {
        print_seconds(&text, series);
        status = write_table(directory, "seconds.tsv", &text);
    }
    return status;
}
