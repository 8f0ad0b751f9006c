#include "log_sink_internal.h"

#include "ezp2p/base/text.h"
#include "ezp2p/chain/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define VALUE_BYTES_MAX 1024 /* of one value, escaped */

static const char *level_name(ez_log_level level)
{
    switch (level) {
    case EZ_LOG_ERROR:
        return "error";
    case EZ_LOG_WARN:
        return "warn";
    case EZ_LOG_INFO:
        return "info";
    case EZ_LOG_DEBUG:
        return "debug";
    case EZ_LOG_TRACE:
        return "trace";
    }
    return "unknown";
}

static void add_time(ez_buffer *out, ez_wall_us wall)
{
    time_t seconds = (time_t)(wall / 1000000);
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    ez_buffer_printf(out, "%s.%06uZ", text, (unsigned)(wall % 1000000));
}

/* ---- text -------------------------------------------------------------------------------- */

static void add_text_value(ez_buffer *out, const ez_log_field *field)
{
    switch (field->kind) {
    case EZ_LOG_KIND_U64:
        ez_buffer_printf(out, "%" PRIu64, field->number);
        return;
    case EZ_LOG_KIND_HASH:
        ez_buffer_add_text(out, ez_hash_text(field->pointer).text);
        return;
    case EZ_LOG_KIND_TEXT:
        break;
    }
    const char *text = field->pointer != NULL ? field->pointer : "";
    char escaped[VALUE_BYTES_MAX];
    ez_text_escape(escaped, sizeof escaped, text, strlen(text));
    bool is_plain = escaped[0] != '\0' && strpbrk(escaped, " =\\\"") == NULL;
    ez_buffer_printf(out, is_plain ? "%s" : "\"%s\"", escaped);
}

static void format_text(ez_buffer *out, ez_wall_us wall, ez_log_level level, const char *event,
                        const ez_log_field *fields, size_t field_count)
{
    add_time(out, wall);
    ez_buffer_printf(out, " %-5s %s", level_name(level), event);
    for (size_t i = 0; i < field_count; i++) {
        ez_buffer_printf(out, " %s=", fields[i].key);
        add_text_value(out, &fields[i]);
    }
}

/* ---- JSON -------------------------------------------------------------------------------- */

/* Clean UTF-8 stays readable; anything else is shown escaped, as it is in text. */
static void add_json_text(ez_buffer *out, const char *text)
{
    size_t size = strlen(text);
    char escaped[VALUE_BYTES_MAX];
    if (size < sizeof escaped / 6 && ez_utf8_is_clean(text, size)) {
        ez_json_add_string(out, text, size);
    } else {
        ez_text_escape(escaped, sizeof escaped, text, size);
        ez_json_add_string(out, escaped, strlen(escaped));
    }
}

static void add_json_value(ez_buffer *out, const ez_log_field *field)
{
    switch (field->kind) {
    case EZ_LOG_KIND_U64:
        ez_buffer_printf(out, "%" PRIu64, field->number);
        return;
    case EZ_LOG_KIND_HASH:
        ez_buffer_printf(out, "\"%s\"", ez_hash_text(field->pointer).text);
        return;
    case EZ_LOG_KIND_TEXT:
        add_json_text(out, field->pointer != NULL ? field->pointer : "");
        return;
    }
}

static void format_json(ez_buffer *out, ez_wall_us wall, ez_log_level level, const char *event,
                        const ez_log_field *fields, size_t field_count)
{
    ez_buffer_add_text(out, "{\"time\":\"");
    add_time(out, wall);
    ez_buffer_printf(out, "\",\"level\":\"%s\",\"event\":\"%s\"", level_name(level), event);
    for (size_t i = 0; i < field_count; i++) {
        size_t before = out->size;
        ez_buffer_printf(out, ",\"%s\":", fields[i].key);
        add_json_value(out, &fields[i]);
        if (out->size + 2 > EZ_LOG_LINE_BYTES_MAX) {
            out->size = before; /* a cut object would be no JSON: leave the field out */
        }
    }
    ez_buffer_add_text(out, "}");
}

void ez_log_format(ez_buffer *out, ez_log_style style, ez_wall_us wall, ez_log_level level,
                   const char *event, const ez_log_field *fields, size_t field_count)
{
    out->size = 0;
    switch (style) {
    case EZ_LOG_STYLE_TEXT:
        format_text(out, wall, level, event, fields, field_count);
        break;
    case EZ_LOG_STYLE_JSON:
        format_json(out, wall, level, event, fields, field_count);
        break;
    }
    if (out->size >= EZ_LOG_LINE_BYTES_MAX) {
        out->size = EZ_LOG_LINE_BYTES_MAX - 1;
    }
    ez_buffer_add_text(out, "\n");
}
