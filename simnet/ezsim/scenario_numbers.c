/* The keys of a scenario that take one number, and [sweep], which gives some of them several. */
#include "scenario_internal.h"

#include "ezp2p/base/limits.h"

#include <string.h>

typedef enum key_type { KEY_U32, KEY_U64, KEY_MS, KEY_MILLI, KEY_MILLI32, KEY_PERCENT } key_type;

#define FIELD(member) offsetof(ez_scenario, member)

static const struct {
    const char *section, *key;
    key_type type;
    size_t field;
    uint64_t min, max; /* in the unit kept */
} number_keys[] = {
    {"", "seed", KEY_U64, FIELD(seed), 0, EZ_SCENARIO_SEED_MAX},
    {"", "nodes", KEY_U32, FIELD(nodes), 1, EZ_SCENARIO_NODES_MAX},
    {"", "duration", KEY_MS, FIELD(duration_ms), 1, EZ_SCENARIO_MS_MAX},
    {"", "steady", KEY_MS, FIELD(steady_ms), 0, EZ_SCENARIO_MS_MAX},
    {"", "settle", KEY_MS, FIELD(settle_ms), 1000, EZ_SCENARIO_MS_MAX},
    {"", "warmup", KEY_MS, FIELD(warmup_ms), 0, EZ_SCENARIO_MS_MAX},
    {"topology", "links", KEY_U32, FIELD(links), 2, EZ_OUTBOUND_MAX},
    {"links", "bandwidth", KEY_U64, FIELD(bandwidth), 0, SCENARIO_NUMBER_MAX},
    {"links", "commit", KEY_MS, FIELD(commit_ms), 0, EZ_SCENARIO_COMMIT_MS_MAX},
    {"mining", "interval", KEY_MS, FIELD(block_interval_ms), 0, EZ_SCENARIO_MS_MAX},
    {"traffic", "rate", KEY_MILLI, FIELD(tx_per_1000_s), 0, 1000000},
    {"traffic", "sources", KEY_U32, FIELD(tx_sources), 0, EZ_SCENARIO_NODES_MAX},
    {"adversary", "count", KEY_U32, FIELD(adversary.count), 1, EZ_SCENARIO_ADVERSARIES_MAX},
    {"adversary", "share", KEY_MILLI32, FIELD(adversary.share_milli), 0, 1000},
    {"adversary", "links", KEY_U32, FIELD(adversary.links), 1, EZ_MANUAL_PEERS_MAX},
    {"adversary", "latency", KEY_U64, FIELD(adversary.latency_ms), 1, 10000},
    {"adversary", "reach", KEY_MILLI32, FIELD(adversary.reach_milli), 0, 1000},
    {"adversary", "confirmations", KEY_U32, FIELD(adversary.confirmations), 0, 100},
    {"adversary", "groups", KEY_U32, FIELD(adversary.groups), 1, 4096},
    {"adversary", "rate", KEY_MILLI, FIELD(adversary.rate_milli), 0, 100000000},
    {"adversary", "from", KEY_MS, FIELD(adversary.from_ms), 0, EZ_SCENARIO_MS_MAX},
    {"adversary", "until", KEY_MS, FIELD(adversary.until_ms), 0, EZ_SCENARIO_MS_MAX},
    {"traffic", "again", KEY_MILLI32, FIELD(tx_again_milli), 0, 1000},
    {"traffic", "fee", KEY_U32, FIELD(fee), 0, 1000},
    {"assert", "block_p99_ms_max", KEY_U64, FIELD(bounds.block_p99_ms_max), 0, SCENARIO_NUMBER_MAX},
    {"assert", "tx_p99_ms_max", KEY_U64, FIELD(bounds.tx_p99_ms_max), 0, SCENARIO_NUMBER_MAX},
    {"assert", "block_ratio_max", KEY_PERCENT, FIELD(bounds.block_ratio_percent_max), 0,
     SCENARIO_NUMBER_MAX},
    {"assert", "tx_ratio_max", KEY_PERCENT, FIELD(bounds.tx_ratio_percent_max), 0,
     SCENARIO_NUMBER_MAX},
    {"assert", "tx_copies_max", KEY_PERCENT, FIELD(bounds.tx_copies_percent_max), 0,
     SCENARIO_NUMBER_MAX},
    {"assert", "stale_percent_max", KEY_U64, FIELD(bounds.stale_percent_max), 0, 100},
    {"assert", "reorg_depth_max", KEY_U64, FIELD(bounds.reorg_depth_max), 0, SCENARIO_NUMBER_MAX},
    {"assert", "height_min", KEY_U64, FIELD(bounds.height_min), 0, SCENARIO_NUMBER_MAX},
    {"assert", "reorg_depth_min", KEY_U64, FIELD(bounds.reorg_depth_min), 0, SCENARIO_NUMBER_MAX},
    {"assert", "faulted_min", KEY_U64, FIELD(bounds.faulted_min), 0, SCENARIO_NUMBER_MAX},
    {"assert", "faulted_max", KEY_U64, FIELD(bounds.faulted_max), 0, SCENARIO_NUMBER_MAX},
    {"assert", "outcome_percent_min", KEY_U64, FIELD(bounds.outcome_percent_min), 0, 100},
    {"assert", "outcome_percent_max", KEY_U64, FIELD(bounds.outcome_percent_max), 0, 100},
    {"assert", "curve_errors_max", KEY_PERCENT, FIELD(bounds.curve_errors_max), 0,
     SCENARIO_NUMBER_MAX},
};

static unsigned places_of(key_type type)
{
    switch (type) {
    case KEY_U32:
    case KEY_U64:
        return 0;
    case KEY_PERCENT:
        return 2;
    case KEY_MS:
    case KEY_MILLI:
    case KEY_MILLI32:
        return 3;
    }
    return 0;
}

/* Word `i` as a value of key `k`, in the unit kept. */
static bool parse_value(scenario_parser *parser, uint64_t *out, size_t k,
                        const scenario_words *list, size_t i)
{
    uint64_t scale = 1;
    const unsigned places = places_of(number_keys[k].type);
    for (unsigned n = 0; n < places; n++) {
        scale *= 10;
    }
    if (!scenario_decimal(out, list->start[i], list->size[i], places) ||
        *out < number_keys[k].min || *out > number_keys[k].max) {
        return scenario_complain(parser, "%s is a number from %.*f to %.*f", number_keys[k].key,
                                 (int)places, (double)number_keys[k].min / (double)scale,
                                 (int)places, (double)number_keys[k].max / (double)scale);
    }
    return true;
}

static void set_field(ez_scenario *out, size_t k, uint64_t value)
{
    uint8_t *const field = (uint8_t *)out + number_keys[k].field;
    if (number_keys[k].type == KEY_U32 || number_keys[k].type == KEY_MILLI32) {
        memcpy(field, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
    } else {
        memcpy(field, &value, sizeof(value));
    }
}

static bool take_number(scenario_parser *parser, size_t k, const scenario_words *list)
{
    uint64_t value;
    if (list->count != 1) {
        return scenario_complain(parser, "%s is one number", number_keys[k].key);
    }
    if (!parse_value(parser, &value, k, list, 0)) {
        return false;
    }
    set_field(parser->out, k, value);
    return true;
}

/* In [sweep]: the values that key `k` of [adversary] takes in turn. */
static bool take_axis(scenario_parser *parser, size_t k, const scenario_words *list)
{
    ez_scenario *const out = parser->out;
    if (out->sweep_count == EZ_SWEEP_AXES_MAX || list->count > EZ_SWEEP_VALUES_MAX) {
        return scenario_complain(parser, "a sweep has at most %d keys of %d values",
                                 EZ_SWEEP_AXES_MAX, EZ_SWEEP_VALUES_MAX);
    }
    ez_sweep_axis *const axis = &out->sweep[out->sweep_count++];
    *axis = (ez_sweep_axis){.key = k,
                            .name = number_keys[k].key,
                            .places = places_of(number_keys[k].type),
                            .count = list->count};
    for (size_t i = 0; i < list->count; i++) {
        if (!parse_value(parser, &axis->values[i], k, list, i)) {
            return false;
        }
    }
    return true;
}

bool scenario_take_number(scenario_parser *parser, bool *known, const char *section,
                          const char *key, const scenario_words *list)
{
    *known = true;
    for (size_t k = 0; k < sizeof(number_keys) / sizeof(number_keys[0]); k++) {
        if (strcmp(key, number_keys[k].key) != 0) {
            continue;
        }
        if (strcmp(section, number_keys[k].section) == 0) {
            return take_number(parser, k, list);
        }
        if (strcmp(section, "sweep") == 0 && strcmp(number_keys[k].section, "adversary") == 0) {
            return take_axis(parser, k, list);
        }
    }
    *known = false;
    return false;
}

size_t ez_scenario_sweep_points(const ez_scenario *scenario)
{
    size_t points = 1;
    for (size_t i = 0; i < scenario->sweep_count; i++) {
        points *= scenario->sweep[i].count;
    }
    return points;
}

void ez_scenario_sweep_set(ez_scenario *scenario, size_t at[EZ_SWEEP_AXES_MAX], size_t number)
{
    for (size_t i = scenario->sweep_count; i-- > 0;) {
        const ez_sweep_axis *const axis = &scenario->sweep[i];
        at[i] = number % axis->count;
        number /= axis->count;
        set_field(scenario, axis->key, axis->values[at[i]]);
    }
}
