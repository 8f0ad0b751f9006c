#include "notify_internal.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

ez_status ez_notify_send(const char *address, const char *text)
{
    if (address == NULL) {
        return EZ_OK;
    }
    struct sockaddr_un target = {.sun_family = AF_UNIX};
    size_t size = strlen(address);
    if ((address[0] != '/' && address[0] != '@') || size < 2 || size > sizeof target.sun_path) {
        return EZ_ERR_MALFORMED;
    }
    memcpy(target.sun_path, address, size);
    if (address[0] == '@') {
        target.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return EZ_ERR_IO;
    }
    socklen_t target_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    ssize_t sent =
        sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&target, target_size);
    close(fd);
    return sent == (ssize_t)strlen(text) ? EZ_OK : EZ_ERR_IO;
}
