/* Section [timeline] of a scenario: what happens when, and to whom. */
#include "scenario_internal.h"

#include "ezp2p/base/alloc.h"

#define SKEW_MS_MAX 7200000u

/* What stands behind an action's word. */
typedef enum action_takes {
    TAKES_NOTHING,
    TAKES_HOSTS,       /* how many, or @A,B */
    TAKES_MAYBE_HOSTS, /* all, or @A,B */
    TAKES_LINKS,       /* how many, or @A-B */
    TAKES_AMOUNT,      /* how many */
    TAKES_NUMBER,      /* a number, and maybe @A,B */
    TAKES_MAYBE_BOTH,  /* the same, or none: one */
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
    {"disk", EZ_ACTION_DISK, TAKES_HOSTS},
    {"reset", EZ_ACTION_RESET, TAKES_LINKS},
    {"half-open", EZ_ACTION_HALF_OPEN, TAKES_LINKS},
    {"join", EZ_ACTION_JOIN, TAKES_AMOUNT},
    {"block", EZ_ACTION_BLOCK, TAKES_MAYBE_BOTH},
    {"tx", EZ_ACTION_TX, TAKES_NUMBER},
};

static bool parse_amount(scenario_parser *parser, ez_action *out, const scenario_words *list,
                         size_t i)
{
    if (i >= list->count) {
        return scenario_complain(parser, "says neither how many nor how many per cent");
    }
    const size_t size = list->size[i];
    uint64_t value;
    out->is_percent = list->start[i][size - 1] == '%';
    if (!scenario_decimal(&value, list->start[i], size - out->is_percent, 0) || value == 0 ||
        value > (out->is_percent ? 100u : EZ_SCENARIO_NODES_MAX)) {
        return scenario_complain(parser, "an amount is 1 to %u, or 1%% to 100%%",
                                 EZ_SCENARIO_NODES_MAX);
    }
    out->amount = (uint32_t)value;
    return true;
}

static bool is_named(const scenario_words *list, size_t i)
{
    return i < list->count && list->start[i][0] == '@';
}

/* @A,B,C, or with a dash between the ends of a link. */
static bool parse_named(scenario_parser *parser, ez_action *out, const scenario_words *list,
                        size_t i, char between)
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
        if (out->named_count == most ||
            !scenario_decimal(&number, first, (size_t)(at - first), 0) || number == 0 ||
            number > UINT16_MAX) {
            return scenario_complain(parser, "nodes are named as @1,2,3, up to %d; a link as @1-2",
                                     EZ_ACTION_NAMED_MAX);
        }
        out->named[out->named_count++] = (uint16_t)number;
    } while (at < end);
    return between != '-' || out->named_count == 2 ||
           scenario_complain(parser, "a link is named by both its ends, as @1-2");
}

static bool parse_number(scenario_parser *parser, ez_action *out, const scenario_words *list,
                         size_t *i)
{
    return parse_amount(parser, out, list, (*i)++) &&
           (!out->is_percent || scenario_complain(parser, "these are counted, not shared out"));
}

static bool parse_maybe_named(scenario_parser *parser, ez_action *out, const scenario_words *list,
                              size_t *i)
{
    return !is_named(list, *i) || parse_named(parser, out, list, (*i)++, ',');
}

/* What of this the action takes, from word *i on. */
static bool parse_whom(scenario_parser *parser, ez_action *out, const scenario_words *list,
                       size_t *i, action_takes takes)
{
    const bool names = is_named(list, *i);
    switch (takes) {
    case TAKES_NOTHING:
        return true;
    case TAKES_HOSTS:
        return names ? parse_named(parser, out, list, (*i)++, ',')
                     : parse_amount(parser, out, list, (*i)++);
    case TAKES_MAYBE_HOSTS:
        return parse_maybe_named(parser, out, list, i);
    case TAKES_LINKS:
        return names ? parse_named(parser, out, list, (*i)++, '-')
                     : parse_amount(parser, out, list, (*i)++);
    case TAKES_AMOUNT:
        return parse_amount(parser, out, list, (*i)++);
    case TAKES_MAYBE_BOTH:
        return *i == list->count || ((names || parse_number(parser, out, list, i)) &&
                                     parse_maybe_named(parser, out, list, i));
    case TAKES_NUMBER:
        return parse_number(parser, out, list, i) && parse_maybe_named(parser, out, list, i);
    }
    return false;
}

static bool parse_skew(scenario_parser *parser, ez_action *out, const scenario_words *list,
                       size_t i)
{
    const bool is_behind = i < list->count && list->start[i][0] == '-';
    uint64_t ms;
    if (i >= list->count ||
        !scenario_decimal(&ms, list->start[i] + is_behind, list->size[i] - is_behind, 3) ||
        ms > SKEW_MS_MAX) {
        return scenario_complain(parser, "a skew is -7200 to 7200 seconds");
    }
    out->skew_us = (is_behind ? -1 : 1) * (int64_t)ms * 1000;
    return true;
}

static bool parse_disk(scenario_parser *parser, ez_action *out, const scenario_words *list,
                       size_t i)
{
    return (scenario_ms(&out->commit_ms, list, i) && out->commit_ms <= EZ_SCENARIO_COMMIT_MS_MAX) ||
           scenario_complain(parser, "a commit takes 0 to %u seconds",
                             EZ_SCENARIO_COMMIT_MS_MAX / 1000);
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
static bool parse_action(scenario_parser *parser, ez_action *out, const scenario_words *list,
                         size_t i)
{
    for (size_t k = 0; k < sizeof(action_words) / sizeof(action_words[0]); k++) {
        if (!scenario_is_word(list, i, action_words[k].word)) {
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
        if (out->kind == EZ_ACTION_DISK && !parse_disk(parser, out, list, i++)) {
            return false;
        }
        return i == list->count ||
               scenario_complain(parser, "more words than `%s` takes", ez_action_word(out->kind));
    }
    return scenario_complain(parser, "no such action; see docs/simulator.md");
}

static bool add_action(scenario_parser *parser, const ez_action *action)
{
    ez_scenario *const out = parser->out;
    if (out->action_count == EZ_SCENARIO_ACTIONS_MAX) {
        return scenario_complain(parser, "more than %d actions", EZ_SCENARIO_ACTIONS_MAX);
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

bool scenario_take_at(scenario_parser *parser, const scenario_words *list)
{
    ez_action action = {0};
    if (!scenario_ms(&action.at, list, 0)) {
        return scenario_complain(parser, "write `at = SECONDS ACTION`");
    }
    return parse_action(parser, &action, list, 1) && add_action(parser, &action);
}

bool scenario_take_every(scenario_parser *parser, const scenario_words *list)
{
    ez_action action = {0};
    ez_time_ms first, last, step;
    if (!scenario_ms(&first, list, 0) || !scenario_ms(&last, list, 1) ||
        !scenario_ms(&step, list, 2) || step == 0 || last < first) {
        return scenario_complain(parser, "write `every = FROM TO STEP ACTION`, in seconds");
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
