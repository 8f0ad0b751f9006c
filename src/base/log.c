#include "ezp2p/base/log.h"

void ez_log_write(const ez_log *log, ez_log_level level, const char *event,
                  const ez_log_field *fields, size_t field_count)
{
    if (log == NULL || level > log->level) {
        return;
    }
    log->write(log->self, level, event, fields, field_count);
}
