/* The words of a line of a scenario, and the numbers among them. */
#include "scenario_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool scenario_complain(scenario_parser *parser, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(parser->reason, sizeof(parser->reason), format, list);
    va_end(list);
    return false;
}

bool scenario_split(scenario_words *out, const char *text)
{
    out->count = 0;
    for (;;) {
        text += strspn(text, " \t");
        if (*text == '\0') {
            return out->count > 0;
        }
        if (out->count == SCENARIO_WORDS_MAX) {
            return false;
        }
        out->start[out->count] = text;
        out->size[out->count] = strcspn(text, " \t");
        text += out->size[out->count++];
    }
}

bool scenario_is_word(const scenario_words *list, size_t i, const char *word)
{
    return i < list->count && list->size[i] == strlen(word) &&
           memcmp(list->start[i], word, list->size[i]) == 0;
}

bool scenario_decimal(uint64_t *out, const char *text, size_t size, unsigned places)
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
    return value <= SCENARIO_NUMBER_MAX;
}

bool scenario_ms(ez_time_ms *out, const scenario_words *list, size_t i)
{
    uint64_t value;
    if (i >= list->count || !scenario_decimal(&value, list->start[i], list->size[i], 3) ||
        value > EZ_SCENARIO_MS_MAX) {
        return false;
    }
    *out = value;
    return true;
}

bool scenario_count(uint32_t *out, const scenario_words *list, size_t i, uint32_t max)
{
    uint64_t value;
    if (i >= list->count || !scenario_decimal(&value, list->start[i], list->size[i], 0) ||
        value > max) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}
