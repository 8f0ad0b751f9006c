/* The log as an interface: the core and the adapters name an event and its fields; who writes them
 * where, in which format and how often is decided in app. Values are escaped by the sink, so
 * untrusted text may be passed as it came.
 *
 *     ez_log_emit(log, EZ_LOG_INFO, "tip", EZ_LOG_U64("height", 7), EZ_LOG_HASH("id", id.bytes));
 */
#ifndef EZP2P_BASE_LOG_H
#define EZP2P_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ez_log_level {
    EZ_LOG_ERROR,
    EZ_LOG_WARN,
    EZ_LOG_INFO,
    EZ_LOG_DEBUG,
    EZ_LOG_TRACE,
} ez_log_level;

typedef enum ez_log_kind { EZ_LOG_KIND_TEXT, EZ_LOG_KIND_U64, EZ_LOG_KIND_HASH } ez_log_kind;

typedef struct ez_log_field {
    const char *key; /* static, lower case with underscores */
    ez_log_kind kind;
    uint64_t number;
    const void *pointer; /* a string, or 32 bytes for EZ_LOG_KIND_HASH; borrowed for the call */
} ez_log_field;

#define EZ_LOG_TEXT(key_, text_)  ((ez_log_field){(key_), EZ_LOG_KIND_TEXT, 0, (text_)})
#define EZ_LOG_U64(key_, value_)  ((ez_log_field){(key_), EZ_LOG_KIND_U64, (value_), NULL})
#define EZ_LOG_HASH(key_, bytes_) ((ez_log_field){(key_), EZ_LOG_KIND_HASH, 0, (bytes_)})

typedef struct ez_log {
    void *self;
    ez_log_level level; /* events above it are not formatted */
    /* event: static string; it is also the key of the rate limit. Callable from any thread. */
    void (*write)(void *self, ez_log_level level, const char *event, const ez_log_field *fields,
                  size_t field_count);
} ez_log;

/* ez_log_write: hand an event to the sink when its level is on; a NULL log is silent. */
void ez_log_write(const ez_log *log, ez_log_level level, const char *event,
                  const ez_log_field *fields, size_t field_count);

#define ez_log_emit(log_, level_, event_, ...)                                                     \
    ez_log_write((log_), (level_), (event_), (const ez_log_field[]){__VA_ARGS__},                  \
                 sizeof((const ez_log_field[]){__VA_ARGS__}) / sizeof(ez_log_field))

#endif
