/* Records of one host of a run, in files as ezp2p --record writes them. */
#ifndef EZP2P_SIMNET_RECORDING_H
#define EZP2P_SIMNET_RECORDING_H

#include "ezp2p/base/status.h"
#include "world.h"

#include <stdio.h>

/* The host's first life goes to `path`, the second to `path`.2, and so on. */
typedef struct ez_file_recording {
    ez_recording recording; /* for the world */
    size_t host;
    const char *path; /* borrowed */
    unsigned lives;
    FILE *file;
    bool failed; /* a file could not be written whole; errno is of the first failure */
    int error;
} ez_file_recording;

/* ez_file_recording_init: in the caller's storage, which must not move. */
void ez_file_recording_init(ez_file_recording *out, size_t host, const char *path);

/* ez_file_recording_close: after the world is gone.
 *   returns  EZ_ERR_IO when something is missing in the files, errno says why */
EZ_MUST_USE ez_status ez_file_recording_close(ez_file_recording *recording);

#endif
