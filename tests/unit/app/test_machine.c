/* What the application asks of the system around it: descriptors, the service manager, signals. */
#include "exit_code_internal.h"
#include "notify_internal.h"
#include "resources_internal.h"

#include "ezp2p/base/limits.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

Test(descriptors, enough_of_them_change_nothing)
{
    ez_descriptor_plan plan;
    ez_descriptors_plan(&plan, UINT64_MAX, 8, 64, true);
    cr_assert_eq(plan.inbound, 64);
    cr_assert_gt(plan.inbound_open, 64);
    uint64_t needed = plan.needed;
    ez_descriptors_plan(&plan, needed, 8, 64, true);
    cr_assert_eq(plan.inbound, 64);
}

Test(descriptors, fewer_mean_fewer_inbound_peers_and_never_more_than_there_are)
{
    ez_descriptor_plan plan;
    uint32_t last = 0;
    for (uint64_t limit = 0; limit < 2000; limit++) {
        ez_descriptors_plan(&plan, limit, 8, 1024, true);
        cr_assert_leq(plan.inbound, plan.inbound_open);
        cr_assert_geq(plan.inbound, last, "at limit %llu", (unsigned long long)limit);
        cr_assert_leq(plan.inbound, 1024);
        cr_assert(plan.inbound_open == 0 || plan.inbound_open + EZ_SPARE_DESCRIPTORS + 8 <= limit);
        last = plan.inbound;
    }
    cr_assert_eq(last, 1024);
    ez_descriptors_plan(&plan, 10, 8, 64, true);
    cr_assert_eq(plan.inbound, 0);
    cr_assert_eq(plan.inbound_open, 0);
}

Test(descriptors, a_node_that_does_not_listen_needs_none_for_inbound_peers)
{
    ez_descriptor_plan plan, other;
    ez_descriptors_plan(&plan, UINT64_MAX, 8, 0, false);
    cr_assert_eq(plan.inbound_open, 0);
    ez_descriptors_plan(&other, UINT64_MAX, 8, 1, false);
    cr_assert_gt(other.needed, plan.needed);
}

Test(machine, process_metrics_are_those_of_this_process)
{
    ez_buffer out = {0};
    ez_process_metrics(&out);
    ez_buffer_add_u8(&out, 0);
    const char *text = (const char *)out.data;
    const char *rss = strstr(text, "\nprocess_resident_memory_bytes ");
    const char *fds = strstr(text, "\nprocess_open_fds ");
    cr_assert_not_null(rss);
    cr_assert_not_null(fds);
    cr_assert_gt(strtoull(rss + 31, NULL, 10), 100000);
    cr_assert_geq(strtoull(fds + 18, NULL, 10), 1);
    ez_buffer_clear(&out);
    cr_assert_geq(ez_resources_cores(), 1);
}

Test(machine, exit_codes_are_those_of_the_manual)
{
    cr_assert_eq(ez_exit_code_of(EZ_OK), 0);
    cr_assert_eq(ez_exit_code_of(EZ_ERR_IO), 1);
    cr_assert_eq(ez_exit_code_of(EZ_ERR_UNSUPPORTED), 1);
    cr_assert_eq(ez_exit_code_of(EZ_ERR_CONFIG), 2);
    cr_assert_eq(ez_exit_code_of(EZ_ERR_CORRUPT), 4);
    cr_assert_eq(ez_exit_code_of(EZ_ERR_IN_USE), 5);
}

/* Binds `address` as a service manager would, sends to it and checks what arrives. */
static void check_notify(const char *address)
{
    struct sockaddr_un own = {.sun_family = AF_UNIX};
    memcpy(own.sun_path, address, strlen(address));
    if (address[0] == '@') {
        own.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address));
    cr_assert_eq(bind(fd, (const struct sockaddr *)&own, size), 0);
    cr_assert_eq(ez_notify_send(address, "READY=1"), EZ_OK);
    char got[32] = {0};
    cr_assert_eq(recv(fd, got, sizeof got - 1, 0), 7);
    cr_assert_str_eq(got, "READY=1");
    close(fd);
}

Test(notify, tells_a_socket_in_the_file_system_and_an_abstract_one)
{
    char folder[] = "/tmp/ezp2p-notify-XXXXXX", address[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(address, sizeof address, "%s/socket", folder);
    check_notify(address);
    unlink(address);
    rmdir(folder);
    snprintf(address, sizeof address, "@ezp2p-test-%ld", (long)getpid());
    check_notify(address);
}

Test(notify, nobody_to_tell_is_no_error_and_a_wrong_address_is_one)
{
    cr_assert_eq(ez_notify_send(NULL, "READY=1"), EZ_OK);
    cr_assert_eq(ez_notify_send("", "READY=1"), EZ_ERR_MALFORMED);
    cr_assert_eq(ez_notify_send("@", "READY=1"), EZ_ERR_MALFORMED);
    cr_assert_eq(ez_notify_send("relative", "READY=1"), EZ_ERR_MALFORMED);
    cr_assert_eq(ez_notify_send("/nowhere/socket", "READY=1"), EZ_ERR_IO);
    char longest[sizeof((struct sockaddr_un *)0)->sun_path + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    cr_assert_eq(ez_notify_send(longest, "READY=1"), EZ_ERR_MALFORMED);
    longest[sizeof longest - 2] = '\0'; /* as long as the address holds: nobody there, but sent */
    cr_assert_eq(ez_notify_send(longest, "READY=1"), EZ_ERR_IO);
}
