/* The files of --record: FILE is being written, FILE.1 is the one before it, and so on.
 *
 * The file is mapped and written as memory, a window at a time that was allocated on the disk
 * before: a record is in it the moment it is made, without a system call, and stays there however
 * the process ends; only when the machine itself loses power is the end missing. When the disk
 * falls behind, the kernel makes the writer wait: nothing is ever left out.
 *
 * Together the files stay within the size given: half of it is for FILE, the other half for those
 * before it, of which the oldest go first. Files are mode 0600: what peers and clients sent is in
 * them.
 */
#ifndef EZP2P_APP_RECORD_FILE_INTERNAL_H
#define EZP2P_APP_RECORD_FILE_INTERNAL_H

#include "ezp2p/base/log.h"
#include "ezp2p/base/status.h"
#include "ezp2p/record/recorder.h"

typedef struct ez_record_file ez_record_file;

/* ez_record_file_open: move what is there one number up, drop what no longer fits, begin FILE.
 *   returns  EZ_ERR_IN_USE when another process records there, EZ_ERR_CONFIG when a file of one of
 *            the names is no record (it is left alone), else EZ_ERR_IO; logged; *out NULL then
 *   log      must outlive the file */
EZ_MUST_USE ez_status ez_record_file_open(ez_record_file **out, const char *path,
                                          uint64_t bytes_max, const ez_log *log);

/* ez_record_file_sink: takes records until no room is left or the disk fails, which is logged. */
ez_record_sink ez_record_file_sink(ez_record_file *file);

/* ez_record_file_is_full: time to begin the next file; there still is room to wind up. */
bool ez_record_file_is_full(const ez_record_file *file);

/* ez_record_file_is_crowded: the start alone took so much that files would follow each other with
 * little in them. */
bool ez_record_file_is_crowded(const ez_record_file *file);

/* ez_record_file_close: cut the file to what was written; NULL is fine. */
void ez_record_file_close(ez_record_file *file);

#endif
