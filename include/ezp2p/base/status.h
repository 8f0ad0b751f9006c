/* Status codes for "the world failed": disk, descriptors, configuration, memory limits.
 *
 * Three kinds of trouble travel in three lanes and never mix: our own bugs abort through EZ_ASSERT,
 * failures of the world come back as an ez_status, and what a peer did wrong becomes a verdict with
 * a reason (see chain/rule.h and gossip/message.h), never a status.
 */
#ifndef EZP2P_BASE_STATUS_H
#define EZP2P_BASE_STATUS_H

#define EZ_MUST_USE __attribute__((warn_unused_result))

typedef enum ez_status {
    EZ_OK = 0,
    EZ_ERR_IO,          /* a read, write or sync failed; errno or the log line says which */
    EZ_ERR_CORRUPT,     /* stored data contradicts itself */
    EZ_ERR_IN_USE,      /* address or data directory held by another process */
    EZ_ERR_CONFIG,      /* an option, key or value that cannot be used */
    EZ_ERR_LIMIT,       /* a bound of base/limits.h would be exceeded */
    EZ_ERR_NOT_FOUND,   /* no such object */
    EZ_ERR_MALFORMED,   /* text or bytes that do not parse */
    EZ_ERR_UNSUPPORTED, /* a version newer than this program */
} ez_status;

/* ez_status_text: name a status in words for a log line or an error message.
 *   returns  a static string, never NULL
 */
const char *ez_status_text(ez_status status);

#endif
