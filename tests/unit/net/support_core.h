/* A scripted core in the node's place, and a peer's end of a connection: real sockets on loopback,
 * one thread, the driver's own loop. Waiting ends as soon as what was waited for is there; the
 * guard of ten seconds only turns a hang into a failure. */
#ifndef EZP2P_TEST_SUPPORT_CORE_H
#define EZP2P_TEST_SUPPORT_CORE_H

#include "driver_internal.h"

#define FAKE_EVENTS_MAX  8192
#define FAKE_EFFECTS_MAX 256

/* What an event said, without what it lent. */
typedef struct seen_event {
    ez_event_type type;
    ez_link_id link;
    uint64_t number; /* of a dial, a store, a request; a ping's nonce; a job's id */
    ez_endpoint remote;
    ez_goodbye fault;
    ez_message_type message;
    size_t wire_bytes;
    char text[32]; /* of a command */
} seen_event;

typedef struct fake_core fake_core;

struct fake_core {
    struct event_base *base;
    ez_driver *driver;
    /* script: answer an event with effects; may be NULL */
    void (*react)(fake_core *core, const seen_event *event);
    void *script;
    seen_event seen[FAKE_EVENTS_MAX];
    size_t seen_count;
    ez_effect effects[FAKE_EFFECTS_MAX]; /* ring of those not yet taken */
    size_t effect_first, effect_count;
    ez_time_ms deadline;
    bool is_inside; /* the core is at work: being called again is a bug */
    void (*on_reply)(fake_core *core);
    uint64_t mined, writes, notices;
    struct event *heart; /* keeps the loop turning while a test polls */
};

/* fake_new: a driver of `config` (base, sinks and log are set here) with a fake core, not started;
 * NULL members of *config are sensible. Tune core->driver->tuning before fake_start. */
fake_core *fake_new(const ez_driver_config *config);
fake_core *fake_new_listening(void); /* on 127.0.0.1, a free port, ten connections */
void fake_start(fake_core *core);
void fake_free(fake_core *core);

/* fake_effect: have the core want something; carried out after the event at hand. */
void fake_effect(fake_core *core, const ez_effect *effect);
void fake_send(fake_core *core, ez_link_id link, const ez_message *message); /* kept, not copied */
void fake_close(fake_core *core, ez_link_id link);

/* fake_poke: hand the core a tick, so that wanted effects are carried out. */
void fake_poke(fake_core *core);

/* fake_wait: run the loop until the `nth` (from 1) event of a type was seen; fails the test when it
 * does not come. */
const seen_event *fake_wait(fake_core *core, ez_event_type type, size_t nth);
size_t fake_count(const fake_core *core, ez_event_type type);

/* fake_turn: let the loop turn once, a few milliseconds at most. */
void fake_turn(fake_core *core);

/* fake_wait_links: run the loop until the driver has `count` links. */
void fake_wait_links(fake_core *core, uint32_t count);

/* fake_connect: a blocking client socket connected to the driver's listener. */
int fake_connect(const fake_core *core);

/* peer_send: all bytes, while the loop turns. peer_receive: exactly `size` bytes. peer_is_at_end:
 * nothing more comes, by an orderly end. */
void peer_send(fake_core *core, int peer, const void *data, size_t size);
void peer_receive(fake_core *core, int peer, void *out, size_t size);
bool peer_is_at_end(fake_core *core, int peer);

/* peer_send_message, peer_receive_frame: the same as frames. The frame is without its prefix. */
void peer_send_message(fake_core *core, int peer, const ez_message *message);
ez_buffer peer_receive_frame(fake_core *core, int peer);

ez_message ping_of(uint64_t nonce);
ez_message goodbye_of(ez_goodbye reason);

#endif
