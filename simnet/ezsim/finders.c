#include "finders.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <stdlib.h>

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>

#define PPM 1000000u

struct ez_finder {
    ez_block_id id;
    bool by_adversary;
    UT_hash_handle hh;
};

static ez_finder *find(const ez_finders *finders, const ez_block_id *id)
{
    ez_finder *found = NULL;
    HASH_FIND(hh, finders->list, id, sizeof(*id), found);
    return found;
}

void ez_finders_clear(ez_finders *finders)
{
    ez_finder *finder, *next;
    HASH_ITER (hh, finders->list, finder, next) {
        HASH_DEL(finders->list, finder);
        free(finder);
    }
}

void ez_finders_add(ez_finders *finders, const ez_block_id *id, bool by_adversary)
{
    if (find(finders, id) != NULL) {
        return;
    }
    ez_finder *const finder = ez_alloc(1, sizeof(*finder));
    finder->id = *id;
    finder->by_adversary = by_adversary;
    HASH_ADD(hh, finders->list, id, sizeof(finder->id), finder);
    finders->count++;
    finders->adversaries += by_adversary;
}

static uint64_t square_root(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= value) {
            root |= bit;
        }
    }
    return root;
}

/* Of the mean of batches: the root of their variance over their number. */
static uint64_t error_of(const uint64_t own[EZ_SHARE_BATCHES], uint64_t batch_blocks)
{
    uint64_t mean = 0, sum = 0;
    for (size_t i = 0; i < EZ_SHARE_BATCHES; i++) {
        mean += own[i] * PPM / batch_blocks;
    }
    mean /= EZ_SHARE_BATCHES;
    for (size_t i = 0; i < EZ_SHARE_BATCHES; i++) {
        const uint64_t share = own[i] * PPM / batch_blocks;
        const uint64_t off = share > mean ? share - mean : mean - share;
        sum += off * off;
    }
    return square_root(sum / (EZ_SHARE_BATCHES - 1) / EZ_SHARE_BATCHES);
}

ez_share ez_finders_share(const ez_finders *finders, const ez_node *node)
{
    ez_share out = {0};
    ez_node_status status;
    uint64_t own[EZ_SHARE_BATCHES] = {0};
    ez_node_get_status(node, &status);
    out.blocks = status.tip.height - 1;
    const uint64_t batch_blocks = out.blocks / EZ_SHARE_BATCHES;
    for (uint64_t i = 0; i < out.blocks; i++) {
        ez_block_info block;
        const bool known = ez_node_block_at(node, &block, i + 2);
        const ez_finder *const finder = known ? find(finders, &block.id) : NULL;
        if (finder != NULL && finder->by_adversary) {
            out.own++;
            if (batch_blocks > 0 && i / batch_blocks < EZ_SHARE_BATCHES) {
                own[i / batch_blocks]++;
            }
        }
    }
    out.ppm = out.blocks == 0 ? 0 : out.own * PPM / out.blocks;
    out.error_ppm = batch_blocks < 2 ? 0 : error_of(own, batch_blocks);
    return out;
}

uint64_t ez_selfish_revenue_ppm(uint32_t alpha_milli, uint32_t gamma_milli)
{
    const double a = (double)alpha_milli / 1000, g = (double)gamma_milli / 1000;
    const double own = a * (1 - a) * (1 - a) * (4 * a + g * (1 - 2 * a)) - a * a * a;
    return (uint64_t)(own / (1 - a * (1 + (2 - a) * a)) * PPM + 0.5);
}

static double power(double base, uint32_t exponent)
{
    double out = 1;
    for (uint32_t i = 0; i < exponent; i++) {
        out *= base;
    }
    return out;
}

uint64_t ez_double_spend_ppm(uint32_t q_milli, uint32_t confirmations, uint32_t give_up)
{
    const double q = (double)q_milli / 1000, p = 1 - q;
    double ahead = 1, won = 0;
    double chance = power(p, confirmations); /* of m own blocks until the last confirmation */
    if (q_milli == 0) {
        return 0;
    }
    for (uint32_t m = 0; m <= confirmations; m++) {
        const uint32_t behind = confirmations - m;
        if (behind < give_up) {
            won += chance * (power(p / q, give_up - behind) - 1) / (power(p / q, give_up + 1) - 1);
        }
        ahead -= chance;
        chance *= q * (double)(m + confirmations) / (double)(m + 1);
    }
    return (uint64_t)((won + (ahead > 0 ? ahead : 0)) * PPM + 0.5);
}

uint64_t ez_share_error_ppm(uint64_t ppm, uint64_t trials)
{
    return trials == 0 ? 0 : square_root(ppm * (PPM - ppm) / trials);
}
