/* The parts of a world, and what its source files offer each other.
 *
 *   world.c     life, time
 *   hosts.c     lives of hosts, what they are handed, what is seen of them
 *   effects.c   carrying out what cores ask for; the digest
 *   links.c     dials, links, streams
 *   faults.c    what goes wrong with hosts and links
 *   bend.c      hosts whose driver lies
 *   shared.c    what thousands of hosts need not hold or compute each for itself
 *   messages.c  the bytes of messages, held and decoded once
 *   stranger.c  links whose far end is a test, or a flood of the attack lab
 *   replay.c    the check of a store against its own chain
 *   timeline.c  what is going to happen
 */
#ifndef EZP2P_SIMNET_WORLD_INTERNAL_H
#define EZP2P_SIMNET_WORLD_INTERNAL_H

#include "bend.h"
#include "ezp2p/base/alloc.h"
#include "ezp2p/base/assert.h"
#include "ezp2p/chain/header.h"
#include "ezp2p/wire/codec.h"
#include "ezp2p/wire/frame.h"
#include "faults.h"
#include "messages.h"
#include "shared.h"
#include "stranger.h"
#include "timeline.h"
#include "world.h"

#define uthash_fatal(message) ez_assert_fail(message, __FILE__, __LINE__)
#include <uthash.h>
#include <utlist.h>

#define SIM_NOTICE_TYPES (EZ_NOTICE_PEER_DOWN + 1)

typedef struct sim_reply {
    uint64_t request;
    ez_reply reply;
    UT_hash_handle hh;
} sim_reply;

typedef struct sim_host {
    size_t number;
    ez_keypair keypair;
    ez_memory_store *store;
    ez_node *node;         /* NULL while stopped */
    ez_core core;          /* the way to it */
    ez_recorder *recorder; /* NULL: it is not recorded */
    uint64_t life;         /* counts its starts */
    ez_endpoint_string *peers;
    size_t peer_count;
    ez_time_ms tick_at;   /* of the earliest tick on the timeline */
    ez_time_ms commit_ms; /* that its disk takes for a commit; EZ_TIME_NEVER: until told */
    bool commit_due;      /* a commit is on the timeline */
    bool mining;
    uint64_t generation;
    ez_header header;
    sim_reply *replies;
    size_t notice_counts[SIM_NOTICE_TYPES];
    ez_notice notices[SIM_NOTICE_TYPES];
    ez_node_counters before; /* of its earlier lives */
    int side;
    bool paused;
    sim_event *held; /* happened to it while paused, in order */
    size_t held_count;
    int64_t skew_us;       /* its wall clock goes ahead by this */
    uint64_t send_free_us; /* when its line has sent what was queued, in virtual time */
    const ez_bend *bend;   /* NULL: its driver is honest */
} sim_host;

/* One end of a link. Its ez_link_id is twice the link's number plus its index. */
typedef struct sim_end {
    bool open;     /* whoever is here takes part; closed for good once false */
    bool dialling; /* whoever is here has not heard yet that its dial succeeded */
    size_t host;
    uint64_t life;
    ez_stranger *stranger; /* when there is no host */
    ez_endpoint address;
    ez_cutter *cutter;
    size_t unread;      /* bytes sent from here that the far end has not taken */
    ez_time_ms arrival; /* of the last of them at the far end */
} sim_end;

typedef struct sim_link {
    uint64_t number;
    ez_time_ms latency;
    bool half_open;  /* nothing sent arrives any more, and nobody is told */
    sim_end ends[2]; /* the dialler's first */
    struct sim_link *prev, *next;
} sim_link;

typedef struct sim_dial {
    size_t host;
    uint64_t life;
    uint64_t number;
    bool known; /* it names an address */
    ez_endpoint target;
} sim_dial;

/* A message kept by a stranger. */
typedef struct sim_kept {
    size_t count;
    uint8_t *frame;
    ez_decoded decoded;
} sim_kept;

struct ez_stranger {
    ez_world *world;
    ez_endpoint address;
    ez_keypair keypair;
    uint64_t nonce;
    uint64_t link; /* ez_link_id of its own end; 0: not linked yet */
    bool listening, closed, paused, muted;
    ez_goodbye goodbye;
    ez_stranger_react_fn react;
    void *react_self;
    sim_kept kept[EZ_MESSAGE_TYPES];
    ez_blob **held; /* arrived while paused */
    size_t held_count, held_capacity;
    bool close_held;
    struct ez_stranger *prev, *next;
};

struct ez_world {
    ez_world_config config;
    ez_time_ms time;
    sim_timeline timeline;
    ez_rng rng; /* of seeds, latencies and tests */
    uint64_t digest;
    uint64_t honest_faults;
    sim_host **hosts; /* hosts[number - 1] */
    size_t host_count;
    sim_link **links; /* by number, NULL: gone; numbers come in order and are not used again */
    size_t link_count, link_capacity; /* of those that are there; of the table */
    sim_link *link_list;              /* in order of age */
    sim_messages *messages;
    ez_buffer encoded; /* the message being sent */
    uint64_t *ended;   /* numbers of links with a closed end, to be looked at by the next sweep */
    size_t ended_count, ended_capacity;
    size_t unread_peak;
    uint64_t steps;
    ez_progress *progress; /* of whoever asked for it, or NULL */
    sim_shared *shared;
    uint64_t last_link;
    uint64_t last_request;
    uint64_t last_stranger;
    uint16_t last_port;
    ez_stranger *strangers;
    ez_door_fn door; /* may be NULL */
    void *door_self;
};

/* ---- world.c */
/* Put something on the timeline, `after` from now. */
void sim_at(ez_world *world, ez_time_ms after, const sim_event *event);
/* Wake a host for its deadline, unless an earlier tick will. */
void sim_schedule_tick(ez_world *world, sim_host *host);
/* Hand an event to a host's core, now, and carry out what it asks for. */
void sim_dispatch(ez_world *world, sim_host *host, const ez_event *event);
/* Make durable what a host has queued, up to write `last`, and tell it. */
void sim_commit(ez_world *world, sim_host *host, uint64_t last);
/* Let a host have what concerns it, now or, when it is paused, later. */
void sim_tell(ez_world *world, const sim_event *event);
/* Let one thing happen; takes its payload. */
void sim_happen(ez_world *world, const sim_event *event);
void sim_free_payload(const sim_event *event);

/* ---- hosts.c */
sim_host *sim_host_of(const ez_world *world, size_t number);  /* NULL: no such host */
sim_host *sim_get_host(const ez_world *world, size_t number); /* which must exist */
/* Whether the life of a host that something was meant for still goes on. */
bool sim_is_alive(const ez_world *world, size_t number, uint64_t life);
void sim_host_free(sim_host *host);
/* The clocks of a host. */
ez_now sim_now_of(const ez_world *world, const sim_host *host);

/* ---- faults.c */
/* Keep an event for a host that is paused; false: it is not. */
bool sim_hold(ez_world *world, const sim_event *event);
void sim_drop_held(sim_host *host);

/* ---- bend.c */
bool sim_says(const sim_host *host, ez_link_id link, ez_message *message);
bool sim_hears(const sim_host *host, ez_link_id link, const ez_message *message);
void sim_told(const sim_host *host, ez_link_id link, const ez_message *message);

/* ---- effects.c */
void sim_carry_out(ez_world *world, sim_host *host);
/* Begin a commit of what is queued, unless there is nothing or one is under way. */
void sim_commit_later(ez_world *world, sim_host *host);
void sim_fold_event(ez_world *world, const sim_host *host, const ez_event *event);

/* ---- links.c */
sim_end *sim_end_of(const ez_world *world, uint64_t link); /* NULL: the link is gone */
sim_link *sim_link_of(const ez_world *world, uint64_t link);
ez_link_id sim_link_id(const sim_link *link, int index);
sim_link *sim_link_new(ez_world *world);
void sim_dial_start(ez_world *world, sim_host *host, const ez_effect *effect);
void sim_dial_arrives(ez_world *world, sim_dial *dial);
void sim_send(ez_world *world, uint64_t from, const void *data, size_t size);
void sim_deliver(ez_world *world, uint64_t to, ez_blob *bytes);
void sim_close_end(ez_world *world, uint64_t link); /* the far end notices later */
void sim_link_went_down(ez_world *world, uint64_t link);
void sim_close_host(ez_world *world, const sim_host *host);
void sim_reset_cut_links(ez_world *world);
void sim_set_frame_limit(ez_world *world, uint64_t link);
void sim_sweep_links(ez_world *world, bool all);
bool sim_can_reach(const ez_world *world, size_t a, size_t b);
/* The host that has this address, on whatever port; 0: nobody. */
size_t sim_host_at(const ez_world *world, const ez_endpoint *endpoint);

/* ---- stranger.c */
void sim_stranger_deliver(ez_world *world, sim_end *end, ez_blob *bytes);
void sim_stranger_closed(ez_stranger *stranger);
/* Who takes a dial to this address, no host; NULL: nobody. */
ez_stranger *sim_stranger_for(ez_world *world, const ez_endpoint *endpoint);
void sim_stranger_linked(ez_stranger *stranger, sim_link *link, int index);
void sim_strangers_free(ez_world *world);

#endif
