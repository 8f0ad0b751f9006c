/* Where log events go: lines on standard error or in a file, as text or JSON.
 *
 * What peers wrote may stand in any value: it is escaped, so that it can neither start a line of
 * its own nor steer a terminal. Each event name has a budget, so that no peer can fill a disk;
 * what it cost is told by the next line of that name. A reader that does not read its pipe loses
 * lines and never holds up the node.
 */
#ifndef EZP2P_APP_LOG_SINK_INTERNAL_H
#define EZP2P_APP_LOG_SINK_INTERNAL_H

#include "ezp2p/base/buffer.h"
#include "ezp2p/base/log.h"
#include "ezp2p/base/status.h"
#include "ezp2p/base/time.h"
#include "options_internal.h"

#define EZ_LOG_LINE_BYTES_MAX 4096 /* PIPE_BUF: what a pipe takes whole */

/* Lines of one name at once, and how many more a second. */
#define EZ_LOG_BURST      100
#define EZ_LOG_PER_SECOND 20
#define EZ_LOG_NAMES_MAX  256 /* event names with a budget of their own; the rest share one */

/* ---- log_format.c: one line, the newline included -------------------------------------------- */

void ez_log_format(ez_buffer *out, ez_log_style style, ez_wall_us wall, ez_log_level level,
                   const char *event, const ez_log_field *fields, size_t field_count);

/* ---- log_limit.c ----------------------------------------------------------------------------- */

typedef struct ez_log_budget {
    const char *event; /* static string, compared by address; NULL: a free place */
    uint64_t milli;    /* thousandths of a line that may be written */
    ez_time_ms since;
    uint64_t suppressed;
} ez_log_budget;

typedef struct ez_log_limit {
    ez_log_budget names[EZ_LOG_NAMES_MAX];
    ez_log_budget rest;
} ez_log_limit;

/* ez_log_limit_take: whether a line of this name may be written now.
 *   suppressed  set when true: how many were not written since the last that was */
bool ez_log_limit_take(ez_log_limit *limit, uint64_t *suppressed, const char *event,
                       ez_time_ms now);

/* ---- log_sink.c ------------------------------------------------------------------------------ */

typedef struct ez_log_sink ez_log_sink;

/* ez_log_sink_new: write to `path`, or to descriptor `fd` (not closed) when path is NULL.
 *   returns  EZ_ERR_IO when the file cannot be opened; errno says why */
EZ_MUST_USE ez_status ez_log_sink_new(ez_log_sink **out, ez_log_level level, ez_log_style style,
                                      const char *path, int fd);

/* ez_log_sink_log: the interface to hand around; borrowed. Any thread may write to it. */
const ez_log *ez_log_sink_log(const ez_log_sink *sink);

/* ez_log_sink_reopen: open the file by its name again, after somebody moved it away. When that
 * fails the old one is kept. */
EZ_MUST_USE ez_status ez_log_sink_reopen(ez_log_sink *sink);

void ez_log_sink_free(ez_log_sink *sink); /* NULL is fine */

#endif
