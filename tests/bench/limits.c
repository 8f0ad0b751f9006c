/* What this machine can do at best, measured alone: the limits beside which the benchmarks put what
 * the node does.
 *
 *     limits DIR
 *
 * prints one JSON object per figure. DIR is where file system syncs are timed.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MEASURE_SECONDS 1.0
#define CONNECTIONS     32
#define MESSAGE_BYTES   200 /* about an HTTP request or answer without its body */
#define THREADS_MAX     64

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print(const char *name, double value, const char *unit)
{
    printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"}\n", name, value, unit);
    fflush(stdout);
}

static void need(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(EXIT_FAILURE);
    }
}

/* ---- signatures and hashes ----------------------------------------------------------------- */

typedef struct signed_message {
    uint8_t key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t text[MESSAGE_BYTES];
    uint8_t signature[crypto_sign_BYTES];
} signed_message;

static void make_signed(signed_message *out)
{
    crypto_sign_keypair(out->key, out->secret);
    randombytes_buf(out->text, sizeof out->text);
    crypto_sign_detached(out->signature, NULL, out->text, sizeof out->text, out->secret);
}

static double verify_rate(void)
{
    signed_message message;
    make_signed(&message);
    uint64_t count = 0;
    double start = now_s(), end;
    do {
        for (int i = 0; i < 100; i++, count++) {
            need(crypto_sign_verify_detached(message.signature, message.text, sizeof message.text,
                                             message.key) == 0,
                 "verify");
        }
    } while ((end = now_s()) - start < MEASURE_SECONDS);
    return (double)count / (end - start);
}

static void *verify_thread(void *rate)
{
    *(double *)rate = verify_rate();
    return NULL;
}

static double verify_rate_all(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;
    pthread_t threads[THREADS_MAX];
    double rates[THREADS_MAX], sum = 0;
    for (size_t i = 0; i < count; i++) {
        need(pthread_create(&threads[i], NULL, verify_thread, &rates[i]) == 0, "pthread_create");
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        sum += rates[i];
    }
    return sum;
}

static double sign_rate(void)
{
    signed_message message;
    make_signed(&message);
    uint64_t count = 0;
    double start = now_s(), end;
    do {
        for (int i = 0; i < 100; i++, count++) {
            crypto_sign_detached(message.signature, NULL, message.text, sizeof message.text,
                                 message.secret);
        }
    } while ((end = now_s()) - start < MEASURE_SECONDS);
    return (double)count / (end - start);
}

static double hash_rate(void)
{
    uint8_t data[96] = {1}, hash[crypto_hash_sha256_BYTES];
    uint64_t count = 0;
    double start = now_s(), end;
    do {
        for (int i = 0; i < 1000; i++, count++) {
            crypto_hash_sha256(hash, data, sizeof data);
            memcpy(data, hash, sizeof hash); /* each needs the one before */
        }
    } while ((end = now_s()) - start < MEASURE_SECONDS);
    return (double)count / (end - start);
}

/* ---- loopback ----------------------------------------------------------------------------------
 */

/* An echo server: `fds` connected sockets, answered in the order of readiness. */
typedef struct echo {
    int poll;
    int fds[CONNECTIONS];
} echo;

static void *echo_thread(void *self)
{
    echo *server = self;
    size_t open = CONNECTIONS;
    while (open > 0) {
        struct epoll_event events[CONNECTIONS];
        int ready = epoll_wait(server->poll, events, CONNECTIONS, -1);
        for (int i = 0; i < ready; i++) {
            char data[MESSAGE_BYTES];
            ssize_t size = read(events[i].data.fd, data, sizeof data);
            if (size <= 0) {
                close(events[i].data.fd);
                open--;
            } else {
                need(write(events[i].data.fd, data, (size_t)size) == size, "write");
            }
        }
    }
    return NULL;
}

static int connect_pair(int listener, const struct sockaddr_in *address, int *accepted)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    need(connect(fd, (const struct sockaddr *)address, sizeof *address) == 0, "connect");
    *accepted = accept(listener, NULL, NULL);
    need(*accepted >= 0, "accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(*accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int listen_loopback(struct sockaddr_in *address)
{
    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(fd, (struct sockaddr *)address, size) == 0 && listen(fd, CONNECTIONS) == 0 &&
             getsockname(fd, (struct sockaddr *)address, &size) == 0,
         "listen");
    return fd;
}

static void watch(int poll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    need(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

/* Round trips a second over `count` connections that each have one message under way. */
static double round_trips(const int *fds, size_t count)
{
    int poll = epoll_create1(0);
    char data[MESSAGE_BYTES] = {0};
    for (size_t i = 0; i < count; i++) {
        watch(poll, fds[i]);
        need(write(fds[i], data, sizeof data) == sizeof data, "write");
    }
    uint64_t done = 0;
    size_t under_way = count;
    double start = now_s(), end = start;
    while (under_way > 0) {
        struct epoll_event events[CONNECTIONS];
        int ready = epoll_wait(poll, events, CONNECTIONS, -1);
        for (int i = 0; i < ready; i++) {
            need(read(events[i].data.fd, data, sizeof data) > 0, "read");
            done++;
            if (end - start < MEASURE_SECONDS) {
                need(write(events[i].data.fd, data, sizeof data) == sizeof data, "write");
            } else {
                under_way--;
            }
        }
        end = now_s();
    }
    close(poll);
    return (double)done / (end - start);
}

static void measure_loopback(void)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    echo server = {.poll = epoll_create1(0)};
    int fds[CONNECTIONS];
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = connect_pair(listener, &address, &server.fds[i]);
        watch(server.poll, server.fds[i]);
    }
    pthread_t thread;
    need(pthread_create(&thread, NULL, echo_thread, &server) == 0, "pthread_create");
    print("loopback_round_trip", 1e6 / round_trips(fds, 1), "us");
    print("loopback_round_trips", round_trips(fds, CONNECTIONS), "1/s");
    for (size_t i = 0; i < CONNECTIONS; i++) {
        close(fds[i]);
    }
    pthread_join(thread, NULL);
    close(listener);
    close(server.poll);
}

static void *drain_thread(void *fd)
{
    static char data[1 << 18];
    while (read(*(int *)fd, data, sizeof data) > 0) {
    }
    return NULL;
}

static double loopback_bytes(void)
{
    static char data[1 << 18];
    struct sockaddr_in address;
    int accepted, listener = listen_loopback(&address);
    int fd = connect_pair(listener, &address, &accepted);
    pthread_t thread;
    need(pthread_create(&thread, NULL, drain_thread, &accepted) == 0, "pthread_create");
    double start = now_s(), end, sent = 0;
    do {
        ssize_t size = write(fd, data, sizeof data);
        need(size > 0, "write");
        sent += (double)size;
    } while ((end = now_s()) - start < MEASURE_SECONDS);
    close(fd);
    pthread_join(thread, NULL);
    close(accepted);
    close(listener);
    return sent / (end - start);
}

/* ---- disk
 * ----------------------------------------------------------------------------------------
 */

static double sync_rate(const char *directory)
{
    char path[4096], block[4096] = {0};
    snprintf(path, sizeof path, "%s/sync-test", directory);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    need(fd >= 0, path);
    uint64_t count = 0;
    double start = now_s(), end;
    do {
        need(write(fd, block, sizeof block) == sizeof block && fdatasync(fd) == 0, path);
        count++;
    } while ((end = now_s()) - start < MEASURE_SECONDS);
    close(fd);
    unlink(path);
    return (double)count / (end - start);
}

int main(int count, char **arguments)
{
    if (count != 2 || sodium_init() < 0) {
        fprintf(stderr, "usage: limits DIR\n");
        return 2;
    }
    print("ed25519_verifications", verify_rate(), "1/s");
    print("ed25519_verifications_all_cores", verify_rate_all(), "1/s");
    print("ed25519_signatures", sign_rate(), "1/s");
    print("sha256_96_bytes_libsodium", hash_rate(), "1/s");
    measure_loopback();
    print("loopback_bytes", loopback_bytes(), "B/s");
    print("file_syncs", sync_rate(arguments[1]), "1/s");
    return 0;
}
