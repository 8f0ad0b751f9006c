#include "ezp2p/base/alloc.h"
#include "ezp2p/base/limits.h"
#include "support_core.h"

#include <criterion/criterion.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static fake_core *new_started(void)
{
    fake_core *core = fake_new_listening();
    fake_start(core);
    return core;
}

static void turn_for_a_while(fake_core *core)
{
    for (unsigned i = 0; i < 20; i++) {
        fake_turn(core);
    }
}

/* ---- accepting ---------------------------------------------------------------------------- */

static ez_endpoint name_of(int peer)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    ez_endpoint endpoint;
    cr_assert_eq(getsockname(peer, (struct sockaddr *)&address, &size), 0);
    cr_assert(ez_endpoint_from_sockaddr(&endpoint, (const struct sockaddr *)&address));
    return endpoint;
}

Test(driver, accepted_link_comes_up_with_the_address_of_its_socket)
{
    fake_core *core = new_started();
    int peer = fake_connect(core);
    const seen_event *seen = fake_wait(core, EZ_EVENT_LINK_UP, 1);
    ez_endpoint expected = name_of(peer);
    cr_assert_eq(seen->number, 0);
    cr_assert_neq(seen->link.value, 0);
    cr_assert(ez_endpoint_is_equal(&seen->remote, &expected));
    close(peer);
    fake_free(core);
}

Test(driver, ipv6_is_accepted_too)
{
    ez_driver_config config = {.listening = true, .inbound_max = 1};
    cr_assert(ez_endpoint_parse(&config.listen, "[::1]:0"));
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_storage address;
    socklen_t size = ez_endpoint_to_sockaddr(&address, &config.listen);
    if (probe < 0 || bind(probe, (const struct sockaddr *)&address, size) != 0) {
        cr_skip_test("no IPv6 on this machine");
    }
    close(probe);
    fake_core *core = fake_new(&config);
    fake_start(core);
    int peer = fake_connect(core);
    ez_endpoint expected = name_of(peer);
    const seen_event *seen = fake_wait(core, EZ_EVENT_LINK_UP, 1);
    cr_assert(ez_endpoint_is_equal(&seen->remote, &expected));
    close(peer);
    fake_free(core);
}

Test(driver, an_address_in_use_is_told_apart)
{
    fake_core *core = fake_new_listening();
    ez_driver_config config = {.base = core->base, .listening = true, .worker_threads = 1};
    cr_assert(ez_driver_listening(core->driver, &config.listen));
    ez_driver *second;
    cr_assert_eq(ez_driver_new(&second, &config), EZ_ERR_IN_USE);
    cr_assert_null(second);
    cr_assert(ez_endpoint_parse(&config.listen, "192.0.2.1:1")); /* not an address of ours */
    cr_assert_eq(ez_driver_new(&second, &config), EZ_ERR_IO);
    fake_free(core);
}

Test(driver, nobody_is_accepted_before_the_start)
{
    fake_core *core = fake_new_listening();
    int peer = fake_connect(core); /* the kernel answers */
    turn_for_a_while(core);
    ez_driver_stats stats;
    ez_driver_get_stats(core->driver, &stats);
    cr_assert_eq(stats.accepted, 0);
    fake_start(core);
    fake_wait(core, EZ_EVENT_LINK_UP, 1);
    close(peer);
    fake_free(core);
}

Test(driver, listener_rests_at_the_cap_and_goes_on_when_a_link_is_gone)
{
    ez_driver_config config = {.listening = true, .inbound_max = 2};
    cr_assert(ez_endpoint_parse(&config.listen, "127.0.0.1:0"));
    fake_core *core = fake_new(&config);
    fake_start(core);
    int peers[3];
    for (unsigned i = 0; i < 3; i++) {
        peers[i] = fake_connect(core);
    }
    fake_wait(core, EZ_EVENT_LINK_UP, 2);
    turn_for_a_while(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_LINK_UP), 2);
    close(peers[0]);
    fake_wait(core, EZ_EVENT_LINK_UP, 3);
    close(peers[1]);
    close(peers[2]);
    fake_wait_links(core, 0);
    fake_free(core);
}

Test(driver, spare_descriptors_are_left_alone)
{
    fake_core *core = fake_new_listening();
    core->driver->tuning.descriptor_max = EZ_SPARE_DESCRIPTORS; /* none but the spare ones */
    core->driver->tuning.pause_ms = 1;
    fake_start(core);
    int refused = fake_connect(core);
    cr_assert(peer_is_at_end(core, refused));
    close(refused);
    ez_driver_stats stats;
    ez_driver_get_stats(core->driver, &stats);
    cr_assert_eq(stats.refused, 1);
    cr_assert_eq(stats.accepted, 0);
    core->driver->tuning.descriptor_max = 1024;
    int accepted = fake_connect(core);
    fake_wait(core, EZ_EVENT_LINK_UP, 1);
    close(accepted);
    fake_free(core);
}

Test(driver, accepting_pauses_when_the_process_has_no_descriptor_left)
{
    fake_core *core = fake_new_listening();
    core->driver->tuning.pause_ms = 3600000; /* it does not come back by itself */
    fake_start(core);
    int peer = fake_connect(core);
    struct rlimit before, none;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)peer + 1; /* the highest in use */
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    turn_for_a_while(core);
    ez_driver_stats stats;
    ez_driver_get_stats(core->driver, &stats);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(stats.refused, 1, "one failed accept, not one per turn of the loop");
    ez_listen_resume(core->driver); /* what the timer does */
    fake_wait(core, EZ_EVENT_LINK_UP, 1);
    close(peer);
    fake_free(core);
}

/* ---- dialling ----------------------------------------------------------------------------- */

/* A bound socket on 127.0.0.1; with a backlog of 0 or more it listens. */
static int bound_socket(ez_endpoint *endpoint, int backlog)
{
    struct sockaddr_storage address;
    cr_assert(ez_endpoint_parse(endpoint, "127.0.0.1:0"));
    socklen_t size = ez_endpoint_to_sockaddr(&address, endpoint);
    int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(out, (const struct sockaddr *)&address, size), 0);
    cr_assert(backlog < 0 || listen(out, backlog) == 0);
    *endpoint = name_of(out);
    return out;
}

static void dial(fake_core *core, uint64_t number, const char *host, uint16_t port)
{
    ez_effect effect = {.type = EZ_EFFECT_DIAL};
    effect.as.dial.dial = number;
    effect.as.dial.host = host;
    effect.as.dial.port = port;
    fake_effect(core, &effect);
    fake_poke(core);
}

Test(driver, a_dial_that_succeeds_brings_a_link_with_its_number)
{
    fake_core *core = new_started();
    ez_endpoint endpoint;
    int listener = bound_socket(&endpoint, 5);
    dial(core, 41, "127.0.0.1", endpoint.port);
    const seen_event *seen = fake_wait(core, EZ_EVENT_LINK_UP, 1);
    cr_assert_eq(seen->number, 41);
    cr_assert(ez_endpoint_is_equal(&seen->remote, &endpoint));
    ez_message ping = ping_of(5);
    fake_send(core, seen->link, &ping);
    fake_poke(core);
    int peer = accept(listener, NULL, NULL);
    ez_buffer frame = peer_receive_frame(core, peer);
    cr_assert_eq(frame.size, 11);
    ez_buffer_clear(&frame);
    close(peer);
    close(listener);
    fake_free(core);
}

Test(driver, a_refused_dial_fails)
{
    fake_core *core = new_started();
    ez_endpoint endpoint;
    int silent = bound_socket(&endpoint, -1);
    dial(core, 42, "127.0.0.1", endpoint.port);
    cr_assert_eq(fake_wait(core, EZ_EVENT_DIAL_FAILED, 1)->number, 42);
    cr_assert_eq(fake_count(core, EZ_EVENT_LINK_UP), 0);
    close(silent);
    fake_free(core);
}

Test(driver, a_dial_that_nobody_answers_fails_in_time)
{
    fake_core *core = fake_new_listening();
    core->driver->tuning.dial_timeout_ms = 30;
    fake_start(core);
    ez_endpoint endpoint;
    int full = bound_socket(&endpoint, 0);
    struct sockaddr_storage address;
    socklen_t size = ez_endpoint_to_sockaddr(&address, &endpoint);
    int fillers[4]; /* the backlog is full after these: the kernel drops what knocks */
    for (unsigned i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (const struct sockaddr *)&address, size);
    }
    dial(core, 43, "127.0.0.1", endpoint.port);
    cr_assert_eq(fake_wait(core, EZ_EVENT_DIAL_FAILED, 1)->number, 43);
    for (unsigned i = 0; i < 4; i++) {
        close(fillers[i]);
    }
    close(full);
    fake_free(core);
}

Test(driver, a_name_without_a_resolver_fails_after_the_effect)
{
    fake_core *core = new_started();
    dial(core, 44, "localhost", 1);
    cr_assert_eq(fake_wait(core, EZ_EVENT_DIAL_FAILED, 1)->number, 44);
    fake_free(core);
}

/* A core with a resolver that knows only a hosts file of these lines. */
static fake_core *new_with_hosts(struct evdns_base **dns, const char *lines)
{
    char path[] = "/tmp/ez-hosts-XXXXXX";
    int descriptor = mkstemp(path);
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(write(descriptor, lines, strlen(lines)), (ssize_t)strlen(lines));
    close(descriptor);
    struct event_base *base = event_base_new();
    *dns = evdns_base_new(base, 0);
    cr_assert_eq(evdns_base_load_hosts(*dns, path), 0);
    unlink(path);
    ez_driver_config config = {.base = base, .dns = *dns};
    fake_core *core = fake_new(&config);
    fake_start(core);
    return core;
}

Test(driver, the_addresses_of_a_name_are_tried_in_turn)
{
    struct evdns_base *dns;
    fake_core *core = new_with_hosts(&dns, "127.0.0.2 swarm\n127.0.0.1 swarm\n");
    ez_endpoint endpoint;
    int listener = bound_socket(&endpoint, 5); /* on 127.0.0.1 alone */
    dial(core, 45, "swarm", endpoint.port);
    const seen_event *seen = fake_wait(core, EZ_EVENT_LINK_UP, 1);
    cr_assert_eq(seen->number, 45);
    cr_assert(ez_endpoint_is_equal(&seen->remote, &endpoint));
    close(listener);
    evdns_base_free(dns, 0);
    fake_free(core);
}

Test(driver, a_name_whose_addresses_all_refuse_fails)
{
    struct evdns_base *dns;
    fake_core *core = new_with_hosts(&dns, "127.0.0.2 swarm\n127.0.0.1 swarm\n");
    ez_endpoint endpoint;
    int silent = bound_socket(&endpoint, -1);
    dial(core, 46, "swarm", endpoint.port);
    cr_assert_eq(fake_wait(core, EZ_EVENT_DIAL_FAILED, 1)->number, 46);
    close(silent);
    evdns_base_free(dns, 0);
    fake_free(core);
}

Test(driver, an_unanswered_look_up_fails_in_time)
{
    struct event_base *base = event_base_new();
    struct evdns_base *dns = evdns_base_new(base, 0);
    int mute = socket(AF_INET, SOCK_DGRAM, 0); /* a name server that says nothing */
    ez_endpoint endpoint;
    struct sockaddr_storage address;
    cr_assert(ez_endpoint_parse(&endpoint, "127.0.0.1:0"));
    socklen_t size = ez_endpoint_to_sockaddr(&address, &endpoint);
    cr_assert_eq(bind(mute, (const struct sockaddr *)&address, size), 0);
    ez_endpoint bound = name_of(mute);
    cr_assert_eq(evdns_base_nameserver_ip_add(dns, ez_endpoint_text(&bound).text), 0);
    ez_driver_config config = {.base = base, .dns = dns};
    fake_core *core = fake_new(&config);
    core->driver->tuning.dial_timeout_ms = 30;
    fake_start(core);
    dial(core, 47, "nowhere.example", 1);
    cr_assert_eq(fake_wait(core, EZ_EVENT_DIAL_FAILED, 1)->number, 47);
    turn_for_a_while(core); /* the cancelled look-up calls back */
    cr_assert_eq(fake_count(core, EZ_EVENT_DIAL_FAILED), 1);
    close(mute);
    evdns_base_free(dns, 0);
    fake_free(core);
}

Test(driver, dials_under_way_end_with_the_driver)
{
    fake_core *core = new_started();
    ez_endpoint endpoint;
    int listener = bound_socket(&endpoint, 5);
    dial(core, 48, "127.0.0.1", endpoint.port);
    fake_free(core); /* a leak or a late callback would show */
    close(listener);
}

/* ---- events and effects ------------------------------------------------------------------- */

static void command_from_reply(fake_core *core)
{
    char text[] = "borrowed";
    ez_event event = {.type = EZ_EVENT_COMMAND};
    event.as.command.type = EZ_COMMAND_SUBMIT_ENTRY;
    event.as.command.request = 9;
    event.as.command.sender = (ez_byte_span){(const uint8_t *)text, sizeof text - 1};
    ez_driver_handle(core->driver, &event);
    memset(text, 'x', sizeof text); /* what was lent is gone */
    cr_assert_eq(fake_count(core, EZ_EVENT_COMMAND), 0, "handled before the effects were through");
}

Test(driver, an_event_that_arises_among_effects_waits_with_what_it_lends)
{
    fake_core *core = new_started();
    core->on_reply = command_from_reply;
    ez_effect reply = {.type = EZ_EFFECT_REPLY};
    fake_effect(core, &reply);
    fake_poke(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_COMMAND), 1);
    cr_assert_str_eq(fake_wait(core, EZ_EVENT_COMMAND, 1)->text, "borrowed");
    fake_free(core);
}

Test(driver, effects_reach_the_adapters_they_are_for)
{
    fake_core *core = new_started();
    ez_effect mine = {.type = EZ_EFFECT_MINE};
    mine.as.mine.generation = 3;
    mine.as.mine.header.index = 40;
    mine.as.mine.paced = true;
    fake_effect(core, &mine);
    fake_poke(core);
    cr_assert_eq(core->mined, 1043);
    ez_effect stop = {.type = EZ_EFFECT_MINE_STOP};
    ez_effect notice = {.type = EZ_EFFECT_NOTIFY, .as.notice.height = 12};
    ez_effect write = {.type = EZ_EFFECT_WRITE, .as.write = ez_alloc(1, sizeof(ez_write))};
    write.as.write->number = 6;
    fake_effect(core, &stop);
    fake_effect(core, &notice);
    fake_effect(core, &write);
    fake_poke(core);
    cr_assert_eq(core->mined, 0);
    cr_assert_eq(core->notices, 12);
    cr_assert_eq(core->writes, 1);
    cr_assert_eq(fake_wait(core, EZ_EVENT_STORED, 1)->number, 6);
    fake_free(core);
}

static void wake_again(fake_core *core, const seen_event *event)
{
    unsigned *left = core->script;
    if (event->type == EZ_EVENT_TICK && *left > 0) {
        --*left;
        core->deadline = ez_driver_now(core->driver).mono + 1;
    }
}

Test(driver, the_deadline_of_the_core_is_kept_again_and_again)
{
    fake_core *core = fake_new_listening();
    unsigned left = 5;
    core->react = wake_again;
    core->script = &left;
    core->deadline = ez_driver_now(core->driver).mono;
    fake_start(core);
    fake_wait(core, EZ_EVENT_TICK, 6);
    cr_assert_eq(left, 0);
    turn_for_a_while(core);
    cr_assert_eq(fake_count(core, EZ_EVENT_TICK), 6, "no tick without a deadline");
    fake_free(core);
}

/* ---- threads ------------------------------------------------------------------------------ */

enum { POSTERS = 4, POSTS = 500 };

typedef struct post_series {
    ez_driver *driver;
    uint64_t first;
} post_series;

static void *post_all(void *self)
{
    const post_series *series = self;
    for (uint64_t i = 0; i < POSTS; i++) {
        ez_event event = {.type = EZ_EVENT_STORED, .as.stored = series->first + i};
        ez_driver_post(series->driver, &event);
    }
    return NULL;
}

Test(driver, posts_of_each_thread_arrive_all_and_in_order)
{
    fake_core *core = new_started();
    pthread_t threads[POSTERS];
    post_series posters[POSTERS];
    for (uint64_t i = 0; i < POSTERS; i++) {
        posters[i] = (post_series){core->driver, 1000 * i};
        cr_assert_eq(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
    }
    fake_wait(core, EZ_EVENT_STORED, POSTERS * POSTS);
    for (unsigned i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
    }
    uint64_t next[POSTERS] = {0};
    for (size_t i = 0; i < core->seen_count; i++) {
        if (core->seen[i].type == EZ_EVENT_STORED) {
            uint64_t number = core->seen[i].number;
            cr_assert_eq(number % 1000, next[number / 1000]++);
        }
    }
    fake_free(core);
}

Test(driver, what_is_posted_before_the_start_waits_for_it)
{
    fake_core *core = fake_new_listening();
    ez_event event = {.type = EZ_EVENT_STORED, .as.stored = 1};
    ez_driver_post(core->driver, &event);
    turn_for_a_while(core);
    cr_assert_eq(core->seen_count, 0);
    fake_start(core);
    fake_wait(core, EZ_EVENT_STORED, 1);
    fake_free(core);
}

Test(driver, free_of_nothing_is_fine)
{
    ez_driver_free(NULL);
}

Test(driver, lag_is_measured)
{
    fake_core *core = new_started();
    ez_driver_stats stats;
    do { /* the guard of the test program ends this if no sample comes */
        fake_turn(core);
        ez_driver_get_stats(core->driver, &stats);
    } while (stats.lag_us_max == 0);
    cr_assert_leq(stats.lag_us_p50, stats.lag_us_p99);
    cr_assert_leq(stats.lag_us_p99, stats.lag_us_max);
    fake_free(core);
}
