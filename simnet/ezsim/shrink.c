#include "shrink.h"

#include "ezp2p/base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 200

/* In thousandths of a second: nothing need happen sooner, and less is not worth a try. */
#define BEGINNING 5000u
#define GAP_MIN   1000u

typedef struct line {
    char section[32], key[32];
    char value[LINE_MAX_BYTES];
} line;

typedef struct draft {
    line *lines;
    size_t count;
} draft;

typedef struct shrinker {
    draft best;
    void *self;
    ez_fails_fn fails;
    uint32_t tries, tries_max;
} shrinker;

/* ---- text to lines and back ------------------------------------------------------------------ */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* Copy up to `end`, blanks at the end left out. */
static void copy(char *out, size_t size, const char *begin, const char *end)
{
    while (end > begin && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    snprintf(out, size, "%.*s", (int)(end - begin), begin);
}

static void read_line(draft *out, char *section, size_t section_size, const char *text)
{
    const char *const begin = skip_blanks(text);
    const char *const equals = strchr(begin, '=');
    if (*begin == '[') {
        copy(section, section_size, begin + 1, begin + 1 + strcspn(begin + 1, "]"));
    } else if (*begin != '#' && *begin != ';' && equals != NULL) {
        line *const added = &out->lines[out->count++];
        snprintf(added->section, sizeof(added->section), "%s", section);
        copy(added->key, sizeof(added->key), begin, equals);
        const char *const value = skip_blanks(equals + 1);
        copy(added->value, sizeof(added->value), value, value + strlen(value));
    }
}

static draft read_lines(const ez_buffer *text)
{
    draft out = {0};
    char section[32] = "";
    char *const whole = ez_alloc(text->size + 1, 1);
    size_t rows = 1;
    memcpy(whole, text->data, text->size);
    for (const char *at = whole; *at != '\0'; at++) {
        rows += *at == '\n';
    }
    out.lines = ez_alloc(rows, sizeof(*out.lines));
    for (char *at = whole; at != NULL;) {
        char *const newline = strchr(at, '\n');
        if (newline != NULL) {
            *newline = '\0';
        }
        read_line(&out, section, sizeof(section), at);
        at = newline == NULL ? NULL : newline + 1;
    }
    free(whole);
    return out;
}

static void write_lines(ez_buffer *out, const draft *from)
{
    const char *section = "";
    for (size_t i = 0; i < from->count; i++) {
        const line *const row = &from->lines[i];
        if (strcmp(row->section, section) != 0) {
            section = row->section;
            ez_buffer_printf(out, "\n[%s]\n", section);
        }
        ez_buffer_printf(out, "%s = %s\n", row->key, row->value);
    }
}

/* ---- trying ---------------------------------------------------------------------------------- */

static bool is_key(const line *row, const char *section, const char *key)
{
    return strcmp(row->section, section) == 0 && strcmp(row->key, key) == 0;
}

static draft copy_of(const draft *from)
{
    return (draft){ez_memdup(from->lines, (from->count + 1) * sizeof(line)), from->count};
}

/* Keep the draft if it fails too; takes its memory. */
static bool try_draft(shrinker *state, draft *candidate)
{
    ez_buffer text = {0};
    bool fails = false;
    if (state->tries < state->tries_max) {
        state->tries++;
        write_lines(&text, candidate);
        fails = state->fails(state->self, &text);
    }
    if (fails) {
        free(state->best.lines);
        state->best = *candidate;
    } else {
        free(candidate->lines);
    }
    ez_buffer_clear(&text);
    return fails;
}

/* What a file cannot do without, or would be larger without. */
static bool is_kept(const line *row)
{
    return row->section[0] == '\0' &&
           (strcmp(row->key, "nodes") == 0 || strcmp(row->key, "duration") == 0 ||
            strcmp(row->key, "seed") == 0);
}

static bool try_without(shrinker *state, size_t from, size_t count)
{
    draft candidate = copy_of(&state->best);
    size_t kept = 0;
    for (size_t i = 0; i < state->best.count; i++) {
        if (i < from || i >= from + count || is_kept(&state->best.lines[i])) {
            candidate.lines[kept++] = state->best.lines[i];
        }
    }
    candidate.count = kept;
    if (kept == state->best.count) {
        free(candidate.lines);
        return false;
    }
    return try_draft(state, &candidate);
}

/* Leave out runs of lines, long ones first. */
static bool drop_lines(shrinker *state)
{
    bool smaller = false;
    for (size_t size = state->best.count / 2; size > 0; size /= 2) {
        for (size_t from = 0; from < state->best.count;) {
            if (try_without(state, from, size)) {
                smaller = true;
            } else {
                from += size;
            }
        }
    }
    return smaller;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Thousandths; what follows the number in *rest (may be NULL). */
static uint64_t number_of(const char *text, const char **rest)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10) * 1000;
    if (*end == '.') {
        uint64_t unit = 100;
        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10) {
            value += unit * (uint64_t)(*end - '0');
        }
    }
    if (rest != NULL) {
        *rest = end;
    }
    return value;
}

static void set_number(line *row, uint64_t thousandths)
{
    char rest[LINE_MAX_BYTES];
    const char *behind;
    number_of(row->value, &behind);
    snprintf(rest, sizeof(rest), "%s", behind);
    if (thousandths % 1000 == 0) {
        snprintf(row->value, sizeof(row->value), "%" PRIu64 "%.150s", thousandths / 1000, rest);
    } else {
        snprintf(row->value, sizeof(row->value), "%" PRIu64 ".%03" PRIu64 "%.150s",
                 thousandths / 1000, thousandths % 1000, rest);
    }
}

static bool try_number(shrinker *state, size_t at, uint64_t thousandths)
{
    draft candidate = copy_of(&state->best);
    set_number(&candidate.lines[at], thousandths);
    return try_draft(state, &candidate);
}

/* Halve a whole number while that still fails, then count it down. */
static bool lower(shrinker *state, const char *section, const char *key, uint64_t least)
{
    bool smaller = false;
    for (size_t i = 0; i < state->best.count; i++) {
        if (!is_key(&state->best.lines[i], section, key)) {
            continue;
        }
        uint64_t value = number_of(state->best.lines[i].value, NULL) / 1000;
        while (value / 2 >= least && value > 1 && try_number(state, i, value / 2 * 1000)) {
            value /= 2;
            smaller = true;
        }
        while (value > least && try_number(state, i, (value - 1) * 1000)) {
            value--;
            smaller = true;
        }
    }
    return smaller;
}

static uint64_t last_action(const draft *from)
{
    uint64_t last = 0;
    for (size_t i = 0; i < from->count; i++) {
        if (is_key(&from->lines[i], "timeline", "at")) {
            const uint64_t at = number_of(from->lines[i].value, NULL);
            last = at > last ? at : last;
        }
    }
    return last;
}

/* End right after the last action, or as soon after it as still fails. */
static bool shorten(shrinker *state)
{
    bool smaller = false;
    for (size_t i = 0; i < state->best.count; i++) {
        if (!is_key(&state->best.lines[i], "", "duration")) {
            continue;
        }
        const uint64_t last = last_action(&state->best);
        for (uint64_t left = 1000;; left *= 4) {
            const uint64_t now = number_of(state->best.lines[i].value, NULL);
            if (last + left >= now) {
                break;
            }
            if (try_number(state, i, last + left)) {
                smaller = true;
                break;
            }
        }
    }
    return smaller;
}

/* When the action before `at` happens, or the end of a short beginning. */
static uint64_t action_before(const draft *from, uint64_t at)
{
    uint64_t last = BEGINNING < at ? BEGINNING : at;
    for (size_t i = 0; i < from->count; i++) {
        const uint64_t other = number_of(from->lines[i].value, NULL);
        if (is_key(&from->lines[i], "timeline", "at") && other < at && other > last) {
            last = other;
        }
    }
    return last;
}

static bool try_sooner(shrinker *state, uint64_t from, uint64_t by)
{
    draft candidate = copy_of(&state->best);
    for (size_t i = 0; i < candidate.count; i++) {
        line *const row = &candidate.lines[i];
        const uint64_t at = number_of(row->value, NULL);
        if (is_key(row, "", "duration") || (is_key(row, "timeline", "at") && at >= from)) {
            set_number(row, at - by);
        }
    }
    return try_draft(state, &candidate);
}

/* Close the gap before an action: it and all after it, and the end, come sooner. */
static bool bring_forward(shrinker *state)
{
    bool smaller = false;
    for (size_t i = 0; i < state->best.count; i++) {
        if (!is_key(&state->best.lines[i], "timeline", "at")) {
            continue;
        }
        const uint64_t at = number_of(state->best.lines[i].value, NULL);
        uint64_t by = at - action_before(&state->best, at);
        while (by >= GAP_MIN && !try_sooner(state, at, by)) {
            by /= 2;
        }
        smaller |= by >= GAP_MIN;
    }
    return smaller;
}

/* Name one host less in an action that names several. */
static bool name_fewer(shrinker *state)
{
    bool smaller = false;
    for (size_t i = 0; i < state->best.count; i++) {
        for (size_t at = 0; state->best.lines[i].value[at] != '\0'; at++) {
            if (state->best.lines[i].value[at] != ',') {
                continue;
            }
            draft candidate = copy_of(&state->best);
            char *const comma = &candidate.lines[i].value[at];
            char *const behind = comma + 1 + strcspn(comma + 1, ", ");
            memmove(comma, behind, strlen(behind) + 1);
            if (try_draft(state, &candidate)) {
                smaller = true;
                at--;
            }
        }
    }
    return smaller;
}

uint32_t ez_shrink(ez_buffer *text, void *self, ez_fails_fn fails, uint32_t tries_max)
{
    shrinker state = {read_lines(text), self, fails, 0, tries_max};
    bool smaller = true;
    while (smaller && state.tries < state.tries_max) {
        smaller = drop_lines(&state);
        smaller |= shorten(&state);
        smaller |= lower(&state, "", "nodes", 1);
        smaller |= bring_forward(&state);
        smaller |= name_fewer(&state);
        smaller |= lower(&state, "topology", "links", 2);
    }
    ez_buffer_clear(text);
    write_lines(text, &state.best);
    free(state.best.lines);
    return state.tries;
}
