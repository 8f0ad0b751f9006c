/* Links come and go: handshake, liveness, faults. */
#include "node_internal.h"

#include "ezp2p/gossip/evict.h"
#include "ezp2p/gossip/handshake.h"

#include <stdlib.h>

#define PING_QUEUED_MAX 65536 /* bytes of our own output that a ping may wait behind */

ez_peer *node_peer(ez_node *node, ez_link_id link)
{
    ez_peer *peer = NULL;
    HASH_FIND(hh, node->peers, &link.value, sizeof(link.value), peer);
    return peer == NULL || peer->closing ? NULL : peer;
}

/* ---- discouraged hosts --------------------------------------------------------------------- */

/* Whom a fault is remembered for: a public address as a whole, elsewhere only the one endpoint,
 * because a swarm lives on few hosts and must not pay for one bad neighbour. */
static bool discourage_key(ez_endpoint *out, const ez_peer *peer)
{
    *out = peer->remote;
    if (ez_endpoint_reach(out) == EZ_REACH_PUBLIC) {
        out->port = 0;
        return true;
    }
    out->port = peer->inbound ? peer->listen_port : peer->remote.port;
    return out->port != 0;
}

static void discourage_endpoint(ez_node *node, ez_endpoint who)
{
    if (node->discouraged == NULL) {
        node->discouraged = ez_alloc(EZ_DISCOURAGED_MAX, sizeof(*node->discouraged));
    }
    size_t at = 0; /* a row that is free, else the one that ends first */
    for (size_t i = 0; i < node->discouraged_count; i++) {
        if (ez_endpoint_is_equal(&node->discouraged[i].who, &who)) {
            at = i;
            break;
        }
        if (node->discouraged[i].until < node->discouraged[at].until) {
            at = i;
        }
    }
    bool known =
        node->discouraged_count > 0 && ez_endpoint_is_equal(&node->discouraged[at].who, &who);
    if (!known && node->discouraged_count < EZ_DISCOURAGED_MAX) {
        at = node->discouraged_count++;
    }
    node->discouraged[at] = (node_discouraged){who, node->now.mono + EZ_DISCOURAGED_MS};
}

static void discourage(ez_node *node, const ez_peer *peer)
{
    ez_endpoint who;
    if (discourage_key(&who, peer)) {
        discourage_endpoint(node, who);
    }
}

/* An address that turned out to be no peer for us: ourselves, or of another network. */
static void forget_address(ez_node *node, const ez_peer *peer)
{
    if (!peer->inbound) {
        ez_book_remove(node->book, &peer->remote);
        discourage_endpoint(node, peer->remote);
    }
}

bool node_is_discouraged(ez_node *node, const ez_endpoint *endpoint)
{
    ez_endpoint host = *endpoint;
    host.port = 0;
    for (size_t i = 0; i < node->discouraged_count; i++) {
        const node_discouraged *row = &node->discouraged[i];
        if (row->until > node->now.mono &&
            (ez_endpoint_is_equal(&row->who, endpoint) || ez_endpoint_is_equal(&row->who, &host))) {
            return true;
        }
    }
    return false;
}

/* ---- closing --------------------------------------------------------------------------------- */

static void notify_peer(ez_node *node, const ez_peer *peer, ez_notice_type type, uint32_t reason,
                        bool by_us)
{
    ez_notice *notice = &node_push(node, EZ_EFFECT_NOTIFY)->effect.as.notice;
    notice->type = type;
    notice->node = peer->node;
    notice->endpoint = peer->remote;
    notice->link = peer->link;
    notice->inbound = peer->inbound;
    notice->reason = reason;
    notice->by_us = by_us;
}

/* Take everything back that a peer was asked for or holds. */
static void detach(ez_node *node, ez_peer *peer, uint32_t reason, bool by_us)
{
    peer->closing = true;
    node->has_closing = true;
    if (peer->ready) {
        *(peer->inbound ? &node->ready_inbound : &node->ready_outbound) -= 1;
        notify_peer(node, peer, EZ_NOTICE_PEER_DOWN, reason, by_us);
        ez_relay_peer_down(node->relay, peer->link);
    }
    ez_want_peer_gone(node->want, peer->link);
    ez_fetch_peer_gone(node->fetch, peer->link);
    node_partials_peer_gone(node, peer->link);
    node_headers_peer_gone(node, peer);
    ez_dialer_closed(node->dialer, peer->link, reason == EZ_GOODBYE_SELF, &node->rng,
                     node->now.mono);
    if (!peer->inbound) {
        ez_book_failed(node->book, &peer->remote, node->now); /* not again at once */
    }
    node->plan_dirty = true;
    node->dial_dirty = true;
}

void node_close_peer(ez_node *node, ez_peer *peer, ez_goodbye reason, const char *text)
{
    if (peer->closing) {
        return;
    }
    size_t text_size = strlen(text);
    ez_message goodbye = {.type = EZ_MSG_GOODBYE};
    goodbye.as.goodbye.reason = reason;
    goodbye.as.goodbye.text_size =
        text_size < EZ_GOODBYE_BYTES_MAX ? text_size : EZ_GOODBYE_BYTES_MAX;
    void *memory = ez_memdup(text, text_size + 1);
    goodbye.as.goodbye.text = memory;
    node_send(node, peer, &goodbye, memory, NULL);
    node_push(node, EZ_EFFECT_CLOSE)->effect.link = peer->link;
    bool fault = ez_goodbye_is_fault(reason);
    if (fault) {
        discourage(node, peer);
        node->counters.peers_faulted++;
    }
    ez_endpoint_string remote = ez_endpoint_text(&peer->remote);
    NODE_LOG(node, fault ? EZ_LOG_WARN : EZ_LOG_DEBUG, "peer_closed",
             EZ_LOG_TEXT("remote", remote.text), EZ_LOG_TEXT("reason", ez_goodbye_code(reason)),
             EZ_LOG_TEXT("text", text));
    detach(node, peer, reason, true);
}

void node_link_down(ez_node *node, ez_link_id link)
{
    ez_peer *peer = node_peer(node, link);
    if (peer != NULL) {
        ez_endpoint_string remote = ez_endpoint_text(&peer->remote);
        NODE_LOG(node, EZ_LOG_DEBUG, "peer_gone", EZ_LOG_TEXT("remote", remote.text));
        detach(node, peer, EZ_GOODBYE_UNSPECIFIED, false);
    }
}

void node_goodbye_received(ez_node *node, ez_peer *peer, uint32_t reason)
{
    ez_endpoint_string remote = ez_endpoint_text(&peer->remote);
    NODE_LOG(node, EZ_LOG_DEBUG, "goodbye", EZ_LOG_TEXT("remote", remote.text),
             EZ_LOG_TEXT("reason", ez_goodbye_code(reason)));
    if (reason == EZ_GOODBYE_SELF || reason == EZ_GOODBYE_NETWORK) {
        forget_address(node, peer);
    }
    node_push(node, EZ_EFFECT_CLOSE)->effect.link = peer->link;
    detach(node, peer, reason, false);
}

static void free_peer(ez_node *node, ez_peer *peer)
{
    HASH_DEL(node->peers, peer);
    ez_known_clear(&peer->known);
    free(peer->hints);
    node_clear_serving(peer);
    free(peer);
}

void node_sweep(ez_node *node)
{
    if (!node->has_closing) {
        return;
    }
    node->has_closing = false;
    ez_peer *peer, *next;
    HASH_ITER (hh, node->peers, peer, next) {
        if (peer->closing) {
            free_peer(node, peer);
        }
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

static void send_hello(ez_node *node, ez_peer *peer)
{
    peer->told = *ez_entry_id(node->tip);
    ez_message message = {.type = EZ_MSG_HELLO};
    message.as.hello = (ez_hello){
        .protocol = EZ_PROTOCOL_VERSION,
        .network = node->network.genesis_id,
        .node = node->key,
        .nonce = peer->our_nonce,
        .listen_port = node->listen_port,
        .tip = node_tip(node),
        .user_agent = node->user_agent,
        .user_agent_size = strlen(node->user_agent),
    };
    node_send(node, peer, &message, NULL, NULL);
}

static size_t inbound_from_host(const ez_node *node, const ez_endpoint *remote)
{
    size_t count = 0;
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        count += !peer->closing && peer->inbound && ez_endpoint_is_same_host(&peer->remote, remote);
    }
    return count;
}

/* Make room for one more inbound link; false when everyone who is here is worth more. */
static bool make_room(ez_node *node)
{
    uint32_t count = HASH_COUNT(node->peers);
    ez_evict_candidate *candidates = ez_alloc(count + 1, sizeof(*candidates));
    size_t inbound = 0;
    for (ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->closing || !peer->inbound) {
            continue;
        }
        candidates[inbound++] = (ez_evict_candidate){
            .link = peer->link,
            .group = ez_endpoint_group(&peer->remote),
            .since = peer->since,
            .last_block = peer->last_block,
            .last_tx = peer->last_tx,
            .ping_ms = peer->has_ping ? peer->ping_ms : UINT32_MAX,
        };
    }
    bool room = inbound <= node->inbound_max;
    if (!room) {
        ez_peer *loser = node_peer(node, ez_evict_choose(candidates, inbound));
        if (loser != NULL) {
            node_close_peer(node, loser, EZ_GOODBYE_EVICTED, "the slot was needed");
            room = true;
        }
    }
    free(candidates);
    return room;
}

static void admit_inbound(ez_node *node, ez_peer *peer)
{
    bool public = ez_endpoint_reach(&peer->remote) == EZ_REACH_PUBLIC;
    if (node_is_discouraged(node, &peer->remote)) {
        node_close_peer(node, peer, EZ_GOODBYE_DISCOURAGED, "broke a rule lately");
    } else if (public && inbound_from_host(node, &peer->remote) > EZ_ACCEPTS_PER_HOST_MAX) {
        node_close_peer(node, peer, EZ_GOODBYE_FULL, "too many connections from one address");
    } else if (!make_room(node)) {
        node_close_peer(node, peer, EZ_GOODBYE_FULL, "all inbound slots are taken");
    }
}

void node_link_up(ez_node *node, const ez_event *event)
{
    uint64_t dial = event->as.link_up.dial;
    ez_dial_purpose purpose;
    bool expected = dial != 0 && ez_dialer_connected(node->dialer, &purpose, dial, event->link);
    if ((dial != 0 && !expected) || node->stopping) {
        node_push(node, EZ_EFFECT_CLOSE)->effect.link = event->link;
        return;
    }
    ez_peer *peer = ez_alloc(1, sizeof(*peer));
    peer->link = event->link;
    peer->inbound = dial == 0;
    peer->feeler = expected && purpose.feeler;
    peer->remote = event->as.link_up.remote;
    peer->our_nonce = ez_rng_next(&node->rng);
    peer->since = peer->last_received = node->now.mono;
    HASH_ADD(hh, node->peers, link.value, sizeof(peer->link.value), peer);
    node_wake_at(node, node->now.mono + EZ_HANDSHAKE_TIMEOUT_MS);
    if (peer->inbound) {
        admit_inbound(node, peer);
    }
    if (!peer->closing) {
        send_hello(node, peer);
    }
}

void node_dial_failed(ez_node *node, uint64_t dial)
{
    ez_dial_purpose purpose;
    if (ez_dialer_failed(node->dialer, &purpose, dial, &node->rng, node->now.mono)) {
        node->counters.dials_failed++;
        node->dial_dirty = true;
        if (!purpose.manual) {
            ez_book_failed(node->book, &purpose.endpoint, node->now);
        }
    }
}

/* ---- handshake ------------------------------------------------------------------------------- */

static bool is_own_nonce(const ez_node *node, uint64_t nonce)
{
    for (const ez_peer *peer = node->peers; peer != NULL; peer = peer->hh.next) {
        if (peer->our_nonce == nonce) {
            return true;
        }
    }
    return false;
}

/* Settle second links to the node that `peer` is; false when `peer` itself was closed for it. */
static bool settle_duplicates(ez_node *node, ez_peer *peer)
{
    uint32_t others = 0;
    ez_peer *old, *next;
    HASH_ITER (hh, node->peers, old, next) {
        if (old == peer || old->closing || !old->got_hello ||
            !ez_public_key_is_equal(&old->node, &peer->node)) {
            continue;
        }
        others++;
        if (peer->feeler) {
            node_close_peer(node, peer, EZ_GOODBYE_DUPLICATE, "a second link to the same node");
            return false;
        }
        /* A Hello proves no key: only from the same host may it push out a peer that is ready. */
        if (old->ready && !ez_endpoint_is_same_host(&old->remote, &peer->remote)) {
            continue;
        }
        switch (ez_handshake_duplicate(&node->key, &peer->node, !old->inbound, !peer->inbound)) {
        case EZ_DUPLICATE_WAIT:
            break;
        case EZ_DUPLICATE_CLOSE_OLD:
            ez_dialer_replace(node->dialer, old->link, peer->link);
            node_close_peer(node, old, EZ_GOODBYE_DUPLICATE, "a second link to the same node");
            others--;
            break;
        case EZ_DUPLICATE_CLOSE_NEW:
            ez_dialer_replace(node->dialer, peer->link, old->link);
            node_close_peer(node, peer, EZ_GOODBYE_DUPLICATE, "a second link to the same node");
            return false;
        }
    }
    if (others >= EZ_LINKS_PER_NODE_MAX) {
        node_close_peer(node, peer, EZ_GOODBYE_DUPLICATE, "too many links to the same node");
        return false;
    }
    return true;
}

static void take_hello(ez_peer *peer, const ez_hello *hello)
{
    peer->got_hello = true;
    peer->node = hello->node;
    peer->short_key = ez_short_id_key(hello->node.bytes);
    peer->listen_port = hello->listen_port;
    peer->claim = hello->tip;
    memcpy(peer->user_agent, hello->user_agent, hello->user_agent_size);
    peer->user_agent[hello->user_agent_size] = '\0';
}

static void greet(ez_node *node, ez_peer *peer, const ez_hello *hello)
{
    ez_goodbye reason = ez_handshake_judge(hello, &node->network.genesis_id, &node->key);
    if (reason == EZ_GOODBYE_UNSPECIFIED && is_own_nonce(node, hello->nonce)) {
        reason = EZ_GOODBYE_SELF;
    }
    take_hello(peer, hello);
    if (reason != EZ_GOODBYE_UNSPECIFIED) {
        forget_address(node, peer);
        node_close_peer(node, peer, reason,
                        reason == EZ_GOODBYE_SELF      ? "this is the node itself"
                        : reason == EZ_GOODBYE_NETWORK ? "another network"
                                                       : "another protocol version");
        return;
    }
    ez_endpoint listening = peer->remote;
    listening.port = peer->listen_port;
    if (peer->inbound && peer->listen_port != 0 && node_is_discouraged(node, &listening)) {
        node_close_peer(node, peer, EZ_GOODBYE_DISCOURAGED, "broke a rule lately");
        return;
    }
    if (settle_duplicates(node, peer)) {
        node_send(node, peer, &(ez_message){.type = EZ_MSG_READY}, NULL, NULL);
    }
}

/* Somebody is there, which is all that was to be found out. */
static void end_feeler(ez_node *node, ez_peer *peer)
{
    node_close_peer(node, peer, EZ_GOODBYE_FEELER, "only to see whether somebody is here");
    ez_book_connected(node->book, &peer->remote, node->now);
    node->book_changed = true;
}

static void become_ready(ez_node *node, ez_peer *peer)
{
    if (peer->feeler) {
        end_feeler(node, peer);
        return;
    }
    peer->ready = true;
    *(peer->inbound ? &node->ready_inbound : &node->ready_outbound) += 1;
    node_push(node, EZ_EFFECT_READY)->effect.link = peer->link;
    ez_dialer_ready(node->dialer, peer->link);
    ez_relay_peer_up(node->relay, peer->link, &peer->node);
    if (!peer->inbound) {
        ez_want_prefer(node->want, peer->link);
    }
    notify_peer(node, peer, EZ_NOTICE_PEER_UP, 0, false);
    ez_endpoint_string remote = ez_endpoint_text(&peer->remote);
    NODE_LOG(node, EZ_LOG_INFO, "peer", EZ_LOG_TEXT("remote", remote.text),
             EZ_LOG_TEXT("direction", peer->inbound ? "inbound" : "outbound"),
             EZ_LOG_U64("height", peer->claim.height), EZ_LOG_TEXT("agent", peer->user_agent));
    node_peer_is_ready(node, peer);
    node_headers_ready(node, peer);
    node->pool_grew = true; /* it learns the pool */
    node_wake_at(node, node->now.mono + EZ_PING_INTERVAL_MS);
}

bool node_shake(ez_node *node, ez_peer *peer, const ez_message *message)
{
    bool hello = message->type == EZ_MSG_HELLO;
    bool ready = message->type == EZ_MSG_READY;
    if (peer->ready && !hello && !ready) {
        return false;
    }
    if (hello && !peer->got_hello) {
        greet(node, peer, &message->as.hello);
    } else if (ready && peer->got_hello && !peer->got_ready) {
        peer->got_ready = true;
        become_ready(node, peer);
    } else if (message->type == EZ_MSG_GOODBYE) {
        node_goodbye_received(node, peer, message->as.goodbye.reason);
    } else {
        node_close_peer(node, peer, EZ_GOODBYE_MESSAGE_ORDER,
                        peer->ready ? "the handshake is over" : "the handshake is not done");
    }
    return true;
}

/* ---- liveness -------------------------------------------------------------------------------- */

void node_pong_received(ez_node *node, ez_peer *peer, uint64_t nonce)
{
    if (peer->ping_sent != 0 && nonce == peer->ping_nonce) {
        peer->ping_ms = (uint32_t)(node->now.mono - peer->ping_sent);
        ez_relay_peer_timed(node->relay, peer->link, peer->ping_ms);
        peer->has_ping = true;
        peer->ping_sent = 0;
    }
}

static void send_ping(ez_node *node, ez_peer *peer)
{
    peer->ping_nonce = ez_rng_next(&node->rng);
    peer->ping_sent = node->now.mono == 0 ? 1 : node->now.mono;
    ez_message ping = {.type = EZ_MSG_PING};
    ping.as.ping.nonce = peer->ping_nonce;
    node_send(node, peer, &ping, NULL, NULL);
}

/* When a ready peer's silence is looked at next. A ping that does not count is not waited for: its
 * time may be over, and the node would wake for it without end. */
static ez_time_ms silence_due(const ez_peer *peer, bool clear)
{
    ez_time_ms heard = peer->last_received;
    ez_time_ms latest = peer->ping_sent > heard ? peer->ping_sent : heard;
    if (peer->ping_sent == 0) {
        return heard + EZ_PING_INTERVAL_MS;
    }
    return clear ? latest + EZ_PING_TIMEOUT_MS : heard + EZ_SILENCE_MS_MAX;
}

/* One peer's timers; wakes the node for the next of them. */
static void check_link(ez_node *node, ez_peer *peer)
{
    ez_time_ms now = node->now.mono;
    if (!peer->ready) {
        ez_time_ms due = peer->since + EZ_HANDSHAKE_TIMEOUT_MS;
        if (now >= due) {
            node_close_peer(node, peer, EZ_GOODBYE_TIMEOUT, "the handshake took too long");
        } else {
            node_wake_at(node, due);
        }
        return;
    }
    /* A ping behind much output of ours says nothing; the driver watches whether that is read. */
    bool clear = peer->queued < PING_QUEUED_MAX;
    if (peer->ping_sent != 0 && clear && now >= peer->ping_sent + EZ_PING_TIMEOUT_MS &&
        now >= peer->last_received + EZ_PING_TIMEOUT_MS) {
        node_close_peer(node, peer, EZ_GOODBYE_TIMEOUT, "no answer to a ping");
        return;
    }
    if (now >= peer->last_received + EZ_SILENCE_MS_MAX) {
        node_close_peer(node, peer, EZ_GOODBYE_TIMEOUT, "silence");
        return;
    }
    if (peer->headers_asked != 0 && now >= peer->headers_asked + EZ_HEADERS_TIMEOUT_MS) {
        node_close_peer(node, peer, EZ_GOODBYE_TIMEOUT, "no answer to a request for headers");
        return;
    }
    bool first = !peer->has_ping && peer->ping_sent == 0;
    if (peer->ping_sent == 0 && (first || now >= peer->last_received + EZ_PING_INTERVAL_MS)) {
        send_ping(node, peer);
    }
    node_wake_at(node, silence_due(peer, clear));
    if (peer->headers_asked != 0) {
        node_wake_at(node, peer->headers_asked + EZ_HEADERS_TIMEOUT_MS);
    }
    if (peer->recheck_at != 0 && peer->headers_asked == 0) {
        node_wake_at(node, peer->recheck_at);
    }
}

void node_check_links(ez_node *node)
{
    ez_peer *peer, *next;
    HASH_ITER (hh, node->peers, peer, next) {
        if (!peer->closing) {
            check_link(node, peer);
        }
    }
}
