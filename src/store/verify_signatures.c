#include "verify_internal.h"

#include <unistd.h>

#define SPAN_MAX     8  /* threads */
#define SPAN_TXS_MIN 32 /* below this a thread costs more than it brings */

typedef struct ez_span {
    const ez_block *block;
    const ez_network *network;
    ez_verifier *verifier;
    uint32_t first;
    uint32_t count;
    ez_rule rule;
    uint32_t bad;
    pthread_t thread;
    bool started;
} ez_span;

static void *check_span(void *self)
{
    ez_span *span = self;
    span->rule = ez_block_check_signatures(span->block, span->network, span->verifier, span->first,
                                           span->count, &span->bad);
    return NULL;
}

static uint32_t span_count(uint32_t tx_count)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t count = tx_count / SPAN_TXS_MIN;
    count = count > SPAN_MAX ? SPAN_MAX : count;
    count = processors < (long)count ? (uint32_t)(processors > 0 ? processors : 1) : count;
    return count > 0 ? count : 1;
}

ez_rule ez_check_signatures_parallel(const ez_block *block, const ez_network *network,
                                     ez_verifier *verifier, uint32_t *bad)
{
    ez_span spans[SPAN_MAX];
    uint32_t count = span_count(block->tx_count);
    uint32_t share = block->tx_count / count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = i * share;
        uint32_t size = i + 1 == count ? block->tx_count - first : share;
        spans[i] = (ez_span){.block = block,
                             .network = network,
                             .verifier = verifier,
                             .first = first,
                             .count = size};
        /* the last share is this thread's; so is one for which there is no thread */
        spans[i].started =
            i + 1 < count && pthread_create(&spans[i].thread, NULL, check_span, &spans[i]) == 0;
        if (!spans[i].started) {
            check_span(&spans[i]);
        }
    }
    ez_rule rule = EZ_RULE_OK;
    for (uint32_t i = 0; i < count; i++) {
        if (spans[i].started) {
            pthread_join(spans[i].thread, NULL);
        }
        if (rule == EZ_RULE_OK && spans[i].rule != EZ_RULE_OK) {
            rule = spans[i].rule;
            *bad = spans[i].bad;
        }
    }
    return rule;
}
