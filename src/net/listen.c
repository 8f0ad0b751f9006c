#include "driver_internal.h"

#include "ezp2p/base/assert.h"
#include "ezp2p/base/limits.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool ez_endpoint_from_sockaddr(ez_endpoint *out, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        memcpy(out->ip, mapped_prefix, sizeof mapped_prefix);
        memcpy(out->ip + sizeof mapped_prefix, &v4.sin_addr, 4);
        out->port = ntohs(v4.sin_port);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        memcpy(out->ip, &v6.sin6_addr, 16);
        out->port = ntohs(v6.sin6_port);
        return true;
    }
    return false;
}

unsigned ez_endpoint_to_sockaddr(struct sockaddr_storage *out, const ez_endpoint *endpoint)
{
    memset(out, 0, sizeof *out);
    if (memcmp(endpoint->ip, mapped_prefix, sizeof mapped_prefix) == 0) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
        memcpy(&v4.sin_addr, endpoint->ip + sizeof mapped_prefix, 4);
        memcpy(out, &v4, sizeof v4);
        return sizeof v4;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    memcpy(&v6.sin6_addr, endpoint->ip, 16);
    memcpy(out, &v6, sizeof v6);
    return sizeof v6;
}

/* Stop accepting for a while: with no descriptor left, the waiting connection would keep the
 * listener readable and the loop spinning. */
static void pause_listener(ez_driver *driver)
{
    struct timeval delay = {.tv_sec = driver->tuning.pause_ms / 1000,
                            .tv_usec = (driver->tuning.pause_ms % 1000) * 1000};
    driver->listener_paused = true;
    int failed = event_add(driver->listen_timer, &delay);
    EZ_ASSERT(failed == 0);
    ez_listen_update(driver);
}

void ez_listen_resume(ez_driver *driver)
{
    driver->listener_paused = false;
    ez_listen_update(driver);
}

/* The system hands out the lowest free descriptor, so its number says how many are taken. */
static bool is_spare(const ez_driver *driver, int descriptor)
{
    return descriptor >= driver->tuning.descriptor_max - EZ_SPARE_DESCRIPTORS;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t descriptor,
                      struct sockaddr *address, int size, void *self)
{
    (void)listener;
    (void)size;
    ez_driver *driver = self;
    ez_endpoint remote;
    ez_driver_hold(driver);
    if (is_spare(driver, descriptor)) {
        driver->stats.refused++;
        close(descriptor);
        ez_log_emit(driver->config.log, EZ_LOG_WARN, "accept_paused",
                    EZ_LOG_TEXT("reason", "only the spare descriptors are left"));
        pause_listener(driver);
    } else if (!ez_endpoint_from_sockaddr(&remote, address)) {
        driver->stats.refused++;
        close(descriptor);
    } else {
        driver->stats.accepted++;
        ez_links_add(driver, descriptor, &remote, 0);
        ez_listen_update(driver);
    }
    ez_driver_release(driver);
}

static void on_accept_error(struct evconnlistener *listener, void *self)
{
    (void)listener;
    ez_driver *driver = self;
    int error = errno;
    driver->stats.refused++;
    ez_log_emit(driver->config.log, EZ_LOG_WARN, "accept_paused",
                EZ_LOG_TEXT("reason", strerror(error)));
    pause_listener(driver);
}

ez_status ez_listen_new(ez_driver *driver)
{
    struct sockaddr_storage address;
    unsigned size = ez_endpoint_to_sockaddr(&address, &driver->config.listen);
    driver->listener = evconnlistener_new_bind(
        driver->config.base, on_accept, driver,
        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE | LEV_OPT_DISABLED,
        BACKLOG, (const struct sockaddr *)&address, (int)size);
    if (driver->listener == NULL) {
        return errno == EADDRINUSE ? EZ_ERR_IN_USE : EZ_ERR_IO;
    }
    evconnlistener_set_error_cb(driver->listener, on_accept_error);
    return EZ_OK;
}

void ez_listen_update(ez_driver *driver)
{
    if (driver->listener == NULL) {
        return;
    }
    bool has_room = driver->links.inbound < driver->config.inbound_max;
    if (driver->started && has_room && !driver->listener_paused) {
        evconnlistener_enable(driver->listener);
    } else {
        evconnlistener_disable(driver->listener);
    }
}

bool ez_driver_listening(const ez_driver *driver, ez_endpoint *out)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    return driver->listener != NULL &&
           getsockname(evconnlistener_get_fd(driver->listener), (struct sockaddr *)&address,
                       &size) == 0 &&
           ez_endpoint_from_sockaddr(out, (const struct sockaddr *)&address);
}

void ez_listen_free(ez_driver *driver)
{
    if (driver->listener != NULL) {
        evconnlistener_free(driver->listener);
        driver->listener = NULL;
    }
}
