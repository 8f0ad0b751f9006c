/* How fast news can reach ten processes on this machine: the floor beside which the benchmark
 * `propagation` puts the node.
 *
 *     forward PROCESSES ROUNDS BYTES CHECKS
 *
 * starts PROCESSES processes, each linked over loopback TCP to the next and the fourth next in a
 * ring (so each has four links). In each round one of them sends a message of BYTES to its links;
 * who receives it for the first time notes when, does CHECKS signature checks, and sends it on to
 * the other links. Nothing else happens. Prints one line per round: microseconds from the first
 * process's having it to the last one's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROCESSES_MAX 64
#define LINKS         4
#define BYTES_MAX     (1 << 20)
#define CHECKED_BYTES 200
#define WAIT_MS       5000
#define QUIET_US      2000 /* between rounds, so that every process sleeps */

static const size_t offsets[] = {1, 4};

/* What the processes share: when each had the message of the round. */
static struct board {
    _Atomic uint64_t had_us[PROCESSES_MAX];
} * board;

typedef struct process {
    size_t number;
    int links[LINKS];
    size_t filled[LINKS]; /* bytes of the message under way that a link has delivered */
    int command;          /* a byte here starts a round */
    uint32_t newest;      /* round whose message was passed on */
    uint8_t *message;
    size_t bytes;
    size_t checks;
    uint8_t key[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];
    uint8_t text[CHECKED_BYTES];
} process;

static void need(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(EXIT_FAILURE);
    }
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- one process --------------------------------------------------------------------------- */

static void send_all(int link, const uint8_t *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t got = write(link, data + sent, size - sent);
        need(got > 0, "write");
        sent += (size_t)got;
    }
}

/* Note that the message is here, check it, and send it to all links but `except`. */
static void pass_on(process *self, uint32_t round, size_t except)
{
    self->newest = round;
    atomic_store(&board->had_us[self->number], now_us());
    for (size_t i = 0; i < self->checks; i++) {
        need(crypto_sign_verify_detached(self->signature, self->text, sizeof self->text,
                                         self->key) == 0,
             "verify");
    }
    memcpy(self->message, &round, sizeof round);
    for (size_t i = 0; i < LINKS; i++) {
        if (i != except) {
            send_all(self->links[i], self->message, self->bytes);
        }
    }
}

/* Read what a link has; its four first bytes are the round. A message that is no news is read to
 * its end and forgotten. */
static void receive(process *self, size_t link)
{
    static uint8_t data[BYTES_MAX];
    static uint32_t round[LINKS];
    size_t *filled = &self->filled[link];
    ssize_t got = read(self->links[link], data, self->bytes - *filled);
    if (got <= 0) {
        exit(EXIT_SUCCESS); /* the others are gone: it is over */
    }
    if (*filled < sizeof round[link]) {
        need(*filled + (size_t)got >= sizeof round[link], "a first piece of four bytes");
        memcpy(&round[link], data, sizeof round[link]);
    }
    *filled += (size_t)got;
    if (*filled == self->bytes) {
        *filled = 0;
        if (round[link] > self->newest) {
            pass_on(self, round[link], link);
        }
    }
}

static void run(process *self)
{
    int poll = epoll_create1(0);
    for (size_t i = 0; i <= LINKS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        int fd = i < LINKS ? self->links[i] : self->command;
        need(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
    }
    for (;;) {
        struct epoll_event events[LINKS + 1];
        int ready = epoll_wait(poll, events, LINKS + 1, -1);
        for (int i = 0; i < ready; i++) {
            uint32_t round;
            if (events[i].data.u64 < LINKS) {
                receive(self, events[i].data.u64);
            } else if (read(self->command, &round, sizeof round) == sizeof round) {
                pass_on(self, round, LINKS);
            } else {
                exit(EXIT_SUCCESS);
            }
        }
    }
}

/* ---- all of them --------------------------------------------------------------------------- */

static void connect_pair(int listener, const struct sockaddr_in *address, int pair[2])
{
    int on = 1;
    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(connect(pair[0], (const struct sockaddr *)address, sizeof *address) == 0, "connect");
    pair[1] = accept(listener, NULL, NULL);
    need(pair[1] >= 0, "accept");
    setsockopt(pair[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(pair[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void connect_all(int links[PROCESSES_MAX][LINKS], size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 8) == 0 &&
             getsockname(listener, (struct sockaddr *)&address, &size) == 0,
         "listen");
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
            int pair[2];
            connect_pair(listener, &address, pair);
            links[i][2 * k] = pair[0];
            links[(i + offsets[k]) % count][2 * k + 1] = pair[1];
        }
    }
    close(listener);
}

static void start(process *self, int links[PROCESSES_MAX][LINKS], size_t count)
{
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child > 0) {
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < LINKS && i != self->number; k++) {
            close(links[i][k]);
        }
    }
    memcpy(self->links, links[self->number], sizeof self->links);
    self->message = calloc(1, self->bytes);
    need(self->message != NULL, "calloc");
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_keypair(self->key, secret);
    crypto_sign_detached(self->signature, NULL, self->text, sizeof self->text, secret);
    run(self);
}

/* Microseconds from the first to the last; waits for it without taking a processor. */
static uint64_t spread(size_t count, uint64_t deadline_us)
{
    for (;;) {
        usleep(QUIET_US);
        uint64_t first = UINT64_MAX, last = 0;
        size_t have = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t at = atomic_load(&board->had_us[i]);
            have += at != 0;
            first = at < first ? at : first;
            last = at > last ? at : last;
        }
        if (have == count) {
            return last - first;
        }
        need(now_us() < deadline_us, "a message did not reach everybody in time");
    }
}

static size_t number(const char *text, size_t least, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value < least || value > most) {
        fprintf(stderr, "%s: from %zu to %zu\n", text, least, most);
        exit(2);
    }
    return value;
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 5 || sodium_init() < 0) {
        fprintf(stderr, "usage: forward PROCESSES ROUNDS BYTES CHECKS\n");
        return 2;
    }
    size_t count = number(arguments[1], 10, PROCESSES_MAX);
    uint32_t rounds = (uint32_t)number(arguments[2], 1, 1000000);
    size_t bytes = number(arguments[3], sizeof(uint32_t), BYTES_MAX);
    size_t checks = number(arguments[4], 0, 1000000);
    static int links[PROCESSES_MAX][LINKS];
    int commands[PROCESSES_MAX];
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(board != MAP_FAILED, "mmap");
    connect_all(links, count);
    for (size_t i = 0; i < count; i++) {
        int ends[2];
        need(pipe(ends) == 0, "pipe");
        process self = {.number = i, .command = ends[0], .bytes = bytes, .checks = checks};
        start(&self, links, count);
        close(ends[0]);
        commands[i] = ends[1];
    }
    for (uint32_t round = 1; round <= rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            atomic_store(&board->had_us[i], 0);
        }
        need(write(commands[round % count], &round, sizeof round) == sizeof round, "write");
        printf("%llu\n", (unsigned long long)spread(count, now_us() + WAIT_MS * 1000));
    }
    return 0; /* the processes end with this one */
}
