#include "scenario.h"

#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "ezp2p/base/text.h"
#include "scenario_internal.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 190 /* inih cuts longer lines in two */

/* ---- keys with words of their own ------------------------------------------------------------ */

static const char *const topology_words[] = {[EZ_TOPOLOGY_REGULAR] = "regular",
                                             [EZ_TOPOLOGY_DISCOVERY] = "discovery",
                                             [EZ_TOPOLOGY_MESH] = "mesh"};

const char *ez_topology_word(ez_topology topology)
{
    return topology_words[topology];
}

static bool take_kind(scenario_parser *parser, const scenario_words *list)
{
    for (size_t k = 0; k < sizeof(topology_words) / sizeof(topology_words[0]); k++) {
        if (list->count == 1 && scenario_is_word(list, 0, topology_words[k])) {
            parser->out->topology = (ez_topology)k;
            return true;
        }
    }
    return scenario_complain(parser, "a topology is regular, discovery or mesh");
}

static bool take_addresses(scenario_parser *parser, const scenario_words *list)
{
    parser->out->public_addresses = scenario_is_word(list, 0, "public");
    if (list->count == 1 &&
        (parser->out->public_addresses || scenario_is_word(list, 0, "private"))) {
        return true;
    }
    return scenario_complain(parser, "addresses are private or public");
}

static bool take_latency(scenario_parser *parser, const scenario_words *list)
{
    ez_scenario *const out = parser->out;
    uint32_t from = 0, to = 0;
    if (list->count == 1 && scenario_is_word(list, 0, "continents")) {
        out->latency = EZ_LATENCY_CONTINENTS;
        return true;
    }
    if (list->count == 2 && scenario_is_word(list, 0, "constant") &&
        scenario_count(&from, list, 1, 10000)) {
        out->latency = EZ_LATENCY_CONSTANT;
        to = from;
    } else if (list->count == 3 && scenario_is_word(list, 0, "uniform") &&
               scenario_count(&from, list, 1, 10000) && scenario_count(&to, list, 2, 10000)) {
        out->latency = EZ_LATENCY_UNIFORM;
    }
    if (from == 0 || to < from) {
        return scenario_complain(parser,
                                 "a latency is `constant MS`, `uniform MS MS` or `continents`");
    }
    out->latency_min_ms = from;
    out->latency_max_ms = to;
    return true;
}

static bool take_fragment(scenario_parser *parser, const scenario_words *list)
{
    ez_scenario *const out = parser->out;
    out->fragment_random = scenario_is_word(list, 0, "random");
    if (list->count != 1u + out->fragment_random ||
        !scenario_count(&out->fragment_bytes, list, list->count - 1, EZ_FRAME_BYTES_MAX) ||
        (out->fragment_random && out->fragment_bytes == 0)) {
        return scenario_complain(parser, "a fragment is `BYTES` or `random BYTES`, up to %d",
                                 EZ_FRAME_BYTES_MAX);
    }
    return true;
}

static bool take_shares(scenario_parser *parser, const scenario_words *list)
{
    ez_scenario *const out = parser->out;
    uint64_t sum = 0;
    if (list->count > EZ_SCENARIO_SHARES_MAX) {
        return scenario_complain(parser, "more than %d shares", EZ_SCENARIO_SHARES_MAX);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!scenario_count(&out->shares[i], list, i, 1000000)) {
            return scenario_complain(parser, "a share is 0 to 1000000");
        }
        sum += out->shares[i];
    }
    out->share_count = list->count;
    return sum > 0 || scenario_complain(parser, "nobody would mine");
}

static bool take_relay(scenario_parser *parser, const scenario_words *list)
{
    ez_scenario *const out = parser->out;
    if (list->count > EZ_SCENARIO_RELAYS_MAX) {
        return scenario_complain(parser, "more than %d strategies", EZ_SCENARIO_RELAYS_MAX);
    }
    for (size_t i = 0; i < list->count; i++) {
        out->relays[i] = ez_relay_find(list->start[i], list->size[i]);
        if (out->relays[i] == NULL) {
            return scenario_complain(parser, "no such relay strategy; see docs/simulator.md");
        }
    }
    out->relay_count = list->count;
    return true;
}

static bool take_adversary_kind(scenario_parser *parser, const scenario_words *list)
{
    ez_attack_plan *const plan = &parser->out->adversary;
    if (list->count > EZ_ATTACK_KINDS) {
        return scenario_complain(parser, "more kinds than there are");
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!ez_attack_by_name(&plan->kinds[i], list->start[i], list->size[i])) {
            return scenario_complain(parser, "no such kind of adversary; see docs/attacks.md");
        }
    }
    plan->kind_count = (uint32_t)list->count;
    plan->count = plan->count == 0 ? plan->kind_count : plan->count;
    return true;
}

static const struct {
    const char *section, *key;
    bool (*take)(scenario_parser *parser, const scenario_words *list);
} word_keys[] = {
    {"topology", "kind", take_kind},
    {"topology", "addresses", take_addresses},
    {"links", "latency", take_latency},
    {"links", "fragment", take_fragment},
    {"mining", "shares", take_shares},
    {"timeline", "at", scenario_take_at},
    {"timeline", "every", scenario_take_every},
    {"", "relay", take_relay},
    {"adversary", "kind", take_adversary_kind},
};

/* ---- lines ----------------------------------------------------------------------------------- */

static bool take_key(scenario_parser *parser, const char *section, const char *key,
                     const char *value)
{
    scenario_words list;
    if (!scenario_split(&list, value)) {
        return scenario_complain(parser, "%s has no value, or more than %d words", key,
                                 SCENARIO_WORDS_MAX);
    }
    for (size_t k = 0; k < sizeof(word_keys) / sizeof(word_keys[0]); k++) {
        if (strcmp(section, word_keys[k].section) == 0 && strcmp(key, word_keys[k].key) == 0) {
            return word_keys[k].take(parser, &list);
        }
    }
    bool known;
    const bool good = scenario_take_number(parser, &known, section, key, &list);
    if (known) {
        return good;
    }
    char shown[48];
    ez_text_escape(shown, sizeof(shown), key, strlen(key));
    return scenario_complain(parser, "no such key here: %s", shown);
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
        scenario_complain(&parser, "longer than %d characters", LINE_BYTES_MAX);
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

void ez_scenario_clear(ez_scenario *scenario)
{
    free(scenario->actions);
    *scenario = (ez_scenario){0};
}
