/* How the parts of a scenario file's reader work together: scenario.c reads lines and words,
 * scenario_numbers.c keys that are numbers, scenario_timeline.c the actions, and scenario_words.c
 * takes a line apart for all of them. Nothing here outlives a call of ez_scenario_parse.
 */
#ifndef EZP2P_SIMNET_SCENARIO_INTERNAL_H
#define EZP2P_SIMNET_SCENARIO_INTERNAL_H

#include "scenario.h"

#define SCENARIO_WORDS_MAX  40
#define SCENARIO_NUMBER_MAX 1000000000000u

typedef struct scenario_parser {
    ez_scenario *out;
    const char *name; /* of the file, for errors */
    ez_scenario_error *error;
    bool failed;
    char reason[160]; /* of the first bad line */
    size_t action_capacity;
} scenario_parser;

/* The words of a value; they point into the line and do not end in a zero byte. */
typedef struct scenario_words {
    const char *start[SCENARIO_WORDS_MAX];
    size_t size[SCENARIO_WORDS_MAX];
    size_t count;
} scenario_words;

/* scenario_complain: keep what is wrong with the line. Always false, for `return`. */
bool scenario_complain(scenario_parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* scenario_split: take `text` apart at its blanks.
 *   returns  false without any word, or with more than SCENARIO_WORDS_MAX */
bool scenario_split(scenario_words *out, const char *text);

/* scenario_is_word: whether word `i` is there and is `word`. */
bool scenario_is_word(const scenario_words *list, size_t i, const char *word);

/* scenario_decimal: a decimal number with at most `places` digits behind its point, in units of the
 * last of them, up to SCENARIO_NUMBER_MAX. scenario_ms: word `i` as seconds, in milliseconds, up to
 * EZ_SCENARIO_MS_MAX. scenario_count: word `i` as a whole number up to `max`.
 *   returns  false when it is none; *out is then undefined */
bool scenario_decimal(uint64_t *out, const char *text, size_t size, unsigned places);
bool scenario_ms(ez_time_ms *out, const scenario_words *list, size_t i);
bool scenario_count(uint32_t *out, const scenario_words *list, size_t i, uint32_t max);

/* What takes a key's value; false after scenario_complain. */
bool scenario_take_at(scenario_parser *parser, const scenario_words *list);
bool scenario_take_every(scenario_parser *parser, const scenario_words *list);

/* scenario_take_number: the same for any key that is a number, or an axis of [sweep].
 *   *known   whether there is such a key in this section; false: nothing was taken */
bool scenario_take_number(scenario_parser *parser, bool *known, const char *section,
                          const char *key, const scenario_words *list);

#endif
