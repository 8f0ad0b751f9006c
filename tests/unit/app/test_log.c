#include "log_sink_internal.h"

#include "ezp2p/base/alloc.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOME_TIME 1795349323435114u /* 2026-11-22T08:08:43.435114Z */

static char line[2 * EZ_LOG_LINE_BYTES_MAX];

static const char *format(ez_log_style style, const ez_log_field *fields, size_t count)
{
    ez_buffer out = {0};
    ez_log_format(&out, style, SOME_TIME, EZ_LOG_WARN, "thing", fields, count);
    cr_assert_lt(out.size, sizeof line);
    memcpy(line, out.data, out.size);
    line[out.size] = '\0';
    ez_buffer_clear(&out);
    return line;
}

#define FORMAT(style, ...)                                                                         \
    format(style, (const ez_log_field[]){__VA_ARGS__},                                             \
           sizeof((const ez_log_field[]){__VA_ARGS__}) / sizeof(ez_log_field))

Test(log, text_lines_are_plain_to_read)
{
    uint8_t hash[32] = {0xab, [31] = 1};
    const char *text = FORMAT(EZ_LOG_STYLE_TEXT, EZ_LOG_TEXT("a", "x"), EZ_LOG_U64("n", 7),
                              EZ_LOG_HASH("h", hash));
    cr_assert_str_eq(text, "2026-11-22T12:08:43.435114Z warn  thing a=x n=7 "
                           "h=ab00000000000000000000000000000000000000000000000000000000000001\n");
}

Test(log, what_peers_wrote_cannot_forge_a_line_or_a_field)
{
    cr_assert_str_eq(FORMAT(EZ_LOG_STYLE_TEXT, EZ_LOG_TEXT("agent", "a\nb\033[2J x=\"1\"")) + 34,
                     "thing agent=\"a\\x0ab\\x1b[2J x=\\x221\\x22\"\n");
    cr_assert_str_eq(FORMAT(EZ_LOG_STYLE_TEXT, EZ_LOG_TEXT("a", "")) + 34, "thing a=\"\"\n");
    cr_assert_str_eq(FORMAT(EZ_LOG_STYLE_TEXT, EZ_LOG_TEXT("a", NULL)) + 34, "thing a=\"\"\n");
}

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(object, "%s: %s", error.text, text);
    return object;
}

Test(log, json_lines_parse_whatever_stands_in_them)
{
    static const char *const hostile[] = {"plain",     "quo\"te",      "back\\slash",
                                          "new\nline", "\x01",         "caf\xc3\xa9",
                                          "\xff\xfe",  "\xed\xa0\x80", ""};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        const char *text = FORMAT(EZ_LOG_STYLE_JSON, EZ_LOG_TEXT("value", hostile[i]));
        cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "one line: %s", text);
        json_t *object = parse(text);
        cr_assert_str_eq(json_string_value(json_object_get(object, "event")), "thing");
        cr_assert(json_is_string(json_object_get(object, "value")));
        json_decref(object);
    }
    json_t *object = parse(FORMAT(EZ_LOG_STYLE_JSON, EZ_LOG_TEXT("value", "caf\xc3\xa9"),
                                  EZ_LOG_U64("n", UINT64_C(9007199254740991))));
    cr_assert_str_eq(json_string_value(json_object_get(object, "value")), "caf\xc3\xa9");
    cr_assert_eq(json_integer_value(json_object_get(object, "n")), 9007199254740991);
    cr_assert_str_eq(json_string_value(json_object_get(object, "level")), "warn");
    json_decref(object);
}

Test(log, lines_fit_a_pipe_and_long_json_stays_json)
{
    char *longest = ez_alloc(100000, 1);
    memset(longest, '\x01', 99999);
    ez_log_field fields[8];
    for (size_t i = 0; i < 8; i++) {
        fields[i] = EZ_LOG_TEXT("key", longest);
    }
    fields[7] = EZ_LOG_U64("last", 1);
    const char *text = format(EZ_LOG_STYLE_TEXT, fields, 8);
    cr_assert_eq(strlen(text), EZ_LOG_LINE_BYTES_MAX);
    cr_assert_eq(text[EZ_LOG_LINE_BYTES_MAX - 1], '\n');
    for (size_t i = 0; i < 7; i++) {
        static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g"};
        fields[i].key = keys[i];
    }
    text = format(EZ_LOG_STYLE_JSON, fields, 8);
    cr_assert_leq(strlen(text), EZ_LOG_LINE_BYTES_MAX);
    json_decref(parse(text));
    free(longest);
}

Test(log, a_name_has_a_burst_and_then_its_rate)
{
    ez_log_limit *limit = ez_alloc(1, sizeof *limit);
    uint64_t suppressed;
    for (int i = 0; i < EZ_LOG_BURST; i++) {
        cr_assert(ez_log_limit_take(limit, &suppressed, "name", 1000));
        cr_assert_eq(suppressed, 0);
    }
    cr_assert_not(ez_log_limit_take(limit, &suppressed, "name", 1000));
    cr_assert_not(ez_log_limit_take(limit, &suppressed, "name", 1049));
    cr_assert(ez_log_limit_take(limit, &suppressed, "name", 1050));
    cr_assert_eq(suppressed, 2, "the next line tells what was left out");
    cr_assert_not(ez_log_limit_take(limit, &suppressed, "name", 1050));
    for (int i = 0; i < EZ_LOG_BURST; i++) {
        cr_assert(ez_log_limit_take(limit, &suppressed, "name", 100000));
    }
    cr_assert_not(ez_log_limit_take(limit, &suppressed, "name", 100000));
    free(limit);
}

Test(log, names_do_not_share_a_budget_until_there_are_too_many)
{
    static char names[EZ_LOG_NAMES_MAX + 2][4];
    ez_log_limit *limit = ez_alloc(1, sizeof *limit);
    uint64_t suppressed;
    for (int i = 0; i < EZ_LOG_NAMES_MAX + 2; i++) {
        cr_assert(ez_log_limit_take(limit, &suppressed, names[i], 1));
    }
    for (int i = 0; i < EZ_LOG_BURST - 1; i++) {
        cr_assert(ez_log_limit_take(limit, &suppressed, names[0], 1));
    }
    cr_assert_not(ez_log_limit_take(limit, &suppressed, names[0], 1));
    cr_assert(ez_log_limit_take(limit, &suppressed, names[1], 1));
    for (int i = 0; i < EZ_LOG_BURST - 2; i++) {
        cr_assert(ez_log_limit_take(limit, &suppressed, names[EZ_LOG_NAMES_MAX], 1));
    }
    cr_assert_not(ez_log_limit_take(limit, &suppressed, names[EZ_LOG_NAMES_MAX + 1], 1));
    free(limit);
}

static size_t count_lines(const char *path)
{
    size_t count = 0;
    FILE *file = fopen(path, "re");
    cr_assert_not_null(file);
    for (int c; (c = fgetc(file)) != EOF;) {
        count += c == '\n';
    }
    fclose(file);
    return count;
}

Test(log, reopening_follows_the_name)
{
    char folder[] = "/tmp/ezp2p-log-XXXXXX", path[64], moved[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(moved, sizeof moved, "%s/log.1", folder);
    ez_log_sink *sink;
    cr_assert_eq(ez_log_sink_new(&sink, EZ_LOG_INFO, EZ_LOG_STYLE_TEXT, path, -1), EZ_OK);
    const ez_log *log = ez_log_sink_log(sink);
    ez_log_emit(log, EZ_LOG_INFO, "one", EZ_LOG_U64("n", 1));
    ez_log_emit(log, EZ_LOG_DEBUG, "not-shown", EZ_LOG_U64("n", 1));
    cr_assert_eq(rename(path, moved), 0);
    ez_log_emit(log, EZ_LOG_INFO, "two", EZ_LOG_U64("n", 1));
    cr_assert_eq(ez_log_sink_reopen(sink), EZ_OK);
    ez_log_emit(log, EZ_LOG_INFO, "three", EZ_LOG_U64("n", 1));
    cr_assert_eq(count_lines(moved), 2);
    cr_assert_eq(count_lines(path), 1);
    ez_log_sink_free(sink);
    ez_log_sink_free(NULL);
    unlink(path);
    unlink(moved);
    rmdir(folder);
}

Test(log, a_file_that_cannot_be_opened_is_an_error)
{
    ez_log_sink *sink;
    cr_assert_eq(ez_log_sink_new(&sink, EZ_LOG_INFO, EZ_LOG_STYLE_TEXT, "/nowhere/log", -1),
                 EZ_ERR_IO);
    cr_assert_null(sink);
}

Test(log, a_reader_that_does_not_read_loses_lines_and_is_told)
{
    int fds[2];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    cr_assert_eq(pipe(fds), 0);
    ez_log_sink *sink;
    cr_assert_eq(ez_log_sink_new(&sink, EZ_LOG_INFO, EZ_LOG_STYLE_TEXT, NULL, fds[1]), EZ_OK);
    const ez_log *log = ez_log_sink_log(sink);
    char value[1000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 900; i++) { /* more than the 64 KiB that a pipe holds; must not block */
        ez_log_emit(log, EZ_LOG_INFO, names[i % 10], EZ_LOG_TEXT("v", value));
    }
    cr_assert_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    char *all = ez_alloc(1 << 20, 1);
    cr_assert_gt(read(fds[0], all, (1 << 20) - 1), 0);
    ez_log_emit(log, EZ_LOG_INFO, "later", EZ_LOG_U64("n", 1));
    ssize_t size = read(fds[0], all, (1 << 20) - 1);
    cr_assert_gt(size, 0);
    all[size] = '\0';
    cr_assert_not_null(strstr(all, "log-lost"));
    cr_assert_not_null(strstr(all, "later"));
    ez_log_sink_free(sink);
    close(fds[0]);
    close(fds[1]);
    free(all);
}

Test(log, what_the_limit_left_out_is_told_at_the_latest_at_the_end)
{
    char path[] = "/tmp/ezp2p-log-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    ez_log_sink *sink;
    cr_assert_eq(ez_log_sink_new(&sink, EZ_LOG_INFO, EZ_LOG_STYLE_TEXT, NULL, fd), EZ_OK);
    for (int i = 0; i < 10 * EZ_LOG_BURST; i++) {
        ez_log_emit(ez_log_sink_log(sink), EZ_LOG_INFO, "often", EZ_LOG_U64("n", 1));
    }
    ez_log_sink_free(sink);
    size_t lines = count_lines(path);
    cr_assert_geq(lines, EZ_LOG_BURST + 1);
    cr_assert_lt(lines, 10 * EZ_LOG_BURST);
    close(fd);
    unlink(path);
}
