/* A program on libevent that only listens: the floor beside which the benchmark `start` puts the
 * node. It accepts connections on a free loopback port and says so to NOTIFY_SOCKET, as the node
 * does; then it runs until it is ended.
 *
 *     listener NOTIFY_SOCKET
 */
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int size, void *self)
{
    (void)listener;
    (void)from;
    (void)size;
    (void)self;
    close(fd);
}

static int tell(const char *address)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(address);
    if (length >= sizeof to.sun_path) {
        return -1;
    }
    memcpy(to.sun_path, address, length);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent = sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr *)&to, size);
    close(fd);
    return sent == 7 ? 0 : -1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: listener NOTIFY_SOCKET\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct event_base *base = event_base_new();
    struct evconnlistener *listener =
        base == NULL ? NULL
                     : evconnlistener_new_bind(base, on_accept, NULL,
                                               LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1,
                                               (struct sockaddr *)&address, sizeof address);
    if (listener == NULL || tell(argv[1]) != 0) {
        perror("listener");
        return 1;
    }
    return event_base_dispatch(base) < 0;
}
