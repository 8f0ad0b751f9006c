#include "mailbox_internal.h"

#include "event_queue_internal.h"
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Events delivered before the loop looks at its sockets again: so many at most, and none more after
 * so long. What a worker checked may be a full block, to be connected in two milliseconds. */
#define DELIVER_MAX 64
#define DELIVER_US  1000

struct ez_mailbox {
    ez_mailbox_deliver *deliver;
    void *self;
    int descriptor;
    struct event *readable;
    pthread_mutex_t lock;
    ez_event_queue queue; /* under lock */
};

static void wake(ez_mailbox *mailbox)
{
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(mailbox->descriptor, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    /* EAGAIN would mean 2^64 - 2 wake-ups that nobody saw. */
    EZ_ASSERT(written == sizeof one);
}

static ez_queued_event *take_one(ez_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    ez_queued_event *queued = ez_event_queue_pop(&mailbox->queue);
    pthread_mutex_unlock(&mailbox->lock);
    return queued;
}

static uint64_t clock_us(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    EZ_ASSERT(failed == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void on_readable(evutil_socket_t descriptor, short what, void *self)
{
    (void)what;
    ez_mailbox *mailbox = self;
    uint64_t count;
    ssize_t got = read(descriptor, &count, sizeof count);
    (void)got; /* nothing to read is fine: the queue is what counts */
    const uint64_t end_us = clock_us() + DELIVER_US;
    for (unsigned i = 0; i < DELIVER_MAX && (i == 0 || clock_us() < end_us); i++) {
        ez_queued_event *queued = take_one(mailbox);
        if (queued == NULL) {
            return;
        }
        mailbox->deliver(mailbox->self, &queued->event);
        free(queued);
    }
    wake(mailbox);
}

ez_status ez_mailbox_new(ez_mailbox **out, struct event_base *base, ez_mailbox_deliver *deliver,
                         void *self)
{
    *out = NULL;
    int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0) {
        return EZ_ERR_IO;
    }
    ez_mailbox *mailbox = ez_alloc(1, sizeof *mailbox);
    mailbox->deliver = deliver;
    mailbox->self = self;
    mailbox->descriptor = descriptor;
    mailbox->readable = event_new(base, descriptor, EV_READ | EV_PERSIST, on_readable, mailbox);
    EZ_ASSERT(mailbox->readable != NULL);
    int failed = pthread_mutex_init(&mailbox->lock, NULL);
    EZ_ASSERT(failed == 0);
    *out = mailbox;
    return EZ_OK;
}

void ez_mailbox_start(ez_mailbox *mailbox)
{
    int failed = event_add(mailbox->readable, NULL);
    EZ_ASSERT(failed == 0);
}

void ez_mailbox_post(ez_mailbox *mailbox, const ez_event *event)
{
    pthread_mutex_lock(&mailbox->lock);
    ez_event_queue_push(&mailbox->queue, event);
    pthread_mutex_unlock(&mailbox->lock);
    wake(mailbox);
}

void ez_mailbox_free(ez_mailbox *mailbox)
{
    if (mailbox == NULL) {
        return;
    }
    event_free(mailbox->readable);
    close(mailbox->descriptor);
    ez_event_queue_clear(&mailbox->queue);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}
