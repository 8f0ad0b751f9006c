#include "recording.h"

#include <errno.h>

static void note_failure(ez_file_recording *recording)
{
    if (!recording->failed) {
        recording->failed = true;
        recording->error = errno;
    }
}

static bool append(void *self, const void *data, size_t size)
{
    ez_file_recording *recording = self;
    if (recording->failed || fwrite(data, 1, size, recording->file) != size) {
        note_failure(recording);
    }
    return !recording->failed;
}

static void close_file(ez_file_recording *recording)
{
    if (recording->file != NULL && fclose(recording->file) != 0) {
        note_failure(recording);
    }
    recording->file = NULL;
}

static bool open_next(void *self, size_t host, ez_record_sink *out)
{
    ez_file_recording *recording = self;
    char path[4096];
    if (host != recording->host) {
        return false;
    }
    close_file(recording);
    int size = ++recording->lives == 1
                   ? snprintf(path, sizeof path, "%s", recording->path)
                   : snprintf(path, sizeof path, "%s.%u", recording->path, recording->lives);
    errno = ENAMETOOLONG;
    recording->file = size < (int)sizeof path ? fopen(path, "wb") : NULL;
    if (recording->file == NULL) {
        note_failure(recording);
    }
    *out = (ez_record_sink){recording, append};
    return true;
}

void ez_file_recording_init(ez_file_recording *out, size_t host, const char *path)
{
    *out = (ez_file_recording){.host = host, .path = path};
    out->recording = (ez_recording){out, open_next};
}

ez_status ez_file_recording_close(ez_file_recording *recording)
{
    close_file(recording);
    errno = recording->error;
    return recording->failed ? EZ_ERR_IO : EZ_OK;
}
