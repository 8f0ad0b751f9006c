#include "scenario.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/text.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 190 /* inih cuts longer lines in two */
#define WORDS_MAX      40
#define NUMBER_MAX     1000000000000u
#define SKEW_MS_MAX    7200000u

typedef struct scenario_parser {
    ez_scenario *out;
    const char *name;
    ez_scenario_error *error;
    bool failed;
    int line;
    char reason[160]; /* of the first bad line */
    size_t action_capacity;
} scenario_parser;

static bool complain(scenario_parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool complain(scenario_parser *parser, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(parser->reason, sizeof(parser->reason), format, list);
    va_end(list);
    return false;
}

/* ---- words and numbers ----------------------------------------------------------------------- */

typedef struct words {
    const char *start[WORDS_MAX];
    size_t size[WORDS_MAX];
    size_t count;
} words;

static bool split(words *out, const char *text)
{
    out->count = 0;
    for (;;) {
        text += strspn(text, " \t");
        if (*text == '\0') {
            return out->count > 0;
        }
        if (out->count == WORDS_MAX) {
            return false;
        }
        out->start[out->count] = text;
        out->size[out->count] = strcspn(text, " \t");
        text += out->size[out->count++];
    }
}

static bool is_word(const words *list, size_t i, const char *word)
{
    return i < list->count && list->size[i] == strlen(word) &&
           memcmp(list->start[i], word, list->size[i]) == 0;
}

/* A decimal number with at most `places` digits behind its point, in units of the last of them. */
static bool parse_decimal(uint64_t *out, const char *text, size_t size, unsigned places)
{
    uint64_t value = 0;
    bool has_point = false;
    unsigned behind = 0;
    if (size == 0 || size > 15 || text[0] == '.' || text[size - 1] == '.') {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || (has_point && behind == places)) {
            return false;
        }
        behind += has_point;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    for (; behind < places; behind++) {
        value *= 10;
    }
    *out = value;
    return value <= NUMBER_MAX;
}

static bool parse_ms(ez_time_ms *out, const words *list, size_t i)
{
    uint64_t value;
    if (i >= list->count || !parse_decimal(&value, list->start[i], list->size[i], 3) ||
        value > EZ_SCENARIO_MS_MAX) {
        return false;
    }
    *out = value;
    return true;
}

static bool parse_count(uint32_t *out, const words *list, size_t i, uint32_t max)
{
    uint64_t value;
    if (i >= list->count || !parse_decimal(&value, list->start[i], list->size[i], 0) ||
        value > max) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* ---- the timeline ---------------------------------------------------------------------------- */

/* What stands behind an action's word. */
typedef enum action_takes {
    TAKES_NOTHING,
    TAKES_HOSTS,       /* how many, or @A,B */
    TAKES_MAYBE_HOSTS, /* all, or @A,B */
    TAKES_LINKS,       /* how many, or @A-B */
    TAKES_AMOUNT,      /* how many */
    TAKES_TXS,         /* a number, and maybe @A,B */
} action_takes;

static const struct {
    const char *word;
    ez_action_kind kind;
    action_takes takes;
} action_words[] = {
    {"partition", EZ_ACTION_PARTITION, TAKES_HOSTS},
    {"heal", EZ_ACTION_HEAL, TAKES_NOTHING},
    {"crash", EZ_ACTION_CRASH, TAKES_HOSTS},
    {"stop", EZ_ACTION_STOP, TAKES_HOSTS},
    {"wipe", EZ_ACTION_WIPE, TAKES_HOSTS},
    {"restart", EZ_ACTION_RESTART, TAKES_MAYBE_HOSTS},
    {"pause", EZ_ACTION_PAUSE, TAKES_HOSTS},
    {"resume", EZ_ACTION_RESUME, TAKES_MAYBE_HOSTS},
    {"skew", EZ_ACTION_SKEW, TAKES_HOSTS},
    {"reset", EZ_ACTION_RESET, TAKES_LINKS},
    {"half-open", EZ_ACTION_HALF_OPEN, TAKES_LINKS},
    {"join", EZ_ACTION_JOIN, TAKES_AMOUNT},
    {"block", EZ_ACTION_BLOCK, TAKES_MAYBE_HOSTS},
    {"tx", EZ_ACTION_TX, TAKES_TXS},
};

static bool parse_amount(scenario_parser *parser, ez_action *out, const words *list, size_t i)
{
    if (i >= list->count) {
        return complain(parser, "says neither how many nor how many per cent");
    }
    const size_t size = list->size[i];
    uint64_t value;
    out->is_percent = list->start[i][size - 1] == '%';
    if (!parse_decimal(&value, list->start[i], size - out->is_percent, 0) || value == 0 ||
        value > (out->is_percent ? 100u : EZ_SCENARIO_NODES_MAX)) {
        return complain(parser, "an amount is 1 to %u, or 1%% to 100%%", EZ_SCENARIO_NODES_MAX);
    }
    out->amount = (uint32_t)value;
    return true;
}

static bool is_named(const words *list, size_t i)
{
    return i < list->count && list->start[i][0] == '@';
}

/* @A,B,C, or with a dash between the ends of a link. */
static bool parse_named(scenario_parser *parser, ez_action *out, const words *list, size_t i,
                        char between)
{
    const char *at = list->start[i];
    const char *const end = at + list->size[i];
    const uint32_t most = between == '-' ? 2 : EZ_ACTION_NAMED_MAX;
    do {
        uint64_t number;
        const char *const first = ++at; /* behind @ or between two */
        while (at < end && *at != between) {
            at++;
        }
        if (out->named_count == most || !parse_decimal(&number, first, (size_t)(at - first), 0) ||
            number == 0 || number > UINT16_MAX) {
            return complain(parser, "nodes are named as @1,2,3, up to %d; a link as @1-2",
                            EZ_ACTION_NAMED_MAX);
        }
        out->named[out->named_count++] = (uint16_t)number;
    } while (at < end);
    return between != '-' || out->named_count == 2 ||
           complain(parser, "a link is named by both its ends, as @1-2");
}

/* What of this the action takes, from word *i on. */
static bool parse_whom(scenario_parser *parser, ez_action *out, const words *list, size_t *i,
                       action_takes takes)
{
    const bool names = is_named(list, *i);
    switch (takes) {
    case TAKES_NOTHING:
        return true;
    case TAKES_HOSTS:
        return names ? parse_named(parser, out, list, (*i)++, ',')
                     : parse_amount(parser, out, list, (*i)++);
    case TAKES_MAYBE_HOSTS:
        return !names || parse_named(parser, out, list, (*i)++, ',');
    case TAKES_LINKS:
        return names ? parse_named(parser, out, list, (*i)++, '-')
                     : parse_amount(parser, out, list, (*i)++);
    case TAKES_AMOUNT:
        return parse_amount(parser, out, list, (*i)++);
    case TAKES_TXS:
        if (!parse_amount(parser, out, list, (*i)++)) {
            return false;
        }
        if (out->is_percent) {
            return complain(parser, "transactions are counted, not shared out");
        }
        return !is_named(list, *i) || parse_named(parser, out, list, (*i)++, ',');
    }
    return false;
}

static bool parse_skew(scenario_parser *parser, ez_action *out, const words *list, size_t i)
{
    const bool is_behind = i < list->count && list->start[i][0] == '-';
    uint64_t ms;
    if (i >= list->count ||
        !parse_decimal(&ms, list->start[i] + is_behind, list->size[i] - is_behind, 3) ||
        ms > SKEW_MS_MAX) {
        return complain(parser, "a skew is -7200 to 7200 seconds");
    }
    out->skew_us = (is_behind ? -1 : 1) * (int64_t)ms * 1000;
    return true;
}

const char *ez_action_word(ez_action_kind kind)
{
    for (size_t k = 0; k < sizeof(action_words) / sizeof(action_words[0]); k++) {
        if (action_words[k].kind == kind) {
            return action_words[k].word;
        }
    }
    return NULL;
}

/* The action that begins at word `i`; its time is the caller's. */
static bool parse_action(scenario_parser *parser, ez_action *out, const words *list, size_t i)
{
    for (size_t k = 0; k < sizeof(action_words) / sizeof(action_words[0]); k++) {
        if (!is_word(list, i, action_words[k].word)) {
            continue;
        }
        out->kind = action_words[k].kind;
        i++;
        if (!parse_whom(parser, out, list, &i, action_words[k].takes)) {
            return false;
        }
        if (out->kind == EZ_ACTION_SKEW && !parse_skew(parser, out, list, i++)) {
            return false;
        }
        return i == list->count || complain(parser, "more words than the action takes");
    }
    return complain(parser, "no such action; see docs/simulator.md");
}

static bool add_action(scenario_parser *parser, const ez_action *action)
{
    ez_scenario *const out = parser->out;
    if (out->action_count == EZ_SCENARIO_ACTIONS_MAX) {
        return complain(parser, "more than %d actions", EZ_SCENARIO_ACTIONS_MAX);
    }
    if (out->action_count == parser->action_capacity) {
        parser->action_capacity = parser->action_capacity * 2 + 16;
        out->actions = ez_realloc(out->actions, parser->action_capacity, sizeof(*out->actions));
    }
    /* Kept in order of time, in order of the file at one time. */
    size_t at = out->action_count++;
    for (; at > 0 && out->actions[at - 1].at > action->at; at--) {
        out->actions[at] = out->actions[at - 1];
    }
    out->actions[at] = *action;
    return true;
}

static bool take_at(scenario_parser *parser, const words *list)
{
    ez_action action = {0};
    if (!parse_ms(&action.at, list, 0)) {
        return complain(parser, "write `at = SECONDS ACTION`");
    }
    return parse_action(parser, &action, list, 1) && add_action(parser, &action);
}

static bool take_every(scenario_parser *parser, const words *list)
{
    ez_action action = {0};
    ez_time_ms first, last, step;
    if (!parse_ms(&first, list, 0) || !parse_ms(&last, list, 1) || !parse_ms(&step, list, 2) ||
        step == 0 || last < first) {
        return complain(parser, "write `every = FROM TO STEP ACTION`, in seconds");
    }
    if (!parse_action(parser, &action, list, 3)) {
        return false;
    }
    for (action.at = first; action.at <= last; action.at += step) {
        if (!add_action(parser, &action)) {
            return false;
        }
    }
    return true;
}

/* ---- keys with words of their own ------------------------------------------------------------ */

static const char *const topology_words[] = {[EZ_TOPOLOGY_REGULAR] = "regular",
                                             [EZ_TOPOLOGY_DISCOVERY] = "discovery",
                                             [EZ_TOPOLOGY_MESH] = "mesh"};

const char *ez_topology_word(ez_topology topology)
{
    return topology_words[topology];
}

static bool take_kind(scenario_parser *parser, const words *list)
{
    for (size_t k = 0; k < sizeof(topology_words) / sizeof(topology_words[0]); k++) {
        if (list->count == 1 && is_word(list, 0, topology_words[k])) {
            parser->out->topology = (ez_topology)k;
            return true;
        }
    }
    return complain(parser, "a topology is regular, discovery or mesh");
}

static bool take_addresses(scenario_parser *parser, const words *list)
{
    parser->out->public_addresses = is_word(list, 0, "public");
    if (list->count == 1 && (parser->out->public_addresses || is_word(list, 0, "private"))) {
        return true;
    }
    return complain(parser, "addresses are private or public");
}

static bool take_latency(scenario_parser *parser, const words *list)
{
    ez_scenario *const out = parser->out;
    uint32_t from = 0, to = 0;
    if (list->count == 1 && is_word(list, 0, "continents")) {
        out->latency = EZ_LATENCY_CONTINENTS;
        return true;
    }
    if (list->count == 2 && is_word(list, 0, "constant") && parse_count(&from, list, 1, 10000)) {
        out->latency = EZ_LATENCY_CONSTANT;
        to = from;
    } else if (list->count == 3 && is_word(list, 0, "uniform") &&
               parse_count(&from, list, 1, 10000) && parse_count(&to, list, 2, 10000)) {
        out->latency = EZ_LATENCY_UNIFORM;
    }
    if (from == 0 || to < from) {
        return complain(parser, "a latency is `constant MS`, `uniform MS MS` or `continents`");
    }
    out->latency_min_ms = from;
    out->latency_max_ms = to;
    return true;
}

static bool take_fragment(scenario_parser *parser, const words *list)
{
    ez_scenario *const out = parser->out;
    out->fragment_random = is_word(list, 0, "random");
    if (list->count != 1u + out->fragment_random ||
        !parse_count(&out->fragment_bytes, list, list->count - 1, EZ_FRAME_BYTES_MAX) ||
        (out->fragment_random && out->fragment_bytes == 0)) {
        return complain(parser, "a fragment is `BYTES` or `random BYTES`, up to %d",
                        EZ_FRAME_BYTES_MAX);
    }
    return true;
}

static bool take_shares(scenario_parser *parser, const words *list)
{
    ez_scenario *const out = parser->out;
    uint64_t sum = 0;
    if (list->count > EZ_SCENARIO_SHARES_MAX) {
        return complain(parser, "more than %d shares", EZ_SCENARIO_SHARES_MAX);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!parse_count(&out->shares[i], list, i, 1000000)) {
            return complain(parser, "a share is 0 to 1000000");
        }
        sum += out->shares[i];
    }
    out->share_count = list->count;
    return sum > 0 || complain(parser, "nobody would mine");
}

static bool take_relay(scenario_parser *parser, const words *list)
{
    ez_scenario *const out = parser->out;
    if (list->count > EZ_SCENARIO_RELAYS_MAX) {
        return complain(parser, "more than %d strategies", EZ_SCENARIO_RELAYS_MAX);
    }
    for (size_t i = 0; i < list->count; i++) {
        out->relays[i] = ez_relay_find(list->start[i], list->size[i]);
        if (out->relays[i] == NULL) {
            return complain(parser, "no such relay strategy; see docs/simulator.md");
        }
    }
    out->relay_count = list->count;
    return true;
}

static bool take_adversary_kind(scenario_parser *parser, const words *list)
{
    ez_attack_plan *const plan = &parser->out->adversary;
    if (list->count > EZ_ATTACK_KINDS) {
        return complain(parser, "more kinds than there are");
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!ez_attack_by_name(&plan->kinds[i], list->start[i], list->size[i])) {
            return complain(parser, "no such kind of adversary; see docs/attacks.md");
        }
    }
    plan->kind_count = (uint32_t)list->count;
    plan->count = plan->count == 0 ? plan->kind_count : plan->count;
    return true;
}

/* ---- keys with one number -------------------------------------------------------------------- */

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
    {"links", "bandwidth", KEY_U64, FIELD(bandwidth), 0, NUMBER_MAX},
    {"links", "commit", KEY_MS, FIELD(commit_ms), 0, 60000},
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
    {"traffic", "fee", KEY_U32, FIELD(fee), 0, 1000},
    {"assert", "block_p99_ms_max", KEY_U64, FIELD(bounds.block_p99_ms_max), 0, NUMBER_MAX},
    {"assert", "tx_p99_ms_max", KEY_U64, FIELD(bounds.tx_p99_ms_max), 0, NUMBER_MAX},
    {"assert", "block_ratio_max", KEY_PERCENT, FIELD(bounds.block_ratio_percent_max), 0,
     NUMBER_MAX},
    {"assert", "tx_ratio_max", KEY_PERCENT, FIELD(bounds.tx_ratio_percent_max), 0, NUMBER_MAX},
    {"assert", "tx_copies_max", KEY_PERCENT, FIELD(bounds.tx_copies_percent_max), 0, NUMBER_MAX},
    {"assert", "stale_percent_max", KEY_U64, FIELD(bounds.stale_percent_max), 0, 100},
    {"assert", "reorg_depth_max", KEY_U64, FIELD(bounds.reorg_depth_max), 0, NUMBER_MAX},
    {"assert", "height_min", KEY_U64, FIELD(bounds.height_min), 0, NUMBER_MAX},
    {"assert", "reorg_depth_min", KEY_U64, FIELD(bounds.reorg_depth_min), 0, NUMBER_MAX},
    {"assert", "faulted_min", KEY_U64, FIELD(bounds.faulted_min), 0, NUMBER_MAX},
    {"assert", "faulted_max", KEY_U64, FIELD(bounds.faulted_max), 0, NUMBER_MAX},
    {"assert", "outcome_percent_min", KEY_U64, FIELD(bounds.outcome_percent_min), 0, 100},
    {"assert", "outcome_percent_max", KEY_U64, FIELD(bounds.outcome_percent_max), 0, 100},
    {"assert", "curve_errors_max", KEY_PERCENT, FIELD(bounds.curve_errors_max), 0, NUMBER_MAX},
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
static bool parse_value(scenario_parser *parser, uint64_t *out, size_t k, const words *list,
                        size_t i)
{
    uint64_t scale = 1;
    const unsigned places = places_of(number_keys[k].type);
    for (unsigned n = 0; n < places; n++) {
        scale *= 10;
    }
    if (!parse_decimal(out, list->start[i], list->size[i], places) || *out < number_keys[k].min ||
        *out > number_keys[k].max) {
        return complain(parser, "%s is a number from %.*f to %.*f", number_keys[k].key, (int)places,
                        (double)number_keys[k].min / (double)scale, (int)places,
                        (double)number_keys[k].max / (double)scale);
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

static bool take_number(scenario_parser *parser, size_t k, const words *list)
{
    uint64_t value;
    if (list->count != 1) {
        return complain(parser, "%s is one number", number_keys[k].key);
    }
    if (!parse_value(parser, &value, k, list, 0)) {
        return false;
    }
    set_field(parser->out, k, value);
    return true;
}

/* In [sweep]: the values that key `k` of [adversary] takes in turn. */
static bool take_axis(scenario_parser *parser, size_t k, const words *list)
{
    ez_scenario *const out = parser->out;
    if (out->sweep_count == EZ_SWEEP_AXES_MAX || list->count > EZ_SWEEP_VALUES_MAX) {
        return complain(parser, "a sweep has at most %d keys of %d values", EZ_SWEEP_AXES_MAX,
                        EZ_SWEEP_VALUES_MAX);
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

static const struct {
    const char *section, *key;
    bool (*take)(scenario_parser *parser, const words *list);
} word_keys[] = {
    {"topology", "kind", take_kind},
    {"topology", "addresses", take_addresses},
    {"links", "latency", take_latency},
    {"links", "fragment", take_fragment},
    {"mining", "shares", take_shares},
    {"timeline", "at", take_at},
    {"timeline", "every", take_every},
    {"", "relay", take_relay},
    {"adversary", "kind", take_adversary_kind},
};

/* ---- lines ----------------------------------------------------------------------------------- */

static bool take_key(scenario_parser *parser, const char *section, const char *key,
                     const char *value)
{
    words list;
    if (!split(&list, value)) {
        return complain(parser, "%s has no value, or more than %d words", key, WORDS_MAX);
    }
    for (size_t k = 0; k < sizeof(word_keys) / sizeof(word_keys[0]); k++) {
        if (strcmp(section, word_keys[k].section) == 0 && strcmp(key, word_keys[k].key) == 0) {
            return word_keys[k].take(parser, &list);
        }
    }
    for (size_t k = 0; k < sizeof(number_keys) / sizeof(number_keys[0]); k++) {
        if (strcmp(key, number_keys[k].key) != 0) {
            continue;
        }
        if (strcmp(section, number_keys[k].section) == 0) {
            return take_number(parser, k, &list);
        }
        if (strcmp(section, "sweep") == 0 && strcmp(number_keys[k].section, "adversary") == 0) {
            return take_axis(parser, k, &list);
        }
    }
    char shown[48];
    ez_text_escape(shown, sizeof(shown), key, strlen(key));
    return complain(parser, "no such key here: %s", shown);
}

/* inih's callback; 0 marks the line as bad, and inih reports the first such line. */
static int take_line(void *self, const char *section, const char *key, const char *value)
{
    scenario_parser *const parser = self;
    if (!parser->failed && !take_key(parser, section, key, value)) {
        parser->failed = true;
        return 0;
    }
    return 1;
}

/* The first line that inih would not see whole; 0: none. */
static int long_line(const char *text)
{
    for (int line = 1;; line++) {
        const size_t size = strcspn(text, "\n");
        if (size > LINE_BYTES_MAX) {
            return line;
        }
        if (text[size] == '\0') {
            return 0;
        }
        text += size + 1;
    }
}

static ez_status refuse(scenario_parser *parser, int line, const char *reason)
{
    char place[16] = "";
    char shown[64];
    if (line > 0) {
        snprintf(place, sizeof(place), "%d:", line);
    }
    ez_text_escape(shown, sizeof(shown), parser->name, strlen(parser->name));
    snprintf(parser->error->text, sizeof(parser->error->text), "%s:%s %s", shown, place, reason);
    ez_scenario_clear(parser->out);
    return EZ_ERR_MALFORMED;
}

static void set_defaults(ez_scenario *out)
{
    *out = (ez_scenario){.seed = 1,
                         .nodes = 10,
                         .duration_ms = 60000,
                         .settle_ms = 60000,
                         .warmup_ms = 3000,
                         .links = 4,
                         .latency_min_ms = 10,
                         .latency_max_ms = 10,
                         .commit_ms = 5,
                         .shares = {1},
                         .share_count = 1,
                         .adversary = {.until_ms = EZ_TIME_NEVER, .groups = 8},
                         .bounds = {.block_p99_ms_max = UINT64_MAX,
                                    .tx_p99_ms_max = UINT64_MAX,
                                    .block_ratio_percent_max = UINT64_MAX,
                                    .tx_ratio_percent_max = UINT64_MAX,
                                    .tx_copies_percent_max = UINT64_MAX,
                                    .stale_percent_max = UINT64_MAX,
                                    .reorg_depth_max = UINT64_MAX,
                                    .faulted_max = UINT64_MAX,
                                    .outcome_percent_max = UINT64_MAX,
                                    .curve_errors_max = UINT64_MAX}};
}

ez_status ez_scenario_parse(ez_scenario *out, ez_scenario_error *error, const char *name,
                            const char *text, size_t size)
{
    scenario_parser parser = {.out = out, .name = name, .error = error};
    set_defaults(out);
    if (size > EZ_SCENARIO_BYTES_MAX || memchr(text, '\0', size) != NULL) {
        return refuse(&parser, 0, "not a text of at most 64 KiB");
    }
    char *const copy = ez_alloc(size + 1, 1);
    memcpy(copy, text, size);
    int line = long_line(copy);
    if (line > 0) {
        complain(&parser, "longer than %d characters", LINE_BYTES_MAX);
    } else {
        line = ini_parse_string(copy, take_line, &parser);
    }
    free(copy);
    if (line != 0) {
        return refuse(&parser, line,
                      parser.reason[0] == '\0' ? "not `key = value`" : parser.reason);
    }
    if (out->adversary.count > 0 && out->adversary.kind_count == 0) {
        return refuse(&parser, 0, "adversaries of no kind");
    }
    if (out->action_count > 0 && out->actions[out->action_count - 1].at >= out->duration_ms) {
        return refuse(&parser, 0, "an action comes after the duration");
    }
    return EZ_OK;
}

ez_status ez_scenario_load(ez_scenario *out, ez_scenario_error *error, const char *path)
{
    FILE *const file = fopen(path, "re");
    char *const text = ez_alloc(EZ_SCENARIO_BYTES_MAX + 1, 1);
    const size_t size = file == NULL ? 0 : fread(text, 1, EZ_SCENARIO_BYTES_MAX + 1, file);
    ez_status status;
    if (file == NULL || ferror(file) != 0) {
        *out = (ez_scenario){0};
        snprintf(error->text, sizeof(error->text), "%.160s: %s", path, strerror(errno));
        status = EZ_ERR_IO;
    } else {
        status = ez_scenario_parse(out, error, path, text, size);
    }
    free(text);
    if (file != NULL) {
        fclose(file);
    }
    return status;
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

void ez_scenario_clear(ez_scenario *scenario)
{
    free(scenario->actions);
    *scenario = (ez_scenario){0};
}
