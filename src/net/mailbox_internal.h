/* The one place where other threads reach the loop: a locked queue and a descriptor that wakes it.
 * With it, libevent itself needs no locks. */
#ifndef EZP2P_NET_MAILBOX_INTERNAL_H
#define EZP2P_NET_MAILBOX_INTERNAL_H

#include "ezp2p/base/status.h"
#include "ezp2p/node/event.h"

struct event_base;

typedef struct ez_mailbox ez_mailbox;

/* Called on the loop thread for each event, in the order of posting; takes what it owns. */
typedef void ez_mailbox_deliver(void *self, const ez_event *event);

EZ_MUST_USE ez_status ez_mailbox_new(ez_mailbox **out, struct event_base *base,
                                     ez_mailbox_deliver *deliver, void *self);

/* ez_mailbox_start: begin to deliver; what was posted before has waited. */
void ez_mailbox_start(ez_mailbox *mailbox);

/* ez_mailbox_post: any thread. */
void ez_mailbox_post(ez_mailbox *mailbox, const ez_event *event);

/* ez_mailbox_free: nobody may post any more; undelivered events are dropped. NULL is fine. */
void ez_mailbox_free(ez_mailbox *mailbox);

#endif
