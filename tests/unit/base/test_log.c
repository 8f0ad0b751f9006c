#include "ezp2p/base/log.h"
#include "ezp2p/base/status.h"

#include <criterion/criterion.h>
#include <stdio.h>

typedef struct recorder {
    unsigned calls;
    ez_log_level level;
    char event[16];
    char text[16];
    uint64_t number;
    size_t field_count;
} recorder;

static void record(void *self, ez_log_level level, const char *event, const ez_log_field *fields,
                   size_t field_count)
{
    recorder *seen = self;
    seen->calls++;
    seen->level = level;
    seen->field_count = field_count;
    snprintf(seen->event, sizeof seen->event, "%s", event);
    if (field_count == 2) {
        snprintf(seen->text, sizeof seen->text, "%s", (const char *)fields[0].pointer);
        seen->number = fields[1].number;
    }
}

Test(log, an_event_reaches_the_sink_with_its_fields)
{
    recorder seen = {0};
    ez_log log = {.self = &seen, .level = EZ_LOG_INFO, .write = record};
    ez_log_emit(&log, EZ_LOG_WARN, "tip", EZ_LOG_TEXT("who", "me"), EZ_LOG_U64("height", 7));
    cr_expect(seen.calls == 1 && seen.level == EZ_LOG_WARN && seen.field_count == 2);
    cr_expect_str_eq(seen.event, "tip");
    cr_expect_str_eq(seen.text, "me");
    cr_expect(seen.number == 7);
}

Test(log, levels_above_the_limit_are_dropped)
{
    recorder seen = {0};
    ez_log log = {.self = &seen, .level = EZ_LOG_INFO, .write = record};
    ez_log_write(&log, EZ_LOG_INFO, "at", NULL, 0);
    cr_expect(seen.calls == 1);
    ez_log_write(&log, EZ_LOG_DEBUG, "above", NULL, 0);
    cr_expect(seen.calls == 1);
    cr_expect_str_eq(seen.event, "at");
}

Test(log, no_log_is_silent)
{
    ez_log_emit(NULL, EZ_LOG_ERROR, "nobody", EZ_LOG_U64("n", 1));
}

Test(status, every_code_has_words_of_its_own)
{
    for (int a = EZ_OK; a <= EZ_ERR_UNSUPPORTED; a++) {
        const char *text = ez_status_text((ez_status)a);
        cr_assert(text != NULL && text[0] != '\0');
        cr_expect_str_neq(text, ez_status_text((ez_status)99));
        for (int b = EZ_OK; b < a; b++) {
            cr_expect_str_neq(text, ez_status_text((ez_status)b));
        }
    }
}
