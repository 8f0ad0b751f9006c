/* A stranger is a link whose far end is the test itself: it sends what it likes, and keeps what it
 * was sent. Nothing happens in its name but answers to pings, once the handshake is done. */
#ifndef EZP2P_SIMNET_STRANGER_H
#define EZP2P_SIMNET_STRANGER_H

#include "world.h"

typedef struct ez_stranger ez_stranger;

/* ez_stranger_new: a link to `host` from an address of its own, a private one that no host has.
 * With `shake` the handshake is done (as a node with a fresh key and an empty chain) before this
 * returns. The world frees it. */
ez_stranger *ez_stranger_new(ez_world *world, size_t host, bool shake);

/* ez_stranger_from: the same from `remote`. */
ez_stranger *ez_stranger_from(ez_world *world, size_t host, const ez_endpoint *remote, bool shake);

/* ez_stranger_listen: waits at `endpoint` for the first dial to it. */
ez_stranger *ez_stranger_listen(ez_world *world, const ez_endpoint *endpoint);

/* ez_world_door: from now on `answer` is asked who lives at an address that nobody has, whenever
 * one is dialled: a stranger that listens there, made for it, or NULL. NULL ends it. */
typedef ez_stranger *(*ez_door_fn)(void *self, const ez_endpoint *endpoint);
void ez_world_door(ez_world *world, void *self, ez_door_fn answer);

bool ez_stranger_is_linked(const ez_stranger *stranger);

/* ez_stranger_hello: an acceptable Hello, to be changed and sent by tests. ez_stranger_shake: do
 * the handshake with `hello` (NULL: that one); returns whether the host answered Ready. */
ez_message ez_stranger_hello(const ez_stranger *stranger);
bool ez_stranger_shake(ez_stranger *stranger, const ez_message *hello);

void ez_stranger_send(ez_stranger *stranger, const ez_message *message);
void ez_stranger_send_bytes(ez_stranger *stranger, const void *data, size_t size);
void ez_stranger_hang_up(ez_stranger *stranger);

/* ez_stranger_react: from now on call `react` with every message that arrives. */
typedef void (*ez_stranger_react_fn)(void *self, ez_stranger *stranger, const ez_message *message);
void ez_stranger_react(ez_stranger *stranger, void *self, ez_stranger_react_fn react);

/* ez_stranger_pause: stop or go on reading; ez_stranger_mute: stop or go on answering pings. */
void ez_stranger_pause(ez_stranger *stranger, bool paused);
void ez_stranger_mute(ez_stranger *stranger, bool muted);

/* ez_stranger_key: whose the Hello says it is. ez_stranger_link: what the host calls the link. */
const ez_keypair *ez_stranger_key(const ez_stranger *stranger);
ez_link_id ez_stranger_link(const ez_stranger *stranger);
ez_world *ez_stranger_world(const ez_stranger *stranger);

/* ez_stranger_count: messages of a type received so far. */
size_t ez_stranger_count(const ez_stranger *stranger, ez_message_type type);

/* ez_stranger_last: the last message of a type, borrowed until the next one; NULL: none came. */
const ez_message *ez_stranger_last(const ez_stranger *stranger, ez_message_type type);

/* ez_stranger_is_closed: the host closed the link; ez_stranger_goodbye: with which reason (0:
 * none). */
bool ez_stranger_is_closed(const ez_stranger *stranger);
ez_goodbye ez_stranger_goodbye(const ez_stranger *stranger);

#endif
